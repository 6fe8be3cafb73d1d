"""A multilayer perceptron of two hidden layers of tanh neurons, a sigmoid output and the cross-entropy cost."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(w1, b1, w2, b2, w3, b3, x, y):
    a1 = np.tanh(x @ w1.T + b1)
    a2 = np.tanh(a1 @ w2.T + b2)
    a3 = 1 / (1 + np.exp(-(a2 @ w3.T + b3)))
    return -np.sum(y * np.log(a3) + (1 - y) * np.log(1 - a3)) / len(x)


def example(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(4, 3), (4,), (4, 4), (4,), (2, 4), (2,)]
    return *(Tensor(rng.normal(size=s)) for s in shapes), rng.normal(size=(5, 3)), rng.uniform(size=(5, 2))


def vectorised(w1, b1, w2, b2, w3, b3, x, y):
    a1 = np.tanh(x @ w1.T + b1)
    a2 = np.tanh(a1 @ w2.T + b2)
    a3 = 1 / (1 + np.exp(-(a2 @ w3.T + b3)))
    d3 = (a3 - y) / len(x)
    d2 = (d3 @ w3) * (1 - a2**2)
    d1 = (d2 @ w2) * (1 - a1**2)
    return d1.T @ x, d1.sum(0), d2.T @ a1, d2.sum(0), d3.T @ a2, d3.sum(0)


def differently(w1, b1, w2, b2, w3, b3, x, y):
    weights, biases = [w1, w2, w3], [b1, b2, b3]
    dw, db = [np.zeros(w.shape) for w in weights], [np.zeros(b.shape) for b in biases]
    for row, target in zip(x, y):
        activations = [row]
        for w, b in zip(weights, biases):
            z = w @ activations[-1] + b
            activations.append(np.tanh(z) if w is not w3 else 1 / (1 + np.exp(-z)))
        delta = activations[-1] - target
        for k in (2, 1, 0):
            db[k] += delta / len(x)
            dw[k] += np.outer(delta, activations[k]) / len(x)
            delta = (weights[k].T @ delta) * (1 - activations[k] ** 2)
    return dw[0], db[0], dw[1], db[1], dw[2], db[2]


NAMES = {"u1": "z3"}
WRONG = [
    Wrong("the mean is forgotten", {" / len(x)": ""}, "d3 | dz3", "factor"),
    Wrong("target minus output", {"(a3 - y)": "(y - a3)"}, "d3 | dz3", "sign"),
    Wrong(
        "the cross-entropy taken for the quadratic cost",
        {"(a3 - y) /": "(a3 - y) * a3 * (1 - a3) /"},
        "d3 | dz3",
        "added | missing | factor",
    ),
    Wrong("tanh' is forgotten in layer 2", {" * (1 - a2**2)": ""}, "delta2", "missing", "a2"),
    Wrong("tanh' is forgotten in layer 1", {" * (1 - a1**2)": ""}, "delta1", "missing", "a1"),
    Wrong("sigma' for tanh'", {"(1 - a1**2)": "a1 * (1 - a1)"}, "delta1", "instead | missing | factor | added", "a1"),
    Wrong("the square is forgotten in tanh'", {"(1 - a2**2)": "(1 - a2)"}, "delta2", "missing | factor", "a2"),
    Wrong("plus in tanh'", {"(1 - a2**2)": "(1 + a2**2)"}, "delta2", "sign", "a2"),
    Wrong("tanh' one layer off", {"(1 - a1**2)": "(1 - a2**2)"}, "delta1", "instead", "a1 | a2"),
    Wrong("the 1 of tanh' is forgotten", {"(1 - a1**2)": "(-(a1**2))"}, "delta1", "missing", "1"),
    Wrong("a layer is jumped over", {"(d2 @ w2)": "(d3 @ w3)"}, "delta1", "instead", "delta2*w2 | delta2w2 | delta2"),
    Wrong("the transpose is forgotten", {"(d2 @ w2)": "(d2 @ w2.T)"}, "delta1", "transposed", "w2"),
    Wrong("the error one layer off", {"d2.T @ a1": "d1.T @ a1"}, "dw2", "instead", "delta2"),
    Wrong("the activation one layer off", {"d2.T @ a1": "d2.T @ a2"}, "dw2", "instead", "a1"),
    Wrong("outer product the other way round", {"d2.T @ a1": "a1.T @ d2"}, "dw2", "transposed | order"),
    Wrong("a bias is averaged", {"d2.sum(0)": "d2.mean(0)"}, "db2", "sum | factor"),
    Wrong("a bias is summed over the neurons", {"d3.sum(0)": "d3.sum(1)"}, says="has shape"),
    Wrong(
        "the biases swapped",
        {"d1.T @ x, d1.sum(0), d2.T @ a1, d2.sum(0)": "d1.T @ x, d2.sum(0), d2.T @ a1, d1.sum(0)"},
        "db1 | db2",
        "instead",
        says="swapped | another order",
    ),
    Wrong(
        "all weights first",
        {"d1.sum(0), d2.T @ a1, d2.sum(0), d3.T @ a2": "d2.T @ a1, d3.T @ a2, d1.sum(0), d2.sum(0)"},
        says="another order",
    ),
    Wrong("the bias is forgotten in the forward pass", {"a1 @ w2.T + b2": "a1 @ w2.T"}, "z2", "missing", "b2"),
    Wrong(
        "tanh is forgotten in the forward pass",
        {"np.tanh(a1 @ w2.T + b2)": "a1 @ w2.T + b2"},
        "a2",
        "instead | missing",
        "z2 | tanh",
    ),
    Wrong("only the last example counts", {"dw[k] += ": "dw[k] = "}, "dw1 | dw2 | dw3", "sum", style="differently"),
    Wrong(
        "the mean is forgotten in the biases",
        {"db[k] += delta / len(x)": "db[k] += delta"},
        "db1 | db2 | db3",
        "factor",
        style="differently",
    ),
    Wrong(
        "the transpose is forgotten in the loop",
        {"weights[k].T @ delta": "delta.T @ weights[k].T if k == 1 else weights[k].T @ delta"},
        "delta1",
        "transposed",
        "w2",
        style="differently",
    ),
    Wrong(
        "tanh' of the activation",
        {"(1 - activations[k] ** 2)": "(1 - np.tanh(activations[k]) ** 2)"},
        "delta1 | delta2",
        "instead",
        "a1 | a2 | z1 | z2",
        style="differently",
    ),
    Wrong(
        "the weights' gradient is transposed twice",
        {"return dw[0], db[0], dw[1]": "return dw[0], db[0], dw[1].T"},
        "dw2",
        "transposed | order",
        style="differently",
    ),
]
