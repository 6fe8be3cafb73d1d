"""The backward pass of a small network, written out as the NumPy program that a person would have derived by hand."""

import numpy as np

from autograd import Tensor, sigmoid, source


def cost(x, y, w1, b1, w2, b2):
    z1 = x @ w1.T + b1
    a1 = sigmoid(z1)
    z2 = a1 @ w2.T + b2
    a2 = sigmoid(z2)
    for value, name in ((z1, "z1"), (a1, "a1"), (z2, "z2"), (a2, "a2")):
        value.name = name
    return np.sum((a2 - y) ** 2) / (2 * len(x))


rng = np.random.default_rng(0)
x, y = rng.random((10, 784)), np.eye(10)
w1, b1 = Tensor(rng.standard_normal((30, 784))), Tensor(rng.standard_normal(30))
w2, b2 = Tensor(rng.standard_normal((10, 30))), Tensor(rng.standard_normal(10))
print(source(cost, x, y, w1, b1, w2, b2), end="")
