"""A multilayer perceptron of three layers of rectified linear neurons, a linear output and the quadratic cost."""

import numpy as np

from autograd import Tensor, relu
from wrong_gradients import Wrong


def f(w1, b1, w2, b2, w3, b3, x, y):
    a1 = relu(x @ w1.T + b1)
    a2 = relu(a1 @ w2.T + b2)
    a3 = a2 @ w3.T + b3
    return np.mean(np.sum((a3 - y) ** 2, axis=1)) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(4, 3), (4,), (4, 4), (4,), (4, 4), (4,)]
    return *(Tensor(rng.normal(size=s)) for s in shapes), rng.normal(size=(8, 3)), rng.normal(size=(8, 4))


def vectorised(w1, b1, w2, b2, w3, b3, x, y):
    z1 = x @ w1.T + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2.T + b2
    a2 = np.maximum(z2, 0)
    a3 = a2 @ w3.T + b3
    d3 = (a3 - y) / len(x)
    d2 = (d3 @ w3) * (z2 > 0)
    d1 = (d2 @ w2) * (z1 > 0)
    return d1.T @ x, d1.sum(axis=0), d2.T @ a1, d2.sum(axis=0), d3.T @ a2, d3.sum(axis=0)


def differently(w1, b1, w2, b2, w3, b3, x, y):
    def step(z):
        return np.where(z > 0, 1.0, 0.0)

    weights, biases = [w1, w2, w3], [b1, b2, b3]
    nabla_w = [np.zeros(w.shape) for w in weights]
    nabla_b = [np.zeros(b.shape) for b in biases]
    for row, target in zip(x, y):
        activations, zs = [row], []
        for w, b in zip(weights, biases):
            zs.append(np.dot(w, activations[-1]) + b)
            activations.append(zs[-1] * step(zs[-1]))
        delta = zs[-1] - target
        nabla_w[2] += np.outer(delta, activations[2])
        nabla_b[2] += delta
        for k in (1, 0):
            delta = np.dot(weights[k + 1].T, delta) * step(zs[k])
            nabla_w[k] += np.outer(delta, activations[k])
            nabla_b[k] += delta
    return [g / len(x) for pair in zip(nabla_w, nabla_b) for g in pair]


NAMES = {"u1": "e"}
WRONG = [
    Wrong("the mean is forgotten", {" / len(x)": ""}, "e | d3 | db3 | dw3 | delta2 | de", "factor"),
    Wrong("target minus output", {"(a3 - y)": "(y - a3)"}, "e | d3 | de", "sign"),
    Wrong("relu' is forgotten in layer 2", {" * (z2 > 0)": ""}, "delta2", "missing", "a2>0 | z2>0"),
    Wrong("relu' is forgotten in layer 1", {" * (z1 > 0)": ""}, "delta1", "missing", "a1>0 | z1>0"),
    Wrong("relu for relu'", {" * (z1 > 0)": " * a1"}, "delta1", "instead | missing | added", "a1 | z1"),
    Wrong("relu' one layer off", {" * (z1 > 0)": " * (z2 > 0)"}, "delta1", "instead", "a1 | z1"),
    Wrong("relu' of the wrong side", {" * (z2 > 0)": " * (z2 < 0)"}, "delta2", "instead | order | sign", "a2 | z2"),
    Wrong("relu' of the input", {" * (z1 > 0)": " * (d2 > 0)"}, "delta1", "instead", "a1 | z1"),
    Wrong("tanh' for relu'", {" * (z2 > 0)": " * (1 - a2**2)"}, "delta2", "instead | added", "a2 | z2"),
    Wrong("the transpose is forgotten in layer 2", {"d3 @ w3": "d3 @ w3.T"}, "delta2", "transposed", "w3"),
    Wrong("the transpose is forgotten in layer 1", {"d2 @ w2": "d2 @ w2.T"}, "delta1", "transposed", "w2"),
    Wrong("the weights one layer off", {"(d2 @ w2)": "(d2 @ w3)"}, "delta1", "instead", "w2"),
    Wrong("the error one layer off", {"(d2 @ w2)": "(d3 @ w2)"}, "delta1", "instead", "delta2"),
    Wrong("z for a", {"d2.T @ a1": "d2.T @ z1"}, "dw2", "instead", "a1"),
    Wrong("the activation one layer off", {"d3.T @ a2": "d3.T @ a1"}, "dw3", "instead", "a2"),
    Wrong("outer product the other way round", {"d3.T @ a2": "a2.T @ d3"}, "dw3", "transposed | order"),
    Wrong(
        "relu at the output, too", {"a3 = a2 @ w3.T + b3": "a3 = np.maximum(a2 @ w3.T + b3, 0)"}, "e", "added | instead"
    ),
    Wrong("relu is forgotten in layer 2", {"np.maximum(z2, 0)": "z2"}, "a2", "instead | missing", "z2 | ReLU"),
    Wrong("a bias is averaged", {"d1.sum(axis=0)": "d1.mean(axis=0)"}, "db1", "sum | factor"),
    Wrong("the output bias is forgotten", {"a2 @ w3.T + b3": "a2 @ w3.T"}, "e", "missing", "b3"),
    Wrong("the square's 2 is kept", {"d3 = (a3 - y)": "d3 = 2 * (a3 - y)"}, "e | de", "factor"),
    Wrong(
        "weights first, then biases",
        {"pair in zip(nabla_w, nabla_b)": "pair in (nabla_w, nabla_b)"},
        says="another order",
        style="differently",
    ),
    Wrong(
        "biases before weights",
        {"zip(nabla_w, nabla_b)": "zip(nabla_b, nabla_w)"},
        says="swapped | another order",
        style="differently",
    ),
    Wrong(
        "the mean is forgotten in a whole list",
        {"[g / len(x) for": "[g for"},
        "e | d3 | db3 | dw3 | delta2 | de",
        "factor",
        style="differently",
    ),
    Wrong(
        "the step of the activation",
        {"step(zs[k])": "step(activations[k])"},
        "delta1 | delta2",
        "instead",
        style="differently",
    ),
    Wrong(
        "only the last example counts for the hidden weights",
        {"nabla_w[k] += np": "nabla_w[k] = np"},
        "dw1 | dw2",
        "sum",
        style="differently",
    ),
    Wrong(
        "the activations one layer off",
        {"np.outer(delta, activations[2])": "np.outer(delta, activations[3])"},
        "dw3",
        "instead",
        "a2",
        style="differently",
    ),
]
