"""Data that changed under a recorded graph: found before it makes a wrong gradient.

A Tensor keeps the time at which its data was last assigned (`t.data = …`, and `t.data -= …`, which also assigns). A
node that used the data before that time is stale, and may not be asked for a gradient if one of its rules reads the
data. What NumPy writes into an array by itself (`t.data[0] = 5`) is not seen.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from autograd.data import describe
from autograd.tensor import Tensor


def refuse_changed_data(nodes: list[Tensor]) -> None:
    """Raise RuntimeError if a rule of `nodes` (newest first) would read data that changed after the operation ran."""
    latest: dict[Tensor, int] = {}  # when the data of each Tensor, or the memory that it is a view of, last changed
    for node in reversed(nodes):
        latest[node] = node.changed
        changed = []
        for x, value in zip(node.inputs, node.values, strict=True):
            if isinstance(x, Tensor) and latest.setdefault(x, x.changed) > node.tick:
                changed.append(x)
                if np.may_share_memory(node._value, value):
                    latest[node] = max(latest[node], latest[x])
        if latest[node] > node.tick:
            changed.append(node)
        for x in changed:
            if _reads(node, x):
                call = node.op.name if node.op else ""
                raise RuntimeError(
                    f"backward of {call}: the data of {describe(x)} was changed after {call} used it, and the gradient"
                    " would be wrong; call backward() before the update, or compute the output again"
                )


def _reads(node: Tensor, x: Tensor) -> bool:
    """Whether the rules of `node` read more of `x`, one of its inputs or itself, than its shape: they are run with a
    stand-in that has nothing else."""
    assert node.op is not None
    values = [_ShapeOnly(value) if x is operand else value for operand, value in zip(node.inputs, node.values)]
    y = _ShapeOnly(node._value) if x is node else node._value
    try:
        with np.errstate(all="ignore"):
            g = node.op.delta(node._value, y) if node.op.delta else node._value
            for operand, rule in zip(node.inputs, node.op.rules):
                if isinstance(operand, Tensor):
                    rule(g, y, *values, **node.params)
    except (TypeError, AttributeError, ValueError, IndexError):
        return True
    return False


class _ShapeOnly:
    """Stands in for an array of which only the shape and the dtype may be read."""

    __array_ufunc__ = None

    def __init__(self, array: Any):
        self.shape, self.ndim, self.size, self.dtype = array.shape, array.ndim, array.size, array.dtype

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("the data is read")

    __array__ = __array_function__ = __bool__ = __iter__ = __getitem__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
