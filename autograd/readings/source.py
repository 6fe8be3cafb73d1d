"""Reading 3: the NumPy program of a function and its gradient, as a person would have derived it by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from autograd.backward import reached
from autograd.ops.indexing import is_basic
from autograd.readings.c import CPrinter, c_text
from autograd.readings.display import Lines
from autograd.readings.formula import Formula, Formulas, fact, ordered
from autograd.readings.graph import Graph
from autograd.readings.javascript import JavaScriptPrinter, javascript_text
from autograd.readings.lowering import lowered
from autograd.readings.names import unique
from autograd.readings.text import applied, literal, number, numbers, parsed, text
from autograd.readings.trace import Trace

WIDTH = 88  # characters in a line
T = TypeVar("T")


def source(f: Callable[..., Any], *args: Any, language: str = "numpy") -> ProgramText:
    """The source text of a function that computes `f` and its gradient: with NumPy alone, in C, or in JavaScript.

    The function is called `NAME_and_grad` for an `f` called NAME. Its parameters are those of `f`, and then the Tensors
    that `f` reaches from outside, under their own names. It returns the value and a tuple with the gradient for each
    Tensor among them, in their order: those are the arguments given as Tensors, and the ones from outside. Raises
    ValueError for a value that is not a single number.

    An array that f uses besides its arguments is written out where it is short or regular (np.ones, np.eye, np.arange).
    A long one is one more parameter, under the name of the variable that it is in, or else c1, c2, …; the program's
    docstring says so, and `source(…).arrays` has them all: `program(*args, **source(…).arrays)`.

    The text is read off from what `f` and the derivative rules record for these `args`. So Python's own control flow is
    recorded as it ran, and shapes are those of these arguments: the program of a mean over x divides by this length.
    An `if` or a `while` on a value is refused (TypeError), since the program would always take the same way.

    In C and in JavaScript the same formulas are loops over elements, in one function that needs nothing else:

    "c"           C11. The parameters are those above, a number as a value, an array as a pointer to its elements, row
                  by row; then for each gradient memory to fill. It returns the value. No two may overlap.
    "javascript"  for node and browsers. Arrays are flat typed arrays, row by row: Float64Array for float64, and
                  Float32Array for float32; of integers, any array of numbers. It returns [value, [gradients]]: a number
                  for each gradient that has no axes, and a new typed array for the others.

    They are written for the shapes and dtypes of `args`, whose strings and the like they leave out. An index in the
    data that is outside gives nan. Raises LoweringError (a TypeError) for an operation that has no loops.

    >>> from autograd import Tensor
    >>> def cost(w, x):
    ...     return np.sum(np.tanh(x @ w) ** 2)
    >>> print(source(cost, Tensor([[0.5], [-0.5]]), np.ones((3, 2))), end="")
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def cost_and_grad(w, x):
        t1 = np.tanh(x @ w)
        value = np.sum(t1**2)
        # t1 = np.tanh(x @ w)
        dw = x.T @ (2 * t1 * (1 - t1 * t1))
        return value, (dw,)
    >>> def folded(x):
    ...     return np.where(x > 1, x * x, x)
    >>> print(source(folded, Tensor(3.0)), end="")
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def folded_and_grad(x):
        t1 = x > 1
        value = np.where(t1, x * x, x)
        t2 = np.where(t1, 1.0, 0) * x
        # value = np.where(t1, x * x, x)
        dx = np.where(t1, 0, 1.0) + t2 + t2
        return value, (dx,)
    >>> print(source(lambda x: np.sum(x**2), Tensor([1.0, 2.0]), language="javascript"), end="")
    // The value of f, and its gradient.
    //   x  2, a Float64Array
    // Arrays are typed arrays, row by row. Returns [value, [dx]].
    function f_and_grad(x) {
      const dx = new Float64Array(2);
      // value = np.sum(x**2)
      let value = 0;
      for (let i = 0; i < 2; i++) {
        value += x[i] * x[i];
      }
      // dx = 2 * x
      for (let i = 0; i < 2; i++) {
        dx[i] = 2 * x[i];
      }
      return [value, [dx]];
    }
    """
    if language not in ("numpy", "c", "javascript"):
        raise ValueError(f'source: language is "numpy", "c" or "javascript", not {language!r}')
    trace = Trace(f, args, like_grad=True, is_parameter=is_long)
    return numpy_program(trace)[0] if language == "numpy" else program_of_loops(trace, language)


def is_long(array: Any) -> bool:
    """Whether an array is too long to be written out: it is a parameter of the program."""
    return _constant(array) is None


def numpy_program(trace: Trace) -> tuple[ProgramText, Callable[[Any], int | None]]:
    """The program of what was traced, and where in it a recorded value is computed: the number of the line, from 0."""
    inputs = [trace.output, *trace.wanted]
    formulas = Formulas(Graph(*inputs), trace.named)
    program = Listing({*trace.parameters})
    value, gradients = formulas[trace.output], [formulas[g] for g in trace.wanted]
    if value.op is not None:
        value.name = value.name or "value"
    whose = trace.name_gradients(formulas, ordered([value, *gradients]))
    backward = [formulas[g] for g in trace.grads.values() if id(formulas[g]) in whose]
    lines = program.body(ordered([value, *backward, *gradients]), [value, *gradients])
    users: dict[int, list[Formula]] = {}
    for node in reached(trace.output):
        for x in node.inputs:
            users.setdefault(id(x), []).append(formulas[node])
    forward = {id(formula) for formula in ordered([value])}
    line_of = {id(formula): line for formula, line in lines}
    arrays = {trace.named[id(x)]: x._value for x in trace.arrays} | program.arrays
    parameters = [*trace.parameters, *program.arrays]
    written = f"import numpy as np\n\n\n{_split(f'def {trace.name}_and_grad(', parameters, '):')}"
    for i, (name, array) in enumerate(arrays.items()):
        quotes = ('"""' * (i == 0), '"""' * (i == len(arrays) - 1))
        written += (
            f"    {quotes[0]}{name} is an array from outside of {trace.name}, of shape {array.shape}.{quotes[1]}\n"
        )
    places: dict[int, int] = {}
    for formula, line in lines:
        if id(formula) in whose and id(formula) not in forward:
            uses = [program.line_of(user, line_of) for user in users.get(id(whose[id(formula)]), ())]
            written += "".join(f"    # {use}\n" for use in dict.fromkeys(uses) if use and len(use) <= WIDTH - 6)
        places[id(formula)] = written.count("\n")
        written += f"    {line}\n" if len(line) <= WIDTH - 4 else _broken(line)
    for formula in (value, *gradients):
        if formula.op is not None:
            places.setdefault(id(formula), written.count("\n"))  # what is returned as it is computed
    found = ProgramText(written + program.returns(value, gradients))
    found.arrays = arrays

    def place_of(value: Any) -> int | None:
        formula = formulas[value]
        return None if formula.is_number else program.line_of(formula, places)

    return found, place_of


def program_of_loops(trace: Trace, language: str) -> ProgramText:
    """The program as loops over elements."""
    if language == "c":
        found = ProgramText(c_text(lowered(trace, CPrinter)))
    else:
        found = ProgramText(javascript_text(lowered(trace, JavaScriptPrinter)))
    found.arrays = {trace.named[id(x)]: x._value for x in trace.arrays}
    return found


def _split(start: str, items: list[str], end: str, indent: str = "", trailing: bool = False) -> str:
    """A bracket on one line if it fits, else broken as formatters do it."""
    line = f"{indent}{start}{', '.join(items)}{',' if trailing and len(items) == 1 else ''}{end}\n"
    if len(line) <= WIDTH + 1:
        return line
    inside = f"{indent}    {', '.join(items)}\n"
    if trailing or len(inside) > WIDTH + 1:
        inside = "".join(f"{indent}    {item},\n" for item in items)
    return f"{indent}{start}\n{inside}{indent}{end}\n"


def _broken(line: str) -> str:
    """A line that is too long, over several, as formatters break it."""
    statement = ast.parse(line).body[0]
    if not isinstance(statement, ast.Assign):
        return f"    {line}\n"
    return "\n".join(_bracket(statement.value, f"    {text(statement.targets[0])} = ", "")) + "\n"


def _bracket(node: ast.expr, before: str, after: str) -> list[str]:
    """The lines of `before`, an expression and `after`: one if it fits, else one for each part of its last bracket."""
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


WRITTEN_OUT = 240  # characters of an array that is written out; a longer one is a parameter of the program


def _constant(array: Any) -> ast.expr | None:
    """The expression that makes an array, with its shape and dtype; None for one that is too long to be written."""
    shape, n = array.shape, array.size
    dtype = "" if array.dtype in (np.float64, np.int64, np.bool) and n else f", np.{array.dtype.name}"
    of_dtype = "" if array.dtype == np.float64 else f", np.{array.dtype.name}"
    first = array.flat[0] if n else array.dtype.type(0)
    if not np.any(array) and not np.any(np.signbit(array) if array.dtype.kind == "f" else False):
        return parsed(f"np.zeros({shape}{of_dtype})")
    if n > 1 and np.all(array == first):
        return parsed(
            f"np.ones({shape}{of_dtype})" if first == 1 else f"np.full({shape}, {text(number(first.item()))}{dtype})"
        )
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


class ProgramText(Lines):
    """The text of a program. What it takes besides the arguments of the function is in `arrays`, by name."""

    arrays: dict[str, Any]


class Listing:
    """The lines of one function: which values get a line of their own, and under what name."""

    def __init__(self, taken: set[str]) -> None:
        self.arrays: dict[str, Any] = {}  # more arrays that are parameters, such as those in an index
        self.taken = {"np", *taken}
        self.temporaries = 0
        self.hoisted: dict[str, str] = {}

    def unique(self, wish: str) -> str:
        return unique(wish, self.taken)

    def body(self, order: list[Formula], results: list[Formula]) -> list[tuple[Formula, str]]:
        """The lines, each with the formula that it computes."""
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
        """The name of the parameter that an array from outside is; one for each."""
        for name, known in self.arrays.items():
            if known is array or (known.dtype == array.dtype and np.array_equal(known, array)):
                return name
        number = len(self.arrays) + 1
        name = self.unique(f"c{number}")
        self.arrays[name] = array
        return name

    def _parameter(self, value: Any) -> ast.expr:
        """The expression of a parameter of an operation, with the long arrays in it by their names."""
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
        return _split(f"return {text(self._expression(value))}, (", items, ")", indent="    ", trailing=True)

    def line_of(self, formula: Formula, written: dict[int, T]) -> T | None:
        """The line that computes a formula, by itself or as a part; `written` has the lines by the formulas' ids."""
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
            target = self.unique(formula.name)
        else:
            self.temporaries += 1
            target = self.unique(f"t{self.temporaries}")
        if formula.calls("scatter"):
            lines += [(formula, line) for line in self._scatter(formula, target)]
        else:
            lines.append((formula, f"{target} = {expression}"))
        self.names[id(formula)] = target

    def _hoist(self, wish: str, constant: ast.expr, lines: list[tuple[Formula, str]], formula: Formula) -> None:
        """A line of its own, once, for what is too long to stand in an expression."""
        if text(constant) not in self.hoisted:
            self.hoisted[text(constant)] = self.unique(wish)
            lines.append((formula, f"{self.hoisted[text(constant)]} = {text(constant)}"))

    def _scatter(self, formula: Formula, target: str) -> list[str]:
        """The transpose of indexing takes two statements: an assignment, where no element is picked twice."""
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
        """The expressions of what a formula is computed from, its numbers in the dtype that they need."""
        short = numbers(formula)
        return [short[i] if i in short else self._expression(arg) for i, arg in enumerate(formula.args)]

    def _mentions(self, formula: Formula, arg: Formula) -> int:
        """How often the text of `formula` would repeat that of `arg`."""
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
