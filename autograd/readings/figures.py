"""Expressions in numbers, as LaTeX."""

from __future__ import annotations

import ast

from autograd.readings.notation import LATEX

SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "\\cdot", ast.Gt: ">", ast.GtE: "\\ge", ast.Lt: "<", ast.LtE: "\\le",
         ast.Eq: "=", ast.NotEq: "\\ne", ast.BitAnd: "\\wedge", ast.BitOr: "\\vee"}  # fmt: skip


def latex_of(node: ast.expr) -> str:
    """Write an expression in numbers as LaTeX.

    >>> from autograd.readings.text import parsed
    >>> print(latex_of(parsed("2 * -0.5 * (1 - 3.5e-05) ** 2 / np.exp(3)")))
    \\frac{2 \\cdot (-0.5) \\cdot (1 - 3.5 \\cdot 10^{-5})^{2}}{\\exp\\left(3\\right)}
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        digits, _, exponent = str(node.value).partition("e")
        return f"{digits} \\cdot 10^{{{int(exponent)}}}" if exponent else digits
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return f"-{_factor(node.operand)}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return f"\\frac{{{latex_of(node.left)}}}{{{latex_of(node.right)}}}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        simple = isinstance(node.left, ast.Constant) and "e" not in str(node.left.value)
        base = latex_of(node.left)
        return f"{base if simple else f'({base})'}^{{{latex_of(node.right)}}}"
    if isinstance(node, ast.BinOp) and type(node.op) in SIGNS:
        is_sum = isinstance(node.op, ast.Add | ast.Sub)
        first = is_sum or _is_product(node.left) or isinstance(node.left, ast.UnaryOp)  # needs no parentheses
        compared = isinstance(node.left, ast.Compare)
        left = latex_of(node.left) if first and not compared else _factor(node.left)
        right = latex_of(node.right) if is_sum and _is_product(node.right) else _factor(node.right)
        return f"{left} {SIGNS[type(node.op)]} {right}"
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SIGNS:
        return f"{latex_of(node.left)} {SIGNS[type(node.ops[0])]} {latex_of(node.comparators[0])}"
    if isinstance(node, ast.Call):
        return LATEX.call(ast.unparse(node.func).removeprefix("np."), [latex_of(arg) for arg in node.args])
    return f"\\text{{{ast.unparse(node)}}}"


def _is_product(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def _factor(node: ast.expr) -> str:
    """Write it as a factor of a product: in parentheses where it would be misread without."""
    bare = isinstance(node, ast.Call | ast.Constant) or (isinstance(node, ast.BinOp)
                                                         and isinstance(node.op, ast.Pow | ast.Div))  # fmt: skip
    return latex_of(node) if bare else f"({latex_of(node)})"
