"""What examples 4, 6, 7 and 8 compute by themselves, on cases that can be told in advance."""

import importlib.util
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autograd import Tensor
from nn import Examples, load_digits
from nn.cli import main
from reproduce import Experiment

EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name):
    specification = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


network, baselines, outputs, nine = map(
    example, ["04_digit_network", "06_baselines", "07_ten_outputs_or_four", "08_is_it_a_nine"]
)

# 4. The digit network


def test_best_last_and_the_choice_of_the_validation_images_are_told_apart():
    runs = [([91.0, 96.0, 94.0], [95.0, 90.0, 91.0], [1, 0, 0]), ([80.0, 89.0, 88.0], [1.0, 2.0, 3.0], [3, 2, 1]),
            ([95.5, 95.0, 93.0], [7.0, 8.0, 7.0], [0, 0, 0])]  # fmt: skip
    experiment = Experiment("04", "", "")
    network.report_network(experiment, 30, "gaussian", runs)
    best, last, chosen = experiment.rows
    assert best.ours == "median 95.50 %, 89.00 to 96.00 %" and best.published == "95.42 %" and best.seed == "0 to 2"
    assert "2 of 3 seeds reach 95 %, and 1 never reach 90 %" in best.difference and "+0.58" in best.difference
    assert last.ours == "median 93.00 %, 88.00 to 94.00 %"
    assert chosen.ours == "median 91.00 %, 88.00 to 95.00 %"
    lines = network.table({(30, "gaussian"): runs}).splitlines()
    assert lines[2].split() == [
        "784-30-10",
        "N(0,",
        "1)",
        "0",
        "96.00",
        "(",
        "1)",
        "94.00",
        "91.00",
        "(",
        "0)",
        "1",
        "0",
    ]
    assert lines[3].split() == [
        "784-30-10",
        "N(0,",
        "1)",
        "1",
        "89.00",
        "(",
        "1)",
        "88.00",
        "88.00",
        "(",
        "2)",
        "3",
        "1",
    ]


def test_the_command_line_repeats_a_run(capsys):
    arguments = "--sizes 784,30,10 --seed 1 --dtype float32 --scale 256 --epochs 2 --validation-size 59900"
    assert main(["train", *arguments.split()]) == 0
    printed = capsys.readouterr().out.splitlines()
    data = load_digits(scale=256, dtype=np.float32, validation=59_900)
    on_test, _, silent = network.train(30, "gaussian", 1, data, epochs=2)
    assert [f"Epoch {i} : {round(100 * accuracy)} / 10000" for i, accuracy in enumerate(on_test)] == printed[:2]
    assert len(silent) == 2 and all(0 <= count < 10 for count in silent)


def test_an_output_is_silent_that_hardly_ever_reaches_one_half():
    y = np.arange(400) % 10
    a = np.eye(10)[y]
    a[:, 3] = 0.49  # the most active output for its digit, perhaps, but never at one half
    a[y == 5, 5] = np.arange(40) < 4  # a tenth of its images
    a[y == 6, 6] = np.arange(40) < 3
    assert network.silent_outputs(Tensor, Examples(a, y)) == 2


# 6. Baselines


def digits(n, rng):
    return Examples(rng.random((n, 784)), rng.permutation(np.arange(n) % 10))


def test_average_darkness_goes_by_the_sum_of_the_pixels():
    y = np.repeat(np.arange(10), 2)
    x = np.repeat((y + np.tile([-0.3, 0.3], 10))[:, np.newaxis] / 784, 784, axis=1)  # the ink is all over
    images = np.zeros((3, 784))
    images[[0, 1, 2], [5, 700, 3]] = 2.4, 2.6, 20.0  # and here in a single pixel
    assert baselines.average_darkness(Examples(x, y), images).tolist() == [2, 3, 9]


def test_the_nearest_class_mean_is_nearest():
    rng = np.random.default_rng(0)
    training, images = digits(50, rng), rng.random((20, 784))
    means = baselines.class_means(training)
    assert np.allclose(means[7], np.mean([x for x, y in zip(*training, strict=True) if y == 7], axis=0))
    distances = [[np.linalg.norm(image - mean) for mean in means] for image in images]
    assert np.array_equal(baselines.nearest(means, images), np.argmin(distances, axis=1))


def test_a_digit_is_not_recognised_with_less_than_a_tenth_of_its_images():
    y = np.arange(400) % 10
    answers = y.copy()
    answers[(y == 5) & (np.arange(400) >= 40)] = 1
    answers[(y == 6) & (np.arange(400) >= 30)] = 1
    assert baselines.unrecognised(answers, y) == 1


def test_without_scikit_learn_the_machine_is_reported_as_not_installed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert baselines.support_vectors(digits(10, np.random.default_rng(0)), np.zeros((1, 784)), "auto") is None
    experiment = Experiment("06", "", "", quick=True, folder=tmp_path)
    baselines.main(experiment)
    assert [row.ours for row in experiment.rows if row.what.startswith("SVM")] == ["not installed"] * 2
    assert len(experiment.figures) == len(list(tmp_path.glob("*.png"))) == 2


# 7. Ten outputs or four


def test_the_layer_set_by_hand_is_right_wherever_the_supposition_holds():
    layer = outputs.by_hand(np.float64)
    corners = np.array(list(itertools.product([0.0, 0.01], repeat=9)))
    for digit, sure in itertools.product(range(10), [0.99, 1.0]):
        bits = layer(np.insert(corners, digit, sure, axis=1)).data
        written = [int(bit) for bit in f"{digit:04b}"]
        assert np.all(np.abs(bits - written) < 0.0002)  # as the text of the example says
        assert np.all(outputs.as_numbers(bits) == digit)


def test_four_outputs_are_read_as_a_number_or_as_the_nearest_digit():
    a = np.array([[0.1, 0.9, 0.5, 0.2], [0.9, 0.4, 0.8, 0.9], [0.6, 0.9, 0.1, 0.1]])
    assert outputs.as_numbers(a).tolist() == [6, 11, 12]
    a = np.concatenate([a, np.random.default_rng(0).random((50, 4))])
    distances = [[np.sum((row - [int(bit) for bit in f"{d:04b}"]) ** 2) for d in range(10)] for row in a]
    assert np.array_equal(outputs.nearest_digit(a), np.argmin(distances, axis=1))


def test_wrong_bits_are_counted_in_the_images_that_are_wrong():
    a = np.array([[0.1, 0.9, 0.9, 0.2], [0.9, 0.4, 0.8, 0.9], [0.1, 0.1, 0.1, 0.1]])  # 6, 11 and 0
    assert outputs.wrong_bits(a, np.array([6, 8, 1])) == 1.5


# 8. Is it a nine?


@pytest.mark.parametrize("n_out", [28, 56, 64])
def test_enlarging_is_bilinear_interpolation(n_out):
    image = np.random.default_rng(0).random((28, 28)).astype(np.float32)
    matrix = nine.interpolation(n_out, 28)
    by_pillow = Image.fromarray(image).resize((n_out, n_out), Image.Resampling.BILINEAR)
    assert np.allclose(matrix @ image @ matrix.T, by_pillow, atol=1e-6)


def test_many_images_are_enlarged_as_one_by_one():
    x = np.random.default_rng(0).random((3, 784)).astype(np.float32)
    together = nine.enlarge(x, 64)
    assert together.shape == (3, 4096) and together.dtype == np.float32
    assert np.allclose(together, np.concatenate([nine.enlarge(x[i : i + 1], 64) for i in range(3)]))
    matrix = nine.interpolation(64, 28)
    assert np.allclose(together[1].reshape(64, 64), matrix @ x[1].reshape(28, 28) @ matrix.T)
    assert nine.enlarge(x, 28) is x


def test_accuracy_precision_and_recall():
    a, nines = np.array([0.9, 0.5, 0.6, 0.1, 0.2]), np.array([True, True, False, True, False])
    assert nine.judge(a, nines) == pytest.approx((60, 200 / 3, 200 / 3))
    assert nine.judge(a, nines, threshold=0.7) == pytest.approx((60, 100, 100 / 3))
    accuracy, precision, recall = nine.judge(a, nines, threshold=0.95)
    assert accuracy == pytest.approx(40) and np.isnan(precision) and recall == 0
