// Version of the library and of what it was built with. The build file defines TARN_VERSION_X as
// the version text of each part it found.
#include "base/base.h"

static const tarn_part parts[] = {
    {"jansson", TARN_VERSION_JANSSON, true},
#ifdef TARN_HAVE_YAML
    {"libyaml", TARN_VERSION_YAML, true},
#else
    {"libyaml", "", false},
#endif
#ifdef TARN_HAVE_ZLIB
    {"zlib", TARN_VERSION_ZLIB, true},
#else
    {"zlib", "", false},
#endif
#ifdef TARN_HAVE_PNG
    {"libpng", TARN_VERSION_PNG, true},
#else
    {"libpng", "", false},
#endif
#ifdef TARN_HAVE_JPEG
    {"libjpeg", TARN_VERSION_JPEG, true},
#else
    {"libjpeg", "", false},
#endif
#ifdef TARN_HAVE_CAIRO
    {"cairo", TARN_VERSION_CAIRO, true},
#else
    {"cairo", "", false},
#endif
#ifdef TARN_HAVE_MPI
    {"mpi", TARN_VERSION_MPI, true},
#else
    {"mpi", "", false},
#endif
#ifdef TARN_HAVE_PROTOBUF_C
    {"protobuf-c", TARN_VERSION_PROTOBUF_C, true},
#else
    {"protobuf-c", "", false},
#endif
};

const char *tarn_version(void) { return TARN_VERSION; }

bool tarn_version_part(int index, tarn_part *out) {
    if (index < 0 || (size_t)index >= sizeof parts / sizeof *parts) return false;
    *out = parts[index];
    return true;
}
