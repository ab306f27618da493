// Watching one of the logs for improvement.
#include "train/monitor.h"

#include <math.h>
#include <string.h>

tarn_status ti_monitor_init(ti_monitor *m, const char *name, tarn_monitor_mode mode,
                            double min_delta) {
    if (!name) name = "val_loss";
    if (strlen(name) >= sizeof m->name)
        return ti_error(TARN_EARG, "no log has a name as long as '%.60s'", name);
    *m = (ti_monitor){.min_delta = fabs(min_delta)};
    memcpy(m->name, name, strlen(name) + 1);
    m->larger = mode == TARN_MODE_MAX ||
                (mode == TARN_MODE_AUTO && (strstr(name, "acc") || strstr(name, "auc")));
    return TARN_OK;
}

tarn_status ti_monitor_read(const ti_monitor *m, const tarn_logs *logs, double *value) {
    for (int i = 0; i < logs->count; i++) {
        if (strcmp(logs->item[i].name, m->name)) continue;
        *value = logs->item[i].value;
        return TARN_OK;
    }
    ti_buf names;
    ti_buf_init(&names, 1024);
    for (int i = 0; i < logs->count; i++)
        ti_buf_printf(&names, "%s%s", i ? ", " : "", logs->item[i].name);
    tarn_status st = ti_error(TARN_ENOENT, "no '%s' in the logs, which have %s%s", m->name,
                              names.data ? names.data : "nothing",
                              strncmp(m->name, "val_", 4) ? "" : ": is there validation data?");
    ti_buf_free(&names);
    return st;
}

bool ti_monitor_better(const ti_monitor *m, double value, double best) {
    if (isnan(value)) return false;
    if (isnan(best)) return true;
    return m->larger ? value - m->min_delta > best : value + m->min_delta < best;
}
