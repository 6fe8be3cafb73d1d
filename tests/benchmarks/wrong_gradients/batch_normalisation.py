"""Batch normalisation with scale and shift, and a weighted sum of its outputs."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong

EPS = 1e-2


def f(x, gamma, beta, g):
    mu = np.mean(x, axis=0)
    var = np.mean((x - mu) ** 2, axis=0)
    x_hat = (x - mu) / np.sqrt(var + EPS)
    return np.sum(g * (gamma * x_hat + beta))


def example(seed=0):
    rng = np.random.default_rng(seed)
    return (
        Tensor(rng.normal(size=(5, 3))),
        Tensor(rng.normal(size=3)),
        Tensor(rng.normal(size=3)),
        rng.normal(size=(5, 3)),
    )


def vectorised(x, gamma, beta, g):
    n = len(x)
    std = np.sqrt(x.var(axis=0) + EPS)
    x_hat = (x - x.mean(axis=0)) / std
    dgamma = np.sum(g * x_hat, axis=0)
    dbeta = np.sum(g, axis=0)
    dx_hat = g * gamma
    dx = (dx_hat - dx_hat.sum(axis=0) / n - x_hat * np.sum(dx_hat * x_hat, axis=0) / n) / std
    return dx, dgamma, dbeta


def differently(x, gamma, beta, g):
    """Step by step, as the paper has it."""
    n = x.shape[0]
    mu = np.mean(x, axis=0)
    centred = x - mu
    var = np.mean(centred**2, axis=0)
    inverse = (var + EPS) ** -0.5
    dx_hat = g * gamma
    dvar = np.sum(dx_hat * centred, axis=0) * -0.5 * (var + EPS) ** -1.5
    dmu = -np.sum(dx_hat, axis=0) * inverse - 2 * dvar * np.mean(centred, axis=0)
    dx = dx_hat * inverse + dvar * 2 * centred / n + dmu / n
    return dx, np.sum(g * centred * inverse, axis=0), np.sum(g, axis=0)


NAMES = {"u1": "centred", "u2": "std", "u3": "x_hat", "u5": "dvar", "u6": "dvariance"}
WRONG = [
    Wrong("the mean is taken for a constant", {" - dx_hat.sum(axis=0) / n": ""}, "dx", "missing", "sum( | sum"),
    Wrong(
        "the variance is taken for a constant",
        {" - x_hat * np.sum(dx_hat * x_hat, axis=0) / n": ""},
        "dx",
        "missing",
        "(x-mean(x,axis=0)) | dvariance",
    ),
    Wrong(
        "mean and variance are constants",
        {"(dx_hat - dx_hat.sum(axis=0) / n - x_hat * np.sum(dx_hat * x_hat, axis=0) / n)": "dx_hat"},
        "dx",
        "missing",
    ),
    Wrong("the sign of the variance's part", {"- x_hat * np": "+ x_hat * np"}, "dx | dvar", "sign"),
    Wrong("a mean is a sum", {"dx_hat.sum(axis=0) / n": "dx_hat.sum(axis=0)"}, "dx", "factor"),
    Wrong("the sum over the wrong axis", {"dx_hat.sum(axis=0)": "dx_hat.sum(axis=1, keepdims=True)"}, "dx", "sum"),
    Wrong("gamma is forgotten", {"dx_hat = g * gamma": "dx_hat = g"}, "dx | dx_hat", "missing", "γ"),
    Wrong("divided by the variance", {"n) / std": "n) / std**2"}, "dx | dx_hat", "factor | added"),
    Wrong("not divided by the deviation", {"n) / std": "n)"}, "dx | dx_hat", "missing | factor"),
    Wrong("x for x_hat in dgamma", {"np.sum(g * x_hat, axis=0)": "np.sum(g * x, axis=0)"}, "dγ", "missing | instead"),
    Wrong("dgamma is averaged", {"np.sum(g * x_hat, axis=0)": "np.mean(g * x_hat, axis=0)"}, "dγ", "sum | factor"),
    Wrong("dbeta is averaged", {"np.sum(g, axis=0)": "np.mean(g, axis=0)"}, "dβ", "sum | factor"),
    Wrong("dbeta is not summed", {"dbeta = np.sum(g, axis=0)": "dbeta = g"}, says="sum over axis 0"),
    Wrong("epsilon is forgotten", {"x.var(axis=0) + EPS": "x.var(axis=0)"}, "dx | dγ | std", "missing", "1/100"),
    Wrong("the unbiased variance", {"x.var(axis=0)": "x.var(axis=0, ddof=1)"}, "dx | dγ | std", "factor | sum"),
    Wrong(
        "the sum of gamma's gradient is of the wrong axis",
        {"np.sum(dx_hat * x_hat, axis=0)": "np.sum(dx_hat * x_hat, axis=1, keepdims=True)"},
        "dx",
        "sum",
    ),
    Wrong(
        "the wrong power of the variance", {"** -1.5": "** -0.5"}, "dx | dvar", "factor | missing", style="differently"
    ),
    Wrong("a half is forgotten", {"* -0.5 * (var": "* -1 * (var"}, "dx", "factor", style="differently"),
    Wrong("the sign of dmu", {"dmu = -np": "dmu = np"}, "dx", "sign", style="differently"),
    Wrong("the way through mu is not divided", {"dmu / n": "dmu"}, "dx", "factor", style="differently"),
]
