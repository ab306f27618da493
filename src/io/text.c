// Text out of files: shown safely in messages, and read as numbers.
#include "io/io.h"

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const char *ti_shown(const char *text, size_t size, char out[TI_SHOWN_CAP]) {
    size_t keep = size <= TI_SHOWN_CAP - 4 ? size : TI_SHOWN_CAP - 4;
    for (size_t i = 0; i < keep; i++) {
        unsigned char c = (unsigned char)text[i];
        out[i] = c < 0x20 || c == 0x7f ? '?' : text[i];
    }
    memcpy(out + keep, keep < size ? "..." : "", keep < size ? 4 : 1);
    return out;
}

// ---- numbers -----------------------------------------------------------------------------------

// strtod reads "1,5" under some locales of the host program, so it runs under the C locale, set
// for this thread and this call alone.
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static const char *skip_digits(const char *p) {
    while (*p >= '0' && *p <= '9') p++;
    return p;
}

static const char *skip_sign(const char *p) { return *p == '+' || *p == '-' ? p + 1 : p; }

// The grammar alone, because strtod also takes blanks, hex, "inf" and "nan".
static bool is_decimal(const char *text) {
    const char *p = skip_sign(text), *whole = p;
    p = skip_digits(p);
    size_t digits = (size_t)(p - whole);
    if (*p == '.') {
        const char *fraction = ++p;
        p = skip_digits(p);
        digits += (size_t)(p - fraction);
    }
    if (digits == 0) return false;
    if (*p == 'e' || *p == 'E') {
        const char *exponent = skip_sign(p + 1);
        p = skip_digits(exponent);
        if (p == exponent) return false;
    }
    return *p == '\0';
}

bool ti_parse_f64(const char *text, double *out) {
    if (!is_decimal(text)) return false;
    pthread_once(&c_locale_once, make_c_locale);
    if (!c_locale) return false;
    locale_t before = uselocale(c_locale);
    double x = strtod(text, NULL);
    uselocale(before);
    if (x - x != 0) return false;  // infinite: out of a double's range
    *out = x;
    return true;
}

bool ti_parse_i64(const char *text, int64_t *out) {
    const char *p = skip_sign(text), *end = skip_digits(p);
    if (end == p || *end != '\0') return false;
    errno = 0;
    long long v = strtoll(text, NULL, 10);
    if (errno == ERANGE) return false;
    *out = v;
    return true;
}
