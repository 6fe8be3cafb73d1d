"""The lines of a program: what gets its own line, under what name, and which arrays are written out."""

from __future__ import annotations

import ast
import re
from typing import Any, TypeVar

import numpy as np

from autograd.ops.indexing import is_basic
from autograd.readings.formula import Formula, fact
from autograd.readings.names import unique_name
from autograd.readings.text import applied, literal, number_ast, numbers, parsed, text
from autograd.readings.wrapping import WIDTH, split_bracket

WRITTEN_OUT = 240  # characters of an array that is written out; a longer one is a parameter of the program
T = TypeVar("T")


def is_long(array: Any) -> bool:
    """Say whether an array is too long to be written out, so that it becomes a parameter of the program."""
    return _constant(array) is None


def _constant(array: Any) -> ast.expr | None:
    """Write an expression that makes an array, with its shape and dtype; return None if that would be too long."""
    shape, n = array.shape, array.size
    dtype = "" if array.dtype in (np.float64, np.int64, np.bool) and n else f", np.{array.dtype.name}"
    of_dtype = "" if array.dtype == np.float64 else f", np.{array.dtype.name}"
    first = array.flat[0] if n else array.dtype.type(0)
    if not np.any(array) and not np.any(np.signbit(array) if array.dtype.kind == "f" else False):
        return parsed(f"np.zeros({shape}{of_dtype})")
    if n > 1 and np.all(array == first):
        full = f"np.full({shape}, {text(number_ast(first.item()))}{dtype})"
        return parsed(f"np.ones({shape}{of_dtype})" if first == 1 else full)
    if array.ndim == 2 and n > 1 and np.array_equal(array, np.eye(*shape)):
        return parsed(
            f"np.eye({shape[0]}{f', {shape[1]}' * (shape[0] != shape[1])}{f', dtype={of_dtype[2:]}' * bool(of_dtype)})"
        )
    if array.ndim == 1 and n > 4 and array.dtype.kind in "fi" and np.array_equal(array, np.arange(first, first + n)):
        start, whole = int(first), array.dtype == np.int64
        ends = f"{start}, {start + n}" if start else f"{n}"
        return parsed(f"np.arange({ends}{'' if whole else f', dtype=np.{array.dtype.name}'})")
    if n > WRITTEN_OUT // 3 or array.dtype.itemsize > 8:
        return None
    items = re.sub(r"\b(nan|inf)\b", r"np.\1", repr(array.tolist()))
    return parsed(f"np.array({items}{dtype})") if len(items) <= WRITTEN_OUT else None


class Listing:
    """The lines of one function: which values get a line of their own, and under what name."""

    def __init__(self, taken: set[str]) -> None:
        self.arrays: dict[str, Any] = {}  # more arrays that are parameters, such as those in an index
        self.taken = {"np", *taken}
        self.temporaries = 0
        self.hoisted: dict[str, str] = {}

    def unique_name(self, wish: str) -> str:
        return unique_name(wish, self.taken)

    def body(self, order: list[Formula], results: list[Formula]) -> list[tuple[Formula, str]]:
        """Return the lines, each with the formula that it computes."""
        self.uses: dict[int, int] = {}
        for formula in order:
            for arg in set(formula.args):
                self.uses[id(arg)] = self.uses.get(id(arg), 0) + self._mentions(formula, arg)
        for formula in results:
            self.uses[id(formula)] = self.uses.get(id(formula), 0) + 1
        self.names: dict[int, str] = {}
        self.inlined: dict[int, Formula] = {}  # where a formula without a line of its own went
        lines: list[tuple[Formula, str]] = []
        for formula in order:
            for arg in formula.args:
                self.inlined.setdefault(id(arg), formula)
            if formula.op is None:
                if formula.name:
                    self.names[id(formula)] = formula.name
                elif np.ndim(formula.value):
                    constant = _constant(formula.value)
                    if constant is None:
                        self.names[id(formula)] = self._from_outside(formula.value)
                    elif len(text(constant)) > 24:
                        self._hoist("c", constant, lines, formula)
                        self.names[id(formula)] = self.hoisted[text(constant)]
                continue
            if "index" in formula.params:
                where = ast.Subscript(parsed("np.s_"), self._parameter(formula.params["index"]), ast.Load())
                if len(text(where)) > 30:
                    self._hoist("index", where, lines, formula)
            if formula.name or self.uses[id(formula)] > 1 or formula.calls("scatter"):
                self._write(formula, lines)
            else:
                self._shorten(formula, WIDTH - 20, lines)
        return lines

    def _from_outside(self, array: Any) -> str:
        """Return the name of the parameter for an array from outside; one for each array."""
        for name, known in self.arrays.items():
            if known is array or (known.dtype == array.dtype and np.array_equal(known, array)):
                return name
        number = len(self.arrays) + 1
        name = self.unique_name(f"c{number}")
        self.arrays[name] = array
        return name

    def _parameter(self, value: Any) -> ast.expr:
        """Write a parameter of an operation, with the long arrays in it by their names."""
        if isinstance(value, list) and any(isinstance(part, np.ndarray) for part in value):
            return ast.List([self._parameter(part) for part in value], ast.Load())
        if isinstance(value, tuple):
            return ast.Tuple([self._parameter(part) for part in value], ast.Load())
        if isinstance(value, np.ndarray):
            made = _constant(value)
            if made is None:
                return parsed(self._from_outside(value))
            assert isinstance(made, ast.Call)
            return made.args[0] if text(made).startswith("np.array([") and value.dtype in (np.int64, np.bool) else made
        return literal(value)

    def returns(self, value: Formula, gradients: list[Formula]) -> str:
        items = [text(self._expression(g)) for g in gradients]
        return split_bracket(f"return {text(self._expression(value))}, (", items, ")", indent="    ", trailing=True)

    def line_of(self, formula: Formula, written: dict[int, T]) -> T | None:
        """Return the line that computes a formula, alone or as a part; `written` has the lines by the formulas' ids."""
        while id(formula) not in written:
            if id(formula) not in self.inlined:
                return None
            formula = self.inlined[id(formula)]
        return written[id(formula)]

    def _shorten(self, formula: Formula, room: int, lines: list[tuple[Formula, str]]) -> None:
        """Give the longest parts of a formula lines of their own, until it fits."""
        while len(text(self._expression(formula))) > room:
            parts = [arg for arg in formula.args if arg.op is not None and id(arg) not in self.names]
            if not parts:
                return
            self._write(max(parts, key=lambda part: len(text(self._expression(part)))), lines)

    def _write(self, formula: Formula, lines: list[tuple[Formula, str]]) -> None:
        if id(formula) in self.names:
            return
        self._shorten(formula, WIDTH - 4 - len(" = ") - len(formula.name or "t99"), lines)
        expression = text(self._expression(formula))
        if formula.name:
            target = self.unique_name(formula.name)
        else:
            self.temporaries += 1
            target = self.unique_name(f"t{self.temporaries}")
        if formula.calls("scatter"):
            lines += [(formula, line) for line in self._scatter(formula, target)]
        else:
            lines.append((formula, f"{target} = {expression}"))
        self.names[id(formula)] = target

    def _hoist(self, wish: str, constant: ast.expr, lines: list[tuple[Formula, str]], formula: Formula) -> None:
        """Give what is too long for an expression a line of its own, once."""
        if text(constant) not in self.hoisted:
            self.hoisted[text(constant)] = self.unique_name(wish)
            lines.append((formula, f"{self.hoisted[text(constant)]} = {text(constant)}"))

    def _scatter(self, formula: Formula, target: str) -> list[str]:
        """Write the transpose of indexing, which takes two statements: an assignment if no element is picked twice."""
        dtype = "" if formula.value.dtype == np.float64 else f", np.{formula.value.dtype}"
        made = f"{target} = np.zeros({formula.params['shape']}{dtype})"
        if fact(formula.op, "index") is not None:
            assert formula.op is not None
            filled = applied(formula.op, self._operands(formula), formula.params)
            assert isinstance(filled, ast.Call)
            return [made, f"np.add.at({target}, {text(filled.args[1])}, {text(filled.args[0])})"]
        index, part = self._index(formula), text(self._expression(formula.args[0]))
        if is_basic(formula.params["index"]) and isinstance(index, ast.Subscript):
            return [made, f"{text(ast.Subscript(parsed(target), index.slice, ast.Load()))} = {part}"]
        return [made, f"np.add.at({target}, {text(index)}, {part})"]

    def _index(self, formula: Formula) -> ast.expr:
        where = ast.Subscript(parsed("np.s_"), self._parameter(formula.params["index"]), ast.Load())
        return parsed(self.hoisted[text(where)]) if text(where) in self.hoisted else where

    def _operands(self, formula: Formula) -> list[ast.expr]:
        """Write what a formula is computed from, with numbers in the dtype that they need."""
        short = numbers(formula)
        return [short[i] if i in short else self._expression(arg) for i, arg in enumerate(formula.args)]

    def _mentions(self, formula: Formula, arg: Formula) -> int:
        """Count how often the text of `formula` would repeat that of `arg`."""
        assert formula.op is not None
        names = [f"operand{i}" for i in range(len(formula.args))]
        params = {key: ast.Constant(0) for key in formula.params}
        filled = ast.walk(applied(formula.op, [parsed(name) for name in names], params))
        used = [node.id for node in filled if isinstance(node, ast.Name)]
        return sum(used.count(name) for name, other in zip(names, formula.args, strict=True) if other is arg)

    def _expression(self, formula: Formula) -> ast.expr:
        if id(formula) in self.names:
            return parsed(self.names[id(formula)])
        if formula.op is None:
            if not np.ndim(formula.value):
                return literal(formula.value)
            return _constant(formula.value) or parsed(self._from_outside(formula.value))
        several = (tuple, list, np.ndarray)
        params = {k: self._parameter(x) if isinstance(x, several) else x for k, x in formula.params.items()}
        if formula.calls("getitem") and "index" in params:
            index = self._index(formula)
            params = {"index": index.slice if isinstance(index, ast.Subscript) else index}
        return applied(formula.op, self._operands(formula), params)
