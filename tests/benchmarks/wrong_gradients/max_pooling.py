"""The largest of every block of two by two of a picture, with the quadratic cost."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(x, y):
    p = np.max(np.reshape(x, (2, 2, 3, 2)), axis=(1, 3))
    return np.sum((p - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=(4, 6))), rng.normal(size=(2, 3))


def vectorised(x, y):
    blocks = x.reshape(2, 2, 3, 2)
    p = blocks.max(axis=(1, 3), keepdims=True)
    dp = p - y[:, None, :, None]
    mask = blocks == p
    return (mask * dp).reshape(4, 6)


def differently(x, y):
    dx = np.zeros(x.shape)
    for i in range(2):
        for j in range(3):
            block = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            row, column = np.unravel_index(np.argmax(block), (2, 2))
            dx[2 * i + row, 2 * j + column] = block[row, column] - y[i, j]
    return dx


NAMES = {"u1": "dp", "u2": "mask"}
WRONG = [
    Wrong("the mask is forgotten", {"mask * dp": "np.ones_like(blocks) * dp"}, "dx", "missing"),
    Wrong(
        "target minus output", {"dp = p - y[:, None, :, None]": "dp = y[:, None, :, None] - p"}, "dx", "sign", "-y | dp"
    ),
    Wrong("the target is forgotten", {"dp = p - y[:, None, :, None]": "dp = p"}, "dx | dp", "missing", "y"),
    Wrong("divided among the four", {"(mask * dp)": "(mask * dp / 4)"}, "dx", "factor | mean"),
    Wrong(
        "the smallest, not the largest",
        {"mask = blocks == p": "mask = blocks == blocks.min(axis=(1, 3), keepdims=True)"},
        "dx | mask",
        "instead",
        "max",
    ),
    Wrong("all but the largest", {"blocks == p": "blocks != p"}, "dx | mask", "instead | order | sign"),
    Wrong(
        "the factor 2 of another cost",
        {"dp = p - y[:, None, :, None]": "dp = 2 * (p - y[:, None, :, None])"},
        "dx",
        "factor",
    ),
    Wrong("the values for the error", {"(mask * dp)": "(mask * p)"}, "dx | dp", "missing", "y"),
    Wrong("the error for the mask", {"mask = blocks == p": "mask = blocks > y[:, None, :, None]"}, "dx", "instead"),
    Wrong("the mask only", {"(mask * dp).reshape": "(mask * 1.0).reshape"}, "dx", "missing"),
    Wrong(
        "the picture is transposed",
        {"(mask * dp).reshape(4, 6)": "(mask * dp).transpose(1, 0, 3, 2).reshape(4, 6)"},
        "dx",
        "transposed | order",
    ),
    Wrong(
        "the place is counted in columns",
        {"np.argmax(block), (2, 2))": "np.argmax(block.T), (2, 2))"},
        "dx",
        "transposed | instead | order",
        style="differently",
    ),
    Wrong(
        "row and column swapped",
        {"2 * i + row, 2 * j + column] = ": "2 * i + column, 2 * j + row] = "},
        "dx",
        "transposed | instead | order",
        style="differently",
    ),
    Wrong(
        "the smallest by argmin",
        {"np.argmax(block)": "np.argmin(block)", "block[row, column] - y": "block.max() - y"},
        "dx | mask",
        "instead",
        style="differently",
    ),
]
