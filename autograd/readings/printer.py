"""Prints loops as text: what the printers of C and of JavaScript have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograd.readings.elements import Array, Expr, Index, LoweringError, Nest, Part, Var, indices_in, values_in
from autograd.readings.folds import OF_NOTHING
from autograd.readings.names import Inner, unique_name

# Operators with their precedence, the same in both languages.
OPERATORS = {
    "multiply": ("*", 12), "divide": ("/", 12), "add": ("+", 11), "subtract": ("-", 11), "less": ("<", 9),
    "less_equal": ("<=", 9), "greater": (">", 9), "greater_equal": (">=", 9), "equal": ("==", 8),
    "not_equal": ("!=", 8), "bitwise_and": ("&", 7), "bitwise_xor": ("^", 6), "bitwise_or": ("|", 5),
}  # fmt: skip
OTHERS = {"negative", "where", "invert"}
WRAPPED = {"add", "subtract", "multiply", "negative", "invert"}  # of whole numbers: NumPy stays in their type
LOGICAL = {"bitwise_and": ("&&", 4), "bitwise_or": ("||", 3), "bitwise_xor": ("!=", 8)}
ATOM, PREFIX, CHOICE = 20, 15, 2
JOINED = {"sum": "{0} += {1};", "prod": "{0} *= {1};"}
WIDTH = 118


def type_name(dtype: Any, types: Mapping[str, str], language: str) -> str:
    """Return what a language calls a type of NumPy. Raises LoweringError if it has none."""
    name = np.dtype(dtype).name
    if name not in types:
        raise LoweringError(f"{name} is not a type that {language}; use float64 or float32")
    return types[name]


class Printer:
    """Prints nests: `text` for each line, indented. A subclass for a language says how everything in them is
    written."""

    functions: frozenset[str]
    reserved: frozenset[str]
    indent = "    "

    def __init__(self, taken: set[str]):
        self.taken = taken
        self.outermost: set[str] = set()  # names of values that stand outside of all loops

    # What a language says.

    def number(self, value: Any, dtype: Any) -> str:
        raise NotImplementedError

    def called(self, name: str, args: list[str], dtype: Any) -> str:
        raise NotImplementedError

    def cast(self, x: Expr, dtype: Any) -> tuple[str, int]:
        raise NotImplementedError

    def quotient(self, of: str, n: int) -> str:
        raise NotImplementedError

    def constant(self, dtype: Any) -> str:
        """Declare a value that stays."""
        raise NotImplementedError

    def variable(self, dtype: Any) -> str:
        raise NotImplementedError

    def counter(self) -> str:
        raise NotImplementedError

    def read(self, array: Array) -> str:
        """Read a number that is not in an array."""
        return array.name

    def equals(self, op: str, args: list[Expr]) -> str:
        return {"equal": "==", "not_equal": "!=", "bitwise_xor": "!="}[op]

    def before_sum(self, name: str) -> str:
        """Write what goes above a loop over neighbours in memory that adds to the variable of this name."""
        return ""

    # What they have in common.

    def nests(self, nests: Iterable[Nest]) -> list[str]:
        return [line for nest in nests for line in self.nest(nest)]

    def nest(self, nest: Nest) -> list[str]:
        """Write the lines of a nest, with its formulas as comments above it."""
        comments = [f"// {line}" for line in nest.formulas]
        if not nest.runs:  # what does not depend on a loop would be read before it
            return comments
        top: list[Any] = []
        self.levels: list[tuple[Any, list[Any]]] = [(None, top)]
        self.bound: dict[int, str] = {}
        self.local = Inner(self.taken)
        self.open: set[int] = set()
        self.names: dict[Any, str] = {}
        self.whole: set[Any] = set()
        self.lengths: dict[Any, int] = {}
        self.shared = _shared([nest.store.value], nest.store.index)
        self.loops(nest)
        while len(self.levels) > 1:
            self._close()
        return comments + [line for line in self._flat(top, 0)]

    def loops(self, nest: Nest) -> None:
        """Write the loops of a nest, and what is in them."""
        loops = [var for var in nest.loops if var.n != 1]
        if nest.scan:
            self._scan(nest, loops)
            return
        for var in self._merged(loops, nest):
            self._open(var)
        array, value = nest.store.array, nest.store.value
        if array.shape == () and array.role == "local" and value.op == "reduce":
            self._reduce(value, array.name)
        else:
            self._write(nest, self.text(value))

    def _write(self, nest: Nest, value: str) -> None:
        array = nest.store.array
        if array.shape == () and array.role == "local":
            self._add(f"{self.constant(array.dtype)} {array.name} = {value};")
        else:
            to = self.read(array) if array.shape == () else f"{array.name}[{self.index(nest.store.index)}]"
            self._add(f"{to} {'+=' if nest.store.adds else '='} {value};")

    def _scan(self, nest: Nest, loops: list[Var]) -> None:
        """Store what was accumulated so far, along the last loop."""
        dtype, along = nest.store.array.dtype, nest.loops[-1]
        for var in loops:
            if var is not along:
                self._open(var)
        name = self._fresh({"sum": "total", "max": "most", "min": "least"}[nest.scan])
        self._add(f"{self.variable(dtype)} {name} = {self.start(nest.scan, dtype)};")
        if along in loops:
            self._open(along)
        value = self.text(nest.store.value)
        self._add(self.joined(nest.scan, name, value, nest.store.value))
        self._write(nest, name)

    def start(self, kind: str, dtype: Any) -> str:
        """Return the value that an accumulator begins with."""
        if kind in ("max", "min"):
            if dtype.kind == "b":
                return str(int(kind == "min"))
            ends = (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
            return self.number(ends[kind == "min"], dtype)
        return self.number(OF_NOTHING[kind], dtype)

    def joined(self, kind: str, name: str, value: str, expr: Expr) -> str:
        if kind in JOINED:
            return JOINED[kind].format(name, value)
        if kind in ("any", "all"):
            value = f"({value})" if "&&" in value else value
            return f"{name} = {name} {'||' if kind == 'any' else '&&'} {value};"
        sign = ">" if kind == "max" else "<"
        if not value.isidentifier():
            x = self._fresh("x")
            self._add(f"{self.constant(expr.dtype)} {x} = {value};")
            value = x
        or_nan = f" || {value} != {value}" if expr.dtype.kind == "f" else ""
        return f"if ({value} {sign} {name}{or_nan}) {name} = {value};"

    def _merged(self, loops: list[Var], nest: Nest) -> list[Var]:
        """Merge loops where the next one can run through both, since their elements lie one after another."""
        indices = [nest.store.index, *indices_in([nest.store.value])]
        if any(isinstance(atom, Part) for index in indices for atom in index.terms):
            return loops
        kept: list[Var] = []
        for var in loops:
            self.lengths[var] = var.n
            while kept:
                n = self.lengths[var]
                before = kept[-1]
                if any(index.terms.get(before, 0) != index.terms.get(var, 0) * n for index in indices):
                    break
                if any(before in index.terms and var not in index.terms for index in indices):
                    break
                if not any(var in index.terms for index in indices):
                    break
                self.lengths[var] = n * self.lengths[before]
                self.whole.add(kept.pop())
            kept.append(var)
        return kept

    def _open(self, var: Var, above: str = "", step: int = 1) -> None:
        name = next((c for c in "ijklmnpqr" if c not in self.local), None) or unique_name("i1", self.local)
        self.local.add(name)
        self.names[var] = name
        n = self.lengths.get(var, var.n)
        block: list[Any] = []
        self.open.add(id(block))
        on = f"{name}++" if step == 1 else f"{name} += {step}"
        self._add((f"{above}for ({self.counter()} {name} = 0; {name} < {n}; {on})", block))
        self.levels.append((var, block))

    def _add(self, line: Any) -> None:
        """Write a line where we are; if it does not vary with the loops that are still open, before them."""
        lines = self.levels[-1][1]
        is_open = [not isinstance(other, str) and id(other[1]) in self.open for other in lines]
        lines.insert(is_open.index(True) if True in is_open else len(lines), line)

    def _close(self) -> None:
        var, block = self.levels.pop()
        self.open.discard(id(block))
        self.local.discard(self.names[var])

    def _flat(self, lines: list[Any], depth: int) -> list[str]:
        out: list[str] = []
        for line in lines:
            if isinstance(line, str):
                out.append(self.indent * depth + line)
            else:
                head, block = line
                inside = self._flat(block, depth + 1)
                out += [f"{self.indent * depth}{part}" for part in f"{head} {{".lstrip().split("\n")]
                out += [*inside, f"{self.indent * depth}}}"]
        return out

    def index(self, index: Index) -> str:
        terms = [(atom, factor) for atom, factor in index.terms.items() if atom not in self.whole]
        terms.sort(key=lambda term: -term[1])
        written = ""
        for atom, factor in terms:
            one = self._atom(atom)
            size = abs(factor)
            term = one if size == 1 else f"{size} * {one}"
            sign = "-" if factor < 0 else "+"
            written = f"{written} {sign} {term}" if written else term if factor > 0 else f"-{term}"
        if index.const or not written:
            sign = "-" if index.const < 0 else "+"
            written = f"{written} {sign} {abs(index.const)}" if written else str(index.const)
        return written

    def _atom(self, atom: Any) -> str:
        if isinstance(atom, Var):
            return self.names[atom]
        if atom.kind == "quotient":
            return self.quotient(self.index(atom.of), atom.n)
        if atom.kind == "remainder":
            return f"(({self.index(atom.of)}) % {atom.n})"
        if atom.kind == "table":
            return f"{atom.table.name}[{self.index(atom.of)}]"
        value, level = self.expression(atom.of)
        return value if level == ATOM else f"({value})"

    def text(self, x: Expr) -> str:
        return self.expression(x)[0]

    def part(self, x: Expr, least: int) -> str:
        """Write an operand, in parentheses if it binds less."""
        written, level = self.expression(x)
        return written if level >= least else f"({written})"

    def _level(self, x: Expr) -> int:
        """Find the innermost open loop that an expression depends on."""
        return max((k for k, (var, _) in enumerate(self.levels) if var in x.vars), default=0) if x.vars else 0

    def expression(self, x: Expr) -> tuple[str, int]:
        """Return the text of an expression, and how strongly it binds."""
        if id(x) in self.bound:
            return self.bound[id(x)], ATOM
        if x.op == "load":
            array, index = x.args
            return (self.read(array) if array.shape == () else f"{array.name}[{self.index(index)}]"), ATOM
        if x.op == "number":
            written = self.number(x.args[0], x.dtype)
            return written, PREFIX if written.startswith("-") else ATOM
        if x.op == "index":
            return self.index(x.args[0]), ATOM if len(x.args[0].terms) + bool(x.args[0].const) < 2 else 11
        keep = x.op == "name" or (self.shared.get(id(x), 0) > 1 and x.op not in ("cast",))
        if x.op != "reduce" and not keep:
            return self.computed(x)
        saved, self.levels = self.levels, self.levels[: self._level(x) + 1]
        if x.op == "name":
            name = self._named(*x.args)
        elif x.op == "reduce":
            name = self._reduce(x)
        else:
            written, name = self.computed(x)[0], self._fresh(f"u{len(self.bound) + 1}")
            self._add(f"{self.constant(x.dtype)} {name} = {written};")
        self.levels = saved
        self.bound[id(x)] = name
        return name, ATOM

    def _named(self, name: str, x: Expr) -> str:
        """Declare what has a name. If a nest before computed the same, outside of all loops, use that."""
        if len(self.levels) == 1:
            name = self._fresh(name) if name in self.outermost else name
            self.outermost.add(name)
        if x.op == "reduce" and id(x) not in self.bound:
            self.bound[id(x)] = self._reduce(x, name)
        elif (written := self.text(x)) != name:
            self._add(f"{self.constant(x.dtype)} {name} = {written};")
        return name

    def _fresh(self, wish: str) -> str:
        """Return a name for a declaration: outside all loops it stays taken, and no loop inside has it already."""
        if len(self.levels) > 1:
            return unique_name(wish, self.local)
        name = unique_name(wish, self.local)
        self.taken.add(name)
        self.local.add(name)
        return name

    def _reduce(self, x: Expr, name: str = "") -> str:
        kind, loops, body = x.args
        wish = {"prod": "product", "max": "most", "min": "least"}.get(kind, kind)
        name = name or self._fresh(wish)
        self.local.add(name)
        loops = [var for var in loops if var.n != 1]
        if kind[:3] == "arg":
            best = self._fresh("best")
            self._add(f"{self.variable(x.dtype)} {name} = 0;")
            self._add(f"{self.variable(body.dtype)} {best} = {self.start(kind[3:], body.dtype)};")
        else:
            self._add(f"{self.variable(x.dtype)} {name} = {self.start(kind, x.dtype)};")
        if any(var.n == 0 for var in loops):
            return name
        for var in loops:
            if kind == "sum" and var is loops[-1] and all(i.terms.get(var, 0) in (0, 1) for i in indices_in([body])):
                self._open(var, self.before_sum(name))
            else:
                self._open(var)
        value = self.text(body)
        if kind[:3] == "arg":
            each = self._fresh("x")
            self._add(f"{self.constant(body.dtype)} {each} = {value};")
            sign = ">" if kind == "argmax" else "<"
            at = self.names[loops[0]] if loops else "0"
            or_nan = f" || ({each} != {each} && {best} == {best})" if body.dtype.kind == "f" else ""
            self._add((f"if ({each} {sign} {best}{or_nan})", [f"{best} = {each};", f"{name} = {at};"]))
            self.local.discard(each)
        else:
            self._add(self.joined(kind, name, value, body))
        for _ in loops:
            self._close()
        return name

    def computed(self, x: Expr) -> tuple[str, int]:
        """Write an operation, with its operands."""
        op, args, logical = x.op, x.args, x.dtype.kind == "b"
        if op == "cast":
            return self.cast(args[0], x.dtype)
        if op == "where":
            condition, yes, no = args
            return f"{self.part(condition, 3)} ? {self.part(yes, 3)} : {self.part(no, CHOICE)}", CHOICE
        if op == "negative":
            inside = self.part(args[0], PREFIX)
            return (f"-{inside}" if inside[0] != "-" else f"-({inside})"), PREFIX
        if op == "invert":
            return f"{'!' if logical else '~'}{self.part(args[0], PREFIX)}", PREFIX
        if op in OPERATORS and not (logical and op in ("multiply", "add")):
            symbol, level = LOGICAL[op] if logical and op in LOGICAL else OPERATORS[op]
            if symbol in ("==", "!="):
                symbol = self.equals(op, list(args))
            mixed = 13 if symbol in ("&&", "||", "&", "|", "^") else 0  # compilers want those in parentheses
            left, right = (
                self.part(a, max(level + (k == 1), mixed, 10 * (level in (8, 9)))) for k, a in enumerate(args)
            )
            if symbol == "-" and right.startswith("-"):
                right = f"({right})"
            return f"{left} {symbol} {right}", level
        if logical and op in ("multiply", "add"):
            symbol, level = LOGICAL["bitwise_and" if op == "multiply" else "bitwise_or"]
            return f"{self.part(args[0], 13)} {symbol} {self.part(args[1], 13)}", level
        return self.called(op, [self.text(a) for a in args], x.dtype), ATOM


def _shared(roots: list[Expr], index: Index) -> dict[int, int]:
    """Count how often each expression is read by others."""
    counts: dict[int, int] = {}
    seen: set[int] = set()
    queue = [*roots, *values_in(index)]
    for x in queue:
        counts[id(x)] = counts.get(id(x), 0) + 1
        if id(x) not in seen:
            seen.add(id(x))
            queue += x.parts
    return counts


def printer_text(printer: Printer, x: Expr) -> str:
    """Write an expression that stands outside of all loops."""
    printer.levels, printer.bound, printer.shared, printer.whole, printer.lengths = [(None, [])], {}, {}, set(), {}
    return printer.text(x)


def filled(items: list[str]) -> str:
    """Lay the parameters of a function out over several lines."""
    lines = [""]
    for k, item in enumerate(items):
        piece = item + ("," if k < len(items) - 1 else "")
        if lines[-1] and len(lines[-1]) + len(piece) > 110:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{piece}"
    return "\n    ".join(lines)


def shape_text(array: Array) -> str:
    return " by ".join(map(str, array.shape)) if array.shape else "a number"


def words_of(lines: list[str]) -> set[str]:
    """List every word in lines of code."""
    return {word for line in lines if not line.lstrip().startswith("//") for word in re.findall(r"\w+", line)}


def used(arrays: list[Array], words: set[str]) -> list[Array]:
    """List the arrays that occur in the code, and those whose memory these have: a loop that never runs is not
    written."""
    needed = {array.memory.name for array in arrays if array.name in words}
    return [array for array in arrays if array.name in words or array.name in needed]
