"""Products of matrices, and sums of products in general."""

import math
import string
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.lib.stride_tricks import sliding_window_view

from autograd.operation import Op
from autograd.ops.elementwise import array_like
from autograd.registry import NAMED, stands_for


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    return (b @ np.expand_dims(g, -1))[..., 0] if a.ndim == 1 else g @ b.mT


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return a * g if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if b.ndim == 1:
        return (a.mT @ np.expand_dims(g, -1))[..., 0]
    # For a transposed b, such as w.T, the same product transposed: its memory is then in the order of w's.
    return (g.mT @ a).mT if isinstance(b, np.ndarray) and b.flags.f_contiguous else a.mT @ g


def _linear_weights(g: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """dC/dw = delta a^T, summed over the axes of x that hold the examples."""
    if x.ndim != 2:
        n = math.prod(x.shape[:-1])  # -1 could not be found out where there are no examples
        g, x = np.reshape(g, (n, g.shape[-1])), np.reshape(x, (n, x.shape[-1]))
    return g.T @ x


def _einsum_rule(wanted: Any, g: Any, y: Any, *xs: Any, subscripts: Any = "") -> Any:
    return [_einsum_part(i, g, xs, subscripts) for i in wanted]


def _einsum_part(i: Any, g: Any, xs: Any, subscripts: Any) -> Any:
    """Find the einsum of the gradient and the other operands that gives the gradient of the i-th.

    Labels that only this operand has, or that have length one elsewhere, are summed away, so the gradient is repeated
    along them: a vector of ones. A label that it has twice picks a diagonal, so the gradient goes onto a diagonal: an
    identity matrix.
    """
    terms, output = subscripts.split("->")
    labels = terms.split(",")
    operands, inputs = [g], [output]
    for k, (x, term) in enumerate(zip(xs, labels, strict=True)):
        if k != i:
            operands.append(x)
            inputs.append(term)
    lengths = {pair for x, term in zip(operands, inputs, strict=True) for pair in zip(term, np.shape(x), strict=True)}
    unused = iter(sorted(set(string.ascii_letters) - set(subscripts)))
    target = ""
    for label, n in zip(labels[i], xs[i].shape, strict=True):
        if label in target:
            repeated, label = label, next(unused)
            operands.append(np.eye(n, dtype=g.dtype))
            inputs.append(repeated + label)
        elif (label, n) not in lengths:
            operands.append(np.ones(n, g.dtype))
            inputs.append(label)
        target += label
    return sum_products(*operands, subscripts=f"{','.join(inputs)}->{target}")


# fmt: off
matmul = Op(np.matmul, "a @ b", _matmul_left,
                                _matmul_right, symbol="@", linear=True, onnx="MatMul(a, b)")
linear = Op(lambda x, w, b: x @ w.T + b, "x @ w.T + b", lambda g, y, x, w, b: g @ w,
                                                        _linear_weights,
                                                        lambda g, y, x, w, b: g, name="linear",
                                                        onnx="Add(MatMul(x, Transpose(w)), b)")
sum_products = Op(lambda *xs, subscripts: np.einsum(subscripts, *xs, optimize=len(xs) > 1),
                  "np.einsum(subscripts, *xs)", _einsum_rule, name="einsum", view=True,
                  onnx="Einsum(xs, equation=subscripts)")
# fmt: on


def _explicit(subscripts: Any, xs: Any) -> Any:
    """Spell out the ellipses in `subscripts` as labels, and write the output down."""
    subscripts = subscripts.replace(" ", "")
    terms, arrow, output = subscripts.partition("->")
    spare = sorted(set(string.ascii_letters) - set(subscripts))
    labels = terms.split(",")
    if len(labels) != len(xs):
        raise ValueError(f"einsum: {subscripts!r} names {len(labels)} operands, and there are {len(xs)}")
    hidden = [np.ndim(x) - len(term) + 3 if "..." in term else 0 for term, x in zip(labels, xs, strict=True)]
    dots = "".join(spare[: max(hidden)])
    labels = [term.replace("...", dots[len(dots) - n :]) for term, n in zip(labels, hidden, strict=True)]
    letters = "".join(labels)
    if not arrow:
        output = dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    return f"{','.join(labels)}->{output.replace('...', dots)}"


def _letters(labels: Any) -> str:
    """Write a list of labels as letters."""
    letters = string.ascii_uppercase + string.ascii_lowercase  # in this order, as in NumPy: the output is sorted
    return "".join("..." if label is Ellipsis else letters[label] for label in labels)


@stands_for("einsum")
def einsum(subscripts: Any, *xs: Any, optimize: Any = True) -> Any:
    """Sum the products that `subscripts` describe, as in NumPy: `"ij,jk->ik"`, ellipses and repeats included. Or follow
    each operand by the list of its labels."""
    if not isinstance(subscripts, str):
        xs = (subscripts, *xs)
        output = f"->{_letters(xs[-1])}" if len(xs) % 2 else ""
        subscripts, xs = ",".join(map(_letters, xs[1::2])) + output, xs[: len(xs) - len(xs) % 2 : 2]
    return sum_products(*xs, subscripts=_explicit(subscripts, xs))


@stands_for("tensordot")
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum the products over the last `axes` axes of a and the first of b, or over two lists of axes."""
    if np.ndim(axes) == 0:
        over_a, over_b = list(range(np.ndim(a) - int(axes), np.ndim(a))), list(range(int(axes)))
    else:
        over_a, over_b = ([int(i) for i in np.atleast_1d(side)] for side in axes)
    shape_a, shape_b = np.shape(a), np.shape(b)
    over_a = [normalize_axis_index(i, len(shape_a), "tensordot: a") for i in over_a]
    over_b = [normalize_axis_index(i, len(shape_b), "tensordot: b") for i in over_b]
    sizes_a, sizes_b = [shape_a[i] for i in over_a], [shape_b[i] for i in over_b]
    if sizes_a != sizes_b:
        raise ValueError(f"tensordot: the axes summed over differ in length: {sizes_a} of a and {sizes_b} of b")
    free_a = [i for i in range(np.ndim(a)) if i not in over_a]
    free_b = [i for i in range(np.ndim(b)) if i not in over_b]
    kept_a, kept_b = [shape_a[i] for i in free_a], [shape_b[i] for i in free_b]
    left = np.reshape(np.transpose(a, free_a + over_a), (math.prod(kept_a), math.prod(sizes_a)))
    right = np.reshape(np.transpose(b, over_b + free_b), (math.prod(sizes_b), math.prod(kept_b)))
    return np.reshape(left @ right, kept_a + kept_b)


@stands_for("dot")
def dot(a: Any, b: Any) -> Any:
    """Multiply vectors or matrices; in general, sum over the last axis of a and the second to last of b."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return a @ b if np.ndim(b) <= 2 else tensordot(a, b, axes=(-1, -2))


@stands_for("outer")
def outer(a: Any, b: Any) -> Any:
    """Multiply each element of a by each of b, both flattened."""
    return np.expand_dims(np.ravel(a), 1) * np.ravel(b)


def outer_by(op: Any, a: Any, b: Any) -> Any:
    """Apply an operation to each element of a with each of b: np.multiply.outer, and the like."""
    a, b = array_like(a), array_like(b)
    return op(np.reshape(a, (*a.shape, *[1] * b.ndim)), b)


NAMED["outer_by"] = outer_by


@stands_for("inner")
def inner(a: Any, b: Any) -> Any:
    """Sum the products over the last axes."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return tensordot(a, b, axes=(-1, -1))


@stands_for("vdot")
def vdot(a: Any, b: Any) -> Any:
    """Sum the products of all elements."""
    return np.ravel(a) @ np.ravel(b)


@stands_for("vecdot", "linalg.vecdot")
def vecdot(x1: Any, x2: Any, axis: Any = -1) -> Any:
    """Multiply vectors that lie along an axis."""
    return np.sum(np.multiply(x1, x2), axis=axis)


@stands_for("matvec")
def matvec(x1: Any, x2: Any) -> Any:
    """Multiply each matrix by its vector."""
    return (x1 @ np.expand_dims(x2, -1))[..., 0]


@stands_for("vecmat")
def vecmat(x1: Any, x2: Any) -> Any:
    """Multiply each vector by its matrix."""
    return (np.expand_dims(x1, -2) @ x2)[..., 0, :]


@stands_for("kron")
def kron(a: Any, b: Any) -> Any:
    """Put together a copy of b for each element of a, multiplied by it, laid out as a is."""
    a, b = array_like(a), array_like(b)
    ndim = max(a.ndim, b.ndim)
    m, n = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    apart = [np.reshape(a, [k for i in m for k in (i, 1)]), np.reshape(b, [k for i in n for k in (1, i)])]
    return np.reshape(apart[0] * apart[1], [i * k for i, k in zip(m, n, strict=True)])


@stands_for("cross")
def cross(a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Any:
    """Compute the vector product of vectors with three components."""
    a, b = array_like(a), array_like(b)
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if a.shape[-1] == b.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    if not {a.shape[-1], b.shape[-1]} <= {2, 3}:
        raise ValueError(f"cross: vectors with {a.shape[-1]} and {b.shape[-1]} components; they need 3")
    a, b = (x if x.shape[-1] == 3 else np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, 1)]) for x in (a, b))
    turn, back = np.array([1, 2, 0]), np.array([2, 0, 1])
    return np.moveaxis(a[..., turn] * b[..., back] - a[..., back] * b[..., turn], -1, axisc)


@stands_for("linalg.cross")
def cross_product(x1: Any, x2: Any, axis: Any = -1) -> Any:
    """Compute the vector product of vectors with three components."""
    return cross(x1, x2, axis=axis)


@stands_for("linalg.outer")
def outer_product(x1: Any, x2: Any) -> Any:
    """Multiply each element of a vector by each of another."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"linalg.outer takes two vectors, not shapes {np.shape(x1)} and {np.shape(x2)}")
    return outer(x1, x2)


stands_for("linalg.matmul")(matmul)
stands_for("linalg.tensordot")(tensordot)


@stands_for("trace")
def trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """Sum along the diagonals."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@stands_for("linalg.trace")
def matrix_trace(x: Any, offset: Any = 0) -> Any:
    """Sum along the diagonal of each matrix."""
    return trace(x, offset, -2, -1)


@stands_for("convolve")
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """Slide one vector over the other, reversed, and sum the products at each place."""
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    if v.shape[0] > a.shape[0]:
        a, v = v, a
    n, m = a.shape[0], v.shape[0]
    if not m:
        raise ValueError("convolve: an array is empty")
    full = sliding_window_view(np.pad(a, (m - 1, m - 1)), m) @ np.flip(v)
    start, length = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[str(mode)]
    return full[start : start + length]


@stands_for("correlate")
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """Slide one vector over the other, and sum the products at each place."""
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    if v.shape[0] > a.shape[0]:  # NumPy exchanges them, and turns the result around
        return np.flip(correlate(v, a, mode))
    n, m = a.shape[0], v.shape[0]
    full = convolve(a, np.flip(v), "full")
    start, length = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[str(mode)]
    return full[start : start + length]
