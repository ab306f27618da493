// Values made from the index or the run's dimensions: iota, random bits, number of elements.
#include "ops/ops.h"

static tarn_status iota_infer(tarn_node *n) {
    n->dtype = TARN_I32;
    n->shape = n->at.shape;
    if (n->at.axis < 0 || n->at.axis >= n->shape.rank)
        return ti_error(TARN_EARG, "axis %d, rank %d", n->at.axis, n->shape.rank);
    return TARN_OK;
}

// Philox 4x32-10 keyed by store seed and stream. Element i takes word (i / 16) % 4 of the block
// with counter ((i / 64) * 16 + i % 16, step): sixteen lanes make sixty-four words at a time.
static tarn_status random_infer(tarn_node *n) {
    n->dtype = TARN_U32;
    n->shape = n->at.shape;
    if (n->in[0]->dtype != TARN_I64 || n->in[0]->shape.rank)
        return ti_error(TARN_EARG, "step must be a rank-0 i64");
    return TARN_OK;
}

static tarn_status numel_infer(tarn_node *n) {
    n->dtype = n->at.dtype;
    n->shape = (tarn_shape){0};
    return TARN_OK;
}

const ti_op ti_op_iota = {.name = "iota",
                          .kind = TI_INDEX,
                          .code = TI_IOTA,
                          .n_in = 0,
                          .infer = iota_infer,
                          .no_grad = true};
const ti_op ti_op_random_bits = {.name = "random_bits",
                                 .kind = TI_INDEX,
                                 .code = TI_RANDOM,
                                 .n_in = 1,
                                 .infer = random_infer,
                                 .no_grad = true};
const ti_op ti_op_numel = {.name = "numel",
                           .kind = TI_INDEX,
                           .code = TI_DIM,
                           .n_in = 0,
                           .infer = numel_infer,
                           .no_grad = true};

tarn_node *tarn_iota(tarn_graph *g, tarn_shape shape, int axis) {
    return ti_node(g, &ti_op_iota, NULL, 0, &(ti_attrs){.shape = shape, .axis = axis});
}

tarn_node *tarn_random_bits(tarn_graph *g, tarn_shape shape, const char *stream, tarn_node *step) {
    ti_attrs at = {.shape = shape, .stream = ti_hash64(stream) ^ g->stream_key};
    return ti_node1(g, &ti_op_random_bits, step, &at);
}

tarn_node *tarn_numel(tarn_graph *g, tarn_node *x, tarn_dtype dtype) {
    if (!x) return NULL;
    int64_t n = 1;
    for (int i = 0; i < x->shape.rank; i++) n = tarn_dim_mul(g, n, x->shape.dim[i]);
    if (n >= 0) return tarn_constant(g, dtype, (double)n);
    return ti_node(g, &ti_op_numel, NULL, 0, &(ti_attrs){.dtype = dtype, .dim = n});
}
