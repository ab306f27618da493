// .npy bytes: refused with a sentence, or an array of as many bytes as are there.
#include <stdlib.h>

#include "io/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tarn_tensor *t;
    if (ti_npy_parse("fuzz", data, size, &t)) {
        if (!*tarn_last_error()) abort();
        return 0;
    }
    if (tarn_tensor_bytes(t) > size) abort();
    tarn_tensor_release(t);
    return 0;
}
