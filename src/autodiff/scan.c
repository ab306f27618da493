// Gradient of a scan: a scan the other way round. Its carries are the gradients of the carries and,
// summed up, of what every step uses; a step takes the carries that the forward step found, does
// that step again and walks back through it.
#include <string.h>

#include "autodiff/autodiff.h"

typedef struct reversal {
    tarn_graph *g;
    tarn_node *y;          // the scan
    const ti_region *f;    // its step
    tarn_node *const *dy;  // by result, NULL: none
    const bool *need;      // by operand
    int n_use, n_y;
    int n_dc, n_du, n_dx, n_dy;  // gradients of carries, used operands, sequences; that come in
    ti_region *r;                // the step back
    tarn_node **in, **leaf;      // its operands, and what they are inside
    tarn_node **map;             // nodes of f -> nodes of r
} reversal;

static bool differentiable(const reversal *v, int operand) {
    return ti_dtype_float(v->y->in[operand]->dtype);
}
// Carries have gradients whether or not their first values do; others when they are needed.
static bool has_gradient(const reversal *v, int operand) {
    return differentiable(v, operand) && (operand < v->f->n_carry || v->need[operand]);
}
// Does result i give a gradient to each step: not the last carries, which begin the loop?
static bool gives(const reversal *v, int i) { return i >= v->f->n_carry && v->dy[i]; }

static void count(reversal *v) {
    const ti_region *f = v->f;
    v->n_use = f->n_in - f->n_carry - f->n_x;
    v->n_y = f->n_roots - f->n_carry;
    for (int i = 0; i < f->n_in; i++) {
        if (!has_gradient(v, i)) continue;
        *(i < f->n_carry ? &v->n_dc : i < f->n_carry + f->n_x ? &v->n_dx : &v->n_du) += 1;
    }
    for (int i = 0; i < f->n_roots + f->n_carry; i++) v->n_dy += gives(v, i);
}

static tarn_node *zeros(const tarn_node *x) {
    return tarn_broadcast_to(x->graph, tarn_constant(x->graph, x->dtype, 0), x->shape);
}

// [dc, du], [carries found, sequences, dy], uses
static void operands(reversal *v) {
    const ti_region *f = v->f;
    int at = 0, uses = f->n_carry + f->n_x;
    for (int i = 0; i < f->n_carry; i++)
        if (has_gradient(v, i)) v->in[at++] = v->dy[i] ? v->dy[i] : zeros(v->y->in[i]);
    for (int i = uses; i < f->n_in; i++)
        if (has_gradient(v, i)) v->in[at++] = zeros(v->y->in[i]);
    for (int i = 0; i < f->n_carry; i++) v->in[at++] = ti_scan_result(v->y, f->n_roots + i);
    for (int i = f->n_carry; i < uses; i++) v->in[at++] = v->y->in[i];
    for (int i = 0; i < f->n_roots + f->n_carry; i++)
        if (gives(v, i)) v->in[at++] = v->dy[i];
    for (int i = uses; i < f->n_in; i++) v->in[at++] = v->y->in[i];
}

// What operand i of the forward step is in the step back.
static tarn_node *found(const reversal *v, int i) {
    int skip = i < v->f->n_carry + v->f->n_x ? 0 : v->n_dy;
    return v->leaf[v->n_dc + v->n_du + skip + i];
}

static tarn_status forward_again(reversal *v) {
    for (int i = 0; i < v->f->n_in; i++) {
        const tarn_node *leaf = ti_region_leaf(v->f, i);
        if (leaf) v->map[leaf->id] = found(v, i);
    }
    return ti_graph_copy(v->r->g, v->f->g, v->map);
}

// The gradient that result i gives to this step.
static tarn_node *given(const reversal *v, int i) {
    int at = v->n_dc + v->n_du + v->f->n_carry + v->f->n_x;
    for (int j = 0; j < i; j++) at += gives(v, j);
    return v->leaf[at];
}

// y and dy of the step: its next carries and results.
static int seeds(const reversal *v, tarn_node **y, tarn_node **dy) {
    const ti_region *f = v->f;
    int n = 0;
    for (int i = 0; i < f->n_carry; i++) {
        if (!has_gradient(v, i)) continue;
        y[n] = v->map[f->roots[i]->id];
        dy[n] = v->leaf[n];
        n++;
    }
    for (int i = f->n_carry; i < f->n_roots; i++) {
        if (!gives(v, i)) continue;
        y[n] = v->map[f->roots[i]->id];
        dy[n++] = given(v, i);
    }
    return n;
}

// Roots of the step back: carries, sums, then the gradients of sequences. d: by operand in order.
static void finish(reversal *v, tarn_node *const *d) {
    const ti_region *f = v->f;
    tarn_graph *g = v->r->g;
    int at = 0, to_use = v->n_dc, to_x = v->n_dc + v->n_du;
    for (int i = 0; i < f->n_in; i++) {
        if (!has_gradient(v, i)) continue;
        tarn_node *x = d[at++];
        if (i < f->n_carry) {
            bool more = gives(v, f->n_roots + i);
            v->r->roots[at - 1] = more ? tarn_add(g, x, given(v, f->n_roots + i)) : x;
        } else if (i < f->n_carry + f->n_x) {
            v->r->roots[to_x++] = x;
        } else {
            v->r->roots[to_use] = tarn_add(g, v->leaf[to_use], x);
            to_use++;
        }
    }
}

static tarn_status step_back(reversal *v) {
    int most = v->f->n_in + v->f->n_roots + 1, n = 0;
    tarn_node **list = NULL;
    TI_TRY(ti_arena_alloc(&v->g->arena, (size_t)(4 * most) * sizeof *list, &list));
    tarn_node **x = list, **d = list + most, **y = list + 2 * most, **dy = list + 3 * most;
    for (int i = 0; i < v->r->n_in; i++) v->leaf[i] = ti_region_input(v->r, i, v->in[i]);
    TI_TRY(tarn_graph_status(v->r->g));
    TI_TRY(forward_again(v));
    for (int i = 0; i < v->f->n_in; i++)
        if (has_gradient(v, i)) x[n++] = found(v, i);
    TI_TRY(ti_vjp(v->r->g, y, dy, seeds(v, y, dy), x, n, d));
    finish(v, d);
    return ti_region_close(v->g, v->r);
}

// Halves cannot be summed up; a step that casts has them outside of the loop.
static tarn_status no_halves(const reversal *v) {
    for (int i = 0; i < v->f->n_in; i++)
        if (ti_dtype_half(v->y->in[i]->dtype) && (i < v->f->n_carry || v->need[i]))
            return ti_error(TARN_EUNSUPPORTED, "operand %d is %s: cast it to f32 before the loop",
                            i, tarn_dtype_name(v->y->in[i]->dtype));
    return TARN_OK;
}

static tarn_status reverse(reversal *v, tarn_node **dx) {
    const ti_region *f = v->f;
    int carries = v->n_dc + v->n_du, xs = f->n_carry + f->n_x + v->n_dy;
    int n_in = carries + xs + v->n_use, at = 0, to_use = v->n_dc, to_x = carries;
    TI_TRY(ti_arena_alloc(&v->g->arena, (size_t)(n_in + 1) * sizeof *v->in, &v->in));
    TI_TRY(ti_arena_alloc(&v->g->arena, (size_t)(n_in + 1) * sizeof *v->leaf, &v->leaf));
    TI_TRY(ti_arena_alloc(&v->g->arena, (size_t)(f->g->n_nodes + 1) * sizeof *v->map, &v->map));
    operands(v);
    TI_TRY(tarn_graph_status(v->g));
    TI_TRY(ti_region_create(v->g, carries, xs, v->n_use, carries + v->n_dx, &v->r));
    v->r->reverse = !f->reverse;
    TI_TRY(step_back(v));
    tarn_node *s = ti_node(v->g, &ti_op_scan, v->in, n_in,
                           &(ti_attrs){.region = v->r, .dim = v->y->at.dim});
    for (int i = 0; s && i < f->n_in; i++) {
        if (!has_gradient(v, i)) continue;
        int *result = i < f->n_carry ? &at : i < f->n_carry + f->n_x ? &to_x : &to_use;
        if (v->need[i]) dx[i] = ti_scan_result(s, *result);
        ++*result;
    }
    return tarn_graph_status(v->g);
}

tarn_status ti_scan_gradient(tarn_node *y, tarn_node *const *dy, const bool *need, tarn_node **dx) {
    reversal v = {.g = y->graph, .y = y, .f = y->at.region, .dy = dy, .need = need};
    const char *scope = v.g->scope;
    v.g->scope = y->label;
    count(&v);
    tarn_status st = no_halves(&v);
    if (!st) st = reverse(&v, dx);
    v.g->scope = scope;
    return st ? ti_error_at(st, "gradient of scan") : TARN_OK;
}
