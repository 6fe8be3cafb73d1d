"""The loops of a whole program: its parameters, its nests, its results, and the formula above each nest."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from autograd.readings.elements import (
    Array,
    Expr,
    Index,
    Nest,
    Store,
    Value,
    Var,
    forwards,
    indices_read,
    memory,
    read_by,
    worth_writing,
)
from autograd.readings.formula import Formula, Formulas, ordered
from autograd.readings.graph import Graph
from autograd.readings.loops import Loops
from autograd.readings.names import unique_name
from autograd.readings.text import applied, literal, numbers, parsed, text
from autograd.readings.trace import Trace
from autograd.readings.updates import last
from autograd.tensor import Tensor

LONG = 104  # characters of a formula above its loops


class Lowered:
    """The loops of a program: its parameters, its nests, and where its results are.

    name     what the function is called; `says` what it computes
    inputs   its parameters, `outputs` the arrays that it fills
    value    the number that it gives
    """

    def __init__(self, name: str, functions: Collection[str], reserved: Collection[str]):
        self.taken = set(reserved)
        self.name = self.named(name)
        self.says = ""
        self.loops = Loops(functions, self.taken)
        self.inputs: list[Array] = []
        self.outputs: list[Array] = []
        self.parameters: dict[str, str] = {}  # what the inputs are called here, by their own names
        self.value: Value
        self.values: dict[int, Any] = {}  # by the formulas' ids
        self._names: dict[int, str] = {}

    def named(self, wish: str) -> str:
        return unique_name("".join(c if c.isascii() else "_" for c in wish), self.taken)

    def add_inputs(self, named: dict[str, Any]) -> dict[str, Value]:
        """Add parameters with these names and values."""
        values = {}
        for name, value in named.items():
            array = Array(self.named(name), np.shape(value), np.result_type(value), "input")
            self.inputs.append(array)
            self.parameters[name] = array.name
            values[name] = memory(array)
        return values

    def lower(
        self, order: list[Formula], inputs: dict[str, Value], results: list[Formula], labels: list[str],
        places: Sequence[str | None] = (),
    ) -> None:  # fmt: skip
        """Lower formulas, in order. The first result is the value; the others fill arrays called `labels`, or the
        inputs that `places` names."""
        loops = self.loops
        uses: dict[int, int] = {}
        for formula in order:
            for arg in {id(arg) for arg in formula.args}:
                uses[arg] = uses.get(arg, 0) + 1
        for formula in results:
            uses[id(formula)] = uses.get(id(formula), 0) + 1
        target: dict[int, Array] = {}
        moves: list[tuple[Array, Array]] = []
        arrays: list[Array] = []
        for formula, label, at in zip_longest(results[1:], labels, places):
            shape, dtype = np.shape(formula.value), np.result_type(formula.value)
            array = Array(self.named(formula.name or label), shape, dtype, "local" if at else "output")
            arrays.append(array)
            if at:
                moves.append((array, next(x for x in self.inputs if x.name == self.parameters[at])))
                loops.locals.append(array)
            else:
                self.outputs.append(array)
            if formula.op is not None and formula is not results[0]:
                target.setdefault(id(formula), array)
        for formula in order:
            if formula.op is None:
                value = formula.value
                self.values[id(formula)] = inputs[formula.name] if formula.name is not None else value
                if formula.name is not None:
                    self._names[id(formula)] = formula.name
                continue
            first, known = len(loops.nests), len(loops.locals)
            y = loops.lower(formula, [self.values[id(arg)] for arg in formula.args])
            if id(formula) in target:
                y = self._kept(formula, y, first, target[id(formula)].name, target[id(formula)])
            elif (not y.cheap and uses[id(formula)] > 1) or (formula is results[0] and (moves or not y.cheap)):
                y = self._kept(formula, y, first, self.named(formula.name) if formula.name else loops.spare())
            elif not y.cheap and formula.name:
                name = self.named(formula.name)
                self._say(formula, first, name)
                y = _with_name(y, name)
            elif y.array is not None and any(y.array is array for array in loops.locals[known:]):
                if formula.name:
                    y.array.name = self.named(formula.name)
                self._say(formula, first, y.array.name)
            self.values[id(formula)] = y
        self.value = loops.moved(self.values[id(results[0])], lambda base: np.reshape(base, ()))
        for formula, array in zip(results[1:], arrays, strict=True):
            if target.get(id(formula)) is not array:
                self._kept(formula, loops.value(self.values[id(formula)]), len(loops.nests), array.name, array)
        for array, to in moves:
            self._move(array, to)

    def _move(self, array: Array, to: Array) -> None:
        """Write values straight into an input in place of a local array, if nothing else reads the old ones."""
        to.role = "changed"
        nests = self.loops.nests
        stores = [n for n, nest in enumerate(nests) if nest.store.array is array]
        at = nests[stores[0]]
        same = all(index.key == at.store.index.key for index in indices_read(at, to))
        if (
            len(stores) == 1
            and same
            and not at.scan
            and all(to not in read_by(nest) for nest in nests[stores[0] + 1 :])
        ):
            at.formulas = [line.replace(f"{array.name} = ", f"{to.name} = ", 1) for line in at.formulas]
            array.name, array.role = to.name, "changed"
            self.loops.locals.remove(array)
        else:
            var = Var(array.size)
            place = Index({var: 1})
            self.loops.nests.append(Nest([var], Store(to, place, Expr("load", (array, place), array.dtype)), []))

    def _kept(self, formula: Formula, y: Value, first: int, name: str, array: Array | None = None) -> Value:
        self._say(formula, first, name)
        return self.loops.store(y, name, array)

    def _say(self, formula: Formula, first: int, name: str) -> None:
        """Put the formula, as NumPy, above the first nest of those that compute it."""
        nests = self.loops.nests
        to = nests[first].formulas if first < len(nests) else self.loops.lines
        for depth in (8, 4, 3, 2, 1):
            line = f"{name} = {text(self._expression(formula, depth))}"
            if len(line) <= LONG:
                to.append(line)
                break
        self._names[id(formula)] = name

    def _expression(self, formula: Formula, depth: int) -> ast.expr:
        if id(formula) in self._names:
            return parsed(self._names[id(formula)])
        if formula.op is None:
            try:
                return literal(formula.value)
            except ValueError:  # a long array
                return parsed("array")
        if depth == 0:
            return parsed("...")
        short = numbers(formula)
        operands = [short[i] if i in short else self._expression(a, depth - 1) for i, a in enumerate(formula.args)]
        try:
            return applied(formula.op, operands, formula.params)
        except ValueError:  # a long array in an index
            return ast.Call(parsed(formula.op.name.rpartition(".")[2]), operands, [])


def lowered(trace: Trace, printer: Any, exact: bool = False, results: Mapping[str, Any] | None = None) -> Lowered:
    """Lower what was traced, and its gradient or its update; `printer` knows what the language has.

    In place of the gradient, `results` may name other recorded values, by the arrays that they fill.
    """
    if results is None:
        differentiated = [x for x in trace.inputs if isinstance(x, Tensor)] + trace.outside
        labels = [f"new_{move.name}" for move in trace.moves] or [f"d{trace.named[id(x)]}" for x in differentiated]
        results = dict(zip(labels, trace.results, strict=True))
    formulas = Formulas(Graph(trace.output, *results.values()), trace.named, exact=exact)
    found = [formulas[trace.output], *(formulas[x] for x in results.values())]
    if found[0].op is not None:
        found[0].name = found[0].name or "value"
    order = last(ordered(found), found[1:]) if trace.moves else ordered(found)
    trace.name_gradients(formulas, order)
    values = [getattr(x, "_value", x) for x in trace.given]
    name = f"{trace.name}_step" if trace.moves else f"{trace.name}_and_grad"
    program = Lowered(name, printer.functions, printer.reserved)
    what = "a step that moves its parameters by the gradient" if trace.moves else "its gradient"
    program.says = f"The value of {trace.name}, and {what}."
    given = {}
    for name, value in zip(trace.parameters, values, strict=True):
        if isinstance(value, np.ndarray | np.generic | float | int):
            given[name] = value
    program.lower(order, program.add_inputs(given), found, list(results), trace.places)
    nests = worth_writing(program.loops.nests, program.value.at(()))
    program.loops.nests = [forwards(nest) for nest in nests]
    return program


def _with_name(x: Value, name: str) -> Value:
    """Name the elements of a value, where they are computed."""
    return Value(x.shape, x.dtype, lambda index: Expr("name", (name, x.at(index)), x.dtype), x.cheap, depth=x.depth)
