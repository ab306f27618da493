#!/bin/sh
# Stopped and killed runs go on from their checkpoint and end with the bits of one that never was.
. "${0%/*}/harness"
needs libyaml
small_experiment
# Long enough to be hit in the middle, also on a fast machine.
settings='--json --quiet --epochs 12 --batch 4 --checkpoint-steps 40 --set model.0.dense.units=64'

# there FILE: wait until it is, at most 20 seconds
there() {
    for _ in $(seq 400); do
        [ -s "$1" ] && return 0
        sleep 0.05
    done
    return 1
}

run 0 train small.yaml $settings --out whole
hash=$(field weights_sha256 out)
steps=$(field steps out)

# ---- Ctrl-C ----
"$TARN" train small.yaml $settings --out stopped >out 2>err &
pid=$!
expect 'a checkpoint comes' there stopped/checkpoint.safetensors
kill -INT $pid
wait $pid
code=$?
expect "Ctrl-C ends with 130, not $code" test $code -eq 130
expect 'and says how to go on' grep -q -- '--resume' err
run 0 train small.yaml $settings --out stopped --resume
expect 'the same weights after Ctrl-C' test "$(field weights_sha256 out)" = "$hash"
expect 'and as many steps' test "$(field steps out)" = "$steps"
run 0 train small.yaml $settings --out stopped --resume
expect 'nothing is left, nothing changes' test "$(field weights_sha256 out)" = "$hash"

# ---- kill -9, several times ----
kills=0
for pause in 0.15 0.25 0.1 0.3; do
    "$TARN" train small.yaml $settings --out killed --resume >out 2>err &
    pid=$!
    there killed/checkpoint.safetensors
    sleep $pause
    kill -9 $pid 2>/dev/null
    { wait $pid; } 2>/dev/null
    [ $? -eq 137 ] && kills=$((kills + 1))
done
expect 'at least one run was killed' test $kills -gt 0
run 0 train small.yaml $settings --out killed --resume
expect 'the same weights after kill -9' test "$(field weights_sha256 out)" = "$hash"
expect 'history goes on' test "$(wc -l <killed/history.csv)" -eq 13

# ---- what a killed process wrote is removed, what might be another's is not ----
next=killed/checkpoint.safetensors.next
gone=$(sh -c 'echo $$')
kept="$next.tmp.$$.0 $next.tmp.$gone $next.tmp.$gone.x $next.tmp.0$gone.1 $next.tmp.-$gone.1
    killed/x$gone.checkpoint.safetensors.next.tmp.$gone.0 $next.tmp.$gone.0.old"
touch $next.tmp.$gone.0 $next.tmp.$gone.12 $kept
ln -s model.safetensors $next.tmp.$gone.7
mkdir $next.tmp.$gone.8
run 0 train small.yaml $settings --out killed --resume
for file in $next.tmp.$gone.0 $next.tmp.$gone.12; do
    expect "$file is gone" test ! -e $file
done
for file in $kept $next.tmp.$gone.7 $next.tmp.$gone.8; do
    expect "$file stays" test -e $file
done
touch $next.tmp.$gone.0
run 0 train small.yaml $settings --out killed
expect 'a training that begins anew removes it too' test ! -e $next.tmp.$gone.0

# ---- a kill between the renames, also of the first checkpoint, when there is none before ----
run 0 train small.yaml $settings --out renamed --max-steps 450
mv renamed/checkpoint.safetensors renamed/checkpoint.safetensors.next
rm -f renamed/checkpoint.safetensors.prev
run 0 train small.yaml $settings --out renamed --resume
expect 'the same weights from a checkpoint that only lacks its name' \
    test "$(field weights_sha256 out)" = "$hash"
expect 'history keeps its first epochs' test "$(wc -l <renamed/history.csv)" -eq 13

# ---- a damaged checkpoint ----
size=$(wc -c <stopped/checkpoint.safetensors)
cp -r stopped damaged
printf '\377\377\377\377' |
    dd of=damaged/checkpoint.safetensors bs=1 seek=$((size - 2000)) conv=notrunc 2>/dev/null
refuses 1 'checkpoint.safetensors.prev' train small.yaml $settings --out damaged --resume
head -c $((size / 2)) stopped/checkpoint.safetensors >damaged/checkpoint.safetensors
refuses 1 'checkpoint.safetensors.prev' train small.yaml $settings --out damaged --resume
mv damaged/checkpoint.safetensors.prev damaged/checkpoint.safetensors
run 0 train small.yaml $settings --out damaged --resume
expect 'the one before serves' test "$(field weights_sha256 out)" = "$hash"

# ---- NaN keeps the last good checkpoint ----
# Steps that are too large: the loss grows from step to step until it leaves f32.
awk 'BEGIN {print "a,y"; for (i = 0; i < 99; i++) print i % 10 / 10 "," i % 10}' >line.csv
cat >nan.yaml <<'YAML'
data: {csv: line.csv}
model:
  - dense: 1
loss: mse
optimizer: {sgd: {learning_rate: 2}}
YAML
refuses 1 'step' train nan.yaml --quiet --epochs 99
expect 'it names the trouble' grep -qi -e 'nan' -e 'inf' -e 'finite' err
mv err first
run 0 summary nan/checkpoint.safetensors
refuses 1 'step' train nan.yaml --quiet --epochs 99 --resume
expect 'and again where it was resumed' cmp -s err first
finish
