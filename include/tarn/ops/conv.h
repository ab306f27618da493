/** @file ops/conv.h
 *  Windows over images. */
#ifndef TARN_OPS_CONV_H
#define TARN_OPS_CONV_H

#include <tarn/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Two-dimensional convolution (correlation, as everywhere in deep learning), channels last:
 *  x [n,h,w,c], w [kh,kw,c,o] -> [n,oh,ow,o], oh = (h + top + bottom - kh) / stride + 1. n may be
 *  a named dimension; h and w too, with stride 1 and padding that keeps the size. f32, f64. */
typedef struct tarn_conv2d_opts {
    int stride[2];  /* down, right; 0: 1 */
    int padding[4]; /* zeros at top, bottom, left, right */
} tarn_conv2d_opts;
TARN_API tarn_node *tarn_conv2d_(tarn_graph *g, tarn_node *x, tarn_node *w,
                                 const tarn_conv2d_opts *opts);
#define tarn_conv2d(g, x, w, ...) tarn_conv2d_(g, x, w, &(tarn_conv2d_opts){__VA_ARGS__})

/** Largest element of each window, channels last: x [n,h,w,c] -> [n,oh,ow,c], oh = (h + top +
 * bottom
 *  - window) / stride + 1, what is left over at the bottom and the right is not looked at. NaN in a
 *  window gives NaN. The gradient goes to the first of equals, in rows before columns. Only n may
 *  be a named dimension. f32, f64. */
typedef struct tarn_pool2d_opts {
    int window[2];  /* rows, columns; at most 49 places */
    int stride[2];  /* 0: the window's size */
    int padding[4]; /* at top, bottom, left, right, smaller than the window; never the largest */
} tarn_pool2d_opts;
TARN_API tarn_node *tarn_max_pool2d_(tarn_graph *g, tarn_node *x, const tarn_pool2d_opts *opts);
#define tarn_max_pool2d(g, x, ...) tarn_max_pool2d_(g, x, &(tarn_pool2d_opts){__VA_ARGS__})

#ifdef __cplusplus
}
#endif
#endif
