"""The trainer on models of any kind: what is trained, by which steps, on what, and that it goes on where it stopped."""

import numpy as np
import pytest
from conftest import DATA, quiet, same, state

from autograd import Tensor, no_grad, relu
from nn import (
    SGD,
    Adam,
    Dropout,
    FileError,
    Linear,
    Module,
    Network,
    Sequential,
    one_hot,
    quadratic,
    sigmoid_cross_entropy,
    softmax_log_likelihood,
    train,
)
from nn.checkpoint import Checkpoint

X, Y = DATA.x, one_hot(DATA.y, 3)


def stack(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return Sequential(Linear(6, 4, rng=rng, dtype=dtype), np.tanh, Linear(4, 3, rng=rng, dtype=dtype))


class Recurrent(Module):
    """Reads six numbers one after the other. Its parameters have no names."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.parts = [Tensor(rng.standard_normal(shape)) for shape in ((5,), (5, 5), (3, 5))]

    def __call__(self, x):
        u, w, v = self.parts
        h = np.zeros((x.shape[0], 5))
        for t in range(x.shape[1]):
            h = np.tanh(np.outer(x[:, t], u) + h @ w.T / 3)
        return h @ v.T


class TwoLayers(Module):
    """Both layers call their parameters w and b."""

    def __init__(self):
        self.first, self.second = Linear(6, 4, rng=0), Linear(4, 3, rng=1)

    def __call__(self, x):
        return self.second(relu(self.first(x)))


def by_hand(model, cost, optimiser, epochs, size, seed, x=X, y=Y):
    """The loop that the trainer stands for."""
    rng = np.random.default_rng(seed)
    costs = []
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for i in range(0, len(x), size):
            batch = order[i : i + size]
            optimiser.zero_grad()
            value = cost(model(x[batch]), y[batch])
            value.backward()
            costs.append(value.item())
            optimiser.step()
    return costs


@pytest.mark.parametrize("make", [stack, Recurrent, TwoLayers])
@pytest.mark.parametrize("cost", [quadratic, sigmoid_cross_entropy, softmax_log_likelihood])
@pytest.mark.parametrize("compiled", [None, True])
def test_any_model_and_any_cost(make, cost, compiled):
    ours, theirs = make(), make()
    history = train(ours, cost, (X, Y), 3, 10, optimiser=SGD(ours.parameters(), 0.3), rng=5, compiled=compiled,
                    report=None)  # fmt: skip
    costs = by_hand(theirs, cost, SGD(theirs.parameters(), 0.3), 3, 10, 5)
    if compiled:  # a program may multiply two matrices the other way round, and round otherwise then
        for one, other in zip(state(ours), state(theirs), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
    else:
        assert same(state(ours), state(theirs))
    np.testing.assert_allclose([epoch.cost for epoch in history], np.mean(np.reshape(costs, (3, -1)), axis=1))


def test_eta_alone_is_sgd_and_only_weights_decay():
    ours, theirs = stack(), stack()
    train(ours, quadratic, (X, Y), 2, 10, 0.3, momentum=0.5, weight_decay=0.1, rng=5, report=None)
    decayed = [p for p in theirs.parameters() if p.ndim == 2]
    optimiser = SGD(theirs.parameters(), 0.3, momentum=0.5, weight_decay=0.1, decayed=decayed)
    by_hand(theirs, quadratic, optimiser, 2, 10, 5)
    for one, other in zip(state(ours), state(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_labels_are_targets_where_there_is_an_output_for_each(capsys):
    ours, theirs = stack(), stack()
    for model, y in ((ours, DATA.y), (theirs, Y)):
        history = train(model, softmax_log_likelihood, (X, y), 30, 10, 0.5, rng=1, test_data=(X, y))
    assert same(state(ours), state(theirs))
    found = history[-1].scores["test"]
    assert found.correct == np.sum(np.argmax(ours(X).data, axis=1) == DATA.y) > 40
    assert found.cost == pytest.approx(softmax_log_likelihood(ours(X), Y).item(), rel=1e-12)
    assert capsys.readouterr().out.splitlines()[-1] == f"Epoch 29 : {found.correct} / 47"


def test_an_output_that_is_a_number_is_regression():
    x = np.linspace(-1, 1, 40)[:, np.newaxis]
    model = Sequential(Linear(1, 8, rng=0), np.tanh, Linear(8, 1, rng=1))
    history = train(model, quadratic, (x, x**2), 200, 10, optimiser=Adam(model.parameters(), 0.02), rng=0, report=None,
                    test_data=(x, x**2))  # fmt: skip
    assert history[-1].scores["test"].cost < 1e-3


def test_a_schedule_says_what_eta_is_at_each_step():
    model, seen = stack(), []

    class Seeing(SGD):
        def step(self):
            seen.append(self.eta)
            super().step()

    optimiser = Seeing(model.parameters(), 0.4)
    train(model, quadratic, (X, Y), 2, 10, optimiser=optimiser, schedule=lambda step, steps: 1 - step / steps,
          report=None)  # fmt: skip
    assert seen == [0.4 * (1 - i / 10) for i in range(10)]
    assert optimiser.eta == 0.4  # and in the end it is what it was


def test_a_gradient_that_is_too_long_is_scaled_down():
    model = stack()
    before = state(model)
    train(model, quadratic, (X, Y), 1, 47, 0.5, longest=0.01, report=None)
    moved = np.sqrt(sum(np.sum((new - old) ** 2) for new, old in zip(state(model), before, strict=True)))
    assert moved == pytest.approx(0.5 * 0.01, rel=1e-9)
    models = [stack(), stack()]
    for one, longest in zip(models, (1e9, None), strict=True):
        train(one, quadratic, (X, Y), 1, 47, optimiser=SGD(one.parameters(), 0.5), longest=longest, rng=0, report=None)
    assert same(*map(state, models))


class Noise:
    """Noise on every mini-batch, with a strength that is drawn for each epoch."""

    def begin(self, rng):
        self.strength = rng.random()

    def __call__(self, x, rng):
        return x + self.strength * rng.standard_normal(x.shape)


def test_inputs_are_changed_at_random():
    ours, theirs = stack(), stack()
    train(ours, quadratic, (X, Y), 2, 10, optimiser=SGD(ours.parameters(), 0.3), rng=5, report=None, augment=Noise())
    rng, noise, optimiser = np.random.default_rng(5), Noise(), SGD(theirs.parameters(), 0.3)
    for _ in range(2):
        noise.begin(rng)
        order = rng.permutation(47)
        for i in range(0, 47, 10):
            optimiser.zero_grad()
            quadratic(theirs(noise(X[order[i : i + 10]], rng)), Y[order[i : i + 10]]).backward()
            optimiser.step()
    assert same(state(ours), state(theirs))


@pytest.mark.parametrize("left", [1, 3, 4, 6, 9, 13])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_such_a_training_goes_on_bit_for_bit(tmp_path, left, kind):
    def run(path, left=1000, **options):
        model = stack()
        makes = {"SGD": lambda p: SGD(p, 0.3, momentum=0.9), "Adam": lambda p: Adam(p, 0.01)}
        countdown = [left]

        def cost(a, y):
            countdown[0] -= 1
            if not countdown[0]:
                raise KeyboardInterrupt
            return softmax_log_likelihood(a, y)

        history = train(
            model, cost, (X, Y), 3, 10, optimiser=makes[kind](model.parameters()), save=path, every=2, rng=5,
            augment=Noise(), schedule=lambda step, steps: 1 - step / steps, longest=1.0, report=quiet, **options,
        )  # fmt: skip
        return model, history

    one, history = run(tmp_path / "one")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "two", left)
    there = (tmp_path / "two").exists()
    assert there == (left > 2)
    two, both = run(tmp_path / "two", resume=tmp_path / "two" if there else None)
    assert same(state(one), state(two))
    assert [epoch.cost for epoch in history] == [epoch.cost for epoch in both]
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_differs_in_such_a_training_is_said(tmp_path):
    def run(epochs, make, **options):
        model = stack()
        train(model, quadratic, (X, Y), epochs, 10, optimiser=make(model.parameters()), save=tmp_path / "x",
              report=None, **options)  # fmt: skip

    run(1, lambda p: Adam(p, 0.01))
    for make, words in ((lambda p: Adam(p, 0.02), "eta was 0.01 and is 0.02"),
                        (lambda p: SGD(p, 0.01), "optimiser was Adam and is SGD")):  # fmt: skip
        with pytest.raises(FileError, match=words):
            run(2, make, resume=tmp_path / "x")
    with pytest.raises(FileError, match="schedule was False and is True"):
        run(2, lambda p: Adam(p, 0.01), resume=tmp_path / "x", schedule=lambda step, steps: 1.0)
    run(2, lambda p: Adam(p, 0.01), resume=tmp_path / "x")
    assert sorted(Checkpoint.read(tmp_path / "x").parameters) == ["b1", "b2", "w1", "w2"]


def test_a_network_takes_the_same_options():
    ours, theirs = Network([6, 4, 3], rng=0), Network([6, 4, 3], rng=0)
    ours.SGD(DATA, 2, 10, optimiser=Adam(ours.parameters(), 0.01), rng=5, report=None, longest=0.5)
    train(theirs, quadratic, (X, Y), 2, 10, optimiser=Adam(theirs.parameters(), 0.01), rng=5, report=None, longest=0.5)
    for one, other in zip(state(ours), state(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_training_that_diverges_names_eta():
    model = Sequential(Linear(6, 3, rng=0))
    with pytest.raises(FloatingPointError, match=r"try a smaller eta than 1e\+200"):
        train(model, quadratic, (X, Y), 3, 10, optimiser=SGD(model.parameters(), 1e200), report=None)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (((X, Y), 1, 10), {}, "takes eta with momentum, nesterov and weight_decay, or an optimiser"),
        (((X, Y), 1, 10, 0.1), {"longest": 0}, "longest is the length of a gradient"),
        (((X, Y[:5]), 1, 10, 0.1), {}, r"inputs of shape \(47, 6\) and targets of shape \(5, 3\)"),
        (([(x, y) for x, y in zip(X, Y, strict=True)], 1, 10, 0.1), {}, "not a pair of arrays"),
        (((X * np.nan, Y), 1, 10, 0.1), {}, "inputs of dtype float64 that are not all finite"),
        (((X, DATA.y + 1), 1, 10, 0.1), {}, "labels are whole numbers from 0 to 2"),
        (((X, Y), 1, 10, 0.1), {"test_data": (X * 1j, Y)}, "the test data has inputs of dtype complex128"),
    ],
)
def test_what_makes_no_training(arguments, options, words):
    with pytest.raises(ValueError, match=words):
        train(stack(), quadratic, *arguments, **options)


def test_a_model_without_parameters():
    with pytest.raises(ValueError, match="the model has no parameters to train"):
        train(Sequential(np.tanh), quadratic, (X, Y), 1, 10, 0.1)
    model = stack()
    with pytest.raises(ValueError, match="or an optimiser that has them"):
        train(model, quadratic, (X, Y), 1, 10, optimiser=SGD(model.parameters(), 0.1), momentum=0.9)


# Adam, and modules


def test_adam_is_the_formula_of_the_paper():
    gradients = np.random.default_rng(0).standard_normal((6, 3))
    p, m, s = np.array([1.0, -2.0, 0.5]), np.zeros(3), np.zeros(3)
    parameter = Tensor(p.copy())
    inside = parameter.data
    optimiser = Adam([parameter], 0.1, beta1=0.8, beta2=0.95, epsilon=1e-6, weight_decay=0.01)
    for t, g in enumerate(gradients, 1):
        p = p - 0.1 * 0.01 * p
        m, s = 0.8 * m + 0.2 * g, 0.95 * s + 0.05 * g * g
        p = p - 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(s / (1 - 0.95**t)) + 1e-6)
        parameter.grad = g.copy()
        optimiser.step()
        np.testing.assert_allclose(parameter.data, p, rtol=1e-12)
    assert parameter.data is inside


def test_adam_keeps_float32_and_refuses_what_makes_no_sense():
    parameter = Tensor(np.ones(3, np.float32))
    optimiser = Adam([parameter])
    for _ in range(2):
        parameter.grad = np.ones(3, np.float32)
        optimiser.step()
    assert parameter.dtype == optimiser.memory[0][0].dtype == optimiser.memory[0][1].dtype == np.float32
    for options, words in (
        ({"eta": -1}, "eta is a finite number"),
        ({"beta1": 1.0}, "beta1 and beta2 are less than 1"),
    ):
        with pytest.raises(ValueError, match=words):
            Adam([parameter], **options)
    with pytest.raises(ValueError, match="Adam takes a list of parameters"):
        Adam([])
    for broken in ({}, {"steps": np.array(1)}, optimiser.state_dict() | {"mean/7": np.ones(3)},
                   optimiser.state_dict() | {"square/0": np.ones(2)}):  # fmt: skip
        with pytest.raises(ValueError, match=r"not all there|there is no parameter"):
            optimiser.load_state_dict(broken)
    assert optimiser.steps == 2


def test_a_module_forgets_its_gradients():
    model = stack()
    quadratic(model(X), Y).backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


# Dropout


def with_dropout():
    rng = np.random.default_rng(0)
    return Sequential(Linear(6, 8, rng=rng), np.tanh, Dropout(0.25), Sequential(Linear(8, 3, rng=rng)))


def test_dropout_keeps_the_mean_and_is_off_where_nothing_is_recorded():
    dropout, ones = Dropout(0.25, rng=0), Tensor(np.ones(100_000, np.float32))
    found = dropout(ones)
    assert found.dtype == np.float32
    assert set(np.unique(found.data)) == {0, np.float32(1 / 0.75)}
    assert abs(found.data.mean() - 1) < 0.01
    found.sum().backward()
    assert np.array_equal(ones.grad, found.data)
    with no_grad():
        assert dropout(ones) is ones
    for rate in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="the rate of a dropout"):
            Dropout(rate)


def test_dropout_draws_from_the_generator_of_the_training(tmp_path):
    one, two = with_dropout(), with_dropout()
    history = train(one, softmax_log_likelihood, (X, Y), 4, 10, 0.5, rng=3, report=None, save=tmp_path / "one",
                    test_data=(X, Y))  # fmt: skip
    left = [8]

    def cost(a, y):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return softmax_log_likelihood(a, y)

    options = {"save": tmp_path / "two", "every": 2, "report": None, "test_data": (X, Y)}
    with pytest.raises(KeyboardInterrupt):
        train(two, cost, (X, Y), 4, 10, 0.5, rng=3, **options)
    two = with_dropout()
    both = train(two, softmax_log_likelihood, (X, Y), 4, 10, 0.5, rng=9, resume=tmp_path / "two", **options)
    assert same(state(one), state(two))
    assert [epoch.scores for epoch in history] == [epoch.scores for epoch in both]


def test_dropout_is_not_frozen_into_a_program():
    with pytest.raises(TypeError, match="a dropout draws anew each time"):
        train(with_dropout(), softmax_log_likelihood, (X, Y), 1, 10, 0.5, compiled=True, report=None)
