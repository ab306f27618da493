// Texts for people: wrapped paragraphs, numbers with their units, aligned tables.
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 79, MAX_COLUMNS = 32, CELL_CAP = 160 };

const char *cli_word(const char **list, int *len) {
    const char *word = *list + strspn(*list, " ");
    *len = (int)strcspn(word, " ");
    *list = word + *len;
    return *len ? word : NULL;
}

bool cli_has_word(const char *list, const char *want) {
    const char *word;
    int len;
    while ((word = cli_word(&list, &len)))
        if (strlen(want) == (size_t)len && !memcmp(want, word, (size_t)len)) return true;
    return false;
}

void cli_wrap(FILE *out, const char *text, int indent) {
    int column = indent;
    bool begin = true;
    while (*text) {
        int len = (int)strcspn(text, " \n");
        if (!begin && column + 1 + len > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
            begin = true;
        }
        fprintf(out, "%s%.*s", begin ? "" : " ", len, text);
        column += len + !begin;
        begin = false;
        text += len;
        if (!strncmp(text, "\n\n", 2)) {
            fprintf(out, "\n\n%*s", indent, "");
            column = indent;
            begin = true;
        }
        text += strspn(text, " \n");
    }
    fputc('\n', out);
}

// ---- numbers -----------------------------------------------------------------------------------

const char *cli_count(cli_text *t, int64_t n) {
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n);
    int at = 0;
    for (int i = 0; i < len; i++) {
        t->s[at++] = digits[i];
        if (i + 1 < len && (len - 1 - i) % 3 == 0 && digits[i] != '-') t->s[at++] = ',';
    }
    t->s[at] = '\0';
    return t->s;
}

// Three digits and the prefix of a power of 1000.
static const char *scaled(cli_text *t, double v, const char *const *units, int n) {
    int i = 0;
    if (v == 0) {
        snprintf(t->s, sizeof t->s, "0");
        return t->s;
    }
    while (i + 1 < n && v >= 999.5) {
        v /= 1000;
        i++;
    }
    int decimals = i == 0 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;
    snprintf(t->s, sizeof t->s, "%.*f %s", decimals, v, units[i]);
    return t->s;
}

const char *cli_bytes(cli_text *t, double bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    return scaled(t, bytes, units, 5);
}

const char *cli_flops(cli_text *t, double flops) {
    static const char *const units[] = {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"};
    return scaled(t, flops, units, 5);
}

const char *cli_seconds(cli_text *t, double seconds) {
    int64_t whole = (int64_t)llround(seconds);
    if (seconds < 0.9995)
        snprintf(t->s, sizeof t->s, "%.0f ms", seconds * 1e3);
    else if (seconds < 59.95)
        snprintf(t->s, sizeof t->s, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(t->s, sizeof t->s, "%" PRId64 " min %02" PRId64 " s", whole / 60, whole % 60);
    else
        snprintf(t->s, sizeof t->s, "%" PRId64 " h %02" PRId64 " min", whole / 3600,
                 whole / 60 % 60);
    return t->s;
}

const char *cli_shape(cli_text *t, const tarn_shape *shape) {
    int at = 0;
    for (int i = 0; i < shape->rank; i++) {
        const char *sep = i ? " x " : "";
        size_t room = sizeof t->s - (size_t)at;
        at += shape->dim[i] == TARN_BATCH
                  ? snprintf(t->s + at, room, "%sbatch", sep)
                  : snprintf(t->s + at, room, "%s%" PRId64, sep, shape->dim[i]);
    }
    if (!shape->rank) snprintf(t->s, sizeof t->s, "scalar");
    return t->s;
}

// ---- tables ------------------------------------------------------------------------------------

struct cli_table {
    int columns, cells, capacity;
    char align[MAX_COLUMNS + 1];
    char (*cell)[CELL_CAP];
};

cli_table *cli_table_create(const char *align) {
    cli_table *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    snprintf(t->align, sizeof t->align, "%s", align);
    t->columns = (int)strlen(t->align);
    return t;
}

void cli_table_free(cli_table *t) {
    if (t) free(t->cell);
    free(t);
}

// When memory runs out the table stays as it is and prints what it has.
static bool grow(cli_table *t) {
    if (t->cells < t->capacity) return true;
    int capacity = 2 * t->capacity + 64;
    void *cell = realloc(t->cell, (size_t)capacity * CELL_CAP);
    if (!cell) return false;
    t->cell = cell;
    t->capacity = capacity;
    return true;
}

void cli_cell(cli_table *t, const char *fmt, ...) {
    va_list args;
    if (!t || !grow(t)) return;
    va_start(args, fmt);
    vsnprintf(t->cell[t->cells++], CELL_CAP, fmt, args);
    va_end(args);
}

static int column_width(const cli_table *t, int column) {
    int width = 0;
    for (int i = column; i < t->cells; i += t->columns) {
        int len = (int)strlen(t->cell[i]);
        if (len > width) width = len;
    }
    return width;
}

void cli_table_print(const cli_table *t, FILE *out) {
    int width[MAX_COLUMNS];
    if (!t) return;
    for (int c = 0; c < t->columns; c++) width[c] = column_width(t, c);
    for (int i = 0; i < t->cells; i++) {
        int c = i % t->columns;
        bool last = c + 1 == t->columns || i + 1 == t->cells;
        if (t->align[c] == 'r')
            fprintf(out, "%*s", width[c], t->cell[i]);
        else
            fprintf(out, "%-*s", last ? 0 : width[c], t->cell[i]);
        fputs(last ? "\n" : "  ", out);
    }
}
