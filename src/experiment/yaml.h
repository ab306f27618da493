// A YAML file as a small tree: scalars, maps and lists with the line each stands on. Only what an
// experiment needs: no aliases, tags or several documents, and bounded size, depth and number of
// nodes, so that no file can make much of little.
#ifndef TI_YAML_H
#define TI_YAML_H

#include "base/base.h"

enum {
    TI_YAML_MAX_BYTES = 1 << 20,
    TI_YAML_MAX_DEPTH = 32,
    TI_YAML_MAX_NODES = 100000,
};

typedef enum ti_yaml_kind { TI_YAML_SCALAR, TI_YAML_MAP, TI_YAML_LIST } ti_yaml_kind;

// All memory is of the arena the tree was made in.
typedef struct ti_yaml {
    ti_yaml_kind kind;
    const char *file;  // for messages
    int line;          // 0: none (an override)
    const char *key;   // in a map, else NULL
    const char *text;  // scalar
    bool quoted;       // scalar: it is a text, whatever it looks like
    struct ti_yaml *first, *last, *next;
    int count;  // children
} ti_yaml;

// `file` is copied; it names the text in messages: "FILE:LINE: sentence". TARN_EUNSUPPORTED names
// libyaml in a build without it.
tarn_status ti_yaml_parse(ti_arena *a, const char *file, const char *text, size_t size,
                          ti_yaml **root);
// "a.b.0=v" into the tree: v is YAML, lists count from 0, missing keys of maps are made, and a
// scalar on the way gives way to a map.
tarn_status ti_yaml_set(ti_arena *a, ti_yaml *root, const char *assignment);
// Child by key; NULL when there is none or map is no map.
ti_yaml *ti_yaml_get(const ti_yaml *map, const char *key);
// Nothing was given: an empty plain scalar, "~" or "null".
bool ti_yaml_is_null(const ti_yaml *n);
// "FILE:LINE: sentence"; prepend the place to a pending sentence.
tarn_status ti_yaml_error(const ti_yaml *n, const char *fmt, ...) TARN_PRINTF(2, 3);
tarn_status ti_yaml_error_at(const ti_yaml *n, tarn_status st);

#endif
