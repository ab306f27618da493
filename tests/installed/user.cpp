// The same from C++: y = 2 x, an operation that is a lambda's function.
#include <cstdio>
#include <tarn/tarn.h>

int main() {
    const float x[2] = {1.5f, -4};
    tarn_custom_op twice = {};
    twice.name = "twice";
    twice.n_in = 1;
    twice.infer = [](void *, const tarn_array *in, tarn_array *out) {
        *out = in[0];
        return TARN_OK;
    };
    twice.run = [](void *, const tarn_array *in, const tarn_array *out) {
        const float *a = static_cast<const float *>(in[0].data);
        float *b = static_cast<float *>(out->data);
        for (int64_t i = 0; i < tarn_shape_numel(&out->shape); i++) b[i] = 2 * a[i];
        return TARN_OK;
    };
    tarn_store *store = nullptr;
    tarn_program *p = nullptr;
    if (tarn_store_create(1, &store)) return 1;
    tarn_graph *g = tarn_graph_create(store);
    tarn_shape shape = {};
    shape.rank = 1;
    shape.dim[0] = 2;
    tarn_node *in = tarn_input(g, "x", TARN_F32, shape);
    tarn_node *y = tarn_custom(g, &twice, &in);
    tarn_fetch fetch = {&y, 1};
    tarn_status st = tarn_compile_opts_(g, fetch, "cpu", nullptr, &p);
    if (!st) st = tarn_bind(p, "x", x, shape);
    if (!st) st = tarn_run(p);
    if (st) std::fprintf(stderr, "%s\n", tarn_last_error());
    const float *got = st ? nullptr : static_cast<const float *>(tarn_result(p, 0, nullptr));
    bool right = got && got[0] == 3 && got[1] == -8;
    tarn_program_free(p);
    tarn_graph_free(g);
    tarn_store_free(store);
    return right ? 0 : 1;
}
