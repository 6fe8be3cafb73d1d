"""How backprop generalises: the equations of the gradient, from one layer to many, to other costs, and to loops.

Nobody wrote these equations down. Each is read off from what the derivative rules recorded for a function.
"""

import textwrap

import numpy as np

from autograd import Tensor, equations, sigmoid, softmax
from nn import Network

rng = np.random.default_rng(0)
x, y = rng.random(7), np.array([0.0, 1.0, 0.0, 0.0])


def show(title, text):
    print(title, textwrap.indent(str(text), "    "), "", sep="\n")


def network(sizes, **options):
    net = Network(sizes, rng=rng, **options)

    def C(x, y):
        return net.cost(x, y)

    return str(equations(C, x, y)).partition("\n\n")[2]  # of the gradient; the values are no news


show("A third layer is BP2 once more", network([7, 6, 5, 4]))
show("tanh: its slope is 1 - a²", network([7, 5, 4], activation="tanh"))
show("ReLU: the slope is an indicator", network([7, 5, 4], activation="relu"))


def cross_entropy(w, b, x, y):
    a = sigmoid(w @ x + b)
    cost = -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
    cost.name = "C"
    return cost


def log_likelihood(w, b, x, y):
    cost = -np.sum(y * np.log(softmax(w @ x + b)))
    cost.name = "C"
    return cost


w, b = Tensor(rng.standard_normal((4, 7))), Tensor(rng.standard_normal(4))
show("Cross-entropy: the slope of the sigmoid cancels", equations(cross_entropy, w, b, x, y))
show("Softmax and log-likelihood: the same error", equations(log_likelihood, w, b, x, y))


def shared(w, x, y):
    h1 = np.tanh(w @ x)
    h2 = np.tanh(w @ h1)
    h1.name, h2.name = "h1", "h2"
    cost = np.sum((h2 - y) ** 2) / 2
    cost.name = "C"
    return cost


def recurrent(u, w, b, x, y):
    h = np.zeros(3)
    for t in range(len(x)):
        h = np.tanh(u @ x[t] + w @ h + b)
        h.name = f"h_{t}"
    cost = np.sum((h - y) ** 2) / 2
    cost.name = "C"
    return cost


def tensors(*shapes):
    return [Tensor(rng.standard_normal(shape)) for shape in shapes]


show("A shared weight: the sum over its uses", equations(shared, *tensors((7, 7)), x, x))
show(
    "A loop, unrolled: backpropagation through time",
    equations(recurrent, *tensors((3, 4), (3, 3), 3), rng.random((3, 4)), rng.random(3)),
)
