"""Records what a function and its derivative rules compute for some arguments: programs are written from it."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

import numpy as np

from autograd.backward import backprop
from autograd.operation import CONSTANT
from autograd.readings.formula import Formula, Formulas, ordered
from autograd.readings.graph import computed
from autograd.readings.names import is_weighted_input, unique_name, weighted_input
from autograd.readings.outside import Outside, code_run
from autograd.recording import no_grad, tracing
from autograd.tensor import Node, Plain, Tensor, plain_input


class Trace:
    """What `f` and its derivative rules record for some arguments.

    inputs      what f was called with: a leaf of our own for each Tensor, a plain one for each array and float, which
                is not differentiated; other arguments (integers, strings, …) as they are, since programs are made for
                them
    outside     the leaves that f reached besides them, oldest first
    arrays      the arrays that f uses and for which `is_parameter` holds, as plain leaves
    parameters  what the parameters of a program are called: the inputs, then what is from outside, then the arrays
    ran         the code that ran
    named       the names of those that are nodes, by id
    output      the value of f; grads its gradients, recorded; wanted those of the differentiated parameters
    moves       what is written into parameters, in a step with an update; `extra` the inputs that it has besides
    made        what stands in place of the nodes that f computed, where an operation was taken apart

    If neither an argument nor anything else that f reaches is a Tensor, the first argument is differentiated, as `grad`
    does, if `like_grad` says so. Raises ValueError if the value is not a single number computed from Tensors.
    """

    def __init__(
        self, f: Callable[..., Any], args: tuple[Any, ...], like_grad: bool = False,
        is_parameter: Callable[[Any], bool] = lambda array: False,
    ):  # fmt: skip
        name = getattr(f, "__name__", "f")
        self.name = name if name.isidentifier() and not keyword.iskeyword(name) else "f"
        labels = argument_names(f, args)
        output = self._record(f, args, labels)
        if like_grad and args and not isinstance(output, Tensor) and not any(isinstance(x, Tensor) for x in args):
            output = self._record(f, (Tensor(args[0]), *args[1:]), labels)
        if (refused := _not_a_number(output)) is not None:
            raise ValueError(f"{self.name}: {refused}")
        arrays = {id(x): x for node in computed([output]) for x in node.inputs if isinstance(x, np.ndarray)}
        wanted = [x for x in arrays.values() if is_parameter(x)]
        names = Outside(self.ran, f, *args).names if wanted else {}
        number = count(1)
        leaves = {id(x): plain_input(x, names.get(id(x)) or f"c_{next(number)}") for x in wanted}
        self.arrays = list(leaves.values())
        self.made: dict[Node, Any] = {}
        self._differentiate(apart(output, leaves, self.made), labels)

    def _record(self, f: Callable[..., Any], args: tuple[Any, ...], labels: list[str]) -> Any:
        """Call f on inputs of our own."""
        self.inputs = [_input(x, label) for x, label in zip(args, labels, strict=True)]
        with tracing(), code_run() as self.ran:
            return f(*self.inputs)

    @classmethod
    def of(cls, output: Tensor, constants: dict[str, Any]) -> Trace:
        """Trace an existing graph, with names for some of the arrays in it."""
        if (refused := _not_a_number(output)) is not None:
            raise ValueError(refused)
        trace = object.__new__(cls)
        trace.name, trace.arrays = "f", []
        arrays = {id(x): x for node in computed([output]) for x in node.inputs if isinstance(x, np.ndarray)}
        for name, array in constants.items():
            if id(array) not in arrays:
                raise ValueError(f"{name} is not one of the arrays that this value was computed from")
        names = {id(array): name for name, array in constants.items()}
        leaves = {
            key: plain_input(array, names.get(key, f"c{number}"))
            for number, (key, array) in enumerate(arrays.items(), 1)
            if key in names or varies(array)
        }
        trace.inputs = list(leaves.values())
        trace.made = {}
        trace._differentiate(apart(output, leaves, trace.made), [str(x.name) for x in trace.inputs])
        return trace

    def _differentiate(self, output: Tensor, labels: list[str]) -> None:
        self.output = output
        self.grads = recorded_gradients(output)
        self._name_all(labels)
        given = [x for x in self.inputs if isinstance(x, Tensor)]
        self.wanted = [self.grads.get(x, np.zeros_like(x._value)[()]) for x in [*given, *self.outside]]
        self.moves: list[Any] = []
        self.extra: list[Plain] = []
        self.numbers: list[Any] = []  # the names and dtypes of those among the extra inputs that come last

    @property
    def results(self) -> list[Any]:
        """What a program returns or writes besides the value: the gradients, or what the update makes of them."""
        return [move.new for move in self.moves] or self.wanted

    @property
    def given(self) -> list[Any]:
        """What the parameters of a program stand for, in their order."""
        return [*self.inputs, *self.outside, *self.arrays, *self.extra]

    @property
    def places(self) -> list[str | None]:
        """The parameters that the results are written into; None for those that are returned."""
        return [move.name if np.ndim(move.old._value) else None for move in self.moves]

    @property
    def constants(self) -> set[int]:
        """The ids of the inputs and arrays that are not differentiated."""
        return {id(x) for x in [*self.inputs, *self.arrays] if isinstance(x, Plain)}

    def _name_all(self, labels: list[str]) -> None:
        leaves = {x for node in computed([self.output]) for x in node.inputs if isinstance(x, Tensor) and x.op is None}
        self.outside = sorted(leaves - {x for x in self.inputs if isinstance(x, Tensor)}, key=lambda x: x.tick)
        self.named: dict[int, str] = {}
        self.parameters: list[str] = []
        taken = {"np"}
        for x, label in [
            *zip(self.inputs, labels, strict=True),
            *((x, x.name or "w") for x in [*self.outside, *self.arrays]),
        ]:
            self.parameters.append(unique_name(label, taken))
            if isinstance(x, Node):
                self.named[id(x)] = self.parameters[-1]

    def name_gradients(self, formulas: Formulas, needed: list[Formula]) -> dict[int, Tensor]:
        """Name the formulas that are gradients after their values: db for b, delta2 for z2. Return the Tensor that each
        belongs to."""
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


def _not_a_number(output: Any) -> str | None:
    """Say why a value has no gradient to write out; None if it has one."""
    if isinstance(output, Tensor) and output.size == 1 and output.inputs:
        return None
    if isinstance(output, Tensor) and output.inputs:
        found, advice = f"an array of shape {output.shape}", "take its sum or mean"
    elif isinstance(output, Tensor):
        found, advice = "a Tensor that nothing was computed for", "return what the function computes from it"
    elif isinstance(output, Plain):
        found, advice = "a value that no Tensor went into", "pass what is to be differentiated as Tensor(x)"
    else:
        found, advice = f"{output!r:.80}", "pass what is to be differentiated as Tensor(x), and return what comes of it"
    return f"the value has to be a single number computed from Tensors, not {found}: {advice}"


def recorded_gradients(output: Tensor) -> dict[Tensor, Tensor]:
    """Record the gradient of a single number with respect to everything that it was computed from."""
    with tracing():
        return backprop(output, Tensor(np.ones(output.shape, output.dtype)))  # a Tensor, so that all is recorded


def apart(
    output: Tensor, leaves: Mapping[int, Node] = MappingProxyType({}), made: dict[Node, Any] | None = None
) -> Tensor:
    """Take the fused operations in the graph of `output` apart: what a layer computes on the way to a1 is called z1."""
    made = {} if made is None else made
    for node in computed([output]):
        op: Any = node.op
        inputs = tuple([made.get(x, x) if isinstance(x, Node) else leaves.get(id(x), x) for x in node.inputs])
        if op is CONSTANT or (not op.parts and all(x is before for x, before in zip(inputs, node.inputs))):
            continue
        with tracing(), no_grad() if isinstance(node, Plain) else tracing():
            for part in op.parts[:-1]:
                inputs = (part(*inputs),)
                inputs[0].name = weighted_input(node.name or "")
                inputs[0].scope = node.scope
            made[node] = (op.parts[-1] if op.parts else op)(*inputs, **node.params)
        made[node].name, made[node].scope = node.name, node.scope
    found: Tensor = made.get(output, output)
    return found


def varies(array: np.ndarray[Any, Any]) -> bool:
    """Say whether an array of floats is more than one number repeated, so that a reading shows it under its own
    name."""
    return array.dtype.kind == "f" and array.size > 0 and bool(np.ptp(array))


def argument_names(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """Return the names of the parameters that take `args`."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    labels = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    given = [(isinstance(x, Node) and x.name) or f"x{i}" for i, x in enumerate(args, 1)]  # where f does not say
    return [*labels[: len(args)], *given[len(labels) :]]


def _input(x: Any, label: str) -> Any:
    """Make a leaf of our own for what is differentiated or computed with; return other arguments as they are."""
    if isinstance(x, Tensor):
        return Tensor(x._value, name=label)
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiub":
        return plain_input(x, label)
    if isinstance(x, float | np.floating):
        return plain_input(x, label)  # Python's floats stay what they are: they take any dtype
    return x
