"""A learner's backprop for the book's network. It has one slip; `python -m nn check` says which."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def backprop(net, x, y):
    activations = [x]
    for w, b in zip(net.weights, net.biases):
        activations.append(sigmoid(w @ activations[-1] + b))
    a = activations[-1]
    delta = (a - y) * a * (1 - a)
    nabla_b, nabla_w = [delta], [delta @ activations[-2].T]
    for l in range(len(net.weights) - 1, 0, -1):  # noqa: E741
        delta = net.weights[l].T @ delta
        nabla_b.insert(0, delta)
        nabla_w.insert(0, delta @ activations[l - 1].T)
    return nabla_b, nabla_w
