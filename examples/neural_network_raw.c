// The well-known example neural_network_raw.py with graphs alone, as it is: 784-256-256-10, two
// hidden layers WITHOUT an activation (so the network is linear), weights and biases from N(0, 1),
// Adam with a rate of 0.1, 500 steps of 128; 84 to 90 %.
//   neural_network_raw [DATA_DIR] [SEED]
#include "example.h"

enum { BATCH = 128, STEPS = 500, SHOWN = 100, HIDDEN = 256, CLASSES = 10 };

static tarn_node *layer(tarn_graph *g, tarn_node *x, const char *w, const char *b, int64_t units) {
    tarn_init normal = tarn_init_normal(0, 1);
    tarn_shape shape = TARN_SHAPE(tarn_node_dim(x, -1), units);
    tarn_node *weights = tarn_variable(g, w, TARN_F32, shape, normal);
    tarn_node *biases = tarn_variable(g, b, TARN_F32, TARN_SHAPE(units), normal);
    return tarn_add(g, tarn_matmul(g, x, weights), biases);
}

typedef struct network {
    tarn_graph *graph;
    tarn_node *loss, *accuracy;
} network;

// Loss and accuracy of batches of up to `batch` samples; no activation between the layers.
static network make(tarn_store *vars, int64_t batch) {
    tarn_graph *g = tarn_graph_create(vars);
    tarn_set_max_batch(g, batch);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 784));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *h1 = layer(g, x, "h1", "b1", HIDDEN);
    tarn_node *h2 = layer(g, h1, "h2", "b2", HIDDEN);
    tarn_node *logits = layer(g, h2, "out", "b_out", CLASSES);
    tarn_node *right = tarn_cast(g, tarn_equal(g, tarn_argmax(g, logits), y), TARN_F32);
    tarn_node *each = tarn_softmax_cross_entropy(g, logits, y);
    return (network){g, tarn_mean(g, each, TARN_ALL_AXES, 0),
                     tarn_mean(g, right, TARN_ALL_AXES, 0)};
}

static tarn_program *training(tarn_store *vars) {
    tarn_program *p = NULL;
    network n = make(vars, BATCH);
    tarn_optimizer adam = tarn_adam(.learning_rate = 0.1, .epsilon = 1e-8);
    tarn_node *step = tarn_minimize(n.graph, n.loss, adam, NULL);
    DO(tarn_compile(n.graph, TARN_FETCH(n.loss, n.accuracy, step), "cpu", &p));
    tarn_graph_free(n.graph);
    return p;
}

static tarn_program *testing(tarn_store *vars, int64_t samples) {
    tarn_program *p = NULL;
    network n = make(vars, samples);
    DO(tarn_compile(n.graph, TARN_FETCH(n.loss, n.accuracy), "cpu", &p));
    tarn_graph_free(n.graph);
    return p;
}

static void run(tarn_program *p, tarn_pipeline *data) {
    tarn_batch b;
    DO(tarn_pipeline_next(data, &b));
    if (!b.n) DO(tarn_pipeline_next(data, &b));  // the end of an epoch: on to the next
    DO(tarn_bind(p, "x", b.x, b.x_shape));
    DO(tarn_bind(p, "y", b.y, b.y_shape));
    DO(tarn_run(p));
}

int main(int argc, char **argv) {
    tarn_dataset train, test;
    tarn_store *vars = NULL;
    tarn_pipeline *batches = NULL, *all = NULL;
    uint64_t seed = example_seed(argc, argv);

    example_mnist(argc, argv, &train, &test);
    int64_t n_test = tarn_tensor_shape(test.x)->dim[0];
    DO(tarn_store_create(seed, &vars));
    DO(tarn_pipeline_create(
        &train, &(tarn_pipeline_opts){.batch_size = BATCH, .seed = seed, .shuffle = true},
        &batches));
    DO(tarn_pipeline_create(&test, &(tarn_pipeline_opts){.batch_size = n_test}, &all));
    tarn_program *step = training(vars), *score = testing(vars, n_test);

    for (int i = 1; i <= STEPS; i++) {
        run(step, batches);
        if (i == 1 || i % SHOWN == 0)
            printf("Step %d, Minibatch Loss= %.4f, Training Accuracy= %.3f\n", i,
                   tarn_result_scalar(step, 0), tarn_result_scalar(step, 1));
    }
    printf("Optimization Finished!\n");
    run(score, all);
    printf("Testing Accuracy: %.4f\n", tarn_result_scalar(score, 1));

    tarn_program_free(step);
    tarn_program_free(score);
    tarn_pipeline_free(batches);
    tarn_pipeline_free(all);
    tarn_store_free(vars);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
    return 0;
}
