// PNG or JPEG bytes: refused with a sentence, or pixels in the channels asked for.
#include <stdlib.h>

#include "io/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int channels = size % 2 ? 1 : 3;
    tarn_tensor *t;
    if (ti_image_parse("fuzz", data, size, channels, &t)) {
        if (!*tarn_last_error()) abort();
        return 0;
    }
    if (tarn_tensor_shape(t)->dim[2] != channels) abort();
    tarn_tensor_release(t);
    return 0;
}
