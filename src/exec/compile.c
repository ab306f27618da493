// From a graph to a program: lower, canonical, simplify, plan, device. Each stage is a function of
// the one before and can be printed (dump) or left out (skip_pass) with the same result bits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/stablehlo.h"
#include "exec/program.h"

// Is `word` in the comma list?
static bool named(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',')
        if (strcspn(p, ",") == n && !strncmp(p, word, n)) return true;
    return false;
}

// The same; "all" names every word.
static bool listed(const char *list, const char *word) {
    return named(list, word) || named(list, "all");
}

static bool wanted(const tarn_compile_opts *o, const char *stage) {
    return o->dump_to && listed(o->dump, stage);
}

static void dump_text(const tarn_compile_opts *o, const char *stage, ti_buf *b) {
    if (!ti_buf_status(b)) fprintf(o->dump_to, "---- %s ----\n%s", stage, b->data);
    ti_buf_free(b);
}

static void dump_graph(const tarn_compile_opts *o, const char *stage, const tarn_graph *g) {
    if (!wanted(o, stage)) return;
    ti_buf b;
    ti_buf_init(&b, 64u << 20);
    ti_graph_print(g, &b);
    dump_text(o, stage, &b);
}

static void dump_plan(const tarn_compile_opts *o, const ti_plan *p) {
    if (!wanted(o, "plan")) return;
    ti_buf b;
    ti_buf_init(&b, 64u << 20);
    ti_plan_print(p, &b);
    dump_text(o, "plan", &b);
}

// Texts for other devices are not among "all": they are long, and not what this device runs.
static bool wanted_text(const tarn_compile_opts *o, const char *name) {
    return o->dump_to && named(o->dump, name);
}

static tarn_status dump_source(const tarn_compile_opts *o, tarn_status st, ti_buf *b) {
    if (!st) fprintf(o->dump_to, "%s", b->data);
    ti_buf_free(b);
    return st;
}

static tarn_status dump_stablehlo(const tarn_compile_opts *o, const ti_work *w) {
    if (!wanted_text(o, "stablehlo")) return TARN_OK;
    ti_buf b;
    ti_buf_init(&b, 64u << 20);
    return dump_source(o, ti_print_stablehlo(w, NULL, &b), &b);
}

static tarn_status dump_plan_texts(const tarn_compile_opts *o, const ti_plan *p) {
    for (const ti_plan_text *t = ti_plan_texts; t->name; t++) {
        if (!wanted_text(o, t->name)) continue;
        ti_buf b;
        ti_buf_init(&b, 64u << 20);
        TI_TRY(dump_source(o, t->print(p, &b), &b));
    }
    return TARN_OK;
}

static tarn_status verify(const ti_work *w, const char *stage) {
#ifdef NDEBUG
    (void)w;
    (void)stage;
    return TARN_OK;
#else
    tarn_status st = ti_graph_verify(w->g);
    return st ? ti_error_at(st, "after %s", stage) : TARN_OK;
#endif
}

typedef tarn_status (*pass_fn)(const ti_work *in, ti_work *out);
static const struct {
    const char *name;
    pass_fn run;
    bool needed;  // what follows cannot do without
} passes[] = {{"specialise", ti_pass_specialise, false},
              {"lower", ti_pass_lower, true},
              {"canonical", ti_pass_canonical, true},
              {"simplify", ti_pass_simplify, false}};

static tarn_status run_passes(const tarn_compile_opts *o, const ti_work *in, ti_work *out) {
    ti_work now = *in, next;
    bool owned = false;
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        if (!passes[i].needed && listed(o->skip_pass, passes[i].name)) continue;
        tarn_status st = passes[i].run(&now, &next);
        if (owned) ti_work_free(&now);
        if (st) return ti_error_at(st, "%s", passes[i].name);
        now = next;
        owned = true;
        st = verify(&now, passes[i].name);
        if (st) ti_work_free(&now);
        TI_TRY(st);
        dump_graph(o, passes[i].name, now.g);
    }
    *out = now;
    return TARN_OK;
}

// Groups are containers: their members are what must happen. Random draws advance their counter.
static int flatten(tarn_node *n, tarn_node **out, int at) {
    if (n->op != &ti_op_group) {
        if (out) out[at] = n;
        return at + 1;
    }
    for (int i = 0; i < n->n_in; i++) at = flatten(n->in[i], out, at);
    return at;
}

static bool draws(const tarn_graph *g) {
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i]->op == &ti_op_random_bits || g->nodes[i]->op == &ti_op_dropout) return true;
    return false;
}

// Roots: the fetches in order (a group stands as its first member, or nothing), then all members.
static tarn_status make_roots(tarn_graph *g, tarn_fetch fetch, ti_work *w) {
    int n = fetch.count;
    for (int i = 0; i < fetch.count; i++) {
        if (!fetch.nodes[i]) return ti_error(TARN_EARG, "fetch %d is NULL", i);
        if (fetch.nodes[i]->graph != g)
            return ti_error(TARN_EARG, "fetch %d is of another graph", i);
        n += flatten(fetch.nodes[i], NULL, 0);
    }
    *w = (ti_work){.g = g};
    TI_TRY(ti_alloc_zero((size_t)(n + 1) * sizeof *w->roots, &w->roots));
    for (int i = 0; i < fetch.count; i++) w->roots[w->n_roots++] = fetch.nodes[i];
    for (int i = 0; i < fetch.count; i++)
        if (fetch.nodes[i]->op == &ti_op_group)
            w->n_roots = flatten(fetch.nodes[i], w->roots, w->n_roots);
    if (g->random_next && draws(g)) w->roots[w->n_roots++] = g->random_next;
    return TARN_OK;
}

static tarn_jit jit_mode(const tarn_compile_opts *o) {
    const char *env = getenv("TARN_JIT");
    if (o->jit != TARN_JIT_AUTO || !env) return o->jit;
    return !strcmp(env, "off")    ? TARN_JIT_OFF
           : !strcmp(env, "wait") ? TARN_JIT_WAIT
                                  : TARN_JIT_AUTO;
}

// The symbols that a node's size is made of and running finds.
static uint32_t found_in(const tarn_node *n) {
    uint32_t found = ti_dim_found_by(n->graph, n->at.dim);
    for (int i = 0; i < n->shape.rank; i++) found |= ti_dim_found_by(n->graph, n->shape.dim[i]);
    return found;
}

// A program some of whose dimensions depend on values runs on the reference device, and must hold
// the ops that find them: a size by itself is no operand that would keep them alive.
static tarn_status choose_backend(tarn_program *p) {
    uint32_t known = 0;
    for (int i = 0; i < p->work.g->n_nodes; i++) {
        const tarn_node *n = p->work.g->nodes[i];
        if (n->op->extent) known |= ti_dim_found_by(n->graph, n->at.dim);
        if (found_in(n) & ~known)
            return ti_error(TARN_EARG, "%s has a size that an operation finds which is not fetched",
                            n->op->name);
    }
    if (known && !p->backend->finds_dims) p->backend = ti_backend_find("ref", NULL);
    return TARN_OK;
}

static tarn_status make_plan(tarn_program *p, const tarn_compile_opts *o) {
    ti_plan_opts t = {.fuse = !listed(o->skip_pass, "fuse"),
                      .in_place = !o->no_in_place && !listed(o->skip_pass, "in_place")};
    TI_TRY(ti_plan_make(p->work.g, p->work.roots, p->work.n_roots, &t, &p->plan));
    dump_plan(o, p->plan);
    TI_TRY(ti_plan_verify(p->plan));
    return dump_plan_texts(o, p->plan);
}

static tarn_status build(tarn_program *p, tarn_graph *g, tarn_fetch fetch,
                         const tarn_compile_opts *o) {
    ti_work start = {0};
    p->opts.jit = jit_mode(o);
    p->opts.poison = o->poison;
    p->opts.profile = o->profile;
    dump_graph(o, "graph", g);
    tarn_status st = make_roots(g, fetch, &start);
    if (!st) st = run_passes(o, &start, &p->work);
    ti_free(start.roots);
    if (!st) st = choose_backend(p);
    if (!st) st = dump_stablehlo(o, &p->work);
    if (!st) st = make_plan(p, o);
    return st ? st : ti_session_init(p, &p->own);
}

tarn_status tarn_compile_opts_(tarn_graph *g, tarn_fetch fetch, const char *device,
                               const tarn_compile_opts *opts, tarn_program **out) {
    static const tarn_compile_opts none;
    tarn_program *p = NULL;
    double start = ti_now();
    TI_TRY(tarn_graph_status(g));
    int ordinal = 0;
    const ti_backend *backend = ti_backend_find(device ? device : "cpu", &ordinal);
    if (!backend) return TARN_EUNSUPPORTED;
    TI_TRY(ti_alloc_zero(sizeof *p, &p));
    p->backend = backend;
    p->opts.ordinal = ordinal;
    p->store = g->store;
    tarn_status st = build(p, g, fetch, opts ? opts : &none);
    if (st) {
        tarn_program_free(p);
        return st;
    }
    p->compile_seconds = ti_now() - start;
    *out = p;
    return TARN_OK;
}

tarn_status tarn_compile(tarn_graph *g, tarn_fetch fetch, const char *device, tarn_program **out) {
    return tarn_compile_opts_(g, fetch, device, NULL, out);
}

void tarn_program_free(tarn_program *p) {
    if (!p) return;
    ti_session_clear(&p->own);
    ti_plan_free(p->plan);
    if (p->work.g) ti_work_free(&p->work);
    ti_free(p);
}

tarn_status tarn_bind(tarn_program *p, const char *input, const void *data, tarn_shape shape) {
    return tarn_session_bind(&p->own, input, data, shape);
}
tarn_status tarn_run(tarn_program *p) { return tarn_session_run(&p->own); }
const void *tarn_result(const tarn_program *p, int i, tarn_shape *shape) {
    return tarn_session_result(&p->own, i, shape);
}
double tarn_result_scalar(const tarn_program *p, int i) { return tarn_session_scalar(&p->own, i); }
