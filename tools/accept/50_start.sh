#!/bin/sh
# tools/accept/50_start.sh [TIMES]: from the start of the process to the first finished step of
# mnist_mlp, the pictures unpacked and in the file cache: median of TIMES (11) with the kernels in
# the cache, and without any. And the memory that a training needs beyond the data as stored.
. "${0%/*}/lib"
needs_mnist
times=${1:-11}

mkdir raw
for file in "$mnist"/*.gz; do
    name=${file##*/}
    gzip -dc "$file" >"raw/${name%.gz}" || leave "cannot unpack $file"
done
# shellcheck disable=SC2046  # one word for each flag
cc -std=c11 -O2 -I "$root/include" "$root/tools/accept/first_step.c" "$build/libtarn.a" \
    $(pkg-config --libs $(sed -n 's/^Requires.private: //p' "$build/tarn.pc")) \
    $(sed -n 's/^Libs.private: //p' "$build/tarn.pc") -o first_step
must 'exit code of the compiler' $? = 0

first_step() {
    begin=$(now)
    ./first_step "$examples/mnist_mlp.yaml" raw >loss || echo "no first step" >&2
    difference "$(now)" "$begin"
}
export TARN_JIT='wait'
first_step >first
unset TARN_JIT
must 'first steps that say their loss' "$(grep -c '^loss [0-9]' loss)" = 1
for _ in $(seq "$times"); do first_step; done >warm
for _ in $(seq "$times"); do
    rm -rf "$XDG_CACHE_HOME"
    first_step
done >cold
must 'first step, kernels in the cache, s' "$(summary median <warm)" '<' 0.15
must 'first step, no kernels in the cache, s' "$(summary median <cold)" '<' 1

# 28 x 28 pixels and a label, a byte each, of 70,000 pictures
stored=$((785 * 70000))
memory() {
    "$TARN" train "$examples/mnist_mlp.yaml" --data "$1" --epochs 1 --profile --json \
        --out trained 2>err >out
    awk -v stored=$stored '/peak memory/ {
        unit = $NF == "GB" ? 1e9 : $NF == "MB" ? 1e6 : $NF == "kB" ? 1e3 : 1
        printf "%.1f", ($(NF - 1) * unit - stored) / 1e6
    }' err
}
must 'memory of training beyond the data, MB' "$(memory raw)" '<' 120
must 'memory of training from packed files beyond the data, MB' "$(memory "$mnist")" '<' 120
finish
