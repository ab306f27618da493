#!/usr/bin/env python3
"""Golden numbers of the optimizers: several steps of Keras 3 on a small vector.

Needs keras 3 with the torch backend, outside the repository:
    KERAS_BACKEND=torch python make_optimizers.py > optimizers.json
The gradients are given, so that only the update is compared.
"""
import json

import keras
import numpy as np

CASES = [
    ("sgd", {}),
    ("sgd", {"learning_rate": 0.5}),
    ("sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("sgd", {"learning_rate": 0.1, "momentum": 0.5, "weight_decay": 0.01}),
    ("rmsprop", {}),
    ("rmsprop", {"learning_rate": 0.01, "rho": 0.8, "epsilon": 1e-3}),
    ("rmsprop", {"learning_rate": 0.01, "momentum": 0.9}),
    ("rmsprop", {"learning_rate": 0.01, "centered": True, "epsilon": 1e-4}),
    ("rmsprop", {"learning_rate": 0.01, "centered": True, "momentum": 0.5, "epsilon": 1e-4}),
    ("adam", {}),
    ("adam", {"learning_rate": 0.1, "epsilon": 1e-8}),
    ("adam", {"learning_rate": 0.05, "beta_1": 0.5, "beta_2": 0.9, "weight_decay": 0.004}),
    ("adadelta", {}),
    ("adadelta", {"learning_rate": 1.0, "rho": 0.9}),
]
CLASSES = {
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adadelta": keras.optimizers.Adadelta,
}
STEPS, N = 6, 5


def floats(x):
    return [float(v) for v in np.asarray(x, dtype=np.float32)]


def run(name, options, start, grads):
    w = keras.Variable(start, name="w")
    optimizer = CLASSES[name](**options)
    after = []
    for g in grads:
        optimizer.apply([keras.ops.convert_to_tensor(g)], [w])
        after.append(floats(keras.ops.convert_to_numpy(w)))
    return {"optimizer": name, "options": options, "w": after}


def main():
    rng = np.random.default_rng(7)
    start = rng.normal(size=N).astype(np.float32)
    # From tiny to large, and a zero: where epsilon stands shows at the small ones.
    grads = (rng.normal(size=(STEPS, N)) * [1e-4, 1e-2, 1, 10, 0]).astype(np.float32)
    cases = [run(name, options, start, grads) for name, options in CASES]
    print(f'{{"made_by": "keras {keras.__version__}, backend {keras.backend.backend()}",')
    print(f'"start": {json.dumps(floats(start))},')
    print(f'"gradients": {json.dumps([floats(g) for g in grads])},')
    print('"cases": [')
    print(",\n".join(json.dumps(c) for c in cases))
    print("]}")


main()
