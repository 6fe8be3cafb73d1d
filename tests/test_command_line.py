"""The command line: what the commands print, their exit codes, and one line for whatever is wrong."""

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from conftest import idx
from PIL import Image

import autograd
import nn
from autograd.version import version
from nn import Network, equations, load_digits
from nn.arguments import parser
from nn.checkpoint import Checkpoint
from nn.cli import main
from nn.history import read_history, write_history

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
HERE = ["--sizes", "12,8,3", "--validation-size", "30", "--epochs", "3"]


def pictures(n, seed):
    """Three kinds of pictures of 4 x 3 pixels: a light row at the top, in the middle or at the bottom."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    images = rng.integers(0, 60, (n, 4, 3))
    images[np.arange(n), labels + 1] += 180
    return images, labels


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    for names, part in ((NAMES[:2], pictures(230, 0)), (NAMES[2:], pictures(50, 1))):
        for name, array in zip(names, part, strict=True):
            (directory / name).write_bytes(idx(array))
    return str(directory)


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "net.npz"
    assert main(["train", "--data", data, *HERE, "--epochs", "20", "--save", str(path)]) == 0
    return str(path)


@pytest.fixture
def run(capsys):
    """Runs a command in this process: its exit code, its output and its errors."""

    def run(*arguments):
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def complaint(run):
    """The one line that a command which cannot be done prints, without anything else."""

    def complaint(*arguments):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert re.fullmatch(r"handgrad( \w+)?: error: [^\n]+\n", err)
        return err

    return complaint


# train


def test_train_prints_a_line_for_each_epoch_and_what_it_came_to(run, data):
    code, out, err = run("train", "--data", data, *HERE)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert [bool(re.fullmatch(rf"Epoch {i} : \d+ / 50", line)) for i, line in enumerate(lines[:3])] == [True] * 3
    assert re.fullmatch(r"3 epochs in \d+ s, seed 0, mini-batches in NumPy", lines[3])
    assert re.fullmatch(r"test: [\d.]+% after the last epoch, [\d.]+% after the best \(epoch \d\)", lines[4])
    assert len(lines) == 5


def test_a_seed_repeats_a_run(run, data, tmp_path):
    outs = []
    for i, seed in enumerate((5, 5, 6)):
        save = tmp_path / f"{i}.npz"
        assert run("train", "--data", data, *HERE, "--seed", seed, "--save", save)[0] == 0
        outs.append(save.read_bytes())
    assert outs[0] == outs[1] != outs[2]


def test_train_does_what_the_package_does(run, data, tmp_path):
    code, out, _ = run(
        "train", "--data", data, "--sizes", "12,5,3", "--epochs", 2, "--batch", 7, "--eta", 0.1, "--cost",
        "log-likelihood", "--activation", "tanh", "--init", "scaled", "--momentum", 0.5, "--nesterov", "--decay", 0.01,
        "--dtype", "float32", "--seed", 4, "--scale", 256, "--validation-size", 30, "--training", "--validation",
        "--save", tmp_path / "net.npz",
    )  # fmt: skip
    assert code == 0
    assert re.search(r"^Epoch 1 complete  training cost [\d.]+ accuracy +[\d.]+%  validation cost", out, re.MULTILINE)
    assert out.endswith(f"saved to {tmp_path / 'net.npz'}\n")
    training, _, _ = load_digits(data, scale=256, validation=30, dtype=np.float32)
    rng = np.random.default_rng(4)
    net = Network(
        [12, 5, 3], activation="tanh", cost="log-likelihood", init="scaled", dtype=np.float32, rng=rng
    )  # fmt: skip
    net.SGD(training, 2, 7, 0.1, rng=rng, momentum=0.5, nesterov=True, weight_decay=0.01)
    saved = Network.load(tmp_path / "net.npz").state_dict()
    assert all(np.array_equal(array, saved[name]) for name, array in net.state_dict().items())
    assert saved["w1"].dtype == np.float32


def test_patience_stops_early_and_saves_the_best(run, data, tmp_path):
    save = tmp_path / "net.npz"
    options = ["--epochs", 300, "--patience", 2, "--validation", "--save", save]
    code, out, _ = run("train", "--data", data, *HERE, *options)
    assert code == 0
    kept = int(re.search(r"the network is as after epoch (\d+), the best on the validation images", out)[1])
    accuracies = [float(found) for found in re.findall(r"^Epoch .* accuracy +([\d.]+)%", out, re.MULTILINE)]
    assert accuracies.index(max(accuracies)) == kept
    assert len(accuracies) == kept + 3
    code, out, _ = run("evaluate", save, "--data", data, "--validation", "--validation-size", 30)
    assert f"({max(accuracies):.2f}%)" in out


def test_no_epochs_save_the_start(run, data, tmp_path):
    code, out, _ = run("train", "--data", data, *HERE, "--epochs", 0, "--save", tmp_path / "net.npz")
    assert code == 0
    assert out.startswith("0 epochs in 0 s")
    rng = np.random.default_rng(0)
    start = Network([12, 8, 3], rng=rng)
    assert np.array_equal(Network.load(tmp_path / "net.npz").weights[0].data, start.weights[0].data)


def test_mnist_is_what_is_trained_on_by_default(run):
    code, out, _ = run("train", "--sizes", "784,10", "--epochs", 1, "--batch", 100, "--eta", 1, "--dtype", "float32")
    assert code == 0
    assert int(re.match(r"Epoch 0 : (\d+) / 10000\n", out)[1]) > 2000


# evaluate, predict


def test_evaluate(run, data, model):
    net = Network.load(model)
    images, labels = pictures(50, 1)
    correct = int(np.sum(net.predict(images.reshape(50, 12) / 255) == labels))
    code, out, err = run("evaluate", model, "--data", data, "--validation-size", 30)
    assert (code, err) == (0, "")
    assert re.fullmatch(rf"test: {correct} / 50 \({correct / 50:.2%}\), cost \d\.\d{{5}}\n", out)
    assert correct > 45
    code, out, _ = run(
        "evaluate", model, "--data", data, "--validation-size", 30, "--training", "--validation", "--test"
    )
    found = re.findall(r"^(\w+): \d+ / (\d+) ", out, re.MULTILINE)
    assert found == [("training", "200"), ("validation", "30"), ("test", "50")]


def test_predict_on_pictures_and_idx(run, data, model, tmp_path):
    images, labels = pictures(50, 1)
    expected = Network.load(model).predict(images.reshape(50, 12) / 255)
    assert np.mean(expected == labels) > 0.9
    code, out, err = run("predict", model, Path(data) / NAMES[2])
    assert (code, err) == (0, "")
    assert [int(line.split(": ")[1][0]) for line in out.splitlines()] == expected.tolist()
    assert out.startswith(f"{Path(data) / NAMES[2]}[0]: ")
    paths = []
    for i, name in enumerate(("a.png", "b.pgm", "c.png")):
        paths.append(tmp_path / name)
        Image.fromarray((255 - images[i] if name == "c.png" else images[i]).astype(np.uint8)).save(paths[-1])
    code, out, _ = run("predict", model, *paths)
    assert code == 0
    for line, path, label in zip(out.splitlines(), paths, expected, strict=False):
        assert re.fullmatch(rf"{path}: {label} \(activation 0\.\d{{3}}\)|{path}: {label} \(activation 1\.000\)", line)
    assert len(out.splitlines()) == 3


# The history of a training, and pictures


def test_train_leaves_a_history_and_a_curve(run, data, tmp_path):
    table, lines, curve = tmp_path / "run.csv", tmp_path / "run.jsonl", tmp_path / "curve.png"
    code, out, err = run("train", "--data", data, *HERE, "--training", "--test", "--history", table, "--plot", curve)
    assert (code, err) == (0, "")
    assert out.endswith(f"the history is in {table}\nthe curve is in {curve}\n")
    header, *rows = table.read_text().splitlines()
    assert header.startswith("epoch,cost,seconds,training_cost,") and len(rows) == 3
    shown = [int(found) for found in re.findall(r"^Epoch \d : +(\d+) / 50", out, re.MULTILINE)]
    assert [epoch.scores["test"].correct for epoch in read_history(table)] == shown
    with Image.open(curve) as picture:
        assert picture.format == "PNG" and picture.width > 500
    assert run("train", "--data", data, *HERE, "--quiet", "--history", lines) == (0, "", "")
    assert [json.loads(line)["epoch"] for line in lines.read_text().splitlines()] == [0, 1, 2]


def test_the_history_of_a_resumed_training_has_the_epochs_before(run, data, tmp_path):
    save, history = tmp_path / "net.npz", tmp_path / "run.csv"
    assert run("train", "--data", data, *HERE, "--save", save)[0] == 0
    assert run("train", "--resume", save, "--epochs", 5, "--history", history)[0] == 0
    assert [epoch.number for epoch in read_history(history)] == [0, 1, 2, 3, 4]
    saved = [(epoch.cost, epoch.scores) for epoch in read_history(save)]
    assert [(epoch.cost, epoch.scores) for epoch in read_history(history)] == saved


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_a_training_that_is_interrupted_leaves_its_history(run, data, tmp_path, monkeypatch, quiet):
    def interrupted(path, epochs):
        write_history(path, epochs)
        raise KeyboardInterrupt

    monkeypatch.setattr("nn.commands.write_history", interrupted)
    assert run("train", "--data", data, *HERE, *quiet, "--history", tmp_path / "run.csv")[0] == 130
    assert len(read_history(tmp_path / "run.csv")) == 1


def test_show_writes_what_the_network_learnt(run, data, model, tmp_path):
    code, out, err = run("show", model, "--to", tmp_path / "a" / "b", "--data", data, "--digit", 3)
    assert (code, err) == (0, "")
    names = ["curve", "weights1", "weights2", "confusion", "misclassified", "activations"]
    assert out.splitlines() == [str(tmp_path / "a" / "b" / f"{name}.png") for name in names]
    for line in out.splitlines():
        with Image.open(line) as picture:
            assert picture.format == "PNG"
    plain = tmp_path / "plain.npz"
    Network.load(model).save(plain)  # nothing is said of its training, so there is no curve
    _, out, _ = run("show", plain, "--to", tmp_path, "--data", data)
    assert out.startswith(str(tmp_path / "weights1.png"))


def test_runs_are_compared_in_one_picture(run, data, model, tmp_path):
    one, two, picture = tmp_path / "one.csv", tmp_path / "two.jsonl", tmp_path / "runs.svg"
    for history, eta in ((one, 3), (two, 0.3)):
        assert run("train", "--data", data, *HERE, "--eta", eta, "--history", history)[0] == 0
    code, out, err = run("compare", one, two, model, "--plot", picture)
    assert (code, err) == (0, "")
    assert [line.split(",")[0] for line in out.splitlines()] == ["one: 3 epochs", "two: 3 epochs", "net: 20 epochs"]
    assert "<svg" in picture.read_text()


def test_what_is_wrong_with_a_history_or_a_picture(complaint, data, model, tmp_path):
    def train(*options):
        return complaint("train", "--data", data, *HERE, *options)

    assert "c.gif: a picture ends in .png, .svg, .pdf, not in .gif" in train("--plot", "c.gif")
    assert "run: a history ends in .csv or .jsonl (JSON lines), not in nothing" in train("--history", "run")
    assert "none/c.png: cannot be written: No such file" in train("--plot", tmp_path / "none" / "c.png")
    assert "none/c.csv: cannot be written: No such file" in train("--history", tmp_path / "none" / "c.csv")
    (tmp_path / "a.csv").write_text("epoch,cost\n0,1\n")
    (tmp_path / "b.csv").write_text("epoch,cost,seconds\n0,1,1\n1,much,1\n")
    (tmp_path / "c.jsonl").write_text("[1]\n")
    (tmp_path / "d.csv").write_text("epoch,cost,seconds\n")
    (tmp_path / "e.csv").write_text("epoch,cost,seconds\n0,1,1\n")

    def compare(*names):
        return complaint("compare", *[tmp_path / name for name in names], "--plot", tmp_path / "runs.png")

    assert "a.csv: line 2 is not an epoch of a history: it lacks 'seconds'" in compare("a.csv")
    assert "b.csv: line 3 is not an epoch of a history: could not convert string to float: 'much'" in compare("b.csv")
    assert "c.jsonl: line 1 is not an epoch of a history" in compare("c.jsonl")
    assert "there are no epochs to compare in d" in compare("d.csv")
    assert "no set was scored in all of the runs" in compare("e.csv")
    assert "a run is named twice" in compare("e.csv", "e.csv")
    assert "f.csv: cannot be read: No such file" in compare("f.csv")
    assert "--digit 50: there are 50 test images" in complaint(
        "show", model, "--to", tmp_path, "--data", data, "--digit", 50
    )
    assert "takes 12 pixels, and the images have 784" in complaint("show", model, "--to", tmp_path)
    assert "a.csv: cannot be made: File exists" in complaint("show", model, "--to", tmp_path / "a.csv", "--data", data)


def test_without_matplotlib_the_error_says_how_to_get_it(complaint, data, model, tmp_path, monkeypatch):
    """Before anything is trained."""
    monkeypatch.delattr(nn, "figures", raising=False)
    monkeypatch.setitem(sys.modules, "nn.figures", None)
    for arguments in (
        ("train", "--data", data, *HERE, "--plot", tmp_path / "curve.png"),
        ("show", model, "--to", tmp_path),
        ("compare", model, "--plot", tmp_path / "runs.png"),
    ):
        assert "pip install 'handgrad[plot]'" in complaint(*arguments)


# Pictures of digits


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A network that tells a one from a zero in images like those of MNIST: by the ink in the middle."""
    net = Network([784, 2], rng=0)
    middle = np.zeros((28, 28))
    middle[10:18, 12:16] = 1
    net.weights = [np.stack([-middle.ravel(), middle.ravel()])]
    net.biases = [np.array([8.0, -8.0])]
    path = tmp_path_factory.mktemp("reader") / "net.npz"
    net.save(path)
    return str(path)


def photograph(path, digit, ground=200, ink=40, shape=(300, 200)):
    """A one or a zero on shaded paper, somewhere on it."""
    paper = np.full(shape, float(ground)) + np.linspace(-30, 30, shape[1])
    paper += np.random.default_rng(0).normal(0, 3, shape)
    v, u = np.mgrid[: shape[0], : shape[1]] - np.array([120, 130])[:, np.newaxis, np.newaxis]
    from_middle = np.hypot(v / 60, u / 40)
    paper[(np.abs(u) < 8) & (np.abs(v) < 70) if digit else (from_middle > 0.75) & (from_middle < 1)] = ink
    Image.fromarray(np.clip(paper, 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("colours", [{"ground": 200, "ink": 40}, {"ground": 60, "ink": 220}], ids=["paper", "slate"])
def test_predict_prepares_a_photograph(run, reader, tmp_path, colours):
    paths = [photograph(tmp_path / f"{digit}.png", digit, **colours) for digit in (0, 1)]
    code, out, err = run("predict", reader, *paths)
    assert (code, err) == (0, "")
    assert [line.split(" (")[0] for line in out.splitlines()] == [f"{paths[0]}: 0", f"{paths[1]}: 1"]


def test_predict_takes_an_image_of_mnist_as_it_is(run, tmp_path):
    test = load_digits()[2]
    net = Network([784, 10], init="scaled", rng=0)
    net.save(tmp_path / "net.npz")
    paths = [tmp_path / f"{i}.png" for i in range(30)]
    for path, pixels in zip(paths, test.x, strict=False):
        Image.fromarray(np.rint(pixels * 255).astype(np.uint8).reshape(28, 28)).save(path)
    code, out, _ = run("predict", tmp_path / "net.npz", *paths)
    assert code == 0
    a = net(test.x[:30]).data.max(axis=1)
    assert [line.split("activation ")[1] for line in out.splitlines()] == [f"{most:.3f})" for most in a]


def test_predict_reports_a_bad_file_and_answers_the_others(run, reader, tmp_path):
    one = photograph(tmp_path / "one.png", 1)
    (tmp_path / "text").write_text("hello")
    Image.fromarray(np.full((50, 50), 200, np.uint8)).save(tmp_path / "empty.png")
    code, out, err = run("predict", reader, tmp_path / "text", one, tmp_path / "none.png", tmp_path / "empty.png", one)
    assert code == 2
    assert [line.split(" (")[0] for line in out.splitlines()] == [f"{one}: 1"] * 2
    errors = err.splitlines()
    assert errors[0].startswith(f"handgrad: error: {tmp_path / 'text'}: not a picture that can be read")
    assert errors[1] == f"handgrad: error: {tmp_path / 'none.png'}: cannot be read: No such file or directory"
    assert errors[2].startswith(f"handgrad: error: {tmp_path / 'empty.png'}: no digit can be seen in it")
    assert len(errors) == 3


# check


@pytest.mark.parametrize(
    "options", [[], ["--cost", "log-likelihood", "--activation", "relu"], ["--dtype", "float32", "--init", "scaled"]]
)
def test_check_passes(run, options):
    code, out, err = run("check", "--sizes", "6,5,4", "--batch", 3, *options)
    assert (code, err) == (0, "")
    assert [len(re.findall(rf"^dC/d{name} .*  pass$", out, re.MULTILINE)) for name in ("w1", "b1", "w2", "b2")] == [
        1
    ] * 4
    assert re.search(
        r"^pass: engine and equations differ by \d\.\de[-+]\d\d of the largest gradient", out, re.MULTILINE
    )


def test_a_check_that_fails_is_exit_code_1(run, monkeypatch):
    right = equations.relu_prime
    wrong = (equations.relu, lambda z, a: 1 - right(z, a))
    monkeypatch.setitem(equations.ACTIVATIONS, "relu", wrong)
    code, out, _ = run("check", "--sizes", "6,5,4", "--activation", "relu")
    assert code == 1
    assert re.search(r"^dC/dw1 .* FAIL$", out, re.MULTILINE)
    assert re.search(r"^dC/dw2 .* pass$", out, re.MULTILINE)
    assert re.search(r"^FAIL: engine and equations differ by", out, re.MULTILINE)


# --help


def commands():
    return next(action for action in parser()._actions if action.dest == "command").choices


@pytest.mark.parametrize("command", commands())
def test_help_says_every_option_with_its_default(run, command):
    code, out, _ = run(command, "--help")
    out = " ".join(out.split())
    assert code == 0
    for action in commands()[command]._actions:
        assert action.help
        for option in action.option_strings:
            assert option in out
        if action.option_strings and action.nargs != 0:
            shown = re.search(rf" {action.option_strings[-1]} (?!\[).*?\(default: ([^)]*)\)", out.split("options:")[1])[
                1
            ]
            assert shown == str(action.default) or action.default is None
    out.encode("ascii")  # so that it can be shown everywhere


def test_every_help_has_examples_that_can_be_typed(run):
    options = {name: set() for name in commands()}
    for name, command in commands().items():
        lines = command.format_help().split("examples:\n")[1].splitlines()
        for line in lines:
            words = line.split(" > ")[0].split()
            assert words[:2] == ["handgrad", name]
            parser().parse_args(words[1:])
            options[name].update(word for word in words if word.startswith("--"))
    for name in commands():  # and every option is in one
        all_of_them = {action.option_strings[-1] for action in commands()[name]._actions if action.option_strings}
        assert all_of_them - options[name] - {"--help"} == set()


def test_help_says_the_commands_and_the_exit_codes(run):
    code, out, _ = run("--help")
    assert code == 0
    for words in (*commands(), "0 done", "1 a check failed", "2 bad usage or input", "130 interrupted"):
        assert words in " ".join(out.split())


# What is wrong is said in one line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["learn"], "'learn'"),
        (["train", "--speed", "9"], "unrecognized arguments: --speed 9"),
        (["train", "--sizes", "784"], "--sizes: '784' is not a list of two or more numbers of neurons"),
        (["train", "--sizes", "784,0,10"], "--sizes: '784,0,10'"),
        (["train", "--sizes", "784,-30,10"], "--sizes: '784,-30,10'"),
        (["train", "--sizes", "784;30;10"], "--sizes: '784;30;10'"),
        (["train", "--sizes", "784,,10"], "--sizes: '784,,10'"),
        (["train", "--epochs", "-1"], "--epochs: '-1' is not a whole number of at least 0"),
        (["train", "--epochs", "2.5"], "--epochs: '2.5' is not a whole number"),
        (["train", "--batch", "0"], "--batch: '0' is not a whole number of at least 1"),
        (["train", "--eta", "0"], "--eta: '0' is not greater than 0"),
        (["train", "--eta", "-3"], "--eta: '-3' is not a finite number of at least 0"),
        (["train", "--eta", "nan"], "--eta: 'nan' is not a finite number"),
        (["train", "--momentum", "-1"], "--momentum: '-1' is not a finite number"),
        (["train", "--decay", "inf"], "--decay: 'inf' is not a finite number"),
        (["train", "--patience", "0"], "--patience: '0' is not a whole number of at least 1"),
        (["train", "--seed", "-1"], "--seed: '-1' is not a whole number of at least 0"),
        (["train", "--scale", "0"], "--scale: '0' is not greater than 0"),
        (["train", "--validation-size", "-1"], "--validation-size: '-1' is not a whole number"),
        (["train", "--cost", "hinge"], "--cost: invalid choice: 'hinge'"),
        (["train", "--dtype", "int8"], "--dtype: invalid choice: 'int8'"),
        (["train", "--nesterov"], "--nesterov needs a --momentum greater than 0"),
        (["train", "--data", "/none"], "/none: there is no such directory"),
        (["train", "--save", "/none/net.npz"], "/none/net.npz: cannot be written: No such file or directory"),
        (["train", "--sizes", "700,30,10"], "--sizes begins with 700, and the images have 784 pixels"),
        (["train", "--sizes", "784,30,9"], "the label 9 is out of range: 9 classes have the labels 0 to 8; take 10"),
        (["train", "--sizes", "784,99999999999999,10"], "not enough memory: Unable to allocate"),
        (["train", "--validation-size", "60000"], "60,000 of its 60,000 training images cannot be kept for validation"),
        (["train", "--validation-size", "0", "--patience", "1"], "need validation images"),
        (["check", "--batch", "-5"], "--batch: '-5' is not a whole number"),
        (["check", "--sizes", "3,x"], "--sizes: '3,x'"),
        (["evaluate"], "the following arguments are required: model.npz"),
        (["evaluate", "/none.npz"], "/none.npz: there is no such file"),
        (["predict", "/none.npz", "a.png"], "/none.npz: there is no such file"),
        (["predict", "net.npz"], "the following arguments are required: image"),
    ],
)
def test_bad_usage_and_bad_input(complaint, arguments, words):
    assert words in complaint(*arguments)


def test_bad_data(complaint, data, tmp_path):
    assert "10,000 of its 230 training images cannot be kept" in complaint("train", "--data", data, "--sizes", "12,3")
    for name in NAMES:
        (tmp_path / name).write_bytes((Path(data) / name).read_bytes())
    (tmp_path / NAMES[3]).write_bytes(b"\0\0\x08\x01\0\0\0\x32")
    words = f"{tmp_path / NAMES[3]}: truncated: 0 bytes of data, and the header promises 50"
    assert words in complaint("train", "--data", tmp_path, *HERE)


def test_training_that_diverges(run, data):
    code, out, err = run("train", "--data", data, *HERE, "--activation", "relu", "--cost", "cross-entropy",
                         "--eta", "1e308", "--decay", "9")  # fmt: skip
    assert (code, out) == (2, "")
    assert re.fullmatch(r"handgrad: error: training diverged in epoch 0: [^\n]*; try a smaller eta than 1e\+308\n", err)


def test_a_file_that_cannot_be_written_stops_the_training_before_it_starts(complaint, data, tmp_path):
    for save in (tmp_path, tmp_path / "none" / "net.npz", "/dev/null", Path(data) / NAMES[0] / "net.npz"):
        assert f"{save}: cannot be written" in complaint("train", "--data", data, *HERE, "--save", save)


def test_a_model_or_a_picture_of_another_size(complaint, model, data, tmp_path):
    small = tmp_path / "small.npz"
    Network([12, 10], rng=0).save(small)
    assert f"the network in {small} takes 12 pixels, and the images have 784" in complaint("evaluate", small)
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(tmp_path / "a.png")
    message = complaint("predict", model, tmp_path / "a.png")
    assert f"{tmp_path / 'a.png'}: 784 pixels, and the network in {model} takes 12" in message
    assert "only for one that takes 784, those of MNIST, is a picture of another size prepared" in message
    few = tmp_path / "few.npz"
    Network([12, 2], rng=0).save(few)
    assert "the label 2 is out of range" in complaint("evaluate", few, "--data", data, "--validation-size", 30)


def test_what_is_no_model_and_what_is_no_picture(complaint, model, tmp_path):
    (tmp_path / "text").write_text("hello")
    assert f"{tmp_path / 'text'}: not a .npz file of arrays" in complaint("evaluate", tmp_path / "text")
    assert f"{tmp_path / 'text'}: not a picture that can be read" in complaint("predict", model, tmp_path / "text")
    assert f"{tmp_path / 'none'}: cannot be read: No such file" in complaint("predict", model, tmp_path / "none")
    assert f"{tmp_path}: cannot be read: Is a directory" in complaint("predict", model, tmp_path)


# As a program


def program(*arguments, **options):
    command = [sys.executable, "-m", "nn", *map(str, arguments)]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as for what a shell runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_the_module_and_the_installed_command_are_the_same():
    installed = Path(sys.executable).parent / "handgrad"
    arguments = ["check", "--sizes", "4,3,2"]
    outs = [
        subprocess.run([*command, *arguments], capture_output=True, text=True)
        for command in ([sys.executable, "-m", "nn"], [installed])
    ]
    assert [(done.returncode, done.stderr) for done in outs] == [(0, "")] * 2
    assert outs[0].stdout == outs[1].stdout
    wrong = subprocess.run([installed, "train", "--epochs", "x"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("handgrad train: error: argument --epochs: 'x' is not a whole number")


def test_ctrl_c_while_training_leaves_a_finished_epoch(data, tmp_path):
    save = tmp_path / "net.npz"
    process = program("train", "--data", data, *HERE, "--epochs", 1_000_000, "--save", save)
    for i in range(3):
        assert re.match(rf"Epoch +{i} : ", process.stdout.readline())  # each line comes when its epoch is done
    process.send_signal(signal.SIGINT)
    err = process.communicate()[1]
    assert process.returncode == 130
    words = rf"^\ninterrupted; {save} holds the network after epoch (\d+), and `train --resume {save}` goes on\n$"
    last = int(re.search(words, err)[1])
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]
    # The same training, ended after that epoch, comes to the same network.
    again = tmp_path / "again"
    assert main(["train", "--data", data, *HERE, "--epochs", str(last + 1), "--save", str(again)]) == 0
    states = [Network.load(path).state_dict() for path in (save, again)]
    assert all(np.array_equal(array, states[1][name]) for name, array in states[0].items())


def test_ctrl_c_before_the_first_epoch_says_that_nothing_was_saved(run, tmp_path, data, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Network, "cost", interrupted)
    save = tmp_path / "net.npz"
    code, out, err = run("train", "--data", data, *HERE, "--save", save)
    assert (code, out) == (130, "")
    assert err == f"\ninterrupted; no epoch was finished, and {save} has not been written\n"
    assert run("train", "--data", data, *HERE) == (130, "", "\ninterrupted\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_who_goes_away_is_no_traceback(model, data, unbuffered):
    for arguments in (
        ["train", "--data", data, *HERE, "--epochs", 1_000_000],
        ["predict", model, *[Path(data) / NAMES[0]] * 60],
        ["check", "--sizes", "4,3,2"],
        ["train", "--help"],
    ):
        process = program(*arguments, env=os.environ | {"PYTHONUNBUFFERED": unbuffered})
        if arguments[0] != "check":
            process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.stderr.close()
        process.wait()
        assert err == ""
        assert process.returncode in (0, 141)


def test_predict_divides_the_pixels_by_the_scale_of_the_training(run, data, model):
    images, _ = pictures(50, 1)
    expected = Network.load(model)(images.reshape(50, 12) / 900).data.max(axis=1)
    code, out, _ = run("predict", "--scale", "900", model, Path(data) / NAMES[2])
    assert code == 0
    assert [line.split("activation ")[1] for line in out.splitlines()] == [f"{a:.3f})" for a in expected]


def test_a_learners_file_is_judged(run, tmp_path):
    right = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def backprop(net, x, y):
    a = [x]
    for w, b in zip(net.weights, net.biases):
        a.append(sigmoid(w @ a[-1] + b))
    delta = (a[-1] - y) * a[-1] * (1 - a[-1])
    nabla_b, nabla_w = [delta], [delta @ a[-2].T]
    for w, before, now in zip(net.weights[:0:-1], a[-3::-1], a[-2:0:-1]):
        delta = (w.T @ delta) * now * (1 - now)
        nabla_b.insert(0, delta)
        nabla_w.insert(0, delta @ before.T)
    return nabla_b, nabla_w
"""
    file = tmp_path / "solution.py"
    file.write_text(right)
    code, out, err = run("check", file)
    assert (code, err) == (0, "")
    assert out.startswith("right: ")
    code, out, _ = run("check", file, "--cost", "cross-entropy", "--sizes", "4,6,5,3")
    assert code == 1
    assert "dC/dw3" in out
    file.write_text(right.replace("* a[-1] * (1 - a[-1])", ""))
    code, out, _ = run("check", file)
    assert (code, out[:7]) == (1, "wrong: ")
    file.write_text("import time; time.sleep(60)")
    code, out, _ = run("check", file, "--timeout", "1")
    assert code == 2
    assert "stopped after 1 s" in out


# Version, info, quiet, and lines that stand in columns


def test_the_version_is_that_of_the_project(run):
    with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
        expected = tomllib.load(file)["project"]["version"]
    assert run("--version") == (0, f"handgrad {expected}\n", "")
    assert nn.__version__ == autograd.__version__ == expected


def test_the_version_of_a_checkout_that_is_not_installed(monkeypatch):
    def not_installed(name):
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    assert version() == nn.__version__


def test_quiet_prints_nothing_but_errors(run, data, tmp_path):
    assert run("train", "--data", data, *HERE, "--quiet", "--save", tmp_path / "net.npz") == (0, "", "")
    code, out, err = run("train", "--data", data, *HERE, "--quiet", "--eta", "1e308", "--activation", "relu",
                         "--cost", "cross-entropy", "--decay", 9)  # fmt: skip
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_lines_stand_in_columns(run, data):
    _, out, _ = run("train", "--data", data, *HERE, "--epochs", 12, "--test", "--validation", "--eta", 0.5)
    lines = [line for line in out.splitlines() if line.startswith("Epoch")]
    assert lines[9].startswith("Epoch  9 : ")
    assert lines[11].startswith("Epoch 11 : ")
    assert len({line.index(" / ") for line in lines}) == len({line.index("accuracy") for line in lines}) == 1
    assert len({len(line) for line in lines}) == 1


def test_info(run, complaint, data, model, tmp_path):
    code, out, err = run("info", model)
    assert (code, err) == (0, "")
    rows = dict(line.split("  ", 1) for line in out.splitlines() if line[:1] != " ")
    rows = {name.strip(): text.strip() for name, text in rows.items()}
    assert rows["network"] == "12-8-3, sigmoid hidden layers, quadratic cost"
    assert rows["parameters"] == "131 of float64"
    assert rows["training"] == "after epoch 19"
    assert "--eta 3.0" in rows["settings"]
    assert f"--data {data}" in rows["settings"]
    assert re.fullmatch(r"\d+ / 50 after the last epoch, \d+ after the best \(\d+\)", rows["test"])
    assert rows["written by"].startswith(f"handgrad {nn.__version__}, numpy ")
    Network([12, 2], rng=0).save(tmp_path / "plain")
    assert "training    not recorded\n" in run("info", tmp_path / "plain")[1]
    Network([12, 3], rng=0).SGD(load_digits(data, validation=0)[0], 1, 10, 1.0, save=tmp_path / "ours", report=None)
    assert "mini_batch_size 10, eta 1.0, momentum 0.0" in run("info", tmp_path / "ours")[1]
    assert "there is no such file" in complaint("info", tmp_path / "none")


# Going on with a training


def test_resume_goes_on_with_the_settings_in_the_file(run, data, tmp_path):
    options = ["--data", data, *HERE, "--momentum", 0.5, "--batch", 7, "--patience", 9, "--training", "--seed", 3]
    one, two = tmp_path / "one.npz", tmp_path / "two.npz"
    assert run("train", *options, "--epochs", 6, "--save", one)[0] == 0
    assert run("train", *options, "--epochs", 6, "--save", two, "--every", 5)[0] == 0
    assert one.read_bytes() == two.read_bytes()
    assert run("train", *options, "--epochs", 2, "--save", two)[0] == 0
    code, out, err = run("train", "--resume", two, "--epochs", 6)
    assert (code, err) == (0, "")
    assert [line[:7] for line in out.splitlines() if line.startswith("Epoch")] == [f"Epoch {i}" for i in (2, 3, 4, 5)]
    assert re.search(r"^6 epochs", out, re.MULTILINE)
    assert one.read_bytes() == two.read_bytes()
    assert run("train", "--resume", two, "--epochs", 6, "--save", tmp_path / "three.npz")[0] == 0  # to another file
    assert (tmp_path / "three.npz").read_bytes() == two.read_bytes()


def test_resume_says_which_settings_differ(complaint, run, data, tmp_path):
    save = tmp_path / "net.npz"
    assert run("train", "--data", data, *HERE, "--save", save)[0] == 0
    assert complaint("train", "--resume", save, "--sizes", "12,5,3", "--eta", 1, "--seed", 0, "--training").endswith(
        "with other settings: --sizes was 12,8,3 and is 12,5,3, --eta was 3.0 and is 1.0, --training was False and is"
        " True\n"
    )
    words = f"{save}: cannot be resumed with other settings: --eta was 3.0 and is 1.0"
    assert words in complaint("train", "--resume", save, "--eta", 1)
    assert "--sizes was 12,8,3 and is 12,9,3" in complaint("train", "--sizes", "12,9,3", "--resume", save)
    assert "is after epoch 2, and epochs=2 is less" in complaint("train", "--resume", save, "--epochs", 2)
    assert f"{tmp_path / 'none'}: there is no such file" in complaint("train", "--resume", tmp_path / "none")
    Network([12, 8, 3], rng=0).save(save)
    assert "holds a network, but not how its training went" in complaint("train", "--resume", save)
    assert "--every needs a file to --save to" in complaint("train", "--every", 3)


def test_sigterm_ends_a_training_in_good_order(data, tmp_path):
    save = tmp_path / "net.npz"
    process = program("train", "--data", data, *HERE, "--epochs", 1_000_000, "--save", save)
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    err = process.communicate()[1]
    assert process.returncode == 143
    words = rf"\nterminated; {save} holds the network after epoch (\d+), and `train --resume {save}` goes on\n"
    last = int(re.fullmatch(words, err)[1])
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]
    assert len(Checkpoint.read(save).history) == last + 1


def test_ctrl_c_while_a_checkpoint_is_read_is_ctrl_c(run, data, tmp_path, monkeypatch):
    def interrupted(path):
        raise KeyboardInterrupt

    save, other = tmp_path / "net.npz", tmp_path / "other.npz"
    assert run("train", "--data", data, *HERE, "--save", save)[0] == 0
    monkeypatch.setattr(Checkpoint, "read", interrupted)
    code, out, err = run("train", "--resume", save, "--save", other)
    assert (code, out) == (130, "")
    assert err == f"\ninterrupted; no epoch was finished, and {other} has not been written\n"
