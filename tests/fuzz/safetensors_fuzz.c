// safetensors bytes: refused with a sentence, or every tensor can be asked for by its name.
#include <stdlib.h>
#include <string.h>

#include "io/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void get_all(const tarn_safetensors *f, size_t size) {
    size_t bytes = 0;
    for (int i = 0; i < tarn_safetensors_count(f); i++) {
        const char *name = tarn_safetensors_name(f, i);
        tarn_tensor *t;
        if (i > 0 && strcmp(tarn_safetensors_name(f, i - 1), name) >= 0) abort();
        tarn_status st = tarn_safetensors_get(f, name, &t);
        if (st == TARN_ENOENT) abort();
        if (st) continue;
        bytes += tarn_tensor_bytes(t);
        tarn_tensor_release(t);
    }
    if (bytes > size) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tarn_safetensors *f;
    if (ti_safetensors_parse("fuzz", data, size, &f)) {
        if (!*tarn_last_error()) abort();
        return 0;
    }
    get_all(f, size);
    tarn_safetensors_metadata(f, "format");
    tarn_safetensors_close(f);
    return 0;
}
