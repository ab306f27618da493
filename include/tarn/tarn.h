/** @file tarn.h  All of Tarn's public interface. */
#ifndef TARN_TARN_H
#define TARN_TARN_H

#include <tarn/base.h>
#include <tarn/data.h>
#include <tarn/dist.h>
#include <tarn/experiment.h>
#include <tarn/format.h>
#include <tarn/graph.h>
#include <tarn/io.h>
#include <tarn/log.h>
#include <tarn/nn.h>
#include <tarn/ops.h>
#include <tarn/plot.h>
#include <tarn/tensor.h>
#include <tarn/train.h>

#endif
