// First values of variables. Every element is a pure function of (key, index), so neither order
// nor threads matter; computed in double and rounded once.
#include <math.h>
#include <string.h>

#include "graph/graph.h"

tarn_init tarn_init_zeros(void) { return (tarn_init){.kind = TARN_INIT_ZEROS}; }
tarn_init tarn_init_ones(void) { return (tarn_init){.kind = TARN_INIT_ONES}; }
tarn_init tarn_init_constant(double v) { return (tarn_init){.kind = TARN_INIT_CONSTANT, .a = v}; }
tarn_init tarn_init_uniform(double low, double high) {
    return (tarn_init){.kind = TARN_INIT_UNIFORM, .a = low, .b = high};
}
tarn_init tarn_init_normal(double mean, double stddev) {
    return (tarn_init){.kind = TARN_INIT_NORMAL, .a = mean, .b = stddev};
}
static tarn_init scaling(double scale, char mode, bool normal) {
    return (tarn_init){
        .kind = TARN_INIT_VARIANCE_SCALING, .a = scale, .mode = mode, .normal = normal};
}
tarn_init tarn_init_glorot_uniform(void) { return scaling(1, 'a', false); }
tarn_init tarn_init_glorot_normal(void) { return scaling(1, 'a', true); }
tarn_init tarn_init_he_uniform(void) { return scaling(2, 'i', false); }
tarn_init tarn_init_he_normal(void) { return scaling(2, 'i', true); }
tarn_init tarn_init_lecun_uniform(void) { return scaling(1, 'i', false); }
tarn_init tarn_init_lecun_normal(void) { return scaling(1, 'i', true); }

// In [0, 1), 53 bits.
static double unit(uint32_t hi, uint32_t lo) {
    return (double)((((uint64_t)hi << 32) | lo) >> 11) * 0x1p-53;
}

static double uniform_at(uint64_t key, uint64_t i) {
    uint32_t w[4];
    ti_philox(key, i, 0, w);
    return unit(w[0], w[1]);
}

// Box and Muller 1958; `draw` counts redraws.
static double normal_at(uint64_t key, uint64_t i, uint64_t draw) {
    uint32_t w[4];
    ti_philox(key, i, draw + 1, w);
    double u = 1.0 - unit(w[0], w[1]), v = unit(w[2], w[3]);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

static double truncated_at(uint64_t key, uint64_t i) {
    double x = 3;
    for (uint64_t draw = 0; fabs(x) > 2; draw++) x = normal_at(key, i, draw);
    return x;
}

// fan_in and fan_out as Keras counts them: receptive field times channels.
static void fans(const tarn_shape *s, double *in, double *out) {
    if (s->rank < 2) {
        *in = *out = s->rank ? (double)s->dim[0] : 1;
        return;
    }
    double field = 1;
    for (int i = 0; i < s->rank - 2; i++) field *= (double)s->dim[i];
    *in = field * (double)s->dim[s->rank - 2];
    *out = field * (double)s->dim[s->rank - 1];
}

// Variance scaling (He et al. 2015; Keras): reduce to uniform or truncated normal.
static tarn_init resolve(tarn_init init, const tarn_shape *s) {
    if (init.kind != TARN_INIT_VARIANCE_SCALING) return init;
    double in, out;
    fans(s, &in, &out);
    double n = init.mode == 'i' ? in : init.mode == 'o' ? out : (in + out) / 2;
    double var = init.a / (n < 1 ? 1 : n);
    if (!init.normal) return tarn_init_uniform(-sqrt(3 * var), sqrt(3 * var));
    // 0.8796...: standard deviation of a unit normal cut at two.
    return (tarn_init){.kind = TARN_INIT_TRUNCATED_NORMAL, .b = sqrt(var) / .87962566103423978};
}

static double value_at(tarn_init init, uint64_t key, uint64_t i) {
    switch (init.kind) {
    case TARN_INIT_ONES: return 1;
    case TARN_INIT_CONSTANT: return init.a;
    case TARN_INIT_UNIFORM: return init.a + (init.b - init.a) * uniform_at(key, i);
    case TARN_INIT_NORMAL: return init.a + init.b * normal_at(key, i, 0);
    case TARN_INIT_TRUNCATED_NORMAL: return init.a + init.b * truncated_at(key, i);
    default: return 0;
    }
}

tarn_status ti_init_fill(tarn_init init, uint64_t key, tarn_dtype dtype, const tarn_shape *shape,
                         void *rows) {
    int64_t n = tarn_shape_numel(shape);
    if (init.kind == TARN_INIT_ZEROS) {
        memset(rows, 0, (size_t)n * tarn_dtype_size(dtype));
        return TARN_OK;
    }
    init = resolve(init, shape);
    for (int64_t i = 0; i < n; i++) {
        double v = value_at(init, key, (uint64_t)i);
        switch (dtype) {
        case TARN_F32: ((float *)rows)[i] = (float)v; break;
        case TARN_F64: ((double *)rows)[i] = v; break;
        case TARN_F16:
        case TARN_BF16: ((uint16_t *)rows)[i] = ti_half_bits(v, dtype == TARN_BF16); break;
        case TARN_I32: ((int32_t *)rows)[i] = (int32_t)v; break;
        case TARN_I64: ((int64_t *)rows)[i] = (int64_t)v; break;
        default:
            return ti_error(TARN_EUNSUPPORTED, "a variable of dtype %s with other than zeros",
                            tarn_dtype_name(dtype));
        }
    }
    return TARN_OK;
}
