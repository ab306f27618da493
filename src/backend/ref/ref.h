#ifndef TI_REF_H
#define TI_REF_H
#include "backend/backend.h"
// Walks the graph of primitives node by node in plain loops: slow, obvious, the judge of others.
extern const ti_backend ti_backend_ref;
// After a step whose finite check failed, before anything changed: run it again node by node and
// extend the pending error sentence by the first op that made a NaN or infinity of finite
// operands, its layer and the ranges of the operands. Returns st.
tarn_status ti_ref_blame(tarn_status st, const ti_plan *plan, const ti_work *work,
                         const ti_run *run);
#endif
