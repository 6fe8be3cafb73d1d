"""Products of matrices, and sums of products in general."""

import math
import string
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd.registry import stands_for
from autograd.tensor import Op


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
    """dC/dw = delta a^T, summed over whatever axes of x hold the examples."""
    if x.ndim != 2:
        n = math.prod(x.shape[:-1])  # -1 could not be found out where there are no examples
        g, x = np.reshape(g, (n, g.shape[-1])), np.reshape(x, (n, x.shape[-1]))
    return g.T @ x


def _einsum_rule(wanted: Any, g: Any, y: Any, *xs: Any, subscripts: Any = "") -> Any:
    return [_einsum_part(i, g, xs, subscripts) for i in wanted]


def _einsum_part(i: Any, g: Any, xs: Any, subscripts: Any) -> Any:
    """The einsum of the gradient and the other operands, onto the labels of the i-th.

    Labels that only it has, or that have length one elsewhere, are summed away, so the gradient is repeated along them:
    a vector of ones. A label that it has twice picks a diagonal, so the gradient is put on a diagonal: an identity
    matrix.
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
                                _matmul_right, symbol="@")
linear = Op(lambda x, w, b: x @ w.T + b, "x @ w.T + b", lambda g, y, x, w, b: g @ w,
                                                        _linear_weights,
                                                        lambda g, y, x, w, b: g, name="linear")
sum_products = Op(lambda *xs, subscripts: np.einsum(subscripts, *xs, optimize=len(xs) > 1),
                  "np.einsum(subscripts, *xs)", _einsum_rule, name="einsum")
# fmt: on


def _explicit(subscripts: Any, xs: Any) -> Any:
    """`subscripts` with the ellipses spelled out as labels and the output written down."""
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


@stands_for(np.einsum)
def einsum(subscripts: Any, *xs: Any, optimize: Any = True) -> Any:
    """The sum of products that `subscripts` describe, as in NumPy: `"ij,jk->ik"`, ellipses and repeats included."""
    if not isinstance(subscripts, str):
        raise TypeError("einsum: give the subscripts as a string, such as 'ij,jk->ik'")
    return sum_products(*xs, subscripts=_explicit(subscripts, xs))


@stands_for(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The sum of products over the last `axes` axes of a and the first of b, or over two lists of axes."""
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


@stands_for(np.dot)
def dot(a: Any, b: Any) -> Any:
    """The product of two vectors or matrices; over the last axis of a and the second to last of b in general."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return a @ b if np.ndim(b) <= 2 else tensordot(a, b, axes=(-1, -2))


@stands_for(np.outer)
def outer(a: Any, b: Any) -> Any:
    """The product of each element of a with each of b, both flattened."""
    return np.expand_dims(np.ravel(a), 1) * np.ravel(b)
