"""Networks: what they compute, what they are initialised with, and what they refuse."""

import copy

import numpy as np
import pytest

from autograd import Tensor
from nn import Linear, Network, equations, one_hot
from nn.costs import COSTS
from nn.layers import activations

X = np.random.default_rng(0).random((6, 5))


def weights_and_biases(net):
    return [w.data for w in net.weights], [b.data for b in net.biases]


# The network


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", activations())
def test_what_a_network_computes_in_plain_numpy(activation, cost):
    net = Network([5, 4, 3], activation=activation, cost=cost, rng=1)
    weights, biases = weights_and_biases(net)
    z = equations.output_weighted_input(weights, biases, X, activation)
    a = equations.softmax(z, axis=1) if cost == "log-likelihood" else equations.sigmoid(z)
    np.testing.assert_allclose(net(X).data, a, rtol=1e-13)
    y = one_hot([0, 1, 2, 0, 1, 2], 3)
    assert net.cost(X, y).item() == pytest.approx(equations.cost(z, y, cost), rel=1e-13)
    assert np.array_equal(net.predict(X), np.argmax(a, axis=1))


def test_one_example_a_batch_and_the_column_of_the_book():
    net = Network([5, 4, 3], rng=1)
    batch = net(X)
    assert batch.shape == (6, 3)
    assert net(X[0]).shape == (3,)
    np.testing.assert_allclose(net(X[0]).data, batch.data[0], rtol=1e-14)
    column = net(X[0][:, np.newaxis])
    assert column.shape == (3, 1)
    np.testing.assert_allclose(column.data[:, 0], batch.data[0], rtol=1e-14)
    assert np.array_equal(net(X.tolist()).data, batch.data)
    assert np.array_equal(net(Tensor(X)).data, batch.data)


def test_a_network_of_one_input_takes_a_column_as_a_batch():
    assert Network([1, 4, 3], rng=1)([[0.5]]).shape == (1, 3)
    assert Network([1, 4, 3], rng=1)(np.ones((7, 1))).shape == (7, 3)


def test_predict_is_the_label_in_every_form():
    net = Network([5, 4, 3], rng=2)
    examples = 5 * np.random.default_rng(1).standard_normal((20, 5))
    labels = net.predict(examples)
    assert labels.dtype == np.int64
    assert [int(net.predict(x)) for x in examples] == labels.tolist()
    assert [int(net.predict(x[:, np.newaxis])) for x in examples] == labels.tolist()  # the book's columns
    assert len(set(labels.tolist())) > 1
    single = Network([5, 4, 1], rng=2)
    assert np.array_equal(single.predict(X), (single(X).data[:, 0] >= 0.5).astype(int))


def test_a_network_of_two_layers_and_of_ten():
    assert Network([5, 3], rng=0)(X).shape == (6, 3)
    net = Network([5, *[7] * 8, 3], activation="tanh", rng=0)
    assert net(X).shape == (6, 3)
    assert [p.name for p in net.parameters()] == [f"{kind}{layer}" for layer in range(1, 10) for kind in "wb"]


# Initialisation


def test_biases_are_drawn_first_and_then_the_weights():
    net = Network([784, 30, 10], rng=np.random.default_rng(7))
    rng = np.random.default_rng(7)
    biases = [rng.standard_normal(n) for n in (30, 10)]
    weights = [rng.standard_normal((n_out, n_in)) for n_in, n_out in ((784, 30), (30, 10))]
    for found, drawn in zip(weights_and_biases(net), (weights, biases), strict=True):
        assert all(np.array_equal(p, q) for p, q in zip(found, drawn, strict=True))


def test_scaled_weights_are_the_same_numbers_over_the_root_of_the_inputs():
    plain, scaled = Network([400, 30, 10], rng=7), Network([400, 30, 10], init="scaled", rng=7)
    for p, q in zip(plain.biases, scaled.biases, strict=True):
        assert np.array_equal(p.data, q.data)
    for p, q in zip(plain.weights, scaled.weights, strict=True):
        np.testing.assert_allclose(q.data, p.data / np.sqrt(p.shape[1]), rtol=1e-15)


def test_nothing_else_is_drawn_and_a_seed_is_a_generator():
    rng, replay = np.random.default_rng(3), np.random.default_rng(3)
    net = Network([5, 4, 3], rng=rng)
    replay.standard_normal(7 + 20 + 12)
    assert rng.bit_generator.state == replay.bit_generator.state
    assert np.array_equal(net.weights[0].data, Network([5, 4, 3], rng=3).weights[0].data)
    assert not np.array_equal(Network([5, 4, 3]).weights[0].data, Network([5, 4, 3]).weights[0].data)


def test_float32_is_the_same_numbers_rounded():
    wide, narrow = Network([5, 4, 3], rng=1), Network([5, 4, 3], dtype=np.float32, rng=1)
    for p, q in zip(wide.parameters(), narrow.parameters(), strict=True):
        assert np.array_equal(p.data.astype(np.float32), q.data)
    assert narrow(X.astype(np.float32)).dtype == np.float32
    narrow.cost(X.astype(np.float32), one_hot([0, 1, 2, 0, 1, 2], 3, np.float32)).backward()
    assert {p.grad.dtype for p in narrow.parameters()} == {np.dtype(np.float32)}


# Parameters and state


def test_parameters_come_once_and_in_order():
    net = Network([5, 4, 3], rng=1)
    assert [p.name for p in net.parameters()] == ["w1", "b1", "w2", "b2"]
    assert [w.shape for w in net.weights] == [(4, 5), (3, 4)]
    assert [b.shape for b in net.biases] == [(4,), (3,)]
    assert net.parameters()[0] is net.weights[0]


def test_state_is_a_copy_and_goes_back():
    net = Network([5, 4, 3], rng=1)
    before, state = net(X).data.copy(), net.state_dict()
    for p in net.parameters():
        p.data = p.data * 2
    assert not np.array_equal(net(X).data, before)
    net.load_state_dict(state)
    assert np.array_equal(net(X).data, before)
    state["w1"][:] = 0
    assert np.array_equal(net(X).data, before)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"b2": None}, r"it lacks \['b2'\], and has nothing too many"),
        ({"w9": np.ones(3)}, r"it lacks nothing, and has \['w9'\] too many"),
        ({"b2": np.ones(4)}, r"b2 has shape \(4,\), not \(3,\)"),
        ({"b2": np.ones((3, 1))}, r"b2 has shape \(3, 1\), not \(3,\)"),
        ({"b2": np.array([1, np.nan, 2])}, "b2 holds values that are not finite"),
        ({"b2": np.array([1, 1e300, 2])}, "b2 holds values that are not finite numbers as float32"),
        ({"b2": np.array([1j, 2, 3])}, "b2 holds values that are not finite numbers"),
        ({"b2": np.array(["a", "b", "c"])}, "b2 holds values that are not finite numbers"),
        ({"b2": np.array([None] * 3)}, "b2 holds values that are not finite numbers"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, complaint):
    net = Network([5, 4, 3], dtype=np.float32, rng=1)
    before = copy.deepcopy(net.state_dict())
    zeros = {name: array * 0 for name, array in before.items()} | change
    with pytest.raises(ValueError, match=complaint):
        net.load_state_dict({name: array for name, array in zeros.items() if array is not None})
    assert all(np.array_equal(array, before[name]) for name, array in net.state_dict().items())


def test_a_state_of_another_precision_is_cast():
    narrow, wide = Network([5, 4, 3], dtype=np.float32, rng=1), Network([5, 4, 3], rng=2)
    narrow.load_state_dict(wide.state_dict())
    assert {p.dtype for p in narrow.parameters()} == {np.dtype(np.float32)}
    assert np.array_equal(narrow.weights[0].data, wide.weights[0].data.astype(np.float32))


# What is refused


@pytest.mark.parametrize("sizes", [[], [784], [784, 0, 10], [784, -3, 10], [784, 30.5, 10]])
def test_sizes_that_make_no_network(sizes):
    with pytest.raises(ValueError, match=r"sizes are the neurons of two layers or more, such as \[784, 30, 10\], not"):
        Network(sizes)


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ({"activation": "swish"}, "there is no activation 'swish'; there are sigmoid, tanh, relu"),
        ({"cost": "hinge"}, "there is no cost 'hinge'; there are quadratic, cross-entropy, log-likelihood"),
        ({"init": "zero"}, "there is no initialisation 'zero'; there are gaussian, scaled"),
    ],
)
def test_names_that_mean_nothing(option, complaint):
    with pytest.raises(ValueError, match=complaint):
        Network([5, 4, 3], **option)


@pytest.mark.parametrize("shape", [(4,), (6, 4), (4, 1), (6, 6)])
def test_the_wrong_number_of_inputs_is_an_error_that_names_the_shapes(shape):
    net = Network([5, 4, 3], rng=1)
    with pytest.raises(ValueError, match=r"\(4, 5\)") as caught:
        net.cost(np.ones(shape), np.ones((6, 3)))
    assert str(shape) in str(caught.value) or str(shape)[1:-1] in str(caught.value)


def test_targets_of_another_shape_are_not_broadcast():
    net = Network([5, 4, 1], rng=1)
    with pytest.raises(ValueError, match=r"outputs have shape \(6, 1\) and the targets \(6,\)"):
        net.cost(X, np.ones(6))


def test_only_the_two_precisions_are_networks():
    for dtype in (int, np.float16, complex):
        with pytest.raises(ValueError, match="float32 or float64"):
            Network([4, 2], dtype=dtype, rng=0)
        with pytest.raises(ValueError, match="float32 or float64"):
            Linear(4, 2, dtype=dtype, rng=0)


@pytest.mark.parametrize("x", [np.ones(5), np.ones((2, 5)), np.float64(1.0), np.ones((4, 2))])
def test_inputs_of_another_width_are_refused_in_the_words_of_the_network(x):
    with pytest.raises(ValueError, match=r"takes 4 inputs, of shape \(4,\) for one example or \(n, 4\) for a batch"):
        Network([4, 3], rng=0)(x)
