// Class names of a CSV column: collected row by row, then numbered.
#ifndef TI_CSV_CLASSES_H
#define TI_CSV_CLASSES_H

#include "data/data.h"

enum { TI_MAX_CLASSES = 1 << 16 };

typedef struct ti_class_cell {
    const char *text;
    int64_t row, number;
} ti_class_cell;

typedef struct ti_classes {
    ti_arena names;
    ti_class_cell *cells;
    size_t rows, cap;
    bool all_integers;
} ti_classes;

void ti_classes_init(ti_classes *c);
// The class of the next row; the text is copied.
TARN_CHECK tarn_status ti_classes_add(ti_classes *c, const char *text);
// label[row] for every row added, and the names of the classes into d. Classes are numbered in
// order: as integers when all are, else by bytes. TARN_ELIMIT: more than TI_MAX_CLASSES.
TARN_CHECK tarn_status ti_classes_number(ti_classes *c, int32_t *label, tarn_dataset *d);
void ti_classes_free(ti_classes *c);

#endif
