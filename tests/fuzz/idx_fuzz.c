// IDX bytes, plain or gzip: refused with a sentence, or as many elements as the shape says.
#include <stdlib.h>

#include "io/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tarn_tensor *t;
    if (ti_idx_parse("fuzz", data, size, &t)) {
        if (!*tarn_last_error()) abort();
        return 0;
    }
    if (tarn_tensor_bytes(t) > size * TI_DEFLATE_MOST) abort();
    tarn_tensor_release(t);
    return 0;
}
