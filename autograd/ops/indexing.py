"""Operations that pick elements, and their transpose, which puts gradients back where the elements came from.

Only the two operations of the table have rules. The others are compositions, which first find out where the elements
are.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd.operation import Op
from autograd.ops.elementwise import array_like, flat_or_along, values_of
from autograd.recording import is_tracing
from autograd.registry import NAMED, stands_for
from autograd.tensor import Node, Tensor, plain, refuse_value

_BASIC = (int, np.integer, slice, type(None), type(Ellipsis))  # indices that take no element twice


def is_basic(index: Any) -> bool:
    return all(isinstance(part, _BASIC) for part in (index if isinstance(index, tuple) else (index,)))


def _scatter(g: Any, index: Any, shape: Any) -> Any:
    """Zeros of `shape` with `g` added at `index`: the transpose of indexing. Repeated indices accumulate."""
    out = np.zeros(shape, float if type(g) is float else g.dtype)  # a float as in _broadcast_to
    if is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


def _getitem(x: Any, index: Any) -> Any:
    return x[index]


# fmt: off
getitem: Op = Op(_getitem, "x[index]",                 lambda g, y, x, index: scatter(g, index, x.shape),
                 view=True, literal=True)
scatter: Op = Op(_scatter, "scatter(x, index, shape)", lambda g, y, x, index, shape: g[index])
# fmt: on


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
    """Write a part of an index as it stands between brackets."""
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends[: 3 if ends[2] else 2])
    return "..." if part is Ellipsis else str(part)


@cache
def indexed(where: str, n: int) -> tuple[Op, Op]:
    """Make the operation that indexes by `where`, in which i0, i1, … stand for n inputs, and its transpose; the same
    pair for the same index."""
    names = ", ".join(f"i{k}" for k in range(n))
    known: dict[str, Any] = {"np": np, "_scatter": _scatter, "__name__": __name__}
    never = [None] * n
    known["pick"] = pick = Op(
        eval(f"lambda x, {names}: x[{where}]", known), f"x[{where}]",
        eval(f"lambda g, y, x, {names}: place(g, {names}, shape=x.shape)", known), *never, name="getitem",
        index=where, view=True, literal=True,
    )  # fmt: skip
    known["place"] = place = Op(
        eval(f"lambda x, {names}, shape: _scatter(x, np.s_[{where}], shape)", known),
        f"scatter(x, np.s_[{where}], shape)",
        eval(f"lambda g, y, x, {names}, shape: pick(g, {names})", known), *never, name="scatter", index=where,
    )  # fmt: skip
    return pick, place


@stands_for("take")
def take(a: Any, indices: Any, axis: Any = None, mode: Any = "raise") -> Any:
    """Take the elements at the indices, or everything along an axis that is at them."""
    a, axis = flat_or_along(array_like(a), axis)
    indices = array_like(indices) if np.size(indices) else np.asarray(indices, int)
    if mode != "raise":
        n = a.shape[axis]
        indices = indices % n if mode == "wrap" else np.clip(indices, 0, n - 1)
    return index(a, (slice(None),) * axis + (indices,))


@stands_for("take_along_axis")
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """Take the elements at the indices along an axis; each line has indices of its own."""
    arr, indices = array_like(arr), array_like(indices)
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = normalize_axis_index(axis, arr.ndim)
    if indices.ndim != arr.ndim:
        raise ValueError(f"take_along_axis: indices with {indices.ndim} axes for an array with {arr.ndim}")
    places = [np.reshape(np.arange(n), [-1 if i == k else 1 for k in range(arr.ndim)]) for i, n in enumerate(arr.shape)]
    return index(arr, tuple([*places[:axis], indices, *places[axis + 1 :]]))


@stands_for("sort")
def sort(a: Any, axis: Any = -1, kind: Any = None, stable: Any = None) -> Any:
    """Sort the elements along an axis."""
    if axis is None:
        a, axis = np.ravel(a), 0
    return np.take_along_axis(a, np.argsort(a, axis=axis, kind="stable" if stable else kind), axis)


@stands_for("partition")
def partition(a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect") -> Any:
    """Partition the elements along an axis: the kth in its sorted place, smaller ones before it and larger ones after
    it."""
    if axis is None:
        a, axis = np.ravel(a), 0
    return np.take_along_axis(a, np.argpartition(a, kth, axis=axis, kind=kind), axis)


@stands_for("compress")
def compress(condition: Any, a: Any, axis: Any = None) -> Any:
    """Take the slices along an axis where the condition holds."""
    if axis is None:
        a, axis = np.ravel(a), 0
    (places,) = np.nonzero(condition)
    return np.take(a, places, axis)


@stands_for("extract")
def extract(condition: Any, arr: Any) -> Any:
    """Take the elements where the condition holds."""
    return np.compress(np.ravel(condition), arr)


@stands_for("choose")
def choose(a: Any, choices: Any, mode: Any = "raise") -> Any:
    """Take each element from the array whose number stands in its place."""
    a, n = array_like(a), len(choices)
    if mode != "raise":
        a = a % n if mode == "wrap" else np.clip(a, 0, n - 1)
    choices = np.broadcast_arrays(*choices, a)[:-1]
    a = np.broadcast_to(a, choices[0].shape)
    return np.take_along_axis(np.stack(choices), np.expand_dims(a, 0), 0)[0]


def _unique_indices(x: Any) -> Any:
    return np.unique(x, return_index=True)[1]


@stands_for("unique_values")
def unique_values(x: Any) -> Any:
    """Sort the values, each once. The gradient goes to the first place where a value stands."""
    if is_tracing():
        refuse_value(x, "np.unique, whose result has a length that depends on the values,")
    x = np.ravel(x)
    return x[_unique_indices(values_of(x))]


@stands_for("unique")
def unique(
    ar: Any, return_index: Any = False, return_inverse: Any = False, return_counts: Any = False, axis: Any = None
) -> Any:
    """Sort the values, each once, and say where they are, as NumPy does."""
    if is_tracing():
        refuse_value(ar, "np.unique, whose result has a length that depends on the values,")
    _, places, inverse, counts = np.unique(values_of(ar), True, True, True, axis)
    values = np.take(ar, places, axis)
    others = [(return_index, places), (return_inverse, inverse), (return_counts, counts)]
    found = (values, *[x for wanted, x in others if wanted])
    return found if len(found) > 1 else values


def with_values(function: Any) -> Any:
    """Put what `unique_values` gives into the named result of NumPy's function."""
    return lambda x: function(plain(x))._replace(values=unique_values(x))


stands_for("unique_all")(with_values(np.unique_all))
stands_for("unique_counts")(with_values(np.unique_counts))
stands_for("unique_inverse")(with_values(np.unique_inverse))


@stands_for("bincount")
def bincount(x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    """Count how often each number is in x, or add up the weights that stand where it is."""
    if not isinstance(weights, Tensor):
        return NAMED["plain_call"](np.bincount, "np.bincount", (x, weights, minlength), {})
    if isinstance(x, Node):
        refuse_value(x, "np.bincount, whose result has a length that depends on the values,")
    x = np.asarray(x, int)
    return scatter(weights.astype(float), x, (max(int(np.max(x, initial=-1)) + 1, minlength),))


@stands_for("union1d")
def union1d(ar1: Any, ar2: Any) -> Any:
    """Sort the values of both, each once."""
    return unique(np.concatenate([ar1, ar2], axis=None))


@stands_for("setdiff1d")
def setdiff1d(ar1: Any, ar2: Any) -> Any:
    """Sort the values of the first that are not in the second, each once."""
    values = unique_of(ar1)
    return values[~np.isin(values, ar2)]


@stands_for("intersect1d")
def intersect1d(ar1: Any, ar2: Any) -> Any:
    """Sort the values of the first that are in the second too, each once."""
    values = unique_of(ar1)
    return values[np.isin(values, ar2)]


@stands_for("setxor1d")
def setxor1d(ar1: Any, ar2: Any) -> Any:
    """Sort the values that are in only one of the two, each once."""
    return unique(np.concatenate([setdiff1d(ar1, ar2), setdiff1d(ar2, ar1)]))


def unique_of(x: Any) -> Any:
    return unique(x) if isinstance(x, Node) else np.unique(x)


@stands_for("trim_zeros")
def trim_zeros(filt: Any, trim: Any = "fb") -> Any:
    """Remove the zeros at the ends of an array, along each axis; nothing is left if all are zeros."""
    front, back = "f" in trim.lower(), "b" in trim.lower()
    ends = [(int(np.min(i)), int(np.max(i)) + 1) if len(i) else (0, 0) for i in np.nonzero(filt)]
    return filt[tuple(slice(i if front else 0, j if back or not j else None) for i, j in ends)]


@stands_for("delete")
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    """Remove what is at the indices along an axis."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    return np.take(arr, np.delete(np.arange(arr.shape[axis]), obj), axis)


@stands_for("insert")
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """Insert values along an axis before the indices."""
    arr, values = array_like(arr), array_like(values)
    values = values if values.dtype == arr.dtype else values.astype(arr.dtype)
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = normalize_axis_index(axis, arr.ndim)
    n = arr.shape[axis]
    if np.ndim(obj) == 0 and not isinstance(obj, slice):
        if (values.ndim == arr.ndim and values.ndim > 1) or values.ndim == 1 == arr.ndim:
            count = values.shape[axis]
        else:
            values, count = np.expand_dims(values, axis) if values.ndim == arr.ndim - 1 else values, 1
        obj = [obj] * count
    where = np.insert(np.arange(n), obj, np.arange(n, n + len(np.insert(np.arange(n), obj, 0)) - n))
    new = len(where) - n
    shape = [new if i == axis else m for i, m in enumerate(arr.shape)]
    return np.take(np.concatenate([arr, np.broadcast_to(values, shape)], axis), where, axis)


@stands_for("piecewise")
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Apply each function (or number) to the elements for which its condition holds; the last one that holds counts.
    The rest is 0, or the result of one function more. A function sees only its own elements."""
    if is_tracing():
        refuse_value(x, "np.piecewise, whose parts have lengths that depend on the values,")
    conditions = [
        np.broadcast_to(c, x.shape) for c in (condlist if isinstance(condlist, (list, tuple)) else [condlist])
    ]
    otherwise = [~np.any(conditions, axis=0)] if len(funclist) == len(conditions) + 1 else []
    result, places = [np.zeros(x.size, x.dtype)], np.arange(x.size)
    for condition, f in zip([*conditions, *otherwise], funclist, strict=True):
        (mine,) = np.nonzero(np.ravel(condition))
        values = f(np.ravel(x)[mine], *args, **kw) if callable(f) else f
        places[mine] = sum(len(part) for part in result) + np.arange(len(mine))
        result.append(np.broadcast_to(values, mine.shape).astype(x.dtype))
    return np.reshape(np.concatenate(result)[places], x.shape)
