"""The grader: right solutions in every orientation are right, slips are found and named, and nothing else gets through.

The learners' files are texts: right ones, and the same with one line changed. Most are judged in this process, which is
faster; that the process in between changes nothing, and survives everything, has tests of its own.
"""

import contextlib
import io
import os
import time
from pathlib import Path

import numpy as np
import pytest

from autograd.grading.fence import pack, unpack
from nn.grader import grade, verdict
from nn.grader.calling import Learner

SIGMOID = """
import numpy as np

def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))
"""

BOOK = (
    SIGMOID
    + """
def backprop(self, x, y):
    nabla_b = [np.zeros(b.shape) for b in self.biases]
    nabla_w = [np.zeros(w.shape) for w in self.weights]
    activation, activations, zs = x, [x], []
    for b, w in zip(self.biases, self.weights):
        z = np.dot(w, activation) + b
        zs.append(z)
        activation = sigmoid(z)
        activations.append(activation)
    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
    nabla_b[-1] = delta
    nabla_w[-1] = np.dot(delta, activations[-2].transpose())
    for l in range(2, self.num_layers):
        sp = sigmoid_prime(zs[-l])
        delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp
        nabla_b[-l] = delta
        nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
    return nabla_b, nabla_w
"""
)

ROWS = (
    SIGMOID
    + """
def backprop(net, x, y):
    n, last = len(x), len(net.weights)
    a, z = [x], [None]
    for w, b in zip(net.weights, net.biases):
        z.append(a[-1] @ w.T + b)
        a.append(sigmoid(z[-1]))
    delta = (a[-1] - y) / n * sigmoid_prime(z[-1])
    nabla_b, nabla_w = [], []
    for l in range(last, 0, -1):
        nabla_b.insert(0, delta.sum(axis=0))
        nabla_w.insert(0, delta.T @ a[l - 1])
        if l > 1:
            delta = (delta @ net.weights[l - 1]) * sigmoid_prime(z[l - 1])
    return nabla_b, nabla_w
"""
)

COLUMNS = (
    SIGMOID
    + """
def backprop(net, x, y):
    m = x.shape[1]
    a, z = [x], []
    for w, b in zip(net.weights, net.biases):
        z.append(w @ a[-1] + b)
        a.append(sigmoid(z[-1]))
    delta = (a[-1] - y) * sigmoid_prime(z[-1]) / m
    nabla_b, nabla_w = [delta.sum(axis=1, keepdims=True)], [delta @ a[-2].T]
    for l in range(2, len(net.sizes)):
        delta = (net.weights[-l + 1].T @ delta) * sigmoid_prime(z[-l])
        nabla_b = [delta.sum(axis=1, keepdims=True)] + nabla_b
        nabla_w = [delta @ a[-l - 1].T] + nabla_w
    return nabla_b, nabla_w
"""
)

ROWS_TRANSPOSED = (  # weights of shape (n_in, n_out), and the weights first
    SIGMOID
    + """
def backprop(net, x, y):
    a = [x]
    for w, b in zip(net.weights, net.biases):
        a.append(sigmoid(a[-1] @ w + b))
    delta = (a[-1] - y) * a[-1] * (1 - a[-1]) / x.shape[0]
    nabla_b, nabla_w = [delta.sum(0)], [a[-2].T @ delta]
    for i in range(len(net.weights) - 1, 0, -1):
        delta = (delta @ net.weights[i].T) * a[i] * (1 - a[i])
        nabla_b.insert(0, delta.sum(0))
        nabla_w.insert(0, a[i - 1].T @ delta)
    return nabla_w, nabla_b
"""
)

VECTOR = (
    SIGMOID
    + """
def backprop(net, x, y):
    a, z = [x], []
    for w, b in zip(net.weights, net.biases):
        z.append(w.dot(a[-1]) + b)
        a.append(sigmoid(z[-1]))
    delta = (a[-1] - y) * sigmoid_prime(z[-1])
    nabla_b, nabla_w = [delta], [np.outer(delta, a[-2])]
    for l in range(2, len(net.sizes)):
        delta = (delta @ net.weights[-l + 1]) * sigmoid_prime(z[-l])
        nabla_b.insert(0, delta)
        nabla_w.insert(0, np.outer(delta, a[-l - 1]))
    return nabla_b, nabla_w
"""
)

TWO_LAYERS = (  # written out for one hidden layer, in pure Python where it can be
    SIGMOID
    + """
def backprop(net, x, y):
    w1, w2 = net.weights
    b1, b2 = net.biases
    a1 = sigmoid(w1 @ x + b1)
    a2 = sigmoid(w2 @ a1 + b2)
    delta2 = (a2 - y) * a2 * (1 - a2)
    delta1 = (w2.T @ delta2) * a1 * (1 - a1)
    return [delta1, delta2], [(delta1 @ x.T).tolist(), (delta2 @ a1.T).tolist()]
"""
)

CLASS = (
    SIGMOID
    + """
class Network:
    def __init__(self, sizes):
        self.num_layers, self.sizes = len(sizes), sizes
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]

    def cost_derivative(self, output_activations, y):
        return output_activations - y
"""
    + "\n".join("    " + line if line else "" for line in BOOK[len(SIGMOID) :].split("\n"))
)

RIGHT = {
    "the book's": BOOK,
    "the book's, with the net's cost_derivative": BOOK.replace(
        "(activations[-1] - y)", "self.cost_derivative(self.feedforward(x), y)"
    ),
    "the book's, with the net's cost": BOOK.replace(
        "(activations[-1] - y) * sigmoid_prime(zs[-1])", "(self.cost).delta(zs[-1], activations[-1], y)"
    ),
    "the book's class": CLASS,
    "rows": ROWS,
    "rows, biases as rows": ROWS.replace("delta.sum(axis=0)", "delta.sum(axis=0, keepdims=True)"),
    "rows, biases as columns": ROWS.replace("+ b)", "+ b[:, 0])").replace(
        "delta.sum(axis=0)", "delta.sum(axis=0)[:, None]"
    ),
    "columns": COLUMNS,
    "columns, biases flat": COLUMNS.replace(", keepdims=True", "").replace("+ b)", "+ b.reshape(-1, 1))"),
    "columns, nabla_b flat": COLUMNS.replace(", keepdims=True", ""),
    "columns, weights first": "ORDER = 'w,b'\n" + COLUMNS.replace("return nabla_b, nabla_w", "return nabla_w, nabla_b"),
    "columns, (n_in, n_out)": COLUMNS.replace("w @ a[-1]", "w.T @ a[-1]")
    .replace("].T @ delta", "] @ delta")
    .replace("delta @ a[-2].T", "a[-2] @ delta.T")
    .replace("delta @ a[-l - 1].T", "a[-l - 1] @ delta.T"),
    "rows, (n_in, n_out), weights first": "ORDER = 'w,b'\n" + ROWS_TRANSPOSED,
    "vectors": VECTOR,
    "one row": ROWS.replace("/ n *", "*").replace("delta.sum(axis=0)", "delta"),
    "two layers": TWO_LAYERS,
    "tuples": BOOK.replace("return nabla_b, nabla_w", "return tuple(nabla_b), tuple(nabla_w)"),
    "single precision": ROWS.replace("a, z = [x]", "a, z = [x.astype(np.float32)]")
    .replace("@ w.T + b", "@ w.T.astype(np.float32) + b.astype(np.float32)")
    .replace("- y)", "- y.astype(np.float32))")
    .replace("delta @ net.weights[l - 1]", "delta @ net.weights[l - 1].astype(np.float32)"),
    "single precision inside": BOOK.replace("z = np.dot(w, activation) + b", "z = (w @ activation + b).astype('f')"),
    "has annotations": BOOK + "def f(a: 1 + 1): ...\nassert f.__annotations__ == {'a': 2}",
    "prints, and keeps things": BOOK.replace("    activation,", "    print(x); self.seen = [x]\n    activation,"),
}

OTHER = {  # right for what the file, or an option, says
    "a constant for the cost": ("COST = 'cross-entropy'\n" + BOOK.replace(" * sigmoid_prime(zs[-1])", ""), {}),
    "the cost": (BOOK.replace(" * sigmoid_prime(zs[-1])", ""), {"cost": "cross-entropy"}),
    "the sum": (ROWS.replace("/ n *", "*"), {"reduction": "sum"}),
    "a constant for the sum": ("REDUCTION = 'sum'\n" + COLUMNS.replace(" / m", ""), {}),
    "tanh": (BOOK.replace("activation = sigmoid(z)", "activation = sigmoid(z) if b is self.biases[-1] else np.tanh(z)")
             .replace("sp = sigmoid_prime(zs[-l])", "sp = 1 - np.tanh(zs[-l]) ** 2"), {"activation": "tanh"}),
    "relu": (BOOK.replace("activation = sigmoid(z)", "activation = sigmoid(z) if b is self.biases[-1] else z * (z > 0)")
             .replace("sp = sigmoid_prime(zs[-l])", "sp = zs[-l] > 0"), {"activation": "relu"}),
    "softmax": (BOOK.replace("activation = sigmoid(z)", "activation = sigmoid(z) if b is not self.biases[-1] else"
                             " np.exp(z) / np.exp(z).sum()").replace(" * sigmoid_prime(zs[-1])", ""),
                {"cost": "log-likelihood"}),
    "the sizes": (BOOK.replace("    activation,", "    assert self.sizes == [7, 3, 5, 2]\n    activation,"),
                  {"sizes": [7, 3, 5, 2]}),
    "one example, rows": (ROWS.replace("/ n *", "*"), {"examples": "one", "orientation": "rows"}),
    "all of it": (ROWS_TRANSPOSED, {"examples": "batch", "orientation": "rows", "weights": "in,out", "order": "w,b"}),
    "no hidden layer": (ROWS, {"sizes": [4, 3]}),
    "one output": (COLUMNS, {"sizes": [4, 3, 1]}),
}  # fmt: skip

# What is changed in which right file, and words that the right explanation has in it.
MUTANTS = {
    "sigma' missing in the output layer": (BOOK, " * sigmoid_prime(zs[-1])", "", ["sigma' is missing", "output layer"]),
    "the error of the cross-entropy": (ROWS, " * sigmoid_prime(z[-1])", "", ["cross-entropy", "other cost"]),
    "sigma' missing in hidden layers": (BOOK, ", delta) * sp", ", delta)", ["sigma' is missing", "hidden layers"]),
    "sigma' missing in hidden layers, rows": (
        ROWS, " * sigmoid_prime(z[l - 1])", "", ["sigma' is missing", "hidden layers"]),
    "sigma' missing everywhere": (
        COLUMNS, "* sigmoid_prime(z[-1]) / m", "/ m", ["sigma' is missing"], " * sigmoid_prime(z[-l])", ""),
    "transpose missing": (BOOK, "[-l + 1].transpose()", "[-l + 1]", ["transpose is missing", "BP2"]),
    "transpose missing, rows": (ROWS, "delta @ net.weights[l - 1]", "delta @ net.weights[l - 1].T",
                                ["transpose is missing", "BP2"]),
    "transpose missing, (n_in, n_out)": (ROWS_TRANSPOSED, "net.weights[i].T", "net.weights[i]",
                                         ["transpose is missing", "BP2"]),
    "outer product the wrong way round": (BOOK, "np.dot(delta, activations[-l - 1].transpose())",
                                          "np.dot(activations[-l - 1], delta.transpose())", ["BP4", "transpose"]),
    "gradient in place of weight": (BOOK, "self.weights[-l + 1].transpose()", "nabla_w[-l + 1].transpose()",
                                    ["BP2", "gradient of the next layer"]),
    "gradient in place of weight, rows": (ROWS, "delta @ net.weights[l - 1]", "delta @ nabla_w[0]",
                                          ["BP2", "gradient of the next layer"]),
    "weights a layer off": (BOOK, "self.weights[-l + 1]", "self.weights[-l]", ["BP2", "one layer off"]),
    "weights a layer off, rows": (ROWS, "delta @ net.weights[l - 1]", "delta @ net.weights[l - 2]",
                                  ["BP2", "one layer off"]),
    "activation a layer off": (BOOK, "activations[-l - 1]", "activations[-l]", ["BP4", "one layer off"]),
    "z a layer off": (BOOK, "sigmoid_prime(zs[-l])", "sigmoid_prime(zs[-l + 1])", ["BP2", "one layer off"]),
    "sign": (BOOK, "(activations[-1] - y)", "(y - activations[-1])", ["sign"]),
    "sign, rows": (ROWS, "(a[-1] - y)", "(y - a[-1])", ["sign"]),
    "1/n missing": (ROWS, "/ n *", "*", ["1/n", "missing"]),
    "1/n missing, columns": (COLUMNS, " / m", "", ["1/n", "missing"]),
    "1/n twice": (COLUMNS, " / m", " / m / m", ["1/n", "too often"]),
    "divided by the inputs": (BOOK, "(activations[-1] - y)", "(activations[-1] - y) / len(x)", ["number of inputs"]),
    "a factor 2": (BOOK, "(activations[-1] - y)", "2 * (activations[-1] - y)", ["factor 2"]),
    "mean over the outputs": (ROWS, "(a[-1] - y)", "(a[-1] - y) / y.shape[1]", ["mean over the output neurons"]),
    "bias not summed": (ROWS, "delta.sum(axis=0)", "delta", ["bias is not summed"]),
    "bias not summed, columns": (COLUMNS, ".sum(axis=1, keepdims=True)", "", ["bias is not summed"]),
    "bias averaged": (ROWS, "delta.sum(axis=0)", "delta.mean(axis=0)", ["BP3", "1/n"]),
    "bias of the first example": (ROWS, "delta.sum(axis=0)", "delta[0]", ["BP3", "first example"]),
    "sigma'(a)": (BOOK, "sigmoid_prime(zs[-l])", "sigmoid_prime(activations[-l])", ["sigma'(a)"]),
    "sigma'(a) everywhere": (BOOK, "zs.append(z)", "zs.append(sigmoid(z))", ["sigma'(a)"]),
    "z (1 - z)": (BOOK, "return sigmoid(z) * (1 - sigmoid(z))", "return z * (1 - z)", ["z (1 - z)"]),
    "input in place of activation": (BOOK, "activations[-l - 1]", "x", []),
    "input in place of activation, four layers": (
        BOOK, "activations[-2].transpose()", "activations[-3].transpose()", ["BP4", "one layer off"]),
    "z in place of activation": (BOOK, "activations[-l - 1].transpose()",
                                 "(zs[-l - 1] if l < len(zs) else x).transpose()", ["BP4", "weighted input"]),
    "the loop stops early": (BOOK, "range(2, self.num_layers)", "range(2, self.num_layers - 1)", ["left at zero"]),
    "lists reversed": (ROWS, "return nabla_b, nabla_w", "return nabla_b[::-1], nabla_w[::-1]", ["first layer"]),
    "no biases": (BOOK, "np.dot(w, activation) + b", "np.dot(w, activation)", ["Forward", "biases"]),
    "delta is not carried on": (
        BOOK, "delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp",
        "d = np.dot(self.weights[-l + 1].transpose(), delta) * sp", ["output layer, delta^L"],
        "nabla_b[-l] = delta\n        nabla_w[-l] = np.dot(delta,", "nabla_b[-l] = d\n        nabla_w[-l] = np.dot(d,"),
    "two slips": (ROWS, "/ n * sigmoid_prime(z[-1])", "/ n", ["sigma' is missing", "gradient of the next layer"],
                  "delta @ net.weights[l - 1]", "delta @ nabla_w[0]"),
    "two slips in one equation": (ROWS, "(delta @ net.weights[l - 1]) * sigmoid_prime(z[l - 1])", "delta @ nabla_w[0]",
                                  ["sigma' is missing", "gradient of the next layer"]),
    "two slips and a factor": (BOOK, "(activations[-1] - y)", "2 * (activations[-1] - y)",
                               ["factor 2", "sigma'(a)"], "sigmoid_prime(zs[-l])", "sigmoid_prime(activations[-l])"),
    "two layers, sigma' missing": (TWO_LAYERS, "(w2.T @ delta2) * a1 * (1 - a1)", "(w2.T @ delta2)",
                                   ["sigma' is missing"]),
}  # fmt: skip


@contextlib.contextmanager
def in_this_process(path, timeout, memory, printed):
    answer = Learner().answer
    yield lambda question, arrays: unpack(pack(*answer(*unpack(pack(question, arrays)))))


@pytest.fixture
def judge(check, monkeypatch):
    """The grader without its process, and with fewer networks."""
    monkeypatch.setattr(verdict, "learner", in_this_process)
    monkeypatch.setattr(verdict, "NETWORKS", ((4, 6, 5, 3), (5, 5, 5, 5), (4, 6, 3), (3, 6, 4, 5, 2)))
    return check


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_solution_is_not_accused(name, judge, capsys):
    report = judge(RIGHT[name])
    assert report.exit_code == 0, report
    assert all(row.passed for row in report.rows) and not report.slips and not report.where


@pytest.mark.parametrize("name", OTHER)
def test_what_is_told_is_what_it_is_judged_by(name, judge):
    text, told = OTHER[name]
    report = judge(text, **told)
    assert report.exit_code == 0, report


def mutant(name):
    base, *changes = MUTANTS[name][0], *MUTANTS[name][1:3], *MUTANTS[name][4:]
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in base, old
        base = base.replace(old, new)
    return base


@pytest.mark.parametrize("name", MUTANTS)
def test_a_slip_is_found_and_named(name, judge):
    report = judge(mutant(name))
    assert report.exit_code == 1, report
    for word in MUTANTS[name][3]:
        assert word in " ".join(report.slips), report


def test_a_hint_says_which_equation_and_not_what(judge):
    report = judge(mutant("sigma' missing in hidden layers"), hint=True)
    assert "BP2, delta^l, layers 2 and 1\n" in str(report) and "δ² = " in str(report)
    assert "missing" not in str(report) and "^^" not in str(report)


def test_a_slip_takes_no_more_than_a_name(judge):
    """What no known slip explains is wrong all the same, and nothing is made up."""
    report = judge(BOOK.replace("sp = sigmoid_prime(zs[-l])", "sp = np.cos(zs[-l])"))
    assert report.exit_code == 1 and report.slips == []
    assert "layer 3 is right, and it goes wrong from layer 2 on" in report.where


def test_what_is_meant_otherwise_can_be_said(judge):
    report = judge(mutant("the error of the cross-entropy"))
    assert "--cost" in str(report)
    assert judge(mutant("the error of the cross-entropy"), cost="cross-entropy").exit_code == 0
    assert judge(BOOK, cost="cross-entropy").exit_code == 1
    assert "the quadratic cost" in " ".join(judge(BOOK, cost="cross-entropy").slips)
    (slip,) = judge(BOOK, activation="tanh").slips
    assert slip.startswith("Forward and BP2: the hidden layers are sigmoid layers.")


NUMERICAL = """
def cost(net, x, y):
    a = x
    for w, b in zip(net.weights, net.biases):
        a = sigmoid(w @ a + b)
    return 0.5 * np.sum((a - y) ** 2)

def slopes(net, x, y, parameters):
    found = []
    for p in parameters:
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            old = p[i]
            p[i] = old + 1e-6
            above = cost(net, x, y)
            p[i] = old - 1e-6
            g[i] = (above - cost(net, x, y)) / 2e-6
            p[i] = old
        found.append(g)
    return found

def backprop(net, x, y):
    return slopes(net, x, y, net.biases), slopes(net, x, y, net.weights)
"""
COMPLEX = """
def slopes(net, x, y, name):
    found = []
    for k, p in enumerate(getattr(net, name)):
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            moved = {n: [q.astype(complex) for q in getattr(net, n)] for n in ("weights", "biases")}
            moved[name][k][i] += 1e-30j
            a = x
            for w, b in zip(moved["weights"], moved["biases"]):
                a = 1 / (1 + np.exp(-(w @ a + b)))
            g[i] = (0.5 * ((a - y) ** 2).sum()).imag / 1e-30
        found.append(g)
    return found

def backprop(net, x, y):
    return slopes(net, x, y, "biases"), slopes(net, x, y, "weights")
"""
ENGINE = """
import autograd
from autograd import Tensor

def backprop(net, x, y):
    w, b = [Tensor(p) for p in net.weights], [Tensor(p) for p in net.biases]
    a = x
    for i in range(len(w)):
        a = autograd.sigmoid(w[i] @ a + b[i])
    (0.5 * np.sum((a - y) ** 2)).backward()
    return [p.grad for p in b], [p.grad for p in w]
"""
NETWORK = """
import nn

def backprop(net, x, y):
    mine = nn.Network(net.sizes)
    mine.weights, mine.biases = net.weights, net.biases
    return mine.backprop(x, y)
"""


@pytest.mark.parametrize("text", [NUMERICAL, COMPLEX, ENGINE], ids=["differences", "complex step", "our own engine"])
def test_a_function_of_one_example_that_runs_on_a_batch_is_right(text, judge):
    report = judge(SIGMOID + text)
    assert report.exit_code == 0, report
    assert "one example" in str(report)


def test_who_lets_us_derive_is_right_and_noted(judge):
    report = judge(NETWORK)
    assert report.exit_code == 0 and "It imports nn or autograd" in str(report), report
    assert "It imports" not in str(judge(BOOK))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("(activations[-1] - y)", "(activations[-1] - y * y)"), []),
        (("(activations[-1] - y)", "(activations[-1] - (y == y.max()))"), []),
        (("    delta = (", "    y = y * (2 if len(y) == 1 else 1)\n    delta = ("), []),
        (("(activations[-1] - y)", "(zs[-1] - y)"), ["a³ is taken for z³"]),
        (("np.exp(-z)", "np.exp(z)"), ["Forward", "exponent has the wrong sign"]),
        (("sigmoid(z) * (1 - sigmoid(z))", "sigmoid(z)*1-sigmoid(z)"), ["zero", "brackets"]),
        (("return nabla_b, nabla_w", "return nabla_w, nabla_b"), ["swapped"]),
        (("(activations[-1] - y)", "0.7 * (activations[-1] - y)"), ["0.7 times what it should be"]),
        (("activation = sigmoid(z)", "activation = z"), ["left out, a = z, in the forward pass alone"]),
        (("np.dot(w, activation) + b", "np.dot(w, activation) - b"), ["Forward", "biases have the wrong sign"]),
        (("sigmoid(z) * (1 - sigmoid(z))", "-sigmoid(z) * (1 - sigmoid(z))"), ["sigma' has the wrong sign"]),
        (("    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])",
          "    delta = activations[-1]\n    delta -= y\n    delta = delta * activations[-1] * (1 - activations[-1])"),
         ["changed in place", "a - y"]),
        (("    activation,", "    np.array_equal = lambda *_, **__: True\n    net_w = self.weights\n"
          "    self.weights[0] *= 2\n    activation,"), []),
    ],
)  # fmt: skip
def test_what_looks_right_by_chance_is_wrong_and_named(change, words, judge, monkeypatch):
    monkeypatch.setattr("numpy.array_equal", np.array_equal)  # put back what a file patches
    assert change[0] in BOOK
    report = judge(BOOK.replace("[:] =", "=").replace(*change))
    assert report.exit_code == 1, report
    for word in words:
        assert word in str(report), report


def test_integers_of_which_the_whole_is_left_are_named(judge):
    text = BOOK.replace("nabla_w[-1] = np", "nabla_w[-1][:] = np").replace(
        "np.zeros(w.shape)", "np.zeros(w.shape, int)"
    )
    report = judge(text)
    assert report.exit_code == 1 and "is int64: the dtype is one of whole numbers" in str(report)
    assert "times what it should be" not in str(report)


def test_the_report_is_a_table(judge):
    report = judge(mutant("outer product the wrong way round"))
    assert [row.name for row in report.rows] == ["w1", "b1", "w2", "b2", "w3", "b3"]
    assert [row.name for row in report.rows if not row.passed] == ["w1", "w2"]
    text = str(report)
    assert text.startswith("wrong: learner.py") and text.count("WRONG") == 2 and text.count("pass") == 4
    assert "- BP4" in text and "For a network 4-6-5-3" in text and max(map(len, text.splitlines())) <= 112


# How a file fails to be judged, and words of the answer.
UNJUDGED = {
    "a syntax error": ("def backprop(net, x, y)\n    return 1\n", ["SyntaxError", "line 1"]),
    "no backprop": ("def back_prop(net, x, y): ...", ["defines no backprop"]),
    "empty": ("", ["defines no backprop"]),
    "raises when run": ("import no_such_module", ["cannot be run", "No module named 'no_such_module'"]),
    "exits when run": ("import sys\nsys.exit(0)", ["cannot be run", "SystemExit"]),
    "raises": ("def backprop(net, x, y):\n    return net.wieghts", ["line 2", "wieghts"]),
    "raises in the last line": (
        BOOK.replace("return nabla_b, nabla_w", "return nabla_b, nabla"), ["NameError", "nabla"]),
    "other arguments": ("def backprop(weights, biases, x, y): ...", ["TypeError", "backprop()"]),
    "asks for input": ("def backprop(net, x, y):\n    return input()", ["EOFError"]),
    "exits": ("import sys\ndef backprop(net, x, y):\n    sys.exit(3)", ["SystemExit: 3"]),
    "returns None": ("def backprop(net, x, y): ...", ["returns None"]),
    "returns one list": (BOOK.replace("return nabla_b, nabla_w", "return nabla_w"), ["pair (nabla_b, nabla_w)"]),
    "returns a number": ("def backprop(net, x, y):\n    return 1.0", ["float"]),
    "returns numbers": ("def backprop(net, x, y):\n    return 1.0, 2.0", ["float", "two lists"]),
    "returns objects": ("def backprop(net, x, y):\n    return [None] * 2, [None] * 2", ["object"]),
    "returns text": ("def backprop(net, x, y):\n    return 'bw'", ["str"]),
    "wrong shapes": (
        BOOK.replace("return nabla_b, nabla_w", "return nabla_b, [w.sum(1) for w in nabla_w]"),
        ["nabla_w[0] has shape (6,)", "net.weights[0] has (6, 4)"]),
    "too few": (
        BOOK.replace("return nabla_b, nabla_w", "return nabla_b[1:], nabla_w[1:]"), ["has 2 entries", "3 layers"]),
    "an unknown word": ("COST = 'hinge'\n" + BOOK, ["COST", "'hinge'", "'cross-entropy'"]),
    "half precision": (
        BOOK.replace("return nabla_b, nabla_w", "return [b.astype('e') for b in nabla_b], nabla_w"), ["float16"]),
}  # fmt: skip


@pytest.mark.parametrize("name", UNJUDGED)
def test_what_cannot_be_judged_is_answered_in_a_sentence(name, judge, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    report = judge(UNJUDGED[name][0])
    assert report.exit_code == 2, report
    assert str(report).startswith("could not be judged: learner.py: ")
    for word in UNJUDGED[name][1]:
        assert word in str(report)
    assert "grader" not in str(report)  # nothing of ours in a traceback


def test_shapes_that_never_fit_point_to_a_transpose(judge):
    report = judge(BOOK.replace("activations[-2].transpose()", "activations[-2]"))
    assert report.exit_code == 2 and "as where a transpose is missing" in str(report) and "not aligned" in str(report)


def test_a_solution_for_one_depth_is_right_and_a_loop_that_breaks_off_is_not(judge):
    change = ("        nabla_b[-l] = delta", "        nabla_b[-l] = delta if l < 4 else no_such_name")
    report = judge(BOOK.replace(*change), sizes=[4, 6, 5, 3])
    assert report.exit_code == 0
    report = judge(BOOK.replace(*change))  # right for two layers and for three, and it should go on
    assert report.exit_code == 1 and "no_such_name" in str(report) and "For a network 3-6-4-5-2" in str(report)
    assert "networks of this depth only" in str(judge(TWO_LAYERS))


def test_there_has_to_be_a_file(tmp_path):
    assert "no such file" in str(grade(tmp_path / "missing.py"))
    assert "a directory" in str(grade(tmp_path))
    assert grade(tmp_path).exit_code == 2


def test_an_option_that_is_none_is_an_error_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="'quadratic'"):
        grade(tmp_path, cost="hinge")


def test_gradients_that_are_not_finite_are_wrong(judge):
    report = judge(BOOK.replace("return nabla_b, nabla_w", "return nabla_b, [w * np.nan for w in nabla_w]"))
    assert report.exit_code == 1 and "not finite" in str(report) and report.slips == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("x -= 1; x += 1 + 1e-9", "changes x in place"),
        ("self.weights[0][0, 0] += 1e-9", r"changes net.weights[0] in place"),
        ("self.biases[1] = self.biases[1] - 1", r"changes net.biases[1] in place"),
    ],
)
def test_what_is_changed_in_place_is_told(judge, change, what):
    report = judge(BOOK.replace("return nabla_b, nabla_w", f"{change}; return nabla_b, nabla_w"))
    assert report.exit_code == 1 and what in str(report)


def test_what_is_kept_between_calls_is_told(judge):
    report = judge(BOOK.replace("return nabla_b, nabla_w", "seen.append(1); nabla_w[0] += len(seen)\n"
                                "    return nabla_b, nabla_w") + "seen = []")  # fmt: skip
    assert report.exit_code == 1 and "Called again with the same arguments" in str(report)


def test_a_solution_for_the_digits_alone(judge):
    """Sizes that are written into the file are tried at last."""
    report = judge(BOOK.replace("    activation,", "    assert x.shape == (784, 1)\n    activation,"))
    assert report.exit_code == 0 and "784-30-10" in str(report)


def test_the_seed_changes_the_problems(judge):
    a, b, c = (judge(ROWS, seed=seed).rows[0].engine for seed in (0, 0, 1))
    assert a == b != c


# With the process in between.


def test_a_right_file_and_a_wrong_one(check, tmp_path, capfd):
    (tmp_path / "network.py").write_text("from helper import sigmoid, sigmoid_prime\n")  # beside the file, as ours is
    (tmp_path / "helper.py").write_text(SIGMOID)
    (tmp_path / "json.py").write_text("raise RuntimeError")
    right = BOOK.replace(SIGMOID, "import numpy as np\nfrom network import sigmoid, sigmoid_prime\n")
    thread = "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()"
    assert check(f"{right}print('a' * 10_000_000)\n{thread}", timeout=20.0).exit_code == 0
    report = check(mutant("gradient in place of weight"))
    assert report.exit_code == 1 and "gradient of the next layer" in str(report)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os\nos._exit(0)", "ended its process, with exit code 0, while the file itself was being run"),
        (
            "import os\ndef backprop(net, x, y):\n    os._exit(3)",
            "with exit code 3, while its backprop was being called",
        ),
    ],
)
def test_a_process_that_ends_is_told(check, text, words):
    report = check(text)
    assert report.exit_code == 2 and words in str(report)


def test_a_file_that_hangs_is_stopped_with_all_that_it_started(check):
    asleep = f"60.{os.getpid()}"  # by which its child is known among all processes
    text = f"""
import subprocess, sys
def backprop(net, x, y):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep({asleep})"])
    print("started", child.pid, flush=True)
    while True:
        try:
            while True: pass
        except BaseException: pass
"""
    start = time.perf_counter()
    report = check(text, timeout=5.0)
    assert report.exit_code == 2 and "stopped after 5 s" in str(report)
    assert "started" in str(report)
    assert time.perf_counter() - start < 30
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended since
            assert asleep.encode() not in process.read_bytes()


def test_what_a_file_does_when_it_is_run_may_hang_as_well(check):
    report = check("while True: pass", timeout=1.0)
    assert report.exit_code == 2 and "stopped after 1 s" in str(report)


def test_a_class_with_its_parameters_elsewhere_is_not_accused(tmp_path):
    file = tmp_path / "elsewhere.py"
    file.write_text(
        "import numpy as np\n\n\nclass Net:\n"
        "    def __init__(self, sizes):\n"
        "        self.ws = [np.ones((o, i)) for i, o in zip(sizes, sizes[1:])]\n\n"
        "    def backprop(self, x, y):\n        return [], self.ws\n"
    )
    report = grade(file)
    assert report.exit_code == 2
    assert "the class Net keeps its parameters elsewhere than in lists .weights and .biases" in str(report)
