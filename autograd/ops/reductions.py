"""Operations that reduce the elements along some axes to one: sums, means, products, extremes.

max and min share the gradient equally among ties. The derivative of std at 0 is taken to be 0.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.operation import Op
from autograd.ops.elementwise import as_floats
from autograd.ops.shaping import broadcast_to
from autograd.registry import stands_for


def expanded(g: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """Put back into `g`, with length one, the axes that the reduction of `x` over `axis` left out."""
    return g if keepdims or axis is None or not x.ndim else np.expand_dims(g, axis)


def _spread(g: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """Repeat `g` along the reduced axes, to the shape of `x`."""
    return broadcast_to.call(expanded(g, x, axis, keepdims), shape=x.shape)


def _to_ties(g: Any, y: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    ties = x == expanded(y, x, axis, keepdims)
    return expanded(g, x, axis, keepdims) * ties / np.sum(ties, axis=axis, keepdims=True)


def count(x: Any, axis: Any) -> Any:
    """Count how many elements are reduced into one."""
    return math.prod(x.shape if axis is None or not x.ndim else [x.shape[i] for i in np.atleast_1d(axis)])


def _around_mean(x: Any, axis: Any) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


def _std(g: Any, y: Any, x: Any, axis: Any, ddof: Any, keepdims: Any) -> Any:
    scale = g / np.where(y == 0, 1.0, y) * (y != 0)
    return expanded(scale, x, axis, keepdims) * _around_mean(x, axis) / (count(x, axis) - ddof)


def _others(x: Any) -> Any:
    """Multiply, for each element, all the others along the last axis: in pairs first, so that nothing is divided."""
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


def _sum(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.add.reduce(x, axis=axis, keepdims=keepdims)  # np.sum, without its overhead


# fmt: off
sum    = Op(_sum,      "np.sum(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _spread(g, x, axis, keepdims),
            linear=True, onnx="ReduceSum(x, axes, keepdims=keepdims)")
mean   = Op(np.mean,   "np.mean(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _spread(g / (count(x, axis) or 1), x, axis, keepdims),
            onnx="ReduceMean(x, axes, keepdims=keepdims)")
max    = Op(np.max,    "np.max(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _to_ties(g, y, x, axis, keepdims),
            onnx="ReduceMax(x, axes, keepdims=keepdims)")
min    = Op(np.min,    "np.min(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _to_ties(g, y, x, axis, keepdims),
            onnx="ReduceMin(x, axes, keepdims=keepdims)")
var    = Op(np.var,    "np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)",
            lambda g, y, x, axis=None, ddof=0, keepdims=False:
                expanded(g * 2, x, axis, keepdims) * _around_mean(x, axis) / (count(x, axis) - ddof))
std    = Op(np.std,    "np.std(x, axis=axis, ddof=ddof, keepdims=keepdims)",
            lambda g, y, x, axis=None, ddof=0, keepdims=False: _std(g, y, x, axis, ddof, keepdims))
prod   = Op(np.prod,   "np.prod(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _prod(g, y, x, axis, keepdims),
            onnx="ReduceProd(x, axes, keepdims=keepdims)")
# fmt: on


def chosen(op: Op, neutral: float, join: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Give a reduction the other parameters that it has in NumPy: a dtype, a mask of what counts, a start."""

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


def first_axis(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """Reduce as NumPy's ufuncs do: along the first axis if none is given."""
    return lambda array, axis=0, **how: reduce(array, axis, **how)


stands_for("add.reduce")(first_axis(_sum_of))
stands_for("multiply.reduce")(first_axis(_product_of))
stands_for("maximum.reduce")(first_axis(_largest))
stands_for("minimum.reduce")(first_axis(_smallest))


@stands_for("mean")
def _mean_of(a: Any, axis: Any = None, keepdims: Any = False, dtype: Any = None, where: Any = True) -> Any:
    """Average what the mask `where` chooses."""
    if dtype is not None:
        a = a.astype(dtype)
    if where is True:
        return mean(a, axis=axis, keepdims=keepdims)
    a, n = as_floats(a), np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=keepdims)
    return np.sum(np.where(where, a, 0.0), axis=axis, keepdims=keepdims) / n.astype(a.dtype)


@stands_for("var")
def _var_of(
    a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False, dtype: Any = None, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """Compute the variance of what the mask `where` chooses, around a mean that may be known already."""
    if dtype is not None:
        a = a.astype(dtype)
    ddof = ddof if correction is None else correction
    if where is True and mean is None:
        return var(a, axis=axis, ddof=ddof, keepdims=keepdims)
    mask = np.broadcast_to(where, a.shape)
    a = np.where(mask, as_floats(a), 0.0)
    mean = _mean_of(a, axis, keepdims=True, where=mask) if mean is None else mean
    n = np.sum(mask, axis=axis, keepdims=keepdims).astype(a.dtype)
    return np.sum(np.where(mask, (a - mean) ** 2, 0.0), axis=axis, keepdims=keepdims) / (n - ddof)


@stands_for("std")
def _std_of(
    a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False, dtype: Any = None, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """Compute the standard deviation, as `var` computes the variance."""
    if where is True and mean is None:
        a = a if dtype is None else a.astype(dtype)
        return std(a, axis=axis, ddof=ddof if correction is None else correction, keepdims=keepdims)
    variance = _var_of(a, axis, ddof, keepdims, dtype, where, mean, correction)
    return np.sqrt(np.where(variance == 0, 1.0, variance)) * (variance != 0)


def without_nan(reduce: Callable[..., Any], neutral: float) -> Callable[..., Any]:
    """Reduce everything but nan: nan is replaced by a value that changes nothing."""
    return lambda a, axis=None, **how: reduce(np.where(np.isnan(a), neutral, a), axis, **how)


def of_numbers(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """Reduce what is not nan, where the result depends on how many there are."""

    def of(a: Any, axis: Any = None, where: Any = True, **how: Any) -> Any:
        there = ~np.isnan(a)
        return reduce(a, axis, where=there if where is True else np.logical_and(where, there), **how)

    return of


def nan_where_all_are(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """Reduce everything but nan; the result is nan if there is nothing else."""

    def of(a: Any, axis: Any = None, keepdims: Any = False, **how: Any) -> Any:
        nothing = np.all(np.isnan(a), axis=axis, keepdims=keepdims)
        return np.where(nothing, np.nan, reduce(a, axis=axis, keepdims=keepdims, **how))

    return of


stands_for("nansum")(without_nan(_sum_of, 0.0))
stands_for("nanprod")(without_nan(_product_of, 1.0))
_largest_number = stands_for("nanmax")(nan_where_all_are(without_nan(_largest, -np.inf)))
_smallest_number = stands_for("nanmin")(nan_where_all_are(without_nan(_smallest, np.inf)))
stands_for("fmax.reduce")(first_axis(_largest_number))
stands_for("fmin.reduce")(first_axis(_smallest_number))
stands_for("nanmean")(of_numbers(_mean_of))
stands_for("nanvar")(of_numbers(_var_of))
stands_for("nanstd")(of_numbers(_std_of))


@stands_for("ptp")
def ptp(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """Measure the range, from the smallest to the largest."""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)
