"""The methods of the book's network.py on `Network`: on the book's columns, against the equations derived by hand."""

import numpy as np
import pytest

from nn import Network, equations, one_hot
from nn.costs import COSTS
from nn.layers import activations
from nn.proof.numbers import relative_difference

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 8)
COLUMNS = [(x[:, np.newaxis], y[:, np.newaxis]) for x, y in zip(RNG.random((8, 5)), one_hot(LABELS, 3), strict=True)]
LABELLED = [(x, int(label)) for (x, _), label in zip(COLUMNS, LABELS, strict=True)]


def by_the_book(net):
    """The parameters as the book has them: arrays, and the biases columns."""
    return [w.data.copy() for w in net.weights], [b.data[:, np.newaxis].copy() for b in net.biases]


def agree(found, expected):
    for p, q in zip(found, expected, strict=True):
        assert type(p) is np.ndarray
        assert p.shape == q.shape
        assert relative_difference(p, q) <= 1e-12


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", activations())
@pytest.mark.parametrize("sizes", [[5, 3], [5, 4, 3], [5, 6, 4, 3]])
def test_backprop_returns_the_lists_of_the_book(sizes, activation, cost):
    net = Network(sizes, activation=activation, cost=cost, rng=1)
    w, b = by_the_book(net)
    for x, y in COLUMNS[:3]:
        nabla_b, nabla_w = net.backprop(x, y)
        by_hand_b, by_hand_w = equations.backprop(w, b, x, y, cost, activation)
        agree(nabla_b, by_hand_b)
        agree(nabla_w, by_hand_w)
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize("cost", COSTS)
def test_update_mini_batch_is_the_mean_over_the_examples(cost):
    net = Network([5, 4, 3], cost=cost, rng=1)
    w, b = by_the_book(net)
    net.update_mini_batch(COLUMNS, 0.7)
    nablas = [equations.backprop(w, b, x, y, cost) for x, y in COLUMNS]
    for layer in range(2):
        agree([net.weights[layer].data], [w[layer] - 0.7 / 8 * sum(nabla_w[layer] for _, nabla_w in nablas)])
        agree([net.biases[layer].data], [(b[layer] - 0.7 / 8 * sum(nabla_b[layer] for nabla_b, _ in nablas))[:, 0]])
    assert all(p.grad is None for p in net.parameters())


def test_the_update_of_the_book_can_be_written_on_top():
    class Mine(Network):
        def update_mini_batch(self, mini_batch, eta):
            sum_b, sum_w = [0] * (self.num_layers - 1), [0] * (self.num_layers - 1)
            for x, y in mini_batch:
                nabla_b, nabla_w = self.backprop(x, y)
                sum_b = [total + nabla for total, nabla in zip(sum_b, nabla_b, strict=True)]
                sum_w = [total + nabla for total, nabla in zip(sum_w, nabla_w, strict=True)]
            eta = eta / len(mini_batch)
            self.weights = [w - eta * nabla for w, nabla in zip(self.weights, sum_w, strict=True)]
            self.biases = [b.data[:, np.newaxis] - eta * nabla for b, nabla in zip(self.biases, sum_b, strict=True)]

    mine, ours = Mine([5, 4, 3], rng=1), Network([5, 4, 3], rng=1)
    for net in (mine, ours):
        for start in (0, 4):
            net.update_mini_batch(COLUMNS[start : start + 4], 0.7)
    agree([p.data for p in mine.parameters()], [p.data for p in ours.parameters()])
    assert all(p.op is None for p in mine.parameters())


@pytest.mark.parametrize("cost", COSTS)
def test_cost_derivative_is_dc_da(cost):
    net = Network([5, 4, 3], cost=cost, rng=1)
    for x, y in COLUMNS:
        a = net.feedforward(x)
        expected = equations.COSTS[cost].derivative(a, y)
        agree([net.cost_derivative(a, y), net.cost_derivative(a[:, 0], y[:, 0])], [expected, expected[:, 0]])


def test_feedforward_and_evaluate():
    net = Network([5, 4, 3], rng=1)
    w, b = by_the_book(net)
    right = 0
    for x, label in LABELLED:
        a = equations.sigmoid(w[1] @ equations.sigmoid(w[0] @ x + b[0]) + b[1])
        agree([net.feedforward(x), net.feedforward(x[:, 0]), net.feedforward([x[:, 0]])], [a, a[:, 0], a.T])
        right += int(np.argmax(a)) == label
    assert net.evaluate(LABELLED) == net.evaluate(COLUMNS) == right
    assert type(net.evaluate(LABELLED)) is int
    assert net.num_layers == 3


def test_float32_stays_float32():
    net = Network([5, 4, 3], dtype=np.float32, rng=1)
    x, y = COLUMNS[0]
    nabla_b, nabla_w = net.backprop(x, y)
    net.update_mini_batch(COLUMNS, 0.5)
    arrays = [*nabla_b, *nabla_w, net.feedforward(x), *(p.data for p in net.parameters())]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_what_does_not_fit_is_refused_and_changes_nothing():
    net = Network([5, 4, 3], rng=1)
    before = net.state_dict()
    x, y = COLUMNS[0]
    with pytest.raises(ValueError, match=r"the example has inputs of shape \(1, 4\) .* the network takes \(n, 5\)"):
        net.backprop(x[1:], y)
    with pytest.raises(ValueError, match=r"the targets of the example have shape \(1, 2\); the network has 3 outputs"):
        net.backprop(x, y[1:])
    with pytest.raises(ValueError, match=r"the mini-batch is empty"):
        net.update_mini_batch([], 1.0)
    with pytest.raises(ValueError, match=r"the 3 output activations of one example and as many targets, not arrays of"):
        net.cost_derivative(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"1 arrays do not fit a network with 2 layers"):
        net.weights = [np.ones((4, 5))]
    with pytest.raises(ValueError, match=r"b1 has shape \(4, 4\), not \(4,\)"):  # b - eta nabla_b, of (4,) and (4, 1)
        net.biases = [b - np.ones((len(b), 1)) for b in net.biases]
    assert all(np.array_equal(array, before[name]) for name, array in net.state_dict().items())
