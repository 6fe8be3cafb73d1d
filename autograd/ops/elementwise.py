"""Operations that act on each element by itself; those with several inputs broadcast them against each other.

Where a function has a kink, the rule takes this subgradient: abs'(0) = 0; maximum and minimum share equally between
equal operands; clip passes the whole gradient to x at its bounds, both included.
"""

import math
import operator
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.lib.array_utils import normalize_axis_index

from autograd.operation import Op
from autograd.registry import NAMED, NUMPY, numpy_function, stands_for
from autograd.tensor import Node


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    """d a^b / da = b a^(b-1), and 0 for a = b = 0, where that would be 0/0."""
    if isinstance(b, (ndarray, Node)) or b == 0:
        return g * (b * a ** np.where((b == 0) & (a == 0), 1.0, b - 1.0))
    less = b - 1.0
    return g * (b * (a if less == 1.0 else a**less))


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """d a^b / db = a^b log a, and 0 for a = 0."""
    return g * (y * np.log(np.where(a == 0, 1.0, a)))


def _share(g: Any, a: Any, b: Any, wins: Any) -> Any:
    """The part of `g` that goes to an operand where it wins; half of it where the two are equal."""
    return np.where(wins, g, np.where(a == b, g / 2, 0.0))


def _finite(y: Any) -> Any:
    """Replace infinities by 0, also in a difference whose other side is infinite."""
    return np.where(np.isfinite(y), y, 0.0)


# The power series of sin(pi x) / (pi x), in powers of (pi x)^2.
_SINC = [(-1) ** k / math.factorial(2 * k + 1) for k in range(12)]


def _sinc_slope(x: Any) -> Any:
    """d sinc / dx = (cos(pi x) - sinc(x)) / x; near 0, where the two cancel, its power series."""
    near = np.abs(x) < 0.5
    square, total = (np.pi * np.where(near, x, 0.0)) ** 2, 0.0
    for k in range(11, 0, -1):
        total = total * square + 2 * k * _SINC[k]
    far = np.where(near, 1.0, x)
    return np.where(near, total * x * np.pi**2, (np.cos(np.pi * far) - np.sinc(far)) / far)


_COSINES = np.cos(np.pi * np.arange(0.5, 256) / 256)


def _i0(x: Any, order: Any = 0) -> Any:
    """Average exp(x cos t) over all t, or a derivative of it: exact to rounding as long as the values are finite."""
    dtype = np.result_type(x)
    cosines = _COSINES.astype(dtype if dtype.kind == "f" else float)
    return np.mean(np.exp(np.expand_dims(x, -1) * cosines) * cosines**order, axis=-1)


def _astype(x: Any, dtype: Any) -> Any:
    if np.dtype(dtype).kind != "f":
        raise TypeError(
            f"to {np.dtype(dtype)}: only float data has a gradient; use np.trunc(t), or t.data for a constant"
        )
    return x.astype(dtype)


# The arithmetic forwards are the operator functions: on NumPy scalars they take a tenth of the ufuncs' time.
# fmt: off
add        = Op(operator.add,     "a + b",  lambda g, y, a, b: g,
                                            lambda g, y, a, b: g,          symbol="+", arithmetic=True,
                                            onnx="Add(a, b)")
subtract   = Op(operator.sub,     "a - b",  lambda g, y, a, b: g,
                                            lambda g, y, a, b: -g,         symbol="−", arithmetic=True,
                                            onnx="Sub(a, b)")
multiply   = Op(operator.mul,     "a * b",  lambda g, y, a, b: g * b,
                                            lambda g, y, a, b: g * a,      symbol="×", arithmetic=True,
                                            onnx="Mul(a, b)")
divide     = Op(operator.truediv, "a / b",  lambda g, y, a, b: g / b,
                                            lambda g, y, a, b: -g * y / b, symbol="÷", arithmetic=True,
                                            onnx="Div(a, b)")
power      = Op(operator.pow,     "a ** b", _power_base,
                                            _power_exponent,               symbol="^", arithmetic=True,
                                            onnx="Pow(a, b)")
negative   = Op(operator.neg,     "-x",     lambda g, y, x: -g,            symbol="−", onnx="Neg(x)")

absolute   = Op(np.absolute, "np.abs(x)",     lambda g, y, x: g * np.sign(x), onnx="Abs(x)")
exp        = Op(np.exp,      "np.exp(x)",     lambda g, y, x: g * y, onnx="Exp(x)")
expm1      = Op(np.expm1,    "np.expm1(x)",   lambda g, y, x: g * (y + 1), onnx="Sub(Exp(x), 1)")
log        = Op(np.log,      "np.log(x)",     lambda g, y, x: g / x, onnx="Log(x)")
log1p      = Op(np.log1p,    "np.log1p(x)",   lambda g, y, x: g / (1 + x), onnx="Log(Add(x, 1))")
sqrt       = Op(np.sqrt,     "np.sqrt(x)",    lambda g, y, x: g / (2 * y), onnx="Sqrt(x)")
square     = Op(np.square,   "np.square(x)",  lambda g, y, x: g * 2 * x, onnx="Mul(x, x)")
sin        = Op(np.sin,      "np.sin(x)",     lambda g, y, x: g * np.cos(x), onnx="Sin(x)")
cos        = Op(np.cos,      "np.cos(x)",     lambda g, y, x: -g * np.sin(x), onnx="Cos(x)")
tan        = Op(np.tan,      "np.tan(x)",     lambda g, y, x: g * (1 + y * y), onnx="Tan(x)")
tanh       = Op(np.tanh,     "np.tanh(x)",    lambda g, y, x: g * (1 - y * y), activation=True, onnx="Tanh(x)")
sinh       = Op(np.sinh,     "np.sinh(x)",    lambda g, y, x: g * np.cosh(x), onnx="Sinh(x)")
cosh       = Op(np.cosh,     "np.cosh(x)",    lambda g, y, x: g * np.sinh(x), onnx="Cosh(x)")
arcsin     = Op(np.arcsin,   "np.arcsin(x)",  lambda g, y, x: g / np.sqrt(1 - x * x), onnx="Asin(x)")
arccos     = Op(np.arccos,   "np.arccos(x)",  lambda g, y, x: -g / np.sqrt(1 - x * x), onnx="Acos(x)")
arctan     = Op(np.arctan,   "np.arctan(x)",  lambda g, y, x: g / (1 + x * x), onnx="Atan(x)")

maximum    = Op(np.maximum,  "np.maximum(a, b)",      lambda g, y, a, b: _share(g, a, b, a > b),
                                                      lambda g, y, a, b: _share(g, a, b, a < b), arithmetic=True,
                                                      onnx="Max(a, b)")
minimum    = Op(np.minimum,  "np.minimum(a, b)",      lambda g, y, a, b: _share(g, a, b, a < b),
                                                      lambda g, y, a, b: _share(g, a, b, a > b), arithmetic=True,
                                                      onnx="Min(a, b)")
pick       = Op(lambda mask, a, b: np.where(mask, a, b), "np.where(mask, a, b)",
                                                      None,
                                                      lambda g, y, mask, a, b: np.where(mask, g, 0.0),
                                                      lambda g, y, mask, a, b: np.where(mask, 0.0, g),
                name="where", arithmetic=True, literal=True, onnx="Where(mask, a, b)")
limit      = Op(lambda x, low, high: np.clip(x, low, high), "np.clip(x, low, high)",
                                                      lambda g, y, x, low, high: g * ((x >= low) & (x <= high)),
                                                      lambda g, y, x, low, high: g * ((x < low) & (low <= high)),
                                                      lambda g, y, x, low, high: g * ((x > high) | (low > high)),
                name="clip", literal=True, onnx="Min(Max(x, low), high)")
astype     = Op(_astype,      "x.astype(dtype)", lambda g, y, x, dtype: g, name="astype", literal=True,
                onnx="Cast(x, to=dtype)")
reciprocal = Op(np.reciprocal, "1 / x",         lambda g, y, x: -g * y * y, onnx="Reciprocal(x)")
cbrt       = Op(np.cbrt,     "np.cbrt(x)",    lambda g, y, x: g / (3 * y * y))
exp2       = Op(np.exp2,     "np.exp2(x)",    lambda g, y, x: g * y * math.log(2), onnx="Pow(2, x)")
log2       = Op(np.log2,     "np.log2(x)",    lambda g, y, x: g / (x * math.log(2)))
log10      = Op(np.log10,    "np.log10(x)",   lambda g, y, x: g / (x * math.log(10)))
arcsinh    = Op(np.arcsinh,  "np.arcsinh(x)", lambda g, y, x: g / np.sqrt(x * x + 1), onnx="Asinh(x)")
arccosh    = Op(np.arccosh,  "np.arccosh(x)", lambda g, y, x: g / np.sqrt(x * x - 1), onnx="Acosh(x)")
arctanh    = Op(np.arctanh,  "np.arctanh(x)", lambda g, y, x: g / (1 - x * x), onnx="Atanh(x)")
fabs       = Op(np.fabs,     "np.fabs(x)",    lambda g, y, x: g * np.sign(x), onnx="Abs(x)")
deg2rad    = Op(np.deg2rad,  "np.deg2rad(x)", lambda g, y, x: np.deg2rad(g))
rad2deg    = Op(np.rad2deg,  "np.rad2deg(x)", lambda g, y, x: np.rad2deg(g))
radians    = Op(np.radians,  "np.radians(x)", lambda g, y, x: np.deg2rad(g))
degrees    = Op(np.degrees,  "np.degrees(x)", lambda g, y, x: np.rad2deg(g))
sinc       = Op(np.sinc,     "np.sinc(x)",    lambda g, y, x: g * _sinc_slope(x))
i0: Op     = Op(_i0, "np.mean(np.exp(x[..., None] * np.cos(np.pi * np.arange(0.5, 256) / 256))"
                     " * np.cos(np.pi * np.arange(0.5, 256) / 256) ** order, axis=-1)",
                                              lambda g, y, x, order=0: g * i0(x, order=order + 1))

arctan2    = Op(np.arctan2,  "np.arctan2(a, b)",      lambda g, y, a, b: g * b / (a * a + b * b),
                                                      lambda g, y, a, b: -g * a / (a * a + b * b))
hypot      = Op(np.hypot,    "np.hypot(a, b)",        lambda g, y, a, b: g * a / np.where(y == 0, 1.0, y),
                                                      lambda g, y, a, b: g * b / np.where(y == 0, 1.0, y))
logaddexp  = Op(np.logaddexp, "np.logaddexp(a, b)",   lambda g, y, a, b: g * np.exp(a - _finite(y)),
                                                      lambda g, y, a, b: g * np.exp(b - _finite(y)),
                                                      onnx="Add(Max(a, b), Log(Add(Exp(Neg(Abs(Sub(a, b)))), 1)))")
logaddexp2 = Op(np.logaddexp2, "np.logaddexp2(a, b)", lambda g, y, a, b: g * np.exp2(a - _finite(y)),
                                                      lambda g, y, a, b: g * np.exp2(b - _finite(y)))
remainder  = Op(np.remainder, "a % b",                lambda g, y, a, b: g,
                                                      lambda g, y, a, b: -g * np.floor(a / b))
fmod       = Op(np.fmod,     "np.fmod(a, b)",         lambda g, y, a, b: g,
                                                      lambda g, y, a, b: -g * np.trunc(a / b))
copysign   = Op(np.copysign, "np.copysign(a, b)",
                             lambda g, y, a, b: np.where(np.signbit(a) == np.signbit(b), g, -g) * (a != 0),
                             lambda g, y, a, b: g * 0)
fmax       = Op(np.fmax,     "np.fmax(a, b)",         lambda g, y, a, b: _share(g, a, b, (a > b) | np.isnan(b)),
                                                      lambda g, y, a, b: _share(g, a, b, (a < b) | np.isnan(a)))
fmin       = Op(np.fmin,     "np.fmin(a, b)",         lambda g, y, a, b: _share(g, a, b, (a < b) | np.isnan(b)),
                                                      lambda g, y, a, b: _share(g, a, b, (a > b) | np.isnan(a)))
ldexp      = Op(lambda a, b: np.ldexp(a, b), "np.ldexp(a, b)",
                                                      lambda g, y, a, b: np.ldexp(g, b), None,
                name="ldexp", literal=True)  # no ufunc: in buffers the integer b would become a float
identity   = Op(lambda x: x, "x", lambda g, y, x: g, name="identity", view=True, literal=True, onnx="Identity(x)")

heaviside  = Op(np.heaviside, "np.heaviside(x, h)",  lambda g, y, x, h: g * 0,
                                                     lambda g, y, x, h: g * (x == 0))
# fmt: on


def array_like(x: Any) -> Any:
    """Return x as something with a shape: itself, or an array made of it."""
    return x if isinstance(x, Node) else np.asarray(x)


def as_floats(x: Any) -> Any:
    """Return x in floats: whole numbers and truth values become float64."""
    return x if x.dtype.kind == "f" else x.astype(float)


def wide(dtype: Any) -> Any:
    """Return the type in which NumPy adds and multiplies many numbers: whole ones in 64 bits."""
    return np.add.reduce(np.zeros(1, dtype)).dtype


def flat_or_along(x: Any, axis: Any, name: str | None = None) -> tuple[Any, int]:
    """Return x and the axis to go along; if that is None, or x a number, flatten x."""
    x, axis = (x, axis) if axis is not None and x.ndim else (np.ravel(x), axis or 0)
    return x, normalize_axis_index(axis, x.ndim, name)


def values_of(x: Any) -> Any:
    """Return the values of x, as a constant."""
    return NAMED["detach"](x)


@stands_for("astype")
def _astype_of(x: Any, dtype: Any, copy: Any = True) -> Any:
    """Return the same values in another dtype."""
    return astype(x, dtype=dtype)


@stands_for("where")
def where(condition: Any, *branches: Any) -> Any:
    """Take a where the condition holds, and b elsewhere; for a condition alone, return the indices where it holds."""
    if len(branches) not in (0, 2):
        raise TypeError(f"where takes a condition alone, or with two branches, not {len(branches)}")
    return pick(condition, *branches) if branches else np.nonzero(condition)


@stands_for("clip")
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Move the elements of x that are outside the bounds to the nearer bound. A bound of None is no bound."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return limit(x, -np.inf if low is None else low, np.inf if high is None else high)


NUMPY[numpy_function("_core.umath.clip")] = clip  # what array.clip(t, …) calls


@stands_for("positive", "conjugate", "real", "real_if_close")
def itself(x: Any) -> Any:
    """Return the Tensor itself, which is real."""
    return x


@stands_for("imag")
def imag(val: Any) -> Any:
    """Return zeros: the data is real."""
    return np.zeros_like(val)


@stands_for("angle")
def angle(z: Any, deg: Any = False) -> Any:
    """Return 0 where a real number is positive, and pi where it is negative."""
    return (180.0 if deg else np.pi) * (z < 0).astype(z.dtype)


@stands_for("float_power")
def float_power(x1: Any, x2: Any) -> Any:
    """Compute a power in float64."""
    return power(*[x.astype(float) if isinstance(x, Node) else np.asarray(x, float) for x in (x1, x2)])


@stands_for("divmod")
def divmod(x1: Any, x2: Any) -> Any:
    """Return the whole quotient, which is plain, and the remainder."""
    return np.floor_divide(x1, x2), np.remainder(x1, x2)


@stands_for("modf")
def modf(x: Any) -> Any:
    """Return the fractional part, and the whole part, which is plain."""
    whole = np.trunc(x)
    return x - whole, whole


@stands_for("frexp")
def frexp(x: Any) -> Any:
    """Return the mantissa, and the exponent of two, which is plain."""
    _, exponent = NAMED["plain_call"](np.frexp, "np.frexp", (values_of(x),), {})
    return np.ldexp(x, -exponent), exponent


@stands_for("nan_to_num")
def nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Replace nan and the infinities in x by numbers."""
    most = np.finfo(x.dtype).max
    x = np.where(np.isnan(x), nan, x)
    x = np.where(x == np.inf, most if posinf is None else posinf, x)
    return np.where(x == -np.inf, -most if neginf is None else neginf, x)


@stands_for("select")
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Take the first of the choices whose condition holds, and `default` where none does."""
    if len(condlist) != len(choicelist):
        raise ValueError(f"select: {len(condlist)} conditions for {len(choicelist)} choices")
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        default = np.where(condition, choice, default)
    return default


@stands_for("interp")
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Follow the line through the points (xp, fp) to x; outside them return left and right, by default the values at
    the ends."""
    xp, fp = array_like(xp), array_like(fp)
    fp = fp if fp.dtype == float else fp.astype(float)  # as NumPy does
    if period is not None:
        x, xp = np.mod(x, period), np.mod(xp, period)
        order = np.argsort(xp)
        xp, fp = np.take(xp, order), np.take(fp, order)
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    if fp.size == 1:
        return x * 0 + fp[0]
    i = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, fp.size - 2)
    pick_from: Any = NAMED["index"]  # np.take does not look whether the indices are recorded
    before, after, low, high = [pick_from(y, k) for y in (xp, fp) for k in (i, i + 1)]
    inside = low + (x - before) / (after - before) * (high - low)
    inside = np.where(x < xp[0], fp[0] if left is None else left, inside)
    return np.where(x > xp[-1], fp[-1] if right is None else right, inside)


@stands_for("unwrap")
def unwrap(p: Any, discont: Any = None, axis: Any = -1, *, period: Any = 2 * np.pi) -> Any:
    """Take the jumps of a whole turn out of angles. The turns that are added are constants."""
    values, turn = values_of(p), values_of(period) if isinstance(period, Node) else period
    added = NAMED["plain_call"](np.unwrap, "np.unwrap", (values, discont, axis), {"period": turn}) - values
    return p + np.rint(added / turn) * period
