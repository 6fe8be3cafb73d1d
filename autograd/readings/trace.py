"""What a function and its derivative rules record for some arguments: what a program is written from."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from autograd.backward import backprop, reached
from autograd.readings.formula import Formula, Formulas, ordered
from autograd.recording import recording, tracing
from autograd.tensor import Tensor


class Trace:
    """What `f` and its derivative rules record for some arguments.

    inputs   what f was called with: a leaf of our own for each Tensor, and each float array or number
    outside  the leaves that f reached besides them, oldest first
    named    the names of both, by id, as parameters of a program
    output   the value of f; grads its gradients, recorded; wanted those of the differentiated parameters
    constants  the ids of those inputs that stand for arrays and numbers
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...]):
        name = getattr(f, "__name__", "f")
        self.name = name if name.isidentifier() and not keyword.iskeyword(name) else "f"
        labels = _labels(f, args)
        output = self._record(f, args, labels, np.float64)
        if any(type(x) is float for x in args) and output.dtype == np.float64:  # Python's floats take any dtype
            given = [x for node in reached(output) for x in node.inputs if not (isinstance(x, Tensor) and x.inputs)]
            arrays = [x for x in given if np.ndim(getattr(x, "data", x))]
            if arrays and all(x.dtype == np.float32 for x in arrays):
                output = self._record(f, args, labels, np.float32)
        self.output = apart(output)
        self.grads = recorded_gradients(self.output)
        self.constants = {id(x) for x, arg in zip(self.inputs, args, strict=True) if not isinstance(arg, Tensor)}
        self._name_all(labels)
        given = [x for x, arg in zip(self.inputs, args, strict=True) if isinstance(arg, Tensor)]
        self.wanted = [self.grads.get(x, np.zeros_like(x.data)[()]) for x in [*given, *self.outside]]

    def _record(self, f: Callable[..., Any], args: tuple[Any, ...], labels: list[str], number: Any) -> Tensor:
        """What f gives for inputs of our own; Python's floats among them are numbers of this dtype."""
        self.inputs = [
            _input(number(x) if type(x) is float else x, label) for x, label in zip(args, labels, strict=True)
        ]
        with recording(), tracing():
            output = f(*self.inputs)
            if not isinstance(output, Tensor) or output.size != 1 or not output.inputs:
                raise ValueError(f"{self.name}: the value has to be a single number computed from Tensors, not"
                                 f" {output!r:.80}")  # fmt: skip
        return output

    @classmethod
    def of(cls, output: Tensor, constants: dict[str, Any]) -> Trace:
        """The trace of a graph that is there already, with names for some of the arrays in it."""
        if output.size != 1 or not output.inputs:
            raise ValueError(f"the value has to be a single number computed from Tensors, not {output!r:.80}")
        trace = object.__new__(cls)
        trace.name = "f"
        arrays = {id(x): x for node in reached(output)[::-1] for x in node.inputs if isinstance(x, np.ndarray)}
        for name, array in constants.items():
            if id(array) not in arrays:
                raise ValueError(f"{name} is none of the arrays that this value was computed from")
        names = {id(array): name for name, array in constants.items()}
        leaves = {
            key: Tensor(array, name=names.get(key, f"c{number}"))
            for number, (key, array) in enumerate(arrays.items(), 1)
            if key in names or (array.dtype.kind == "f" and np.ptp(array))
        }
        trace.output = apart(output, leaves)
        trace.grads = recorded_gradients(trace.output)
        trace.inputs = list(leaves.values())
        trace.constants = {id(x) for x in trace.inputs}
        trace._name_all([str(x.name) for x in trace.inputs])
        trace.wanted = [trace.grads[x] for x in trace.outside]
        return trace

    def _name_all(self, labels: list[str]) -> None:
        leaves = {x for node in reached(self.output) for x in node.inputs if isinstance(x, Tensor) and x.op is None}
        self.outside = sorted(leaves - {x for x in self.inputs if isinstance(x, Tensor)}, key=lambda x: x.tick)
        self.named: dict[int, str] = {}
        taken = {"np"}
        for x, label in [*zip(self.inputs, labels, strict=True), *((x, x.name or "w") for x in self.outside)]:
            self.named[id(x)] = unique(label, taken)

    def name_gradients(self, formulas: Formulas, needed: list[Formula]) -> dict[int, Tensor]:
        """Name the formulas that are gradients after what they are gradients of: db for b, delta2 for z2. Returns the
        Tensor that each belongs to."""
        whose: dict[int, Tensor] = {}
        ids = {id(formula) for formula in needed}
        values = {id(formula) for formula in ordered([formulas[self.output]])}  # they are computed before any gradient
        for x, g in self.grads.items():
            formula, label = formulas[g], self.named.get(id(x)) or x.name
            if formula.op is None or id(formula) not in ids or x is self.output:
                continue
            if id(formula) not in whose or (label and not formula.name):
                whose[id(formula)] = x
            if label and not formula.name and id(formula) not in values:
                formula.name = f"delta{label[1:]}" if is_weighted_input(label) else f"d{label}"
        return whose


def is_weighted_input(name: str) -> bool:
    """Whether a value of this name is a weighted input, whose gradient is called its error: z, z1, z_t, …"""
    return re.fullmatch(r"z\d*(?:_\w+)?", name) is not None


def recorded_gradients(output: Tensor) -> dict[Tensor, Tensor]:
    """The gradient of a single number, recorded, with respect to everything that it was computed from."""
    with recording(), tracing():
        seed = Tensor(np.ones(output.shape, output.dtype))  # a Tensor, so that everything is recorded
        return backprop(output, seed)


def apart(output: Tensor, leaves: Mapping[int, Tensor] = MappingProxyType({})) -> Tensor:
    """The graph of `output` with fused operations taken apart: what a layer computes on the way to a1 is called z1.
    `leaves` are to stand in place of arrays, by the arrays' ids."""
    made: dict[Tensor, Tensor] = {}
    for node in reached(output)[::-1]:
        op: Any = node.op
        inputs = tuple([made.get(x, x) if isinstance(x, Tensor) else leaves.get(id(x), x) for x in node.inputs])
        if not op.parts and all(x is before for x, before in zip(inputs, node.inputs)):
            continue
        with recording():
            for part in op.parts[:-1]:
                inputs = (part(*inputs),)
                inputs[0].name = f"z{node.name[1:]}" if node.name and node.name[0] == "a" else None
                inputs[0].scope = node.scope
            made[node] = (op.parts[-1] if op.parts else op)(*inputs, **node.params)
        made[node].name, made[node].scope = node.name, node.scope
    return made.get(output, output)


def unique(wish: str, taken: set[str]) -> str:
    """A valid name like `wish` that is not taken yet; takes it.

    >>> unique("layer1.weight", set()), unique("lambda", set()), unique("w", {"w"}), unique("", set())
    ('layer1_weight', 'lambda_', 'w_2', 't')
    """
    name = re.sub(r"\W", "_", wish) + "_" * keyword.iskeyword(wish)
    name = first = name if name.isidentifier() else "t"
    number = 1
    while name in taken:
        number += 1
        name = f"{first}_{number}"
    taken.add(name)
    return name


def _labels(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """The names of the parameters that take `args`."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    labels = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [labels[i] if i < len(labels) else f"x{i + 1}" for i in range(len(args))]


def _input(x: Any, label: str) -> Any:
    """A leaf of our own for what is differentiated or computed with; other arguments as they are."""
    if isinstance(x, Tensor):
        return Tensor(x.data, name=label)
    if isinstance(x, (np.ndarray, float, np.floating)) and np.asarray(x).dtype.kind == "f":
        return Tensor(x, name=label)
    return x
