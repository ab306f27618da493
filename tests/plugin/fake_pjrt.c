// The used part of the PJRT C API, strict: sizes of all structs are the numbers of the API's own
// header (version 0.90, 64 bits), objects are known and destroyed once, events are awaited, and
// arrays are those of the signature in the module's text. Bytes move when an event is awaited, no
// sooner, so that a caller that does not wait is found out.
#include "plugin/fake_pjrt.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/xla/pjrt.h"

#define EXPORT __attribute__((visibility("default")))

enum { MAX_LIVE = 256, DEVICES = 2 };

typedef enum kind { NONE, CLIENT, LOADED, EXECUTABLE, BUFFER, EVENT, ERROR } kind;

typedef struct object {
    kind kind;
    // executable
    fake_module *module;
    int device;
    // buffer: device too
    fake_array array;
    // event
    bool awaited;
    void *to;  // bytes to move when awaited
    const void *from;
    size_t bytes;
    // error
    char *text;
    size_t text_size;
} object;

static fake_pjrt state;
static object *live[MAX_LIVE];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const int ids[DEVICES] = {7, 300};
static char devices[DEVICES], descriptions[DEVICES];  // only their addresses matter

static void wrong(const char *call, const char *what) {
    if (!*state.wrong) snprintf(state.wrong, sizeof state.wrong, "%s: %s", call, what);
}

// ---- objects ------------------------------------------------------------------------------------

static object *make(kind k) {
    object *o = calloc(1, sizeof *o);
    if (!o) abort();
    o->kind = k;
    for (int i = 0; i < MAX_LIVE; i++)
        if (!live[i]) {
            live[i] = o;
            state.live++;
            state.live_executables += k == LOADED;
            return o;
        }
    abort();
}

static object *find(const char *call, const void *p, kind k) {
    for (int i = 0; i < MAX_LIVE; i++)
        if (live[i] && live[i] == p && live[i]->kind == k) return live[i];
    wrong(call, "an object that is not, or no longer, one of its kind");
    return NULL;
}

static int count(kind k) {
    int n = 0;
    for (int i = 0; i < MAX_LIVE; i++) n += live[i] && live[i]->kind == k;
    return n;
}

static void drop(object *o) {
    if (!o) return;
    for (int i = 0; i < MAX_LIVE; i++)
        if (live[i] == o) live[i] = NULL;
    state.live--;
    state.live_executables -= o->kind == LOADED;
    if (o->kind == LOADED) free(o->module);
    free(o->array.data);
    free(o->text);
    free(o);
}

static int device_of(const char *call, const void *device) {
    for (int i = 0; i < DEVICES; i++)
        if (device == (void *)&devices[i]) return i;
    wrong(call, "no device of this plugin");
    return 0;
}

// ---- errors -------------------------------------------------------------------------------------

// Its text has no end mark, in a block of just its size: reading on is seen by a sanitizer.
static pjrt_error *error(const char *text) {
    object *o = make(ERROR);
    o->text_size = strlen(text);
    o->text = malloc(o->text_size);
    if (!o->text) abort();
    memcpy(o->text, text, o->text_size);
    return (pjrt_error *)o;
}

// Counts the call, checks the head of its struct, and is the failure when it is this one's turn.
static pjrt_error *enter(const char *call, const void *args, size_t size) {
    const pjrt_initialize_args *head = args;
    char text[128];
    if (head->struct_size != size) wrong(call, "struct_size is not that of the API's header");
    if (head->extension) wrong(call, "an extension");
    if (!state.initialised && strcmp(call, "PJRT_Plugin_Initialize") &&
        strncmp(call, "PJRT_Error", 10))
        wrong(call, "before PJRT_Plugin_Initialize");
    state.calls++;
    if (state.calls < state.fail_at || !state.fail_at) return NULL;
    if (state.calls > state.fail_at && !state.fail_all) return NULL;
    snprintf(state.failed, sizeof state.failed, "%s", call);
    snprintf(text, sizeof text, "planted failure\n\tof %s", call);
    return error(text);
}

static pjrt_error *destroy(const char *call, const pjrt_object_args *a, kind k) {
    pjrt_error *e = enter(call, a, 24);
    drop(find(call, a->object, k));
    return e;
}

static void error_destroy(pjrt_object_args *a) {
    pthread_mutex_lock(&lock);
    if (a->struct_size != 24) wrong("PJRT_Error_Destroy", "struct_size");
    drop(find("PJRT_Error_Destroy", a->object, ERROR));
    pthread_mutex_unlock(&lock);
}

static void error_message(pjrt_message_args *a) {
    pthread_mutex_lock(&lock);
    if (a->struct_size != 40) wrong("PJRT_Error_Message", "struct_size");
    const object *o = find("PJRT_Error_Message", a->error, ERROR);
    a->text = o ? o->text : "";
    a->text_size = o ? o->text_size : 0;
    pthread_mutex_unlock(&lock);
}

static pjrt_error *do_get_code(pjrt_code_args *a) {
    pjrt_error *e = enter("PJRT_Error_GetCode", a, 28);
    find("PJRT_Error_GetCode", a->error, ERROR);
    if (!e) a->code = state.code ? state.code : 13;
    return e;
}

// ---- plugin, client, devices --------------------------------------------------------------------

static pjrt_error *do_initialize(pjrt_initialize_args *a) {
    pjrt_error *e = enter("PJRT_Plugin_Initialize", a, 16);
    if (!e && state.initialised++) wrong("PJRT_Plugin_Initialize", "called twice");
    return e;
}

static pjrt_error *do_create(pjrt_create_args *a) {
    pjrt_error *e = enter("PJRT_Client_Create", a, 88);
    if (a->n_options || a->get || a->put || a->try_get) wrong("PJRT_Client_Create", "options");
    if (count(CLIENT)) wrong("PJRT_Client_Create", "a second client");
    if (!e) a->client = (pjrt_client *)make(CLIENT);
    return e;
}

static pjrt_error *do_client_destroy(pjrt_object_args *a) {
    if (count(LOADED) || count(EXECUTABLE) || count(BUFFER) || count(EVENT))
        wrong("PJRT_Client_Destroy", "objects of the client are alive");
    return destroy("PJRT_Client_Destroy", a, CLIENT);
}

static pjrt_error *do_devices_of_client(pjrt_devices_args *a) {
    static pjrt_device *list[DEVICES];
    pjrt_error *e = enter("PJRT_Client_AddressableDevices", a, 40);
    find("PJRT_Client_AddressableDevices", a->client, CLIENT);
    for (int i = 0; i < DEVICES; i++) list[i] = (pjrt_device *)(void *)&devices[i];
    if (e) return e;
    a->devices = list;
    a->n_devices = DEVICES;
    return NULL;
}

static pjrt_error *do_description(pjrt_description_args *a) {
    pjrt_error *e = enter("PJRT_Device_GetDescription", a, 32);
    int i = device_of("PJRT_Device_GetDescription", a->device);
    if (!e) a->description = (pjrt_description *)(void *)&descriptions[i];
    return e;
}

static pjrt_error *do_id(pjrt_id_args *a) {
    pjrt_error *e = enter("PJRT_DeviceDescription_Id", a, 28);
    if (!e) a->id = ids[(void *)a->description == (void *)&descriptions[1]];
    return e;
}

static pjrt_error *do_kind_of(pjrt_kind_args *a) {
    pjrt_error *e = enter("PJRT_DeviceDescription_Kind", a, 40);
    if (!e) a->kind = "fake\001device, not a word more";
    if (!e) a->kind_size = 11;
    return e;
}

// ---- modules ------------------------------------------------------------------------------------

static bool read_type(const char **at, fake_array *a) {
    static const struct {
        const char *name;
        int type;
        size_t size;
    } types[] = {{"i1>", 1, 1},   {"i8>", 2, 1},   {"i16>", 3, 2},  {"i32>", 4, 4},
                 {"i64>", 5, 8},  {"ui8>", 6, 1},  {"ui16>", 7, 2}, {"ui32>", 8, 4},
                 {"ui64>", 9, 8}, {"f16>", 10, 2}, {"f32>", 11, 4}, {"f64>", 12, 8},
                 {"bf16>", 13, 2}};
    const char *p = *at;
    if (strncmp(p, "tensor<", 7)) return false;
    p += 7;
    a->bytes = 1;
    while (*p >= '0' && *p <= '9' && a->rank < FAKE_MAX_RANK) {
        char *end;
        a->dim[a->rank] = strtoll(p, &end, 10);
        a->bytes *= (size_t)a->dim[a->rank++];
        if (*end != 'x') return false;
        p = end + 1;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strncmp(p, types[i].name, strlen(types[i].name))) continue;
        a->type = types[i].type;
        a->bytes *= types[i].size;
        *at = p + strlen(types[i].name);
        return true;
    }
    return false;
}

// "// argument 0 variable "w"": role and name of array i of a list.
static void read_comment(const char *text, const char *list, int i, fake_array *a) {
    char head[32], role[16] = "";
    snprintf(head, sizeof head, "// %s %d ", list, i);
    const char *line = strstr(text, head);
    if (!line) return;
    sscanf(line + strlen(head), "%15s \"%63[^\"]", role, a->name);
    a->role = *role;
}

// "(%0: tensor<4xf32>, ...)" or "(tensor<4xf32>, ...)".
static int read_list(const char *text, const char **at, const char *list, fake_array *arrays) {
    int n = 0;
    const char *p = *at;
    while (*p && *p != ')' && n < FAKE_MAX_ARRAYS) {
        p += strspn(p, "(, ");
        if (*p == '%') p += strcspn(p, " ") + 1;
        if (*p == ')') break;
        if (!read_type(&p, &arrays[n])) return -1;
        read_comment(text, list, n, &arrays[n]);
        n++;
    }
    *at = p;
    return n;
}

static bool read_module(const pjrt_code *c, fake_module *m) {
    char *text = malloc(c->text_size + 1);
    if (!text) abort();
    memcpy(text, c->text, c->text_size);
    text[c->text_size] = '\0';
    const char *at = strstr(text, "func.func public @main(");
    bool good = at != NULL;
    if (good) {
        at += strlen("func.func public @main");
        m->n_arguments = read_list(text, &at, "argument", m->argument);
        good = m->n_arguments >= 0 && !strncmp(at, ") -> (", 6);
    }
    if (good) {
        at += 5;
        m->n_results = read_list(text, &at, "result", m->result);
        good = m->n_results >= 0 && !strncmp(at, ") {\n", 4);
    }
    free(text);
    return good;
}

// Serialized options: one replica, one partition, on the device with id 7 or 300.
static int compiled_for(const pjrt_compile_args *a) {
    static const char first[] =
        "\x1a\x0f\x20\x01\x28\x01\x4a\x09\x08\x01\x10\x01\x1a\x03\x0a\x01\x07";
    static const char second[] =
        "\x1a\x10\x20\x01\x28\x01\x4a\x0a\x08\x01\x10\x01\x1a\x04\x0a\x02\xac\x02";
    if (a->options_size == sizeof first - 1 && !memcmp(a->options, first, sizeof first - 1))
        return 0;
    if (a->options_size != sizeof second - 1 || memcmp(a->options, second, sizeof second - 1))
        wrong("PJRT_Client_Compile", "the options are others");
    return 1;
}

static pjrt_error *do_compile(pjrt_compile_args *a) {
    const char *me = "PJRT_Client_Compile";
    pjrt_error *e = enter(me, a, 56);
    find(me, a->client, CLIENT);
    if (a->code->struct_size != 48 || a->code->extension) wrong(me, "head of PJRT_Program");
    if (a->code->format_size != 4 || memcmp(a->code->format, "mlir", 4)) wrong(me, "format");
    fake_module *m = calloc(1, sizeof *m);
    if (!m) abort();
    if (!read_module(a->code, m)) wrong(me, "the module has no @main that can be read");
    int device = compiled_for(a);
    if (e) {
        free(m);
        return e;
    }
    object *o = make(LOADED);
    o->module = m;
    o->device = device;
    a->loaded = (pjrt_loaded *)o;
    state.compiled++;
    return NULL;
}

static pjrt_error *do_get_executable(pjrt_executable_args *a) {
    pjrt_error *e = enter("PJRT_LoadedExecutable_GetExecutable", a, 32);
    const object *loaded = find("PJRT_LoadedExecutable_GetExecutable", a->loaded, LOADED);
    if (e || !loaded) return e;
    object *o = make(EXECUTABLE);
    o->module = loaded->module;
    a->executable = (pjrt_executable *)o;
    return NULL;
}

static pjrt_error *do_num_outputs(pjrt_outputs_args *a) {
    pjrt_error *e = enter("PJRT_Executable_NumOutputs", a, 32);
    const object *o = find("PJRT_Executable_NumOutputs", a->executable, EXECUTABLE);
    if (!e && o) a->n_outputs = (size_t)(o->module->n_results + state.outputs);
    return e;
}

// ---- buffers and events -------------------------------------------------------------------------

static pjrt_event *event(void *to, const void *from, size_t bytes) {
    object *o = make(EVENT);
    o->to = to;
    o->from = from;
    o->bytes = bytes;
    return (pjrt_event *)o;
}

static pjrt_error *do_await(pjrt_object_args *a) {
    pjrt_error *e = enter("PJRT_Event_Await", a, 24);
    object *o = find("PJRT_Event_Await", a->object, EVENT);
    if (!o) return e;
    o->awaited = true;
    if (!e && o->bytes) memcpy(o->to, o->from, o->bytes);
    o->bytes = 0;
    return e;
}

static pjrt_error *do_event_destroy(pjrt_object_args *a) {
    const object *o = find("PJRT_Event_Destroy", a->object, EVENT);
    if (o && !o->awaited) wrong("PJRT_Event_Destroy", "nobody waited for the event");
    return destroy("PJRT_Event_Destroy", a, EVENT);
}

static void *bytes_of(size_t n) {
    void *p = malloc(n ? n : 1);
    if (!p) abort();
    memset(p, 0xa5, n);
    return p;
}

static pjrt_error *do_send(pjrt_send_args *a) {
    const char *me = "PJRT_Client_BufferFromHostBuffer";
    static const size_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 2};
    pjrt_error *e = enter(me, a, 120);
    find(me, a->client, CLIENT);
    if (a->semantics != 1) wrong(me, "semantics");
    if (a->n_strides || a->memory || a->layout) wrong(me, "a layout");
    if (a->n_dims > FAKE_MAX_RANK || a->type < 1 || a->type > 13) {
        wrong(me, "rank or type");
        return error("no such array");
    }
    if (e) return e;
    object *o = make(BUFFER);
    o->device = device_of(me, a->device);
    o->array = (fake_array){.type = a->type, .rank = (int)a->n_dims, .bytes = sizes[a->type]};
    for (int i = 0; i < o->array.rank; i++) {
        o->array.dim[i] = a->dims[i];
        o->array.bytes *= (size_t)a->dims[i];
    }
    o->array.data = bytes_of(o->array.bytes);
    a->buffer = (pjrt_buffer *)o;
    a->done = event(o->array.data, a->data, o->array.bytes);
    return NULL;
}

// Row-major, as a tiled layout without tiles.
static void check_layout(const char *me, const pjrt_layout *l, int rank) {
    if (!l || l->struct_size != 76 || l->tiled.struct_size != 56 || l->extension ||
        l->tiled.extension || l->kind != 0 || l->tiled.n_tiles) {
        wrong(me, "head of the layout");
        return;
    }
    bool rows = l->tiled.minor_to_major_size == (size_t)rank;
    for (int i = 0; rows && i < rank; i++) rows = l->tiled.minor_to_major[i] == rank - 1 - i;
    if (!rows) wrong(me, "the layout is not row-major");
}

static pjrt_error *do_fetch(pjrt_fetch_args *a) {
    const char *me = "PJRT_Buffer_ToHostBuffer";
    pjrt_error *e = enter(me, a, 56);
    const object *o = find(me, a->buffer, BUFFER);
    if (e || !o) return e;
    check_layout(me, a->layout, o->array.rank);
    if (!a->data) {
        a->size = o->array.bytes + (size_t)state.extra;
        return NULL;
    }
    if (a->size < o->array.bytes) {
        wrong(me, "the host's memory is too small");
        return error("too small");
    }
    memset(a->data, 0xa5, o->array.bytes);
    a->done = event(a->data, o->array.data, o->array.bytes);
    return NULL;
}

// ---- executing ----------------------------------------------------------------------------------

static bool fits(const fake_array *want, const fake_array *got) {
    bool same = want->type == got->type && want->rank == got->rank;
    for (int i = 0; same && i < want->rank; i++) same = want->dim[i] == got->dim[i];
    return same;
}

static void check_execute(const char *me, const pjrt_execute_args *a, const object *loaded) {
    const pjrt_execute_options *o = a->options;
    if (o->struct_size != 112 || o->extension || o->send || o->receive || o->n_send ||
        o->n_receive || o->launch_id || o->n_kept || o->context || o->n_tasks)
        wrong(me, "options");
    if (a->n_devices != 1 || a->device || !a->complete) wrong(me, "devices or events");
    if (a->n_arguments != (size_t)loaded->module->n_arguments) wrong(me, "number of arguments");
    for (int i = 0; i < loaded->module->n_results; i++)
        if (a->results[0][i]) wrong(me, "the list of results is not empty");
}

static bool take_arguments(const char *me, const pjrt_execute_args *a, const object *loaded) {
    for (int i = 0; i < loaded->module->n_arguments; i++) {
        fake_array *want = &loaded->module->argument[i];
        const object *o = find(me, a->arguments[0][i], BUFFER);
        if (!o) return false;
        if (!fits(want, &o->array)) wrong(me, "an argument is not of the module's type");
        if (o->device != loaded->device) wrong(me, "an argument lies on another device");
        want->data = o->array.data;
    }
    return true;
}

static pjrt_error *do_execute(pjrt_execute_args *a) {
    const char *me = "PJRT_LoadedExecutable_Execute";
    pjrt_error *e = enter(me, a, 80);
    const object *loaded = find(me, a->loaded, LOADED);
    if (e || !loaded) return e;
    check_execute(me, a, loaded);
    if (*state.wrong || !take_arguments(me, a, loaded)) return error(state.wrong);
    if (!state.answer) return error("the test gave no answers");
    fake_module *m = loaded->module;
    for (int i = 0; i < m->n_results; i++) {
        object *o = make(BUFFER);
        o->device = loaded->device;
        m->result[i].data = bytes_of(m->result[i].bytes);
        o->array = m->result[i];
        a->results[0][i] = (pjrt_buffer *)o;
    }
    state.answer(state.ctx, m);
    *a->complete = event(NULL, NULL, 0);
    state.executed++;
    return NULL;
}

// ---- the table ----------------------------------------------------------------------------------

#define LOCKED(name, type)             \
    static pjrt_error *name(type *a) { \
        pthread_mutex_lock(&lock);     \
        pjrt_error *e = do_##name(a);  \
        pthread_mutex_unlock(&lock);   \
        return e;                      \
    }
#define DESTROYS(name, call, kind)                                                       \
    static pjrt_error *do_##name(pjrt_object_args *a) { return destroy(call, a, kind); } \
    LOCKED(name, pjrt_object_args)

LOCKED(get_code, pjrt_code_args)
LOCKED(initialize, pjrt_initialize_args)
LOCKED(create, pjrt_create_args)
LOCKED(client_destroy, pjrt_object_args)
LOCKED(devices_of_client, pjrt_devices_args)
LOCKED(description, pjrt_description_args)
LOCKED(id, pjrt_id_args)
LOCKED(kind_of, pjrt_kind_args)
LOCKED(compile, pjrt_compile_args)
LOCKED(get_executable, pjrt_executable_args)
LOCKED(num_outputs, pjrt_outputs_args)
LOCKED(await, pjrt_object_args)
LOCKED(event_destroy, pjrt_object_args)
LOCKED(send, pjrt_send_args)
LOCKED(fetch, pjrt_fetch_args)
LOCKED(execute, pjrt_execute_args)
DESTROYS(executable_destroy, "PJRT_Executable_Destroy", EXECUTABLE)
DESTROYS(loaded_destroy, "PJRT_LoadedExecutable_Destroy", LOADED)
DESTROYS(buffer_destroy, "PJRT_Buffer_Destroy", BUFFER)

EXPORT fake_pjrt *fake_pjrt_state(void);
fake_pjrt *fake_pjrt_state(void) { return &state; }

EXPORT const pjrt_api *GetPjrtApi(void);
const pjrt_api *GetPjrtApi(void) {
    static pjrt_api api = {.error_destroy = error_destroy,
                           .error_message = error_message,
                           .error_get_code = get_code,
                           .plugin_initialize = initialize,
                           .event_destroy = event_destroy,
                           .event_await = await,
                           .client_create = create,
                           .client_destroy = client_destroy,
                           .client_addressable_devices = devices_of_client,
                           .client_compile = compile,
                           .client_buffer_from_host_buffer = send,
                           .device_description_id = id,
                           .device_description_kind = kind_of,
                           .device_get_description = description,
                           .executable_destroy = executable_destroy,
                           .executable_num_outputs = num_outputs,
                           .loaded_executable_destroy = loaded_destroy,
                           .loaded_executable_get_executable = get_executable,
                           .loaded_executable_execute = execute,
                           .buffer_destroy = buffer_destroy,
                           .buffer_to_host_buffer = fetch};
    api.struct_size = state.struct_size ? state.struct_size : sizeof api;
    api.version.struct_size = 24;
    api.version.major = state.major;
    api.version.minor = state.minor ? state.minor : 90;
    return &api;
}
