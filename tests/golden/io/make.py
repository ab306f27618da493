"""Make the golden files of this folder with tools that are not Tarn.

    python -m venv V && V/bin/pip install numpy==2.4.6 safetensors==0.8.0 pillow==13.0.0
    V/bin/python make.py

Pictures come with what a reader must give for them, as IDX files written by `idx` below: NAME.1.idx
(grey) and NAME.3.idx (RGB). The lossless ones are computed from the pixels that went in, not read
back; Adam7 and 16 bit are written here because Pillow cannot.
"""

import csv
import gzip
import struct
import zlib

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

rng = np.random.default_rng(7)


def write(name, data):
    with open(name, "wb") as f:
        f.write(data)


def idx(a):
    return (
        struct.pack(">BBBB", 0, 0, 8, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes()
    )


def grey(rgb):
    r, g, b = (rgb[..., i].astype(np.uint32) for i in range(3))
    return ((19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16).astype(np.uint8)[..., None]


def expect(name, rgb, one=None):
    write(f"{name}.3.idx", idx(rgb.astype(np.uint8)))
    write(f"{name}.1.idx", idx(grey(rgb) if one is None else one.astype(np.uint8)))


def on_black(value, alpha):
    return (value.astype(np.uint32) * alpha + 127) // 255


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, interlace=0):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows), 9))
        + chunk(b"IEND", b"")
    )


# ---- IDX ----
tiny = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) * 10
write("tiny.idx", idx(tiny))
write("tiny.idx.gz", gzip.compress(idx(tiny), mtime=0))
half = len(idx(tiny)) // 2
write(
    "members.idx.gz",
    gzip.compress(idx(tiny)[:half], mtime=0) + gzip.compress(idx(tiny)[half:], mtime=0),
)
write("zeros.idx.gz", gzip.compress(idx(np.zeros((500, 400), np.uint8)), mtime=0))

# ---- CSV: Python's own writer, cells that need quotes ----
with open("tricky.csv", "w", newline="", encoding="utf-8") as f:
    csv.writer(f).writerows(
        [
            ["name", "note", "x"],
            ["a,b", 'say "hi"', 1],
            ["two\nlines", "", -2.5],
            ["cr\rlf", "ümlaut", 1e-30],
        ]
    )

# ---- safetensors: every dtype of numpy; metadata is ordered anew in each run ----
values = np.array([[0, 1, 2], [3, 100, 127]])
tensors = {t: values.astype(t) for t in ("f4 f8 f2 i1 i2 i4 i8 u1 u2 u4 u8".split())}
tensors["bool"] = values > 2
tensors["scalar"] = np.array(-1.5, dtype=np.float32)
tensors["empty"] = np.zeros((3, 0), dtype=np.float32)
save_file(tensors, "tiny.safetensors", metadata={"made by": "safetensors for Python", "ä": '"\\\n'})

# ---- PNG ----
h, w = 5, 7
rgb = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
alpha = rng.integers(0, 256, (h, w, 1), dtype=np.uint8)
g = rgb[..., :1]
Image.fromarray(rgb).save("rgb.png")
expect("rgb", rgb)
Image.fromarray(g[..., 0]).save("grey.png")
expect("grey", np.repeat(g, 3, 2), g)
Image.fromarray(np.concatenate([rgb, alpha], 2)).save("rgba.png")
expect("rgba", on_black(rgb, alpha))
Image.fromarray(np.concatenate([g, alpha], 2), "LA").save("grey_alpha.png")
expect("grey_alpha", np.repeat(on_black(g, alpha), 3, 2), on_black(g, alpha))
palette = Image.fromarray(rgb // 128 * 255).quantize(8)
palette.save("palette.png")
expect("palette", np.asarray(palette.convert("RGB")))
bits = g > 128
Image.fromarray(bits[..., 0]).save("one_bit.png")
expect("one_bit", np.repeat(bits * 255, 3, 2), bits * 255)
wide = rng.integers(0, 65536, (h, w, 1), dtype=np.uint16)
narrow = (wide.astype(np.uint32) * 255 + 32895) >> 16  # round(v / 257), as the PNG standard asks
write("grey16.png", png(w, h, 16, 0, [r.astype(">u2").tobytes() for r in wide[..., 0]]))
expect("grey16", np.repeat(narrow, 3, 2), narrow)
adam7 = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
]
passes = [rgb[y0::dy, x0::dx] for x0, y0, dx, dy in adam7]
write("adam7.png", png(w, h, 8, 2, [r.tobytes() for p in passes if p.size for r in p], interlace=1))
expect("adam7", rgb)
write("promise.png", png(30000, 2000, 8, 2, [bytes(9)]))  # a header that its data does not keep

# ---- JPEG: lossy, so what Pillow's libjpeg-turbo reads is the expectation ----
ramp = np.zeros((19, 24, 3), np.uint8)
ramp[..., 0] = np.arange(24) * 10
ramp[..., 1] = np.arange(19)[:, None] * 13
ramp[..., 2] = 90
for name, options in {"baseline": {}, "progressive": {"progressive": True}}.items():
    Image.fromarray(ramp).save(f"{name}.jpg", quality=90, **options)
    expect(name, np.asarray(Image.open(f"{name}.jpg")))
Image.fromarray(ramp[..., 0]).save("grey.jpg", quality=90)
read = np.asarray(Image.open("grey.jpg"))[..., None]
write("grey_jpg.1.idx", idx(read))
write("grey_jpg.3.idx", idx(np.repeat(read, 3, 2)))


def segment(marker, data):
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


# One grey block of 8 x 8, every coefficient in two scans of its own: 128 passes, all of them legal.
# All coefficients are 0, coded as the one symbol of each table: a 0 bit, then padding.
one_symbol = bytes([1] + [0] * 15 + [0])
passes = [(k, k, high, low) for high, low in ((0, 1), (1, 0)) for k in range(64)]
write(
    "scans.jpg",
    b"\xff\xd8"
    + segment(0xDB, bytes([0] + [1] * 64))
    + segment(0xC2, struct.pack(">BHHB3B", 8, 8, 8, 1, 1, 0x11, 0))
    + segment(0xC4, b"\x00" + one_symbol)
    + segment(0xC4, b"\x10" + one_symbol)
    + b"".join(
        segment(0xDA, bytes([1, 1, 0, first, last, high << 4 | low])) + b"\x7f"
        for first, last, high, low in passes
    )
    + b"\xff\xd9",
)
assert np.asarray(Image.open("scans.jpg")).tolist() == [[128] * 8] * 8
Image.fromarray(np.concatenate([ramp, ramp[..., :1]], 2), "CMYK").save("cmyk.jpg", quality=50)
