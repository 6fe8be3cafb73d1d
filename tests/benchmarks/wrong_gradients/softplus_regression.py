"""A positive prediction, the softplus of a linear model, with the quadratic cost."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, b, x, y):
    p = np.log(1 + np.exp(x @ w + b))
    return np.mean((p - y) ** 2)


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=3)), Tensor(rng.normal()), rng.normal(size=(7, 3)), rng.uniform(0, 3, 7)


def vectorised(w, b, x, y):
    z = x @ w + b
    p = np.log(1 + np.exp(z))
    dp = 2 * (p - y) / len(y)
    dz = dp / (1 + np.exp(-z))
    dw = x.T @ dz
    db = np.sum(dz)
    return dw, db


def differently(w, b, x, y):
    dw, db = np.zeros(3), 0.0
    for row, target in zip(x, y):
        e = np.exp(row @ w + b)
        g = 2 / len(y) * (np.log1p(e) - target) * e / (1 + e)
        dw += g * row
        db += g
    return dw, db


NAMES = {"u1": "z", "u2": "error"}
WRONG = [
    Wrong("sigma is forgotten", {"dp / (1 + np.exp(-z))": "dp"}, "dz", "missing", "exp | σ"),
    Wrong(
        "the sign in sigma",
        {"np.exp(-z)": "np.exp(z)", "np.log(1 + np.exp(z))": "np.logaddexp(0, z)"},
        "dz",
        "sign | missing",
        "exp | z",
    ),
    Wrong(
        "sigma' for sigma", {"dp / (1 + np.exp(-z))": "dp * np.exp(-z) / (1 + np.exp(-z)) ** 2"}, "dz", "added | factor"
    ),
    Wrong("the square's 2 is forgotten", {"dp = 2 * ": "dp = "}, "dz", "factor"),
    Wrong("the mean is forgotten", {" / len(y)": ""}, "dz", "factor"),
    Wrong("target minus output", {"(p - y)": "(y - p)"}, "dz", "sign"),
    Wrong("the target is forgotten", {"(p - y)": "p"}, "dz | error", "missing", "y"),
    Wrong("z for p", {"(p - y)": "(z - y)"}, "dz | error", "instead | missing", "exp | z | 1"),
    Wrong("the bias gets the mean", {"np.sum(dz)": "np.mean(dz)"}, "db", "sum | factor"),
    Wrong("the error before the chain for the bias", {"np.sum(dz)": "np.sum(dp)"}, "db", "missing | instead"),
    Wrong("the bias is forgotten", {"x @ w + b": "x @ w"}, "z", "missing", "b"),
    Wrong("exp, not divided", {" / (1 + e)": ""}, "dz", "missing | instead", "1+exp | σ", style="differently"),
    Wrong("the 1 is forgotten", {"(1 + e)": "e"}, "dz", "missing", "1 | σ", style="differently"),
    Wrong("exp is forgotten", {"* e / (1 + e)": "/ (1 + e)"}, "dz", "missing | sign", "exp | z", style="differently"),
    Wrong("the log is forgotten", {"np.log1p(e)": "e"}, "dz | error", "instead | missing", style="differently"),
    Wrong("the input is forgotten", {"g * row": "g"}, "dw", "missing", "x", style="differently"),
]
