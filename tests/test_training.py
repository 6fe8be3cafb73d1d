"""The trainer: its order, its lines, and how it ends."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import numpy as np
import pytest
from conftest import DATA, Interrupting, quiet, same, small_data, state
from foreign import GCC, there

from autograd import LoweringError
from nn import Examples, FileError, Linear, Network, equations, load_data_wrapper, load_digits, one_hot, score, train
from nn.costs import COSTS
from nn.scoring import Epoch, as_examples
from nn.training import mini_batches, print_epoch

# What it prints


@pytest.fixture(scope="module")
def book_data():
    training, validation, test = load_data_wrapper()
    return training[:2000], validation[:300], test[:500]


def test_the_three_lines_of_the_book(book_data, capsys):
    training_data, _, test_data = book_data
    net = Network([784, 30, 10])
    net.SGD(training_data, 2, 10, 3.0, test_data=test_data)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" : ")[0] for line in lines] == ["Epoch 0", "Epoch 1"]
    correct = sum(int(np.argmax(net(x).data)) == y for x, y in test_data)  # as the book evaluates
    assert lines[1] == f"Epoch 1 : {correct} / 500"
    assert correct > 100  # by chance it would be 50


def test_without_test_data_the_epochs_are_only_counted(capsys):
    Network([6, 4, 3], rng=0).SGD(DATA, 2, 10, 3.0)
    assert capsys.readouterr() == ("Epoch 0 complete\nEpoch 1 complete\n", "")


def test_what_is_measured(capsys):
    net = Network([6, 4, 3], rng=0)
    test, validation = small_data(20, seed=1), small_data(30, seed=2)
    history = train(net, DATA, 2, 10, 1.0, test_data=test, validation_data=validation, monitor_training=True, rng=0)
    assert [epoch.number for epoch in history] == [0, 1]
    scores = history[-1].scores
    assert {name: result.total for name, result in scores.items()} == {"training": 47, "validation": 30, "test": 20}
    for name, data in (("training", DATA), ("validation", validation), ("test", test)):
        assert scores[name] == score(net, data)
        assert scores[name].correct == np.sum(net.predict(data.x) == data.y)
        weights, biases = [w.data for w in net.weights], [b.data for b in net.biases]
        z = equations.output_weighted_input(weights, biases, data.x)
        assert scores[name].cost == pytest.approx(equations.cost(z, one_hot(data.y, 3)), rel=1e-12)
        assert scores[name].accuracy == scores[name].correct / scores[name].total
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith(f"Epoch 1 : {scores['test'].correct} / 20  training cost {scores['training'].cost:.5f} acc")
    assert line.endswith(
        f"validation cost {scores['validation'].cost:.5f} accuracy {scores['validation'].accuracy:.2%}"
    )


def test_a_line_is_in_a_log_as_soon_as_its_epoch_is_done(tmp_path, monkeypatch):
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stdout", log)
        print_epoch(Epoch(3, 1.0))
        assert (tmp_path / "log").read_text() == "Epoch 3 complete\n"


SCRIPT = """
import numpy as np
from nn import Network
rng = np.random.default_rng(0)
Network([6, 4, 3], rng=0).SGD((rng.random((50, 6)), rng.integers(0, 3, 50)), 2, 10, 1.0)
"""


def test_plain_lines_where_there_is_no_terminal():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("Epoch 0 complete\nEpoch 1 complete\n", "")


def read_terminal(terminal):
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux says that nobody writes to the terminal any more
            return shown.decode()
        if not piece:
            return shown.decode()
        shown += piece


def test_a_progress_bar_on_a_terminal():
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=end, stderr=end)
    os.close(end)
    shown = read_terminal(terminal)
    os.close(terminal)
    assert process.wait() == 0
    assert "Epoch 0:   0%|" in shown
    assert "Epoch 1:   0%|" in shown
    assert "Epoch 0 complete\r\n" in shown  # the line stands on its own
    assert "/5 [" in shown


# What it computes


def replay(weights, biases, x, y, order, size, eta, cost, activation):
    """An epoch by the hand-derived equations, per example as the book sums them."""
    for i in range(0, len(order), size):
        batch = order[i : i + size]
        nabla_b, nabla_w = equations.mean_gradient(weights, biases, x[batch], y[batch], cost, activation)
        weights = [w - eta * nabla for w, nabla in zip(weights, nabla_w, strict=True)]
        biases = [b - eta * nabla for b, nabla in zip(biases, nabla_b, strict=True)]
    return weights, biases


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_epochs_can_be_replayed_with_numpy_alone(cost, activation):
    net = Network([6, 4, 3], cost=cost, activation=activation, rng=1)
    weights, biases = [w.data.copy() for w in net.weights], [b.data.copy() for b in net.biases]
    rng, replayed = np.random.default_rng(5), np.random.default_rng(5)
    net.SGD(DATA, 3, 10, 0.5, rng=rng, test_data=DATA, validation_data=DATA, monitor_training=True, report=quiet)
    for _ in range(3):
        order = replayed.permutation(47)  # four slices of ten, and one of seven
        weights, biases = replay(weights, biases, DATA.x, one_hot(DATA.y, 3), order, 10, 0.5, cost, activation)
    assert rng.bit_generator.state == replayed.bit_generator.state  # nothing else was drawn
    for found, expected in zip(net.weights + net.biases, weights + biases, strict=True):
        np.testing.assert_allclose(found.data, expected, rtol=1e-10, atol=1e-13)


def test_digits_can_be_replayed_too(book_data):
    x, y = load_digits(scale=256)[0]
    x, y = x[:2000], y[:2000]
    net = Network([784, 30, 10], rng=1)
    weights, biases = [w.data.copy() for w in net.weights], [b.data.copy() for b in net.biases]
    net.SGD(book_data[0], 1, 10, 3.0, rng=np.random.default_rng(2), report=quiet)
    order = np.random.default_rng(2).permutation(2000)
    weights, biases = replay(weights, biases, x, one_hot(y), order, 10, 3.0, "quadratic", "sigmoid")
    for found, expected in zip(net.weights + net.biases, weights + biases, strict=True):
        np.testing.assert_allclose(found.data, expected, rtol=1e-9, atol=1e-11)


def test_mini_batches_are_slices_of_one_permutation():
    batches = mini_batches(25, 10, np.random.default_rng(4))
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert np.array_equal(np.concatenate(batches), np.random.default_rng(4).permutation(25))
    assert [len(batch) for batch in mini_batches(3, 10, np.random.default_rng(4))] == [3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pairs_and_arrays_give_the_same_bits(book_data, dtype):
    training, _, test = load_digits(scale=256)
    nets = [Network([784, 12, 10], dtype=dtype, rng=1) for _ in range(4)]
    arrays = Examples(training.x[:2000], training.y[:2000])
    sets = [book_data[0], arrays, (arrays.x, one_hot(arrays.y)), ((x, y) for x, y in book_data[0])]
    tests = [book_data[2], (test.x[:500], test.y[:500]), Examples(test.x[:500], one_hot(test.y[:500])), book_data[2]]
    histories = [
        net.SGD(data, 1, 10, 3.0, test_data=test, rng=9, report=quiet)
        for net, data, test in zip(nets, sets, tests, strict=True)
    ]
    for net, history in zip(nets[1:], histories[1:], strict=True):
        assert same(state(net), state(nets[0]))
        assert history[0].scores == histories[0][0].scores


def test_weight_decay_leaves_out_the_biases():
    net = Network([6, 4, 3], rng=1)
    weights, biases = [w.data.copy() for w in net.weights], [b.data.copy() for b in net.biases]
    net.SGD(DATA, 1, 47, 0.5, weight_decay=0.1, momentum=0.9, rng=0, report=quiet)
    nabla_b, nabla_w = equations.backprop_batch(weights, biases, DATA.x, one_hot(DATA.y, 3))
    for found, w, nabla in zip(net.weights, weights, nabla_w, strict=True):
        np.testing.assert_allclose(found.data, (1 - 0.5 * 0.1) * w - 0.5 * nabla, rtol=1e-11, atol=1e-13)
    for found, b, nabla in zip(net.biases, biases, nabla_b, strict=True):
        np.testing.assert_allclose(found.data, b - 0.5 * nabla, rtol=1e-11, atol=1e-13)


def test_one_output_is_trained_on_labels_0_and_1():
    x = np.random.default_rng(0).standard_normal((200, 2))
    y = (x.sum(axis=1) > 0).astype(int)
    net = Network([2, 4, 1], cost="cross-entropy", init="scaled", rng=0)
    history = net.SGD((x, y), 20, 10, 0.5, test_data=(x, y), rng=0, report=quiet)
    assert history[-1].scores["test"].accuracy > 0.95


def test_the_gradients_are_gone_after_training():
    net = Network([6, 4, 3], rng=0)
    net.SGD(DATA, 1, 10, 1.0, report=quiet)
    assert all(p.grad is None for p in net.parameters())


def test_no_epochs_change_nothing():
    net = Network([6, 4, 3], rng=0)
    before = state(net)
    assert net.SGD(DATA, 0, 10, 1.0, patience=1, validation_data=DATA) == []
    assert same(state(net), before)


# How it ends


def recorded(net, states):
    """A report that notes the network after each epoch."""
    return lambda epoch: states.append(state(net))


def first_best(history):
    return max(history, key=lambda epoch: epoch.scores["validation"].correct).number


def test_early_stopping_returns_to_the_best_epoch(tmp_path):
    net, states = Network([6, 4, 3], rng=3), []
    history = net.SGD(
        DATA, 200, 10, 5.0, validation_data=small_data(30, seed=0), patience=4, rng=0,
        report=recorded(net, states), save=tmp_path / "net.npz",
    )  # fmt: skip
    best = first_best(history)
    assert len(history) == best + 5 < 200
    assert same(state(net), states[best])
    assert same(state(Network.load(tmp_path / "net.npz")), states[best])


def test_patience_keeps_the_best_when_the_epochs_run_out(tmp_path):
    net, states = Network([6, 4, 3], rng=3), []
    options = {"validation_data": small_data(30, seed=0), "rng": 0}
    longer = Network([6, 4, 3], rng=3).SGD(DATA, 200, 10, 5.0, patience=4, report=quiet, **options)
    epochs = first_best(longer) + 3  # ends two epochs after the best, before the patience does
    save = tmp_path / "net.npz"
    history = net.SGD(DATA, epochs, 10, 5.0, patience=4, report=recorded(net, states), save=save, **options)
    assert len(history) == epochs
    assert not same(states[-1], states[first_best(history)])
    assert same(state(net), states[first_best(history)])
    assert same(state(Network.load(save)), states[first_best(history)])


def test_ctrl_c_in_a_report_keeps_that_epoch(tmp_path):
    net, states = Network([6, 4, 3], rng=0), []

    def report(epoch):
        states.append(state(net))
        if epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.SGD(DATA, 9, 10, 1.0, rng=0, report=report, save=tmp_path / "net.npz")
    assert len(states) == 3
    assert same(state(net), states[2])
    assert same(state(Network.load(tmp_path / "net.npz")), states[2])


def test_ctrl_c_inside_an_epoch_goes_back_to_the_last_finished_one(tmp_path):
    net, states = Interrupting([6, 4, 3], rng=0), []
    with pytest.raises(KeyboardInterrupt):
        net.SGD(DATA, 9, 10, 1.0, rng=0, momentum=0.5, report=recorded(net, states), save=tmp_path / "net.npz")
    assert len(states) == 2  # of five mini-batches each; two of the third epoch were lost
    assert same(state(net), states[1])
    assert all(p.grad is None for p in net.parameters())
    assert same(state(Network.load(tmp_path / "net.npz")), states[1])


def test_ctrl_c_in_the_first_epoch_leaves_the_start_and_an_older_file(tmp_path):
    net = Interrupting([6, 4, 3], rng=0)
    net.left = 3
    before = state(net)
    (tmp_path / "net.npz").write_bytes(b"older")
    with pytest.raises(KeyboardInterrupt):
        net.SGD(DATA, 9, 10, 1.0, rng=0, save=tmp_path / "net.npz")
    assert same(state(net), before)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("net.npz", b"older")]


def test_training_that_diverges_is_an_error_and_leaves_the_epoch_before(tmp_path):
    net, states = Network([6, 4, 3], activation="relu", cost="log-likelihood", rng=0), []
    wild = Examples(DATA.x * 1e200, DATA.y)
    before = state(net)
    with pytest.raises(FloatingPointError, match=r"diverged in epoch 0: .* try a smaller eta than 1e\+200"):
        net.SGD(wild, 3, 10, 1e200, rng=0, report=quiet, save=tmp_path / "net.npz")
    assert same(state(net), before)
    assert list(tmp_path.iterdir()) == []

    def report(epoch):
        states.append(state(net))
        wild.x[:] = np.nan  # the data turns wild after an epoch

    wild.x[:] = DATA.x
    with pytest.raises(FloatingPointError, match="diverged in epoch 1"):
        net.SGD(wild, 3, 10, 1.0, rng=0, report=report, save=tmp_path / "net.npz")
    assert same(state(net), states[0])
    assert same(state(Network.load(tmp_path / "net.npz")), states[0])


def test_a_file_that_cannot_be_written_is_known_before_the_training(tmp_path):
    net, epochs = Network([6, 4, 3], rng=0), []
    rng = np.random.default_rng(0)
    with pytest.raises(FileError, match="cannot be written"):
        net.SGD(DATA, 3, 10, 1.0, rng=rng, save=tmp_path / "none" / "net.npz", report=epochs.append)
    assert epochs == []
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


# What is refused


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((DATA, -1, 10, 1.0), "epochs=-1 and mini_batch_size=10 are whole numbers, at least 0 and 1"),
        ((DATA, 1.5, 10, 1.0), "epochs=1.5"),
        ((DATA, 1, 0, 1.0), "mini_batch_size=0"),
        ((DATA, 1, 2.5, 1.0), "mini_batch_size=2.5"),
        ((DATA, 1, 10, -1.0), "eta is a finite number, not negative"),
        (([], 1, 10, 1.0), "the training data is empty"),
        ((7, 1, 10, 1.0), r"the training data is neither a list of pairs \(x, y\)"),
        (([(DATA.x[0], 1), (DATA.x[0][:5], 1)], 1, 10, 1.0), "all of the same size"),
        (([(DATA.x[0], 1, 2)], 1, 10, 1.0), "the training data is neither a list of pairs"),
        (((DATA.x, DATA.y[:-1]), 1, 10, 1.0), r"inputs of shape \(47, 6\) and targets of shape \(46,\); the network"),
        (((DATA.x[:, :5], DATA.y), 1, 10, 1.0), r"inputs of shape \(47, 5\) .* the network takes \(n, 6\)"),
        (((DATA.x[:, :, None], DATA.y), 1, 10, 1.0), r"inputs of shape \(47, 6, 1\)"),
        (((DATA.x, np.array(3)), 1, 10, 1.0), r"targets of shape \(\)"),
        (
            ((DATA.x, np.ones((47, 4))), 1, 10, 1.0),
            r"the targets of the training data have shape \(47, 4\); the network has 3 outputs",
        ),
        (((DATA.x, DATA.y + 1), 1, 10, 1.0), "labels are whole numbers from 0 to 2, not 1 to 3"),
        (((DATA.x, DATA.y / 2), 1, 10, 1.0), "labels are whole numbers from 0 to 2, not of dtype float64"),
    ],
)
def test_arguments_that_make_no_training(arguments, complaint):
    net = Network([6, 4, 3], rng=0)
    before = state(net)
    with pytest.raises(ValueError, match=complaint):
        net.SGD(*arguments, report=quiet)
    assert same(state(net), before)


@pytest.mark.parametrize("options", [{"patience": 0, "validation_data": DATA}, {"patience": 3}])
def test_patience_needs_validation_data(options):
    with pytest.raises(ValueError, match="patience, at least 1, needs validation_data"):
        Network([6, 4, 3], rng=0).SGD(DATA, 1, 10, 1.0, **options)


def test_errors_name_the_set():
    for name in ("test", "validation"):
        with pytest.raises(ValueError, match=f"the {name} data has inputs of shape"):
            Network([6, 4, 3], rng=0).SGD(DATA, 1, 10, 1.0, **{f"{name}_data": (DATA.x[:, 1:], DATA.y)})
    with pytest.raises(ValueError, match="the data is empty"):
        score(Network([6, 4, 3]), [])


def test_as_examples_takes_columns_and_arrays():
    pairs = [(x[:, np.newaxis], y) for x, y in zip(*DATA, strict=True)]
    for data in (pairs, tuple(pairs[:2]), iter(pairs)):
        assert as_examples(data, 6).x.shape[1] == 6
    assert as_examples(DATA, 6).x is DATA.x


def test_what_is_wrong_with_a_test_set_is_said_before_the_training():
    net = Network([6, 4, 3], rng=0)
    before = state(net)
    with pytest.raises(ValueError, match="the test data: labels are whole numbers from 0 to 2"):
        net.SGD(DATA, 1, 10, 1.0, test_data=(DATA.x, DATA.y + 1), report=quiet)
    with pytest.raises(ValueError, match="the validation data has inputs of dtype float64 that are not all finite"):
        net.SGD(DATA, 1, 10, 1.0, validation_data=(DATA.x * np.nan, DATA.y), report=quiet)
    with pytest.raises(ValueError, match="the training data has inputs of dtype complex128"):
        net.SGD((DATA.x * 1j, DATA.y), 1, 10, 1.0, report=quiet)
    with pytest.raises(ValueError, match="labels are whole numbers from 0 to 1"):
        Network([6, 1], rng=0).SGD((DATA.x, DATA.y + 1), 1, 10, 1.0, report=quiet)
    assert same(state(net), before)


# Mini-batches in C.


def test_training_in_c_is_the_same_to_rounding():
    there(GCC, "gcc", 1)
    rng = np.random.default_rng(0)
    x, y = rng.random((603, 9)), rng.integers(0, 4, 603)
    for options in ({}, {"momentum": 0.9}, {"weight_decay": 0.01}, {"augment": lambda x, rng: x + rng.random(x.shape)}):
        ends = []
        for backend in ("numpy", "c"):
            net = Network([9, 6, 4], rng=1)
            history = net.SGD((x, y), 3, 10, 0.5, test_data=(x, y), rng=2, backend=backend, report=None, **options)
            ends.append([*(p.data for p in net.parameters()), [epoch.cost for epoch in history]])
        for a, b in zip(*ends, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10)


@pytest.mark.parametrize("every", [None, 7])
def test_training_in_c_goes_on_bit_for_bit(tmp_path, every):
    there(GCC, "gcc", 1)
    rng = np.random.default_rng(0)
    data = rng.random((605, 9)), rng.integers(0, 4, 605)
    options = {"momentum": 0.9, "report": None, "backend": "c", "every": every}
    whole = Network([9, 6, 4], rng=1)
    history = whole.SGD(data, 4, 10, 0.5, rng=2, save=tmp_path / "whole.npz", **options)
    parts = Network([9, 6, 4], rng=1)
    parts.SGD(data, 2, 10, 0.5, rng=2, save=tmp_path / "parts.npz", **options)
    parts = Network([9, 6, 4], rng=5)
    options |= {"backend": "auto"}  # as it was before
    again = parts.SGD(data, 4, 10, 0.5, rng=3, save=tmp_path / "parts.npz", resume=tmp_path / "parts.npz", **options)
    assert [epoch.cost for epoch in again] == [epoch.cost for epoch in history]
    for p, q in zip(whole.parameters(), parts.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)


def test_the_fastest_is_taken_where_it_pays(monkeypatch):
    steps = sys.modules["nn.steps"]
    monkeypatch.setattr(steps, "has_compiler", lambda: True)
    assert steps.backend_of("auto", 249) == steps.backend_of("numpy", 5000) == "numpy"
    assert steps.backend_of("auto", 250) == steps.backend_of("c", 1) == "c"
    monkeypatch.setattr(steps, "has_compiler", lambda: False)
    assert steps.backend_of("auto", 5000) == "numpy"
    with pytest.raises(ValueError, match='backend is "auto", "numpy" or "c", not \'jit\''):
        Network([3, 2], rng=0).SGD((np.ones((4, 3)), np.zeros(4, int)), 1, 2, 0.1, backend="jit")


def test_a_cost_that_has_no_loops_trains_in_numpy(monkeypatch):
    there(GCC, "gcc", 1)
    steps = sys.modules["nn.steps"]
    monkeypatch.setattr(steps, "ENOUGH", 1)
    layer = Linear(4, 4, rng=0)
    data = np.random.default_rng(0).random((40, 4)), np.zeros((40, 4))

    def cost(a, y):
        return np.sum(np.linalg.solve(a.T @ a + np.eye(4), a.T)) + np.sum((a - y) ** 2)

    train(layer, cost, data, 1, 10, 0.01, rng=0, compiled=True, report=None)
    with pytest.raises(LoweringError, match="solve"):
        train(layer, cost, data, 1, 10, 0.01, rng=0, compiled=True, report=None, backend="c")
