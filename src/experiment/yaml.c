// The tree from libyaml's events. Recursion is bounded by TI_YAML_MAX_DEPTH.
#include "experiment/yaml.h"

#include <string.h>

#ifdef TARN_HAVE_YAML
#include <yaml.h>

typedef struct reader {
    yaml_parser_t parser;
    ti_arena *arena;
    const char *file;
    int nodes, depth;
} reader;

static int line_of(yaml_mark_t m) { return (int)m.line + 1; }

static tarn_status refuse(const reader *r, const yaml_event_t *e, const char *what) {
    return ti_error(TARN_EFORMAT, "%s:%d: %s", r->file, line_of(e->start_mark), what);
}

static tarn_status next_event(reader *r, yaml_event_t *e) {
    if (yaml_parser_parse(&r->parser, e)) return TARN_OK;
    if (r->parser.error == YAML_MEMORY_ERROR) return ti_error(TARN_ENOMEM, "out of memory");
    return ti_error(TARN_EFORMAT, "%s:%d: %s", r->file, line_of(r->parser.problem_mark),
                    r->parser.problem ? r->parser.problem : "not YAML");
}

static tarn_status new_node(reader *r, const yaml_event_t *e, ti_yaml_kind kind, ti_yaml **out) {
    ti_yaml *n = NULL;
    if (++r->nodes > TI_YAML_MAX_NODES) return refuse(r, e, "too many values");
    TI_TRY(ti_arena_alloc(r->arena, sizeof *n, &n));
    n->kind = kind;
    n->file = r->file;
    n->line = line_of(e->start_mark);
    *out = n;
    return TARN_OK;
}

static void append(ti_yaml *parent, ti_yaml *child) {
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

static tarn_status read_scalar(reader *r, const yaml_event_t *e, ti_yaml **out) {
    const char *text = (const char *)e->data.scalar.value;
    if (e->data.scalar.anchor) return refuse(r, e, "anchors (&name) are not supported");
    if (e->data.scalar.tag) return refuse(r, e, "tags (!name) are not supported");
    if (strlen(text) != e->data.scalar.length) return refuse(r, e, "a text with a zero byte");
    TI_TRY(new_node(r, e, TI_YAML_SCALAR, out));
    (*out)->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return ti_arena_strdup(r->arena, text, &(*out)->text);
}

static tarn_status read_value(reader *r, const yaml_event_t *e, ti_yaml **out);

// The rest of a collection, up to the event that ends it.
static tarn_status read_children(reader *r, ti_yaml *parent) {
    for (bool more = true; more;) {
        yaml_event_t e;
        ti_yaml *child = NULL;
        TI_TRY(next_event(r, &e));
        more = e.type != YAML_MAPPING_END_EVENT && e.type != YAML_SEQUENCE_END_EVENT;
        tarn_status st = more ? read_value(r, &e, &child) : TARN_OK;
        yaml_event_delete(&e);
        TI_TRY(st);
        if (more) append(parent, child);
    }
    return TARN_OK;
}

// A map was read as a list key, value, key, value: make it one of values that have keys.
static tarn_status pair_up(ti_yaml *map) {
    ti_yaml *at = map->first;
    map->first = map->last = NULL;
    map->count = 0;
    while (at) {
        ti_yaml *key = at, *value = at->next;
        at = value->next;
        value->next = NULL;
        if (key->kind != TI_YAML_SCALAR) return ti_yaml_error(key, "a key that is no text");
        if (ti_yaml_get(map, key->text))
            return ti_yaml_error(key, "key '%.60s' is there twice", key->text);
        value->key = key->text;
        value->line = key->line;
        append(map, value);
    }
    return TARN_OK;
}

static tarn_status read_collection(reader *r, const yaml_event_t *e, ti_yaml_kind kind,
                                   ti_yaml **out) {
    bool map = kind == TI_YAML_MAP;
    if (map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor)
        return refuse(r, e, "anchors (&name) are not supported");
    if (map ? e->data.mapping_start.tag : e->data.sequence_start.tag)
        return refuse(r, e, "tags (!name) are not supported");
    if (r->depth == TI_YAML_MAX_DEPTH) return refuse(r, e, "nested too deeply");
    TI_TRY(new_node(r, e, kind, out));
    r->depth++;
    TI_TRY(read_children(r, *out));
    r->depth--;
    return map ? pair_up(*out) : TARN_OK;
}

static tarn_status read_value(reader *r, const yaml_event_t *e, ti_yaml **out) {
    switch (e->type) {
    case YAML_SCALAR_EVENT: return read_scalar(r, e, out);
    case YAML_MAPPING_START_EVENT: return read_collection(r, e, TI_YAML_MAP, out);
    case YAML_SEQUENCE_START_EVENT: return read_collection(r, e, TI_YAML_LIST, out);
    case YAML_ALIAS_EVENT: return refuse(r, e, "aliases (*name) are not supported");
    default: return refuse(r, e, "a value expected");
    }
}

// Stream and document starts give the node; what follows it must be their ends.
static tarn_status read_document(reader *r, ti_yaml **root) {
    for (bool more = true; more;) {
        yaml_event_t e;
        tarn_status st = next_event(r, &e);
        if (st) return st;
        switch (e.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT: break;
        case YAML_DOCUMENT_START_EVENT:
            if (*root) st = refuse(r, &e, "a second document");
            break;
        case YAML_STREAM_END_EVENT: more = false; break;
        default: st = read_value(r, &e, root);
        }
        yaml_event_delete(&e);
        if (st) return st;
    }
    return *root ? TARN_OK : ti_error(TARN_EFORMAT, "%s: empty", r->file);
}

tarn_status ti_yaml_parse(ti_arena *a, const char *file, const char *text, size_t size,
                          ti_yaml **root) {
    reader r = {.arena = a};
    ti_yaml *tree = NULL;
    TI_TRY(ti_arena_strdup(a, file, &r.file));
    if (size > TI_YAML_MAX_BYTES)
        return ti_error(TARN_ELIMIT, "%s: %zu bytes, at most %d allowed", file, size,
                        TI_YAML_MAX_BYTES);
    if (!yaml_parser_initialize(&r.parser)) return ti_error(TARN_ENOMEM, "out of memory");
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
    tarn_status st = read_document(&r, &tree);
    yaml_parser_delete(&r.parser);
    if (!st) *root = tree;
    return st;
}

#else

tarn_status ti_yaml_parse(ti_arena *a, const char *file, const char *text, size_t size,
                          ti_yaml **root) {
    (void)a, (void)text, (void)size, (void)root;
    return ti_error(TARN_EUNSUPPORTED,
                    "%s: this build reads no experiment files: it was made without libyaml "
                    "(libyaml-dev)",
                    file);
}

#endif
