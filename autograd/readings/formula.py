"""A recorded graph as formulas: without work that nothing needs, constants folded, nothing computed twice."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from autograd.operation import Op
from autograd.readings.graph import Graph
from autograd.registry import NAMED
from autograd.tensor import Node


class Formula:
    """One value of a program: an operation on other formulas, a number, or something that already has a name.

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

    def calls(self, *names: str) -> bool:
        return self.op is not None and own_name(self.op) in names


@cache
def _own() -> frozenset[int]:
    return frozenset(id(op) for op in NAMED.values() if isinstance(op, Op))


def own_name(op: Op) -> str:
    """Return the name of an operation of the engine's own; nothing for another of the same name, which may do other
    things."""
    return op.name if id(op) in _own() or "index" in op.facts else ""


def fact(op: Op | None, name: str, default: Any = None) -> Any:
    """Return a fact about an operation, such as "activation"; the default if it has none, and None without an
    operation."""
    if op is None:
        return default
    return op.facts.get(name, default)


def frozen(value: Any) -> Any:
    """Return a key that is the same only for equal parameters: arrays by their bytes, other things by their repr."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, (list, tuple)):
        return type(value).__name__, *map(frozen, value)
    return repr(value)


# What is recorded, what it becomes, and whether the result is the same to the last bit. The first row that fits is
# taken; sums and products are tried both ways round. A letter that is all that is left has to have the shape and the
# dtype of what it replaces, so that a reshape to another shape, or 1 x that broadcasts, stays.
REWRITES = (
    ("c * (d * x)",                      "(c * d) * x",   False),
    ("x + x",                            "2 * x",         True),
    ("s * 0",                            "0",             False),  # not for infinite s
    ("s ** 0",                           "1",             True),
    ("x * 1  or  x / 1  or  x ** 1",     "x",             True),
    ("x - 0",                            "x",             True),
    ("x + 0",                            "x",             False),  # -0.0 + 0 is 0.0
    ("-(-x)",                            "x",             True),
    ("x.T.T",                            "x",             True),
    ("transpose(s)",                     "s",             True),  # a number may be one of Python's, without .T
    ("(a @ b).T",                        "b.T @ a.T",     False),
    ("identity(x)  or  astype(x)",       "x",             True),
    ("reshape(x)  or  ravel(x)",         "x",             True),
    ("squeeze(x)  or  expand_dims(x)",   "x",             True),
)  # fmt: skip
# What the letters may stand for.
LETTERS: dict[str, Callable[[Formula], bool]] = {
    "a": lambda x: np.ndim(x.value) == 2,
    "b": lambda x: np.ndim(x.value) == 2,
    "c": lambda x: x.is_number,
    "d": lambda x: x.is_number,
    "s": lambda x: np.ndim(x.value) == 0,
    "x": lambda x: True,
}


class Formulas:
    """The formulas of a graph, by Tensor. `named` gives the names of leaves and arrays, by id; `exact` leaves out
    whatever would change the rounding of a result."""

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
        """Return the simplest formula for a call: an argument, a number, an existing formula, or a new one."""
        for i in range(len(args)):  # one after the other, so that one of them keeps the shape
            args = (*args[:i], self._not_repeated(op, i, args, value), *args[i + 1 :])
        if args and all(arg.is_number for arg in args) and np.ndim(value) == 0:
            return Formula(value)
        keeps_dtype = np.result_type(value) == np.result_type(args[0].value) if args else False
        if own_name(op) == "power" and args[1].is_number and float(args[1].value).is_integer() and keeps_dtype:
            args = (args[0], Formula(int(args[1].value)))
        if is_transpose(op, params, value) and (own_name(op) != "transpose" or params.get("axes") is not None):
            transpose: Any = NAMED["transpose"]
            return self._call(transpose, args, {}, value)
        simpler = self._simpler(Formula(value, op, args, params))
        if simpler is not None:
            return simpler
        parts = tuple([repr(arg.value) if arg.is_number else id(arg) for arg in args])
        key = (id(op), parts, tuple([(name, frozen(param)) for name, param in params.items()]))
        if key not in self._computed:
            self._computed[key] = Formula(value, op, args, params)
        return self._computed[key]

    @staticmethod
    def _not_repeated(op: Op, i: int, args: tuple[Formula, ...], value: Any) -> Formula:
        """Return an operand as it was before it was broadcast, if another operand has that shape: broadcasting does it
        again."""
        if args[i].calls("broadcast_to") and fact(op, "arithmetic"):
            inner = args[i].args[0]
            shapes = [np.shape(arg.value) for arg in (*args[:i], inner, *args[i + 1 :])]
            if np.broadcast_shapes(*shapes) == np.shape(value):
                return inner
        return args[i]

    def _simpler(self, call: Formula) -> Formula | None:
        """Apply the first rewrite that fits a call."""
        for pattern, result, exact in _REWRITES.get(own_name(call.op) if call.op else "", ()):
            if exact or not self._exact:
                for found in _matches(pattern, call):
                    simpler = self._made(result, found, call.value)
                    if simpler is not None:
                        return simpler
        return None

    def _made(self, result: ast.expr, found: dict[str, Formula], value: Any) -> Formula | None:
        """Build the right side of a rewrite, in place of something with this value; return None if it would be
        something else."""
        dtype = np.result_type(value)
        if isinstance(result, ast.Name):
            x = found[result.id]
            alike = np.shape(x.value) == np.shape(value) and np.result_type(x.value) == dtype
            return x if alike else None
        if isinstance(result, ast.Constant):
            return Formula(dtype.type(result.value))
        args = []
        for part in _parts(result):
            if isinstance(part, ast.Name):
                arg: Formula | None = found[part.id]
            elif isinstance(part, ast.Constant):
                arg = Formula(dtype.type(part.value))
            elif isinstance(part, ast.Attribute):
                arg = self._made(part, found, np.transpose(found[_name(part.value)].value))
            else:  # c * d
                arg = _folded(*[found[_name(name)].value for name in _parts(part)])
            if arg is None:
                return None
            args.append(arg)
        op: Any = NAMED[_operation(result)]
        return self._call(op, tuple(args), {}, value)


# Patterns are read once. A node of the tree is an operation of ours; letters stand for its operands.
_OPERATIONS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.MatMult: "matmul", ast.USub: "negative",
}  # fmt: skip


def _operation(pattern: ast.expr) -> str:
    if isinstance(pattern, ast.BinOp | ast.UnaryOp):
        return _OPERATIONS[type(pattern.op)]
    return "transpose" if isinstance(pattern, ast.Attribute) else ast.unparse(pattern).partition("(")[0]


def _parts(pattern: ast.expr) -> list[ast.expr]:
    if isinstance(pattern, ast.BinOp):
        return [pattern.left, pattern.right]
    if isinstance(pattern, ast.Call):
        return pattern.args
    return [pattern.operand if isinstance(pattern, ast.UnaryOp) else pattern.value]  # type: ignore[attr-defined]


def _name(pattern: ast.expr) -> str:
    return ast.unparse(pattern)


def _read(rows: Any) -> dict[str, list[tuple[ast.expr, ast.expr, bool]]]:
    """Read the rewrites, by the operation that they begin with, in their order."""
    by_operation: dict[str, list[tuple[ast.expr, ast.expr, bool]]] = {}
    for texts, result, exact in rows:
        for text in texts.split("  or  "):
            pattern, made = (ast.parse(side, mode="eval").body for side in (text, result))
            by_operation.setdefault(_operation(pattern), []).append((pattern, made, exact))
    return by_operation


_REWRITES = _read(REWRITES)


def _matches(pattern: ast.expr, formula: Formula) -> Iterator[dict[str, Formula]]:
    """List the ways in which a formula fits a pattern: what each letter stands for."""
    if isinstance(pattern, ast.Name):
        if LETTERS[pattern.id](formula):
            yield {pattern.id: formula}
        return
    if isinstance(pattern, ast.Constant):
        if formula.equals(ast.literal_eval(pattern)) and not np.signbit(formula.value):
            yield {}
        return
    if formula.op is None or own_name(formula.op) != _operation(pattern):
        return
    if isinstance(pattern, ast.Attribute) and not is_transpose(formula.op, formula.params, formula.value):
        return
    orders = [formula.args, formula.args[::-1]] if formula.calls("add", "multiply") else [formula.args]
    for args in orders:
        yield from _all_match(_parts(pattern), args)


def _all_match(patterns: list[ast.expr], formulas: tuple[Formula, ...]) -> Iterator[dict[str, Formula]]:
    if not patterns:
        yield {}
        return
    for found in _matches(patterns[0], formulas[0]):
        for rest in _all_match(patterns[1:], formulas[1:]):
            if all(found[letter] is rest[letter] for letter in found.keys() & rest.keys()):
                yield {**found, **rest}


def is_transpose(op: Op | None, params: dict[str, Any], value: Any) -> bool:
    """Say whether an operation transposes a matrix, whichever way it is written."""
    name = own_name(op) if op is not None and np.ndim(value) == 2 else ""
    if name == "swapaxes":
        return {params["axis1"] % 2, params["axis2"] % 2} == {0, 1}
    axes = params.get("axes")
    return name == "transpose" and (axes is None or [axis % 2 for axis in axes] == [1, 0])


def _folded(c: Any, d: Any) -> Formula | None:
    """Multiply two numbers; return None if that would overflow or vanish."""
    with np.errstate(all="ignore"):
        product = c * d
    size = abs(np.asarray(product))
    safe = size.dtype.kind != "f" or np.finfo(size.dtype).tiny <= size < np.inf
    return Formula(product) if safe else None


def ordered(outputs: list[Formula]) -> list[Formula]:
    """List every formula that the outputs need, once, after those that it needs itself."""
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
