#!/bin/sh
# tools/accept/30_kills.sh [SEED [KILLS [STEPS]]]: a training that is killed again and again ends
# with the weights of one that was not. An attempt is killed after a time that is uniform over the
# length of a whole run, a third of them while they write a checkpoint, and the next goes on with
# --resume. An attempt that was quicker than its kill has ended the training: its weights are
# compared, and another training begins.
. "${0%/*}/lib"
needs_mnist
seed=${1:-$(od -An -N 2 -t u2 /dev/urandom | tr -d ' ')}
wanted=${2:-30}
steps=${3:-600}
echo "seed $seed"

# start OUT: one attempt, in the background
start() {
    "$TARN" train "$examples/mnist_mlp.yaml" --data "$mnist" --seed 1 --max-steps "$steps" \
        --checkpoint-steps 20 --resume --json --quiet --out "$1" >out 2>err &
    pid=$!
}
# Still running? Of a process that has ended and is not waited for, /proc has no program.
running() { [ -e /proc/$pid/exe ]; }
# A checkpoint that is being written, or that a kill left unfinished.
writes() {
    set -- killed/checkpoint.safetensors.next.tmp.*
    [ -e "$1" ]
}
# uniform N LIMIT: the Nth random number of this seed, from 0 to LIMIT
uniform() { awk -v s="$seed" -v n="$1" -v l="$2" 'BEGIN {
    srand(s); while (n-- > 0) x = rand(); printf "%.4f", x * l }'; }

start warm  # compiles the kernels, so that the next is as long as those to come
wait $pid
begin=$(now)
start whole
wait $pid
length=$(difference "$(now)" "$begin")
want=$(field weights_sha256 out)
must 'weights of the whole run, digits of the hash' ${#want} = 64
echo "a run takes $length s"

ended=0 same=0
# The training has ended, with this exit code.
compare() {
    ended=$((ended + 1))
    hash=$(field weights_sha256 out)
    if [ "$1" -eq 0 ] && [ "$hash" = "$want" ]; then
        same=$((same + 1))
    else
        echo "after $kills kills: exit code $1, weights $hash, not $want"
        cat err
    fi
}
kills=0 torn=0 attempt=0
while [ $attempt -lt $((10 * wanted)) ]; do
    if [ $kills -ge "$wanted" ] && [ $torn -ge $((wanted / 3)) ]; then break; fi
    attempt=$((attempt + 1))
    pause=$(uniform $((2 * attempt)) "$length")
    into=$(uniform $((2 * attempt + 1)) 2000)
    start killed
    sleep "$pause"
    if [ $((3 * torn)) -lt $kills ]; then
        until writes || ! running; do :; done
        # No sleep is as short as a part of the writing: count.
        n=0
        while [ $n -lt "${into%.*}" ]; do n=$((n + 1)); done
    fi
    kill -9 $pid 2>/dev/null
    { wait $pid; } 2>/dev/null
    code=$?
    if [ $code -eq 137 ]; then
        kills=$((kills + 1))
        if writes; then torn=$((torn + 1)); fi
        rm -f killed/checkpoint.safetensors.next.tmp.*
    else
        compare $code
        rm -rf killed
    fi
done
start killed
wait $pid
compare $?
must 'kills' $kills '>=' "$wanted"
must 'kills while a checkpoint was written' $torn '>=' $((wanted / 3))
must 'trainings with the weights of the whole run' $same = $ended
finish
