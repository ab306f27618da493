#!/bin/sh
# tools/accept/70_fuzz.sh [SECONDS]: every fuzz target searches for SECONDS (600) under libFuzzer
# with the address and undefined-behaviour sanitizers, two at a time, and finds nothing. What is
# worth keeping of the search stays in build-fuzz/found for the next one.
. "${0%/*}/lib"
command -v clang >/dev/null || leave "no clang"
seconds=${1:-600}
fuzz=$root/build-fuzz
targets=''
for source in "$root"/tests/fuzz/*.c; do
    name=${source##*/}
    targets="$targets ${name%.c}"
done

# shellcheck disable=SC2046,SC2086  # one word for each target
cmake -S "$root" -B "$fuzz" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DTARN_FUZZ=ON \
    >log 2>&1 && cmake --build "$fuzz" -j 2 --target $(printf 'fuzz_%s ' $targets) >log 2>&1
built=$?
[ $built -eq 0 ] || tail -n 20 log >&2
must 'exit code of the build' $built = 0
[ $built -eq 0 ] || finish

# search TARGET: its exit code in TARGET.code
search() {
    found=$fuzz/found/$1
    seeds=$root/tests/fuzz/$1
    mkdir -p "$found"
    [ -d "$seeds" ] || seeds=''
    "$fuzz/fuzz/$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
        -artifact_prefix="$fuzz/found/$1-" "$found" ${seeds:+"$seeds"} >"$1.log" 2>&1
    echo $? >"$1.code"
}
started=0
for target in $targets; do
    search "$target" &
    started=$((started + 1))
    if [ $((started % 2)) -eq 0 ]; then wait; fi
done
wait
for target in $targets; do
    code=$(cat "$target.code")
    [ "$code" -eq 0 ] || tail -n 40 "$target.log" >&2
    runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$target.log")
    must "$target, ${runs:-?} inputs, exit code" "$code" = 0
done
finish
