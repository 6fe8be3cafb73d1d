"""Operations that act on each element by itself; those with several inputs broadcast them against each other.

Where a function has a kink, the rule takes this subgradient: abs'(0) = 0; maximum and minimum share equally between
equal operands; clip passes the whole gradient to x at its bounds, both included.
"""

import operator
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.registry import stands_for
from autograd.tensor import Node, Op


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
    """The part of `g` that goes to an operand where it wins, half of it between equals."""
    return np.where(wins, g, np.where(a == b, g / 2, 0.0))


def _astype(x: Any, dtype: Any) -> Any:
    if np.dtype(dtype).kind != "f":
        raise TypeError(
            f"to {np.dtype(dtype)}: only float data has a gradient; use np.trunc(t), or t.data for a constant"
        )
    return x.astype(dtype)


# The arithmetic forwards are the operator functions: on NumPy scalars they take a tenth of the ufuncs' time.
# fmt: off
add        = Op(operator.add,     "a + b",  lambda g, y, a, b: g,
                                            lambda g, y, a, b: g,          symbol="+", arithmetic=True)
subtract   = Op(operator.sub,     "a - b",  lambda g, y, a, b: g,
                                            lambda g, y, a, b: -g,         symbol="−", arithmetic=True)
multiply   = Op(operator.mul,     "a * b",  lambda g, y, a, b: g * b,
                                            lambda g, y, a, b: g * a,      symbol="×", arithmetic=True)
divide     = Op(operator.truediv, "a / b",  lambda g, y, a, b: g / b,
                                            lambda g, y, a, b: -g * y / b, symbol="÷", arithmetic=True)
power      = Op(operator.pow,     "a ** b", _power_base,
                                            _power_exponent,               symbol="^", arithmetic=True)
negative   = Op(operator.neg,     "-x",     lambda g, y, x: -g,            symbol="−")

absolute   = Op(np.absolute, "np.abs(x)",     lambda g, y, x: g * np.sign(x))
exp        = Op(np.exp,      "np.exp(x)",     lambda g, y, x: g * y)
expm1      = Op(np.expm1,    "np.expm1(x)",   lambda g, y, x: g * (y + 1))
log        = Op(np.log,      "np.log(x)",     lambda g, y, x: g / x)
log1p      = Op(np.log1p,    "np.log1p(x)",   lambda g, y, x: g / (1 + x))
sqrt       = Op(np.sqrt,     "np.sqrt(x)",    lambda g, y, x: g / (2 * y))
square     = Op(np.square,   "np.square(x)",  lambda g, y, x: g * 2 * x)
sin        = Op(np.sin,      "np.sin(x)",     lambda g, y, x: g * np.cos(x))
cos        = Op(np.cos,      "np.cos(x)",     lambda g, y, x: -g * np.sin(x))
tan        = Op(np.tan,      "np.tan(x)",     lambda g, y, x: g * (1 + y * y))
tanh       = Op(np.tanh,     "np.tanh(x)",    lambda g, y, x: g * (1 - y * y), activation=True)
sinh       = Op(np.sinh,     "np.sinh(x)",    lambda g, y, x: g * np.cosh(x))
cosh       = Op(np.cosh,     "np.cosh(x)",    lambda g, y, x: g * np.sinh(x))
arcsin     = Op(np.arcsin,   "np.arcsin(x)",  lambda g, y, x: g / np.sqrt(1 - x * x))
arccos     = Op(np.arccos,   "np.arccos(x)",  lambda g, y, x: -g / np.sqrt(1 - x * x))
arctan     = Op(np.arctan,   "np.arctan(x)",  lambda g, y, x: g / (1 + x * x))

maximum    = Op(np.maximum,  "np.maximum(a, b)",      lambda g, y, a, b: _share(g, a, b, a > b),
                                                      lambda g, y, a, b: _share(g, a, b, a < b), arithmetic=True)
minimum    = Op(np.minimum,  "np.minimum(a, b)",      lambda g, y, a, b: _share(g, a, b, a < b),
                                                      lambda g, y, a, b: _share(g, a, b, a > b), arithmetic=True)
choose     = Op(lambda mask, a, b: np.where(mask, a, b), "np.where(mask, a, b)",
                                                      None,
                                                      lambda g, y, mask, a, b: np.where(mask, g, 0.0),
                                                      lambda g, y, mask, a, b: np.where(mask, 0.0, g), name="where",
                arithmetic=True)
limit      = Op(lambda x, low, high: np.clip(x, low, high), "np.clip(x, low, high)",
                                                      lambda g, y, x, low, high: g * ((x >= low) & (x <= high)),
                                                      lambda g, y, x, low, high: g * ((x < low) & (low <= high)),
                                                      lambda g, y, x, low, high: g * ((x > high) | (low > high)),
                name="clip")
astype     = Op(_astype,                          "x.astype(dtype)", lambda g, y, x, dtype: g, name="astype")
identity   = Op(lambda x: x,                      "x",               lambda g, y, x: g,        name="identity")

heaviside  = Op(np.heaviside, "np.heaviside(x, h)",  lambda g, y, x, h: g * 0,
                                                     lambda g, y, x, h: g * (x == 0))
# fmt: on


@stands_for(np.where)
def where(condition: Any, *branches: Any) -> Any:
    """a where the condition holds, b elsewhere; of a condition alone, the indices where it holds."""
    if len(branches) not in (0, 2):
        raise TypeError(f"where takes a condition alone, or with two branches, not {len(branches)}")
    return choose(condition, *branches) if branches else np.nonzero(condition)


@stands_for(np.clip)
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """The elements of x, moved to the nearer bound where they are outside; no bound where it is None."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return limit(x, -np.inf if low is None else low, np.inf if high is None else high)
