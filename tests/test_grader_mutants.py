"""Wrong derivations: each slip that people make is told apart from the right one, so the comparison can fail."""

import numpy as np
import pytest

from nn import Network, equations, one_hot
from nn.equations import relu_prime, sigmoid, sigmoid_prime, tanh_prime
from nn.proof.numbers import engine_gradient, relative_difference

PRIMES = {"sigmoid": sigmoid_prime, "tanh": tanh_prime, "relu": relu_prime}


def backprop(w, b, x, y, slip=None, activation="sigmoid"):
    """`equations.backprop_batch` for three layers and the quadratic cost, written out, with room for a slip."""
    f, prime = equations.ACTIVATIONS[activation]
    n = len(x)
    z1 = x @ w[0].T + b[0]
    a1 = f(z1)
    z2 = a1 @ w[1].T + b[1]
    a2 = f(z2)
    z3 = a2 @ w[2].T + b[2]
    a3 = sigmoid(z3)

    delta3 = (a3 - y) / n
    if slip == "sign":
        delta3 = (y - a3) / n
    if slip == "1/n missing":
        delta3 = a3 - y
    if slip != "sigma' missing in the output layer":
        delta3 = delta3 * sigmoid_prime(z3, a3)
    if slip == "sigma' of the activation":
        delta3 = (a3 - y) / n * sigmoid_prime(a3, sigmoid(a3))
    dw3 = delta3.T @ a2

    through = w[2]
    if slip == "transpose missing":
        through = w[2].T
    if slip == "gradient in place of the weight":
        through = dw3
    delta2 = delta3 @ through
    if slip != "sigma' missing in a hidden layer":
        delta2 = delta2 * (prime(z1, a1) if slip == "sigma' one layer off" else prime(z2, a2))
    dw2 = delta2.T @ (a2 if slip == "activation one layer off" else a1)
    delta1 = (delta2 @ (w[2] if slip == "weight one layer off" else w[1])) * prime(z1, a1)
    dw1 = delta1.T @ x
    if slip == "outer product transposed":
        dw2 = dw2.T
    if slip == "bias of the first example only":
        return [dw1, dw2, dw3], [delta1[0], delta2[0], delta3[0]]
    return [dw1, dw2, dw3], [delta1.sum(axis=0), delta2.sum(axis=0), delta3.sum(axis=0)]


SLIPS = [
    "sign",
    "1/n missing",
    "sigma' missing in the output layer",
    "sigma' missing in a hidden layer",
    "sigma' of the activation",
    "sigma' one layer off",
    "transpose missing",
    "gradient in place of the weight",
    "activation one layer off",
    "weight one layer off",
    "outer product transposed",
    "bias of the first example only",
]


def difference_from_the_engine(slip, activation, seed):
    """Square layers, so that a slip changes no shape and only the numbers can tell."""
    rng = np.random.default_rng(seed)
    net = Network([6, 6, 6, 6], activation=activation, init="scaled", rng=rng)
    x, y = rng.standard_normal((5, 6)), one_hot(rng.integers(0, 6, 5), 6)
    w, b = [p.data for p in net.weights], [p.data for p in net.biases]
    dw, db = backprop(w, b, x, y, slip, activation)
    engine = engine_gradient(net, x, y)
    theirs = {f"w{i}": g for i, g in enumerate(dw, 1)} | {f"b{i}": g for i, g in enumerate(db, 1)}
    return max(relative_difference(engine[name], theirs[name]) for name in engine)


@pytest.mark.parametrize("activation", list(PRIMES))
@pytest.mark.parametrize("seed", range(5))
def test_the_right_derivation_passes(activation, seed):
    assert difference_from_the_engine(None, activation, seed) <= 1e-12


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("activation", list(PRIMES))
@pytest.mark.parametrize("seed", range(5))
def test_every_slip_is_told_apart(slip, activation, seed):
    assert difference_from_the_engine(slip, activation, seed) > 1e-3
