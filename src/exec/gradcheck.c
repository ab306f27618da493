// Gradient rules against central differences: loss = sum(y * r) for a fixed random r, in f64.
// d loss / d x_i is compared with (loss(x + h e_i) - loss(x - h e_i)) / 2h.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "exec/sample.h"

enum { MOST_ELEMENTS = 400 };  // of an operand; larger ones are sampled evenly
static const double H = 1e-5;

const char *tarn_op_name(int i) {
    for (int j = 0; j <= i; j++)
        if (!ti_op_table[j]) return NULL;
    return i < 0 ? NULL : ti_op_table[i]->name;
}

// Weights of the sum: odd multiples of 1/16 that change sign, no two neighbours equal.
static tarn_node *weighted_sum(tarn_graph *g, tarn_node *y) {
    tarn_node *flat = tarn_reshape(g, y, TARN_SHAPE(tarn_shape_numel(&y->shape)));
    tarn_node *i = tarn_cast(g, tarn_iota(g, flat->shape, 0), TARN_F64);
    tarn_node *w = tarn_tanh(g, tarn_sub(g, tarn_mul(g, i, tarn_constant(g, TARN_F64, 0.37)),
                                         tarn_constant(g, TARN_F64, 1.1)));
    tarn_node *s = tarn_add(g, w, tarn_constant(g, TARN_F64, 0.25));
    return tarn_sum(g, tarn_mul(g, flat, s), TARN_ALL_AXES, 0);
}

typedef struct check {
    ti_sample *s;
    tarn_program *loss, *grads;
    tarn_gradcheck_info *out;
} check;

// The step counter of random draws moves with each run: put it back, so that every run sees the
// same mask.
static tarn_status run_same(const check *c, tarn_program *p) {
    const char *name = TARN_STATE_PREFIX "random/step";
    tarn_tensor *zero = NULL;
    if (tarn_store_has(c->s->store, name)) {
        TI_TRY(tarn_tensor_create(TARN_I64, TARN_SCALAR, &zero));
        tarn_status st = tarn_store_set(c->s->store, name, zero);
        tarn_tensor_release(zero);
        TI_TRY(st);
    }
    return tarn_run(p);
}

static tarn_status difference(const check *c, double *x, double *out) {
    double keep = *x, up;
    *x = keep + H;
    TI_TRY(run_same(c, c->loss));
    up = tarn_result_scalar(c->loss, 0);
    *x = keep - H;
    TI_TRY(run_same(c, c->loss));
    *x = keep;
    *out = (up - tarn_result_scalar(c->loss, 0)) / (2 * H);
    return TARN_OK;
}

static tarn_status compare_operand(const check *c, int fetch, int operand) {
    double *x = tarn_tensor_data(c->s->data[operand]);
    int64_t n = tarn_tensor_numel(c->s->data[operand]), step = 1 + (n - 1) / MOST_ELEMENTS;
    for (int64_t i = 0; i < n; i += step) {
        double want, got;
        TI_TRY(difference(c, &x[i], &want));
        TI_TRY(run_same(c, c->grads));
        got = ((const double *)tarn_result(c->grads, fetch, NULL))[i];
        double error = fabs(got - want) / (1 + fabs(want));
        if (error <= c->out->worst) continue;
        c->out->worst = error;
        snprintf(c->out->where, sizeof c->out->where, "%.63s operand %d element %lld", c->s->text,
                 operand, (long long)i);
    }
    return TARN_OK;
}

static tarn_status compare_all(check *c, const int *operand, int n) {
    TI_TRY(ti_sample_bind(c->s, c->loss));
    TI_TRY(ti_sample_bind(c->s, c->grads));
    for (int i = 0; i < n; i++) TI_TRY(compare_operand(c, i, operand[i]));
    return TARN_OK;
}

static tarn_status check_sample(ti_sample *s, tarn_gradcheck_info *out) {
    tarn_node *x[TI_SAMPLE_MAX_IN], *dx[TI_SAMPLE_MAX_IN];
    int operand[TI_SAMPLE_MAX_IN], n = 0;
    tarn_compile_opts opts = {.jit = TARN_JIT_OFF};
    check c = {.s = s, .out = out};
    for (int i = 0; i < s->n_in; i++) {
        if (s->in[i]->dtype != TARN_F64) continue;
        operand[n] = i;
        x[n++] = s->in[i];
    }
    if (!n || s->y->dtype != TARN_F64) return TARN_OK;  // differences need all of f64
    tarn_node *loss = weighted_sum(s->g, s->y);
    TI_TRY(tarn_gradients(s->g, loss, x, n, dx));
    tarn_status st = tarn_compile_opts_(s->g, TARN_FETCH(loss), "cpu", &opts, &c.loss);
    if (!st) st = tarn_compile_opts_(s->g, (tarn_fetch){dx, n}, "cpu", &opts, &c.grads);
    if (!st) st = compare_all(&c, operand, n);
    out->samples++;
    tarn_program_free(c.loss);
    tarn_program_free(c.grads);
    return st;
}

tarn_status tarn_gradcheck(const char *name, tarn_gradcheck_info *out) {
    const ti_op *op = ti_op_find(name);
    if (!op) return ti_error(TARN_ENOENT, "no op '%s'", name);
    tarn_gradcheck_info info = {.differentiable = !op->no_grad};
    for (int i = 0, variant = 0; info.differentiable;) {
        ti_sample s;
        tarn_status st = ti_sample_make(op, i, variant, TARN_F64, &s);
        bool past = !s.g, next = s.g && !s.y;
        if (!st && s.y) st = check_sample(&s, &info);
        ti_sample_free(&s);
        if (st) return ti_error_at(st, "%s, sample %d, variant %d", name, i, variant);
        if (past) break;
        variant = next ? 0 : variant + 1;
        i += next;
    }
    *out = info;
    return TARN_OK;
}
