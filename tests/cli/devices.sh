#!/bin/sh
# What `tarn devices` says of the devices that --device can name, with and without a plugin.
. "${0%/*}/harness"
plugin=${TARN%/*}/tests/plugin/fake_pjrt.so
unset TARN_PJRT_PLUGIN PJRT_NAMES_AND_LIBRARY_PATHS TPU_LIBRARY_PATH

says() { expect "tarn devices: '$1'" grep -qE -- "$1" out; }

run 0 devices
says '^device cpu +ready$'
says '^device ref +ready$'
says "^device xla +device 'xla' needs a PJRT plugin: set TARN_PJRT_PLUGIN to its path$"
run 0 devices --json
says '"name":"cpu","present":true,"about":""'
says '"name":"xla","present":false,"about":"device .xla. needs a PJRT plugin'
refuses 77 'needs a PJRT plugin' bench tiny_mlp_infer --device xla:1

if [ ! -e "$plugin" ]; then
    skip "no $plugin"
    finish
fi
TARN_PJRT_PLUGIN=$plugin
export TARN_PJRT_PLUGIN
run 0 devices
says "^device xla +ready: fake device, 2 devices, PJRT 0.90 of '.*fake_pjrt.so'$"
run 0 devices --json
says '"name":"xla","present":true,"about":"fake device, 2 devices'
refuses 77 "device 'xla:2': the plugin has 2 devices" bench tiny_mlp_infer --device xla:2
refuses 1 'the test gave no answers' bench tiny_mlp_infer --device xla
finish
