// Sort all cells, give equal neighbours one number: the order of the file has no influence on the
// numbers, and no hash is needed that hostile names could fill.
#include "data/csv_classes.h"

#include "io/io.h"

#include <stdlib.h>
#include <string.h>

void ti_classes_init(ti_classes *c) { *c = (ti_classes){.all_integers = true}; }

void ti_classes_free(ti_classes *c) {
    ti_arena_free(&c->names);
    ti_free(c->cells);
    *c = (ti_classes){0};
}

static tarn_status reserve(ti_classes *c) {
    size_t cap = c->cap ? 2 * c->cap : 256;
    if (c->rows < c->cap) return TARN_OK;
    TI_TRY(ti_realloc(c->cap * sizeof *c->cells, cap * sizeof *c->cells, &c->cells));
    c->cap = cap;
    return TARN_OK;
}

tarn_status ti_classes_add(ti_classes *c, const char *text) {
    ti_class_cell cell = {.row = (int64_t)c->rows};
    TI_TRY(reserve(c));
    TI_TRY(ti_arena_strdup(&c->names, text, &cell.text));
    if (!ti_parse_i64(text, &cell.number)) c->all_integers = false;
    c->cells[c->rows++] = cell;
    return TARN_OK;
}

static int by_number(const void *a, const void *b) {
    int64_t x = ((const ti_class_cell *)a)->number, y = ((const ti_class_cell *)b)->number;
    return (x > y) - (x < y);
}

static int by_text(const void *a, const void *b) {
    return strcmp(((const ti_class_cell *)a)->text, ((const ti_class_cell *)b)->text);
}

tarn_status ti_classes_number(ti_classes *c, int32_t *label, tarn_dataset *d) {
    int (*order)(const void *, const void *) = c->all_integers ? by_number : by_text;
    const char **names;
    int32_t n = 0;
    TI_TRY(ti_alloc(TI_MAX_CLASSES * sizeof *names, &names));
    qsort(c->cells, c->rows, sizeof *c->cells, order);
    tarn_status st = TARN_OK;
    for (size_t i = 0; i < c->rows && !st; i++) {
        bool is_new = i == 0 || order(&c->cells[i - 1], &c->cells[i]) != 0;
        if (is_new && n == TI_MAX_CLASSES)
            st = ti_error(TARN_ELIMIT, "target column has more than %d classes", TI_MAX_CLASSES);
        else if (is_new)
            names[n++] = c->cells[i].text;
        label[c->cells[i].row] = n - 1;
    }
    if (!st) st = ti_dataset_set_labels(d, names, n);
    ti_free(names);
    return st;
}
