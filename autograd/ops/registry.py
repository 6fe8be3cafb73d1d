"""How a NumPy function finds the operation that stands for it, and which functions see only the values."""

import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from autograd.tensor import Op
from autograd.vocabulary import ADVICE, NAMED, NUMPY, PLAIN

F = TypeVar("F", bound=Callable[..., Any])

_UFUNCS = {
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
            NUMPY[_UFUNCS.get(op.forward, op.forward)] = op


def stands_for(function: Any) -> Callable[[F], F]:
    """Decorator: this operation, or composition of operations, is what NumPy's `function` does with Tensors."""

    def enter(composition: F) -> F:
        NAMED[function.__name__] = NUMPY[function] = composition
        return composition

    return enter


def operations() -> list[str]:
    """The names of all operations.

    >>> operations()[:4]
    ['absolute', 'add', 'arccos', 'arcsin']
    """
    names = {getattr(operation, "name", name) for name, operation in NAMED.items()}
    ours = {"backward", "identity", "scatter"}  # what the engine uses itself; comparisons give plain arrays
    return sorted(names - ours - {function.__name__ for function in PLAIN})


# Their results are truth values, indices or shapes: there is nothing to differentiate.
# fmt: off
PLAIN.update([
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.isnan, np.isinf, np.isfinite, np.signbit, np.isclose, np.allclose, np.array_equal, np.array_equiv,
    np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.all, np.any,
    np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted,
    np.nanargmax, np.nanargmin, np.argpartition, np.digitize, np.shape, np.ndim, np.size, np.result_type,
    np.zeros_like, np.ones_like, np.empty_like, np.array_repr, np.array_str, np.array2string,
    np.iscomplexobj, np.isrealobj,
])
# fmt: on

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
