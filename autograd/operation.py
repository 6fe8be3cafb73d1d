"""What an operation is, and how a call of it records a node.

* `Op`, an operation: a NumPy function, its source text, and a derivative rule for each input;
* `record`, which turns what an operation computed into a `Tensor` or a `Plain`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import float64, ndarray

from autograd.data import NUMBERS, constant, float_data
from autograd.recording import Traced, current_scope, is_tracing
from autograd.registry import NAMED
from autograd.tensor import NO_PARAMS, Node, Plain, Tensor, explained, next_tick, shares_memory

MANY = sys.maxsize  # the arity of an operation that takes any number of inputs


class Op:
    """An operation: what it computes, how that is written, and one derivative rule (VJP) for each input.

    A rule is a line of plain NumPy, called as `rule(g, y, *inputs, **params)`: `g` is the gradient arriving at the
    output `y`, and the rule returns the gradient for its input; `backprop` sums out whatever broadcasting repeated.
    Run on arrays it is the backward pass; run on Tensors it is a recorded one. The arguments after `g, y` name the
    inputs, then the parameters, in the order of the NumPy function; without rules, the forward function's do. An input
    whose rule is None is never differentiated. An operation without rules has no derivative, and gives plain arrays.

    template  the source text of the operation, in the names of its inputs and parameters
    delta     makes of `(g, y, *inputs)` what the rules get in place of g, once for all of them. A layer f(u(x, w, b))
              has the rules of u, and delta = g f'(u), which is the error of the book's BP2; its `parts` are u and f
    facts     what readings want to know of it: elementwise=True, activation=True, …; `op.facts` has them

    A forward function that has a parameter `out` acts element by element: replay has it write into arrays, and may give
    it one of its inputs for that.

    >>> cube = Op(lambda x: x**3, "x ** 3", lambda g, y, x: g * 3 * x**2, name="cube")
    >>> cube(Tensor(2.0))
    Tensor(8.0)
    >>> cube(2.0)
    8.0
    """

    __slots__ = (
        "arity",
        "call",
        "defaults",
        "delta",
        "facts",
        "forward",
        "known",
        "name",
        "operands",
        "params",
        "parts",
        "pull",
        "rules",
        "template",
    )

    def __init__(
        self, forward: Callable[..., Any], template: str, *rules: Any, name: str = "", delta: Any = None,
        parts: tuple[Op, ...] = (), **facts: Any,
    ):  # fmt: skip
        self.forward, self.template, self.rules = forward, template, rules
        self.delta, self.parts, self.facts = delta, parts, facts
        self.name = name or forward.__name__.lstrip("_")
        self.operands, self.params, self.defaults = _signature(forward, template, rules)
        if self.operands[:1] != ("*xs",) and len(rules) not in (0, len(self.operands)):
            raise ValueError(
                f"{self.name}: there are {len(rules)} rules for the inputs {', '.join(self.operands)}; each input has a"
                " rule or None, and a rule takes g, y and all inputs"
            )
        self.arity = MANY if self.operands[:1] == ("*xs",) else len(self.operands)
        self.known = frozenset(self.params)
        # The same call in forms for few inputs, where graphs of scalars spend most of their time.
        arity = self.arity if rules and not self.params and None not in rules else 0
        self.call: Callable[..., Any] = {1: call_one, 2: call_two}.get(arity, call_any)(self)
        if self.arity == 1 and rules and delta is None and None not in rules:
            arity = 1  # with parameters, too
        arity = MANY if self.arity == MANY else arity if delta is None or arity == 3 else 0
        pulls = {MANY: _pull_many, 1: _pull_one, 2: _pull_two, 3: _pull_three}
        self.pull: Callable[..., Any] = pulls.get(arity, _pull_any)(self)

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        """Compute the result on these inputs: a recorded Tensor if one of them is a Tensor, else what NumPy returns."""
        if len(inputs) > self.arity or (params and not params.keys() <= self.known):
            inputs, params = self.bind(inputs, params)
        return self.call(*inputs, **params)

    def bind(self, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort arguments into inputs and parameters by name. Raises TypeError for a parameter that the operation does
        not have."""
        inputs, by_position = args[: self.arity], args[self.arity :]
        if len(by_position) > len(self.params):
            raise TypeError(f"{self.name} takes at most {self.arity + len(self.params)} arguments, not {len(args)}")
        params = dict(zip(self.params, by_position, strict=False), **params)
        unknown = ", ".join(params.keys() - self.known)
        if unknown:
            raise TypeError(
                f"{self.name}: {unknown} is not a parameter that Tensors support (they support"
                f" {', '.join(self.params) or 'none'}); leave it out, or use t.data for a value off the graph"
            )
        return inputs, params

    def __repr__(self) -> str:
        return f"Op({self.name}: {self.template})"


def _signature(
    forward: Any, template: str, rules: tuple[Any, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """Return the names of the inputs, those of the parameters, and the parameters' defaults.

    They are read from the first rule, after g and y (or after `wanted, g, y`, for any number of inputs). Without rules
    they are read from the forward function, whose inputs are the arguments without a default.
    """
    rule = next((rule for rule in rules if rule is not None), None)
    if rule is None and isinstance(forward, np.ufunc):
        return (("x",) if forward.nin == 1 else ("a", "b")), (), {}
    if not hasattr(rule or forward, "__code__"):
        raise TypeError(f"the operation {template!r}: {rule or forward!r} has no signature to read; write a lambda")
    code, skip = (rule or forward).__code__, 2 if rule else 0
    defaults: tuple[Any, ...] = (rule or forward).__defaults__ or ()
    names = code.co_varnames[skip : code.co_argcount]
    if code.co_flags & 4:  # *xs
        keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        return ("*xs",), keywords, (rule or forward).__kwdefaults__ or {}
    n = len(rules) if rules else len(names) - len(defaults)
    return names[:n], names[n:], dict(zip(reversed(names), reversed(defaults)))


def call_one(op: Op) -> Callable[..., Any]:
    forward = op.forward

    def call(x: Any) -> Any:
        if isinstance(x, Node):
            try:
                data = forward(x._value)
            except (TypeError, ValueError, IndexError) as error:
                raise explained(error, op.name, (x,)) from error
            return record(data, op, (x,))
        return forward(x if type(x) in NUMBERS else constant(x, op.name))

    return call


def call_two(op: Op) -> Callable[..., Any]:
    forward = op.forward

    def call(a: Any, b: Any) -> Any:
        if isinstance(a, Node):
            x = a._value
            if isinstance(b, Node):
                z = b._value
            else:
                z = b = b if type(b) in NUMBERS else constant(b, op.name)
        else:
            x = a = a if type(a) in NUMBERS else constant(a, op.name)
            if not isinstance(b, Node):
                return forward(x, b if type(b) in NUMBERS else constant(b, op.name))
            z = b._value
        try:
            data = forward(x, z)
        except (TypeError, ValueError, IndexError) as error:
            raise explained(error, op.name, (a, b)) from error
        return record(data, op, (a, b))

    return call


def call_any(op: Op) -> Callable[..., Any]:
    forward, name, rules = op.forward, op.name, op.rules
    fixed = [i for i, rule in enumerate(op.rules) if rule is None]  # inputs that are never differentiated

    def call(*inputs: Any, **params: Any) -> Any:
        values, recorded, converted = [], False, bool(fixed)
        for x in inputs:
            if isinstance(x, Node):
                x, recorded = x._value, True
            elif type(x) not in NUMBERS:
                x, converted = constant(x, name), True
            values.append(x)
        try:
            data = forward(*values, **params)
        except (TypeError, ValueError, IndexError) as error:
            raise explained(error, name, inputs) from error
        if not recorded or not (rules or is_tracing()):
            return data
        if converted:
            inputs = tuple([x if isinstance(x, Node) else value for x, value in zip(inputs, values, strict=True)])
        for i in fixed:
            if isinstance(inputs[i], Tensor):
                inputs = (*inputs[:i], NAMED["detach"](inputs[i]), *inputs[i + 1 :])
        return record(data, op, inputs, params)

    return call


# How a rule is asked, for an operation of one input, of two, and of any number. `pull(g, node, recorded)` gives what
# the rules make of the gradient `g` that arrived at `node`: a part for each input, None where the input is a constant.
# With `recorded`, the rules run on the Tensors themselves and not on their data.


def _pull_one(op: Op) -> Callable[..., Any]:
    (rule,) = op.rules

    def pull(g: Any, node: Node, recorded: bool) -> tuple[Any, ...]:
        (x,) = node.inputs
        return (rule(g, node, x) if recorded else rule(g, node._value, x._value),)

    def pull_with_params(g: Any, node: Node, recorded: bool) -> tuple[Any, ...]:
        (x,), params = node.inputs, node.params
        return (rule(g, node, x, **params) if recorded else rule(g, node._value, x._value, **params),)

    return pull_with_params if op.params else pull


def _pull_two(op: Op) -> Callable[..., Any]:
    left, right = op.rules

    def pull(g: Any, node: Node, recorded: bool) -> tuple[Any, ...]:
        a, b = node.inputs
        y: Any = node
        to_a, to_b = isinstance(a, Tensor), isinstance(b, Tensor)
        if not recorded:
            y = node._value
            if to_a or type(a) is Plain:
                a = a._value
            if to_b or type(b) is Plain:
                b = b._value
        return left(g, y, a, b) if to_a else None, right(g, y, a, b) if to_b else None

    return pull


def _pull_three(op: Op) -> Callable[..., Any]:
    first, second, third = op.rules
    delta = op.delta

    def pull(g: Any, node: Node, recorded: bool) -> tuple[Any, ...]:
        a, b, c = node.inputs
        y: Any = node
        to_a, to_b, to_c = isinstance(a, Tensor), isinstance(b, Tensor), isinstance(c, Tensor)
        if not recorded:
            y = node._value
            if to_a or type(a) is Plain:
                a = a._value
            if to_b or type(b) is Plain:
                b = b._value
            if to_c or type(c) is Plain:
                c = c._value
        if delta is not None:
            g = delta(g, y, a, b, c)
        return (
            first(g, y, a, b, c) if to_a else None,
            second(g, y, a, b, c) if to_b else None,
            third(g, y, a, b, c) if to_c else None,
        )

    return pull


def _pull_any(op: Op) -> Callable[..., Any]:
    rules, delta = op.rules, op.delta

    def pull(g: Any, node: Node, recorded: bool) -> list[Any]:
        params = node.params
        y, operands = (node, node.inputs) if recorded else (node._value, node.values)
        if delta is not None:
            g = delta(g, y, *operands)
        parts: list[Any] = []
        for x, rule in zip(node.inputs, rules):
            parts.append(rule(g, y, *operands, **params) if isinstance(x, Tensor) else None)
        return parts

    return pull


def _pull_many(op: Op) -> Callable[..., Any]:
    """Ask the one rule that gives the parts of all wanted inputs: `rule(wanted, g, y, *inputs, **params)`."""
    (rule,) = op.rules

    def pull(g: Any, node: Node, recorded: bool) -> list[Any]:
        y, operands = (node, node.inputs) if recorded else (node._value, node.values)
        wanted = [i for i, x in enumerate(node.inputs) if isinstance(x, Tensor)]
        parts: list[Any] = [None] * len(operands)
        for i, part in zip(wanted, rule(wanted, g, y, *operands, **node.params), strict=True):
            parts[i] = part
        return parts

    return pull


def record(data: Any, op: Op, inputs: tuple[Any, ...], params: dict[str, Any] = NO_PARAMS) -> Any:
    """Make the Tensor of the `data` that `op` computed from `inputs`; in a trace, a `Plain` where nothing is
    differentiated."""
    scope = current_scope()
    if type(scope) is not tuple:
        return _unusual(data, op, inputs, params, scope)
    if type(data) is not float64 and (type(data) is not ndarray or not data.ndim or data.dtype.kind != "f"):
        data = float_data(data, op.name)
    node: Tensor = object.__new__(Tensor)
    node._value = data
    node.grad = node.name = None
    node.tick = next_tick()
    node.changed = 0
    node.op, node.inputs, node.params, node.scope = op, inputs, params, scope
    return node


def _unusual(data: Any, op: Op, inputs: tuple[Any, ...], params: dict[str, Any], scope: tuple[str, ...] | None) -> Any:
    """Do what `record` does under `no_grad()`, and while a function is traced."""
    if not isinstance(scope, Traced):
        data = float_data(data, op.name)
        return constant_tensor(data.copy() if shares_memory(data, inputs) else data)
    differentiated = bool(op.rules) and scope.records and any(isinstance(x, Tensor) for x in inputs)
    if op.facts.get("by_name"):  # its template is for floats: -x of a number without a sign is none
        inputs = tuple([NAMED["cast"](x, data.dtype) if isinstance(x, Plain) and x.dtype.kind in "biu" else x
                        for x in inputs])  # fmt: skip
    node: Node = object.__new__(Tensor if differentiated else Plain)
    node._value = float_data(data, op.name) if differentiated else data
    node.grad = node.name = None
    node.tick, node.changed = next_tick(), 0
    node.op, node.inputs, node.params, node.scope = op, inputs, params, tuple(scope)
    return node


def constant_tensor(data: Any) -> Tensor:
    """Make a Tensor through which nothing flows back."""
    node: Tensor = object.__new__(Tensor)
    node._value, node.grad, node.name, node.tick, node.changed = data, None, None, next_tick(), 0
    node.op, node.inputs, node.params, node.scope = CONSTANT, (), NO_PARAMS, ()
    return node


# What a Tensor is made by that was computed without recording: nothing flows through it.
CONSTANT = Op(lambda: None, "constant", name="constant")

# What a traced function differentiates with respect to an array is a Tensor that a program makes of the array.
DIFFERENTIATED = Op(lambda x: x, "x", None, name="identity")


def differentiated(x: Plain) -> Tensor:
    """Make a Tensor of a plain value, to differentiate with respect to it; nothing flows back from it."""
    if x.dtype.kind != "f":
        x = NAMED["cast"](x, float)
    node = constant_tensor(float_data(x._value, "grad"))
    node.op, node.inputs = DIFFERENTIATED, (x,)
    return node


NAMED["constant_tensor"] = constant_tensor
