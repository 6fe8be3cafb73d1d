"""A sum of Gaussian bumps, whose heights, centres and width are learnt, with the quadratic cost."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(height, centre, width, x, y):
    d = x[:, None] - centre
    k = np.exp(-(d**2) / (2 * width**2))
    return np.sum((k @ height - y) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    height, centre = rng.normal(size=3), rng.normal(size=3)
    return Tensor(height), Tensor(centre), Tensor(1.3), rng.normal(size=7), rng.normal(size=7)


def vectorised(height, centre, width, x, y):
    d = x[:, None] - centre
    k = np.exp(-(d**2) / (2 * width**2))
    error = k @ height - y
    dheight = k.T @ error
    dk = np.outer(error, height)
    dcentre = np.sum(dk * k * d, axis=0) / width**2
    dwidth = np.sum(dk * k * d**2) / width**3
    return dheight, dcentre, dwidth


def differently(height, centre, width, x, y):
    dheight, dcentre, dwidth = np.zeros(3), np.zeros(3), 0.0
    for xi, yi in zip(x, y):
        bumps = [np.exp(-0.5 * ((xi - c) / width) ** 2) for c in centre]
        error = np.dot(height, bumps) - yi
        for j in range(3):
            t = (xi - centre[j]) / width
            dheight[j] += error * bumps[j]
            dcentre[j] += error * height[j] * bumps[j] * t / width
            dwidth += error * height[j] * bumps[j] * t**2 / width
    return dheight, dcentre, dwidth


NAMES = {"u1": "d", "u2": "t", "u3": "error"}
WRONG = [
    Wrong(
        "target minus output",
        {"error = k @ height - y": "error = y - k @ height"},
        "dheight | dk | du1 | error",
        "sign",
        "-y | error",
    ),
    Wrong(
        "the height is forgotten",
        {"dk = np.outer(error, height)": "dk = np.outer(error, np.ones(3))"},
        "dt",
        "missing",
        "height",
    ),
    Wrong(
        "the bump is forgotten in dcentre",
        {"np.sum(dk * k * d, axis=0)": "np.sum(dk * d, axis=0)"},
        "dcentre | dt",
        "missing | instead",
        "exp | dt",
    ),
    Wrong("the sign of dcentre", {"dcentre = np": "dcentre = -np"}, "dcentre", "sign"),
    Wrong(
        "the width is not squared",
        {"/ width**2\n    dwidth": "/ width\n    dwidth"},
        "dcentre",
        "factor | missing",
        "width",
    ),
    Wrong("the width is forgotten", {"/ width**2\n    dwidth": "\n    dwidth"}, "dcentre", "missing", "width"),
    Wrong("the power of the width", {"/ width**3": "/ width**2"}, "dwidth", "missing | factor", "width"),
    Wrong("the sign of dwidth", {"dwidth = np": "dwidth = -np"}, "dwidth", "sign"),
    Wrong("the distance is not squared", {"dk * k * d**2": "dk * k * d"}, "dwidth | t", "factor | missing"),
    Wrong("a factor 2 in dwidth", {"dwidth = np": "dwidth = 2 * np"}, "dwidth", "factor", ""),
    Wrong(
        "the half is forgotten in the exponent", {"(2 * width**2)": "width**2"}, "t", "missing | factor", "2 | twice"
    ),
    Wrong("the sign in the exponent", {"np.exp(-(d**2)": "np.exp((d**2)"}, "t", "sign"),
    Wrong("centre minus point", {"d = x[:, None] - centre": "d = centre - x[:, None]"}, "dcentre", "sign"),
    Wrong("dcentre is averaged", {"dcentre = np.sum": "dcentre = np.mean"}, "dcentre", "sum | factor"),
    Wrong(
        "dheight and dcentre swapped",
        {"return dheight, dcentre": "return dcentre, dheight"},
        says="swapped | another order",
    ),
    Wrong(
        "the error is forgotten in dheight",
        {"dheight[j] += error * bumps[j]": "dheight[j] += bumps[j]"},
        "dheight",
        "missing",
        "height | error",
        style="differently",
    ),
    Wrong("only the last point counts", {"dcentre[j] += ": "dcentre[j] = "}, "dcentre", "sum", style="differently"),
    Wrong(
        "not divided by the width again",
        {"t**2 / width": "t**2"},
        "dwidth",
        "missing | factor",
        "width",
        style="differently",
    ),
]
