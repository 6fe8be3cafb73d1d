"""Layer normalisation of every row, with scale and shift, and the quadratic cost."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong

EPS = 1e-2


def f(x, gamma, beta, y):
    mu = np.mean(x, axis=1, keepdims=True)
    std = np.sqrt(np.var(x, axis=1, keepdims=True) + EPS)
    return np.sum((gamma * (x - mu) / std + beta - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    return (
        Tensor(rng.normal(size=(4, 5))),
        Tensor(rng.normal(size=5)),
        Tensor(rng.normal(size=5)),
        rng.normal(size=(4, 5)),
    )


def vectorised(x, gamma, beta, y):
    std = np.sqrt(np.var(x, axis=1, keepdims=True) + EPS)
    x_hat = (x - np.mean(x, axis=1, keepdims=True)) / std
    g = gamma * x_hat + beta - y
    d = g * gamma
    dx = (d - np.mean(d, axis=1, keepdims=True) - x_hat * np.mean(d * x_hat, axis=1, keepdims=True)) / std
    return dx, np.sum(g * x_hat, axis=0), np.sum(g, axis=0)


def differently(x, gamma, beta, y):
    dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(gamma.shape), np.zeros(beta.shape)
    n = x.shape[1]
    for i, row in enumerate(x):
        centred = row - row.mean()
        rstd = 1 / np.sqrt((centred**2).mean() + EPS)
        g = gamma * centred * rstd + beta - y[i]
        jacobian = rstd * (np.eye(n) - 1 / n) - rstd**3 / n * np.outer(centred, centred)
        dx[i] = jacobian @ (gamma * g)
        dgamma += g * centred * rstd
        dbeta += g
    return dx, dgamma, dbeta


NAMES = {"u1": "centred", "u3": "std", "u4": "normalised", "u5": "g"}
WRONG = [
    Wrong(
        "the mean is taken for a constant", {" - np.mean(d, axis=1, keepdims=True)": ""}, "dx", "missing", "sum( | sum"
    ),
    Wrong(
        "the variance is taken for a constant",
        {" - x_hat * np.mean(d * x_hat, axis=1, keepdims=True)": ""},
        "dx",
        "missing",
        "(x-mean(x, | centred",
    ),
    Wrong("the sign of the mean's part", {"(d - np": "(d + np"}, "dx", "sign"),
    Wrong("the sign of the variance's part", {"- x_hat * np": "+ x_hat * np"}, "dx", "sign"),
    Wrong(
        "means over the examples, as in batch normalisation",
        {"np.mean(d, axis=1, keepdims=True)": "np.mean(d, axis=0)"},
        "dx",
        "sum",
    ),
    Wrong("a sum for a mean", {"np.mean(d * x_hat": "np.sum(d * x_hat"}, "dx", "factor | sum"),
    Wrong("gamma is forgotten", {"d = g * gamma": "d = g"}, "dx", "missing", "γ"),
    Wrong("x_hat is forgotten", {"- x_hat * np": "- np"}, "dx", "missing"),
    Wrong(
        "not divided by the deviation",
        {"keepdims=True)) / std\n    return": "keepdims=True))\n    return"},
        "dx",
        "missing | factor",
    ),
    Wrong("x for x_hat in dgamma", {"np.sum(g * x_hat, axis=0)": "np.sum(g * x, axis=0)"}, "dγ", "missing | instead"),
    Wrong(
        "dgamma is summed over the features",
        {"np.sum(g * x_hat, axis=0)": "np.sum(g * x_hat, axis=1)"},
        says="has shape",
    ),
    Wrong("target minus output", {"gamma * x_hat + beta - y": "y - gamma * x_hat - beta"}, "u1 | g", "sign"),
    Wrong("the shift is forgotten", {"gamma * x_hat + beta - y": "gamma * x_hat - y"}, "u1 | g", "missing", "β"),
    Wrong("epsilon is forgotten", {"keepdims=True) + EPS": "keepdims=True)"}, "u1 | std", "missing", "1/100"),
    Wrong("dbeta is averaged", {"np.sum(g, axis=0)": "np.mean(g, axis=0)"}, "dβ", "sum | factor"),
    Wrong("the wrong power", {"rstd**3": "rstd**2"}, "dx", "factor | missing", style="differently"),
    Wrong(
        "the deviation is not inverted",
        {"jacobian = rstd * (": "jacobian = 1 / rstd * ("},
        "dx",
        "factor",
        style="differently",
    ),
    Wrong("the outer product is not divided", {"rstd**3 / n *": "rstd**3 *"}, "dx", "factor", style="differently"),
]
