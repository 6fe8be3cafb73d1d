"""The backward pass: from an output to the gradient of everything that it was computed from.

`backprop` is the whole of it. It walks the graph from the output back, newest node first, asks the rules of each node
what they make of the gradient that arrived there, and adds that up at the inputs: the chain rule, summed over paths.
"""

from __future__ import annotations

from collections.abc import Collection
from operator import attrgetter
from threading import Lock
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.data import array_of, float_data
from autograd.recording import is_tracing
from autograd.registry import NAMED
from autograd.stale import refuse_changed_data
from autograd.tensor import Node, Tensor, explained, last_change, plain

_writing = Lock()  # two threads may add to the gradient of one leaf


def reached(output: Tensor, stop: Collection[Tensor] = ()) -> list[Tensor]:
    """List the computed Tensors that `output` depends on, itself included, newest first; do not look behind `stop`.

    Creation order is a topological order: an input is always older than what was made from it.
    """
    seen = {output, *stop}
    nodes = [output]
    for node in nodes:  # grows as it goes
        for x in node.inputs:
            if isinstance(x, Tensor) and x.op is not None and x not in seen:
                seen.add(x)
                nodes.append(x)
    nodes.sort(key=attrgetter("tick"), reverse=True)
    return nodes


def backprop(
    output: Tensor, seed: Any = None, record: bool = False, stop: Collection[Tensor] = ()
) -> dict[Tensor, Any]:
    """Compute the gradient of `output` with respect to every Tensor on the way, itself included.

    seed    the gradient arriving at `output`, of its shape; where None, 1 for an `output` of one element
    record  False: the rules run on arrays, and the gradients are arrays. True: the same rules run on Tensors, and the
            gradients are Tensors with a graph of their own, which can be differentiated again
    stop    Tensors behind which nobody wants a gradient

    >>> x = Tensor(3.0)
    >>> y = x * x * x
    >>> dx = backprop(y, record=True)[x]
    >>> print(dx, backprop(dx)[x])
    Tensor(27.0) 18.0
    """
    seed = seed_of(output, seed)
    record = record or isinstance(seed, Node) or is_tracing()
    grads: dict[Tensor, Any] = {output: seed}
    if output.op is None:
        return grads
    nodes = reached(output, stop)
    if last_change[0] > nodes[-1].tick:
        refuse_changed_data(nodes)

    so_far = grads.get
    for node in nodes:
        op: Any = node.op
        try:
            for x, part in zip(node.inputs, op.pull(grads[node], node, record)):
                if part is None and not isinstance(x, Tensor):
                    continue
                value = x._value
                kind = type(part)
                if kind is not type(value):
                    part = fit(part, value)
                elif kind is ndarray:
                    if part.shape != value.shape or part.dtype is not value.dtype:
                        part = fit(part, value)
                    elif x.op is None and part is grads[node]:
                        part = part.copy()  # what is left in a leaf can be written into without changing another
                earlier = so_far(x)  # added out of place: two edges may carry the same array
                grads[x] = part if earlier is None else earlier + part
        except (TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
            raise explained(error, f"backward of {op.name}", node.inputs) from error
    return grads


def backward(output: Tensor, seed: Any = None) -> None:
    """Write what `backprop` finds into `.grad`: this is `Tensor.backward`."""
    if output.is_constant:
        raise RuntimeError(
            "backward() on a Tensor that was computed under no_grad() or detached: no graph leads to it; compute it"
            " again with recording on"
        )
    taken: set[int] = set()  # memory that the gradients of leaves are views of; no two leaves may share it
    grads = backprop(output, seed if seed is None else plain(seed))
    with _writing:
        for x, g in grads.items():
            if x.op is None:
                if x.grad is not None:
                    g = x.grad + g
                elif type(g) is ndarray and g.base is not None:
                    g = owned(g, taken)
            x.grad = g


NAMED["backward"] = backward


def seed_of(output: Tensor, seed: Any) -> Any:
    """Return the gradient to start from: `seed` in the shape and dtype of `output`, by default 1 for one element."""
    value = output._value
    if seed is None:
        if isinstance(value, np.generic):
            return value.dtype.type(1)
        if value.size != 1:
            raise ValueError(
                f"the gradient of a Tensor of shape {value.shape} needs a seed of that shape, the gradient arriving"
                " from outside; for the gradient of the sum of its elements, take .sum() first"
            )
        return np.ones_like(value)
    if not isinstance(seed, Node):
        seed = float_data(array_of(seed, "seed"), "seed").astype(value.dtype)[()]
    if seed.shape != value.shape:
        raise ValueError(f"the seed has shape {seed.shape} and the Tensor {value.shape}: they have to be the same")
    return seed


def memory_of(array: Any) -> int:
    """Say which array owns the memory of this one, by its id."""
    return id(array if array.base is None else array.base)


def owned(g: Any, taken: set[int]) -> Any:
    """Return the gradient `g`, or a copy if its memory is taken or read-only, and take that memory."""
    if memory_of(g) in taken or not g.flags.writeable:
        return g.copy()
    taken.add(memory_of(g))
    return g


def fit(g: Any, value: Any) -> Any:
    """Give the gradient `g` the shape and dtype of the operand `value`: sum over what broadcasting repeated.

    >>> fit(np.ones((4, 3)), np.zeros((3,)))
    array([4., 4., 4.])
    """
    if g is None:
        raise TypeError("the rule returned None, not a gradient; where nothing flows back, return g * 0")
    total: Any = np.add.reduce  # np.sum, without its overhead
    if isinstance(g, Node):
        total = np.sum
    elif not isinstance(g, ndarray):
        g = np.asarray(g)
    for _ in range(g.ndim - value.ndim):
        g = total(g, axis=0)
    if g.shape != value.shape:
        stretched = tuple([axis for axis, n in enumerate(value.shape) if n == 1 != g.shape[axis]])
        g = total(g, axis=stretched, keepdims=True)
        if g.shape != value.shape:
            raise ValueError(f"the rule returned a gradient of shape {g.shape} for an input of shape {value.shape}")
    if g.dtype != value.dtype:
        if g.dtype.kind not in "fiub":
            raise TypeError(f"the rule returned {g.dtype} data, not a real gradient")
        g = g.astype(value.dtype)
    return g if g.ndim or isinstance(g, Node) else g[()]
