// Contractions and column sums as steps of a program.
#ifndef TI_CONTRACT_H
#define TI_CONTRACT_H

#include "backend/cpu/gemm.h"
#include "backend/cpu/loop.h"

typedef struct ti_contract {
    const ti_isa *isa;
    ti_loop *loop;  // what is done to each tile of the result
    int64_t m, n, k;
    size_t size;
    ti_matrix a, b;  // operands as they lie: of the first product
    int n_lead;      // leading axes: a product for each index along them
    int64_t products, extent[TARN_MAX_RANK];
    int64_t a_stride[TARN_MAX_RANK], b_stride[TARN_MAX_RANK];  // along them, in elements
    bool by_panel;  // the body touches packed variables: 16 columns at a time
} ti_contract;
// Every thread packs what it needs by itself, into its scratch.
void ti_contract_run(const ti_contract *c, char *scratch, int thread, int n_threads);
// Bytes of scratch for a product of at most these sizes.
size_t ti_contract_scratch(const ti_contract *c, int64_t m, int64_t n, int64_t k);

// Sum (or maximum) over the first axis of x [rows, cols], then the loop's body over the result.
typedef struct ti_colsum {
    const ti_isa *isa;
    ti_loop *loop;
    ti_reduce code;
    tarn_dtype dtype;
    const char *x;
    int64_t rows, cols, rs, cs, first;  // first: of the element at 0,0
} ti_colsum;
void ti_colsum_run(const ti_colsum *c, char *scratch, int thread, int n_threads);
size_t ti_colsum_scratch(void);
#endif
