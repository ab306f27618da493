// Which kernels must not run at the same time: one writes memory that the other reads or writes.
#include "backend/cpu/program.h"

typedef struct pair {
    const ti_plan *p;
    const ti_kernel *other;
    int value;
    bool write, found;
} pair;

static bool same_memory(const ti_value *a, const ti_value *b) {
    if (a->place != b->place) return false;
    if (a->place == TI_VARIABLE) return a->var == b->var;
    return a->place == TI_ARENA && a->offset < b->offset + b->bytes &&
           b->offset < a->offset + a->bytes;
}

static void against(void *ctx, int value, bool write) {
    pair *x = ctx;
    const ti_value *v = x->p->values;
    if ((write || x->write) && same_memory(&v[value], &v[x->value])) x->found = true;
}

static void against_other(void *ctx, int value, bool write) {
    pair *x = ctx;
    x->value = value;
    x->write = write;
    ti_kernel_values(x->other, against, x);
}

bool ti_kernels_conflict(const ti_plan *p, const ti_kernel *a, const ti_kernel *b) {
    pair x = {.p = p, .other = b};
    ti_kernel_values(a, against_other, &x);
    return x.found;
}
