"""Logistic regression: the mean cross-entropy of a sigmoid of weighted sums."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, b, x, y):
    p = 1 / (1 + np.exp(-(x @ w + b)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=3)), Tensor(rng.normal()), rng.normal(size=(8, 3)), rng.uniform(size=8)


def vectorised(w, b, x, y):
    p = 1 / (1 + np.exp(-(x @ w + b)))
    error = (p - y) / len(x)
    return x.T @ error, np.sum(error)


def differently(w, b, x, y):
    dw, db = np.zeros(len(w)), 0.0
    for row, target in zip(x, y):
        p = 1 / (1 + np.exp(-(np.dot(w, row) + b)))
        dp = (1 - target) / (1 - p) - target / p
        dz = dp * p * (1 - p)
        dw += dz * row
        db += dz
    return dw / len(x), db / len(x)


NAMES = {"u1": "z", "u2": "p"}
WRONG = [
    Wrong("target minus output", {"(p - y)": "(y - p)"}, "dz | dp | dw", "sign"),
    Wrong("the mean is forgotten", {" / len(x)": ""}, "dz | dp", "factor"),
    Wrong(
        "p (1 - p) is there once more",
        {"(p - y) / len(x)": "(p - y) * p * (1 - p) / len(x)"},
        "dz | dp",
        "added | missing | factor",
    ),
    Wrong("the bias is forgotten", {"(x @ w + b)": "x @ w"}, "z", "missing", "b"),
    Wrong("the sign in the exponent", {"np.exp(-(x @ w + b))": "np.exp(x @ w + b)"}, "p | z | dz", "sign"),
    Wrong("y for p", {"(p - y) / len(x)": "(y - y * p) / len(x)"}, "dz | dp", "instead", "p"),
    Wrong("the bias gets the mean", {"np.sum(error)": "np.mean(error)"}, "db", "sum | factor"),
    Wrong("the sigmoid is forgotten", {"1 / (1 + np.exp(-(x @ w + b)))": "x @ w + b"}, "p | dz", "instead | missing"),
    Wrong(
        "sigma' is forgotten",
        {"dp * p * (1 - p)": "dp"},
        "dz",
        "missing | factor | added",
        "p | exp | σ",
        style="differently",
    ),
    Wrong(
        "half of sigma' is forgotten",
        {"dp * p * (1 - p)": "dp * p"},
        "dz",
        "missing | factor | added",
        "p | exp | σ",
        style="differently",
    ),
    Wrong(
        "sigma' of p for p (1 - p)",
        {"dp * p * (1 - p)": "dp * p * p"},
        "dz",
        "instead | missing | factor",
        "p | exp | σ",
        style="differently",
    ),
    Wrong(
        "the second term is forgotten",
        {"(1 - target) / (1 - p) - target / p": "- target / p"},
        "dp | dz",
        "missing",
        style="differently",
    ),
    Wrong(
        "the sign of the second term",
        {"(1 - target) / (1 - p) - target / p": "-(1 - target) / (1 - p) - target / p"},
        "dp | dz",
        "sign",
        style="differently",
    ),
    Wrong("the input is forgotten", {"dz * row": "dz"}, "dw", "missing", "x", style="differently"),
    Wrong("only the last example counts", {"db += dz": "db = dz"}, "db", "sum", style="differently"),
]
