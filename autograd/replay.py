"""Reading 4: run it again without rebuilding it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.backprop import backprop
from autograd.emit import Program, ordered
from autograd.graph import Graph
from autograd.operands import memory, owned
from autograd.recording import recording
from autograd.simplify import Formulas
from autograd.tensor import Tensor
from autograd.trace import Trace
from autograd.vocabulary import plain


class ReplayError(RuntimeError):
    """Raised by a function compiled with check=True: what it replays is no longer what the function does."""


def _kind(value: Any, arg: Any) -> Any:
    """What a program may depend on: shape and dtype of what it takes as a parameter, the value of anything else."""
    if hasattr(value, "shape"):
        return value.shape, value.dtype, type(arg)
    return float if isinstance(value, float) else value


class Compiled:
    """What `compile` returns: call it in place of the function; `source` shows the programs that it runs."""

    def __init__(self, f: Callable[..., Any], check: bool):
        self.f, self.check = f, check
        self._programs: dict[Any, tuple[Callable[..., Any], list[Tensor], list[Any], str]] = {}

    def __call__(self, *args: Any) -> Any:
        values = [arg._value if isinstance(arg, Tensor) else arg for arg in args]
        key = tuple([_kind(value, arg) for value, arg in zip(values, args)])
        if key not in self._programs:
            self._programs[key] = self._trace(args)
        run, outside, held, _ = self._programs[key]
        values += [x._value for x in outside]
        value, gradients = run(*values)
        reached = [arg for arg in args if isinstance(arg, Tensor)] + outside
        taken = {memory(x) for x in (*values, *held) if type(x) is ndarray}  # a gradient may be one of these, as it is
        gradients = [
            owned(g, taken) if type(g) is ndarray else x.dtype.type(g) for x, g in zip(reached, gradients, strict=True)
        ]
        if self.check:
            self._compare(args, value, reached, gradients)
        for x, g in zip(reached, gradients, strict=True):
            x.grad = g
        return value

    @property
    def source(self) -> str:
        """The text of the programs, one for each combination of shapes and dtypes seen so far."""
        return "\n\n".join(text for *_, text in self._programs.values())

    def _trace(self, args: tuple[Any, ...]) -> tuple[Callable[..., Any], list[Tensor], list[Any], str]:
        for i, arg in enumerate(args):
            if isinstance(arg, np.ndarray) and arg.dtype.kind != "f":
                raise TypeError(
                    f"compile: argument {i} is an array of {arg.dtype}; what the function makes of it would be kept"
                    " from the first call. Pass an array of floats, such as targets in place of labels"
                )
        trace = Trace(self.f, args)
        formulas = Formulas(Graph(trace.output, *trace.wanted), trace.named, exact=True)
        program = Program({*trace.named.values()}, exact=True)
        value, gradients = formulas[trace.output], [formulas[g] for g in trace.wanted]
        if value.op is not None:
            value.name = value.name or "value"
        trace.name_gradients(formulas, ordered([value, *gradients]))
        lines = program.body(ordered([value, *gradients]), [value, *gradients])
        text = f"def {trace.name}_and_grad({', '.join(trace.named.values())}):\n"
        text += "".join(f"    {line}\n" for _, line in lines) + program.returns(value, gradients)
        namespace: dict[str, Any] = {"np": np, **program.functions, **program.constants}
        exec(text, namespace)
        return namespace[f"{trace.name}_and_grad"], trace.outside, list(program.constants.values()), text

    def _compare(self, args: tuple[Any, ...], value: Any, reached: list[Tensor], gradients: Any) -> None:
        with recording():
            output = self.f(*args)
            grads = backprop(output) if isinstance(output, Tensor) else {}
        pairs = [("the value", value, plain(output))]
        pairs += [(f"the gradient of {x.name or 'a Tensor'}", g, grads.pop(x, 0.0)) for x, g in zip(reached, gradients)]
        unknown = [x for x in grads if x.op is None]
        for what, replayed, eager in pairs:
            tolerance = 1e-5 if np.asarray(eager).dtype == np.float32 else 1e-12
            if not np.max(np.abs(replayed - eager), initial=0.0) <= tolerance * np.max(np.abs(eager), initial=0.0):
                raise ReplayError(
                    f"compile: {what} is replayed as {replayed!r:.60}, and the function gives {eager!r:.60}; it"
                    " branches on a value, or uses an array from outside that has changed: make that array an argument"
                )
        if unknown:
            raise ReplayError(
                f"compile: the function now reaches {unknown[0].name or 'a Tensor'}, which it did not before"
            )


def compile(f: Callable[..., Any], *, check: bool = False) -> Compiled:
    """`f` followed by a fresh `backward()`, without building a graph: for a training step that runs many times.

    `step = compile(f)`; `step(*arrays)` returns f's value, as plain NumPy, and leaves the gradient in `.grad` of every
    parameter that f reached: Tensors among the arguments, and those from outside, whose data is read at each call. The
    first call for each combination of shapes and dtypes traces f; from then on its straight-line program runs, which
    `step.source` shows. The results are those of f itself, to the last bit where NumPy's own are.

    >>> w = Tensor([1.0, 2.0], name="w")
    >>> step = compile(lambda x: np.sum((x * w) ** 2))
    >>> float(step(np.array([3.0, 1.0]))), w.grad
    (13.0, array([18.,  4.]))

    What it cannot replay, `check=True` finds, by comparing each call with f itself (ReplayError): a branch on a value,

    >>> step = compile(lambda x: w.sum() if x > 0 else w.sum() * 2.0, check=True)
    >>> float(step(1.0))
    3.0
    >>> step(-1.0)
    Traceback (most recent call last):
        ...
    autograd.replay.ReplayError: compile: the value is replayed as np.float64(3.0), and the function gives ...

    a value taken off the graph in f (`t.data`, `t.detach()`, `no_grad()`), and an array from outside that changes:

    >>> scale = {"by": np.array([1.0, 1.0])}
    >>> step = compile(lambda x: np.sum(w * scale["by"]) * x, check=True)
    >>> float(step(1.0))
    3.0
    >>> scale["by"] = np.array([5.0, 5.0])
    >>> step(1.0)
    Traceback (most recent call last):
        ...
    autograd.replay.ReplayError: compile: the value is replayed as np.float64(3.0), and the function gives ...
    """
    return Compiled(f, check)
