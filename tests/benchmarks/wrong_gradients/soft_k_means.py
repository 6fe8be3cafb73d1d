"""Points assigned softly to centres: the log of the sum over centres of a Gaussian of the distance."""

import numpy as np

from autograd import Tensor, logsumexp
from wrong_gradients import Wrong


def f(centres, x):
    d = np.sum((x[:, None, :] - centres) ** 2, axis=2)
    return -np.mean(logsumexp(-d, axis=1))


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=(3, 2))), rng.normal(size=(6, 2))


def vectorised(centres, x):
    difference = x[:, None, :] - centres
    d = np.sum(difference**2, axis=2)
    e = np.exp(-d)
    r = e / e.sum(axis=1, keepdims=True)
    dd = r / len(x)
    return -2 * np.sum(dd[:, :, None] * difference, axis=0)


def differently(centres, x):
    """Responsibilities pull at the centres."""
    g = np.zeros(centres.shape)
    for point in x:
        weight = [np.exp(-np.sum((point - c) ** 2)) for c in centres]
        for k, c in enumerate(centres):
            share = weight[k] / sum(weight)
            g[k] += 2 * share * (c - point) / len(x)
    return g


NAMES = {"u1": "difference", "u2": "d", "u3": "score"}
WRONG = [
    Wrong("the sign", {"return -2": "return 2"}, "dcentres | dd", "sign", "centres) | exp"),
    Wrong("the square's 2 is forgotten", {"return -2 *": "return -1 *"}, "dcentres", "factor"),
    Wrong("the mean is forgotten", {"r / len(x)": "r"}, "dcentres | dd", "factor"),
    Wrong("divided by the centres", {"r / len(x)": "r / len(centres)"}, "dcentres", "factor"),
    Wrong("normalised over the points", {"e.sum(axis=1, keepdims=True)": "e.sum(axis=0)"}, "dcentres", "sum"),
    Wrong("not normalised", {"e / e.sum(axis=1, keepdims=True)": "e"}, "dcentres | dd", "missing", "logsumexp"),
    Wrong(
        "the responsibilities are forgotten",
        {"dd = r / len(x)": "dd = np.ones_like(r) / len(x)"},
        "dcentres | dd",
        "missing",
        "exp",
    ),
    Wrong(
        "the difference is forgotten",
        {"* difference, axis=0)": "* np.ones(2), axis=0)"},
        "dcentres",
        "missing",
        "x | difference",
    ),
    Wrong("the point is forgotten", {"* difference, axis=0)": "* -centres, axis=0)"}, "dcentres", "missing", "x"),
    Wrong(
        "the centre is forgotten",
        {"* difference, axis=0)": "* x[:, None, :], axis=0)"},
        "dcentres",
        "missing",
        "centres",
    ),
    Wrong("the sign in exp", {"np.exp(-d)": "np.exp(d)"}, "dcentres | d | dd", "sign", "sum | d | score"),
    Wrong(
        "hard assignment",
        {"r = e / e.sum(axis=1, keepdims=True)": "r = (e == e.max(axis=1, keepdims=True))"},
        "dcentres",
        "instead",
    ),
    Wrong("softmax's derivative once more", {"dd = r / len(x)": "dd = r * (1 - r) / len(x)"}, "dcentres", "added"),
    Wrong(
        "the distance is not squared",
        {"np.sum((point - c) ** 2)": "np.sqrt(np.sum((point - c) ** 2))"},
        "dcentres",
        "factor | missing",
        style="differently",
    ),
    Wrong(
        "a half in exp",
        {"-np.sum((point - c) ** 2)": "-np.sum((point - c) ** 2) / 2"},
        "dcentres | d",
        "factor",
        style="differently",
    ),
    Wrong("only the last point counts", {"g[k] += 2": "g[k] = 2"}, "dcentres", "sum", style="differently"),
]
