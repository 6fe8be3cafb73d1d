"""What a node of the computation graph is, and how a call records one.

What lives here, everything else stands on:

* `Tensor`, a value in the graph: its data, its gradient, and which operation made it from which inputs;
* `Op`, an operation: a NumPy function, the same as source text, and one derivative rule per input;
* `record`, which turns the result of an operation into a `Tensor`.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy import float64, ndarray

from autograd.data import NUMBERS, array_of, bind, constant, explained, float_data
from autograd.recording import current_scope
from autograd.vocabulary import NAMED, Vocabulary

_next_tick = itertools.count(1).__next__  # creation order, which is a topological order of every graph
last_change = [0]  # when any Tensor's data was last assigned: a graph younger than that needs no check
_NO_PARAMS: dict[str, Any] = {}


class Op:
    """An operation: what it computes, how that is written, and one derivative rule (VJP) for each input.

    A rule is a line of plain NumPy, called as `rule(g, y, *inputs, **params)`: `g` is the gradient arriving at the
    output `y`, and the rule returns the gradient for its input; `backprop` sums out whatever broadcasting repeated.
    Run on arrays it is the backward pass; run on Tensors it is a recorded one. A forward function that has a parameter
    `out` acts element by element: replay has it write into arrays, and may give it one of its inputs for that.
    The arguments after `g, y` name the inputs, then the parameters, in the order of the NumPy function.
    `delta`, where given, makes of (g, y) what all the rules get in place of g, computed once: a fused operation
    f(u(…)) has the rules of u, and delta = g f'(u), which is the error of the book's BP2. Its `parts` are u and f.

    >>> cube = Op(lambda x: x**3, "x ** 3", lambda g, y, x: g * 3 * x**2, name="cube")
    >>> cube(Tensor(2.0))
    Tensor(8.0)
    >>> cube(2.0)
    8.0
    """

    __slots__ = ("arity", "delta", "forward", "known", "name", "params", "parts", "rules", "template")
    rules: Any
    params: tuple[str, ...]

    def __init__(
        self, forward: Callable[..., Any], template: str, *rules: Any, name: str = "", delta: Any = None,
        parts: tuple[Op, ...] = (),
    ):  # fmt: skip
        self.forward, self.template, self.delta, self.parts = forward, template, delta, parts
        self.name = name or forward.__name__.lstrip("_")
        if rules and isinstance(rules[0], Each):
            self.rules, self.arity, self.params = rules[0], sys.maxsize, rules[0].params
        else:
            self.rules, self.arity = rules, len(rules)
            code = rules[0].__code__ if rules else None
            self.params = code.co_varnames[2 + self.arity : code.co_argcount] if code else ()
        self.known = frozenset(self.params)

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        """The result on these inputs: a recorded Tensor if one of them is a Tensor, else just NumPy's."""
        if len(inputs) > self.arity or (params and not params.keys() <= self.known):
            inputs, params = bind(self, inputs, params)
        values, recorded = [], False
        for x in inputs:
            if isinstance(x, Tensor):
                x, recorded = x._value, True
            elif type(x) not in NUMBERS:
                x = constant(x, self.name)
            values.append(x)
        try:
            data = self.forward(*values, **params)
        except (TypeError, ValueError, IndexError) as error:
            raise explained(error, self.name, inputs) from error
        return record(data, self, inputs, values, params) if recorded else data

    def __repr__(self) -> str:
        return f"Op({self.name}: {self.template})"


class Each:
    """The rules of an Op that takes any number of inputs: `rule(i, g, y, *inputs, *, params)` for the i-th."""

    def __init__(self, rule: Any):
        self.rule = rule
        code = rule.__code__
        self.params = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]

    def __getitem__(self, i: int) -> Callable[..., Any]:
        return partial(self.rule, i)


# What a Tensor is made by that was computed without recording: nothing flows through it.
CONSTANT = Op(lambda: None, "constant", name="constant")


def record(
    data: Any, op: Op, inputs: tuple[Any, ...], values: Sequence[Any], params: dict[str, Any] = _NO_PARAMS
) -> Tensor:
    """The Tensor of the `data` that `op` made from `inputs`; their plain `values` are what its rules will need."""
    if type(data) is not float64 and (type(data) is not ndarray or not data.ndim or data.dtype.kind != "f"):
        data = float_data(data, op.name)
    node: Tensor = object.__new__(Tensor)
    node._value = data
    node.grad = node.name = None
    node.tick = _next_tick()
    node.changed = 0
    scope = current_scope()
    if scope is not None:
        node.op, node.inputs, node.values, node.params, node.scope = op, inputs, values, params, scope
    else:
        if data.base is not None:
            node._value = data.copy()  # a constant does not change with what it was a view of
        node.op, node.inputs, node.values, node.params, node.scope = CONSTANT, (), (), _NO_PARAMS, ()
    return node


class Tensor(Vocabulary):
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

    __slots__ = (
        "__weakref__",
        "_value",
        "changed",
        "grad",
        "inputs",
        "name",
        "op",
        "params",
        "scope",
        "tick",
        "values",
    )
    _value: Any
    grad: Any
    op: Op | None
    inputs: tuple[Any, ...]  # Tensors and constants, as they were given
    values: Sequence[Any]  # the same as plain NumPy, as they were when the operation ran
    params: dict[str, Any]
    name: str | None
    scope: tuple[str, ...]
    tick: int  # when it was made
    changed: int  # when its data was last assigned; 0 for never

    def __init__(self, data: Any, name: str | None = None):
        if isinstance(data, Tensor):
            raise TypeError("Tensor(t) of a Tensor would cut it from its graph; use t itself, or t.detach() to cut it")
        self._value = float_data(array_of(data, "Tensor"), "Tensor")
        self.grad = self.op = None
        self.inputs = self.values = ()
        self.params, self.scope = _NO_PARAMS, ()
        self.name = name
        self.tick = _next_tick()
        self.changed = 0

    def _assign(self, data: Any) -> None:
        if data is not self._value:  # it is after t.data -= …
            if isinstance(data, Tensor):
                raise TypeError("data takes an array or a number, not a Tensor; assign t.data")
            self._value = float_data(array_of(data, "Tensor.data"), "Tensor.data")
        self.changed = last_change[0] = _next_tick()

    def _hand_out(self) -> Any:
        if self.op is not None and type(self._value) is ndarray and self._value.base is not None:
            return self._value.copy()  # a view: what is written into it would change another Tensor unseen
        return self._value

    data = property(_hand_out, _assign)

    def detach(self) -> Tensor:
        """The same data as a constant: nothing flows back through it, and the graph behind it is let go."""
        return record(np.copy(self._value), CONSTANT, (), ())

    def item(self) -> float:
        """The value of a Tensor of one element as a Python float."""
        return float(self._value.item())

    def backward(self, seed: Any = None) -> None:
        """Write into `.grad` the gradient of this Tensor with respect to every Tensor that it was computed from.

        Leaves accumulate over calls (set `t.grad = None` to start afresh); the others keep their own latest gradient.
        `seed`, the gradient arriving from outside, is 1 by default and has to be given, with this Tensor's shape,
        unless it holds one element.
        """
        NAMED["backward"](self, seed)

    def __repr__(self) -> str:
        values = np.array2string(self._value, separator=", ", prefix="Tensor(") if self.ndim else str(self._value)
        dtype = "" if self._value.dtype == float64 else f", dtype={self._value.dtype}"
        return f"Tensor({values}{dtype}{f', name={self.name!r}' if self.name is not None else ''})"
