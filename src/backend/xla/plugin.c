// Finding, loading and checking a plugin, and its errors. A plugin stays loaded to the end of the
// process: threads of its own may run in it. Its client, which may hold all of a device's memory or
// the device itself, goes with the last program that uses it.
#include "backend/xla/plugin.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PLUGINS = 4, MAX_MESSAGE = 600 };

static struct {
    pthread_mutex_t lock;
    ti_xla_plugin plugin[MAX_PLUGINS];
    int n;
} loaded = {.lock = PTHREAD_MUTEX_INITIALIZER};

// ---- errors -------------------------------------------------------------------------------------

static void quietly(const pjrt_api *api, pjrt_error *e) {
    if (e)
        api->error_destroy(
            &(pjrt_object_args){.struct_size = PJRT_SIZE(pjrt_object_args, object), .object = e});
}

void ti_xla_destroy(const pjrt_api *api, pjrt_object_fn *destroy, void *object) {
    if (!object) return;
    quietly(api, destroy(&(pjrt_object_args){.struct_size = PJRT_SIZE(pjrt_object_args, object),
                                             .object = object}));
}

void ti_xla_line(const char *text, size_t size, char *out, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; text && i < size && n + 1 < cap; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' && (!n || out[n - 1] == ' ')) continue;
        out[n++] = c <= ' ' ? ' ' : c <= '~' ? text[i] : '?';
    }
    out[n] = '\0';
}

tarn_status ti_xla_status(const pjrt_api *api, pjrt_error *e, const char *call) {
    if (!e) return TARN_OK;
    char text[MAX_MESSAGE];
    pjrt_message_args m = {.struct_size = PJRT_SIZE(pjrt_message_args, text_size), .error = e};
    pjrt_code_args c = {.struct_size = PJRT_SIZE(pjrt_code_args, code), .error = e};
    api->error_message(&m);
    ti_xla_line(m.text, m.text_size, text, sizeof text);
    quietly(api, api->error_get_code(&c));
    quietly(api, e);
    tarn_status st = c.code == PJRT_RESOURCE_EXHAUSTED ? TARN_ENOMEM
                     : c.code == PJRT_UNIMPLEMENTED    ? TARN_EUNSUPPORTED
                                                       : TARN_EIO;
    return ti_error(st, "%s of the PJRT plugin: %s", call, *text ? text : "failed without a word");
}

// ---- finding ------------------------------------------------------------------------------------

// The first path of "name:path,name:path".
static const char *first_path(const char *list, int *size) {
    size_t entry = strcspn(list, ","), name = strcspn(list, ":,");
    if (name >= entry) return NULL;
    *size = (int)(entry - name - 1);
    return list + name + 1;
}

static tarn_status find_path(char path[TI_XLA_PATH]) {
    const char *own = getenv("TARN_PJRT_PLUGIN"), *list = getenv("PJRT_NAMES_AND_LIBRARY_PATHS");
    const char *tpu = getenv("TPU_LIBRARY_PATH"), *found = NULL;
    int size = -1;  // the whole text
    if (own && *own) {
        found = own;
    } else if (list && *list) {
        found = first_path(list, &size);
        if (!found)
            return ti_error(TARN_EARG, "PJRT_NAMES_AND_LIBRARY_PATHS is no name:path list: '%s'",
                            list);
    } else if (tpu && *tpu) {
        found = tpu;
    }
    if (!found)
        return ti_error(TARN_EUNSUPPORTED,
                        "device 'xla' needs a PJRT plugin: set TARN_PJRT_PLUGIN to its path");
    if (snprintf(path, TI_XLA_PATH, "%.*s", size, found) >= TI_XLA_PATH)
        return ti_error(TARN_ELIMIT, "the path of the PJRT plugin is longer than %d bytes",
                        TI_XLA_PATH - 1);
    return TARN_OK;
}

// ---- loading ------------------------------------------------------------------------------------

#define NEEDED(field, name) \
    { offsetof(pjrt_api, field), name }
static const struct {
    size_t at;
    const char *name;
} needed[] = {
    NEEDED(error_destroy, "PJRT_Error_Destroy"),
    NEEDED(error_message, "PJRT_Error_Message"),
    NEEDED(error_get_code, "PJRT_Error_GetCode"),
    NEEDED(plugin_initialize, "PJRT_Plugin_Initialize"),
    NEEDED(event_destroy, "PJRT_Event_Destroy"),
    NEEDED(event_await, "PJRT_Event_Await"),
    NEEDED(client_create, "PJRT_Client_Create"),
    NEEDED(client_destroy, "PJRT_Client_Destroy"),
    NEEDED(client_addressable_devices, "PJRT_Client_AddressableDevices"),
    NEEDED(client_compile, "PJRT_Client_Compile"),
    NEEDED(client_buffer_from_host_buffer, "PJRT_Client_BufferFromHostBuffer"),
    NEEDED(device_description_id, "PJRT_DeviceDescription_Id"),
    NEEDED(device_description_kind, "PJRT_DeviceDescription_Kind"),
    NEEDED(device_get_description, "PJRT_Device_GetDescription"),
    NEEDED(executable_destroy, "PJRT_Executable_Destroy"),
    NEEDED(executable_num_outputs, "PJRT_Executable_NumOutputs"),
    NEEDED(loaded_executable_destroy, "PJRT_LoadedExecutable_Destroy"),
    NEEDED(loaded_executable_get_executable, "PJRT_LoadedExecutable_GetExecutable"),
    NEEDED(loaded_executable_execute, "PJRT_LoadedExecutable_Execute"),
    NEEDED(buffer_destroy, "PJRT_Buffer_Destroy"),
    NEEDED(buffer_to_host_buffer, "PJRT_Buffer_ToHostBuffer"),
};

static tarn_status check_api(const pjrt_api *api) {
    if (!api || api->struct_size < offsetof(pjrt_api, error_destroy))
        return ti_error(TARN_EUNSUPPORTED, "GetPjrtApi gives no table");
    if (api->version.major != PJRT_MAJOR || api->version.minor < PJRT_OLDEST_MINOR)
        return ti_error(TARN_EUNSUPPORTED,
                        "it speaks PJRT %d.%d, not %d.%d or a later minor version",
                        api->version.major, api->version.minor, PJRT_MAJOR, PJRT_OLDEST_MINOR);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        void *f = NULL;
        if (needed[i].at + sizeof f <= api->struct_size)
            memcpy(&f, (const char *)api + needed[i].at, sizeof f);
        if (!f) return ti_error(TARN_EUNSUPPORTED, "it has no %s", needed[i].name);
    }
    return TARN_OK;
}

static tarn_status load(ti_xla_plugin *p) {
    const pjrt_api *(*get)(void) = NULL;
    // The environment of the one who runs a program must not lend it code of their choice.
    if (geteuid() != getuid())
        return ti_error(TARN_EUNSUPPORTED, "not loaded in a program with another's rights");
    void *handle = dlopen(p->path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return ti_error(TARN_EUNSUPPORTED, "%s", dlerror());
    void *symbol = dlsym(handle, "GetPjrtApi");
    memcpy(&get, &symbol, sizeof get);
    tarn_status st = get ? TARN_OK : ti_error(TARN_EUNSUPPORTED, "it has no GetPjrtApi");
    if (get) p->api = get();
    if (!st) st = check_api(p->api);
    if (st) (void)dlclose(handle);
    return st;
}

// ---- sharing ------------------------------------------------------------------------------------

static tarn_status find_plugin(ti_xla_plugin **out) {
    char path[TI_XLA_PATH];
    TI_TRY(find_path(path));
    for (int i = 0; i < loaded.n; i++)
        if (!strcmp(loaded.plugin[i].path, path)) {
            *out = &loaded.plugin[i];
            return TARN_OK;
        }
    if (loaded.n == MAX_PLUGINS)
        return ti_error(TARN_ELIMIT, "%d PJRT plugins are loaded already", MAX_PLUGINS);
    ti_xla_plugin *p = &loaded.plugin[loaded.n];
    *p = (ti_xla_plugin){0};
    memcpy(p->path, path, sizeof path);
    tarn_status st = load(p);
    if (st) return ti_error_at(st, "PJRT plugin '%s'", path);
    loaded.n++;
    *out = p;
    return TARN_OK;
}

static void destroy_client(ti_xla_plugin *p) {
    ti_xla_destroy(p->api, p->api->client_destroy, p->client);
    p->client = NULL;
}

static tarn_status make_client(ti_xla_plugin *p) {
    pjrt_initialize_args init = {.struct_size = PJRT_SIZE(pjrt_initialize_args, extension)};
    pjrt_create_args create = {.struct_size = PJRT_SIZE(pjrt_create_args, try_get_arg)};
    pjrt_devices_args list = {.struct_size = PJRT_SIZE(pjrt_devices_args, n_devices)};
    if (!p->initialised)
        TI_TRY(ti_xla_status(p->api, p->api->plugin_initialize(&init), "Plugin_Initialize"));
    p->initialised = true;
    TI_TRY(ti_xla_status(p->api, p->api->client_create(&create), "Client_Create"));
    list.client = p->client = create.client;
    tarn_status st = ti_xla_status(p->api, p->api->client_addressable_devices(&list),
                                   "Client_AddressableDevices");
    if (!st && !list.n_devices) st = ti_error(TARN_EUNSUPPORTED, "the PJRT plugin has no device");
    p->devices = list.devices;
    p->n_devices = list.n_devices;
    if (st) destroy_client(p);
    return st;
}

tarn_status ti_xla_open(ti_xla_plugin **out) {
    ti_xla_plugin *p = NULL;
    pthread_mutex_lock(&loaded.lock);
    tarn_status st = find_plugin(&p);
    if (!st && !p->users) st = make_client(p);
    if (!st) p->users++;
    pthread_mutex_unlock(&loaded.lock);
    if (!st) *out = p;
    return st;
}

void ti_xla_close(ti_xla_plugin *p) {
    if (!p) return;
    pthread_mutex_lock(&loaded.lock);
    if (!--p->users) destroy_client(p);
    pthread_mutex_unlock(&loaded.lock);
}
