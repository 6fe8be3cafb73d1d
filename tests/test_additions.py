"""An activation, a cost and a layer, each added in ten lines: seen by every reading, trained, proven and graded."""

import inspect

import numpy as np
import pytest

import autograd
from autograd import Op, Tensor, sigmoid
from autograd.ops import activations
from nn import Linear, Module, Network, Sequential, costs, equations, one_hot, quadratic
from nn.cli import main
from nn.costs import Cost
from nn.equations import CostByHand
from nn.grader import grade, verdict
from nn.proof.numbers import compare, relative_difference
from nn.proof.symbols import derive
from tests.test_grader import in_this_process

RNG = np.random.default_rng(0)
X, LABELS = RNG.random((60, 5)), RNG.integers(0, 3, 60)
X[np.arange(60), LABELS] += 2
Y = one_hot(LABELS, 3)


@pytest.fixture
def softsign(monkeypatch):
    """An activation: an Op in autograd, and the witness."""
    op = Op(lambda x: x / (1 + np.abs(x)), "x / (1 + np.abs(x))",
            lambda g, y, x: g * (1 - np.abs(y)) ** 2, name="softsign")  # fmt: skip
    monkeypatch.setitem(activations.ACTIVATIONS, "softsign", op)

    by_hand = (lambda z: z / (1 + abs(z)), lambda z, a: 1 / (1 + abs(z)) ** 2)
    monkeypatch.setitem(equations.ACTIVATIONS, "softsign", by_hand)


@pytest.fixture
def quartic(monkeypatch):
    """A cost: its formula in nn, and the witness."""
    monkeypatch.setitem(costs.COSTS, "quartic", Cost(sigmoid, lambda a, y: np.mean(np.sum((a - y) ** 4, axis=-1)) / 4))

    by_hand = CostByHand("sigmoid", lambda z, y: np.sum((equations.sigmoid(z) - y) ** 4) / 4,
                         derivative=lambda a, y: (a - y) ** 3, error=None, text="(a - y)^3")  # fmt: skip
    monkeypatch.setitem(equations.COSTS, "quartic", by_hand)


class Scale(Module):
    """A layer: every input times a number of its own."""

    def __init__(self, n):
        self.s = Tensor(np.ones(n))

    def __call__(self, x):
        return x * self.s


def readings(net, cost, *words):
    """Draw, explain, write out and compile a cost: all of them show its parameters and have its gradient."""
    value = cost(X, Y)
    gradient = autograd.backprop(value)
    expected = {p.name: gradient[p] for p in net.parameters()}
    picture = autograd.draw(value).source
    for word in [*expected, *words]:
        assert word in picture
    text = str(autograd.explain(value))
    derived = [equation.name for equation in autograd.equations(cost, X, Y).gradient]
    for name in expected:
        assert f"\nd{name} = " in text
        assert f"d{name}" in derived

    namespace = {}
    exec(autograd.source(cost, X, Y), namespace)
    program = namespace[f"{cost.__name__}_and_grad"]
    names = [name for name in inspect.signature(program).parameters if name in expected]
    found, grads = program(X, Y, **{p.name: p.data for p in net.parameters()})
    assert found == pytest.approx(value.item(), rel=1e-13)
    for p in net.parameters():
        p.grad = None
    autograd.compile(cost)(X, Y)
    for p in net.parameters():
        assert relative_difference(p.grad, expected[p.name]) <= 1e-12
        assert relative_difference(grads[names.index(p.name)], expected[p.name]) <= 1e-12


def trained(net):
    history = net.SGD((X, LABELS), 30, 10, 2.0, test_data=(X, LABELS), rng=0, report=lambda epoch: None)
    return history[-1].scores["test"].accuracy


SOLUTION = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def f(z):
    return {f}

def f_prime(z):
    return {f_prime}

def backprop(net, x, y):
    a, z = [x], []
    for i, (w, b) in enumerate(zip(net.weights, net.biases), 1):
        z.append(w @ a[-1] + b)
        a.append(sigmoid(z[-1]) if i == len(net.weights) else f(z[-1]))
    delta = ({error}) * a[-1] * (1 - a[-1])
    nabla_b, nabla_w = [delta], [delta @ a[-2].T]
    for i in range(2, len(a)):
        delta = (net.weights[1 - i].T @ delta) * f_prime(z[-i])
        nabla_b.insert(0, delta)
        nabla_w.insert(0, delta @ a[-i - 1].T)
    return nabla_b, nabla_w
"""
SIGMOID = {"f": "sigmoid(z)", "f_prime": "sigmoid(z) * (1 - sigmoid(z))"}
SOFTSIGN = {"f": "z / (1 + abs(z))", "f_prime": "1 / (1 + abs(z)) ** 2"}


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """The grader in this process, where the additions are."""
    monkeypatch.setattr(verdict, "learner", in_this_process)

    def judge(text, **told):
        (tmp_path / "learner.py").write_text(text)
        return grade(tmp_path / "learner.py", **told)

    return judge


def test_an_activation(softsign, judge, capsys, tmp_path):
    net = Network([5, 4, 4, 3], activation="softsign", init="scaled", rng=0)
    readings(net, net.cost, "softsign")
    assert trained(net) > 0.9
    net.save(tmp_path / "net.npz")
    assert Network.load(tmp_path / "net.npz").activation == "softsign"
    assert all(row.passed for row in compare([6, 5, 4], activation="softsign"))
    found = derive([784, 12, 10], activation="softsign")
    assert found.passed
    assert found.lines[3].by_hand == "δ¹ = ((w²)ᵀ δ²) ⊙ softsign′(z¹)"
    assert "\\operatorname{softsign}'\\left(z^{1}\\right)" in found.latex_lines[3].by_hand
    assert main(["check", "--sizes", "5,4,3", "--activation", "softsign"]) == 0
    assert "softsign hidden layers" in capsys.readouterr().out
    right = SOLUTION.format(**SOFTSIGN, error="a[-1] - y")
    assert judge(right, activation="softsign").exit_code == 0
    assert judge(right).slips == ["Forward and BP2: the hidden layers are softsign layers."]
    missing = right.replace(" * f_prime(z[-i])", "")
    assert "sigma' is missing, in the hidden layers" in " ".join(judge(missing, activation="softsign").slips)


def test_an_activation_whose_rule_reads_its_input(monkeypatch):
    leaky = Op(lambda x: np.where(x > 0, x, 0.1 * x), "np.where(x > 0, x, 0.1 * x)",
               lambda g, y, x: g * np.where(x > 0, 1.0, 0.1), name="leaky")  # fmt: skip
    monkeypatch.setitem(activations.ACTIVATIONS, "leaky", leaky)
    monkeypatch.setitem(equations.ACTIVATIONS, "leaky",
                        (lambda z: np.maximum(z, 0.1 * z), lambda z, a: np.where(z > 0, 1.0, 0.1)))  # fmt: skip
    monkeypatch.setattr(equations, "KINKED", ("relu", "leaky"))
    net = Network([5, 4, 4, 3], activation="leaky", init="scaled", rng=0)
    readings(net, net.cost)
    assert trained(net) > 0.9
    assert all(row.passed for row in compare([6, 5, 4], activation="leaky"))
    assert derive([784, 12, 10], activation="leaky").passed


def test_a_cost(quartic, judge, capsys):
    net = Network([5, 4, 3], cost="quartic", init="scaled", rng=0)
    readings(net, net.cost)
    assert trained(net) > 0.5
    assert all(row.passed for row in compare([6, 5, 4], cost="quartic"))
    found = derive([784, 12, 10], cost="quartic")
    assert found.passed
    assert found.lines[0].by_hand == "δ² = ((a² − y)^3) ⊙ σ′(z²)"
    assert main(["check", "--sizes", "5,4,3", "--cost", "quartic"]) == 0
    assert "quartic cost" in capsys.readouterr().out
    right = SOLUTION.format(**SIGMOID, error="(a[-1] - y) ** 3")
    assert judge(right, cost="quartic").exit_code == 0
    assert "the error is that of the quartic cost" in " ".join(judge(right).slips)
    missing = right.replace(" * a[-1] * (1 - a[-1])", "")
    (slip,) = judge(missing, cost="quartic").slips
    assert slip.startswith("BP1, delta^L: sigma' is missing, in the output layer.")


def test_a_layer():
    net = Sequential(Linear(5, 4, activation=sigmoid, init="scaled", rng=0), Scale(4), Linear(4, 3, rng=1), sigmoid)
    assert list(net.state_dict()) == ["w1", "b1", "s2", "w3", "b3"]

    def cost(x, y):
        return quadratic(net(x), y)

    readings(net, cost)
    optimiser, step = autograd.compile(cost), 0.5
    start = cost(X, Y).item()
    for _ in range(100):
        for p in net.parameters():
            p.grad = None
        optimiser(X, Y)
        for p in net.parameters():
            p.data -= step * p.grad
    assert cost(X, Y).item() < start / 2


def test_what_the_witness_does_not_have_is_refused_by_name(monkeypatch):
    monkeypatch.setitem(activations.ACTIVATIONS, "gelu", autograd.softplus)
    monkeypatch.setitem(costs.COSTS, "quartic", Cost(sigmoid, quadratic))
    with pytest.raises(ValueError, match=r"nn.equations has no activation 'gelu' by hand; it has sigmoid, tanh, relu"):
        compare([4, 3, 2], activation="gelu")
    with pytest.raises(ValueError, match=r"nn.equations has no cost 'quartic' by hand; it has quadratic, cross-entr"):
        compare([4, 3, 2], cost="quartic")
