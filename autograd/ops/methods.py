"""The operators of a Tensor and its methods without arguments: the operations of the tables, called as methods."""

from collections.abc import Callable
from typing import Any

from autograd.ops import activations, elementwise, plain, products, shaping
from autograd.tensor import Node, Op, call_one

OPERATORS = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "pow": elementwise.power,
    "matmul": products.matmul,
    "and": plain.bitwise_and,
    "or": plain.bitwise_or,
    "xor": plain.bitwise_xor,
}
COMPARISONS = {
    "__lt__": plain.less,
    "__le__": plain.less_equal,
    "__gt__": plain.greater,
    "__ge__": plain.greater_equal,
    "__eq__": plain.equal,
    "__ne__": plain.not_equal,
}
UNARY = {
    "__neg__": elementwise.negative,
    "__abs__": elementwise.absolute,
    "__invert__": plain.invert,
    "relu": activations.relu,
    "tanh": elementwise.tanh,
    "sigmoid": activations.sigmoid,
    "exp": elementwise.exp,
    "log": elementwise.log,
    "sqrt": elementwise.sqrt,
}


def reflected(call: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operator as the right operand has it."""
    return lambda self, other: call(other, self)


def add_method(name: str, method: Callable[..., Any], op: Op) -> None:
    """Give every node the method, which says what it computes."""
    method.__name__, method.__qualname__, method.__doc__ = op.name, f"Tensor.{op.name}", f"{op.template}, recorded."
    setattr(Node, name, method)


for name, op in OPERATORS.items():
    add_method(f"__{name}__", op.call, op)
    add_method(f"__r{name}__", reflected(op.call), op)
for name, op in {**COMPARISONS, **UNARY}.items():
    add_method(name, op.call, op)
Node.T = property(call_one(shaping.transpose))
