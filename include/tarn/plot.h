/** @file plot.h
 *  Pictures of a training: curves, confusion matrices, sheets of samples. PNG through Cairo;
 *  TARN_EUNSUPPORTED naming libcairo2-dev when the build is without it. */
#ifndef TARN_PLOT_H
#define TARN_PLOT_H

#include <tarn/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_curve {
    const char *label;
    const double *y; /* n values; NaN leaves a gap */
    int n;
    bool dashed; /* validation curves by custom */
} tarn_curve;
/** Up to 16 curves over x = 1..n in one panel with axes, ticks, grid and legend. */
TARN_API TARN_CHECK tarn_status tarn_plot_curves(const char *path, const char *title,
                                                 const char *x_label, const char *y_label,
                                                 const tarn_curve *curves, int n_curves);
/** counts [classes * classes] row-major, row = true class, column = predicted. Cells are shaded by
 *  the share of their row. labels NULL: numbers. */
TARN_API TARN_CHECK tarn_status tarn_plot_confusion(const char *path, const char *title,
                                                    const int64_t *counts, int classes,
                                                    const char *const *labels);
typedef struct tarn_tile {
    const uint8_t *pixels; /* [height, width, channels] */
    int height, width, channels;
    const char *caption; /* one short line under it, may be NULL */
    bool marked;         /* drawn with a red frame and caption */
} tarn_tile;
/** A sheet of small pictures, `columns` a row, each enlarged to about 84 pixels. */
TARN_API TARN_CHECK tarn_status tarn_plot_sheet(const char *path, const char *title,
                                                const tarn_tile *tiles, int n, int columns);

#ifdef __cplusplus
}
#endif
#endif
