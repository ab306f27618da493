// A single neuron, y = sigmoid(w1 a + w2 b + c), learns logical OR: the smallest graph that trains.
//   neuron [-] [SEED]
#include "example.h"

enum { ROWS = 4, STEPS = 2000 };

int main(int argc, char **argv) {
    static const float inputs[ROWS][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
    static const float wanted[ROWS][1] = {{0}, {1}, {1}, {1}};
    tarn_store *vars = NULL;
    tarn_program *step = NULL;
    tarn_tensor *w = NULL, *c = NULL;

    // The graph: values without numbers yet. Variables live in the store.
    DO(tarn_store_create(example_seed(argc, argv), &vars));
    tarn_graph *g = tarn_graph_create(vars);
    tarn_node *x = tarn_input(g, "x", TARN_F32, TARN_SHAPE(ROWS, 2));
    tarn_node *t = tarn_input(g, "t", TARN_F32, TARN_SHAPE(ROWS, 1));
    tarn_node *weights = tarn_variable(g, "w", TARN_F32, TARN_SHAPE(2, 1), tarn_init_normal(0, 1));
    tarn_node *threshold = tarn_variable(g, "c", TARN_F32, TARN_SHAPE(1), tarn_init_zeros());
    tarn_node *y = tarn_sigmoid(g, tarn_add(g, tarn_matmul(g, x, weights), threshold));
    tarn_node *loss = tarn_mean(g, tarn_square(g, tarn_sub(g, y, t)), TARN_ALL_AXES, 0);
    tarn_node *update = tarn_minimize(g, loss, tarn_sgd(.learning_rate = 1), NULL);

    // The program: the graph made ready to run. A run is one step of gradient descent.
    DO(tarn_compile(g, TARN_FETCH(loss, y, update), "cpu", &step));
    tarn_graph_free(g);
    DO(tarn_bind(step, "x", inputs, TARN_SHAPE(ROWS, 2)));
    DO(tarn_bind(step, "t", wanted, TARN_SHAPE(ROWS, 1)));
    for (int i = 1; i <= STEPS; i++) {
        DO(tarn_run(step));
        if (i == 1 || i % 500 == 0) printf("step %4d  loss %.4f\n", i, tarn_result_scalar(step, 0));
    }

    const float *learned = tarn_result(step, 1, NULL);
    for (int i = 0; i < ROWS; i++)
        printf("%g OR %g = %.2f\n", (double)inputs[i][0], (double)inputs[i][1], (double)learned[i]);
    DO(tarn_store_get(vars, "w", &w));
    DO(tarn_store_get(vars, "c", &c));
    const float *wv = tarn_tensor_cdata(w), *cv = tarn_tensor_cdata(c);
    printf("y = sigmoid(%.2f a + %.2f b + %.2f)\n", (double)wv[0], (double)wv[1], (double)cv[0]);

    tarn_tensor_release(w);
    tarn_tensor_release(c);
    tarn_program_free(step);
    tarn_store_free(vars);
    return 0;
}
