"""One small network, and the four readings of its graph: see it, read it, write it out, run it again."""

import sys
import timeit

import numpy as np

import autograd
from nn import Network, equations, load_digits, one_hot

training, _, _ = load_digits()
x, y = training.x[:10], one_hot(training.y[:10])  # a mini-batch of ten digits
net = Network([784, 30, 10], rng=np.random.default_rng(0))


def C(x, y):
    return net.cost(x, y)


cost = C(x, y)
cost.backward()
cost.name = "C"
folder = sys.argv[1] if len(sys.argv) > 1 else "examples/pictures"
autograd.draw(cost, x=x, y=y).render(outfile=f"{folder}/network.svg", cleanup=True)  # see it

print(autograd.equations(C, x[0], y[0]), end="\n\n\n")  # read it, for one digit

program = autograd.source(C, x, y)  # write it out, for the mini-batch
print(program, end="\n\n")

step = autograd.compile(C)  # run it again, without building the graph
space = {}
exec(program, space)
w, b = [p.data for p in net.weights], [p.data for p in net.biases]
contenders = {
    "by hand (nn.equations)": lambda: equations.backprop_batch(w, b, x, y),
    "the program above": lambda: space["C_and_grad"](x, y, w[0], b[0], w[1], b[1]),
    "replayed, in buffers": lambda: step(x, y),
    "graph and backward()": lambda: C(x, y).backward(),
}
for name, f in contenders.items():
    seconds = min(timeit.repeat(f, number=500, repeat=9)) / 500
    print(f"{name:24}{seconds * 1e6:6.1f} microseconds")
