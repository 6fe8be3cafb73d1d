"""A multilayer perceptron of sigmoid neurons with the cross-entropy cost and weight decay."""

import numpy as np

from autograd import Tensor, sigmoid
from wrong_gradients import Wrong


def f(w1, b1, w2, b2, x, y):
    a1 = sigmoid(x @ w1.T + b1)
    a2 = sigmoid(a1 @ w2.T + b2)
    entropy = -np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2)) / len(x)
    return entropy + 0.05 * (np.sum(w1**2) + np.sum(w2**2))


def example(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(3, 3), (3,), (3, 3), (3,)]
    return *(Tensor(rng.normal(size=s)) for s in shapes), rng.normal(size=(5, 3)), rng.uniform(size=(5, 3))


def vectorised(w1, b1, w2, b2, x, y):
    decay = 0.1
    a1 = 1 / (1 + np.exp(-(x @ w1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ w2.T + b2)))
    delta2 = (a2 - y) / len(x)
    delta1 = (delta2 @ w2) * a1 * (1 - a1)
    dw2 = delta2.T @ a1 + decay * w2
    dw1 = delta1.T @ x + decay * w1
    return dw1, delta1.sum(axis=0), dw2, delta2.sum(axis=0)


def differently(w1, b1, w2, b2, x, y):
    def s(z):
        return 1 / (1 + np.exp(-z))

    dw1, db1, dw2, db2 = 0.1 * w1, np.zeros(3), 0.1 * w2, np.zeros(3)
    n = len(x)
    for j in range(n):
        z1 = w1 @ x[j] + b1
        z2 = w2 @ s(z1) + b2
        error = (s(z2) - y[j]) / n
        dw2 += np.outer(error, s(z1))
        db2 += error
        back = w2.T @ error * s(z1) * (1 - s(z1))
        dw1 += np.outer(back, x[j])
        db1 += back
    return dw1, db1, dw2, db2


WRONG = [
    Wrong(
        "the decay is forgotten in one layer", {"delta2.T @ a1 + decay * w2": "delta2.T @ a1"}, "dw2", "missing", "w2"
    ),
    Wrong("the decay is forgotten in both", {"decay = 0.1": "decay = 0"}, "dw1 | dw2", "missing", "w1 | w2"),
    Wrong("the decay's 2 is forgotten", {"decay = 0.1": "decay = 0.05"}, "dw1 | dw2", "factor", "1/10"),
    Wrong("the sign of the decay", {"+ decay * w1": "- decay * w1"}, "dw1", "sign", "w1"),
    Wrong(
        "the decay is divided by the examples",
        {"decay = 0.1": "decay = 0.1 / len(x)"},
        "dw1 | dw2",
        "factor",
        "w1 | w2 | 1/10",
    ),
    Wrong(
        "the decay of the other layer",
        {"delta1.T @ x + decay * w1": "delta1.T @ x + decay * w2"},
        "dw1",
        "instead",
        "w1",
    ),
    Wrong("the mean is forgotten", {" / len(x)": ""}, "delta2", "factor"),
    Wrong("target minus output", {"(a2 - y)": "(y - a2)"}, "delta2", "sign"),
    Wrong("the quadratic cost's error", {"(a2 - y) /": "(a2 - y) * a2 * (1 - a2) /"}, "delta2", "added"),
    Wrong("sigma' is forgotten", {" * a1 * (1 - a1)": ""}, "delta1", "missing", "a1*(1-a1)"),
    Wrong("half of sigma' is forgotten", {" * a1 * (1 - a1)": " * (1 - a1)"}, "delta1", "missing", "a1"),
    Wrong("tanh' for sigma'", {" * a1 * (1 - a1)": " * (1 - a1**2)"}, "delta1", "instead | missing | added", "a1"),
    Wrong("sigma' of the output layer", {" * a1 * (1 - a1)": " * a2 * (1 - a2)"}, "delta1", "instead", "a1 | a2"),
    Wrong("the transpose is forgotten", {"(delta2 @ w2)": "(delta2 @ w2.T)"}, "delta1", "transposed", "w2"),
    Wrong("the wrong weights lead back", {"(delta2 @ w2)": "(delta2 @ w1)"}, "delta1", "instead", "w2"),
    Wrong("the input for the activation", {"delta2.T @ a1": "delta2.T @ x"}, "dw2", "instead", "a1"),
    Wrong("outer product the other way round", {"delta1.T @ x": "x.T @ delta1"}, "dw1", "transposed | order"),
    Wrong(
        "a bias decays, too",
        {"return dw1, delta1.sum(axis=0)": "return dw1, delta1.sum(axis=0) + decay * b1"},
        "db1",
        "added",
    ),
    Wrong(
        "the biases swapped",
        {"dw1, delta1.sum(axis=0), dw2, delta2.sum(axis=0)": "dw1, delta2.sum(axis=0), dw2, delta1.sum(axis=0)"},
        "db1 | db2",
        "instead",
        says="swapped | another order",
    ),
    Wrong(
        "the weights swapped",
        {"return dw1, delta1.sum(axis=0), dw2": "return dw2, delta1.sum(axis=0), dw1"},
        "dw1 | dw2",
        "instead",
        says="swapped | another order",
    ),
    Wrong("the sign in the exponent", {"np.exp(-(a1 @": "np.exp((a1 @"}, "a2", "sign", "z2"),
    Wrong("the error is the target's", {"(a2 - y)": "(a2 - y * a2)"}, "delta2", "added"),
    Wrong(
        "z for a in the outer product",
        {"np.outer(error, s(z1))": "np.outer(error, z1)"},
        "dw2",
        "instead",
        "a1",
        style="differently",
    ),
    Wrong(
        "sigma' of the output's weighted input",
        {"s(z1) * (1 - s(z1))": "s(z2) * (1 - s(z2))"},
        "delta1",
        "instead",
        "a1 | a2",
        style="differently",
    ),
    Wrong(
        "half of sigma' of the other layer",
        {"(1 - s(z1))": "(1 - s(z2))"},
        "delta1",
        "instead",
        "a1 | a2",
        style="differently",
    ),
    Wrong("only the last example counts", {"db1 += back": "db1 = back"}, "db1", "sum", style="differently"),
]
