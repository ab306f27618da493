/** @file base.h
 *  Status codes, the last error, version, threads, the log hook. Everything else includes this.
 *
 *  Errors: a function that can fail returns tarn_status (0 is TARN_OK). The sentence for a human
 *  is thread-local: tarn_last_error(). The library never exits, aborts or prints. */
#ifndef TARN_BASE_H
#define TARN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TARN_VERSION_MAJOR 0
#define TARN_VERSION_MINOR 1
#define TARN_VERSION_PATCH 0
#define TARN_VERSION "0.1.0"

#if defined(__GNUC__)
#define TARN_API __attribute__((visibility("default")))
#define TARN_CHECK __attribute__((warn_unused_result))
#define TARN_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define TARN_API
#define TARN_CHECK
#define TARN_PRINTF(fmt, first)
#endif

/** Code, name, what it means. The list is the single source of tarn_status_name(). */
#define TARN_STATUS_MAP(X)                                          \
    X(OK, "ok")                                                     \
    X(EARG, "an argument is not valid")                             \
    X(ENOMEM, "out of memory")                                      \
    X(EIO, "a file or device could not be read or written")         \
    X(ENOENT, "a file or name was not found")                       \
    X(EFORMAT, "a file or text is not in the expected format")      \
    X(ESHAPE, "shapes do not fit")                                  \
    X(EDTYPE, "data types do not fit")                              \
    X(ELIMIT, "a stated limit was passed")                          \
    X(EUNSUPPORTED, "this build or device cannot do it")            \
    X(ENUMERIC, "a number became NaN or infinite")                  \
    X(ESTATE, "the object is not in a state that allows this call") \
    X(ECANCELLED, "stopped on request")

typedef enum tarn_status {
#define TARN_STATUS_ENUM(name, text) TARN_##name,
    TARN_STATUS_MAP(TARN_STATUS_ENUM)
#undef TARN_STATUS_ENUM
} tarn_status;

/** Name of a status without prefix ("ESHAPE"); "?" for a value that is none. Any thread. */
TARN_API const char *tarn_status_name(tarn_status st);

/** Sentence of this thread's last error; "" when there was none. Valid until the thread's next
 *  failing call. Never NULL. */
TARN_API const char *tarn_last_error(void);

/** Version as text, "0.1.0". */
TARN_API const char *tarn_version(void);

/** One optional part of the build: its name, its version text, and whether it is in. */
typedef struct tarn_part {
    const char *name;
    const char *version;
    bool present;
} tarn_part;

/** Optional parts, in a fixed order; index from 0; returns false past the end. Any thread. */
TARN_API bool tarn_version_part(int index, tarn_part *out);

/** Number of threads that programs use on the CPU. 1 to 1024; the pool grows on first use.
 *  Default: $TARN_THREADS, else the cores this process may run on. Results do not depend on it.
 *  Call it while no program runs. Returns TARN_EARG when out of range. */
TARN_API TARN_CHECK tarn_status tarn_set_threads(int n);
TARN_API int tarn_threads(void);

/** Return a non-OK status of `expr` to the caller. */
#define TARN_TRY(expr)                            \
    do {                                          \
        tarn_status tarn_st_ = (expr);            \
        if (tarn_st_ != TARN_OK) return tarn_st_; \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
