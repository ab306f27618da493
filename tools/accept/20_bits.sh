#!/bin/sh
# tools/accept/20_bits.sh [STEPS [SCALAR_STEPS]]: mnist_mlp on MNIST comes to the same weights, bit
# for bit, whatever the number of threads, the compiler, the instruction set, and whether kernels
# are compiled. STEPS: 938, two epochs; SCALAR_STEPS, without vectors: 100. The passes, which have
# no switch on the command line, are switched by the program tests/e2e/same_bits_test.
. "${0%/*}/lib"
needs_mnist
steps=${1:-938}
few=${2:-100}

# weights STEPS [NAME=VALUE...]: hash of the weights after training in this environment
weights() {
    n=$1
    shift
    rm -rf trained
    env "$@" "${program:-$TARN}" train "$examples/mnist_mlp.yaml" --data "$mnist" --seed 1 \
        --max-steps "$n" --json --quiet --out trained >out 2>err || cat err >&2
    field weights_sha256 out | cut -c 1-16
}
same() {
    name=$1
    shift
    must "$steps steps, $name" "$(weights "$steps" "$@")" = "$want"
}
has() { "$TARN" devices | grep -q "^features.* $1"; }

want=$(weights "$steps" TARN_THREADS=1)
must "$steps steps, 1 thread, digits of the hash" ${#want} = 16
for n in 2 3 8; do same "$n threads" TARN_THREADS=$n; done
same 'interpreted' TARN_JIT=off
same 'compiled before the first step' TARN_JIT=wait
for isa in avx2 avx512; do
    case $isa in avx512) feature=avx512vl ;; *) feature=$isa ;; esac
    if has $feature; then same "$isa" TARN_ISA=$isa; else skip "no $isa in this processor"; fi
done
short=$(weights "$few" TARN_THREADS=2)
must "$few steps, scalar" "$(weights "$few" TARN_ISA=scalar)" = "$short"
must "$few steps, scalar, interpreted" "$(weights "$few" TARN_ISA=scalar TARN_JIT=off)" = "$short"

for cc in gcc clang; do
    if ! command -v $cc >/dev/null; then
        skip "no $cc"
    elif cmake -S "$root" -B $cc -DCMAKE_C_COMPILER=$cc >log 2>&1 &&
        cmake --build $cc --target tarn_cli -j 2 >log 2>&1; then
        program=$PWD/$cc/tarn
        same "built by $cc"
        program=''
    else
        tail -n 20 log
        must "built by $cc" nothing = "$want"
    fi
done

if "$build/tests/e2e/same_bits_test" >log; then bits=same; else bits=other; fi
grep ^FAIL log
must 'each pass and in-place results off, dead buffers poisoned: bits' $bits = same
finish
