"""Records what an optimiser does with a gradient: the last formulas of a whole step.

The rule is run once on Tensors, like any other function. Its results are written into the parameters' own memory, and
into the arrays that the optimiser remembers. So those formulas come last, when nothing is left to read the old values.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from autograd.readings.formula import Formula, fact
from autograd.readings.names import unique_name
from autograd.readings.trace import Trace
from autograd.recording import tracing
from autograd.registry import NAMED
from autograd.tensor import Node, Tensor, plain, plain_input


class Update(Protocol):
    """What moves parameters by their gradients: an optimiser.

    parameters  what is moved
    remembers   the names of the arrays that are remembered for each parameter, from step to step
    memory      those arrays, for each parameter
    steps       the number of steps taken
    """

    parameters: list[Tensor]
    remembers: tuple[str, ...]
    memory: list[tuple[Any, ...]]
    steps: int

    def numbers(self) -> dict[str, float]:
        """What changes from step to step, for the next one, by name."""

    def settings(self) -> dict[str, Any]:
        """What a program is made for, besides: where it changed, another one is made."""

    def change(self, i: int, p: Any, g: Any, memory: tuple[Any, ...], **numbers: Any) -> tuple[Any, tuple[Any, ...]]:
        """What is subtracted from the i-th parameter p with the gradient g, and its new memory, written in NumPy."""


@dataclass
class Move:
    """A value that a step replaces: a parameter (`memory` is None), or one of the arrays that are remembered for it.

    index  of the parameter, among those of the optimiser
    name   what the program calls the old value
    new    what comes in its place, recorded
    """

    index: int
    memory: int | None
    name: str
    old: Any
    new: Any


def record_update(trace: Trace, update: Update, numbers: dict[str, float]) -> None:
    """Add to a trace what the optimiser does: its `moves`, and more parameters of the program.

    Those are what is remembered for each parameter that has a gradient, and the numbers of a step in each dtype.
    """
    taken = {"np", *trace.parameters}
    leaves: dict[Any, Any] = {}

    def leaf(value: Any, wish: str) -> Any:
        name = unique_name(wish, taken)
        node = plain_input(value, name)
        trace.parameters.append(name)
        trace.named[id(node)] = name
        trace.extra.append(node)
        return node

    given = []
    for i, p in enumerate(update.parameters):
        gradient = trace.grads.get(p)
        if gradient is None or id(p) not in trace.named:
            continue
        memory = tuple([leaf(x, f"{of}_{trace.named[id(p)]}") for of, x in zip(update.remembers, update.memory[i])])
        given.append((i, p, gradient, memory))
    for _, p, *_ in given:
        for of, number in numbers.items():
            if (of, p.dtype) not in leaves:
                leaves[of, p.dtype] = leaf(p.dtype.type(number), of)
    scaled: dict[Any, Any] = {}
    for i, p, gradient, memory in given:
        with tracing():
            by, remembered = update.change(i, p, gradient, memory, **{of: leaves[of, p.dtype] for of in numbers})
            name = trace.named[id(p)]
            trace.moves.append(Move(i, None, name, p, p - scaled_early(by, f"d{name}", scaled)))
        for k, (old, new) in enumerate(zip(memory, remembered, strict=True)):
            trace.moves.append(Move(i, k, trace.named[id(old)], old, new))
    trace.numbers = list(leaves)
    for move in trace.moves:
        if np.shape(move.old._value) != np.shape(move.new._value) or move.old.dtype != move.new.dtype:
            raise TypeError(
                f"the update of {move.name} is of shape {np.shape(move.new._value)} and dtype {move.new.dtype}, not"
                f" {np.shape(move.old._value)} and {move.old.dtype}"
            )


def scaled_early(x: Any, gradient: str, scaled: dict[Any, Any]) -> Any:
    """Record eta * dw for dw = aᵀ b as eta_dw = (eta * a)ᵀ b if a is smaller than dw: there is less to multiply.

    `scaled` holds each a that was multiplied so, with the number; a sum of one of them is taken of eta * a, too.
    """
    if not isinstance(x, Node) or x.op is not NAMED["multiply"] or np.ndim(plain(x.inputs[0])):
        return x
    by, inner = x.inputs
    path: list[Any] = []
    while isinstance(inner, Node) and fact(inner.op, "linear"):
        path.append(inner)
        inner = inner.inputs[0]
    key = (by if isinstance(by, Node) else float(by), inner)
    if not path or not (inner.size < x.size or key in scaled):
        return x
    result = scaled[key] = scaled[key] if key in scaled else by * inner
    for node in reversed(path):
        result = node.op(result, *node.inputs[1:], **node.params)
    result.name = f"{by.name}_{gradient}" if isinstance(by, Node) and by.name else None
    return result


def last(order: list[Formula], moved: Collection[Formula]) -> list[Formula]:
    """Move the formulas of an update, and what is computed from them, behind all others."""
    behind = {id(formula) for formula in moved}
    for formula in order:
        if any(id(arg) in behind for arg in formula.args):
            behind.add(id(formula))
    return [x for x in order if id(x) not in behind] + [x for x in order if id(x) in behind]
