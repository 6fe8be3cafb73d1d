"""Operations that only move elements about: each gradient goes back the way its element came.

The functions at the end are compositions of the operations in the table and need no rule of their own.
"""

import itertools
import math
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


def _concatenate_rule(wanted: Any, g: Any, y: Any, *xs: Any, axis: Any = 0) -> Any:
    """Each gets its own part of g back."""
    ends = list(itertools.accumulate(x.shape[axis] for x in xs))
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, slice(ends[i] - xs[i].shape[axis], ends[i]))] for i in wanted]


def _inside(x: Any, pad_width: Any) -> Any:
    """The index of `x` inside the padded array."""
    widths = np.broadcast_to(pad_width, (x.ndim, 2))
    return tuple(slice(int(before), int(before) + n) for (before, _), n in zip(widths, x.shape, strict=True))


def _transpose(x: Any, axes: Any = None) -> Any:
    return np.transpose(x, axes) if type(x) is float else x.transpose(axes)  # NumPy's function takes twice as long


def _inverse(axes: Any, x: Any) -> Any:
    return None if axes is None else tuple(int(i) for i in np.argsort([axis % x.ndim for axis in np.atleast_1d(axes)]))


def _from_windows(g: Any, x: Any, window_shape: Any, axis: Any) -> Any:
    """Every element gets the gradients of the windows that it is in: for each place in a window, those of the windows
    that have it there, shifted to it."""
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
                  lambda g, y, x, axes=None: g.transpose(_inverse(axes, x)), view=True, literal=True,
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
pad_constant = Op(lambda x, pad_width, constant_values=0: np.pad(x, pad_width, constant_values=constant_values),
                  "np.pad(x, pad_width, constant_values=constant_values)",
                  lambda g, y, x, pad_width, constant_values=0: g[_inside(x, pad_width)], name="pad",
                  onnx="Pad(x, pads, constant_values)")
join         = Op(lambda *xs, axis=0: np.concatenate(xs, axis=axis), "np.concatenate([*xs], axis=axis)",
                  _concatenate_rule, name="concatenate", literal=True, onnx="Concat(xs, axis=axis)")
# fmt: on
stands_for("lib.stride_tricks.sliding_window_view")(sliding_window_view)


@stands_for("concatenate")
def concatenate(arrays: Any, axis: Any = 0, dtype: Any = None) -> Any:
    """Join arrays along an existing axis; flattened first if `axis` is None."""
    if axis is None:
        arrays, axis = [np.ravel(x) for x in arrays], 0
    joined = join(*arrays, axis=axis)
    return joined if dtype is None else joined.astype(dtype)


@stands_for("stack")
def stack(arrays: Any, axis: Any = 0, dtype: Any = None) -> Any:
    """Join arrays of one shape along a new axis."""
    arrays = list(arrays)
    shapes = {np.shape(x) for x in arrays}
    if len(shapes) != 1:
        found = f"{sorted(shapes)[:4]}{' and more' if len(shapes) > 4 else ''}"
        raise ValueError(f"stack needs at least one array, and all of one shape, not {found}")
    return concatenate([np.expand_dims(x, axis) for x in arrays], axis, dtype)


@stands_for("vstack", "row_stack")
def vstack(tup: Any) -> Any:
    """Join arrays one below the other; vectors are rows."""
    return concatenate([np.atleast_2d(x) for x in tup], 0)


@stands_for("hstack")
def hstack(tup: Any) -> Any:
    """Join arrays side by side; vectors behind one another."""
    arrays = [np.atleast_1d(x) for x in tup]
    return concatenate(arrays, 0 if arrays[0].ndim == 1 else 1)


@stands_for("dstack")
def dstack(tup: Any) -> Any:
    """Join arrays along their third axis."""
    return concatenate([np.atleast_3d(x) for x in tup], 2)


@stands_for("column_stack")
def column_stack(tup: Any) -> Any:
    """Join arrays side by side; vectors are columns."""
    arrays = [array_like(x) for x in tup]
    return concatenate([np.atleast_2d(x).T if x.ndim < 2 else x for x in arrays], 1)


@stands_for("block")
def block(arrays: Any) -> Any:
    """Join what is in nested lists: the innermost along the last axis, those around them along the axis before."""

    def depth(x: Any) -> int:
        return 1 + max(map(depth, x)) if isinstance(x, list) else 0

    def leaves(x: Any) -> list[Any]:
        return [leaf for part in x for leaf in leaves(part)] if isinstance(x, list) else [x]

    def build(x: Any, level: int) -> Any:
        if isinstance(x, list):
            return concatenate([build(part, level + 1) for part in x], level - levels)
        return np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x))

    levels = depth(arrays)
    ndim = max(levels, *(np.ndim(leaf) for leaf in leaves(arrays)))
    return build(arrays, 0)


@stands_for("append")
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    """Join two arrays along an axis; flattened if it is None."""
    return np.concatenate([arr, values], axis=axis)


@stands_for("array_split")
def array_split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    """Cut along an axis into a list: into so many parts, nearly equal, or before each of the given indices."""
    axis = normalize_axis_index(axis, ary.ndim, "array_split")
    n = ary.shape[axis]
    if np.ndim(indices_or_sections) == 0:
        sections = int(indices_or_sections)
        if sections < 1:
            raise ValueError(f"array_split: an axis of length {n} cannot be cut into {sections} parts")
        cuts = [n // sections * i + min(i, n % sections) for i in range(1, sections)]
    else:
        cuts = list(indices_or_sections)
    before = (slice(None),) * axis
    return [ary[(*before, slice(start, stop))] for start, stop in zip([0, *cuts], [*cuts, n], strict=True)]


@stands_for("split")
def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    """Cut along an axis into a list: into so many equal parts, or before each of the given indices."""
    axis = normalize_axis_index(axis, ary.ndim, "split")
    n = ary.shape[axis]
    if np.ndim(indices_or_sections) == 0 and (indices_or_sections < 1 or n % indices_or_sections):
        raise ValueError(f"split: axis {axis} of length {n} cannot be cut into {indices_or_sections} equal parts")
    return array_split(ary, indices_or_sections, axis)


@stands_for("vsplit")
def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Cut along the first axis."""
    return split(ary, indices_or_sections, 0)


@stands_for("hsplit")
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Cut along the second axis; a vector along its only one."""
    return split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


@stands_for("dsplit")
def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Cut along the third axis."""
    return split(ary, indices_or_sections, 2)


@stands_for("unstack")
def unstack(x: Any, axis: Any = 0) -> Any:
    """What lies along an axis, one after the other."""
    return tuple(np.moveaxis(x, axis, 0))


@stands_for("repeat")
def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    """Repeat each element along an axis (flattened first if None), all `repeats` times or each by its own number."""
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = normalize_axis_index(axis, x.ndim, "repeat")
    before = (slice(None),) * axis
    if np.size(repeats) not in (1, x.shape[axis]):
        raise ValueError(f"repeat: {np.size(repeats)} numbers of repeats for axis {axis} of length {x.shape[axis]}")
    return x[(*before, np.repeat(np.arange(x.shape[axis]), repeats))]


@stands_for("tile")
def tile(x: Any, reps: Any) -> Any:
    """Repeat the whole array `reps` times along each axis."""
    reps = tuple(int(n) for n in np.atleast_1d(reps))
    ndim = max(x.ndim, len(reps))
    reps, shape = (1,) * (ndim - len(reps)) + reps, (1,) * (ndim - x.ndim) + x.shape
    apart = np.reshape(x, [n for size in shape for n in (1, size)])
    repeated = np.broadcast_to(apart, [n for pair in zip(reps, shape, strict=True) for n in pair])
    return np.reshape(repeated, [count * size for count, size in zip(reps, shape, strict=True)])


@stands_for("pad")
def pad(x: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Add a border: of a constant, or of elements of x (modes edge, reflect, symmetric and wrap)."""
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(axis, pad_width.get(axis - x.ndim, 0)) for axis in range(x.ndim)]
        pad_width = [(width, width) if np.ndim(width) == 0 else tuple(width) for width in pad_width]
    if mode == "constant":
        return pad_constant(x, pad_width, **kwargs)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise TypeError(
            f"pad: mode {mode!r} is not supported for Tensors; constant, edge, reflect, symmetric, wrap are"
        )
    if kwargs.get("reflect_type", "even") != "even":
        raise TypeError("pad: reflect_type 'odd' is not supported for Tensors; 'even' is")
    widths = np.broadcast_to(pad_width, (x.ndim, 2))
    return x[np.ix_(*[np.pad(np.arange(n), width, mode, **kwargs) for n, width in zip(x.shape, widths, strict=True)])]


def at_least(ndim: int) -> Any:
    """np.atleast_1d, and its like: axes of length one are added in front; by atleast_3d behind a matrix."""

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
def copy(a: Any) -> Any:
    """The Tensor itself, which no operation ever changes."""
    return a


@stands_for("full_like")
def full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """An array of the shape of a, full of one value, which may be a Tensor."""
    full = np.broadcast_to(fill_value, np.shape(a) if shape is None else shape)
    return full.astype(np.result_type(a) if dtype is None else dtype)


@stands_for("linspace")
def linspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, axis: Any = 0) -> Any:
    """Numbers at equal distances, from `start` to `stop`."""
    dtype = np.result_type(start, stop, float(num))
    start, stop = np.broadcast_arrays(start, stop)
    parts = max(num - 1 if endpoint else num, 1)
    share = np.reshape(np.arange(num) / parts, (num, *[1] * start.ndim)).astype(dtype)
    y = np.moveaxis(start * (1 - share) + stop * share, 0, axis).astype(dtype)
    return (y, (stop - start) / parts) if retstep else y


@stands_for("logspace")
def logspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0, axis: Any = 0) -> Any:
    """Powers whose exponents are at equal distances."""
    return np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))


@stands_for("geomspace")
def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, axis: Any = 0) -> Any:
    """Numbers in equal ratios, from `start` to `stop`, which have the same sign."""
    sign = np.sign(start)
    start, stop = np.log(np.abs(start)).astype(float), np.log(np.abs(stop)).astype(float)
    return sign * np.exp(np.linspace(start, stop, num, endpoint, axis=axis))


@stands_for("broadcast_arrays")
def broadcast_arrays(*args: Any) -> Any:
    """All of them, of the shape that they have together."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(x, shape) for x in args)


@stands_for("meshgrid")
def meshgrid(*xi: Any, copy: Any = True, sparse: Any = False, indexing: Any = "xy") -> Any:
    """For each vector an array of all points of a grid: its coordinate there."""
    n = len(xi)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else [*range(n)]
    grids = [np.reshape(x, [-1 if axis == order[i] else 1 for axis in range(n)]) for i, x in enumerate(xi)]
    return tuple(grids) if sparse else broadcast_arrays(*grids)


@stands_for("matrix_transpose", "linalg.matrix_transpose")
def matrix_transpose(x: Any) -> Any:
    """Each matrix transposed."""
    return np.swapaxes(x, -1, -2)


@stands_for("fliplr")
def fliplr(m: Any) -> Any:
    """Mirrored along the second axis."""
    return np.flip(m, 1)


@stands_for("flipud")
def flipud(m: Any) -> Any:
    """Mirrored along the first axis."""
    return np.flip(m, 0)


@stands_for("rot90")
def rot90(m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    """Turned by k right angles, in the plane of two axes."""
    first, second = axes
    if k % 2 == 0:
        return np.flip(m, axes) if k % 4 else m
    turned = np.swapaxes(m, first, second)
    return np.flip(turned, first if k % 4 == 1 else second)


@stands_for("rollaxis")
def rollaxis(a: Any, axis: Any, start: Any = 0) -> Any:
    """One axis moved to before another."""
    axis = normalize_axis_index(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


@stands_for("resize")
def resize(a: Any, new_shape: Any) -> Any:
    """The elements over and over again, as many as the shape takes."""
    new_shape = tuple(int(n) for n in np.atleast_1d(new_shape))
    n = math.prod(new_shape)
    return np.reshape(np.take(a, np.arange(n) % a.size), new_shape) if a.size else np.zeros(new_shape, a.dtype)


def _triangle(m: Any, k: Any) -> Any:
    """Where the lower triangle is, up to the k-th diagonal."""
    rows, columns = m.shape[-2:]
    return np.tri(rows, columns, k) > 0


@stands_for("tril")
def tril(m: Any, k: Any = 0) -> Any:
    """The lower triangles of matrices: zero above the k-th diagonal."""
    return np.where(_triangle(m, k), m, 0.0)


@stands_for("triu")
def triu(m: Any, k: Any = 0) -> Any:
    """The upper triangles of matrices: zero below the k-th diagonal."""
    return np.where(_triangle(m, k - 1), 0.0, m)


@stands_for("diagonal")
def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """The k-th diagonals, along the last axis."""
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    n = max(0, min(a.shape[-2] + min(offset, 0), a.shape[-1] - max(offset, 0)))
    return a[..., np.arange(n) - min(offset, 0), np.arange(n) + max(offset, 0)]


@stands_for("linalg.diagonal")
def matrix_diagonal(x: Any, offset: Any = 0) -> Any:
    """The k-th diagonal of each matrix."""
    return diagonal(x, offset, -2, -1)


@stands_for("diagflat")
def diagflat(v: Any, k: Any = 0) -> Any:
    """A matrix with the elements along its k-th diagonal."""
    v = np.ravel(v)
    matrix = v * np.eye(v.size, dtype=v.dtype)
    return np.pad(matrix, ((max(-k, 0), max(k, 0)), (max(k, 0), max(-k, 0)))) if k else matrix


@stands_for("diag")
def diag(v: Any, k: Any = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix that has the vector there."""
    return diagflat(v, k) if v.ndim == 1 else diagonal(v, k)


@stands_for("apply_along_axis")
def apply_along_axis(func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of each line along an axis."""
    moved = np.moveaxis(arr, axis, -1)
    lines = [func1d(line, *args, **kwargs) for line in np.reshape(moved, (-1, moved.shape[-1]))]
    results = np.reshape(np.stack(lines), (*moved.shape[:-1], *np.shape(lines[0])))
    return np.moveaxis(
        results, range(moved.ndim - 1, results.ndim), range(axis % arr.ndim, axis % arr.ndim + np.ndim(lines[0]))
    )


@stands_for("apply_over_axes")
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """A function of an array and an axis, for one axis after the other."""
    for axis in np.atleast_1d(axes):
        y = func(a, int(axis))
        a = y if np.ndim(y) == a.ndim else np.expand_dims(y, int(axis))
    return a
