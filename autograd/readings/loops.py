"""Formulas as loops over elements: the C and the JavaScript of a program are printed from them.

Every operation is lowered by reading its template, as a person reads NumPy: `x @ w.T + b` is a sum of products over a
shared index, and b added to each. So no operation is written down a second time; what is written here is what NumPy's
own functions do, element by element.

A value is a function from an index to an expression for the element there. To add two values is to add their elements;
a view is another index; a reduction is an expression with a loop of its own inside. Only what is read more than once
gets an array, and a nest of loops that fills it.

`moves` moves elements, `maps` treats each by itself, `folds` gathers many into one; here templates are read.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.ops.elementwise import wide
from autograd.readings.elements import Array, LoweringError, Value, arrays_in, read_by
from autograd.readings.folds import Folds
from autograd.readings.formula import Formula
from autograd.readings.maps import ALIASES, EXPANSIONS, template

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or",
    ast.BitXor: "bitwise_xor", ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal",
    ast.Eq: "equal", ast.NotEq: "not_equal", ast.USub: "negative", ast.Invert: "invert", ast.MatMult: "matmul",
}  # fmt: skip
# Functions of NumPy that only move elements about, where all else that they take is known.
MOVES = {"reshape", "ravel", "squeeze", "expand_dims", "broadcast_to", "transpose", "swapaxes", "moveaxis", "flip",
         "roll", "lib.stride_tricks.sliding_window_view", "matrix_transpose", "diagonal", "atleast_1d"}  # fmt: skip


class Loops(Folds):
    """The loops that compute some formulas, by reading the templates of their operations."""

    def read(self, node: ast.expr, names: dict[str, Any]) -> Any:
        """Apply an expression of NumPy to values and to what is known; return a Value, unless all is known."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return names[node.id] if node.id in names else {"float": float, "int": int, "bool": bool}[node.id]
        if isinstance(node, ast.List | ast.Tuple):
            items: list[Any] = []
            for part in node.elts:
                if isinstance(part, ast.Starred):
                    items += self.read(part.value, names)
                else:
                    items.append(self.read(part, names))
            return items if isinstance(node, ast.List) else tuple(items)
        if isinstance(node, ast.Slice):
            ends = [None if end is None else self.read(end, names) for end in (node.lower, node.upper, node.step)]
            return slice(*ends)
        if isinstance(node, ast.BinOp):
            a, b = self.read(node.left, names), self.read(node.right, names)
            if isinstance(node.op, ast.MatMult):
                return self.matmul(a, b) if isinstance(a, Value) or isinstance(b, Value) else a @ b
            if not isinstance(a, Value) and not isinstance(b, Value):
                return _python(node.op)(a, b)
            return self.map(_OPERATORS[type(node.op)], a, b)
        if isinstance(node, ast.UnaryOp):
            x = self.read(node.operand, names)
            if isinstance(x, Value):
                return self.map(_OPERATORS[type(node.op)], x)
            return -x if isinstance(node.op, ast.USub) else ~x
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            a, b = self.read(node.left, names), self.read(node.comparators[0], names)
            return self.map(_OPERATORS[type(node.ops[0])], a, b)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, names)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, names)
        if isinstance(node, ast.Call):
            return self._call(node, names)
        raise LoweringError(f"{ast.unparse(node)} cannot be written as loops")

    def _attribute(self, node: ast.Attribute, names: dict[str, Any]) -> Any:
        called = ast.unparse(node)
        if called.startswith("np."):
            return _of_numpy(called)
        x = self.read(node.value, names)
        if isinstance(x, Value) and node.attr in ("T", "mT"):
            return self.moved(x, lambda base: getattr(base, node.attr))
        if node.attr in ("T", "mT", "shape"):
            return getattr(x, node.attr)
        raise LoweringError(f"{called} cannot be written as loops")

    def _subscript(self, node: ast.Subscript, names: dict[str, Any]) -> Any:
        where = self.read(node.slice, names)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "s_":
            return where
        x = self.read(node.value, names)
        if not isinstance(x, Value) and not _has_value(where):
            return x[where]
        x = self.value(x)
        parts = where if isinstance(where, tuple) else (where,)
        if any(isinstance(part, Value) for part in parts):
            return self.indexed(x, parts)
        return self.moved(x, lambda base: base[where])

    def _call(self, node: ast.Call, names: dict[str, Any]) -> Any:
        called = ast.unparse(node.func)
        args: list[Any] = []
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                args += self.read(arg.value, names)
            else:
                args.append(self.read(arg, names))
        how = {str(word.arg): self.read(word.value, names) for word in node.keywords}
        if isinstance(node.func, ast.Attribute) and not called.startswith("np."):  # a method
            args, called = [self.read(node.func.value, names), *args], f"np.{node.func.attr}"
        if called == "scatter":  # in the texts of operations, though not one of NumPy's
            args[0] = self.value(args[0])
        if not any(map(_has_value, [*args, *how.values()])):
            return _of_numpy(called)(*args, **how)
        name = called.removeprefix("np.")
        if name in MOVES:
            return self.moved(args[0], lambda base: _of_numpy(called)(base, *args[1:], **how))
        rule = RULES.get(name)
        if rule is not None:
            return rule(self, *args, **how)
        if how:
            raise LoweringError(f"{called} with {', '.join(how)} cannot be written as loops")
        name = ALIASES.get(name, name)
        if name not in self.functions and name not in EXPANSIONS:
            raise LoweringError(f"{called} cannot be written as loops")
        return self.map(name, *args)

    # formulas

    def lower(self, formula: Formula, args: Sequence[Any]) -> Value:
        """Return the value of a formula, from the values that it is computed from."""
        op = formula.op
        assert op is not None
        names: dict[str, Any] = {**op.defaults, **formula.params}
        names |= {"xs": list(args)} if op.operands == ("*xs",) else dict(zip(op.operands, args, strict=True))
        try:
            found = self.read(template(op.template), names)
        except (LoweringError, KeyError, AttributeError, IndexError) as error:
            reason = error if isinstance(error, LoweringError) else repr(error)
            raise LoweringError(f"{op.name} cannot be written as loops: its text is {op.template} ({reason})") from None
        y = self.value(found)
        dtype = np.result_type(formula.value)
        if y.shape != np.shape(formula.value):
            y = self.moved(y, lambda base: np.broadcast_to(base, np.shape(formula.value)))
        return self.cast(y, dtype)


def _of_numpy(called: str) -> Any:
    """Return what a name such as `np.linalg.solve` stands for."""
    found: Any = np
    for part in called.split(".")[1:]:
        found = getattr(found, part)
    return found


def _has_value(x: Any) -> bool:
    return isinstance(x, Value) or (isinstance(x, list | tuple) and any(map(_has_value, x)))


def _python(op: ast.operator) -> Callable[[Any, Any], Any]:
    return eval(f"lambda a, b: a {_SYMBOLS[type(op)]} b")  # type: ignore[no-any-return]


_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//", ast.Mod: "%",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}  # fmt: skip


def _reduction(kind: str, of: Any = None) -> Callable[..., Value]:
    """Make the reduction of this kind, of elements in another type where that is needed."""

    def rule(self: Loops, a: Any, axis: Any = None, keepdims: bool = False) -> Value:
        a = self.value(a) if of is None else self.cast(a, of)
        return self.reduced(kind, a, axis, keepdims, wide(a.dtype) if kind in ("sum", "prod") else a.dtype)

    return rule


def _cumsum(self: Loops, x: Any, axis: Any = None) -> Value:
    x = self.value(x)
    return self.scanned("sum", x, axis, wide(x.dtype))


def _where_extreme(kind: str) -> Callable[..., Value]:
    def rule(self: Loops, a: Any, axis: Any = None, keepdims: bool = False) -> Value:
        a = self.value(a)
        flat = self.moved(a, np.ravel) if axis is None else a
        y = self.reduced(kind, flat, -1 if axis is None else axis, keepdims and axis is not None, np.int64)
        return self.moved(y, lambda base: np.reshape(base, (1,) * a.ndim)) if axis is None and keepdims else y

    return rule


def _std(self: Loops, a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    return self.map("sqrt", self.var(a, axis, ddof, keepdims))


def _round(self: Loops, x: Any, decimals: int = 0) -> Any:
    return self.map("round", x, decimals) if decimals else self.map("rint", x)


# What NumPy's functions do that are more than a map or a move.
RULES: dict[str, Callable[..., Any]] = {
    "sum": _reduction("sum"), "prod": _reduction("prod"), "max": _reduction("max"), "min": _reduction("min"),
    "amax": _reduction("max"), "amin": _reduction("min"), "any": _reduction("any", bool),
    "all": _reduction("all", bool), "count_nonzero": _reduction("sum", bool), "mean": Loops.mean, "var": Loops.var,
    "std": _std, "logaddexp.reduce": Loops.logsumexp,
    "argmax": _where_extreme("argmax"), "argmin": _where_extreme("argmin"),
    "cumsum": _cumsum,
    "maximum.accumulate": lambda self, x, axis=0: self.scanned("max", x, axis),
    "minimum.accumulate": lambda self, x, axis=0: self.scanned("min", x, axis),
    "matmul": Loops.matmul, "einsum": Loops.einsum,
    "concatenate": Loops.concatenate, "pad": Loops.pad, "argsort": Loops.argsort, "searchsorted": Loops.searchsorted,
    "astype": Loops.cast, "round": _round, "scatter": Loops.scatter,
}  # fmt: skip


def share_memory(loops: Loops, value: Value) -> None:
    """Let local arrays share the memory of others that are no longer read, by a nest or for the value that is returned.

    The owners of the memory come first.
    """
    last: dict[int, int] = {}
    first: dict[int, int] = {}
    for n, nest in enumerate(loops.nests):
        first.setdefault(id(nest.store.array), n)
        for array in [nest.store.array, *read_by(nest)]:
            last[id(array)] = n
    last |= {id(array): len(loops.nests) for array in arrays_in([value.at(())])}
    free: list[tuple[int, Array]] = []  # since which nest, and what
    pending = sorted((a for a in loops.locals if a.shape and id(a) in first), key=lambda a: first[id(a)])
    for array in pending:
        fits = [(n, other) for n, other in free
                if n < first[id(array)] and other.dtype == array.dtype and other.size >= array.size]  # fmt: skip
        if fits:
            found = min(fits, key=lambda pair: pair[1].size)
            free.remove(found)
            array.memory = found[1]
        free.append((last[id(array)], array.memory))
    loops.locals.sort(key=lambda array: array.memory is not array)
