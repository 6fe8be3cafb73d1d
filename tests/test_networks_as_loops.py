"""Networks in C and in JavaScript: every cost and activation, a loop over time, a convolution, a second derivative."""

import importlib

import numpy as np
import pytest
from foreign import GCC, NODE, run_c, run_javascript, there

import autograd
from autograd import Tensor, source
from nn import Network, softmax_log_likelihood
from nn.costs import COSTS
from nn.layers import activations

RNG = np.random.default_rng(0)


def networks(dtype):
    """A function, its arguments and its parameters, for each."""
    x, y = RNG.random((4, 6)).astype(dtype), np.eye(3, dtype=dtype)[[0, 2, 1, 0]]
    for cost in COSTS:
        for activation in activations():
            net = Network([6, 5, 4, 3], cost=cost, activation=activation, dtype=dtype, rng=RNG)
            yield f"{cost}, {activation}", net.cost, (x, y), net.parameters()
    loop = importlib.import_module("13_loops").Recurrent(2, 4, 3, RNG, dtype=dtype)
    steps = RNG.random((4, 5, 2)).astype(dtype)
    yield "loop", lambda x, y: softmax_log_likelihood(loop(x), y), (steps, y), loop.parameters()
    convolution = importlib.import_module("14_shared_weights").Convolutional(RNG, dtype=dtype)
    picture, target = RNG.random((2, 29, 29)).astype(dtype), np.eye(10, dtype=dtype)[[3, 5]]
    f = lambda x, y: softmax_log_likelihood(convolution(x), y)  # noqa: E731
    yield "convolution", f, (picture, target), convolution.parameters()
    w, b = Tensor(RNG.random((3, 6)).astype(dtype), name="w"), Tensor(RNG.random(3).astype(dtype), name="b")

    def slope(w, x):
        return np.sum(np.tanh(x @ w.T + b) ** 2)

    second = lambda x: np.sum(autograd.grad(slope)(w, x) ** 2)  # noqa: E731
    yield "second derivative", second, (x,), [w, b]


@pytest.mark.parametrize("language", ["c", "javascript"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_networks_are_the_same_in_other_languages(language, dtype, tmp_path):
    cases = list(networks(dtype))
    there(GCC, "gcc", len(cases)) if language == "c" else there(NODE, "node", len(cases))
    programs, wanted = [], []
    for _, f, args, parameters in cases:
        for p in parameters:
            p.grad = None
        value = f(*args)
        value.backward()
        reached = sorted((p for p in parameters if p.grad is not None), key=lambda p: p.tick)
        text = source(f, *args, language=language)
        programs.append((text, [*args, *(p.data for p in reached)], [p.grad for p in reached]))
        wanted.append((value.data, [p.grad for p in reached]))
    ran = run_c(programs, tmp_path) if language == "c" else run_javascript(programs)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    for (label, *_), (value, gradients), (right, rights) in zip(cases, ran, wanted, strict=True):
        assert abs(value - right) <= tolerance * max(1.0, abs(float(right))), label
        for g, r in zip(gradients, rights, strict=True):
            assert np.max(np.abs(g - r)) <= tolerance * np.max(np.abs(r)), label
