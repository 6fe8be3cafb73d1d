"""Every operation with its derivative rules, a file per family. To add one, add its line to a table."""

from autograd.ops import activations, elementwise, masks, methods, products, reductions, shaping
from autograd.ops.registry import operations, register

for family in (elementwise, masks, reductions, shaping, products, activations):
    register(vars(family))

__all__ = ["methods", "operations"]
