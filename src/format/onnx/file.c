// ONNX files: unpacked by protobuf-c with bounded memory, then the checks that need no graph.
// The parser copies what it reads, so the file is mapped only while that lasts. Its recursion is
// bounded by the messages that onnx.proto declares.
#include <stdlib.h>
#include <string.h>

#include "format/onnx/onnx.h"
#include "io/io.h"

// protobuf's own limit; and what unpacked messages may take: eight times the file (whole numbers
// of one byte become eight) and room for small files.
enum { MAX_FILE = INT32_MAX, ROOM_BYTES = 16 << 20, ROOM_TIMES = 8 };

const char *ti_onnx_text(const char *s) { return s ? s : ""; }

// ---- memory ------------------------------------------------------------------------------------

static void *take(void *memory, size_t bytes) {
    ti_onnx_memory *m = memory;
    void *p = NULL;
    if (m->status) return NULL;
    if (bytes > m->left) {
        m->status = ti_error(TARN_ELIMIT, "unpacked it takes more than %d times the file",
                             (int)ROOM_TIMES);
        return NULL;
    }
    m->left -= bytes;
    m->status = ti_arena_alloc(&m->arena, bytes, &p);
    return p;
}

static void give(void *memory, void *p) {
    (void)memory;  // all is given back at once, with the arena
    (void)p;
}

ProtobufCAllocator ti_onnx_allocator(ti_onnx_memory *m, size_t file_bytes) {
    *m = (ti_onnx_memory){.left = file_bytes * ROOM_TIMES + ROOM_BYTES};
    return (ProtobufCAllocator){.alloc = take, .free = give, .allocator_data = m};
}

// ---- checks ------------------------------------------------------------------------------------

static bool is_default(const char *domain) { return !*domain || !strcmp(domain, "ai.onnx"); }

int64_t ti_onnx_opset(const tarn_onnx *m, const char *domain) {
    // Before IR version 3 there was one set of operations.
    if (m->model->ir_version < 3 && m->model->n_opset_import == 0) return is_default(domain);
    for (size_t i = 0; i < m->model->n_opset_import; i++) {
        const TiOnnx__OperatorSetIdProto *o = m->model->opset_import[i];
        const char *have = ti_onnx_text(o->domain);
        if (is_default(domain) ? is_default(have) : !strcmp(have, domain)) return o->version;
    }
    return 0;
}

static tarn_status check_versions(const tarn_onnx *m) {
    int64_t ir = m->model->ir_version, opset = ti_onnx_opset(m, "");
    if (ir < 1 || ir > TI_ONNX_NEWEST_IR)
        return ti_error(ir < 1 ? TARN_EFORMAT : TARN_EUNSUPPORTED,
                        "it has IR version %lld, this build reads 1 to %d", (long long)ir,
                        TI_ONNX_NEWEST_IR);
    if (opset < 1 || opset > TI_ONNX_NEWEST_OPSET)
        return ti_error(opset < 1 ? TARN_EFORMAT : TARN_EUNSUPPORTED,
                        "it has opset %lld, this build reads 1 to %d", (long long)opset,
                        TI_ONNX_NEWEST_OPSET);
    return TARN_OK;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Bytes of one UTF-8 character that is no control character; 0: none begins here.
static int character(const uint8_t *s) {
    int more = *s < 0x80 ? 0 : (*s & 0xe0) == 0xc0 ? 1 : (*s & 0xf0) == 0xe0 ? 2 : 3;
    if (*s < 0x20 || *s == 0x7f || (*s & 0xc0) == 0x80 || *s >= 0xf5) return 0;
    for (int i = 1; i <= more; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    return more + 1;
}

// Names of inputs and outputs are printed.
static tarn_status check_name(const char *name) {
    char shown[TI_SHOWN_CAP];
    const uint8_t *s = (const uint8_t *)name;
    for (int n; *s; s += n)
        if (!(n = character(s)))
            return ti_error(TARN_EFORMAT, "'%s' names an input or output, but is no text",
                            ti_shown(name, strlen(name), shown));
    return *name ? TARN_OK : ti_error(TARN_EFORMAT, "an input or output has no name");
}

static tarn_status check_names(const TiOnnx__GraphProto *g) {
    for (size_t i = 0; i < g->n_input; i++) TI_TRY(check_name(ti_onnx_text(g->input[i]->name)));
    for (size_t i = 0; i < g->n_output; i++) TI_TRY(check_name(ti_onnx_text(g->output[i]->name)));
    return TARN_OK;
}

// Names of the initializers, in order.
static tarn_status sorted_names(const TiOnnx__GraphProto *g, const char ***out) {
    const char **names = NULL;
    TI_TRY(ti_alloc(g->n_initializer * sizeof *names, &names));
    for (size_t i = 0; i < g->n_initializer; i++) names[i] = ti_onnx_text(g->initializer[i]->name);
    qsort(names, g->n_initializer, sizeof *names, by_text);
    *out = names;
    return TARN_OK;
}

// Inputs with an initializer have that as their value: files of IR version 3 list all weights.
static tarn_status find_inputs(tarn_onnx *m) {
    const TiOnnx__GraphProto *g = m->graph;
    const char **names;
    if (g->n_node > INT32_MAX || g->n_input > INT32_MAX || g->n_output > INT32_MAX)
        return ti_error(TARN_ELIMIT, "its graph has more than 2^31 nodes, inputs or outputs");
    TI_TRY(ti_alloc((g->n_input + 1) * sizeof *m->inputs, &m->inputs));
    TI_TRY(sorted_names(g, &names));
    for (size_t i = 0; i < g->n_input; i++) {
        const char *name = ti_onnx_text(g->input[i]->name);
        if (!bsearch(&name, names, g->n_initializer, sizeof name, by_text))
            m->inputs[m->n_inputs++] = g->input[i];
    }
    ti_free(names);
    m->n_outputs = (int)g->n_output;
    return TARN_OK;
}

static tarn_status unpack(tarn_onnx *m, const uint8_t *data, size_t size) {
    ProtobufCAllocator a = ti_onnx_allocator(&m->memory, size);
    if (size > MAX_FILE) return ti_error(TARN_ELIMIT, "it has more than %d bytes", MAX_FILE);
    m->model = ti_onnx__model_proto__unpack(&a, size, data);
    if (m->memory.status) return m->memory.status;
    if (!m->model) return ti_error(TARN_EFORMAT, "it is no ONNX model, or damaged");
    m->graph = m->model->graph;
    if (!m->graph) return ti_error(TARN_EFORMAT, "it holds no graph");
    TI_TRY(check_versions(m));
    TI_TRY(check_names(m->graph));
    return find_inputs(m);
}

// ---- opening -----------------------------------------------------------------------------------

static tarn_status copy_text(const char *s, size_t n, char **out) {
    TI_TRY(ti_alloc(n + 1, out));
    memcpy(*out, s, n);
    (*out)[n] = 0;
    return TARN_OK;
}

tarn_status ti_onnx_parse(const char *what, const char *folder, const uint8_t *data, size_t size,
                          tarn_onnx **out) {
    tarn_onnx *m = NULL;
    TI_TRY(ti_alloc_zero(sizeof *m, &m));
    tarn_status st = copy_text(what, strlen(what), &m->what);
    if (!st && folder) st = copy_text(folder, strlen(folder), &m->folder);
    if (!st) st = unpack(m, data, size);
    if (st) {
        tarn_onnx_close(m);
        return ti_error_at(st, "%s", what);
    }
    *out = m;
    return TARN_OK;
}

tarn_status tarn_onnx_open(const char *path, tarn_onnx **out) {
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    ti_map map;
    TI_TRY(ti_map_open(path, &map));
    tarn_status st = slash ? copy_text(path, (size_t)(slash - path) + 1, &folder)
                           : copy_text(".", 1, &folder);
    if (!st) st = ti_onnx_parse(path, folder, map.data, map.size, out);
    ti_free(folder);
    ti_map_close(&map);
    return st;
}

void tarn_onnx_close(tarn_onnx *m) {
    if (!m) return;
    ti_arena_free(&m->memory.arena);
    ti_free(m->inputs);
    ti_free(m->folder);
    ti_free(m->what);
    ti_free(m);
}

const char *tarn_onnx_input(const tarn_onnx *m, int i) {
    return i >= 0 && i < m->n_inputs ? ti_onnx_text(m->inputs[i]->name) : NULL;
}

const char *tarn_onnx_output(const tarn_onnx *m, int i) {
    return i >= 0 && i < m->n_outputs ? ti_onnx_text(m->graph->output[i]->name) : NULL;
}
