"""A multilayer perceptron of tanh neurons with a linear output layer and the quadratic cost, its layers in a list."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w1, b1, w2, b2, x, y):
    a1 = np.tanh(x @ w1.T + b1)
    return 0.5 * np.sum((a1 @ w2.T + b2 - y) ** 2) / x.shape[0]


def example(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(4, 4), (4,), (4, 4), (4,)]
    return *(Tensor(rng.normal(size=s)) for s in shapes), rng.normal(size=(6, 4)), rng.normal(size=(6, 4))


def vectorised(w1, b1, w2, b2, x, y):
    n = x.shape[0]
    a1 = np.tanh(x @ w1.T + b1)
    a2 = a1 @ w2.T + b2
    delta2 = (a2 - y) / n
    grad_w2 = np.einsum("ij,ik->jk", delta2, a1)
    grad_b2 = np.sum(delta2, axis=0)
    delta1 = np.dot(delta2, w2) * (1 - np.power(a1, 2))
    grad_w1 = np.einsum("ij,ik->jk", delta1, x)
    grad_b1 = np.sum(delta1, axis=0)
    return grad_w1, grad_b1, grad_w2, grad_b2


def differently(w1, b1, w2, b2, x, y):
    """With columns for the examples, as many lectures have them."""
    x, y, n = x.T, y.T, len(x)
    z1 = w1 @ x + b1[:, None]
    a1 = np.tanh(z1)
    z2 = w2 @ a1 + b2[:, None]
    dz2 = z2 - y
    dw2 = 1 / n * dz2 @ a1.T
    db2 = 1 / n * dz2.sum(axis=1)
    dz1 = w2.T @ dz2 / np.cosh(z1) ** 2
    dw1 = 1 / n * dz1 @ x.T
    db1 = 1 / n * dz1.sum(axis=1)
    return dw1, db1, dw2, db2


NAMES = {"z": "z1", "a": "a1", "delta": "delta1", "u1": "e"}
WRONG = [
    Wrong("the mean is forgotten", {"(a2 - y) / n": "a2 - y"}, "C | e | delta2 | dw2", "factor"),
    Wrong("target minus output", {"(a2 - y)": "(y - a2)"}, "e", "sign"),
    Wrong("the square's 2 is kept", {"(a2 - y) / n": "2 * (a2 - y) / n"}, "e", "factor"),
    Wrong("tanh' is forgotten", {" * (1 - np.power(a1, 2))": ""}, "delta1", "missing", "a1 | a2"),
    Wrong(
        "tanh' of the weighted input", {"np.power(a1, 2)": "np.power(x @ w1.T + b1, 2)"}, "delta1", "instead", "a1 | a2"
    ),
    Wrong("the square is forgotten", {"np.power(a1, 2)": "a1"}, "delta1", "missing | factor", "a1 | a2"),
    Wrong("tanh' of the output", {"np.power(a1, 2)": "np.power(a2, 2)"}, "delta1", "instead", "a1 | a2"),
    Wrong(
        "sigma' for tanh'",
        {"(1 - np.power(a1, 2))": "a1 * (1 - a1)"},
        "delta1",
        "instead | missing | factor | added",
        "a1",
    ),
    Wrong("plus in tanh'", {"(1 - np": "(1 + np"}, "delta1", "sign", "a1 | a2"),
    Wrong("the transpose is forgotten", {"np.dot(delta2, w2)": "np.dot(delta2, w2.T)"}, "delta1", "transposed", "w2"),
    Wrong("the weights of the other layer", {"np.dot(delta2, w2)": "np.dot(delta2, w1)"}, "delta1", "instead", "w2"),
    Wrong("the input for the activation", {"delta2, a1)": "delta2, x)"}, "dw2", "instead", "a1 | a2"),
    Wrong("the activation for the input", {"delta1, x)": "delta1, a1)"}, "dw1", "instead", "x"),
    Wrong(
        "the wrong einsum",
        {'grad_w1 = np.einsum("ij,ik->jk"': 'grad_w1 = np.einsum("ij,ik->kj"'},
        "dw1",
        "transposed | order",
    ),
    Wrong(
        "the bias is summed over the wrong axis",
        {"grad_b1 = np.sum(delta1, axis=0)": "grad_b1 = np.sum(delta1, axis=1)"},
        says="has shape",
    ),
    Wrong("the bias is not summed", {"grad_b1 = np.sum(delta1, axis=0)": "grad_b1 = delta1"}, says="sum over axis 0"),
    Wrong("the bias is averaged", {"np.sum(delta2, axis=0)": "np.mean(delta2, axis=0)"}, "db2", "sum | factor"),
    Wrong("the output bias is forgotten", {"a2 = a1 @ w2.T + b2": "a2 = a1 @ w2.T"}, "e", "missing", "b2"),
    Wrong("the output has tanh, too", {"a2 = a1 @ w2.T + b2": "a2 = np.tanh(a1 @ w2.T + b2)"}, "e", "added | instead"),
    Wrong(
        "the output layer has tanh', too", {"(a2 - y) / n": "(a2 - y) * (1 - a2**2) / n"}, "e | delta2 | dw2", "added"
    ),
    Wrong(
        "cosh is not squared", {"np.cosh(z1) ** 2": "np.cosh(z1)"}, "delta1", "factor | instead", style="differently"
    ),
    Wrong(
        "cosh is multiplied",
        {"dz2 / np.cosh(z1) ** 2": "dz2 * np.cosh(z1) ** 2"},
        "delta1",
        "factor | instead",
        style="differently",
    ),
    Wrong("the mean is forgotten in dw1", {"dw1 = 1 / n * dz1": "dw1 = dz1"}, "dw1", "factor", style="differently"),
    Wrong(
        "the mean twice",
        {"db1 = 1 / n * dz1.sum": "db1 = 1 / n * dz1.mean"},
        "db1",
        "sum | factor",
        style="differently",
    ),
    Wrong(
        "divided by the neurons",
        {"x.T, y.T, len(x)": "x.T, y.T, len(w1)"},
        "e | delta2 | dw2",
        "factor",
        style="differently",
    ),
    Wrong(
        "the biases swapped",
        {"return dw1, db1, dw2, db2": "return dw1, db2, dw2, db1"},
        "db1 | db2",
        "instead",
        says="swapped | another order",
        style="differently",
    ),
]
