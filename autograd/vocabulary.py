"""What people type: NumPy's functions, and the methods of a Tensor. Each is a look-up in one registry of operations.

`ops` fills the registry; this room knows no operation by itself, only how a call finds one, and what to say where
there is none. Nothing leaves the graph by accident: what would turn a Tensor into an array raises a TypeError.
"""

from __future__ import annotations

import inspect
import opcode
import operator
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from autograd.recording import is_tracing

if TYPE_CHECKING:
    from autograd.tensor import Tensor

STORE_SUBSCR = opcode.opmap["STORE_SUBSCR"]

# Every operation by its own name ("add", "relu"), and by the NumPy function that it stands for (np.add).
NAMED: dict[str, Callable[..., Any]] = {}
NUMPY: dict[Any, Callable[..., Any]] = {}
# NumPy functions that see only the values (comparisons, argmax, …), and what to write in place of some others.
PLAIN: set[Any] = set()
ADVICE: dict[Any, str] = {}


def _comparison(compare: Callable[[Any, Any], Any], name: str) -> Callable[[Vocabulary, Any], Any]:
    return lambda self, other: NAMED[name](self, other) if is_tracing() else compare(self._value, plain(other))


class Vocabulary:
    """The methods of a Tensor that are operations, and its answers to NumPy's protocols."""

    __slots__ = ()
    _value: Any

    def _call(self, name: str, *args: Any) -> Tensor:
        return NAMED[name](self, *args)  # type: ignore[no-any-return]

    # fmt: off
    if TYPE_CHECKING:  # `ops` adds these, made from its tables
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def relu(self) -> Tensor: ...
        def tanh(self) -> Tensor: ...
        def sigmoid(self) -> Tensor: ...
        def exp(self) -> Tensor: ...
        def log(self) -> Tensor: ...
        def sqrt(self) -> Tensor: ...
    def sum(self, axis: Any = None, keepdims: bool = False) -> Tensor: return self._call("sum", axis, keepdims)
    def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor: return self._call("mean", axis, keepdims)
    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor: return self._call("max", axis, keepdims)
    def min(self, axis: Any = None, keepdims: bool = False) -> Tensor: return self._call("min", axis, keepdims)
    def var(self, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Tensor: return self._call("var", axis, ddof, keepdims)  # noqa: E501
    def reshape(self, *shape: Any) -> Tensor: return self._call("reshape", shape[0] if len(shape) == 1 else shape)
    def transpose(self, *axes: Any) -> Tensor: return self._call("transpose", axes[0] if len(axes) == 1 else axes or None)  # noqa: E501
    def astype(self, dtype: Any) -> Tensor: return self._call("astype", dtype)
    def __getitem__(self, index: Any) -> Tensor: return self._call("getitem", index)
    T: Any  # the transpose; `ops` adds it too
    @property
    def mT(self) -> Tensor: return self._call("swapaxes", -1, -2)
    # fmt: on

    shape, ndim = property(operator.attrgetter("_value.shape")), property(operator.attrgetter("_value.ndim"))
    size, dtype = property(operator.attrgetter("_value.size")), property(operator.attrgetter("_value.dtype"))

    __lt__, __le__ = _comparison(operator.lt, "less"), _comparison(operator.le, "less_equal")
    __gt__, __ge__ = _comparison(operator.gt, "greater"), _comparison(operator.ge, "greater_equal")
    __eq__, __ne__ = _comparison(operator.eq, "equal"), _comparison(operator.ne, "not_equal")
    __and__, __or__ = _comparison(operator.and_, "logical_and"), _comparison(operator.or_, "logical_or")
    __hash__ = object.__hash__

    def __pos__(self) -> Any:
        return self

    def __floordiv__(self, other: Any) -> NoReturn:
        raise TypeError(f"a Tensor has no // operator: {ADVICE[np.floor_divide]}")

    def __mod__(self, other: Any) -> NoReturn:
        raise TypeError(f"a Tensor has no % operator: {ADVICE[np.mod]}")

    __rfloordiv__, __rmod__ = __floordiv__, __mod__

    def __format__(self, spec: str) -> str:
        return format(float(self._value.item()), spec) if spec and self._value.size == 1 else format(str(self), spec)

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Tensor]:
        if not self._value.ndim:
            raise TypeError("a Tensor of shape () cannot be iterated over: it is a single number")
        return map(self.__getitem__, range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        caller = sys._getframe(1)
        if caller.f_code.co_code[caller.f_lasti] == STORE_SUBSCR:  # array[i] = t: NumPy asks for a float here
            self.__array__()
        if self._value.size != 1:
            raise TypeError(
                f"float() takes a Tensor of one element; this one has shape {self._value.shape}: use t.data"
            )
        return float(self._value.item())

    def __int__(self) -> int:
        return int(float(self))

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "the elements of a Tensor cannot be assigned: build the new value with np.where(mask, new, t) or"
            " np.concatenate, or assign t.data outside the graph"
        )

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            "a Tensor does not turn into an array by itself: that would cut it from its graph and silently lose its"
            " gradient. Use t.data for its values, np.stack([t, …]) to put Tensors together"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs and ufunc in NUMPY:
            return NUMPY[ufunc](*inputs)
        if any(x is not None for x in kwargs.pop("out", ())):
            raise TypeError(f"np.{ufunc.__name__} cannot write a Tensor into an array (out=, +=); use a = a + t")
        if method == "__call__":
            return self.__array_function__(ufunc, (), inputs, kwargs)
        raise TypeError(f"np.{ufunc.__name__}.{method} is not supported for Tensors; use np.sum, np.prod, np.cumsum, …")

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if function in NUMPY:
            call = NUMPY[function]
            arity = getattr(call, "arity", len(args))
            if not arity <= len(args) <= arity + 1 and arity < sys.maxsize:  # NumPy may have more parameters between
                bound = inspect.signature(function).bind(*args, **kwargs).arguments
                names = list(bound)
                args, kwargs = tuple(map(bound.pop, names[:arity])), bound
            kwargs = {key: value for key, value in kwargs.items() if not (key in ("out", "dtype") and value is None)}
            return call(*args, **kwargs)
        if function in PLAIN:
            return function(*map(plain, args), **{key: plain(value) for key, value in kwargs.items()})
        module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np")
        advice = ADVICE.get(function, "write it with functions that are (autograd.operations() lists them)")
        raise TypeError(
            f"{module}.{function.__name__} is not supported for Tensors: {advice}, or use t.data off the graph"
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            package = "np" if any(function.__name__ == name for function in NUMPY) else "autograd"
            hint = f"; use {package}.{name}(t)" if name in NAMED else ""
            raise AttributeError(f"a Tensor has no attribute {name!r}{hint}")


def plain(value: Any) -> Any:
    """`value` with its Tensors, also those in a list or tuple, replaced by their data."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    return value._value if isinstance(value, Vocabulary) else value
