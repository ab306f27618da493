// Calls of the API, one function for each thing that is asked of a device. None returns before the
// device is done with what it was given: no event outlives the function that made it.
#include "backend/xla/device.h"

#include <stdio.h>
#include <string.h>

static const pjrt_api *api_of(const ti_xla_device *d) { return d->plugin->api; }

// Waits for an event and destroys it.
static tarn_status await(const ti_xla_device *d, pjrt_event *e, const char *what) {
    pjrt_object_args a = {.struct_size = PJRT_SIZE(pjrt_object_args, object), .object = e};
    if (!e) return TARN_OK;
    tarn_status st = ti_xla_status(api_of(d), api_of(d)->event_await(&a), what);
    ti_xla_destroy(api_of(d), api_of(d)->event_destroy, e);
    return st;
}

// ---- the device ---------------------------------------------------------------------------------

static tarn_status describe(ti_xla_device *d) {
    pjrt_description_args a = {.struct_size = PJRT_SIZE(pjrt_description_args, description),
                               .device = d->device};
    pjrt_id_args id = {.struct_size = PJRT_SIZE(pjrt_id_args, id)};
    pjrt_kind_args kind = {.struct_size = PJRT_SIZE(pjrt_kind_args, kind_size)};
    TI_TRY(
        ti_xla_status(api_of(d), api_of(d)->device_get_description(&a), "Device_GetDescription"));
    id.description = kind.description = a.description;
    TI_TRY(ti_xla_status(api_of(d), api_of(d)->device_description_id(&id), "DeviceDescription_Id"));
    TI_TRY(ti_xla_status(api_of(d), api_of(d)->device_description_kind(&kind),
                         "DeviceDescription_Kind"));
    d->id = id.id;
    ti_xla_line(kind.kind, kind.kind_size, d->kind, sizeof d->kind);
    return TARN_OK;
}

tarn_status ti_xla_device_open(int ordinal, ti_xla_device *d) {
    *d = (ti_xla_device){0};
    TI_TRY(ti_xla_open(&d->plugin));
    size_t n = d->plugin->n_devices;
    tarn_status st = TARN_OK;
    if ((size_t)ordinal >= n) {
        st = ti_error(TARN_EUNSUPPORTED, "device 'xla:%d': the plugin has %zu device%s", ordinal, n,
                      n == 1 ? "" : "s");
    } else {
        d->device = d->plugin->devices[ordinal];
        st = describe(d);
    }
    if (st) ti_xla_device_close(d);
    return st;
}

void ti_xla_device_close(ti_xla_device *d) {
    ti_xla_close(d->plugin);
    *d = (ti_xla_device){0};
}

// ---- compiling ----------------------------------------------------------------------------------

// A CompileOptionsProto that names the device: executable_build_options (field 3) with num_replicas
// (4) and num_partitions (5) of 1 and a device_assignment (9) of one computation on one device.
static size_t options_of(int id, char out[40]) {
    unsigned char device[10], *p = (unsigned char *)out;
    size_t n = 0;
    uint64_t rest = (uint64_t)(int64_t)id;  // a varint
    do {
        device[n] = (unsigned char)((rest & 127) | (rest > 127 ? 128 : 0));
        rest >>= 7;
        n++;
    } while (rest);
    unsigned char m = (unsigned char)n;
    const unsigned char head[] = {
        0x1a, (unsigned char)(14 + m), 0x20, 1, 0x28, 1,  // replicas, partitions
        0x4a, (unsigned char)(8 + m),  0x08, 1, 0x10, 1,  // assignment: 1 x 1
        0x1a, (unsigned char)(2 + m),  0x0a, m,           // its device ids
    };
    memcpy(p, head, sizeof head);
    memcpy(p + sizeof head, device, n);
    return sizeof head + n;
}

// Lists of results are ours to allocate and the plugin's to fill: both must mean the same number.
static tarn_status check_outputs(const ti_xla_device *d, pjrt_loaded *e, int n_results) {
    pjrt_executable_args a = {.struct_size = PJRT_SIZE(pjrt_executable_args, executable),
                              .loaded = e};
    pjrt_outputs_args n = {.struct_size = PJRT_SIZE(pjrt_outputs_args, n_outputs)};
    TI_TRY(ti_xla_status(api_of(d), api_of(d)->loaded_executable_get_executable(&a),
                         "LoadedExecutable_GetExecutable"));
    n.executable = a.executable;
    tarn_status st = ti_xla_status(api_of(d), api_of(d)->executable_num_outputs(&n),
                                   "Executable_NumOutputs");
    ti_xla_destroy(api_of(d), api_of(d)->executable_destroy, a.executable);
    if (!st && n.n_outputs != (size_t)n_results)
        st = ti_error(TARN_EIO, "the PJRT plugin made a program of %zu results, not %d",
                      n.n_outputs, n_results);
    return st;
}

tarn_status ti_xla_compile(const ti_xla_device *d, ti_buf *module, int n_results,
                           pjrt_loaded **out) {
    char options[40];
    pjrt_code code = {.struct_size = PJRT_SIZE(pjrt_code, format_size),
                      .text = module->data,
                      .text_size = module->size,
                      .format = "mlir",
                      .format_size = 4};
    pjrt_compile_args a = {.struct_size = PJRT_SIZE(pjrt_compile_args, loaded),
                           .client = d->plugin->client,
                           .code = &code,
                           .options = options,
                           .options_size = options_of(d->id, options)};
    TI_TRY(ti_xla_status(api_of(d), api_of(d)->client_compile(&a), "Client_Compile"));
    tarn_status st = check_outputs(d, a.loaded, n_results);
    if (st) {
        ti_xla_free_executable(d, a.loaded);
    } else {
        *out = a.loaded;
    }
    return st;
}

void ti_xla_free_executable(const ti_xla_device *d, pjrt_loaded *e) {
    if (e) ti_xla_destroy(api_of(d), api_of(d)->loaded_executable_destroy, e);
}

// ---- buffers ------------------------------------------------------------------------------------

static const int types[TARN_DTYPE_COUNT] = {
    [TARN_F32] = PJRT_F32,  [TARN_F64] = PJRT_F64, [TARN_F16] = PJRT_F16, [TARN_BF16] = PJRT_BF16,
    [TARN_I8] = PJRT_S8,    [TARN_I16] = PJRT_S16, [TARN_I32] = PJRT_S32, [TARN_I64] = PJRT_S64,
    [TARN_U8] = PJRT_U8,    [TARN_U16] = PJRT_U16, [TARN_U32] = PJRT_U32, [TARN_U64] = PJRT_U64,
    [TARN_BOOL] = PJRT_PRED};

tarn_status ti_xla_send(const ti_xla_device *d, const ti_xla_array *a, const void *data,
                        pjrt_buffer **out) {
    pjrt_send_args s = {.struct_size = PJRT_SIZE(pjrt_send_args, buffer),
                        .client = d->plugin->client,
                        .data = data,
                        .type = types[a->dtype],
                        .dims = a->shape.dim,
                        .n_dims = (size_t)a->shape.rank,
                        .semantics = PJRT_UNTIL_TRANSFER_COMPLETES,
                        .device = d->device};
    TI_TRY(ti_xla_status(api_of(d), api_of(d)->client_buffer_from_host_buffer(&s),
                         "Client_BufferFromHostBuffer"));
    tarn_status st = await(d, s.done, "sending to the device");
    if (st) {
        ti_xla_free_buffer(d, s.buffer);
    } else {
        *out = s.buffer;
    }
    return st;
}

// A device may hold elements in any order: row-major is asked for.
tarn_status ti_xla_fetch(const ti_xla_device *d, pjrt_buffer *b, const ti_xla_array *a,
                         void *data) {
    int64_t order[TARN_MAX_RANK];
    pjrt_layout rows = {
        PJRT_SIZE(pjrt_layout, kind),
        .tiled = {.struct_size = offsetof(pjrt_layout, kind) - offsetof(pjrt_layout, tiled),
                  .minor_to_major = order,
                  .minor_to_major_size = (size_t)a->shape.rank},
        .kind = PJRT_TILED};
    pjrt_fetch_args f = {
        .struct_size = PJRT_SIZE(pjrt_fetch_args, done), .buffer = b, .layout = &rows};
    for (int i = 0; i < a->shape.rank; i++) order[i] = a->shape.rank - 1 - i;
    TI_TRY(ti_xla_status(api_of(d), api_of(d)->buffer_to_host_buffer(&f), "Buffer_ToHostBuffer"));
    if (f.size != a->bytes)
        return ti_error(TARN_EIO, "the PJRT plugin has %zu bytes for a result of %zu", f.size,
                        a->bytes);
    f.data = data;
    TI_TRY(ti_xla_status(api_of(d), api_of(d)->buffer_to_host_buffer(&f), "Buffer_ToHostBuffer"));
    return await(d, f.done, "fetching from the device");
}

void ti_xla_free_buffer(const ti_xla_device *d, pjrt_buffer *b) {
    if (b) ti_xla_destroy(api_of(d), api_of(d)->buffer_destroy, b);
}

// ---- executing ----------------------------------------------------------------------------------

tarn_status ti_xla_execute(const ti_xla_device *d, pjrt_loaded *e, pjrt_buffer *const *arguments,
                           int n_arguments, pjrt_buffer **results) {
    pjrt_event *complete = NULL;
    pjrt_execute_options o = {.struct_size = PJRT_SIZE(pjrt_execute_options, incarnations)};
    pjrt_execute_args x = {.struct_size = PJRT_SIZE(pjrt_execute_args, device),
                           .loaded = e,
                           .options = &o,
                           .arguments = &arguments,
                           .n_devices = 1,
                           .n_arguments = (size_t)n_arguments,
                           .results = &results,
                           .complete = &complete};
    TI_TRY(ti_xla_status(api_of(d), api_of(d)->loaded_executable_execute(&x),
                         "LoadedExecutable_Execute"));
    return await(d, complete, "the step on the device");
}
