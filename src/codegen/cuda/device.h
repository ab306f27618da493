/* Last part before the kernels; the prelude stands above it. One thread makes one element, one row
 * or one column, so nothing is shared between threads. */

/* What kernel NAME takes, by value: eight bytes each, in this order (ti_cuda_bind fills them).
 * N accesses, R dimensions, D sizes that the body reads. */
#define TI_ARGS(NAME, N, R, D)                                                  \
    typedef struct NAME {                                                       \
        int32_t *failed; /* 1 + number of the check that failed, 0: none yet */ \
        int64_t threads; /* that have work */                                   \
        uint64_t seed;                                                          \
        int64_t depth;       /* of the contraction or column sum */             \
        char *operand[2];    /* of the same */                                  \
        int64_t along[2][8]; /* strides of the operands in elements, by axis */ \
        int64_t extent[R];                                                      \
        char *ptr[N];                                                           \
        int64_t stride[N][R]; /* by access and dimension, in elements */        \
        double dims[D];                                                         \
    } NAME;

TI_FN int64_t ti_thread(void) { return (int64_t)blockIdx.x * blockDim.x + threadIdx.x; }

TI_FN uint8_t ti_finite_f32(float x) { return x - x == 0; }
TI_FN uint8_t ti_finite_f64(double x) { return x - x == 0; }

/* Where element (i, j) of a matrix of `rows` rows lies in column panels [ceil(n/16)][rows][16]. */
TI_FN int64_t ti_panel_at(int64_t i, int64_t j, int64_t rows) {
    return (j / 16 * rows + i) * 16 + j % 16;
}

/* A window that slides over images of h x w pixels of c channels. */
typedef struct ti_view {
    int64_t kh, kw, sh, sw, zh, zw, top, left, oh, ow, flip, h, w, c;
} ti_view;

/* Where element t of the window at place r lies, -1 outside of the image. */
TI_FN int64_t ti_view_at(ti_view v, int64_t r, int64_t t) {
    int64_t p = t / v.c / v.kw, q = t / v.c % v.kw, image = r / v.ow / v.oh;
    int64_t i = r / v.ow % v.oh * v.sh - v.top + (v.flip ? v.kh - 1 - p : p);
    int64_t j = r % v.ow * v.sw - v.left + (v.flip ? v.kw - 1 - q : q);
    if (i < 0 || j < 0 || i % v.zh || j % v.zw) return -1;
    i /= v.zh;
    j /= v.zw;
    return i < v.h && j < v.w ? ((image * v.h + i) * v.w + j) * v.c + t % v.c : -1;
}

/* A reduction that takes its elements one by one, in the order that the prelude's take an array. */
#define TI_RUNNING(T, S, NAME, FIRST, OP)                                    \
    typedef struct ti_##NAME##_run_##S {                                     \
        T lane[TI_LANES];                                                    \
        int64_t n;                                                           \
        ti_##NAME##_state_##S chunks;                                        \
    } ti_##NAME##_run_##S;                                                   \
    TI_FN void ti_##NAME##_open_##S(ti_##NAME##_run_##S *q) {                \
        q->n = 0;                                                            \
        for (int l = 0; l < TI_LANES; l++) q->lane[l] = FIRST;               \
    }                                                                        \
    TI_FN void ti_##NAME##_put_##S(ti_##NAME##_run_##S *q, T x) {            \
        if (q->n && q->n % TI_CHUNK == 0) {                                  \
            if (q->n == TI_CHUNK) ti_##NAME##_begin_##S(&q->chunks);         \
            ti_##NAME##_push_##S(&q->chunks, ti_##NAME##_tree_##S(q->lane)); \
            for (int l = 0; l < TI_LANES; l++) q->lane[l] = FIRST;           \
        }                                                                    \
        int l = (int)(q->n++ % TI_LANES);                                    \
        q->lane[l] = OP(q->lane[l], x);                                      \
    }                                                                        \
    TI_FN T ti_##NAME##_close_##S(ti_##NAME##_run_##S *q) {                  \
        T s = ti_##NAME##_tree_##S(q->lane);                                 \
        if (q->n <= TI_CHUNK) return s;                                      \
        ti_##NAME##_push_##S(&q->chunks, s);                                 \
        return ti_##NAME##_end_##S(&q->chunks);                              \
    }
TI_RUNNING(float, f32, sum, 0, ti_add_f32)
TI_RUNNING(double, f64, sum, 0, ti_add_f64)
TI_RUNNING(int32_t, i32, sum, 0, ti_add_i32)
TI_RUNNING(int64_t, i64, sum, 0, ti_add_i64)
TI_RUNNING(float, f32, rmax, -__builtin_inff(), ti_maximum_f32)
TI_RUNNING(double, f64, rmax, -__builtin_inf(), ti_maximum_f64)
TI_RUNNING(int32_t, i32, rmax, INT32_MIN, ti_maximum_i32)
TI_RUNNING(int64_t, i64, rmax, INT64_MIN, ti_maximum_i64)

#define TI_RUNNING_ARGMAX(T, S)                                             \
    typedef struct ti_argmax_run_##S {                                      \
        T best;                                                             \
        int64_t n, at;                                                      \
    } ti_argmax_run_##S;                                                    \
    TI_FN void ti_argmax_open_##S(ti_argmax_run_##S *q) {                   \
        q->best = 0;                                                        \
        q->n = q->at = 0;                                                   \
    }                                                                       \
    TI_FN void ti_argmax_put_##S(ti_argmax_run_##S *q, T x) {               \
        if (q->n == 0 || (q->best == q->best && (x > q->best || x != x))) { \
            q->best = x;                                                    \
            q->at = q->n;                                                   \
        }                                                                   \
        q->n++;                                                             \
    }                                                                       \
    TI_FN int32_t ti_argmax_close_##S(const ti_argmax_run_##S *q) { return (int32_t)q->at; }
TI_RUNNING_ARGMAX(float, f32)
TI_RUNNING_ARGMAX(double, f64)

/* Random word i of (key, step): Philox 4x32-10; see src/ops/generate/index.c for the mapping. */
TI_FN uint32_t ti_random_word(uint64_t key, uint64_t step, int64_t i) {
    uint64_t block = (uint64_t)(i >> 6) * 16 + (uint64_t)(i & 15);
    uint32_t a = (uint32_t)block, b = (uint32_t)(block >> 32);
    uint32_t c = (uint32_t)step, d = (uint32_t)(step >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)a * 0xD2511F53u, q = (uint64_t)c * 0xCD9E8D57u;
        a = (uint32_t)(q >> 32) ^ b ^ k0;
        c = (uint32_t)(p >> 32) ^ d ^ k1;
        b = (uint32_t)q;
        d = (uint32_t)p;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    int word = (int)(i >> 4 & 3);
    return word == 0 ? a : word == 1 ? b : word == 2 ? c : d;
}
