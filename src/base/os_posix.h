// What the POSIX files of src/base share with one another, and with nobody else.
#ifndef TI_OS_POSIX_H
#define TI_OS_POSIX_H

#include "base/base.h"

// Record "VERB 'PATH': reason of errno" and return the status that fits errno.
tarn_status ti_os_error(const char *verb, const char *path);

#endif
