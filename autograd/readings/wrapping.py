"""Breaks long lines of a program, as formatters do."""

from __future__ import annotations

import ast

from autograd.readings.text import text

WIDTH = 88  # characters in a line


def split_bracket(start: str, items: list[str], end: str, indent: str = "", trailing: bool = False) -> str:
    """Write a bracket on one line if it fits, else broken as formatters do it."""
    line = f"{indent}{start}{', '.join(items)}{',' if trailing and len(items) == 1 else ''}{end}\n"
    if len(line) <= WIDTH + 1:
        return line
    inside = f"{indent}    {', '.join(items)}\n"
    if trailing or len(inside) > WIDTH + 1:
        inside = "".join(f"{indent}    {item},\n" for item in items)
    return f"{indent}{start}\n{inside}{indent}{end}\n"


def broken(line: str) -> str:
    """Break a line that is too long into several, as formatters do."""
    statement = ast.parse(line).body[0]
    if not isinstance(statement, ast.Assign):
        return f"    {line}\n"
    return "\n".join(_bracket(statement.value, f"    {text(statement.targets[0])} = ", "")) + "\n"


def _bracket(node: ast.expr, before: str, after: str) -> list[str]:
    """Write `before`, an expression and `after`: on one line if it fits, else on one for each part of its last
    bracket."""
    whole, indent = f"{before}{text(node)}{after}", before[: len(before) - len(before.lstrip())] + "    "
    parts: list[tuple[str, ast.expr]]
    if isinstance(node, ast.Call):
        start, end = f"{text(node.func)}(", ")"
        parts = [*(("", arg) for arg in node.args), *((f"{word.arg}=", word.value) for word in node.keywords)]
    elif isinstance(node, ast.List):
        start, end, parts = "[", "]", [("", item) for item in node.elts]
    elif isinstance(node, ast.Subscript):
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        start, end, parts = f"{text(node.value)}[", "]", [("", item) for item in inside]
    elif isinstance(node, ast.BinOp) and after == "," and len(whole) > WIDTH:
        left = text(node.left)
        rest = indent[4:] + text(node)[len(left) + 1 :] + after
        return [*_bracket(node.left, before, ""), rest]
    else:
        return [whole]
    if len(whole) <= WIDTH:
        return [whole]
    lines = [indent + ", ".join(word + text(part) for word, part in parts)]
    if len(lines[0]) > WIDTH:
        lines = [line for word, part in parts for line in _bracket(part, indent + word, ",")]
    return [before + start, *lines, indent[4:] + end + after]
