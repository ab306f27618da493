"""Make the ONNX files of this folder, and what NumPy says that they give.

    python -m venv V && V/bin/pip install numpy==2.4.6 onnx==1.23.2
    V/bin/python make.py

NAME.onnx has inputs NAME.in0.npy, .. and outputs NAME.out0.npy, ..; the outputs are computed here,
in float64 and with plain loops, not by ONNX. The .pb files are tensors in each way to store them.
"""

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

rng = np.random.default_rng(11)


def save(name, nodes, inputs, outputs, weights, given, expected, opset=21, ir=10, extra=()):
    """given, expected: arrays; weights: dictionary of initializers."""
    infos = [
        h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(a.dtype), s)
        for (n, s), a in zip(inputs, given)
    ] + [h.make_tensor_value_info(k, T.FLOAT, weights[k].shape) for k in extra]
    outs = [
        h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(a.dtype), ["d"] * a.ndim)
        for n, a in zip(outputs, expected)
    ]
    inits = [numpy_helper.from_array(a, n) for n, a in weights.items()]
    graph = h.make_graph(nodes, "g", infos, outs, inits)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=ir)
    model.ClearField("producer_name")
    onnx.checker.check_model(model)
    onnx.save(model, f"{name}.onnx")
    for i, a in enumerate(given):
        np.save(f"{name}.in{i}.npy", a)
    for i, a in enumerate(expected):
        np.save(f"{name}.out{i}.npy", np.ascontiguousarray(a))


def conv(x, w, b, stride, pads):
    """x [n,c,h,w], w [o,c,kh,kw], pads top, left, bottom, right."""
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    n, _, height, width = x.shape
    o, _, kh, kw = w.shape
    oh, ow = (height - kh) // stride[0] + 1, (width - kw) // stride[1] + 1
    y = np.zeros((n, o, oh, ow))
    for i in range(oh):
        for j in range(ow):
            part = x[:, :, i * stride[0] : i * stride[0] + kh, j * stride[1] : j * stride[1] + kw]
            for k in range(o):
                y[:, k, i, j] = (part * w[k]).sum(axis=(1, 2, 3)) + b[k]
    return y


def uniform(*shape):
    return rng.uniform(-1, 1, shape).astype(np.float32)


# A small convolutional network whose batch has a name: stated and automatic padding, strides, a
# Reshape that copies the batch, a scaled Gemm, a softmax.
x, w1, b1 = uniform(3, 1, 6, 5), uniform(2, 1, 3, 2), uniform(2)
w2, b2, fc, fb = uniform(3, 2, 2, 3), uniform(3), uniform(4, 60), uniform(4)
y = np.maximum(conv(x, w1, b1, (1, 1), (1, 0, 2, 1)), 0)  # [3,2,7,5]
y = np.maximum(conv(y, w2, b2, (2, 1), (0, 1, 1, 1)), 0)  # [3,3,4,5]
y = 0.25 * (y.reshape(3, 60) @ fc.T.astype(np.float64)) + 0.5 * fb
e = np.exp(y - y.max(axis=1, keepdims=True))
nodes = [
    h.make_node("Conv", ["x", "w1", "b1"], ["c1"], kernel_shape=[3, 2], pads=[1, 0, 2, 1]),
    h.make_node("Relu", ["c1"], ["r1"]),
    h.make_node("Conv", ["r1", "w2", "b2"], ["c2"], auto_pad="SAME_UPPER", strides=[2, 1]),
    h.make_node("Relu", ["c2"], ["r2"]),
    h.make_node("Reshape", ["r2", "rows"], ["f"]),
    h.make_node("Gemm", ["f", "fc", "fb"], ["z"], transB=1, alpha=0.25, beta=0.5),
    h.make_node("Softmax", ["z"], ["p"]),
]
weights = {"w1": w1, "b1": b1, "w2": w2, "b2": b2, "fc": fc, "fb": fb}
weights["rows"] = np.array([0, -1])
out = (e / e.sum(axis=1, keepdims=True)).astype(np.float32)
save("cnn", nodes, [("x", ["n", 1, 6, 5])], ["p"], weights, [x], [out])

# The new shape is an input of the graph, and the elements are moved, not computed with.
x, shape = np.arange(24, dtype=np.int8).reshape(2, 3, 4), np.array([4, -1])
nodes = [
    h.make_node("Reshape", ["x", "shape"], ["r"]),
    h.make_node("Transpose", ["r"], ["t"]),
]
inputs = [("x", [2, 3, 4]), ("shape", [2])]
save("reshape", nodes, inputs, ["t"], {}, [x, shape], [x.reshape(4, 6).T])

# A shape that is computed while the graph is built, from Shape and Constants: [6, -1].
x = uniform(4, 3)
nodes = [
    h.make_node("Shape", ["x"], ["s"]),
    h.make_node("Constant", [], ["ten"], value_ints=[10, 10]),
    h.make_node("Sub", ["ten", "s"], ["d"]),  # [6, 7]
    h.make_node("Constant", [], ["mask"], value=numpy_helper.from_array(np.array([True, False]))),
    h.make_node("Constant", [], ["minus"], value_int=-1),
    h.make_node("Where", ["mask", "d", "minus"], ["new"]),
    h.make_node("Reshape", ["x", "new"], ["y"]),
]
save("computed", nodes, [("x", [4, 3])], ["y"], {}, [x], [x.reshape(6, 2)])

# Sizes that depend on values, and what is computed from them.
x = np.array([[0, 1.5, 0], [-2, 0, np.nan]])
at = np.array(np.nonzero(x))
nodes = [
    h.make_node("NonZero", ["x"], ["n"]),
    h.make_node("Transpose", ["n"], ["t"]),
    h.make_node("Cast", ["t"], ["f"], to=T.FLOAT),
    h.make_node("Mul", ["f", "half"], ["y"]),
    h.make_node("Softmax", ["y"], ["p"], axis=0),
]
half = {"half": np.array(0.5, np.float32)}
y = at.T * 0.5
out = [at, at.T.astype(np.float32) / 2, (np.exp(y) / np.exp(y).sum(axis=0)).astype(np.float32)]
save("nonzero", nodes, [("x", [2, 3])], ["n", "y", "p"], half, [x], out)

# As files of 2017: IR version 3 with weights among the inputs, opset 6 with axis and broadcast.
x, b, c = uniform(2, 3, 4), uniform(3), uniform(4)
nodes = [
    h.make_node("Add", ["x", "b"], ["y"], broadcast=1, axis=1),
    h.make_node("Mul", ["y", "c"], ["z"], broadcast=1),
    h.make_node("Softmax", ["z"], ["p"]),
]
y = ((x + b[:, None]) * c).astype(np.float64)
e = np.exp(y - y.max(axis=(1, 2), keepdims=True))
out = [(e / e.sum(axis=(1, 2), keepdims=True)).astype(np.float32)]
weights = {"b": b, "c": c}
save("old", nodes, [("x", [2, 3, 4])], ["p"], weights, [x], out, opset=6, ir=3, extra="bc")

# f16 is computed as f32 and rounded once; integers and truth values; an output that is an input.
x, k = uniform(2, 3).astype(np.float16), np.array([[7, -7, 0]], np.int32)
nodes = [
    h.make_node("Mul", ["x", "x"], ["q"]),
    h.make_node("Div", ["k", "two"], ["d"]),
    h.make_node("Less", ["k", "d"], ["l"]),
    h.make_node("Equal", ["k", "d"], ["e"]),
    h.make_node("Or", ["l", "e"], ["o"]),
    h.make_node("Xor", ["o", "e"], ["u"]),
    h.make_node("Identity", ["k"], ["same"]),
    h.make_node("Constant", [], ["fixed"], value_floats=[1.0, 2.5]),
]
d = np.array([[3, -3, 0]], np.int32)
out = [(x.astype(np.float32) ** 2).astype(np.float16), d, k < d, k, np.float32([1, 2.5])]
two = {"two": np.array([2], np.int32)}
inputs, outputs = [("x", [2, 3]), ("k", [1, 3])], ["q", "d", "u", "same", "fixed"]
save("types", nodes, inputs, outputs, two, [x, k], out)

# Weights in a file of their own.
w = uniform(2, 2)
save("external", [h.make_node("MatMul", ["x", "w"], ["y"])], [("x", [1, 2])], ["y"], {"w": w},
     [uniform(1, 2)], [np.zeros((1, 2), np.float32)])
model = onnx.load("external.onnx")
y = np.load("external.in0.npy").astype(np.float64) @ w
np.save("external.out0.npy", y.astype(np.float32))
with open("external.bin", "wb") as f:
    f.write(b"#" * 3 + w.tobytes() + b"#")
t = model.graph.initializer[0]
t.ClearField("raw_data")
t.data_location = T.EXTERNAL
for key, value in ("location", "external.bin"), ("offset", "3"), ("length", "16"):
    t.external_data.add(key=key, value=value)
with open("external.onnx", "wb") as f:
    f.write(model.SerializeToString())

# Tensors in each way to store them; each holds 0, 1, 2, bool 0, 1, 1.
for name, code, field in (
    ("f32", T.FLOAT, "float_data"), ("f64", T.DOUBLE, "double_data"), ("i8", T.INT8, "int32_data"),
    ("i16", T.INT16, "int32_data"), ("i32", T.INT32, "int32_data"), ("i64", T.INT64, "int64_data"),
    ("u8", T.UINT8, "int32_data"), ("u16", T.UINT16, "int32_data"),
    ("u32", T.UINT32, "uint64_data"), ("u64", T.UINT64, "uint64_data"),
    ("bool", T.BOOL, "int32_data"), ("f16", T.FLOAT16, "int32_data"),
    ("bf16", T.BFLOAT16, "int32_data"),
):  # fmt: skip
    values = {"f16": [0, 0x3C00, 0x4000], "bf16": [0, 0x3F80, 0x4000], "bool": [0, 1, 1]}
    t = T(data_type=code, dims=[3])
    getattr(t, field).extend(values.get(name, [0, 1, 2]))
    with open(f"{name}.list.pb", "wb") as f:
        f.write(t.SerializeToString())
    raw = {"f16": np.uint16, "bf16": np.uint16}.get(name) or h.tensor_dtype_to_np_dtype(code)
    t = T(data_type=code, dims=[3], raw_data=np.array(values.get(name, [0, 1, 2]), raw).tobytes())
    with open(f"{name}.raw.pb", "wb") as f:
        f.write(t.SerializeToString())
