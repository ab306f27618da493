// A graph of primitives as StableHLO text: what a TPU, or any device behind PJRT, compiles.
#ifndef TI_STABLEHLO_H
#define TI_STABLEHLO_H

#include "passes/passes.h"

// One module whose @main takes the variables, then the inputs, in the order of their nodes, and
// returns the fetched values, then the new value of each assigned variable. Named dimensions have
// their largest value. A comment before @main names arguments and results, one a line:
//   // argument 0 variable "w"      // result 1 variable "w"      // result 0 fetch 0
// Arrays are row-major; the sums' order is the device's own. TARN_EUNSUPPORTED for calls.
tarn_status ti_print_stablehlo(const ti_work *w, ti_buf *out);
#endif
