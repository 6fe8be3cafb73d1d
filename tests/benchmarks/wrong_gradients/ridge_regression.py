"""Ridge regression: the sum of squared residuals and a penalty on the weights."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, b, x, y, strength):
    return np.sum((x @ w + b - y) ** 2) + strength * np.sum(w**2)


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=3)), Tensor(rng.normal()), rng.normal(size=(7, 3)), rng.normal(size=7), 0.3


def vectorised(w, b, x, y, strength):
    error = x @ w + b - y
    dw = 2 * x.T @ error + 2 * strength * w
    db = 2 * error.sum()
    return dw, db


def differently(w, b, x, y, strength):
    """From the normal equations."""
    x1 = np.column_stack([x, np.ones(len(x))])
    theta = np.append(w, b)
    penalty = np.diag([strength, strength, strength, 0])
    g = 2 * ((x1.T @ x1 + penalty) @ theta - x1.T @ y)
    return g[:3], g[3]


NAMES = {"u1": "e"}
WRONG = [
    Wrong("the penalty is forgotten", {" + 2 * strength * w": ""}, "dw", "missing", "strength"),
    Wrong("the penalty's 2 is forgotten", {"+ 2 * strength": "+ strength"}, "dw", "factor", "2"),
    Wrong("the cost's 2 is forgotten in dw", {"2 * x.T @ error": "x.T @ error"}, "dw", "factor", "2"),
    Wrong("the cost's 2 is forgotten in db", {"2 * error.sum()": "error.sum()"}, "db", "factor", "2"),
    Wrong("the sign of the penalty", {"+ 2 * strength": "- 2 * strength"}, "dw", "sign", "strength"),
    Wrong("the mean in dw", {"2 * x.T @ error": "2 * x.T @ error / len(x)"}, "dw", "factor"),
    Wrong("the mean in db", {"error.sum()": "error.mean()"}, "db", "sum | factor"),
    Wrong("target minus output", {"x @ w + b - y": "y - x @ w - b"}, "e | dw | db", "sign"),
    Wrong(
        "the penalty for the bias, too",
        {"db = 2 * error.sum()": "db = 2 * error.sum() + 2 * strength * b"},
        "db",
        "added",
    ),
    Wrong("w is forgotten in the penalty", {"strength * w": "strength"}, "dw", "missing", "w"),
    Wrong("w is squared in the penalty", {"strength * w": "strength * w**2"}, "dw", "factor | added", "w"),
    Wrong("the bias is forgotten", {"x @ w + b - y": "x @ w - y"}, "e", "missing", "b"),
    Wrong("the penalty of lasso", {"2 * strength * w": "strength * np.sign(w)"}, "dw", "instead", "w"),
    Wrong("the bias is penalised", {"strength, 0]": "strength, strength]"}, "db", "added", style="differently"),
    Wrong(
        "the target has the wrong sign", {"- x1.T @ y": "+ x1.T @ y"}, "dw | db | e", "sign", "y", style="differently"
    ),
    Wrong("the 2 is forgotten", {"g = 2 * (": "g = ("}, "dw | db | e", "factor", style="differently"),
]
