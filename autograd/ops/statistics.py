"""Weighted means, covariances, quantiles: compositions of other operations, without rules of their own."""

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.ops.elementwise import array_like
from autograd.ops.indexing import index
from autograd.ops.reductions import count
from autograd.registry import stands_for
from autograd.tensor import Node


@stands_for("average")
def average(a: Any, axis: Any = None, weights: Any = None, returned: Any = False, keepdims: Any = False) -> Any:
    """Compute the mean with weights; with `returned`, the sum of the weights as well."""
    a = array_like(a)
    if weights is None:
        y: Any = np.mean(a, axis=axis, keepdims=keepdims)
        total: Any = np.full(y.shape, count(a, axis), float)
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
    """Compute the covariances of the rows of m."""
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
    """Lay the variables in rows, in float64 at least."""
    m = np.atleast_2d(m)
    m = m.astype(np.result_type(m, np.float64))
    return m if rowvar or m.shape[0] == 1 else m.T


@stands_for("corrcoef")
def corrcoef(x: Any, y: Any = None, rowvar: Any = True) -> Any:
    """Compute the correlations of the rows of x: their covariances over their standard deviations."""
    c = cov(x, y, rowvar)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.diagonal(c))
    return np.clip(c / np.expand_dims(deviation, 1) / deviation, -1.0, 1.0)


def _in_front(a: Any, q: Any, axis: Any) -> tuple[Any, tuple[int, ...], Any, Any]:
    """Join the axes of a quantile in front. Return that array, the axes, q as an array, and the dtype of the result."""
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    kept = [i for i in range(a.ndim) if i not in axes]
    shape = (math.prod(a.shape[i] for i in axes), *[a.shape[i] for i in kept])
    flat = np.reshape(np.transpose(a, [*axes, *kept]), shape)
    if isinstance(q, Node):
        return flat, axes, q, np.result_type(a.dtype, q.dtype)
    dtype = a.dtype if isinstance(q, (int, float)) and a.dtype.kind == "f" else np.result_type(a, np.float64)
    return flat, axes, np.asarray(q, float), dtype


def _places(n: int, q: Any, method: Any) -> Any:
    """Find where quantiles lie among the numbers 0, 1, …, n − 1: all methods are linear between neighbours."""
    if not isinstance(q, Node):
        return np.quantile(np.arange(n, dtype=float), q, method=method)
    if method != "linear":
        raise TypeError(f"quantile: method {method!r} is not supported where q is a Tensor; linear is, or use q.data")
    return q * (n - 1.0)


def _hundredths(q: Any) -> Any:
    return q / 100 if isinstance(q, (int, float)) else np.true_divide(q, 100)


@stands_for("quantile")
def quantile(a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: Any = False) -> Any:
    """Find the value below which the part q of the sorted elements lies: between two of them, as `method` says."""
    a = array_like(a)
    flat, axes, q, dtype = _in_front(a, q, axis)
    n = flat.shape[0]
    place = _places(n, q, method)
    low = np.clip(np.floor(place), 0, n - 1).astype(np.int64)
    share = np.reshape((place - low).astype(dtype), (*q.shape, *[1] * (flat.ndim - 1)))
    ordered = np.sort(flat, axis=0)
    y = index(ordered, low)
    y = y + share * (index(ordered, np.minimum(low + 1, n - 1)) - y)
    y = np.where(np.any(np.isnan(flat), axis=0), np.nan, y)
    return np.reshape(y, q.shape + tuple(1 if i in axes else m for i, m in enumerate(a.shape))) if keepdims else y


@stands_for("percentile")
def percentile(a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: Any = False) -> Any:
    """Find the quantile of q hundredths."""
    return quantile(a, _hundredths(q), axis, method, keepdims)


@stands_for("median")
def median(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """Find the middle element, or the mean of the middle two; nan if there are no elements."""
    if not np.size(a):
        return np.mean(a, axis=axis, keepdims=keepdims)
    return quantile(a, 0.5, axis, keepdims=keepdims)


@stands_for("nanquantile")
def nanquantile(a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: Any = False) -> Any:
    """Find the quantile of what is not nan."""
    flat, axes, q, dtype = _in_front(a, q, axis)
    ordered = np.sort(flat, axis=0)  # nan goes to the end
    n = np.sum(~np.isnan(flat), axis=0)
    last = n - 1
    if method == "linear":
        place = np.reshape(q, (-1, *[1] * (flat.ndim - 1))) * last
    else:  # which is looked up by how many numbers there are, since that is not known while a function is traced
        places = np.stack([_places(max(i, 1), np.ravel(q), method) for i in range(len(flat) + 1)], axis=1)
        place = index(places, (slice(None), n))
    low = np.maximum(np.floor(place), 0).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(last, 0))
    below, above = np.take_along_axis(ordered, low, 0), np.take_along_axis(ordered, high, 0)
    share = (place - low).astype(dtype)
    y = np.where(share == 0, below, below + share * (above - below))
    shape = [1 if i in axes else n for i, n in enumerate(a.shape) if keepdims or i not in axes]
    return np.reshape(y, (*q.shape, *shape))


@stands_for("nanpercentile")
def nanpercentile(a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: Any = False) -> Any:
    """Find the percentile of what is not nan."""
    return nanquantile(a, _hundredths(q), axis, method, keepdims)


@stands_for("nanmedian")
def nanmedian(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """Find the median of what is not nan."""
    return nanquantile(a, 0.5, axis, keepdims=keepdims)
