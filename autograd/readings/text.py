"""Writes recorded operations as text: the template of each operation, with its operands put in.

The text of a derivative is never written down anywhere: it is read off what its rule recorded.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd.operation import Op
from autograd.readings.formula import Formula, fact, own_name
from autograd.tensor import Node


def applied(op: Op, operands: list[ast.expr], params: Mapping[str, Any]) -> ast.expr:
    """Put operands and parameters into the template of `op`; leave out parameters at their default."""
    defaults = op.defaults
    places: dict[str, Any] = {"xs": operands} if op.operands == ("*xs",) else dict(zip(op.operands, operands))
    settings = {**defaults, **params}
    left_out = {key for key, default in defaults.items() if same(settings[key], default)}
    template = parsed("x.T" if op.name == "transpose" and settings.get("axes", 0) is None else op.template)
    texts = {key: setting if isinstance(setting, ast.expr) else literal(setting) for key, setting in settings.items()}
    filled = _Fill(places, set()).visit(_Fold().visit(_Fill(texts, left_out).visit(template)))
    assert isinstance(filled, ast.expr)
    return filled


def numbers(formula: Formula) -> dict[int, ast.expr]:
    """Write the numbers among the operands of a formula, by position: as short as the dtype of the result allows; what
    is compared stays as it is. np.float64(2.0) is 2 in arithmetic with an array of float64."""
    op, args = formula.op, formula.args
    assert op is not None
    places = [i for i, arg in enumerate(args) if arg.is_number]
    met = range(own_name(op) == "where", len(args))  # a mask says nothing of the dtype
    if not places:
        return {}
    chosen = [arg.value for arg in args]
    dtype = np.result_type(*[chosen[i] for i in met]) if met else None
    called = op.template.startswith("np.")  # what NumPy is called with becomes NumPy's, also where all are Python's

    def is_right() -> bool:
        same = np.result_type(*[chosen[i] for i in met]) == dtype
        of_numpy = called or any(isinstance(chosen[i], np.ndarray | np.generic) for i in met)
        return same and (of_numpy or not isinstance(formula.value, np.ndarray | np.generic))

    spellings = {i: _spellings(args[i].value, is_elementwise(op)) for i in places}
    for i in places:
        chosen[i] = next(spellings[i])
    for i in sorted(places, key=lambda i: not isinstance(args[i].value, np.generic)):  # those have a dtype to keep
        while i in met and not is_right() and (longer := next(spellings[i], None)) is not None:
            chosen[i] = longer
    return {i: number_ast(chosen[i]) for i in places}


def is_elementwise(op: Op) -> bool:
    """Say whether an operation acts element by element, and promotes dtypes as arithmetic does."""
    function = op.facts.get("stands_for")
    return bool(fact(op, "elementwise") or fact(op, "arithmetic")) or (
        isinstance(function, np.ufunc) and function.signature is None
    )


def _spellings(found: Any, short: bool) -> Iterator[Any]:
    """Yield the same number in types of Python, as long as they are exact, and last as it is."""
    value: Any = found[()] if isinstance(found, np.ndarray) else found
    if isinstance(value, float | np.floating):
        if short and float(value).is_integer() and abs(float(value)) < 1e6 and str(value) != "-0.0":
            yield int(value)
        if float(value) == value or value != value:
            yield float(value)
    elif isinstance(value, np.bool):
        yield bool(value)
    elif isinstance(value, np.integer):
        yield int(value)
    yield value


def number_ast(value: Any) -> ast.expr:
    """Write a number so that it keeps its type."""
    value = value[()] if isinstance(value, np.ndarray) else value
    if isinstance(value, np.generic):
        plain = str(value) if value.dtype.itemsize > 8 else value.item()
        return ast.Call(parsed(f"np.{value.dtype.name}"), [number_ast(plain)], [])
    if isinstance(value, float) and not np.isfinite(value):
        return parsed("np.nan" if np.isnan(value) else "np.inf" if value > 0 else "-np.inf")
    return parsed(repr(value))


def same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and not isinstance(a, np.ndarray) and bool(a == b)


class _Fill(ast.NodeTransformer):
    """Puts expressions in the place of names, and leaves out keyword arguments that change nothing."""

    def __init__(self, places: dict[str, Any], left_out: set[str]):
        self.places, self.left_out = places, left_out

    def visit_Name(self, node: ast.Name) -> Any:
        return self.places.get(node.id, node)

    def visit_Starred(self, node: ast.Starred) -> Any:
        operands = self.places.get(node.value.id) if isinstance(node.value, ast.Name) else None
        return operands if operands is not None else node

    def visit_Call(self, node: ast.Call) -> Any:
        node.keywords = [
            keyword
            for keyword in node.keywords
            if not (isinstance(keyword.value, ast.Name) and keyword.value.id in self.left_out)
        ]
        return self.generic_visit(node)


class _Fold(ast.NodeTransformer):
    """Multiplies 2 * n out when n is a number."""

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        if (
            isinstance(node.left, ast.Constant)
            and isinstance(node.right, ast.Constant)
            and isinstance(node.op, ast.Mult)
        ):
            return ast.Constant(node.left.value * node.right.value)  # type: ignore[operator]
        return node


def parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def literal(value: Any) -> ast.expr:
    """Write a constant: a number as Python does, other things by their repr."""
    if isinstance(value, Node):
        value = value._value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return parsed(f"np.{value}" if value > 0 or np.isnan(value) else "-np.inf")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e6 and str(value) != "-0.0":
        value = int(value)
    if isinstance(value, np.dtype):
        return parsed(f"np.{value.name}")
    if isinstance(value, range):
        value = list(value)
    if isinstance(value, np.ndarray):
        return array_literal(value)
    if isinstance(value, slice):
        return ast.Slice(*[None if part is None else literal(part) for part in (value.start, value.stop, value.step)])
    if isinstance(value, tuple):
        return ast.Tuple([literal(part) for part in value], ast.Load())
    if value is Ellipsis:
        return ast.Constant(value)
    if isinstance(value, type):
        return parsed(f"np.{value.__name__}" if issubclass(value, np.generic) else value.__name__)
    return parsed(repr(value))


def array_literal(array: np.ndarray[Any, Any]) -> ast.expr:
    """Write an array that a line has room for. Raises ValueError for a longer one."""
    nested = parsed(repr(array.tolist()))
    if len(ast.unparse(nested)) <= 56:
        return nested
    flat = array.reshape(-1).astype(int if array.dtype == bool else array.dtype).tolist()
    reshaped = f"np.reshape({flat}, {array.shape}){' > 0' if array.dtype == bool else ''}"
    if len(reshaped) > 64:
        raise ValueError(
            f"an array of shape {array.shape} that is not an argument is too long to be written into a program; make it"
            " an argument, so that the program can take it as a parameter"
        )
    return parsed(reshaped)


def text(node: ast.expr) -> str:
    """Write the expression on one line, with no more parentheses than it needs, and powers written close together.

    >>> text(parsed("(a * (b ** 2)) + (-x)"))
    'a * b**2 + -x'
    """
    return (
        re.sub(r"(?<![\w.)\]])([\w.]+) \*\* (-?[\w.]+)(?![\w.(\[])", r"\1**\2", ast.unparse(node))
        .replace("'", '"')
        .replace("e+", "e")
    )
