"""The chain rule as it was applied to a recorded graph: what each use of a value adds to its gradient."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from autograd.backward import backprop, fit, reached, seed_of
from autograd.check import central_difference
from autograd.readings.algebra import Algebra, atom
from autograd.readings.formula import Formula
from autograd.readings.graph import Graph, computed, recomputed
from autograd.readings.names import Names
from autograd.readings.templates import Template
from autograd.readings.text import applied, literal, parsed, text
from autograd.readings.trace import apart
from autograd.recording import tracing
from autograd.stale import refuse_changed_data
from autograd.tensor import Node, Tensor, plain, plain_input


class Naming(NamedTuple):
    """The names of a value: its own, that of its gradient, and the one for notation (u_1 is our own u1, not a power of
    u)."""

    name: str
    gradient: str
    symbol: str
    value: Any


@dataclass
class Contribution:
    """What one use of a value adds to its gradient: the rule, in symbols and in numbers, and the result.

    use      the expression of the use, such as w * x + b for z
    formula  the expression of the rule, such as dz * x
    figures  the same with numbers put in, where all are scalars
    summed   the axes that broadcasting had repeated, and that were summed over
    """

    target: str
    use: ast.expr = field(repr=False)
    formula: ast.expr = field(repr=False)
    figures: ast.expr | None = field(repr=False)
    summed: tuple[int, ...]
    value: Any

    @property
    def operation(self) -> str:
        """The use, such as "z = w * x + b"."""
        return f"{self.target} = {text(self.use)}"

    @property
    def rule(self) -> str:
        """The rule in symbols, such as "dz * x"."""
        return text(self.formula)

    @property
    def numbers(self) -> str:
        """The rule in numbers; nothing for arrays, or if it would only repeat the result."""
        return "" if self.figures is None else text(self.figures)


@dataclass
class GradientStep:
    """The gradient of one value: the sum of what each of its uses contributes."""

    name: str
    value: Any
    gradient: Any
    contributions: list[Contribution] = field(default_factory=list)
    element: tuple[int, ...] = ()  # where the finite difference was taken: at the largest element of the gradient
    difference: float | None = None


@dataclass
class Path:
    """One way from one element of a gradient back into one element of another: `factor` is the derivative of the later
    element with respect to the earlier one, `value` their product."""

    name: str
    element: tuple[int, ...]
    gradient: float
    factor: float
    value: float


@dataclass
class Element:
    """One element of the gradient of a value: the sum over paths, the largest first."""

    name: str
    element: tuple[int, ...]
    gradient: float
    paths: list[Path]


class Reading:
    """A graph, its gradients as they were recorded, and the name of every value.

    made    what stands in the place of the values of the graph that was given
    names   what values are to be called, besides those that have a name; with `every`, what is not differentiated has a
            name as well. `taken` are names that no value may have
    """

    def __init__(
        self, output: Tensor, grads: dict[Tensor, Any], made: dict[Node, Any], names: Mapping[Node, str] | None = None,
        every: bool = False, taken: Collection[str] = (),
    ):  # fmt: skip
        self.output, self.grads, self._made = output, grads, made
        self.nodes = reached(output) if output.inputs else []
        self.called = self._names(names or {}, every, taken)

    @classmethod
    def of(cls, output: Tensor, seed: Any, constants: dict[str, Any]) -> Reading:
        """Read an existing graph, with its fused operations taken apart."""
        seed = seed_of(output, plain(seed))
        refuse_changed_data(reached(output))
        arrays = {id(x): x for node in computed([output]) for x in node.inputs if isinstance(x, np.ndarray)}
        leaves = {key: plain_input(array, "array") for key, array in arrays.items()}
        for name, array in constants.items():
            if id(array) not in leaves:
                raise ValueError(f"explain: {name} is not one of the arrays that this value was computed from")
            leaves[id(array)].name = name
        made: dict[Node, Any] = {}
        output = apart(output, leaves, made)
        with tracing():
            return cls(output, backprop(output, Tensor(seed)), made)

    def _names(self, given: Mapping[Node, str], every: bool, taken: Collection[str]) -> dict[Node, Naming]:
        """Name all Tensors, and the arrays that they are computed from."""
        formulas: list[Formula] = []
        graph = Graph(self.output)
        for entry in graph:
            op = entry.value.op if entry.inputs else None
            formulas.append(Formula(plain(entry.value), op, tuple([formulas[i] for i in entry.inputs])))
            formulas[-1].name = given.get(entry.value, entry.name) if isinstance(entry.value, Node) else None
        names = Names(formulas[graph[self.output].number], of="C", taken=taken)
        found = {entry.value: names[formulas[entry.number]] for entry in graph if isinstance(entry.value, Node)}
        called: dict[Node, Naming] = {}
        for x in sorted(found, key=lambda node: node.tick):
            if found[x] or every or isinstance(x, Tensor):
                name = found[x] or names.spare()
                symbol = name if found[x] else f"{name[0]}_{name[1:]}"
                called[x] = Naming(name, f"d{name}", symbol, x._value)
        values = {each.name for each in called.values()}
        return {x: each._replace(gradient=_untaken(each.gradient, values)) for x, each in called.items()}

    def steps(self) -> dict[Tensor, GradientStep]:
        """Return a step for each Tensor, the latest first and the leaves at the end."""
        latest_first = sorted(self.grads, key=lambda x: (x.op is None, -x.tick))
        steps = {x: GradientStep(self.called[x].name, x._value, plain(self.grads[x])) for x in latest_first}
        for node in self.nodes:
            for x, part in zip(node.inputs, self.pulled(node), strict=True):
                if isinstance(x, Tensor):
                    steps[x].contributions.append(self._contribution(node, x, part))
        return steps

    def pulled(self, node: Tensor) -> Any:
        """Return what the rules of a node record: for each of its inputs, what the gradient at the node contributes."""
        op: Any = node.op
        with tracing():
            return op.pull(self.grads[node], node, True)

    def names_at(self, node: Tensor) -> Callable[[Any], str | None]:
        """Return a function that names values as the rules of a node see them: the arriving gradient, and all that have
        a name."""
        g = self.grads[node]

        def symbol(value: Any) -> str | None:
            if value is g:
                return self.called[node].gradient
            return self.called[value].name if isinstance(value, Node) and value in self.called else None

        return symbol

    def _contribution(self, node: Tensor, x: Tensor, part: Any) -> Contribution:
        g, symbol = self.grads[node], self.names_at(node)

        def figure(value: Any) -> str | None:
            return None if symbol(value) is None else four_digits(plain(value))

        data = plain(part)
        figures = None
        if all(np.ndim(value) == 0 for value in (plain(g), node._value, *node.values)):
            figures = expression_of(part, figure)
            figures = None if text(figures) == four_digits(data) else figures
        return Contribution(
            target=self.called[node].name,
            use=expression_of(node, lambda value: None if value is node else symbol(value)),
            formula=expression_of(part, symbol),
            figures=figures,
            summed=_summed(np.shape(data), x.shape),
            value=fit(data, x._value) if np.shape(data) != x.shape else data,
        )

    def compare(self, steps: dict[Tensor, GradientStep]) -> None:
        """Put a finite difference beside each gradient: move the value, and compute again what depends on it."""
        nodes, seed = computed([self.output]), plain(self.grads[self.output])

        for x, step in steps.items():
            if x is self.output or not x.size:
                continue

            def moved(data: Any, x: Tensor = x) -> float:
                return float(np.sum(recomputed(nodes, {x: data})[self.output] * seed))

            largest = int(np.argmax(np.abs(step.gradient)))
            step.element = tuple([int(i) for i in np.unravel_index(largest, x.shape)])
            step.difference, _ = central_difference(moved, x._value, step.element)

    def trace(self, x: Any, index: Any) -> list[Element]:
        """Trace one element back from the output, always along the largest contribution."""
        x = self._made.get(x, x) if isinstance(x, Node) else x
        if not isinstance(x, Tensor) or x not in self.grads:
            raise ValueError("explain: the output was not computed from the Tensor whose element is to be traced")
        places = np.arange(x.size).reshape(x.shape)
        try:
            at = tuple(map(int, np.unravel_index(places[index].item(), x.shape)))
        except (IndexError, TypeError, ValueError, AttributeError):
            raise ValueError(f"explain: {index!r:.80} is not one element of a Tensor of shape {x.shape}") from None
        users: dict[Tensor, list[tuple[Tensor, int]]] = {}
        for node in self.nodes:
            for i, operand in enumerate(node.inputs):
                if isinstance(operand, Tensor):
                    users.setdefault(operand, []).append((node, i))
        steps = []
        while x is not self.output:
            paths = [(path, node) for node, i in users[x] for path in self._paths(node, i, at)]
            paths.sort(key=lambda pair: -abs(pair[0].value))
            gradient = float(np.asarray(plain(self.grads[x]))[at])
            steps.append(Element(self.called[x].name, at, gradient, [path for path, _ in paths]))
            if not paths:
                break
            at, x = paths[0][0].element, paths[0][1]
        return steps

    def _paths(self, node: Tensor, i: int, at: tuple[int, ...]) -> list[Path]:
        """List the paths into an element. A rule is linear in the arriving gradient, so its own gradient is the factor
        of each."""
        arriving = self.grads[node]
        with tracing():
            found = fit(self.pulled(node)[i], node.values[i])
            picked = found[at] if at else found
        if not isinstance(picked, Tensor):
            return []
        stop = {x for x in (node, *node.inputs) if isinstance(x, Tensor)}
        factors = np.broadcast_to(backprop(picked, stop={arriving, *stop}).get(arriving, 0.0), arriving.shape)
        g = np.asarray(arriving._value)
        name = self.called[node].name
        return [
            Path(name, tuple(map(int, j)), float(g[tuple(j)]), float(factors[tuple(j)]),
                 float(g[tuple(j)] * factors[tuple(j)]))
            for j in np.argwhere(factors != 0)
        ]  # fmt: skip


def _untaken(name: str, taken: set[str]) -> str:
    """Name a gradient dz, unless a value has that name."""
    while name in taken:
        name = f"d_{name[1:]}" if not name.startswith("d_") else f"d{name}"
    return name


def expression_of(value: Any, named: Callable[[Any], str | None]) -> ast.expr:
    """Write a recorded value as a Python expression, in terms of the values that `named` has a text for; … stands for
    what is too long to be written down."""
    name = named(value)
    if name is not None:
        return parsed(name)
    if isinstance(value, Node) and value.inputs and value.op is not None:
        operands = [expression_of(x, named) for x in value.inputs]
        try:
            return applied(value.op, operands, _with_slices(value.op, value.params))
        except ValueError:
            return ast.Call(ast.Name(value.op.name), [*operands, ast.Constant(...)], [])
    try:
        return literal(value)
    except ValueError:
        return ast.Constant(...)


def _with_slices(op: Any, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write an index among the parameters that is not a subscript, such as that of scatter, as np.s_[1:3]."""
    if "index" not in params or op.template.endswith("[index]"):
        return params
    return {**params, "index": ast.Subscript(parsed("np.s_"), literal(params["index"]), ast.Load())}


def template(called: Mapping[str, Naming], of: str) -> Template:
    """Make a reader of the rules' expressions, in which the names of values and of their gradients stand for
    themselves."""
    places: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, gradient, symbol, value in called.values():
        places[name] = atom("symbol", symbol, shape=np.shape(value))
        places[gradient] = atom("derivative", f"{called[of].symbol}/{symbol}", shape=np.shape(value))
        values |= {name: value, gradient: value}  # which give the shapes
    return Template(Algebra(cancel=False), places, values)


def _summed(given: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    extra = len(given) - len(wanted)
    return tuple(range(extra)) + tuple(extra + i for i, n in enumerate(wanted) if n == 1 != given[extra + i])


def four_digits(data: Any) -> str:
    return f"{float(data):.4g}"
