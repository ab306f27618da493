// Losses, metrics and activations against closed forms.
#include <math.h>
#include <string.h>
#include <tarn/tarn.h>

#include "test.h"

// Runs build(y_true, y_pred) on [2, 3] predictions; the result is a vector of 2. y_true NULL: the
// builder does without.
typedef tarn_node *(*builder)(tarn_graph *g, const char *name, tarn_node *t, tarn_node *p);

static tarn_status run(builder build, const char *name, bool softmax, const void *y_true,
                       const float *y_pred, float out[2]) {
    bool labels = strstr(name, "sparse") || !strcmp(name, "accuracy");
    tarn_store *s = NULL;
    tarn_program *p = NULL;
    CHECK_OK(tarn_store_create(1, &s));
    tarn_graph *g = tarn_graph_create(s);
    tarn_shape wide = TARN_SHAPE(TARN_BATCH, 3), one = TARN_SHAPE(TARN_BATCH);
    tarn_set_max_batch(g, 2);
    tarn_node *x = tarn_input(g, "p", TARN_F32, wide);
    tarn_node *t = tarn_input(g, "t", labels ? TARN_I32 : TARN_F32, labels ? one : wide);
    tarn_node *y = build(g, name, t, softmax ? tarn_softmax(g, x) : x);
    tarn_status st = tarn_compile(g, TARN_FETCH(y), "cpu", &p);
    if (!st) {
        CHECK_OK(tarn_bind(p, "p", y_pred, TARN_SHAPE(2, 3)));
        if (y_true) CHECK_OK(tarn_bind(p, "t", y_true, labels ? TARN_SHAPE(2) : TARN_SHAPE(2, 3)));
        CHECK_OK(tarn_run(p));
        memcpy(out, tarn_result(p, 0, NULL), 2 * sizeof *out);
    }
    tarn_program_free(p);
    tarn_graph_free(g);
    tarn_store_free(s);
    return st;
}

static const float logits[] = {1, 2, 3, 0, -1, 0.5f};
static const float targets[] = {1, 0, 3, 1, -1, 2};

TEST(cross_entropy_is_minus_log_softmax) {
    const int32_t y[] = {0, 2};
    const double z0 = exp(1) + exp(2) + exp(3), z1 = 1 + exp(-1) + exp(0.5);
    const double want[] = {log(z0) - 1, log(z1) - 0.5};
    float got[2];
    CHECK_OK(run(tarn_loss, "sparse_categorical_crossentropy", false, y, logits, got));
    CHECK_CLOSE(got, want, 2, 1e-6, 0);
    CHECK_OK(run(tarn_loss, "sparse_categorical_crossentropy", true, y, logits, got));
    CHECK_CLOSE(got, want, 2, 1e-6, 0);
}

// Probabilities of e^-200 are 0 in f32: only what the softmax was given still tells them apart.
TEST(cross_entropy_behind_a_softmax_is_taken_from_logits) {
    const int32_t y[] = {0, 1};
    const float far[] = {0, 200, 0, 0, 200, 0};
    const double want[] = {200, 0};
    float got[2];
    CHECK_OK(run(tarn_loss, "sparse_categorical_crossentropy", true, y, far, got));
    CHECK_CLOSE(got, want, 2, 1e-6, 1e-6);
}

TEST(errors_are_means_over_outputs) {
    const double squared[] = {(0 + 4 + 0) / 3.0, (1 + 0 + 2.25) / 3.0};
    const double absolute[] = {(0 + 2 + 0) / 3.0, (1 + 0 + 1.5) / 3.0};
    static const char *const names[] = {"mse", "mean_squared_error", "mae", "mean_absolute_error"};
    float got[2];
    for (int i = 0; i < 4; i++) {
        CHECK_OK(run(tarn_loss, names[i], false, targets, logits, got));
        CHECK_CLOSE(got, i < 2 ? squared : absolute, 2, 1e-6, 0);
        CHECK_OK(run(tarn_metric, names[i], false, targets, logits, got));
        CHECK_CLOSE(got, i < 2 ? squared : absolute, 2, 1e-6, 0);
    }
}

TEST(accuracy_counts_the_largest) {
    const int32_t y[] = {2, 0};
    const double want[] = {1, 0};
    float got[2];
    for (int softmax = 0; softmax < 2; softmax++) {
        CHECK_OK(run(tarn_metric, "accuracy", softmax, y, logits, got));
        CHECK_CLOSE(got, want, 2, 0, 0);
    }
}

TEST(unknown_names_are_answered_with_the_nearest) {
    float got[2];
    CHECK_ERR(run(tarn_loss, "mean_square_error", false, targets, logits, got), TARN_ENOENT,
              "unknown loss 'mean_square_error', did you mean 'mean_squared_error'?");
    CHECK_ERR(run(tarn_metric, "acuracy", false, targets, logits, got), TARN_ENOENT,
              "unknown metric 'acuracy', did you mean 'accuracy'?");
    CHECK_ERR(run(tarn_loss, "accuracy", false, targets, logits, got), TARN_ENOENT,
              "unknown loss 'accuracy'");
}

static tarn_status build_pair(const char *name, tarn_dtype dtype, tarn_shape t, tarn_shape p) {
    tarn_store *s = NULL;
    CHECK_OK(tarn_store_create(1, &s));
    tarn_graph *g = tarn_graph_create(s);
    (void)tarn_metric(g, name, tarn_input(g, "t", dtype, t), tarn_input(g, "p", TARN_F32, p));
    tarn_status st = tarn_graph_status(g);
    tarn_graph_free(g);
    tarn_store_free(s);
    return st;
}

TEST(targets_must_fit) {
    CHECK_ERR(build_pair("mse", TARN_F32, TARN_SHAPE(4), TARN_SHAPE(4, 1)), TARN_ESHAPE,
              "differ in shape");
    CHECK_ERR(build_pair("accuracy", TARN_F32, TARN_SHAPE(4), TARN_SHAPE(4, 3)), TARN_EDTYPE,
              "expects class labels");
}

// ---- activations --------------------------------------------------------------------------------

static tarn_node *activate(tarn_graph *g, const char *name, tarn_node *t, tarn_node *p) {
    (void)t;
    return tarn_sum(g, tarn_activation(g, p, strcmp(name, "none") ? name : NULL), TARN_AXIS(1), 0);
}

TEST(activations_are_what_their_names_say) {
    const double sigmoid[] = {1 / (1 + exp(-1)) + 1 / (1 + exp(-2)) + 1 / (1 + exp(-3)),
                              0.5 + 1 / (1 + exp(1)) + 1 / (1 + exp(-0.5))};
    const double hyperbolic[] = {tanh(1) + tanh(2) + tanh(3), tanh(-1) + tanh(0.5)};
    const double relu[] = {6, 0.5}, softmax[] = {1, 1}, linear[] = {6, -0.5};
    const struct {
        const char *name;
        const double *want;
    } cases[] = {{"sigmoid", sigmoid}, {"tanh", hyperbolic}, {"relu", relu},
                 {"softmax", softmax}, {"linear", linear},   {"none", linear}};
    float got[2];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_OK(run(activate, cases[i].name, false, NULL, logits, got));
        CHECK_CLOSE(got, cases[i].want, 2, 1e-6, 1e-6);
    }
}
