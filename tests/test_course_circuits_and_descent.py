"""What the first examples claim: circuits of NAND perceptrons, second order, and descents that are what they say."""

import importlib.util
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from autograd import Tensor, explain, sigmoid
from nn import Examples, Network, equations, one_hot, score, train

EXAMPLES = Path(__file__).parent.parent / "examples"


@cache
def example(number):
    (path,) = EXAMPLES.glob(f"{number:02}_*.py")
    spec = importlib.util.spec_from_file_location(f"example_{number}", path)
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def digits(n, n_in=5, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return Examples(rng.random((n, n_in)), rng.integers(0, classes, n))


# 1. Perceptrons


def test_a_perceptron_answers_1_above_its_threshold_and_0_on_it():
    perceptron = example(1).Perceptron(np.array([1.0, 2.0]), -3.0)
    np.testing.assert_array_equal(perceptron(np.array([[1.0, 1.0], [1.0, 1.1], [1.0, 0.9]])), [0, 1, 0])
    assert perceptron(np.array([2.0, 2.0])) == 1


def test_bits_count():
    np.testing.assert_array_equal(example(1).bits(2), [[0, 0], [0, 1], [1, 0], [1, 1]])


def test_the_nand_perceptron():
    np.testing.assert_array_equal(example(1).NAND(example(1).bits(2)), [1, 1, 1, 0])


@pytest.mark.parametrize(("name", "n", "gates"), [("half_adder", 2, 5), ("full_adder", 3, 9)])
def test_an_adder_of_bits(name, n, gates):
    e = example(1)
    circuit, x = e.Circuit(n), e.bits(n)
    total, carry = circuit.run(x, getattr(e, name)(circuit, *range(n))).T
    np.testing.assert_array_equal(2 * carry + total, x.sum(axis=1))
    assert len(circuit.gates) == gates


def test_an_adder_of_numbers_adds_all_of_them():
    e = example(1)
    circuit, x = e.Circuit(6), e.bits(6)  # two numbers, each from the highest bit to the lowest
    outputs = circuit.run(x, e.adder(circuit, [2, 1, 0], [5, 4, 3]))
    np.testing.assert_array_equal(outputs @ [1, 2, 4, 8], x[:, :3] @ [4, 2, 1] + x[:, 3:] @ [4, 2, 1])


@pytest.mark.parametrize("n", [1, 2])
def test_every_small_truth_table_from_nand_alone(n):
    e = example(1)
    for table in e.bits(2**n):
        circuit = e.Circuit(n)
        np.testing.assert_array_equal(circuit.run(e.bits(n), [e.truth_table(circuit, table)])[:, 0], table)


@pytest.mark.parametrize("n", [3, 5, 8])
def test_random_truth_tables_from_nand_alone(n):
    e, rng = example(1), np.random.default_rng(n)
    for _ in range(5):
        tables = rng.integers(0, 2, (2, 2**n))
        circuit = e.Circuit(n)  # two outputs of one circuit
        outputs = circuit.run(e.bits(n), [e.truth_table(circuit, table) for table in tables])
        np.testing.assert_array_equal(outputs.T, tables)


@pytest.mark.parametrize(("n", "rows"), [(2, 3), (2, 8), (0, 1)])
def test_a_truth_table_of_another_size_is_refused(n, rows):
    with pytest.raises(ValueError, match="rows"):
        example(1).truth_table(example(1).Circuit(n), [1] * rows)


def test_no_perceptron_has_a_gradient_wherever_it_is():
    e, rng = example(1), np.random.default_rng(0)
    w, b = Tensor(rng.standard_normal((4, 500))), Tensor(rng.standard_normal(500))
    cost = np.sum((e.Perceptron(w, b)(rng.standard_normal((20, 4))) - rng.integers(0, 2, (20, 1))) ** 2)
    cost.backward()
    assert cost.item() > 0
    assert not np.any(w.grad) and not np.any(b.grad)


def test_the_explanation_shows_where_the_gradient_stops():
    steps = {step.name: step for step in explain(example(1).one_wrong_neuron(example(1).step_function)).steps}
    assert steps["a"].gradient == 1 and steps["z"].gradient == 0
    assert steps["z"].contributions[0].rule == "da * 0"
    steps = {step.name: step for step in explain(example(1).one_wrong_neuron(sigmoid)).steps}
    assert steps["z"].gradient > 0.1 and steps["w1"].gradient == steps["z"].gradient


def test_the_sigmoid_learns_nand_and_the_step_does_not():
    e = example(1)
    costs, largest, before, after = e.learn_nand(e.step_function, 50, 100, 5.0, 0)
    assert largest == 0 and np.array_equal(before, after) and np.array_equal(costs[0], costs[-1])
    costs, largest, before, after = e.learn_nand(sigmoid, 50, 400, 5.0, 0)
    assert largest > 0 and np.sum(before) < 10 and np.all(after) and np.all(costs[-1] < costs[0])


# 2. The smooth change


@pytest.mark.parametrize("seed", range(5))
def test_the_error_of_the_linear_prediction_is_of_second_order(seed):
    e, rng = example(2), np.random.default_rng(seed)
    x, w, b = rng.random(4), rng.standard_normal(4), rng.standard_normal() + 3.0
    direction = (rng.random(4), 1.0)  # it moves z by 1 or more, and z is not near 0, where the curve is straight
    f = e.neuron(sigmoid, x)
    changes, predicted, errors = e.smooth_change(f, (w, b), direction)
    np.testing.assert_allclose(e.ratios(errors)[2:4], 100, rtol=0.05)
    np.testing.assert_allclose(errors, np.abs(changes - predicted))

    a = sigmoid(w @ x + b)
    along = direction[0] @ x + direction[1]
    np.testing.assert_allclose(predicted, e.STEPS * a * (1 - a) * along)
    curvature = abs(a * (1 - a) * (1 - 2 * a)) * along**2 / 2
    assert e.second_order(f, (w, b), direction) == pytest.approx(curvature)
    assert errors[3] / e.STEPS[3] ** 2 == pytest.approx(curvature, rel=0.02)


def test_a_slip_of_one_per_cent_in_the_gradient_makes_it_first_order():
    e = example(2)
    f = e.neuron(sigmoid, np.array([1.0, -0.5]))
    *_, errors = e.smooth_change(f, (np.array([0.5, 1.0]), 1.0), (np.array([1.0, 0.5]), 1.0), slip=0.01)
    np.testing.assert_allclose(e.ratios(errors)[-2:], 10, rtol=0.01)


def test_a_perceptron_on_its_threshold_jumps_by_one_however_small_the_step():
    e = example(2)
    f = e.neuron(e.step_function, np.array([1.0, 0.5]))
    changes, predicted, errors = e.smooth_change(f, (np.array([0.5, -1.0]), 0.0), (np.array([0.0, 0.0]), 1.0))
    assert np.all(changes == 1) and np.all(predicted == 0) and np.all(e.ratios(errors) == 1)


def test_the_cost_of_the_network_is_that_of_a_network():
    net = Network([5, 4, 3], rng=0)
    data = digits(6)
    cost = example(2).network_cost(data.x, one_hot(data.y, 3))
    assert float(cost(*[p.data for p in net.parameters()])) == pytest.approx(score(net, data).cost, rel=1e-14)


# 3. Gradient descent


@pytest.mark.parametrize(("size", "budget", "steps"), [(40, 120, 3), (7, 120, 18), (1, 120, 120), (10, 50, 5)])
def test_every_descent_sees_its_budget_and_no_more(size, budget, steps):
    data = digits(40)
    net = Network([5, 3], rng=0)
    start = score(net, data).cost
    curve, taken = example(3).descend(net, data, size, 0.1, budget, np.random.default_rng(0), data)
    assert taken == steps
    assert curve[0] == (0, start) and curve[-1] == (budget, score(net, data).cost)
    assert np.all(np.diff([seen for seen, _ in curve]) > 0)


def test_a_full_batch_is_one_step_along_the_whole_gradient():
    data, net, eta = digits(40), Network([5, 4, 3], rng=0), 0.5
    weights, biases = ([p.data.copy() for p in ps] for ps in (net.weights, net.biases))
    nabla_b, nabla_w = equations.backprop_batch(weights, biases, data.x, one_hot(data.y, 3))
    example(3).descend(net, data, 40, eta, 40, np.random.default_rng(0), data)
    for p, before, g in zip(net.weights + net.biases, weights + biases, [*nabla_w, *nabla_b], strict=True):
        np.testing.assert_allclose(p.data, before - eta * g, rtol=1e-12)


def test_a_descent_on_mini_batches_is_that_of_the_trainer():
    data = digits(40)
    ours, theirs = Network([5, 4, 3], rng=0), Network([5, 4, 3], rng=0)
    example(3).descend(ours, data, 10, 3.0, 80, np.random.default_rng(1), data)
    train(theirs, data, 2, 10, 3.0, rng=1, report=lambda epoch: None)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12)


def test_gradients_agree_with_the_whole_the_more_images_they_are_of():
    data, net = digits(60), Network([5, 4, 3], rng=0)
    whole, tens, ones = example(3).agreement(net, data, (60, 10, 1), np.random.default_rng(0))
    assert whole == pytest.approx(1) and 0 < ones < tens < 1
    assert all(p.grad is None for p in net.parameters())


# 5. Learning rates


def test_only_eta_differs_between_the_runs():
    training, validation = digits(30), digits(20, seed=1)
    small, *_ = example(5).learn([5, 4, 3], 1e-30, 0, 1, (training, validation))
    start = Network([5, 4, 3], dtype=np.float32, rng=0)
    for a, b in zip(small.parameters(), start.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)
    _, on_validation, on_test = example(5).learn([5, 4, 3], 1.0, 0, 2, (training, validation))
    assert len(on_validation) == 2 and on_test == []
    net, on_validation, on_test = example(5).learn([5, 4, 3], 1.0, 0, 2, (training, validation), training)
    assert on_validation[-1] == 100 * score(net, validation).accuracy
    assert on_test[-1] == 100 * score(net, training).accuracy


def test_the_condition_of_a_network_is_its_gradient_and_its_slopes():
    data, net = digits(30), Network([5, 4, 3], rng=0)
    gradient, slopes = example(5).condition(net, data)
    weights, biases = ([p.data for p in ps] for ps in (net.weights, net.biases))
    nabla_b, nabla_w = equations.backprop_batch(weights, biases, data.x, one_hot(data.y, 3))
    assert gradient == pytest.approx(np.sqrt(sum(np.sum(g**2) for g in [*nabla_b, *nabla_w])))
    a1 = sigmoid(data.x @ weights[0].T + biases[0])
    a2 = sigmoid(a1 @ weights[1].T + biases[1])
    np.testing.assert_allclose(slopes, [np.mean(a1 * (1 - a1)), np.mean(a2 * (1 - a2))])
