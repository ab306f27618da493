// Trace lines for developers, chosen by name: TARN_TRACE=plan,-cuda or TARN_TRACE=all,-exec.
//
// The only file of the library that writes to stderr, and only when asked to. The variable is read
// once, because a later change of the environment by another thread is not safe to look at.
#include "base/base.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char trace_list[256];
static pthread_once_t trace_once = PTHREAD_ONCE_INIT;

static void trace_read(void) {
    const char *list = getenv("TARN_TRACE");
    if (list) snprintf(trace_list, sizeof trace_list, "%s", list);
}

static bool item_is(const char *item, size_t n, const char *name) {
    return strlen(name) == n && memcmp(item, name, n) == 0;
}

// The last item that speaks of the component decides.
bool ti_trace_on(const char *component) {
    bool on = false;
    pthread_once(&trace_once, trace_read);
    for (const char *item = trace_list; *item;) {
        bool want = *item != '-';
        if (!want) item++;
        size_t n = strcspn(item, ",");
        if (item_is(item, n, component) || item_is(item, n, "all")) on = want;
        item += n;
        if (*item == ',') item++;
    }
    return on;
}

void ti_trace(const char *component, const char *fmt, ...) {
    char text[1024];
    va_list args;
    if (!ti_trace_on(component)) return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fprintf(stderr, "tarn %s: %s\n", component, text);  // one call: lines of threads do not mix
}

#ifndef NDEBUG
void ti_assert_failed(const char *cond, const char *file, int line) {
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, cond);
    __builtin_trap();
}
#endif
