// The part of the PJRT C API that this backend calls, in declarations of its own: layouts of
// version 0.90, whose table and structs begin as those of 0.33 do. Within major version 0 both only
// grow at their ends, so a function is called only where the plugin's struct_size reaches it
// (plugin.c), and every struct says how far the caller knows it.
//
// Every call takes one struct that begins with its size and an extension (here always NULL), and
// gives an error to be destroyed, or NULL. Fields marked out are the plugin's to set. Text has a
// length and no end mark.
#ifndef TI_PJRT_H
#define TI_PJRT_H

#include <stddef.h>
#include <stdint.h>

enum { PJRT_MAJOR = 0, PJRT_OLDEST_MINOR = 33 };

// A struct's size as the API counts it: up to its last field, without padding.
#define PJRT_SIZE(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

typedef struct pjrt_error pjrt_error;
typedef struct pjrt_event pjrt_event;
typedef struct pjrt_client pjrt_client;
typedef struct pjrt_device pjrt_device;
typedef struct pjrt_description pjrt_description;
typedef struct pjrt_executable pjrt_executable;
typedef struct pjrt_loaded pjrt_loaded;  // an executable on its devices
typedef struct pjrt_buffer pjrt_buffer;

// What is destroyed or waited for: client, executable, buffer, event, error.
typedef struct pjrt_object_args {
    size_t struct_size;
    void *extension;
    void *object;
} pjrt_object_args;

typedef struct pjrt_message_args {
    size_t struct_size;
    void *extension;
    const pjrt_error *error;
    const char *text;  // out, lives as the error
    size_t text_size;  // out
} pjrt_message_args;

enum { PJRT_RESOURCE_EXHAUSTED = 8, PJRT_UNIMPLEMENTED = 12 };
typedef struct pjrt_code_args {
    size_t struct_size;
    void *extension;
    const pjrt_error *error;
    int code;  // out
} pjrt_code_args;

typedef struct pjrt_initialize_args {
    size_t struct_size;
    void *extension;
} pjrt_initialize_args;

typedef struct pjrt_create_args {
    size_t struct_size;
    void *extension;
    const void *options;
    size_t n_options;
    void *get, *get_arg, *put, *put_arg;  // a key-value store between processes
    pjrt_client *client;                  // out
    void *try_get, *try_get_arg;
} pjrt_create_args;

typedef struct pjrt_devices_args {
    size_t struct_size;
    void *extension;
    pjrt_client *client;
    pjrt_device *const *devices;  // out, live as the client
    size_t n_devices;             // out
} pjrt_devices_args;

typedef struct pjrt_description_args {
    size_t struct_size;
    void *extension;
    pjrt_device *device;
    pjrt_description *description;  // out, lives as the device
} pjrt_description_args;

typedef struct pjrt_id_args {
    size_t struct_size;
    void *extension;
    pjrt_description *description;
    int id;  // out
} pjrt_id_args;

typedef struct pjrt_kind_args {
    size_t struct_size;
    void *extension;
    pjrt_description *description;
    const char *kind;  // out
    size_t kind_size;  // out
} pjrt_kind_args;

typedef struct pjrt_code {  // PJRT_Program
    size_t struct_size;
    void *extension;
    char *text;
    size_t text_size;
    const char *format;
    size_t format_size;
} pjrt_code;

typedef struct pjrt_compile_args {
    size_t struct_size;
    void *extension;
    pjrt_client *client;
    const pjrt_code *code;
    const char *options;  // a CompileOptionsProto
    size_t options_size;
    pjrt_loaded *loaded;  // out
} pjrt_compile_args;

typedef struct pjrt_executable_args {
    size_t struct_size;
    void *extension;
    pjrt_loaded *loaded;
    pjrt_executable *executable;  // out, to be destroyed
} pjrt_executable_args;

typedef struct pjrt_outputs_args {
    size_t struct_size;
    void *extension;
    pjrt_executable *executable;
    size_t n_outputs;  // out
} pjrt_outputs_args;

typedef enum pjrt_type {
    PJRT_PRED = 1,
    PJRT_S8,
    PJRT_S16,
    PJRT_S32,
    PJRT_S64,
    PJRT_U8,
    PJRT_U16,
    PJRT_U32,
    PJRT_U64,
    PJRT_F16,
    PJRT_F32,
    PJRT_F64,
    PJRT_BF16
} pjrt_type;

enum { PJRT_UNTIL_TRANSFER_COMPLETES = 1 };  // how long the host's bytes stay as they are

enum { PJRT_TILED = 0 };
typedef struct pjrt_layout {
    size_t struct_size;
    void *extension;
    struct {  // the longer of the API's two kinds
        size_t struct_size;
        void *extension;
        const int64_t *minor_to_major;
        size_t minor_to_major_size;
        const int64_t *tile_dims;
        const size_t *tile_dim_sizes;
        size_t n_tiles;
    } tiled;
    int kind;
} pjrt_layout;

typedef struct pjrt_send_args {  // PJRT_Client_BufferFromHostBuffer
    size_t struct_size;
    void *extension;
    pjrt_client *client;
    const void *data;
    int type;
    const int64_t *dims;
    size_t n_dims;
    const int64_t *strides;  // none: row-major
    size_t n_strides;
    int semantics;
    pjrt_device *device;
    void *memory;
    const pjrt_layout *layout;  // on the device, NULL: row-major
    pjrt_event *done;           // out: `data` is no longer needed
    pjrt_buffer *buffer;        // out
} pjrt_send_args;

typedef struct pjrt_execute_options {
    size_t struct_size;
    void *extension;
    void *send, *receive;
    size_t n_send, n_receive;
    int launch_id;
    const int64_t *kept;  // inputs that must not become outputs
    size_t n_kept;
    void *context;
    const char *call_location;
    size_t n_tasks;
    int *task_ids;
    int64_t *incarnations;
} pjrt_execute_options;

typedef struct pjrt_execute_args {
    size_t struct_size;
    void *extension;
    pjrt_loaded *loaded;
    pjrt_execute_options *options;
    pjrt_buffer *const *const *arguments;  // by device
    size_t n_devices, n_arguments;
    pjrt_buffer **const *results;  // by device; lists are the caller's, buffers out
    pjrt_event **complete;         // by device; list is the caller's, events out
    pjrt_device *device;
} pjrt_execute_args;

typedef struct pjrt_fetch_args {  // PJRT_Buffer_ToHostBuffer
    size_t struct_size;
    void *extension;
    pjrt_buffer *buffer;
    const pjrt_layout *layout;  // of `data`, NULL: that of the device
    void *data;                 // NULL: only set size
    size_t size;                // in, out
    pjrt_event *done;           // out
} pjrt_fetch_args;

typedef pjrt_error *pjrt_object_fn(pjrt_object_args *);
typedef struct pjrt_api {
    size_t struct_size;
    void *extension;
    struct {
        size_t struct_size;
        void *extension;
        int major, minor;
    } version;
    void (*error_destroy)(pjrt_object_args *);
    void (*error_message)(pjrt_message_args *);
    pjrt_error *(*error_get_code)(pjrt_code_args *);
    pjrt_error *(*plugin_initialize)(pjrt_initialize_args *);
    void *plugin_attributes;
    pjrt_object_fn *event_destroy;
    void *event[2];
    pjrt_object_fn *event_await;
    void *event_on_ready;
    pjrt_error *(*client_create)(pjrt_create_args *);
    pjrt_object_fn *client_destroy;
    void *client[4];
    pjrt_error *(*client_addressable_devices)(pjrt_devices_args *);
    void *client_more[3];
    pjrt_error *(*client_compile)(pjrt_compile_args *);
    void *client_default_assignment;
    pjrt_error *(*client_buffer_from_host_buffer)(pjrt_send_args *);
    pjrt_error *(*device_description_id)(pjrt_id_args *);
    void *device_description[2];
    pjrt_error *(*device_description_kind)(pjrt_kind_args *);
    void *device_description_more[2];
    pjrt_error *(*device_get_description)(pjrt_description_args *);
    void *device_and_memory[10];
    pjrt_object_fn *executable_destroy;
    void *executable[3];
    pjrt_error *(*executable_num_outputs)(pjrt_outputs_args *);
    void *executable_more[5];
    pjrt_object_fn *loaded_executable_destroy;
    pjrt_error *(*loaded_executable_get_executable)(pjrt_executable_args *);
    void *loaded_executable[3];
    pjrt_error *(*loaded_executable_execute)(pjrt_execute_args *);
    void *loaded_executable_more[2];
    pjrt_object_fn *buffer_destroy;
    void *buffer[11];
    pjrt_error *(*buffer_to_host_buffer)(pjrt_fetch_args *);
} pjrt_api;

#endif
