"""The table of operations: for each a few calls, with their operands. Every test of all operations goes through it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import autograd
from autograd import Tensor

rng = np.random.default_rng(1)


def normal(*shape: int) -> Any:
    return rng.normal(size=shape)


def positive(*shape: int) -> Any:
    return rng.uniform(0.5, 2.0, size=shape)


def inside(*shape: int) -> Any:
    return rng.uniform(-0.8, 0.8, size=shape)


def apart(*shape: int) -> Any:
    """Values that differ by at least 0.2 and are not near 0, so that no small step changes which one is the largest."""
    values = np.arange(np.prod(shape)) - np.prod(shape) // 2 + 0.3
    return rng.permutation(values * 0.4).reshape(shape)


class Row(NamedTuple):
    """One test of one operation: the function written with NumPy or autograd, the operands, and what its value is."""

    operation: str
    label: str
    f: Callable[..., Any]
    operands: tuple[Any, ...]
    reference: Callable[..., Any] | None = None


def row(operation: str, label: str, f: Callable[..., Any], *operands: Any, reference: Any = None) -> Row:
    return Row(operation, label, f, operands, reference)


def softmax_of(x: Any, axis: Any = -1) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def logsumexp_of(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def sigmoid_of(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


A = np.array  # for the indices
MASK = A([[True, False, True, True], [False, False, True, False], [True, True, False, False]])

# fmt: off
ELEMENTWISE = [
    row("add", "+", lambda a, b: a + b, normal(2, 3), normal(2, 3)),
    row("add", "np", lambda a, b: np.add(a, b), normal(2, 3), normal(3)),
    row("subtract", "-", lambda a, b: a - b, normal(2, 3), normal(2, 3)),
    row("subtract", "np", lambda a, b: np.subtract(a, b), normal(3), normal(2, 1)),
    row("multiply", "*", lambda a, b: a * b, normal(2, 3), normal(2, 3)),
    row("multiply", "scalars", lambda a, b: a * b, normal(), normal()),
    row("divide", "/", lambda a, b: a / b, normal(2, 3), positive(2, 3)),
    row("divide", "constant / x", lambda b: 2.0 / b, positive(2, 3)),
    row("divide", "x / constant", lambda a: a / 3, normal(2, 3)),
    row("power", "**", lambda a, b: a**b, positive(2, 3), normal(2, 3)),
    row("power", "x ** 3", lambda a: a**3, normal(2, 3)),
    row("power", "x ** 2.0", lambda a: a**2.0, normal(2, 3)),
    row("power", "x ** -1.5", lambda a: a**-1.5, positive(2, 3)),
    row("power", "x ** 0", lambda a: a**0, normal(2, 3)),
    row("power", "x ** array", lambda a: a ** A([0, 1, 2, 3]), normal(2, 4)),
    row("power", "2 ** x", lambda b: 2**b, normal(2, 3)),
    row("power", "scalars", lambda a, b: a**b, positive(), normal()),
    row("negative", "-x", lambda x: -x, normal(2, 3)),
    row("absolute", "abs", abs, apart(2, 3)),
    row("absolute", "np", np.abs, apart(2, 3)),
    row("exp", "", np.exp, normal(2, 3)),
    row("expm1", "", np.expm1, normal(2, 3)),
    row("log", "", np.log, positive(2, 3)),
    row("log1p", "", np.log1p, positive(2, 3)),
    row("sqrt", "", np.sqrt, positive(2, 3)),
    row("square", "", np.square, normal(2, 3)),
    row("sin", "", np.sin, normal(2, 3)),
    row("cos", "", np.cos, normal(2, 3)),
    row("tan", "", np.tan, inside(2, 3)),
    row("tanh", "", np.tanh, normal(2, 3)),
    row("sinh", "", np.sinh, normal(2, 3)),
    row("cosh", "", np.cosh, normal(2, 3)),
    row("arcsin", "", np.arcsin, inside(2, 3)),
    row("arccos", "", np.arccos, inside(2, 3)),
    row("arctan", "", np.arctan, normal(2, 3)),
    row("maximum", "", np.maximum, apart(2, 3), apart(2, 3) + 0.1),
    row("maximum", "constant", lambda a: np.maximum(a, 0), apart(2, 3)),
    row("minimum", "", np.minimum, apart(2, 3), apart(2, 3) + 0.1),
    row("where", "both", lambda a, b: np.where(MASK, a, b), normal(3, 4), normal(4)),
    row("where", "constant", lambda a: np.where(MASK, a, 0), normal(3, 4)),
    row("where", "scalars", lambda a, b: np.where(MASK, a, b), normal(), normal()),
    row("clip", "numbers", lambda x: np.clip(x, -0.5, 0.5), apart(2, 3)),
    row("clip", "no lower", lambda x: np.clip(x, None, 0.5), apart(2, 3)),
    row("clip", "no upper", lambda x: np.clip(x, -0.5, None), apart(2, 3)),
    row("clip", "keywords", lambda x: np.clip(x, a_min=-0.5, a_max=0.5), apart(2, 3)),
    row("clip", "bounds", lambda x, low, high: np.clip(x, low, high), apart(2, 3), A(-0.51), A([0.51, 0.6, 0.7])),
    row("astype", "", lambda x: x.astype(x.dtype), normal(2, 3)),
    row("heaviside", "", lambda x, h: np.heaviside(x, h), apart(2, 3), normal(3)),
    row("heaviside", "at 0", lambda h: np.heaviside(np.zeros((2, 3)), h), normal(3)),
]

ELEMENTWISE += [
    row(f.__name__, "", f, operand(2, 3))
    for f, operand in [
        (np.reciprocal, positive), (np.cbrt, positive), (np.exp2, normal), (np.log2, positive), (np.log10, positive),
        (np.arcsinh, normal), (np.arctanh, inside), (np.fabs, apart), (np.deg2rad, normal), (np.rad2deg, normal),
        (np.radians, normal), (np.degrees, normal), (np.sinc, normal), (np.i0, normal), (np.nan_to_num, normal),
    ]
] + [
    row("arccosh", "", lambda x: np.arccosh(x + 1), positive(2, 3)),
    row("sinc", "at 0 and near", np.sinc, A([0.0, 1e-9, -0.49, 0.5, 3.0])),
    row("i0", "large", np.i0, A([-30.0, 25.0, 0.0])),
    row("arctan2", "", np.arctan2, normal(2, 3), normal(3)),
    row("hypot", "", np.hypot, normal(2, 3), normal(2, 1)),
    row("logaddexp", "", np.logaddexp, normal(2, 3), normal(3)),
    row("logaddexp", "constant", lambda x: np.logaddexp(0, x), normal(2, 3)),
    row("logaddexp2", "", np.logaddexp2, normal(2, 3), normal(3)),
    row("remainder", "%", lambda a, b: a % b, apart(2, 3), A([0.73, 1.17, 2.31])),
    row("remainder", "np, constant", lambda a: np.mod(a, 0.7), apart(2, 3)),
    row("remainder", "on the right", lambda b: 3.0 % b, A([0.73, 1.17, 2.31])),
    row("fmod", "", np.fmod, apart(2, 3), A([0.73, 1.17, 2.31])),
    row("divmod", "", lambda a, b: divmod(a, b)[1], apart(2, 3), A([0.73, 1.17, 2.31])),
    row("divmod", "np", lambda a, b: np.divmod(a, b)[1], apart(2, 3), A([0.73, 1.17, 2.31])),
    row("modf", "", lambda a: np.modf(a)[0], apart(2, 3)),
    row("frexp", "", lambda a: np.frexp(a)[0] * np.frexp(a)[1], apart(2, 3)),
    row("ldexp", "", lambda a: np.ldexp(a, A([1, -2, 3])), normal(2, 3)),
    row("copysign", "", np.copysign, apart(2, 3), apart(2, 3)),
    row("fmax", "", np.fmax, apart(2, 3), apart(2, 3) + 0.1),
    row("fmin", "", np.fmin, apart(2, 3), apart(2, 3) + 0.1),
    row("float_power", "", np.float_power, positive(2, 3), normal(3)),
    row("positive", "", lambda x: np.positive(x) * x, normal(2, 3)),
    row("conjugate", "", lambda x: np.conj(x) * x.conj(), normal(2, 3)),
    row("real", "", lambda x: np.real(x) * x.real, normal(2, 3)),
    row("real_if_close", "", lambda x: np.real_if_close(x) * x, normal(2, 3)),
    row("imag", "", lambda x: np.imag(x) + x, normal(2, 3)),
    row("angle", "", lambda x: np.angle(x) * x + np.angle(x, deg=True), apart(2, 3)),
    row("select", "", lambda a, b: np.select([MASK, MASK[::-1]], [a, b * b], 2.0), normal(3, 4), normal(4)),
    row("piecewise", "", lambda x: np.piecewise(x, [x < 0, x > 1], [lambda v: -v, np.square, 2.0]), apart(2, 4)),
    row("piecewise", "no default", lambda x: np.piecewise(x, [x > 0], [np.square]), apart(2, 4)),
    row("interp", "", lambda x, y: np.interp(x, A([-0.5, 0.1, 2.0]), y), apart(2, 3), normal(3)),
    row("interp", "outside", lambda x, y: np.interp(x, A([-0.5, 0.1, 2.0]), y, -7, right=5), apart(2, 3), normal(3)),
    row("interp", "period", lambda x, y: np.interp(x, A([0.1, 0.5, 1.1]), y, period=1.5), apart(2, 3), normal(3)),
    row("unwrap", "", lambda x: np.unwrap(x * 4), normal(3, 5)),
    row("unwrap", "period", lambda x: np.unwrap(x * 4, axis=0, period=1.5), normal(5, 3)),
]

REDUCTIONS = [
    row(name, f"{shape} {options}", lambda x, f=f, options=options: f(x, **options), operand(*shape))
    for name, f, operand in [
        ("sum", np.sum, normal), ("mean", np.mean, normal), ("max", np.max, apart), ("min", np.min, apart),
        ("var", np.var, normal), ("std", np.std, normal), ("prod", np.prod, positive),
    ]
    for shape, options in [
        ((), {}), ((4,), {}), ((2, 3), {}), ((2, 3), {"axis": 0}), ((2, 3), {"axis": -1, "keepdims": True}),
        ((2, 3), {"keepdims": True}), ((2, 3, 2), {"axis": (0, 2)}), ((2, 3, 2), {"axis": (-1, 0), "keepdims": True}),
        ((2, 3), {"axis": ()}), ((3, 1), {"axis": 1}),
    ]
    if not (name in ("var", "std") and (shape in ((), (3, 1)) or options == {"axis": ()}))  # nothing varies there
] + [
    row("var", "ddof=1", lambda x: np.var(x, axis=1, ddof=1), normal(2, 3)),
    row("var", "no variation", lambda x: np.var(x, axis=1), normal(3, 1)),
    row("std", "ddof=1", lambda x: np.std(x, axis=(0, 1), ddof=1, keepdims=True), normal(2, 3)),
    row("cumsum", "all", np.cumsum, normal(2, 3)),
    row("cumsum", "axis=0", lambda x: np.cumsum(x, axis=0), normal(2, 3)),
    row("cumsum", "axis=-1", lambda x: np.cumsum(x, axis=-1), normal(2, 3)),
    row("prod", "0-d, axis", lambda x: np.prod(x, axis=0), normal()),
    row("sum", "where", lambda x: np.sum(x, axis=0, where=MASK), normal(3, 4)),
    row("sum", "initial", lambda x: np.sum(x, axis=0, initial=2.5), normal(3, 4)),
    row("sum", "method, positions", lambda x: x.sum(0, None, None, True), normal(3, 4)),
    row("prod", "where", lambda x: np.prod(x, axis=-1, where=MASK, initial=2.0), normal(3, 4)),
    row("max", "where", lambda x: np.max(x, axis=1, where=MASK, initial=-9.0), apart(3, 4)),
    row("min", "where", lambda x: np.min(x, axis=1, where=MASK, initial=9.0), apart(3, 4)),
    row("mean", "where", lambda x: np.mean(x, axis=1, where=MASK), normal(3, 4)),
    row("var", "where", lambda x: np.var(x, axis=0, where=MASK), normal(3, 4)),
    row("var", "mean", lambda x: np.var(x, axis=1, mean=np.mean(x, axis=1, keepdims=True)), normal(3, 4)),
    row("var", "method, positions", lambda x: x.var(0, None, None, 1), normal(3, 4)),
    row("std", "where", lambda x: np.std(x, axis=0, where=MASK, keepdims=True), normal(3, 4)),
    row("sum", "add.reduce", lambda x: np.add.reduce(x), normal(3, 4)),
    row("prod", "multiply.reduce", lambda x: np.multiply.reduce(x, axis=1, keepdims=True), normal(3, 4)),
    row("max", "maximum.reduce", lambda x: np.maximum.reduce(x, 1), apart(3, 4)),
    row("min", "minimum.reduce", lambda x: np.minimum.reduce(x), apart(3, 4)),
    row("cumsum", "add.accumulate", lambda x: np.add.accumulate(x), normal(3, 4)),
    row("cumprod", "", np.cumprod, normal(2, 3)),
    row("cumprod", "axis", lambda x: np.cumprod(x, axis=0), normal(5, 3)),
    row("cumprod", "zeros", lambda x: x.cumprod(-1), A([[1.0, 0.0, 2.0, 3.0], [0.0, 0.0, 2.0, 1.0]])),
    row("cumprod", "multiply.accumulate", lambda x: np.multiply.accumulate(x), normal(3, 4)),
    row("maximum.accumulate", "", lambda x: np.maximum.accumulate(x, axis=1), apart(3, 4)),
    row("minimum.accumulate", "", lambda x: np.minimum.accumulate(x), apart(3, 4)),
    row("cumulative_sum", "", lambda x: np.cumulative_sum(x, axis=1, include_initial=True), normal(3, 4)),
    row("cumulative_prod", "", lambda x: np.cumulative_prod(x, axis=0, include_initial=True), normal(3, 4)),
    row("ptp", "", np.ptp, apart(3, 4)),
    row("ptp", "axis", lambda x: np.ptp(x, axis=-1, keepdims=True), apart(3, 4)),
    row("diff", "", np.diff, normal(3, 4)),
    row("diff", "nothing", lambda x: np.diff(x, 0, prepend=1.0) * x, normal(3, 4)),
    row("diff", "n, axis, ends", lambda x: np.diff(x, 2, 0, prepend=1.0, append=x[:1]), normal(3, 4)),
    row("ediff1d", "", lambda x: np.ediff1d(x, to_end=[2.0], to_begin=x[0]), normal(3, 4)),
    row("gradient", "", np.gradient, normal(5)),
    row("gradient", "axes", lambda x: np.stack(np.gradient(x, 0.5, 2.0)), normal(3, 4)),
    row("gradient", "places", lambda x, h: np.gradient(x, np.cumsum(h), axis=1, edge_order=2), normal(3, 4),
        positive(4)),
    row("gradient", "edge_order", lambda x: np.gradient(x, 0.5, axis=-1, edge_order=2), normal(3, 4)),
    row("trapezoid", "", np.trapezoid, normal(3, 4)),
    row("trapezoid", "x", lambda y, x: np.trapezoid(y, x, axis=0), normal(3, 4), normal(3)),
    row("average", "", np.average, normal(3, 4)),
    row("average", "weights", lambda x, w: np.average(x, axis=1, weights=w), normal(3, 4), positive(4)),
    row("average", "returned", lambda x, w: np.stack(np.average(x, weights=w, returned=True)), normal(3, 4),
        positive(3, 4)),
    row("cov", "", np.cov, normal(3, 5)),
    row("cov", "y", lambda x, y: np.cov(x, y, rowvar=False, ddof=0), normal(5, 2), normal(5)),
    row("cov", "weights", lambda x, w: np.cov(x, aweights=w, fweights=A([1, 2, 1, 1])), normal(3, 4), positive(4)),
    row("corrcoef", "", np.corrcoef, normal(3, 5)),
    row("quantile", "", lambda x: np.quantile(x, 0.3), apart(3, 4)),
    row("quantile", "several, axis", lambda x: np.quantile(x, [0.1, 0.75], axis=1, keepdims=True), apart(3, 4)),
    row("quantile", "method", lambda x: np.quantile(x, 0.4, axis=0, method="median_unbiased"), apart(3, 4)),
    row("quantile", "higher", lambda x: np.quantile(x, 0.4, axis=0, method="higher"), apart(3, 4)),
    row("percentile", "", lambda x: np.percentile(x, 30, axis=-1), apart(3, 4)),
    row("median", "", np.median, apart(3, 4)),
    row("median", "axes", lambda x: np.median(x, axis=(0, -1), keepdims=True), apart(3, 2, 3)),
]


def holes(x: Any) -> Any:
    return np.where(MASK, x, np.nan)


REDUCTIONS += [
    row(f.__name__, label, lambda x, f=f, how=how: f(holes(x), **how), apart(3, 4))
    for f in (np.nansum, np.nanprod, np.nanmean, np.nanmax, np.nanmin, np.nanvar, np.nanstd, np.nanmedian)
    for label, how in [("", {}), ("axis", {"axis": 0, "keepdims": True})]
    if not (f in (np.nanvar, np.nanstd) and how)  # nothing varies in some columns
] + [
    row("nancumsum", "", lambda x: np.nancumsum(holes(x), axis=1), normal(3, 4)),
    row("nancumprod", "", lambda x: np.nancumprod(holes(x), axis=1), normal(3, 4)),
    row("nanquantile", "", lambda x: np.nanquantile(holes(x), [0.2, 0.9], axis=1), apart(3, 4)),
    row("nanpercentile", "", lambda x: np.nanpercentile(holes(x), 35, axis=0), apart(3, 4)),
]

SHAPING = [
    row("reshape", "", lambda x: np.reshape(x, (3, 2)), normal(2, 3)),
    row("reshape", "-1", lambda x: np.reshape(x, -1), normal(2, 3)),
    row("reshape", "to a scalar", lambda x: np.reshape(x, ()), normal(1, 1)),
    row("reshape", "method, apart", lambda x: x.reshape(3, -1), normal(2, 3)),
    row("reshape", "method, tuple", lambda x: x.reshape((3, 2)), normal(2, 3)),
    row("ravel", "", np.ravel, normal(2, 3)),
    row("transpose", "", np.transpose, normal(2, 3, 4)),
    row("transpose", "axes", lambda x: np.transpose(x, (1, 2, 0)), normal(2, 3, 4)),
    row("transpose", "negative axes", lambda x: np.transpose(x, axes=(-1, 0, -2)), normal(2, 3, 4)),
    row("transpose", "T", lambda x: x.T, normal(2, 3)),
    row("transpose", "mT", lambda x: x.mT, normal(2, 3, 4)),
    row("transpose", "method", lambda x: x.transpose(1, 2, 0), normal(2, 3, 4)),
    row("transpose", "method, tuple", lambda x: x.transpose((1, 2, 0)), normal(2, 3, 4)),
    row("swapaxes", "", lambda x: np.swapaxes(x, 0, -1), normal(2, 3, 4)),
    row("moveaxis", "", lambda x: np.moveaxis(x, 0, -1), normal(2, 3, 4)),
    row("moveaxis", "several", lambda x: np.moveaxis(x, (0, 1), (-1, 0)), normal(2, 3, 4)),
    row("expand_dims", "", lambda x: np.expand_dims(x, 1), normal(2, 3)),
    row("expand_dims", "several", lambda x: np.expand_dims(x, (0, -1)), normal(2, 3)),
    row("squeeze", "", np.squeeze, normal(1, 2, 1)),
    row("squeeze", "axis", lambda x: np.squeeze(x, axis=-1), normal(1, 2, 1)),
    row("squeeze", "to a scalar", np.squeeze, normal(1, 1)),
    row("broadcast_to", "", lambda x: np.broadcast_to(x, (2, 3)), normal(3)),
    row("broadcast_to", "ones", lambda x: np.broadcast_to(x, (4, 2, 3)), normal(2, 1)),
    row("broadcast_to", "scalar", lambda x: np.broadcast_to(x, (2, 3)), normal()),
    row("concatenate", "", lambda a, b: np.concatenate([a, b]), normal(2, 3), normal(1, 3)),
    row("concatenate", "positional axis", lambda a, b: np.concatenate((a, b), 1), normal(2, 3), normal(2, 1)),
    row("concatenate", "negative axis", lambda a, b: np.concatenate((a, b, a), axis=-1), normal(2, 3), normal(2, 1)),
    row("concatenate", "axis=None", lambda a, b: np.concatenate((a, b), axis=None), normal(2, 3), normal(2)),
    row("concatenate", "with a constant", lambda a: np.concatenate([a, np.ones((1, 3)), a]), normal(2, 3)),
    row("stack", "", lambda a, b: np.stack([a, b]), normal(2, 3), normal(2, 3)),
    row("stack", "axis", lambda a, b: np.stack((a, b), axis=-1), normal(2, 3), normal(2, 3)),
    row("stack", "positional axis", lambda a, b: np.stack([a, b, a], 1), normal(2, 3), normal(2, 3)),
    row("stack", "scalars", lambda a, b: np.stack([a, b, 1.0]), normal(), normal()),
    row("split", "into parts", lambda x: np.split(x, 2)[1], normal(4, 3)),
    row("split", "axis", lambda x: np.split(x, 3, axis=-1)[0], normal(2, 3)),
    row("split", "at indices", lambda x: np.split(x, [1, 3])[1], normal(4, 2)),
    row("split", "at indices, axis", lambda x: np.split(x, A([1, 1]), 1)[2], normal(2, 3)),
    row("split", "at indices beyond", lambda x: np.split(x, [3, 9])[1], normal(4, 2)),
    row("split", "at negative indices", lambda x: np.split(x, [-1])[0], normal(4, 2)),
    row("flip", "", np.flip, normal(2, 3)),
    row("flip", "axis", lambda x: np.flip(x, 0), normal(2, 3)),
    row("flip", "axes", lambda x: np.flip(x, axis=(0, -1)), normal(2, 3)),
    row("sliding_window_view", "", lambda x: sliding_window_view(x, 3), normal(5)),
    row("sliding_window_view", "2-D", lambda x: sliding_window_view(x, (2, 3)), normal(4, 4)),
    row("sliding_window_view", "axis", lambda x: sliding_window_view(x, (2, 2), axis=(1, -1)), normal(2, 3, 4)),
    row("sliding_window_view", "an axis twice", lambda x: sliding_window_view(x, (2, 2), (0, 0)), normal(5, 2)),
    row("roll", "", lambda x: np.roll(x, 2), normal(2, 3)),
    row("roll", "axis", lambda x: np.roll(x, 1, axis=-1), normal(2, 3)),
    row("roll", "axes", lambda x: np.roll(x, (1, -2), axis=(0, 1)), normal(2, 3)),
    row("repeat", "all", lambda x: np.repeat(x, 2), normal(2, 3)),
    row("repeat", "axis", lambda x: np.repeat(x, 3, axis=-1), normal(2, 3)),
    row("repeat", "each its own", lambda x: np.repeat(x, [0, 2, 1], axis=1), normal(2, 3)),
    row("repeat", "scalar", lambda x: np.repeat(x, 3), normal()),
    row("tile", "", lambda x: np.tile(x, 2), normal(2, 3)),
    row("tile", "more axes", lambda x: np.tile(x, (2, 1, 3)), normal(2, 3)),
    row("tile", "fewer axes", lambda x: np.tile(x, (2,)), normal(2, 3)),
    row("tile", "scalar", lambda x: np.tile(x, 3), normal()),
    row("pad", "one width", lambda x: np.pad(x, 1), normal(2, 3)),
    row("pad", "before, after", lambda x: np.pad(x, (1, 2), constant_values=0.5), normal(2, 3)),
    row("pad", "each axis", lambda x: np.pad(x, ((1, 0), (0, 2)), mode="constant"), normal(2, 3)),
    row("pad", "edge", lambda x: np.pad(x, 2, mode="edge"), normal(2, 3)),
    row("pad", "reflect", lambda x: np.pad(x, ((1, 0), (2, 1)), mode="reflect"), normal(2, 3)),
    row("pad", "reflect odd", lambda x: np.pad(x, 1, "reflect", reflect_type="even"), normal(5)),
    row("pad", "nothing", lambda x: np.pad(x, ((0, 0), (0, 1))), normal(2, 3)),
    row("pad", "symmetric", lambda x: np.pad(x, 2, "symmetric"), normal(2, 3)),
    row("pad", "wrap", lambda x: np.pad(x, ((1, 1), (2, 2)), "wrap"), normal(2, 3)),
]

SHAPING += [
    row("vstack", "", lambda a, b: np.vstack([a, b, b * a[0]]), normal(2, 3), normal(3)),
    row("hstack", "", lambda a, b: np.hstack([a, b]), normal(2, 3, 2), normal(2, 1, 2)),
    row("hstack", "vectors", lambda a, b: np.hstack((a, b, 2.0)), normal(2), normal()),
    row("dstack", "", lambda a, b: np.dstack([a, b]), normal(2, 3), normal(2, 3)),
    row("column_stack", "", lambda a, b: np.column_stack([a, b]), normal(3), normal(3, 2)),
    row("block", "", lambda a, b: np.block([[a, b[:, None]], [b * 2, 1.0]]), normal(2, 2), normal(2)),
    row("append", "", lambda a, b: np.append(a, b), normal(2, 3), normal(2)),
    row("append", "axis", lambda a, b: np.append(a, b, axis=1), normal(2, 3), normal(2, 1)),
    row("array_split", "", lambda x: np.array_split(x, 3)[1], normal(7, 2)),
    row("array_split", "at indices", lambda x: np.array_split(x, [1, 2], -1)[2], normal(2, 4)),
    row("vsplit", "", lambda x: np.vsplit(x, 2)[1], normal(4, 2)),
    row("hsplit", "", lambda x: np.hsplit(x, 2)[1], normal(4, 2)),
    row("dsplit", "", lambda x: np.dsplit(x, [1])[1], normal(2, 2, 3)),
    row("unstack", "", lambda x: np.unstack(x, axis=1)[2], normal(2, 3)),
    row("atleast_1d", "", np.atleast_1d, normal()),
    row("atleast_2d", "", np.atleast_2d, normal(3)),
    row("atleast_3d", "", np.atleast_3d, normal(2, 3)),
    row("atleast_3d", "several", lambda a, b: sum(np.atleast_3d(a, b)), normal(), normal(3)),
    row("copy", "", lambda x: np.copy(x) * x.copy(), normal(2, 3)),
    row("full_like", "", lambda x: np.full_like(x, x[0]), normal(2, 3)),
    row("linspace", "", lambda a, b: np.linspace(a, b, 5), normal(), normal()),
    row("linspace", "axis", lambda a, b: np.linspace(a, b, 4, False, axis=-1), normal(2, 1), normal(3)),
    row("logspace", "", lambda a, b: np.logspace(a, b, 3, base=2.0), normal(), normal()),
    row("geomspace", "", lambda a, b: np.geomspace(a, b, 3), positive(3), positive(3)),
    row("broadcast_arrays", "", lambda a, b: np.subtract(*np.broadcast_arrays(a, b)), normal(2, 1), normal(3)),
    row("meshgrid", "", lambda a, b: np.stack(np.meshgrid(a, b)), normal(3), normal(2)),
    row("meshgrid", "ij", lambda a, b: np.subtract(*np.meshgrid(a, b, indexing="ij")), normal(3), normal(2)),
    row("meshgrid", "sparse", lambda a, b: np.subtract(*np.meshgrid(a, b, sparse=True)), normal(3), normal(2)),
    row("matrix_transpose", "", np.matrix_transpose, normal(2, 3, 4)),
    row("fliplr", "", np.fliplr, normal(2, 3)),
    row("flipud", "", np.flipud, normal(2, 3)),
    row("rot90", "", np.rot90, normal(2, 3)),
    row("rot90", "k, axes", lambda x: np.rot90(x, -1, axes=(1, 2)), normal(2, 3, 4)),
    row("rot90", "half", lambda x: np.rot90(x, 2), normal(2, 3)),
    row("rollaxis", "", lambda x: np.rollaxis(x, 2), normal(2, 3, 4)),
    row("rollaxis", "start", lambda x: np.rollaxis(x, 0, -1), normal(2, 3, 4)),
    row("resize", "", lambda x: np.resize(x, (3, 4)), normal(2, 3)),
    row("tril", "", lambda x: np.tril(x, -1), normal(2, 3, 4)),
    row("triu", "", lambda x: np.triu(x, 1), normal(3, 4)),
    row("diagonal", "", np.diagonal, normal(3, 4)),
    row("diagonal", "all", lambda x: x.diagonal(-1, 2, 0), normal(3, 2, 4)),
    row("linalg.diagonal", "", lambda x: np.linalg.diagonal(x, offset=1), normal(2, 3, 4)),
    row("diag", "of a vector", lambda x: np.diag(x, 1), normal(3)),
    row("diag", "of a matrix", lambda x: np.diag(x, -1), normal(3, 4)),
    row("diagflat", "", lambda x: np.diagflat(x, -2), normal(2, 2)),
    row("apply_along_axis", "", lambda x: np.apply_along_axis(np.cumsum, 0, x), normal(3, 2, 2)),
    row("apply_along_axis", "to numbers", lambda x: np.apply_along_axis(np.sum, -1, x), normal(3, 2)),
    row("apply_over_axes", "", lambda x: np.apply_over_axes(np.sum, x, [0, -1]), normal(3, 2, 2)),
]

PICKING = [
    row("take", "", lambda x: np.take(x, [0, 5, 0]), normal(3, 4)),
    row("take", "axis", lambda x: np.take(x, A([[0, 2], [-1, 0]]), axis=1), normal(3, 4)),
    row("take", "wrap", lambda x: x.take([7, -1], 0, mode="wrap"), normal(3, 4)),
    row("take", "clip", lambda x: np.take(x, [7, -1], 0, mode="clip"), normal(3, 4)),
    row("take_along_axis", "", lambda x: np.take_along_axis(x, A([[0, 0], [1, 3], [2, 2]]), 1), normal(3, 4)),
    row("take_along_axis", "0", lambda x: np.take_along_axis(x, A([[0, 0, 1, 2]]), axis=0), normal(3, 4)),
    row("sort", "", np.sort, apart(3, 4)),
    row("sort", "axis", lambda x: np.sort(x, axis=0), apart(3, 2, 2)),
    row("sort", "flat", lambda x: np.sort(x, axis=None), apart(3, 4)),
    row("partition", "", lambda x: np.partition(x, 2, axis=0)[2], apart(4, 3)),
    row("compress", "", lambda x: np.compress([True, False, True], x, axis=0), normal(3, 4)),
    row("compress", "method", lambda x: x.compress([True, False, True], 1), normal(2, 3)),
    row("extract", "", lambda x: np.extract(MASK, x), normal(3, 4)),
    row("choose", "", lambda a, b: np.choose(A([[0, 1], [1, 1]]), [a, b]), normal(2, 2), normal(2)),
    row("unique", "", lambda x: np.unique(x), apart(2, 3)),
    row("unique", "all", lambda x: np.unique(x, return_index=True, return_counts=True)[0], apart(2, 3)),
    row("unique_values", "", np.unique_values, apart(2, 3)),
    row("union1d", "", np.union1d, apart(3), apart(4) + 0.1),
    row("setdiff1d", "", lambda x: np.setdiff1d(x, [0.3]), apart(4)),
    row("intersect1d", "", lambda x: np.intersect1d(x, x[:2]), apart(4)),
    row("setxor1d", "", np.setxor1d, apart(3), apart(4) + 0.1),
    row("trim_zeros", "", lambda x: np.trim_zeros(np.concatenate([[0.0, 0.0], x, [0.0]])), apart(3)),
    row("delete", "", lambda x: np.delete(x, [0, 2], axis=1), normal(2, 4)),
    row("delete", "flat", lambda x: np.delete(x, 3), normal(2, 4)),
    row("insert", "", lambda x, v: np.insert(x, 1, v, axis=1), normal(2, 4), normal(2)),
    row("insert", "several", lambda x, v: np.insert(x, [0, 2], v), normal(4), normal(2)),
    row("insert", "rows", lambda x, v: np.insert(x, 1, v, axis=0), normal(2, 3), normal(3)),
]

INDICES: dict[str, Any] = {
    "int": 1, "negative int": -1, "element": (1, 2), "slice": slice(1, None), "column": (slice(None), 1),
    "step": (slice(None), slice(None, None, 2)), "negative step": (slice(None, None, -1), slice(3, 0, -2)),
    "empty": slice(2, 2), "None": None, "None inside": (0, None, slice(1, 3)), "Ellipsis": Ellipsis,
    "Ellipsis, int": (..., 0), "list": [0, 2], "array": A([2, 0]), "repeats": A([0, 0, 1, 0]),
    "matrix of repeats": A([[0, 1], [1, 1]]), "pairs": (A([0, 0, 2]), A([1, 1, 3])), "negative in array": A([-1, 0]),
    "broadcast": (A([[0], [2]]), A([0, 0, 1])), "mask": MASK, "mask of rows": A([True, False, True]),
    "mask, column": (A([True, False, True]), 1), "mask of columns": (slice(None), A([True, False, True, True])),
    "array, slice": (A([1, 1]), slice(1, 3)), "slice, array": (slice(1, 3), A([1, 1])),
    "int, array": (0, A([1, 1, 2])), "array, None": (A([0, 0]), None), "list of bools": [True, False, True],
    "numpy int": np.int64(1), "lists in a tuple": ([0, 0, 1], [1, 1, 2]), "range": (slice(None), range(2)),
    "tuple in a tuple": ((0, 0, 1),), "tuple of repeats": (slice(None), (0, 0, 1)), "0-d array": A(1), "True": True,
}
INDEXING = [
    row("getitem", label, lambda x, index=index: x[index], normal(3, 4)) for label, index in INDICES.items()
] + [
    row("getitem", "scalar", lambda x: x[()], normal()),
    row("getitem", "scalar to vector", lambda x: x[None], normal()),
    row("getitem", "arrays apart", lambda x: x[A([0, 1, 1]), :, A([0, 2, 2])], normal(2, 3, 4)),
    row("getitem", "iteration", lambda x: sum(r * r for r in x), normal(3, 2)),
]

PRODUCTS = [
    row("matmul", f"{a.shape} @ {b.shape}", lambda a, b: a @ b, a, b)
    for a, b in [
        (normal(*left), normal(*right))
        for left, right in [
            ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((4, 2, 3), (3,)), ((3,), (4, 3, 2)),
            ((4, 2, 3), (3, 2)), ((2, 3), (4, 3, 2)), ((4, 2, 3), (4, 3, 2)), ((4, 1, 2, 3), (2, 3, 1)),
            ((1, 2, 3), (4, 3, 2)), ((1, 1), (1, 1)), ((2, 1), (1, 3)),
        ]
    ]
] + [
    row("matmul", "np", np.matmul, normal(2, 3), normal(3, 2)),
    row("matmul", "transposed", lambda x, w: x @ w.T, normal(4, 3), normal(2, 3)),
    row("matmul", "batches, transposed", lambda x, w: x @ w.mT, normal(4, 3), normal(5, 2, 3)),
    row("matmul", "constant left", lambda w: A([[1.0, 2.0], [3.0, 4.0]]) @ w, normal(2, 3)),
    row("linear", "one example", autograd.linear, normal(3), normal(2, 3), normal(2),
        reference=lambda x, w, b: x @ w.T + b),
    row("linear", "batch", autograd.linear, normal(4, 3), normal(2, 3), normal(2),
        reference=lambda x, w, b: x @ w.T + b),
    row("linear", "two batch axes", autograd.linear, normal(2, 4, 3), normal(2, 3), normal(2),
        reference=lambda x, w, b: x @ w.T + b),
    row("dot", "vectors", np.dot, normal(3), normal(3)),
    row("dot", "matrices", np.dot, normal(2, 3), normal(3, 4)),
    row("dot", "matrix, vector", np.dot, normal(2, 3), normal(3)),
    row("dot", "scalar", np.dot, normal(), normal(2, 3)),
    row("dot", "many axes", np.dot, normal(2, 2, 3), normal(2, 3, 2)),
    row("dot", "vector, many axes", np.dot, normal(3), normal(2, 3, 2)),
    row("outer", "", np.outer, normal(3), normal(2)),
    row("outer", "flattens", np.outer, normal(2, 2), normal(2, 1)),
    row("tensordot", "default", np.tensordot, normal(2, 3, 4), normal(3, 4, 2)),
    row("tensordot", "1", lambda a, b: np.tensordot(a, b, 1), normal(2, 3), normal(3, 2)),
    row("tensordot", "0", lambda a, b: np.tensordot(a, b, axes=0), normal(2), normal(3, 2)),
    row("tensordot", "pair", lambda a, b: np.tensordot(a, b, (1, 0)), normal(2, 3), normal(3, 2)),
    row("tensordot", "lists", lambda a, b: np.tensordot(a, b, axes=([0, -1], [1, 0])), normal(2, 3, 4), normal(4, 2)),
    row("tensordot", "list", lambda b: np.tensordot([1.0, 2.0], b, 1), normal(2, 3)),
    row("tensordot", "everything", lambda a, b: np.tensordot(a, b, 2), normal(2, 3), normal(2, 3)),
] + [
    row("einsum", subscripts, lambda *xs, subscripts=subscripts: np.einsum(subscripts, *xs), *map(np.asarray, xs))
    for subscripts, *xs in [
        ("ij,jk->ik", normal(2, 3), normal(3, 4)), ("ij,jk", normal(2, 3), normal(3, 4)), ("ij->ji", normal(2, 3)),
        ("ba", normal(2, 3)), ("ij->", normal(2, 3)), ("ij->i", normal(2, 3)), ("ii", normal(3, 3)),
        ("ii->i", normal(3, 3)), ("iij->j", normal(2, 2, 3)), ("iii->i", normal(2, 2, 2)),
        ("i,i", normal(3), normal(3)),
        ("i,j", normal(3), normal(2)), ("i,j->ji", normal(3), normal(2)), ("ij,k->i", normal(2, 3), normal(4)),
        ("ij,jk,kl->il", normal(2, 3), normal(3, 2), normal(2, 4)), ("i,i,i->i", normal(3), normal(3), normal(3)),
        ("...ij,...jk->...ik", normal(4, 2, 3), normal(3, 2)), ("...ij,...jk", normal(1, 2, 3), normal(4, 3, 2)),
        ("i...->...", normal(2, 3, 4)), ("...,...", normal(2, 3), normal(3)),
        ("i...j,j...->i...", normal(2, 4, 3), normal(3, 4)),
        ("ij,ij->i", normal(2, 1), normal(2, 3)), ("bij,bjk->bik", normal(1, 2, 3), normal(4, 3, 2)),
        ("ii,ij->j", normal(3, 3), normal(3, 2)), ("ij, jk -> ki", normal(2, 3), normal(3, 4)),
        (",ij->ij", normal(), normal(2, 3)),
        ("Aa,aB->AB", normal(2, 3), normal(3, 2)), ("...->...", normal(2, 3)),
        ("i,ij,j", normal(2), normal(2, 3), normal(3)),
    ]
]

def full_rank(x: Any) -> Any:
    """Square matrices that are far from singular."""
    return x + 3 * np.eye(x.shape[-1])


def symmetric(x: Any) -> Any:
    return x + np.swapaxes(x, -1, -2)


def definite(x: Any) -> Any:
    return x @ np.swapaxes(x, -1, -2) + np.eye(x.shape[-2])


PRODUCTS += [
    row("inner", "", np.inner, normal(2, 3), normal(4, 3)),
    row("inner", "numbers", np.inner, normal(), normal(2)),
    row("vdot", "", np.vdot, normal(2, 3), normal(3, 2)),
    row("vecdot", "", np.vecdot, normal(2, 3), normal(3)),
    row("vecdot", "axis", lambda a, b: np.vecdot(a, b, axis=0), normal(3, 2), normal(3, 1)),
    row("matvec", "", lambda a, b: np.matvec(a, b), normal(2, 3, 4), normal(4)),
    row("vecmat", "", lambda a, b: np.vecmat(a, b), normal(2, 3), normal(3, 4)),
    row("outer", "multiply.outer", np.multiply.outer, normal(2, 2), normal(3)),
    row("outer", "subtract.outer", np.subtract.outer, normal(2), normal(3)),
    row("kron", "", np.kron, normal(2, 3), normal(2, 2)),
    row("kron", "other ndim", np.kron, normal(2), normal(2, 2)),
    row("cross", "", np.cross, normal(2, 3), normal(3)),
    row("cross", "axes", lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0), normal(3, 2), normal(2, 3)),
    row("linalg.cross", "", lambda a, b: np.linalg.cross(a, b, axis=0), normal(3, 2), normal(3, 2)),
    row("linalg.outer", "", np.linalg.outer, normal(3), normal(2)),
    row("matmul", "np.linalg", np.linalg.matmul, normal(2, 3), normal(3, 2)),
    row("linalg.tensordot", "", lambda a, b: np.linalg.tensordot(a, b, axes=1), normal(2, 3), normal(3, 2)),
    row("linalg.vecdot", "", lambda a, b: np.linalg.vecdot(a, b, axis=0), normal(3, 2), normal(3, 1)),
    row("linalg.matrix_transpose", "", np.linalg.matrix_transpose, normal(2, 3, 4)),
    row("trace", "", np.trace, normal(3, 4)),
    row("trace", "all", lambda x: x.trace(1, 1, -1), normal(2, 3, 4)),
    row("linalg.trace", "", lambda x: np.linalg.trace(x, offset=-1), normal(2, 3, 4)),
    row("einsum", "lists of labels", lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]), normal(2, 3), normal(3, 2)),
    row("einsum", "lists, implicit", lambda a, b: np.einsum(a, [0, 1, ...], b, [1, 2, ...]), normal(2, 3, 2),
        normal(3, 2, 1)),
] + [
    row(f.__name__, mode, lambda a, b, f=f, mode=mode: f(a, b, mode), normal(n), normal(m))
    for f in (np.convolve, np.correlate) for mode in ("full", "same", "valid")
    for n, m in [(5, 3), (2, 5), (4, 4), (5, 2)]
] + [
    row("polyval", "", np.polyval, normal(4), normal(2, 3)),
    row("polyadd", "", np.polyadd, normal(4), normal(2)),
    row("polysub", "", np.polysub, normal(2), normal(4)),
    row("polymul", "", np.polymul, normal(4), normal(2)),
    row("polydiv", "", lambda u, v: np.concatenate(np.polydiv(u, v)), normal(5), positive(3)),
    row("polyder", "", lambda p: np.polyder(p, 2), normal(5)),
    row("polyint", "", lambda p: np.polyint(p, 2, k=[1.0, 2.0]), normal(3)),
    row("poly", "", np.poly, normal(3)),
    row("vander", "", np.vander, normal(3)),
    row("vander", "increasing", lambda x: np.vander(x, 4, increasing=True), normal(3)),
    row("polyfit", "", lambda x, y: np.polyfit(x, y, 2), apart(6), normal(6)),
    row("polyfit", "weights", lambda x, y, w: np.polyfit(x, y, 1, w=w), apart(6), normal(6, 2), positive(6)),
]

THREES = A([[[3.0, 0.0]], [[0.0, 3.0]]])
LINALG = [
    row(f"linalg.{f.__name__}", f"{shape}", lambda x, f=f: f(full_rank(x)), inside(*shape))
    for f in (np.linalg.inv, np.linalg.det, np.linalg.cond) for shape in ((1, 1), (3, 3), (2, 2, 2))
] + [
    row("linalg.slogdet", "", lambda x: np.linalg.slogdet(full_rank(x))[1], inside(2, 3, 3)),
    row("linalg.slogdet", "by name", lambda x: np.linalg.slogdet(full_rank(x)).logabsdet, inside(2, 2)),
    row("linalg.solve", "vector", lambda a, b: np.linalg.solve(full_rank(a), b), inside(3, 3), normal(3)),
    row("linalg.solve", "matrix", lambda a, b: np.linalg.solve(full_rank(a), b), inside(3, 3), normal(3, 2)),
    row("linalg.solve", "batches", lambda a, b: np.linalg.solve(full_rank(a), b), inside(2, 3, 3), normal(4, 1, 3, 2)),
    row("linalg.solve", "constant", lambda b: np.linalg.solve(full_rank(np.ones((2, 2))), b), normal(2)),
    row("linalg.cholesky", "", lambda x: np.linalg.cholesky(definite(x)), normal(3, 3)),
    row("linalg.cholesky", "the triangle that is read", np.linalg.cholesky, definite(inside(2, 3, 3))),
    row("linalg.cholesky", "upper", lambda x: np.linalg.cholesky(definite(x), upper=True), normal(2, 2)),
    row("linalg.pinv", "", np.linalg.pinv, normal(2, 4, 3)),
    row("linalg.pinv", "hermitian", lambda x: np.linalg.pinv(x, hermitian=True), normal(3, 3)),
    row("linalg.pinv", "wide", np.linalg.pinv, normal(2, 4)),
    row("linalg.eigvalsh", "", np.linalg.eigvalsh, symmetric(apart(3, 3))),
    row("linalg.eigvalsh", "U", lambda x: np.linalg.eigvalsh(x, "U"), symmetric(apart(2, 3, 3))),
    row("linalg.eigh", "values", lambda x: np.linalg.eigh(x)[0], symmetric(apart(2, 3, 3))),
    row("linalg.eigh", "vectors", lambda x: np.linalg.eigh(x, UPLO="U").eigenvectors ** 2, symmetric(apart(3, 3))),
    row("linalg.eig", "values", lambda x: np.linalg.eig(definite(x))[0], inside(3, 3)),
    row("linalg.eig", "vectors", lambda x: np.linalg.eig(np.diag([1.0, 3.0, 7.0]) + 0.3 * x).eigenvectors ** 2,
        inside(3, 3)),
    row("linalg.eigvals", "", lambda x: np.linalg.eigvals(np.diag([1.0, 3.0, 7.0]) + 0.3 * x), inside(2, 3, 3)),
    row("linalg.qr", "", lambda x: np.concatenate(np.linalg.qr(x), axis=-2), normal(2, 4, 3)),
    row("linalg.qr", "wide", lambda x: np.concatenate(np.linalg.qr(x), axis=-1), normal(2, 4)),
    row("linalg.qr", "r", lambda x: np.linalg.qr(x, "r"), normal(3, 3)),
    row("linalg.svdvals", "", np.linalg.svdvals, normal(2, 3, 4)),
    row("linalg.svd", "values", lambda x: np.linalg.svd(x, compute_uv=False), normal(4, 3)),
    row("linalg.svd", "hermitian", lambda x: sum(part**2 for part in np.linalg.svd(x, hermitian=True)), normal(3, 3)),
    row("linalg.svd", "hermitian values", lambda x: np.linalg.svd(x, True, False, True), normal(2, 3, 3)),
    row("linalg.svd", "u", lambda x: np.linalg.svd(x, full_matrices=False)[0] ** 2, normal(4, 3)),
    row("linalg.svd", "vh", lambda x: np.linalg.svd(x, full_matrices=False).Vh ** 2, normal(2, 2, 4)),
    row("linalg.svd", "square", lambda x: sum(part**2 for part in np.linalg.svd(x)), normal(3, 3)),
    row("linalg.lstsq", "", lambda a, b: np.linalg.lstsq(a, b)[0], normal(5, 3), normal(5, 2)),
    row("linalg.lstsq", "distances", lambda a, b: np.linalg.lstsq(a, b, rcond=None)[1], normal(5, 3), normal(5)),
    row("linalg.tensorinv", "", lambda x: np.linalg.tensorinv(THREES + x, ind=2), inside(2, 1, 2)),
    row("linalg.tensorsolve", "", lambda a, b: np.linalg.tensorsolve(THREES + a, b), inside(2, 1, 2), normal(2, 1)),
    row("linalg.tensorsolve", "axes", lambda a, b: np.linalg.tensorsolve(np.moveaxis(THREES + a, 2, 0), b, axes=(0,)),
        inside(2, 1, 2), normal(2, 1)),
    row("linalg.multi_dot", "", lambda a, b, c: np.linalg.multi_dot([a, b, c]), normal(3), normal(3, 2), normal(2, 4)),
] + [
    row("linalg.matrix_power", f"{n}", lambda x, n=n: np.linalg.matrix_power(full_rank(x), n), inside(2, 2, 2))
    for n in (-2, -1, 1, 2, 3, 7)
] + [
    row("linalg.norm", f"{shape} {how}", lambda x, how=how: np.linalg.norm(x, **how), apart(*shape))
    for shape, how in [
        ((4,), {}), ((2, 3), {}), ((2, 3, 2), {}), ((2, 3), {"keepdims": True}), ((2, 3), {"axis": 1}),
        ((2, 3), {"axis": -1, "keepdims": True}), ((4,), {"ord": 1}), ((4,), {"ord": 3}), ((4,), {"ord": np.inf}),
        ((4,), {"ord": -np.inf}), ((2, 3), {"ord": 1.5, "axis": 0}), ((2, 3), {"ord": "fro"}), ((2, 3), {"ord": "nuc"}),
        ((2, 3), {"ord": 2}), ((2, 3), {"ord": -2}), ((2, 3), {"ord": 1}), ((2, 3), {"ord": -1}),
        ((2, 3), {"ord": np.inf}),
        ((2, 3), {"ord": -np.inf}), ((2, 3, 2), {"ord": "nuc", "axis": (2, 0), "keepdims": True}),
        ((2, 3, 2), {"axis": (0, 1)}),
    ]
] + [
    row("linalg.vector_norm", "", lambda x: np.linalg.vector_norm(x, axis=(0, 1), ord=3), apart(2, 3, 2)),
    row("linalg.matrix_norm", "", lambda x: np.linalg.matrix_norm(x, ord="nuc", keepdims=True), normal(2, 3, 2)),
    row("linalg.cond", "1", lambda x: np.linalg.cond(full_rank(x), 1), inside(3, 3)),
]

ACTIVATIONS = [
    row("relu", "", autograd.relu, apart(2, 3), reference=lambda x: np.maximum(x, 0)),
    row("relu", "scalar", lambda x: x.relu() if isinstance(x, Tensor) else autograd.relu(x), A(-0.4),
        reference=lambda x: np.maximum(x, 0)),
    row("sigmoid", "", autograd.sigmoid, normal(2, 3), reference=sigmoid_of),
    row("sigmoid", "scalar", autograd.sigmoid, normal(), reference=sigmoid_of),
    row("softplus", "", autograd.softplus, normal(2, 3), reference=lambda x: np.log1p(np.exp(x))),
    row("logsumexp", "", autograd.logsumexp, normal(2, 3), reference=logsumexp_of),
    row("logsumexp", "scalar", autograd.logsumexp, normal(), reference=lambda x: x),
    row("logsumexp", "axis", lambda x: autograd.logsumexp(x, axis=-1), normal(2, 3),
        reference=lambda x: logsumexp_of(x, axis=-1)),
    row("logsumexp", "axes, keepdims", lambda x: autograd.logsumexp(x, axis=(0, 2), keepdims=True), normal(2, 3, 2),
        reference=lambda x: logsumexp_of(x, axis=(0, 2), keepdims=True)),
    row("logsumexp", "positional", lambda x: autograd.logsumexp(x, 0, True), normal(2, 3),
        reference=lambda x: logsumexp_of(x, 0, True)),
    row("softmax", "", autograd.softmax, normal(2, 3), reference=softmax_of),
    row("softmax", "axis", lambda x: autograd.softmax(x, axis=0), normal(2, 3),
        reference=lambda x: softmax_of(x, axis=0)),
    row("log_softmax", "", autograd.log_softmax, normal(2, 3), reference=lambda x: np.log(softmax_of(x))),
    row("log_softmax", "axis", lambda x: autograd.log_softmax(x, 0), normal(2, 3),
        reference=lambda x: np.log(softmax_of(x, axis=0))),
    row("sigmoid_layer", "", autograd.sigmoid_layer, normal(4, 3), normal(2, 3), normal(2),
        reference=lambda x, w, b: sigmoid_of(x @ w.T + b)),
    row("sigmoid_layer", "one example", autograd.sigmoid_layer, normal(3), normal(2, 3), normal(2),
        reference=lambda x, w, b: sigmoid_of(x @ w.T + b)),
    row("tanh_layer", "", autograd.tanh_layer, normal(4, 3), normal(2, 3), normal(2),
        reference=lambda x, w, b: np.tanh(x @ w.T + b)),
    row("relu_layer",
    "", autograd.relu_layer, A([[1.0, 0.5, -1.0]]), A([[0.5, 1.0, 0.3], [0.2, -1.0, 0.8]]), A([0.1, 0.1]),
        reference=lambda x, w, b: np.maximum(x @ w.T + b, 0)),
]

# Calls that are rarer.
EDGES = [
    row("linalg.eigvalsh", "l", lambda x: np.linalg.eigvalsh(x, "l"), symmetric(apart(3, 3))),
    row("linalg.eigh", "l", lambda x: np.linalg.eigh(x, "l")[1] ** 2, symmetric(apart(3, 3))),
    row("cumprod", "0-d, axis", lambda x: np.cumprod(x, 0) * np.cumprod(x, axis=-1), normal()),
    row("repeat", "0-d, axis", lambda x: np.repeat(x, 3, axis=0), normal()),
    row("take", "0-d, axis", lambda x: np.take(x, [0, 0], axis=-1), normal()),
    row("take", "nothing", lambda x: np.take(x, []), normal(3, 4)),
    row("compress", "0-d, axis", lambda x: np.compress([True], x, axis=0), normal()),
    row("unwrap", "a period with a gradient", lambda x, p: np.unwrap(x * 4, period=p), normal(3, 5), positive()),
    row("quantile", "a Tensor q", lambda x, q: np.quantile(x, q, axis=0), apart(5, 2), A([0.3, 0.6])),
    row("quantile", "of numbers", lambda q: np.quantile(A([1.0, 2.0, 5.0]), q), A([0.3, 0.9])),
    row("percentile", "a Tensor q", lambda x, q: np.percentile(x, q, keepdims=True), apart(5, 2), A(30.0)),
    row("nanquantile", "a Tensor q", lambda x, q: np.nanquantile(holes(x), q, axis=1), apart(3, 4), A([[0.3, 0.7]])),
    row("bincount", "weights", lambda w: np.bincount(A([0, 3, 0]), w, minlength=5), normal(3)),
    row("unique_all", "", lambda x: np.unique_all(x).values, apart(2, 3)),
    row("unique_counts", "", lambda x: np.unique_counts(x)[0] * np.unique_counts(x).counts, apart(2, 3)),
    row("unique_inverse", "", lambda x: np.unique_inverse(x).values, apart(2, 3)),
    row("linalg.norm", "below 1", lambda x: np.linalg.norm(x, -2, axis=0) * np.linalg.norm(x, 0.5, 0), apart(3, 4)),
    row("logspace", "bases", lambda a, b: np.logspace(0.0, a, 3, base=b), normal(), positive(3)),
    row("geomspace", "axis", lambda a: np.geomspace(a, 9.0, 3, axis=1), positive(4)),
    row("linspace", "dtype", lambda a: np.linspace(a, 3.0, 3, dtype=np.result_type(a)), normal(2)),
    row("insert", "a list", lambda x: np.insert(x, -1, [1.0, 2.0]), normal(3)),
    row("tril", "a vector", lambda x: np.tril(x, 1) + np.triu(x), normal(3)),
    row("vstack", "dtype", lambda x: np.vstack([x, x], dtype=x.dtype), normal(2, 3)),
    row("hstack", "dtype", lambda x: np.hstack([x, x], dtype=x.dtype), normal(2, 3)),
    row("pad", "with a Tensor", lambda x, c: np.pad(x, (1, 2), constant_values=c), normal(2, 3), normal()),
    row("linalg.eigvals", "np.poly", np.poly, symmetric(apart(3, 3))),
    row("polyint", "constants", lambda p, k: np.polyint(p, 2, [k, 1.0]) + np.polyint(p, 2, k=[k]), normal(3), normal()),
    row("apply_along_axis", "to lists", lambda x: np.apply_along_axis(lambda v: [v[0], v[1] ** 2], 0, x), normal(2, 3)),
    row("gradient", "places of a list", lambda x: np.gradient(x, [0.0, 1.0, 3.0]), normal(3)),
    row("interp", "all", np.interp, inside(4), A([-1.0, 0.1, 1.0]), normal(3)),
    row("nanmean", "where", lambda x: np.nanmean(holes(x), axis=1, where=MASK | MASK[::-1]), apart(3, 4)),
    row("nanvar", "where", lambda x: np.nanvar(holes(x), ddof=1, where=[[True], [True], [False]]), apart(3, 4)),
    row("reshape", "F", lambda x: np.reshape(x, (4, -1), order="F") * x.T.reshape(4, 3, order="F"), normal(3, 4)),
    row("reshape", "F, one axis", lambda x: x.reshape(2, 2, order="F") + x[0].reshape(1, order="F"), normal(4)),
    row("ravel", "F", lambda x: np.ravel(x, "F") * x.flatten("F") * x.ravel(order="F"), normal(2, 3, 2)),
    row("astype", "copy", lambda x: x.astype(x.dtype, copy=False), normal(2, 3)),
    row("copy", "order", lambda x: np.copy(x, order="C") * x.copy("F"), normal(2, 3)),
    row("ldexp", "a number", lambda a: np.ldexp(a, 3), normal(2, 3)),
]
EDGES += [
    row("nanquantile", how, lambda x, how=how: np.nanquantile(holes(x), 0.3, axis=1, method=how), apart(3, 4))
    for how in ("lower", "midpoint", "nearest", "hazen", "inverted_cdf")
]
# fmt: on

# What came with NumPy 2.1 and 2.2, and is not there in 2.0.
ABSENT = {
    name for name in ("cumulative_prod", "cumulative_sum", "matvec", "unstack", "vecmat") if not hasattr(np, name)
}
if np.iscomplexobj(np.linalg.eig(np.eye(2))[0]):  # since NumPy 2.5, also where all eigenvalues are real
    ABSENT |= {"linalg.eig", "linalg.eigvals"}
ROWS = [*ELEMENTWISE, *REDUCTIONS, *SHAPING, *PICKING, *INDEXING, *PRODUCTS, *LINALG, *ACTIVATIONS, *EDGES]
ROWS = [case for case in ROWS if case.operation not in ABSENT]
# What a program cannot be written for: the lengths depend on the values.
OF_UNKNOWN_LENGTH = {
    "piecewise", "unique", "unique_values", "unique_all", "unique_counts", "unique_inverse", "union1d", "setdiff1d",
    "intersect1d", "setxor1d", "trim_zeros",
}  # fmt: skip
EVERY_ROW = ROWS
ROWS = [r for r in EVERY_ROW if r.operation not in OF_UNKNOWN_LENGTH]
