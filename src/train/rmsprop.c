// RMSprop (Hinton 2012, lecture 6e), as Keras 3 writes it: epsilon is inside the root.
//   v' = rho v + (1 - rho) g^2
//   centered   a' = rho a + (1 - rho) g;  d = v' - a'^2 + epsilon    (Graves 2013, eq. 38-45)
//   else       d = v' + epsilon
//   step = lr g / sqrt(d);  momentum: m' = momentum m + step, and m' is the step
//   w' = w - step
#include "train/optimizer.h"

static tarn_node *denominator(ti_update *s) {
    tarn_graph *g = s->g;
    tarn_node *v = ti_slot(s, "velocity");
    v = ti_keep(s, v, ti_average(s, s->o.rho, v, tarn_square(g, s->grad)));
    if (s->o.centered) {
        tarn_node *a = ti_slot(s, "average_gradient");
        a = ti_keep(s, a, ti_average(s, s->o.rho, a, s->grad));
        v = tarn_sub(g, v, tarn_square(g, a));
    }
    return tarn_sqrt(g, tarn_add(g, v, ti_number(s, s->o.epsilon)));
}

static tarn_node *update(ti_update *s) {
    tarn_graph *g = s->g;
    tarn_node *step = tarn_mul(g, ti_scalar(s, s->rate), s->grad);
    step = tarn_div(g, step, denominator(s));
    if (s->o.momentum > 0) {
        tarn_node *m = ti_slot(s, "momentum");
        step = ti_keep(s, m, tarn_add(g, ti_times(s, m, s->o.momentum), step));
    }
    return tarn_sub(g, s->w, step);
}

const ti_optimizer_ops ti_rmsprop = {
    .name = "rmsprop",
    .field = {TI_NUMBER(learning_rate, 0.001, 0, 1e6), TI_NUMBER(rho, 0.9, 0, 1),
              TI_NUMBER(momentum, 0, 0, 1), TI_NUMBER(epsilon, 1e-7, 0, 1), TI_FLAG(centered),
              TI_NUMBER(weight_decay, 0, 0, 1)},
    .update = update,
};
