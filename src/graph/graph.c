// Graphs and their nodes: building, the sticky first error, hash-consing.
#include "graph/graph.h"

#include <string.h>

tarn_graph *tarn_graph_create(tarn_store *store) {
    tarn_graph *g = NULL;
    if (ti_alloc_zero(sizeof *g, &g)) return NULL;
    g->store = store;
    g->sym[0] = (ti_sym){"batch", 1, 1, -1, -1, false};
    g->n_sym = 1;
    return g;
}

void tarn_graph_free(tarn_graph *g) {
    if (!g) return;
    for (ti_region *r = g->regions; r; r = r->next) tarn_graph_free(r->g);
    ti_arena_free(&g->arena);
    ti_free(g->nodes);
    ti_free(g->table);
    ti_free(g);
}

tarn_status tarn_graph_status(const tarn_graph *g) {
    return g->status ? ti_error_restore(g->status, g->error) : TARN_OK;
}

tarn_node *ti_graph_fail(tarn_graph *g, tarn_status st) {
    if (!g->status) {
        g->status = st;
        ti_error_save(g->error, sizeof g->error);
    }
    return NULL;
}

void tarn_graph_scope(tarn_graph *g, const char *label) {
    g->scope = NULL;
    if (label && ti_arena_strdup(&g->arena, label, &g->scope)) ti_graph_fail(g, TARN_ENOMEM);
}

// ---- hash-consing -------------------------------------------------------------------------------

static uint64_t mix(uint64_t h, uint64_t v) {
    h ^= v;
    h *= 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static uint64_t node_hash(const tarn_node *n) {
    uint64_t h = ti_hash64(n->op->name), bits;
    for (int i = 0; i < n->n_in; i++) h = mix(h, (uint64_t)n->in[i]->id);
    memcpy(&bits, &n->at.value, sizeof bits);
    h = mix(mix(h, bits), n->at.stream);
    h = mix(mix(h, n->at.axes), (uint64_t)n->at.axis + (uint64_t)n->dtype * 64);
    for (int i = 0; i < n->shape.rank; i++)
        h = mix(mix(h, (uint64_t)n->shape.dim[i]), (uint64_t)n->at.start[i]);
    return h;
}

// Field by field: what lies between the fields is not defined.
static bool attrs_equal(const ti_attrs *a, const ti_attrs *b) {
    return !memcmp(&a->value, &b->value, sizeof a->value) && a->stream == b->stream &&
           a->var == b->var && a->dim == b->dim && a->name == b->name && a->axes == b->axes &&
           a->axis == b->axis && a->dtype == b->dtype && tarn_shape_equal(&a->shape, &b->shape) &&
           !memcmp(a->perm, b->perm, sizeof a->perm) && a->keep == b->keep &&
           !memcmp(a->start, b->start, sizeof a->start) &&
           !memcmp(a->step, b->step, sizeof a->step) && a->trans_a == b->trans_a &&
           a->trans_b == b->trans_b && !memcmp(&a->window, &b->window, sizeof a->window);
}

static bool node_equal(const tarn_node *a, const tarn_node *b) {
    return a->op == b->op && a->n_in == b->n_in && a->dtype == b->dtype &&
           tarn_shape_equal(&a->shape, &b->shape) && attrs_equal(&a->at, &b->at) &&
           !memcmp(a->in, b->in, (size_t)a->n_in * sizeof *a->in);
}

static tarn_status table_grow(tarn_graph *g) {
    int cap = g->table_cap ? g->table_cap * 2 : 256;
    int *table = NULL;
    TI_TRY(ti_alloc_zero((size_t)cap * sizeof *table, &table));
    for (int i = 0; i < g->n_nodes; i++) {
        uint64_t at = node_hash(g->nodes[i]) & (uint64_t)(cap - 1);
        while (table[at]) at = (at + 1) & (uint64_t)(cap - 1);
        table[at] = i + 1;
    }
    ti_free(g->table);
    g->table = table;
    g->table_cap = cap;
    return TARN_OK;
}

// The equal node already built, or NULL with *slot where n belongs.
static tarn_node *table_find(tarn_graph *g, const tarn_node *n, uint64_t *slot) {
    uint64_t mask = (uint64_t)g->table_cap - 1, at = node_hash(n) & mask;
    for (; g->table[at]; at = (at + 1) & mask)
        if (node_equal(g->nodes[g->table[at] - 1], n)) return g->nodes[g->table[at] - 1];
    *slot = at;
    return NULL;
}

// ---- building -----------------------------------------------------------------------------------

static tarn_status node_push(tarn_graph *g, tarn_node *n) {
    if (g->n_nodes == g->cap_nodes) {
        int cap = g->cap_nodes ? g->cap_nodes * 2 : 64;
        TI_TRY(ti_realloc((size_t)g->n_nodes * sizeof n, (size_t)cap * sizeof n, &g->nodes));
        g->cap_nodes = cap;
    }
    n->id = g->n_nodes;
    g->nodes[g->n_nodes++] = n;
    return TARN_OK;
}

// Rank 0 to 8, and every negative dimension one that the graph has named.
static tarn_status shape_defined(const tarn_graph *g, const tarn_shape *s) {
    if (s->rank < 0 || s->rank > TARN_MAX_RANK)
        return ti_error(TARN_ESHAPE, "rank %d, 0 to %d allowed", s->rank, TARN_MAX_RANK);
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] < -g->n_sym)
            return ti_error(TARN_ESHAPE, "dimension %d is %lld", i, (long long)s->dim[i]);
    return TARN_OK;
}

// f16 and bf16 are stored and cast.
static tarn_status no_halves(const tarn_node *n) {
    for (int i = 0; i < n->n_in; i++)
        if (ti_dtype_half(n->in[i]->dtype))
            return ti_error(TARN_EUNSUPPORTED, "operand %d is %s: cast it to f32", i,
                            tarn_dtype_name(n->in[i]->dtype));
    return TARN_OK;
}

static tarn_status node_make(tarn_graph *g, const ti_op *op, tarn_node *const *in, int n_in,
                             const ti_attrs *at, tarn_node **out) {
    if (op->n_in >= 0 && op->n_in != n_in)
        return ti_error(TARN_EARG, "%s takes %d operands, not %d", op->name, op->n_in, n_in);
    tarn_node *n = NULL;
    TI_TRY(ti_arena_alloc(&g->arena, sizeof *n, &n));
    TI_TRY(ti_arena_alloc(&g->arena, (size_t)n_in * sizeof *n->in, &n->in));
    n->op = op;
    n->graph = g;
    n->n_in = n_in;
    if (n_in) memcpy(n->in, in, (size_t)n_in * sizeof *n->in);
    if (at) n->at = *at;
    n->label = g->scope ? g->scope : "";
    tarn_status st = shape_defined(g, &n->at.shape);
    if (!st) st = op->infer(n);
    if (!st && op->kind == TI_ELEMENTWISE && op->code != TI_CAST) st = no_halves(n);
    if (!st) st = shape_defined(g, &n->shape);
    if (st && *n->label) return ti_error_at(st, "'%s': %s", n->label, op->name);
    if (st) return ti_error_at(st, "%s", op->name);
    uint64_t slot = 0;
    bool merges = g->hash_cons && op->kind != TI_EFFECT && op->kind != TI_CALL &&
                  op->kind != TI_REGION;
    if (merges) {
        if (2 * (g->n_nodes + 1) > g->table_cap) TI_TRY(table_grow(g));
        tarn_node *same = table_find(g, n, &slot);
        if (same) {
            *out = same;
            return TARN_OK;
        }
    }
    TI_TRY(node_push(g, n));
    if (merges) g->table[slot] = n->id + 1;
    *out = n;
    return TARN_OK;
}

tarn_node *ti_node(tarn_graph *g, const ti_op *op, tarn_node *const *in, int n_in,
                   const ti_attrs *at) {
    if (g->status) return NULL;
    for (int i = 0; i < n_in; i++) {
        if (!in[i])
            return ti_graph_fail(g, ti_error(TARN_EARG, "%s: operand %d is NULL", op->name, i));
        if (in[i]->graph != g)
            return ti_graph_fail(
                g, ti_error(TARN_EARG, "%s: operand %d is of another graph", op->name, i));
    }
    tarn_node *n = NULL;
    tarn_status st = node_make(g, op, in, n_in, at, &n);
    return st ? ti_graph_fail(g, st) : n;
}

tarn_node *ti_node1(tarn_graph *g, const ti_op *op, tarn_node *a, const ti_attrs *at) {
    return ti_node(g, op, &a, 1, at);
}

tarn_node *ti_node2(tarn_graph *g, const ti_op *op, tarn_node *a, tarn_node *b,
                    const ti_attrs *at) {
    tarn_node *in[2] = {a, b};
    return ti_node(g, op, in, 2, at);
}

tarn_dtype tarn_node_dtype(const tarn_node *n) { return n ? n->dtype : TARN_F32; }

const tarn_shape *tarn_node_shape(const tarn_node *n) {
    static const tarn_shape scalar;
    return n ? &n->shape : &scalar;
}

int64_t tarn_node_dim(const tarn_node *n, int axis) {
    if (!n) return 0;
    if (axis < 0) axis += n->shape.rank;
    return axis >= 0 && axis < n->shape.rank ? n->shape.dim[axis] : 0;
}
