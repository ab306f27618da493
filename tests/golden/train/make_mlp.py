#!/usr/bin/env python3
"""Loss curves of a small MLP (12 - 16 relu - 16 tanh - 4 softmax) over 50 steps in PyTorch.

Needs torch and numpy, outside the repository:
    python make_mlp.py
writes mlp.safetensors (weights as Tarn names them, samples, labels) and mlp.json (losses before
each step). Gradients are autograd's; RMSprop is written out, because PyTorch's has its epsilon
outside the root.
"""
import json
import struct

import numpy as np
import torch

SAMPLES, BATCH, STEPS = 64, 16, 50
SIZES = [12, 16, 16, 4]


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, t in tensors.items():
        raw = t.tobytes()
        dtype = {"float32": "F32", "int32": "I32"}[str(t.dtype)]
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def make():
    rng = np.random.default_rng(11)
    t = {}
    for i, (n, m) in enumerate(zip(SIZES, SIZES[1:])):
        name = f"dense_{i}" if i else "dense"
        limit = np.sqrt(6 / (n + m))
        t[f"{name}/kernel"] = rng.uniform(-limit, limit, (n, m)).astype(np.float32)
        t[f"{name}/bias"] = rng.normal(0, 0.1, m).astype(np.float32)
    t["x"] = rng.normal(size=(SAMPLES, SIZES[0])).astype(np.float32)
    score = t["x"] @ rng.normal(size=(SIZES[0], SIZES[-1]))
    t["y"] = score.argmax(1).astype(np.int32)
    return t


def forward(w, x):
    h = torch.relu(x @ w[0] + w[1])
    h = torch.tanh(h @ w[2] + w[3])
    return h @ w[4] + w[5]


def sgd(w, g, state):
    return w - 0.1 * g


def rmsprop(w, g, state):
    v = state.get("v", torch.zeros_like(w))
    state["v"] = v = 0.9 * v + 0.1 * g * g
    return w - 0.01 * g / torch.sqrt(v + 1e-7)


def curve(t, update):
    w = [torch.tensor(v) for k, v in t.items() if "/" in k]
    states, losses = [{} for _ in w], []
    for step in range(STEPS):
        first = step * BATCH % SAMPLES
        x = torch.tensor(t["x"][first : first + BATCH])
        y = torch.tensor(t["y"][first : first + BATCH]).long()
        for p in w:
            p.requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(forward(w, x), y)
        grads = torch.autograd.grad(loss, w)
        losses.append(loss.item())
        with torch.no_grad():
            w = [update(p, g, s) for p, g, s in zip(w, grads, states)]
    return losses


def main():
    t = make()
    write_safetensors("mlp.safetensors", t)
    with open("mlp.json", "w") as f:
        f.write(f'{{"made_by": "torch {torch.__version__}",\n')
        f.write(f'"sgd": {json.dumps(curve(t, sgd))},\n')
        f.write(f'"rmsprop": {json.dumps(curve(t, rmsprop))}}}\n')


main()
