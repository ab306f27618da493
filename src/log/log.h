// What the files of src/log share: numbers as text, writing to a stream, facts about a terminal.
#ifndef TI_LOG_H
#define TI_LOG_H

#include "base/base.h"

#include <stdio.h>

// ---- number.c ----------------------------------------------------------------------------------
// The shortest text of at most 17 digits that reads back as the same double, with a point in every
// locale; "nan", "inf" and "-inf". Returns `text`.
enum { TI_NUMBER_CAP = 40 };
const char *ti_number_text(double value, char text[TI_NUMBER_CAP]);
// Seconds to the microsecond: what a clock says beyond that is noise.
double ti_microseconds(double seconds);

// ---- stream.c ----------------------------------------------------------------------------------
// Like fopen, with what went wrong in words. An e in the mode closes the file in child processes.
TARN_CHECK tarn_status ti_stream_open(const char *path, const char *mode, FILE **out);
// Write and flush; TARN_EIO says "write NAME: reason", for a full disk or a reader that is gone.
TARN_CHECK tarn_status ti_stream_put(FILE *out, const char *name, const ti_buf *bytes);

// ---- terminal.c --------------------------------------------------------------------------------
// Columns of the terminal behind a stream; 0 when it is none that can redraw a line.
int ti_terminal_columns(FILE *out);
// Whether colours are welcome: NO_COLOR (no-color.org) is not set or empty.
bool ti_terminal_colors(void);

#endif
