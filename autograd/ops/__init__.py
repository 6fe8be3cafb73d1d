"""Every operation with its derivative rules, a file per family. To add one, add its line to a table."""

import operator
from typing import Any

import numpy as np

from autograd.ops import activations, elementwise, methods, plain, products, reductions, shaping
from autograd.registry import ADVICE, NAMED, NUMPY
from autograd.tensor import Op

UFUNCS = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.pow: np.power,
    operator.neg: np.negative,
}


def register(table: dict[str, Any]) -> None:
    """Enter each Op of a module's table, under the name that it has there and for the function that it calls."""
    for name, op in table.items():
        if isinstance(op, Op):
            if op.name == op.forward.__name__.lstrip("_"):
                op.name = name
            NAMED[name] = op
            NUMPY[op.facts.get("stands_for", UFUNCS.get(op.forward, op.forward))] = op


for family in (elementwise, plain, reductions, shaping, products, activations):
    register(vars(family))


def operations() -> list[str]:
    """The names of all operations that have a derivative.

    >>> operations()[:4]
    ['absolute', 'add', 'arccos', 'arcsin']
    """
    with_rules = {getattr(op, "name", name) for name, op in NAMED.items() if getattr(op, "rules", True)}
    ours = {"backward", "plain_call", "index", "identity", "scatter"}  # what the engine uses itself
    return sorted(with_rules - ours)


ADVICE.update(
    {
        np.vstack: "use np.concatenate(…, axis=0), or np.stack(…) for one-dimensional Tensors",
        np.hstack: "use np.concatenate(…, axis=-1)",
        np.linalg.norm: "use np.sqrt(np.sum(x * x))",
        np.inner: "use x @ y.T",
        np.vdot: "use np.sum(x * y)",
        np.mod: "use x - np.floor(x / y) * y",
        np.remainder: "use x - np.floor(x / y) * y",
        np.floor_divide: "use np.floor(x / y)",
        np.median: "use np.mean, or index the middle of x[np.argsort(x)]",
        np.sort: "use x[np.argsort(x)]",
        np.take: "use x[indices]",
        np.diag: "use x[np.arange(n), np.arange(n)], or x * np.eye(n)",
        np.trace: 'use np.einsum("ii", x)',
        np.full_like: "use np.broadcast_to(x, shape)",
        np.copy: "use x + 0, or the Tensor itself, which no operation ever changes",
        np.logaddexp: "use autograd.logsumexp(np.stack([x, y]), axis=0)",
        np.cumprod: "use np.exp(np.cumsum(np.log(x))) for positive x",
        np.linalg.inv: "write the inverse out, or minimise the residual",
    }
)

__all__ = ["methods", "operations"]
