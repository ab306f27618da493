// Internal contract of src/io: readers that take bytes in memory (for tests, fuzzing and callers
// that have no file), the unpacking source under them, and the CSV reader for src/data.
#ifndef TI_IO_H
#define TI_IO_H

#include "base/base.h"
#include <tarn/io.h>

// ---- text of a file in messages (text.c) -------------------------------------------------------
// A piece of hostile text made fit for a message: control bytes become '?', at most 40 bytes are
// kept and "..." marks the cut. Returns `out`.
enum { TI_SHOWN_CAP = 44 };
const char *ti_shown(const char *text, size_t size, char out[TI_SHOWN_CAP]);

// A decimal number, the same in every locale: optional sign, digits with an optional point,
// optional exponent, nothing before or after. False for all else, "nan", "inf" and hex included,
// and when the value is too large for a double. `text` ends with a 0 byte.
bool ti_parse_f64(const char *text, double *out);
// A decimal integer with an optional sign, nothing before or after, in the range of int64_t.
bool ti_parse_i64(const char *text, int64_t *out);

// ---- bytes, unpacked on the way when they are gzip (source.c) ----------------------------------
// Deflate codes at best 258 bytes in 2 bits (zlib's technical notes: 1032 to 1).
enum { TI_DEFLATE_MOST = 1032 };
typedef struct ti_source {
    const char *what;  // for messages: the file's name
    const uint8_t *data;
    size_t size;   // of the bytes as stored
    uint64_t off;  // bytes handed out so far, counted after unpacking
    bool is_gzip;
    void *inflate;  // zlib's state when is_gzip
} ti_source;
// `what` and `data` are borrowed until close. TARN_EUNSUPPORTED: gzip in a build without zlib.
TARN_CHECK tarn_status ti_source_open(ti_source *s, const char *what, const uint8_t *data,
                                      size_t size);
// Exactly n bytes into dst, or an error that says where the data ended. Never unpacks more.
TARN_CHECK tarn_status ti_source_read(ti_source *s, void *dst, size_t n);
// Up to n bytes; *got < n only at the end, where the checksum has been verified.
TARN_CHECK tarn_status ti_source_read_some(ti_source *s, void *dst, size_t n, size_t *got);
// No stored bytes of this number can hold more than this many unpacked ones.
uint64_t ti_source_most(const ti_source *s);
// TARN_EFORMAT: "WHAT: ... at byte OFF".
tarn_status ti_source_error(const ti_source *s, const char *fmt, ...) TARN_PRINTF(2, 3);
void ti_source_close(ti_source *s);

// Whole file, unpacked when it is gzip; at most `limit` bytes (TARN_ELIMIT). ti_free *data.
TARN_CHECK tarn_status ti_source_read_file(const char *path, size_t limit, uint8_t **data,
                                           size_t *size);

// ---- readers from memory; `what` names the bytes in messages -----------------------------------
TARN_CHECK tarn_status ti_idx_parse(const char *what, const uint8_t *data, size_t size,
                                    tarn_tensor **out);
TARN_CHECK tarn_status ti_npy_parse(const char *what, const uint8_t *data, size_t size,
                                    tarn_tensor **out);
// `data` is borrowed until tarn_safetensors_close.
TARN_CHECK tarn_status ti_safetensors_parse(const char *what, const uint8_t *data, size_t size,
                                            tarn_safetensors **out);
TARN_CHECK tarn_status ti_image_parse(const char *what, const uint8_t *data, size_t size,
                                      int channels, tarn_tensor **out);

// ---- CSV cells, one row at a time (csv.c) ------------------------------------------------------
// Quoted cells may hold delimiters, line ends and doubled quotes; CRLF and LF end a row; empty
// lines and a byte-order mark are skipped; blanks around an unquoted cell are dropped.
enum { TI_CSV_MAX_COLUMNS = 1 << 16, TI_CSV_MAX_ROW_BYTES = 1 << 24 };
typedef struct ti_csv {
    const char *what;
    const uint8_t *data;
    size_t size, off;
    char delimiter;
    int64_t next_line;  // line at `off`, from 1
    // The current row.
    int64_t line;  // where it begins
    int columns;
    size_t *start;  // of each cell in `text`
    size_t start_cap;
    char *text;
    size_t text_cap;
} ti_csv;
// `what` and `data` are borrowed until close. delimiter 0: found out among tab ; and comma.
void ti_csv_open(ti_csv *c, const char *what, const uint8_t *data, size_t size, char delimiter);
// Next row; *more is false at the end. TARN_EFORMAT and TARN_ELIMIT name file and line.
TARN_CHECK tarn_status ti_csv_next(ti_csv *c, bool *more);
// Cell of the current row, column from 0; ends with a 0 byte, valid until the next call.
const char *ti_csv_cell(const ti_csv *c, int column);
void ti_csv_rewind(ti_csv *c);
// Whether the first row looks like names: some cell of it is neither a number nor missing where
// the second row has a number. Rewinds.
TARN_CHECK tarn_status ti_csv_guess_header(ti_csv *c, bool *header);
// "", "NA" or "?".
bool ti_csv_is_missing(const char *cell);
void ti_csv_close(ti_csv *c);

#endif
