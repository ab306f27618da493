#ifndef TI_REF_H
#define TI_REF_H
#include "backend/backend.h"
// Walks the graph of primitives node by node in plain loops: slow, obvious, the judge of others.
extern const ti_backend ti_backend_ref;
#endif
