// One matrix used twice, for the embedding and, transposed, for the output (Press and Wolf 2017);
// its gradient comes from both. Then what needs norms of packed weights: clipping by the global
// norm of all gradients (Pascanu et al. 2013, algorithm 1), and the constraint that no column is
// longer than MOST (Srivastava et al. 2014, section 5.1).
#include "probes/support.h"

enum { BATCH = 9, WORDS = 37, WIDE = 18, STEPS = 5 };
static const double rate = 0.5, clip = 0.3, most = 1.2;

// loss = mean cross-entropy of tanh(x E) E' + b; x is one-hot.
typedef struct tied {
    tarn_node *e, *b, *loss, *d[2];
} tied;

static tied build(rig *r, tarn_dtype f) {
    tarn_graph *g = r->g;
    tied t;
    tarn_set_max_batch(g, BATCH);
    tarn_node *words = tarn_input(g, "words", TARN_I32, TARN_SHAPE(TARN_BATCH, 1));
    tarn_node *next = tarn_input(g, "next", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *index = tarn_iota(g, TARN_SHAPE(TARN_BATCH, WORDS), 1);
    tarn_node *x = tarn_cast(g, tarn_equal(g, index, words), f);
    t.e = tarn_variable(g, "embedding", f, TARN_SHAPE(WORDS, WIDE), tarn_init_glorot_uniform());
    t.b = tarn_variable(g, "bias", f, TARN_SHAPE(WORDS), tarn_init_zeros());
    tarn_node *h = tarn_tanh(g, tarn_matmul(g, x, t.e));
    tarn_node *logits = tarn_add(g, tarn_dot(g, h, t.e, false, true), t.b);
    t.loss = tarn_mean(g, tarn_softmax_cross_entropy(g, logits, next), TARN_ALL_AXES, 0);
    CHECK_OK(tarn_gradients(g, t.loss, (tarn_node *[]){t.e, t.b}, 2, t.d));
    return t;
}

static tarn_node *number(tarn_graph *g, tarn_node *like, double x) {
    return tarn_constant(g, tarn_node_dtype(like), x);
}
static tarn_node *squares(tarn_graph *g, tarn_node *x, tarn_axes axes, int flags) {
    return tarn_sum(g, tarn_square(g, x), axes, flags);
}

static tarn_node *update(rig *r, const tied *t) {
    tarn_graph *g = r->g;
    tarn_node *sum = tarn_add(g, squares(g, t->d[0], TARN_ALL_AXES, 0),
                              squares(g, t->d[1], TARN_ALL_AXES, 0));
    tarn_node *scale = tarn_minimum(g, number(g, t->e, 1),
                                    tarn_div(g, number(g, t->e, clip), tarn_sqrt(g, sum)));
    tarn_node *by = tarn_mul(g, scale, number(g, t->e, rate));
    tarn_node *e = tarn_sub(g, t->e, tarn_mul(g, t->d[0], by));
    tarn_node *length = tarn_sqrt(g, squares(g, e, TARN_AXIS(0), TARN_KEEP));
    tarn_node *fit = tarn_div(g, tarn_minimum(g, length, number(g, t->e, most)), length);
    tarn_node *both[2] = {
        tarn_assign(g, t->e, tarn_mul(g, e, fit)),
        tarn_assign(g, t->b, tarn_sub(g, t->b, tarn_mul(g, t->d[1], by))),
    };
    return tarn_group(g, both, 2);
}

static void feed(rig *r, int step) {
    static int32_t words[BATCH], next[BATCH];
    for (int i = 0; i < BATCH; i++) {
        words[i] = (i * 7 + step) % WORDS;
        next[i] = (i * 5 + 3 * step) % WORDS;
    }
    CHECK_OK(tarn_bind(r->p, "words", words, TARN_SHAPE(BATCH, 1)));
    CHECK_OK(tarn_bind(r->p, "next", next, TARN_SHAPE(BATCH)));
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    rig r = rig_make();
    tied t = build(&r, TARN_F32);
    rig_compile(&r, TARN_FETCH(update(&r, &t)), "cpu", o);
    probe_steps(&r, STEPS, feed, hash);
    rig_free(&r);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }

static int clipped, shortened;  // how often the two had something to do

// One step with the gradient of differences, clipped and constrained by hand.
static void step_by_hand(double *e, double *b, const double *de, const double *db) {
    double sum = 0, by;
    for (int k = 0; k < WORDS * WIDE; k++) sum += de[k] * de[k];
    for (int k = 0; k < WORDS; k++) sum += db[k] * db[k];
    by = rate * fmin(1, clip / sqrt(sum));
    clipped += by < rate;
    for (int k = 0; k < WORDS; k++) b[k] -= by * db[k];
    for (int k = 0; k < WORDS * WIDE; k++) e[k] -= by * de[k];
    for (int j = 0; j < WIDE; j++) {
        double length = 0;
        for (int i = 0; i < WORDS; i++) length += e[i * WIDE + j] * e[i * WIDE + j];
        length = sqrt(length);
        shortened += length > most;
        for (int i = 0; i < WORDS; i++) e[i * WIDE + j] *= fmin(length, most) / length;
    }
}

TEST(steps_are_as_by_hand_with_gradients_of_differences) {
    static double e[WORDS * WIDE], b[WORDS], de[WORDS * WIDE], db[WORDS], got[WORDS * WIDE];
    rig loss = rig_make(), step = rig_make();
    tied l = build(&loss, TARN_F64), t = build(&step, TARN_F64);
    rig_compile(&loss, TARN_FETCH(l.loss), "cpu", NULL);
    rig_compile(&step, TARN_FETCH(update(&step, &t)), "cpu", NULL);
    for (int i = 0; i < STEPS; i++) {
        probe_read(step.store, "embedding", e, WORDS * WIDE);
        probe_read(step.store, "bias", b, WORDS);
        probe_write(loss.store, "embedding", TARN_F64, TARN_SHAPE(WORDS, WIDE), e);
        probe_write(loss.store, "bias", TARN_F64, TARN_SHAPE(WORDS), b);
        feed(&loss, i);
        feed(&step, i);
        for (int k = 0; k < WORDS * WIDE; k++)
            de[k] = probe_difference(&loss, "embedding", TARN_SHAPE(WORDS, WIDE), e, k);
        for (int k = 0; k < WORDS; k++)
            db[k] = probe_difference(&loss, "bias", TARN_SHAPE(WORDS), b, k);
        CHECK_OK(tarn_run(step.p));
        step_by_hand(e, b, de, db);
        probe_read(step.store, "embedding", got, WORDS * WIDE);
        CHECK_CLOSE(got, e, WORDS * WIDE, 1e-7, 1e-8);
        probe_read(step.store, "bias", got, WORDS);
        CHECK_CLOSE(got, b, WORDS, 1e-7, 1e-8);
    }
    CHECK(clipped > 0 && shortened > 0 && shortened < STEPS * WIDE);
    rig_free(&loss);
    rig_free(&step);
}
