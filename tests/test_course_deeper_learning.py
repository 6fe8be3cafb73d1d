"""What examples 10 to 12 rest on: a derivation, a training step, distortions, an average, and errors by layer."""

import importlib.util
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from autograd import Tensor, relu
from nn import Examples, equations, one_hot, softmax_log_likelihood
from nn.proof.numbers import relative_difference

EXAMPLES = Path(__file__).parent.parent / "examples"


@cache
def example(number):
    (path,) = EXAMPLES.glob(f"{number}_*.py")
    spec = importlib.util.spec_from_file_location(f"example_{number}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks its module up
    spec.loader.exec_module(module)
    return module


def digits(n, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return Examples(rng.random((n, 784)).astype(dtype), rng.integers(0, 10, n))


# 10. ReLU, softmax, cross-entropy and L2


def small_network(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in ((6, 5), (6,), (3, 6), (3,))]


@pytest.mark.parametrize("n", [1, 7])
def test_the_derivation_by_hand_is_what_the_engine_derives(n):
    rng = np.random.default_rng(n)
    x, y = rng.random((n, 5)), one_hot(rng.integers(0, 3, n), 3)
    arrays = small_network()
    loss, gradients = example(10).by_hand(*arrays, x, y, 0.01)
    w1, b1, w2, b2 = tensors = [Tensor(array) for array in arrays]
    cost = softmax_log_likelihood(relu(x @ w1.T + b1) @ w2.T + b2, y) + 0.005 * ((w1**2).sum() + (w2**2).sum())
    cost.backward()
    assert abs(loss - cost.item()) < 1e-12
    assert max(relative_difference(p.grad, g) for p, g in zip(tensors, gradients, strict=True)) < 1e-12


def test_the_comparison_with_the_engine_sees_a_wrong_derivation(monkeypatch):
    module = example(10)
    data = digits(4)
    net, y = module.new_network(0), one_hot(data.y)
    assert module.apart(net, data.x, y) < 1e-12
    right = module.by_hand

    def without_penalty(*args):
        return right(*args[:-1], 0.0)

    monkeypatch.setattr(module, "by_hand", without_penalty)
    assert module.apart(net, data.x, y) > 1e-4


def test_training_takes_the_images_in_order_and_adds_lambda_times_the_weights_to_their_gradients():
    module = example(10)
    data = digits(3)
    shift, scale = module.READINGS["mean 0, deviation 1"]
    measured = module.train("mean 0, deviation 1", 0, data, data, epochs=2, window=1)
    parameters = [p.data.copy() for p in module.new_network(0).parameters()]
    assert not parameters[1].any() and not parameters[3].any()
    losses = []
    for i in (0, 1, 2, 0, 1, 2):
        x, y = (data.x[i : i + 1] - shift) / scale, one_hot(data.y[i : i + 1])
        cost, gradients = module.by_hand(*parameters, x, y, 0.0)
        for p, g, decay in zip(parameters, gradients, (0.01, 0, 0.01, 0), strict=True):
            p -= 0.001 * (g + decay * p)
        losses.append(cost + 0.005 * (np.sum(parameters[0] ** 2) + np.sum(parameters[2] ** 2)))
    for p, expected in zip(measured.net.parameters(), parameters, strict=True):
        np.testing.assert_allclose(p.data, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(measured.loss, losses, rtol=1e-12)
    assert measured.images == [1, 2, 3, 4, 5, 6] and len(measured.losses) == 3


def test_a_hidden_neuron_that_answers_0_to_every_image_is_counted_as_dead():
    module = example(10)
    data = digits(3)
    net = module.new_network(0)
    net.biases[0].data = np.where(np.arange(20) < 5, -1e6, 0.0)
    z = data.x @ net.weights[0].data.T + net.biases[0].data
    dead, sometimes = np.all(z <= 0, axis=0), np.any(z <= 0, axis=0)
    assert 5 < dead.sum() < sometimes.sum() < 20
    measured = module.Measured(net, data, data)
    measured.after_epoch(one_hot(data.y))
    assert measured.epochs[0][-1] == dead.sum()


# 11. Better learning


class Bounds(np.random.Generator):
    """Random numbers that are always the upper bound."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def uniform(self, low, high, size):
        return np.full(size, float(high))


def image():
    return np.random.default_rng(0).random((28, 28)).astype(np.float32)


def distorted(what, **how):
    module = example(11)
    maps = module.Maps(2, module.Distortion(**how), Bounds())
    return maps(what.reshape(1, -1), np.array([1])).reshape(28, 28)


def test_no_distortion_is_no_change():
    np.testing.assert_array_equal(distorted(image()), image())


def test_a_shift_moves_the_image_and_lets_black_in():
    moved = np.zeros((28, 28), np.float32)
    moved[:-2, :-2] = image()[2:, 2:]
    np.testing.assert_array_equal(distorted(image(), shift=2.0), moved)
    assert not distorted(image(), shift=40.0).any()


def test_between_pixels_the_four_neighbours_are_mixed():
    four = (image()[:-1, :-1] + image()[1:, :-1] + image()[:-1, 1:] + image()[1:, 1:]) / 4
    np.testing.assert_allclose(distorted(image(), shift=0.5)[:-1, :-1], four, rtol=1e-5)


def test_a_quarter_turn_is_a_quarter_turn():
    turned = distorted(image(), rotation=90.0)
    assert min(np.abs(turned - np.rot90(image(), k)).max() for k in (1, 3)) < 1e-4


def test_the_elastic_displacement_has_the_stated_deviation_and_is_smooth():
    module = example(11)
    how = module.Distortion(elastic=1.5, smooth=4.0)
    rows, _ = module.displaced(400, how, np.random.default_rng(0))
    moved = rows - np.arange(28)[:, np.newaxis]
    assert abs(moved.std() - 1.5) < 0.1
    assert np.diff(moved, axis=2).std() < 0.3 * moved.std()


def test_every_image_is_distorted_by_the_map_that_was_drawn_for_it():
    module = example(11)
    maps = module.Maps(3, module.ELASTIC, np.random.default_rng(0))
    images = np.stack([image().ravel()] * 4)
    together = maps(images, np.array([2, 0, 1, 2]))
    for row, which in zip(together, (2, 0, 1, 2), strict=True):
        np.testing.assert_array_equal(row, maps(images[:1], np.array([which]))[0])
    assert np.abs(together[0] - together[1]).max() > 0.1


def test_the_trained_network_is_the_average_of_its_last_epochs():
    module = example(11)
    recipe = module.Recipe(sizes=(784, 8, 10), epochs=3, batch=10, averaged=2, pool=4, distortion=module.AFFINE)
    states = []
    data = digits(40, dtype=np.float32)
    net = module.train(recipe, data, np.random.default_rng(0), lambda net: states.append(net.state_dict()))
    assert len(states) == 3
    for name, array in net.state_dict().items():
        np.testing.assert_allclose(array, (states[1][name] + states[2][name]) / 2, rtol=1e-6)
        assert array.dtype == np.float32 and not np.array_equal(states[1][name], states[2][name])


def test_the_difference_is_that_of_the_figures_that_are_shown():
    against = example(11).against
    assert against(100 * 0.9792, 97.92).startswith("+0.00 points from the 97.92 %")
    assert against(97.9, 97.92).startswith("-0.02 points from the 97.92 %")


# 12. Deep


def test_the_errors_of_the_sigmoid_layers_are_those_of_the_equations():
    module = example(12)
    net = module.Deep(3, "sigmoid", np.random.default_rng(0))
    data = digits(20, dtype=np.float32)
    y = one_hot(data.y, dtype=np.float32)
    weights, biases = [layer.w.data for layer in net.layers], [layer.b.data for layer in net.layers]
    nabla_b, _ = equations.backprop_batch(weights, biases, data.x, y, "cross-entropy")
    expected = [np.linalg.norm(nabla) for nabla in nabla_b[:-1]]  # BP3: dC/db is the error, summed over the images
    np.testing.assert_allclose(module.norms_of_errors(net, data.x, y), expected, rtol=1e-4)


def test_the_error_goes_around_a_residual_layer_as_well_as_through_it():
    module = example(12)
    net = module.Deep(3, "ReLU, residual", np.random.default_rng(0))
    data = digits(20, dtype=np.float32)
    y = one_hot(data.y, dtype=np.float32)
    (w1, b1), (w2, b2), (w3, b3), (w4, b4) = [(layer.w.data, layer.b.data) for layer in net.layers]
    z1 = data.x @ w1.T + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2.T + b2
    a2 = a1 + np.maximum(z2, 0)
    z3 = a2 @ w3.T + b3
    a3 = a2 + np.maximum(z3, 0)
    da3 = (1 / (1 + np.exp(-(a3 @ w4.T + b4))) - y) / 20 @ w4
    delta3 = da3 * (z3 > 0)
    da2 = da3 + delta3 @ w3
    delta2 = da2 * (z2 > 0)
    da1 = da2 + delta2 @ w2
    delta1 = da1 * (z1 > 0)
    expected = [np.linalg.norm(delta.sum(axis=0)) for delta in (delta1, delta2, delta3)]
    np.testing.assert_allclose(module.norms_of_errors(net, data.x, y), expected, rtol=1e-4)


def test_with_one_hidden_layer_there_is_nothing_to_go_around():
    module = example(12)
    data = digits(5, dtype=np.float32)
    residual = module.Deep(1, "ReLU, residual", np.random.default_rng(0)).forward(data.x)
    w1, b1, w2, b2 = (p.data for p in module.Deep(1, "ReLU, residual", np.random.default_rng(0)).parameters())
    np.testing.assert_allclose(residual[-1].data, np.maximum(data.x @ w1.T + b1, 0) @ w2.T + b2, rtol=1e-5)


@pytest.mark.parametrize("depth", [1, 4])
def test_every_layer_of_a_deep_network_is_trained(depth):
    module = example(12)
    data = digits(40, dtype=np.float32)
    for kind in module.KINDS:
        before = module.Deep(depth, kind, np.random.default_rng(0)).state_dict()
        net = module.Deep(depth, kind, np.random.default_rng(0))
        module.train(net, data, 0.1, 1, np.random.default_rng(0), 10)
        after = net.state_dict()
        assert len(after) == 2 * (depth + 1)
        assert not any(np.array_equal(before[name], after[name]) for name in before)
