// Tables of keys: what a map of an experiment file may hold, and how each value is read into a
// struct. Unknown keys, wrong types and numbers out of range are answered here for all sections.
#ifndef TI_KEYS_H
#define TI_KEYS_H

#include "experiment/yaml.h"
#include "nn/layer.h"

typedef struct ti_key ti_key;
struct ti_key {
    const char *name;
    // Read n into the struct at `out` (the whole struct; key->at is the member's offset).
    tarn_status (*read)(const ti_yaml *n, const ti_key *key, void *out);
    size_t at;
    double min, max;  // numbers
};

// n must be a map whose keys are in the table. where: "dense", or "" for the top of the file.
tarn_status ti_read_map(const ti_yaml *n, const ti_key *keys, size_t count, const char *where,
                        void *out);
#define TI_READ_MAP(n, keys, where, out) \
    ti_read_map(n, keys, sizeof(keys) / sizeof *(keys), where, out)

// Readers of plain members.
tarn_status ti_read_number(const ti_yaml *n, const ti_key *key, void *out);  // double; "1/255" too
tarn_status ti_read_int(const ti_yaml *n, const ti_key *key, void *out);     // int64_t
tarn_status ti_read_seed(const ti_yaml *n, const ti_key *key, void *out);    // uint64_t
tarn_status ti_read_bool(const ti_yaml *n, const ti_key *key, void *out);
tarn_status ti_read_text(const ti_yaml *n, const ti_key *key, void *out);  // const char *

// A name, or a map with one key: "adam", or {adam: {..}}. *options NULL: a name alone.
tarn_status ti_read_choice(const ti_yaml *n, const char *what, const char **name,
                           const ti_yaml **options);
// The value of a key that was written short, read as the member `key` of out.
tarn_status ti_read_short(const ti_yaml *n, const ti_key *keys, size_t count, const char *key,
                          void *out);

#endif
