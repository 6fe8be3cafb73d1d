"""Runs a function again as a program: written for certain shapes and dtypes, and for what the function finds
outside."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.backward import memory_of, owned
from autograd.readings.buffers import Assembly
from autograd.readings.formula import Formulas, frozen, ordered
from autograd.readings.graph import Graph
from autograd.readings.outside import Outside
from autograd.readings.trace import Trace
from autograd.readings.updates import Update, last, record_update
from autograd.tensor import Tensor, plain


def kind_of(arg: Any) -> Any:
    """Say what a program may depend on: the shape and dtype of what it takes as a parameter, the value of anything
    else."""
    value = arg._value if isinstance(arg, Tensor) else arg
    if isinstance(value, (ndarray, np.floating)):
        return value.shape, value.dtype, type(arg)
    return float if isinstance(value, float) else (type(value), value)


def kinds(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a program may depend on, as a key."""
    key = tuple(map(kind_of, args))
    try:
        hash(key)
    except TypeError:
        raise TypeError(
            "compile: arguments are arrays, Tensors, numbers and what can be a key of a dict, such as strings; pass the"
            " parts of a list or a dict as arguments of their own"
        ) from None
    return key


class Program:
    """The program for one combination of shapes and dtypes, and for what the function finds outside.

    source     its text
    outside    the Tensors that the function reached besides its arguments
    all_fresh  whether its gradients come in memory that nothing else uses
    direct     a function for a whole call, if there can be one: see `without_loops`
    arrays     the arrays from outside that it takes as its last parameters
    moves      what a step with an update writes into; `numbers` are its last parameters, and their dtypes
    """

    def __init__(
        self, f: Callable[..., Any], args: tuple[Any, ...], overwrite: bool, backend: str = "numpy",
        update: Update | None = None, numbers: dict[str, float] | None = None,
    ):  # fmt: skip
        first = _assembled(f, args, overwrite, update, numbers or {}, backend)
        self._world = Outside(first[0].ran, f, *args)
        trace, assembly = _assembled(f, args, overwrite, update, numbers or {}, backend)
        name = f"{trace.name}_and_grad" if update is None else f"{trace.name}_step"
        self.source = assembly.function(name, trace.parameters)
        _refuse_chance(*first, trace, assembly)
        self.outside, self.moves, self.numbers = trace.outside, trace.moves, trace.numbers
        self.parameters, self.arrays = trace.parameters, [x._value for x in trace.arrays]
        self.native: Any = None
        self._before = [x._value for x in trace.outside]
        self.overwrite = overwrite
        if backend == "c":
            from autograd.readings.native import Native  # what a compiler needs takes as long to import as all the rest

            native = Native(trace, overwrite)
            self.source, self.run, self._held = native.source, native.run, []
            self._fresh = [True] * len(trace.wanted)
            self.native = native
        else:
            namespace: dict[str, Any] = {"np": np, **assembly.constants}
            exec(self.source, namespace)
            self.run = namespace[name]
            self._held = [array for array in namespace.values() if type(array) is ndarray]
            self._fresh = [name in assembly.fresh for name in assembly.results[1:]]
        self.all_fresh = all(self._fresh)
        self.gives_array = type(trace.output._value) is ndarray
        self.direct: Callable[..., Any] | None = None

    def called(self, held: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Write a call by the parameters' names that gives the value; return the text, and what it needs. Those in
        `held` stay."""
        if self.native is not None:
            text, known = self.native.bound(self.parameters, held)
            return text, known
        return f"run_({', '.join(self.parameters)})[0]", {"run_": self.run}

    def unchanged(self) -> bool:
        """Say whether everything outside is as it was, apart from the Tensors."""
        return self._world.unchanged()

    def fits(self) -> bool:
        """Say whether everything outside is as it was when the program was traced: the Tensors in shape and dtype."""
        if not self.unchanged():
            return False
        for i, x in enumerate(self.outside):
            value, before = x._value, self._before[i]
            if value is not before:
                if value.shape != before.shape or value.dtype != before.dtype:
                    return False
                self._before[i] = value
        return True

    def owned(self, gradients: tuple[Any, ...], reached: list[Tensor], values: list[Any]) -> list[Any]:
        """Return gradients that share no memory with anything, and numbers in the dtype of their parameter."""
        arrays = [*values, *self._held, *(g for g, fresh in zip(gradients, self._fresh) if fresh)]
        taken = {memory_of(x) for x in arrays if type(x) is ndarray}
        return [
            g if fresh else owned(g, taken) if type(g) is ndarray else x.dtype.type(g)
            for x, g, fresh in zip(reached, gradients, self._fresh)
        ]

    def without_loops(self, args: tuple[Any, ...], lock: Any, written: set[int]) -> Callable[..., Any] | None:
        """Write out all that another call with such `args` does, as `guarded` does; None where that cannot be.

        No array may lie in memory that is `written` into.
        """
        if not self.all_fresh or self.gives_array:
            return None
        fits, values, reached = ["unchanged()"], [], []
        known: dict[str, Any] = {"ndarray": ndarray, "Tensor": Tensor, "before": self._before, "lock": lock,
                                 "run": self.run, "unchanged": self._world.test(),
                                 "memory_of": memory_of, "written": written}  # fmt: skip
        for i, arg in enumerate(args):
            x, value = f"x{i}", plain(arg)
            if isinstance(arg, Tensor):
                fits.append(f"type({x}) is Tensor and not {x}.inputs")
                reached.append(x)
                x += "._value"
            if type(value) is ndarray:
                fits.append(f"type({x}) is ndarray and {x}.dtype is dtype{i} and {x}.shape == shape{i}")
                known |= {f"dtype{i}": value.dtype, f"shape{i}": value.shape}
            elif isinstance(value, (float, np.floating)):
                fits.append(f"type({x}) is type{i}")
                known[f"type{i}"] = type(value)
            else:
                return None
            values.append(x)
        for i, (outside, value) in enumerate(zip(self.outside, self._before)):
            t = f"t{i}"
            known[t] = outside
            fits.append(
                f"{t}._value is before[{i}]" if type(value) is ndarray else f"type({t}._value) is type(before[{i}])"
            )
            reached.append(t)
            values.append(f"{t}._value")
        if self.overwrite:
            fits += [f"memory_of({x}) not in written" for x, arg in zip(values, args) if type(plain(arg)) is ndarray]
        if len(reached) > len(self.outside):  # the same Tensor may be there twice
            fits.append(f"len({{{', '.join(reached)}}}) == {len(reached)}")
        for i, array in enumerate(self.arrays):
            known[f"c{i}"] = array
            values.append(f"c{i}")
        lines = [
            f"{''.join(f'{t}.grad = ' for t in reached)}None",
            f"{'with lock: ' if self.native is None else ''}"  # C has a lock of its own
            f"value, ({''.join(f'{t}.grad, ' for t in reached)}) = run({', '.join(values)})",
            "return value",
        ]
        return guarded([f"x{i}" for i in range(len(args))], fits, lines, known)


def guarded(parameters: list[str], fits: list[str], lines: list[str], known: dict[str, Any]) -> Callable[..., Any]:
    """Make the function that runs `lines` where all of `fits` hold, and returns None elsewhere.

    It is written out, without a loop: a loop over four parameters takes as long as a small product of matrices.
    """
    head = f"def call({', '.join(parameters)}):\n    if {' and '.join(fits)}:\n"
    exec(head + "".join(f"        {line}\n" for line in lines), known)
    call: Callable[..., Any] = known["call"]
    return call


def _assembled(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    overwrite: bool,
    update: Update | None,
    numbers: dict[str, float],
    backend: str,
) -> tuple[Trace, Assembly]:
    """Record f for these arguments, with its update, and assemble the program."""
    # C would have them as text.
    trace = Trace(f, args, is_parameter=lambda array: backend == "c" and array.dtype.kind in "fiub" and array.size > 16)
    if update is not None:
        record_update(trace, update, numbers)
    formulas = Formulas(Graph(trace.output, *trace.results), trace.named, exact=True)
    results = [formulas[trace.output], *(formulas[g] for g in trace.results)]
    if results[0].op is not None:
        results[0].name = results[0].name or "value"
    trace.name_gradients(formulas, ordered(results))
    order = last(ordered(results), results[1:]) if trace.moves else ordered(results)
    return trace, Assembly(order, results, set(trace.parameters), overwrite, trace.places)


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
    """Say whether two constants of a program are the same, or were made in the same way."""
    if a is b or (hasattr(a, "__code__") and a.__code__ == getattr(b, "__code__", None)):
        return True
    return type(a) is type(b) and frozen(a) == frozen(b)
