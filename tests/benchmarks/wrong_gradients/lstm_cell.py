"""One step of an LSTM cell, with the quadratic cost of its hidden state."""

import numpy as np

from autograd import Tensor, sigmoid
from wrong_gradients import Wrong


def f(w, b, x, c, y):
    z = np.reshape(w @ x + b, (4, 3))
    i, o, r, g = sigmoid(z[0]), sigmoid(z[1]), sigmoid(z[2]), np.tanh(z[3])
    new = r * c + i * g
    return np.sum((o * np.tanh(new) - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    return (
        Tensor(rng.normal(size=(12, 4))),
        Tensor(rng.normal(size=12)),
        rng.normal(size=4),
        Tensor(rng.normal(size=3)),
        rng.normal(size=3),
    )


def vectorised(w, b, x, c, y):
    z = w @ x + b
    i, o, r = 1 / (1 + np.exp(-z[:9].reshape(3, 3)))
    g = np.tanh(z[9:])
    new = r * c + i * g
    t = np.tanh(new)
    dh = o * t - y
    do = dh * t
    dnew = dh * o * (1 - t**2)
    di = dnew * g
    dg = dnew * i
    dr = dnew * c
    dc = dnew * r
    dz = np.concatenate([di * i * (1 - i), do * o * (1 - o), dr * r * (1 - r), dg * (1 - g**2)])
    return np.outer(dz, x), dz, dc


def differently(w, b, x, c, y):
    def s(z):
        return 1 / (1 + np.exp(-z))

    dz, dc = np.zeros(12), np.zeros(3)
    z = w.dot(x) + b
    for k in range(3):
        i, o, r, g = s(z[k]), s(z[3 + k]), s(z[6 + k]), np.tanh(z[9 + k])
        t = np.tanh(r * c[k] + i * g)
        error = o * t - y[k]
        inner = error * o * (1 - t * t)
        dz[k] = inner * g * i * (1 - i)
        dz[3 + k] = error * t * o * (1 - o)
        dz[6 + k] = inner * c[k] * r * (1 - r)
        dz[9 + k] = inner * i * (1 - g * g)
        dc[k] = inner * r
    return dz[:, None] * x[None, :], dz, dc


WRONG = [
    Wrong("target minus output", {"o * t - y": "y - o * t"}, "delta5 | delta1", "sign"),
    Wrong("tanh' of the cell is forgotten", {"dh * o * (1 - t**2)": "dh * o"}, "delta5", "missing", "a5"),
    Wrong("the output gate is forgotten", {"dh * o * (1 - t**2)": "dh * (1 - t**2)"}, "delta5", "missing", "a1"),
    Wrong("the cell for its tanh", {"dh * o * (1 - t**2)": "dh * o * (1 - new**2)"}, "delta5", "instead", "a5"),
    Wrong("sigma' is forgotten in the input gate", {"di * i * (1 - i)": "di"}, "delta3", "missing", "a3*(1-a3)"),
    Wrong("sigma' is forgotten in the output gate", {"do * o * (1 - o)": "do"}, "delta1", "missing", "a1*(1-a1)"),
    Wrong("half of sigma' is forgotten", {"dr * r * (1 - r)": "dr * (1 - r)"}, "delta2", "missing", "a2"),
    Wrong("tanh' for sigma'", {"dr * r * (1 - r)": "dr * (1 - r**2)"}, "delta2", "instead | missing | added", "a2"),
    Wrong("sigma' for tanh'", {"dg * (1 - g**2)": "dg * g * (1 - g)"}, "delta4", "instead | missing | added", "a4"),
    Wrong("the new cell for the old one", {"dr = dnew * c": "dr = dnew * new"}, "delta2", "instead", "c"),
    Wrong(
        "the input gate's factor swapped with its own", {"di = dnew * g": "di = dnew * i"}, "delta3", "instead", "a4"
    ),
    Wrong("the forget gate is forgotten", {"dc = dnew * r": "dc = dnew"}, "dc", "missing", "a2"),
    Wrong("the wrong gate leads back", {"dc = dnew * r": "dc = dnew * i"}, "dc", "instead", "a2"),
    Wrong("the cell for the output gate's tanh", {"do = dh * t": "do = dh * new"}, "delta1", "instead", "a5"),
    Wrong(
        "the gates in the wrong order",
        {"di * i * (1 - i), do * o * (1 - o)": "do * o * (1 - o), di * i * (1 - i)"},
        "db",
        "order | instead",
    ),
    Wrong(
        "the chain through the cell is forgotten",
        {"dr = dnew * c": "dr = dh * c"},
        "delta2",
        "missing | instead",
        "delta5",
    ),
    Wrong(
        "the bias's gradient is the weights'",
        {"return np.outer(dz, x), dz, dc": "return np.outer(dz, x), dz * z, dc"},
        "db",
        "added",
    ),
    Wrong("the square is forgotten", {"1 - g * g": "1 - g"}, "delta4", "factor | missing", "a4", style="differently"),
    Wrong(
        "the error for the inner one",
        {"inner * g * i * (1 - i)": "error * g * i * (1 - i)"},
        "delta3",
        "missing | instead",
        "delta5",
        style="differently",
    ),
    Wrong("plus for minus", {"r * (1 - r)": "r * (1 + r)"}, "delta2", "sign", "a2", style="differently"),
]
