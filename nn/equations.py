"""Backpropagation derived by hand: the four equations of the book, with NumPy alone.

Michael Nielsen, *Neural Networks and Deep Learning*, chapter 2. For one example, with a^l the activations of layer l,
z^l = w^l a^(l-1) + b^l its weighted input, and delta^l = dC/dz^l its error:

    BP1    delta^L = grad_a C * sigma'(z^L)
    BP2    delta^l = ((w^(l+1))^T delta^(l+1)) * sigma'(z^l)
    BP3    dC/db^l = delta^l
    BP4    dC/dw^l = delta^l (a^(l-1))^T

This file imports nothing of ours: it is the independent witness that the engine's gradients are compared with. It
derives everything twice: as the book does (`backprop`: one example, column vectors) and for a mini-batch as matrices
(`backprop_batch`: an example per row). The tests compare the two with each other as well. For weights that are used
more than once, at every time step or at every place of an image, the same equations are summed over the uses.

Weights have the shape (n_out, n_in), w_jk from neuron k to neuron j. The output layer is a sigmoid layer for the costs
"quadratic" and "cross-entropy", a softmax layer for "log-likelihood"; `activation` is that of the hidden layers.

To add an activation or a cost, write its entry of ACTIVATIONS or COSTS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Sequence[Array]


def sigmoid(z: Array) -> Array:
    """Compute 1 / (1 + e^-z), chapter 1, equation (3). z is clipped just above the point where e^-z would overflow.

    >>> float(sigmoid(np.float64(0.0)))
    0.5
    """
    lowest = -708.0 if z.dtype == np.float64 else -87.0
    a: Array = 1 / (1 + np.exp(-np.maximum(z, lowest)))
    return a


def sigmoid_prime(z: Array, a: Array) -> Array:
    """Compute sigma'(z) = sigma(z) (1 - sigma(z)), for a = sigma(z)."""
    prime: Array = a * (1 - a)
    return prime


def tanh_prime(z: Array, a: Array) -> Array:
    """Compute tanh'(z) = 1 - tanh(z)^2, for a = tanh(z). Chapter 3, "Other models of artificial neuron"."""
    return 1 - a * a


def relu(z: Array) -> Array:
    """Compute max(0, z), chapter 3, "Other models of artificial neuron"."""
    a: Array = np.maximum(z, 0)
    return a


def relu_prime(z: Array, a: Array) -> Array:
    """Compute the indicator of z > 0, with relu'(0) = 0."""
    return (z > 0).astype(z.dtype)


def softmax(z: Array, axis: int) -> Array:
    """Compute e^z_j / sum_k e^z_k, chapter 3, equation (78). Subtracting the largest z first changes nothing."""
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    a: Array = e / np.sum(e, axis=axis, keepdims=True)
    return a


ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "sigmoid": (sigmoid, sigmoid_prime),
    "tanh": (np.tanh, tanh_prime),
    "relu": (relu, relu_prime),
}
KINKED = ("relu",)  # their derivative jumps, so that a finite difference across the jump says nothing


def _quadratic(z: Array, y: Array) -> Any:
    return np.sum((y - sigmoid(z)) ** 2) / 2


def _cross_entropy(z: Array, y: Array) -> Any:
    return np.sum(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))


def _log_likelihood(z: Array, y: Array) -> Any:
    top = np.max(z, axis=1, keepdims=True)
    return np.sum(y * (top + np.log(np.sum(np.exp(z - top), axis=1, keepdims=True)) - z))


class CostByHand(NamedTuple):
    """A cost as the book derives it.

    output      the activation of the output layer that it belongs to
    total       its sum over a batch, an example per row, from the weighted inputs z of that layer and the targets y
    derivative  dC/da of one example, from the output activations a and y
    error       BP1 if sigma' cancels: delta^L of one example, from a and y. None if nothing cancels, and BP1 is
                dC/da * sigma'(z) as it stands
    text        how `error`, or else `derivative`, is written
    """

    output: str
    total: Callable[[Array, Array], Any]
    derivative: Callable[[Array, Array], Array]
    error: Callable[[Array, Array], Array] | None
    text: str


# fmt: off
COSTS = {  # chapter 2, equation (30), and chapter 3, equations (66) and (84)
    "quadratic":      CostByHand("sigmoid", _quadratic,      lambda a, y: a - y, None, "a - y"),
    "cross-entropy":  CostByHand("sigmoid", _cross_entropy,  lambda a, y: (a - y) / (a * (1 - a)),
                                 lambda a, y: a - y, "a - y"),
    "log-likelihood": CostByHand("softmax", _log_likelihood, lambda a, y: -y / a,
                                 lambda a, y: a - y, "a - y"),
}
# fmt: on


def activation_by_hand(name: str) -> tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]:
    """Return an activation and its derivative. Raises ValueError for one that is not derived here."""
    if name not in ACTIVATIONS:
        raise ValueError(f"nn.equations has no activation {name!r} by hand; it has {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def cost_by_hand(name: str) -> CostByHand:
    """Return a cost and its derivatives. Raises ValueError for one that is not derived here."""
    if name not in COSTS:
        raise ValueError(f"nn.equations has no cost {name!r} by hand; it has {', '.join(COSTS)}")
    return COSTS[name]


def cost(z: Array, y: Array, name: str = "quadratic") -> float:
    """Compute the mean cost of a batch, from the weighted inputs z of the output layer and the targets y, by rows.

    "quadratic"       1/2n sum |y - a|^2, a = sigmoid(z): chapter 1, equation (6)
    "cross-entropy"   -1/n sum [y ln a + (1 - y) ln(1 - a)], a = sigmoid(z): chapter 3, equation (63)
    "log-likelihood"  -1/n sum y ln a, a = softmax(z): chapter 3, equation (80)

    ln a and ln(1 - a) are written in z, which is the same and stays finite where a rounds to 0 or 1.
    """
    return float(cost_by_hand(name).total(z, y) / len(z))


def output_error(z: Array, y: Array, name: str, axis: int) -> Array:
    """Compute BP1, the error delta^L = dC/dz^L of an example, or of each in a batch. The output neurons lie along
    `axis`.

    "quadratic"       (a - y) * sigma'(z): chapter 2, equation (30)
    "cross-entropy"   a - y, because sigma' cancels: chapter 3, equation (66)
    "log-likelihood"  a - y, with a = softmax(z): chapter 3, equation (84)
    """
    by_hand = cost_by_hand(name)
    if by_hand.error is None:
        f, f_prime = activation_by_hand(by_hand.output)
        a = f(z)
        return by_hand.derivative(a, y) * f_prime(z, a)
    a = softmax(z, axis) if by_hand.output == "softmax" else activation_by_hand(by_hand.output)[0](z)
    return by_hand.error(a, y)


def backprop(
    weights: Arrays, biases: Arrays, x: Array, y: Array, cost: str = "quadratic", activation: str = "sigmoid"
) -> tuple[list[Array], list[Array]]:
    """Compute the gradient for one example as the book does: `(nabla_b, nabla_w)`, with a list entry per layer.

    x is a column of shape (n_0, 1), y one of shape (n_L, 1), each bias one of shape (n_l, 1). Chapter 2, "The
    backpropagation algorithm".

    >>> w, b = [np.array([[2.0]])], [np.array([[0.0]])]
    >>> nabla_b, nabla_w = backprop(w, b, np.array([[1.0]]), np.array([[0.0]]))
    >>> nabla_w[0].round(6)                            # (a - y) a (1 - a) x with a = sigmoid(2)
    array([[0.092478]])
    """
    f, f_prime = activation_by_hand(activation)
    layers = len(weights)

    # Feed forward: z^l = w^l a^(l-1) + b^l, a^l = f(z^l). The lists here start at layer 1, and a[0] is the input.
    a, z = [x], []
    for l in range(layers):  # noqa: E741
        z.append(weights[l] @ a[l] + biases[l])
        a.append(f(z[l]))

    delta = output_error(z[-1], y, cost, axis=0)  # BP1
    nabla_b, nabla_w = [delta], [delta @ a[layers - 1].T]  # BP3, BP4
    for l in reversed(range(layers - 1)):  # noqa: E741
        delta = (weights[l + 1].T @ delta) * f_prime(z[l], a[l + 1])  # BP2
        nabla_b.insert(0, delta)  # BP3
        nabla_w.insert(0, delta @ a[l].T)  # BP4
    return nabla_b, nabla_w


def backprop_batch(
    weights: Arrays, biases: Arrays, x: Array, y: Array, cost: str = "quadratic", activation: str = "sigmoid"
) -> tuple[list[Array], list[Array]]:
    """Compute the gradient of the mean cost of a mini-batch: `(nabla_b, nabla_w)`, with a list entry per layer.

    x has the shape (m, n_0), y (m, n_L), each bias (n_l,). The book's column vectors become rows here, so that every
    equation is transposed: z = a w^T + b, and the sum over examples is inside the matrix product of BP4. Chapter 2,
    "Fully matrix-based approach to backpropagation over a mini-batch".

    >>> w, b = [np.array([[2.0]])], [np.array([0.0])]
    >>> nabla_b, nabla_w = backprop_batch(w, b, np.array([[1.0], [1.0]]), np.array([[0.0], [0.0]]))
    >>> nabla_w[0].round(6)
    array([[0.092478]])
    """
    f, f_prime = activation_by_hand(activation)
    layers = len(weights)
    a, z = [x], []
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        z.append(a[-1] @ w.T + b)
        a.append(f(z[-1]))
    z.append(a[-1] @ weights[-1].T + biases[-1])

    delta = output_error(z[-1], y, cost, axis=1) / len(x)  # BP1, and the mean over examples
    nabla_b, nabla_w = [delta.sum(axis=0)], [delta.T @ a[-1]]  # BP3, BP4
    for l in reversed(range(layers - 1)):  # noqa: E741
        delta = (delta @ weights[l + 1]) * f_prime(z[l], a[l + 1])  # BP2
        nabla_b.insert(0, delta.sum(axis=0))  # BP3
        nabla_w.insert(0, delta.T @ a[l])  # BP4
    return nabla_b, nabla_w


def mean_gradient(
    weights: Arrays, biases: Arrays, x: Array, y: Array, cost: str = "quadratic", activation: str = "sigmoid"
) -> tuple[list[Array], list[Array]]:
    """Compute the gradient over a mini-batch as the book sums it: `backprop` for one example after the other.

    Shapes as in `backprop_batch`. Chapter 1, equations (20) and (21), and `update_mini_batch` there.
    """
    columns = [b[:, np.newaxis] for b in biases]
    sum_b, sum_w = [np.zeros_like(b) for b in columns], [np.zeros_like(w) for w in weights]
    for example, target in zip(x, y, strict=True):
        nabla_b, nabla_w = backprop(weights, columns, example[:, np.newaxis], target[:, np.newaxis], cost, activation)
        sum_b = [total + nabla for total, nabla in zip(sum_b, nabla_b, strict=True)]
        sum_w = [total + nabla for total, nabla in zip(sum_w, nabla_w, strict=True)]
    return [total[:, 0] / len(x) for total in sum_b], [total / len(x) for total in sum_w]


def output_weighted_input(weights: Arrays, biases: Arrays, x: Array, activation: str = "sigmoid") -> Array:
    """Compute z^L of a batch, an example per row, which is what `cost` takes."""
    f, _ = activation_by_hand(activation)
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        x = f(x @ w.T + b)
    return x @ weights[-1].T + biases[-1]


def backprop_through_time(
    u: Array, w: Array, b: Array, v: Array, c: Array, x: Array, y: Array
) -> tuple[tuple[Array, Array, Array, Array, Array], list[Array]]:
    """Compute the gradient of a recurrent network in (u, w, b, v, c), and dC/dh_t for each time step in order.

    The network reads x, of shape (m, steps, n_in), step by step, and answers after the last one:

        z_t = u x_t + w h_(t-1) + b        h_t = tanh(z_t)        h_0 = 0
        a = softmax(v h_T + c)             C = -1/m sum y ln a

    u has the shape (n_h, n_in), w (n_h, n_h), v (n_out, n_h), y (m, n_out). Unrolled in time this is a network with a
    layer per step. So BP2 to BP4 hold as they are; but all layers have the same u, w and b, which C thus depends on by
    as many ways as there are steps, and the chain rule sums over them (Werbos, 1990). With delta_t = dC/dz_t:

        dC/dh_T     = v^T delta                         with delta = a - y
        delta_t     = dC/dh_t * (1 - h_t^2)             BP2, in two halves
        dC/dh_(t-1) = w^T delta_t
        dC/db = sum_t delta_t        dC/du = sum_t delta_t x_t^T        dC/dw = sum_t delta_t h_(t-1)^T

    >>> one, v, x, y = np.ones((1, 1)), np.array([[1.0], [0.0]]), np.zeros((1, 2, 1)), np.array([[1.0, 0.0]])
    >>> nabla, nabla_h = backprop_through_time(one, one, one[0], v, np.zeros(2), x, y)
    >>> nabla[2].round(6)                        # -(1 - a) dh_2/db, dh_2/db = (1 - h_2^2) (1 + w (1 - h_1^2))
    array([-0.04433])
    """
    h = [np.zeros((len(x), len(w)), x.dtype)]
    for t in range(x.shape[1]):
        h.append(np.tanh(x[:, t] @ u.T + h[t] @ w.T + b))

    delta = output_error(h[-1] @ v.T + c, y, "log-likelihood", axis=1) / len(x)
    nabla_v, nabla_c = delta.T @ h[-1], delta.sum(axis=0)
    nabla_u, nabla_w, nabla_b = np.zeros_like(u), np.zeros_like(w), np.zeros_like(b)
    nabla_h = [delta @ v]
    for t in reversed(range(x.shape[1])):  # here x[:, t] enters into h[t + 1]
        delta = nabla_h[0] * tanh_prime(h[t + 1], h[t + 1])
        nabla_u += delta.T @ x[:, t]
        nabla_w += delta.T @ h[t]
        nabla_b += delta.sum(axis=0)
        nabla_h.insert(0, delta @ w)
    return (nabla_u, nabla_w, nabla_b, nabla_v, nabla_c), nabla_h[1:]


def convolution(x: Array, w: Array, b: Array, stride: int = 1) -> Array:
    """Compute the weighted inputs z of a convolutional layer, (m, maps, rows, columns). Chapter 6, equation (125).

    x has the shape (m, channels, rows, columns), w (maps, channels, k, k) and b (maps,):

        z_ij = sum_cpq w_cpq x_(c, stride i + p, stride j + q) + b        for each map and each example

    Written as it is meant: the same small layer of neurons at every place, looking at its own window of x.

    >>> convolution(np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)), np.zeros(1))[0, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    z = np.empty((len(x), len(w), *((n - w.shape[2]) // stride + 1 for n in x.shape[2:])), x.dtype)
    for i, j in np.ndindex(z.shape[2:]):
        window = x[_window(i, j, w.shape[2], stride)].reshape(len(x), -1)
        z[:, :, i, j] = window @ w.reshape(len(w), -1).T + b
    return z


def backprop_convolution(delta: Array, x: Array, w: Array, stride: int = 1) -> tuple[Array, Array, Array]:
    """Compute (nabla_x, nabla_w, nabla_b) of a convolutional layer from its error delta = dC/dz and its input x.

    At each place (i, j) the layer is an ordinary one, with the error delta_ij and a window of x for its input, and
    BP2 to BP4 hold. C depends on the same w and b at all places, and on a pixel through every window with it: sums.

        dC/db = sum_ij delta_ij        dC/dw_cpq = sum_ij delta_ij x_(c, stride i + p, stride j + q)
        dC/dx: at every place, w^T delta_ij is added to the pixels of its window

    >>> x, w, delta = np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2))
    >>> nabla_x, nabla_w, nabla_b = backprop_convolution(delta, x, w)
    >>> nabla_x[0, 0], nabla_w[0, 0], nabla_b
    (array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]]), array([[ 8., 12.],
           [20., 24.]]), array([4.]))
    """
    nabla_x, nabla_w, nabla_b = np.zeros_like(x), np.zeros_like(w), np.zeros(len(w), w.dtype)
    for i, j in np.ndindex(delta.shape[2:]):
        at, here = _window(i, j, w.shape[2], stride), delta[:, :, i, j]
        nabla_b += here.sum(axis=0)  # BP3
        nabla_w += (here.T @ x[at].reshape(len(x), -1)).reshape(w.shape)  # BP4
        nabla_x[at] += (here @ w.reshape(len(w), -1)).reshape(x[at].shape)  # BP2, before sigma'
    return nabla_x, nabla_w, nabla_b


def _window(i: int, j: int, k: int, stride: int) -> tuple[slice, slice, slice, slice]:
    """Return the indices of the pixels that the neuron at the place (i, j) of a map sees."""
    rows, columns = slice(stride * i, stride * i + k), slice(stride * j, stride * j + k)
    return slice(None), slice(None), rows, columns
