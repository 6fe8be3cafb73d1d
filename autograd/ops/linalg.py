"""np.linalg, for one matrix or for many at once: the last two axes are a matrix.

A decomposition gives several arrays. Its operation packs them into one, and a composition takes that apart: so every
operation has one output, and derivatives of any order are right. What is not unique has no derivative: where two
eigenvalues or singular values are equal, the gradient of their vectors is infinite, as in other libraries.
"""

import functools
import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd.operation import Op
from autograd.ops.elementwise import array_like
from autograd.ops.products import dot
from autograd.ops.reductions import expanded
from autograd.recording import is_tracing
from autograd.registry import numpy_function, stands_for


def _diagonal(x: Any) -> Any:
    """Turn vectors into diagonal matrices."""
    return np.expand_dims(x, -1) * np.eye(x.shape[-1], dtype=x.dtype)


def _eye(n: int, like: Any) -> Any:
    return np.eye(n, dtype=like.dtype)


def _halved(x: Any) -> Any:
    """Take the lower triangles, with half of the diagonals."""
    return np.tril(x) - x * (0.5 * _eye(x.shape[-1], x))


def _folded(x: Any, lower: bool) -> Any:
    """Fold the gradient of symmetric matrices into that of the triangle that was read."""
    return np.tril(x) + np.tril(x.mT, -1) if lower else np.triu(x) + np.triu(x.mT, 1)


def _gaps(w: Any, weight: Any) -> Any:
    """Compute 1 / (w_j - w_i) off the diagonal; 0 on it, and between equal values that have no weight."""
    gap = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    none = np.eye(w.shape[-1]) + ((gap == 0) & (weight == 0))
    return np.where(none > 0, 0.0, 1 / np.where(none > 0, 1.0, gap))


# Packing and taking apart: eigenvalues as a row above their vectors; q above r; u, s and v^T behind one another.


def _stacked(values: Any, vectors: Any) -> Any:
    return np.concatenate([np.expand_dims(values, -2), vectors], axis=-2)


def _values(y: Any) -> Any:
    return y[..., 0, :]


def _vectors(y: Any) -> Any:
    return y[..., 1:, :]


def _flat(*parts: Any) -> Any:
    lead = parts[1].shape[:-1]
    return np.concatenate([np.reshape(x, (*lead, math.prod(x.shape[len(lead) :]))) for x in parts], axis=-1)


def _usv(y: Any, shape: Any) -> Any:
    """Take u, s and v^T out of the packed singular value decomposition of a matrix of this shape."""
    m, n = shape[-2:]
    k = min(m, n)
    lead = y.shape[:-1]
    u, s, vh = y[..., : m * k], y[..., m * k : m * k + k], y[..., m * k + k :]
    return np.reshape(u, (*lead, m, k)), s, np.reshape(vh, (*lead, k, n))


def _eigh(g: Any, y: Any, x: Any, UPLO: Any = "L") -> Any:  # noqa: N803
    w, v = _values(y), _vectors(y)
    turned = v.mT @ _vectors(g)
    inside = _diagonal(_values(g)) + turned * _gaps(w, turned)
    found = v @ inside @ v.mT
    return _folded((found + found.mT) / 2, UPLO in "Ll")


def _eig(g: Any, y: Any, x: Any) -> Any:
    w, v = _values(y), _vectors(y)
    gv = _vectors(g)
    turned = v.mT @ (gv - v * np.sum(v * gv, axis=-2, keepdims=True))  # the vectors have length one
    return np.linalg.solve(v.mT, (_diagonal(_values(g)) + turned * _gaps(w, turned)) @ v.mT)


def _qr(g: Any, y: Any, x: Any) -> Any:
    m = x.shape[-2]
    q, r, gq, gr = y[..., :m, :], y[..., m:, :], g[..., :m, :], g[..., m:, :]
    inner = r @ gr.mT - gq.mT @ q
    symmetric = np.tril(inner) + np.tril(inner, -1).mT
    return np.linalg.solve(r, (gq + q @ symmetric).mT).mT


def _svd(g: Any, y: Any, x: Any) -> Any:
    """Townsend, Differentiating the singular value decomposition (2016)."""
    (u, s, vh), (gu, gs, gvh) = _usv(y, x.shape), _usv(g, x.shape)
    v, gv, k = vh.mT, gvh.mT, s.shape[-1]
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    ugu, vgv = u.mT @ gu, v.mT @ gv
    both_u, both_v = ugu - ugu.mT, vgv - vgv.mT
    gaps = _gaps(s, np.abs(both_u) + np.abs(both_v)) / np.where(np.eye(k) > 0, 1.0, row + column)
    found = u @ (_diagonal(gs) + gaps * both_u * row + gaps * both_v * column) @ vh
    if x.shape[-2] > k:
        found = found + (gu - u @ ugu) / row @ vh
    if x.shape[-1] > k:
        found = found + (u / row) @ (gv - v @ vgv).mT
    return found


def _cholesky(g: Any, y: Any, x: Any) -> Any:
    """Murray, Differentiation of the Cholesky decomposition (2016)."""
    inside = _halved(y.mT @ g)
    half = np.linalg.solve(y.mT, inside)
    found = np.linalg.solve(y.mT, half.mT).mT
    return _folded((found + found.mT) / 2, True)


def _pinv(g: Any, y: Any, x: Any) -> Any:
    m, n = x.shape[-2:]
    outside, unseen = _eye(m, x) - x @ y, _eye(n, x) - y @ x
    return -y.mT @ g @ y.mT + (y @ y.mT @ g @ outside).mT + (unseen @ g @ y.mT @ y).mT


def _real_eig(x: Any) -> Any:
    w, v = np.linalg.eig(x)
    if np.iscomplexobj(w) and not np.any(w.imag):  # since NumPy 2.5 they are complex in any case
        w, v = w.real, v.real
    if np.iscomplexobj(w):
        raise TypeError("some eigenvalues are complex, and Tensors are real; np.linalg.eigh is for symmetric matrices")
    return _stacked(w, v)


def _real_eigvals(x: Any) -> Any:
    return _values(_real_eig(x))


def _eigvals(g: Any, y: Any, x: Any) -> Any:
    v = _vectors(real_eig(x))
    return np.linalg.solve(v.mT, np.expand_dims(g, -1) * v.mT)


def _svdvals(g: Any, y: Any, x: Any) -> Any:
    u, _, vh = _usv(thin_svd(x), x.shape)
    return (u * np.expand_dims(g, -2)) @ vh


def _eigvalsh(g: Any, y: Any, x: Any, UPLO: Any = "L") -> Any:  # noqa: N803
    v = _vectors(packed_eigh(x, UPLO=UPLO))
    return _folded((v * np.expand_dims(g, -2)) @ v.mT, UPLO in "Ll")


# fmt: off
inv         = Op(np.linalg.inv,      "np.linalg.inv(x)",      lambda g, y, x: -y.mT @ g @ y.mT)
det         = Op(np.linalg.det,      "np.linalg.det(x)",
                 lambda g, y, x: np.expand_dims(g * y, (-2, -1)) * np.linalg.inv(x).mT)
logabsdet   = Op(lambda x: np.linalg.slogdet(x)[1], "np.linalg.slogdet(x)[1]",
                 lambda g, y, x: np.expand_dims(g, (-2, -1)) * np.linalg.inv(x).mT, name="linalg.slogdet")
signdet     = Op(lambda x: np.linalg.slogdet(x)[0], "np.linalg.slogdet(x)[0]", name="signdet")
solve_all   = Op(np.linalg.solve,    "np.linalg.solve(a, b)",
                 lambda g, y, a, b: -g @ y.mT,
                 lambda g, y, a, b: g, delta=lambda g, y, a, b: np.linalg.solve(a.mT, g), name="linalg.solve")
cholesky    = Op(lambda x: np.linalg.cholesky(x), "np.linalg.cholesky(x)", _cholesky, name="linalg.cholesky")
pseudo      = Op(lambda x, rcond=None: np.linalg.pinv(x, rcond), "np.linalg.pinv(x, rcond)",
                 lambda g, y, x, rcond=None: _pinv(g, y, x), name="linalg.pinv")
packed_eigh = Op(lambda x, UPLO="L": _stacked(*np.linalg.eigh(x, UPLO)),  # noqa: N803
                 "np.concatenate([np.linalg.eigh(x, UPLO)[0][..., None, :], np.linalg.eigh(x, UPLO)[1]], axis=-2)",
                 _eigh, name="linalg.eigh", outputs=("w", "v"))
eigvalsh    = Op(np.linalg.eigvalsh, "np.linalg.eigvalsh(x, UPLO)", _eigvalsh)
real_eig    = Op(_real_eig,
                 "np.concatenate([np.linalg.eig(x)[0][..., None, :], np.linalg.eig(x)[1]], axis=-2)",
                 _eig, name="linalg.eig", outputs=("w", "v"))
real_eigvals = Op(_real_eigvals,     "np.linalg.eigvals(x)",  _eigvals, name="linalg.eigvals")
thin_qr     = Op(lambda x: np.concatenate(np.linalg.qr(x), axis=-2), "np.concatenate(np.linalg.qr(x), axis=-2)",
                 _qr, name="linalg.qr", outputs=("q", "r"))
thin_svd    = Op(lambda x: _flat(*np.linalg.svd(x, full_matrices=False)),
                 "np.concatenate([np.linalg.svd(x, full_matrices=False)[0].reshape(x.shape[:-2] + (-1,)),"
                 " np.linalg.svd(x, full_matrices=False)[1],"
                 " np.linalg.svd(x, full_matrices=False)[2].reshape(x.shape[:-2] + (-1,))], axis=-1)",
                 _svd, name="linalg.svd", outputs=("u", "s", "vh"))
svdvals     = Op(lambda x: np.linalg.svd(x, compute_uv=False), "np.linalg.svd(x, compute_uv=False)", _svdvals,
                 name="linalg.svdvals")
length      = Op(lambda x, axis=None, keepdims=False: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
                 "np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))",
                 lambda g, y, x, axis=None, keepdims=False:
                     expanded(g / np.where(y == 0, 1.0, y), x, axis, keepdims) * x, name="linalg.norm")
# fmt: on


def _result(name: str, *parts: Any) -> Any:
    """Return NumPy's named tuple of this name, if it has one."""
    kind = getattr(numpy_function(f"linalg._linalg.{name}"), "_make", tuple)
    return kind(parts)


@stands_for("linalg.slogdet")
def slogdet(a: Any) -> Any:
    """Return the sign of the determinant, which is plain, and the logarithm of its size."""
    return _result("SlogdetResult", signdet(a), logabsdet(a))


@stands_for("linalg.solve")
def solve(a: Any, b: Any) -> Any:
    """Find the x for which a x = b. b is a vector if it has one axis, else matrices."""
    return solve_all(a, np.expand_dims(b, -1))[..., 0] if np.ndim(b) == 1 else solve_all(a, b)


@stands_for("linalg.cholesky")
def lower_or_upper(a: Any, *, upper: Any = False) -> Any:
    """Find the triangle l with l l^T = a, from the lower triangle of a; if asked for, its transpose, from the upper
    one."""
    return cholesky(a.mT).mT if upper else cholesky(a)


@stands_for("linalg.pinv")
def pinv(a: Any, rcond: Any = None, hermitian: Any = False, *, rtol: Any = None) -> Any:
    """Compute the pseudo-inverse; with `hermitian`, that of the symmetric matrix whose lower triangle is in `a`."""
    if hermitian:
        a = np.tril(a) + np.tril(a, -1).mT
    return pseudo(a, rcond=rcond if rtol is None else rtol)


@stands_for("linalg.eigh")
def eigh(a: Any, UPLO: Any = "L") -> Any:  # noqa: N803
    """Return the eigenvalues of symmetric matrices, of which one triangle is read, and the eigenvectors in columns."""
    y = packed_eigh(a, UPLO=UPLO)
    return _result("EighResult", _values(y), _vectors(y))


@stands_for("linalg.eig")
def eig(a: Any) -> Any:
    """Return the eigenvalues of matrices, if all are real, and the eigenvectors in columns."""
    y = real_eig(a)
    return _result("EigResult", _values(y), _vectors(y))


stands_for("linalg.eigvals")(real_eigvals)


@stands_for("linalg.qr")
def qr(a: Any, mode: Any = "reduced") -> Any:
    """Return q, with orthogonal columns of length one, and the upper triangle r, for which q r = a."""
    m, n = a.shape[-2:]
    if mode not in ("reduced", "r", "complete") or (mode == "complete" and m > n):
        raise TypeError(f"linalg.qr: mode {mode!r} is not supported for Tensors of shape {a.shape}; use mode='reduced'")
    k = min(m, n)
    y = thin_qr(a[..., :k])
    q, r = y[..., :m, :], y[..., m:, :]
    if n > m:
        r = np.concatenate([r, q.mT @ a[..., m:]], axis=-1)
    return r if mode == "r" else _result("QRResult", q, r)


@stands_for("linalg.svd")
def svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> Any:
    """Return u, s and v^T with u diag(s) v^T = a; with `hermitian`, of the symmetric matrix whose lower triangle is in
    `a`."""
    if hermitian:
        w, v = eigh(a)
        order = np.argsort(np.abs(w))[..., ::-1]
        w = np.take_along_axis(w, order, -1)
        if not compute_uv:
            return np.abs(w)
        u = np.take_along_axis(v, order[..., None, :], -1)
        return _result("SVDResult", u, np.abs(w), (u * np.sign(w)[..., None, :]).mT)
    if not compute_uv:
        return svdvals(a)
    if full_matrices and a.shape[-1] != a.shape[-2]:
        raise TypeError(
            f"linalg.svd: full_matrices=True is not supported for Tensors of shape {a.shape}: the further vectors are"
            " not unique; use full_matrices=False"
        )
    return _result("SVDResult", *_usv(thin_svd(a), a.shape))


@stands_for("linalg.lstsq")
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Return the x for which a x is nearest to b, the squared distances, and the rank and the singular values of a."""
    a, b = array_like(a), array_like(b)
    m, n = a.shape
    x = pinv(a, rcond=np.finfo(a.dtype).eps * max(m, n) if rcond is None else rcond) @ b
    rank = np.linalg.matrix_rank(a)
    full = m > n and (is_tracing() or rank == n)
    distances = np.sum((b - a @ x) ** 2, axis=0, keepdims=b.ndim == 1) if full else np.zeros(0, a.dtype)
    return x, distances, rank, np.linalg.svdvals(a)


@stands_for("linalg.tensorinv")
def tensorinv(a: Any, ind: Any = 2) -> Any:
    """Invert the tensor that sums over the first `ind` axes."""
    before, behind = a.shape[:ind], a.shape[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(before), -1))), (*behind, *before))


@stands_for("linalg.tensorsolve")
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Find the x whose products with a, summed over all axes of x, are b."""
    a, b = array_like(a), array_like(b)
    if axes is not None:
        axes = [normalize_axis_index(axis, a.ndim) for axis in axes]
        a = np.transpose(a, [i for i in range(a.ndim) if i not in axes] + axes)
    shape = a.shape[b.ndim :]
    return np.reshape(np.linalg.solve(np.reshape(a, (b.size, -1)), np.ravel(b)), shape)


@stands_for("linalg.matrix_power")
def matrix_power(a: Any, n: Any) -> Any:
    """Multiply n factors of the same matrix, or of its inverse if n is negative."""
    if n <= 0:
        return matrix_power(np.linalg.inv(a), -n) if n else a * 0.0 + _eye(a.shape[-1], a)
    half = matrix_power(a, n // 2) if n > 1 else None
    return a if half is None else half @ half @ a if n % 2 else half @ half


@stands_for("linalg.multi_dot")
def multi_dot(arrays: Any) -> Any:
    """Multiply several matrices."""
    return functools.reduce(dot, arrays)


@stands_for("linalg.vector_norm")
def vector_norm(x: Any, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    """Measure the length of vectors: the ord-th root of the sum of the ord-th powers of their elements."""
    if ord is None or ord == 2:
        return length(x, axis=axis, keepdims=keepdims)
    size = np.abs(x)
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum((size != 0).astype(x.dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if ord < 1:  # the slope at 0 is infinite there: a zero takes no gradient, and with a negative ord it is the least
        some, size = size != 0, np.where(size == 0, 1.0, size)
        total = np.sum(size**ord * some, axis=axis, keepdims=keepdims)
        some = (total != 0) if ord > 0 else np.all(some, axis=axis, keepdims=keepdims)
    else:
        total = np.sum(size**ord, axis=axis, keepdims=keepdims)
        some = total != 0
    return np.where(total == 0, 1.0, total) ** (1 / ord) * some


@stands_for("linalg.matrix_norm")
def matrix_norm(x: Any, *, keepdims: Any = False, ord: Any = "fro") -> Any:
    """Measure the size of matrices: from all elements ("fro"), sums of columns or rows (1, inf), or singular values."""
    if ord in ("fro", None):
        return length(x, axis=(-2, -1), keepdims=keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        sums = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
    elif ord in (2, -2, "nuc"):
        sums = svdvals(x)
    else:
        raise ValueError(f"linalg.norm: the norm {ord!r} is not one of matrices")
    y = np.sum(sums, axis=-1) if ord == "nuc" else np.max(sums, axis=-1) if ord > 0 else np.min(sums, axis=-1)
    return np.expand_dims(y, (-2, -1)) if keepdims else y


@stands_for("linalg.norm")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    """Measure the length of vectors, or the size of matrices. At 0, where there is no derivative, the gradient is 0."""
    if axis is None and (ord is None or x.ndim not in (1, 2)):
        if ord is not None:
            raise ValueError(f"linalg.norm: ord={ord!r} of shape {x.shape}; say along which axis")
        return length(x, axis=tuple(range(x.ndim)), keepdims=keepdims)
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return vector_norm(x, axis=axes[0], keepdims=keepdims, ord=ord)
    y = matrix_norm(np.moveaxis(x, axes, (-2, -1)), ord=ord)
    return np.expand_dims(y, tuple(normalize_axis_index(i, x.ndim) for i in axes)) if keepdims else y


@stands_for("linalg.cond")
def cond(x: Any, p: Any = None) -> Any:
    """Say by how much a matrix can magnify relative errors: its norm times that of its inverse."""
    if p is None or p in (2, -2):
        s = svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return norm(x, p, (-2, -1)) * norm(np.linalg.inv(x), p, (-2, -1))
