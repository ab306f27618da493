// The nearest known name to a mistyped one, for messages like "did you mean 'momentum'?".
#include "base/base.h"

#include <string.h>

enum { WORD_CAP = 64 };

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

// Levenshtein distance; both words are shorter than WORD_CAP. One row of the table is kept.
static size_t edit_distance(const char *a, const char *b) {
    size_t row[WORD_CAP], n = strlen(b);
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 1; *a; a++, i++) {
        size_t diagonal = row[0];  // distance of a[0..i-1] and b[0..j-1]
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t replace = diagonal + (*a != b[j - 1]);
            diagonal = row[j];
            row[j] = min_size(replace, 1 + min_size(row[j], row[j - 1]));
        }
    }
    return row[n];
}

// Near: at most a third of the letters differ, two for short words; so 'adm' finds 'adam', but
// 'x' finds nothing. The first of equals wins.
const char *ti_nearest(const char *word, const char *const *names) {
    const char *best = NULL;
    size_t len = strlen(word), least = len < 3 ? len : 1 + (len < 6 ? 2 : len / 3);
    if (len >= WORD_CAP) return NULL;
    for (; *names; names++) {
        if (strlen(*names) >= WORD_CAP) continue;
        size_t d = edit_distance(word, *names);
        if (d >= least) continue;
        best = *names;
        least = d;
    }
    return best;
}
