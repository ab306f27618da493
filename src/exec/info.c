// What a program is made of and what it costs, and what it runs on.
#include "exec/program.h"

tarn_status tarn_device_describe(const char *device, char *text, size_t cap) {
    int ordinal = 0;
    const ti_backend *b = ti_backend_find(device, &ordinal);
    if (!b) return TARN_EUNSUPPORTED;
    if (cap) *text = '\0';
    return b->describe ? b->describe(ordinal, text, cap) : TARN_OK;
}

static double kernel_flops(const ti_kernel *k, const int64_t *dims) {
    double step = 0;
    for (int i = 0; k->scan && i < k->scan->body->n_kernels; i++)
        step += kernel_flops(&k->scan->body->kernels[i], dims);
    if (k->scan) return step * (double)ti_dim_value(k->scan->length, dims);
    if (k->kind != TI_K_DOT) return 0;
    return 2.0 * (double)ti_dim_value(k->space.dim[0], dims) *
           (double)ti_dim_value(k->space.dim[1], dims) * (double)ti_dim_value(k->depth, dims);
}

bool tarn_program_kernel(const tarn_program *p, int i, tarn_kernel_info *out) {
    static const char *const kinds[] = {"map", "rows", "cols", "dot", "check", "call", "scan"};
    if (i < 0 || i >= p->plan->n_kernels) return false;
    const ti_kernel *k = &p->plan->kernels[i];
    *out = (tarn_kernel_info){.kind = kinds[k->kind],
                              .label = k->label,
                              .flops = kernel_flops(k, p->own.dims),
                              .runs = p->own.runs};
    p->backend->times(p->own.compiled, i, &out->seconds, &out->best);
    return true;
}

tarn_program_info tarn_program_stats(const tarn_program *p) {
    tarn_program_info s = {.arena_bytes = p->plan->arena_bytes,
                           .kernels = p->plan->n_kernels,
                           .compile_seconds = p->compile_seconds};
    for (int i = 0; i < p->plan->n_values; i++)
        if (p->plan->values[i].place == TI_VARIABLE)
            s.variable_bytes += p->plan->values[i].var->bytes;
    for (int i = 0; i < p->plan->n_kernels; i++)
        s.flops += kernel_flops(&p->plan->kernels[i], p->own.dims);
    p->backend->info(p->own.compiled, &s);
    return s;
}
