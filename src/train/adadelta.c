// Adadelta (Zeiler 2012, algorithm 1), as Keras 3 writes it: epsilon inside both roots.
//   a' = rho a + (1 - rho) g^2
//   d  = - g sqrt(u + epsilon) / sqrt(a' + epsilon)
//   u' = rho u + (1 - rho) d^2
//   w' = w + lr d
#include "train/optimizer.h"

static tarn_node *rms(ti_update *s, tarn_node *x) {
    return tarn_sqrt(s->g, tarn_add(s->g, x, ti_number(s, s->o.epsilon)));
}

static tarn_node *update(ti_update *s) {
    tarn_graph *g = s->g;
    tarn_node *a = ti_slot(s, "accumulated_grad"), *u = ti_slot(s, "accumulated_delta_var");
    a = ti_keep(s, a, ti_average(s, s->o.rho, a, tarn_square(g, s->grad)));
    tarn_node *d = tarn_div(g, tarn_mul(g, rms(s, u), s->grad), rms(s, a));  // -d of the formula
    (void)ti_keep(s, u, ti_average(s, s->o.rho, u, tarn_square(g, d)));
    return tarn_sub(g, s->w, tarn_mul(g, ti_scalar(s, s->rate), d));
}

const ti_optimizer_ops ti_adadelta = {
    .name = "adadelta",
    .field = {TI_NUMBER(learning_rate, 0.001, 0, 1e6), TI_NUMBER(rho, 0.95, 0, 1),
              TI_NUMBER(epsilon, 1e-7, 0, 1), TI_NUMBER(weight_decay, 0, 0, 1)},
    .update = update,
};
