"""Takes finite differences as a witness: does a slope lie at a kink, and do they confirm a derived gradient?"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.check import central_difference
from autograd.operation import Op
from autograd.tensor import Tensor, plain

ELEMENTS = 16  # that are moved one by one; of more, those that differ most, and random directions


def between_slopes(number: Any, args: Any, position: int, index: Any, slope: float) -> bool:
    """Say whether an element is at a kink, and this slope lies between those of its two sides."""
    x = np.array(plain(args[position]))
    h = max(1e-3 if x.dtype == np.float32 else 1e-6, float(np.spacing(abs(x[index]))) * 1e4)
    values = []
    for step in (-h, 0, h):
        moved = x.copy()
        moved[index] += step
        given = [Tensor(moved[()]) if i == position else a for i, a in enumerate(args)]
        values.append(float(plain(number(*given))))
    left, right = (values[1] - values[0]) / h, (values[2] - values[1]) / h
    tolerance = 1e-3 * (abs(left) + abs(right))
    return abs(left - right) > 10 * tolerance and min(left, right) - tolerance <= slope <= max(left, right) + tolerance


def refutation(
    number: Callable[..., Any], args: tuple[Any, ...], position: int, derived: Any, other: Any, rng: np.random.Generator
) -> tuple[Any, float] | None:
    """Look for a direction in which finite differences contradict a derived gradient: return it and the slope along it,
    or None.

    The directions are the elements that differ most from the `other` gradient, and random ones.
    """
    x = np.asarray(plain(args[position]))
    if derived.shape != other.shape or x.dtype.kind != "f":
        return None
    order = np.argsort(-np.abs(derived - other).ravel())
    directions = []
    for flat in order[: ELEMENTS if x.size <= ELEMENTS else 4]:
        directions.append(np.zeros(x.size))
        directions[-1][flat] = 1
    if x.size > ELEMENTS:
        directions += [rng.uniform(0.5, 1.5, x.size) * rng.choice([-1.0, 1.0], x.size) for _ in range(2)]
    for direction in directions:
        along = direction.reshape(x.shape)
        slope, unsure = _slope(number, args, position, along)
        mine = float(np.sum(derived * along))
        allowed = unsure + (1e-2 if x.dtype == np.float32 else 1e-5) * abs(slope)
        if np.isfinite([slope, unsure, mine]).all() and not abs(slope - mine) <= allowed:
            return along, slope
    return None


def _slope(number: Callable[..., Any], args: tuple[Any, ...], position: int, along: Any) -> tuple[float, float]:
    """Return the slope along a direction by finite differences, and how unsure it is: infinitely so at a kink."""
    x = np.asarray(plain(args[position]))

    def at(t: float) -> float:
        moved = Tensor((x + t * along).astype(x.dtype)[()])
        return float(plain(number(*[moved if i == position else a for i, a in enumerate(args)])))

    size = float(np.max(np.abs(x) * (along != 0), initial=0.0))
    h = float(np.finfo(x.dtype).eps) ** (1 / 3) * max(1e-3, size) / float(np.max(np.abs(along)))
    with np.errstate(all="ignore"):
        middle = at(0.0)
        left, right, far_left, far_right = at(-h), at(h), at(-2 * h), at(2 * h)
    slope, twice = (right - left) / (2 * h), (far_right - far_left) / (4 * h)
    rounding = 100 * float(np.finfo(x.dtype).eps) * max(map(abs, (middle, left, right))) / h
    bend = abs(right - 2 * middle + left) / h  # the two one-sided slopes differ by as much, and half as much at h / 2
    far_bend = abs(far_right - 2 * middle + far_left) / (2 * h)
    smooth = bend <= 0.75 * far_bend + rounding  # at a kink it stays what it is
    return slope, (10 * abs(twice - slope) + rounding if smooth and at(0.0) == middle else np.inf)


def by_differences(f: Callable[..., Any], kinds: list[bool]) -> Callable[..., Any]:
    """Return a function for Tensors whose derivative is computed by central differences."""

    def jacobian(i: int, args: tuple[Any, ...]) -> Any:
        x, dtype = np.asarray(args[i], float), np.asarray(args[i]).dtype

        def at(moved: Any) -> Any:
            return f(*[np.asarray(moved, dtype) if k == i else arg for k, arg in enumerate(args)])

        columns = [central_difference(at, x, index, least=1e-3)[0] for index in np.ndindex(x.shape)]
        return np.stack(columns, -1).reshape(np.shape(columns[0]) + x.shape)

    def rule(i: int) -> Callable[..., Any]:
        def pull(g: Any, y: Any, *args: Any) -> Any:
            return np.tensordot(g, jacobian(i, args), np.ndim(g))

        return pull

    names = ", ".join(f"x{i}" for i in range(len(kinds)))
    rules = [eval(f"lambda g, y, {names}: pull(g, y, {names})", {"pull": rule(i)}) for i in range(len(kinds))]
    op = Op(eval(f"lambda {names}: f({names})", {"f": f}), f"f({names})", *rules, name="f")
    return functools.wraps(f)(lambda *xs: op(*xs))
