// Programs on a device behind PJRT. The graph of primitives is printed as StableHLO for one set of
// dimensions at a time, at first the largest; the last few sets are kept compiled. A run sends
// variables and inputs, executes, and fetches everything before a check is looked at, so that
// whatever fails comes before the first write to the store.
//
// Variables cross over each run, both ways. They could stay on the device, but then every reader of
// the store (saving, another program, tarn_store_get) would have to ask for them first.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backend/xla/device.h"
#include "backend/xla/xla.h"
#include "codegen/stablehlo.h"

enum { MAX_SETS = 8 };           // sets of dimensions kept compiled, the last used ones
enum { MAX_MODULE = 64 << 20 };  // bytes of a module's text

typedef struct executable {
    pjrt_loaded *loaded;
    int64_t dims[TI_MAX_SYMS];
    ti_xla_array *arguments, *results;
    void **host;    // by result: its bytes of the last run
    uint64_t used;  // the run
} executable;

typedef struct xla_program {
    const ti_plan *plan;
    const ti_work *work;
    ti_xla_device device;
    int n_arguments, n_results;
    int *input;              // by argument: position of the input, -1: a variable
    ti_stablehlo_use *uses;  // by result
    pjrt_buffer **sent, **made;
    void *rows;  // a variable's elements in canonical form
    executable sets[MAX_SETS];
    int n_sets;
    const executable *last;  // whose results are there
    uint64_t runs;
} xla_program;

// ---- what crosses over --------------------------------------------------------------------------

static tarn_status describe_array(const tarn_node *n, const int64_t *dims, ti_xla_array *a) {
    *a = (ti_xla_array){.dtype = n->dtype, .shape = n->shape};
    for (int i = 0; i < a->shape.rank; i++) a->shape.dim[i] = ti_dim_value(n->shape.dim[i], dims);
    return ti_shape_bytes(&a->shape, a->dtype, &a->bytes);
}

static int find_input(const ti_plan *p, const char *name) {
    int i = 0;
    while (strcmp(p->inputs[i], name)) i++;
    return i;
}

static tarn_status list_arguments(xla_program *p) {
    const tarn_node *n;
    size_t most = 0;
    while (ti_stablehlo_argument(p->work, p->n_arguments)) p->n_arguments++;
    size_t cap = (size_t)p->n_arguments + 1;
    TI_TRY(ti_alloc_zero(cap * sizeof *p->input, &p->input));
    TI_TRY(ti_alloc_zero(cap * sizeof *p->sent, &p->sent));
    for (int i = 0; (n = ti_stablehlo_argument(p->work, i)); i++) {
        bool variable = n->op == &ti_op_variable;
        p->input[i] = variable ? -1 : find_input(p->plan, n->at.name);
        if (variable && n->at.var->bytes > most) most = n->at.var->bytes;
    }
    return ti_alloc(most, &p->rows);
}

static tarn_status list_results(xla_program *p) {
    ti_stablehlo_use use;
    while (ti_stablehlo_result(p->work, p->n_results, &use)) p->n_results++;
    size_t cap = (size_t)p->n_results + 1;
    TI_TRY(ti_alloc_zero(cap * sizeof *p->uses, &p->uses));
    TI_TRY(ti_alloc_zero(cap * sizeof *p->made, &p->made));
    for (int i = 0; i < p->n_results; i++) (void)ti_stablehlo_result(p->work, i, &p->uses[i]);
    return TARN_OK;
}

// ---- compiled for some dimensions ---------------------------------------------------------------

static void free_executable(const xla_program *p, executable *e) {
    ti_xla_free_executable(&p->device, e->loaded);
    for (int i = 0; e->host && i < p->n_results; i++) ti_free(e->host[i]);
    ti_free(e->host);
    ti_free(e->arguments);
    ti_free(e->results);
    *e = (executable){0};
}

static tarn_status make_arrays(const xla_program *p, executable *e) {
    size_t cap = (size_t)p->n_results + 1;
    TI_TRY(ti_alloc_zero(((size_t)p->n_arguments + 1) * sizeof *e->arguments, &e->arguments));
    TI_TRY(ti_alloc_zero(cap * sizeof *e->results, &e->results));
    TI_TRY(ti_alloc_zero(cap * sizeof *e->host, &e->host));
    for (int i = 0; i < p->n_arguments; i++)
        TI_TRY(describe_array(ti_stablehlo_argument(p->work, i), e->dims, &e->arguments[i]));
    for (int i = 0; i < p->n_results; i++) {
        TI_TRY(describe_array(p->uses[i].value, e->dims, &e->results[i]));
        TI_TRY(ti_alloc(e->results[i].bytes, &e->host[i]));
    }
    return TARN_OK;
}

static tarn_status make_executable(const xla_program *p, const int64_t *dims, executable *e) {
    ti_buf module;
    ti_buf_init(&module, MAX_MODULE);
    memcpy(e->dims, dims, (size_t)p->plan->n_sym * sizeof *dims);
    tarn_status st = make_arrays(p, e);
    if (!st) st = ti_print_stablehlo(p->work, e->dims, &module);
    if (st) st = ti_error_at(st, "device 'xla'");
    if (!st) st = ti_xla_compile(&p->device, &module, p->n_results, &e->loaded);
    ti_buf_free(&module);
    return st;
}

// Takes out the one that was not used for longest.
static void make_room(xla_program *p) {
    int oldest = 0;
    for (int i = 1; i < p->n_sets; i++)
        if (p->sets[i].used < p->sets[oldest].used) oldest = i;
    free_executable(p, &p->sets[oldest]);
    p->sets[oldest] = p->sets[--p->n_sets];
    p->sets[p->n_sets] = (executable){0};
}

static tarn_status find_executable(xla_program *p, const int64_t *dims, executable **out) {
    size_t bytes = (size_t)p->plan->n_sym * sizeof *dims;
    for (int i = 0; i < p->n_sets; i++)
        if (!memcmp(p->sets[i].dims, dims, bytes)) {
            *out = &p->sets[i];
            return TARN_OK;
        }
    if (p->n_sets == MAX_SETS) make_room(p);
    executable *e = &p->sets[p->n_sets];
    tarn_status st = make_executable(p, dims, e);
    if (st) {
        free_executable(p, e);
        return st;
    }
    p->n_sets++;
    *out = e;
    return TARN_OK;
}

// ---- the program --------------------------------------------------------------------------------

static void program_free(void *program) {
    xla_program *p = program;
    if (!p) return;
    for (int i = 0; i < p->n_sets; i++) free_executable(p, &p->sets[i]);
    ti_xla_device_close(&p->device);
    ti_free(p->input);
    ti_free(p->sent);
    ti_free(p->uses);
    ti_free(p->made);
    ti_free(p->rows);
    ti_free(p);
}

static tarn_status compile_largest(xla_program *p) {
    int64_t dims[TI_MAX_SYMS] = {0};
    executable *e;
    for (int i = 0; i < p->plan->n_sym; i++) dims[i] = p->plan->sym[i].maximum;
    ti_syms_resolve(p->plan->sym, p->plan->n_sym, dims);
    return find_executable(p, dims, &e);
}

static tarn_status compile(const ti_plan *plan, const ti_work *work, const ti_backend_opts *opts,
                           void **program) {
    xla_program *p = NULL;
    TI_TRY(ti_alloc_zero(sizeof *p, &p));
    p->plan = plan;
    p->work = work;
    tarn_status st = ti_xla_device_open(opts->ordinal, &p->device);
    if (!st) st = list_arguments(p);
    if (!st) st = list_results(p);
    if (!st) st = compile_largest(p);
    if (st) {
        program_free(p);
    } else {
        *program = p;
    }
    return st;
}

// ---- running ------------------------------------------------------------------------------------

static const void *argument_bytes(xla_program *p, int i, const ti_run *r) {
    if (p->input[i] >= 0) return r->inputs[p->input[i]];
    const ti_variable *v = ti_stablehlo_argument(p->work, i)->at.var;
    if (v->form == TI_ROWS) return v->data;
    ti_form_to_rows(v->form, v->dtype, &v->shape, v->data, p->rows);
    return p->rows;
}

static tarn_status send_arguments(xla_program *p, const executable *e, const ti_run *r) {
    for (int i = 0; i < p->n_arguments; i++)
        TI_TRY(ti_xla_send(&p->device, &e->arguments[i], argument_bytes(p, i, r), &p->sent[i]));
    return TARN_OK;
}

static tarn_status fetch_results(xla_program *p, const executable *e) {
    for (int i = 0; i < p->n_results; i++)
        TI_TRY(ti_xla_fetch(&p->device, p->made[i], &e->results[i], e->host[i]));
    return TARN_OK;
}

static void free_buffers(xla_program *p) {
    for (int i = 0; i < p->n_arguments; i++) ti_xla_free_buffer(&p->device, p->sent[i]);
    for (int i = 0; i < p->n_results; i++) ti_xla_free_buffer(&p->device, p->made[i]);
    memset(p->sent, 0, (size_t)p->n_arguments * sizeof *p->sent);
    memset(p->made, 0, (size_t)p->n_results * sizeof *p->made);
}

static double scalar(tarn_dtype t, const void *x) {
    if (t == TARN_F32) return (double)*(const float *)x;
    if (t == TARN_F64) return *(const double *)x;
    return ti_half_value(*(const uint16_t *)x, t == TARN_BF16);
}

static tarn_status look_at_checks(const xla_program *p, const executable *e) {
    for (int i = 0; i < p->n_results; i++) {
        const tarn_node *n = p->uses[i].value;
        if (n->op == &ti_op_check_finite && !isfinite(scalar(n->dtype, e->host[i])))
            return ti_error(TARN_ENUMERIC, "%s is not finite", n->at.name);
    }
    return TARN_OK;
}

static void write_variables(const xla_program *p, const executable *e) {
    for (int i = 0; i < p->n_results; i++) {
        if (!p->uses[i].variable) continue;
        const ti_variable *v = p->uses[i].variable->at.var;
        ti_form_from_rows(v->form, v->dtype, &v->shape, e->host[i], v->data);
    }
}

static tarn_status run(void *program, const ti_run *r) {
    xla_program *p = program;
    executable *e = NULL;
    p->last = NULL;
    TI_TRY(find_executable(p, r->dims, &e));
    e->used = ++p->runs;
    tarn_status st = send_arguments(p, e, r);
    if (!st) st = ti_xla_execute(&p->device, e->loaded, p->sent, p->n_arguments, p->made);
    if (!st) st = fetch_results(p, e);
    free_buffers(p);
    if (st) return st;
    p->last = e;
    TI_TRY(look_at_checks(p, e));
    write_variables(p, e);
    return TARN_OK;
}

static const void *result(void *program, int i) {
    const xla_program *p = program;
    for (int j = 0; p->last && j < p->n_results; j++)
        if (p->uses[j].root == i) return p->last->host[j];
    return NULL;
}

// ---- what is known of it ------------------------------------------------------------------------

static void info(const void *program, tarn_program_info *out) {
    (void)program;
    out->compiled = true;
}

static void times(const void *program, int i, double *sum, double *best) {
    (void)program;
    (void)i;
    *sum = *best = 0;
}

static tarn_status describe(int ordinal, char *text, size_t cap) {
    ti_xla_device d;
    TI_TRY(ti_xla_device_open(ordinal, &d));
    const ti_xla_plugin *p = d.plugin;
    snprintf(text, cap, "%s, %zu device%s, PJRT %d.%d of '%s'", d.kind, p->n_devices,
             p->n_devices == 1 ? "" : "s", p->api->version.major, p->api->version.minor, p->path);
    ti_xla_device_close(&d);
    return TARN_OK;
}

const ti_backend ti_backend_xla = {.name = "xla",
                                   .numbered = true,
                                   .compile = compile,
                                   .run = run,
                                   .result = result,
                                   .info = info,
                                   .times = times,
                                   .free = program_free,
                                   .describe = describe};
