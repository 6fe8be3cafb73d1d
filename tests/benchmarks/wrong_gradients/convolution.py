"""A convolution by sliding windows, a bias and relu, with the quadratic cost."""

import numpy as np

from autograd import Tensor, relu
from wrong_gradients import Wrong


def f(k, b, x, y):
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2))
    z = np.sum(windows * k, axis=(2, 3)) + b
    return np.sum((relu(z) - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    return (
        Tensor(rng.normal(size=(2, 2))),
        Tensor(0.5),
        Tensor(rng.normal(size=(4, 4))),
        rng.normal(size=(3, 3)),
    )


def vectorised(k, b, x, y):
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2))
    z = np.einsum("ijab,ab->ij", windows, k) + b
    dz = (np.maximum(z, 0) - y) * (z > 0)
    dk = np.einsum("ij,ijab->ab", dz, windows)
    db = np.sum(dz)
    padded = np.pad(dz, 1)
    dx = np.einsum("ijab,ab->ij", np.lib.stride_tricks.sliding_window_view(padded, (2, 2)), k[::-1, ::-1])
    return dk, db, dx


def differently(k, b, x, y):
    dk, db, dx = np.zeros(k.shape), 0.0, np.zeros(x.shape)
    for i in range(3):
        for j in range(3):
            patch = x[i : i + 2, j : j + 2]
            z = np.sum(patch * k) + b
            if z > 0:
                error = z - y[i, j]
                dk += error * patch
                db += error
                dx[i : i + 2, j : j + 2] += error * k
    return dk, db, dx


NAMES = {"u1": "windows", "u2": "e"}
WRONG = [
    Wrong("relu' is forgotten", {" * (z > 0)": ""}, "delta", "missing", "a>0 | z>0"),
    Wrong("target minus output", {"np.maximum(z, 0) - y": "y - np.maximum(z, 0)"}, "delta", "sign"),
    Wrong("the kernel is not flipped", {"k[::-1, ::-1]": "k"}, "dx", "instead | order | flipped", "k"),
    Wrong("the kernel is flipped along one axis", {"k[::-1, ::-1]": "k[::-1]"}, "dx", "instead | order | flipped", "k"),
    Wrong("the kernel is transposed", {"k[::-1, ::-1]": "k[::-1, ::-1].T"}, "dx | dwindows", "transposed", "k"),
    Wrong(
        "dk is averaged",
        {'dk = np.einsum("ij,ijab->ab", dz, windows)': 'dk = np.einsum("ij,ijab->ab", dz, windows) / dz.size'},
        "dk",
        "sum | factor",
    ),
    Wrong("the bias is averaged", {"np.sum(dz)": "np.mean(dz)"}, "db", "sum | factor"),
    Wrong(
        "the error is forgotten in dk",
        {'dk = np.einsum("ij,ijab->ab", dz, windows)': 'dk = np.einsum("ijab->ab", windows)'},
        "dk",
        "missing",
        "delta",
    ),
    Wrong("relu' of the target", {"(z > 0)": "(y > 0)"}, "delta", "instead", "a | z"),
    Wrong("z for a", {"np.maximum(z, 0) - y": "z - y", "* (z > 0)": ""}, "a | delta", "instead | missing"),
    Wrong("the wrong indices", {'"ij,ijab->ab", dz': '"ji,ijab->ab", dz'}, "dk", "transposed", "delta"),
    Wrong("the target is forgotten", {"(np.maximum(z, 0) - y)": "np.maximum(z, 0)"}, "delta | e", "missing", "y"),
    Wrong("the bias is forgotten", {"windows, k) + b": "windows, k)"}, "z", "missing", "b"),
    Wrong(
        "overlapping windows overwrite",
        {"dx[i : i + 2, j : j + 2] += ": "dx[i : i + 2, j : j + 2] = "},
        "dx",
        "sum",
        style="differently",
    ),
    Wrong("the patch for the kernel", {"+= error * k": "+= error * patch"}, "dx", "instead", "k", style="differently"),
    Wrong("only the last window counts", {"dk += error": "dk = error"}, "dk", "sum", style="differently"),
]
