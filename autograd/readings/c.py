"""Loops as C: one function in one file of C11, which needs nothing but <math.h>."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.readings.elements import Array, Expr, LoweringError
from autograd.readings.loops import share_memory
from autograd.readings.lowering import Lowered
from autograd.readings.names import unique_name
from autograd.readings.printer import (
    ATOM,
    OPERATORS,
    OTHERS,
    PREFIX,
    WRAPPED,
    Printer,
    filled,
    printer_text,
    shape_text,
    type_name,
    used,
    words_of,
)

SAME = (
    "exp expm1 log log1p sqrt sin cos tan tanh sinh cosh floor ceil trunc rint cbrt exp2 log2 log10 hypot fmod copysign"
)
FUNCTIONS = {name: name for name in SAME.split()} | {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "arctan2": "atan2", "absolute": "fabs", "power": "pow",
}  # fmt: skip
TYPES = {"float64": "double", "float32": "float", "int64": "long long", "int32": "int", "int16": "short",
         "int8": "signed char", "uint64": "unsigned long long", "uint32": "unsigned", "uint16": "unsigned short",
         "uint8": "unsigned char", "bool": "_Bool"}  # fmt: skip
NARROW = {"int8", "int16", "uint8", "uint16"}
ROLES = {"output": ", filled with the gradient", "changed": ", moved"}
_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register"
    " restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm main"
    " INFINITY NAN isnan isinf signbit y0 y1 yn j0 j1 jn gamma erf"
)
KEYWORDS = frozenset(_WORDS.split()) | {name + end for name in FUNCTIONS.values() for end in ("", "f", "l")}


def type_of(dtype: Any) -> str:
    return type_name(dtype, TYPES, "C has on every machine")


class CPrinter(Printer):
    functions = frozenset({*FUNCTIONS, *OPERATORS, *OTHERS})
    reserved = KEYWORDS

    def declarations(self) -> list[str]:
        """Write what stands above the function."""
        return []

    def number(self, value: Any, dtype: Any) -> str:
        dtype = np.dtype(dtype)
        if dtype.kind != "f":
            value = int(value)
            if value == -(2**63):  # in C that is minus a number that is too large
                return f"({value + 1} - 1)"
            return f"{value}{'u' if value >= 2**63 else ''}"
        value = dtype.type(value)
        if not np.isfinite(value):
            return "NAN" if np.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
        written = str(value)
        written = written if any(c in written for c in ".e") else f"{written}.0"
        return f"{written}f" if dtype == np.float32 else written

    def called(self, name: str, args: list[str], dtype: Any) -> str:
        return f"{FUNCTIONS[name]}{'f' if dtype == np.float32 else ''}({', '.join(args)})"

    def cast(self, x: Expr, dtype: Any) -> tuple[str, int]:
        if np.dtype(dtype).kind == "b":
            return f"{self.part(x, 9)} != 0", 8
        return f"({type_of(dtype)}){self.part(x, ATOM)}", PREFIX

    def computed(self, x: Expr) -> tuple[str, int]:
        """Write an operation. C computes with narrow whole numbers as with int, and NumPy does not."""
        if x.op == "invert" and x.dtype.name in ("uint8", "uint16"):
            return f"{np.iinfo(x.dtype).max} - {self.part(x.args[0], 12)}", OPERATORS["subtract"][1]
        written = super().computed(x)
        if x.op in WRAPPED and x.dtype.name in NARROW:
            return f"({type_of(x.dtype)})({written[0]})", PREFIX
        return written

    def quotient(self, of: str, n: int) -> str:
        return f"(({of}) / {n})"

    def constant(self, dtype: Any) -> str:
        return f"const {type_of(dtype)}"

    def variable(self, dtype: Any) -> str:
        return type_of(dtype)

    def counter(self) -> str:
        return "int"

    def read(self, array: Array) -> str:
        return f"*{array.name}" if array.role == "output" else array.name


def parameter(array: Array) -> str:
    """Declare a parameter: a number as a value, an array as a pointer that nothing else overlaps."""
    kind = type_of(array.dtype)
    if array.role in ("output", "changed"):
        return f"{kind} *restrict {array.name}"
    return f"const {kind} *restrict {array.name}" if array.shape else f"{kind} {array.name}"


def declared(program: Lowered, words: set[str]) -> list[str]:
    """Declare the memory of a program: constant tables, and what is kept between the nests."""
    printer = CPrinter(set())
    lines = []
    for array in program.loops.constants:
        if array.name not in words:
            continue
        items = ", ".join(printer.number(x, array.dtype) for x in array.data.ravel().tolist())
        several = f"[{max(array.size, 1)}] = {{{items}}}" if array.shape else f" = {items}"
        lines.append(f"static const {type_of(array.dtype)} {array.name}{several};")
    for array in used([array for array in program.loops.locals if array.shape], words):
        kind = type_of(array.dtype)
        if array.memory is array:
            lines.append(f"static {kind} {array.name}[{max(array.size, 1)}];")
        else:
            lines.append(f"{kind} *const {array.name} = {array.memory.name};")
    return lines


def wrapped(lines: list[str]) -> list[str]:
    """Break long tables over several lines."""
    out = []
    for line in lines:
        while len(line) > 116 and line.rfind(", ", 0, 116) > 0:
            cut = line.rfind(", ", 0, 116)
            out.append(line[: cut + 1])
            line = f"    {line[cut + 2 :]}"
        out.append(line)
    return out


def c_text(program: Lowered, language: type[CPrinter] = CPrinter) -> str:
    """Write the file of C."""
    share_memory(program.loops, program.value)
    printer = language(program.taken)
    body = printer.nests(program.loops.nests)
    value = program.value
    if any(array.size >= 2**31 for array in [*program.inputs, *program.outputs, *program.loops.locals]):
        raise LoweringError("arrays of 2^31 elements or more cannot be written as C")
    returned = printer_text(printer, value.at(()))
    words = words_of([*body, returned])
    unused = [x.name for x in [*program.inputs, *program.outputs] if x.name not in words]
    parameters = [*map(parameter, [*program.inputs, *program.outputs])]
    wide = max(map(len, (x.name for x in [*program.inputs, *program.outputs])), default=0)
    says = [f"//   {x.name:{wide}}  {shape_text(x)}{ROLES.get(x.role, '')}"
            for x in [*program.inputs, *program.outputs]]  # fmt: skip
    lines = [*wrapped(declared(program, words)), *(f"(void){name};" for name in unused), *body, f"return {returned};"]
    head = f"{type_of(value.dtype)} {program.name}({', '.join(parameters)})"
    if len(head) > 118:
        head = f"{type_of(value.dtype)} {program.name}(\n    {filled(parameters)})"
    return (
        f"#include <math.h>\n\n{''.join(f'{line}{chr(10)}' for line in printer.declarations())}// {program.says}\n"
        + "".join(f"{line}\n" for line in says)
        + "// Arrays lie in memory row by row. What is static is for one thread at a time.\n"
        + f"{head}\n{{\n"
        + "".join(f"    {line}\n" for line in lines)
        + "}\n"
    )


def epoch_text(program: Lowered, rows: list[Array]) -> str:
    """Write a function that takes a step for each mini-batch, whose `rows` it gathers.

    It takes the arrays with all their rows, the order of the rows, the numbers of the first mini-batch and of the one
    after the last, whatever else a step takes (one number for each mini-batch), and memory for the value of each.
    """
    size, value = rows[0].shape[0], type_of(program.value.dtype)
    taken = set(program.taken)
    every, order, first, last, n, i, values = (
        unique_name(wish, taken) for wish in ("every", "order", "first", "last", "n", "i", "values")
    )
    whole = {array.name: unique_name(f"{every}_{array.name}", taken) for array in rows}
    parameters = [f"const {type_of(array.dtype)} *restrict {whole[array.name]}" for array in rows]
    parameters += [f"const long long *restrict {order}", f"int {first}", f"int {last}"]
    lines, copies, given = [], [], []
    for array in program.inputs:
        given.append(array.name)
        if array in rows:
            length = array.size // size
            lines.append(f"static {type_of(array.dtype)} {array.name}[{array.size}];")
            place = f"{order}[{size} * {n} + {i}]"
            copies.append(
                f"memcpy({array.name} + {length} * {i}, {whole[array.name]} + {length} * {place},"
                f" {length} * sizeof(*{array.name}));"
            )
        elif array.shape:
            parameters.append(parameter(array))
        else:
            parameters.append(f"const {type_of(array.dtype)} *restrict {array.name}")
            given[-1] = f"{array.name}[{n} - {first}]"
    parameters.append(f"{value} *restrict {values}")
    body = [
        *lines,
        f"for (int {n} = {first}; {n} < {last}; {n}++) {{",
        f"    for (int {i} = 0; {i} < {size}; {i}++) {{", *(f"        {line}" for line in copies), "    }",
        f"    {values}[{n}] = {program.name}({', '.join(given)});",
        "}",
    ]  # fmt: skip
    return (
        f"\n// A step for each mini-batch of {size}, from the first to the one before the last.\n"
        f"void {program.name}_epoch(\n    {filled(parameters)})\n{{\n"
        + "".join(f"    {line}\n" for line in body) + "}\n"
    )  # fmt: skip


def numbers_text(program: Lowered) -> str:
    """Write a function for a program of numbers alone. They lie in memory: those it takes, its value, and the
    gradients.

    Passing a number from Python takes as long as a small program runs.
    """
    kept = f"{program.name}_numbers"
    taken = [array for array in program.inputs if array.dtype.kind == "f"]
    given = [f"{kept}[{taken.index(array)}]" if array in taken else "0" for array in program.inputs]
    given += [f"{kept} + {len(taken) + 1 + i}" for i in range(len(program.outputs))]
    return (
        f"\n{type_of(program.value.dtype)} {kept}[{len(taken) + 1 + len(program.outputs)}];\n\n"
        f"// What it takes is in {kept}, and there it leaves the value and the gradients.\n"
        f"void {program.name}_of_numbers(void)\n{{\n"
        f"    {kept}[{len(taken)}] = {program.name}({', '.join(given)});\n}}\n"
    )
