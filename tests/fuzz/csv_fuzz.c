// CSV text: refused with a sentence, or a data set that passes its own check. The first byte
// chooses the options.
#include <stdlib.h>

#include "data/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const headers[] = {"auto", "none", "first", "auto"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tarn_dataset train, test;
    if (size == 0) return 0;
    const tarn_csv_opts opts = {
        .header = headers[data[0] & 3],
        .classify = data[0] & 4,
        .standardize = data[0] & 8,
        .validation = data[0] & 16 ? 0.3 : 0,
        .target = data[0] & 32 ? "0" : NULL,
    };
    if (ti_data_csv_parse("fuzz", data + 1, size - 1, &opts, &train, &test)) {
        if (!*tarn_last_error()) abort();
        return 0;
    }
    if (tarn_dataset_check(&train) || (test.x && tarn_dataset_check(&test))) abort();
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
    return 0;
}
