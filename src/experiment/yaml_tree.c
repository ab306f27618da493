// Looking into a tree, and overriding values of it (--set a.b=v).
#include <stdio.h>
#include <string.h>

#include "experiment/yaml.h"

tarn_status ti_yaml_error_at(const ti_yaml *n, tarn_status st) {
    return n->line ? ti_error_at(st, "%s:%d", n->file, n->line) : ti_error_at(st, "%s", n->file);
}

tarn_status ti_yaml_error(const ti_yaml *n, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return ti_yaml_error_at(n, ti_error(TARN_EFORMAT, "%s", text));
}

ti_yaml *ti_yaml_get(const ti_yaml *map, const char *key) {
    if (!map || map->kind != TI_YAML_MAP) return NULL;
    for (ti_yaml *n = map->first; n; n = n->next)
        if (!strcmp(n->key, key)) return n;
    return NULL;
}

bool ti_yaml_is_null(const ti_yaml *n) {
    return n->kind == TI_YAML_SCALAR && !n->quoted &&
           (!*n->text || !strcmp(n->text, "~") || !strcmp(n->text, "null"));
}

// ---- overrides ----------------------------------------------------------------------------------

typedef struct override {
    ti_arena *arena;
    const char *name;  // "--set a.b=v": for messages
} override;

static tarn_status add_key(const override *o, ti_yaml *map, const char *key, ti_yaml **out) {
    ti_yaml *n = NULL;
    TI_TRY(ti_arena_alloc(o->arena, sizeof *n, &n));
    *n = (ti_yaml){.kind = TI_YAML_MAP, .file = o->name, .key = key};
    if (map->last)
        map->last->next = n;
    else
        map->first = n;
    map->last = n;
    map->count++;
    *out = n;
    return TARN_OK;
}

static tarn_status element(const override *o, const ti_yaml *list, const char *number,
                           ti_yaml **out) {
    int i = 0;
    const char *c = number;
    for (; *c >= '0' && *c <= '9' && i < TI_YAML_MAX_NODES; c++) i = i * 10 + (*c - '0');
    if (!*number || *c || i >= list->count)
        return ti_error(TARN_EFORMAT, "%s: '%.60s' is no element of a list of %d (from 0)", o->name,
                        number, list->count);
    ti_yaml *n = list->first;
    while (i--) n = n->next;
    *out = n;
    return TARN_OK;
}

// One step down the path. A scalar gives way to a map: dropout: 0.2 becomes dropout: {}.
static tarn_status step(const override *o, ti_yaml *n, const char *name, ti_yaml **out) {
    if (n->kind == TI_YAML_LIST) return element(o, n, name, out);
    if (n->kind == TI_YAML_SCALAR) {
        n->kind = TI_YAML_MAP;
        n->first = n->last = NULL;
        n->count = 0;
    }
    if (!*name) return ti_error(TARN_EFORMAT, "%s: an empty name in the path", o->name);
    *out = ti_yaml_get(n, name);
    return *out ? TARN_OK : add_key(o, n, name, out);
}

// Cut the path at its dots.
static tarn_status walk(const override *o, ti_yaml *root, char *path, ti_yaml **out) {
    ti_yaml *n = root;
    for (char *name = path; name;) {
        char *dot = strchr(name, '.');
        if (dot) *dot = 0;
        TI_TRY(step(o, n, name, &n));
        name = dot ? dot + 1 : NULL;
    }
    *out = n;
    return TARN_OK;
}

// An override has no lines: messages name it whole. Depth is bounded by the parser.
static void forget_lines(ti_yaml *n) {
    n->line = 0;
    for (ti_yaml *child = n->first; child; child = child->next) forget_lines(child);
}

tarn_status ti_yaml_set(ti_arena *a, ti_yaml *root, const char *assignment) {
    char name[128];
    override o = {.arena = a};
    const char *copy = NULL, *equals = strchr(assignment, '=');
    snprintf(name, sizeof name, "--set %s", assignment);
    TI_TRY(ti_arena_strdup(a, name, &o.name));
    if (!equals || equals == assignment)
        return ti_error(TARN_EFORMAT, "%s: expected KEY=VALUE, as in optimizer.adam.epsilon=1e-8",
                        o.name);
    ti_yaml *target = NULL, *value = NULL;
    TI_TRY(ti_arena_strdup(a, assignment, &copy));
    char *path = (char *)(uintptr_t)copy;  // our copy
    path[equals - assignment] = 0;
    TI_TRY(ti_yaml_parse(a, o.name, equals + 1, strlen(equals + 1), &value));
    TI_TRY(walk(&o, root, path, &target));
    forget_lines(value);
    ti_yaml kept = *target;
    *target = *value;
    target->key = kept.key;
    target->next = kept.next;
    return TARN_OK;
}
