#!/bin/sh
# tarn train under mpirun: two ranks train one network, one of them speaks.
. "${0%/*}/harness"
small_experiment

# ---- a build without MPI says so, once it is started as one of several ----
if ! "$TARN" version | grep -q '^mpi *[0-9]'; then
    OMPI_COMM_WORLD_SIZE=2
    export OMPI_COMM_WORLD_SIZE
    "$TARN" train small.yaml >out 2>err
    expect 'names what is missing' grep -q 'this build has no MPI (libopenmpi-dev)' err
    expect 'does not begin' test ! -e small
    finish
fi
needs libyaml
if ! command -v mpirun >/dev/null; then
    skip 'no mpirun on this machine'
    finish
fi
# Open MPI: as root, on any number of cores, without the network. What the leak checker finds in
# plug-ins that are unloaded by then is theirs; the patcher rewrites what a sanitizer does.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl=^tcp OMPI_MCA_memory=^patcher
export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0"

# ranks CODE ARGUMENT...: as `run`, on two ranks
ranks() {
    want=$1
    shift
    timeout 100 mpirun -n 2 "$TARN" "$@" >out 2>err
    code=$?
    if [ $code -eq "$want" ]; then ok; else
        bad "mpirun -n 2 tarn $*: exit code $code, not $want"
        sed 's/^/    /' err >&2
    fi
}

# ---- one speaks and writes, the same bits each time ----
ranks 0 train small.yaml --json --out a --threads 1 --batch 16
hash=$(field weights_sha256 out)
expect 'the hash has 64 digits' test ${#hash} -eq 64
expect 'one line an epoch and one more' test "$(wc -l <out)" -eq 3
expect '19 steps an epoch' test "$(field steps out)" -eq 38
expect 'one head' test "$(grep -c '^training ' err)" -eq 1
expect 'that names the ranks' grep -q '^ranks *2, each with 16 samples' err
for file in model.safetensors checkpoint.safetensors history.csv run.json; do
    expect "$file is written" test -s a/$file
done
expect 'a line an epoch and a head' test "$(wc -l <a/history.csv)" -eq 3
ranks 0 train small.yaml --json --quiet --out b --threads 2 --batch 16
expect 'again, with other threads: the same bits' test "$(field weights_sha256 out)" = "$hash"

# ---- cut short and resumed ----
ranks 0 train small.yaml --json --quiet --out c --threads 1 --batch 16 --max-steps 25
ranks 0 train small.yaml --json --quiet --out c --threads 1 --batch 16 --resume
expect 'resumed: the same bits' test "$(field weights_sha256 out)" = "$hash"

# ---- as one with the double batch, where nothing is drawn: digits of the loss agree ----
sed '/dropout/d' small.yaml >plain.yaml
digits() { field "$1" out | cut -c 1-6; }
ranks 0 train plain.yaml --json --quiet --out d --batch 16
two=$(digits val_loss) accuracy=$(digits val_accuracy)
run 0 train plain.yaml --json --quiet --out e --batch 32
expect "val_loss $two is that of one" test "$(digits val_loss)" = "$two"
expect "val_accuracy $accuracy is that of one" test "$(digits val_accuracy)" = "$accuracy"

# ---- errors end all of them ----
ranks 1 train missing.yaml
expect 'says why' grep -q "tarn train: cannot open 'missing.yaml'" err
start=$(date +%s)
# shellcheck disable=SC2016  # the rank's own shell finds its number
timeout 100 mpirun -n 2 sh -c 'if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then data=nowhere; fi
    exec "$TARN" train small.yaml --quiet --out f ${data:+--from nowhere.safetensors}' >out 2>err
expect 'one rank fails: so does the run' test $? -eq 1
expect 'and soon' test $(($(date +%s) - start)) -lt 30
expect 'with its sentence' grep -q "'nowhere.safetensors'" err
expect 'and no model' test ! -e f/model.safetensors
finish
