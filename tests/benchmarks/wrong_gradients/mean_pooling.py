"""The mean of every window of three of a sequence, then tanh, with the quadratic cost."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, x, y):
    p = np.mean(np.reshape(x, (4, 3)), axis=1)
    return np.sum((np.tanh(w * p) - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=4)), Tensor(rng.normal(size=12)), rng.normal(size=4)


def vectorised(w, x, y):
    p = x.reshape(4, 3).mean(axis=1)
    a = np.tanh(w * p)
    dz = (a - y) * (1 - a**2)
    dw = dz * p
    dx = np.repeat(dz * w, 3) / 3
    return dw, dx


def differently(w, x, y):
    dw, dx = np.zeros(4), np.zeros(12)
    for i in range(4):
        p = sum(x[3 * i : 3 * i + 3]) / 3
        a = np.tanh(w[i] * p)
        g = (a - y[i]) / np.cosh(w[i] * p) ** 2
        dw[i] = g * p
        for j in range(3 * i, 3 * i + 3):
            dx[j] += g * w[i] / 3
    return dw, dx


WRONG = [
    Wrong("target minus output", {"(a - y)": "(y - a)"}, "delta", "sign"),
    Wrong("tanh' is forgotten", {" * (1 - a**2)": ""}, "delta", "missing", "a2"),
    Wrong("plus in tanh'", {"(1 - a**2)": "(1 + a**2)"}, "delta", "sign", "a2"),
    Wrong("the square is forgotten", {"a**2": "a"}, "delta", "factor | missing", "a2"),
    Wrong("the mean is a sum in dx", {"np.repeat(dz * w, 3) / 3": "np.repeat(dz * w, 3)"}, "dx", "factor", "1/3"),
    Wrong("the mean is a sum in p", {"mean(axis=1)": "sum(axis=1)"}, "z | p | a", "sum | factor"),
    Wrong("the weight is forgotten", {"np.repeat(dz * w, 3)": "np.repeat(dz, 3)"}, "dx", "missing", "w"),
    Wrong("p for w", {"np.repeat(dz * w, 3)": "np.repeat(dz * p, 3)"}, "dx", "instead", "w"),
    Wrong("w for p", {"dw = dz * p": "dw = dz * w"}, "dw", "instead", "mean"),
    Wrong("p is forgotten", {"dw = dz * p": "dw = dz"}, "dw", "missing", "mean"),
    Wrong("tile for repeat", {"np.repeat(dz * w, 3)": "np.tile(dz * w, 3)"}, "dx", "order | transposed | instead"),
    Wrong(
        "cosh is not squared",
        {"np.cosh(w[i] * p) ** 2": "np.cosh(w[i] * p)"},
        "delta",
        "factor | instead | missing",
        style="differently",
    ),
    Wrong(
        "cosh of p", {"np.cosh(w[i] * p) ** 2": "np.cosh(p) ** 2"}, "delta", "missing | instead", style="differently"
    ),
    Wrong("the wrong pool", {"x[3 * i : 3 * i + 3]": "x[i : i + 3]"}, "z | p", "instead | order", style="differently"),
]
