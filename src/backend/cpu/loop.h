// Loop nests at run time: extents, strides and addresses of a body's accesses for the dimensions
// of a run, cut into tiles and shared among threads.
#ifndef TI_LOOP_H
#define TI_LOOP_H

#include "backend/cpu/interp.h"

// Executes a body over a tile: interpreted or compiled.
typedef void (*ti_tile_fn)(const ti_tile *t);

// One nest after coalescing: outer dimensions, then rows and columns of the tiles.
typedef struct ti_nest {
    int rank;  // outer dimensions
    int64_t extent[TARN_MAX_RANK];
    int64_t rows, cols;
    int64_t (*stride)[TARN_MAX_RANK];  // by access: of the outer dimensions, elements
    int64_t *rs, *cs, *base;           // by access: of rows and columns, and offset, elements
} ti_nest;

typedef struct ti_loop {
    const ti_kernel *k;
    ti_icode *icode;
    ti_tile_fn compiled;  // NULL: interpreted
    char **ptr;           // by access: where its value lies, NULL for index accesses
    size_t *size;         // by access: bytes of an element
    bool *panels;         // by access: packed variable
    ti_nest nest[2];      // with packed variables: whole panels, and the last narrow one
    int n_nests;
    double *dims;
    uint64_t seed;
} ti_loop;

tarn_status ti_loop_make(ti_arena *arena, const ti_plan *p, const ti_kernel *k,
                         const ti_interp *isa, ti_loop *l);
// Elements from one index of dimension d to the next, and to the first one.
int64_t ti_access_stride(const ti_access *a, int d, const int64_t *dims);
int64_t ti_access_offset(const ti_access *a, const int64_t *dims);
// Extents and strides for these dimensions.
void ti_loop_bind(ti_loop *l, const int64_t *dims);
// This thread's share of a map or row kernel.
void ti_loop_run(const ti_loop *l, char *scratch, int thread, int n_threads);
// Asks for the packed variables that the body will touch in that part of a result: they come while
// the product is made.
void ti_loop_prefetch(const ti_loop *l, int64_t r0, int64_t rows, int64_t c0, int64_t cols);
// The body over columns c0 to c0+cols-1 and rows r0 to r0+rows-1 of a contraction's result (the
// outer-th of many, or a column sum's, one row) that lies in acc.
void ti_loop_finish(const ti_loop *l, char *scratch, int64_t outer, int64_t r0, int64_t rows,
                    int64_t c0, int64_t cols, const char *acc, int64_t acc_rs);
#endif
