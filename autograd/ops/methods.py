"""The operators and methods of a Tensor. Each calls an operation from the tables.

The methods of NumPy's arrays are NumPy's functions, with the Tensor as the first argument.
"""

from collections.abc import Callable
from numbers import Number
from typing import Any

import numpy as np

from autograd.operation import Op, call_one
from autograd.ops import activations, elementwise, plain, products, shaping
from autograd.registry import numpy_function
from autograd.tensor import Node
from autograd.vocabulary import add_absent

OPERATORS = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "mod": elementwise.remainder,
    "floordiv": plain.floor_divide,
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
    """Return the operator for when the Tensor is its right operand."""
    return lambda self, other: call(other, self)


COMPARED = (Node, np.ndarray, np.generic, Number, list, tuple, range)


def equality(call: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the operator == or !=. What is not a number, such as None or a string, is left to Python."""
    return lambda self, other: call(self, other) if isinstance(other, COMPARED) else NotImplemented


def add_method(name: str, method: Callable[..., Any], op: Op) -> None:
    """Give every node the method, and say in its docstring what it computes."""
    method.__name__, method.__qualname__, method.__doc__ = op.name, f"Tensor.{op.name}", f"{op.template}, recorded."
    setattr(Node, name, method)


METHODS = [
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "choose", "clip", "conj", "conjugate", "copy",
    "cumprod", "cumsum", "diagonal", "dot", "max", "mean", "min", "nonzero", "prod", "ravel", "repeat", "round",
    "searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var",
]  # fmt: skip


def method_of(name: str) -> Callable[..., Any]:
    """Turn NumPy's function of this name into a method."""
    function = numpy_function(name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self.__array_function__(function, (type(self),), (self, *args), kwargs)

    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    method.__doc__ = f"np.{name} of this Tensor, with the parameters that it has there."
    return method


def add_all() -> None:
    """Give every node its operators and methods."""
    for name, op in OPERATORS.items():
        add_method(f"__{name}__", op.call, op)
        add_method(f"__r{name}__", reflected(op.call), op)
    for name, op in {**COMPARISONS, **UNARY}.items():
        add_method(name, equality(op.call) if name in ("__eq__", "__ne__") else op.call, op)
    for name in METHODS:
        setattr(Node, name, method_of(name))
    for name, attribute in ATTRIBUTES.items():
        setattr(Node, name, attribute)
    add_absent(Node)


def _flatten(self: Any, order: Any = "C") -> Any:
    return np.ravel(self, order)


def _compress(self: Any, condition: Any, axis: Any = None) -> Any:
    return np.compress(condition, self, axis)


ATTRIBUTES = {
    "T": property(call_one(shaping.transpose)),
    "real": property(np.real),
    "imag": property(np.imag),
    "flatten": _flatten,
    "compress": _compress,
}
