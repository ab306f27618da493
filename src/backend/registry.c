// The backends of this build, and the texts of plans for others.
#include <string.h>

#include "backend/backend.h"
#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "codegen/cuda/cuda.h"

static const ti_backend *const backends[] = {&ti_backend_cpu, &ti_backend_ref};

const ti_plan_text ti_plan_texts[] = {{"cuda", ti_cuda_print}, {NULL, NULL}};

const ti_backend *ti_backend_find(const char *device) {
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (!strcmp(backends[i]->name, device)) return backends[i];
    ti_error(TARN_EUNSUPPORTED, "no device '%s' in this build; there are cpu and ref", device);
    return NULL;
}
