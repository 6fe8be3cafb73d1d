"""Least squares: half the mean of the squared residuals of a line through data."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, b, x, y):
    return np.mean((x @ w + b - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=3)), Tensor(rng.normal()), rng.normal(size=(7, 3)), rng.normal(size=7)


def vectorised(w, b, x, y):
    residual = x @ w + b - y
    return x.T @ residual / len(x), np.mean(residual)


def differently(w, b, x, y):
    n, k = x.shape
    dw, db = np.zeros(k), 0.0
    for i in range(n):
        error = b - y[i]
        for j in range(k):
            error += x[i, j] * w[j]
        for j in range(k):
            dw[j] += error * x[i, j] / n
        db += error / n
    return dw, db


NAMES = {"u1": "residual"}
WRONG = [
    Wrong("the mean is forgotten in dw", {" / len(x)": ""}, "dw", "factor", "1/7"),
    Wrong("the mean is forgotten in db", {"np.mean(residual)": "np.sum(residual)"}, "db", "factor", "1/7"),
    Wrong("target minus output", {"x @ w + b - y": "y - x @ w - b"}, "residual | dw", "sign"),
    Wrong(
        "the square's 2 is kept",
        {"residual = ": "residual = 2 * ", "x @ w + b - y": "(x @ w + b - y)"},
        "residual",
        "factor",
    ),
    Wrong("the bias is forgotten", {"x @ w + b - y": "x @ w - y"}, "residual", "missing", "b"),
    Wrong("the sign of the bias", {"x @ w + b - y": "x @ w - b - y"}, "residual", "sign", "b"),
    Wrong("the target is added", {"x @ w + b - y": "x @ w + b + y"}, "residual", "sign", "y"),
    Wrong("the target is forgotten", {"x @ w + b - y": "x @ w + b"}, "residual", "missing", "y"),
    Wrong("divided by the features, not the examples", {"len(x)": "len(w)"}, "dw", "factor"),
    Wrong(
        "the chain rule is forgotten in dw",
        {"error * x[i, j] / n": "error / n"},
        "dw",
        "missing",
        "x",
        style="differently",
    ),
    Wrong("only the last example counts", {"db += error / n": "db = error / n"}, "db", "sum", style="differently"),
    Wrong("divided once more", {"db += error / n": "db += error / n / n"}, "db", "factor | sum", style="differently"),
    Wrong(
        "the gradients are swapped",
        {"x.T @ residual / len(x), np.mean(residual)": "np.mean(residual), x.T @ residual / len(x)"},
        says="swapped | another order",
    ),
    Wrong(
        "integer arrays",
        {
            "np.zeros(k), 0.0": "np.zeros(k, int), 0.0",
            "dw[j] += error * x[i, j] / n": "dw[j] += int(error * x[i, j] / n)",
        },
        says="int64",
        style="differently",
    ),
]
