// main of the fuzz targets where there is no libFuzzer: replays the files and folders given as
// arguments, after an empty input, so that an input which once broke a parser stays tested.
#define _XOPEN_SOURCE 700  // nftw

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
    long size;
    uint8_t *data = NULL;
    int failed = 1;
    FILE *f = fopen(path, "rb");
    if (!f) goto done;
    if (fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET)) goto done;
    // Exactly as large as the input, so that a sanitizer sees the first byte read past its end.
    data = malloc(size > 0 ? (size_t)size : 1);
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) goto done;
    LLVMFuzzerTestOneInput(data, (size_t)size);
    failed = 0;
done:
    if (failed) printf("FAIL cannot read %s\n", path);
    free(data);
    if (f) fclose(f);
    return failed;
}

static int replay_entry(const char *path, const struct stat *info, int type, struct FTW *ftw) {
    (void)info;
    (void)ftw;
    return type == FTW_F ? replay_file(path) : 0;
}

int main(int argc, char **argv) {
    int failed = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc && !failed; i++) failed = nftw(argv[i], replay_entry, 16, FTW_PHYS);
    printf("%d passed, %d failed, 0 skipped\n", !failed, failed != 0);
    return failed != 0;
}
