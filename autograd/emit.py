"""Reading 3: the NumPy program of a function and its gradient, as a person would have derived it by hand."""

from __future__ import annotations

import ast
import inspect
import keyword
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.backprop import backprop, reached
from autograd.expressions import applied, literal, parsed, text
from autograd.graph import Graph
from autograd.recording import recording, tracing
from autograd.simplify import Formula, Formulas
from autograd.tensor import Tensor

WIDTH = 88  # characters in a line


def source(f: Callable[..., Any], *args: Any) -> str:
    """The source text of a function that computes `f` and its gradient with NumPy alone.

    The function is called `NAME_and_grad` for an `f` called NAME. Its parameters are those of `f`, and then the Tensors
    that `f` reaches from outside, under their own names. It returns the value and a tuple with the gradient for each
    Tensor among them, in their order: those are the arguments given as Tensors, and the ones from outside. Arrays are
    constants. Raises ValueError for a value that is not a single number.

    The text is read off from what `f` and the derivative rules record for these `args`. So Python's own control flow is
    recorded as it ran: the program of a function with a loop over `len(x)` is that of this length of x, and an `if` on
    a value is decided as it was here.

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
    """
    name = getattr(f, "__name__", "f")
    name = name if name.isidentifier() and not keyword.iskeyword(name) else "f"
    inputs = [_input(x, label) for x, label in zip(args, _labels(f, args), strict=True)]
    with recording(), tracing():
        output = f(*inputs)
        if not isinstance(output, Tensor) or output.size != 1:
            raise ValueError(f"source needs a function whose value is a single number; {name} gave {output!r:.80}")
        grads = backprop(output, Tensor(np.ones(output.shape, output.dtype)))  # a Tensor, so that all is recorded
    given = [x for x, arg in zip(inputs, args, strict=True) if isinstance(arg, Tensor)]
    mine = {id(x) for x in inputs}
    outside = [x for node in reached(output) for x in node.inputs if isinstance(x, Tensor) and x.op is None]
    outside = sorted({x for x in outside if id(x) not in mine}, key=lambda x: x.tick)
    program = _Program()
    named = {id(x): program.unique(label) for x, label in zip(inputs, _labels(f, args), strict=True)}
    named |= {id(x): program.unique(x.name or "w") for x in outside}
    wanted = [grads.get(x, np.zeros_like(x.data)[()]) for x in [*given, *outside]]
    formulas = Formulas(Graph(output, *wanted), named)
    needed = {id(formula) for formula in ordered([formulas[output], *[formulas[g] for g in wanted]])}
    derived: dict[int, list[Tensor]] = {}  # which Tensors a formula is the gradient of

    def labelled(x: Tensor) -> str | None:
        return named.get(id(x)) or x.name

    for x, g in grads.items():
        formula, label = formulas[g], labelled(x)
        if formula.op is not None and id(formula) in needed and x is not output:
            derived.setdefault(id(formula), []).append(x)
            formula.name = formula.name or (_gradient_name(label) if label else None)
    value = formulas[output]
    value.name = value.name or "value"
    backward = [formulas[g] for g in grads.values() if id(formulas[g]) in derived]
    lines = program.body(
        ordered([value, *backward, *[formulas[g] for g in wanted]]), value, [formulas[g] for g in wanted]
    )
    users: dict[int, list[Formula]] = {}
    for node in reached(output):
        for x in node.inputs:
            users.setdefault(id(x), []).append(formulas[node])
    text_ = f"import numpy as np\n\n\n{_split(f'def {name}_and_grad(', list(named.values()), '):')}"
    forward = {id(formula) for formula in ordered([value])}
    for formula, line in lines:
        whose = (
            [] if id(formula) in forward else sorted(derived.get(id(formula), []), key=lambda x: not labelled(x))[:1]
        )
        uses = [program.line_of(user, lines) for x in whose for user in users.get(id(x), ())]
        for use in dict.fromkeys(use for use in uses if use):
            text_ += f"    # {use}\n" if len(use) <= WIDTH - 6 else ""
        text_ += f"    {line}\n"
    return text_ + program.returns(value, [formulas[g] for g in wanted])


def _split(start: str, items: list[str], end: str, indent: str = "", trailing: bool = False) -> str:
    """A bracket on one line if it fits, else broken as formatters do it."""
    line = f"{indent}{start}{', '.join(items)}{',' if trailing and len(items) == 1 else ''}{end}\n"
    if len(line) <= WIDTH + 1:
        return line
    inside = f"{indent}    {', '.join(items)}\n"
    if trailing or len(inside) > WIDTH + 1:
        inside = "".join(f"{indent}    {item},\n" for item in items)
    return f"{indent}{start}\n{inside}{indent}{end}\n"


def ordered(outputs: list[Formula]) -> list[Formula]:
    """Every formula that the outputs need, once, after those that it needs itself."""
    done: set[int] = set()
    order: list[Formula] = []
    stack = [(formula, False) for formula in reversed(outputs)]
    while stack:
        formula, ready = stack.pop()
        if ready:
            order.append(formula)
        elif id(formula) not in done:
            done.add(id(formula))
            stack.append((formula, True))
            stack += [(arg, False) for arg in reversed(formula.args)]
    return order


def _gradient_name(of: str) -> str:
    return f"delta{of[1:]}" if of[0] == "z" and (of[1:].isdigit() or not of[1:]) else f"d{of}"


def _labels(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """The names of the parameters that take `args`."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    labels = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [labels[i] if i < len(labels) else f"x{i + 1}" for i in range(len(args))]


def _constant(array: Any) -> ast.expr:
    """The expression of an array that the program has to contain."""
    if array.ndim == 2 and array.shape[0] == array.shape[1] and np.array_equal(array, np.eye(len(array))):
        return parsed(f"np.eye({len(array)})")
    if array.size and np.all(array == 1.0):
        return parsed(f"np.ones({array.shape})")
    written = literal(array)
    return written if not isinstance(written, ast.List) else ast.Call(parsed("np.array"), [written], [])


def _input(x: Any, label: str) -> Any:
    """A leaf of our own for what is differentiated or computed with; other arguments as they are."""
    if isinstance(x, Tensor):
        return Tensor(x.data, name=label)
    if isinstance(x, (np.ndarray, float, np.floating)) and np.asarray(x).dtype.kind == "f":
        return Tensor(x, name=label)
    return x


class _Program:
    """The lines of one function: which values get a line of their own, and under what name."""

    def __init__(self) -> None:
        self.taken = {"np"}
        self.temporaries = 0
        self.hoisted: dict[str, str] = {}

    def unique(self, wish: str) -> str:
        name = wish if wish.isidentifier() and not keyword.iskeyword(wish) else "t"
        number = 1
        while name in self.taken:
            number += 1
            name = f"{wish}_{number}" if wish.isidentifier() else f"t{number}"
        self.taken.add(name)
        return name

    def body(self, order: list[Formula], value: Formula, gradients: list[Formula]) -> list[tuple[Formula, str]]:
        """The lines, each with the formula that it computes."""
        self.uses: dict[int, int] = {}
        for formula in order:
            for arg in set(formula.args):
                self.uses[id(arg)] = self.uses.get(id(arg), 0) + self._mentions(formula, arg)
        for formula in [value, *gradients]:
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
                    if len(text(constant)) > 24:
                        self._hoist("c", constant, lines, formula)
                        self.names[id(formula)] = self.hoisted[text(constant)]
                continue
            if formula.calls("getitem", "scatter"):
                where = ast.Subscript(parsed("np.s_"), literal(formula.params["index"]), ast.Load())
                if len(text(where)) > 30:
                    self._hoist("index", where, lines, formula)
            if formula.name or self.uses[id(formula)] > 1 or formula.calls("scatter"):
                self._write(formula, lines)
            else:
                self._shorten(formula, WIDTH - 20, lines)
        return lines

    def returns(self, value: Formula, gradients: list[Formula]) -> str:
        items = [text(self._expression(g)) for g in gradients]
        return _split(f"return {text(self._expression(value))}, (", items, ")", indent="    ", trailing=True)

    def line_of(self, formula: Formula, lines: list[tuple[Formula, str]]) -> str | None:
        """The line that computes a formula, by itself or as a part."""
        written = {id(other): line for other, line in lines}
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
        """The transpose of indexing takes two statements."""
        dtype = "" if formula.value.dtype == np.float64 else f", np.{formula.value.dtype}"
        made = f"{target} = np.zeros({formula.params['shape']}{dtype})"
        index = text(self._index(formula))
        return [made, f"np.add.at({target}, {index}, {text(self._expression(formula.args[0]))})"]

    def _index(self, formula: Formula) -> ast.expr:
        where = ast.Subscript(parsed("np.s_"), literal(formula.params["index"]), ast.Load())
        return parsed(self.hoisted[text(where)]) if text(where) in self.hoisted else where

    def _mentions(self, formula: Formula, arg: Formula) -> int:
        """How often the text of `formula` would repeat that of `arg`."""
        assert formula.op is not None
        names = [f"operand{i}" for i in range(len(formula.args))]
        filled = ast.walk(applied(formula.op, [parsed(name) for name in names], formula.params))
        used = [node.id for node in filled if isinstance(node, ast.Name)]
        return sum(used.count(name) for name, other in zip(names, formula.args, strict=True) if other is arg)

    def _expression(self, formula: Formula) -> ast.expr:
        if id(formula) in self.names:
            return parsed(self.names[id(formula)])
        if formula.op is None:
            return _constant(formula.value) if np.ndim(formula.value) else literal(formula.value)
        params = formula.params
        if formula.calls("getitem"):
            index = self._index(formula)
            params = {"index": index.slice if isinstance(index, ast.Subscript) else index}
        return applied(formula.op, [self._expression(arg) for arg in formula.args], params)
