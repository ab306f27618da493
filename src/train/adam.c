// Adam (Kingma and Ba 2015), in the "epsilon hat" form of the end of its section 2, as Keras 3
// writes it: epsilon is outside the root and not bias-corrected.
//   alpha = lr sqrt(1 - beta_2^t) / (1 - beta_1^t)
//   m' = m + (g - m) (1 - beta_1);  v' = v + (g^2 - v) (1 - beta_2)
//   w' = w - alpha m' / (sqrt(v') + epsilon)
// alpha is one rank-0 value a step, taken in f64: 1 - beta^t loses five digits in f32 at t = 1.
#include <math.h>

#include "train/optimizer.h"

// 1 - beta^t, f64. beta 0 gives 1: log(1e-323) stands for log(0), and 1 - 1e-323 rounds to 1.
static tarn_node *correction(ti_update *s, double beta) {
    tarn_graph *g = s->g;
    tarn_node *rate = tarn_constant(g, TARN_F64, log(fmax(beta, 1e-323)));
    tarn_node *power = tarn_exp(g, tarn_mul(g, s->t, rate));
    return tarn_sub(g, tarn_constant(g, TARN_F64, 1), power);
}

static tarn_node *prepare(ti_update *s) {
    tarn_graph *g = s->g;
    tarn_node *root = tarn_sqrt(g, correction(s, s->o.beta_2));
    tarn_node *ratio = tarn_div(g, root, correction(s, s->o.beta_1));
    return tarn_mul(g, s->rate, tarn_cast(g, ratio, TARN_F32));
}

// old + (now - old) (1 - beta), in Keras' order of operations.
static tarn_node *moment(ti_update *s, const char *slot, double beta, tarn_node *now) {
    tarn_node *old = ti_slot(s, slot);
    tarn_node *change = ti_times(s, tarn_sub(s->g, now, old), 1 - beta);
    return ti_keep(s, old, tarn_add(s->g, old, change));
}

static tarn_node *update(ti_update *s) {
    tarn_graph *g = s->g;
    tarn_node *m = moment(s, "momentum", s->o.beta_1, s->grad);
    tarn_node *v = moment(s, "velocity", s->o.beta_2, tarn_square(g, s->grad));
    tarn_node *below = tarn_add(g, tarn_sqrt(g, v), ti_number(s, s->o.epsilon));
    tarn_node *step = tarn_mul(g, m, ti_scalar(s, s->shared));
    return tarn_sub(g, s->w, tarn_div(g, step, below));
}

const ti_optimizer_ops ti_adam = {
    .name = "adam",
    .field = {TI_NUMBER(learning_rate, 0.001, 0, 1e6), TI_NUMBER(beta_1, 0.9, 0, 0.9999999),
              TI_NUMBER(beta_2, 0.999, 0, 0.9999999), TI_NUMBER(epsilon, 1e-7, 0, 1),
              TI_NUMBER(weight_decay, 0, 0, 1)},
    .prepare = prepare,
    .update = update,
};
