"""The operators of a Tensor and its methods without arguments, made from the operations of the tables.

They do what calling the operation does, without the generality of `Op.__call__`: graphs of scalars spend most of their
time here.
"""

from collections.abc import Callable
from typing import Any

from autograd.data import NUMBERS, constant, explained
from autograd.ops import activations, elementwise, products, shaping
from autograd.tensor import Op, Tensor, record

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


def operator_methods(op: Op) -> tuple[Callable[[Any, Any], Tensor], Callable[[Any, Any], Tensor]]:
    """A binary operator and its reflection."""
    forward = op.forward

    def method(self: Tensor, other: Any) -> Tensor:
        a, b = self._value, other
        if isinstance(other, Tensor):
            b = other._value
        elif type(other) not in NUMBERS:
            b = constant(other, op.name)
        try:
            data = forward(a, b)
        except (TypeError, ValueError) as error:
            raise explained(error, op.name, (self, other)) from error
        return record(data, op, (self, other), (a, b))

    def reflected(self: Tensor, other: Any) -> Tensor:
        b = self._value
        a = other if type(other) in NUMBERS else constant(other, op.name)
        try:
            data = forward(a, b)
        except (TypeError, ValueError) as error:
            raise explained(error, op.name, (other, self)) from error
        return record(data, op, (other, self), (a, b))

    return method, reflected


def unary_method(op: Op) -> Callable[[Any], Tensor]:
    """The method `t.exp()`, or the operator `-t`: one input, which cannot be of a wrong shape."""
    forward = op.forward

    def method(self: Tensor) -> Tensor:
        x = self._value
        return record(forward(x), op, (self,), (x,))

    return method


def documented(method: Callable[..., Tensor], op: Op) -> Callable[..., Tensor]:
    """The method, under its operation's name, saying what it computes."""
    method.__name__, method.__qualname__, method.__doc__ = op.name, f"Tensor.{op.name}", f"{op.template}, recorded."
    return method


for name, op in OPERATORS.items():
    method, reflected = (documented(f, op) for f in operator_methods(op))
    setattr(Tensor, f"__{name}__", method)
    setattr(Tensor, f"__r{name}__", reflected)
for name, op in UNARY.items():
    setattr(Tensor, name, documented(unary_method(op), op))
Tensor.T = property(unary_method(shaping.transpose))
