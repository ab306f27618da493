// Loops: a scan's step gets a plan of its own, whose memory is one value of the plan around it.
#include "plan/build.h"

static tarn_status operands(ti_build *b, const tarn_node *n) {
    ti_kernel *k = b->k;
    const ti_region *r = n->at.region;
    k->n_in = n->n_in;
    TI_TRY(ti_arena_alloc(&b->p->arena, (size_t)(n->n_in + 1) * sizeof *k->in, &k->in));
    for (int i = 0; i < n->n_in; i++) {
        TI_TRY(ti_value_of(b, ti_storage(b->gs, n->in[i]), &k->in[i]));
        if (ti_value_packed(b, k->in[i]) && !r->variable[i])
            TI_TRY(ti_unpacked(b, k->in[i], &k->in[i]));
    }
    return TARN_OK;
}

// Carries lie in memory in any case, other results when somebody asks for them.
static tarn_status results(ti_build *b, const tarn_node *n, ti_scan *s) {
    size_t count = (size_t)(s->n_roots + s->n_carry + 1);
    TI_TRY(ti_arena_alloc(&b->p->arena, count * sizeof *s->out, &s->out));
    TI_TRY(ti_arena_alloc(&b->p->arena, count * sizeof *s->spare, &s->spare));
    for (int i = 0; i < s->n_roots + s->n_carry; i++) s->out[i] = -1;
    for (int i = n->id + 1; i < b->gs->g->n_nodes; i++) {
        const tarn_node *x = b->gs->g->nodes[i];
        if (x->op->kind == TI_RESULT && x->in[0] == n)
            TI_TRY(ti_value_of(b, x, &s->out[x->at.axis]));
    }
    for (int i = 0; i < s->n_carry; i++) {
        ti_value v = {.dtype = n->in[i]->dtype, .shape = n->in[i]->shape};
        if (s->out[i] < 0) TI_TRY(ti_value_new(b, v, &s->out[i]));
        TI_TRY(ti_value_new(b, v, &s->spare[i]));
    }
    return TARN_OK;
}

static tarn_status step(ti_build *b, const tarn_node *n, ti_scan *s) {
    const ti_region *r = n->at.region;
    TI_TRY(ti_plan_make(r->g, r->roots, r->n_roots, b->opts, &s->body));
    TI_TRY(ti_arena_alloc(&b->p->arena, (size_t)(s->body->n_inputs + 1) * sizeof *s->operand,
                          &s->operand));
    for (int i = 0; i < s->body->n_inputs; i++)
        s->operand[i] = ti_region_operand(s->body->inputs[i]);
    ti_value v = {.dtype = TARN_U8, .bytes = s->body->arena_bytes ? s->body->arena_bytes : 1};
    return ti_value_new(b, v, &s->arena);
}

tarn_status ti_scan_kernel(ti_build *b, const tarn_node *n) {
    const ti_region *r = n->at.region;
    ti_scan *s = NULL;
    TI_TRY(ti_arena_alloc(&b->p->arena, sizeof *s, &s));
    *s = (ti_scan){.n_carry = r->n_carry,
                   .n_x = r->n_x,
                   .n_roots = r->n_roots,
                   .length = n->at.dim,
                   .reverse = r->reverse};
    TI_TRY(operands(b, n));
    TI_TRY(results(b, n, s));
    tarn_status st = step(b, n, s);
    b->k->scan = s;
    return st;
}
