"""Write lstm.json: a layer of long short-term memory by PyTorch in f64, and its gradients.

loss = sum(y * r) over all hidden states y [n,t,h]; gradients of x, W, U, b and the first states.
W and U are the transposes of weight_ih and weight_hh, b their summed biases.
"""
import json
import pathlib

import torch

N, T, F, H = 3, 12, 5, 6


def main():
    torch.manual_seed(11)
    layer = torch.nn.LSTM(F, H, batch_first=True, dtype=torch.float64)
    x = torch.randn(N, T, F, dtype=torch.float64, requires_grad=True)
    h = torch.randn(1, N, H, dtype=torch.float64, requires_grad=True)
    c = torch.randn(1, N, H, dtype=torch.float64, requires_grad=True)
    r = torch.randn(N, T, H, dtype=torch.float64)
    y, _ = layer(x, (h, c))
    (y * r).sum().backward()
    parts = {
        "x": x, "w": layer.weight_ih_l0.T, "u": layer.weight_hh_l0.T,
        "b": layer.bias_ih_l0 + layer.bias_hh_l0, "h": h, "c": c, "r": r, "y": y,
        "dx": x.grad, "dw": layer.weight_ih_l0.grad.T, "du": layer.weight_hh_l0.grad.T,
        "db": layer.bias_ih_l0.grad, "dh": h.grad, "dc": c.grad,
    }
    out = {"torch": torch.__version__, "sizes": [N, T, F, H]}
    out.update({k: v.detach().flatten().tolist() for k, v in parts.items()})
    path = pathlib.Path(__file__).with_name("lstm.json")
    path.write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()
