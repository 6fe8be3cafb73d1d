"""Cost functions. Each computes the mean cost over the examples, as one operation of the graph.

The last axis holds the output neurons; the axes before it, if any, hold the examples. Targets must have the shape of
the outputs: what NumPy would broadcast, such as (n,) against (n, 1), is an error here.

To add a cost, write its entry of COSTS, and its entry of COSTS in `nn.equations`, which checks it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import Op, Tensor, log_softmax, sigmoid, softmax
from nn.equations import Array

Values = Tensor | Array  # activations and the like; a result is a Tensor wherever a Tensor went in


def _examples(a: Any) -> int:
    return a.shape[0] if a.ndim == 2 else int(a.size // a.shape[-1])


def _half_squares(a: Any, y: Any, n: int) -> Any:
    error = a - y
    return np.vdot(error, error) / (2 * n)


def _sigmoid_cross_entropy(z: Any, y: Any, n: int) -> Any:
    return np.sum(np.logaddexp(0, z) - y * z) / n


def _softmax_log_likelihood(z: Any, y: Any, n: int) -> Any:
    return -np.sum(y * log_softmax(z)) / n


# fmt: off
_quadratic = Op(_half_squares, "np.sum((a - y) ** 2) / (2 * n)",
                lambda g, c, a, y, n: (g / n) * (a - y),
                lambda g, c, a, y, n: (g / n) * (y - a), name="quadratic")
_cross_entropy = Op(_sigmoid_cross_entropy, "np.sum(np.logaddexp(0, z) - y * z) / n",
                lambda g, c, z, y, n: (g / n) * (sigmoid(z) - y),
                lambda g, c, z, y, n: (g / n) * -z)
_log_likelihood = Op(_softmax_log_likelihood,
                "np.sum(y * (np.logaddexp.reduce(z, -1, keepdims=True) - z)) / n",
                lambda g, c, z, y, n: (g / n) * (softmax(z) * np.sum(y, axis=-1, keepdims=True) - y),
                lambda g, c, z, y, n: (g / n) * -log_softmax(z))
# fmt: on


def _same_shape(cost: str, outputs: Any, y: Any) -> None:
    for what, given in (("outputs", outputs), ("targets", y)):
        if not hasattr(given, "shape"):
            raise TypeError(f"{cost}: the {what} are an array or a Tensor, not {type(given).__name__}")
    if outputs.shape != y.shape or not outputs.size:
        raise ValueError(
            f"{cost}: the outputs have shape {outputs.shape} and the targets {y.shape}; they have to be the same, and"
            " not empty (nn.one_hot turns labels into targets)"
        )


def quadratic(a: Values, y: Values) -> Any:
    """Compute 1/2n sum |y - a|^2 of activations a and targets y. Book, chapter 1, equation (6).

    >>> float(quadratic(np.array([[1.0, 0.0]]), np.array([[0.0, 0.0]])))
    0.5
    """
    _same_shape("quadratic", a, y)
    return _quadratic(a, y, n=_examples(a))


def sigmoid_cross_entropy(z: Values, y: Values) -> Any:
    """Compute -1/n sum [y ln a + (1 - y) ln(1 - a)] for a = sigmoid(z), from z, so that it is finite for all z.

    Book, chapter 3, equation (63); its derivative in z is (a - y)/n, equation (66).

    >>> float(sigmoid_cross_entropy(np.array([[0.0]]), np.array([[1.0]])))        # ln 2
    0.6931471805599453
    """
    _same_shape("sigmoid_cross_entropy", z, y)
    return _cross_entropy(z, y, n=_examples(z))


def softmax_log_likelihood(z: Values, y: Values) -> Any:
    """Compute -1/n sum y ln a for a = softmax(z), from the weighted inputs z, so that it is finite for all z.

    Book, chapter 3, equation (80); its derivative in z is (a - y)/n for targets that sum to one, equation (84).

    >>> float(softmax_log_likelihood(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])))
    0.6931471805599453
    """
    _same_shape("softmax_log_likelihood", z, y)
    return _log_likelihood(z, y, n=_examples(z))


def cross_entropy(a: Values, y: Values) -> Any:
    """Compute -1/n sum [y ln a + (1 - y) ln(1 - a)] of activations a, as the book writes it. a is neither 0 nor 1.

    >>> float(cross_entropy(np.array([[0.5]]), np.array([[1.0]])))
    0.6931471805599453
    """
    _same_shape("cross_entropy", a, y)
    return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) / _examples(a)


def log_likelihood(a: Values, y: Values) -> Any:
    """Compute -1/n sum y ln a of activations a, as the book writes it. a is not 0.

    >>> float(log_likelihood(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])))
    0.6931471805599453
    """
    _same_shape("log_likelihood", a, y)
    return -np.sum(y * np.log(a)) / _examples(a)


@dataclass(frozen=True)
class Cost:
    """A cost, and the output layer that goes with it.

    output             the activation of the output layer
    of                 the mean cost over the examples, from the activations of that layer and the targets
    of_weighted_input  the same from its weighted inputs, if that is more exact or stays finite; else None
    """

    output: Op
    of: Callable[[Any, Any], Any]
    of_weighted_input: Callable[[Any, Any], Any] | None = None


COSTS = {
    "quadratic": Cost(sigmoid, quadratic),
    "cross-entropy": Cost(sigmoid, cross_entropy, sigmoid_cross_entropy),
    "log-likelihood": Cost(softmax, log_likelihood, softmax_log_likelihood),
}
