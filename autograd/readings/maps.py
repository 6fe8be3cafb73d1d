"""Functions of single elements as loops: by the name that a printer has for them, or made of others."""

from __future__ import annotations

import ast
import math
from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np

from autograd.readings.elements import ZERO, Expr, Index, LoweringError, Value, cast, number_expr
from autograd.readings.moves import DEEP, Moves
from autograd.readings.text import parsed

# What NumPy's functions are in terms of others, for a printer that has no name for them.
EXPANSIONS = {
    "square": "x * x",
    "positive": "x",
    "reciprocal": "1 / x",
    "sign": "np.where(x > 0, 1, np.where(x < 0, -1, x))",
    "heaviside": "np.where(x > 0, 1, np.where(x < 0, 0, np.where(x == 0, h, x)))",
    "deg2rad": "x * (np.pi / 180)",
    "radians": "x * (np.pi / 180)",
    "rad2deg": "x * (180 / np.pi)",
    "degrees": "x * (180 / np.pi)",
    "sinc": "np.where(x == 0, 1, np.sin(np.pi * x) / (np.pi * np.where(x == 0, 1, x)))",
    "maximum": "np.where((a > b) | (a != a), a, b)",
    "minimum": "np.where((a < b) | (a != a), a, b)",
    "fmax": "np.where((a >= b) | (b != b), a, b)",
    "fmin": "np.where((a <= b) | (b != b), a, b)",
    "clip": "np.minimum(np.maximum(x, low), high)",
    "logaddexp": "np.where(a == b, a + np.log(2), np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b))))",
    "logaddexp2": "np.where(a == b, a + 1, np.maximum(a, b) + np.log1p(np.exp2(-np.abs(a - b))) / np.log(2))",
    "remainder": "np.where((np.fmod(a, b) != 0) & ((np.fmod(a, b) < 0) != (b < 0)), np.fmod(a, b) + b, np.fmod(a, b))",
    "floor_divide": "np.where(b == 0, a / b, np.rint((a - np.fmod(a, b)) / b)"
                    " - ((np.fmod(a, b) != 0) & ((np.fmod(a, b) < 0) != (b < 0))))",
    "isnan": "x != x",
    "isinf": "np.abs(x) == np.inf",
    "isfinite": "x - x == 0",
    "signbit": "(x < 0) | (1 / x < 0)",
    "copysign": "np.where(np.signbit(a) == np.signbit(b), a, -a)",
    "rint": "np.where((x + 0.5 == np.floor(x + 0.5)) & (np.fmod(np.floor(x + 0.5), 2) != 0),"
            " np.floor(x + 0.5) - 1, np.floor(x + 0.5))",
    "round": "np.rint(x * 10.0**decimals) / 10.0**decimals",
    "ldexp": "a * np.exp2(b)",
    "exp2": "2 ** x",
    "logical_and": "(a != 0) & (b != 0)",
    "logical_or": "(a != 0) | (b != 0)",
    "logical_xor": "(a != 0) != (b != 0)",
    "logical_not": "x == 0",
}  # fmt: skip
# And of whole numbers, which a division by 0 leaves as 0.
OF_WHOLE = {
    "floor": "x",
    "ceil": "x",
    "trunc": "x",
    "rint": "x",
    "absolute": "np.where(x < 0, -x, x)",
    "floor_divide": "np.where(b == 0, 0, (a - a % b) / np.where(b == 0, 1, b))",
    "remainder": "np.where(b == 0, 0, np.where((np.fmod(a, b) != 0) & ((np.fmod(a, b) < 0) != (b < 0)),"
                 " np.fmod(a, b) + b, np.fmod(a, b)))",
}  # fmt: skip
OF_UNSIGNED = OF_WHOLE | {"absolute": "x", "remainder": "np.where(b == 0, 0, np.fmod(a, b))"}
_NAMES = {"heaviside": ("x", "h"), "clip": ("x", "low", "high"), "round": ("x", "decimals")}
TRUTH = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "isnan", "isinf", "isfinite",
         "signbit", "logical_and", "logical_or", "logical_xor", "logical_not"}  # fmt: skip
ARITHMETIC = {"add", "subtract", "multiply", "divide", "power", "negative", "where", "bitwise_and", "bitwise_or",
              "bitwise_xor", "invert", "floor_divide", "remainder", "maximum", "minimum", "absolute", "square", "sign",
              "fmax", "fmin", "clip", "floor", "ceil", "trunc", "rint", "round", "positive"} | TRUTH  # fmt: skip
ALIASES = {"abs": "absolute", "fabs": "absolute", "mod": "remainder", "true_divide": "divide", "fix": "trunc",
           "conjugate": "positive", "max": "amax", "min": "amin"}  # fmt: skip


class Maps(Moves):
    """Adds functions of single elements, whose operands are broadcast against each other."""

    def __init__(self, functions: Collection[str], taken: set[str]):
        super().__init__(functions, taken)
        self._mapped: dict[Any, Any] = {}

    def read(self, node: ast.expr, names: dict[str, Any]) -> Any:
        """Apply an expression of NumPy to values, such as an expansion; `loops` says how it is read."""
        raise NotImplementedError

    def map(self, name: str, *operands: Any) -> Any:
        """Apply a function to each element, with the operands broadcast against each other."""
        name = ALIASES.get(name, name)
        if not any(isinstance(x, Value) for x in operands):
            return getattr(np, name)(*operands)
        key = (name, *[id(x) if isinstance(x, Value | np.ndarray) else repr(x) for x in operands])
        if key not in self._mapped:  # the same function of the same is the same
            self._mapped[key] = (self._map(name, *operands), operands)
        return self._mapped[key][0]

    def _map(self, name: str, *operands: Any) -> Any:
        shape = np.broadcast_shapes(*[np.shape(x) if not isinstance(x, Value) else x.shape for x in operands])
        types = [x.dtype if isinstance(x, (Value, np.ndarray)) else x for x in operands]
        common = np.result_type(*(types[1:] if name == "where" else types))
        if name not in ARITHMETIC and common.kind in "biu":
            common = np.dtype(float)
        if name in TRUTH and common.kind in "iu" and any(_is_beyond(x, common) or _is_logical(x) for x in operands):
            common = np.dtype(float)
        if name not in self.functions and common.kind == "f":
            operands = tuple([self.cast(x, common) if _is_whole(x) else x for x in operands])
        if name in OF_WHOLE and common.kind in "biu":
            text = (OF_WHOLE if common.kind == "i" else OF_UNSIGNED)[name]
            return self.read(template(text), dict(zip(("a", "b") if len(operands) == 2 else ("x",), operands)))
        if name == "isnan" and common.kind in "biu":
            return Value(shape, bool, lambda index: number_expr(0, bool), True)
        if name == "divide" and common.kind in "biu":
            common = np.dtype(float)
        if name in ("maximum", "minimum") and name not in self.functions and _is_clear(operands[1]):
            a, b = operands
            return self.map("where", self.map("less_equal" if name == "maximum" else "greater_equal", a, b), b, a)
        exponent = operands[1] if name == "power" else None
        known = name == "power" and not isinstance(exponent, Value) and np.ndim(exponent) == 0  # type: ignore[arg-type]
        if known and exponent in (-1, 0, 1, 2, 3):
            return self._power(self.value(operands[0]), int(exponent), common)
        if name not in self.functions:
            if name not in EXPANSIONS:
                raise LoweringError(f"{name} cannot be written as loops")
            names = _NAMES.get(name, ("a", "b") if len(operands) == 2 else ("x",))
            return self.read(template(EXPANSIONS[name]), dict(zip(names, operands, strict=True)))
        values = []
        for x in operands:
            x = self.value(x)
            values.append(self.stored(x) if x.size < math.prod(shape) or x.depth > DEEP else x)
        types = [common] * len(values)
        if name == "where":
            types[0] = np.dtype(bool)
        result = np.dtype(bool) if name in TRUTH else common

        def at(index: tuple[Index, ...]) -> Expr:
            args = [
                cast(x.at(tuple(i if n != 1 else ZERO for i, n in zip(index[len(index) - x.ndim :], x.shape))), kind)
                for x, kind in zip(values, types)
            ]
            return Expr(name, tuple(args), result)

        return Value(shape, result, at, depth=1 + max(x.depth for x in values))

    def _power(self, x: Value, n: int, dtype: Any) -> Any:
        x = self.cast(x, dtype)
        if n in (2, 3):
            product = self.map("multiply", x, x)
            return product if n == 2 else self.map("multiply", product, x)
        if n == 1:
            return x
        return self.map("divide", 1, x) if n else self.constant(np.ones(x.shape, dtype))


def _is_clear(x: Any) -> bool:
    """Say whether this is a number, and not nan."""
    return not isinstance(x, Value) and np.ndim(x) == 0 and bool(x == x)


def _is_whole(x: Any) -> bool:
    return isinstance(x, Value) and x.dtype.kind in "biu"


def _is_logical(x: Any) -> bool:
    return isinstance(x, Value) and x.dtype.kind == "b"


def _is_beyond(x: Any, dtype: np.dtype[Any]) -> bool:
    """Say whether this is a whole number of Python's that the dtype does not have."""
    return isinstance(x, int) and not np.iinfo(dtype).min <= x <= np.iinfo(dtype).max


template = cache(parsed)  # the same few texts, over and over
