"""What Python and NumPy may do with a Tensor: its methods and operators, and its answers to NumPy's protocols.

Each is looked up in the registry. This room knows no operation itself, only how a call finds one, and what to say if
there is none. Nothing leaves the graph by accident: whatever would turn a Tensor into an array raises a TypeError.
"""

from __future__ import annotations

import opcode
import operator
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from autograd.recording import TracedValueError
from autograd.registry import ADVICE, NAMED, NUMPY, PLAIN, numpy_function, qualified_name

STORE_SUBSCR = opcode.opmap["STORE_SUBSCR"]


class Absent:
    """Stands where an array, or a library that people come from, has an attribute that a Tensor has not.

    It says what to write instead. A method `__getattr__` would do it for all of them at once, but Python then reads
    every attribute by a longer way: scalar graphs took a fifth more time.
    """

    def __init__(self, name: str, advice: str):
        self.name, self.advice = name, advice
        self.__doc__ = f"Not there: {advice}."

    def __get__(self, node: Any, owner: type) -> Any:
        if node is None:
            return self
        raise AttributeError(f"a Tensor has no attribute {self.name!r}; {self.advice}")


class Elsewhere:
    """What arrays and other libraries have, and a Tensor has not."""

    __slots__ = ()

    def __dir__(self) -> list[str]:
        """List the attributes that there are."""
        return [name for name in super().__dir__() if not isinstance(getattr(type(self), name, None), Absent)]


class Vocabulary(Elsewhere):
    """The methods of a Tensor that are operations, and its answers to NumPy's protocols."""

    __slots__ = ()
    _value: Any
    grad: Any
    is_differentiated = True

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return NAMED[name](self, *args, **kwargs)

    # fmt: off
    if TYPE_CHECKING:  # `ops` adds these, made from its tables
        def __add__(self, other: Any) -> Self: ...
        def __radd__(self, other: Any) -> Self: ...
        def __sub__(self, other: Any) -> Self: ...
        def __rsub__(self, other: Any) -> Self: ...
        def __mul__(self, other: Any) -> Self: ...
        def __rmul__(self, other: Any) -> Self: ...
        def __truediv__(self, other: Any) -> Self: ...
        def __rtruediv__(self, other: Any) -> Self: ...
        def __mod__(self, other: Any) -> Self: ...
        def __rmod__(self, other: Any) -> Self: ...
        def __pow__(self, other: Any) -> Self: ...
        def __rpow__(self, other: Any) -> Self: ...
        def __matmul__(self, other: Any) -> Self: ...
        def __rmatmul__(self, other: Any) -> Self: ...
        def __neg__(self) -> Self: ...
        def __abs__(self) -> Self: ...
        def __floordiv__(self, other: Any) -> Any: ...
        def __rfloordiv__(self, other: Any) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...
        def __eq__(self, other: object) -> Any: ...
        def __ne__(self, other: object) -> Any: ...
        def __and__(self, other: Any) -> Any: ...
        def __rand__(self, other: Any) -> Any: ...
        def __or__(self, other: Any) -> Any: ...
        def __ror__(self, other: Any) -> Any: ...
        def __xor__(self, other: Any) -> Any: ...
        def __rxor__(self, other: Any) -> Any: ...
        def __invert__(self) -> Any: ...
        def relu(self) -> Self: ...
        def tanh(self) -> Self: ...
        def sigmoid(self) -> Self: ...
        def exp(self) -> Self: ...
        def log(self) -> Self: ...
        def sqrt(self) -> Self: ...
        all: Callable[..., Any]  # NumPy's functions of these names
        any: Callable[..., Any]
        argmax: Callable[..., Any]
        argmin: Callable[..., Any]
        argpartition: Callable[..., Any]
        argsort: Callable[..., Any]
        choose: Callable[..., Self]
        clip: Callable[..., Self]
        compress: Callable[..., Self]
        conj: Callable[..., Self]
        conjugate: Callable[..., Self]
        copy: Callable[..., Self]
        cumprod: Callable[..., Self]
        cumsum: Callable[..., Self]
        diagonal: Callable[..., Self]
        dot: Callable[..., Self]
        flatten: Callable[..., Self]
        max: Callable[..., Self]
        mean: Callable[..., Self]
        min: Callable[..., Self]
        nonzero: Callable[..., Any]
        prod: Callable[..., Self]
        ravel: Callable[..., Self]
        repeat: Callable[..., Self]
        round: Callable[..., Any]
        searchsorted: Callable[..., Any]
        squeeze: Callable[..., Self]
        std: Callable[..., Self]
        sum: Callable[..., Self]
        swapaxes: Callable[..., Self]
        take: Callable[..., Self]
        trace: Callable[..., Self]
        var: Callable[..., Self]
        T: Any
        real: Any
        imag: Any
    def reshape(self, *shape: Any, **how: Any) -> Self:
        new = shape[0] if len(shape) == 1 else shape
        return NUMPY[np.reshape](self, new, **how) if how else self._call("reshape", new)
    def transpose(self, *axes: Any) -> Self: return self._call("transpose", axes[0] if len(axes) == 1 else axes or None)
    def astype(
        self, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: Any = True, copy: Any = True
    ) -> Self:
        if casting != "unsafe" and not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"astype: {self.dtype} cannot be cast to {np.dtype(dtype)} by the rule {casting!r}")
        return self._call("astype" if self.is_differentiated else "cast", dtype)
    def __getitem__(self, index: Any) -> Self: return self._call("index", index)
    @property
    def mT(self) -> Self: return self._call("swapaxes", -1, -2)
    # fmt: on

    shape, ndim = property(operator.attrgetter("_value.shape")), property(operator.attrgetter("_value.ndim"))
    size, dtype = property(operator.attrgetter("_value.size")), property(operator.attrgetter("_value.dtype"))

    __hash__ = object.__hash__

    def _may_leave(self, what: str, as_number: bool = True) -> None:
        """Raise TypeError where a value must not leave the graph.

        A number may leave where no gradient can be lost: under `no_grad()`, and from a constant (`t.detach()`). A truth
        value loses none. While a function is traced nothing may leave, since its program would keep the value.
        """
        raise NotImplementedError

    def __isub__(self, other: Any) -> Any:
        if self.grad is not None:
            self._warn_of_step("-=", other)
        return self - other

    def __iadd__(self, other: Any) -> Any:
        if self.grad is not None:
            self._warn_of_step("+=", other)
        return self + other

    def _warn_of_step(self, operator: str, other: Any) -> None:
        """Warn if `w -= eta * w.grad` is meant to move a parameter: it makes a new Tensor, with a longer graph."""
        if not isinstance(other, Vocabulary) and np.shape(other) == self.shape:
            warnings.warn(
                f"w {operator} … on a Tensor that has a gradient makes a new Tensor, computed from w: in a loop the"
                f" graph grows with each step. To move a parameter, write w.data {operator} eta * w.grad",
                stacklevel=3,
            )

    def __pos__(self) -> Any:
        return self

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __contains__(self, value: Any) -> bool:
        self._may_leave("`in`", as_number=False)
        return bool(np.any(self == value))

    def __round__(self, ndigits: int = 0) -> Any:
        return np.round(self, ndigits)

    def __format__(self, spec: str) -> str:
        if not spec or self.size != 1:
            return format(str(self), spec)
        self._may_leave(f"the text of a number (f'{{t:{spec}}}')", as_number=False)
        return format(float(self._value.item()), spec)

    def __len__(self) -> int:
        return len(self._value)

    def tolist(self) -> Any:
        """Return the values as lists of Python's numbers, off the graph."""
        self._may_leave("t.tolist()", as_number=False)
        return self._value.tolist()

    def numpy(self) -> Any:
        """Return a copy of the values as an array, off the graph."""
        self._may_leave("t.numpy()", as_number=False)
        return np.array(self._value)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("a Tensor of shape () cannot be iterated over: it is a single number")
        return map(self.__getitem__, range(len(self)))

    def __bool__(self) -> bool:
        self._may_leave("the truth value (if, while, and, or, max, min, sorted)", as_number=False)
        return bool(self._value)

    def __float__(self) -> float:
        caller = sys._getframe(1)
        if caller.f_code.co_code[caller.f_lasti] == STORE_SUBSCR:  # array[i] = t: NumPy's error stands below ours
            self.__array__()
        self._may_leave("float()")
        if self.size != 1:
            raise TypeError(f"float() takes a Tensor of one element; this one has shape {self.shape}: use t.data")
        return float(self._value.item())

    def __int__(self) -> int:
        self._may_leave("int()")
        return int(float(self))

    def __complex__(self) -> complex:
        self._may_leave("complex()")
        return complex(float(self))

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "the elements of a Tensor cannot be assigned: build the new value with np.where(mask, new, t) or"
            " np.concatenate, or assign t.data outside the graph"
        )

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            "a Tensor does not turn into an array by itself: that would cut it from its graph and silently lose its"
            " gradient. Use t.data for its values, np.stack([t, …]) to put Tensors together, f(t) for"
            " np.vectorize(f)(t)"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs and ufunc in NUMPY:
            return NUMPY[ufunc](*inputs)
        if any(x is not None for x in kwargs.pop("out", ())):
            raise TypeError(f"np.{ufunc.__name__} cannot write a Tensor into an array (out=, +=); use a = a + t")
        types = {type(x) for x in inputs if isinstance(x, Vocabulary)}
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if ufunc in NUMPY and method == "outer" and not kwargs:
            return NAMED["outer_by"](NUMPY[ufunc], *inputs)
        if hasattr(NUMPY.get(function), "operands") and any(kind.is_differentiated for kind in types):
            raise TypeError(
                f"{ufunc.__name__}: {next(iter(kwargs))} is not a parameter that Tensors support; use np.where, or"
                " t.astype(dtype), before or after"
            )
        return self.__array_function__(function, types, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self.is_differentiated and not any(getattr(kind, "is_differentiated", False) for kind in types):
            try:
                if function in NUMPY:
                    return NUMPY[function](*args, **kwargs)
            except TracedValueError:
                raise
            except TypeError:  # of a parameter that has no derivative: here there is none to take
                pass
            return NAMED["plain_call"](function, f"np.{qualified_name(function)}", args, kwargs)
        if function in NUMPY:
            return NUMPY[function](*args, **kwargs)
        if function in PLAIN:
            return NAMED["plain_call"](function, f"np.{qualified_name(function)}", args, kwargs)
        name = qualified_name(function)
        known = (ADVICE.get(key) for key in (name, f"ufunc.{name.rpartition('.')[2]}"))
        advice = next(filter(None, known), "write it with functions that are (autograd.operations() lists them)")
        raise TypeError(f"np.{name} is not supported for Tensors: {advice}, or use t.data off the graph")


def add_absent(node: type) -> None:
    """Say of each attribute that a `node` has not, and that people look for, what to write instead."""
    advice = {name: f"use t.data.{name} off the graph" for name in dir(np.ndarray) if not name.startswith("_")}
    for name in NAMED:
        if "." not in name:
            advice[name] = f"use {'autograd' if numpy_function(name) is None else 'np'}.{name}(t)"
    for name in ADVICE:
        if name.startswith("ndarray."):
            advice[name.removeprefix("ndarray.")] = ADVICE[name]
    for name, text in advice.items():
        if not hasattr(node, name):
            setattr(Elsewhere, name, Absent(name, text))
