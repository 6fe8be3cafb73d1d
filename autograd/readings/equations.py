"""Reading 2, as equations: the whole gradient in the names that the user gave, as it would be written on a board."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, islice
from operator import methodcaller
from typing import Any

import numpy as np

from autograd.readings.algebra import (
    Algebra,
    Sum,
    Term,
    atom,
    is_array,
    number,
    product,
    scaled,
    size,
    symbols_in,
    transposed,
)
from autograd.readings.formula import Formula, Formulas, ordered, own_name
from autograd.readings.graph import Graph
from autograd.readings.names import is_weighted_input, unique
from autograd.readings.notation import LATEX, UNICODE, Unicode
from autograd.readings.text import applied, parsed
from autograd.readings.trace import Trace
from autograd.tensor import Tensor

# Functions that are written by their name rather than by what they compute.
BY_NAME = {"sigmoid", "relu", "softmax", "log_softmax", "logsumexp", "softplus", "tanh"}
ACTIVATIONS = ("sigmoid", "tanh", "relu", "softmax")
SHORT, LONG = 4, 30  # symbols: what is repeated rather than given a name; what is given one although it is used once


@dataclass
class Equation:
    """`left = right`, and between them the right side as it was recorded, where terms cancelled in it.

    name  what it is the equation of: "z1" for a value, "dw1" for a gradient, "delta1" for that of a weighted input z1
    """

    name: str
    left: Callable[[Unicode], str]
    right: Sum
    recorded: Sum | None = None

    def text(self, notation: Unicode, equals: str = " = ") -> str:
        steps = [self.left(notation), *([] if self.recorded is None else [notation.sum(self.recorded)])]
        return equals.join([*steps, notation.sum(self.right)])


@dataclass
class Equations:
    """The equations of a function: of its values, and of its gradient from the output back; `print` shows both.

    notes  what was read off the data of constants, such as that the targets of every example sum to one
    """

    values: list[Equation]
    gradient: list[Equation]
    notes: list[Equation]

    def __str__(self) -> str:
        lines = [equation.text(UNICODE) for equation in self.values]
        lines += ["", *(equation.text(UNICODE) for equation in self.gradient)]
        notes = "; ".join(note.text(UNICODE) for note in self.notes)
        return "\n".join([*lines, *(["", f"for {notes}"] if notes else [])])

    def latex(self) -> str:
        """The equations as a LaTeX `aligned` environment, without the dollar signs around it."""
        rows = [equation.text(LATEX, " &= ").replace(" &= ", " = ").replace(" = ", " &= ", 1)
                for equation in [*self.values, *self.gradient, *self.notes]]  # fmt: skip
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


class Reader:
    """Formulas as sums of products. What has a line of its own is a symbol, by the formula's id in `symbols`.

    A one-dimensional array is read as a column, so that x @ w.T is w x, and an outer product d xᵀ. With `cancel`, terms
    cancel, and sums of constants, named in `constants`, are their values; `notes` says which. `arrays` has the names
    of arrays that have none of their own, by the formula's id.
    """

    def __init__(self, symbols: dict[int, Sum], constants: set[str], cancel: bool, arrays: dict[int, str]):
        self.algebra, self.arrays = Algebra(cancel), arrays
        self.symbols, self.constants = symbols, constants
        self.notes: dict[Sum, Sum] = {}
        self._known: dict[int, Sum] = {}

    def __call__(self, formula: Formula) -> Sum:
        if id(formula) in self.symbols:
            return self.symbols[id(formula)]
        if id(formula) not in self._known:
            self._known[id(formula)] = self.right_side(formula)
        return self._known[id(formula)]

    def right_side(self, formula: Formula) -> Sum:
        """What a formula is computed by, also where it has a name."""
        value, args, op = formula.value, formula.args, formula.op
        if op is None:
            return self._constant(formula)
        a, own = args[0], own_name(op)
        columns = [np.ndim(arg.value) == 1 for arg in args]
        if own == "linear":
            x, w, b = map(self, args)
            z = product(w, x) if columns[0] else product(x, transposed(w))
            return self.algebra.add(z, b)
        if own == "matmul":
            return self._product(*args)
        if own == "swapaxes" or (own == "transpose" and formula.params.get("axes") is None):
            return transposed(self(a))
        if own in ("reshape", "ravel", "squeeze", "expand_dims"):
            turned = (_is_row(value) and not _is_row(a.value)) or (_is_row(a.value) and not _is_row(value))
            return transposed(self(a)) if turned and np.size(value) > 1 else self(a)
        if own == "getitem" and np.ndim(a.value) == 2 and a.value.shape == (np.size(value), 1):
            return self(a)
        if own == "broadcast_to" or own == "astype":
            return self(a)
        if own == "multiply" and _is_outer(value, *(arg.value for arg in args)):
            row = transposed(self(args[1])) if columns[1] else self(args[1])
            return product(self(a), row)
        if own in BY_NAME:
            return atom("call", op.name, self(a), array=np.ndim(value) > 0)
        if own == "sum":
            return self._total(formula)
        if own == "power" and args[1].is_number and float(args[1].value).is_integer():
            return self.algebra.power(self(a), int(args[1].value))
        names = [f"operand{i}" for i in range(len(args))]
        places = dict(zip(names, map(self, args), strict=True))
        try:
            return self.algebra.read(applied(op, [parsed(name) for name in names], formula.params), places)
        except ValueError:  # an index or another parameter that is too long to be written down
            return atom("call", op.name, *places.values(), array=np.ndim(value) > 0)

    def _constant(self, formula: Formula) -> Sum:
        if np.ndim(formula.value) == 0 or (np.size(formula.value) and np.ptp(formula.value) == 0):
            return number(float(np.ravel(formula.value)[0]))
        square = np.ndim(formula.value) == 2 and np.array_equal(formula.value, np.eye(*formula.value.shape))
        return atom("symbol", "I" if square else self.arrays.setdefault(id(formula), f"c_{len(self.arrays) + 1}"))

    def _matrix(self, formula: Formula) -> Sum:
        """A factor of a product of matrices: a matrix of ones is 𝟏."""
        x = self(formula)
        return scaled(atom("symbol", "𝟏"), x[0].coefficient) if np.ndim(formula.value) and x and not is_array(x) else x

    def _product(self, left: Formula, right: Formula) -> Sum:
        a, b = self._matrix(left), self._matrix(right)
        if np.ndim(left.value) == 1:
            return product(transposed(a), b) if np.ndim(right.value) == 1 else product(transposed(b), a)
        return product(a, b)

    def _total(self, formula: Formula) -> Sum:
        (x,) = formula.args
        axis = formula.params.get("axis")
        ndim = np.ndim(x.value)
        if axis is None or ndim == 1:
            letters = ""
        else:
            axes = [int(i) % ndim for i in np.atleast_1d(axis)]
            letters = ",".join("nkijlm"[i] if ndim == 2 else str(i) for i in axes)
        inner = self(x)
        if not is_array(inner):  # the same number, as often as there are elements
            return scaled(inner, max(1, np.size(x.value) // max(1, np.size(formula.value))))
        total = self.algebra.total(inner, letters, array=np.ndim(formula.value) > 0)
        same = np.size(formula.value) and bool(np.ptp(formula.value) < 1e-12)
        if self.algebra.cancel and same and total and symbols_in(total) <= self.constants:
            value = float(np.round(np.ravel(formula.value)[0], 12))
            alone = (Term(Fraction(1), total[0].factors),)
            self.notes[alone] = number(value / float(total[0].coefficient))
            return number(value)
        return total


def _is_row(value: Any) -> bool:
    return np.ndim(value) == 2 and value.shape[0] == 1


def _is_outer(value: Any, a: Any, b: Any) -> bool:
    return np.ndim(value) == 2 and np.ndim(a) == 2 and np.shape(a) != np.shape(value) != np.shape(b) and a.shape[1] == 1


def equations(f: Callable[..., Any] | Tensor, *args: Any, **constants: Any) -> Equations:
    """The gradient of `f(*args)` as equations, in the names of f's parameters and of the Tensors that it computes.

    The value has to be a single number; Tensors among `args` are differentiated, arrays are constants. In place of a
    function, a computed Tensor will do: `equations(cost, x=x, y=y)`, where the arrays that it was computed from may be
    given names.

    The error of a weighted input z1, the gradient with respect to it, is called δ¹ (Nielsen, chapter 2); what goes into
    an activation function is called z, and what comes out a, unless it has a name. A number at the end of a name is
    written above it (w2 is w², the weights of layer 2), an index after an underscore below it. One-dimensional arrays
    are columns. ⊙ multiplies element by element, and 𝟙[…] is 1 where the comparison holds and 0 elsewhere; Σₙ sums over
    the first axis of a matrix, the examples, and Σₖ over the last. Where terms cancel, the right side stands as it was
    recorded, and then as what remains of it.

    >>> from autograd import sigmoid
    >>> def C(w, b, x, y):
    ...     z = w * x + b
    ...     z.name = "z"
    ...     return (sigmoid(z) - y) ** 2 / 2
    >>> print(equations(C, Tensor(0.6), Tensor(0.9), 1.0, 0.0))
    z = w · x + b
    a = σ(z)
    C = 1/2 (a − y)²
    <BLANKLINE>
    δ = ∂C/∂z = (a − y) · a · (1 − a)
    ∂C/∂b = δ
    ∂C/∂w = δ · x
    """
    trace = Trace.of(f, constants) if isinstance(f, Tensor) else Trace(f, args, like_grad=True)
    return _Writer(trace).equations()


class _Writer:
    """Decides what gets a name and a line of its own, and writes the lines."""

    def __init__(self, trace: Trace):
        self.trace = trace
        self.formulas = formulas = Formulas(Graph(trace.output, *trace.grads.values()), trace.named)
        self.output = formulas[trace.output]
        self.output.name = self.output.name or (trace.name if trace.name != "f" else "C")
        self.forward = ordered([self.output])
        self.backward = ordered([formulas[g] for g in trace.grads.values()])
        self.formula_of = {id(formula): formula for formula in [*self.forward, *self.backward]}
        self.arrays: dict[int, str] = {}
        self._make_names_different()
        self.of = str(self.output.name)
        self.values = set(map(id, self.forward))
        self._name_activations()
        self.taken = self._names()
        self.unnamed: set[int] = set()

    def equations(self) -> Equations:
        named: set[str] = set()
        while named != self._names():  # a gradient that gets a name needs one for its value, which changes other lines
            named = self._names()
            self._values(), self._gradient()
        for name, formula in zip(self._spare(), [f for f in self.formula_of.values() if id(f) in self.unnamed]):
            formula.name = name
        values, gradient = self._values(), self._gradient()
        notes = [Equation("", methodcaller("sum", x), right) for x, right in self.short.notes.items()]
        return Equations(values, gradient, notes)

    def _make_names_different(self) -> None:
        """Parameters keep their names; where there is a w, w2 is written with an index, so that it is no power of w."""
        taken: set[str] = set()
        for formula in sorted(self.formula_of.values(), key=lambda formula: formula.op is not None):
            if formula.name:
                formula.name = unique(formula.name, taken)
        for formula in self.formula_of.values():
            name = formula.name or ""
            letter = name.rstrip("0123456789")
            if letter.isalpha() and letter != name and (letter in taken or formula is self.output):
                formula.name = f"{letter}_{name[len(letter) :]}"

    def _names(self) -> set[str]:
        return {formula.name for formula in self.formula_of.values() if formula.name}

    def _name_activations(self) -> None:
        """What goes into an activation function is called z, as in the book, and what comes out a: with the number of
        the layer, where there are several. Names that the user gave stay."""
        taken = self._names()
        calls = [formula for formula in self.formula_of.values()
                 if formula.calls(*ACTIVATIONS) and formula.args[0].op is not None]  # fmt: skip
        for layer, formula in enumerate(calls, 1):
            z = formula.args[0]
            suffix = _suffix(formula.name or z.name or (str(layer) if len(calls) > 1 else ""))
            for part, wish in ((z, f"z{suffix}"), (formula, f"a{suffix}")):
                if part.name is None and wish not in taken:
                    part.name = wish
                    taken.add(wish)

    def _values(self) -> list[Equation]:
        """The lines of the values, in the order in which they are computed."""
        self.symbols = {
            id(formula): atom("symbol", formula.name, array=np.ndim(formula.value) > 0)
            for formula in self.formula_of.values()
            if formula.name
        }
        given = [self.formulas[x] for x in self.trace.inputs if id(x) in self.trace.constants]
        constants = {str(formula.name) for formula in given}
        self.plain, self.short = (Reader(self.symbols, constants, cancel, self.arrays) for cancel in (False, True))
        lines = []
        for formula in self.formula_of.values():
            if formula.op is not None and (formula.name or self._is_long(formula)):
                name = self._name_for(formula)
                self.symbols[id(formula)] = atom("symbol", name, array=np.ndim(formula.value) > 0)
                lines.append(Equation(name, methodcaller("symbol", name), self.plain.right_side(formula)))
        return lines

    def _is_long(self, formula: Formula) -> bool:
        return id(formula) in self.values and size(self.plain(formula)) > LONG

    def _name_for(self, formula: Formula) -> str:
        """The name of a formula, which gets one where it has none: first any, in the end u₁, u₂, … in their order."""
        if not formula.name:
            formula.name = next(islice(self._spare(), len(self.unnamed), None))
            self.unnamed.add(id(formula))
        return formula.name

    def _spare(self) -> Iterator[str]:
        return (name for n in count(1) if (name := f"u_{n}") not in self.taken)

    def _gradient(self) -> list[Equation]:
        """The lines of the gradient, each after those that it needs."""
        trace, formulas = self.trace, self.formulas
        parameters = [x for x in trace.grads if id(x) in trace.named and id(x) not in trace.constants]
        uses = Counter(id(arg) for formula in self.backward for arg in formula.args)
        uses.update(id(formulas[trace.grads[x]]) for x in parameters)
        computed: dict[int, list[Tensor]] = {}  # the gradients of the Tensors that are one value
        for x, g in trace.grads.items():
            computed.setdefault(id(formulas[x]), []).append(g)
        whose: dict[int, Formula] = {}  # the value that a formula is the gradient of
        for x in trace.grads:
            formula, value = formulas[trace.grads[x]], formulas[x]
            once = len({id(formulas[g]) for g in computed[id(value)]}) == 1  # else each has but a part of the gradient
            if value.op is not None and value is not self.output and formula.op is not None and once:
                before = whose.setdefault(id(formula), value)
                if value.name and (is_weighted_input(value.name) or not before.name):
                    whose[id(formula)] = value
        lines: list[Equation] = []
        for formula in self.backward:
            if id(formula) in whose and id(formula) not in self.symbols:
                value, right = whose[id(formula)], self.short.right_side(formula)
                is_error = is_weighted_input(value.name or "")
                if is_error or size(right) > (SHORT if uses[id(formula)] > 1 else LONG):
                    lines.append(self._line(self._name_for(value), is_error, self.plain.right_side(formula), right))
                    self.symbols[id(formula)] = self._symbol(value)
            for x in parameters:
                if formulas[trace.grads[x]] is formula:
                    lines.append(self._line(str(formulas[x].name), False, self.plain(formula), self.short(formula)))
        return lines

    def _symbol(self, value: Formula) -> Sum:
        """What the gradient with respect to a value is called."""
        array, name = np.ndim(value.value) > 0, str(value.name)
        if is_weighted_input(name):
            return atom("symbol", f"delta{name[1:]}", array=array)
        return atom("derivative", f"{self.of}/{name}", array=array)

    def _line(self, name: str, is_error: bool, recorded: Sum, right: Sum) -> Equation:
        def left(notation: Unicode) -> str:
            derivative = notation.derivative(notation.symbol(self.of), notation.symbol(name))
            return f"{notation.symbol(f'delta{name[1:]}')} = {derivative}" if is_error else derivative

        cancelled = UNICODE.sum(recorded) != UNICODE.sum(right)
        return Equation(f"delta{name[1:]}" if is_error else f"d{name}", left, right, recorded if cancelled else None)


def _suffix(name: str) -> str:
    """What numbers a name: "1" of "a1" and "_t" of "h_t"; nothing where there is no number."""
    match = re.fullmatch(r"[^\W\d_]*(\d*(?:_\w+)?)", name)
    return match[1] if match else ""
