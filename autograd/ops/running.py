"""Operations that run along an axis, from element to element: running sums and products, differences, slopes, areas."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autograd.operation import Op
from autograd.ops.elementwise import array_like, as_floats, flat_or_along, values_of, wide
from autograd.ops.reductions import without_nan
from autograd.registry import NAMED, stands_for


def _cumsum(g: Any, y: Any, x: Any, axis: Any) -> Any:
    """Every element goes into all sums from its own place on."""
    if axis is None:
        return np.reshape(np.flip(np.cumsum(np.flip(g))), x.shape)
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


# fmt: off
cumsum = Op(np.cumsum, "np.cumsum(x, axis=axis)",
            lambda g, y, x, axis=None: _cumsum(g, y, x, axis))
# fmt: on


def part(x: Any, axis: int, start: Any, stop: Any = None, step: Any = None) -> Any:
    """Take x[start:stop:step] along an axis."""
    return x[(slice(None),) * axis + (slice(start, stop, step),)]


@stands_for("cumsum")
def _cumsum_of(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return cumsum(a if dtype is None else a.astype(dtype), axis=axis)


@stands_for("cumprod")
def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Multiply the elements so far. The distance over which they are multiplied doubles each time, so that nothing is
    ever divided, for example by a zero."""
    dtype = wide(a.dtype) if dtype is None else dtype
    x, axis = flat_or_along(a if dtype == a.dtype else a.astype(dtype), axis)
    distance = 1
    while distance < x.shape[axis]:
        x = np.concatenate([part(x, axis, 0, distance), part(x, axis, distance) * part(x, axis, 0, -distance)], axis)
        distance *= 2
    return x


stands_for("nancumsum")(without_nan(_cumsum_of, 0.0))
stands_for("nancumprod")(without_nan(cumprod, 1.0))


def so_far(ufunc: Any) -> Callable[..., Any]:
    """Return the largest (or smallest) element up to each one, taken from where it first stood."""

    def accumulate(array: Any, axis: Any = 0) -> Any:
        axis = normalize_axis_index(axis, array.ndim)
        values, steps = values_of(array), np.arange(array.shape[axis])
        best = NAMED["plain_call"](ufunc.accumulate, f"np.{ufunc.__name__}.accumulate", (values, axis), {})
        first = np.ones([1 if i == axis else n for i, n in enumerate(array.shape)], bool)
        here, before = part(best, axis, 1), part(best, axis, 0, -1)
        new = np.concatenate([first, (here != before) & ~(np.isnan(here) & np.isnan(before))], axis)
        places = np.where(new, np.reshape(steps, [-1 if i == axis else 1 for i in range(array.ndim)]), 0)
        where = NAMED["plain_call"](np.maximum.accumulate, "np.maximum.accumulate", (places, axis), {})
        return np.take_along_axis(array, where, axis)

    return accumulate


stands_for("maximum.accumulate")(so_far(np.maximum))
stands_for("minimum.accumulate")(so_far(np.minimum))


@stands_for("add.accumulate")
def _add_accumulate(array: Any, axis: Any = 0, dtype: Any = None) -> Any:
    return _cumsum_of(array, axis, dtype)


@stands_for("multiply.accumulate")
def _multiply_accumulate(array: Any, axis: Any = 0, dtype: Any = None) -> Any:
    return cumprod(array, axis, dtype)


def _with_start(x: Any, start: float, axis: int) -> Any:
    shape = [1 if i == axis else n for i, n in enumerate(x.shape)]
    return np.concatenate([np.full(shape, start, x.dtype), x], axis)


@stands_for("cumulative_sum")
def cumulative_sum(x: Any, axis: Any = None, dtype: Any = None, include_initial: Any = False) -> Any:
    """Sum up as cumsum does, along one axis; with a zero at the beginning if asked for."""
    y = _cumsum_of(x, 0 if axis is None else axis, dtype)
    return _with_start(y, 0.0, normalize_axis_index(axis or 0, y.ndim)) if include_initial else y


@stands_for("cumulative_prod")
def cumulative_prod(x: Any, axis: Any = None, dtype: Any = None, include_initial: Any = False) -> Any:
    """Multiply as cumprod does, along one axis; with a one at the beginning if asked for."""
    y = cumprod(x, 0 if axis is None else axis, dtype)
    return _with_start(y, 1.0, normalize_axis_index(axis or 0, y.ndim)) if include_initial else y


@stands_for("diff")
def diff(a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Any:
    """Subtract from each element the one before it, n times over."""
    if n < 0:
        raise ValueError(f"diff: n is at least 0; it is {n}")
    a = array_like(a)
    if n == 0:  # what NumPy puts before and behind is then left out
        return a
    axis = normalize_axis_index(axis, a.ndim)
    shape = [1 if i == axis else m for i, m in enumerate(a.shape)]
    ends = [None if x is None else array_like(x) for x in (prepend, append)]
    ends = [np.broadcast_to(x, shape) if x is not None and x.ndim == 0 else x for x in ends]
    parts = [x for x in (ends[0], a, ends[1]) if x is not None]
    x = np.concatenate(parts, axis) if len(parts) > 1 else a
    for _ in range(n):
        x = part(x, axis, 1) - part(x, axis, 0, -1)
    return x


@stands_for("ediff1d")
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Subtract from each element of the flat array the one before it, and put numbers before and after."""
    parts = [to_begin, diff(np.ravel(ary)), to_end]
    return np.concatenate([np.ravel(x).astype(ary.dtype) for x in parts if x is not None])


@stands_for("gradient")
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """Estimate the slope at each element from its neighbours, along each axis, for equal steps or for given places."""
    f = array_like(f)
    axes = normalize_axis_tuple(range(f.ndim) if axis is None else axis, f.ndim)
    steps = varargs or (1.0,)
    if len(steps) not in (1, len(axes)):
        raise TypeError(f"gradient: {len(steps)} spacings for {len(axes)} axes")
    steps = steps * len(axes) if len(steps) == 1 else steps
    slopes = tuple(_slope(f, i, step, edge_order) for i, step in zip(axes, steps, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f: Any, axis: int, step: Any, edge_order: Any) -> Any:
    """Take the slope of the parabola through three neighbours, in the middle; at the ends that of the line through
    two."""
    f, n = as_floats(f), f.shape[axis]
    if n < edge_order + 1:
        raise ValueError(f"gradient: axis {axis} has {n} elements; edge_order {edge_order} needs {edge_order + 1}")
    shape = [-1 if i == axis else 1 for i in range(f.ndim)]
    even = np.ndim(step) == 0
    gaps = np.broadcast_to(step, (n - 1,)) if even else diff(array_like(step))
    gaps = np.reshape(gaps if gaps.dtype == f.dtype else gaps.astype(f.dtype), shape)
    rise = diff(f, axis=axis) / gaps
    a, b = part(gaps, axis, 0, -1), part(gaps, axis, 1)  # before and behind each element
    before, behind = part(rise, axis, 0, -1), part(rise, axis, 1)
    first, last = part(rise, axis, 0, 1), part(rise, axis, -1)
    if edge_order == 2:
        bend = (behind - before) / (a + b)
        first = first - part(bend, axis, 0, 1) * part(a, axis, 0, 1)
        last = last + part(bend, axis, -1) * part(b, axis, -1)
    return np.concatenate([first, (before * b + behind * a) / (a + b), last], axis)


@stands_for("trapezoid")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    """Measure the area under the lines through the points."""
    y = array_like(y)
    axis = normalize_axis_index(axis, y.ndim)
    if x is not None:
        x = array_like(x)
        along = np.reshape(x, [-1 if i == axis else 1 for i in range(y.ndim)]) if x.ndim == 1 else x
        dx = diff(along, axis=axis)
    return np.sum(dx * (part(y, axis, 1) + part(y, axis, 0, -1)) / 2.0, axis=axis)
