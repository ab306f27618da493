#!/usr/bin/env python3
"""Golden numbers of batch normalisation: training steps of PyTorch in f64.

Needs torch 2, outside the repository:
    python make_batch_norm.py > batch_norm.json
PyTorch's momentum is one minus Keras', and its moving variance is the unbiased one: here it is
averaged from the biased variance, as Keras does, beside PyTorch's own module, whose moving mean
must agree. Channels come last in the file and second in PyTorch.
"""
import json

import torch

STEPS, MOMENTUM, EPSILON = 3, 0.9, 1e-3
SHAPES = [(4, 3, 5, 2), (7, 6), (3, 1, 4, 1)]


def flat(t):
    return [float(f"{v:.17g}") for v in t.detach().double().flatten()]


def case(shape, seed):
    gen = torch.Generator().manual_seed(seed)
    c = shape[-1]
    kind = torch.nn.BatchNorm2d if len(shape) == 4 else torch.nn.BatchNorm1d
    layer = kind(c, eps=EPSILON, momentum=1 - MOMENTUM).double().train()
    gamma = torch.rand(c, generator=gen, dtype=torch.float64) + 0.5
    beta = torch.rand(c, generator=gen, dtype=torch.float64) - 0.5
    with torch.no_grad():
        layer.weight.copy_(gamma)
        layer.bias.copy_(beta)
    variance = torch.ones(c, dtype=torch.float64)
    steps = []
    for _ in range(STEPS):
        x = (torch.rand(shape, generator=gen, dtype=torch.float64) * 4 + 3).requires_grad_()
        dy = torch.rand(shape, generator=gen, dtype=torch.float64) - 0.5
        layer.zero_grad()
        y = layer(x.movedim(-1, 1)).movedim(1, -1)
        y.backward(dy)
        axes = tuple(range(len(shape) - 1))
        variance = variance * MOMENTUM + x.detach().var(axes, unbiased=False) * (1 - MOMENTUM)
        parts = {"x": x, "dy": dy, "y": y, "dx": x.grad, "dgamma": layer.weight.grad,
                 "dbeta": layer.bias.grad, "mean": x.mean(axes),
                 "variance": x.var(axes, unbiased=False), "moving_mean": layer.running_mean,
                 "moving_variance": variance}
        steps.append({k: flat(v) for k, v in parts.items()})
    return {"shape": shape, "gamma": flat(gamma), "beta": flat(beta), "steps": steps}


print(json.dumps({"momentum": MOMENTUM, "epsilon": EPSILON,
                  "cases": [case(s, i) for i, s in enumerate(SHAPES)]}))
