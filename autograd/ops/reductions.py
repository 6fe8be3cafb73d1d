"""Operations that sum up, or otherwise take together, the elements along some axes.

max and min share the gradient equally among ties. The derivative of std at 0 is taken to be 0.
"""

from typing import Any

import numpy as np

from autograd.ops.shaping import broadcast_to
from autograd.registry import stands_for
from autograd.tensor import Op


def expanded(g: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """`g` with the axes back, of length one, that the reduction of `x` over `axis` left out."""
    return g if keepdims or axis is None else np.expand_dims(g, axis)


def _spread(g: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """`g` repeated along the reduced axes, to the shape of `x`."""
    return broadcast_to(expanded(g, x, axis, keepdims), x.shape)


def _to_ties(g: Any, y: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    ties = x == expanded(y, x, axis, keepdims)
    return expanded(g, x, axis, keepdims) * ties / np.sum(ties, axis=axis, keepdims=True)


def _count(x: Any, axis: Any) -> Any:
    """How many elements are reduced into one."""
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    return int(np.prod([x.shape[i] for i in axes]))


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
    axes = tuple(range(x.ndim)) if axis is None else tuple(int(i) % x.ndim for i in np.atleast_1d(axis))
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
            lambda g, y, x, axis=None, keepdims=False: _spread(g, x, axis, keepdims))
mean   = Op(np.mean,   "np.mean(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _spread(g / _count(x, axis), x, axis, keepdims))
max    = Op(np.max,    "np.max(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _to_ties(g, y, x, axis, keepdims))
min    = Op(np.min,    "np.min(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _to_ties(g, y, x, axis, keepdims))
var    = Op(np.var,    "np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)",
            lambda g, y, x, axis=None, ddof=0, keepdims=False:
                expanded(g * 2, x, axis, keepdims) * _around_mean(x, axis) / (_count(x, axis) - ddof))
std    = Op(np.std,    "np.std(x, axis=axis, ddof=ddof, keepdims=keepdims)",
            lambda g, y, x, axis=None, ddof=0, keepdims=False: _std(g, y, x, axis, ddof, keepdims))
prod   = Op(np.prod,   "np.prod(x, axis=axis, keepdims=keepdims)",
            lambda g, y, x, axis=None, keepdims=False: _prod(g, y, x, axis, keepdims))
cumsum = Op(np.cumsum, "np.cumsum(x, axis=axis)",
            lambda g, y, x, axis=None: _cumsum(g, y, x, axis))
# fmt: on
stands_for(np.sum)(sum)
stands_for(np.amax)(max)
stands_for(np.amin)(min)
