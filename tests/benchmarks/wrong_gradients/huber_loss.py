"""The Huber loss of a linear model: quadratic near 0, linear beyond."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, x, y):
    r = x @ w - y
    return np.sum(np.where(np.abs(r) <= 1, r**2 / 2, np.abs(r) - 0.5))


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=3)), rng.normal(size=(14, 3)), rng.normal(size=14)


def vectorised(w, x, y):
    r = x @ w - y
    dr = np.clip(r, -1, 1)
    return x.T @ dr


def differently(w, x, y):
    dw = np.zeros(3)
    for row, target in zip(x, y):
        r = row @ w - target
        if abs(r) <= 1:
            dw += r * row
        else:
            dw += np.sign(r) * row
    return dw


NAMES = {"u1": "r", "u2": "within"}
WRONG = [
    Wrong("no limit", {"np.clip(r, -1, 1)": "r"}, "dw", "missing | instead"),
    Wrong("the sign only", {"np.clip(r, -1, 1)": "np.sign(r)"}, "dw", "missing | instead"),
    Wrong("0 beyond the limit", {"np.clip(r, -1, 1)": "r * (np.abs(r) <= 1)"}, "dw", "missing"),
    Wrong(
        "1 beyond the limit on both sides",
        {"np.clip(r, -1, 1)": "np.where(np.abs(r) <= 1, r, 1)"},
        "dw",
        "missing",
        "sign",
    ),
    Wrong("target minus output", {"x @ w - y": "y - x @ w"}, "dw | r", "sign", "xw-y | r"),
    Wrong("a factor 2", {"np.clip(r, -1, 1)": "2 * np.clip(r, -1, 1)"}, "dw", "factor"),
    Wrong("the mean", {"x.T @ dr": "x.T @ dr / len(x)"}, "dw", "factor"),
    Wrong(
        "the wrong side of the limit",
        {"np.clip(r, -1, 1)": "np.where(np.abs(r) > 1, r, np.sign(r))"},
        "dw | within",
        "order | instead | sign",
    ),
    Wrong("another limit", {"np.clip(r, -1, 1)": "np.clip(r, -2, 2)"}, "dw", "factor | instead"),
    Wrong("the target is forgotten", {"x @ w - y": "x @ w"}, "dw | r", "missing", "y"),
    Wrong(
        "the limit is on one side only",
        {"abs(r) <= 1": "r <= 1"},
        "dw | within",
        "missing | instead",
        "abs",
        style="differently",
    ),
    Wrong("the sign of the sign", {"np.sign(r) * row": "-np.sign(r) * row"}, "dw", "sign", "sign", style="differently"),
    Wrong(
        "the square within", {"dw += r * row": "dw += r**2 / 2 * row"}, "dw", "instead | factor", style="differently"
    ),
    Wrong("the residual twice within", {"dw += r * row": "dw += 2 * r * row"}, "dw", "factor", style="differently"),
    Wrong("the value beyond", {"np.sign(r) * row": "(abs(r) - 0.5) * row"}, "dw", "instead", style="differently"),
]
