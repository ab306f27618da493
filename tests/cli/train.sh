#!/bin/sh
# From a file to a model: what train writes and says, and what the other commands make of it.
. "${0%/*}/harness"
needs libyaml
small_experiment

# ---- for people ----
run 0 train small.yaml
for file in model.safetensors checkpoint.safetensors history.csv run.json; do
    expect "$file is written" test -s small/$file
done
expect 'stdout ends with the file' grep -q 'small/model.safetensors' out
expect 'stdout has the accuracy' grep -q 'accuracy' out
expect 'stderr says that digits are generated' grep -q 'generated' err
expect 'history has a line an epoch and a head' test "$(wc -l <small/history.csv)" -eq 3
expect 'history names its columns' grep -q '^epoch,' small/history.csv
expect 'run.json is JSON' is_json small/run.json

# ---- for programs ----
run 0 train small.yaml --json --quiet --out a --threads 1
expect '--quiet says nothing' test ! -s err
expect 'lines are JSON' is_json out
expect 'a line an epoch and one more' test "$(wc -l <out)" -eq 3
expect 'epoch lines' test "$(grep -c '"event":"epoch"' out)" -eq 2
expect 'the last is done' grep -q '"event":"done"' out
expect 'two epochs' test "$(field epochs out)" -eq 2
expect '19 steps an epoch' test "$(field steps out)" -eq 38
expect 'the model is named' test "$(field model out)" = a/model.safetensors
for key in seconds loss accuracy val_loss val_accuracy; do
    expect "'$key' is there" test -n "$(field $key out)"
done
hash=$(field weights_sha256 out)
expect 'the hash has 64 digits' test ${#hash} -eq 64

# ---- the same bits for any number of threads, other bits for another seed ----
run 0 train small.yaml --json --quiet --out b --threads 3
expect 'threads do not change a bit' test "$(field weights_sha256 out)" = "$hash"
run 0 train small.yaml --json --quiet --out b --seed 5
expect 'the seed does' test "$(field weights_sha256 out)" != "$hash"

# ---- options against the file ----
run 0 train small.yaml --json --quiet --out c --set batch=64 --epochs 1 --lr 0.01
expect '10 steps of 64' test "$(field steps out)" -eq 10
expect 'the learning rate is as given' grep -q '"learning_rate":0.01[,}]' out
run 0 train small.yaml --json --quiet --out c --max-steps 5
expect 'five steps' test "$(field steps out)" -eq 5
run 0 train small.yaml --out one --max-steps 1
expect 'one of a thing is one' grep -q '1 step in' out
run 0 train small.yaml --json --quiet --out d --from a/model.safetensors --epochs 1
run 0 train a/model.safetensors --json --quiet --out e --epochs 1
expect 'a model file stands for --from' test "$(field epochs out)" -eq 1

# ---- what others make of it ----
run 0 eval a/model.safetensors --json
expect 'eval prints JSON' is_json out
expect 'eval has metrics' grep -q '"metrics":{"loss":' out
run 0 eval a/model.safetensors --report --out r
expect 'a confusion matrix' grep -q confusion out
expect 'a table of classes' grep -q precision out
if "$TARN" version | grep -q '^cairo *[0-9]'; then
    expect 'its picture' test -s r/confusion.png
    expect 'the mistakes' test -s r/mistakes.png
    expect 'curves' test -s small/loss.png
else
    skip 'no pictures without cairo'
fi
run 0 eval a/model.safetensors --report --json --out r
expect 'a report is JSON too' is_json out
expect 'with ten classes' test "$(grep -o '"precision"' out | wc -l)" -eq 10
run 0 eval a/model.safetensors --experiment small.yaml --json

for file in small.yaml a/model.safetensors a/checkpoint.safetensors; do
    run 0 summary $file
    expect "parameters of $file" grep -q '25,450' out
    run 0 summary $file --json --batch 7
    expect "summary of $file is JSON" is_json out
    expect "bytes of training $file" grep -q '"training":{' out
done

# ---- what summary plans is what train runs ----
plan() { sed -n '/^---- plan/,/^arena/p;/^arena/q' err; }
run 0 summary small.yaml --dump=plan
plan >planned
for file in model checkpoint; do
    run 0 summary a/$file.safetensors --batch 32 --dump=plan
    expect "the step of a $file" test "$(plan)" = "$(cat planned)"
done
run 0 train small.yaml --dump=plan --quiet --out f --max-steps 1
expect 'the step that summary plans' test "$(plan)" = "$(cat planned)"
expect 'its plan has kernels' grep -q '^kernel 1 ' planned

# ---- answers ----
pictures='\000\000\010\003\000\000\000\003\000\000\000\034\000\000\000\034'
{ printf "$pictures"; head -c 2352 /dev/zero; } >x.idx
run 0 predict a/model.safetensors x.idx --json --top 2
expect 'answers are JSON' is_json out
expect 'three answers' test "$(wc -l <out)" -eq 3
expect 'with two classes each' test "$(grep -o '"index"' out | wc -l)" -eq 6
run 0 predict a/model.safetensors x.idx --index 1-2
expect 'two answers' test "$(wc -l <out)" -eq 2
refuses 1 'has 3 samples' predict a/model.safetensors x.idx --index 3
refuses 2 '--index' predict a/model.safetensors x.idx --index 2-1
# A grey picture of 3 x 3 pixels, white with a black one in the middle.
{
    printf '\211\120\116\107\015\012\032\012\000\000\000\015\111\110\104\122\000\000\000\003'
    printf '\000\000\000\003\010\000\000\000\000\163\103\352\143\000\000\000\021\111\104\101'
    printf '\124\170\332\143\370\377\377\077\003\030\376\377\017\000\057\334\007\371\250\050'
    printf '\345\044\000\000\000\000\111\105\116\104\256\102\140\202'
} >p.png
if "$TARN" version | grep -q '^libpng *[0-9]'; then
    run 0 predict a/model.safetensors p.png --json
    expect 'a picture has one answer' test "$(wc -l <out)" -eq 1
    expect 'under its name' grep -q '"input":"p.png"' out
else
    skip 'no PNG in this build'
fi

# ---- a regression ----
awk 'BEGIN {print "a,b,y"; for (i = 0; i < 200; i++)
    {a = i % 10 / 10; b = i % 7 / 7; print a "," b "," 2 * a - b + 1}}' >line.csv
cat >line.yaml <<'YAML'
data: {csv: line.csv, target: y, validation: 0.2}
model:
  - dense: 1
loss: mse
optimizer: {adam: {learning_rate: 0.05}}
metrics: [mae]
batch: 16
epochs: 30
YAML
run 0 train line.yaml --quiet
run 0 eval line/model.safetensors --json
expect 'a line is learnt' sh -c "[ \"\$(sed 's/.*\"r2\":\([^,}]*\).*/\1/' out | cut -c 1-4)\" = 0.99 ]"
run 0 predict line/model.safetensors line.csv --index 0 --json
expect 'its answer and target' grep -q '"output":\[.*"target":1.0}' out
mkdir elsewhere
expect 'the data are found from another folder' sh -c \
    "cd elsewhere && '$TARN' eval ../line/model.safetensors >/dev/null"
cut -d , -f 1,2 line.csv >inputs.csv
run 0 predict line/model.safetensors inputs.csv --index 13
expect 'a table without target' grep -q '^inputs.csv:13 *-*[0-9.]*$' out

# Standardized columns are standardized for predict too.
awk -F, 'NR == 1 {print; next} {print 1000 * $1 + 5000 "," $2 "," $3}' line.csv >wide.csv
sed 's/line.csv/wide.csv, standardize: true/' line.yaml >wide.yaml
run 0 train wide.yaml --quiet
run 0 predict wide/model.safetensors wide.csv --index 13 --json
near=$(sed 's/.*"output":\[\([^]]*\)\],"target":\([^}]*\).*/\1 \2/' out |
    awk '{d = $1 - $2; print d * d < 0.01}')
expect 'a standardized model answers raw rows' test "$near" = 1

# Classes by name.
awk 'BEGIN {print "a,b,kind"; for (i = 0; i < 200; i++)
    {a = i % 10 / 10; b = i % 7 / 7; print a "," b "," (a > b ? "more" : "less")}}' >kind.csv
sed 's/^data.*/data: {csv: kind.csv, target: kind, classify: true, validation: 0.2}/
     s/dense: 1/dense: {units: 2, activation: softmax}/
     s/mse/sparse_categorical_crossentropy/; s/mae/accuracy/' line.yaml >kind.yaml
run 0 train kind.yaml --quiet
run 0 eval kind/model.safetensors --report
expect 'its classes have names' grep -q '^more ' out
run 0 predict kind/model.safetensors kind.csv --index 9 --top 1
expect 'a name is the answer' grep -q 'kind.csv:9 *more ' out
run 0 predict kind/model.safetensors inputs.csv --index 9 --top 1
expect 'without the target too' grep -q 'inputs.csv:9 *more ' out
finish
