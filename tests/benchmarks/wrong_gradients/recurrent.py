"""A recurrent network of tanh neurons over four steps, with the quadratic cost of its last state."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong

STEPS = 3


def f(w, u, b, x, y):
    h = np.zeros(len(y))
    for t in range(STEPS):
        h = np.tanh(w @ h + u @ x[t] + b)
    return np.sum((h - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    w, u, b = rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)
    return Tensor(w), Tensor(u), Tensor(b), rng.normal(size=(STEPS, 3)), rng.normal(size=3)


def vectorised(w, u, b, x, y):
    h = [np.zeros(3)]
    for t in range(STEPS):
        h.append(np.tanh(w @ h[t] + u @ x[t] + b))
    dw, du, db = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros(3)
    dh = h[STEPS] - y
    for t in reversed(range(STEPS)):
        dz = dh * (1 - h[t + 1] ** 2)
        dw += np.outer(dz, h[t])
        du += np.outer(dz, x[t])
        db += dz
        dh = w.T @ dz
    return dw, du, db


def differently(w, u, b, x, y):
    """Forwards: the derivative of the state by every parameter is carried along."""
    h = np.zeros(3)
    by_w, by_u, by_b = np.zeros((3, 3, 3)), np.zeros((3, 3, 3)), np.zeros((3, 3))
    unit = np.eye(3)
    for t in range(STEPS):
        new = np.tanh(w @ h + u @ x[t] + b)
        prime = 1 - new**2
        by_w = prime[:, None, None] * (np.einsum("ij,k->ijk", unit, h) + np.einsum("im,mjk->ijk", w, by_w))
        by_u = prime[:, None, None] * (np.einsum("ij,k->ijk", unit, x[t]) + np.einsum("im,mjk->ijk", w, by_u))
        by_b = prime[:, None] * (unit + w @ by_b)
        h = new
    error = h - y
    return np.tensordot(error, by_w, 1), np.tensordot(error, by_u, 1), error @ by_b


WRONG = [
    Wrong("target minus output", {"h[STEPS] - y": "y - h[STEPS]"}, "delta3", "sign"),
    Wrong(
        "tanh' is forgotten", {"dz = dh * (1 - h[t + 1] ** 2)": "dz = dh"}, "delta3 | delta2 | delta1", "missing", "a"
    ),
    Wrong("tanh' of the state before", {"h[t + 1] ** 2": "h[t] ** 2"}, "delta3 | delta2 | delta1", "instead", "a"),
    Wrong("the transpose is forgotten", {"w.T @ dz": "w @ dz"}, "delta2 | delta1", "transposed", "w"),
    Wrong("the new state for the old one", {"np.outer(dz, h[t])": "np.outer(dz, h[t + 1])"}, "dw", "instead", "a"),
    Wrong(
        "outer product the other way round", {"np.outer(dz, x[t])": "np.outer(x[t], dz)"}, "du", "transposed | order"
    ),
    Wrong(
        "only the last step counts for b",
        {"db += dz": "db = db + dz if t == STEPS - 1 else db"},
        "db",
        "missing",
        "delta2+delta1 | delta2 | delta1",
    ),
    Wrong("only the first step counts for u", {"du += np": "du = np"}, "du", "missing", "delta3 | delta2"),
    Wrong(
        "truncated after one step",
        {"dh = w.T @ dz": "dh = w.T @ dz * (t == STEPS - 1)"},
        "delta1 | dw | du | db",
        "missing",
        "w.T | delta2",
    ),
    Wrong("the wrong weights lead back", {"w.T @ dz": "u.T @ dz"}, "delta2 | delta1", "instead", "w"),
    Wrong("the error before tanh' leads back", {"w.T @ dz": "w.T @ dh"}, "delta2 | delta1", "missing | instead"),
    Wrong(
        "the chain is averaged", {"return dw, du, db": "return dw / STEPS, du / STEPS, db / STEPS"}, "delta3", "factor"
    ),
    Wrong("dw and du swapped", {"return dw, du, db": "return du, dw, db"}, says="swapped | another order"),
    Wrong("the bias is forgotten in the forward pass", {"u @ x[t] + b": "u @ x[t]"}, "z1 | z2 | z3", "missing", "b"),
    Wrong("plus in tanh'", {"1 - h[t + 1] ** 2": "1 + h[t + 1] ** 2"}, "delta1 | delta2 | delta3", "sign", "a"),
    Wrong(
        "the state's own part is forgotten",
        {'np.einsum("ij,k->ijk", unit, h) + ': ""},
        "dw",
        "missing",
        style="differently",
    ),
    Wrong(
        "the way through the state is forgotten",
        {' + np.einsum("im,mjk->ijk", w, by_u)': ""},
        "du",
        "missing",
        "delta2 | delta1",
        style="differently",
    ),
    Wrong("the new state too early", {"new = np.tanh": "h = new = np.tanh"}, "dw", "instead", "a", style="differently"),
]
