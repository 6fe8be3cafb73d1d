"""Softmax regression: the mean negative log of the probability of the right class."""

import numpy as np

from autograd import Tensor, log_softmax
from wrong_gradients import Wrong


def f(w, b, x, y):
    return -np.mean(np.sum(y * log_softmax(x @ w.T + b), axis=1))


def example(seed=0):
    rng = np.random.default_rng(seed)
    y = np.eye(4)[[0, 1, 2, 3, 1, 0]]
    return Tensor(rng.normal(size=(4, 3))), Tensor(rng.normal(size=4)), rng.normal(size=(6, 3)), y


def vectorised(w, b, x, y):
    z = x @ w.T + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    dz = (p - y) / len(x)
    return dz.T @ x, dz.sum(axis=0)


def differently(w, b, x, y):
    dw, db = np.zeros(w.shape), np.zeros(b.shape)
    for row, target in zip(x, y):
        z = w @ row + b
        p = np.exp(z) / np.sum(np.exp(z))
        dp = -target / p
        dz = (np.diag(p) - np.outer(p, p)) @ dp
        dw += np.outer(dz, row) / len(x)
        db += dz / len(x)
    return dw, db


NAMES = {"u1": "z", "u2": "logp"}
WRONG = [
    Wrong("target minus output", {"(p - y)": "(y - p)"}, "dz | dlogp", "sign"),
    Wrong("the mean is forgotten", {" / len(x)": ""}, "dz | dlogp", "factor"),
    Wrong("the mean is over the classes, too", {"len(x)": "x.size"}, "dz | dlogp", "factor", "3"),
    Wrong("the target is forgotten", {"(p - y)": "p"}, "dz", "missing", "y | dlogp"),
    Wrong("normalised over the wrong axis", {"e.sum(axis=1, keepdims=True)": "e.sum(axis=0)"}, "dz", "sum"),
    Wrong("exp is not normalised", {"e / e.sum(axis=1, keepdims=True)": "np.exp(z)"}, "dz", "missing | instead"),
    Wrong(
        "normalised over everything",
        {"e.sum(axis=1, keepdims=True)": "np.exp(z).sum()", "np.exp(z - z.max(axis=1, keepdims=True))": "np.exp(z)"},
        "dz",
        "sum",
    ),
    Wrong("p (1 - p) of a sigmoid", {"(p - y) / len(x)": "(p - y) * p * (1 - p) / len(x)"}, "dz", "added | missing"),
    Wrong("the bias is forgotten in the forward pass", {"x @ w.T + b": "x @ w.T"}, "z", "missing", "b"),
    Wrong("the bias is averaged", {"dz.sum(axis=0)": "dz.mean(axis=0)"}, "db", "sum | factor"),
    Wrong("the bias is summed over the classes", {"dz.sum(axis=0)": "dz.sum(axis=1)"}, says="has shape"),
    Wrong("dw is transposed", {"dz.T @ x": "x.T @ dz"}, says="transposed"),
    Wrong(
        "the softmax's derivative without the outer product",
        {"(np.diag(p) - np.outer(p, p)) @ dp": "p * dp"},
        "dz",
        "missing",
        style="differently",
    ),
    Wrong(
        "the sign of the outer product",
        {"np.diag(p) - np.outer(p, p)": "np.diag(p) + np.outer(p, p)"},
        "dz",
        "sign",
        style="differently",
    ),
    Wrong(
        "the log's derivative is forgotten",
        {"-target / p": "-target"},
        "dz | dlogp",
        "missing | added",
        style="differently",
    ),
]
