// Keras' mnist_cnn.py in C: two convolutions, pooling, dropout, Adadelta, 12 epochs; about 99.2 %.
//   mnist_cnn [DATA_DIR] [SEED] [EPOCHS]
#include "example.h"

int main(int argc, char **argv) {
    int64_t batch_size = 128, epochs = argc > 3 ? strtoll(argv[3], NULL, 10) : 12;
    tarn_dataset train, test;
    tarn_model *model = NULL;
    tarn_callback progress;
    tarn_logs score;

    example_mnist(argc, argv, &train, &test);
    printf("%lld train samples\n", (long long)tarn_tensor_shape(train.x)->dim[0]);
    printf("%lld test samples\n", (long long)tarn_tensor_shape(test.x)->dim[0]);

    DO(tarn_sequential(TARN_SHAPE(784), example_seed(argc, argv), &model));
    tarn_model_add(model, tarn_reshape_layer(TARN_SHAPE(28, 28, 1)));
    tarn_model_add(model, tarn_conv2d_layer(32, .kernel_size = {3}, .activation = "relu"));
    tarn_model_add(model, tarn_conv2d_layer(64, .kernel_size = {3}, .activation = "relu"));
    tarn_model_add(model, tarn_max_pooling2d(.pool_size = {2}));
    tarn_model_add(model, tarn_dropout_layer(0.25));
    tarn_model_add(model, tarn_flatten_layer());
    tarn_model_add(model, tarn_dense(128, .activation = "relu"));
    tarn_model_add(model, tarn_dropout_layer(0.5));
    tarn_model_add(model, tarn_dense(10, .activation = "softmax"));

    DO(tarn_model_compile(model, .loss = "sparse_categorical_crossentropy",
                          .optimizer = tarn_adadelta(.learning_rate = 1), .metrics = "accuracy"));

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
