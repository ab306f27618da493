// Kernel bodies as C source. The text contains only identifiers numbered here and constants
// formatted here: no name or string of a file reaches it.
#ifndef TI_PRINT_H
#define TI_PRINT_H

#include "plan/plan.h"

// Text of src/codegen/prelude.h, which precedes every generated source.
extern const char ti_prelude_text[];

// One function `void NAME(const ti_tile *t)` that runs the kernel's body over a tile. by_panel:
// most tiles will have 16 columns, and get a loop of their own.
void ti_print_body(const ti_kernel *k, const char *name, bool by_panel, ti_buf *out);
// Row kernels: values of a whole row kept in scratch between the loops over it, 8 bytes an element.
int ti_print_row_buffers(const ti_kernel *k);

// ---- parts that printers share ------------------------------------------------------------------
const char *ti_print_type(tarn_dtype dtype);    // in C
const char *ti_print_suffix(tarn_dtype dtype);  // of the prelude's functions
void ti_print_number(double v, tarn_dtype dtype, ti_buf *out);
void ti_print_code(const ti_inst *in, ti_buf *out);  // "ti_add_f32(v3, v4)"
tarn_dtype ti_access_dtype(const ti_kernel *k, int access);

// Row kernels. A value one a row is made after the loop of its stage; what uses it per element
// comes a stage later.
enum { TI_MAX_STAGED = 1024 };  // instructions
typedef struct ti_stages {
    int of[TI_MAX_STAGED];      // stage in which an instruction is made
    int buffer[TI_MAX_STAGED];  // scratch row that holds it for later stages, -1: none
    int n, n_buffers;
} ti_stages;
void ti_find_stages(const ti_kernel *k, ti_stages *s);
// Values that are one a row and need no sum: before the first loop.
bool ti_row_leaf(const ti_inst *in);
#endif
