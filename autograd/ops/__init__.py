"""Every operation with its derivative rules, a file per family. To add one, add its line to a table."""

from typing import Any

from autograd.operation import Op
from autograd.ops import (
    activations,
    elementwise,
    indexing,
    joining,
    linalg,
    making,
    methods,
    plain,
    polynomials,
    products,
    reductions,
    running,
    shaping,
    statistics,
)
from autograd.ops.refusals import REFUSED
from autograd.registry import ADVICE, NAMED, NUMPY, numpy_function, stands_for

FAMILIES = [elementwise, plain, reductions, running, statistics, shaping, joining, making, indexing, products,
            polynomials, linalg, activations]  # fmt: skip
NOT_NUMPYS = {"identity"}  # what NumPy calls so is something else


def register(table: dict[str, Any], package: str) -> None:
    """Enter each Op of a module's table under its name there, and for NumPy's function of that name."""
    for name, op in table.items():
        if isinstance(op, Op):
            name = package + name
            if op.name == op.forward.__name__.lstrip("_"):
                op.name = name
            NAMED[name] = op
            operator = getattr(op.forward, "__module__", "") == "_operator"  # faster on numbers than NumPy's function
            op.facts.setdefault("stands_for", numpy_function(name) if operator else op.forward)
            if numpy_function(name) not in NUMPY and name not in NOT_NUMPYS:
                stands_for(name)(op)


for family in FAMILIES:
    register(vars(family), "linalg." if family is linalg else "")
ADVICE.update(REFUSED)
methods.add_all()


# What the engine uses itself.
OURS = {"backward", "html", "constant_tensor", "plain_call", "index", "identity", "scatter", "outer_by"}


def operations() -> list[str]:
    """List the names of all operations that have a derivative.

    >>> operations()[:4]
    ['absolute', 'add', 'add.accumulate', 'add.reduce']
    """
    return sorted({getattr(op, "name", name) for name, op in NAMED.items() if getattr(op, "rules", True)} - OURS)


__all__ = ["operations"]
