#include "backend/cpu/program.h"
tarn_status ti_jit_start(ti_cpu_program *p, tarn_jit mode) { (void)p; (void)mode; return TARN_OK; }
void ti_jit_poll(ti_cpu_program *p) { (void)p; }
bool ti_jit_ready(const ti_cpu_program *p) { (void)p; return false; }
void ti_jit_free(ti_cpu_program *p) { (void)p; }
