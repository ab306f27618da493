// A PJRT plugin: loaded once a process, its client shared by all programs that run on it.
#ifndef TI_XLA_PLUGIN_H
#define TI_XLA_PLUGIN_H

#include "backend/xla/pjrt.h"
#include "base/base.h"

enum { TI_XLA_PATH = 1024 };
typedef struct ti_xla_plugin {
    char path[TI_XLA_PATH];
    const pjrt_api *api;
    bool initialised;
    int users;  // the client lives while there are any
    pjrt_client *client;
    pjrt_device *const *devices;
    size_t n_devices;
} ti_xla_plugin;

// The plugin that the environment names ($TARN_PJRT_PLUGIN, then the first of
// $PJRT_NAMES_AND_LIBRARY_PATHS, then $TPU_LIBRARY_PATH), with a client. Every open ends with a
// close. Any thread.
tarn_status ti_xla_open(ti_xla_plugin **out);
void ti_xla_close(ti_xla_plugin *p);

// The status of a call, with the plugin's sentence; destroys the error.
tarn_status ti_xla_status(const pjrt_api *api, pjrt_error *e, const char *call);
// Plugins write whole paragraphs: their text as one line of printable ASCII, cut to fit.
void ti_xla_line(const char *text, size_t size, char *out, size_t cap);
// Destroys an object (NULL is fine). An error about it changes nothing for the caller.
void ti_xla_destroy(const pjrt_api *api, pjrt_object_fn *destroy, void *object);

#endif
