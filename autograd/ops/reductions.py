"""Operations that sum up, or otherwise take together, the elements along some axes.

max and min share the gradient equally among ties. The derivative of std at 0 is taken to be 0.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autograd.operation import Op
from autograd.ops.elementwise import array_like, values_of
from autograd.ops.shaping import broadcast_to
from autograd.registry import NAMED, stands_for


def expanded(g: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """`g` with the axes back, of length one, that the reduction of `x` over `axis` left out."""
    return g if keepdims or axis is None or not x.ndim else np.expand_dims(g, axis)


def _spread(g: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """`g` repeated along the reduced axes, to the shape of `x`."""
    return broadcast_to(expanded(g, x, axis, keepdims), x.shape)


def _to_ties(g: Any, y: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    ties = x == expanded(y, x, axis, keepdims)
    return expanded(g, x, axis, keepdims) * ties / np.sum(ties, axis=axis, keepdims=True)


def _count(x: Any, axis: Any) -> Any:
    """How many elements are reduced into one."""
    return math.prod(x.shape if axis is None or not x.ndim else [x.shape[i] for i in np.atleast_1d(axis)])


def _around_mean(x: Any, axis: Any) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


def _std(g: Any, y: Any, x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    scale = g / np.where(y == 0, 1.0, y) * (y != 0)
    return expanded(scale, x, axis, keepdims) * _around_mean(x, axis) / (_count(x, axis) - ddof)


def _others(x: Any) -> Any:
    """For each element the product of all the others along the last axis: pairs first, so that nothing is divided."""
    n = x.shape[-1]
    if n == 1:
        return np.ones(x.shape, x.dtype)
    if n % 2:
        x = np.concatenate([x, np.ones((*x.shape[:-1], 1), x.dtype)], axis=-1)
    a, b = x[..., ::2], x[..., 1::2]
    rest = _others(a * b)
    return np.reshape(np.stack([rest * b, rest * a], axis=-1), x.shape)[..., :n]


def _prod(g: Any, y: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    axes = normalize_axis_tuple(range(x.ndim) if axis is None or not x.ndim else axis, x.ndim)
    if not axes or x.size == 0:
        return _spread(g, x, axis, keepdims)
    order = [i for i in range(x.ndim) if i not in axes] + list(axes)
    moved = np.transpose(x, order)
    others = np.reshape(_others(np.reshape(moved, (*moved.shape[: -len(axes)], -1))), moved.shape)
    return expanded(g, x, axis, keepdims) * np.transpose(others, np.argsort(order))


def _cumsum(g: Any, y: Any, x: Any, axis: Any) -> Any:
    """Every element flows into all the sums from its own on."""
    if axis is None:
        return np.reshape(np.flip(np.cumsum(np.flip(g))), x.shape)
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def _sum(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.add.reduce(x, axis=axis, keepdims=keepdims)  # np.sum, without its overhead


# fmt: off
sum    = Op(_sum,      "np.sum(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _spread(g, x, axis, keepdims),
            onnx="ReduceSum(x, axes, keepdims=keepdims)")
mean   = Op(np.mean,   "np.mean(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _spread(g / (_count(x, axis) or 1), x, axis, keepdims),
            onnx="ReduceMean(x, axes, keepdims=keepdims)")
max    = Op(np.max,    "np.max(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _to_ties(g, y, x, axis, keepdims),
            onnx="ReduceMax(x, axes, keepdims=keepdims)")
min    = Op(np.min,    "np.min(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _to_ties(g, y, x, axis, keepdims),
            onnx="ReduceMin(x, axes, keepdims=keepdims)")
var    = Op(np.var,    "np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)",
            lambda g, y, x, axis=None, ddof=0, keepdims=False:
                expanded(g * 2, x, axis, keepdims) * _around_mean(x, axis) / (_count(x, axis) - ddof))
std    = Op(np.std,    "np.std(x, axis=axis, ddof=ddof, keepdims=keepdims)",
            lambda g, y, x, axis=None, ddof=0, keepdims=False: _std(g, y, x, axis, ddof, keepdims))
prod   = Op(np.prod,   "np.prod(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _prod(g, y, x, axis, keepdims),
            onnx="ReduceProd(x, axes, keepdims=keepdims)")
cumsum = Op(np.cumsum, "np.cumsum(x, axis=axis)",
            lambda g, y, x, axis=None: _cumsum(g, y, x, axis))
# fmt: on


def chosen(op: Op, neutral: float, join: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The reduction with the other parameters that NumPy gives it: a dtype, a mask of what counts, a start."""

    def reduce(
        a: Any, axis: Any = None, keepdims: Any = False, dtype: Any = None, initial: Any = None, where: Any = True
    ) -> Any:
        if dtype is not None:
            a = a.astype(dtype)
        if where is not True:
            a = np.where(where, a, neutral)
        y = op.call(a, axis=axis, keepdims=keepdims)
        return y if initial is None else join(y, initial)

    return reduce


# fmt: off
_sum_of     = stands_for("sum")(chosen(sum, 0.0, np.add))
_product_of = stands_for("prod")(chosen(prod, 1.0, np.multiply))
_largest    = stands_for("max", "amax")(chosen(max, -np.inf, np.maximum))
_smallest   = stands_for("min", "amin")(chosen(min, np.inf, np.minimum))
# fmt: on


@stands_for("add.reduce")
def _add_reduce(array: Any, axis: Any = 0, **how: Any) -> Any:
    return _sum_of(array, axis, **how)


@stands_for("multiply.reduce")
def _multiply_reduce(array: Any, axis: Any = 0, **how: Any) -> Any:
    return _product_of(array, axis, **how)


@stands_for("maximum.reduce")
def _maximum_reduce(array: Any, axis: Any = 0, **how: Any) -> Any:
    return _largest(array, axis, **how)


@stands_for("minimum.reduce")
def _minimum_reduce(array: Any, axis: Any = 0, **how: Any) -> Any:
    return _smallest(array, axis, **how)


@stands_for("mean")
def _mean_of(a: Any, axis: Any = None, keepdims: Any = False, dtype: Any = None, where: Any = True) -> Any:
    """The mean, of what the mask `where` chooses."""
    if dtype is not None:
        a = a.astype(dtype)
    if where is True:
        return mean(a, axis=axis, keepdims=keepdims)
    n = np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=keepdims)
    return np.sum(np.where(where, a, 0.0), axis=axis, keepdims=keepdims) / n.astype(a.dtype)


@stands_for("var")
def _var_of(
    a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False, dtype: Any = None, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """The variance, of what the mask `where` chooses, around a mean that is known already."""
    if dtype is not None:
        a = a.astype(dtype)
    ddof = ddof if correction is None else correction
    if where is True and mean is None:
        return var(a, axis=axis, ddof=ddof, keepdims=keepdims)
    mask = np.broadcast_to(where, a.shape)
    a = np.where(mask, a, 0.0)
    mean = _mean_of(a, axis, keepdims=True, where=mask) if mean is None else mean
    n = np.sum(mask, axis=axis, keepdims=keepdims).astype(a.dtype)
    return np.sum(np.where(mask, (a - mean) ** 2, 0.0), axis=axis, keepdims=keepdims) / (n - ddof)


@stands_for("std")
def _std_of(
    a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False, dtype: Any = None, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """The standard deviation, as `var` has it."""
    if where is True and mean is None:
        a = a if dtype is None else a.astype(dtype)
        return std(a, axis=axis, ddof=ddof if correction is None else correction, keepdims=keepdims)
    variance = _var_of(a, axis, ddof, keepdims, dtype, where, mean, correction)
    return np.sqrt(np.where(variance == 0, 1.0, variance)) * (variance != 0)


def without_nan(reduce: Callable[..., Any], neutral: float) -> Callable[..., Any]:
    """The reduction of what is not nan: nan is replaced by what changes nothing."""
    return lambda a, axis=None, **how: reduce(np.where(np.isnan(a), neutral, a), axis, **how)


def nan_where_all_are(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """The reduction of what is not nan, and nan where nothing else is there."""

    def of(a: Any, axis: Any = None, keepdims: Any = False, **how: Any) -> Any:
        nothing = np.all(np.isnan(a), axis=axis, keepdims=keepdims)
        return np.where(nothing, np.nan, reduce(a, axis=axis, keepdims=keepdims, **how))

    return of


stands_for("nansum")(without_nan(_sum_of, 0.0))
stands_for("nanprod")(without_nan(_product_of, 1.0))
stands_for("nanmax")(nan_where_all_are(without_nan(_largest, -np.inf)))
stands_for("nanmin")(nan_where_all_are(without_nan(_smallest, np.inf)))
stands_for("nanmean")(lambda a, axis=None, **how: _mean_of(a, axis, where=~np.isnan(a), **how))
stands_for("nanvar")(lambda a, axis=None, **how: _var_of(a, axis, where=~np.isnan(a), **how))
stands_for("nanstd")(lambda a, axis=None, **how: _std_of(a, axis, where=~np.isnan(a), **how))


def flat_or_along(x: Any, axis: Any) -> tuple[Any, int]:
    """x and the axis to go along; x made flat where that is None."""
    return (np.ravel(x), 0) if axis is None else (x, normalize_axis_index(axis, x.ndim))


def part(x: Any, axis: int, start: Any, stop: Any = None, step: Any = None) -> Any:
    """x[start:stop:step] along an axis."""
    return x[(slice(None),) * axis + (slice(start, stop, step),)]


@stands_for("cumsum")
def _cumsum_of(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return cumsum(a if dtype is None else a.astype(dtype), axis=axis)


@stands_for("cumprod")
def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """The products of the elements so far. The distance over which they are multiplied doubles each time, so that
    nothing is ever divided, by a zero for instance."""
    x, axis = flat_or_along(a if dtype is None else a.astype(dtype), axis)
    distance = 1
    while distance < x.shape[axis]:
        x = np.concatenate([part(x, axis, 0, distance), part(x, axis, distance) * part(x, axis, 0, -distance)], axis)
        distance *= 2
    return x


stands_for("nancumsum")(without_nan(_cumsum_of, 0.0))
stands_for("nancumprod")(without_nan(cumprod, 1.0))


def so_far(ufunc: Any) -> Callable[..., Any]:
    """The largest (or smallest) element up to each one, taken from where it first stood."""

    def accumulate(array: Any, axis: Any = 0) -> Any:
        axis = normalize_axis_index(axis, array.ndim)
        values, steps = values_of(array), np.arange(array.shape[axis])
        best = NAMED["plain_call"](ufunc.accumulate, f"np.{ufunc.__name__}.accumulate", (values, axis), {})
        first = np.ones([1 if i == axis else n for i, n in enumerate(array.shape)], bool)
        new = np.concatenate([first, part(best, axis, 1) != part(best, axis, 0, -1)], axis)
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
    """cumsum, of one axis; with a zero at its beginning if asked for."""
    y = _cumsum_of(x, 0 if axis is None else axis, dtype)
    return _with_start(y, 0.0, normalize_axis_index(axis or 0, y.ndim)) if include_initial else y


@stands_for("cumulative_prod")
def cumulative_prod(x: Any, axis: Any = None, dtype: Any = None, include_initial: Any = False) -> Any:
    """cumprod, of one axis; with a one at its beginning if asked for."""
    y = cumprod(x, 0 if axis is None else axis, dtype)
    return _with_start(y, 1.0, normalize_axis_index(axis or 0, y.ndim)) if include_initial else y


@stands_for("ptp")
def ptp(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """From the smallest to the largest."""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@stands_for("diff")
def diff(a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Any:
    """Each element minus the one before it, n times over."""
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
    """Each element minus the one before it, of the flat array, with numbers put before and behind."""
    parts = [to_begin, diff(np.ravel(ary)), to_end]
    return np.concatenate([np.ravel(x).astype(ary.dtype) for x in parts if x is not None])


@stands_for("gradient")
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """The slope at each element, from its neighbours, along each axis: of steps of one length, or between places."""
    f = array_like(f)
    axes = normalize_axis_tuple(range(f.ndim) if axis is None else axis, f.ndim)
    steps = varargs or (1.0,)
    if len(steps) not in (1, len(axes)):
        raise TypeError(f"gradient: {len(steps)} spacings for {len(axes)} axes")
    steps = steps * len(axes) if len(steps) == 1 else steps
    slopes = tuple(_slope(f, i, step, edge_order) for i, step in zip(axes, steps, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f: Any, axis: int, step: Any, edge_order: Any) -> Any:
    """Of the parabola through three neighbours, its slope in the middle; at the ends that of the line through two."""
    n = f.shape[axis]
    if n < edge_order + 1:
        raise ValueError(f"gradient: axis {axis} has {n} elements; edge_order {edge_order} needs {edge_order + 1}")
    shape = [-1 if i == axis else 1 for i in range(f.ndim)]
    even = np.ndim(step) == 0
    gaps = np.reshape(np.broadcast_to(step, (n - 1,)).astype(f.dtype) if even else diff(array_like(step)), shape)
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
    """The area under the lines through the points."""
    y = array_like(y)
    axis = normalize_axis_index(axis, y.ndim)
    if x is not None:
        x = array_like(x)
        along = np.reshape(x, [-1 if i == axis else 1 for i in range(y.ndim)]) if x.ndim == 1 else x
        dx = diff(along, axis=axis)
    return np.sum(dx * (part(y, axis, 1) + part(y, axis, 0, -1)) / 2.0, axis=axis)


@stands_for("average")
def average(a: Any, axis: Any = None, weights: Any = None, returned: Any = False, keepdims: Any = False) -> Any:
    """The mean with weights; with `returned`, and the sum of the weights."""
    a = array_like(a)
    if weights is None:
        y: Any = np.mean(a, axis=axis, keepdims=keepdims)
        total: Any = np.full(y.shape, _count(a, axis), float)
    else:
        weights = array_like(weights)
        if weights.shape != a.shape:
            axes = normalize_axis_tuple(axis, a.ndim)
            order = np.argsort(axes)
            shape = [n if i in axes else 1 for i, n in enumerate(a.shape)]
            weights = np.reshape(np.transpose(weights, order), shape)
        weights = np.broadcast_to(weights, a.shape)
        total = np.sum(weights, axis=axis, keepdims=keepdims)
        y = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (y, total) if returned else y


@stands_for("cov")
def cov(
    m: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None,
) -> Any:  # fmt: skip
    """The covariances of the rows of m."""
    x = _rows(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _rows(y, rowvar)])
    n = x.shape[1]
    ddof = (0 if bias else 1) if ddof is None else ddof
    if fweights is None and aweights is None:
        x = x - np.mean(x, axis=1, keepdims=True)
        return np.squeeze(x @ x.T / (n - ddof))
    w = np.ones(n) if fweights is None else array_like(fweights) * 1.0
    w = w if aweights is None else w * aweights
    total = np.sum(w)
    spread = total - (ddof if aweights is None else ddof * np.sum(w * aweights) / total)
    x = x - np.expand_dims(x @ w, 1) / total
    return np.squeeze((x * w) @ x.T / spread)


def _rows(m: Any, rowvar: Any) -> Any:
    """The variables in rows, in float64 at least."""
    m = np.atleast_2d(m)
    m = m.astype(np.result_type(m, np.float64))
    return m if rowvar or m.shape[0] == 1 else m.T


@stands_for("corrcoef")
def corrcoef(x: Any, y: Any = None, rowvar: Any = True) -> Any:
    """The correlations of the rows of x: their covariances over their standard deviations."""
    c = cov(x, y, rowvar)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.diagonal(c))
    return np.clip(c / np.expand_dims(deviation, 1) / deviation, -1.0, 1.0)


@stands_for("quantile")
def quantile(a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: Any = False) -> Any:
    """Where the part q of the sorted elements lies below: between two of them, as `method` says."""
    a = array_like(a)
    dtype = a.dtype if isinstance(q, (int, float)) else np.result_type(a, np.float64)
    q = np.asarray(q, float)
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    kept = [i for i in range(a.ndim) if i not in axes]
    flat = np.reshape(np.transpose(a, [*axes, *kept]), (-1, *[a.shape[i] for i in kept]))
    n = flat.shape[0]
    # All methods are linear between neighbours: where they fall among the numbers 0, 1, 2, … says what to take.
    place = np.quantile(np.arange(n, dtype=float), q, method=method)
    low = np.clip(np.floor(place), 0, n - 1).astype(np.int64)
    share = np.reshape((place - low).astype(dtype), (*q.shape, *[1] * len(kept)))
    ordered = np.sort(flat, axis=0)
    y = ordered[low]
    y = y + share * (ordered[np.minimum(low + 1, n - 1)] - y)
    y = np.where(np.any(np.isnan(flat), axis=0), np.nan, y)
    return np.reshape(y, q.shape + tuple(1 if i in axes else m for i, m in enumerate(a.shape))) if keepdims else y


@stands_for("percentile")
def percentile(a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: Any = False) -> Any:
    """The quantile of q hundredths."""
    return quantile(a, q / 100 if isinstance(q, (int, float)) else np.true_divide(q, 100), axis, method, keepdims)


@stands_for("median")
def median(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """The middle element, or the mean of the middle two; nan of nothing."""
    if not np.size(a):
        return np.mean(a, axis=axis, keepdims=keepdims)
    return quantile(a, 0.5, axis, keepdims=keepdims)


@stands_for("nanquantile")
def nanquantile(a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: Any = False) -> Any:
    """The quantile of what is not nan."""
    if method != "linear":
        raise TypeError(f"nanquantile: method {method!r} is not supported for Tensors; linear is")
    dtype = a.dtype if isinstance(q, (int, float)) else np.result_type(a, np.float64)
    q = np.asarray(q, float)
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    kept = [i for i in range(a.ndim) if i not in axes]
    flat = np.reshape(np.transpose(a, [*axes, *kept]), (-1, *[a.shape[i] for i in kept]))
    ordered = np.sort(flat, axis=0)  # nan goes to the end
    last = np.sum(~np.isnan(flat), axis=0) - 1
    place = np.reshape(q, (-1, *[1] * len(kept))) * last
    low = np.maximum(np.floor(place), 0).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(last, 0))
    below, above = np.take_along_axis(ordered, low, 0), np.take_along_axis(ordered, high, 0)
    share = (place - low).astype(dtype)
    y = np.where(share == 0, below, below + share * (above - below))
    shape = [1 if i in axes else n for i, n in enumerate(a.shape) if keepdims or i not in axes]
    return np.reshape(y, (*q.shape, *shape))


@stands_for("nanpercentile")
def nanpercentile(a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: Any = False) -> Any:
    """The percentile of what is not nan."""
    return nanquantile(a, q / 100 if isinstance(q, (int, float)) else np.true_divide(q, 100), axis, method, keepdims)


@stands_for("nanmedian")
def nanmedian(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """The median of what is not nan."""
    return nanquantile(a, 0.5, axis, keepdims=keepdims)
