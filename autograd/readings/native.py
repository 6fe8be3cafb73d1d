"""Builds C with the machine's compiler, and calls it.

A program is built once, and kept in a folder of the user's own, under a name made of its text, the compiler, its flags
and the processor. It is built beside that and then renamed, so that two processes may build the same at once. Nothing
is loaded that others could have written.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.readings.blas import blas
from autograd.readings.blocked import FastPrinter
from autograd.readings.c import c_text, epoch_text, numbers_text
from autograd.readings.elements import Array
from autograd.readings.lowering import Lowered, lowered
from autograd.readings.trace import Trace
from autograd.tensor import Node

# Nobody looks at errno or at traps. What -ffast-math does besides is left out: x - x is not 0 where x is infinite. Sums
# alone are added up in another order, as NumPy's own are: where a pragma says so, which -fopenmp-simd reads.
FLAGS = ("-std=c11", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd")
TYPES = {"d": ctypes.c_double, "f": ctypes.c_float, "q": ctypes.c_longlong, "l": ctypes.c_long, "?": ctypes.c_bool,
         "i": ctypes.c_int, "h": ctypes.c_short, "b": ctypes.c_byte, "B": ctypes.c_ubyte, "H": ctypes.c_ushort,
         "I": ctypes.c_uint, "L": ctypes.c_ulong, "Q": ctypes.c_ulonglong}  # fmt: skip


class CompilerError(RuntimeError):
    """Raised if no C compiler is found, or if it does not compile a program; shows what it says."""


@cache
def compiler() -> tuple[str, ...]:
    """Return the command of the C compiler: $CC, cc, gcc, clang, or the one in the package ziglang.

    Raises CompilerError if there is none.
    """
    chosen = shlex.split(os.environ.get("CC", ""))
    if chosen:
        if shutil.which(chosen[0]) is None:
            raise CompilerError(f"$CC says that the C compiler is {chosen[0]}, which is not there")
        return tuple(chosen)
    for name in ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found is not None:
            return (found,)
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    raise CompilerError(
        "there is no C compiler: install gcc or clang, or the one that pip brings: pip install 'handgrad[native]' (in a"
        " checkout: pip install '.[native]'), or use backend=\"numpy\""
    )


@cache
def folder() -> Path:
    """Return the folder that programs are kept in: $HANDGRAD_CACHE, or the user's cache. Make a new one if that is
    missing, cannot be written, or belongs to others."""
    usual = {"darwin": "~/Library/Caches", "win32": os.environ.get("LOCALAPPDATA", "~")}.get(sys.platform, "~/.cache")
    base = os.environ.get("HANDGRAD_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or usual, "handgrad")
    path = Path(base).expanduser()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_ours(path) and os.access(path, os.W_OK):
            return path
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="handgrad-"))


def is_ours(path: Path) -> bool:
    """Say whether a file or folder is the user's own, and nobody else may write it. A link never is."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return False
    if not hasattr(os, "getuid"):  # on Windows the folder is the user's by where it is
        return True
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@cache
def _machine() -> str:
    """Say what -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    except OSError:
        return f"{platform.machine()} {platform.processor()}"


@cache
def _version(command: tuple[str, ...]) -> str:
    """Say what tells one compiler from another: the file, and when it was changed."""
    path = Path(shutil.which(command[0]) or command[0])
    try:
        found = path.resolve().stat()
        return f"{path.resolve()} {found.st_size} {found.st_mtime_ns}"
    except OSError:
        return str(path)


_loaded: dict[str, tuple[Any, Lock]] = {}


def built(text: str, flags: Sequence[str] = FLAGS) -> tuple[Any, Lock]:
    """Load the library of a C text, built unless it was built before, and a lock: static memory serves one call at a
    time.

    Raises CompilerError, with the compiler's own message and the path of the text, if it does not compile.
    """
    command = compiler()
    about = "\0".join([text, *command, _version(command), *flags, _machine(), sys.platform])
    key = hashlib.sha256(about.encode()).hexdigest()[:40]
    if key not in _loaded:
        path = folder() / f"{key}{'.dll' if sys.platform == 'win32' else '.so'}"
        library = _load(path) if path.exists() and is_ours(path) else None
        if library is None:
            _build(text, path, command, flags)
            library = ctypes.CDLL(str(path))
        _loaded[key] = (library, Lock())
    return _loaded[key]


def _load(path: Path) -> Any:
    """Load a library that was built before; return None if it is damaged."""
    try:
        return ctypes.CDLL(str(path))
    except OSError:
        return None


def _build(text: str, path: Path, command: tuple[str, ...], flags: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="building-") as beside:
        source, target = Path(beside) / "program.c", Path(beside) / path.name
        source.write_text(text)
        shared = [] if sys.platform == "win32" else ["-fPIC"]
        try:
            done = subprocess.run(
                [*command, *flags, *shared, "-shared", "-o", str(target), str(source), "-lm"],
                capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise CompilerError(f"the C compiler {shlex.join(command)} cannot be run: {error}") from error
        kept = path.with_suffix(".c")
        os.replace(source, kept)
        if done.returncode or not target.exists():
            raise CompilerError(
                f"{shlex.join([*command, *flags])} does not compile {kept} (exit code {done.returncode}):\n"
                f"{done.stderr.strip()[:4000]}"
            )
        target.chmod(0o700)
        os.replace(target, path)


def native_text(trace: Trace) -> tuple[Lowered, list[Array], str]:
    """Write the C of a trace for this machine; return its loops, its mini-batches if there is a function for an epoch,
    and the text."""
    program = lowered(trace, FastPrinter, exact=True)
    text, rows = c_text(program, FastPrinter), _rows(program, trace)
    if rows:
        text = text.replace("<math.h>\n", "<math.h>\n#include <string.h>\n", 1) + epoch_text(program, rows)
    if _of_numbers(program, trace):
        text += numbers_text(program)
    return program, rows, text


def _of_numbers(program: Lowered, trace: Trace) -> bool:
    """Say whether a program takes numbers and gives numbers, all of one dtype."""
    arrays = [*program.inputs, *program.outputs]
    floats = {program.value.dtype, *[array.dtype for array in arrays if array.dtype.kind == "f"]}
    whole = isinstance(trace.output._value, ndarray)
    return len(floats) == 1 and not whole and not trace.moves and not any(array.shape for array in arrays)


def _rows(program: Lowered, trace: Trace) -> list[Array]:
    """List the arguments of a step that are mini-batches: arrays of equal length. Return None unless all of them
    are."""
    called = {array.name: array for array in program.inputs}
    names = trace.parameters[: len(trace.inputs)]
    rows = [called.get(program.parameters.get(name, "")) for name in names]
    found = [array for array in rows if array is not None and array.shape and array.size]
    alike = len(found) == len(names) and len({array.shape[0] for array in found}) == 1
    return found if alike and trace.moves and not program.outputs else []


class Native:
    """A built program as a function: called like the NumPy program, with plain arrays and numbers.

    source  its C
    """

    def __init__(self, trace: Trace, overwrite: bool):
        self.program, self.rows, self.source = native_text(trace)
        program = self.program
        self.library, self.lock = built(self.source)
        products = blas()
        for name in ("sgemm", "dgemm") if products else ():
            if f"(*{name})" in self.source:
                ctypes.c_void_p.in_dll(self.library, name).value = getattr(products, name)
        self._function = entry(self.library, program.name, program)
        of_numbers = _of_numbers(program, trace)
        self.run = self._caller_of_numbers(program, trace) if of_numbers else self._caller(program, trace, overwrite)

    def epoch(self, data: list[Any], order: Any, first: int, last: int, others: dict[str, Any], values: Any) -> None:
        """Take steps for the mini-batches `first` up to, not including, `last` of an order of rows.

        data    all rows of the arguments
        others  arrays, and of each number one for every mini-batch, by the names of the program's parameters
        values  what each gave is written here
        """
        given = [x.ctypes.data for x in [*data, order]]
        names = {called: name for name, called in self.program.parameters.items()}
        places = [others[names[x.name]].ctypes.data for x in self.program.inputs if x not in self.rows]
        function = self.library[f"{self.program.name}_epoch"]
        pointer = ctypes.c_void_p
        with self.lock:
            function(
                *map(pointer, given), ctypes.c_int(first), ctypes.c_int(last), *map(pointer, places),
                pointer(values.ctypes.data),
            )  # fmt: skip

    def _caller_of_numbers(self, program: Lowered, trace: Trace) -> Any:
        """Make the function of a program of numbers alone: they are packed into its memory, and unpacked from there."""
        dtype = program.value.dtype
        value, *gradients = (f"results[{i}]" for i in range(1 + len(program.outputs)))  # faster than all in a row
        names = dict(zip(trace.parameters, (f"x{i}" for i in range(len(trace.parameters))), strict=True))
        called = {array: parameter for parameter, array in program.parameters.items()}
        given = [names[called[array.name]] for array in program.inputs if array.dtype.kind == "f"]
        function = self.library[f"{program.name}_of_numbers"]
        function.restype = None
        number: Any = TYPES[dtype.char]
        memory = (number * (len(given) + 1 + len(gradients))).in_dll(self.library, f"{program.name}_numbers")
        known: dict[str, Any] = {"call": function, "lock": self.lock, "memory": memory}
        known["pack"] = struct.Struct(f"{len(given)}{dtype.char}").pack_into
        known["results"] = np.frombuffer(memory, dtype)[len(given) :]
        text = "\n".join([
            f"def run({', '.join(names.values())}):",
            "    with lock:", f"        pack({', '.join(['memory', '0', *given])})", "        call()",
            f"        return {value}, ({''.join(f'{g}, ' for g in gradients)})",
        ])  # fmt: skip
        exec(text, known)
        return known["run"]

    def _caller(self, program: Lowered, trace: Trace, overwrite: bool) -> Any:
        """Write the function for these parameters: a loop over them would take longer than a small program."""
        names = [f"x{i}" for i in range(len(trace.parameters))]
        known: dict[str, Any] = {"call": self._function, "lock": self.lock, "fitting": fitting, "empty": np.empty}
        lines, given, after = [], [], []
        place = {array.name: array for array in program.inputs}
        for name, parameter, value in zip(names, trace.parameters, trace.given, strict=True):
            array = place.get(program.parameters.get(parameter, ""))
            if array is None:
                continue
            if array.shape:
                known[f"{name}_type"] = array.dtype
                if array.role == "changed":
                    lines.append(f"    {name}_ = {name}")
                    after.append(f"    if {name}_ is not {name}: {name}_[...] = {name}")
                lines.append(
                    f"    if not ({name}.flags.c_contiguous and {name}.flags.aligned and {name}.dtype is {name}_type):"
                )
                lines.append(f"        {name} = fitting({name}, {name}_type)")
                given.append(f"{name}.ctypes.data")
            else:
                whole = (
                    f"int({name})" if isinstance(value, Node) else "0"
                )  # a program is made for one number of Python's
                given.append(name if array.dtype.kind == "f" else whole)
        numbers: dict[Any, list[str]] = {}  # results of shape (): those of a dtype lie in one array
        for i, array in enumerate(program.outputs):
            if array.shape:
                known |= {f"shape{i}": array.shape, f"type{i}": array.dtype}
                if overwrite:
                    known[f"g{i}"] = np.empty(array.shape, array.dtype)
                else:
                    lines.append(f"    g{i} = empty(shape{i}, type{i})")
                given.append(f"g{i}.ctypes.data")
            else:
                among = numbers.setdefault(array.dtype, [])
                given.append(f"numbers_{array.dtype.char} + {len(among) * array.dtype.itemsize}")
                among.append(f"g{i}")
        read = []
        for dtype, among in numbers.items():
            kept = np.empty(len(among), dtype)
            known |= {f"numbers_{dtype.char}": kept.ctypes.data, f"kept_{dtype.char}": kept}
            read += [f"        {g} = kept_{dtype.char}[{i}]" for i, g in enumerate(among)]
        shape = np.shape(trace.output._value)
        known |= {"number": program.value.dtype.type, "full": np.full, "shape": shape}
        returned = "full(shape, value)" if isinstance(trace.output._value, ndarray) else "number(value)"
        text = "\n".join([
            f"def run({', '.join(names)}):", *lines,
            "    with lock:", f"        value = call({', '.join(given)})", *read, *after,
            f"    return {returned}, ({''.join(f'g{i}, ' for i in range(len(program.outputs)))})",
        ])  # fmt: skip
        exec(text, known)
        return known["run"]

    def bound(self, parameters: list[str], held: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Write a call with `parameters`, of which those that are `held` stay where they are; return the text and what
        it needs.

        The others are arrays that may be written into, row by row: their address is found faster.
        """
        known: dict[str, Any] = {"call_c": self._function, "at": ctypes.c_char.from_buffer, "by": ctypes.byref}
        known["number_"] = self.program.value.dtype.type
        arrays = {array.name: array for array in self.program.inputs}
        given = []
        for name in parameters:
            array = arrays.get(self.program.parameters.get(name, ""))
            if array is None:
                continue
            if name in held:
                given.append(str(held[name].ctypes.data))
            else:
                given.append("None" if not array.size else f"by(at({name}))" if array.shape else name)
        return f"number_(call_c({', '.join(given)}))", known


def fitting(x: Any, dtype: Any) -> Any:
    """Lay out an array as C takes it: row by row, aligned, in the machine's own byte order."""
    return np.require(x, dtype.newbyteorder("="), ["C", "A"])


def entry(library: Any, name: str, program: Lowered) -> Any:
    """Return a function of a library, with the types of its arguments."""
    function = library[name]
    function.argtypes = [_kind(array) for array in [*program.inputs, *program.outputs]]
    function.restype = TYPES[program.value.dtype.char]
    return function


def _kind(array: Array) -> Any:
    return ctypes.c_void_p if array.shape or array.role == "output" else TYPES[array.dtype.char]
