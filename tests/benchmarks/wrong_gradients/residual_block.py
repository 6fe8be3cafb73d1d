"""A residual block: its input and a layer of tanh neurons on it are added, with the quadratic cost."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w, v, x, y):
    h = x + np.tanh(x @ w.T) @ v.T
    return np.mean(np.sum((h - y) ** 2, axis=1))


def example(seed=0):
    rng = np.random.default_rng(seed)
    w, v = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    return Tensor(w), Tensor(v), Tensor(rng.normal(size=(5, 3))), rng.normal(size=(5, 3))


def vectorised(w, v, x, y):
    a = np.tanh(x @ w.T)
    h = x + a @ v.T
    dh = 2 * (h - y) / len(x)
    dv = dh.T @ a
    dz = dh @ v * (1 - a**2)
    dw = dz.T @ x
    dx = dh + dz @ w
    return dw, dv, dx


def differently(w, v, x, y):
    dw, dv, dx = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((5, 3))
    for i, (row, target) in enumerate(zip(x, y)):
        a = np.tanh(w @ row)
        jacobian = np.eye(3) + v @ np.diag(1 - a * a) @ w
        g = 0.4 * (row + v @ a - target)
        dv += np.outer(g, a)
        dw += np.outer((1 - a * a) * (v.T @ g), row)
        dx[i] = jacobian.T @ g
    return dw, dv, dx


NAMES = {"u1": "e"}
WRONG = [
    Wrong("the way past the layer is forgotten", {"dx = dh + dz @ w": "dx = dz @ w"}, "dx", "missing", "e | 𝟏5"),
    Wrong("the way through the layer is forgotten", {"dx = dh + dz @ w": "dx = dh"}, "dx", "missing", "delta"),
    Wrong("the ways are multiplied", {"dx = dh + dz @ w": "dx = dh * (dz @ w)"}, "dx", "instead | factor | order"),
    Wrong("tanh' is forgotten", {" * (1 - a**2)": ""}, "delta", "missing", "a2"),
    Wrong("tanh' of the block's output", {"(1 - a**2)": "(1 - h**2)"}, "delta", "instead", "a"),
    Wrong("the transpose is forgotten in dz", {"dh @ v *": "dh @ v.T *"}, "delta", "transposed", "v"),
    Wrong("a transpose too many in dx", {"dz @ w": "dz @ w.T"}, "dx", "transposed", "w"),
    Wrong("the mean is forgotten", {" / len(x)": ""}, "e | dx | dv | de", "factor"),
    Wrong("the square's 2 is forgotten", {"dh = 2 * ": "dh = "}, "e | dx | dv | de", "factor"),
    Wrong("target minus output", {"(h - y)": "(y - h)"}, "e | de", "sign"),
    Wrong("the input is forgotten in the output", {"h = x + a @ v.T": "h = a @ v.T"}, "e", "missing", "x"),
    Wrong("the input for the activation", {"dh.T @ a": "dh.T @ x"}, "dv", "instead", "a"),
    Wrong("the output for the input", {"dz.T @ x": "dz.T @ h"}, "dw", "instead", "x"),
    Wrong("outer product the other way round", {"dh.T @ a": "a.T @ dh"}, "dv", "transposed | order"),
    Wrong("dw and dv swapped", {"return dw, dv, dx": "return dv, dw, dx"}, says="swapped | another order"),
    Wrong("the identity is forgotten", {"np.eye(3) + v @": "v @"}, "dx", "missing", "e | 𝟏5", style="differently"),
    Wrong(
        "the Jacobian is not transposed", {"jacobian.T @ g": "jacobian @ g"}, "dx", "transposed", style="differently"
    ),
    Wrong(
        "w and v in the wrong order",
        {"v @ np.diag(1 - a * a) @ w": "w @ np.diag(1 - a * a) @ v"},
        "dx",
        "order | instead",
        style="differently",
    ),
]
