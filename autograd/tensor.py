"""The nodes of the computation graph.

* `Tensor`, a value that is differentiated: its data, its gradient, and which operation made it from which inputs;
* `Plain`, a value that is not, recorded only while a function is traced, so that a program computes it anew.

How an operation makes them is in `operation`.
"""

from __future__ import annotations

import itertools
from typing import Any, NoReturn

import numpy as np
from numpy import float64, ndarray

from autograd.data import array_of, float_data
from autograd.recording import Traced, TracedValueError, current_scope, is_tracing
from autograd.registry import NAMED
from autograd.vocabulary import Vocabulary

next_tick = itertools.count(1).__next__  # creation order, which is a topological order of every graph
last_change = [0]  # when any Tensor's data was last assigned: a graph younger than that needs no check
NO_PARAMS: dict[str, Any] = {}
LONGEST = 40  # elements that a Tensor shows in full
LONGEST_NAME = 60  # characters of its name


class Node(Vocabulary):
    """A value and how it was computed: what Tensors and plain recorded values have in common."""

    __slots__ = ("__weakref__", "_value", "changed", "grad", "inputs", "name", "op", "params", "scope", "tick")
    _value: Any
    grad: Any
    op: Any  # the Op that made it; None for a leaf
    inputs: tuple[Any, ...]  # Tensors and constants, in order, with repeats
    params: dict[str, Any]
    name: str | None
    scope: tuple[str, ...]
    tick: int  # when it was made
    changed: int  # when its data was last assigned; 0 for never, negative if it once took another shape or dtype

    def _may_leave(self, what: str, as_number: bool = True) -> None:
        scope = current_scope()
        if type(scope) is Traced:
            refuse_value(self, what)
        if as_number and scope is not None and not self.is_constant:
            raise TypeError(
                f"{what} of {describe(self)} would silently lose its gradient: use t.item() or t.data for the value,"
                " and NumPy's functions (np.tanh, not math.tanh) to stay on it"
            )

    @property
    def is_constant(self) -> bool:
        """Whether nothing flows through it, because it was detached or computed without recording."""
        return self.op is not None and not self.inputs

    @property
    def values(self) -> list[Any]:
        """The inputs as plain NumPy: nodes are replaced by their data."""
        values = []
        for x in self.inputs:  # not in brackets: Python 3.11 calls a function for those
            values.append(x._value if isinstance(x, Node) else x)
        return values

    def __repr__(self) -> str:
        value = self._value
        values, shape = str(value), ""
        if isinstance(value, ndarray):
            edge = 3 if value.ndim == 1 else 2  # of each side, where the middle is left out
            values = np.array2string(value, separator=", ", prefix="Tensor(", threshold=LONGEST, edgeitems=edge)
            unsaid = value.size > LONGEST or (value.size == 0 and value.ndim > 1)
            shape = f", shape={value.shape}" if unsaid else ""
        dtype = "" if np.result_type(value) == float64 else f", dtype={np.result_type(value)}"
        name = repr(self.name)
        if len(name) > LONGEST_NAME:
            name = f"{name[:LONGEST_NAME]}…{name[-1]}"
        called = "" if self.name is None else f", name={name}"
        return f"{type(self).__name__}({values}{shape}{dtype}{called})"


class Tensor(Node):
    """A value in a computation graph: a NumPy array or scalar of floats that remembers how it was computed.

    `Tensor(data, name=None)` makes a leaf: `data` is anything that NumPy reads as numbers; it is copied, and integers
    and booleans become float64. Results of operations are Tensors too. Raises TypeError for complex or object data.

    data    the NumPy array or scalar; assigning to it (`t.data -= eta * t.grad`) is how parameters are updated
    grad    after `backward()`, the gradient of its output with respect to this Tensor, of the shape of `data`
    op      the `Op` that made it, None for a leaf; `inputs` what it was made from, in order; `params` the rest
    name    a name for drawings and messages; `scope` the names of the `with scope(…)` blocks that it was made in

    >>> x = Tensor([1.0, 2.0], name="x")
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None):
        if isinstance(data, Node):
            raise TypeError("Tensor(t) of a Tensor would cut it from its graph; use t itself, or t.detach() to cut it")
        self._value = float_data(array_of(data, "Tensor"), "Tensor")
        self.grad = self.op = None
        self.inputs = ()
        self.params, self.scope = NO_PARAMS, ()
        self.name = name
        self.tick = next_tick()
        self.changed = 0

    def _assign(self, data: Any) -> None:
        if data is not self._value:  # it is after t.data -= …
            if isinstance(data, Node):
                raise TypeError("data takes an array or a number, not a Tensor; assign t.data")
            new = float_data(array_of(data, "Tensor.data"), "Tensor.data")
            if new.shape != self._value.shape or new.dtype != self._value.dtype:
                self.changed = -1
            self._value = new
        now = last_change[0] = next_tick()
        self.changed = now if self.changed >= 0 else -now

    def _hand_out(self) -> Any:
        if type(current_scope()) is Traced:
            refuse_value(self, "t.data")
        value = self._value
        if self.op is not None and type(value) is ndarray and shares_memory(value, self.inputs):
            return value.copy()  # what is written into it would change another Tensor unseen
        return value

    data = property(_hand_out, _assign)

    def detach(self) -> Tensor:
        """Return the same data as a constant: nothing flows back through it, and the graph behind it is let go."""
        if is_tracing():
            return NAMED["detach"](self)  # type: ignore[no-any-return]
        return NAMED["constant_tensor"](np.copy(self._value)[()])  # type: ignore[no-any-return]

    def item(self, *index: Any) -> float:
        """Return the value of a Tensor of one element as a Python float, off the graph."""
        if is_tracing():
            refuse_value(self, "t.item()")
        return float(self._value.item(*index))

    def _repr_html_(self) -> str:
        return NAMED["html"](self)  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        if self.inputs:
            raise TypeError(
                f"{describe(self)} cannot be pickled, for its graph would be lost; pickle t.data, or t.detach()"
            )
        return _restored, (self._value, self.name, self.grad, self.is_constant)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """Copy a leaf into a leaf of its own; give a computed Tensor the same value in the same graph."""
        if self.inputs:
            return NAMED["identity"](self)  # type: ignore[no-any-return]
        if is_tracing():
            return self.detach()  # a leaf of its own would keep the value of the trace
        return _restored(self._value, self.name, self.grad, self.is_constant)

    def __copy__(self) -> Tensor:
        return self.__deepcopy__({})

    def backward(self, seed: Any = None) -> None:
        """Write into `.grad` the gradient of this Tensor with respect to every Tensor that it was computed from.

        Leaves accumulate over calls (set `t.grad = None` to start afresh); the others keep their own latest gradient.
        `seed`, the gradient arriving from outside, is 1 by default and has to be given, with this Tensor's shape,
        unless it holds one element.
        """
        NAMED["backward"](self, seed)


class Plain(Node):
    """A value without a derivative, recorded while a function is traced: a comparison, an index, an array argument.

    The traced function uses it like an array, as far as that can be recorded.
    """

    __slots__ = ()
    is_differentiated = False
    shape, ndim = property(lambda self: np.shape(self._value)), property(lambda self: np.ndim(self._value))
    size, dtype = property(lambda self: np.size(self._value)), property(lambda self: np.result_type(self._value))

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TracedValueError(
            f"{describe(self)} would become an array while the function is traced, and a program would keep it: call"
            " NumPy's functions on it; for table[labels] make the table an argument of the function as well"
        )

    def __getattr__(self, name: str) -> Any:
        method = None if name.startswith("_") else getattr(type(self._value), name, None)
        if not callable(method):
            raise AttributeError(f"{describe(self)} has no attribute {name!r} while the function is traced")
        return lambda *args, **kwargs: NAMED["plain_call"](method, name, (self, *args), kwargs)

    def __copy__(self, memo: Any = None) -> Plain:
        """Return the value itself: nothing writes into it."""
        return self

    __deepcopy__ = __copy__

    def detach(self) -> Plain:
        """Return the value itself: nothing flows back through it anyway."""
        return self

    def __reduce__(self) -> NoReturn:
        refuse_value(self, "pickling")


def _restored(value: Any, name: str | None, grad: Any, is_constant: bool) -> Tensor:
    """Rebuild a leaf or a constant from its parts. When its data last changed does not matter for the copy."""
    node: Tensor = NAMED["constant_tensor"](np.copy(value)[()]) if is_constant else Tensor(value)
    node.name, node.grad = name, np.copy(grad)[()] if grad is not None else None
    return node


def plain_input(value: Any, name: str | None = None) -> Plain:
    """Make a leaf that is not differentiated: a traced function gets it in place of an array or a number."""
    node: Plain = object.__new__(Plain)
    node._value, node.grad, node.name, node.tick, node.changed = value, None, name, next_tick(), 0
    node.op, node.inputs, node.params, node.scope = None, (), NO_PARAMS, ()
    return node


def shares_memory(data: Any, inputs: tuple[Any, ...]) -> bool:
    """Say whether `data` may be a view, so that writing into it would change something else."""
    return getattr(data, "base", None) is not None or any(
        type(data) is ndarray and data is (x._value if isinstance(x, Node) else x) for x in inputs
    )


def plain(value: Any) -> Any:
    """Replace the Tensors in `value`, also those in a list or tuple, by their data."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    return value._value if isinstance(value, Node) else value


def refuse_value(node: Node, what: str) -> NoReturn:
    """Raise TracedValueError: the traced function looks at a value, and a program would keep it as it is now."""
    raise TracedValueError(
        f"{what} of {describe(node)} is read while the function is traced, and a program would keep the value that it"
        " has now; use what is recorded: np.where(t > 0, a, b) for an if, np.maximum for max, t.detach() for t.data"
    )


SHOWN = 4  # operands that a message describes


def describe(operand: Any) -> str:
    """Describe an operand in a message: `Tensor 'w1' of shape (30, 784)`, `array of shape (10,)`, `2.0`."""
    if isinstance(operand, Node):
        kind = "Tensor" if isinstance(operand, Tensor) else "array"
        name = f" {operand.name[:40]!r}" if operand.name else f" made by {operand.op.name}" if operand.op else ""
        return f"{kind}{name} of shape {operand.shape}"
    return f"array of shape {operand.shape}" if isinstance(operand, ndarray) else f"{operand!r:.60}"


def explained(error: Exception, call: str, inputs: tuple[Any, ...]) -> Exception:
    """Return an error of the same kind that names the operation and its operands."""
    kind = next(
        (kind for kind in (TypeError, IndexError, np.linalg.LinAlgError, ValueError) if isinstance(error, kind)),
        RuntimeError,
    )
    operands = [*map(describe, inputs[:SHOWN]), *([f"and {len(inputs) - SHOWN} more"] if len(inputs) > SHOWN else [])]
    return kind(f"{call}({', '.join(operands)}): {error!s:.1000}")
