// Softmax regression on MNIST with graphs alone: y = softmax(x W + b), gradient descent with a
// rate of 0.5, 6000 steps of 100 pictures; about 92 %.
//   mnist_softmax [DATA_DIR] [SEED]
#include "example.h"

enum { BATCH = 100, STEPS = 6000 };

// x [batch, 784] -> logits [batch, 10]. Two graphs over one store get the same W and b.
static tarn_node *network(tarn_graph *g, tarn_node *x) {
    tarn_node *w = tarn_variable(g, "W", TARN_F32, TARN_SHAPE(784, 10), tarn_init_zeros());
    tarn_node *b = tarn_variable(g, "b", TARN_F32, TARN_SHAPE(10), tarn_init_zeros());
    return tarn_add(g, tarn_matmul(g, x, w), b);
}

static tarn_program *training(tarn_store *vars) {
    tarn_program *p = NULL;
    tarn_graph *g = tarn_graph_create(vars);
    tarn_set_max_batch(g, BATCH);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 784));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *each = tarn_softmax_cross_entropy(g, network(g, x), y);
    tarn_node *loss = tarn_mean(g, each, TARN_ALL_AXES, 0);
    tarn_node *step = tarn_minimize(g, loss, tarn_sgd(.learning_rate = 0.5), NULL);
    DO(tarn_compile(g, TARN_FETCH(loss, step), "cpu", &p));  // reports the graph's first error
    tarn_graph_free(g);
    return p;
}

static tarn_program *testing(tarn_store *vars, int64_t samples) {
    tarn_program *p = NULL;
    tarn_graph *g = tarn_graph_create(vars);
    tarn_set_max_batch(g, samples);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(TARN_BATCH, 784));
    tarn_node *y = tarn_input(g, "y", TARN_I32, TARN_SHAPE(TARN_BATCH));
    tarn_node *right = tarn_equal(g, tarn_argmax(g, network(g, x)), y);
    tarn_node *accuracy = tarn_mean(g, tarn_cast(g, right, TARN_F32), TARN_ALL_AXES, 0);
    DO(tarn_compile(g, TARN_FETCH(accuracy), "cpu", &p));
    tarn_graph_free(g);
    return p;
}

// Run on the next batch; the first result.
static double run(tarn_program *p, tarn_pipeline *data) {
    tarn_batch b;
    DO(tarn_pipeline_next(data, &b));
    if (!b.n) DO(tarn_pipeline_next(data, &b));  // the end of an epoch: on to the next
    DO(tarn_bind(p, "x", b.x, b.x_shape));
    DO(tarn_bind(p, "y", b.y, b.y_shape));
    DO(tarn_run(p));
    return tarn_result_scalar(p, 0);
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
        double loss = run(step, batches);
        if (i % 500 == 0) printf("step %4d  loss %.4f\n", i, loss);
    }
    printf("Test accuracy: %.4f\n", run(score, all));

    tarn_program_free(step);
    tarn_program_free(score);
    tarn_pipeline_free(batches);
    tarn_pipeline_free(all);
    tarn_store_free(vars);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
    return 0;
}
