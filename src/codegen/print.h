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
#endif
