"""Proves the engine in symbols: the derived equations beside those derived by hand, with their difference on real
digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import backprop, equations
from autograd.readings.display import Shown
from autograd.readings.notation import LATEX, UNICODE, Unicode
from nn.costs import Values
from nn.digits import load_digits, one_hot
from nn.equations import Array, cost_by_hand
from nn.equations import backprop as by_hand
from nn.network import Network
from nn.proof.numbers import TOLERANCE, relative_difference

DIGITS = 100  # so many real digits are computed on both sides, one at a time


@dataclass
class EquationPair:
    """One equation of the book, as the engine derives it and by hand.

    `difference` is the largest over the digits, relative to the largest element.
    """

    equation: str
    derived: str
    by_hand: str
    difference: float


@dataclass(repr=False)
class SideBySide(Shown):
    """The equations of a network, derived and by hand. `print` shows them as a table."""

    title: str
    lines: list[EquationPair]
    latex_lines: list[EquationPair]

    @property
    def difference(self) -> float:
        return max(line.difference for line in self.lines)

    @property
    def passed(self) -> bool:
        return self.difference <= TOLERANCE[np.dtype(np.float64)]

    def __str__(self) -> str:
        heads = ("", "derived from the recorded graph", "by hand", "difference")
        table = [heads, *((x.equation, x.derived, x.by_hand, f"{x.difference:.1e}") for x in self.lines)]
        widths = [max(len(row[i]) for row in table) for i in range(4)]
        rows = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
        verdict = "pass" if self.passed else "FAIL"
        return "\n".join([self.title, "", *rows, "", f"{verdict}: the largest difference, relative to the largest"
                          f" element, is {self.difference:.1e} over {DIGITS} real digits"])  # fmt: skip

    def latex(self) -> str:
        """Write the table as a LaTeX `array` environment, without the dollar signs around it."""
        rows = [f"\\text{{{line.equation}}} & {line.derived} & {line.by_hand} & {line.difference:.1e}"
                for line in self.latex_lines]  # fmt: skip
        head = " & \\text{derived from the recorded graph} & \\text{by hand} & \\text{difference}"
        return "\\begin{array}{llll}\n" + " \\\\\n".join([head, *rows]) + "\n\\end{array}"


def derive(
    sizes: Sequence[int] = (784, 30, 10), *, cost: str = "quadratic", activation: str = "sigmoid", seed: int = 0
) -> SideBySide:
    """Derive the equations of a network for one digit, and put them beside those of `nn.equations`.

    Raises ValueError for sizes that do not begin with the 784 pixels of a digit and end with 10 outputs or more.

    >>> derive([784, 12, 10]).passed
    True
    """
    if sizes[0] != 784 or sizes[-1] < 10:
        raise ValueError(f"derive compares on digits: 784 inputs and 10 outputs or more, not {list(sizes)}")
    net = Network(sizes, activation=activation, cost=cost, init="scaled", rng=seed)
    training, _, _ = load_digits()
    xs, ys = training.x[:DIGITS].astype(np.float64), one_hot(training.y[:DIGITS], sizes[-1])

    def C(x: Values, y: Values) -> Any:
        return net.cost(x, y)

    found = {equation.name: equation for equation in equations(C, xs[0], ys[0]).gradient}
    differences = _differences(net, xs, ys)

    def pairs(notation: Unicode) -> list[EquationPair]:
        layers = len(sizes) - 1
        return [
            EquationPair(
                _which(name, layers), equation.text(notation), _hand(notation, name, layers, net), differences[name]
            )
            for name, equation in found.items()
        ]

    title = f"{'-'.join(map(str, sizes))}, {activation} hidden layers, {cost} cost, one example"
    return SideBySide(title, pairs(UNICODE), pairs(LATEX))


def _which(name: str, layers: int) -> str:
    """Name the equation of the book that gives this error or gradient."""
    if name.startswith("delta"):
        return "BP1" if name == f"delta{layers}" else "BP2"
    return "BP3" if name[1] == "b" else "BP4"


def _hand(notation: Unicode, name: str, layers: int, net: Network) -> str:
    """Write the equation as chapter 2 of the book has it, or chapter 3 for the other costs."""
    letter, layer = name.rstrip("0123456789"), int(name.lstrip("deltabw"))

    def symbol(letter: str, layer: int) -> str:
        return notation.symbol(f"{letter}{layer}" if layer else "x")

    def above(letter: str, layer: int) -> str:
        text = symbol(letter, layer)
        return notation.transposed(text if layer == 0 else notation.parenthesised(text))

    delta = symbol("delta", layer)
    if letter == "db":
        return f"{notation.derivative('C', symbol('b', layer))} = {delta}"
    if letter == "dw":
        before = above("a", layer - 1) if layer > 1 else notation.transposed("x")
        return f"{notation.derivative('C', symbol('w', layer))} = {delta} {before}"
    cost = cost_by_hand(net.cost_name)
    mark, opening = ("'", "\\left(") if isinstance(notation, type(LATEX)) else ("′", "(")
    value = notation.call(net.activation if layer < layers else cost.output, [symbol("z", layer)])
    prime = value.replace(opening, mark + opening, 1)
    if layer < layers:
        back = notation.parenthesised(f"{above('w', layer + 1)} {symbol('delta', layer + 1)}")
        return f"{delta} = {back}{notation.hadamard}{prime}"
    signs = {"-": notation.minus, "*": notation.hadamard.strip(), "a": symbol("a", layer), "z": symbol("z", layer)}
    error = re.sub(r"\b[az]\b|[-*]", lambda sign: signs[sign[0]], cost.text)
    if cost.error is not None:
        return f"{delta} = {error}"
    return f"{delta} = {notation.parenthesised(error)}{notation.hadamard}{prime}"


def _differences(net: Network, xs: Array, ys: Array) -> dict[str, float]:
    """Measure how much engine and equations differ over all digits, by the name of what is compared."""
    layers = len(net.sizes) - 1
    w, b = [p.data for p in net.weights], [p.data[:, np.newaxis] for p in net.biases]
    worst: dict[str, float] = {}
    for x, y in zip(xs, ys, strict=True):
        grads = backprop(net.cost(x, y))
        nabla_b, nabla_w = by_hand(w, b, x[:, np.newaxis], y[:, np.newaxis], net.cost_name, net.activation)
        for layer in range(1, layers + 1):
            error = relative_difference(grads[net.biases[layer - 1]], nabla_b[layer - 1][:, 0])
            weight = relative_difference(grads[net.weights[layer - 1]], nabla_w[layer - 1])
            for name, difference in (("delta", error), ("db", error), ("dw", weight)):
                worst[f"{name}{layer}"] = max(worst.get(f"{name}{layer}", 0.0), difference)
    return worst
