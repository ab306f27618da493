// Keras' LearningRateScheduler: a function of the epoch.
#include <math.h>

#include "train/trainer.h"

typedef struct scheduler {
    tarn_schedule schedule;
    void *user;
} scheduler;

static tarn_status on_epoch_begin(void *self, tarn_fit_state *s) {
    const scheduler *c = self;
    double rate = c->schedule(c->user, s->epoch - 1, s->learning_rate);
    if (!isfinite(rate) || rate < 0)
        return ti_error(TARN_EARG, "the schedule gave %g as learning rate of epoch %lld", rate,
                        (long long)s->epoch);
    s->learning_rate = rate;
    return TARN_OK;
}

tarn_status tarn_learning_rate_scheduler(tarn_schedule schedule, void *user, tarn_callback *cb) {
    scheduler *c = NULL;
    if (!schedule) return ti_error(TARN_EARG, "learning rate scheduler: a function is needed");
    TI_TRY(ti_alloc_zero(sizeof *c, &c));
    *c = (scheduler){schedule, user};
    *cb = (tarn_callback){.self = c, .on_epoch_begin = on_epoch_begin, .destroy = ti_free};
    return TARN_OK;
}
