// Keras' mnist_mlp.py in C: 784-512-512-10 with dropout, RMSprop, 20 epochs; about 98.4 %.
//   mnist_mlp [DATA_DIR] [SEED] [EPOCHS]
#include "example.h"

int main(int argc, char **argv) {
    int64_t batch_size = 128, epochs = argc > 3 ? strtoll(argv[3], NULL, 10) : 20;
    tarn_dataset train, test;
    tarn_model *model = NULL;
    tarn_callback progress;
    tarn_logs score;

    example_mnist(argc, argv, &train, &test);
    printf("%lld train samples\n", (long long)tarn_tensor_shape(train.x)->dim[0]);
    printf("%lld test samples\n", (long long)tarn_tensor_shape(test.x)->dim[0]);

    DO(tarn_sequential(TARN_SHAPE(784), example_seed(argc, argv), &model));
    tarn_model_add(model, tarn_dense(512, .activation = "relu"));
    tarn_model_add(model, tarn_dropout_layer(0.2));
    tarn_model_add(model, tarn_dense(512, .activation = "relu"));
    tarn_model_add(model, tarn_dropout_layer(0.2));
    tarn_model_add(model, tarn_dense(10, .activation = "softmax"));

    DO(tarn_model_compile(model, .loss = "sparse_categorical_crossentropy",
                          .optimizer = tarn_rmsprop(), .metrics = "accuracy"));

    DO(tarn_progress_line(stdout, &progress));
    DO(tarn_model_fit(model, &train, .batch_size = batch_size, .epochs = epochs,
                      .validation = &test, .callbacks = &progress, .n_callbacks = 1));
    DO(tarn_model_evaluate(model, &test, batch_size, &score));
    printf("Test loss: %.4f\n", tarn_logs_get(&score, "loss"));
    printf("Test accuracy: %.4f\n", tarn_logs_get(&score, "accuracy"));

    progress.destroy(progress.self);
    tarn_model_free(model);
    tarn_dataset_clear(&train);
    tarn_dataset_clear(&test);
    return 0;
}
