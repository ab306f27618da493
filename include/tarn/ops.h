/** @file ops.h
 *  Operations on graph nodes, a header for each family. Shapes in the comments; y is the result.
 *  All builders follow the error rule of graph.h: NULL in, NULL out. */
#ifndef TARN_OPS_H
#define TARN_OPS_H

#include <tarn/ops/control.h>
#include <tarn/ops/conv.h>
#include <tarn/ops/elementwise.h>
#include <tarn/ops/generate.h>
#include <tarn/ops/index.h>
#include <tarn/ops/linalg.h>
#include <tarn/ops/loss.h>
#include <tarn/ops/norm.h>
#include <tarn/ops/recurrent.h>
#include <tarn/ops/reduce.h>
#include <tarn/ops/shape.h>

#endif
