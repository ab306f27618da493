// A graph walked node by node: what the reference device's files share.
#ifndef TI_REF_PROGRAM_H
#define TI_REF_PROGRAM_H

#include "backend/backend.h"

typedef struct ref_program {
    const ti_plan *plan;
    const ti_work *work;
    double **value;              // by node id, of the last run
    void **fetched;              // by fetch: elements of its dtype
    int64_t *dims;               // the run's
    const double *const *given;  // a step of a scan: its inputs, by operand
} ref_program;

int64_t ti_ref_numel(const ref_program *p, const tarn_node *n);
// All nodes of the graph, into value.
tarn_status ti_ref_eval_all(ref_program *p, const ti_run *r);
void ti_ref_free_values(ref_program *p);
// Results of a scan one after the other, where its value lies; and one of them. (scan.c)
tarn_status ti_ref_scan(ref_program *p, const ti_run *r, const tarn_node *scan);
void ti_ref_scan_result(const ref_program *p, const tarn_node *n, double *y);
#endif
