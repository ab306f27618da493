// Programs through PJRT, with a plugin that looks at every call (tests/plugin/fake_pjrt.c) and has
// its answers from here: the cpu device, over a store of its own, computes them from the very bytes
// that the plugin was sent. So what is checked is all that lies between the store and a plugin, and
// the truth is another device's.
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>

#include "ops/mlp.h"
#include "plugin/fake_pjrt.h"

#define FAKE TARN_PLUGIN_DIR "/fake_pjrt.so"

// The plugin's state, before the library loads it itself.
static fake_pjrt *fake_load(void) {
    fake_pjrt_state_fn *get;
    void *handle = dlopen(FAKE, RTLD_NOW | RTLD_LOCAL);
    void *symbol = handle ? dlsym(handle, "fake_pjrt_state") : NULL;
    if (!symbol) test_fail(__FILE__, __LINE__, "%s: %s", FAKE, dlerror());
    memcpy(&get, &symbol, sizeof get);
    CHECK(!setenv("TARN_PJRT_PLUGIN", FAKE, 1));
    return get();
}

static void fake_clean(const fake_pjrt *f) {
    CHECK_STR(f->wrong, "");
    CHECK_EQ_I(f->live, 0);
}

// ---- answers ------------------------------------------------------------------------------------

// Computes on the cpu, and compares what arrives with what should.
typedef struct oracle {
    mlp m;
    const mlp *fed;     // whose input data should arrive
    tarn_store *store;  // whose variables should arrive, NULL: not looked at
    int64_t batch;
} oracle;

static void same_variable(tarn_store *s, const fake_array *a) {
    tarn_tensor *t = NULL;
    CHECK_OK(tarn_store_get(s, a->name, &t));
    CHECK_EQ_I(a->bytes, tarn_tensor_bytes(t));
    if (memcmp(a->data, tarn_tensor_cdata(t), a->bytes) != 0)
        test_fail(__FILE__, __LINE__, "other bytes of '%s' arrived", a->name);
    tarn_tensor_release(t);
}

static void take_variable(oracle *o, const fake_array *a) {
    tarn_tensor *t = NULL;
    CHECK_OK(tarn_store_get(o->m.r.store, a->name, &t));
    CHECK_EQ_I(a->bytes, tarn_tensor_bytes(t));
    memcpy(tarn_tensor_data(t), a->data, a->bytes);
    CHECK_OK(tarn_store_set(o->m.r.store, a->name, t));
    tarn_tensor_release(t);
}

static void take_input(oracle *o, const fake_array *a) {
    bool x = !strcmp(a->name, "x");
    const void *fed = x ? (const void *)o->fed->x : o->fed->labels;
    tarn_shape s = x ? TARN_SHAPE(o->batch, MLP_IN) : TARN_SHAPE(o->batch);
    CHECK_EQ_I(a->bytes, (size_t)tarn_shape_numel(&s) * 4);
    CHECK(!memcmp(a->data, fed, a->bytes));
    CHECK_OK(tarn_bind(o->m.r.p, a->name, a->data, s));
}

static void give(oracle *o, const fake_array *a) {
    tarn_tensor *t = NULL;
    if (a->role == 'f') {  // the loss, and the loss as checked
        memcpy(a->data, tarn_result(o->m.r.p, 0, NULL), a->bytes);
        return;
    }
    CHECK(a->role == 'v');
    CHECK_OK(tarn_store_get(o->m.r.store, a->name, &t));
    memcpy(a->data, tarn_tensor_cdata(t), a->bytes);
    tarn_tensor_release(t);
}

static void answer_by_cpu(void *ctx, const fake_module *m) {
    oracle *o = ctx;
    for (int i = 0; i < m->n_arguments; i++) {
        const fake_array *a = &m->argument[i];
        if (a->role == 'v' && o->store) same_variable(o->store, a);
        if (a->role == 'v') take_variable(o, a);
        if (a->role == 'i') take_input(o, a);
    }
    CHECK_OK(tarn_run(o->m.r.p));
    for (int i = 0; i < m->n_results; i++) give(o, &m->result[i]);
}

static void answer_zeros(void *ctx, const fake_module *m) {
    (void)ctx;
    for (int i = 0; i < m->n_results; i++) memset(m->result[i].data, 0, m->result[i].bytes);
}

static void oracle_make(oracle *o, fake_pjrt *f, const mlp *fed) {
    mlp_make(&o->m, "cpu", NULL);
    o->fed = fed;
    o->batch = MLP_BATCH;
    f->answer = answer_by_cpu;
    f->ctx = o;
}

// ---- training -----------------------------------------------------------------------------------

TEST(training_through_a_plugin_is_training_on_the_cpu_to_the_bit) {
    static const int batches[] = {MLP_BATCH, 7, MLP_BATCH, 1};
    static oracle o;
    static mlp cpu, xla;
    fake_pjrt *f = fake_load();
    mlp_make(&cpu, "cpu", NULL);
    mlp_make(&xla, "xla", NULL);
    oracle_make(&o, f, &xla);
    o.store = cpu.r.store;
    for (int i = 0; i < 4; i++) {
        char want[65], got[65];
        for (int j = 0; j < MLP_BATCH * MLP_IN; j++) cpu.x[j] = xla.x[j] = (float)(i + j % 31) / 9;
        o.batch = batches[i];
        CHECK_OK(mlp_run(&xla, xla.r.p, batches[i]));
        CHECK_OK(mlp_run(&cpu, cpu.r.p, batches[i]));
        store_hash(cpu.r.store, want);
        store_hash(xla.r.store, got);
        CHECK_STR(got, want);
        CHECK(tarn_result_scalar(xla.r.p, 0) == tarn_result_scalar(cpu.r.p, 0));
    }
    CHECK_EQ_I(f->executed, 4);
    CHECK_EQ_I(f->compiled, 3);  // batches of 32, 7 and 1
    rig_free(&cpu.r);
    rig_free(&xla.r);
    rig_free(&o.m.r);
    fake_clean(f);
}

TEST(the_last_sets_of_dimensions_stay_compiled) {
    static oracle o;
    static mlp xla;
    fake_pjrt *f = fake_load();
    mlp_make(&xla, "xla", NULL);
    oracle_make(&o, f, &xla);
    for (o.batch = 1; o.batch <= 10; o.batch++) CHECK_OK(mlp_run(&xla, xla.r.p, o.batch));
    CHECK_EQ_I(f->compiled, 11);
    CHECK_EQ_I(f->live_executables, 8);
    for (o.batch = 3; o.batch <= 10; o.batch++) CHECK_OK(mlp_run(&xla, xla.r.p, o.batch));
    CHECK_EQ_I(f->compiled, 11);
    o.batch = 2;  // was put out for 10
    CHECK_OK(mlp_run(&xla, xla.r.p, o.batch));
    CHECK_EQ_I(f->compiled, 12);
    rig_free(&xla.r);
    rig_free(&o.m.r);
    fake_clean(f);
}

// ---- failures -----------------------------------------------------------------------------------

static bool is_destroy(const char *call) { return strstr(call, "_Destroy") != NULL; }

// Make a program and run it twice while a failure is planted; what it says, and that nothing is
// left over or half written. False once the failure came to nothing: the call does not exist.
static bool fails_well(fake_pjrt *f, oracle *o, long n, bool all) {
    static mlp xla;
    char before[65], after[65];
    *f->failed = '\0';
    f->calls = 0;
    f->fail_at = n;
    f->fail_all = all;
    xla = (mlp){.r = rig_make()};
    mlp_build(&xla, xla.r.g);
    mlp_data(&xla);
    o->fed = &xla;
    o->batch = MLP_BATCH;
    tarn_fetch fetch = TARN_FETCH(xla.loss, xla.step);
    tarn_status st = tarn_compile(xla.r.g, fetch, "xla", &xla.r.p);
    for (int i = 0; i < 2 && !st; i++) {
        store_hash(xla.r.store, before);
        o->batch = MLP_BATCH - i;
        st = mlp_run(&xla, xla.r.p, MLP_BATCH - i);
        store_hash(xla.r.store, after);
        CHECK_EQ_I(st != 0, !strcmp(before, after));
    }
    bool failed = *f->failed != '\0';
    if (failed && !st && !is_destroy(f->failed))
        test_fail(__FILE__, __LINE__, "the failure of %s in call %ld was lost", f->failed, n);
    if (st) CHECK_ERR(st, TARN_EIO, "planted failure of PJRT_");
    f->fail_at = 0;
    if (st && xla.r.p) CHECK_OK(mlp_run(&xla, xla.r.p, o->batch));  // as if nothing had been
    rig_free(&xla.r);
    fake_clean(f);
    return failed;
}

static void check_failures(bool all) {
    static oracle o;
    long n = 1;
    fake_pjrt *f = fake_load();
    oracle_make(&o, f, NULL);
    while (fails_well(f, &o, n, all)) n++;
    CHECK(n > 100);  // two compiled, two runs of 11 arguments or more
    rig_free(&o.m.r);
    fake_clean(f);
}

TEST(every_call_may_fail) { check_failures(false); }
TEST(every_call_and_all_that_follow_may_fail) { check_failures(true); }

static tarn_status smoke(void) {
    mlp m = {.r = {0}};
    mlp_data(&m);
    tarn_status st = tarn_store_create(RIG_SEED, &m.r.store);
    if (!st && !(m.r.g = tarn_graph_create(m.r.store))) st = TARN_ENOMEM;
    if (!st) {
        mlp_build(&m, m.r.g);
        st = tarn_graph_status(m.r.g);
    }
    tarn_fetch fetch = TARN_FETCH(m.loss, m.step);
    if (!st) st = tarn_compile(m.r.g, fetch, "xla", &m.r.p);
    for (int i = 0; i < 2 && !st; i++) st = mlp_run(&m, m.r.p, MLP_BATCH - i);
    rig_free(&m.r);
    return st;
}

TEST(every_allocation_may_fail) {
    fake_pjrt *f = fake_load();
    f->answer = answer_zeros;
    ti_alloc_stats before = ti_alloc_stats_now();
    CHECK_OK(smoke());
    uint64_t calls = ti_alloc_stats_now().calls - before.calls;
    for (uint64_t n = 1; n <= calls; n++) {
        ti_alloc_fail_at(n);
        tarn_status st = smoke();
        ti_alloc_fail_at(0);
        if (st == TARN_OK && n == 1) SKIP("allocations fail only in test builds");
        CHECK(st == TARN_OK || st == TARN_ENOMEM);
        CHECK_EQ_I(ti_alloc_stats_now().live, before.live);
        fake_clean(f);
    }
}

TEST(the_kind_of_failure_is_kept) {
    static const struct {
        int code;
        tarn_status st;
    } kinds[] = {{8, TARN_ENOMEM}, {12, TARN_EUNSUPPORTED}, {3, TARN_EIO}};
    char text[200];
    fake_pjrt *f = fake_load();
    for (int i = 0; i < 3; i++) {
        f->code = kinds[i].code;
        f->calls = 0;
        f->fail_at = i ? 1 : 2;  // initialising is done once
        CHECK_ERR(tarn_device_describe("xla", text, sizeof text), kinds[i].st,
                  "Client_Create of the PJRT plugin: planted failure of PJRT_Client_Create");
    }
    fake_clean(f);
}

// A plugin that means other arrays than the module does is not let near our memory.
TEST(results_of_another_number_or_size_are_refused) {
    static mlp xla;
    fake_pjrt *f = fake_load();
    f->answer = answer_zeros;
    xla = (mlp){.r = rig_make()};
    mlp_build(&xla, xla.r.g);
    mlp_data(&xla);
    tarn_fetch fetch = TARN_FETCH(xla.loss, xla.step);
    f->outputs = 1;
    CHECK_ERR(tarn_compile(xla.r.g, fetch, "xla", &xla.r.p), TARN_EIO, "results, not");
    f->outputs = 0;
    CHECK_OK(tarn_compile(xla.r.g, fetch, "xla", &xla.r.p));
    f->extra = 1;
    CHECK_ERR(mlp_run(&xla, xla.r.p, MLP_BATCH), TARN_EIO, "has 5 bytes for a result of 4");
    rig_free(&xla.r);
    fake_clean(f);
}

// ---- finite checks ------------------------------------------------------------------------------

// Every byte of every variable new, and what is checked not a number.
static void answer_nan(void *ctx, const fake_module *m) {
    char role = *(const char *)ctx;
    for (int i = 0; i < m->n_results; i++)
        memset(m->result[i].data, m->result[i].role == role ? 0xff : 0x11, m->result[i].bytes);
}

TEST(a_failed_check_leaves_the_store_as_it_was) {
    static mlp xla;
    char before[65], after[65];
    fake_pjrt *f = fake_load();
    f->answer = answer_nan;
    f->ctx = "f";
    mlp_make(&xla, "xla", NULL);
    xla.x[5] = (float)INFINITY;
    store_hash(xla.r.store, before);
    CHECK_ERR(mlp_run(&xla, xla.r.p, MLP_BATCH), TARN_ENUMERIC,
              "loss is not finite: input 'x' holds it");
    store_hash(xla.r.store, after);
    CHECK_STR(after, before);
    CHECK_EQ_I(f->executed, 1);
    f->ctx = "none";
    CHECK_OK(mlp_run(&xla, xla.r.p, MLP_BATCH));
    store_hash(xla.r.store, after);
    CHECK(strcmp(after, before) != 0);
    rig_free(&xla.r);
    fake_clean(f);
}

// A check in the middle of a graph is a result too, though nobody fetches it.
TEST(a_check_that_is_not_fetched_is_looked_at) {
    for (int type = 0; type < 2; type++) {
        tarn_dtype t = type ? TARN_F64 : TARN_F32;
        double x = 3;
        rig r = rig_make();
        fake_pjrt *f = fake_load();
        f->answer = answer_nan;
        f->ctx = "c";
        tarn_node *v = tarn_variable(r.g, "v", t, TARN_SCALAR, tarn_init_constant(2));
        tarn_node *in = tarn_cast(r.g, tarn_input(r.g, "x", TARN_F64, TARN_SCALAR), t);
        tarn_node *checked = tarn_check_finite(r.g, tarn_mul(r.g, in, v), "middle");
        tarn_node *new = tarn_assign(r.g, v, tarn_mul(r.g, checked, v));
        rig_compile(&r, TARN_FETCH(new), "xla", NULL);
        CHECK_OK(tarn_bind(r.p, "x", &x, TARN_SCALAR));
        CHECK_ERR(tarn_run(r.p), TARN_ENUMERIC, "middle is not finite");
        rig_free(&r);
        fake_clean(f);
    }
}

// ---- what crosses over --------------------------------------------------------------------------

static void answer_by_copy(void *ctx, const fake_module *m) {
    (void)ctx;
    CHECK_EQ_I(m->n_arguments, m->n_results);
    for (int i = 0; i < m->n_results; i++) {
        CHECK_EQ_I(m->argument[i].bytes, m->result[i].bytes);
        memcpy(m->result[i].data, m->argument[i].data, m->argument[i].bytes);
    }
}

TEST(every_dtype_and_rank_crosses_both_ways) {
    static unsigned char data[TARN_DTYPE_COUNT][2048];
    tarn_node *in[TARN_DTYPE_COUNT];
    rig r = rig_make();
    fake_pjrt *f = fake_load();
    f->answer = answer_by_copy;
    tarn_set_max_batch(r.g, 3);
    for (int t = 0; t < TARN_DTYPE_COUNT; t++) {
        size_t seed = (size_t)t;
        tarn_shape s = {t % 9, {t == 8 ? TARN_BATCH : 2, 1, 3, 1, 2, t == 7 ? 0 : 1, 4, 2}};
        for (size_t i = 0; i < sizeof data[t]; i++) data[t][i] = (unsigned char)(seed + i * 7);
        if (t == TARN_BOOL) memset(data[t], 1, sizeof data[t]);
        in[t] = tarn_input(r.g, tarn_dtype_name((tarn_dtype)t), (tarn_dtype)t, s);
    }
    rig_compile(&r, (tarn_fetch){in, TARN_DTYPE_COUNT}, "xla", NULL);
    for (int64_t batch = 3; batch >= 0; batch -= 3) {
        for (int t = 0; t < TARN_DTYPE_COUNT; t++) {
            tarn_shape s = *tarn_node_shape(in[t]);
            if (t == 8) s.dim[0] = batch;
            CHECK_OK(tarn_bind(r.p, tarn_dtype_name((tarn_dtype)t), data[t], s));
        }
        CHECK_OK(tarn_run(r.p));
        for (int t = 0; t < TARN_DTYPE_COUNT; t++) {
            size_t bytes;
            const void *y = result_bytes(r.p, t, &bytes);
            CHECK(!memcmp(y, data[t], bytes));
        }
    }
    rig_free(&r);
    fake_clean(f);
}

TEST(numbered_devices_are_the_plugins) {
    char text[200];
    const float x = 5;
    fake_pjrt *f = fake_load();
    f->answer = answer_by_copy;
    for (int i = 0; i < 2; i++) {  // the plugin compares where a program and its arrays are
        rig r = rig_make();
        rig_compile(&r, TARN_FETCH(tarn_input(r.g, "x", TARN_F32, TARN_SCALAR)),
                    i ? "xla:1" : "xla:0", NULL);
        CHECK_OK(tarn_bind(r.p, "x", &x, TARN_SCALAR));
        CHECK_OK(tarn_run(r.p));
        CHECK(tarn_result_scalar(r.p, 0) == 5);
        rig_free(&r);
    }
    CHECK_OK(tarn_device_describe("xla:1", text, sizeof text));
    CHECK(strstr(text, "fake device, 2 devices, PJRT 0.90 of '"));
    CHECK_ERR(tarn_device_describe("xla:2", text, sizeof text), TARN_EUNSUPPORTED,
              "device 'xla:2': the plugin has 2 devices");
    CHECK_ERR(tarn_device_describe("xla:70000", text, sizeof text), TARN_EUNSUPPORTED,
              "no device 'xla:70000'");
    CHECK_ERR(tarn_device_describe("cpu:0", text, sizeof text), TARN_EUNSUPPORTED,
              "no device 'cpu:0'");
    CHECK_OK(tarn_device_describe("cpu", text, sizeof text));
    CHECK_STR(text, "");
    fake_clean(f);
}

static tarn_status infer(void *user, const tarn_array *x, tarn_array *y) {
    (void)user;
    *y = *x;
    return TARN_OK;
}
static tarn_status run(void *user, const tarn_array *x, const tarn_array *y) {
    (void)user;
    memcpy(y->data, x->data, (size_t)tarn_shape_numel(&y->shape) * 4);
    return TARN_OK;
}

TEST(functions_of_the_host_are_refused) {
    static const tarn_custom_op op = {"copy_it", 1, infer, run, NULL, NULL};
    rig r = rig_make();
    fake_pjrt *f = fake_load();
    tarn_node *x = tarn_input(r.g, "x", TARN_F32, TARN_SHAPE(3));
    tarn_fetch fetch = TARN_FETCH(tarn_custom(r.g, &op, &x));
    CHECK_ERR(tarn_compile(r.g, fetch, "xla", &r.p), TARN_EUNSUPPORTED,
              "device 'xla': copy_it has no StableHLO");
    CHECK_EQ_I(f->compiled, 0);
    rig_free(&r);
    fake_clean(f);
}

// ---- threads ------------------------------------------------------------------------------------

typedef struct job {
    rig r;
    tarn_node *x;
    int good;  // programs that gave what they should
} job;

static void *make_and_run(void *arg) {
    const float x = 7;
    job *j = arg;
    for (int i = 0; i < 8; i++) {
        tarn_program *p = NULL;
        if (!tarn_compile(j->r.g, TARN_FETCH(j->x), "xla", &p) &&
            !tarn_bind(p, "x", &x, TARN_SCALAR) && !tarn_run(p))
            j->good += tarn_result_scalar(p, 0) == 7;
        tarn_program_free(p);
    }
    return NULL;
}

TEST(threads_share_a_client) {
    pthread_t threads[4];
    job jobs[4] = {{.good = 0}};
    fake_pjrt *f = fake_load();
    f->answer = answer_by_copy;
    rig other = rig_make();
    rig_compile(&other, TARN_FETCH(tarn_constant(other.g, TARN_F32, 1)), "xla", NULL);
    for (int i = 0; i < 4; i++) {
        jobs[i].r = rig_make();
        jobs[i].x = tarn_input(jobs[i].r.g, "x", TARN_F32, TARN_SCALAR);
        CHECK(!pthread_create(&threads[i], NULL, make_and_run, &jobs[i]));
    }
    for (int i = 0; i < 4; i++) CHECK(!pthread_join(threads[i], NULL));
    for (int i = 0; i < 4; i++) {
        CHECK_EQ_I(jobs[i].good, 8);
        rig_free(&jobs[i].r);
    }
    rig_free(&other);
    fake_clean(f);
}

// ---- finding and loading ------------------------------------------------------------------------

// The plugin under a name of its own, so that it is loaded anew.
static void another_path(char path[4096], const char *name) {
    snprintf(path, 4096, "%s/%s.so", test_dir(), name);
    CHECK(!symlink(FAKE, path));
}

static tarn_status describe(void) {
    char text[1200];
    return tarn_device_describe("xla", text, sizeof text);
}

TEST(a_plugin_is_looked_for_in_three_variables) {
    char a[4096], b[4096], list[8300];
    fake_pjrt *f = fake_load();
    another_path(a, "a");
    another_path(b, "b");
    unsetenv("TARN_PJRT_PLUGIN");
    unsetenv("PJRT_NAMES_AND_LIBRARY_PATHS");
    unsetenv("TPU_LIBRARY_PATH");
    CHECK_ERR(describe(), TARN_EUNSUPPORTED,
              "device 'xla' needs a PJRT plugin: set TARN_PJRT_PLUGIN to its path");
    CHECK(!setenv("TPU_LIBRARY_PATH", a, 1));
    CHECK_OK(describe());
    CHECK(!setenv("PJRT_NAMES_AND_LIBRARY_PATHS", "nothing", 1));
    CHECK_ERR(describe(), TARN_EARG, "is no name:path list: 'nothing'");
    snprintf(list, sizeof list, "one:%s,two:/nowhere.so", b);
    CHECK(!setenv("PJRT_NAMES_AND_LIBRARY_PATHS", list, 1));
    char text[4200];
    f->initialised = 0;  // the same file, to the library another plugin
    CHECK_OK(tarn_device_describe("xla", text, sizeof text));
    CHECK(strstr(text, "/b.so'"));
    CHECK(!setenv("TARN_PJRT_PLUGIN", "/nowhere.so", 1));
    CHECK_ERR(describe(), TARN_EUNSUPPORTED, "PJRT plugin '/nowhere.so': ");
    CHECK(!setenv("TARN_PJRT_PLUGIN", "libm.so.6", 1));
    CHECK_ERR(describe(), TARN_EUNSUPPORTED, "PJRT plugin 'libm.so.6': it has no GetPjrtApi");
    memset(list, 'p', sizeof list - 1);
    list[sizeof list - 1] = '\0';
    CHECK(!setenv("TARN_PJRT_PLUGIN", list, 1));
    CHECK_ERR(describe(), TARN_ELIMIT, "longer than 1023 bytes");
    fake_clean(f);
}

TEST(plugins_of_other_versions_are_refused_and_newer_ones_taken) {
    static const struct {
        int major, minor;
        size_t size;
        const char *text;
    } cases[] = {{1, 90, 0, "it speaks PJRT 1.90, not 0.33 or a later minor version"},
                 {0, 32, 0, "it speaks PJRT 0.32"},
                 {0, 33, 600, "it has no PJRT_Buffer_ToHostBuffer"},
                 {0, 33, 64, "it has no PJRT_Plugin_Initialize"},
                 {0, 33, 39, "GetPjrtApi gives no table"},
                 {0, 33, 608, NULL},
                 {0, 999, 5000, NULL}};
    fake_pjrt *f = fake_load();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[4096], name[8];
        snprintf(name, sizeof name, "v%zu", i);
        another_path(path, name);
        CHECK(!setenv("TARN_PJRT_PLUGIN", path, 1));
        f->major = cases[i].major;
        f->minor = cases[i].minor;
        f->struct_size = cases[i].size;
        f->initialised = 0;
        if (cases[i].text)
            CHECK_ERR(describe(), TARN_EUNSUPPORTED, cases[i].text);
        else
            CHECK_OK(describe());
        fake_clean(f);
    }
}
