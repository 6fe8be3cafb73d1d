"""Checks gradients: compares reverse mode with central finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.tensor import Tensor, plain
from autograd.transforms import grad, tree_inner, vjp
from autograd.trees import leaves, tree_map


class GradientError(AssertionError):
    """Raised where reverse mode and finite differences differ; says where, and by how much."""


def check_gradients(
    f: Callable[..., Any], *args: Any, order: int = 2, rtol: float | None = None, step: float | None = None,
    gradient: Callable[..., Any] | None = None,
) -> None:  # fmt: skip
    """Compare the derivatives of `f` at `args` with central finite differences, up to the given order.

    Every argument is differentiated (trees too). A value with several elements is multiplied by fixed random weights
    and summed up. From the second order on, the derivative of the order before is compared, along fixed random
    directions.

    step      how far each element x is moved, times max(1, |x|). By default the cube root of the dtype's rounding unit,
              which balances the rounding error against the error of the difference formula; and for |x| < 1 that times
              |x|, too: the difference that is less uncertain counts
    rtol      the tolerance, relative to each element; by default 1e-6 in float64 and 2e-2 in float32, on top of what
              rounding alone may do to the difference, and of what the difference formula leaves out: how far a step
              twice as long differs
    gradient  a function of the same arguments that gives the gradients (a tuple of them where there are several
              arguments) of a value that is a single number: it is compared instead. `autograd.testing.assert_gradient`
              says more about those

    Recorded gradients, which can be differentiated again, are also compared with those computed on arrays.

    Raises GradientError with the worst element, its index, both values and the relative error. At a kink (relu at 0)
    the two rightly differ: check elsewhere.

    >>> check_gradients(lambda x: np.sum(np.sin(x) ** 2), np.array([0.1, 0.2]))
    >>> check_gradients(lambda x: x.detach() * x, 3.0)
    Traceback (most recent call last):
        ...
    autograd.check.GradientError: order 1, argument 0: reverse mode and finite differences part at ...
    """
    if order < 1:
        raise ValueError(f"order is 1 for the gradient, 2 for its derivative too, and so on; not {order}")
    if not args:
        raise ValueError("check_gradients needs the arguments to differentiate at: check_gradients(f, x, …)")
    args = tree_map(_floats, args)
    if gradient is not None:
        given = gradient(*tree_map(np.copy, args))
        theirs = tree_map(plain, given if len(args) > 1 else (given,))
        if len(theirs) != len(args):
            raise GradientError(f"gradient returns {len(theirs)} gradients, and there are {len(args)} arguments")
        for position in range(len(args)):
            _compare(f, 1.0, args, position, theirs[position], 1, rtol, step, "the given gradient")
        return
    rng = np.random.default_rng(0)
    for level in range(1, order + 1):
        value, pull = vjp(f, *args)
        weights = tree_map(lambda y: rng.uniform(0.5, 1.5, np.shape(y))[()], plain(value))
        contracted = _contracted(f, weights)
        gradient = pull(tree_map(lambda w, y: np.asarray(w, getattr(y, "dtype", float))[()], weights, plain(value)))
        gradients = tree_map(plain, gradient if len(args) > 1 else (gradient,))
        for position in range(len(args)):
            _compare(f, weights, args, position, gradients[position], level, rtol, step)
        recorded = _gradient_of(contracted, len(args))(*tree_map(Tensor, args))
        for position in range(len(args)):
            _same(gradients[position], tree_map(plain, recorded[position]), level, position)
        if level < order:
            f = _gradient_of(contracted, len(args))


def central_difference(
    f: Callable[[Any], Any], x: Any, index: tuple[int, ...] = (), step: float | None = None, least: float = 1.0
) -> tuple[Any, float]:
    """Return the slope of `f` at `x` along one of its elements, (f(x + h) - f(x - h)) / 2h, and the distance 2h.

    If `f` returns an array, the slope has its shape.

    h is `step` times max(least, |element|); `step` is by default the cube root of the dtype's rounding unit.

    >>> slope, distance = central_difference(lambda x: x**2, 3.0)
    >>> f"{slope:.6f} {distance:.1e}"
    '6.000000 3.6e-05'
    """
    x = np.asarray(x)
    h = (step or float(np.finfo(x.dtype).eps) ** (1 / 3)) * max(least, abs(float(x[index])))
    ends = []
    for sign in (1, -1):
        moved = np.array(x)
        moved[index] += sign * h
        ends.append((float(moved[index]), np.asarray(f(moved[()]), float)))
    (right, above), (left, below) = ends
    return (above - below) / (right - left), right - left


def _floats(x: Any) -> Any:
    x = np.array(plain(x))
    return (x if x.dtype.kind == "f" else x.astype(float))[()]


def _contracted(f: Callable[..., Any], weights: Any) -> Callable[..., Any]:
    return lambda *xs: tree_inner(f(*xs), weights)


def _gradient_of(f: Callable[..., Any], n: int) -> Callable[..., Any]:
    return grad(f, tuple(range(n)))


def _same(gradient: Any, recorded: Any, order: int, position: int) -> None:
    """Compare a gradient with the recorded one."""
    for a, b in zip(leaves(gradient), leaves(recorded), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        unit = float(np.finfo(a.dtype).eps)
        largest = float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a)))
        if not np.allclose(b, a, rtol=unit**0.5, atol=100 * unit * largest, equal_nan=True):
            raise GradientError(
                f"order {order}, argument {position}: the rules give other numbers when they are recorded than on"
                f" arrays: {b.ravel()[:4]!r:.80} and {a.ravel()[:4]!r:.80}"
            )


def _compare(
    f: Callable[..., Any],
    weights: Any,
    args: tuple[Any, ...],
    position: int,
    gradient: Any,
    order: int,
    rtol: float | None,
    step: float | None,
    what: str = "reverse mode",
) -> None:
    """Move each element of one argument, and compare the difference quotient of <f, weights> with the gradient."""
    for k, (x, reverse) in enumerate(zip(leaves(args[position]), leaves(gradient), strict=True)):
        unit = float(np.finfo(x.dtype).eps)
        tolerance = rtol if rtol is not None else 1e-6 if unit < 1e-12 else 2e-2
        reverse = np.asarray(reverse)
        if reverse.shape != x.shape:
            raise GradientError(f"{what} of argument {position} has shape {reverse.shape}, and the argument {x.shape}")
        size = 0.0  # of the terms, not of their sum, in which they may cancel: it sets the rounding

        def contracted(moved: Any) -> float:
            nonlocal size
            count = iter(range(len(leaves(args[position]))))
            tree = tree_map(lambda leaf: moved if next(count) == k else leaf, args[position])  # noqa: B023
            value = plain(f(*tree_map(Tensor, (*args[:position], tree, *args[position + 1 :]))))
            size = max(size, float(plain(tree_inner(tree_map(np.abs, value), weights))))
            return float(plain(tree_inner(value, weights)))

        h = step or unit ** (1 / 3)
        excess, difference = np.empty(reverse.shape), np.empty(reverse.shape)
        for index in np.ndindex(reverse.shape):
            element, best, rest = abs(float(x[index])), np.nan, 0.0
            for least in (1.0, element) if 0 < element < 1 and step is None else (1.0,):
                size = 0.0
                slope, distance = central_difference(contracted, x, index, h, least)
                unsure = 10 * unit * size / distance
                if step is None:
                    twice, _ = central_difference(contracted, x, index, 2 * h, least)
                    unsure += abs(twice - slope) if np.isfinite(twice) else 0.0
                relative = unsure / abs(slope) if slope else np.inf
                if not relative >= best:
                    best, rest, difference[index] = relative, unsure, slope
            with np.errstate(invalid="ignore"):
                sizes = np.abs([reverse[index], difference[index]])
                apart = np.abs(reverse[index] - difference[index])
                excess[index] = apart - tolerance * float(np.max(sizes)) - rest
        if not np.all(excess <= 0):  # so that nan is a failure
            worst = np.unravel_index(int(np.argmax(np.where(np.isnan(excess), np.inf, excess))), reverse.shape)
            index_ = tuple(int(i) for i in worst)
            with np.errstate(invalid="ignore"):
                scale = float(np.max(np.abs([reverse[worst], difference[worst]]))) or 1.0
                error = np.abs(reverse[worst] - difference[worst]) / scale
            leaf = f", leaf {k}" if isinstance(args[position], (dict, list, tuple)) else ""
            raise GradientError(
                f"order {order}, argument {position}{leaf}: {what} and finite differences part at index {index_}:"
                f" {what} {float(reverse[worst])!r}, finite differences {float(difference[worst])!r}, relative"
                f" error {error:.2e} (tolerance {tolerance:.0e})"
            )
