// Stochastic gradient descent, as Keras 3 writes it: the learning rate is inside the velocity.
//   plain      w' = w - lr g
//   momentum   m' = momentum m - lr g;  w' = w + m'
//   nesterov   m' = momentum m - lr g;  w' = w + momentum m' - lr g     (Sutskever et al. 2013)
#include "train/optimizer.h"

static tarn_node *update(ti_update *s) {
    tarn_node *move = tarn_mul(s->g, ti_scalar(s, s->rate), s->grad);
    if (s->o.momentum == 0.0) return tarn_sub(s->g, s->w, move);
    tarn_node *m = ti_slot(s, "momentum");
    m = ti_keep(s, m, tarn_sub(s->g, ti_times(s, m, s->o.momentum), move));
    if (!s->o.nesterov) return tarn_add(s->g, s->w, m);
    tarn_node *ahead = tarn_sub(s->g, ti_times(s, m, s->o.momentum), move);
    return tarn_add(s->g, s->w, ahead);
}

const ti_optimizer_ops ti_sgd = {
    .name = "sgd",
    .field = {TI_NUMBER(learning_rate, 0.01, 0, 1e6), TI_NUMBER(momentum, 0, 0, 1),
              TI_FLAG(nesterov), TI_NUMBER(weight_decay, 0, 0, 1)},
    .update = update,
};
