"""Operations that only move elements about: each gradient goes back the way its element came.

The functions at the end are compositions of the operations in the table and need no rule of their own.
"""

import itertools
from functools import cache
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd.recording import is_tracing
from autograd.registry import NAMED, stands_for
from autograd.tensor import Node, Op, refuse_value

_BASIC = (int, np.integer, slice, type(None), type(Ellipsis))  # indices that take no element twice


def is_basic(index: Any) -> bool:
    return all(isinstance(part, _BASIC) for part in (index if isinstance(index, tuple) else (index,)))


def _scatter(g: Any, index: Any, shape: Any) -> Any:
    """Zeros of `shape` with `g` added at `index`: the transpose of indexing. Repeated indices accumulate."""
    out = np.zeros(shape, g.dtype)
    if is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


def _broadcast_to(x: Any, shape: Any) -> Any:
    y = np.empty(shape, x.dtype)  # np.broadcast_to takes several times as long on small arrays, and y cannot be written
    y[...] = x
    return y


def _getitem(x: Any, index: Any) -> Any:
    return x[index]


def _concatenate_rule(wanted: Any, g: Any, y: Any, *xs: Any, axis: Any = 0) -> Any:
    """Each gets its own part of g back."""
    ends = list(itertools.accumulate(x.shape[axis] for x in xs))
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, slice(ends[i] - xs[i].shape[axis], ends[i]))] for i in wanted]


def _inside(x: Any, pad_width: Any) -> Any:
    """The index of `x` inside the padded array."""
    widths = np.broadcast_to(pad_width, (x.ndim, 2))
    return tuple(slice(int(before), int(before) + n) for (before, _), n in zip(widths, x.shape, strict=True))


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
                  name="reshape", stands_for=np.reshape)
ravel        = Op(np.ravel,        "np.ravel(x)",              lambda g, y, x: np.reshape(g, x.shape))
squeeze      = Op(np.squeeze,      "np.squeeze(x, axis=axis)", lambda g, y, x, axis=None: np.reshape(g, x.shape))
expand_dims  = Op(np.expand_dims,  "np.expand_dims(x, axis)",  lambda g, y, x, axis: np.reshape(g, x.shape))
broadcast_to = Op(_broadcast_to, "np.broadcast_to(x, shape)", lambda g, y, x, shape: g)
transpose    = Op(lambda x, axes=None: x.transpose(axes),    "np.transpose(x, axes)",
                  lambda g, y, x, axes=None: g.transpose(_inverse(axes, x)))
swapaxes     = Op(np.swapaxes,     "np.swapaxes(x, axis1, axis2)",
                  lambda g, y, x, axis1, axis2: np.swapaxes(g, axis1, axis2))
moveaxis     = Op(np.moveaxis,     "np.moveaxis(x, source, destination)",
                  lambda g, y, x, source, destination: np.moveaxis(g, destination, source))
flip         = Op(np.flip,         "np.flip(x, axis=axis)",
                  lambda g, y, x, axis=None: np.flip(g, axis))
roll         = Op(np.roll,         "np.roll(x, shift, axis=axis)",
                  lambda g, y, x, shift, axis=None: np.roll(g, np.negative(shift), axis))
getitem: Op  = Op(_getitem,        "x[index]",
                  lambda g, y, x, index: scatter(g, index, x.shape))
scatter: Op  = Op(_scatter,        "scatter(x, index, shape)",
                  lambda g, y, x, index, shape: g[index])
sliding_window_view = Op(np.lib.stride_tricks.sliding_window_view,
                  "np.lib.stride_tricks.sliding_window_view(x, window_shape, axis=axis)",
                  lambda g, y, x, window_shape, axis=None: _from_windows(g, x, window_shape, axis),
                  name="sliding_window_view")
pad_constant = Op(lambda x, pad_width, constant_values=0: np.pad(x, pad_width, constant_values=constant_values),
                  "np.pad(x, pad_width, constant_values=constant_values)",
                  lambda g, y, x, pad_width, constant_values=0: g[_inside(x, pad_width)], name="pad")
join         = Op(lambda *xs, axis=0: np.concatenate(xs, axis=axis), "np.concatenate([*xs], axis=axis)",
                  _concatenate_rule, name="concatenate")
# fmt: on
stands_for(np.broadcast_to)(broadcast_to)
stands_for(np.transpose)(transpose)


def index(x: Any, where: Any) -> Any:
    """x[where]. While a function is traced, an index that depends on a value is recorded as an input of its own."""
    parts = where if isinstance(where, tuple) else (where,)
    if not is_tracing() or not any(isinstance(part, Node) for part in parts):
        return getitem(x, where)
    for part in parts:
        if isinstance(part, Node) and part.dtype.kind == "b":
            refuse_value(part, "t[mask], whose length depends on the values,")
    inputs = [part for part in parts if isinstance(part, Node | np.ndarray | list)]
    names = iter(f"i{k}" for k in range(len(inputs)))
    texts = [next(names) if isinstance(part, Node | np.ndarray | list) else _written(part) for part in parts]
    return indexed(", ".join(texts) + "," * (isinstance(where, tuple) and len(texts) == 1), len(inputs))[0](x, *inputs)


NAMED["index"] = index


def _written(part: Any) -> str:
    """A part of an index as it stands between brackets."""
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends[: 3 if ends[2] else 2])
    return "..." if part is Ellipsis else str(part)


@cache
def indexed(where: str, n: int) -> tuple[Op, Op]:
    """Indexing by `where`, which has the n inputs i0, i1, … in it, and its transpose; always the same pair."""
    names = ", ".join(f"i{k}" for k in range(n))
    known: dict[str, Any] = {"np": np, "_scatter": _scatter}
    never = [None] * n
    known["pick"] = pick = Op(
        eval(f"lambda x, {names}: x[{where}]"), f"x[{where}]",
        eval(f"lambda g, y, x, {names}: place(g, {names}, shape=x.shape)", known), *never, name="getitem", index=where,
    )  # fmt: skip
    known["place"] = place = Op(
        eval(f"lambda x, {names}, shape: _scatter(x, np.s_[{where}], shape)", known),
        f"scatter(x, np.s_[{where}], shape)",
        eval(f"lambda g, y, x, {names}, shape: pick(g, {names})", known), *never, name="scatter", index=where,
    )  # fmt: skip
    return pick, place


@stands_for(np.concatenate)
def concatenate(arrays: Any, axis: Any = 0) -> Any:
    """Join arrays along an existing axis; flattened first if `axis` is None."""
    if axis is None:
        arrays, axis = [np.ravel(x) for x in arrays], 0
    return join(*arrays, axis=axis)


@stands_for(np.stack)
def stack(arrays: Any, axis: Any = 0) -> Any:
    """Join arrays of one shape along a new axis."""
    arrays = list(arrays)
    shapes = {np.shape(x) for x in arrays}
    if len(shapes) != 1:
        raise ValueError(f"stack needs at least one array, and all of one shape, not {sorted(shapes)}")
    return join(*[np.expand_dims(x, axis) for x in arrays], axis=axis)


@stands_for(np.split)
def split(x: Any, indices_or_sections: Any, axis: Any = 0) -> Any:
    """Cut along an axis into a list: into so many equal parts, or before each of the given indices."""
    axis = normalize_axis_index(axis, x.ndim, "split")
    n = x.shape[axis]
    if np.ndim(indices_or_sections) == 0:
        sections = int(indices_or_sections)
        if sections < 1 or n % sections:
            raise ValueError(f"split: axis {axis} of length {n} cannot be cut into {sections} equal parts")
        cuts = [n // sections * i for i in range(1, sections)]
    else:
        cuts = list(indices_or_sections)
    before = (slice(None),) * axis
    return [x[(*before, slice(start, stop))] for start, stop in zip([0, *cuts], [*cuts, n], strict=True)]


@stands_for(np.repeat)
def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    """Repeat each element along an axis (flattened first if None), all `repeats` times or each by its own number."""
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = normalize_axis_index(axis, x.ndim, "repeat")
    before = (slice(None),) * axis
    if np.size(repeats) not in (1, x.shape[axis]):
        raise ValueError(f"repeat: {np.size(repeats)} numbers of repeats for axis {axis} of length {x.shape[axis]}")
    return x[(*before, np.repeat(np.arange(x.shape[axis]), repeats))]


@stands_for(np.tile)
def tile(x: Any, reps: Any) -> Any:
    """Repeat the whole array `reps` times along each axis."""
    reps = tuple(int(n) for n in np.atleast_1d(reps))
    ndim = max(x.ndim, len(reps))
    reps, shape = (1,) * (ndim - len(reps)) + reps, (1,) * (ndim - x.ndim) + x.shape
    apart = np.reshape(x, [n for size in shape for n in (1, size)])
    repeated = np.broadcast_to(apart, [n for pair in zip(reps, shape, strict=True) for n in pair])
    return np.reshape(repeated, [count * size for count, size in zip(reps, shape, strict=True)])


@stands_for(np.pad)
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
