// Status names and the sentence of the last error, one per thread.
//
// The sentence lives in a fixed thread-local array, so reporting an error allocates nothing and
// cannot fail, not even when memory ran out. New text is always built in a local array first: its
// arguments may point into the sentence that it replaces.
#include "base/base.h"

#include <stdio.h>
#include <string.h>

enum { SENTENCE_CAP = 1024 };

static _Thread_local char sentence[SENTENCE_CAP];

static const char *const status_names[] = {
#define STATUS_NAME(name, text) #name,
    TARN_STATUS_MAP(STATUS_NAME)
#undef STATUS_NAME
};

const char *tarn_status_name(tarn_status st) {
    return (size_t)st < sizeof status_names / sizeof *status_names ? status_names[st] : "?";
}

const char *tarn_last_error(void) { return sentence; }

// Copy what fits into cap bytes, terminated; returns the length of the copy.
static size_t copy_text(char *to, size_t cap, const char *from) {
    size_t n = strlen(from);
    if (cap == 0) return 0;
    if (n >= cap) n = cap - 1;
    memmove(to, from, n);  // a caller may hand back what tarn_last_error gave it
    to[n] = '\0';
    return n;
}

static void set_sentence(const char *text) { copy_text(sentence, sizeof sentence, text); }

tarn_status ti_error(tarn_status st, const char *fmt, ...) {
    char text[SENTENCE_CAP];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    set_sentence(n >= 0 ? text : fmt);  // unformatted is better than nothing
    return st;
}

// The context comes first and the old sentence is cut when both do not fit: where it happened is
// short, and what happened begins with its most telling words.
tarn_status ti_error_at(tarn_status st, const char *fmt, ...) {
    char text[SENTENCE_CAP];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0) return st;
    size_t used = strlen(text);
    used += copy_text(text + used, sizeof text - used, ": ");
    copy_text(text + used, sizeof text - used, sentence);
    set_sentence(text);
    return st;
}

void ti_error_save(char *text, size_t cap) { copy_text(text, cap, sentence); }

tarn_status ti_error_restore(tarn_status st, const char *text) {
    set_sentence(text);
    return st;
}
