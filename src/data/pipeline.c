// Batches in shuffled order, made ahead by one worker thread.
//
// A ring of slots, each with its own buffers, all taken at create. The worker fills the slot after
// the ready ones; the consumer holds the one before them. The order of an epoch is a pure function
// of (seed, epoch), so a seek is a new place to fill from and nothing else: batches that are ready
// or under way belong to an old `generation` and are dropped. The end of an epoch is not a slot;
// the consumer counts, and the worker fills across it.
//
// Everything that can fail is checked at create, so the worker has no errors to report.
#include "data/data.h"
#include "tensor/tensor.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

enum { DEFAULT_PREFETCH = 2, MAX_PREFETCH = 1024, LINE_BYTES = 64 };

typedef struct place {
    int64_t epoch, batch;
} place;

typedef struct slot {
    float *x;
    char *y;
} slot;

struct tarn_pipeline {
    // Fixed after create.
    tarn_tensor *x, *y;
    float scale, offset;
    bool copy_as_is;  // f32 with neither scale nor offset
    bool shuffle;
    uint64_t key;
    int64_t samples, batch_size, batches;  // batch_size: of all ranks
    int64_t rank, ranks;
    size_t x_numel, y_bytes;      // of one sample
    tarn_shape x_shape, y_shape;  // of a batch; dim[0] varies
    slot *slots;
    int n_slots;  // one is the consumer's
    char *memory;
    bool threaded;
    pthread_t worker;

    // The filler's own: the worker's, or the consumer's when there is no thread.
    int64_t *order;
    int64_t order_epoch;  // -1: none yet

    // The consumer's own.
    place next;

    // Shared, under `lock`.
    pthread_mutex_t lock;
    pthread_cond_t filled, wanted;
    place fill;           // what is filled next
    int first, ready;     // slots [first, first + ready) of the ring are ready
    uint64_t generation;  // seeks so far
    bool stop;
};

// ---- order -------------------------------------------------------------------------------------

// 0 <= result < n from 64 random bits: the high word of a 128-bit product.
static int64_t below(uint64_t bits, int64_t n) {
    const uint64_t low_half = 0xffffffff;
    uint64_t m = (uint64_t)n, a = bits >> 32, b = bits & low_half, c = m >> 32, d = m & low_half;
    uint64_t mid = (b * d >> 32) + (a * d & low_half) + (b * c & low_half);
    return (int64_t)(a * c + (a * d >> 32) + (b * c >> 32) + (mid >> 32));
}

// Fisher-Yates from the end; a Philox call serves two swaps.
static void make_order(tarn_pipeline *p, int64_t epoch) {
    uint32_t w[4];
    if (p->order_epoch == epoch) return;
    for (int64_t i = 0; i < p->samples; i++) p->order[i] = i;
    for (int64_t i = p->samples - 1, swaps = 0; p->shuffle && i > 0; i--, swaps++) {
        int half = (int)(swaps % 2) * 2;
        if (half == 0) ti_philox(p->key, (uint64_t)swaps / 2, (uint64_t)epoch, w);
        int64_t j = below((uint64_t)w[half] << 32 | w[half + 1], i + 1);
        int64_t keep = p->order[i];
        p->order[i] = p->order[j];
        p->order[j] = keep;
    }
    p->order_epoch = epoch;
}

static place after(const tarn_pipeline *p, place at) {
    at.batch++;
    return at.batch < p->batches ? at : (place){at.epoch + 1, 0};
}

// Samples of a batch, all ranks together.
static int64_t batch_samples(const tarn_pipeline *p, int64_t batch) {
    return ti_min_i64(p->batch_size, p->samples - batch * p->batch_size);
}

// Where the part of rank r begins in a batch of n samples; that of `ranks` is the end.
static int64_t part_begin(const tarn_pipeline *p, int64_t n, int64_t r) {
    return n / p->ranks * r + ti_min_i64(r, n % p->ranks);
}

static int64_t batch_rows(const tarn_pipeline *p, int64_t batch) {
    int64_t n = batch_samples(p, batch);
    return part_begin(p, n, p->rank + 1) - part_begin(p, n, p->rank);
}

// ---- filling -----------------------------------------------------------------------------------

static void fill_x(const tarn_pipeline *p, int64_t sample, float *dst) {
    size_t n = p->x_numel, at = (size_t)sample * n;
    if (tarn_tensor_dtype(p->x) == TARN_U8) {
        const uint8_t *src = tarn_tensor_cdata(p->x);
        ti_scale_u8(src + at, n, p->scale, p->offset, dst);
        return;
    }
    const float *src = tarn_tensor_cdata(p->x);
    if (p->copy_as_is)
        memcpy(dst, src + at, n * sizeof *dst);
    else
        ti_scale_f32(src + at, n, p->scale, p->offset, dst);
}

static void fill_slot(tarn_pipeline *p, place at, const slot *s) {
    const char *y = tarn_tensor_cdata(p->y);
    int64_t n = batch_rows(p, at.batch);
    make_order(p, at.epoch);
    const int64_t *order = p->order + at.batch * p->batch_size +
                           part_begin(p, batch_samples(p, at.batch), p->rank);
    for (int64_t i = 0; i < n; i++) {
        fill_x(p, order[i], s->x + (size_t)i * p->x_numel);
        memcpy(s->y + (size_t)i * p->y_bytes, y + (size_t)order[i] * p->y_bytes, p->y_bytes);
    }
}

static void *work(void *arg) {
    tarn_pipeline *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (p->ready == p->n_slots - 1) {
            pthread_cond_wait(&p->wanted, &p->lock);
            continue;
        }
        place at = p->fill;
        uint64_t generation = p->generation;
        const slot *s = &p->slots[(p->first + p->ready) % p->n_slots];
        pthread_mutex_unlock(&p->lock);
        fill_slot(p, at, s);
        pthread_mutex_lock(&p->lock);
        if (generation != p->generation) continue;  // a seek came between: drop it
        p->fill = after(p, at);
        p->ready++;
        pthread_cond_signal(&p->filled);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

// The oldest ready slot; it stays the consumer's until the next call.
static const slot *take_slot(tarn_pipeline *p) {
    if (!p->threaded) {
        fill_slot(p, p->next, p->slots);
        return p->slots;
    }
    pthread_mutex_lock(&p->lock);
    while (p->ready == 0) pthread_cond_wait(&p->filled, &p->lock);
    const slot *s = &p->slots[p->first];
    p->first = (p->first + 1) % p->n_slots;
    p->ready--;
    pthread_cond_signal(&p->wanted);
    pthread_mutex_unlock(&p->lock);
    return s;
}

// ---- create and free ---------------------------------------------------------------------------

static int64_t ranks_of(const tarn_pipeline_opts *o) { return o->ranks ? o->ranks : 1; }

// The batch of all ranks, at most all samples.
static int64_t all_ranks(const tarn_pipeline_opts *o, int64_t samples) {
    return o->batch_size <= samples / ranks_of(o) ? o->batch_size * ranks_of(o) : samples;
}

static tarn_status check_ranks(const tarn_pipeline_opts *o, int64_t samples) {
    if (o->ranks < 0 || o->rank < 0 || o->rank >= ranks_of(o))
        return ti_error(TARN_EARG, "pipeline: rank %d of %d", o->rank, o->ranks);
    if (samples < ranks_of(o))
        return ti_error(TARN_EARG, "pipeline: %" PRId64 " samples are not one for each of %d ranks",
                        samples, o->ranks);
    return TARN_OK;
}

static tarn_status check_opts(const tarn_pipeline_opts *o, int64_t samples) {
    if (o->batch_size < 1)
        return ti_error(TARN_EARG, "pipeline: batch size %" PRId64 ", at least 1 expected",
                        o->batch_size);
    TI_TRY(check_ranks(o, samples));
    if (o->drop_last && o->batch_size > samples / ranks_of(o))
        return ti_error(TARN_EARG,
                        "pipeline: %" PRId64 " samples do not fill one batch of %" PRId64
                        " and the last is dropped",
                        samples, o->batch_size);
    if (o->prefetch < -1 || o->prefetch > MAX_PREFETCH)
        return ti_error(TARN_EARG, "pipeline: prefetch %d, -1 to %d expected", o->prefetch,
                        MAX_PREFETCH);
    return TARN_OK;
}

static void set_shapes(tarn_pipeline *p, bool flatten) {
    p->x_shape = *tarn_tensor_shape(p->x);
    p->y_shape = *tarn_tensor_shape(p->y);
    if (flatten) p->x_shape = TARN_SHAPE(0, (int64_t)p->x_numel);
}

static void take_settings(tarn_pipeline *p, const tarn_dataset *d, const tarn_pipeline_opts *o) {
    p->x = tarn_tensor_retain(d->x);
    p->y = tarn_tensor_retain(d->y);
    p->samples = tarn_tensor_shape(d->x)->dim[0];
    p->x_numel = (size_t)(tarn_tensor_numel(d->x) / p->samples);
    p->y_bytes = tarn_tensor_bytes(d->y) / (size_t)p->samples;
    p->scale = d->scale == 0 ? 1.0f : (float)d->scale;
    p->offset = (float)d->offset;
    p->copy_as_is = p->scale == 1.0f && p->offset == 0.0f;
    p->shuffle = o->shuffle;
    p->key = o->seed ^ ti_hash64("pipeline.order");
    p->rank = o->rank;
    p->ranks = ranks_of(o);
    p->batch_size = all_ranks(o, p->samples);
    p->batches = p->samples / p->batch_size;
    if (!o->drop_last && p->samples % p->batch_size >= p->ranks) p->batches++;
    p->threaded = o->prefetch >= 0;
    p->n_slots = !p->threaded ? 1 : 1 + (o->prefetch ? o->prefetch : DEFAULT_PREFETCH);
    p->order_epoch = -1;
    set_shapes(p, d->flatten);
}

static size_t whole_lines(size_t bytes) {
    return bytes + (LINE_BYTES - bytes % LINE_BYTES) % LINE_BYTES;
}

// One block for the buffers of all slots, each on its own cache lines.
static tarn_status take_memory(tarn_pipeline *p) {
    size_t x, y, both, all;
    size_t rows = (size_t)ti_ceil_div(p->batch_size, p->ranks);
    TI_TRY(ti_mul(rows * p->x_numel, sizeof(float), &x));
    x = whole_lines(x);
    y = whole_lines(rows * p->y_bytes);  // part of a tensor: no overflow
    TI_TRY(ti_add(x, y, &both));
    TI_TRY(ti_mul(both, (size_t)p->n_slots, &all));
    TI_TRY(ti_alloc(all, &p->memory));
    TI_TRY(ti_alloc((size_t)p->n_slots * sizeof *p->slots, &p->slots));
    for (int i = 0; i < p->n_slots; i++) {
        char *at = p->memory + (size_t)i * both;
        p->slots[i] = (slot){.x = (float *)(void *)at, .y = at + x};
    }
    return ti_alloc((size_t)p->samples * sizeof *p->order, &p->order);
}

static void release(tarn_pipeline *p) {
    tarn_tensor_release(p->x);
    tarn_tensor_release(p->y);
    ti_free(p->memory);
    ti_free(p->slots);
    ti_free(p->order);
    ti_free(p);
}

static tarn_status start_worker(tarn_pipeline *p) {
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->filled, NULL);
    pthread_cond_init(&p->wanted, NULL);
    if (pthread_create(&p->worker, NULL, work, p) == 0) return TARN_OK;
    pthread_cond_destroy(&p->wanted);
    pthread_cond_destroy(&p->filled);
    pthread_mutex_destroy(&p->lock);
    return ti_error(TARN_ENOMEM, "pipeline: the system gives no thread");
}

static void stop_worker(tarn_pipeline *p) {
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->wanted);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->worker, NULL);
    pthread_cond_destroy(&p->wanted);
    pthread_cond_destroy(&p->filled);
    pthread_mutex_destroy(&p->lock);
}

tarn_status tarn_pipeline_create(const tarn_dataset *d, const tarn_pipeline_opts *opts,
                                 tarn_pipeline **out) {
    tarn_pipeline *p;
    TI_TRY(tarn_dataset_check(d));
    TI_TRY(check_opts(opts, tarn_tensor_shape(d->x)->dim[0]));
    TI_TRY(ti_alloc_zero(sizeof *p, &p));
    take_settings(p, d, opts);
    tarn_status st = take_memory(p);
    if (!st && p->threaded) st = start_worker(p);
    if (st) {
        release(p);
        return st;
    }
    *out = p;
    return TARN_OK;
}

void tarn_pipeline_free(tarn_pipeline *p) {
    if (!p) return;
    if (p->threaded) stop_worker(p);
    release(p);
}

// ---- use ---------------------------------------------------------------------------------------

int64_t tarn_pipeline_batches(const tarn_pipeline *p) { return p->batches; }

tarn_status tarn_pipeline_seek(tarn_pipeline *p, int64_t epoch, int64_t batch) {
    if (epoch < 0 || batch < 0 || batch > p->batches)
        return ti_error(TARN_EARG,
                        "pipeline: seek to epoch %" PRId64 ", batch %" PRId64
                        "; 0 or more, and 0 to %" PRId64 " expected",
                        epoch, batch, p->batches);
    p->next = (place){epoch, batch};
    if (!p->threaded) return TARN_OK;
    pthread_mutex_lock(&p->lock);
    p->fill = batch < p->batches ? p->next : (place){epoch + 1, 0};
    p->ready = 0;
    p->generation++;
    pthread_cond_signal(&p->wanted);
    pthread_mutex_unlock(&p->lock);
    return TARN_OK;
}

tarn_status tarn_pipeline_next(tarn_pipeline *p, tarn_batch *out) {
    *out = (tarn_batch){
        .x_shape = p->x_shape, .y_shape = p->y_shape, .y_dtype = tarn_tensor_dtype(p->y)};
    out->x_shape.dim[0] = out->y_shape.dim[0] = 0;
    if (p->next.batch == p->batches) {
        p->next = (place){p->next.epoch + 1, 0};
        return TARN_OK;
    }
    const slot *s = take_slot(p);
    out->n = batch_rows(p, p->next.batch);
    out->x = s->x;
    out->y = s->y;
    out->x_shape.dim[0] = out->y_shape.dim[0] = out->n;
    p->next.batch++;
    return TARN_OK;
}
