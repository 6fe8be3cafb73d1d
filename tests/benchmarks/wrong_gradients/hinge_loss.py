"""A support vector machine: the mean hinge loss, and a penalty on the weights."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, b, x, y, strength):
    margin = y * (x @ w + b)
    return np.mean(np.maximum(0, 1 - margin)) + strength * np.sum(w**2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    y = np.sign(rng.normal(size=14))
    return Tensor(rng.normal(size=3) / 2), Tensor(rng.normal()), rng.normal(size=(14, 3)), y, 0.2


def vectorised(w, b, x, y, strength):
    margin = y * (x @ w + b)
    inside = margin < 1
    dscore = -y * inside / len(y)
    dw = x.T @ dscore + strength * w
    db = dscore.sum()
    return dw, db


def differently(w, b, x, y, strength):
    dw, db = strength * w, 0.0
    n = len(x)
    for row, label in zip(x, y):
        if label * (w @ row + b) < 1:
            dw = dw - label * row / n
            db -= label / n
    return dw, db


NAMES = {"u1": "z", "u2": "slack"}
WRONG = [
    Wrong("the sign of the score's part", {"dscore = -y": "dscore = y"}, "dz", "sign", "*y"),
    Wrong("the margin is forgotten", {"-y * inside / len": "-y / len"}, "dz", "missing", "𝟙 | where"),
    Wrong("the wrong side of the margin", {"margin < 1": "margin > 1"}, "dz", "order | instead | sign"),
    Wrong("the margin is at 0", {"margin < 1": "margin < 0"}, "dz | slack", "missing", "1"),
    Wrong("the mean is forgotten", {" / len(y)": ""}, "dz", "factor"),
    Wrong("the label is forgotten", {"dscore = -y *": "dscore = -1 *"}, "dz", "missing", "y"),
    Wrong("the penalty is forgotten", {" + strength * w": ""}, "dw", "missing", "strength"),
    Wrong("the penalty twice", {"+ strength * w": "+ 2 * strength * w"}, "dw", "factor"),
    Wrong("the sign of the penalty", {"+ strength * w": "- strength * w"}, "dw", "sign", "strength"),
    Wrong("the bias gets the mean", {"dscore.sum()": "dscore.mean()"}, "db", "sum | factor"),
    Wrong(
        "the label is forgotten in the margin",
        {"margin = y * (x @ w + b)": "margin = x @ w + b"},
        "dz | slack",
        "missing",
        "y",
    ),
    Wrong("the bias is forgotten", {"y * (x @ w + b)": "y * (x @ w)"}, "z", "missing", "b"),
    Wrong(
        "the penalty for every example",
        {"dw = dw - label * row / n": "dw = dw - label * row / n + strength * w / n"},
        "dw",
        "factor",
        style="differently",
    ),
    Wrong(
        "the mean is forgotten for the bias", {"db -= label / n": "db -= label"}, "db", "factor", style="differently"
    ),
    Wrong(
        "the label is forgotten for the bias",
        {"db -= label / n": "db -= 1 / n"},
        "db | dz",
        "missing",
        "y",
        style="differently",
    ),
]
