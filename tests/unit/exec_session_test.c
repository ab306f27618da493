// Sessions: one program that only reads, run by several threads at once, while another program
// trains over a store of its own. The results are those of one thread, to the bit.
#include <math.h>
#include <pthread.h>

#include "ops/support.h"

enum { IN = 20, HIDDEN = 70, OUT = 5, BATCH = 9, THREADS = 4, RUNS = 60 };

static tarn_node *network(rig *r) {
    tarn_graph *g = r->g;
    tarn_set_max_batch(g, BATCH);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, IN));
    tarn_node *w = tarn_variable(g, "w", TARN_F32, TARN_SHAPE(IN, HIDDEN), tarn_init_he_normal());
    tarn_node *v = tarn_variable(g, "v", TARN_F32, TARN_SHAPE(HIDDEN, OUT), tarn_init_he_normal());
    return tarn_softmax(g, tarn_matmul(g, tarn_relu(g, tarn_matmul(g, x, w)), v));
}

// Pictures of thread t: different for each.
static void fill(float *x, int t) {
    for (int i = 0; i < BATCH * IN; i++) x[i] = (float)((i * 37 + t * 101) % 211) / 211 - 0.5f;
}

typedef struct job {
    const tarn_program *p;
    pthread_t thread;
    int t;
    float want[BATCH + 1][BATCH * OUT];  // by batch size
    const char *wrong;
} job;

// Every run has another batch size than the one before.
static void *run_session(void *arg) {
    job *j = arg;
    float x[BATCH * IN];
    tarn_session *s = NULL;
    fill(x, j->t);
    if (tarn_session_create(j->p, &s)) j->wrong = tarn_last_error();
    for (int i = 0; i < RUNS && !j->wrong; i++) {
        int64_t batch = 1 + (i * 5 + j->t) % BATCH;
        if (tarn_session_bind(s, "x", x, TARN_SHAPE(batch, IN)) || tarn_session_run(s)) {
            j->wrong = tarn_last_error();
            break;
        }
        tarn_shape shape;
        const void *y = tarn_session_result(s, 0, &shape);
        if (shape.dim[0] != batch || memcmp(y, j->want[batch], (size_t)batch * OUT * sizeof(float)))
            j->wrong = "other bits than alone";
    }
    tarn_session_free(s);
    return NULL;
}

static void *train(void *arg) {
    rig *r = arg;
    const float x[BATCH * IN] = {1};
    if (tarn_bind(r->p, "x", x, TARN_SHAPE(BATCH, IN))) return r;
    for (int i = 0; i < RUNS; i++)
        if (tarn_run(r->p)) return r;
    return NULL;
}

static void make_training(rig *r) {
    *r = rig_make();
    tarn_node *loss = tarn_sum(r->g, network(r), TARN_AXIS(0), 0), *dw;
    loss = tarn_sum(r->g, tarn_mul(r->g, loss, loss), TARN_ALL_AXES, 0);
    tarn_node *w = tarn_variable(r->g, "w", TARN_F32, TARN_SHAPE(IN, HIDDEN), tarn_init_zeros());
    CHECK_OK(tarn_gradients(r->g, loss, &w, 1, &dw));
    rig_compile(r, TARN_FETCH(loss, tarn_assign(r->g, w, tarn_sub(r->g, w, dw))), "cpu", NULL);
}

static void check_threads(const char *device, tarn_jit jit) {
    static job jobs[THREADS];
    rig r = rig_make(), training;
    pthread_t trainer;
    void *failed;
    rig_compile(&r, TARN_FETCH(network(&r)), device, &(tarn_compile_opts){.jit = jit});
    make_training(&training);
    for (int t = 0; t < THREADS; t++) {
        float x[BATCH * IN];
        fill(x, t);
        for (int64_t batch = 1; batch <= BATCH; batch++) {
            CHECK_OK(tarn_bind(r.p, "x", x, TARN_SHAPE(batch, IN)));
            CHECK_OK(tarn_run(r.p));
            memcpy(jobs[t].want[batch], tarn_result(r.p, 0, NULL),
                   (size_t)batch * OUT * sizeof(float));
        }
        jobs[t].p = r.p;
        jobs[t].t = t;
    }
    CHECK(!pthread_create(&trainer, NULL, train, &training));
    for (int t = 0; t < THREADS; t++)
        CHECK(!pthread_create(&jobs[t].thread, NULL, run_session, &jobs[t]));
    for (int t = 0; t < THREADS; t++) {
        CHECK(!pthread_join(jobs[t].thread, NULL));
        if (jobs[t].wrong) test_fail(__FILE__, __LINE__, "thread %d: %s", t, jobs[t].wrong);
    }
    CHECK(!pthread_join(trainer, &failed) && !failed);
    rig_free(&r);
    rig_free(&training);
}

TEST(threads_run_one_program_at_once) { check_threads("cpu", TARN_JIT_OFF); }
TEST(threads_run_one_reference_program_at_once) { check_threads("ref", TARN_JIT_OFF); }
TEST(threads_run_one_compiled_program_at_once) {
    need_compiler();
    check_threads("cpu", TARN_JIT_WAIT);
}

TEST(a_program_that_assigns_has_no_sessions) {
    rig r;
    tarn_session *s = NULL;
    make_training(&r);
    CHECK_ERR(tarn_session_create(r.p, &s), TARN_ESTATE, "writes 'w'");
    CHECK(!s);
    rig_free(&r);
}

// What is trained or set meanwhile is seen by the next run.
TEST(a_session_sees_the_store_of_its_program) {
    rig r = rig_make();
    tarn_session *s = NULL;
    tarn_tensor *t = NULL;
    tarn_node *w = tarn_variable(r.g, "w", TARN_F32, TARN_SHAPE(2, 3), tarn_init_ones());
    rig_compile(&r, TARN_FETCH(tarn_sum(r.g, w, TARN_ALL_AXES, 0)), "cpu", NULL);
    CHECK_OK(tarn_session_create(r.p, &s));
    CHECK(isnan(tarn_session_scalar(s, 0)));  // not run yet
    CHECK_OK(tarn_session_run(s));
    CHECK(tarn_session_scalar(s, 0) == 6);
    CHECK_OK(tarn_tensor_create(TARN_F32, TARN_SHAPE(2, 3), &t));
    CHECK_OK(tarn_store_set(r.store, "w", t));
    CHECK_OK(tarn_session_run(s));
    CHECK(tarn_session_scalar(s, 0) == 0);
    tarn_tensor_release(t);
    tarn_session_free(s);
    rig_free(&r);
}
