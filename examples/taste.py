"""A taste of the engine: one neuron, its gradient, and the gradient of its gradient."""

import numpy as np

from autograd import Tensor, check_gradients, grad, sigmoid

w, b = Tensor([0.5, -1.0], name="w"), Tensor(0.25, name="b")  # Tensors are differentiated
x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.0, 1.0])  # arrays are constants

a = sigmoid(x @ w + b)  # NumPy is the vocabulary, and every step is recorded
cost = np.mean((a - y) ** 2) / 2
cost.backward()  # the chain rule, back from the cost
print("cost ", cost)
print("dC/dw", w.grad, " dC/db", b.grad)
print("da   ", a.grad, " interior gradients are kept as well")

step = grad(grad(np.tanh))  # a gradient is a graph of the same kind: differentiate it again
print("tanh''(0.5) =", step(0.5))
check_gradients(lambda w: np.sum(np.tanh(x @ w) ** 3), np.array([0.5, -1.0]))  # silent: finite differences agree
