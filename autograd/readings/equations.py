"""Reading 2, as equations: the whole gradient in the user's own names, as it would be written on a board."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import methodcaller
from typing import Any

import numpy as np

from autograd.readings.algebra import ONE, Sum, Term, alone, atom, depth, size
from autograd.readings.display import Shown
from autograd.readings.formula import Formula, Formulas, fact, ordered
from autograd.readings.graph import Graph
from autograd.readings.names import Names
from autograd.readings.notation import LATEX, UNICODE, Unicode
from autograd.readings.reader import Reader
from autograd.readings.trace import Trace, varies
from autograd.registry import NAMED
from autograd.tensor import Tensor

SHORT, LONG = 4, 30  # symbols: what is repeated rather than given a name; what is given one although it is used once
DEEP = 20  # parentheses in one another


@dataclass
class Equation:
    """`left = right`, and between them the right side as it was recorded, where terms cancelled in it.

    name     what it is the equation of: "z1" for a value, "dw1" for a gradient, "delta1" for that of a weighted input
    shape    the shape of what stands on the left; the right side is repeated to it, as NumPy broadcasts
    formula  what is on the right; `parameter` the Tensor that it is the gradient of, where that is a parameter
    spare    whether its name is one of u1, u2, …, which nobody gave it
    """

    name: str
    left: Callable[[Unicode], str]
    right: Sum
    recorded: Sum | None = None
    shape: tuple[int, ...] = ()
    formula: Formula | None = field(default=None, repr=False, compare=False)
    parameter: Tensor | None = field(default=None, repr=False, compare=False)
    spare: bool = field(default=False, repr=False, compare=False)

    def text(self, notation: Unicode, equals: str = " = ") -> str:
        steps = [self.left(notation), *([] if self.recorded is None else [notation.sum(self.recorded)])]
        return equals.join([*steps, notation.sum(self.right)])


@dataclass(repr=False)
class Equations(Shown):
    """The equations of a function: of its values, and of its gradient from the output back; `print` shows both.

    notes   what was read off the data of constants, such as that the targets of every example sum to one
    arrays  what f finds outside, by the names of the variables, or c_1, c_2, … if there is none
    inputs  the names here of the arguments, and of what else f reached, by the names that they had: z1 is z_1 if there
            is a z, so that it is not read as a power. None for those that the value does not depend on
    """

    values: list[Equation]
    gradient: list[Equation]
    notes: list[Equation]
    arrays: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str | None] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [equation.text(UNICODE) for equation in self.values]
        lines += ["", *(equation.text(UNICODE) for equation in self.gradient)]
        notes = "; ".join(note.text(UNICODE) for note in self.notes)
        return "\n".join([*lines, *(["", f"for {notes}"] if notes else [])])

    def latex(self) -> str:
        """Return the equations as a LaTeX `aligned` environment, without the dollar signs around it."""
        rows = [equation.text(LATEX, " &= ").replace(" &= ", " = ").replace(" = ", " &= ", 1)
                for equation in [*self.values, *self.gradient, *self.notes]]  # fmt: skip
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def equations(f: Callable[..., Any] | Tensor, *args: Any, **constants: Any) -> Equations:
    """Return the gradient of `f(*args)` as equations, in the names of f's parameters and of the Tensors that it
    computes.

    The value has to be a single number. Tensors among `args` are differentiated, arrays are constants. Arrays that f
    finds outside go by the names of their variables. A computed Tensor can take the place of the function:
    `equations(cost, x=x, y=y)`, which also names the arrays that it was computed from.

    The error of a weighted input z1, the gradient with respect to it, is called δ¹ (Nielsen, chapter 2); what goes into
    an activation function is called z, and what comes out a, unless it has a name. A number at the end of a name is
    written above it (w2 is w², the weights of layer 2), an index after an underscore below it.

    Every line is true of the values as NumPy has them, and can be computed as it stands. ⊙ and · multiply element by
    element, and broadcast as NumPy does; factors side by side are a product of matrices, in which a one-dimensional
    array is a column: w x is a vector, x yᵀ a matrix, xᵀ y a number. Σ sums all elements, Σₙ the first axis of a
    matrix, the examples, and Σₖ the last, which stays with length one. 𝟙[…] is 1 where the comparison holds and 0
    elsewhere, and 𝟏₂ₓ₃ is an array of ones. What has no such notation is written as the NumPy expression that it is:
    roll(w, 1, axis=0), x[::-1], where(m, a, b); scatter(g, s_[i], shape) is zeros with g added at the index i. The
    right side is repeated to the shape of the left one. Where terms cancel, the right side stands as it was recorded,
    and then as what remains of it.

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
    trace = Trace.of(f, constants) if isinstance(f, Tensor) else Trace(f, args, like_grad=True, is_parameter=varies)
    return Writer(trace).equations()


def equations_in_steps(f: Callable[..., Any], *args: Any) -> Equations:
    """Write them with a line of its own for all that is used more than once, so that a slip in it is in one place."""
    return Writer(Trace(f, args, like_grad=True, is_parameter=varies), in_steps=True).equations()


def _is_view(formula: Formula) -> bool:
    """Say whether a formula is another one in another shape or order, or a part of it."""
    return bool(fact(formula.op, "view")) and len(formula.args) == 1


def _is_plain(x: Sum) -> bool:
    """Say whether this is a symbol or a power of one, with numbers, or the sum of two symbols: 1 − a, a² or a − y.

    >>> from autograd.readings.algebra import number, product, scaled
    >>> a, b = atom("symbol", "a"), atom("symbol", "b")
    >>> _is_plain(number(1.0) + scaled(a, -1)), _is_plain(a + scaled(b, -1)), _is_plain(product(a, b))
    (True, True, False)
    """
    factors = [part for term in x for part in term.factors]
    if len(factors) < 2:
        return all(factor.size == 1 for factor, _ in factors)
    symbols = [factor for factor, n in factors if factor.kind == "symbol" and n == 1]
    return len(x) == len(symbols) == 2 and all(abs(term.coefficient) == 1 for term in x)


def _is_of_sigmoid(x: Sum) -> bool:
    """Say whether this is exp(z), or 1 + exp(z): what a sigmoid is written with.

    >>> from autograd.readings.algebra import number
    >>> z = atom("symbol", "z")
    >>> exp = atom("call", "exp", z)
    >>> _is_of_sigmoid(exp), _is_of_sigmoid(number(1.0) + exp), _is_of_sigmoid(z)
    (True, True, False)
    """
    rest = tuple([term for term in x if term != Term(ONE)])
    exp = alone(rest)
    return len(x) < len(rest) + 2 and exp is not None and (exp.kind, exp.name) == ("call", "exp")


def _is_long(x: Sum, most: int = LONG) -> bool:
    return size(x) > most or depth(x) > DEEP


class Writer:
    """Decides what gets a line of its own, and writes the lines."""

    def __init__(self, trace: Trace, in_steps: bool = False):
        self.trace, self.in_steps = trace, in_steps
        self.formulas = formulas = Formulas(Graph(trace.output, *trace.grads.values()), trace.named)
        self.output = formulas[trace.output]
        if self.output.op is None:  # it came to an argument, or to a number
            identity: Any = NAMED["identity"]
            self.output = Formula(self.output.value, identity, (self.output,))
        self.forward = ordered([self.output])
        self.backward = ordered([formulas[g] for g in trace.grads.values()])
        self.formula_of = {id(formula): formula for formula in [*self.forward, *self.backward]}
        self.parameters = [x for x in trace.grads if id(x) in trace.named and id(x) not in trace.constants]
        parameters = [formulas[x] for x in self.parameters]
        of = trace.name if trace.name != "f" else "C"
        self.names = Names(self.output, others=[*self.backward, *parameters], of=of, parameters=parameters)
        self.names.tell_apart(UNICODE.symbol)
        self.of = self.names.name(self.output)
        self.values = set(map(id, self.forward))
        self.arrays: dict[Any, str] = {}
        self.held: dict[str, Any] = {}
        self.uses = self._uses() if in_steps else Counter()
        self.lined: set[int] = set()  # formulas without a name that are to have a line, and so one

    def equations(self) -> Equations:
        before = -1
        while before != len(self.lined):  # a gradient with a line needs one for its value, which changes other lines
            before = len(self.lined)
            self._values(), self._gradient()
        self._name_lines()
        values, gradient = self._values(), self._gradient()
        notes = [Equation("", methodcaller("sum", x), right) for x, right in self.short.notes.items()]
        leaves = [*self.trace.inputs, *self.trace.outside]
        inputs = {parameter: self.names[self.formulas[x]] for parameter, x in zip(self.trace.parameters, leaves)}
        found = {self.names[self.formulas[x]]: x._value for x in self.trace.arrays}
        arrays = self.held | {name: array for name, array in found.items() if name is not None}
        return Equations(values, gradient, notes, arrays, inputs)

    def _uses(self) -> Counter[int]:
        """Count the uses of each formula, by its id: those of a view count for what it is a view of, too."""
        uses = Counter(id(arg) for formula in self.formula_of.values() for arg in formula.args)
        uses.update(id(self.formulas[self.trace.grads[x]]) for x in self.parameters)
        for formula in reversed(self.formula_of.values()):
            if _is_view(formula):
                uses[id(formula.args[0])] += uses[id(formula)] - 1
        return uses

    def _is_step(self, formula: Formula, right: Sum) -> bool:
        """Say whether a formula gets a line for being used more than once: 1 − a, and parts of a sigmoid, get none."""
        return (
            self.uses[id(formula)] > 1 and not _is_view(formula) and not _is_plain(right) and not _is_of_sigmoid(right)
        )

    def _name_lines(self) -> None:
        """Name what has a line but no name of its own u₁, u₂, … in the order of the lines."""
        for formula in self.formula_of.values():
            if id(formula) in self.lined:
                self.names.give_spare(formula)

    def _name(self, formula: Formula) -> str:
        """Return the name of a formula that will have a line; a provisional one if it has none yet."""
        if self.names[formula] is None:
            self.lined.add(id(formula))
            return f"?{id(formula)}"
        return self.names.name(formula)

    def _values(self) -> list[Equation]:
        """Write the lines of the values in the order in which they are computed; the output comes last."""
        names = self.names
        self.symbols = {
            id(formula): atom("symbol", str(names[formula]), shape=np.shape(formula.value))
            for formula in self.formula_of.values()
            if names[formula] and (id(formula) in self.values or id(formula) not in self.lined)
        }
        given = [self.formulas[x] for x in [*self.trace.inputs, *self.trace.arrays] if id(x) in self.trace.constants]
        constants = {names[formula] or "" for formula in given}
        self.plain, self.short = (
            Reader(self.symbols, constants, cancel, self.arrays, self.held, names.taken) for cancel in (False, True)
        )
        lines = []
        for formula in self.formula_of.values():
            forward = id(formula) in self.values
            if formula.op is None or not (forward or id(formula) in self.symbols):
                continue
            right = self.plain.right_side(formula)
            self.plain.keep(formula, right)
            often = forward and self._is_step(formula, right)
            if names[formula] or id(formula) in self.lined or often or _is_long(right):
                name = self._name(formula)
                self.symbols[id(formula)] = atom("symbol", name, shape=np.shape(formula.value))
                lines.append(
                    (
                        formula is self.output,
                        self._equation(name, right, formula),
                    )
                )
        return [line for _, line in sorted(lines, key=lambda line: line[0])]

    def _gradient(self) -> list[Equation]:
        """Write the lines of the gradient, each after those that it needs."""
        trace, formulas, names = self.trace, self.formulas, self.names
        of_parameters: dict[int, list[Tensor]] = {}
        for x in self.parameters:
            of_parameters.setdefault(id(formulas[trace.grads[x]]), []).append(x)
        uses = Counter(id(arg) for formula in self.backward for arg in formula.args)
        uses.update(id(formulas[trace.grads[x]]) for x in self.parameters)
        whose = self._whose()
        lines: list[Equation] = []
        for formula in self.backward:
            if formula.op is not None and id(formula) not in self.symbols:
                right, recorded = self.short(formula), self.plain(formula)
                value = whose.get(id(formula))
                is_error = value is not None and names.role(value) == "weighted input"
                cancels = value is not None and names.role(value) == "activation"  # as σ′ does in a δ
                often = self._is_step(formula, right) and not cancels
                if is_error or often or _is_long(right, SHORT if value is not None and uses[id(formula)] > 1 else LONG):
                    if value is not None:
                        self._name(value)
                        lines.append(self._line(value, formula, is_error, recorded, right))
                        self.symbols[id(formula)] = self._symbol(value)
                    elif id(formula) not in of_parameters:
                        name = self._name(formula)
                        lines.append(self._equation(name, right, formula))
                        self.symbols[id(formula)] = atom("symbol", name, shape=np.shape(formula.value))
            for x in of_parameters.get(id(formula), ()):
                line = self._line(formulas[x], formula, False, self.plain(formula), self.short(formula))
                lines.append(replace(line, parameter=x))
        return lines

    def _whose(self) -> dict[int, Formula]:
        """Return the value that a formula is the gradient of, by the id of the formula."""
        trace, formulas = self.trace, self.formulas
        computed: dict[int, set[int]] = {}  # the gradients of the Tensors that are one value
        for x, g in trace.grads.items():
            computed.setdefault(id(formulas[x]), set()).add(id(formulas[g]))
        whose: dict[int, Formula] = {}
        for x, g in trace.grads.items():
            formula, value = formulas[g], formulas[x]
            once = len(computed[id(value)]) == 1  # else each has but a part of the gradient
            if value.op is not None and value is not self.output and formula.op is not None and once:
                before = whose.setdefault(id(formula), value)
                is_error = self.names.role(value) == "weighted input"
                if is_error or (self.names[value] and not self.names[before]):
                    whose[id(formula)] = value
        return whose

    def _symbol(self, value: Formula) -> Sum:
        """Name the gradient with respect to a value."""
        shape = np.shape(value.value)
        if self.names.role(value) == "weighted input":
            return atom("symbol", self.names.gradient(value), shape=shape)
        return atom("derivative", f"{self.of}/{self._name(value)}", shape=shape)

    def _equation(self, name: str, right: Sum, formula: Formula) -> Equation:
        """Write the equation of a value."""
        shape, spare = np.shape(formula.value), id(formula) in self.lined
        return Equation(name, methodcaller("symbol", name), right, shape=shape, formula=formula, spare=spare)

    def _line(self, value: Formula, formula: Formula, is_error: bool, recorded: Sum, right: Sum) -> Equation:
        """Write the equation of the gradient with respect to a value, which is this formula."""
        name = self._name(value)
        found = self.names.gradient(value) if self.names[value] else f"d{name}"

        def left(notation: Unicode) -> str:
            derivative = notation.derivative(notation.symbol(self.of), notation.symbol(name))
            return f"{notation.symbol(found)}{notation.equals}{derivative}" if is_error else derivative

        cancelled = UNICODE.sum(recorded) != UNICODE.sum(right)
        return Equation(found, left, right, recorded if cancelled else None, np.shape(value.value), formula)
