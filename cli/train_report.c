// What tarn train says before and after.
#include "model.h"
#include "output.h"
#include "train.h"

#include <inttypes.h>
#include <string.h>

// ---- before ------------------------------------------------------------------------------------

static void data_row(const cli_train *t, cli_table *head) {
    cli_text train, test, shape;
    tarn_shape sample = *tarn_tensor_shape(t->data.x);
    int64_t n = sample.dim[0];
    sample.rank--;
    memmove(sample.dim, sample.dim + 1, sizeof *sample.dim * (size_t)sample.rank);
    cli_cell(head, "data");
    cli_cell(head, "%s%s, %s training and %s test samples of %s",
             t->data.generated ? "generated " : "", t->data.name, cli_count(&train, n),
             cli_count(&test, t->test.x ? tarn_tensor_shape(t->test.x)->dim[0] : 0),
             cli_shape(&shape, &sample));
}

static void training_row(const cli_train *t, const cli_model_facts *facts, cli_table *head) {
    const tarn_experiment_info *info = &t->job.info;
    cli_text epochs;
    cli_cell(head, "training");
    cli_cell(head, "%s, %s, batch %" PRId64 ", %s epoch%s", facts->loss, facts->optimizer,
             info->batch * t->ranks.size, cli_count(&epochs, info->epochs),
             info->epochs == 1 ? "" : "s");
}

void cli_train_head(const cli_train *t) {
    cli_model_facts facts;
    cli_text text, count;
    if (cli_given(t->a, "quiet") || cli_model_facts_of(t->model, &facts)) return;
    cli_table *head = cli_table_create("ll");
    data_row(t, head);
    cli_cell(head, "model");
    cli_cell(head, "%s, %s parameters", cli_model_sizes(&text, t->model),
             cli_count(&count, cli_model_parameters(t->model)));
    training_row(t, &facts, head);
    cli_cell(head, "device");
    cli_cell(head, "%s, %d thread%s, seed %" PRIu64, cli_str(t->a, "device"), tarn_threads(),
             tarn_threads() == 1 ? "" : "s", t->job.info.seed);
    if (t->ranks.size > 1) {
        cli_cell(head, "ranks");
        cli_cell(head, "%d, each with %" PRId64 " samples of a batch", t->ranks.size,
                 t->job.info.batch);
    }
    cli_cell(head, "results");
    cli_cell(head, "%s/%s", t->out.s, t->resumed ? " (going on from its checkpoint)" : "");
    cli_table_print(head, stderr);
    cli_table_free(head);
    if (cli_given(t->a, "resume") && !t->resumed)
        cli_note(t->a, "note: no checkpoint in '%s' yet, training begins anew", t->out.s);
    fputc('\n', stderr);
}

// ---- after -------------------------------------------------------------------------------------

static int done_json(const cli_train *t, const char *sha256) {
    json_t *metrics = json_object();
    for (int i = 0; i < t->logs.count; i++)
        json_object_set_new(metrics, t->logs.item[i].name, cli_json_number(t->logs.item[i].value));
    return cli_json(t->a->cmd,
                    json_pack("{s:s, s:I, s:I, s:f, s:o, s:s, s:s, s:s, s:b}", "event", "done",
                              "epochs", (json_int_t)t->epoch, "steps", (json_int_t)t->step,
                              "seconds", t->seconds, "metrics", metrics, "model", t->model_path.s,
                              "weights_sha256", sha256, "data", t->data.name, "generated",
                              t->data.generated));
}

// "test accuracy 98.31 %, loss 0.0712"; accuracies are shown in percent.
static void print_metrics(const cli_train *t) {
    const char *prefix = t->test.x ? "val_" : "";
    size_t n = strlen(prefix);
    const char *separator = t->test.x ? "test " : "training ";
    for (int i = 0; i < t->logs.count; i++) {
        const char *name = t->logs.item[i].name;
        double value = t->logs.item[i].value;
        if (strncmp(name, prefix, n)) continue;
        if (strstr(name, "accuracy"))
            printf("%s%s %.2f %%", separator, name + n, 100 * value);
        else
            printf("%s%s %.5g", separator, name + n, value);
        separator = ", ";
    }
    putchar('\n');
}

// "2 epochs, 938 steps in 12.3 s", or how many of them this run did.
static void print_work(const cli_train *t) {
    cli_text steps, part, time;
    printf("%" PRId64 " epoch%s, %s step%s", t->epoch, t->epoch == 1 ? "" : "s",
           cli_count(&steps, t->step), t->step == 1 ? "" : "s");
    if (t->begin) printf(", %s of them now", cli_count(&part, t->step - t->begin));
    if (t->step > t->begin) printf(" in %s", cli_seconds(&time, t->seconds));
    putchar('\n');
}

static void done_text(const cli_train *t) {
    if (t->step == t->begin)
        cli_note(t->a, "note: nothing was left to train; a larger --epochs goes on");
    print_metrics(t);
    print_work(t);
    if (cli_job_fell_back(&t->job, &t->data))
        printf("on generated digits, not a result on %s\n", t->job.info.data_name);
    printf("saved %s\n", t->model_path.s);
    cli_note(t->a, "look closer with: tarn eval %s --report", t->model_path.s);
}

int cli_train_done(const cli_train *t) {
    char sha256[65];
    tarn_status st = tarn_store_sha256(tarn_model_store(t->model), sha256);
    if (st) return cli_fail(t->a, st);
    if (cli_given(t->a, "json")) return done_json(t, sha256);
    done_text(t);
    return CLI_OK;
}
