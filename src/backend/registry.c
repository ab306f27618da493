// The backends of this build, and the texts of plans for others.
#include <string.h>

#include "backend/backend.h"
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "backend/xla/xla.h"
#include "codegen/cuda/cuda.h"

static const ti_backend *const backends[] = {&ti_backend_cpu, &ti_backend_ref, &ti_backend_xla};

const ti_plan_text ti_plan_texts[] = {{"cuda", ti_cuda_print}, {NULL, NULL}};

// The number behind "NAME:", 0 when there is none; -1 for what is no number below 10,000.
static int number(const char *text) {
    int n = 0;
    if (!*text) return 0;
    size_t digits = strspn(++text, "0123456789");
    if (!digits || digits > 4 || text[digits]) return -1;
    while (*text) n = 10 * n + *text++ - '0';
    return n;
}

const ti_backend *ti_backend_find(const char *device, int *ordinal) {
    size_t n = strcspn(device, ":");
    int which = number(device + n);
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        const ti_backend *b = backends[i];
        if (strlen(b->name) != n || strncmp(b->name, device, n)) continue;
        if (which < 0 || (device[n] && !b->numbered)) break;
        if (ordinal) *ordinal = which;
        return b;
    }
    ti_error(TARN_EUNSUPPORTED, "no device '%s' in this build; there are cpu, ref and xla", device);
    return NULL;
}
