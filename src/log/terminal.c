// Terminals on a POSIX system.
#include "log/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_COLUMNS = 80 };

int ti_terminal_columns(FILE *out) {
    struct winsize size = {0};
    const char *kind = getenv("TERM");
    int fd = fileno(out);
    if (fd < 0 || !isatty(fd) || !kind || !strcmp(kind, "dumb")) return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) || size.ws_col == 0) return USUAL_COLUMNS;
    return size.ws_col;
}

bool ti_terminal_colors(void) {
    const char *no = getenv("NO_COLOR");
    return !no || !*no;
}
