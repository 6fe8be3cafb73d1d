"""Poisson regression: the mean negative log-likelihood of counts whose log rate is linear."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, b, x, y):
    eta = x @ w + b
    return np.mean(np.exp(eta) - y * eta)


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=3) / 2), Tensor(rng.normal() / 2), rng.normal(size=(8, 3)), rng.poisson(2.0, 8) * 1.0


def vectorised(w, b, x, y):
    rate = np.exp(x @ w + b)
    error = (rate - y) / len(y)
    dw = x.T @ error
    db = error.sum()
    return dw, db


def differently(w, b, x, y):
    dw, db = np.zeros(3), 0.0
    n = len(x)
    for i in range(n):
        eta = b + sum(w[j] * x[i, j] for j in range(3))
        for j in range(3):
            dw[j] += np.exp(eta) * x[i, j] / n
            dw[j] -= y[i] * x[i, j] / n
        db += (np.exp(eta) - y[i]) / n
    return dw, db


NAMES = {"u1": "eta"}
WRONG = [
    Wrong("target minus rate", {"(rate - y)": "(y - rate)"}, "dw | db | deta", "sign"),
    Wrong("the mean is forgotten", {" / len(y)": ""}, "dw | db | deta", "factor"),
    Wrong("the rate is forgotten", {"(rate - y)": "(-y)"}, "dw | db | deta", "missing", "exp"),
    Wrong("the count is forgotten", {"(rate - y)": "rate"}, "dw | db | deta", "missing", "y"),
    Wrong("exp is forgotten", {"np.exp(x @ w + b)": "x @ w + b"}, "dw | db | deta", "instead | missing", "exp"),
    Wrong("exp in the second term, too", {"(rate - y)": "(rate - y * rate)"}, "dw | db | deta", "added", "y"),
    Wrong("the log's derivative once more", {"(rate - y)": "(1 - y / rate)"}, "dw | db | deta", "factor | missing"),
    Wrong("the bias gets the mean", {"error.sum()": "error.mean()"}, "db", "sum | factor"),
    Wrong("the bias is forgotten", {"x @ w + b": "x @ w"}, "eta", "missing", "b"),
    Wrong("divided by the features", {"len(y)": "len(w)"}, "dw | db | deta", "factor"),
    Wrong("the mean only of the rates", {"y[i] * x[i, j] / n": "y[i] * x[i, j]"}, "dw", "factor", style="differently"),
    Wrong(
        "the input is forgotten in the second term",
        {"y[i] * x[i, j] / n": "y[i] / n"},
        "dw",
        "missing",
        "x",
        style="differently",
    ),
    Wrong("both terms have one sign", {"dw[j] -= ": "dw[j] += "}, "dw", "sign", style="differently"),
    Wrong("only the last example counts", {"db += ": "db = "}, "db", "sum", style="differently"),
    Wrong("the sign in exp", {"eta = b + sum(": "eta = b - sum("}, "eta", "sign", style="differently"),
]
