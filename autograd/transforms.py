"""Functions that take a function and return another: its gradient, its Jacobian, its products with vectors.

Nothing here differentiates: these are compositions of `backprop`. Each works on the positional arguments that `argnums`
picks, which may be arrays, numbers, Tensors, or lists, tuples and dicts of them; the other arguments are passed on as
they are. Results are plain arrays, and Tensors exactly where they depend on a Tensor from outside: inside another
transform, or where the function uses a Tensor that is not among the arguments. So transforms nest to any order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from autograd.backward import backprop, reached
from autograd.operation import CONSTANT, differentiated, record
from autograd.recording import is_tracing, recording
from autograd.registry import NAMED
from autograd.tensor import Node, Plain, Tensor, plain
from autograd.trees import leaves, tree_map

ArgNums = int | tuple[int, ...]
F = TypeVar("F", bound=Callable[..., Any])


def _own(x: Any) -> Tensor:
    """Make a node of our own with the value of `x`: what else is computed from `x` must not count in this
    derivative."""
    value = x if isinstance(x, Node) else Tensor(x)
    if isinstance(value, Plain):
        return differentiated(value)
    identity: Any = NAMED["identity"]
    return record(value._value, identity, (value,))  # type: ignore[no-any-return]


def _derived(f: Callable[..., Any], name: str) -> Callable[[F], F]:
    """Decorate a function derived from f: it gets f's parameters and docstring, and a name of its own, such as
    dtanh."""

    def rename(function: F) -> F:
        function = wraps(f)(function)  # type: ignore[assignment]
        function.__name__ = name.format(getattr(f, "__name__", "f").replace("<lambda>", "f"))
        return function

    return rename


class _Linearized:
    """`f` evaluated once, ready to be asked for gradients with respect to the arguments at `argnums`."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], argnums: ArgNums, kwargs: dict[str, Any]):
        if isinstance(argnums, np.integer):
            argnums = int(argnums)
        positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        for position in positions:
            if not -len(args) <= position < len(args):
                raise ValueError(f"argnums={argnums!r}, and the function was called with {len(args)} arguments")
        positions = tuple(position % len(args) for position in positions)
        with recording():
            inputs = [tree_map(_own, x) if i in positions else x for i, x in enumerate(args)]
            self.output = f(*inputs, **kwargs)
        picked = tuple(inputs[position] for position in positions)
        self.inputs = picked[0] if isinstance(argnums, int) else picked
        self.own = set(leaves(self.inputs))
        # While f ran, our nodes stood on Tensors, from outside for the transforms inside it. Those made of plain
        # arguments lead nowhere from here on.
        for position in set(positions):
            for node, x in zip(leaves(inputs[position]), leaves(args[position]), strict=True):
                if not isinstance(x, Node):
                    node.op, node.inputs = CONSTANT, ()
        outside = is_tracing() or any(
            isinstance(leaf, Node) for position in positions for leaf in leaves(args[position])
        )
        self.depends_on_outside = outside or any(map(self._reaches_outside, leaves(self.output)))
        self.value = tree_map(self.result, self.output)

    def _reaches_outside(self, output: Any) -> bool:
        if not isinstance(output, Tensor) or output in self.own:
            return False
        nodes = [output] if output.op is None else [x for node in reached(output, self.own) for x in node.inputs]
        return any(isinstance(x, Tensor) and x.op is None for x in nodes)

    def result(self, x: Any) -> Any:
        return x if self.depends_on_outside else plain(x)

    def pull(self, output: Any, seed: Any) -> Any:
        """Return the gradient of one of the outputs, in the structure of the inputs."""
        grads: dict[Tensor, Any] = {}
        if isinstance(output, Tensor):
            with recording():
                grads = backprop(output, seed, record=self.depends_on_outside, stop=self.own)
        return tree_map(lambda x: grads[x] if x in grads else np.zeros_like(x._value)[()], self.inputs)


def value_and_grad(f: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., tuple[Any, Any]]:
    """Return the function that computes `(f(x), df/dx)`, for an `f` whose value is a single number.

    The gradient has the structure and the shapes of the argument (a tuple of them if `argnums` is a tuple).
    Raises ValueError if the value of `f` is not a single number.

    >>> value_and_grad(lambda x, y: x * y**2)(3.0, 2.0)
    (np.float64(12.0), np.float64(4.0))
    """

    @_derived(f, "{}_and_gradient")
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        linear = _Linearized(f, args, argnums, kwargs)
        if not isinstance(linear.output, (Tensor, np.ndarray, np.generic, int, float)) or np.size(linear.output) != 1:
            shape = f"of shape {linear.output.shape}" if hasattr(linear.output, "shape") else repr(linear.output)[:60]
            raise ValueError(
                f"grad needs a function whose value is a single number, and got one {shape}; take its sum or mean, or"
                " use jacobian or vjp"
            )
        return linear.value, linear.pull(linear.output, None)

    return value_and_gradient


def grad(f: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., Any]:
    """Return the function that computes df/dx: `value_and_grad` without the value.

    >>> d = grad(np.tanh)
    >>> print(d(0.5), grad(d)(0.5), grad(grad(d))(0.5))
    0.7864477329659274 -0.7268619... -0.5652092...
    """
    both = value_and_grad(f, argnums)

    @_derived(f, "d{}")
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return `(f(*args), pull)`. `pull(v)` is v J, the gradient of <v, f>, for a `v` of the structure of the value.

    `pull` returns the gradient of the one argument, or a tuple of one for each; it may be called more than once.

    >>> value, pull = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    array([ 2., 40.])
    """
    linear = _Linearized(f, args, 0 if len(args) == 1 else tuple(range(len(args))), {})

    def pull(v: Any) -> Any:
        pulled: list[Any] = []
        tree_map(lambda output, seed: pulled.append(linear.pull(output, seed)), linear.output, v)
        total = pulled[0]
        for other in pulled[1:]:
            total = tree_map(lambda a, b: a + b, total, other)
        return total

    return linear.value, pull


def tree_inner(a: Any, b: Any) -> Any:
    """Multiply the elements of two trees of arrays, and sum up."""
    products: list[Any] = []
    tree_map(lambda x, y: products.append(np.sum(x * y)), a, b)
    return sum(products[1:], products[0])


def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Return `(f(*primals), J t)`: the value, and how it changes as the arguments move along `tangents`.

    `primals` and `tangents` are tuples of arguments, as in JAX. J t is the gradient of v ↦ <v J, t>, which is linear in
    v, so reverse mode alone gives it.

    >>> jvp(lambda x, y: x * y, (3.0, 2.0), (1.0, 10.0))
    (np.float64(6.0), np.float64(32.0))
    """
    primals, tangents = _arguments(primals, tangents)
    value, pull = vjp(f, *primals)
    expected = primals if len(primals) > 1 else primals[0]
    tangents_ = tangents if len(primals) > 1 else tangents[0]
    tree_map(_same_shape, expected, tangents_)
    zero = tree_map(lambda x: np.zeros(np.shape(x), getattr(x, "dtype", float))[()], value)
    pushed = grad(lambda v: tree_inner(pull(v), tangents_))(zero)
    if any(isinstance(x, Tensor) for x in leaves((value, tangents))):
        return value, pushed
    return value, tree_map(plain, pushed)


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """Return the Hessian of `f` times `tangents`, without making the Hessian: it is the gradient of <df, t>.

    `primals` and `tangents` are tuples of arguments. Returns one array for one argument, a tuple for several.

    >>> hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    array([ 6., 12.])
    """
    primals, tangents = _arguments(primals, tangents)
    tree_map(_same_shape, primals, tangents)
    everything = tuple(range(len(primals)))
    product = grad(lambda *xs: tree_inner(grad(f, everything)(*xs), tangents), everything)(*primals)
    return product if len(primals) > 1 else product[0]


def jacobian(f: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., Any]:
    """Return the function that computes all partial derivatives, in an array of shape `value.shape + argument.shape`.

    For trees: the structure of the value, with the structure of the argument at each of its leaves.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0, 3.0]))
    array([[2., 0., 0.],
           [0., 4., 0.],
           [0., 0., 6.]])
    """

    @_derived(f, "jacobian_of_{}")
    def all_partial_derivatives(*args: Any, **kwargs: Any) -> Any:
        linear = _Linearized(f, args, argnums, kwargs)

        def rows(output: Any) -> Any:
            shape, dtype = np.shape(output), getattr(output, "dtype", float)
            n = int(np.prod(shape))
            units = np.eye(n, dtype=dtype).reshape(n, *shape)
            if not len(units):
                return tree_map(lambda x: np.zeros(shape + x.shape, x.dtype), linear.inputs)
            pulled = [linear.pull(output, unit[()]) for unit in units]
            return tree_map(lambda *parts: stacked(parts, shape + parts[0].shape), *pulled)

        return tree_map(rows, linear.output)

    return all_partial_derivatives


def stacked(parts: Any, shape: tuple[int, ...]) -> Any:
    """Stack the parts into one array of the given shape, or a scalar if it has no axes."""
    whole = np.reshape(np.stack(parts), shape)
    return whole if isinstance(whole, Tensor) else whole[()]


def hessian(f: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., Any]:
    """Return the function that computes all second derivatives, of shape `argument.shape * 2`, of a number-valued f.

    >>> hessian(lambda x: np.prod(x))(np.array([2.0, 3.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def _arguments(primals: Any, tangents: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    for name, xs in (("primals", primals), ("tangents", tangents)):
        if not isinstance(xs, (tuple, list)):
            raise TypeError(f"{name} is a tuple with one entry per argument, such as (x,), not {type(xs).__name__}")
    if len(primals) != len(tangents) or not primals:
        raise ValueError(f"there are {len(primals)} primals and {len(tangents)} tangents; each argument needs one")
    return tuple(primals), tuple(tangents)


def _same_shape(x: Any, t: Any) -> None:
    if np.shape(x) != np.shape(t):
        raise ValueError(f"a tangent of shape {np.shape(t)} for an argument of shape {np.shape(x)}")
