"""The chain rule through one neuron, step by step, with a finite difference beside each gradient."""

from autograd import Tensor, explain, sigmoid

w, b = Tensor(0.6, name="w"), Tensor(0.9, name="b")
z = w * 1.0 + b
a = sigmoid(z)
cost = (a - 0.0) ** 2 / 2
z.name, a.name, cost.name = "z", "a", "C"
print(explain(cost, differences=True))
