"""Operations that change the shape of an array or the order of its elements: the gradient goes back the way they came.

The functions below the table are compositions of its operations, and need no rules of their own.
"""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd.operation import Op
from autograd.ops.elementwise import array_like
from autograd.registry import stands_for


def _broadcast_to(x: Any, shape: Any) -> Any:
    dtype = float if type(x) is float else x.dtype  # in a program, a gradient may be a number that it was called with
    y = np.empty(shape, dtype)  # np.broadcast_to takes several times as long on small arrays, and y cannot be written
    y[...] = x
    return y


def _transpose(x: Any, axes: Any = None) -> Any:
    return np.transpose(x, axes) if type(x) is float else x.transpose(axes)  # NumPy's function takes twice as long


def _inverse(axes: Any, x: Any) -> Any:
    return None if axes is None else tuple(int(i) for i in np.argsort([axis % x.ndim for axis in np.atleast_1d(axes)]))


def _from_windows(g: Any, x: Any, window_shape: Any, axis: Any) -> Any:
    """Give every element the gradients of the windows that contain it: for each place in a window, the gradients of the
    windows that have the element there, shifted to it."""
    lengths = tuple(int(n) for n in np.atleast_1d(window_shape))
    axes = range(x.ndim) if axis is None else [int(i) % x.ndim for i in np.atleast_1d(axis)]
    total = None
    for place in np.ndindex(lengths):
        widths = np.zeros((x.ndim, 2), int)
        for i, before, n in zip(axes, place, lengths, strict=True):
            widths[i] += (before, n - 1 - before)
        part = np.pad(g[(..., *place)], widths.tolist())
        total = part if total is None else total + part
    return total


# fmt: off
reshape      = Op(lambda x, shape: np.reshape(x, shape), "np.reshape(x, shape)",  # by position: NumPy 2.0 has newshape
                                                               lambda g, y, x, shape: np.reshape(g, x.shape),
                  name="reshape", stands_for=np.reshape, view=True, literal=True, onnx="Reshape(x, shape)")
ravel        = Op(np.ravel,        "np.ravel(x)",              lambda g, y, x: np.reshape(g, x.shape), view=True,
                onnx="Reshape(x, shape)")
squeeze      = Op(np.squeeze,      "np.squeeze(x, axis=axis)", lambda g, y, x, axis=None: np.reshape(g, x.shape),
                  view=True, onnx="Reshape(x, shape)")
expand_dims  = Op(np.expand_dims,  "np.expand_dims(x, axis)",  lambda g, y, x, axis: np.reshape(g, x.shape), view=True,
                onnx="Reshape(x, shape)")
broadcast_to = Op(_broadcast_to, "np.broadcast_to(x, shape)", lambda g, y, x, shape: g, onnx="Expand(x, shape)")
transpose    = Op(_transpose, "np.transpose(x, axes)",
                  lambda g, y, x, axes=None: g.transpose(_inverse(axes, x)), view=True, literal=True, linear=True,
                  onnx="Transpose(x, perm=perm)")
swapaxes     = Op(np.swapaxes,     "np.swapaxes(x, axis1, axis2)",
                  lambda g, y, x, axis1, axis2: np.swapaxes(g, axis1, axis2), view=True, onnx="Transpose(x, perm=perm)")
moveaxis     = Op(np.moveaxis,     "np.moveaxis(x, source, destination)",
                  lambda g, y, x, source, destination: np.moveaxis(g, destination, source), view=True,
                  onnx="Transpose(x, perm=perm)")
flip         = Op(np.flip,         "np.flip(x, axis=axis)",
                  lambda g, y, x, axis=None: np.flip(g, axis), view=True)
roll         = Op(np.roll,         "np.roll(x, shift, axis=axis)",
                  lambda g, y, x, shift, axis=None: np.roll(g, np.negative(shift), axis))
sliding_window_view = Op(np.lib.stride_tricks.sliding_window_view,
                  "np.lib.stride_tricks.sliding_window_view(x, window_shape, axis=axis)",
                  lambda g, y, x, window_shape, axis=None: _from_windows(g, x, window_shape, axis),
                  name="sliding_window_view", view=True)
# fmt: on
stands_for("lib.stride_tricks.sliding_window_view")(sliding_window_view)


def _reversed(name: str, order: Any) -> bool:
    """Say whether the first axis is to change fastest. "A" and "K" ask for the memory of a Tensor, which is its own."""
    if order not in ("C", "F", None):
        raise TypeError(f"{name}: order {order!r} is not supported for Tensors; 'C' and 'F' are")
    return bool(order == "F")


@stands_for("reshape")
def _reshape_of(a: Any, shape: Any, order: Any = "C", copy: Any = None) -> Any:
    """Put the elements in another shape, reading and writing with the first axis changing fastest if `order` is "F"."""
    if not _reversed("reshape", order):
        return reshape(a, shape=shape)
    return reshape(transpose(a), shape=tuple(np.atleast_1d(shape))[::-1]).T


@stands_for("ravel")
def _ravel_of(a: Any, order: Any = "C") -> Any:
    """The elements one after the other."""
    return ravel(transpose(a) if _reversed("ravel", order) else a)


def at_least(ndim: int) -> Any:
    """Make np.atleast_1d and the like: axes of length one are added in front; by atleast_3d also behind a matrix."""

    def atleast(*arys: Any) -> Any:
        found = []
        for x in map(array_like, arys):
            behind = (1,) * (ndim == 3 and x.ndim in (1, 2))
            before = (1,) * (ndim - x.ndim - len(behind))
            found.append(x if x.ndim >= ndim else np.reshape(x, (*before, *x.shape, *behind)))
        return found[0] if len(found) == 1 else tuple(found)

    return atleast


stands_for("atleast_1d")(at_least(1))
stands_for("atleast_2d")(at_least(2))
stands_for("atleast_3d")(at_least(3))


@stands_for("copy")
def copy(a: Any, order: Any = "K") -> Any:
    """Return the Tensor itself, which no operation ever changes."""
    return a


@stands_for("matrix_transpose", "linalg.matrix_transpose")
def matrix_transpose(x: Any) -> Any:
    """Transpose each matrix."""
    return np.swapaxes(x, -1, -2)


@stands_for("fliplr")
def fliplr(m: Any) -> Any:
    """Mirror an array along the second axis."""
    return np.flip(m, 1)


@stands_for("flipud")
def flipud(m: Any) -> Any:
    """Mirror an array along the first axis."""
    return np.flip(m, 0)


@stands_for("rot90")
def rot90(m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    """Turn an array by k right angles, in the plane of two axes."""
    first, second = axes
    if k % 2 == 0:
        return np.flip(m, axes) if k % 4 else m
    turned = np.swapaxes(m, first, second)
    return np.flip(turned, first if k % 4 == 1 else second)


@stands_for("rollaxis")
def rollaxis(a: Any, axis: Any, start: Any = 0) -> Any:
    """Move one axis to the place before another."""
    axis = normalize_axis_index(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


def _triangle(m: Any, k: Any) -> Any:
    """Say where the lower triangle is, up to the k-th diagonal."""
    rows, columns = m.shape[-2:] if m.ndim > 1 else m.shape * 2
    return np.tri(rows, columns, k) > 0


@stands_for("tril")
def tril(m: Any, k: Any = 0) -> Any:
    """Take the lower triangles of matrices: zero above the k-th diagonal."""
    return np.where(_triangle(m, k), m, 0.0)


@stands_for("triu")
def triu(m: Any, k: Any = 0) -> Any:
    """Take the upper triangles of matrices: zero below the k-th diagonal."""
    return np.where(_triangle(m, k - 1), 0.0, m)


@stands_for("diagonal")
def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """Take the k-th diagonals, along the last axis."""
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    n = max(0, min(a.shape[-2] + min(offset, 0), a.shape[-1] - max(offset, 0)))
    return a[..., np.arange(n) - min(offset, 0), np.arange(n) + max(offset, 0)]


@stands_for("linalg.diagonal")
def matrix_diagonal(x: Any, offset: Any = 0) -> Any:
    """Take the k-th diagonal of each matrix."""
    return diagonal(x, offset, -2, -1)


@stands_for("diagflat")
def diagflat(v: Any, k: Any = 0) -> Any:
    """Put the elements on the k-th diagonal of a matrix."""
    v = np.ravel(v)
    matrix = v * np.eye(v.size, dtype=v.dtype)
    return np.pad(matrix, ((max(-k, 0), max(k, 0)), (max(k, 0), max(-k, 0)))) if k else matrix


@stands_for("diag")
def diag(v: Any, k: Any = 0) -> Any:
    """Take the k-th diagonal of a matrix, or make the matrix that has the vector there."""
    return diagflat(v, k) if v.ndim == 1 else diagonal(v, k)


@stands_for("apply_along_axis")
def apply_along_axis(func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Apply a function to each line along an axis."""
    moved = np.moveaxis(arr, axis, -1)
    lines = [func1d(line, *args, **kwargs) for line in np.reshape(moved, (-1, moved.shape[-1]))]
    lines = [np.stack(line) if isinstance(line, (list, tuple)) else line for line in lines]
    results = np.reshape(np.stack(lines), (*moved.shape[:-1], *np.shape(lines[0])))
    return np.moveaxis(
        results, range(moved.ndim - 1, results.ndim), range(axis % arr.ndim, axis % arr.ndim + np.ndim(lines[0]))
    )


@stands_for("apply_over_axes")
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """Apply a function of an array and an axis to one axis after the other."""
    for axis in np.atleast_1d(axes):
        y = func(a, int(axis))
        a = y if np.ndim(y) == a.ndim else np.expand_dims(y, int(axis))
    return a
