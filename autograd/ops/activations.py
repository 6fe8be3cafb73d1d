"""The functions of neural networks that NumPy does not have. They are stable at any x: finite, and exact to rounding
(or to the smallest normal number).

relu'(0) = 0. softmax and log_softmax work along `axis`, by default the last; logsumexp by default over all axes.
"""

import re
from functools import cache
from typing import Any

import numpy as np
from numpy import ndarray

from autograd.operation import Op
from autograd.ops.elementwise import tanh
from autograd.ops.products import linear
from autograd.ops.reductions import expanded, first_axis
from autograd.registry import stands_for
from autograd.stale import reads
from autograd.tensor import Tensor


def _relu(x: Any, out: Any = None) -> Any:
    if isinstance(x, ndarray):
        return np.maximum(x, 0, out=out)
    return type(x)(0) if x <= 0 else x  # np.maximum takes ten times as long on scalars


# Where e^-x would overflow, and 1, as arrays without axes: NumPy takes those faster than Python's numbers.
_LIMITS: dict[str, Any] = {
    code: (np.array(lowest, code), np.array(1, code)) for code, lowest in (("e", -11), ("f", -87), ("d", -708))
}


def _sigmoid(x: Any, out: Any = None) -> Any:
    """Compute 1 / (1 + e^-x) in one array throughout; x is clipped just above the point where e^-x would overflow."""
    lowest, one = _LIMITS.get(x.dtype.char if isinstance(x, (ndarray, np.generic)) else "d", _LIMITS["d"])
    if not isinstance(x, ndarray) or not x.ndim:
        return 1 / (1 + np.exp(-(lowest[()] if x < lowest else x)))
    y: Any = np.maximum(x, lowest, out=out)
    np.negative(y, y)  # into y, which is faster to say by position
    np.exp(y, y)
    np.add(y, one, y)
    return np.reciprocal(y, y)


def _largest(x: Any, axis: Any) -> Any:
    """Return the largest of x along `axis`, which is kept; 0 if there are no elements."""
    return (np.max if np.size(x) else np.sum)(x, axis=axis, keepdims=True)


def _logsumexp(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    top = _largest(x, axis)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):  # log 0 = -inf, where all elements are -inf
        y = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)


def _softmax(x: Any, axis: Any = -1) -> Any:
    e = np.exp(x - _largest(x, axis))
    return e / np.sum(e, axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: Any = -1) -> Any:
    return x - _logsumexp(x, axis=axis, keepdims=True)


# fmt: off
relu        = Op(_relu,     "np.maximum(x, 0)",      lambda g, y, x: g * (y > 0),
                 activation=True, by_name=True, elementwise=True, onnx="Relu(x)")
sigmoid     = Op(_sigmoid,  "1 / (1 + np.exp(-x))",  lambda g, y, x: g * y * (1 - y),
                 activation=True, by_name=True, elementwise=True, onnx="Sigmoid(x)")
softplus    = Op(lambda x: np.logaddexp(0, x), "np.logaddexp(0, x)", lambda g, y, x: g * sigmoid(x), name="softplus",
                 activation=True, by_name=True, elementwise=True, onnx="Softplus(x)")
logsumexp   = Op(_logsumexp, "np.logaddexp.reduce(x, axis, keepdims=keepdims)",
                 lambda g, y, x, axis=None, keepdims=False:
                     expanded(g, x, axis, keepdims) * np.exp(x - expanded(y, x, axis, keepdims)), by_name=True,
                     onnx="ReduceLogSumExp(x, axes, keepdims=keepdims)")
softmax     = Op(_softmax, "np.exp(x - np.logaddexp.reduce(x, axis, keepdims=True))",
                 lambda g, y, x, axis=-1: y * (g - np.sum(g * y, axis=axis, keepdims=True)),
                 activation=True, by_name=True, onnx="Softmax(x, axis=axis)")
log_softmax = Op(_log_softmax, "x - np.logaddexp.reduce(x, axis, keepdims=True)",
                 lambda g, y, x, axis=-1: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True), by_name=True,
                 onnx="LogSoftmax(x, axis=axis)")
# fmt: on
stands_for("logaddexp.reduce")(first_axis(logsumexp))


@cache
def _reads_input(activation: Op) -> bool:
    """Say whether the rule of an activation reads more of its input than the shape."""
    z = Tensor(np.full((2, 2), 0.5))
    a = Tensor(activation.forward(z.data))
    a.op, a.inputs = activation, (z,)
    return reads(a, z)


@cache
def layer(activation: Op) -> Op:
    """Make a layer of neurons that is one node: f(x w^T + b) for an activation f.

    It has the rules of `linear`, applied to the error that the rule of f makes of the arriving gradient. If that rule
    reads the weighted input z, and not just the output, z is computed again for it.
    """
    (rule,) = activation.rules

    def delta(g: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
        return rule(g, y, linear(x, w, b) if _reads_input(activation) else y)  # y has the shape of z

    return Op(
        lambda x, w, b: activation.forward(linear.forward(x, w, b)),
        re.sub(r"\bx\b", f"({linear.template})", activation.template),
        *linear.rules,
        name=f"{activation.name.lstrip('_')}_layer",
        delta=delta,
        parts=(linear, activation),
    )


# The activations that the layers of a network can have.
ACTIVATIONS = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu}
sigmoid_layer, tanh_layer, relu_layer = map(layer, (sigmoid, tanh, relu))
