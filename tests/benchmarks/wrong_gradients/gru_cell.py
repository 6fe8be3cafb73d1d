"""One step of a gated recurrent unit, with the quadratic cost of its state."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(wr, wu, wn, x, h, y):
    r = 1 / (1 + np.exp(-(wr @ h + x)))
    u = 1 / (1 + np.exp(-(wu @ h + x)))
    n = np.tanh(wn @ (r * h) + x)
    return np.sum(((1 - u) * n + u * h - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    weights = [Tensor(rng.normal(size=(3, 3))) for _ in range(3)]
    return *weights, rng.normal(size=3), rng.normal(size=3), rng.normal(size=3)


def vectorised(wr, wu, wn, x, h, y):
    r = 1 / (1 + np.exp(-(wr @ h + x)))
    u = 1 / (1 + np.exp(-(wu @ h + x)))
    n = np.tanh(wn @ (r * h) + x)
    dh = (1 - u) * n + u * h - y
    dzn = dh * (1 - u) * (1 - n**2)
    dzu = dh * (h - n) * u * (1 - u)
    drh = wn.T @ dzn
    dzr = drh * h * r * (1 - r)
    return np.outer(dzr, h), np.outer(dzu, h), np.outer(dzn, r * h)


def differently(wr, wu, wn, x, h, y):
    def s(z):
        return 1 / (1 + np.exp(-z))

    dwr, dwu, dwn = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3, 3))
    r, u = s(wr.dot(h) + x), s(wu.dot(h) + x)
    n = np.tanh(wn.dot(r * h) + x)
    for i in range(3):
        error = (1 - u[i]) * n[i] + u[i] * h[i] - y[i]
        through = error * (1 - u[i]) / np.cosh(np.arctanh(n[i])) ** 2
        for j in range(3):
            dwu[i, j] = error * (h[i] - n[i]) * u[i] * (1 - u[i]) * h[j]
            dwn[i, j] = through * r[j] * h[j]
            for k in range(3):
                dwr[j, k] += through * wn[i, j] * h[j] * r[j] * (1 - r[j]) * h[k]
    return dwr, dwu, dwn


NAMES = {"delta": "dzn", "a": "n", "u1": "u", "u2": "r", "u3": "rh", "u4": "dh"}
WRONG = [
    Wrong("target minus output", {"(1 - u) * n + u * h - y": "y - (1 - u) * n - u * h"}, "dh", "sign"),
    Wrong("tanh' is forgotten", {" * (1 - n**2)": ""}, "dzn", "missing", "n2 | a2 | n)2"),
    Wrong(
        "the gate is forgotten", {"dh * (1 - u) * (1 - n**2)": "dh * (1 - n**2)"}, "dzn", "missing", "exp | σ(wu | 1-u"
    ),
    Wrong(
        "the gate the other way round",
        {"dh * (1 - u) * (1 - n**2)": "dh * u * (1 - n**2)"},
        "dzn",
        "missing | factor | instead",
        "1 | exp",
    ),
    Wrong("the sign of the update gate", {"(h - n) * u": "(n - h) * u"}, "dwu", "sign"),
    Wrong("the candidate is forgotten", {"(h - n) * u": "h * u"}, "dwu", "missing", "n | a"),
    Wrong("the old state is forgotten", {"(h - n) * u": "-n * u"}, "dwu", "missing", "h"),
    Wrong("half of sigma' is forgotten", {"u * (1 - u)\n    drh": "u\n    drh"}, "dwu", "missing | factor", "exp | u"),
    Wrong("sigma' is forgotten", {"dh * (h - n) * u * (1 - u)": "dh * (h - n)"}, "dwu", "missing | factor", "exp | u"),
    Wrong("the transpose is forgotten", {"wn.T @ dzn": "wn @ dzn"}, "dwr", "transposed", "wn"),
    Wrong("the state is forgotten in the reset gate", {"drh * h * r": "drh * r"}, "dwr", "missing", "h"),
    Wrong(
        "the reset gate is forgotten in dwn",
        {"np.outer(dzn, r * h)": "np.outer(dzn, h)"},
        "dwn",
        "missing | instead",
        "exp | r",
    ),
    Wrong(
        "sigma' of the other gate", {"drh * h * r * (1 - r)": "drh * h * u * (1 - u)"}, "dwr", "instead", "wr | exp | r"
    ),
    Wrong(
        "dwr and dwu swapped",
        {"np.outer(dzr, h), np.outer(dzu, h)": "np.outer(dzu, h), np.outer(dzr, h)"},
        says="swapped | another order",
    ),
    Wrong(
        "outer product the other way round",
        {"np.outer(dzn, r * h)": "np.outer(r * h, dzn)"},
        "dwn",
        "transposed | order",
    ),
    Wrong(
        "cosh is not squared",
        {"np.cosh(np.arctanh(n[i])) ** 2": "np.cosh(np.arctanh(n[i]))"},
        "dzn",
        "factor | instead",
        style="differently",
    ),
    Wrong("the last neuron only", {"dwr[j, k] += ": "dwr[j, k] = "}, "dwr", "sum", style="differently"),
]
