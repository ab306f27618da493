// A PJRT plugin without a device: it checks how it is called, and has its answers from the test.
#ifndef FAKE_PJRT_H
#define FAKE_PJRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_MAX_ARRAYS = 40, FAKE_MAX_RANK = 8 };

// An argument or result of a module's @main, as its text says.
typedef struct fake_array {
    char role;  // 'v'ariable, 'i'nput, 'f'etch, 'c'heck
    char name[64];
    int type;  // number of the API
    int rank;
    int64_t dim[FAKE_MAX_RANK];
    size_t bytes;
    void *data;
} fake_array;

typedef struct fake_module {
    fake_array argument[FAKE_MAX_ARRAYS], result[FAKE_MAX_ARRAYS];
    int n_arguments, n_results;
} fake_module;

typedef struct fake_pjrt {
    // Set by the test before the plugin is loaded; 0: as it is.
    int major, minor;
    size_t struct_size;
    // Set at any time.
    int code;       // of planted failures
    long fail_at;   // the n-th call from the start of counting fails, 0: none
    bool fail_all;  // and so do all that follow
    int outputs;    // that programs claim to have beyond what they have
    int extra;      // bytes that buffers claim to have beyond what they have
    void (*answer)(void *ctx, const fake_module *m);  // fills the results from the arguments
    void *ctx;
    // What happened.
    long calls, initialised, compiled, executed;
    int live, live_executables;  // objects not yet destroyed
    char failed[64];             // function whose failure was planted last
    char wrong[256];             // the first rule that was broken, "" when none was
} fake_pjrt;

// Exported by the plugin as "fake_pjrt_state".
typedef fake_pjrt *fake_pjrt_state_fn(void);

#endif
