"""Recorded operations as text: the template of each operation, with what it was applied to put in its place.

The text of a derivative is never written down anywhere: it is what its rule recorded, read off like this.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.tensor import Node, Op


def applied(op: Op, operands: list[ast.expr], params: Mapping[str, Any]) -> ast.expr:
    """The template of `op` with its operands and parameters put in; parameters at their default are left out."""
    defaults = op.defaults
    places: dict[str, Any] = {"xs": operands} if op.operands == ("*xs",) else dict(zip(op.operands, operands))
    settings = {**defaults, **params}
    left_out = {key for key, default in defaults.items() if same(settings[key], default)}
    template = parsed("x.T" if op.name == "transpose" and settings.get("axes", 0) is None else op.template)
    texts = {key: setting if isinstance(setting, ast.expr) else literal(setting) for key, setting in settings.items()}
    filled = _Fill(places, set()).visit(_Fold().visit(_Fill(texts, left_out).visit(template)))
    assert isinstance(filled, ast.expr)
    return filled


def same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and not isinstance(a, np.ndarray) and bool(a == b)


class _Fill(ast.NodeTransformer):
    """Puts expressions in the place of names, and leaves out keyword arguments that say nothing."""

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
    """2 * n with a number put in for n is a number."""

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
    """The expression of a constant: a number as Python writes it, other things by their repr."""
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
    return parsed(repr(value) if not isinstance(value, type) else f"np.{value.__name__}")


def array_literal(array: np.ndarray[Any, Any]) -> ast.expr:
    """The expression of an array that a line has room for; raises ValueError for a longer one."""
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
    """The expression on a line, with no more parentheses than it needs, and powers written close together.

    >>> text(parsed("(a * (b ** 2)) + (-x)"))
    'a * b**2 + -x'
    """
    return (
        re.sub(r"(?<![\w.)\]])([\w.]+) \*\* (-?[\w.]+)(?![\w.(\[])", r"\1**\2", ast.unparse(node))
        .replace("'", '"')
        .replace("e+", "e")
    )
