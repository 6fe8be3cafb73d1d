"""Reads expressions of NumPy as sums of products: an operation's own template, with the shapes that its values had."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from autograd.readings.algebra import (
    ONE,
    ZERO,
    Algebra,
    Shape,
    Sum,
    Term,
    alone,
    atom,
    column,
    is_row,
    number,
    product,
    scaled,
    shape_of,
    spread,
    transposed,
)
from autograd.readings.text import parsed, text
from autograd.registry import NAMED

COMPARISONS = {ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠"}
COMPARING = {"less": "<", "less_equal": "≤", "greater": ">", "greater_equal": "≥", "equal": "=", "not_equal": "≠"}
NAMES = {"maximum": "max", "minimum": "min", "absolute": "abs"}  # of two operands, or of one, element by element
# What the values of an expression may have been where they were recorded: enough to know every shape.
Values = Mapping[str, Any]


class Template:
    """Reads Python expressions as sums of products. `values` has the values of names, from which all shapes follow."""

    def __init__(self, algebra: Algebra, places: Mapping[str, Sum], values: Values, taken: Collection[str] = ()):
        self.algebra, self.places, self.values, self.taken = algebra, places, values, taken

    def shape(self, node: ast.expr) -> Shape:
        """Return the shape of the result of an expression."""
        return np.shape(self.value(node))

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name) and node.id in self.values:
            return self.values[node.id]
        with np.errstate(all="ignore"):
            return eval(ast.unparse(node), {"np": np, "scatter": NAMED["scatter"], **self.values})

    def exact(self, node: ast.expr) -> Sum:
        """Read an expression, in the shape that it has."""
        return spread(self.read(node), self.shape(node))

    def read(self, node: ast.expr) -> Sum:
        """Read an expression; names that have no place are symbols."""
        if isinstance(node, ast.Name):
            return self.places[node.id] if node.id in self.places else atom("symbol", node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return number(float(node.value))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return scaled(self.read(node.operand), Fraction(-1))
        if isinstance(node, ast.BinOp):
            found = self._binary(node)
            if found is not None:
                return found
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
            return self._indicator(COMPARISONS[type(node.ops[0])], node.left, node.comparators[0])
        if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
            x, shape = self.exact(node.value), self.shape(node)
            if len(shape) < 2:
                return x
            function = "transpose" if node.attr == "T" else "matrix_transpose"
            return transposed(x) if len(shape) == 2 else atom("call", function, x, shape=shape)
        if isinstance(node, ast.Subscript):
            return self._index(node)
        if isinstance(node, ast.Attribute) and text(node) in ("np.inf", "np.nan"):
            return number(float(self.value(node)))
        if isinstance(node, ast.Call):
            return self._call(node)
        return self._numpy(node)

    def _indicator(self, sign: str, left: ast.expr, right: ast.expr) -> Sum:
        a, b = self.read(left), self.read(right)
        return atom("indicator", sign, a, b, shape=np.broadcast_shapes(shape_of(a), shape_of(b)))

    def _binary(self, node: ast.BinOp) -> Sum | None:
        algebra = self.algebra
        if isinstance(node.op, ast.MatMult):
            return self._matmul(node)
        if isinstance(node.op, ast.BitAnd) and self._is_true_or_false(node.left, node.right):
            return algebra.multiply(self.read(node.left), self.read(node.right))
        if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow):
            return None
        a, b = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.Add):
            return algebra.add(a, b)
        if isinstance(node.op, ast.Sub):
            return algebra.add(a, scaled(b, Fraction(-1)))
        if isinstance(node.op, ast.Mult):
            return algebra.multiply(a, b)
        if isinstance(node.op, ast.Div):
            return algebra.multiply(a, algebra.power(b, -1)) if b else None
        exponent = _whole(b)
        if exponent is not None and abs(exponent) < 100:
            return algebra.power(a, exponent)
        return atom("call", "power", a, b, shape=np.broadcast_shapes(shape_of(a), shape_of(b)))

    def _is_true_or_false(self, *nodes: ast.expr) -> bool:
        return all(np.result_type(self.value(node)).kind == "b" for node in nodes)

    def _matmul(self, node: ast.BinOp) -> Sum:
        a, b = self.exact(node.left), self.exact(node.right)
        dims = (len(self.shape(node.left)), len(self.shape(node.right)))
        if max(dims) > 2:
            return atom("call", "matmul", a, b, shape=self.shape(node))
        if dims == (1, 1):
            return product(transposed(a), b)
        return product(transposed(b), a) if dims == (1, 2) else product(a, b)

    def _index(self, node: ast.Subscript) -> Sum:
        x, where = self.exact(node.value), ast.unparse(node.slice).strip()
        if where == "()":
            return x
        where = where[1:-1].rstrip(",") if where.startswith("(") and where.endswith(")") else where
        inner = alone(x)
        if inner is not None and inner.kind == "column" and where in ("..., 0", ":, 0", "Ellipsis, 0"):
            return scaled(inner.args[0], x[0].coefficient)
        if any(isinstance(part, ast.Name) for part in ast.walk(node.slice)):
            return self._numpy(node)
        if where.isdigit() and inner is not None and inner.kind == "symbol" and self.is_free(inner.name, where):
            return scaled(atom("element", where, self._alone(x), shape=self.shape(node)), x[0].coefficient)
        return atom("index", where, x, shape=self.shape(node))

    @staticmethod
    def _alone(x: Sum) -> Sum:
        return (Term(ONE, x[0].factors),)

    def is_free(self, name: str, index: str) -> bool:
        """Say whether x₀ can only be the element of x at 0, since no other value has that name."""
        return "_" not in name and f"{name}_{index}" not in self.taken

    def _call(self, node: ast.Call) -> Sum:
        function, operands = ast.unparse(node.func).removeprefix("np."), node.args
        if function in ("reshape", "ravel", "squeeze", "expand_dims") and operands:
            x = self.read(operands[0])
            shape = self.shape(node)
            alike = not shape_of(x) and all(n == 1 for n in shape)  # a number is an array of one element anyway
            return x if alike else self.reshaped(spread(x, self.shape(operands[0])), shape)
        if function == "broadcast_to":
            return self.read(operands[0])
        if function in ("transpose", "swapaxes", "moveaxis"):
            return self._permuted(node)
        if function in ("logaddexp.reduce", "add.reduce") or self._reduces(function, node):
            return self._reduction({"logaddexp.reduce": "logsumexp", "add.reduce": "sum"}.get(function, function), node)
        ufunc = getattr(np, function, None)
        broadcasts = isinstance(ufunc, np.ufunc) and ufunc.nout == 1 and ufunc.signature is None
        if (broadcasts or function in ("where", "clip")) and not node.keywords:
            return self._elementwise(function, operands)
        return self._numpy(node)

    def _permuted(self, node: ast.Call) -> Sum:
        """Permute the axes, whichever function says so."""
        shape = self.shape(node.args[0])
        probe = ast.Call(node.func, [ast.parse(f"np.empty({tuple(range(2, 2 + len(shape)))})", mode="eval").body,
                                     *node.args[1:]], node.keywords)  # fmt: skip
        order = tuple(n - 2 for n in self.shape(probe))
        x = self.exact(node.args[0])
        if order == tuple(range(len(shape))):
            return x
        by, rest = group_out(x)
        return transposed(x) if len(shape) == 2 else scaled(self._called(f"transpose({{0}}, {order})", rest, node), by)

    def _called(self, template: str, x: Sum, node: ast.expr) -> Sum:
        return atom("numpy", template, x, shape=self.shape(node))

    def _elementwise(self, function: str, operands: list[ast.expr]) -> Sum:
        if function in COMPARING:
            return self._indicator(COMPARING[function], *operands)
        args = [self.read(x) for x in operands]
        shape = np.broadcast_shapes(*map(shape_of, args))
        if function == "square":
            return self.algebra.power(args[0], 2)
        if function == "logaddexp":
            powers = [atom("call", "exp", x, shape=shape_of(x)) if x else number(1.0) for x in args]
            return atom("call", "log", self.algebra.add(*powers), shape=shape)
        return atom("call", NAMES.get(function, function), *args, shape=shape)

    @staticmethod
    def _reduces(function: str, node: ast.Call) -> bool:
        """Say whether a function has an `axis` and gives one element for all along it: sum, mean, max, …"""
        known = {"sum", "mean", "max", "min", "var", "std", "prod", "amax", "amin"}
        return function in known and len(node.args) == 1

    def _reduction(self, function: str, node: ast.Call) -> Sum:
        """Read a reduction. Over all axes it needs none of its parameters, and gives a number."""
        settings = {key.arg or "": self.value(key.value) for key in node.keywords}
        settings |= dict(zip(("axis",), [self.value(x) for x in node.args[1:2]]))
        x = node.args[0]
        return self.reduced(function, self.read(x), self.shape(x), self.shape(node), settings)

    def reduced(self, function: str, x: Sum, before: Shape, after: Shape, settings: dict[str, Any]) -> Sum:
        axis, keepdims = settings.get("axis"), bool(settings.get("keepdims"))
        ndim = len(before)
        along = range(ndim) if axis is None or not ndim else np.atleast_1d(axis)
        axes = sorted(int(i) % ndim for i in along)
        whole = len(axes) >= ndim
        settings = {key: value for key, value in settings.items() if value is not None and key != "keepdims"}
        settings = {key: value for key, value in settings.items() if not (key == "ddof" and not value)}
        if whole:
            settings.pop("axis", None)
        elif keepdims:
            settings["keepdims"] = True
        if function == "sum" and not settings.keys() - {"axis", "keepdims"}:
            return self._total(x, before, after, axes, keepdims)
        written = "".join(f", {key}={as_python(value)}" for key, value in settings.items())
        shape = () if whole else after
        x = spread(x, before)
        if not written:
            return atom("call", function, x, shape=shape)
        return atom("numpy", f"{function}({{0}}{written})", x, shape=shape)

    def _total(self, x: Sum, before: Shape, after: Shape, axes: list[int], keepdims: bool) -> Sum:
        """Sum over axes of an array of shape `before`. Along an axis that the expression does not have, or has with
        length one, it is the same number as often as there are elements."""
        if not x:
            return ZERO
        shape = shape_of(x)
        missing = len(before) - len(shape)
        repeated = [i for i in axes if i < missing or shape[i - missing] != before[i]]
        if repeated:
            x = scaled(x, Fraction(int(np.prod([before[i] for i in repeated]))))
        here = [i - missing for i in axes if i >= missing]
        if all(i in repeated for i in axes):
            return x if keepdims else self.reshaped(x, tuple([n for i, n in enumerate(shape) if i not in here]))
        if all(i in here or n == 1 for i, n in enumerate(shape)):
            inner = alone(x)
            if inner is not None and inner.kind == "column":
                x = scaled(inner.args[0], x[0].coefficient)
            return self.algebra.total(x, "", shape=after)
        if len(shape) == 2 and here == [0] and not keepdims:
            return self.algebra.total(x, "n", shape=shape[1:])
        if len(shape) == 2 and here == [1] and keepdims:
            return self.algebra.total(x, "k", shape=(shape[0], 1))
        kept = [(1,) if i in here else (n,) for i, n in enumerate(shape) if keepdims or i not in here]
        where = f"{here[0] if len(here) == 1 else tuple(here)}{', keepdims=True' if keepdims else ''}"
        by, rest = group_out(x)
        return scaled(atom("numpy", f"sum({{0}}, axis={where})", rest, shape=tuple([n for (n,) in kept])), by)

    def reshaped(self, x: Sum, shape: Shape) -> Sum:
        """Reshape an array: into a row, a column or a vector, if it becomes one of them."""
        before = shape_of(x)
        if before == shape:
            return x
        if len(before) == 1 and shape == (1, *before):
            return transposed(x)
        if len(before) == 1 and shape == (*before, 1):
            return column(x)
        inner = alone(x)
        if inner is not None and inner.kind == "column" and shape == shape_of(inner.args[0]):
            return scaled(inner.args[0], x[0].coefficient)
        if inner is not None and inner.kind == "transpose" and shape == shape_of(inner.args[0]) and is_row(x):
            return scaled(inner.args[0], x[0].coefficient)
        if inner is not None and inner.kind == "ones":
            return scaled(atom("ones", "", shape=shape), x[0].coefficient)
        by, rest = group_out(x)
        return scaled(atom("numpy", f"reshape({{0}}, {shape})", rest, shape=shape), by)

    def _numpy(self, node: ast.expr) -> Sum:
        """Write what has no notation of its own as the expression of NumPy that it is."""
        args: list[Sum] = []
        template = text(_Holes(self, args).visit(_copied(node)))
        written = template.replace("{", "{{").replace("}", "}}").replace("np.", "")
        for i in range(len(args)):
            written = written.replace(f"hole_{i}_", f"{{{i}}}")
        return atom("numpy", written, *args, shape=self.shape(node))


class _Holes(ast.NodeTransformer):
    """Takes the values out of an expression, and leaves the names hole_0_, hole_1_, … in their places."""

    def __init__(self, template: Template, args: list[Sum]):
        self.template, self.args = template, args

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        if isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 1:  # x[i,] is x[i]
            node.slice = node.slice.elts[0]
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id not in self.template.places:
            return node
        self.args.append(self.template.exact(node))
        return ast.Name(f"hole_{len(self.args) - 1}_", ast.Load())


def group_out(x: Sum) -> tuple[Any, Sum]:
    """Return the number in front of an expression, and the rest."""
    if len(x) == 1:
        return x[0].coefficient, (Term(ONE, x[0].factors),)
    return ONE, x


def _copied(node: ast.expr) -> ast.expr:
    return parsed(ast.unparse(node))


def _whole(x: Sum) -> int | None:
    """Return the whole number that an expression is."""
    if not x:
        return 0
    if len(x) == 1 and not x[0].factors and x[0].coefficient == int(x[0].coefficient):
        return int(x[0].coefficient)
    return None


def as_python(value: Any) -> Any:
    """Write a setting as Python does: plain numbers, and tuples of them."""
    if isinstance(value, list | tuple):
        return tuple(map(as_python, value))
    return value.item() if isinstance(value, np.generic) else value
