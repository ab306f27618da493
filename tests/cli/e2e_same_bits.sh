#!/bin/sh
# One training, one set of weights: with 1, 2 and 3 threads, with kernels compiled or interpreted,
# and when it is killed three times and goes on otherwise each time.
. "${0%/*}/harness"
needs libyaml
small_experiment
unset TARN_JIT TARN_ISA

# weights OUT JIT OPTION...: hash of the weights
weights() {
    dir=$1 jit=$2
    shift 2
    TARN_JIT=$jit "$TARN" train small.yaml --json --quiet --out "$dir" "$@" >out 2>err
    field weights_sha256 out
}
same() { expect "$1: $2, not $hash" test "$2" = "$hash"; }

hash=$(weights a off --threads 1)
expect 'the hash has 64 digits' test ${#hash} -eq 64
same '2 threads' "$(weights a off --threads 2)"
same '3 threads' "$(weights a off --threads 3)"
same 'compiled' "$(weights a wait --threads 2)"
same 'compiled on the way' "$(weights a auto --threads 2)"

# ---- killed three times, each attempt with other threads and other kernels ----
longer='--epochs 12 --batch 4 --checkpoint-steps 30'
# shellcheck disable=SC2086  # several words
hash=$(weights whole auto $longer)
expect 'the long run has a hash' test ${#hash} -eq 64
# attempt THREADS JIT: goes on, and is killed soon after the first checkpoint that it writes
attempt() {
    touch begin
    # shellcheck disable=SC2086  # several words
    TARN_JIT=$2 "$TARN" train small.yaml --json --quiet $longer --out killed --resume \
        --threads "$1" >out 2>err &
    pid=$!
    for _ in $(seq 1000); do
        [ -n "$(find killed -name checkpoint.safetensors -newer begin 2>/dev/null)" ] && break
        sleep 0.02
    done
    kill -9 $pid 2>/dev/null
    { wait $pid; } 2>/dev/null
    code=$?
    expect "attempt with $1 threads was killed, not ended with $code" test $code -eq 137
}
attempt 1 off
attempt 2 wait
attempt 3 auto
# shellcheck disable=SC2086  # several words
same 'after three kills' "$(weights killed off $longer --resume --threads 2)"
finish
