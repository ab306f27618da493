#!/usr/bin/env python3
"""Make the golden files of this folder: what every op must give, computed with NumPy.

    python3 -m venv V && V/bin/pip install numpy==2.4.6
    V/bin/python make.py

One text file a family of ops. A line is one of

    case OP WORDS...     begins a case; WORDS name it; "cpu" as first word: not for the device
                         "ref", whose elements are doubles and hold no integers beyond 2^53
    at KEY NUMBERS...    an attribute: axes (bit mask), keep, axis, trans_a, trans_b, perm, shape,
                         start, step, value, dtype (name), stream (name), rate, window (height,
                         width, step down, right, places down, right)
    in DTYPE SHAPE = V...       an operand, row-major
    in DTYPE SHAPE draw S L H   the same from the generator `draw` below: seed, low, high
    out DTYPE SHAPE = V...      the result

DTYPE f stands for f32 and for f64: then all operands are exact in f32. SHAPE is 2x3 or "scalar".
Results are computed from the exact operands: arithmetic and square roots, which IEEE defines to the
bit, in f64 (whose rounding to f32 is the right one for f32 operands, Figueroa 1995); all else in
long double (64 bits of mantissa), rounded once to f64; integers in Python's own. Where NumPy and
Tarn could differ by choice (which zero a maximum gives, NaN to integer), the formula of src/ops is
written out.
"""

import itertools
import math

import numpy as np

X = np.longdouble
out = None


def draw(seed, shape, low, high):
    """Numbers of a counter: murmur3's finalizer of seed * 0x9e3779b9 + i, scaled, as f32."""
    n = math.prod(shape)
    h = (np.arange(n, dtype=np.uint64) + np.uint64(seed * 0x9E3779B9)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        h ^= h >> np.uint64(shift)
        h = (h * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x = low + (high - low) * ((h >> np.uint64(8)).astype(np.float64) * 2.0**-24)
    return x.astype(np.float32).astype(np.float64).reshape(shape)


# ---- writing -------------------------------------------------------------------------------------

INTS = {"i32": np.int32, "i64": np.int64, "u32": np.uint32, "u8": np.uint8, "bool": np.uint8}


def dims(shape):
    return "x".join(map(str, shape)) if len(shape) else "scalar"


def number(v, dtype):
    if dtype in INTS:
        return str(int(v))
    v = float(v)
    short = v.is_integer() and abs(v) < 1e6 and (v or math.copysign(1, v) > 0)
    return str(int(v)) if short else repr(v)


class Drawn:
    def __init__(self, dtype, seed, shape, low, high):
        self.dtype, self.text = dtype, f"draw {seed} {low} {high}"
        self.value = draw(seed, shape, low, high)
        if dtype in INTS:
            self.value = np.floor(self.value).astype(INTS[dtype])


class Given:
    def __init__(self, dtype, value):
        self.dtype = dtype
        self.value = np.asarray(value, INTS.get(dtype, np.float64))
        self.text = "= " + " ".join(number(v, dtype) for v in self.value.ravel())


def case(op, name, operands, of, result, **at):
    out.write(f"case {op} {name}\n")
    for key, v in at.items():
        out.write(f"at {key} {' '.join(map(str, v)) if isinstance(v, (list, tuple)) else v}\n")
    for x in operands:
        out.write(f"in {x.dtype} {dims(x.value.shape)} {x.text}\n")
    result = np.asarray(result)
    values = " ".join(number(v, of) for v in result.ravel())
    out.write(f"out {of} {dims(result.shape)} = {values}\n")


def family(name):
    global out
    if out:
        out.close()
    out = open(f"{name}.txt", "w", encoding="ascii")


def f(shape, seed=1, low=-2, high=2):
    return Drawn("f", seed, shape, low, high)


def real(x):
    return x.value.astype(X) if x.dtype not in INTS else x.value


# Zeros of both signs, denormals, the ends of f32's range, infinities, NaN: exact in f32 and f64.
TINY, SMALL, BIG = 2.0**-149, 2.0**-126, (2 - 2.0**-23) * 2.0**127
EDGES = [0.0, -0.0, 1, -1, 1.5, -2.5, TINY, -TINY, SMALL, BIG, -BIG, math.inf, -math.inf, math.nan]
# The same for f64 alone.
EDGES64 = [
    0.0,
    -0.0,
    1,
    -3,
    5e-324,
    -5e-324,
    2.0**-1022,
    1.7976931348623157e308,
    math.inf,
    math.nan,
]
WIDE = {
    "i32": [0, 1, -1, 7, -7, 2147483647, -2147483648, 123456789, 40000],
    "i64": [0, 1, -1, 7, -7, 2**63 - 1, -(2**63), 2**53 + 1, 3037000500],
    "u32": [0, 1, 7, 2**32 - 1, 2**31, 40000],
    "u8": [0, 1, 7, 255, 128, 100],
}


def grid(dtype, values):
    """Each value with each: a column and a row."""
    v = np.asarray(values, INTS.get(dtype, np.float64))
    return Given(dtype, v[:, None]), Given(dtype, v[None, :])


# ---- element-wise, two operands ------------------------------------------------------------------


def wrap(v, dtype):
    """Two's complement."""
    kind = np.iinfo(INTS[dtype])
    return (v - kind.min) % (kind.max - kind.min + 1) + kind.min


def quotient(a, b):
    """Towards zero; by zero: 0."""
    return 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


FLOAT = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "maximum": lambda a, b: np.where((a > b) | np.isnan(a), a, b),
    "minimum": lambda a, b: np.where((a < b) | np.isnan(a), a, b),
}
INTEGER = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": quotient,
    "maximum": max,
    "minimum": min,
}


def over_integers(fn, a, b, dtype):
    a, b = np.broadcast_arrays(a.value, b.value)
    values = [wrap(fn(int(p), int(q)), dtype) for p, q in zip(a.ravel(), b.ravel())]
    return np.array(values, object).reshape(a.shape)


SHAPES = [
    ((), ()),
    ((5,), (1,)),
    ((1,), (1,)),
    ((0,), (0,)),
    ((0, 3), (3,)),
    ((2, 0), (1, 1)),
    ((3, 4), (3, 4)),
    ((3, 1), ()),
    ((7, 1), (1, 9)),
    ((2, 3, 4), (4,)),
    ((2, 1, 3), (4, 1)),
]
DEEP = [
    ((2, 1, 3, 1), (3, 1, 2)),
    ((2, 1, 2, 1, 3), (1, 3, 1, 2, 1)),
    ((1, 2, 1, 3, 1, 2), (2, 1, 3, 1, 2, 1)),
    ((2, 1, 1, 1, 1, 1, 3), (2, 1, 1, 2, 1)),
    ((1, 2, 1, 2, 1, 2, 1, 2), (2, 1, 1, 1, 2, 1, 2, 1)),
]


def binary():
    family("binary")
    for op, fn in FLOAT.items():
        for i, (p, q) in enumerate(SHAPES + (DEEP if op == "sub" else [])):
            a, b = f(p, 2 * i + 1), f(q, 2 * i + 2)
            if i > 3 and op not in ("sub", "div") and math.prod(p) > 0:
                continue
            case(op, f"{dims(p)} {dims(q)}", [a, b], "f", fn(a.value, b.value))
        a, b = grid("f", EDGES)
        case(op, "edges", [a, b], "f", fn(a.value, b.value))
        a, b = grid("f64", EDGES64)
        case(op, "edges of f64", [a, b], "f64", fn(a.value, b.value))
    for op, fn in INTEGER.items():
        for dtype, values in WIDE.items():
            a, b = grid(dtype, values)
            name = "cpu wide" if dtype == "i64" else "wide"
            case(op, f"{name} {dtype}", [a, b], dtype, over_integers(fn, a, b, dtype))
        a, b = Given("i64", [2**50, -7, 9]), Given("i64", [3, 2, -4])
        case(op, "i64 within 2^53", [a, b], "i64", over_integers(fn, a, b, "i64"))


# ---- comparisons, logic, choice ------------------------------------------------------------------


def compare():
    family("compare")
    rules = {"equal": lambda a, b: a == b, "less": lambda a, b: a < b}
    for op, fn in rules.items():
        for dtype, values in [("f", EDGES), ("f64", EDGES64), ("bool", [0, 1]), *WIDE.items()]:
            a, b = grid(dtype, values)
            name = "cpu edges" if dtype == "i64" else "edges"
            case(op, f"{name} {dtype}", [a, b], "bool", fn(a.value, b.value))
        a, b = f((2, 1, 3)), f((4, 1), 2)
        case(op, "broadcast", [a, b], "bool", fn(a.value, b.value))
        case(op, "empty", [f((0, 3)), f((1, 3))], "bool", np.zeros((0, 3)))
    a, b = grid("bool", [0, 1])
    case("logical_and", "all", [a, b], "bool", a.value & b.value)

    def where(name, c, a, b):
        y = np.where(c.value, a.value, b.value)
        case("where", name, [c, a, b], a.dtype, y)

    bits = Given("bool", [[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 0, 0]])
    where("same shapes", bits, f((3, 4)), f((3, 4), 2))
    where("what is not taken does not matter", bits, f((4,)), Given("f", math.nan))
    where("zeros keep their sign", Given("bool", [0, 1]), Given("f", 0.0), Given("f", -0.0))
    where("three shapes", Given("bool", [[[1]], [[0]]]), f((3, 1)), f((4,), 2))
    where("one", Given("bool", 1), f(()), f((), 2))
    where("empty", Given("bool", np.zeros((0, 1))), f((3,)), f((0, 3)))
    for dtype, values in WIDE.items():
        a, b = grid(dtype, values[:4])
        where(f"{dtype}", Given("bool", [1, 0, 0, 1]), a, b)
    a, b = grid("bool", [0, 1])
    where("bool", Given("bool", [1, 0]), a, b)


# ---- element-wise, one operand -------------------------------------------------------------------


def unary():
    family("unary")
    rules = {
        "neg": np.negative,
        "abs": np.abs,
        "exp": np.exp,
        "log": np.log,
        "sqrt": np.sqrt,
        "tanh": np.tanh,
    }
    for op, fn in rules.items():
        positive = op in ("log", "sqrt")
        exact = op in ("neg", "abs", "sqrt")

        def apply(x, fn=fn, exact=exact):
            return fn(x.value if exact else real(x))

        for i, shape in enumerate([(), (1,), (0,), (0, 3), (17,), (2, 3, 5)]):
            x = f(shape, i + 1, 0.25 if positive else -2, 4)
            case(op, dims(shape), [x], "f", apply(x))
        x = Given("f", EDGES)
        case(op, "edges", [x], "f", apply(x))
        x = Given("f64", EDGES64)
        case(op, "edges of f64", [x], "f64", apply(x))
        x = f((60,), 9, 0 if positive else -100, 100)
        case(op, "far", [x], "f", apply(x))
    # around overflow, underflow, and where tanh becomes 1
    x = Given(
        "f", [88.5, 88.71875, 88.75, 89, 90, 1e30, -87, -87.5, -100, -103, -103.5, -104, -1e30]
    )
    case("exp", "ends of f32", [x], "f", np.exp(real(x)))
    x = Given(
        "f64", [709, 709.7, 709.8, 710, 1e300, -708, -708.5, -740, -745, -745.2, -746, -1e300]
    )
    case("exp", "ends of f64", [x], "f64", np.exp(real(x)))
    near = [1 + k * 2.0**-20 for k in (-3, -2, -1, 0, 1, 2, 3)]
    x = Given("f", np.float32([*near, 0.5, 0.75, 2, 1e-30, 1e30]))
    case("log", "near 1", [x], "f", np.log(real(x)))
    x = np.float32([1e-30, 1e-10, 1e-4, 0.0625, 0.5, 0.625, 0.6250001, 1, 8, 9, 9.5, 19, 22])
    x = Given("f", np.concatenate([x, -x]))
    case("tanh", "both branches", [x], "f", np.tanh(real(x)))
    for dtype in ("i32", "i64"):
        x = Given(dtype, WIDE[dtype])
        for op, fn in (("neg", lambda v: -v), ("abs", abs)):
            y = [wrap(fn(int(v)), dtype) for v in x.value]
            name = "cpu wide" if dtype == "i64" else "wide"
            case(op, f"{name} {dtype}", [x], dtype, np.array(y, object))


# ---- casts ---------------------------------------------------------------------------------------


def cast_value(v, source, target):
    if target == "bool":
        return int(v != 0)  # NaN is not 0
    if target in INTS:
        kind = np.iinfo(INTS[target])
        if source in INTS:
            return wrap(int(v), target)
        if math.isnan(v):
            return 0
        return kind.max if v >= kind.max else kind.min if v <= kind.min else math.trunc(v)
    if target == "f32":
        with np.errstate(over="ignore"):
            return float(np.asarray(v, INTS.get(source, np.float64)).astype(np.float32))
    return float(v)


def cast():
    family("cast")
    floats = [
        0.0,
        -0.0,
        0.99,
        -0.99,
        1.5,
        -1.5,
        2.9,
        -2.9,
        255.5,
        256,
        -128.9,
        2147483647,
        2147483648,
        -2147483648,
        -2147483904,
        4294967040,
        4294967296,
        1e10,
        -1e10,
        1e19,
        -1e19,
        1e20,
        1e30,
        TINY,
        -TINY,
        BIG,
        math.inf,
        -math.inf,
        math.nan,
    ]
    floats = list(np.float32(floats).astype(np.float64))
    doubles = [
        0.1,
        -0.1,
        2147483647.5,
        -2147483648.5,
        4294967295.5,
        9.3e18,
        1e40,
        -1e40,
        1e-46,
        5e-324,
        3.4028235677973366e38,
        3.402823567797336e38,
        1 + 2.0**-24,
        1 + 3 * 2.0**-24,
    ]
    for source, values in (("f32", floats), ("f64", floats + doubles)):
        for target in ("f32", "f64", *INTS):
            if target != source:
                y = [cast_value(v, source, target) for v in values]
                case(
                    "cast",
                    f"{source} to {target}",
                    [Given(source, values)],
                    target,
                    np.array(y, object),
                    dtype=target,
                )
    sources = dict(WIDE)
    sources["i32"] = WIDE["i32"] + [16777217, -16777219, 255, 256, -129]
    sources["u32"] = WIDE["u32"] + [16777217, 4294967167, 4294967168]
    sources["bool"] = [0, 1]
    for source, values in sources.items():
        for target in ("f32", "f64", *INTS):
            if target != source:
                y = [cast_value(v, source, target) for v in values]
                name = "cpu " if source == "i64" else ""
                case(
                    "cast",
                    f"{name}{source} to {target}",
                    [Given(source, values)],
                    target,
                    np.array(y, object),
                    dtype=target,
                )
    case("cast", "empty", [f((0, 2))], "i32", np.zeros((0, 2)), dtype="i32")


# ---- from the index ------------------------------------------------------------------------------


def philox(key, low, high):
    """Philox 4x32-10 (Salmon et al. 2011, section 3.3): four words of a 128-bit counter."""
    c = [low & 0xFFFFFFFF, low >> 32, high & 0xFFFFFFFF, high >> 32]
    k = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        p, q = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(q >> 32) ^ c[1] ^ k[0], q & 0xFFFFFFFF, (p >> 32) ^ c[3] ^ k[1], p & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


STORE_SEED = 7  # of the store the test makes


def random_bits(shape, stream, step):
    """src/ops/generate/index.c: word (i / 16) % 4 of the block (i / 64) * 16 + i % 16."""
    name = 0xCBF29CE484222325  # FNV-1a
    for byte in stream.encode():
        name = ((name ^ byte) * 0x100000001B3) & (2**64 - 1)
    words = [
        philox(STORE_SEED ^ name, i // 64 * 16 + i % 16, step)[i // 16 % 4]
        for i in range(math.prod(shape))
    ]
    return np.array(words, np.uint32).reshape(shape)


def index():
    assert philox(0, 0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]  # authors' test
    family("index")
    for shape in [(1,), (0,), (5,), (2, 3), (3, 0), (2, 1, 3), (2, 1, 1, 2, 1, 1, 1, 3)]:
        for axis in range(len(shape)):
            y = np.broadcast_to(
                np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))]),
                shape,
            )
            case("iota", f"{dims(shape)} along {axis}", [], "i32", y, shape=shape, axis=axis)
    for shape, stream, step in [
        ((), "a", 0),
        ((1,), "a", 1),
        ((100,), "a", 0),
        ((3, 50), "mask", 5),
        ((0, 2), "a", 0),
        ((9, 15), "mask", 2**40 + 3),
    ]:
        step_in = Given("i64", step)
        case(
            "random_bits",
            f"{dims(shape)} {stream} step {step}",
            [step_in],
            "u32",
            random_bits(shape, stream, step),
            shape=shape,
            stream=stream,
        )
    for rate in (0, 0.25, 0.9):
        x = f((5, 33), 3)
        cut = math.floor(rate * 2**32)
        dropped = random_bits((5, 33), "drop", 0) < cut
        y = np.where(dropped, X(0), real(x) / (1 - X(rate)))
        case("dropout", f"rate {rate}", [x], "f", y, rate=rate, stream="drop")


# ---- reductions ----------------------------------------------------------------------------------


def axes_of(mask, rank):
    return tuple(i for i in range(rank) if mask >> i & 1)


def reduced(op, fn, name, x, mask, keep, dtype="f"):
    with np.errstate(invalid="ignore"):
        y = fn(real(x), axis=axes_of(mask, x.value.ndim), keepdims=bool(keep))
    case(
        op,
        f"{name} axes {mask:#x}{' keep' if keep else ''}",
        [x],
        dtype,
        y,
        axes=mask,
        keep=int(keep),
    )


def mean(v, axis, keepdims):
    with np.errstate(invalid="ignore"):
        return v.sum(axis=axis, keepdims=keepdims) / X(math.prod(v.shape[i] for i in axis))


def largest(v, axis, keepdims):
    """Of nothing: minus infinity."""
    return np.max(v, axis=axis, keepdims=keepdims, initial=-np.inf)


def argmax(v):
    """NumPy's: the first of equals, the first NaN."""
    return np.argmax(v, axis=-1).astype(np.int32)


def reduce():
    family("reduce")
    for op, fn in (("sum", np.sum), ("max", largest), ("mean", mean)):
        for mask in range(1, 16, 1 if op == "sum" else 2):
            reduced(op, fn, "2x3x2x4", f((2, 3, 2, 4), mask), mask, mask % 3 == 0)
        for shape, mask in [
            ((1,), 1),
            ((17,), 1),
            ((16,), 1),
            ((3, 0), 1),
            ((0, 3), 2),
            ((0, 3), 3),
            ((5, 1), 2),
            ((1, 5), 1),
            ((40, 3), 1),
            ((3, 33), 2),
            ((2, 1, 2, 1, 3, 1, 2, 2), 0b01010101),
            ((2, 1, 2, 1, 3, 1, 2, 2), 0b10010110),
        ]:
            reduced(op, fn, dims(shape), f(shape, 4), mask, 0)
        if op != "mean":
            for shape, mask in [
                ((0,), 1),
                ((3, 0), 2),
                ((0, 3), 1),
                ((2, 0, 3), 2),
                ((2, 0, 3), 7),
            ]:
                reduced(op, fn, f"of nothing {dims(shape)}", f(shape), mask, 0)
        # chunks of 4096, their ends, and more than 16 of them
        for shape, mask in [
            ((4095,), 1),
            ((4096,), 1),
            ((4097,), 1),
            ((8193,), 1),
            ((70001,), 1),
            ((2, 5000), 2),
            ((5000, 3), 1),
            ((9001, 2), 1),
            ((4099, 2), 3),
            ((2, 4100, 3), 2),
            ((70001, 2), 1),
        ]:
            reduced(op, fn, f"long {dims(shape)}", f(shape, 5), mask, 0)
        rows = [
            [1, math.nan, 2],
            [math.inf, 1, 2],
            [-math.inf, 1, math.inf],
            [-0.0, -0.0, -0.0],
            [-math.inf, -math.inf, -math.inf],
            [BIG, BIG, -1],
        ]
        for mask in (1, 2):
            some = rows[:-1] if op == "mean" else rows  # a mean overflows as its sum does
            x = Given("f", some if mask == 2 else np.array(some).T)
            y = fn(real(x), axis=axes_of(mask, 2), keepdims=False)
            y = y if op == "max" else y + X(0)  # a sum begins with +0
            case(op, f"edges axes {mask}", [x], "f", y, axes=mask, keep=0)
    for dtype in ("i32", "i64"):
        for mask in (1, 2, 3):
            x = Given(dtype, [WIDE[dtype][:5], WIDE[dtype][4:]])
            v = x.value.astype(object)
            name = "cpu wide" if dtype == "i64" else "wide"
            y = np.sum(v, axis=axes_of(mask, 2))
            y = np.vectorize(lambda s: wrap(s, dtype), otypes=[object])(y)
            case("sum", f"{name} {dtype} axes {mask}", [x], dtype, y, axes=mask, keep=0)
            y = np.max(v, axis=axes_of(mask, 2))
            case("max", f"{name} {dtype} axes {mask}", [x], dtype, y, axes=mask, keep=0)
    for shape in [(1,), (17,), (5, 1), (3, 40), (2, 3, 4), (0, 3), (2, 5000)]:
        x = f(shape, 6)
        case("argmax", dims(shape), [x], "i32", argmax(x.value), axes=1 << len(shape) - 1)
    x = Given(
        "f",
        [
            [1, 3, 3, 2],
            [math.nan, 1, math.nan, 2],
            [1, math.inf, math.nan, math.inf],
            [-math.inf] * 4,
            [-0.0, 0.0, -0.0, 0.0],
            [BIG, math.inf, math.inf, 0],
        ],
    )
    case("argmax", "ties and NaN", [x], "i32", argmax(x.value), axes=2)
    x = Drawn("f", 8, (2, 9000), 0, 1)
    x.value = draw(8, (2, 9000), 0, 1)
    case("argmax", "long 2x9000", [x], "i32", argmax(x.value), axes=2)


# ---- contraction ---------------------------------------------------------------------------------


def dot():
    family("dot")
    sizes = [
        (1, 1, 1),
        (3, 4, 5),
        (13, 1, 17),
        (1, 7, 1),
        (1, 600, 33),
        (6, 513, 17),
        (2, 1025, 3),
        (7, 16, 16),
        (5, 3, 0),
        (0, 3, 5),
        (3, 0, 5),
    ]
    for (m, k, n), ta, tb in itertools.product(sizes, (0, 1), (0, 1)):
        a, b = f((k, m) if ta else (m, k), 1), f((n, k) if tb else (k, n), 2)
        y = (real(a).T if ta else real(a)) @ (real(b).T if tb else real(b))
        case(
            "dot",
            f"{m}x{k}x{n} {'t' if ta else 'n'}{'t' if tb else 'n'}",
            [a, b],
            "f",
            y,
            trans_a=ta,
            trans_b=tb,
        )
    a = Given("f", [[math.inf, 1], [0, 2], [math.nan, 0], [-0.0, 0.0]])
    b = Given("f", [[0, 1, -0.0], [1, 2, -0.0]])
    y = [[math.nan, math.inf, math.nan], [2, 4, 0], [math.nan, math.nan, math.nan], [0, 0, 0]]
    case("dot", "edges", [a, b], "f", y, trans_a=0, trans_b=0)


# ---- shape ---------------------------------------------------------------------------------------


def shape():
    family("shape")
    for source, target in [
        ((3, 4), (12,)),
        ((12,), (2, 3, 2)),
        ((2, 3, 4), (4, 6)),
        ((), (1, 1)),
        ((1,), ()),
        ((0, 3), (5, 0)),
        ((2, 3), (1, 2, 1, 3, 1)),
        ((4, 3), (2, 1, 2, 1, 1, 3, 1, 1)),
    ]:
        x = f(source)
        case(
            "reshape",
            f"{dims(source)} to {dims(target)}",
            [x],
            "f",
            x.value.reshape(target),
            shape=target,
        )
    for source, perm in [
        ((3, 4), (1, 0)),
        ((3, 4), (0, 1)),
        ((17,), (0,)),
        ((0, 3), (1, 0)),
        ((2, 3, 4), (2, 0, 1)),
        ((2, 3, 4), (1, 0, 2)),
        ((2, 1, 3, 2), (3, 1, 0, 2)),
        ((2, 1, 2, 3, 1, 2, 1, 2), (7, 2, 0, 5, 4, 3, 6, 1)),
        ((20, 35), (1, 0)),
    ]:
        x = f(source)
        y = x.value.transpose(perm)
        case("transpose", f"{dims(source)} by {dims(perm)}", [x], "f", y, perm=perm)
    for source, target in [
        ((), (2, 3)),
        ((1,), (5,)),
        ((3, 1), (3, 4)),
        ((1, 4), (3, 4)),
        ((4,), (2, 3, 4)),
        ((1, 3, 1), (2, 3, 2)),
        ((1,), (0,)),
        ((3,), (0, 3)),
        ((2, 1), (1, 1, 2, 1, 1, 1, 2, 3)),
        ((3,), (3,)),
    ]:
        x = f(source)
        case(
            "broadcast_to",
            f"{dims(source)} to {dims(target)}",
            [x],
            "f",
            np.broadcast_to(x.value, target),
            shape=target,
        )
    for source, start, step, size in [
        ((3, 4), (1, 1), (1, 1), (2, 3)),
        ((17,), (2,), (3,), (5,)),
        ((17,), (16,), (1,), (1,)),
        ((2, 3, 4), (1, 0, 0), (1, 2, 3), (1, 2, 2)),
        ((2, 3, 4), (0, 2, 1), (2, 1, 2), (1, 1, 2)),
        ((4, 6, 5), (0, 1, 0), (1, 2, 1), (4, 3, 5)),
        ((3, 1, 40), (0, 0, 7), (2, 5, 1), (2, 1, 33)),
        (
            (2, 1, 2, 3, 1, 2, 1, 5),
            (1, 0, 0, 0, 0, 1, 0, 1),
            (1,) * 7 + (3,),
            (1, 1, 2, 3, 1, 1, 1, 2),
        ),
    ]:
        x = f(source)
        y = x.value[tuple(slice(a, a + (n - 1) * b + 1, b) for a, b, n in zip(start, step, size))]
        case(
            "slice",
            f"{dims(source)} from {dims(start)} by {dims(step)}",
            [x],
            "f",
            y,
            start=start,
            step=step,
            shape=size,
        )
    for source, start, step, target, value in [
        ((3, 4), (1, 1), (1, 1), (5, 6), 0),
        ((3, 4), (0, 2), (1, 1), (3, 6), -math.inf),
        ((17,), (2,), (3,), (53,), 0.25),
        ((2, 3, 4), (1, 0, 0), (1, 2, 3), (4, 5, 12), -1.5),
        ((1, 1), (2, 0), (9, 7), (3, 4), 7),
        ((4, 3, 5), (0, 1, 0), (1, 2, 1), (4, 6, 5), 0),
        ((2, 1, 2, 3, 1, 2, 1, 2), (1,) + (0,) * 7, (1,) * 7 + (2,), (4, 1, 2, 3, 1, 2, 1, 3), 0),
    ]:
        x = f(source)
        y = np.full(target, float(value))
        y[tuple(slice(a, a + (n - 1) * b + 1, b) for a, b, n in zip(start, step, source))] = x.value
        case(
            "pad",
            f"{dims(source)} from {dims(start)} by {dims(step)}",
            [x],
            "f",
            y,
            start=start,
            step=step,
            shape=target,
            value=value,
        )
    for dtype in ("i32", "i64", "u32", "u8"):
        x = Given(dtype, np.array(WIDE[dtype][:6]).reshape(2, 3))
        name = "cpu i64" if dtype == "i64" else dtype
        y = np.zeros((2, 6), INTS[dtype])
        y[:, 1:6:2] = x.value
        case("pad", name, [x], dtype, y, start=(0, 1), step=(1, 2), shape=(2, 6))
        case("slice", name, [x], dtype, x.value[1:, ::2], start=(1, 0), step=(1, 2), shape=(1, 2))
    for dtype, values in [*WIDE.items(), ("bool", [0, 1, 1, 0, 1, 0])]:
        x = Given(dtype, np.array(values[:6]).reshape(2, 3))
        name = "cpu i64" if dtype == "i64" else dtype
        case("transpose", name, [x], dtype, x.value.T, perm=(1, 0))
        case("broadcast_to", name, [x], dtype, np.broadcast_to(x.value, (2, 2, 3)), shape=(2, 2, 3))
        case("reshape", name, [x], dtype, x.value.reshape(3, 2), shape=(3, 2))
    x = Given("f", EDGES)
    case("reshape", "edges", [x], "f", x.value.reshape(2, 7), shape=(2, 7))
    case("broadcast_to", "edges", [x], "f", np.broadcast_to(x.value, (2, 14)), shape=(2, 14))


# ---- composites ----------------------------------------------------------------------------------


def softmax(v):
    e = np.exp(v - v.max(-1, keepdims=True, initial=-np.inf))
    return e / e.sum(-1, keepdims=True)


def cross_entropy(v, labels):
    m = v.max(-1, keepdims=True)
    e = np.log(np.exp(v - m).sum(-1))
    return np.array(
        [
            e[i] - (v[i, l] - m[i, 0]) if 0 <= l < v.shape[1] else X("nan")
            for i, l in enumerate(labels)
        ]
    )


def pool(x, kh, kw, sh, sw):
    """Maximum and place of the first maximum of each window of x [n,h,w,c]."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (1, 2))[:, ::sh, ::sw]
    flat = windows.reshape(*windows.shape[:4], kh * kw)
    return flat.max(-1), flat.argmax(-1)


def pooling():
    for shape, window in [
        ((2, 6, 6, 3), (2, 2, 2, 2)),
        ((1, 7, 5, 17), (2, 2, 2, 2)),
        ((2, 9, 8, 4), (3, 2, 3, 2)),
        ((2, 9, 8, 4), (3, 3, 2, 2)),
        ((1, 8, 8, 1), (3, 4, 1, 2)),
        ((1, 7, 7, 2), (7, 7, 7, 7)),
        ((2, 3, 4, 5), (1, 1, 2, 3)),
    ]:
        x = f(shape, 5)
        ties = Given("f", np.round(f(shape, 6).value) + 0.0)  # no -0
        for name, v in [("", x), (" ties", ties)]:
            y, where = pool(v.value, *window)
            at = (*window, *y.shape[1:3])
            words = f"{dims(shape)} {dims(window)}{name}"
            case("max_pool2d", words, [v], "f", y, window=at)
            case("max_pool2d_index", words, [v], "u8", where, window=at)
    rows = np.array([[-math.inf, -math.inf, 1, math.nan, 3, 3, BIG, math.inf]] * 2)
    x = Given("f", rows[None, :, :, None])
    case("max_pool2d", "edges", [x], "f", pool(x.value, 2, 2, 2, 2)[0], window=(2, 2, 2, 2, 1, 4))


def composite():
    family("composite")
    rules = {
        "square": lambda v: v * v,
        "relu": lambda v: np.where((v > 0) | np.isnan(v), v, 0.0),
        "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
        "stop_gradient": lambda v: v,
    }

    def apply(x, fn):
        return fn(real(x) if fn is rules["sigmoid"] else x.value)

    for op, fn in rules.items():
        for i, s in enumerate([(), (1,), (0, 2), (17,), (2, 3, 5)]):
            x = f(s, i + 1, -6, 6)
            case(op, dims(s), [x], "f", apply(x, fn))
        x = Given("f", EDGES)
        case(op, "edges", [x], "f", apply(x, fn))
        x = f((40,), 3, -120, 120)
        case(op, "far", [x], "f", apply(x, fn))
    for s in [(1,), (17,), (3, 1), (40, 10), (2, 3, 5), (0, 3), (3, 4100)][:-1]:
        x = f(s, 2, -8, 8)
        case("softmax", dims(s), [x], "f", softmax(real(x)))
    rows = [
        [1000, 1001, 1002],
        [-1000, 0, 1000],
        [-math.inf, 0, 0],
        [-math.inf] * 3,
        [math.inf, 0, 1],
        [math.nan, 0, 1],
        [0.0, -0.0, 0],
        [BIG, -BIG, 0],
    ]
    x = Given("f", rows)
    case("softmax", "edges", [x], "f", softmax(real(x)))
    for n, c in [(1, 1), (3, 4), (40, 10), (2, 1), (5, 4100)]:
        x = f((n, c), 2, -8, 8)
        labels = Drawn("i32", 3, (n,), 0, c)
        case(
            "softmax_cross_entropy",
            f"{n}x{c}",
            [x, labels],
            "f",
            cross_entropy(real(x), labels.value),
        )
    x = f((6, 3), 4)
    labels = Given("i32", [-1, 3, 2147483647, -2147483648, 0, 2])
    case(
        "softmax_cross_entropy",
        "label out of range",
        [x, labels],
        "f",
        cross_entropy(real(x), labels.value),
    )
    x, labels = Given("f", rows), Given("i32", [0, 2, 0, 1, 0, 1, 2, 0])
    case("softmax_cross_entropy", "edges", [x, labels], "f", cross_entropy(real(x), labels.value))
    case("softmax_cross_entropy", "empty", [f((0, 3)), Given("i32", [])], "f", np.zeros(0))
    pooling()


if __name__ == "__main__":
    assert np.finfo(X).nmant == 63, "long double of 64 bits is needed (x86)"
    with np.errstate(all="ignore"):
        for make in (binary, compare, unary, cast, index, reduce, dot, shape, composite):
            make()
    out.close()
