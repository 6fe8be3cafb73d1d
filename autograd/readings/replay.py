"""Reading 4: run it again without rebuilding it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from threading import Lock
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.backward import backprop, memory, owned
from autograd.readings.buffers import Assembly
from autograd.readings.display import Lines
from autograd.readings.formula import Formulas, frozen, ordered
from autograd.readings.graph import Graph
from autograd.readings.outside import Outside
from autograd.readings.trace import Trace
from autograd.recording import is_tracing, recording
from autograd.tensor import Tensor, plain


class ReplayError(RuntimeError):
    """Raised by a function compiled with check=True: what it replays is no longer what the function does."""


def _kind(arg: Any) -> Any:
    """What a program may depend on: shape and dtype of what it takes as a parameter, the value of anything else."""
    value = arg._value if isinstance(arg, Tensor) else arg
    if isinstance(value, (ndarray, np.floating)):
        return value.shape, value.dtype, type(arg)
    return float if isinstance(value, float) else (type(value), value)


class Program:
    """The program for one combination of shapes and dtypes, and for what the function finds outside.

    source     its text
    outside    the Tensors that the function reached besides its arguments
    all_fresh  whether its gradients are arrays of nobody else as they come
    direct     a function for a whole call, where there can be one: see `without_loops`
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], overwrite: bool, backend: str = "numpy"):
        for i, arg in enumerate(args):
            if isinstance(arg, Tensor) and arg.inputs:
                raise TypeError(
                    f"compile: argument {i} was computed from other Tensors, which would get no gradient; compute it in"
                    " the function, or pass t.detach()"
                )
        first = _assembled(f, args, overwrite)
        self._world = Outside(first[0].ran, f, *args)
        trace, assembly = _assembled(f, args, overwrite)
        name = f"{trace.name}_and_grad"
        self.source = assembly.function(name, trace.parameters)
        _refuse_chance(*first, trace, assembly)
        self.outside = trace.outside
        self._before = [x._value for x in trace.outside]
        if backend == "c":
            from autograd.readings.native import Native  # what a compiler needs takes as long to import as all the rest

            native = Native(trace, overwrite)
            self.source, self.run, self._held = native.source, native.run, []
            self._fresh = [True] * len(trace.wanted)
        else:
            namespace: dict[str, Any] = {"np": np, **assembly.constants}
            exec(self.source, namespace)
            self.run = namespace[name]
            self._held = [array for array in namespace.values() if type(array) is ndarray]
            self._fresh = [name in assembly.fresh for name in assembly.results[1:]]
        self.all_fresh = all(self._fresh)
        self.gives_array = type(trace.output._value) is ndarray
        self.direct: Callable[..., Any] | None = None

    def fits(self) -> bool:
        """Whether all from outside is as it was when the program was traced: the Tensors in shape and dtype."""
        if not self._world.unchanged():
            return False
        for i, x in enumerate(self.outside):
            value, before = x._value, self._before[i]
            if value is not before:
                if value.shape != before.shape or value.dtype != before.dtype:
                    return False
                self._before[i] = value
        return True

    def owned(self, gradients: tuple[Any, ...], reached: list[Tensor], values: list[Any]) -> list[Any]:
        """The gradients as arrays of nobody else, and numbers in the dtype of their parameter."""
        arrays = [*values, *self._held, *(g for g, fresh in zip(gradients, self._fresh) if fresh)]
        taken = {memory(x) for x in arrays if type(x) is ndarray}
        return [
            g if fresh else owned(g, taken) if type(g) is ndarray else x.dtype.type(g)
            for x, g, fresh in zip(reached, gradients, self._fresh)
        ]

    def without_loops(self, args: tuple[Any, ...], lock: Any) -> Callable[..., Any] | None:
        """All that another call with such `args` does, as a function which returns None where it does not fit; or None.

        A loop over four parameters takes as long as a small product of matrices.
        """
        if not self.all_fresh or self.gives_array or not all(type(arg) is ndarray for arg in args):
            return None
        xs, ts = [f"x{i}" for i in range(len(args))], [f"t{i}" for i in range(len(self.outside))]
        values = [*xs, *(f"{t}._value" for t in ts)]
        fits = ["unchanged()"]
        fits += [f"type({x}) is ndarray and {x}.dtype is {x}_dtype and {x}.shape == {x}_shape" for x in xs]
        fits += [
            f"{t}._value is before[{i}]"
            if type(self._before[i]) is ndarray
            else f"type({t}._value) is type(before[{i}])"
            for i, t in enumerate(ts)
        ]
        text = (
            f"def call({', '.join(xs)}):\n"
            f"    if {' and '.join(fits)}:\n"
            f"        {''.join(f'{t}.grad = ' for t in ts)}None\n"
            f"        with lock:\n"
            f"            value, ({''.join(f'{t}.grad, ' for t in ts)}) = run({', '.join(values)})\n"
            f"        return value\n"
        )
        known: dict[str, Any] = {"ndarray": ndarray, "before": self._before, "lock": lock, "run": self.run}
        known["unchanged"] = self._world.test()
        known |= dict(zip(ts, self.outside)) | {f"{x}_dtype": arg.dtype for x, arg in zip(xs, args)}
        known |= {f"{x}_shape": arg.shape for x, arg in zip(xs, args)}
        exec(text, known)
        call: Callable[..., Any] = known["call"]
        return call


def _assembled(f: Callable[..., Any], args: tuple[Any, ...], overwrite: bool) -> tuple[Trace, Assembly]:
    """What f records for these arguments, and the program of that."""
    trace = Trace(f, args)
    formulas = Formulas(Graph(trace.output, *trace.wanted), trace.named, exact=True)
    results = [formulas[trace.output], *(formulas[g] for g in trace.wanted)]
    if results[0].op is not None:
        results[0].name = results[0].name or "value"
    trace.name_gradients(formulas, ordered(results))
    return trace, Assembly(ordered(results), results, set(trace.parameters), overwrite)


def _refuse_chance(trace: Trace, program: Assembly, again: Trace, other: Assembly) -> None:
    """Raise TypeError if f, traced twice, did not compute the same: random numbers, counters, times."""
    what = next(
        (
            f"{a} and then {b}"
            for a, b in zip_longest([*program.setup, *program.text()], [*other.setup, *other.text()])
            if a != b
        ),
        "",
    )
    for name, value in program.constants.items():
        if not what and not _alike(value, other.constants[name]):
            what = f"{name} = {value!r:.60} and then {other.constants[name]!r:.60}"
    for x, y in zip(trace.outside, again.outside):
        if not what and x is not y and not _alike(x._value, y._value):
            what = f"a Tensor {x._value!r:.60} and then {y._value!r:.60}"
    if what:
        raise TypeError(
            f"compile: {trace.name} does not do the same when it is called again: {what.strip()}. A program would keep"
            " what came first. Make random numbers, counters and times outside, and pass them as arguments"
        )


def _alike(a: Any, b: Any) -> bool:
    """Whether two constants of a program are the same, or were made in the same way."""
    if a is b or (hasattr(a, "__code__") and a.__code__ == getattr(b, "__code__", None)):
        return True
    return type(a) is type(b) and frozen(a) == frozen(b)


class Compiled:
    """What `compile` returns: call it in place of the function; `source` shows the programs that it runs."""

    def __init__(self, f: Callable[..., Any], check: bool, overwrite: bool, backend: str = "numpy"):
        self.f, self.check, self.overwrite, self.backend = f, check, overwrite, backend
        self._programs: dict[Any, Program] = {}
        self._like_before: Callable[..., Any] = f  # a call like the one before, which takes `_arity` arguments
        self._arity = -1
        self._lock = Lock()  # the buffers of a program are for one thread at a time

    def __call__(self, *args: Any) -> Any:
        if is_tracing():  # by another function, which is to see what this one does
            return self.f(*args)
        if len(args) == self._arity:
            value = self._like_before(*args)
            if value is not None:
                return value
        key = tuple(map(_kind, args))
        try:
            program = self._programs.get(key)
        except TypeError:
            raise TypeError(
                "compile: arguments are arrays, Tensors, numbers and what can be a key of a dict, such as strings; pass"
                " the parts of a list or a dict as arguments of their own"
            ) from None
        if program is None or not program.fits():
            program = self._programs[key] = Program(self.f, args, self.overwrite, self.backend)
            program.direct = None if self.check else program.without_loops(args, self._lock)
        if program.direct is not None:
            self._like_before, self._arity = program.direct, len(args)
        values = [x._value if isinstance(x, Tensor) else x for x in (*args, *program.outside)]
        reached = [arg for arg in args if isinstance(arg, Tensor)] + program.outside
        for x in reached:
            x.grad = None  # its memory, still in the cache, is what the new gradient will most likely be given
        with self._lock:
            value, gradients = program.run(*values)
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


def compile(f: Callable[..., Any], *, check: bool = False, overwrite: bool = False, backend: str = "numpy") -> Compiled:
    """`f` followed by a fresh `backward()`, without building a graph: for a training step that runs many times.

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
    before each call, and f is traced again where it changed. Long arrays are better passed as arguments: those from
    outside are compared. A function that does not do the same when it is called twice (random numbers) is refused.

    >>> scale = {"by": np.array([1.0, 1.0])}
    >>> step = compile(lambda x: np.sum(w * scale["by"]) * x)
    >>> float(step(1.0))
    3.0
    >>> scale["by"] = np.array([5.0, 5.0])
    >>> float(step(1.0))
    15.0

    With `backend="c"`, the program is written in C, built with the machine's compiler ($CC, cc, gcc, clang, or that of
    the package ziglang), kept for the next time, and called. Its results are those of f to rounding: sums are added up
    in another order. Arrays that do not lie in memory as C takes them are copied. Raises CompilerError where there is
    no compiler, and LoweringError for an operation that has no loops.

    `check=True` compares each call with f itself (ReplayError), for what cannot be seen from here, such as files.
    """
    if backend not in ("numpy", "c"):
        raise ValueError(f'compile: backend is "numpy" or "c", not {backend!r}')
    if backend == "c":
        from autograd.readings.native import compiler

        compiler()  # what there is to install is said before anything runs
    return Compiled(f, check, overwrite, backend)
