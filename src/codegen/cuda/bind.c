// The arguments of a kernel for the sizes of a run: TI_ARGS of device.h, word by word.
#include <string.h>

#include "codegen/cuda/cuda.h"

// Row-major stride along dimension d of the loop, in elements.
static int64_t stride(const ti_access *a, int d, const int64_t *dims) {
    int64_t s = 1;
    if (a->axis[d] < 0) return 0;
    if (a->value == TI_ALONG) return 1;
    for (int i = a->axis[d] + 1; i < a->shape.rank; i++) s *= ti_dim_value(a->shape.dim[i], dims);
    return s;
}

// One thread an element; row kernels: a row.
static int64_t threads(const ti_kernel *k, const int64_t *dims) {
    int64_t n = 1;
    for (int d = 0; d < k->space.rank - (k->kind == TI_K_ROWS); d++)
        n *= ti_dim_value(k->space.dim[d], dims);
    return n;
}

static void add(ti_cuda_launch *l, uint64_t word) { l->word[l->n_words++] = word; }

static void add_operands(const ti_kernel *k, const int64_t *dims, const uint64_t *where,
                         ti_cuda_launch *l) {
    const ti_access *operand[2] = {&k->a, &k->b};
    bool used[2] = {k->kind == TI_K_DOT || k->kind == TI_K_COLS, k->kind == TI_K_DOT};
    add(l, used[0] ? (uint64_t)ti_dim_value(k->depth, dims) : 0);
    for (int i = 0; i < 2; i++) add(l, used[i] ? where[operand[i]->value] : 0);
    for (int i = 0; i < 2; i++)
        for (int d = 0; d < TARN_MAX_RANK; d++)
            add(l, used[i] ? (uint64_t)stride(operand[i], d, dims) : 0);
}

static void add_dims(const ti_kernel *k, const int64_t *dims, ti_cuda_launch *l) {
    for (int i = 0; i < k->n_inst; i++) {
        if (k->inst[i].kind != TI_I_DIM) continue;
        double v = (double)ti_dim_value(k->inst[i].dim, dims);
        uint64_t word;
        memcpy(&word, &v, sizeof word);
        add(l, word);
    }
}

// An array of nothing is one of one word.
static void no_less_than(ti_cuda_launch *l, int n) {
    while (l->n_words < n) add(l, 0);
}

void ti_cuda_bind(const ti_plan *p, int kernel, const int64_t *dims, const uint64_t *where,
                  uint64_t failed, ti_cuda_launch *l) {
    const ti_kernel *k = &p->kernels[kernel];
    int64_t n = threads(k, dims);
    l->blocks = ti_ceil_div(n, TI_CUDA_THREADS);
    l->n_words = 0;
    add(l, failed);
    add(l, (uint64_t)n);
    add(l, p->seed);
    add_operands(k, dims, where, l);
    int at = l->n_words;
    for (int d = 0; d < k->space.rank; d++) add(l, (uint64_t)ti_dim_value(k->space.dim[d], dims));
    no_less_than(l, at + 1);
    at = l->n_words;
    if (k->kind == TI_K_CHECK) add(l, where[k->value]);
    for (int i = 0; i < k->n_access; i++)
        add(l, k->access[i].value < 0 ? 0 : where[k->access[i].value]);
    no_less_than(l, at + 1);
    at = l->n_words;
    for (int i = 0; i < k->n_access; i++) {
        for (int d = 0; d < k->space.rank; d++) add(l, (uint64_t)stride(&k->access[i], d, dims));
        if (k->space.rank == 0) add(l, 0);
    }
    no_less_than(l, at + (k->space.rank ? k->space.rank : 1));
    at = l->n_words;
    add_dims(k, dims, l);
    no_less_than(l, at + 1);
}
