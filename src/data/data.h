// Internal contract of src/data: class names shared by data sets, CSV text in memory, and the
// conversion under the pipeline.
#ifndef TI_DATA_H
#define TI_DATA_H

#include "base/base.h"
#include <tarn/data.h>

// Copy n class names into a block with one reference, and point d at it (labels, owner, classes).
TARN_CHECK tarn_status ti_dataset_set_labels(tarn_dataset *d, const char *const *names, int64_t n);
// Let dst use the labels of src too.
void ti_dataset_share_labels(tarn_dataset *dst, const tarn_dataset *src);
void ti_dataset_set_name(tarn_dataset *d, const char *name);

// tarn_data_csv of text in memory; `what` names it in messages.
TARN_CHECK tarn_status ti_data_csv_parse(const char *what, const uint8_t *text, size_t size,
                                         const tarn_csv_opts *opts, tarn_dataset *train,
                                         tarn_dataset *test);

// dst[i] = (float)src[i] * scale + offset, rounded to f32 after each step; the same bits on every
// machine (the build forbids contraction to fused multiply-add). No overlap.
void ti_scale_u8(const uint8_t *src, size_t n, float scale, float offset, float *dst);
void ti_scale_f32(const float *src, size_t n, float scale, float offset, float *dst);

#endif
