"""A multilayer perceptron of rectified linear neurons with a softmax output and the log-likelihood cost."""

import numpy as np

from autograd import Tensor, relu, softmax
from wrong_gradients import Wrong


def f(w1, b1, w2, b2, x, y):
    a1 = relu(x @ w1.T + b1)
    a2 = softmax(a1 @ w2.T + b2)
    return -np.mean(np.sum(y * np.log(a2), axis=1))


def example(seed=0):
    rng = np.random.default_rng(seed)
    y = np.eye(4)[rng.permutation([0, 1, 2, 3, 1, 2])]
    shapes = [(4, 3), (4,), (4, 4), (4,)]
    return *(Tensor(rng.normal(size=s)) for s in shapes), rng.normal(size=(6, 3)), y


def vectorised(w1, b1, w2, b2, x, y):
    z1 = x @ w1.T + b1
    a1 = np.maximum(0, z1)
    z2 = a1 @ w2.T + b2
    e = np.exp(z2 - z2.max(axis=1, keepdims=True))
    a2 = e / e.sum(axis=1, keepdims=True)
    dz2 = (a2 - y) / len(x)
    dw2 = dz2.T @ a1
    db2 = dz2.sum(axis=0)
    da1 = dz2 @ w2
    dz1 = da1 * (z1 > 0)
    dw1 = dz1.T @ x
    db1 = dz1.sum(axis=0)
    return dw1, db1, dw2, db2


def differently(w1, b1, w2, b2, x, y):
    dw1, db1, dw2, db2 = (np.zeros(p.shape) for p in (w1, b1, w2, b2))
    for i in range(len(x)):
        z1 = w1.dot(x[i]) + b1
        a1 = np.where(z1 > 0, z1, 0)
        z2 = w2.dot(a1) + b2
        a2 = np.exp(z2) / np.exp(z2).sum()
        dz2 = a2.copy()
        dz2[np.argmax(y[i])] -= 1
        dz1 = w2.T.dot(dz2)
        dz1[z1 <= 0] = 0
        dw2 += np.outer(dz2, a1)
        db2 += dz2
        dw1 += np.outer(dz1, x[i])
        db1 += dz1
    n = len(x)
    return dw1 / n, db1 / n, dw2 / n, db2 / n


WRONG = [
    Wrong("the mean is forgotten", {" / len(x)": ""}, "delta2", "factor"),
    Wrong("target minus output", {"(a2 - y)": "(y - a2)"}, "delta2", "sign"),
    Wrong("the target is forgotten", {"(a2 - y)": "a2"}, "delta2", "missing", "y"),
    Wrong(
        "sigma' of a sigmoid output",
        {"(a2 - y) / len(x)": "(a2 - y) * a2 * (1 - a2) / len(x)"},
        "delta2",
        "added | factor",
        "a2",
    ),
    Wrong("relu' is forgotten", {"da1 * (z1 > 0)": "da1"}, "delta1", "missing", "a1 | z1"),
    Wrong("relu for relu'", {"da1 * (z1 > 0)": "da1 * a1"}, "delta1", "instead | missing | added", "a1 | z1"),
    Wrong("relu' of the error", {"da1 * (z1 > 0)": "da1 * (da1 > 0)"}, "delta1", "instead", "a1 | z1"),
    Wrong(
        "relu' on the other side", {"da1 * (z1 > 0)": "da1 * (z1 < 0)"}, "delta1", "sign | instead | order", "a1 | z1"
    ),
    Wrong("relu' of the output layer", {"(z1 > 0)": "(z2 > 0)"}, "delta1", "instead", "a1 | z1"),
    Wrong("sigma' for relu'", {"(z1 > 0)": "a1 * (1 - a1)"}, "delta1", "instead | missing | added", "a1 | z1"),
    Wrong("the transpose is forgotten", {"dz2 @ w2": "dz2 @ w2.T"}, "delta1", "transposed", "w2"),
    Wrong("z for a", {"dz2.T @ a1": "dz2.T @ z1"}, "dw2", "instead", "a1"),
    Wrong("outer product the other way round", {"dz2.T @ a1": "a1.T @ dz2"}, "dw2", "transposed | order"),
    Wrong("relu is forgotten in the forward pass", {"np.maximum(0, z1)": "z1"}, "a1", "instead | missing", "z1 | ReLU"),
    Wrong(
        "the exponentials are not normalised",
        {"a2 = e / e.sum(axis=1, keepdims=True)": "a2 = np.exp(z2)"},
        "a2 | delta2",
        "instead | missing",
        "a2 | softmax",
    ),
    Wrong(
        "normalised over the examples",
        {"e / e.sum(axis=1, keepdims=True)": "np.exp(z2) / np.exp(z2).sum(axis=0)"},
        "a2 | delta2",
        "sum",
        "a2 | softmax",
    ),
    Wrong(
        "the gradient of a1 returned for that of b1",
        {"db1 = dz1.sum": "db1 = da1.sum"},
        "db1",
        "instead | missing",
        "delta1 | a1>0",
    ),
    Wrong("one bias is averaged", {"db2 = dz2.sum": "db2 = dz2.mean"}, "db2", "sum | factor"),
    Wrong("the weights swapped", {"return dw1, db1, dw2": "return dw2, db1, dw1"}, says="swapped | another order"),
    Wrong("the bias is forgotten", {"z1 = x @ w1.T + b1": "z1 = x @ w1.T"}, "z1", "missing", "b1"),
    Wrong(
        "divided by the number of all numbers",
        {"n = len(x)": "n = x.size"},
        "delta2 | dw1",
        "factor",
        "3",
        style="differently",
    ),
    Wrong(
        "the 1 is added",
        {"dz2[np.argmax(y[i])] -= 1": "dz2[np.argmax(y[i])] += 1"},
        "delta2",
        "sign",
        "y",
        style="differently",
    ),
    Wrong(
        "a copy is forgotten that is none",
        {"dz2 = a2.copy()": "dz2 = a1.copy()"},
        "delta2",
        "instead",
        "a2",
        style="differently",
    ),
    Wrong(
        "the error of the last layer for both biases",
        {"db1 += dz1": "db1 += dz2"},
        "db1",
        "instead",
        "delta1",
        style="differently",
    ),
    Wrong("only the last example counts", {"dw2 += np": "dw2 = np"}, "dw2", "sum", style="differently"),
    Wrong("the mean is forgotten in one", {"dw2 / n": "dw2"}, "dw2", "factor", style="differently"),
]
