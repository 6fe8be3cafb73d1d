"""A recorded graph as formulas: without the work that nothing needs, constants folded, nothing computed twice."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from autograd.readings.graph import Graph
from autograd.registry import NAMED
from autograd.tensor import Node, Op

ELEMENTWISE = {"add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "where"}


class Formula:
    """One value of a program: an operation on other formulas, a number, or something that has a name already.

    op, args, params  what it is computed by and from; op is None for a number or a name
    value             the data that it had when it was recorded, which gives its shape and dtype
    name              the name that it has, or would like to have
    """

    def __init__(self, value: Any, op: Op | None = None, args: tuple[Formula, ...] = (), params: Any = None):
        self.value, self.op, self.args, self.params = value, op, args, params or {}
        self.name: str | None = None

    @property
    def is_number(self) -> bool:
        return self.op is None and self.name is None and np.ndim(self.value) == 0

    def equals(self, number: float) -> bool:
        return self.is_number and bool(self.value == number)

    @property
    def numbers_are_weak(self) -> bool:
        """Whether numbers among the operands take the dtype of the others, as in arithmetic."""
        return self.calls(*ELEMENTWISE) and not (self.calls("where") and all(arg.is_number for arg in self.args[1:]))

    def calls(self, *names: str) -> bool:
        return self.op is not None and own_name(self.op) in names


@cache
def _own() -> frozenset[int]:
    return frozenset(id(op) for op in NAMED.values() if isinstance(op, Op))


def own_name(op: Op) -> str:
    """The name of an operation of the engine's own; nothing for another of the same name, which may do other things."""
    return op.name if id(op) in _own() else ""


# Facts about operations, until they stand beside them.
_FACTS: dict[str, dict[str, Any]] = {
    **{name: {"elementwise": True} for name in ELEMENTWISE},
    **{name: {"activation": True} for name in ("sigmoid", "tanh", "relu", "softmax", "softplus")},
}


def fact(op: Op | None, name: str, default: Any = None) -> Any:
    """A fact about an operation, such as "activation"; the default, and None for no operation, where it has none."""
    if op is None:
        return default
    return op.facts.get(name, _FACTS.get(own_name(op), {}).get(name, default))


def frozen(value: Any) -> Any:
    """A key that is the same for equal parameters only: arrays by their bytes, other things by their repr."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, (list, tuple)):
        return type(value).__name__, *map(frozen, value)
    return repr(value)


class Formulas:
    """The formulas of a graph, by Tensor. `named` gives the names of leaves and arrays, by id; `exact` leaves out what
    would change the rounding of a result."""

    def __init__(self, graph: Graph, named: dict[int, str], exact: bool = False):
        self._exact = exact
        self._known: dict[int, Formula] = {}
        self._computed: dict[Any, Formula] = {}
        for node in graph:
            value = node.value
            data = value._value if isinstance(value, Node) else value
            if id(value) in named and hasattr(value, "dtype"):  # Python's numbers have no identity
                formula = Formula(data)
                formula.name = named[id(value)]
            elif node.inputs:
                args = tuple(self._known[number] for number in node.inputs)
                formula = self._call(value.op, args, value.params, data)
                if formula.op is not None and formula.name is None:  # a number needs no name
                    formula.name = value.name
            else:
                formula = Formula(data)
            self._known[node.number] = formula
        self._graph = graph

    def __getitem__(self, value: Any) -> Formula:
        return self._known[self._graph[value].number] if value in self._graph else Formula(value)

    def _call(self, op: Op, args: tuple[Formula, ...], params: dict[str, Any], value: Any) -> Formula:
        """The simplest formula for a call: an argument, a number, one that there is already, or a new one."""
        for i in range(len(args)):  # one after the other, so that one of them keeps the shape
            args = (*args[:i], self._not_repeated(op, i, args, value), *args[i + 1 :])
        if args and all(arg.is_number for arg in args) and np.ndim(value) == 0:
            return Formula(value)
        keeps_dtype = np.result_type(value) == np.result_type(args[0].value) if args else False
        if own_name(op) == "power" and args[1].is_number and float(args[1].value).is_integer() and keeps_dtype:
            args = (args[0], Formula(int(args[1].value)))
        simpler = self._simpler(op, args, params, value)
        if simpler is not None:
            return simpler
        parts = tuple([repr(arg.value) if arg.is_number else id(arg) for arg in args])
        key = (id(op), parts, tuple([(name, frozen(param)) for name, param in params.items()]))
        if key not in self._computed:
            self._computed[key] = Formula(value, op, args, params)
        return self._computed[key]

    @staticmethod
    def _not_repeated(op: Op, i: int, args: tuple[Formula, ...], value: Any) -> Formula:
        """An operand that was broadcast to a shape that another operand has: broadcasting will do it again."""
        if args[i].calls("broadcast_to") and own_name(op) in ELEMENTWISE:
            inner = args[i].args[0]
            shapes = [np.shape(arg.value) for arg in (*args[:i], inner, *args[i + 1 :])]
            if np.broadcast_shapes(*shapes) == np.shape(value):
                return inner
        return args[i]

    def _simpler(self, op: Op, args: tuple[Formula, ...], params: dict[str, Any], value: Any) -> Formula | None:
        name, first = own_name(op), args[0]
        if name == "multiply" and not self._exact:
            for one, other in (args, args[::-1]):  # c (d x) = (c d) x
                if one.is_number and other.calls("multiply") and any(arg.is_number for arg in other.args):
                    d, x = sorted(other.args, key=lambda arg: not arg.is_number)
                    if not _is_safe(one.value, d.value):
                        continue
                    return self._call(op, (Formula(one.value * d.value), x), {}, value)
        if name == "add" and not self._exact and args[0] is args[1]:  # x + x = 2 x
            times: Any = NAMED["multiply"]
            return self._call(times, (Formula(np.result_type(value).type(2)), first), {}, value)
        if np.ndim(value) == 0 and not self._exact:
            if name == "multiply" and any(arg.equals(0.0) for arg in args):
                return Formula(value * 0)
            if name == "power" and args[1].equals(0.0):
                return Formula(value)
        if name in ("multiply", "add"):
            neutral = 1.0 if name == "multiply" else 0.0
            for one, other in (args, args[::-1]):
                if one.equals(neutral) and _alike(other.value, value):
                    return other
        unit = {"divide": 1.0, "power": 1.0, "subtract": 0.0}.get(name)
        if unit is not None and args[1].equals(unit) and _alike(first.value, value):
            return first
        if name == "negative" and first.calls("negative"):
            return first.args[0]
        if name == "identity" or (name == "astype" and first.value.dtype == value.dtype):
            return first
        if name in ("reshape", "ravel", "squeeze", "expand_dims") and np.shape(first.value) == np.shape(value):
            return first
        if self._is_transpose(op, params, value):
            if first.calls("transpose") and self._is_transpose(first.op, first.params, first.value):
                return first.args[0]
            if first.calls("matmul") and not self._exact and all(np.ndim(arg.value) == 2 for arg in first.args):
                a, b = first.args  # (a b)^T = b^T a^T
                matmul: Any = first.op
                return self._call(matmul, (self._transposed(b), self._transposed(a)), {}, value)
            if name == "swapaxes":
                return self._transposed(first)
        return None

    @staticmethod
    def _is_transpose(op: Op | None, params: dict[str, Any], value: Any) -> bool:
        if op is None or np.ndim(value) != 2:
            return False
        if own_name(op) == "swapaxes":
            return {params["axis1"] % 2, params["axis2"] % 2} == {0, 1}
        return own_name(op) == "transpose" and params.get("axes") is None

    def _transposed(self, x: Formula) -> Formula:
        op: Any = NAMED["transpose"]
        return self._call(op, (x,), {}, np.transpose(x.value))


def _is_safe(c: Any, d: Any) -> bool:
    """Whether the product of two numbers is one that neither overflows nor is lost."""
    with np.errstate(all="ignore"):
        product = abs(np.multiply(c, d))
    return bool(np.finfo(product.dtype).tiny <= product < np.inf) if product.dtype.kind == "f" else True


def ordered(outputs: list[Formula]) -> list[Formula]:
    """Every formula that the outputs need, once, after those that it needs itself."""
    done: set[int] = set()
    order: list[Formula] = []
    stack = [(formula, False) for formula in reversed(outputs)]
    while stack:
        formula, ready = stack.pop()
        if ready:
            order.append(formula)
        elif id(formula) not in done:
            done.add(id(formula))
            stack.append((formula, True))
            stack += [(arg, False) for arg in reversed(formula.args)]
    return order


def _alike(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and np.result_type(a) == np.result_type(b)
