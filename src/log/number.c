// Doubles as text for machines: exact, short, the same in every locale.
#include "log/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Replace the locale's decimal point, which may have several bytes.
static void set_point(char *text) {
    size_t whole = strspn(text, "-0123456789");
    size_t point = strcspn(text + whole, "0123456789e");
    if (point == 0) return;
    text[whole] = '.';
    memmove(text + whole + 1, text + whole + point, strlen(text + whole + point) + 1);
}

const char *ti_number_text(double value, char text[TI_NUMBER_CAP]) {
    if (!isfinite(value)) {
        snprintf(text, TI_NUMBER_CAP, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return text;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, TI_NUMBER_CAP, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    set_point(text);
    return text;
}

double ti_microseconds(double seconds) { return round(seconds * 1e6) / 1e6; }
