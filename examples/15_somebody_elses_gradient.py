"""15. Somebody else's gradient.

The engine gives you the gradient of your own function. This example is about a gradient that you were given: a
homework, a formula from a paper, a layer of another program. Is it right? One call says so, and in a test that line is
the test:

    assert_gradient(gradient, f, *args)

Here `f` is the function, and `gradient` is what somebody wrote for it. Eight gradients are judged below. They are
written as people write them, with NumPy alone. Five have a slip, and three are right.

*Whether* a gradient is right is a comparison of numbers: theirs, the engine's and, before anything is called wrong,
those of finite differences. The engine could have a fault, too. Where it parts from the differences, the message says
that.

*Why* it is wrong, no comparison can say. But the engine has more than numbers. It has a derivation, equation by
equation, and it breaks that on purpose: it drops a factor, a term or a sum, turns a sign, takes another axis, and
computes again. The change that gives the same wrong numbers is the slip. Where several do, it draws other arguments
that may tell them apart.

Read a message from above. First come the parameters that are wrong, with the worst element of each. What is not listed
is right, and that says much. In the first message below, w2 and b2 are right. So the error of the output layer is
right, too, and the slip sits behind it. Then comes the equation, with the place marked. The last line is where the
function computes what the equation is about. The slip itself is in somebody's program, in the line that stands for that
equation.

A slip is named by its place in the derivation. In batch normalisation, the variance was taken for a constant, and so
the message marks one term, 2 u₄ᵀ ⊙ u₁, as missing. Below it are the values that nobody gave a name: u₁ is the input
minus its mean, u₂ the standard deviation, and u₄ what comes back to the variance. What is missing is the way through
the variance.

A slip may be in several terms at once. In the recurrent network, `db = dz` overwrites where `db += dz` should add.
There are three steps, so two terms of a sum are lost, and the message marks both. Example 13 has the reason: the
gradient of what is used several times is the sum over the uses. Where no change fits, the message does not guess. It
lists equations from the last value that is right to the gradient that is wrong, with numbers to print. Yours is wrong
in the first line that differs.

The last case is a kink. The hinge loss of an example is max(0, 1 - m), and one example has a margin m of just 1. The
loss has one slope to the left of that and another to the right, and no derivative. One person wrote `<`, another `<=`.
Their gradients differ from each other, and from the engine's, which takes the middle; the last block has the numbers.
Everything between the two slopes is right, so both are. To compare with one's own choice would be to accuse them.

Nothing of this is special to networks. Each function in the file is a few lines of NumPy, and none says anything about
a gradient. From those lines come the gradient, its equations, and what is wrong with somebody else's. For a file there
is `python -m autograd check FILE.py`, and the third notebook tests gradients of your own.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autograd import Tensor, grad, log_softmax, sigmoid
from autograd.testing import assert_gradient
from reproduce import Experiment, run

# What is differentiated, and what somebody wrote for it. The Tensors among the arguments are the parameters.


def squares(w, x, y):
    return np.mean((x @ w - y) ** 2)


def squares_right(w, x, y):
    return 2 * x.T @ (x @ w - y) / len(y)


def squares_summed(w, x, y):
    return 2 * x.T @ (x @ w - y)


def softmax(w, x, y):
    return -np.mean(np.sum(y * log_softmax(x @ w.T), axis=1))


def softmax_along_the_examples(w, x, y):
    e = np.exp(x @ w.T)
    return (e / e.sum(axis=0) - y).T @ x / len(x)


def normalised(x, g):
    c = x - np.mean(x, axis=0)
    return np.sum(g * (c / np.sqrt(np.mean(c**2, axis=0) + 0.01)))


def normalised_by_a_constant(x, g):
    d = g / np.sqrt(np.var(x, axis=0) + 0.01)
    return d - d.mean(axis=0)


def network(w1, b1, w2, b2, x, y):
    a = sigmoid(x @ w1.T + b1)
    return np.sum((sigmoid(a @ w2.T + b2) - y) ** 2) / 2


def network_without_sigma_prime(w1, b1, w2, b2, x, y):
    a1 = 1 / (1 + np.exp(-(x @ w1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ w2.T + b2)))
    delta2 = (a2 - y) * a2 * (1 - a2)
    delta1 = delta2 @ w2
    return delta1.T @ x, delta1.sum(axis=0), delta2.T @ a1, delta2.sum(axis=0)


def recurrent(w, b, x, y):
    h = np.zeros(len(y))
    for row in x:
        h = np.tanh(w @ h + row + b)
    return np.sum((h - y) ** 2) / 2


def recurrent_overwritten(w, b, x, y):
    h = [np.zeros(len(y))]
    for row in x:
        h.append(np.tanh(w @ h[-1] + row + b))
    dw, dh = np.zeros(w.shape), h[-1] - y
    for before, after in zip(h[-2::-1], h[:0:-1]):
        dz = dh * (1 - after**2)
        dw += np.outer(dz, before)
        db = dz
        dh = w.T @ dz
    return dw, db


def hinge(w, x, y):
    return np.sum(np.maximum(1 - y * (x @ w), 0))


def hinge_with_less(w, x, y):
    return -x.T @ (y * (y * (x @ w) < 1))


def hinge_with_less_or_equal(w, x, y):
    return -x.T @ (y * (y * (x @ w) <= 1))


@dataclass
class Case:
    """What somebody wrote: for which function, with which slip (empty if it is right), and where it is judged."""

    name: str
    slip: str
    f: Callable
    gradient: Callable
    args: tuple


def cases(seed=0):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.standard_normal(shape)

    x, y, labels = draw(6, 3), draw(6), np.eye(4)[rng.integers(0, 4, 6)]
    regression = Tensor(draw(3)), x, y
    classes = Tensor(draw(4, 3)), x, labels
    normal = Tensor(x), draw(6, 3)
    layers = Tensor(draw(4, 3)), Tensor(draw(4)), Tensor(draw(2, 4)), Tensor(draw(2)), x, rng.random((6, 2))
    loop = Tensor(draw(3, 3)), Tensor(draw(3)), draw(3, 3), draw(3)
    # The margins are 0.5, 1 and -1: the second is at the kink.
    margins = Tensor(np.array([0.5, 0.5])), np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 2.0]]), np.array([1.0, 1.0, -1.0])
    return [
        Case("least squares", "", squares, squares_right, regression),
        Case("least squares", "a sum for the mean", squares, squares_summed, regression),
        Case("softmax, cross-entropy", "along the wrong axis", softmax, softmax_along_the_examples, classes),
        Case("batch normalisation", "variance a constant", normalised, normalised_by_a_constant, normal),
        Case("two layers", "sigma' is forgotten", network, network_without_sigma_prime, layers),
        Case("recurrent, three steps", "= for +=", recurrent, recurrent_overwritten, loop),
        Case("hinge, at the kink", "", hinge, hinge_with_less, margins),
        Case("hinge, at the kink", "", hinge, hinge_with_less_or_equal, margins),
    ]  # fmt: skip


def verdict(case):
    """Return what `assert_gradient` says; empty if the gradient is right."""
    try:
        assert_gradient(case.gradient, case.f, *case.args)
    except AssertionError as error:
        return re.sub(r"\S*(?=\b" + re.escape(Path(__file__).name) + ")", "", str(error))  # in whatever folder this is
    return ""


def named(message):
    """Return the slip that a message names: what stands after the mark."""
    return [found.strip() for found in re.findall(r"\^+  (.*)", message)]


def table(judged):
    """Write a line for each gradient: the slip that is in it, the verdict, the wrong parameters, the slip named."""
    lines = [f"{'':24}{'slip':22}{'verdict':9}{'wrong in':11}named"]
    for case, message in judged:
        parameters = ", ".join(re.findall(r"dC/d(\w+) is wrong", message))
        names = " | ".join(named(message)) or ("none: the lines to print" if message else "")
        lines.append(
            f"{case.name:24}{case.slip or '-':22}{'WRONG' if message else 'right':9}{parameters:11}{names}".rstrip()
        )
    return "\n".join(lines)


def kink(judged):
    """Compute the gradients of the hinge loss at its kink, and the slopes of the two sides there."""
    less, equal = (case for case, _ in judged if case.f is hinge)
    w, x, y = less.args
    at, h = w.data, 1e-6
    sides = [[(hinge(at + s * h * e, x, y) - hinge(at, x, y)) / (s * h) for e in np.eye(2)] for s in (-1, 1)]
    rows = {
        "slope to the left": sides[0], "slope to the right": sides[1],
        "with <": less.gradient(at, x, y), "with <=": equal.gradient(at, x, y), "the engine": grad(hinge)(at, x, y),
    }  # fmt: skip
    lines = [f"{'':20}{'dC/dw[0]':>10}{'dC/dw[1]':>10}"]
    return "\n".join(lines + [f"{name:20}{a + 0.0:10.4f}{b + 0.0:10.4f}" for name, (a, b) in rows.items()])


def main(experiment: Experiment) -> None:
    judged = [(case, verdict(case)) for case in cases()]
    wrong = [message for case, message in judged if case.slip]
    right = [message for case, message in judged if not case.slip]
    found, accused, names = sum(map(bool, wrong)), sum(map(bool, right)), sum(bool(named(m)) for m in wrong)
    setting = "small arrays from N(0, 1), float64"
    experiment.row(
        "Gradients with a slip that are found", setting=setting, seed=0, ours=f"{found} of {len(wrong)}",
        difference="All are found." if found == len(wrong) else "NOT all are found, which was to be shown.",
    )  # fmt: skip
    experiment.row(
        "Right gradients that are accused", setting=f"{setting}; two at a kink", seed=0,
        ours=f"{accused} of {len(right)}",
        difference="None, as it should be." if not accused else "NOT none, which was to be shown.",
    )  # fmt: skip
    experiment.row(
        "Slips that are named", setting=setting, seed=0, ours=f"{names} of {len(wrong)}",
        difference="All are named." if names == len(wrong) else "For the others, there are lines to print.",
    )  # fmt: skip
    experiment.block(table(judged))
    for case, message in judged:
        if case.f in (network, recurrent):
            experiment.block(f"{case.name}, {case.slip}:\n\n{message}")
    experiment.block(kink(judged))


if __name__ == "__main__":
    run(main)
