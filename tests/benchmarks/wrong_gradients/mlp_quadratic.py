"""A multilayer perceptron of three layers of sigmoid neurons with the quadratic cost."""

import numpy as np

from autograd import Tensor, sigmoid
from wrong_gradients import Wrong


def f(w1, b1, w2, b2, x, y):
    a1 = sigmoid(x @ w1.T + b1)
    a2 = sigmoid(a1 @ w2.T + b2)
    return np.sum((a2 - y) ** 2) / (2 * len(x))


def example(seed=0):
    rng = np.random.default_rng(seed)
    w1, b1, w2, b2 = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=(4, 4)), rng.normal(size=4)
    return *map(Tensor, (w1, b1, w2, b2)), rng.normal(size=(5, 3)), rng.uniform(size=(5, 4))


def s(z):
    return 1 / (1 + np.exp(-z))


def vectorised(w1, b1, w2, b2, x, y):
    z1 = x @ w1.T + b1
    a1 = s(z1)
    z2 = a1 @ w2.T + b2
    a2 = s(z2)
    delta2 = (a2 - y) * a2 * (1 - a2) / len(x)
    delta1 = (delta2 @ w2) * a1 * (1 - a1)
    return delta1.T @ x, delta1.sum(axis=0), delta2.T @ a1, delta2.sum(axis=0)


def differently(w1, b1, w2, b2, x, y):
    dw1, db1, dw2, db2 = (np.zeros(p.shape) for p in (w1, b1, w2, b2))
    for row, target in zip(x, y):
        z1 = np.dot(w1, row) + b1
        a1 = s(z1)
        z2 = np.dot(w2, a1) + b2
        a2 = s(z2)
        delta = (a2 - target) * s(z2) * (1 - s(z2))
        db2 += delta
        dw2 += np.outer(delta, a1)
        delta = np.dot(w2.T, delta) * s(z1) * (1 - s(z1))
        db1 += delta
        dw1 += np.outer(delta, row)
    return dw1 / len(x), db1 / len(x), dw2 / len(x), db2 / len(x)


WRONG = [
    Wrong("the mean is forgotten", {" / len(x)": ""}, "delta2", "factor"),
    Wrong("target minus output", {"(a2 - y)": "(y - a2)"}, "delta2", "sign"),
    Wrong("sigma' is forgotten in the output layer", {" * a2 * (1 - a2)": ""}, "delta2", "missing", "a2*(1-a2)"),
    Wrong("sigma' is forgotten in the hidden layer", {" * a1 * (1 - a1)": ""}, "delta1", "missing", "a1*(1-a1)"),
    Wrong("half of sigma' is forgotten", {" * a1 * (1 - a1)": " * a1"}, "delta1", "missing", "1-a1"),
    Wrong("the other half of sigma' is forgotten", {" * a1 * (1 - a1)": " * (1 - a1)"}, "delta1", "missing", "a1"),
    Wrong(
        "sigma' of the output layer in the hidden one",
        {" * a1 * (1 - a1)": " * a2 * (1 - a2)"},
        "delta1",
        "instead",
        "a1 | a2",
    ),
    Wrong("z for a in sigma'", {" * a1 * (1 - a1)": " * z1 * (1 - z1)"}, "delta1", "instead", "a1"),
    Wrong("sigma' of the activation", {" * a1 * (1 - a1)": " * s(a1) * (1 - s(a1))"}, "delta1", "instead", "a1"),
    Wrong("the transpose is forgotten", {"delta2 @ w2)": "delta2 @ w2.T)"}, "delta1", "transposed", "w2"),
    Wrong("the input for the hidden activation", {"delta2.T @ a1": "delta2.T @ z1"}, "dw2", "instead", "a1"),
    Wrong("outer product the other way round", {"delta2.T @ a1": "a1.T @ delta2"}, "dw2", "transposed | order"),
    Wrong(
        "the bias of the hidden layer is averaged", {"delta1.sum(axis=0)": "delta1.mean(axis=0)"}, "db1", "sum | factor"
    ),
    Wrong(
        "the biases swapped",
        {"delta1.sum(axis=0), delta2.T @ a1, delta2.sum": "delta2.sum(axis=0), delta2.T @ a1, delta1.sum"},
        "db1 | db2",
        "instead",
        says="swapped | another order",
    ),
    Wrong(
        "the bias is forgotten in the forward pass", {"z2 = a1 @ w2.T + b2": "z2 = a1 @ w2.T"}, "z2", "missing", "b2"
    ),
    Wrong("plus in sigma'", {"(1 - a1)": "(1 + a1)"}, "delta1", "sign", "a1"),
    Wrong("the cost is not halved", {"(a2 - y) * a2": "2 * (a2 - y) * a2"}, "delta2", "factor"),
    Wrong("the target is forgotten", {"(a2 - y)": "a2"}, "delta2", "missing", "y"),
    Wrong("the error of the next layer is not weighted", {"(delta2 @ w2)": "delta2"}, "delta1", "missing", "w2"),
    Wrong("the sign in the exponent of the hidden layer", {"a1 = s(z1)": "a1 = s(-z1)"}, "a1", "sign", "z1"),
    Wrong(
        "in-place aliasing: the output is overwritten",
        {"delta2 = (a2 - y) * a2 * (1 - a2) / len(x)": "delta2 = a2; delta2 -= y; delta2 *= a2 * (1 - a2) / len(x)"},
        "delta2",
        "instead",
        "a2",
    ),
    Wrong(
        "the quadratic cost taken for the cross-entropy",
        {"(a2 - target) * s(z2) * (1 - s(z2))": "a2 - target"},
        "delta2",
        "missing",
        "a2*(1-a2)",
        style="differently",
    ),
    Wrong(
        "sigma' one layer off",
        {"* s(z1) * (1 - s(z1))": "* s(z2) * (1 - s(z2))"},
        "delta1",
        "instead",
        "a1 | a2",
        style="differently",
    ),
    Wrong(
        "the transpose is forgotten in the loop",
        {"np.dot(w2.T, delta)": "np.dot(w2, delta)"},
        "delta1",
        "transposed",
        "w2",
        style="differently",
    ),
    Wrong(
        "the mean is forgotten for one of the weights", {"dw2 / len(x)": "dw2"}, "dw2", "factor", style="differently"
    ),
    Wrong("only the last example counts", {"dw1 += ": "dw1 = "}, "dw1", "sum", style="differently"),
    Wrong(
        "the output in the outer product",
        {"np.outer(delta, a1)": "np.outer(delta, a2)"},
        "dw2",
        "instead",
        "a1",
        style="differently",
    ),
    Wrong(
        "delta of the output layer for the hidden bias",
        {"db1 += delta": "db1 += (a2 - target) * a2 * (1 - a2)"},
        "db1",
        "instead",
        "delta1",
        style="differently",
    ),
]
