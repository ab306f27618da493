// Loops over time: running sums against their closed form, and gradients against differences.
#include "probes/support.h"

enum { TIME = 6, WIDE = 3 };

// The sum so far, and its square.
static void running(void *user, tarn_graph *g, tarn_node *const *carry, tarn_node *const *x,
                    tarn_node *const *use, tarn_node **next, tarn_node **y) {
    (void)user;
    (void)use;
    next[0] = tarn_add(g, carry[0], x[0]);
    y[0] = tarn_mul(g, next[0], next[0]);
}

static void sums(bool reverse, int64_t keep_every, const char *device) {
    double x[TIME * WIDE], first[WIDE], want[TIME * WIDE], sum[WIDE], dx[TIME * WIDE] = {0};
    double df[WIDE] = {0};
    rig r = rig_make();
    tarn_graph *g = r.g;
    tarn_node *v = tarn_variable(g, "x", TARN_F64, TARN_SHAPE(TIME, WIDE), tarn_init_zeros());
    tarn_node *c = tarn_variable(g, "c", TARN_F64, TARN_SHAPE(WIDE), tarn_init_zeros());
    tarn_node *last, *y, *d[2];
    CHECK_OK(tarn_scan(g,
                       &(tarn_scan_opts){.body = running,
                                         .carry = &c,
                                         .n_carry = 1,
                                         .x = &v,
                                         .n_x = 1,
                                         .n_y = 1,
                                         .reverse = reverse,
                                         .keep_every = keep_every},
                       &last, &y));
    tarn_node *loss = tarn_sum(g, y, TARN_ALL_AXES, 0);
    CHECK_OK(tarn_gradients(g, loss, (tarn_node *[]){v, c}, 2, d));
    rig_compile(&r, TARN_FETCH(y, last, d[0], d[1]), device, NULL);
    for (int i = 0; i < TIME * WIDE; i++) x[i] = 0.1 * i - 0.7;
    for (int i = 0; i < WIDE; i++) sum[i] = first[i] = 0.3 * i;
    probe_write(r.store, "x", TARN_F64, TARN_SHAPE(TIME, WIDE), x);
    probe_write(r.store, "c", TARN_F64, TARN_SHAPE(WIDE), first);
    for (int i = 0; i < TIME; i++)
        for (int j = 0; j < WIDE; j++) {
            int t = reverse ? TIME - 1 - i : i, at = t * WIDE + j;
            sum[j] += x[at];
            want[at] = sum[j] * sum[j];
            df[j] += 2 * sum[j];
            for (int k = 0; k <= i; k++) dx[(reverse ? TIME - 1 - k : k) * WIDE + j] += 2 * sum[j];
        }
    CHECK_OK(tarn_run(r.p));
    CHECK_CLOSE((const double *)tarn_result(r.p, 0, NULL), want, TIME * WIDE, 1e-14, 1e-14);
    CHECK_CLOSE((const double *)tarn_result(r.p, 1, NULL), sum, WIDE, 1e-14, 1e-14);
    CHECK_CLOSE((const double *)tarn_result(r.p, 2, NULL), dx, TIME * WIDE, 1e-14, 1e-14);
    CHECK_CLOSE((const double *)tarn_result(r.p, 3, NULL), df, WIDE, 1e-14, 1e-14);
    rig_free(&r);
}

TEST(running_sums_and_their_gradients_are_the_closed_form) {
    for (int reverse = 0; reverse < 2; reverse++)
        for (int keep = 0; keep <= 3; keep++) {
            if (keep == 1) continue;
            sums(reverse, keep, "cpu");
            sums(reverse, keep, "ref");
        }
}
