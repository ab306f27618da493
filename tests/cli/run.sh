#!/bin/sh
# tarn run: ONNX graphs from tensor files to .npy files. The models are those of tests/golden/onnx,
# whose results unit/format_onnx_test compares.
. "${0%/*}/harness"
needs protobuf-c
golden=$here/../golden/onnx

run 0 run "$golden/cnn.onnx" out.d/deep "$golden/cnn.in0.npy"
expect 'a line for the output' grep -qx 'out.d/deep/output_0.npy  f32 3 x 4  p' out
expect 'the output is there' test -s out.d/deep/output_0.npy
expect 'and no other' test ! -e out.d/deep/output_1.npy
expect 'nothing on stderr' test ! -s err

# Results that are exact are the very bytes that NumPy writes.
run 0 run "$golden/reshape.onnx" out.d "$golden/reshape.in0.npy" "$golden/reshape.in1.npy"
expect 'moved elements are the same' cmp -s out.d/output_0.npy "$golden/reshape.out0.npy"
run 0 run "$golden/nonzero.onnx" out.d "$golden/nonzero.in0.npy" --json
expect 'lines are JSON' is_json out
expect 'one for each output' test "$(wc -l <out)" -eq 3
expect 'with its shape' grep -q '"dtype":"i64","shape":\[2,3\]' out
expect 'indices are the same' cmp -s out.d/output_0.npy "$golden/nonzero.out0.npy"
for device in cpu ref; do
    run 0 run "$golden/types.onnx" "$device" "$golden/types.in0.npy" "$golden/types.in1.npy" \
        --device "$device"
    for i in 0 1 2 3 4; do
        expect "types, output $i on $device" cmp -s "$device/output_$i.npy" "$golden/types.out$i.npy"
    done
done

# Weights beside the model; tensors of ONNX are inputs too.
run 0 run "$golden/external.onnx" out.d "$golden/external.in0.npy"
refuses 1 'f32 [3] was given' run "$golden/external.onnx" out.d "$golden/f32.raw.pb"

# What is refused, and how.
sed 's/NonZero/NonZerp/' "$golden/nonzero.onnx" >lacking.onnx
refuses 77 'operation NonZerp is not supported' run lacking.onnx new "$golden/nonzero.in0.npy"
expect 'nothing is made' test ! -e new
refuses 1 'No such file' run nowhere.onnx new
head -c 100 "$golden/cnn.onnx" >cut.onnx
refuses 1 'it is no ONNX model, or damaged' run cut.onnx new "$golden/cnn.in0.npy"
refuses 1 'given' run "$golden/cnn.onnx" new "$golden/nonzero.in0.npy"
refuses 2 "0 inputs given, the model has 1: 'x'" run "$golden/cnn.onnx" new
refuses 2 "1 inputs given, the model has 2: 'x', 'shape'" \
    run "$golden/reshape.onnx" new "$golden/reshape.in0.npy"
refuses 2 'a .npy or .pb file expected' run "$golden/cnn.onnx" new "$golden/make.py"
refuses 2 'OUTDIR' run "$golden/cnn.onnx"
echo >file
refuses 1 "cannot make the folder 'file'" run "$golden/cnn.onnx" file "$golden/cnn.in0.npy"
cp "$golden/external.onnx" .
refuses 1 'external.bin' run external.onnx new "$golden/external.in0.npy"

# The examples of its help are right.
cp "$golden/cnn.onnx" model.onnx
cp "$golden/cnn.in0.npy" x.npy
run 0 help run
expect 'there is an example' grep -q '^  tarn run model.onnx out x.npy' out
run 0 run model.onnx outputs x.npy
finish
