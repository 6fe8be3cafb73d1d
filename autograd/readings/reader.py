"""Formulas as sums of products: each operation's own template, read with the shapes that its values had."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from fractions import Fraction
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from autograd.operation import Op
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
    symbols_in,
    transposed,
)
from autograd.readings.formula import Formula, fact, own_name
from autograd.readings.text import applied, literal, parsed, same, text
from autograd.registry import NAMED

COMPARISONS = {ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠"}
COMPARING = {"less": "<", "less_equal": "≤", "greater": ">", "greater_equal": "≥", "equal": "=", "not_equal": "≠"}
NAMES = {"maximum": "max", "minimum": "min", "absolute": "abs"}  # of two operands, or of one, element by element
# What the values of an expression may have been where they were recorded: enough to know every shape.
Values = Mapping[str, Any]


class Template:
    """Reads Python expressions as sums of products. `values` has the values of names, which say all the shapes."""

    def __init__(self, algebra: Algebra, places: Mapping[str, Sum], values: Values, taken: Collection[str] = ()):
        self.algebra, self.places, self.values, self.taken = algebra, places, values, taken

    def shape(self, node: ast.expr) -> Shape:
        """The shape of what an expression gives."""
        return np.shape(self.value(node))

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name) and node.id in self.values:
            return self.values[node.id]
        with np.errstate(all="ignore"):
            return eval(ast.unparse(node), {"np": np, "scatter": NAMED["scatter"], **self.values})

    def exact(self, node: ast.expr) -> Sum:
        """An expression, in the shape that it has."""
        return spread(self.read(node), self.shape(node))

    def read(self, node: ast.expr) -> Sum:
        """An expression; names that have no place are symbols."""
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
        """Whether x₀ can only be the element of x at 0: no other value is called so."""
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
        """The axes in another order, whichever function says so."""
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
        """Whether a function has an `axis` and gives one element for all along it: sum, mean, max, …"""
        known = {"sum", "mean", "max", "min", "var", "std", "prod", "amax", "amin"}
        return function in known and len(node.args) == 1

    def _reduction(self, function: str, node: ast.Call) -> Sum:
        """A reduction; over all axes it needs none of its parameters, and gives a number."""
        settings = {key.arg or "": self.value(key.value) for key in node.keywords}
        settings |= dict(zip(("axis",), [self.value(x) for x in node.args[1:2]]))
        x = node.args[0]
        return self.reduced(function, self.read(x), self.shape(x), self.shape(node), settings)

    def reduced(self, function: str, x: Sum, before: Shape, after: Shape, settings: dict[str, Any]) -> Sum:
        axis, keepdims = settings.get("axis"), bool(settings.get("keepdims"))
        ndim = len(before)
        axes = sorted(int(i) % max(1, ndim) for i in np.atleast_1d(axis)) if axis is not None else list(range(ndim))
        whole = len(axes) >= ndim
        settings = {key: value for key, value in settings.items() if value is not None and key != "keepdims"}
        settings = {key: value for key, value in settings.items() if not (key == "ddof" and not value)}
        if whole:
            settings.pop("axis", None)
        elif keepdims:
            settings["keepdims"] = True
        if function == "sum" and not settings.keys() - {"axis", "keepdims"}:
            return self._total(x, before, after, axes, keepdims)
        written = "".join(f", {key}={_plain(value)}" for key, value in settings.items())
        shape = () if whole else after
        x = spread(x, before)
        if not written:
            return atom("call", function, x, shape=shape)
        return atom("numpy", f"{function}({{0}}{written})", x, shape=shape)

    def _total(self, x: Sum, before: Shape, after: Shape, axes: list[int], keepdims: bool) -> Sum:
        """A sum over axes of an array of shape `before`. Along those that the expression has not, or has of length one,
        it is the same number as often as there are elements."""
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
        """An array in another shape: as a row, a column or a vector, where it comes to one of them."""
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
        """What has no notation of its own, as the expression of NumPy that it is."""
        args: list[Sum] = []
        template = text(_Holes(self, args).visit(_copied(node)))
        written = template.replace("{", "{{").replace("}", "}}").replace("np.", "")
        for i in range(len(args)):
            written = written.replace(f"hole_{i}_", f"{{{i}}}")
        return atom("numpy", written, *args, shape=self.shape(node))


class _Holes(ast.NodeTransformer):
    """Takes the parts of an expression that are values out of it, and leaves names hole_0_, hole_1_, … there."""

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
    """The number in front of an expression, and the rest."""
    if len(x) == 1:
        return x[0].coefficient, (Term(ONE, x[0].factors),)
    return ONE, x


def _copied(node: ast.expr) -> ast.expr:
    return parsed(ast.unparse(node))


def _whole(x: Sum) -> int | None:
    """The whole number that an expression is."""
    if not x:
        return 0
    if len(x) == 1 and not x[0].factors and x[0].coefficient == int(x[0].coefficient):
        return int(x[0].coefficient)
    return None


def _plain(value: Any) -> Any:
    """A setting as Python writes it: plain numbers, and tuples of them."""
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value


class Reader:
    """Formulas as sums of products. What has a line of its own is a symbol, by the formula's id in `symbols`.

    With `cancel`, terms cancel, and sums of constants, named in `constants`, are their values; `notes` says which.
    `arrays` has the names of arrays that have none of their own, by the formula's id, and `held` the arrays by name.
    """

    def __init__(
        self, symbols: dict[int, Sum], constants: set[str], cancel: bool, arrays: dict[Any, str], held: dict[str, Any],
        taken: set[str],
    ):  # fmt: skip
        self.algebra, self.arrays, self.held, self.taken = Algebra(cancel), arrays, held, taken
        self.symbols, self.constants = symbols, constants
        self.notes: dict[Sum, Sum] = {}
        self._known: dict[int, Sum] = {}

    def __call__(self, formula: Formula) -> Sum:
        if id(formula) in self.symbols:
            return self.symbols[id(formula)]
        if id(formula) not in self._known:
            self._known[id(formula)] = self.right_side(formula)
        return self._known[id(formula)]

    def keep(self, formula: Formula, right: Sum) -> None:
        """Remember what was read."""
        self._known[id(formula)] = right

    def right_side(self, formula: Formula) -> Sum:
        """What a formula is computed by, also where it has a name."""
        op, args = formula.op, formula.args
        if op is None:
            return self._constant(formula)
        names = [f"operand{i}" for i in range(len(args))]
        places = dict(zip(names, map(self, args), strict=True))
        values = dict(zip(names, [arg.value for arg in args], strict=True))
        template = Template(self.algebra, places, values, self.taken)
        shape = np.shape(formula.value)
        if fact(op, "by_name"):
            return self._by_name(template, formula, names)
        if own_name(op) == "sum":
            before = np.shape(args[0].value)
            return self._noted(formula, template.reduced("sum", places[names[0]], before, shape, formula.params))
        if own_name(op) == "astype" or own_name(op) == "broadcast_to":
            return places[names[0]]
        template.places, template.values = places, values
        try:
            params = {key: self._setting(param, values, places) for key, param in formula.params.items()}
            if own_name(op) == "scatter" and "index" in params:
                where = params["index"] if isinstance(params["index"], ast.expr) else literal(params["index"])
                params["index"] = ast.Subscript(parsed("np.s_"), where, ast.Load())
            node = _template(op, len(names)) if not params else applied(op, [parsed(name) for name in names], params)
            if not own_name(op) and not np.allclose(template.value(node), formula.value, equal_nan=True):
                return self._opaque(template, formula, names)  # its template says something else
            return template.read(node)
        except (NameError, TypeError, ValueError, AttributeError, SyntaxError):  # what cannot be written down
            return self._opaque(template, formula, names)

    def _setting(self, value: Any, values: dict[str, Any], places: dict[str, Sum]) -> Any:
        """A parameter: arrays by the names that they get, other things as they are."""
        if isinstance(value, np.ndarray) and value.ndim and value.size > 4:
            key = (value.shape, value.dtype.str, value.tobytes())
            name = self._name_array(key, value)
            values[name], places[name] = value, atom("symbol", name, shape=value.shape)
            return parsed(name)
        if isinstance(value, np.ndarray):
            return value.tolist()
        if isinstance(value, tuple) and any(isinstance(part, np.ndarray) for part in value):
            parts = [self._setting(part, values, places) for part in value]
            return ast.Tuple([part if isinstance(part, ast.expr) else literal(part) for part in parts], ast.Load())
        return value

    def _name_array(self, key: Any, value: Any) -> str:
        if key not in self.arrays:
            n = next(n for n in count(1) if f"c_{n}" not in self.taken and f"c_{n}" not in self.held)
            self.arrays[key] = f"c_{n}"
            self.held[f"c_{n}"] = value
        return self.arrays[key]

    def _by_name(self, template: Template, formula: Formula, names: list[str]) -> Sum:
        """A function that is written by its name rather than by what it computes."""
        op, args = formula.op, formula.args
        assert op is not None
        before, after = np.shape(args[0].value), np.shape(formula.value)
        x = template.places[names[0]]
        if fact(op, "elementwise"):
            return atom("call", op.name, x, shape=shape_of(x))
        if before and "keepdims" in op.params:
            return template.reduced(op.name, x, before, after, {**op.defaults, **formula.params})
        settings = {key: value for key, value in formula.params.items() if not same(value, op.defaults.get(key))}
        axis = settings.get("axis")
        if axis is not None and [int(i) % max(1, len(before)) for i in np.atleast_1d(axis)] == [len(before) - 1]:
            del settings["axis"]
        x = spread(x, before)
        if not settings:
            return atom("call", op.name, x, shape=after)
        written = "".join(f", {key}={_plain(value)}" for key, value in settings.items())
        return atom("numpy", f"{op.name}({{0}}{written})", x, shape=after)

    def _opaque(self, template: Template, formula: Formula, names: list[str]) -> Sum:
        op = formula.op
        assert op is not None
        holes = [f"{{{i}}}" for i in range(len(names))]
        settings = [f"{key}={_written(param)}" for key, param in formula.params.items()]
        args = [spread(template.places[name], np.shape(template.values[name])) for name in names]
        name = f"{op.name}_" if op.name in NAMED and not own_name(op) else op.name  # not to be taken for ours
        written = f"{name}({', '.join([*holes, *settings])})"
        return atom("numpy", written, *args, shape=np.shape(formula.value))

    def _constant(self, formula: Formula) -> Sum:
        value = formula.value
        if np.ndim(value) == 0:
            return number(float(value))
        flat = np.ravel(value)
        if flat.size and np.all(flat == flat[0]):
            return number(float(flat[0]))
        if np.ndim(value) == 2 and np.array_equal(value, np.eye(*value.shape)):
            return atom("eye", "", shape=value.shape)
        return atom("symbol", self._name_array(id(formula), value), shape=value.shape)

    def _noted(self, formula: Formula, total: Sum) -> Sum:
        """A sum of constants is its value, where all of them are the same; the note says so."""
        value = np.ravel(formula.value)
        if not (self.algebra.cancel and value.size and total and symbols_in(total) and alone(total)):
            return total
        if not symbols_in(total) <= self.constants or alone(total).kind != "total":  # type: ignore[union-attr]
            return total
        if value.dtype.kind != "f":
            return total
        size = np.max(np.sum(np.abs(formula.args[0].value), axis=formula.params.get("axis")))
        rounding = 4 * np.finfo(value.dtype).eps * float(size)
        if np.ptp(value) > rounding:
            return total
        mean = float(value[0])
        simple = Fraction(mean).limit_denominator(1000) if np.isfinite(mean) else None
        if simple is not None and abs(float(simple) - mean) <= rounding and abs(mean) > rounding:
            mean = float(simple)
        ones = (Term(ONE, total[0].factors),)
        self.notes[ones] = scaled(number(mean), 1 / Fraction(total[0].coefficient))
        return number(mean)


@cache
def _template(op: Op, n: int) -> ast.expr:
    """The template of an operation without parameters, in operand0, operand1, …"""
    return applied(op, [parsed(f"operand{i}") for i in range(n)], {})


def _written(value: Any) -> str:
    if isinstance(value, slice):
        return f"s_[{'' if value.start is None else value.start}:{'' if value.stop is None else value.stop}]"
    return repr(_plain(value)).replace("'", '"')
