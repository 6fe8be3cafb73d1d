"""Operations that join arrays, cut them up, repeat them or put a border around them.

They copy elements, so the gradient of an element is the sum over its copies. Only joining and padding have rules of
their own; the other functions are compositions.
"""

import itertools
import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd.operation import Op
from autograd.ops.elementwise import array_like, flat_or_along
from autograd.registry import stands_for
from autograd.tensor import Node


def _concatenate_rule(wanted: Any, g: Any, y: Any, *xs: Any, axis: Any = 0) -> Any:
    """Return to each input its own part of g."""
    ends = list(itertools.accumulate(x.shape[axis] for x in xs))
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, slice(ends[i] - xs[i].shape[axis], ends[i]))] for i in wanted]


def _inside(x: Any, pad_width: Any) -> Any:
    """Return the index of `x` inside the padded array."""
    widths = np.broadcast_to(pad_width, (x.ndim, 2))
    return tuple(slice(int(before), int(before) + n) for (before, _), n in zip(widths, x.shape, strict=True))


# fmt: off
pad_constant = Op(lambda x, pad_width, constant_values=0: np.pad(x, pad_width, constant_values=constant_values),
                  "np.pad(x, pad_width, constant_values=constant_values)",
                  lambda g, y, x, pad_width, constant_values=0: g[_inside(x, pad_width)], name="pad",
                  onnx="Pad(x, pads, constant_values)")
join         = Op(lambda *xs, axis=0: np.concatenate(xs, axis=axis), "np.concatenate([*xs], axis=axis)",
                  _concatenate_rule, name="concatenate", literal=True, onnx="Concat(xs, axis=axis)")
# fmt: on


@stands_for("concatenate")
def concatenate(arrays: Any, axis: Any = 0, dtype: Any = None) -> Any:
    """Join arrays along an existing axis; if `axis` is None, flatten them first."""
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
def vstack(tup: Any, dtype: Any = None) -> Any:
    """Join arrays one below the other; vectors are rows."""
    return concatenate([np.atleast_2d(x) for x in tup], 0, dtype)


@stands_for("hstack")
def hstack(tup: Any, dtype: Any = None) -> Any:
    """Join arrays side by side; vectors end to end."""
    arrays = [np.atleast_1d(x) for x in tup]
    return concatenate(arrays, 0 if arrays[0].ndim == 1 else 1, dtype)


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
    """Join the arrays in nested lists: the innermost along the last axis, those around them along the axis before
    it."""

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
    """Join two arrays along an axis; if it is None, flatten them first."""
    return np.concatenate([arr, values], axis=axis)


@stands_for("array_split")
def array_split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    """Cut an array along an axis into a list: into a number of nearly equal parts, or before each of the given
    indices."""
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
    """Cut an array along an axis into a list: into a number of equal parts, or before each of the given indices."""
    axis = normalize_axis_index(axis, ary.ndim, "split")
    n = ary.shape[axis]
    if np.ndim(indices_or_sections) == 0 and (indices_or_sections < 1 or n % indices_or_sections):
        raise ValueError(f"split: axis {axis} of length {n} cannot be cut into {indices_or_sections} equal parts")
    return array_split(ary, indices_or_sections, axis)


@stands_for("vsplit")
def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Cut an array along the first axis."""
    return split(ary, indices_or_sections, 0)


@stands_for("hsplit")
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Cut an array along the second axis, a vector along its only one."""
    return split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


@stands_for("dsplit")
def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """Cut an array along the third axis."""
    return split(ary, indices_or_sections, 2)


@stands_for("unstack")
def unstack(x: Any, axis: Any = 0) -> Any:
    """List the slices along an axis."""
    return tuple(np.moveaxis(x, axis, 0))


@stands_for("repeat")
def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    """Repeat each element along an axis (flattened first if it is None), all `repeats` times or each by its own
    number."""
    x, axis = flat_or_along(x, axis, "repeat")
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


@stands_for("resize")
def resize(a: Any, new_shape: Any) -> Any:
    """Repeat the elements in order until the shape is full."""
    new_shape = tuple(int(n) for n in np.atleast_1d(new_shape))
    n = math.prod(new_shape)
    return np.reshape(np.take(a, np.arange(n) % a.size), new_shape) if a.size else np.zeros(new_shape, a.dtype)


@stands_for("pad")
def pad(x: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Add a border: a constant, or elements of x (modes edge, reflect, symmetric and wrap)."""
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(axis, pad_width.get(axis - x.ndim, 0)) for axis in range(x.ndim)]
        pad_width = [(width, width) if np.ndim(width) == 0 else tuple(width) for width in pad_width]
    value = kwargs.get("constant_values")
    if mode == "constant" and isinstance(value, Node):
        return np.where(np.pad(np.ones(x.shape, bool), pad_width), np.pad(x, pad_width), value)
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
