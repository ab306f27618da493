// What an optimizer is: a record with its options and the formula of one weight's update, written
// as graph nodes. optimizer.c drives; sgd.c, rmsprop.c, adam.c and adadelta.c hold the formulas.
#ifndef TI_OPTIMIZER_H
#define TI_OPTIMIZER_H

#include "graph/graph.h"
#include "nn/layer.h"
#include <tarn/train.h>

// An option: a double, or a bool, at an offset of tarn_optimizer_opts.
typedef struct ti_optimizer_field {
    const char *name;
    size_t at;
    bool flag;
    double preset, min, max;  // numbers
} ti_optimizer_field;
enum { TI_MAX_FIELDS = 8 };

// A weight's update being built, and what all weights of the step share. Formulas read it; rank-0
// values are f32 but for `t`.
typedef struct ti_update {
    tarn_graph *g;
    tarn_optimizer_opts o;  // every preset put in
    tarn_node *rate;        // learning rate
    tarn_node *t;           // f64: number of this step, from 1
    tarn_node *shared;      // what `prepare` made, else NULL
    // The weight at hand.
    tarn_node *variable;
    tarn_node *w;  // its value, after weight decay
    tarn_node *grad;
    // What the step does, so far.
    tarn_node **effects;
    int n_effects, cap_effects;
} ti_update;

typedef struct ti_optimizer_ops {
    const char *name;
    ti_optimizer_field field[TI_MAX_FIELDS];  // ended by a NULL name
    tarn_node *(*prepare)(ti_update *s);      // rank-0 work once a step; NULL: none
    tarn_node *(*update)(ti_update *s);       // new value of the weight at hand
} ti_optimizer_ops;

extern const ti_optimizer_ops ti_sgd, ti_rmsprop, ti_adam, ti_adadelta;
const ti_optimizer_ops *ti_optimizer_ops_of(tarn_optimizer_kind kind);  // NULL: no such kind
// "rmsprop" -> kind with all presets; TARN_ENOENT with the nearest.
tarn_status ti_optimizer_named(const char *name, tarn_optimizer *out);
// Options with every preset put in, checked.
tarn_status ti_optimizer_resolve(tarn_optimizer opt, tarn_optimizer_opts *out);
double ti_optimizer_get(const tarn_optimizer_opts *o, const ti_optimizer_field *f);
// value 0 is meant as zero, not as the preset.
void ti_optimizer_set(tarn_optimizer_opts *o, const ti_optimizer_field *f, double value);

// ---- words of the formulas ----------------------------------------------------------------------
// State of the weight at hand, zeros at first: "tarn.state/NAME/SLOT/WEIGHT".
tarn_node *ti_slot(ti_update *s, const char *slot);
// Store value into variable at the end of the step; gives value back.
tarn_node *ti_keep(ti_update *s, tarn_node *variable, tarn_node *value);
// A number, or a rank-0 node, in the dtype of the weight at hand.
tarn_node *ti_number(ti_update *s, double value);
tarn_node *ti_scalar(ti_update *s, tarn_node *x);
// x * c
tarn_node *ti_times(ti_update *s, tarn_node *x, double c);
// Running average: keep * old + (1 - keep) * now.
tarn_node *ti_average(ti_update *s, double keep, tarn_node *old, tarn_node *now);

#define TI_NUMBER(field_, preset_, min_, max_) \
    { #field_, offsetof(tarn_optimizer_opts, field_), false, (preset_), (min_), (max_) }
#define TI_FLAG(field_) \
    { #field_, offsetof(tarn_optimizer_opts, field_), true, 0, 0, 1 }

#endif
