// A generative adversarial network (Goodfellow et al. 2014, algorithm 1): two programs, two
// optimizers, one store. The discriminator's step leaves the generator alone and the other way
// round; each optimizer has its own learning rate, counter and slots.
//
// G(z) = z a + b and D(x) = sigmoid(x w + c) on the line, so that every gradient is written below
// in closed form, in f64.
#include "probes/support.h"

enum { BATCH = 32, STEPS = 5 };
static const double rate_g = 0.05, rate_d = 0.1, decay = 0.9, epsilon = 1e-7;

typedef struct gan {
    tarn_store *store;
    rig d, g;
} gan;

static tarn_node *affine(tarn_graph *g, tarn_node *x, const char *w, const char *b,
                         tarn_fetch *variables, tarn_node **list) {
    list[0] = tarn_variable(g, w, TARN_F64, TARN_SHAPE(1, 1), tarn_init_constant(0.5));
    list[1] = tarn_variable(g, b, TARN_F64, TARN_SHAPE(1), tarn_init_constant(-0.25));
    *variables = (tarn_fetch){list, 2};
    return tarn_add(g, tarn_matmul(g, x, list[0]), list[1]);
}

// -mean(log(y ? D : 1 - D)) of the discriminator's logits, as softplus, which has no log of zero
// here: the logits stay small.
static tarn_node *loss_of(tarn_graph *g, tarn_node *logits, bool real) {
    tarn_node *x = real ? tarn_neg(g, logits) : logits, *one = tarn_constant(g, TARN_F64, 1);
    return tarn_mean(g, tarn_log(g, tarn_add(g, one, tarn_exp(g, x))), TARN_ALL_AXES, 0);
}

static void make_discriminator(gan *n, const tarn_compile_opts *o) {
    tarn_graph *g = (n->d = probe_graph(n->store, BATCH)).g;
    tarn_node *gen[2], *dis[2];
    tarn_fetch gen_vars, dis_vars;
    tarn_node *x = tarn_input(g, "x", TARN_F64, TARN_SHAPE(TARN_BATCH, 1));
    tarn_node *z = tarn_input(g, "z", TARN_F64, TARN_SHAPE(TARN_BATCH, 1));
    tarn_node *fake = affine(g, z, "gen/w", "gen/b", &gen_vars, gen);
    tarn_node *real = loss_of(g, affine(g, x, "dis/w", "dis/b", &dis_vars, dis), true);
    tarn_node *logits = tarn_add(g, tarn_matmul(g, fake, dis[0]), dis[1]);
    tarn_node *loss = tarn_add(g, real, loss_of(g, logits, false));
    tarn_node *step = tarn_minimize(
        g, loss, tarn_rmsprop(.learning_rate = rate_d, .rho = decay, .name = "dis"), &dis_vars);
    rig_compile(&n->d, TARN_FETCH(step), "cpu", o);
}

static void make_generator(gan *n, const tarn_compile_opts *o) {
    tarn_graph *g = (n->g = probe_graph(n->store, BATCH)).g;
    tarn_node *gen[2], *dis[2];
    tarn_fetch gen_vars, dis_vars;
    tarn_node *z = tarn_input(g, "z", TARN_F64, TARN_SHAPE(TARN_BATCH, 1));
    tarn_node *fake = affine(g, z, "gen/w", "gen/b", &gen_vars, gen);
    tarn_node *loss = loss_of(g, affine(g, fake, "dis/w", "dis/b", &dis_vars, dis), true);
    tarn_node *step = tarn_minimize(
        g, loss, tarn_sgd(.learning_rate = rate_g, .momentum = decay, .name = "gen"), &gen_vars);
    rig_compile(&n->g, TARN_FETCH(step), "cpu", o);
}

static void draw(int step, double *x, double *z) {
    for (int i = 0; i < BATCH; i++) {
        x[i] = 3 + (double)((i * 29 + step * 7) % 31) / 31;
        z[i] = (double)((i * 17 + step * 13) % 37) / 37 - 0.5;
    }
}

static gan make(const tarn_compile_opts *o) {
    gan n = {0};
    CHECK_OK(tarn_store_create(1, &n.store));
    make_discriminator(&n, o);
    make_generator(&n, o);
    return n;
}

static void free_gan(gan *n) {
    probe_graph_free(&n->d);
    probe_graph_free(&n->g);
    tarn_store_free(n->store);
}

static void step(gan *n, int i) {
    double x[BATCH], z[BATCH];
    draw(i, x, z);
    CHECK_OK(tarn_bind(n->d.p, "x", x, TARN_SHAPE(BATCH, 1)));
    probe_run(&n->d, "z", z, TARN_SHAPE(BATCH, 1));
    probe_run(&n->g, "z", z, TARN_SHAPE(BATCH, 1));
}

static void train(const tarn_compile_opts *o, char hash[65]) {
    gan n = make(o);
    for (int i = 0; i < STEPS; i++) step(&n, i);
    CHECK_OK(tarn_store_sha256(n.store, hash));
    free_gan(&n);
}

// The same by hand: a, b of G; w, c of D; v second moments of D, m momenta of G.
typedef struct hand {
    double a, b, w, c, vw, vc, ma, mb;
} hand;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static void rmsprop(double *w, double *v, double d) {
    *v = decay * *v + (1 - decay) * d * d;
    *w -= rate_d * d / sqrt(*v + epsilon);
}

static void step_by_hand(hand *h, int i) {
    double x[BATCH], z[BATCH], dw = 0, dc = 0, da = 0, db = 0;
    draw(i, x, z);
    for (int k = 0; k < BATCH; k++) {  // d softplus(t) = sigmoid(t)
        double f = h->a * z[k] + h->b;
        double real = -sigmoid(-(h->w * x[k] + h->c)), fake = sigmoid(h->w * f + h->c);
        dw += (real * x[k] + fake * f) / BATCH;
        dc += (real + fake) / BATCH;
    }
    rmsprop(&h->w, &h->vw, dw);
    rmsprop(&h->c, &h->vc, dc);
    for (int k = 0; k < BATCH; k++) {
        double f = h->a * z[k] + h->b, t = -sigmoid(-(h->w * f + h->c)) * h->w;
        da += t * z[k] / BATCH;
        db += t / BATCH;
    }
    h->ma = decay * h->ma - rate_g * da;
    h->mb = decay * h->mb - rate_g * db;
    h->a += h->ma;
    h->b += h->mb;
}

TEST(both_players_step_as_by_hand) {
    hand h = {.a = 0.5, .b = -0.25, .w = 0.5, .c = -0.25};
    gan n = make(NULL);
    for (int i = 0; i < STEPS; i++) {
        double got[4];
        step(&n, i);
        step_by_hand(&h, i);
        probe_read(n.store, "gen/w", got, 1);
        probe_read(n.store, "gen/b", got + 1, 1);
        probe_read(n.store, "dis/w", got + 2, 1);
        probe_read(n.store, "dis/b", got + 3, 1);
        const double want[4] = {h.a, h.b, h.w, h.c};
        CHECK_CLOSE(got, want, 4, 1e-6, 1e-7);  // the learning rates are f32
    }
    free_gan(&n);
}

TEST(each_player_leaves_the_other_alone) {
    double x[BATCH], z[BATCH], before[2], after[2];
    gan n = make(NULL);
    draw(0, x, z);
    CHECK_OK(tarn_bind(n.d.p, "x", x, TARN_SHAPE(BATCH, 1)));
    probe_run(&n.d, "z", z, TARN_SHAPE(BATCH, 1));
    probe_read(n.store, "gen/w", before, 1);
    CHECK(before[0] == 0.5);
    probe_read(n.store, "dis/w", before, 1);
    probe_run(&n.g, "z", z, TARN_SHAPE(BATCH, 1));
    probe_read(n.store, "dis/w", after, 1);
    CHECK(before[0] == after[0]);
    probe_read(n.store, TARN_STATE_PREFIX "dis/iterations", after, 1);
    probe_read(n.store, TARN_STATE_PREFIX "gen/iterations", after + 1, 1);
    CHECK(after[0] == 1 && after[1] == 1);
    probe_read(n.store, TARN_STATE_PREFIX "dis/learning_rate", after, 1);
    CHECK(after[0] == (double)(float)rate_d);
    CHECK(!tarn_store_has(n.store, TARN_LEARNING_RATE));
    free_gan(&n);
}

TEST(every_way_to_run_gives_one_hash) { probe_all_ways(train); }
