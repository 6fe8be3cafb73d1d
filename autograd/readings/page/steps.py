"""The steps through a graph: each value, then what each use of it adds to its gradient, from the output back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from autograd.backward import fit
from autograd.readings.algebra import Atom, Sum, atom
from autograd.readings.chain import Reading, expression_of, template
from autograd.readings.display import shortened
from autograd.readings.equations import Writer
from autograd.readings.formula import Formula, fact
from autograd.readings.graph import Entry, Graph
from autograd.readings.notation import MathML, Unicode
from autograd.readings.text import text
from autograd.readings.trace import Trace
from autograd.recording import tracing
from autograd.tensor import Node, Tensor, plain

T = TypeVar("T")


@dataclass
class PageStep:
    """A value that is computed, or what one use adds to the gradient of an input.

    node      the value; for a use, the value that it is used in
    position  for a use, its place among the inputs; None for a value
    right     what is computed, or added
    data      the result; for a use it is recorded, so that a program can compute it
    summed    the axes that broadcasting had repeated, and that were summed over
    """

    node: Entry
    position: int | None
    right: Sum
    data: Any
    summed: tuple[int, ...] = ()


class PageSteps:
    """What a page says of a trace: its values and their names, its steps and its equations.

    graph   the graph of the value; `nodes` are its entries, without bare constants
    called  the name of each of them
    values  the equations of values, and `gradients` those of gradients, in one numbering
    steps   the values in the order in which they are computed; then the uses, as the backward pass comes to them
    """

    def __init__(self, trace: Trace):
        self.trace = trace
        self.writer = Writer(trace)
        found = self.writer.equations()
        self.values, self.gradients, self.notes = found.values, found.gradient, found.notes
        self.graph = Graph(trace.output)
        self.nodes = [entry for entry in self.graph if isinstance(entry.value, Node)]
        names = self._names()
        taken = {name.replace("_", "") for name in names.values()}  # and t1, t2, … are those of the program
        self.reading = Reading(
            trace.output, trace.grads, {}, names, every=True, taken={*taken - set(names.values()), "t"}
        )
        self.called = self.reading.called
        self._find_lines()
        self._reader = reader = template(
            {each.name: each for each in self.called.values()}, self.called[trace.output].name
        )
        self._places = dict(reader.places)
        for node, each in self.called.items():
            error = self.error(node)
            if error:
                self._places[each.gradient] = atom("symbol", error, shape=np.shape(each.value))
        reader.places = self._places
        self.links: dict[str, str] = {}
        for entry in self.nodes:
            symbol = self.called[entry.value].symbol
            self.links[symbol] = f"v{entry.number}"
            if isinstance(entry.value, Tensor):
                self.links[self.gradient(entry.value)[0].factors[0][0].name] = f"g{entry.number}"
        self.value_of = {entry.number: self._value(entry) for entry in self.nodes if entry.inputs}
        self.steps = [*self.value_of.values(), *self._uses()]

    def _names(self) -> dict[Node, str]:
        """Return what the equations call the values. One that is equal to another has no name there."""
        names: dict[Node, str] = {}
        for entry in sorted(self.nodes, key=lambda entry: entry.kind == "computed"):
            name = self.writer.names[self.writer.formulas[entry.value]]
            if entry.value is self.trace.output:
                name = self.writer.of
            if name and name not in names.values():
                names[entry.value] = name
        return names

    def error(self, node: Node) -> str | None:
        """Name the gradient with respect to a weighted input: delta2 for z2."""
        formula, names = self.writer.formulas[node], self.writer.names
        is_error = names[formula] == self.called[node].symbol and names.role(formula) == "weighted input"
        return names.gradient(formula) if is_error else None

    def _read(self, value: Any, symbol: Callable[[Any], str | None]) -> Sum:
        """Read how a value was computed, in terms of the names that `symbol` has; as NumPy, if there is no notation for
        it."""
        expression = expression_of(value, symbol)
        try:
            return self._reader.read(expression)
        except (AttributeError, IndexError, NameError, SyntaxError, TypeError, ValueError):
            written = text(expression).replace("{", "{{").replace("}", "}}")
            return atom("numpy", written, shape=np.shape(plain(value)))

    def _value(self, entry: Entry) -> PageStep:
        node = entry.value

        def symbol(value: Any) -> str | None:
            return None if value is node or not isinstance(value, Node) else self.called[value].name

        if fact(node.op, "by_name"):  # σ(z) rather than what it is short for
            settings = "".join([f", {key}={value}" for key, value in node.params.items() if value is not None])
            kind, name = ("numpy", f"{node.op.name}({{0}}{settings})") if settings else ("call", node.op.name)
            (x,) = node.inputs
            right = atom(kind, name, self._read(x, symbol), shape=np.shape(node._value))
            return PageStep(entry, None, right, node)
        return PageStep(entry, None, self._read(node, symbol), node)

    def _uses(self) -> list[PageStep]:
        return [step for node in self.reading.nodes for step in self._uses_of(node)]

    def _uses_of(self, node: Tensor) -> list[PageStep]:
        steps, symbol = [], self.reading.names_at(node)
        for position, (x, part) in enumerate(zip(node.inputs, self.reading.pulled(node), strict=True)):
            if isinstance(x, Tensor):
                with tracing():
                    data = fit(part, x._value)
                given, wanted = np.shape(plain(part)), x.shape
                extra = len(given) - len(wanted)
                axes = [extra + i for i, n in enumerate(wanted) if n == 1 != given[extra + i]]
                right = self._read(part, symbol)
                steps.append(PageStep(self.graph[node], position, right, data, (*range(extra), *axes)))
        return steps

    def symbol(self, x: Node) -> Sum:
        return self._places[self.called[x].name]

    def gradient(self, x: Node) -> Sum:
        """The symbol of the gradient with respect to a value."""
        return self._places[self.called[x].gradient]

    # The lines of the equations that belong to a value or to a gradient: their own, or that in which they are a part.

    def _find_lines(self) -> None:
        self._lines: dict[int, int] = {}
        self._of_parameter: dict[Tensor, int] = {}
        self._gradients: dict[int, int] = {}
        for number, line in enumerate([*self.values, *self.gradients]):
            lines = self._lines if number < len(self.values) else self._gradients
            lines.setdefault(id(line.formula), number)
            if line.parameter is not None:
                self._of_parameter[line.parameter] = number
        self._users: tuple[dict[int, Formula], ...] = ({}, {})
        for users, formulas in zip(self._users, (self.writer.forward, self.writer.backward), strict=True):
            for formula in formulas:
                for arg in formula.args:
                    users.setdefault(id(arg), formula)

    def of_values(self, line_of: Callable[[Node], T | None]) -> dict[Node, T | None]:
        """Return the line of each value as `line_of` says; for a value without one, that of what uses it."""
        found: dict[Node, T | None] = {}
        for entry in reversed(self.nodes):
            line = line_of(entry.value) if entry.inputs else None
            found[entry.value] = found.get(entry.value) if line is None else line
            for number in entry.inputs:
                x = self.graph.nodes[number].value
                if isinstance(x, Node) and found.get(x) is None:
                    found[x] = found[entry.value]
        return found

    def of_gradients(self, line_of: Callable[[Tensor], int | None]) -> dict[Node, int | None]:
        """Do the same for gradients; for one without a line, take that of the gradient that it flows on to."""
        found: dict[Node, int | None] = {}
        for entry in self.nodes:
            if isinstance(entry.value, Tensor) and entry.value in self.trace.grads:
                further = [found.get(self.graph.nodes[number].value) for number in entry.inputs
                           if isinstance(self.graph.nodes[number].value, Node)]  # fmt: skip
                lines = [line for line in (line_of(entry.value), *further) if line is not None]
                found[entry.value] = lines[0] if lines else None
        return found

    def line_of_value(self, x: Node) -> int | None:
        return _line(self.writer.formulas[x], self._lines, self._users[0])

    def line_of_gradient(self, x: Tensor) -> int | None:
        if x in self._of_parameter:
            return self._of_parameter[x]
        return _line(self.writer.formulas[self.trace.grads[x]], self._gradients, self._users[1])


def _line(formula: Formula, lines: Mapping[int, int], users: Mapping[int, Formula]) -> int | None:
    """Return the line of a formula, or of what it is a part of; None for a number or a name."""
    found: Formula | None = formula if formula.op is not None else None
    while found is not None and id(found) not in lines:
        found = users.get(id(found))
    return None if found is None else lines[id(found)]


class Text(Unicode):
    """Expressions as text, with names cut short."""

    def symbol(self, name: str) -> str:
        return super().symbol(shortened(name))


class Linked(MathML):
    """MathML in which every symbol says what it stands for: v3 for the value 3, g3 for the gradient with respect to it.
    A page puts their numbers in place of them. Names are cut short. With `brief`, no more than that stands in place of
    a symbol, <v3/>, and the page puts the symbol there."""

    def __init__(self, links: Mapping[str, str], brief: bool = False):
        super().__init__()
        self.links, self.brief = links, brief

    def symbol(self, name: str) -> str:
        return super().symbol(shortened(name))

    def atom(self, x: Atom) -> str:
        written = super().atom(x)
        link = self.links.get(x.name) if x.kind in ("symbol", "derivative") else None
        if link and self.brief:
            return f"<{link}/>"
        return f'<mrow data-of="{link}">{written}</mrow>' if link else written
