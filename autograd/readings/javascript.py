"""Loops as JavaScript: one function over typed arrays, for a browser or for node, which needs nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.readings.elements import Array, Expr, LoweringError
from autograd.readings.loops import share_memory
from autograd.readings.lowering import Lowered
from autograd.readings.printer import (
    ATOM,
    OPERATORS,
    OTHERS,
    WRAPPED,
    Printer,
    filled,
    printer_text,
    shape_text,
    type_name,
    used,
    words_of,
)

SAME = "exp expm1 log log1p sqrt sin cos tan tanh sinh cosh floor ceil trunc cbrt log2 log10 hypot sign"
FUNCTIONS = {name: f"Math.{name}" for name in SAME.split()} | {
    "arcsin": "Math.asin", "arccos": "Math.acos", "arctan": "Math.atan", "arcsinh": "Math.asinh",
    "arccosh": "Math.acosh", "arctanh": "Math.atanh", "arctan2": "Math.atan2", "absolute": "Math.abs",
    "maximum": "Math.max", "minimum": "Math.min", "power": "Math.pow", "fmod": "%",
}  # fmt: skip
TYPES = {"float64": "Float64Array", "float32": "Float32Array", "int64": "Float64Array", "int32": "Int32Array",
         "int16": "Int16Array", "int8": "Int8Array", "uint64": "Float64Array", "uint32": "Uint32Array",
         "uint16": "Uint16Array", "uint8": "Uint8Array", "bool": "Uint8Array"}  # fmt: skip
WRAPS = {"int8": "{} << 24 >> 24", "int16": "{} << 16 >> 16", "int32": "{} | 0", "uint8": "{} & 255",
         "uint16": "{} & 65535", "uint32": "{} >>> 0"}  # fmt: skip
_WORDS = (
    "abstract arguments await boolean break byte case catch char class const continue debugger default delete do double"
    " else enum eval export extends false final finally float for function goto if implements import in instanceof int"
    " interface let long native new null package private protected public return short static super switch"
    " synchronized this throw throws transient true try typeof var void volatile while with yield Math Infinity NaN"
    " Number undefined Array Object Float64Array Float32Array Int32Array Uint8Array"
)
KEYWORDS = frozenset(_WORDS.split())


def type_of(dtype: Any) -> str:
    return type_name(dtype, TYPES, "JavaScript has")


class JavaScriptPrinter(Printer):
    functions = frozenset({*FUNCTIONS, *OPERATORS, *OTHERS})
    reserved = KEYWORDS
    indent = "  "

    def number(self, value: Any, dtype: Any) -> str:
        dtype = np.dtype(dtype)
        value = dtype.type(value) if dtype.kind == "f" else int(value)
        if dtype.kind == "f" and not np.isfinite(value):
            return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        written = str(value)
        return written.removesuffix(".0")

    def called(self, name: str, args: list[str], dtype: Any) -> str:
        if name == "fmod":
            return f"(({args[0]}) % ({args[1]}))"
        return f"{FUNCTIONS[name]}({', '.join(args)})"

    def cast(self, x: Expr, dtype: Any) -> tuple[str, int]:
        dtype = np.dtype(dtype)
        if dtype.kind == "b":
            return f"{self.part(x, 9)} !== 0", 8
        if x.dtype.kind == "b":
            return f"Number({self.text(x)})", ATOM
        if dtype.name in WRAPS and (x.dtype.kind == "f" or not np.can_cast(x.dtype, dtype)):
            return f"({WRAPS[dtype.name].format(self.part(x, ATOM))})", ATOM  # which leaves out the fraction, too
        if dtype.kind in "iu" and x.dtype.kind == "f":
            return f"Math.trunc({self.text(x)})", ATOM
        if dtype == np.float32 and x.dtype == np.float64:
            return f"Math.fround({self.text(x)})", ATOM
        return self.expression(x)

    def computed(self, x: Expr) -> tuple[str, int]:
        """Write an operation. JavaScript computes with whole numbers as with all others, and NumPy does not."""
        if x.op in ("subtract", "negative", "invert") and x.dtype == np.uint64:
            raise LoweringError(f"{x.op} of uint64: JavaScript has no numbers of 64 bits without a sign; use int64")
        written = super().computed(x)
        if x.op in WRAPPED and x.dtype.name in WRAPS:
            return f"({WRAPS[x.dtype.name].format(f'({written[0]})')})", ATOM
        return written

    def equals(self, op: str, args: list[Expr]) -> str:
        exact = not any(x.dtype.kind == "b" for x in args)  # true is 1 in an array
        return ("==" if op == "equal" else "!=") + "=" * exact

    def quotient(self, of: str, n: int) -> str:
        return f"Math.floor(({of}) / {n})"

    def constant(self, dtype: Any) -> str:
        return "const"

    def variable(self, dtype: Any) -> str:
        return "let"

    def counter(self) -> str:
        return "let"

    def joined(self, kind: str, name: str, value: str, expr: Expr) -> str:
        return super().joined(kind, name, value, expr).replace(f"{value} != {value})", f"{value} !== {value})")


def _made(array: Array) -> str:
    return f"const {array.name} = new {type_of(array.dtype)}({array.size});"


def javascript_text(program: Lowered) -> str:
    """Write the function."""
    share_memory(program.loops, program.value)
    printer = JavaScriptPrinter(program.taken)
    body = printer.nests(program.loops.nests)
    lines: list[str] = []
    value = printer_text(printer, program.value.at(()))
    words = words_of([*body, value])
    for array in program.loops.constants:
        if array.name not in words:
            continue
        items = ", ".join(printer.number(x, array.dtype) for x in array.data.ravel().tolist())
        lines.append(f"const {array.name} = {f'[{items}]' if array.shape else items};")
    for array in used([array for array in program.loops.locals if array.shape], words):
        lines.append(_made(array) if array.memory is array else f"const {array.name} = {array.memory.name};")
    for array in program.outputs:
        if array.shape:
            lines.append(_made(array))
    scalars = {array.name for array in program.outputs if not array.shape}  # a number is made where it is computed
    body = [f"const {line}" if line.partition(" = ")[0] in scalars else line for line in body]
    inputs = program.inputs
    wide = max(map(len, (x.name for x in inputs)), default=0)
    says = [f"//   {x.name:{wide}}  {shape_text(x)}" + (f", a {type_of(x.dtype)}" if x.shape else "") for x in inputs]
    found = ", ".join(x.name for x in program.outputs)
    names = [x.name for x in inputs]
    head = f"function {program.name}({', '.join(names)}) {{"
    if len(head) > 118:
        head = f"function {program.name}(\n    {filled(names)}) {{"
    return (
        f"// {program.says}\n"
        + "".join(f"{line}\n" for line in says)
        + f"// Arrays are typed arrays, row by row. Returns [value, [{found}]].\n"
        + f"{head}\n"
        + "".join(f"  {line}\n" for line in [*lines, *body, f"return [{value}, [{found}]];"])
        + "}\n"
    )
