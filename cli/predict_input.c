// Input files of tarn predict: pictures, IDX files, CSV files, told apart by their first bytes.
#include "predict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// ---- kind --------------------------------------------------------------------------------------

static int read_magic(const cli_args *a, const char *path, unsigned char magic[4]) {
    FILE *f = fopen(path, "rb");
    if (!f) return cli_error(a->cmd, "cannot open '%s': %s", path, strerror(errno));
    memset(magic, 0, 4);
    errno = 0;
    (void)fread(magic, 1, 4, f);
    int code = ferror(f) ? cli_error(a->cmd, "cannot read '%s': %s", path, strerror(errno))
                         : CLI_OK;
    fclose(f);
    return code;
}

static int find_kind(const cli_args *a, const char *path, cli_input_kind *out) {
    unsigned char m[4];
    int code = read_magic(a, path, m);
    if (code) return code;
    if (!memcmp(m, "\x89PNG", 4) || !memcmp(m, "\xff\xd8\xff", 3))
        *out = CLI_INPUT_PICTURE;
    else if (!memcmp(m, "\x1f\x8b", 2) || !memcmp(m, "\0\0\x08", 3))
        *out = CLI_INPUT_IDX;
    else if (cli_has_extension(path, ".csv"))
        *out = CLI_INPUT_CSV;
    else
        return cli_error(a->cmd, "'%s' is no PNG or JPEG picture, no IDX file and no .csv file",
                         path);
    return CLI_OK;
}

// ---- range -------------------------------------------------------------------------------------

// "7" or "3-9", counted from 0, within n samples; without --index all.
static int parse_range(const cli_args *a, const char *path, int64_t n, int64_t *first,
                       int64_t *last) {
    const char *text = cli_str(a, "index");
    char *end;
    *first = 0;
    *last = n - 1;
    if (!text) return CLI_OK;
    *first = *last = (int64_t)strtoll(text, &end, 10);
    if (end != text && *end == '-') *last = (int64_t)strtoll(end + 1, &end, 10);
    if (end == text || *end || *first < 0 || *last < *first)
        return cli_usage(a->cmd, "--index: '%s' is no index like 7 and no range like 0-9", text);
    if (*last >= n)
        return cli_error(a->cmd, "--index %s: '%s' has %" PRId64 " samples, 0 to %" PRId64, text,
                         path, n, n - 1);
    return CLI_OK;
}

// Rows [first, last] of t [n, ...] as a new tensor.
static tarn_status take_rows(const tarn_tensor *t, int64_t first, int64_t last, tarn_tensor **out) {
    tarn_shape shape = *tarn_tensor_shape(t);
    size_t row = shape.dim[0] ? tarn_tensor_bytes(t) / (size_t)shape.dim[0] : 0;
    shape.dim[0] = last - first + 1;
    return tarn_tensor_from(tarn_tensor_dtype(t), shape,
                            (const char *)tarn_tensor_cdata(t) + (size_t)first * row, out);
}

// Keep the rows that --index names.
static int cut(const cli_args *a, cli_input *in) {
    int64_t last, n = tarn_tensor_shape(in->x)->dim[0];
    tarn_tensor *x, *y;
    int code = parse_range(a, in->path, n, &in->first, &last);
    if (code || !cli_given(a, "index")) return code;
    tarn_status st = take_rows(in->x, in->first, last, &x);
    if (st) return cli_fail(a, st);
    tarn_tensor_release(in->x);
    in->x = x;
    if (!in->y) return CLI_OK;
    st = take_rows(in->y, in->first, last, &y);
    if (st) return cli_fail(a, st);
    tarn_tensor_release(in->y);
    in->y = y;
    return CLI_OK;
}

// ---- reading -----------------------------------------------------------------------------------

static int read_picture(const cli_args *a, const tarn_model *m, cli_input *in) {
    cli_picture_size size;
    cli_text text;
    tarn_shape want = tarn_model_input_shape(m);
    if (!cli_model_picture(m, &size))
        return cli_error(a->cmd, "'%s' is a picture, the model takes %s numbers", in->path,
                         cli_shape(&text, &want));
    tarn_status st = cli_picture_read(in->path, cli_str(a, "invert"), size, &in->x);
    return st ? cli_fail(a, st) : CLI_OK;
}

static int read_idx(const cli_args *a, cli_input *in) {
    tarn_status st = tarn_idx_read(in->path, &in->x);
    if (st) return cli_fail(a, st);
    return cut(a, in);
}

static int read_table(const cli_args *a, const tarn_model *m, bool classifies, cli_input *in) {
    int code = cli_table_read(a, m, classifies, in->path, in);
    return code ? code : cut(a, in);
}

// Samples must have as many numbers as the model takes.
static int check_samples(const cli_args *a, const tarn_model *m, const cli_input *in) {
    tarn_shape want = tarn_model_input_shape(m);
    int64_t n = tarn_tensor_shape(in->x)->dim[0];
    cli_text text;
    if (n == 0) return cli_error(a->cmd, "'%s' has no samples", in->path);
    if (tarn_tensor_numel(in->x) / n == tarn_shape_numel(&want)) return CLI_OK;
    return cli_error(a->cmd, "'%s' has samples of %" PRId64 " numbers, the model takes %s",
                     in->path, tarn_tensor_numel(in->x) / n, cli_shape(&text, &want));
}

int cli_input_read(const cli_args *a, const tarn_model *m, bool classifies, const char *path,
                   cli_input *in) {
    *in = (cli_input){.path = path};
    int code = find_kind(a, path, &in->kind);
    if (code) return code;
    switch (in->kind) {
    case CLI_INPUT_PICTURE: code = read_picture(a, m, in); break;
    case CLI_INPUT_IDX: code = read_idx(a, in); break;
    case CLI_INPUT_CSV: code = read_table(a, m, classifies, in); break;
    }
    return code ? code : check_samples(a, m, in);
}

void cli_input_clear(cli_input *in) {
    tarn_tensor_release(in->x);
    tarn_tensor_release(in->y);
    *in = (cli_input){0};
}
