"""Reads formulas as sums of products: what each operation computes, or its name if that says more."""

from __future__ import annotations

import ast
from fractions import Fraction
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from autograd.operation import Op
from autograd.readings.algebra import (
    ONE,
    Algebra,
    Sum,
    Term,
    alone,
    atom,
    number,
    scaled,
    shape_of,
    spread,
    symbols_in,
)
from autograd.readings.formula import Formula, fact, own_name
from autograd.readings.templates import Template, as_python
from autograd.readings.text import applied, literal, parsed, same
from autograd.registry import NAMED


class Reader:
    """Reads formulas as sums of products. What has a line of its own is a symbol, by the formula's id in `symbols`.

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
        """Read what a formula is computed by, even if it has a name."""
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
        """Read a parameter: arrays by the names that they get, other things as they are."""
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
        """Write a function by its name rather than by what it computes."""
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
        written = "".join(f", {key}={as_python(value)}" for key, value in settings.items())
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
        """Replace a sum of constants by its value, if all of them are the same; a note says so."""
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


def _written(value: Any) -> str:
    if isinstance(value, slice):
        return f"s_[{'' if value.start is None else value.start}:{'' if value.stop is None else value.stop}]"
    return repr(as_python(value)).replace("'", '"')


@cache
def _template(op: Op, n: int) -> ast.expr:
    """Return the template of an operation without parameters, in operand0, operand1, …"""
    return applied(op, [parsed(f"operand{i}") for i in range(n)], {})
