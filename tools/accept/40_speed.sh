#!/bin/sh
# tools/accept/40_speed.sh [--rounds N] [--seconds X] [--parts "models calls adam gemm"] [--out FILE]
#
# Speed against PyTorch (eager and compiled), JAX and BLAS libraries, and against what this machine
# can do at most. Every round (15) runs all of them in turn for X seconds each (1), so that a slow
# minute hits all, and takes the machine's limits right before and after Tarn's part. What counts
# is the median over the rounds of the ratio to the fastest peer of the round, or of the share of
# the limit. All threads are pinned. FILE gets the figures as a table.
#
# $TARN_PEERS_PYTHON is a Python that has torch and jax; the peers' scripts are in
# $TARN_SHARED/peers. Without them, what needs no peer is tried.
rounds=15 seconds=1 parts='models calls adam gemm' table=''
while [ $# -gt 1 ]; do
    case $1 in
    --rounds) rounds=$2 ;;
    --seconds) seconds=$2 ;;
    --parts) parts=$2 ;;
    --out) case $2 in /*) table=$2 ;; *) table=$PWD/$2 ;; esac ;;
    *) break ;;
    esac
    shift 2
done
[ $# -eq 0 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
. "${0%/*}/lib"
peers=$TARN_SHARED/peers
python=${TARN_PEERS_PYTHON-}
[ -d "$peers" ] || leave "no scripts of the peers in $peers"
if ! cc -O3 -march=native -ffp-contract=fast -fopenmp "$peers/limits.c" -o limits ||
    ! cc -O2 "$peers/bench_blas.c" -o bench_blas -ldl; then
    leave "no compiler for limits.c and bench_blas.c"
fi

has() { case " $parts " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
imports() { [ -n "$python" ] && "$python" -c "import numpy, $1" 2>/dev/null; }
missing() { skip "$1: no ratio to it (\$TARN_PEERS_PYTHON is '$python')"; }
if imports torch; then torch=1; else torch='' && missing torch; fi
if imports jax; then jax=1; else jax='' && missing jax; fi
blas=''
for library in libopenblas.so.0 libblis.so.4; do
    if ./bench_blas $library gemm_128 1 0.01 >/dev/null 2>&1; then blas="$blas $library"; fi
done
[ -n "$blas" ] || skip "no OpenBLAS or BLIS: torch stands for the best BLAS"
export TORCHINDUCTOR_CACHE_DIR="$PWD/inductor"

# ---- measuring -----------------------------------------------------------------------------------

# pinned THREADS COMMAND...: on the first processors, one a thread
pinned() {
    n=$1
    shift
    env OMP_NUM_THREADS="$n" OPENBLAS_NUM_THREADS="$n" MKL_NUM_THREADS="$n" \
        BLIS_NUM_THREADS="$n" GOMP_CPU_AFFINITY="0-$((n - 1))" \
        taskset -c "0-$((n - 1))" "$@" 2>>errors
}
# A line "ROUND LABEL THREADS LIMITS..." before each JSON line of stdin: what speed.awk reads.
note() { sed -n "s|^{|$round $* {|p" >>measured; }
# limit NAME KB FILE: its median in the output of limits
limit() { sed -n "s/.*\"$1\".*\"kb\": $2,.*\"median\": \([0-9.]*\).*/\1/p" "$3"; }

# tarn THREADS WORKLOAD: with the peak of multiply-add before and after
tarn() {
    pinned "$1" ./limits "$1" fma >before
    pinned "$1" "$TARN" bench "$2" --threads "$1" --seconds "$seconds" >line
    pinned "$1" ./limits "$1" fma >after
    note tarn "$1" "$(limit fma_f32 0 before)" "$(limit fma_f32 0 after)" "$reads" <line
}
# script LABEL NAME.py WORKLOADS OPTION...: a peer in Python
script() {
    label=$1 file=$2 names=$3
    shift 3
    pinned 2 "$python" "$peers/$file" "$names" --threads 2 --seconds "$seconds" "$@" |
        note "$label" 2 0 0 0
}

models() {
    for name in mnist_mlp tf_raw_mlp mnist_softmax; do
        tarn 2 $name
        if [ -n "$torch" ]; then
            script torch bench_torch.py $name
            script torch-compile bench_torch.py $name --mode compile
        fi
        if [ -n "$jax" ]; then script jax bench_jax.py $name; fi
    done
}
calls() { for name in tiny_mlp_infer tiny_mlp_train; do tarn 1 $name; done; }
# An update reads and writes in place: its limit is that of scaling an array in place.
adam() {
    pinned 2 ./limits 2 >before
    pinned 2 "$TARN" bench elem_adam --threads 2 --seconds "$seconds" >line
    pinned 2 ./limits 2 >after
    note tarn 2 "$(limit scale_in_place 262144 before)" "$(limit scale_in_place 262144 after)" 0 \
        <line
}
shapes=$(sed -n '/^GEMM_MLP/,/\]/p' "$peers/peerlib.py" | grep -o '([0-9, ]*)' |
    sed 's/[( )]//g; s/,/x/g; s/^/gemm_/')
gemm() {
    pinned 2 ./limits 2 >before
    reads=$(limit read 4096 before)
    for name in $shapes; do
        tarn 2 "$name"
        for library in $blas; do
            pinned 2 ./bench_blas "$library" "$name" 2 "$seconds" | note "$library" 2 0 0 0
        done
    done
    if [ -z "$blas" ] && [ -n "$torch" ]; then
        script torch bench_torch.py "$(echo "$shapes" | paste -s -d ,)"
    fi
    reads=0
}

reads=0
for round in $(seq "$rounds"); do
    for part in $parts; do $part; done
done

# ---- judging -------------------------------------------------------------------------------------

awk -v figures=figures -f "$root/tools/accept/speed.awk" measured >table
# figure NAME RELATION LIMIT
figure() { must "$1" "$(sed -n "s/^$1 //p" figures)" "$2" "$3"; }
# results LABEL FIRST COUNT: a peer that fails would only make the others the fastest
results() {
    must "$2 results of $1" "$(grep -c "^[0-9]* $1 .*\"workload\": *\"$2" measured)" = \
        $(($3 * rounds))
}
if has models; then
    for label in ${torch:+torch torch-compile} ${jax:+jax}; do
        results $label mnist 2
        results $label tf_raw 1
    done
    if [ -n "$torch$jax" ]; then
        figure mnist_mlp.ratio '>=' 1.6
        figure tf_raw_mlp.ratio '>=' 1.8
        figure mnist_softmax.ratio '>=' 3
    fi
    figure mnist_mlp.share '>=' 0.65
    figure tf_raw_mlp.share '>=' 0.50
fi
if has calls; then
    figure tiny_mlp_infer.us '<=' 1.6
    figure tiny_mlp_train.us '<=' 5
fi
if has adam; then figure elem_adam.share '>=' 0.90; fi
if has gemm; then
    for label in tarn ${blas:-${torch:+torch}}; do
        results "$label" gemm "$(echo "$shapes" | wc -w)"
    done
    figure gemm.share '>=' 0.80
    if [ -n "$blas$torch" ]; then figure gemm.ratio '>=' 0.95; fi
fi
if [ -n "$table" ]; then
    {
        echo "$("$TARN" devices | sed -n 's/^processor *//p'), pinned threads, $rounds rounds of" \
            "$seconds s for each program."
        echo
        cat table
    } >"$table"
else
    cat table
fi
[ "$failed" -eq 0 ] || tail -n 20 errors >&2
finish
