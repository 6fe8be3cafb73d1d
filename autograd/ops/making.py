"""Arrays made from numbers, which may be Tensors: filled with one, evenly spaced, grids."""

from typing import Any

import numpy as np

from autograd.registry import stands_for


@stands_for("full_like")
def full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Make an array of the shape of a, filled with one value, which may be a Tensor."""
    full = np.broadcast_to(fill_value, np.shape(a) if shape is None else shape)
    return full.astype(np.result_type(a) if dtype is None else dtype)


@stands_for("linspace")
def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, dtype: Any = None, axis: Any = 0
) -> Any:
    """Make evenly spaced numbers from `start` to `stop`."""
    dtype = np.result_type(start, stop, float(num)) if dtype is None else dtype
    start, stop = np.broadcast_arrays(start, stop)
    parts = max(num - 1 if endpoint else num, 1)
    share = np.reshape(np.arange(num) / parts, (num, *[1] * start.ndim)).astype(dtype)
    y = np.moveaxis(start * (1 - share) + stop * share, 0, axis).astype(dtype)
    return (y, (stop - start) / parts) if retstep else y


@stands_for("logspace")
def logspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0, axis: Any = 0) -> Any:
    """Make powers with evenly spaced exponents."""
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(start, stop, base)
        base = np.expand_dims(base, axis)
    return np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))


@stands_for("geomspace")
def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, axis: Any = 0) -> Any:
    """Make numbers in equal ratios from `start` to `stop`, which have the same sign."""
    sign = np.expand_dims(np.sign(start), axis)
    start, stop = np.log(np.abs(start)).astype(float), np.log(np.abs(stop)).astype(float)
    return sign * np.exp(np.linspace(start, stop, num, endpoint, axis=axis))


@stands_for("broadcast_arrays")
def broadcast_arrays(*args: Any) -> Any:
    """Broadcast all of them to their common shape."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(x, shape) for x in args)


@stands_for("meshgrid")
def meshgrid(*xi: Any, copy: Any = True, sparse: Any = False, indexing: Any = "xy") -> Any:
    """Make an array for each vector that holds this coordinate of every point of a grid."""
    n = len(xi)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else [*range(n)]
    grids = [np.reshape(x, [-1 if axis == order[i] else 1 for axis in range(n)]) for i, x in enumerate(xi)]
    return tuple(grids) if sparse else broadcast_arrays(*grids)
