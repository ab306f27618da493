// Loops on the reference device: the step's graph walked once for each step.
#include <string.h>

#include "backend/ref/program.h"

// Elements of result i, of one step or of all.
static int64_t count(const ref_program *p, const tarn_node *scan, int i, bool all) {
    const ti_region *r = scan->at.region;
    const tarn_node *x = i < r->n_roots ? r->roots[i] : scan->in[i - r->n_roots];
    int64_t n = ti_ref_numel(p, x);
    return all && i >= r->n_carry ? n * ti_dim_value(scan->at.dim, p->dims) : n;
}

static int64_t offset(const ref_program *p, const tarn_node *scan, int i) {
    int64_t at = 0;
    for (int j = 0; j < i; j++) at += count(p, scan, j, true);
    return at;
}

static int n_results(const tarn_node *scan) {
    return scan->at.region->n_roots + scan->at.region->n_carry;
}

// What step t begins with: carries from the results so far, one element of each sequence.
static void operands(const ref_program *p, const tarn_node *scan, int64_t t, const double **given) {
    const ti_region *r = scan->at.region;
    for (int i = 0; i < scan->n_in; i++) {
        given[i] = p->value[scan->in[i]->id];
        if (i < r->n_carry) given[i] = p->value[scan->id] + offset(p, scan, i);
        if (i >= r->n_carry && i < r->n_carry + r->n_x)
            given[i] += t * (ti_ref_numel(p, scan->in[i]) / ti_dim_value(scan->at.dim, p->dims));
    }
}

static void keep(const ref_program *p, const ref_program *step, const tarn_node *scan, int64_t t) {
    const ti_region *r = scan->at.region;
    double *y = p->value[scan->id];
    for (int i = r->n_carry; i < n_results(scan); i++) {  // before the carries move on
        int64_t n = count(p, scan, i, false);
        const double *from = i < r->n_roots ? step->value[r->roots[i]->id]
                                            : y + offset(p, scan, i - r->n_roots);
        memcpy(y + offset(p, scan, i) + t * n, from, (size_t)n * sizeof *y);
    }
    for (int i = 0; i < r->n_carry; i++)
        memcpy(y + offset(p, scan, i), step->value[r->roots[i]->id],
               (size_t)count(p, scan, i, false) * sizeof *y);
}

static tarn_status all_steps(ref_program *p, const ti_run *run, const tarn_node *scan,
                             ref_program *step, const double **given) {
    const ti_region *r = scan->at.region;
    int64_t length = ti_dim_value(scan->at.dim, p->dims);
    for (int i = 0; i < r->n_carry; i++)
        memcpy(p->value[scan->id] + offset(p, scan, i), p->value[scan->in[i]->id],
               (size_t)count(p, scan, i, false) * sizeof **step->value);
    for (int64_t j = 0; j < length; j++) {
        int64_t t = r->reverse ? length - 1 - j : j;
        operands(p, scan, t, given);
        TI_TRY(ti_ref_eval_all(step, run));
        keep(p, step, scan, t);
        ti_ref_free_values(step);
    }
    return TARN_OK;
}

tarn_status ti_ref_scan(ref_program *p, const ti_run *run, const tarn_node *scan) {
    const ti_region *r = scan->at.region;
    const ti_work work = {r->g, r->roots, r->n_roots};
    const double **given = NULL;
    ref_program step = {.plan = p->plan, .work = &work, .dims = p->dims};
    size_t total = (size_t)offset(p, scan, n_results(scan)) + 1;
    ti_free(p->value[scan->id]);
    p->value[scan->id] = NULL;
    TI_TRY(ti_alloc_zero(total * sizeof **p->value, &p->value[scan->id]));
    tarn_status st = ti_alloc_zero((size_t)(r->g->n_nodes + 1) * sizeof *step.value, &step.value);
    if (!st) st = ti_alloc_zero((size_t)(scan->n_in + 1) * sizeof *given, &given);
    step.given = given;
    if (!st) st = all_steps(p, run, scan, &step, given);
    if (step.value) ti_ref_free_values(&step);
    ti_free(step.value);
    ti_free(given);
    return st;
}

void ti_ref_scan_result(const ref_program *p, const tarn_node *n, double *y) {
    const tarn_node *scan = n->in[0];
    memcpy(y, p->value[scan->id] + offset(p, scan, n->at.axis),
           (size_t)ti_ref_numel(p, n) * sizeof *y);
}
