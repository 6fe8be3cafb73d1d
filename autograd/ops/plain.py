"""What has no derivative: truth values, indices, and steps. These operations have no rules.

In ordinary use they return plain arrays. While a function is traced they are recorded, so that a program computes them
anew. `plain_call` does the same for any other function of NumPy that sees only the values.
"""

import inspect
from functools import cache
from typing import Any, NoReturn

import numpy as np

from autograd.operation import Op, record
from autograd.recording import TracedValueError, is_tracing
from autograd.registry import NAMED, PLAIN, numpy_functions, stands_for
from autograd.tensor import Node, Tensor, plain, refuse_value

# fmt: off
less          = Op(np.less,          "a < b",  symbol="<", onnx="Less(a, b)")
less_equal    = Op(np.less_equal,    "a <= b", symbol="≤", onnx="LessOrEqual(a, b)")
greater       = Op(np.greater,       "a > b",  symbol=">", onnx="Greater(a, b)")
greater_equal = Op(np.greater_equal, "a >= b", symbol="≥", onnx="GreaterOrEqual(a, b)")
equal         = Op(np.equal,         "a == b", symbol="=", onnx="Equal(a, b)")
not_equal     = Op(np.not_equal,     "a != b", symbol="≠", onnx="Not(Equal(a, b))")
bitwise_and   = Op(np.bitwise_and,   "a & b")
bitwise_or    = Op(np.bitwise_or,    "a | b")
bitwise_xor   = Op(np.bitwise_xor,   "a ^ b")
invert        = Op(np.invert,        "~x")
logical_and   = Op(np.logical_and,   "np.logical_and(a, b)", onnx="And(a, b)")
logical_or    = Op(np.logical_or,    "np.logical_or(a, b)", onnx="Or(a, b)")
logical_xor   = Op(np.logical_xor,   "np.logical_xor(a, b)")
logical_not   = Op(np.logical_not,   "np.logical_not(x)", onnx="Not(x)")
isnan         = Op(np.isnan,         "np.isnan(x)", onnx="IsNaN(x)")
isinf         = Op(np.isinf,         "np.isinf(x)")
isfinite      = Op(np.isfinite,      "np.isfinite(x)")
signbit       = Op(np.signbit,       "np.signbit(x)")
sign          = Op(np.sign,          "np.sign(x)", onnx="Sign(x)")
floor         = Op(np.floor,         "np.floor(x)", onnx="Floor(x)")
ceil          = Op(np.ceil,          "np.ceil(x)", onnx="Ceil(x)")
trunc         = Op(np.trunc,         "np.trunc(x)")
rint          = Op(np.rint,          "np.rint(x)", onnx="Round(x)")
fix           = Op(lambda x: np.trunc(x), "np.trunc(x)", name="fix")
floor_divide  = Op(np.floor_divide,  "a // b")
round         = Op(lambda x, decimals=0: np.round(x, decimals), "np.round(x, decimals)", name="round")
argmax  = Op(lambda x, axis=None, keepdims=False: np.argmax(x, axis=axis, keepdims=keepdims),
             "np.argmax(x, axis=axis, keepdims=keepdims)", name="argmax", literal=True,
             onnx="ArgMax(x, axis=axis, keepdims=keepdims)")
argmin  = Op(lambda x, axis=None, keepdims=False: np.argmin(x, axis=axis, keepdims=keepdims),
             "np.argmin(x, axis=axis, keepdims=keepdims)", name="argmin", literal=True,
             onnx="ArgMin(x, axis=axis, keepdims=keepdims)")
argsort = Op(lambda x, axis=-1, kind=None: np.argsort(x, axis=axis, kind=kind),
             "np.argsort(x, axis=axis, kind=kind)", name="argsort", literal=True)
cast    = Op(lambda x, dtype=float: np.asarray(x).astype(dtype)[()], "x.astype(dtype)", name="astype", literal=True,
                onnx="Cast(x, to=dtype)")
detach  = Op(lambda x: x + 0, "x + 0", name="detach", literal=True, onnx="Identity(x)")  # a copy
# fmt: on
stands_for("around")(round)


@stands_for("argsort")
def _argsort_of(a: Any, axis: Any = -1, kind: Any = None, stable: Any = None) -> Any:
    return argsort(a, axis=axis, kind="stable" if stable else kind)


# What else sees only the values: `plain_call` records it as it stands.
PLAIN |= numpy_functions(
    "isclose allclose array_equal array_equiv all any count_nonzero searchsorted nanargmax nanargmin argpartition"
    " digitize isneginf isposinf lexsort isin iscomplex isreal spacing nextafter histogram histogram2d"
    " histogramdd histogram_bin_edges packbits linalg.matrix_rank"
)
# What depends on the shape alone, is for people to read, or has a length that depends on the values.
STATIC = numpy_functions(
    "shape ndim size result_type zeros_like ones_like empty_like array_repr array_str array2string iscomplexobj"
    " isrealobj can_cast common_type min_scalar_type may_share_memory shares_memory tril_indices_from triu_indices_from"
    " diag_indices_from einsum_path typename isfortran iterable"
)
OF_UNKNOWN_LENGTH = numpy_functions("nonzero flatnonzero argwhere ix_")
PLAIN |= STATIC | OF_UNKNOWN_LENGTH
WEIGHTED = numpy_functions("histogram histogram2d histogramdd")


def plain_call(function: Any, name: str, args: Any, kwargs: Any) -> Any:
    """Call any function whose result has no derivative, on the values; record the call while a function is traced.

    In a trace, raises TypeError for a result whose length depends on the values, since a program would not know its
    shape, and for a function that writes into an array, since a program would not do it again.
    """
    if function in WEIGHTED:
        weights = inspect.signature(function).bind(*args, **kwargs).arguments.get("weights")
        if isinstance(weights, Tensor) and not weights.is_constant:
            raise TypeError(
                f"{name}: the weights would lose their gradient; use np.bincount(np.digitize(x, edges) - 1, t), or"
                " t.data off the graph"
            )
    if not is_tracing() or function in STATIC:
        return function(*map(plain, args), **{key: plain(value) for key, value in kwargs.items()})
    if function in OF_UNKNOWN_LENGTH:
        node = next(x for x in _flat([*args, *kwargs.values()]) if isinstance(x, Node))
        refuse_value(node, f"{name}, whose result has a length that depends on the values,")
    inputs: list[Any] = []
    params: dict[str, Any] = {}
    if kwargs.get("out") is not None:
        _refuse_writing(name)

    def text(value: Any) -> str:
        """Write an argument: nodes and arrays as inputs, everything else as a parameter."""
        if isinstance(value, list | tuple) and any(isinstance(x, Node | np.ndarray) for x in _flat(value)):
            inside = ", ".join(map(text, value)) + "," * (len(value) == 1)
            return f"[{inside}]" if isinstance(value, list) else f"({inside})"
        if isinstance(value, Node | np.ndarray):
            inputs.append(value)
            return f"i{len(inputs) - 1}"
        params[f"p{len(params)}"] = value
        return f"p{len(params) - 1}"

    written = [*map(text, args), *(f"{key}={text(value)}" for key, value in kwargs.items())]
    method = "." not in name  # of an array
    called = f"{written[0]}.{name}({', '.join(written[1:])})" if method else f"{name}({', '.join(written)})"
    result = function(*map(plain, args), **{key: plain(value) for key, value in kwargs.items()})
    if result is None:
        _refuse_writing(name)
    if isinstance(result, list | tuple):
        parts = [_call(function, f"{called}[{k}]", len(inputs), len(params), method) for k in range(len(result))]
        return type(result)([record(part, op, tuple(inputs), params) for part, op in zip(result, parts, strict=True)])
    return record(result, _call(function, called, len(inputs), len(params), method), tuple(inputs), params)


def _refuse_writing(name: str) -> NoReturn:
    raise TracedValueError(
        f"{name} writes into an array while the function is traced, and a program would keep what is written now; use"
        " a function that returns a new array: np.sort for x.sort(), np.where for np.copyto and fill, no out="
    )


def _flat(values: Any) -> list[Any]:
    if not isinstance(values, list | tuple):
        return [values]
    return [x for value in values for x in _flat(value)]


@cache
def _call(function: Any, template: str, inputs: int, params: int, method: bool) -> Op:
    """Return the operation that calls `function` as the template says; the same one for the same call."""
    names = [*(f"i{k}" for k in range(inputs)), *(f"p{k}=None" for k in range(params))]
    forward = eval(f"lambda {', '.join(names)}: {template}", {"np": np})
    return Op(forward, template, name=function.__name__, literal=True)


NAMED["plain_call"] = plain_call
