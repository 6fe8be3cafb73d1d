"""The backward pass: from an output to the gradient of everything that it was computed from.

`backprop` is the whole of it. It walks the graph from the output back, newest node first, asks the rules of each node
what they make of the gradient that arrived there, and adds that up at the inputs: the chain rule, summed over paths.
"""

from __future__ import annotations

from collections.abc import Collection
from operator import attrgetter
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.data import explained, owned, seed_of
from autograd.stale import refuse_changed_data
from autograd.tensor import CONSTANT, Tensor, last_change
from autograd.vocabulary import NAMED, plain


def reached(output: Tensor, stop: Collection[Tensor] = ()) -> list[Tensor]:
    """The computed Tensors that `output` depends on, itself included, newest first; not looking behind `stop`.

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
    """The gradient of `output` with respect to every Tensor on the way, itself included.

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
    record = record or isinstance(seed, Tensor)
    grads: dict[Tensor, Any] = {output: seed}
    if output.op is None:
        return grads
    nodes = reached(output, stop)
    if last_change[0] > nodes[-1].tick:
        refuse_changed_data(nodes)

    for node in nodes:
        op: Any = node.op
        g, y, values, params, rules = grads[node], node._value, node.values, node.params, op.rules
        operands: Any = values
        if record:
            y, operands = node, [x if isinstance(x, Tensor) else value for x, value in zip(node.inputs, values)]
        pair = len(values) == 2 and not params  # as nearly every node of a scalar graph has it; unpacked once
        if pair:
            a, b = operands
        try:
            if op.delta is not None:
                g = op.delta(g, y)
            for i, x in enumerate(node.inputs):
                if isinstance(x, Tensor):
                    part = rules[i](g, y, a, b) if pair else rules[i](g, y, *operands, **params)
                    value, kind = values[i], type(part)
                    if kind is ndarray:
                        if part.shape != value.shape or part.dtype is not value.dtype:
                            part = fit(part, value)
                        elif part is g and x.op is None:
                            part = g.copy()  # what is left in a leaf can be written into without changing another
                    elif kind is not type(value):
                        part = fit(part, value)
                    earlier = grads.get(x)  # added out of place: two edges may carry the same array
                    grads[x] = part if earlier is None else earlier + part
        except (TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
            raise explained(error, f"backward of {op.name}", node.inputs) from error
    return grads


def backward(output: Tensor, seed: Any = None) -> None:
    """`Tensor.backward`: writes what `backprop` finds into `.grad`."""
    if output.op is CONSTANT:
        raise RuntimeError(
            "backward() on a Tensor that was computed under no_grad() or detached: no graph leads to it; compute it"
            " again with recording on"
        )
    taken: set[int] = set()  # memory that the gradients of leaves are views of; no two leaves may share it
    for x, g in backprop(output, seed if seed is None else plain(seed)).items():
        if x.op is None:
            if x.grad is not None:
                g = x.grad + g
            elif type(g) is ndarray and g.base is not None:
                g = owned(g, taken)
        x.grad = g


NAMED["backward"] = backward


def fit(g: Any, value: Any) -> Any:
    """The gradient `g` as the operand `value` takes it: summed over what broadcasting repeated, of its shape and dtype.

    >>> fit(np.ones((4, 3)), np.zeros((3,)))
    array([4., 4., 4.])
    """
    if g is None:
        raise TypeError("the rule returned None, and not a gradient; where nothing flows back, return g * 0")
    total: Any = np.add.reduce  # np.sum, without its overhead
    if isinstance(g, Tensor):
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
        g = g.astype(value.dtype)
    return g if g.ndim or isinstance(g, Tensor) else g[()]
