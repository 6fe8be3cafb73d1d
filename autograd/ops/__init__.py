"""Every operation with its derivative rules, a file per family. To add one, add its line to a table."""

from autograd.ops import activations, elementwise, products, reductions, shaping
from autograd.ops.registry import operations, register
from autograd.tensor import Tensor, operator_methods, unary_method

for family in (elementwise, reductions, shaping, products, activations):
    register(vars(family))

OPERATORS = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "pow": elementwise.power,
    "matmul": products.matmul,
}
UNARY = {
    "__neg__": elementwise.negative,
    "__abs__": elementwise.absolute,
    "relu": activations.relu,
    "tanh": elementwise.tanh,
    "sigmoid": activations.sigmoid,
    "exp": elementwise.exp,
    "log": elementwise.log,
    "sqrt": elementwise.sqrt,
}
for name, op in OPERATORS.items():
    method, reflected = operator_methods(op)
    setattr(Tensor, f"__{name}__", method)
    setattr(Tensor, f"__r{name}__", reflected)
for name, op in UNARY.items():
    setattr(Tensor, name, unary_method(op))

__all__ = ["operations"]
