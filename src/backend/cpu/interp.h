// The tiled interpreter: runs a body one instruction at a time over a tile that fits the first
// cache, each instruction a vectorised loop. The same bits as the printed kernels.
#ifndef TI_INTERP_H
#define TI_INTERP_H

#include "codegen/prelude.h"
#include "plan/plan.h"

typedef void (*ti_vec_fn)(void *y, const void *a, const void *b, const void *c, int64_t n);
typedef void (*ti_reduce_fn)(void *y, const void *x, int64_t n);

// One table per instruction set; NULL: this dtype has no such operation.
typedef struct ti_interp {
    ti_vec_fn code[TI_CODE_COUNT][TARN_DTYPE_COUNT];  // by dtype of the operands (where: result)
    ti_vec_fn cast[TARN_DTYPE_COUNT][TARN_DTYPE_COUNT];
    ti_reduce_fn reduce[3][TARN_DTYPE_COUNT];  // whole row
    ti_reduce_fn chunk[2][TARN_DTYPE_COUNT];   // at most 4096
    ti_reduce_fn tree[2][TARN_DTYPE_COUNT];    // 16 lanes
    // lanes[r % 16][c] += x[r * rs + c] (or the maximum): rows in order, lanes `width` apart.
    void (*lanes[2][TARN_DTYPE_COUNT])(void *lanes, const void *x, int64_t rows, int64_t rs,
                                       int64_t cols, int64_t width);
    void (*random)(uint32_t *y, uint64_t key, uint64_t step, int64_t index, int64_t n);
} ti_interp;

enum { TI_TILE = 1024 };  // elements a tile

typedef struct ti_icode ti_icode;
// Prepare the body of a kernel; row_max: longest row of a row kernel. Allocates from the arena.
tarn_status ti_icode_make(ti_arena *arena, const ti_kernel *k, int64_t row_max,
                          const ti_interp *isa, ti_icode **out);
size_t ti_icode_scratch(const ti_icode *c);
// Run over a tile; t->scratch has at least the bytes above.
void ti_icode_run(const ti_icode *c, const ti_tile *t);
// Instructions TI_I_DIM in order: fills t->dims at bind time.
int ti_kernel_dims(const ti_kernel *k, const int64_t *values, double *out);
#endif
