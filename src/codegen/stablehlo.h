// A graph of primitives as StableHLO text: what a TPU, or any device behind PJRT, compiles.
#ifndef TI_STABLEHLO_H
#define TI_STABLEHLO_H

#include "passes/passes.h"

// One module whose @main takes the variables, then the inputs, in the order of their nodes, and
// returns the fetched values, then what is checked and not fetched, then the new value of each
// assigned variable. Named dimensions have the values of dims, or their largest where that is NULL.
// A comment before @main names arguments and results, one a line:
//   // argument 0 variable "w"      // result 1 variable "w"      // result 0 fetch 0
// Arrays are row-major; the sums' order is the device's own. A finite check is its operand: whoever
// runs the module looks at it before a variable changes. TARN_EUNSUPPORTED for calls.
tarn_status ti_print_stablehlo(const ti_work *w, const int64_t *dims, ti_buf *out);

// Argument i of @main: a variable or an input; NULL past the last.
const tarn_node *ti_stablehlo_argument(const ti_work *w, int i);

// Result i: its value (a check is to be looked at), and what it is for; false past the last.
typedef struct ti_stablehlo_use {
    const tarn_node *value;
    int root;                   // position of the fetch among the roots, -1: none
    const tarn_node *variable;  // to be assigned, NULL: none
} ti_stablehlo_use;
bool ti_stablehlo_result(const ti_work *w, int i, ti_stablehlo_use *use);
#endif
