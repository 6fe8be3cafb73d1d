"""One small network, and the four readings of its graph: see it, read it, write it out, run it again."""

import timeit
from pathlib import Path

import numpy as np

import autograd
from nn import Network, load_digits, one_hot

training, _, _ = load_digits()
x, y = training.x[:10], one_hot(training.y[:10])  # a mini-batch of ten digits
net = Network([784, 30, 10], rng=np.random.default_rng(0))


def C(x, y):
    return net.cost(x, y)


if __name__ == "__main__":
    cost = C(x, y)
    cost.backward()
    cost.name = "C"
    pictures = Path(__file__).parent / "pictures"
    autograd.draw(cost).render(outfile=pictures / "network.svg", cleanup=True)  # see it

    print(autograd.equations(C, x[0], y[0]), end="\n\n\n")  # read it, for one digit

    print(autograd.source(C, x, y), end="\n\n")  # write it out, for the mini-batch

    step = autograd.compile(C)  # run it again, without building the graph
    for what, f in (("graph and backward()", lambda: C(x, y).backward()), ("replayed", lambda: step(x, y))):
        seconds = min(timeit.repeat(f, number=500, repeat=9)) / 500
        print(f"{what:21}{seconds * 1e6:6.1f} microseconds")
