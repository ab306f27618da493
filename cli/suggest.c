// The nearest of known names: what was meant by a word with a typing error.
#include "cli.h"

#include <string.h>

enum { LONGEST = 40 };

static int least(int a, int b) { return a < b ? a : b; }

// Letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
// Words longer than LONGEST are far from everything.
static int distance(const char *a, const char *b) {
    int row[3][LONGEST + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n > LONGEST || m > LONGEST) return LONGEST;
    for (int j = 0; j <= m; j++) row[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            now[j] = least(least(up[j], now[j - 1]) + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], up2[j - 2] + 1);
        }
    }
    return row[n % 3][m];
}

// A name of which the word is the beginning counts as one letter away.
static int mismatch(const char *word, const char *name) {
    size_t n = strlen(word);
    return n >= 2 && !strncmp(word, name, n) ? 1 : distance(word, name);
}

const char *cli_nearest(const char *word, cli_names next, const void *user) {
    const char *best = NULL, *name;
    int best_distance = 1 + (int)strlen(word) / 3;
    for (int i = 0; (name = next(user, i)); i++) {
        int d = mismatch(word, name);
        if (d > best_distance || (best && d == best_distance)) continue;
        best = name;
        best_distance = d;
    }
    return best;
}
