#!/bin/sh
# Bad input gives one sentence that names the place, and an exit code, before anything is written.
. "${0%/*}/harness"
needs libyaml
small_experiment

train() { # CODE TEXT ARGUMENT...
    want=$1 text=$2
    shift 2
    refuses "$want" "$text" train --quiet --out o "$@"
}
# edit SED-SCRIPT: small.yaml with a change, as edited.yaml
edit() { sed "$1" small.yaml >edited.yaml; }

# ---- the experiment ----
train 1 'none.yaml' none.yaml
edit 's/units: 32/unit: 32/'
train 1 "edited.yaml:3" edited.yaml
expect 'the nearest key is named' grep -q "'units'" err
edit 's/^epochs/epoch/'
train 1 "edited.yaml:10" edited.yaml
edit 's/relu/rleu/'
train 1 'edited.yaml:3' edited.yaml
edit 's/, flatten: true//'
train 1 'flatten' edited.yaml
edit 's/units: 10/units: 7/'
train 1 '10 classes' edited.yaml
edit 's/batch: 32/batch: [3/'
train 1 'edited.yaml' edited.yaml
edit 's/rmsprop/rmspop/'
train 1 "rmsprop" edited.yaml
head -c 300 /dev/zero >zero.yaml
train 1 'zero.yaml' zero.yaml
train 1 'units' small.yaml --set model.0.dense.units=none
train 1 'none.safetensors' small.yaml --from none.safetensors
cp small.yaml model.safetensors
train 1 'run.json' model.safetensors

# ---- data ----
pictures='\000\000\010\003\000\000\000\004\000\000\000\034\000\000\000\034'
labels='\000\000\010\001\000\000\000\004'
{ printf "$pictures"; head -c 3136 /dev/zero; } >x.idx
{ printf "$labels"; printf '\001\002\003\004'; } >y.idx
edit 's/data: .*/data: {idx: {images: x.idx, labels: y.idx}, flatten: true}/'
cp edited.yaml idx.yaml
run 0 train --quiet --out good idx.yaml
{ printf "$labels"; printf '\001\002\013\004'; } >y.idx
train 1 '12 classes' idx.yaml
{ printf "$labels"; printf '\001\002'; } >y.idx
train 1 'y.idx' idx.yaml
{ printf "$labels"; printf '\001\002\003\004'; } >y.idx
{ printf "$pictures"; head -c 3000 /dev/zero; } >x.idx
train 1 'x.idx' idx.yaml
{ printf '\000\000\010\003\177\377\377\377\177\377\377\377\000\000\000\034'; } >x.idx
train 1 'x.idx' idx.yaml
if command -v gzip >/dev/null; then
    { printf "$pictures"; head -c 3136 /dev/zero; } | gzip >good.gz
    size=$(wc -c <good.gz)
    # The last four bytes are the size of what was packed, the four before its checksum.
    { head -c $((size - 4)) good.gz; printf '\001\000\000\000'; } >x.idx
    train 1 'x.idx' idx.yaml
    { head -c $((size - 8)) good.gz; printf '\001\002\003\004'; tail -c 4 good.gz; } >x.idx
    train 1 'x.idx' idx.yaml
    head -c $((size / 2)) good.gz >x.idx
    train 1 'x.idx' idx.yaml
else
    skip 'no gzip'
fi
edit 's/data: .*/data: {name: mnist, flatten: true}/'
train 1 'nowhere' edited.yaml --data nowhere
printf 'a,b\n1,2\n3,x\n' >t.csv
edit 's/data: .*/data: {csv: t.csv}/;s/sparse.*/mse/;s/metrics.*//;s/units: 10.*/units: 1}/'
train 1 't.csv:3' edited.yaml

# ---- where results go ----
touch file
refuses 1 'file/o' train --quiet small.yaml --out file/o
refuses 1 '/proc/o' train --quiet small.yaml --out /proc/o
expect 'nothing was written by what failed' test ! -e o/model.safetensors

# ---- numbers ----
edit 's/rmsprop/sgd/;s/sparse.*/mse/;s/metrics.*//;s/data: .*/data: {csv: big.csv}/;s/units: 10.*/units: 1}/'
awk 'BEGIN {print "a,y"; for (i = 0; i < 99; i++) print 1000 * i "," i}' >big.csv
train 1 'step' edited.yaml --lr 1e6
expect 'it names the trouble' grep -qi -e 'nan' -e 'inf' -e 'finite' err

# ---- model files ----
run 0 train --quiet --out m small.yaml
model=m/model.safetensors
size=$(wc -c <$model)
for keep in 0 4 20 1000 $((size - 1)); do
    head -c "$keep" $model >cut.safetensors
    refuses 1 'cut.safetensors' eval cut.safetensors
    refuses 1 'cut.safetensors' summary cut.safetensors
done
refuses 1 'none.safetensors' eval none.safetensors
refuses 1 'small.yaml' eval small.yaml
mkdir alone
cp $model alone/
refuses 2 '--experiment' eval alone/model.safetensors
refuses 1 'nowhere' eval alone/model.safetensors --data nowhere
refuses 1 'none.png' predict $model none.png
refuses 1 'small.yaml' predict $model small.yaml
printf '\211PNG\r\n\032\n' >cut.png
refuses 1 'cut.png' predict $model cut.png
printf "$labels"'\001\002\003\004' >y.idx
refuses 1 'y.idx' predict $model y.idx
finish
