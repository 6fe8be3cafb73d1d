"""The negative log-likelihood of a Gaussian whose mean and log standard deviation are linear in the input."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, v, x, y):
    mu, log_s = x @ w, x @ v
    return np.mean(log_s + (y - mu) ** 2 / (2 * np.exp(2 * log_s)))


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=3)), Tensor(0.5 * rng.normal(size=3)), rng.normal(size=(7, 3)), rng.normal(size=7)


def vectorised(w, v, x, y):
    mu, log_s = x @ w, x @ v
    t = (y - mu) * np.exp(-log_s)
    dmu = -t * np.exp(-log_s) / len(x)
    dlog_s = (1 - t**2) / len(x)
    return x.T @ dmu, x.T @ dlog_s


def differently(w, v, x, y):
    dw, dv = np.zeros(3), np.zeros(3)
    for row, target in zip(x, y):
        variance = np.exp(2 * row @ v)
        error = row @ w - target
        dw = dw + error / variance * row
        dv = dv + (1 - error**2 / variance) * row
    return dw / len(x), dv / len(x)


NAMES = {"u1": "log_s", "u2": "e"}
WRONG = [
    Wrong("the sign of the error", {"dmu = -t": "dmu = t"}, "dw | dmu | de", "sign", "y-xw | e"),
    Wrong(
        "divided by the deviation, not the variance", {"-t * np.exp(-log_s) /": "-t /"}, "dw | dmu", "missing | factor"
    ),
    Wrong("the 1 of the log is forgotten", {"(1 - t**2)": "-(t**2)"}, "dv | dlog_s", "missing", "1"),
    Wrong("plus in dlog_s", {"(1 - t**2)": "(1 + t**2)"}, "dv | dlog_s", "sign"),
    Wrong("the square is forgotten", {"(1 - t**2)": "(1 - t)"}, "dv | dlog_s", "factor | missing"),
    Wrong("half of the square", {"(1 - t**2)": "(1 - t**2 / 2)"}, "dv | dlog_s", "factor"),
    Wrong("a factor 2", {"(1 - t**2)": "2 * (1 - t**2)"}, "dv | dlog_s", "factor"),
    Wrong("the mean is forgotten in dv", {"(1 - t**2) / len(x)": "1 - t**2"}, "dv | dlog_s", "factor"),
    Wrong(
        "the quadratic part is not divided",
        {"(1 - t**2)": "(1 - (y - mu) ** 2)"},
        "dv | dlog_s",
        "missing | factor",
        "exp",
    ),
    Wrong(
        "the error is not divided at all",
        {"dmu = -t * np.exp(-log_s)": "dmu = mu - y"},
        "dw | dmu",
        "missing | factor",
        "exp",
    ),
    Wrong(
        "the variance for its inverse",
        {"error / variance * row": "error * variance * row"},
        "dw",
        "factor",
        style="differently",
    ),
    Wrong(
        "the 2 of the variance is forgotten",
        {"np.exp(2 * row @ v)": "np.exp(row @ v)"},
        "dw | dv | c | log_s",
        "missing | factor",
        "2 | halved",
        style="differently",
    ),
    Wrong(
        "the target is forgotten",
        {"row @ w - target": "row @ w"},
        "dw | dv | e | mu",
        "missing",
        "y",
        style="differently",
    ),
    Wrong(
        "the weights of the wrong output",
        {"np.exp(2 * row @ v)": "np.exp(2 * row @ w)"},
        "log_s | dw | dv",
        "instead",
        "v | log_s",
        style="differently",
    ),
    Wrong(
        "the input is forgotten",
        {"(1 - error**2 / variance) * row": "1 - error**2 / variance"},
        "dv",
        "missing",
        "x",
        style="differently",
    ),
]
