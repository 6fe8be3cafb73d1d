"""Polynomials as vectors of coefficients, that of the highest power first: NumPy's `poly…` functions."""

from typing import Any

import numpy as np

from autograd.ops.elementwise import array_like
from autograd.registry import stands_for


@stands_for("polyval")
def polyval(p: Any, x: Any) -> Any:
    """Evaluate a polynomial at x."""
    y: Any = array_like(x) * 0.0
    for k in range(np.shape(p)[0]):
        y = y * x + p[k]
    return y


@stands_for("polyadd")
def polyadd(a1: Any, a2: Any) -> Any:
    """Add two polynomials."""
    a1, a2 = np.atleast_1d(a1), np.atleast_1d(a2)
    n = max(a1.shape[0], a2.shape[0])
    return np.pad(a1, (n - a1.shape[0], 0)) + np.pad(a2, (n - a2.shape[0], 0))


@stands_for("polysub")
def polysub(a1: Any, a2: Any) -> Any:
    """Subtract two polynomials."""
    return polyadd(a1, np.negative(a2))


@stands_for("polymul")
def polymul(a1: Any, a2: Any) -> Any:
    """Multiply two polynomials."""
    return np.convolve(a1, a2)


@stands_for("polydiv")
def polydiv(u: Any, v: Any) -> Any:
    """Divide two polynomials: return the quotient and the remainder."""
    u, v = np.atleast_1d(u) * 1.0, np.atleast_1d(v) * 1.0
    m, n = u.shape[0], v.shape[0]
    quotient = []
    for k in range(m - n + 1):
        quotient.append(u[k] / v[0])
        u = u - np.pad(v * quotient[-1], (k, m - n - k))
    rest = u[max(m - n + 1, 0) :]
    return (np.stack(quotient) if quotient else np.zeros(1)), (rest if n > 1 else u[-1:] * 0.0)


@stands_for("polyder")
def polyder(p: Any, m: Any = 1) -> Any:
    """Differentiate a polynomial m times."""
    for _ in range(m):
        p = p[:-1] * np.arange(np.shape(p)[0] - 1, 0, -1)
    return p


@stands_for("polyint")
def polyint(p: Any, m: Any = 1, k: Any = None) -> Any:
    """Integrate a polynomial m times, with the constants k."""
    p = np.atleast_1d(p)
    constants = k if isinstance(k, (list, tuple)) else np.atleast_1d(0.0 if k is None else k)
    constants = [constants[0]] * m if len(constants) == 1 else constants
    for i in range(m):
        p = np.concatenate([p / np.arange(p.shape[0], 0, -1), np.reshape(constants[i], (1,))])
    return p


@stands_for("poly")
def poly(seq_of_zeros: Any) -> Any:
    """Make the polynomial with these roots."""
    roots = np.atleast_1d(seq_of_zeros)
    roots = np.linalg.eigvals(roots) if roots.ndim == 2 else roots
    p: Any = np.ones(1, roots.dtype)
    for k in range(roots.shape[0]):
        p = np.pad(p, (0, 1)) - np.pad(p * roots[k], (1, 0))
    return p


@stands_for("vander")
def vander(x: Any, N: Any = None, increasing: Any = False) -> Any:  # noqa: N803
    """Put the powers of the elements side by side."""
    n = x.shape[0] if N is None else N
    return np.expand_dims(x, 1) ** (np.arange(n) if increasing else np.arange(n - 1, -1, -1))


@stands_for("polyfit")
def polyfit(x: Any, y: Any, deg: Any, w: Any = None) -> Any:
    """Fit a polynomial of this degree to the values y at x: least squares, with weights w."""
    x, y = array_like(x) * np.ones(1), array_like(y) + 0.0
    powers = np.stack([x**k for k in range(int(deg), -1, -1)], axis=1)
    if w is not None:
        w = array_like(w)
        powers, y = powers * np.expand_dims(w, 1), y * (w if y.ndim == 1 else np.expand_dims(w, 1))
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    found = np.linalg.pinv(powers / scale) @ y
    return (found.T / scale).T
