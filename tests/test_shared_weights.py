"""Weights that are used more than once: their gradients derived by hand, against the engine and finite differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Tensor
from nn import equations, one_hot
from nn.costs import softmax_log_likelihood
from nn.proof.numbers import relative_difference

SIZES = st.integers(1, 6)


def central_differences(cost, array, step=1e-6):
    """The gradient of `cost()`, which reads `array`, by moving one element of it after the other."""
    found = np.empty_like(array)
    for at in np.ndindex(array.shape):
        kept = array[at]
        array[at] = kept + step
        above = cost()
        array[at] = kept - step
        found[at] = (above - cost()) / (2 * step)
        array[at] = kept
    return found


def a_loop(m, steps, n_in, n_h, n_out, seed):
    """The parameters of a recurrent network, and a mini-batch."""
    rng = np.random.default_rng(seed)
    shapes = (n_h, n_in), (n_h, n_h), (n_h,), (n_out, n_h), (n_out,)
    parameters = [rng.standard_normal(shape) for shape in shapes]
    return parameters, rng.standard_normal((m, steps, n_in)), one_hot(rng.integers(0, n_out, m), n_out)


def loop_cost(u, w, b, v, c, x, y):
    """Its cost, and all its states: on Tensors or on arrays."""
    h = [np.zeros((len(x), u.shape[0]))]
    for t in range(x.shape[1]):
        h.append(np.tanh(x[:, t] @ u.T + h[t] @ w.T + b))
    return softmax_log_likelihood(h[-1] @ v.T + c, y), h[1:]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    m=SIZES, steps=st.integers(1, 12), n_in=SIZES, n_h=SIZES, n_out=st.integers(2, 6), seed=st.integers(0, 2**32 - 1)
)
def test_the_engine_goes_back_through_time_as_the_equations_do(m, steps, n_in, n_h, n_out, seed):
    arrays, x, y = a_loop(m, steps, n_in, n_h, n_out, seed)
    parameters = [Tensor(array) for array in arrays]
    cost, h = loop_cost(*parameters, x, y)
    cost.backward()
    nabla, nabla_h = equations.backprop_through_time(*arrays, x, y)
    assert len(nabla_h) == steps
    for ours, by_hand in zip([p.grad for p in parameters], nabla, strict=True):
        assert relative_difference(ours, by_hand) <= 1e-12
    for ours, by_hand in zip([state.grad for state in h], nabla_h, strict=True):
        assert relative_difference(ours, by_hand) <= 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_backpropagation_through_time_agrees_with_finite_differences(seed):
    sizes = np.random.default_rng(seed).integers(2, 5, 5)
    arrays, x, y = a_loop(*sizes, seed)
    nabla, _ = equations.backprop_through_time(*arrays, x, y)
    for array, by_hand in zip(arrays, nabla, strict=True):
        differences = central_differences(lambda: loop_cost(*arrays, x, y)[0], array)
        assert relative_difference(differences, by_hand) <= 1e-7


def a_convolution(m, channels, maps, k, stride, rows, columns, seed):
    """Inputs, weights and biases of a convolutional layer, and an error for each of its neurons."""
    rng = np.random.default_rng(seed)
    spare = rng.integers(0, stride, 2)  # rows and columns at the end that no window fits over
    x = rng.standard_normal((m, channels, k + stride * rows + spare[0], k + stride * columns + spare[1]))
    w, b = rng.standard_normal((maps, channels, k, k)), rng.standard_normal(maps)
    return x, w, b, rng.standard_normal(equations.convolution(x, w, b, stride).shape)


def convolution(x, w, b, stride):
    """The same as `equations.convolution` from another side: not window by window, but weight by weight."""
    maps, _, k, _ = w.shape
    rows, columns = ((n - k) // stride + 1 for n in x.shape[2:])
    z = np.reshape(b, (maps, 1, 1))
    for p in range(k):
        for q in range(k):
            pixels = x[:, :, p : p + stride * rows : stride, q : q + stride * columns : stride]
            z = z + np.einsum("mc,ncij->nmij", w[:, :, p, q], pixels)
    return z


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    m=st.integers(1, 4), channels=st.integers(1, 3), maps=st.integers(1, 3), k=st.integers(1, 4),
    stride=st.integers(1, 3), rows=st.integers(0, 3), columns=st.integers(0, 3), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_the_engine_sums_over_the_image_as_the_equations_do(m, channels, maps, k, stride, rows, columns, seed):
    x, w, b, delta = a_convolution(m, channels, maps, k, stride, rows, columns, seed)
    inputs = [Tensor(x), Tensor(w), Tensor(b)]
    z = convolution(*inputs, stride)
    assert relative_difference(z.data, equations.convolution(x, w, b, stride)) <= 1e-12
    np.sum(delta * z).backward()  # so that dC/dz is this delta
    for tensor, by_hand in zip(inputs, equations.backprop_convolution(delta, x, w, stride), strict=True):
        assert relative_difference(tensor.grad, by_hand) <= 1e-12


@pytest.mark.parametrize(("stride", "seed"), [(1, 0), (1, 1), (2, 2), (2, 3), (3, 4)])
def test_the_gradient_of_a_convolution_agrees_with_finite_differences(stride, seed):
    x, w, b, delta = a_convolution(2, 2, 3, 3, stride, 2, 1, seed)
    arrays = (x, w, b)
    for array, by_hand in zip(arrays, equations.backprop_convolution(delta, x, w, stride), strict=True):
        differences = central_differences(lambda: np.sum(delta * equations.convolution(*arrays, stride)), array)
        assert relative_difference(differences, by_hand) <= 1e-7


def test_a_filter_as_large_as_the_image_is_an_ordinary_layer():
    """The last layer's BP3 and BP4, and one place to sum over."""
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((4, 2, 3, 3)), rng.standard_normal((5, 2, 3, 3)), rng.standard_normal(5)
    y, flat = one_hot(rng.integers(0, 5, 4), 5), (x.reshape(4, -1), w.reshape(5, -1))
    (nabla_b,), (nabla_w,) = equations.backprop_batch([flat[1]], [b], flat[0], y, "cross-entropy")
    delta = equations.output_error(equations.convolution(x, w, b)[:, :, 0, 0], y, "cross-entropy", axis=1) / 4
    _, conv_w, conv_b = equations.backprop_convolution(delta[:, :, np.newaxis, np.newaxis], x, w)
    np.testing.assert_allclose(conv_w.reshape(5, -1), nabla_w, rtol=1e-12)
    np.testing.assert_allclose(conv_b, nabla_b, rtol=1e-12)


def test_a_loop_of_one_step_is_an_ordinary_network():
    (u, w, b, v, c), x, y = a_loop(6, 1, 4, 3, 5, seed=0)
    nabla_b, nabla_w = equations.backprop_batch([u, v], [b, c], x[:, 0], y, "log-likelihood", "tanh")
    nabla, _ = equations.backprop_through_time(u, w, b, v, c, x, y)
    for one, other in zip(nabla, (nabla_w[0], np.zeros_like(w), nabla_b[0], nabla_w[1], nabla_b[1]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
