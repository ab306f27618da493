#!/bin/sh
# tarn bench prints one JSON line a workload, with the keys that scripts for other peers print.
. "${0%/*}/harness"

keys='peer version workload threads batch step_ms_median samples_per_s first_step_ms import_ms
      peak_rss_mb step_ms_min step_ms_p90 steps'
time_it() { run 0 bench "$@" --steps 6 --warmup 1 --threads 1; }

time_it mnist_softmax tf_raw_mlp mnist_mlp tiny_mlp_infer tiny_mlp_train gemm_128x10x512 gemm_64
expect 'lines are JSON' is_json out
expect 'a line each' test "$(wc -l <out)" -eq 7
for key in $keys gflop_per_step gflops build_ms; do
    expect "'$key' in each" test "$(grep -c "\"$key\":" out)" -eq 7
done
expect 'as many steps as asked for' test "$(field steps out)" -eq 6
expect 'the peer is tarn' test "$(field peer out)" = tarn

# Work as it is defined for all peers.
work_of() { sed -n "s/.*\"$1\".*\"gflop_per_step\":\([0-9.e-]*\).*/\1/p" out; }
expect 'work of mnist_softmax' test "$(work_of mnist_softmax)" = 0.003136
expect 'work of tf_raw_mlp' test "$(work_of tf_raw_mlp)" = 0.155058
expect 'work of mnist_mlp' test "$(work_of mnist_mlp)" = 0.41078
expect 'batch of mnist_mlp' grep -q '"mnist_mlp","threads":1,"batch":128,' out
time_it mnist_mlp --batch 16
expect 'another batch' test "$(field batch out)" -eq 16
run 0 bench --list
expect 'a list of names' grep -qx elem_softmax out
run 0 bench mnist_cnn mnist_cnn_adam --batch 2 --steps 1 --warmup 0 --threads 1
expect 'a line each of the convolutional networks' test "$(wc -l <out)" -eq 2
expect 'work of mnist_cnn, of 2 in 128' test "$(work_of mnist_cnn)" = 0.143131
expect 'work of mnist_cnn_adam' test "$(work_of mnist_cnn_adam)" = 0.143131
time_it elem_sum
expect 'bandwidth' test -n "$(field gbs out)"

# Stages go to stderr, the line stays alone on stdout.
for stage in graph lower canonical simplify plan; do
    time_it gemm_8 --dump=$stage
    expect "stage $stage is printed" grep -q -- "---- $stage ----" err
    expect 'one line on stdout' test "$(wc -l <out)" -eq 1
done
finish
