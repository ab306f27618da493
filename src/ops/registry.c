// The table of all ops: const data, referenced from the core, so that static linking keeps it.
#include <string.h>

#include "ops/ops.h"

const ti_op *const ti_op_table[] = {
#define TI_OP(name) &ti_op_##name,
#include "ops/ops.def"
#undef TI_OP
    NULL};

const ti_op *ti_op_find(const char *name) {
    for (const ti_op *const *p = ti_op_table; *p; p++)
        if (!strcmp((*p)->name, name)) return *p;
    return NULL;
}
