"""Finds data that changed under a recorded graph, before it makes a gradient wrong.

A Tensor remembers when its data was last assigned (`t.data = …`, and `t.data -= …`, which also assigns). A node that
used the data before then is stale, and refuses to give a gradient if one of its rules reads the data. What NumPy writes
into an array by itself (`t.data[0] = 5`) is not seen. Whether a rule reads something is found out by recording it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.recording import tracing
from autograd.tensor import Node, Tensor, describe


def refuse_changed_data(nodes: list[Tensor]) -> None:
    """Raise RuntimeError if a rule of `nodes` (newest first) would read data that changed after the operation ran."""
    latest: dict[Tensor, int] = {}  # when the data of each Tensor, or the memory that it is a view of, last changed
    for node in reversed(nodes):
        latest[node] = abs(node.changed)
        changed = []
        for x in node.inputs:
            if isinstance(x, Tensor) and latest.setdefault(x, abs(x.changed)) > node.tick:
                changed.append(x)
                if np.may_share_memory(node._value, x._value):
                    latest[node] = max(latest[node], latest[x])
        if latest[node] > node.tick:
            changed.append(node)
        for x in changed:
            if x.changed < 0 or reads(node, x):
                call = node.op.name if node.op else ""
                raise RuntimeError(
                    f"backward of {call}: the data of {describe(x)} was changed after {call} used it, and the gradient"
                    " would be wrong; call backward() before the update, or compute the output again"
                )


def reads(node: Tensor, x: Tensor) -> bool:
    """Say whether the rules of `node` read more of `x` (an input, or the node itself) than its shape: record the rules,
    and look for `x` in what they recorded."""
    op: Any = node.op
    twin, mark = Tensor(node._value), Tensor(x._value)
    twin.op, twin.params = op, node.params
    twin.inputs = tuple([mark if operand is x else operand for operand in node.inputs])
    wanted = twin if x is node else mark
    try:
        with tracing(), np.errstate(all="ignore"):
            parts = op.pull(Tensor(np.ones(node.shape, node.dtype)), twin, True)
    except Exception:  # the rule decides something by a value, or is not written for Tensors: it may read anything
        return True
    found = [part for part in parts if isinstance(part, Node)]
    for part in found:  # grows as it goes
        if part is wanted:
            return True
        if part is not twin:
            found += [operand for operand in part.inputs if isinstance(operand, Node)]
    return False
