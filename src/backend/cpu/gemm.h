// The contraction engine: packed panels, micro-kernels per instruction set, results in a tile.
//
//   packed left operand   [ceil(m/mr)][k][mr]    mr rows a panel
//   packed right operand  [ceil(n/16)][k][16]    16 columns a panel, the form variables live in
//
// Each result is a chain of fused multiply-adds in the order of k within blocks of 512, the blocks
// added in order: the same bits for every instruction set, tile and number of threads.
#ifndef TI_GEMM_H
#define TI_GEMM_H

#include "graph/graph.h"

enum { TI_KBLOCK = 512, TI_TILE_COLS = 64, TI_TILE_ROWS = 16 };

// c[r][j] = (add ? c : 0) + sum_k a[r * ars + k * aks] * b[(j/16) * bps + k * bks + j % 16]
// for r < rows <= mr and `panels` panels of 16 columns; c rows are TI_TILE_COLS apart. bks is 16
// unless there is one row: then the right operand may be read as it lies, row by row.
typedef struct ti_micro_args {
    const void *a;
    int64_t ars, aks;
    const void *b;
    int64_t bps, bks;
    int64_t k;
    void *c;
    int rows, panels;
    bool add;
} ti_micro_args;
typedef void (*ti_micro_fn)(const ti_micro_args *x);

// Element-wise functions and contraction kernels of one instruction set.
typedef struct ti_isa {
    const char *name;
    int mr;
    ti_micro_fn micro_f32, micro_f64;
    // y[c * ys + r] = x[r * xs + c], 8 x 8 of f32; NULL: none better than plain loops. Stores are
    // whole rows of eight in order, so ys may be smaller.
    void (*turn8)(float *y, int64_t ys, const float *x, int64_t xs);
    const struct ti_interp *interp;
} ti_isa;
extern const ti_isa ti_isa_scalar, ti_isa_avx2, ti_isa_avx512, ti_isa_neon;
// The best this processor can run, or the one named by $TARN_ISA.
const ti_isa *ti_isa_pick(void);

// How an operand lies: element (i, j) of a matrix is base[i * rs + j * cs], or, for panels, of a
// variable [rows, cols] seen as it is or transposed.
typedef struct ti_matrix {
    const char *base;
    size_t size;     // bytes of an element: 4 or 8
    int64_t rs, cs;  // strides in elements
    bool panels, trans;
    int64_t rows;             // panels: rows of the variable
    const ti_window *window;  // left: the windows of images of h x w pixels of c channels
    int64_t h, w, c;
} ti_matrix;
// Pack rows r0.. of the left operand, or columns c0.. of the right one, over steps k0.. of k; lanes
// past the edge are zero. k0 is a multiple of 16.
void ti_pack_a(const ti_isa *isa, char *out, const ti_matrix *x, int64_t r0, int64_t rows,
               int64_t k0, int64_t k);
void ti_pack_windows(const ti_isa *isa, char *out, const ti_matrix *x, int64_t r0, int64_t rows,
                     int64_t k0, int64_t k);
void ti_pack_b(const ti_isa *isa, char *out, const ti_matrix *x, int64_t c0, int64_t cols,
               int64_t k0, int64_t k);
#endif
