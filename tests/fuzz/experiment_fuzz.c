// Experiment files with any content: no fault, no memory beyond the stated limits.
#include <tarn/experiment.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tarn_experiment *e = NULL;
    if (!tarn_experiment_parse("fuzz.yaml", (const char *)data, size, NULL, 0, &e))
        tarn_experiment_free(e);
    return 0;
}
