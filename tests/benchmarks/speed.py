"""How fast is a step? Everything is measured in turn, in one process, on one thread.

    python tests/benchmarks/speed.py            the table, in about three minutes
    python tests/benchmarks/speed.py --quick    fewer rounds, for a first look

A step is one mini-batch of stochastic gradient descent: the gradient of the quadratic cost of a sigmoid network, and
the update of its parameters. Every figure is the median over rounds in which all contenders take their turn. Install
PyTorch, JAX and micrograd (`pip install torch jax micrograd`) to have them in the table; none is needed.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before NumPy is imported

import argparse
import importlib.util
import statistics
import subprocess
import sys
import time
import types

import numpy as np

import autograd
from autograd import Tensor
from autograd.readings.graph import Graph
from autograd.readings.replay import has_compiler
from nn import SGD, Network, equations

ETA = 1e-3  # small, so that the parameters stay as they are however often the same mini-batch comes


def hand_derived(net, x, y):
    """BP1 to BP4 as a person writes them for this very network, in batched NumPy."""
    (w1, w2), (b1, b2) = [w.data.copy() for w in net.weights], [b.data.copy() for b in net.biases]
    lowest = -87.0 if x.dtype == np.float32 else -708.0

    def sigmoid(z):
        return 1 / (1 + np.exp(-np.maximum(z, lowest)))

    def step():
        nonlocal w1, b1, w2, b2
        a1 = sigmoid(x @ w1.T + b1)
        a2 = sigmoid(a1 @ w2.T + b2)
        delta2 = (a2 - y) * a2 * (1 - a2)
        delta1 = (delta2 @ w2) * a1 * (1 - a1)
        rate = ETA / len(x)
        w2 -= rate * (delta2.T @ a1)
        b2 -= rate * delta2.sum(axis=0)
        w1 -= rate * (delta1.T @ x)
        b1 -= rate * delta1.sum(axis=0)

    return step


def equations_of_the_book(net, x, y):
    """BP1 to BP4 in the general form of nn/equations.py, for any depth, cost and activation."""
    w, b = [p.data.copy() for p in net.weights], [p.data.copy() for p in net.biases]

    def step():
        nabla_b, nabla_w = equations.backprop_batch(w, b, x, y)
        for p, nabla in zip(w + b, nabla_w + nabla_b, strict=True):
            p -= ETA * nabla

    return step


def through_layers(net, x, y):
    """The engine, through the network's own layers."""
    optimiser = SGD(net.parameters(), ETA)

    def step():
        optimiser.zero_grad()
        net.cost(x, y).backward()
        optimiser.step()

    return step


def compiled(net, x, y):
    """The engine, the network's cost replayed, with eta in the cost, and the optimiser after it."""
    gradient = autograd.compile(lambda x, y: ETA * net.cost(x, y), overwrite=True)
    optimiser = SGD(net.parameters(), 1.0)

    def step():
        gradient(x, y)
        optimiser.step()

    return step


def whole(backend):
    """The engine, the network's cost, its gradient and the update as one program: what the trainer does."""

    def make(net, x, y):
        step = autograd.compile(net.cost, update=SGD(net.parameters(), ETA), backend=backend)
        return lambda: step(x, y)

    return make


def free_hand(net, x, y):
    """The engine, the same cost written in operators."""
    (w1, w2), (b1, b2) = net.weights, net.biases
    optimiser = SGD(net.parameters(), ETA)

    def step():
        optimiser.zero_grad()
        a1 = autograd.sigmoid(x @ w1.T + b1)
        a2 = autograd.sigmoid(a1 @ w2.T + b2)
        cost = np.sum((a2 - y) ** 2) / (2 * len(x))
        cost.backward()
        optimiser.step()

    return step


def epochs(hidden, dtype):
    """A whole epoch, as a person writes it in NumPy, and in C without Python in between."""
    rng = np.random.default_rng(0)
    x = rng.random((20_000, 784)).astype(dtype)
    y = np.eye(10, dtype=dtype)[rng.integers(0, 10, 20_000)]
    order = rng.permutation(20_000)
    by_hand, net = (Network([784, hidden, 10], dtype=dtype, rng=1) for _ in range(2))
    (w1, w2), (b1, b2) = [w.data for w in by_hand.weights], [b.data for b in by_hand.biases]
    lowest = -87.0 if dtype == np.float32 else -708.0

    def sigmoid(z):
        return 1 / (1 + np.exp(-np.maximum(z, lowest)))

    def loop():
        rate = ETA / 10
        for n in range(0, 20_000, 10):
            rows = order[n : n + 10]
            a0, t = x[rows], y[rows]
            a1 = sigmoid(a0 @ w1.T + b1)
            a2 = sigmoid(a1 @ w2.T + b2)
            delta2 = (a2 - t) * a2 * (1 - a2)
            delta1 = (delta2 @ w2) * a1 * (1 - a1)
            w2[...] -= rate * (delta2.T @ a1)
            b2[...] -= rate * delta2.sum(axis=0)
            w1[...] -= rate * (delta1.T @ a0)
            b1[...] -= rate * delta1.sum(axis=0)

    steps = {"hand-derived": loop}
    if has_compiler():
        step = autograd.compile(net.cost, update=SGD(net.parameters(), ETA), backend="c")
        steps["in C"] = lambda: step.epoch(x, y, order=order, size=10)
    if importlib.util.find_spec("jax"):
        steps["JAX"] = jax_epoch(Network([784, hidden, 10], dtype=dtype, rng=1), x, y, order)
    return steps


def jax_epoch(net, x, y, order):
    """JAX: the epoch as one jit of a lax.scan over the mini-batches, which gathers them from the rows."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp, rate = jax.numpy, x.dtype.type(ETA / 10)
    x, y, batches = jnp.asarray(x), jnp.asarray(y), jnp.asarray(order.reshape(-1, 10))
    parameters = [(jnp.asarray(w.data), jnp.asarray(b.data)) for w, b in zip(net.weights, net.biases, strict=True)]

    def cost(parameters, a, t):
        for w, b in parameters:
            a = jax.nn.sigmoid(a @ w.T + b)
        return jnp.sum((a - t) ** 2) / 2

    def step(parameters, rows):
        gradients = jax.grad(cost)(parameters, x[rows], y[rows])
        return jax.tree.map(lambda p, g: p - rate * g, parameters, gradients), None

    epoch = jax.jit(lambda parameters: jax.lax.scan(step, parameters, batches)[0], donate_argnums=0)

    def run():
        nonlocal parameters
        parameters = jax.block_until_ready(epoch(parameters))

    return run


def pytorch(net, x, y):
    """PyTorch eager: nn.Sequential and optim.SGD."""
    import torch

    torch.set_num_threads(1)
    layers = []
    for w, b in zip(net.weights, net.biases, strict=True):
        layer = torch.nn.Linear(w.shape[1], w.shape[0], dtype=getattr(torch, str(w.dtype)))
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(w.data))
            layer.bias.copy_(torch.tensor(b.data))
        layers += [layer, torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*layers)
    optimiser = torch.optim.SGD(model.parameters(), ETA)
    x, y = torch.tensor(x), torch.tensor(y)

    def step():
        optimiser.zero_grad()
        cost = ((model(x) - y) ** 2).sum() / (2 * len(x))
        cost.backward()
        optimiser.step()

    return step


def matrix_products(net, x, y):
    """The five matrix products of the step and nothing else."""
    w1, w2 = (w.data.copy() for w in net.weights)
    a1, delta1, delta2 = (np.ones((len(x), n), x.dtype) for n in (w1.shape[0], w1.shape[0], w2.shape[0]))

    def step():
        x @ w1.T
        a1 @ w2.T
        delta2.T @ a1
        delta2 @ w2
        delta1.T @ x

    return step


def expression(a, b):
    """The expression of micrograd's README."""
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g


def eight_neurons(*weights):
    """A layer of eight neurons with four inputs each, on two examples: 150 nodes."""
    rng = np.random.default_rng(0)
    total = 0.0
    for x in rng.standard_normal((2, 4)).tolist():
        for i in range(0, 40, 5):
            *w, b = weights[i : i + 5]
            total = total + sum((wi * xi for wi, xi in zip(w, x, strict=True)), b).relu() ** 2
    return total


SCALAR_GRAPHS = {
    "README expression": (expression, [-4.0, 2.0]),
    "eight neurons": (eight_neurons, np.random.default_rng(1).standard_normal(40).tolist()),
}


def built_anew(f, value, numbers):
    """The graph of a function of scalars built and walked, for an engine whose scalars are made by `value`."""

    def step():
        f(*[value(number) for number in numbers]).backward()

    return step


def replayed(f, numbers, backend="numpy"):
    """The same function of the same scalars, replayed."""
    leaves, gradient = [Tensor(number) for number in numbers], autograd.compile(f, backend=backend)

    def step():
        gradient(*leaves)

    return step


def own_code(f):
    """The same function with code of its own: CPython adapts code to the types that it meets, and we compare two."""
    return types.FunctionType(f.__code__.replace(), f.__globals__, f.__name__)


def measure(steps, rounds, seconds):
    """The median time of each step in microseconds, over rounds in which each takes its turn."""
    counts = {}
    for name, step in steps.items():
        step()
        start = time.perf_counter()
        step()
        counts[name] = max(1, int(seconds / (time.perf_counter() - start)))
    times = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                step()
            times[name].append((time.perf_counter() - start) / counts[name] * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def chain(n):
    """sin(sin(… x)), n deep."""
    x = Tensor(1.0, name="x")
    for _ in range(n):
        x = np.sin(x)
    return x


# What is linear takes the same time per node for every length.
READINGS = {
    "Graph": Graph,
    "equations": lambda output: str(autograd.equations(output)),
    "draw": lambda output: autograd.draw(output, backward=True, limit=10**6).source,
    "explain": lambda output: str(autograd.explain(output)),
}


def import_time(statement):
    """The median time in milliseconds that a fresh interpreter takes to run `statement`."""
    code = f"import time; t = time.perf_counter(); {statement}; print((time.perf_counter() - t) * 1e3)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(11)]
    return statistics.median(float(run.stdout) for run in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three short rounds instead of eleven")
    quick = parser.parse_args().quick
    rounds, seconds = (3, 0.02) if quick else (11, 0.1)
    contenders = {
        "hand-derived": hand_derived,
        "nn.equations": equations_of_the_book,
        "layers": through_layers,
        "free-hand": free_hand,
        "compiled": compiled,
        "step": whole("numpy"),
    }
    if has_compiler():
        contenders["step in C"] = whole("c")
    if importlib.util.find_spec("torch"):
        contenders["PyTorch"] = pytorch
    contenders["products alone"] = matrix_products

    print("Microseconds per SGD step, and as a ratio to the hand-derived step, on one thread")
    print(f"{'network':12}{'batch':>6}  {'dtype':8}" + "".join(f"{name:>16}" for name in contenders))
    for hidden in (30, 100):
        for batch in (1, 10, 128):
            for dtype in (np.float32, np.float64):
                rng = np.random.default_rng(0)
                x = rng.random((batch, 784)).astype(dtype)
                y = np.eye(10, dtype=dtype)[rng.integers(0, 10, batch)]
                steps = {
                    name: make(Network([784, hidden, 10], dtype=dtype, rng=1), x, y)
                    for name, make in contenders.items()
                }
                times = measure(steps, rounds, seconds)
                base = times["hand-derived"]
                print(
                    f"{f'784-{hidden}-10':12}{batch:>6}  {np.dtype(dtype).name:8}"
                    + "".join(f"{value:10.1f}{value / base:6.2f}" for value in times.values())
                )

    if has_compiler() or importlib.util.find_spec("jax"):
        print("\nMicroseconds per mini-batch of 10 in a whole epoch of 20,000 examples, with the gathering")
        for hidden in (30, 100):
            for dtype in (np.float32, np.float64):
                steps = epochs(hidden, dtype)
                times = measure(steps, 3, 0.0)
                base = times["hand-derived"]
                print(
                    f"{f'784-{hidden}-10':12}{10:>6}  {np.dtype(dtype).name:8}"
                    + "".join(f"{name:>16}{value / 2000:8.1f}{value / base:6.2f}" for name, value in times.items())
                )

    print("\nMicroseconds per scalar graph, forward and backward")
    for name, (f, numbers) in SCALAR_GRAPHS.items():
        steps = {"handgrad": built_anew(own_code(f), Tensor, numbers), "replayed": replayed(own_code(f), numbers)}
        if has_compiler():
            steps["in C"] = replayed(own_code(f), numbers, "c")
        if importlib.util.find_spec("micrograd"):
            from micrograd.engine import Value

            steps["micrograd"] = built_anew(own_code(f), Value, numbers)
        times = measure(steps, rounds, seconds)
        row = "".join(f"{name:>12} {value:8.1f}" for name, value in times.items())
        if "micrograd" in times:
            row += "   " + ", ".join(
                f"{times['micrograd'] / time:.1f}" for ours, time in times.items() if ours != "micrograd"
            )
            row += " times as fast"
        print(f"{name:20}{row}")

    print("\nMicroseconds per node to read a chain of so many sines")
    print(f"{'nodes':>12}" + "".join(f"{name:>12}" for name in READINGS))
    for n in (50, 100, 200, 400):
        output = chain(n)
        steps = {name: types.MethodType(read, output) for name, read in READINGS.items()}
        times = measure(steps, 3, seconds)
        print(f"{n:>12}" + "".join(f"{value / n:12.1f}" for value in times.values()))

    alone, both = import_time("import numpy"), import_time("import numpy, autograd")
    print(f"\nimport numpy {alone:.0f} ms, with autograd {both:.0f} ms: {both - alone:.0f} ms more")


if __name__ == "__main__":
    main()
