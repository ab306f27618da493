// The plots of a build without Cairo: an error that says what to install.
#include "base/base.h"

#include <tarn/plot.h>

#ifndef TARN_HAVE_CAIRO
static tarn_status unsupported(const char *path) {
    return ti_error(TARN_EUNSUPPORTED, "draw '%s': plotting needs Cairo (libcairo2-dev)", path);
}

tarn_status tarn_plot_curves(const char *path, const char *title, const char *x_label,
                             const char *y_label, const tarn_curve *curves, int n_curves) {
    (void)title, (void)x_label, (void)y_label, (void)curves, (void)n_curves;
    return unsupported(path);
}

tarn_status tarn_plot_confusion(const char *path, const char *title, const int64_t *counts,
                                int classes, const char *const *labels) {
    (void)title, (void)counts, (void)classes, (void)labels;
    return unsupported(path);
}

tarn_status tarn_plot_sheet(const char *path, const char *title, const tarn_tile *tiles, int n,
                            int columns) {
    (void)title, (void)tiles, (void)n, (void)columns;
    return unsupported(path);
}
#endif  // TARN_HAVE_CAIRO
