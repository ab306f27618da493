#!/bin/sh
# A disk that fills: one sentence, exit code 1, nothing half written. Needs to mount a small one.
. "${0%/*}/harness"
needs libyaml
small_experiment
mkdir disk
if ! mount -t tmpfs -o size=260k tmpfs disk 2>/dev/null; then
    skip 'cannot mount a small file system here'
    finish
fi
trap 'umount "$work/disk"; rm -rf "$work"' EXIT

# The check before training passes, the checkpoint does not fit.
refuses 1 'No space left' train --quiet small.yaml --out disk/o --set model.0.dense.units=80
expect 'no model' test ! -e disk/o/model.safetensors
expect 'no checkpoint' test ! -e disk/o/checkpoint.safetensors
expect 'no left-over of one' test -z "$(find disk -name '*safetensors*')"

# Already full: found before anything is read.
head -c 400000 /dev/zero >disk/fill 2>/dev/null
refuses 1 'No space left' train --quiet small.yaml --out disk/p
finish
