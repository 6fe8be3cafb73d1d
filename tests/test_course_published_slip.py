"""What example 9 computes by itself: the slips are where it says they are, and nowhere else."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from nn import Network, equations, one_hot
from nn.proof.numbers import relative_difference

PATH = Path(__file__).parent.parent / "examples" / "09_a_published_slip.py"
specification = importlib.util.spec_from_file_location("example_09", PATH)
slip = importlib.util.module_from_spec(specification)
specification.loader.exec_module(slip)


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    return Network([7, 6, 5, 4], rng=rng), rng.random((10, 7)), one_hot(rng.integers(0, 4, 10), 4)


def test_the_tables_put_the_slip_into_the_second_equation_alone(problem):
    differences, table = slip.parameter_table(*problem)
    assert {name for name, d in differences.items() if d > 1e-12} == {"w1", "b1", "w2", "b2"}
    assert [line.split()[0] for line in table.splitlines()[1:]][:2] == ["dC/db3", "dC/dw3"] and "WRONG" in table
    differences, table = slip.equation_table(*problem)
    wrong = [name for name, d in differences.items() if d > 1e-12]
    assert wrong == ["BP2, delta^2 from delta^3", "BP2, delta^1 from delta^2"] and table.count("WRONG") == 2


def test_with_the_weights_in_their_place_the_published_pass_is_right(problem, monkeypatch):
    """So the slip is the one line that the example says it is."""
    net, x, y = problem
    w, b = [p.data for p in net.weights], [p.data for p in net.biases]
    text = PATH.read_text("utf-8").replace("(delta[0] @ nabla_w[0])", "(delta[0] @ w[l + 1])")
    mended = {"__name__": "mended"}
    exec(compile(text, "mended", "exec"), mended)
    for part, right in zip(mended["published_backprop"](w, b, x, y), equations.backprop_batch(w, b, x, y), strict=True):
        assert max(map(relative_difference, part, right)) <= 1e-13


def test_the_grader_names_it():
    report = slip.verdict_of_the_grader()
    assert report.exit_code == 1 and len(report.slips) == 1
    assert "BP2" in report.slips[0] and "gradient of the next layer" in report.slips[0]


def test_the_first_step_goes_down_with_the_minus_sign_and_up_without(problem):
    forecast, down = slip.first_step(*problem, 1e-4, slip.update)
    _, up = slip.first_step(*problem, 1e-4, slip.published_update)
    assert down == pytest.approx(forecast, rel=1e-3) and up == pytest.approx(-forecast, rel=1e-3) and forecast < 0


def test_one_example_tells_every_hidden_neuron_to_be_less_active():
    rng = np.random.default_rng(1)
    net, x, y = Network([7, 6, 4], rng=rng), rng.random((50, 7)), one_hot(rng.integers(0, 4, 50), 4)
    (right, theirs), size = slip.share_of_positive_errors(net, x, y, 1)
    assert 20 < right < 80 and theirs == 100 and size < 1
