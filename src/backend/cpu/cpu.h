#ifndef TI_CPU_H
#define TI_CPU_H
#include "backend/backend.h"
// The CPU: packed contractions, fused loops interpreted or compiled, one thread pool.
extern const ti_backend ti_backend_cpu;
#endif
