"""A polynomial by the rule of Horner, fitted to data."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(c, x, y):
    p = c[3]
    for k in (2, 1, 0):
        p = p * x + c[k]
    return np.mean((p - y) ** 2)


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=4)), Tensor(rng.normal(size=6)), rng.normal(size=6)


def vectorised(c, x, y):
    p = ((c[3] * x + c[2]) * x + c[1]) * x + c[0]
    dp = 2 * (p - y) / len(x)
    dc = np.array([np.sum(dp * x**k) for k in range(4)])
    dx = dp * (c[1] + 2 * c[2] * x + 3 * c[3] * x**2)
    return dc, dx


def differently(c, x, y):
    powers = np.vander(x, 4, increasing=True)
    error = powers @ c - y
    dc = powers.T @ error * 2 / len(x)
    slope = np.zeros(len(x))
    for k in (3, 2, 1):
        slope = slope * x + k * c[k]
    return dc, error * slope / 3


NAMES = {"u1": "p1", "u2": "p2", "u3": "e"}
WRONG = [
    Wrong("the mean is forgotten", {" / len(x)": ""}, "e | dc | dx", "factor"),
    Wrong("target minus output", {"(p - y)": "(y - p)"}, "e", "sign"),
    Wrong("the square's 2 is forgotten", {"dp = 2 * ": "dp = "}, "e | dc | dx", "factor"),
    Wrong(
        "the powers are off by one",
        {"range(4)": "range(1, 5)"},
        "dc",
        "factor | added",
    ),
    Wrong(
        "the powers the other way round",
        {"range(4)": "(3, 2, 1, 0)"},
        "dc",
        "order | instead",
    ),
    Wrong("one power is wrong", {"range(4)": "(0, 1, 2, 2)"}, "dc", "factor | missing", "x"),
    Wrong("all are averaged", {"np.sum(dp * x**k)": "np.mean(dp * x**k)"}, "dc", "factor | sum"),
    Wrong("the 2 of the square is forgotten", {"2 * c[2] * x": "c[2] * x"}, "dx", "missing | factor"),
    Wrong("the 3 of the cube is forgotten", {"3 * c[3] * x**2": "c[3] * x**2"}, "dx", "missing | factor"),
    Wrong("the power does not fall", {"3 * c[3] * x**2": "3 * c[3] * x**3"}, "dx", "factor | added"),
    Wrong("the linear term is forgotten", {"(c[1] + 2": "(2"}, "dx", "missing", "c1"),
    Wrong("the constant term in the slope", {"(c[1] + 2": "(c[0] + 2"}, "dx", "instead", "c1"),
    Wrong("the error is forgotten", {"dx = dp * (": "dx = 2 / len(x) * ("}, "dx", "missing", "e"),
    Wrong(
        "dx is the polynomial", {"dx = dp * (c[1] + 2 * c[2] * x + 3 * c[3] * x**2)": "dx = dp * p"}, "dx", "instead"
    ),
    Wrong(
        "the factors are forgotten", {"slope * x + k * c[k]": "slope * x + c[k]"}, "dx", "missing", style="differently"
    ),
    Wrong("the factors start at 0", {"k * c[k]": "(k - 1) * c[k]"}, "dx", "missing", style="differently"),
    Wrong("the powers fall", {", increasing=True)": ")"}, "dc | e", "order | instead", style="differently"),
]
