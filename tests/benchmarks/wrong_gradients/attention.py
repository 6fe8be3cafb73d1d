"""One head of attention, with the quadratic cost of what it gives."""

import numpy as np

from autograd import Tensor, softmax
from wrong_gradients import Wrong


def f(q, k, v, y):
    p = softmax(q @ k.T / np.sqrt(q.shape[1]))
    return np.sum((p @ v - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    return *(Tensor(rng.normal(size=(4, 4))) for _ in range(3)), rng.normal(size=(4, 4))


def vectorised(q, k, v, y):
    scale = np.sqrt(q.shape[1])
    e = np.exp(q @ k.T / scale)
    p = e / e.sum(axis=1, keepdims=True)
    do = p @ v - y
    dv = p.T @ do
    dp = do @ v.T
    ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True))
    dq = ds @ k / scale
    dk = ds.T @ q / scale
    return dq, dk, dv


def differently(q, k, v, y):
    dq, dk, dv = np.zeros(q.shape), np.zeros(k.shape), np.zeros(v.shape)
    scale = q.shape[1] ** -0.5
    for i in range(len(q)):
        s = k @ q[i] * scale
        p = np.exp(s - s.max())
        p /= p.sum()
        error = p @ v - y[i]
        dp = v @ error
        ds = (np.diag(p) - np.outer(p, p)) @ dp
        dq[i] = k.T @ ds * scale
        dk += np.outer(ds, q[i]) * scale
        dv += np.outer(p, error)
    return dq, dk, dv


NAMES = {"z": "s", "a": "p", "u1": "do"}
WRONG = [
    Wrong("target minus output", {"p @ v - y": "y - p @ v"}, "dv | do | delta | dp", "sign", "-y | do"),
    Wrong("the scale is forgotten in dq", {"ds @ k / scale": "ds @ k"}, "dq", "factor"),
    Wrong(
        "the scale is forgotten in the scores", {"np.exp(q @ k.T / scale)": "np.exp(q @ k.T)"}, "s", "missing", "1/2"
    ),
    Wrong(
        "scaled by the size, not its root",
        {"scale = np.sqrt(q.shape[1])": "scale = q.shape[1]"},
        "s | delta | dq | dk | p",
        "factor",
    ),
    Wrong("the transpose is forgotten in dk", {"ds.T @ q": "ds @ q"}, "dk", "transposed", "delta"),
    Wrong("the transpose is forgotten in dv", {"p.T @ do": "p @ do"}, "dv", "transposed", "p"),
    Wrong("the transpose of v is forgotten", {"do @ v.T": "do @ v"}, "delta | dp", "transposed", "v"),
    Wrong("k for q", {"ds.T @ q": "ds.T @ k"}, "dk", "instead", "q"),
    Wrong("the softmax's sum is forgotten", {"(dp - np.sum(dp * p, axis=1, keepdims=True))": "dp"}, "delta", "missing"),
    Wrong(
        "the sum over the wrong axis",
        {"np.sum(dp * p, axis=1, keepdims=True)": "np.sum(dp * p, axis=0)"},
        "delta",
        "sum",
    ),
    Wrong("p is forgotten within the sum", {"np.sum(dp * p, axis": "np.sum(dp, axis"}, "delta", "missing", "p"),
    Wrong(
        "sigma' for the softmax's derivative",
        {"(dp - np.sum(dp * p, axis=1, keepdims=True))": "dp * (1 - p)"},
        "delta",
        "sum | missing | instead | added",
    ),
    Wrong("p is forgotten before the bracket", {"ds = p * (": "ds = ("}, "delta", "missing", "p"),
    Wrong("normalised over the wrong axis", {"e.sum(axis=1, keepdims=True)": "e.sum(axis=0)"}, "p", "sum", "softmax"),
    Wrong("dq and dk swapped", {"return dq, dk, dv": "return dk, dq, dv"}, "dq | dk", says="swapped | another order"),
    Wrong("the error before the values", {"dv = p.T @ do": "dv = p.T @ (do @ v)"}, "dv", "added"),
    Wrong("the keys only of the last query", {"dk += np": "dk = np"}, "dk", "sum", style="differently"),
    Wrong(
        "the sign in the softmax's derivative",
        {"np.diag(p) - np": "np.diag(p) + np"},
        "delta",
        "sign",
        "sum(",
        style="differently",
    ),
    Wrong(
        "the scale is forgotten in dk only",
        {"np.outer(ds, q[i]) * scale": "np.outer(ds, q[i])"},
        "dk",
        "factor",
        style="differently",
    ),
]
