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

from autograd.operands import explained, seed_of
from autograd.stale import refuse_changed_data
from autograd.tensor import CONSTANT, Tensor
from autograd.vocabulary import NAMED


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
    grads = {output: seed}
    if output.op is None:
        return grads
    nodes = reached(output, stop)
    if Tensor.last_change > nodes[-1].tick:
        refuse_changed_data(nodes)

    def deliver(x: Tensor, value: Any, g: Any) -> None:
        """Add `g` to what has arrived at `x`; out of place, because two edges may carry the same array."""
        kind = type(g)
        if kind is not type(value) or (kind is ndarray and (g.shape != value.shape or g.dtype is not value.dtype)):
            g = fit(g, value)
        earlier = grads.get(x)
        grads[x] = g if earlier is None else earlier + g

    for node in nodes:
        g: Any = grads.get(node)
        if g is None:
            continue  # every path to it goes through a rule of None
        op: Any = node.op
        y, inputs, values, params, rules = node._data, node.inputs, node.values, node.params, op.rules
        operands = values
        if record:
            y, operands = node, tuple([x if isinstance(x, Tensor) else value for x, value in zip(inputs, values)])
        try:
            if len(values) == 2 and not params:  # the loop below for two inputs, spelled out: graphs of scalars are
                a, b = operands  # made of these, and take a third longer without
                if isinstance(inputs[0], Tensor):
                    deliver(inputs[0], values[0], rules[0](g, y, a, b))
                if isinstance(inputs[1], Tensor):
                    deliver(inputs[1], values[1], rules[1](g, y, a, b))
            else:
                for x, value, rule in zip(inputs, values, rules):
                    if isinstance(x, Tensor) and rule is not None:
                        deliver(x, value, rule(g, y, *operands, **params))
        except (TypeError, ValueError, IndexError) as error:
            raise explained(error, f"backward of {op.name}", inputs) from error
    return grads


def backward(output: Tensor, seed: Any = None) -> None:
    """`Tensor.backward`: writes what `backprop` finds into `.grad`."""
    if output.op is CONSTANT:
        raise RuntimeError(
            "backward() on a Tensor that was computed under no_grad() or detached: no graph leads to it; compute it"
            " again with recording on"
        )
    owners = set()  # of the memory of the gradients written so far
    for x, g in backprop(output, seed).items():
        if x.op is None and x.grad is not None:
            g = x.grad + g
        elif type(g) is ndarray:
            owner = id(g)
            if x.op is None:  # a leaf's gradient can be written into without changing another's
                owner = owner if g.base is None else id(g.base)
                if owner in owners or not g.flags.writeable:
                    g = g.copy()
            owners.add(owner)
        x.grad = g


NAMED["backward"] = backward


def fit(g: Any, value: Any) -> Any:
    """The gradient `g` as the operand `value` takes it: summed over what broadcasting repeated, of its shape and dtype.

    >>> fit(np.ones((4, 3)), np.zeros((3,)))
    array([4., 4., 4.])
    """
    total = np.sum if isinstance(g, Tensor) else np.add.reduce  # the same, without np.sum's overhead
    if g.ndim > value.ndim:
        g = total(g, axis=tuple(range(g.ndim - value.ndim)))
    stretched = tuple([axis for axis, n in enumerate(value.shape) if n == 1 != g.shape[axis]])
    if stretched:
        g = total(g, axis=stretched, keepdims=True)
    if g.dtype != value.dtype:
        g = g.astype(value.dtype)
    if g.shape != value.shape:
        raise ValueError(f"the rule returned a gradient of shape {g.shape} for an input of shape {value.shape}")
    return g if g.ndim or isinstance(g, Tensor) else g[()]
