"""Formulas as a program in preallocated memory: an operation per line, and arrays written into buffers (`out=`).

Two values share a buffer if the last use of one comes before the other is made. What the caller gets is in none.
Shapes, layouts, and which value is a view of which, are those of the values that were recorded.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.data import float_data
from autograd.operation import Op
from autograd.readings.formula import Formula, fact, own_name
from autograd.readings.names import unique_name
from autograd.readings.text import applied, literal, number_ast, numbers, parsed, text

SMALL = 4096  # elements of a matrix product up to which a.dot(b) is faster than np.matmul; they compute the same


@dataclass
class Line:
    """`name = call`, which computes `value` from what is called `reads`.

    writes  the call can take an `out`; elementwise says that this may be one of its operands
    is_new  whether the value is in memory of its own; if not, it may be a view of anything that the line reads
    buffer  what it is written into, where it is
    """

    name: str
    call: str
    value: Any
    reads: list[str]
    writes: bool = False
    elementwise: bool = False
    is_new: bool = True
    buffer: str = ""

    def __str__(self) -> str:
        return f"{self.name} = {self.call[:-1]}, out={self.buffer})" if self.buffer else f"{self.name} = {self.call}"


class Assembly:
    """The lines that compute the formulas `order`, of which the caller gets the `results`.

    With `overwrite` the results are written into buffers too, which every call overwrites; else they are new arrays. If
    the place of a result among `into` is the name of a parameter, it is written into that in the end, and not returned.

    setup      lines to run once, before all else: they make the buffers, and numbers as arrays without axes, which
               NumPy takes faster than Python's
    constants  what the lines need by name besides their arguments: arrays, indices, the engine's own functions
    fresh      the names of results whose memory nothing else uses
    """

    def __init__(
        self, order: list[Formula], results: list[Formula], taken: set[str], overwrite: bool,
        into: Sequence[str | None] = (),
    ):  # fmt: skip
        self.setup: list[str] = []
        self.constants: dict[str, Any] = {}
        self.lines: list[Line] = []
        self.copies: list[str] = []  # the last lines
        self._taken = {"np", *taken}
        self._before: dict[str, str] = {}
        self._last: dict[str, int] = {}
        self._names: dict[int, str] = {}
        for formula in order:
            if formula.op is not None:
                self._compute(formula, formula.op)
            elif formula.name:
                self._names[id(formula)] = formula.name
            elif np.ndim(formula.value):
                self._names[id(formula)] = self._constant(formula.value, "c")
        self.results = [self._names.get(id(result)) or text(number_ast(result.value)) for result in results]
        moves = [(name, place) for name, place in zip(self.results[1:], into) if place]
        self._assign_buffers(overwrite, moves)
        if moves:
            self.results[1:] = [name for name, place in zip(self.results[1:], into) if not place]
        made = {line.name for line in self.lines if line.writes}
        self.fresh = {name for name in made if self.results.count(name) == 1}

    def text_of(self, formula: Formula) -> str:
        """Return the name of a formula, or the number that it is, in the dtype of what it meets."""
        return self._names.get(id(formula)) or text(literal(formula.value))

    def _compute(self, formula: Formula, op: Op) -> None:
        """Add the lines of an operation."""
        value, args, own = formula.value, formula.args, own_name(op)
        operands = [self.text_of(arg) for arg in args]
        reads = [_variable(self._names[id(arg)]) for arg in args if id(arg) in self._names]
        if own == "transpose" and formula.params.get("axes") is None:
            self._names[id(formula)] = f"{operands[0]}.T"
            return
        name = unique_name(formula.name, self._taken) if formula.name else self._numbered("t")
        self._names[id(formula)] = name
        function = op.facts.get("stands_for", op.forward)
        array = isinstance(value, ndarray)
        if own == "linear" and array:
            x, w, b = operands
            product = unique_name(f"{name}_", self._taken)
            dtype = np.result_type(args[0].value, args[1].value)
            shapes = [np.shape(arg.value) for arg in args[:2]]
            self._product(product, (x, f"{w}.T"), value.astype(dtype, copy=False), shapes, reads)
            self.lines.append(Line(name, f"np.add({product}, {b})", value, [product, *reads[2:]], True, True))
        elif own == "matmul" and array:
            self._product(name, (operands[0], operands[1]), value, [np.shape(arg.value) for arg in args], reads)
        elif own == "sum":
            keep = ", keepdims=True" if formula.params.get("keepdims") else ""
            axis = formula.params.get("axis")
            call = f"np.add.reduce({operands[0]}, axis={axis}{keep})"  # np.sum, without its overhead
            self.lines.append(Line(name, call, value, reads, array))
        elif own == "power" and array and args[1].equals(2.0) and value.dtype == np.result_type(args[0].value):
            self.lines.append(Line(name, f"np.square({operands[0]})", value, reads, True, True))
        elif own and array and isinstance(function, np.ufunc):
            met = np.result_type(*(arg.value for arg in args))
            fast = [self._number(arg, met) if _is_of(arg, met) else self.text_of(arg) for arg in args]
            call = f"np.{function.__name__}({', '.join(fast)})"
            self.lines.append(Line(name, call, value, reads, True, True))
        else:
            self._call(formula, op, name, reads)

    def _call(self, formula: Formula, op: Op, name: str, reads: list[str]) -> None:
        """Add the line of an operation: a call by its template, if that is exactly what it says, else by its
        function."""
        value, own = formula.value, own_name(op)
        function = op.facts.get("stands_for", op.forward)
        params = {key: self._parameter(param) for key, param in formula.params.items()}
        of_numpy = isinstance(function, np.ufunc) or str(getattr(function, "__module__", "")).split(".")[0] == "numpy"
        literally = fact(op, "literal") or (own and of_numpy)
        takes_out = "out" in _parameters(op.forward)
        if literally:
            call = text(applied(op, self._operands(formula, True), params))
        else:
            called = ast.Name(self._constant(op.forward, f"_{op.name}" if op.name.isidentifier() else "_op"))
            keywords = [ast.keyword(key, param) for key, param in params.items()]
            call = text(ast.Call(called, self._operands(formula, False), keywords))
        writes = isinstance(value, ndarray) and takes_out and not literally
        new = bool(own) and not fact(op, "view")
        if not own and not literally and op.rules and not writes:
            call = (
                f"{self._constant(float_data, '_data')}({call}, {op.name!r})"  # whatever it gives, as a Tensor has it
            )
        elif isinstance(value, np.generic) and not (new and (literally or takes_out)):
            call, new = f"{call if call.endswith(')') else f'({call})'}[()]", True  # a number, and no view without axes
        self.lines.append(Line(name, call, value, reads, writes, writes and bool(own), new))

    def _product(
        self, name: str, operands: tuple[str, str], value: Any, shapes: list[tuple[int, ...]], reads: list[str]
    ) -> None:
        small = value.size <= SMALL and all(len(shape) == 2 and min(shape) > 1 for shape in shapes)
        a, b = operands
        self.lines.append(Line(name, f"{a}.dot({b})" if small else f"np.matmul({a}, {b})", value, reads, True))

    def _number(self, number: Formula, dtype: np.dtype[Any]) -> str:
        return self._once(f"np.array({self.text_of(number)}, np.{dtype})", "c")

    def _operands(self, formula: Formula, as_text: bool) -> list[ast.expr]:
        """Write the operands of a call: `as_text` for a template, else as they are for a function. Numbers that are not
        Python's are made before everything else."""
        places = {i: number_ast(arg.value) for i, arg in enumerate(formula.args) if arg.is_number}
        written = {i: text(place) for i, place in (numbers(formula) if as_text else places).items()}
        held = {i: self._once(place, "c") if place.startswith("np.") else place for i, place in written.items()}
        return [parsed(held[i] if i in held else self.text_of(arg)) for i, arg in enumerate(formula.args)]

    def _parameter(self, value: Any) -> ast.expr:
        simple = isinstance(value, (int, float, bool, str, type(None)))
        return ast.Constant(value) if simple else parsed(self._constant(value, "p"))

    def _constant(self, value: Any, wish: str) -> str:
        """Return the name by which the lines know a value; the same one for the same value."""
        known = next((name for name, held in self.constants.items() if held is value), None)
        name = known or unique_name(wish, self._taken)
        self.constants[name] = value
        return name

    def _numbered(self, prefix: str) -> str:
        """Return a name that is not taken yet: t1, t2, …"""
        self._last[prefix] = self._last.get(prefix, 0) + 1
        name = f"{prefix}{self._last[prefix]}"
        return unique_name(name, self._taken) if name not in self._taken else self._numbered(prefix)

    def _once(self, expression: str, wish: str) -> str:
        """Return the name of what is computed once, before everything else."""
        if expression not in self._before:
            self._before[expression] = self._numbered(wish)
            self.setup.append(f"{self._before[expression]} = {expression}")
        return self._before[expression]

    def _assign_buffers(self, overwrite: bool, moves: list[tuple[str, str]]) -> None:
        """Give a buffer to every line that can write into one; two share it if one value comes after the other."""
        roots: dict[str, set[str]] = {}  # the lines that made the memory in which a value may be: itself, as a rule
        last: dict[str, int] = {}  # the last line that reads a value, or a view of it
        for i, line in enumerate(self.lines):
            read = {root for name in line.reads for root in roots.get(name, {name})}
            last.update(dict.fromkeys(read, i))
            roots[line.name] = {line.name} if line.is_new else {line.name} | read
        for name in map(_variable, self.results):
            last.update(dict.fromkeys(roots.get(name, {name}), len(self.lines)))
        self._write_back(moves, roots, last)

        buffers: dict[str, tuple[Any, str]] = {}  # where values are, and what fits into there
        free: dict[Any, list[str]] = {}
        for i, line in enumerate(self.lines):
            behind = dict.fromkeys(root for name in line.reads for root in sorted(roots.get(name, {name})))
            ended = [buffers[name] for name in behind if name in buffers and last[name] == i]
            kind = _array_like(line.value)
            if line.buffer:  # a parameter
                pass
            elif line.writes and kind and (overwrite or last[line.name] < len(self.lines)):
                overwritten = [place for place in ended if line.elementwise and place[0] == kind]
                if overwritten:
                    ended.remove(overwritten[0])
                    line.buffer = overwritten[0][1]
                elif free.get(kind):
                    line.buffer = free[kind].pop()
                else:
                    line.buffer = self._numbered("buffer")
                    self.setup.append(f"{line.buffer} = np.empty({kind})")
                buffers[line.name] = kind, line.buffer
            for fits, name in ended:
                free.setdefault(fits, []).append(name)

    def _write_back(self, moves: list[tuple[str, str]], roots: dict[str, set[str]], last: dict[str, int]) -> None:
        """Write results into parameters: by the line that makes one, if no other line reads the old value."""
        copied = []
        moves = [(name, place) for name, place in moves if name != place]
        places = {place for _, place in moves}
        viewed = any(_variable(name) in places or roots.get(_variable(name), {name}) - {name} for name, _ in moves)
        for name, place in moves:
            i, line = next(((i, line) for i, line in enumerate(self.lines) if line.name == name), (0, None))
            if line and line.elementwise and line.is_new and not line.buffer and last.get(place, 0) <= i and not viewed:
                line.buffer = place
            else:
                copied.append((name, place))
        value = self.results[0]
        if places & roots.get(_variable(value), {value}):
            self.results[0] = unique_name("value_", self._taken)
            self.copies.append(f"{self.results[0]} = np.array({value})")
        if viewed:  # it reads what another of these may overwrite
            self.copies += [f"{place}_ = np.array({name})" for name, place in copied]
            copied = [(f"{place}_", place) for _, place in copied]
        self.copies += [f"np.copyto({place}, {name})" for name, place in copied]

    def function(self, name: str, parameters: list[str]) -> str:
        """Return the text of the setup, and of a function that returns the first result and a tuple of the others."""
        before = "".join(f"{line}\n" for line in self.setup) + ("\n\n" if self.setup else "")
        return f"{before}def {name}({', '.join(parameters)}):\n" + "".join(f"    {line}\n" for line in self.text())

    def text(self) -> list[str]:
        """Return the lines of the function."""
        value, *gradients = self.results
        comma = "," if len(gradients) == 1 else ""
        return [*map(str, self.lines), *self.copies, f"return {value}, ({', '.join(gradients)}{comma})"]


def _is_of(formula: Formula, dtype: np.dtype[Any]) -> bool:
    """Say whether a formula is a number that the dtype has: uint8 can be compared with 300, which it has not."""
    value = formula.value
    if formula.is_number and dtype.kind in "iu" and isinstance(value, int):
        return bool(np.iinfo(dtype).min <= value <= np.iinfo(dtype).max)
    return formula.is_number


def _variable(name: str) -> str:
    """Return the variable that `x` or `x.T` reads."""
    return name.split(".")[0]


def _array_like(value: Any) -> str:
    """Return the arguments with which np.empty makes an array like this one; nothing if it cannot."""
    if not isinstance(value, ndarray) or not value.ndim or not value.flags.forc:
        return ""
    order = "" if value.flags.c_contiguous else ', order="F"'
    return f"{value.shape}, np.{value.dtype}{order}"


@cache
def _parameters(function: Any) -> frozenset[str]:
    """List the names of a function's parameters, as far as they can be found out."""
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return frozenset()
