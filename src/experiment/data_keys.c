// data: which samples, and how they are prepared.
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/experiment.h"

enum { DIGITS_TRAIN = 60000, DIGITS_TEST = 10000 };

#define AT(member) offsetof(ti_data_spec, member)

static const ti_key idx_keys[] = {
    {"images", ti_read_text, AT(images), 0, 0},
    {"labels", ti_read_text, AT(labels), 0, 0},
    {"test_images", ti_read_text, AT(test_images), 0, 0},
    {"test_labels", ti_read_text, AT(test_labels), 0, 0},
};

static tarn_status read_idx(const ti_yaml *n, const ti_key *key, void *out) {
    ti_data_spec *d = out;
    (void)key;
    TI_TRY(TI_READ_MAP(n, idx_keys, "idx", d));
    if (!d->images || !d->labels) return ti_yaml_error(n, "idx needs 'images' and 'labels'");
    if (!d->test_images != !d->test_labels)
        return ti_yaml_error(n, "idx: 'test_images' and 'test_labels' belong together");
    return TARN_OK;
}

// Data sets by name.
typedef tarn_status (*load_fn)(const tarn_experiment *e, const char *dir, tarn_dataset *train,
                               tarn_dataset *test);
static tarn_status load_mnist(const tarn_experiment *e, const char *dir, tarn_dataset *train,
                              tarn_dataset *test);
static tarn_status load_digits(const tarn_experiment *e, const char *dir, tarn_dataset *train,
                               tarn_dataset *test);
typedef struct named_set {
    const char *name;
    load_fn load;
} named_set;
static const named_set named_sets[] = {{"mnist", load_mnist}, {"digits", load_digits}};
static const ti_table named_table = TI_TABLE("data set", named_sets);

static tarn_status read_name(const ti_yaml *n, const ti_key *key, void *out) {
    TI_TRY(ti_read_text(n, key, out));
    return ti_table_find(&named_table, n->text, "") ? TARN_OK : ti_yaml_error_at(n, TARN_EFORMAT);
}

static const ti_key data_keys[] = {
    {"name", read_name, AT(name), 0, 0},
    {"csv", ti_read_text, AT(csv), 0, 0},
    {"idx", read_idx, 0, 0, 0},
    {"images", ti_read_text, AT(pictures), 0, 0},
    {"scale", ti_read_number, AT(scale), -DBL_MAX, DBL_MAX},
    {"offset", ti_read_number, AT(offset), -DBL_MAX, DBL_MAX},
    {"flatten", ti_read_bool, AT(flatten), 0, 0},
    {"target", ti_read_text, AT(target), 0, 0},
    {"header", ti_read_text, AT(header), 0, 0},
    {"delimiter", ti_read_text, AT(delimiter), 0, 0},
    {"validation", ti_read_number, AT(validation), 0, 0.99},
    {"standardize", ti_read_bool, AT(standardize), 0, 0},
    {"classify", ti_read_bool, AT(classify), 0, 0},
    {"max_rows", ti_read_int, AT(max_rows), 0, 1e15},
    {"train", ti_read_int, AT(train), 1, 1e7},
    {"test", ti_read_int, AT(test), 1, 1e7},
};

tarn_status ti_read_data(const ti_yaml *n, const ti_key *key, void *out) {
    tarn_experiment *e = out;
    ti_data_spec *d = &e->data;
    (void)key;
    e->data_at = n;
    *d = (ti_data_spec){
        .scale = (double)NAN, .offset = (double)NAN, .train = DIGITS_TRAIN, .test = DIGITS_TEST};
    if (n->kind == TI_YAML_SCALAR)
        TI_TRY(ti_read_short(n, data_keys, sizeof data_keys / sizeof *data_keys, "name", d));
    else
        TI_TRY(TI_READ_MAP(n, data_keys, "data", d));
    int sources = !!d->name + !!d->csv + !!d->images + !!d->pictures;
    if (sources != 1) return ti_yaml_error(n, "data needs one of name, csv and idx");
    if (d->pictures)
        return ti_yaml_error(n, "folders of pictures (images) cannot be read by this version");
    if (d->delimiter && strlen(d->delimiter) != 1)
        return ti_yaml_error(n, "delimiter expects one character");
    return TARN_OK;
}

const char *ti_data_name(const ti_data_spec *d) {
    return d->name ? d->name : d->csv ? "csv" : "idx";
}

// ---- where files are ----------------------------------------------------------------------------

// DIR/NAME when it is a file. Takes *found only then.
static tarn_status try_path(const char *dir, size_t len, const char *name, char **found) {
    char *joined = NULL, *copy = NULL;
    TI_TRY(ti_alloc(len + 1, &copy));
    memcpy(copy, dir, len);
    copy[len] = 0;
    tarn_status st = ti_path_join(copy, name, &joined);
    ti_free(copy);
    if (st) return st;
    if (ti_file_exists(joined))
        *found = joined;
    else
        ti_free(joined);
    return TARN_OK;
}

// A file of the data: absolute, in --data DIR, beside the experiment, here, or in $TARN_DATA.
static tarn_status find_file(const tarn_experiment *e, const char *dir, const char *name,
                             char **found) {
    const char *slash = strrchr(e->file, '/'), *home = getenv("TARN_DATA");
    *found = NULL;
    if (*name == '/') return ti_path_join("/", name + 1, found);
    if (dir) return ti_path_join(dir, name, found);
    if (slash) TI_TRY(try_path(e->file, (size_t)(slash - e->file) + 1, name, found));
    if (!*found) TI_TRY(try_path(".", 1, name, found));
    if (!*found && home) TI_TRY(try_path(home, strlen(home), name, found));
    if (*found) return TARN_OK;
    return ti_error(TARN_ENOENT,
                    "no file '%s' beside the experiment, here, or in $TARN_DATA: "
                    "--data DIR says where it is",
                    name);
}

// ---- loading ------------------------------------------------------------------------------------

static tarn_status load_csv(const tarn_experiment *e, const char *dir, tarn_dataset *train,
                            tarn_dataset *test) {
    const ti_data_spec *d = &e->data;
    char *path = NULL;
    tarn_csv_opts o = {.target = d->target,
                       .header = d->header,
                       .delimiter = d->delimiter ? *d->delimiter : 0,
                       .validation = d->validation,
                       .standardize = d->standardize,
                       .classify = d->classify,
                       .max_rows = d->max_rows};
    TI_TRY(find_file(e, dir, d->csv, &path));
    tarn_status st = tarn_data_csv(path, &o, train, test);
    ti_free(path);
    return st;
}

static tarn_status load_pair(const tarn_experiment *e, const char *dir, const char *images,
                             const char *labels, tarn_dataset *out) {
    char *x = NULL, *y = NULL;
    tarn_status st = find_file(e, dir, images, &x);
    if (!st) st = find_file(e, dir, labels, &y);
    if (!st) st = tarn_data_idx(x, y, out);
    ti_free(x);
    ti_free(y);
    return st;
}

static tarn_status load_idx(const tarn_experiment *e, const char *dir, tarn_dataset *train,
                            tarn_dataset *test) {
    const ti_data_spec *d = &e->data;
    TI_TRY(load_pair(e, dir, d->images, d->labels, train));
    return d->test_images ? load_pair(e, dir, d->test_images, d->test_labels, test) : TARN_OK;
}

static tarn_status load_digits(const tarn_experiment *e, const char *dir, tarn_dataset *train,
                               tarn_dataset *test) {
    (void)dir;  // they are drawn
    return tarn_data_digits(e->info.seed, e->data.train, e->data.test, train, test);
}

// A folder that was named must be there; without one, generated digits stand in and say so.
static tarn_status load_mnist(const tarn_experiment *e, const char *dir, tarn_dataset *train,
                              tarn_dataset *test) {
    tarn_status st = tarn_data_mnist(dir, train, test);
    return st == TARN_ENOENT && !dir ? load_digits(e, dir, train, test) : st;
}

static tarn_status load(const tarn_experiment *e, const char *dir, tarn_dataset *train,
                        tarn_dataset *test) {
    const ti_data_spec *d = &e->data;
    if (d->csv) return load_csv(e, dir, train, test);
    if (d->images) return load_idx(e, dir, train, test);
    const named_set *set = ti_table_find(&named_table, d->name, "");
    return set ? set->load(e, dir, train, test) : TARN_EFORMAT;
}

static void prepare(const ti_data_spec *d, tarn_dataset *set) {
    if (!isnan(d->scale)) set->scale = d->scale;
    if (!isnan(d->offset)) set->offset = d->offset;
    set->flatten |= d->flatten;
}

tarn_status tarn_experiment_data(const tarn_experiment *e, const char *dir, tarn_dataset *train,
                                 tarn_dataset *test) {
    tarn_dataset a = {0}, b = {0};
    tarn_status st = load(e, dir, &a, &b);
    if (st) {
        tarn_dataset_clear(&a);
        tarn_dataset_clear(&b);
        return ti_yaml_error_at(e->data_at, st);
    }
    prepare(&e->data, &a);
    prepare(&e->data, &b);
    *train = a;
    *test = b;
    return TARN_OK;
}
