"""Reading 4: runs a function again without rebuilding its graph."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, overload

import numpy as np
from numpy import ndarray

from autograd.backward import backprop, memory_of
from autograd.readings.display import Lines
from autograd.readings.program import Program, kinds
from autograd.readings.step import Step
from autograd.readings.updates import Update
from autograd.recording import is_tracing, recording
from autograd.tensor import Tensor, plain


class ReplayError(RuntimeError):
    """Raised by a function compiled with check=True if it no longer does what its program replays."""


class Compiled:
    """What `compile` returns: call it in place of the function. `source` shows the programs that it runs."""

    def __init__(self, f: Callable[..., Any], check: bool, overwrite: bool, backend: str = "numpy"):
        self.f, self.check, self.overwrite, self.backend = f, check, overwrite, backend
        self._programs: dict[Any, Program] = {}
        self._like_before: Callable[..., Any] = f  # a call like the one before, which takes `_arity` arguments
        self._arity = -1
        self._lock = Lock()  # the buffers of a program are for one thread at a time
        self._written: set[int] = set()  # the memory of the gradients that calls overwrite

    def __call__(self, *args: Any) -> Any:
        if is_tracing():  # by another function, which is to see what this one does
            return self.f(*args)
        if len(args) == self._arity:
            value = self._like_before(*args)
            if value is not None:
                return value
        for i, arg in enumerate(args):
            if isinstance(arg, Tensor) and arg.inputs:
                raise TypeError(
                    f"compile: argument {i} was computed from other Tensors, which would get no gradient; compute it in"
                    " the function, or pass t.detach()"
                )
        key = kinds(args)
        program = self._programs.get(key)
        if program is None or not program.fits():
            program = self._programs[key] = Program(self.f, args, self.overwrite, self.backend)
            program.direct = None if self.check else program.without_loops(args, self._lock, self._written)
        if program.direct is not None:
            self._like_before, self._arity = program.direct, len(args)
        values = [x._value if isinstance(x, Tensor) else x for x in (*args, *program.outside)]
        if self.overwrite:  # an argument may be the gradient of the call before
            values = [x.copy() if type(x) is ndarray and memory_of(x) in self._written else x for x in values]
        reached = [arg for arg in args if isinstance(arg, Tensor)] + program.outside
        for x in reached:
            x.grad = None  # its memory, still in the cache, is what the new gradient will most likely be given
        with self._lock:
            value, gradients = program.run(*values, *program.arrays)
        if self.overwrite:
            self._written.update(memory_of(g) for g in gradients if type(g) is ndarray)
        if type(value) is ndarray:
            value = value.copy()  # it may be a parameter's own memory
        if not program.all_fresh:
            gradients = program.owned(gradients, reached, values)
        found: dict[Tensor, Any] = {}
        for x, g in zip(reached, gradients):
            found[x] = found[x] + g if x in found else g  # the same Tensor may be there twice
        if self.check:
            self._compare(args, value, found)
        for x, g in found.items():
            x.grad = g
        return value

    @property
    def source(self) -> Lines:
        """The text of the programs, one for each combination of shapes and dtypes seen so far."""
        return Lines("\n\n".join(program.source for program in self._programs.values()))

    def _compare(self, args: tuple[Any, ...], value: Any, found: dict[Tensor, Any]) -> None:
        with recording():
            output = self.f(*args)
            grads = backprop(output) if isinstance(output, Tensor) else {}
        pairs = [("the value", value, plain(output))]
        pairs += [(f"the gradient of {x.name or 'a Tensor'}", g, grads.pop(x, 0.0)) for x, g in found.items()]
        unknown = [x for x in grads if x.op is None]
        for what, replayed, eager in pairs:
            tolerance = 1e-5 if np.asarray(eager).dtype == np.float32 else 1e-12
            if np.array_equal(replayed, eager, equal_nan=True):
                continue
            if not np.max(np.abs(replayed - eager), initial=0.0) <= tolerance * np.max(np.abs(eager), initial=0.0):
                raise ReplayError(
                    f"compile: {what} is replayed as {replayed!r:.60}, and the function gives {eager!r:.60}; it"
                    " branches on a value, or uses an array from outside that has changed: make that array an argument"
                )
        if unknown:
            raise ReplayError(
                f"compile: the function now reaches {unknown[0].name or 'a Tensor'}, which it did not before"
            )


@overload
def compile(
    f: Callable[..., Any], *, check: bool = False, overwrite: bool = False, backend: str = "numpy", update: None = None
) -> Compiled: ...
@overload
def compile(f: Callable[..., Any], *, backend: str = "numpy", update: Update) -> Step: ...
def compile(
    f: Callable[..., Any], *, check: bool = False, overwrite: bool = False, backend: str = "numpy",
    update: Update | None = None,
) -> Compiled | Step:  # fmt: skip
    """Run `f` and a fresh `backward()` without building a graph: for a training step that is repeated many times.

    `step = compile(f)`; `step(*arrays)` returns f's value, as plain NumPy, and leaves the gradient in `.grad` of every
    parameter that f reached: Tensors among the arguments, and those from outside, whose data is read at each call. The
    first call for each combination of shapes and dtypes traces f; from then on its straight-line program runs, which
    `step.source` shows. The results are those of f itself, to the last bit where NumPy's own are.

    Intermediate values are in buffers, made once and shared; the value and the gradients are new arrays at each call.
    With `overwrite`, each call writes the gradients into the arrays of the one before: a little faster.

    >>> w = Tensor([1.0, 2.0], name="w")
    >>> step = compile(lambda x: np.sum((x * w) ** 2))
    >>> float(step(np.array([3.0, 1.0]))), w.grad
    (13.0, array([18.,  4.]))

    A function that looks at a value (`if x > 0`, `float(x)`, `t.data`) is refused:

    >>> step = compile(lambda x: w.sum() if x > 0 else w.sum() * 2.0)
    >>> step(1.0)
    Traceback (most recent call last):
        ...
    autograd.recording.TracedValueError: the truth value ... of array made by greater of shape () is read ...

    What f finds outside its arguments (numbers, arrays, parameters, in variables, attributes and lists) is looked at
    before each call, and f is traced again if it changed. Long arrays are better passed as arguments: those from
    outside are compared each time. A function that does something else when it is called again (random numbers) is
    refused.

    >>> scale = {"by": np.array([1.0, 1.0])}
    >>> step = compile(lambda x: np.sum(w * scale["by"]) * x)
    >>> float(step(1.0))
    3.0
    >>> scale["by"] = np.array([5.0, 5.0])
    >>> float(step(1.0))
    15.0

    With `backend="c"`, the program is written in C, built with the machine's compiler ($CC, cc, gcc, clang, or that of
    the package ziglang), kept for the next time, and called. Its results are those of f to rounding: sums are added up
    in another order. Arrays that do not lie in memory as C takes them are copied. Raises CompilerError if there is no
    compiler, and LoweringError for an operation that has no loops.

    With `update`, an optimiser such as `nn.SGD`, the program is a whole step: it moves the parameters too, and leaves
    no gradient in `.grad`. `step(*arrays)` returns f's value before the move. The update is recorded like f;
    `autograd.readings.updates.Update` says what an optimiser has to have.

    >>> from nn import SGD
    >>> step = compile(lambda x: np.sum((x * w) ** 2), update=SGD([w], eta=0.1))
    >>> float(step(np.array([3.0, 1.0]))), w
    (13.0, Tensor([-0.8,  1.6], name='w'))

    `check=True` compares each call with f itself (ReplayError), which finds what cannot be seen here, such as files.
    """
    if backend not in ("numpy", "c"):
        raise ValueError(f'compile: backend is "numpy" or "c", not {backend!r}')
    if backend == "c":
        from autograd.readings.native import compiler

        compiler()  # what there is to install is said before anything runs
    if update is not None:
        lacking = [
            name for name in (*Update.__annotations__, "numbers", "settings", "change") if not hasattr(update, name)
        ]
        if lacking:
            raise TypeError(
                f"compile: update is an optimiser, such as nn.SGD(parameters, eta); {update!r:.60} has no"
                f" {', '.join(lacking)}"
            )
        if check or overwrite:
            raise ValueError("compile: check and overwrite are about gradients, and a step with an update returns none")
        return Step(f, update, backend)
    return Compiled(f, check, overwrite, backend)


def has_compiler() -> bool:
    """Say whether there is a C compiler for `backend="c"`."""
    from autograd.readings.native import CompilerError, compiler

    try:
        return bool(compiler())
    except CompilerError:
        return False
