#ifndef TI_XLA_H
#define TI_XLA_H
#include "backend/backend.h"
// Compiles the graph of primitives with XLA, through whatever PJRT plugin the environment names.
extern const ti_backend ti_backend_xla;
#endif
