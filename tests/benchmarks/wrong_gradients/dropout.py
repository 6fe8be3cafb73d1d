"""A layer of sigmoid neurons with dropout by a fixed mask, and a linear output with the quadratic cost."""

import numpy as np

from autograd import Tensor, sigmoid
from wrong_gradients import Wrong


def f(w, v, x, y, mask):
    a = sigmoid(x @ w.T)
    d = a * mask / 0.8
    return np.sum((d @ v - y) ** 2) / (2 * len(x))


def example(seed=0):
    rng = np.random.default_rng(seed)
    mask = (rng.uniform(size=(6, 4)) < 0.8) * 1.0
    return (
        Tensor(rng.normal(size=(4, 3))),
        Tensor(rng.normal(size=4)),
        rng.normal(size=(6, 3)),
        rng.normal(size=6),
        mask,
    )


def vectorised(w, v, x, y, mask):
    a = 1 / (1 + np.exp(-x @ w.T))
    d = a * mask / 0.8
    error = (d @ v - y) / len(x)
    dv = d.T @ error
    da = np.outer(error, v) * mask / 0.8
    dz = da * a * (1 - a)
    dw = dz.T @ x
    return dw, dv


def differently(w, v, x, y, mask):
    dw, dv = np.zeros(w.shape), np.zeros(v.shape)
    for row, target, keep in zip(x, y, mask):
        a = 1 / (1 + np.exp(-(w @ row)))
        kept = np.where(keep > 0, a / 0.8, 0)
        error = kept @ v - target
        dv += error * kept / len(x)
        for j in range(4):
            if keep[j]:
                dw[j] += error * v[j] * a[j] * (1 - a[j]) * row / 0.8 / len(x)
    return dw, dv


NAMES = {"u1": "d", "u2": "error"}
WRONG = [
    Wrong(
        "the mask is forgotten backwards",
        {"np.outer(error, v) * mask / 0.8": "np.outer(error, v) / 0.8"},
        "delta",
        "missing",
        "mask",
    ),
    Wrong(
        "the scale is forgotten backwards",
        {"v) * mask / 0.8": "v) * mask"},
        "delta | dw",
        "missing | factor",
        "5/ | /5",
    ),
    Wrong("scaled the other way round", {"v) * mask / 0.8": "v) * mask * 0.8"}, "delta | dw", "factor", "5/ | /25"),
    Wrong(
        "the mask is forgotten in the forward pass",
        {"d = a * mask / 0.8": "d = a"},
        "dv | delta | error",
        "missing | factor | instead",
    ),
    Wrong("sigma' is forgotten", {"da * a * (1 - a)": "da"}, "delta", "missing", "a*(1-a)"),
    Wrong("half of sigma' is forgotten", {"da * a * (1 - a)": "da * a"}, "delta", "missing", "1-a"),
    Wrong("sigma' of what was dropped", {"da * a * (1 - a)": "da * d * (1 - d)"}, "delta", "instead | added", "a"),
    Wrong("the mean is forgotten", {" / len(x)": ""}, "delta | dv | error", "factor"),
    Wrong("target minus output", {"(d @ v - y)": "(y - d @ v)"}, "delta | dv", "sign", "-y | error"),
    Wrong(
        "the activation before dropout",
        {"d.T @ error": "a.T @ error"},
        "dv",
        "missing | instead",
        "mask | 5/ | distakenfora",
    ),
    Wrong("the weight is forgotten", {"np.outer(error, v) *": "error[:, None] *"}, "delta", "missing", "v"),
    Wrong(
        "the mask for the activation", {"da * a * (1 - a)": "da * mask * (1 - a)"}, "delta", "instead | missing", "a"
    ),
    Wrong("swapped", {"return dw, dv": "return dv, dw"}, says="swapped | another order"),
    Wrong("the target is forgotten", {"(d @ v - y)": "(d @ v)"}, "delta | dv | error", "missing", "y"),
    Wrong(
        "the scale twice", {"row / 0.8 / len(x)": "row / 0.8 / 0.8 / len(x)"}, "delta", "factor", style="differently"
    ),
    Wrong("only the last example counts", {"dv += ": "dv = "}, "dv", "sum", style="differently"),
    Wrong("dropped neurons learn", {"if keep[j]:": "if True:"}, "delta", "missing", "mask", style="differently"),
]
