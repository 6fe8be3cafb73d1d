"""What example 15 says: wrong gradients are found, right ones are not accused, and the page has the messages."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from pages import shows

from reproduce import Experiment

PATH = Path(__file__).parent.parent / "examples" / "15_somebody_elses_gradient.py"


def loaded(text):
    """The example as a module, with this text."""
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location("example_15", PATH))
    exec(compile(text, str(PATH), "exec"), module.__dict__)
    return module


example = loaded(PATH.read_text("utf-8"))
# Each slip, and what should stand there; there is one for each gradient that is wrong.
MENDS = {
    "a sum for the mean": ("    return 2 * x.T @ (x @ w - y)\n", "    return 2 * x.T @ (x @ w - y) / len(y)\n"),
    "along the wrong axis": ("e.sum(axis=0)", "e.sum(axis=1, keepdims=True)"),
    "variance a constant": (
        "    return d - d.mean(axis=0)",
        "    n = (x - x.mean(axis=0)) / np.sqrt(np.var(x, axis=0) + 0.01)\n"
        "    return d - d.mean(axis=0) - n * (d * n).mean(axis=0)",
    ),
    "sigma' is forgotten": ("delta1 = delta2 @ w2", "delta1 = delta2 @ w2 * a1 * (1 - a1)"),
    "= for +=": ("        db = dz\n", "        db = dz if after is h[-1] else db + dz\n"),
}


@pytest.fixture(scope="module")
def reported():
    experiment = Experiment(PATH.stem, "", "")
    example.main(experiment)
    return experiment


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_wrong_is_found_and_right_is_not_accused(seed):
    for case in example.cases(seed):
        assert bool(example.verdict(case)) == bool(case.slip), (case.name, case.slip)


def test_each_slip_is_the_one_line_that_it_is_said_to_be():
    assert [case.slip for case in example.cases() if case.slip] == list(MENDS)
    for slip, (wrong, right) in MENDS.items():
        text = PATH.read_text("utf-8")
        assert text.count(wrong) == 1, slip
        (case,) = [case for case in loaded(text.replace(wrong, right)).cases() if case.slip == slip]
        assert example.verdict(case) == "", slip


def test_the_slips_that_the_text_speaks_of_are_named():
    named = {case.slip: example.named(example.verdict(case)) for case in example.cases() if case.slip}
    assert named == {
        "a sum for the mean": ["is multiplied by 6, the length of an axis"],
        "along the wrong axis": ["log_softmax(u₁) is along another axis"],
        "variance a constant": ["2 u₄ᵀ ⊙ u₁ is missing"],
        "sigma' is forgotten": ["a¹ ⊙ (1 − a¹) is missing"],
        "= for +=": ["δ³ + δ² is missing"],
    }


def test_the_message_says_what_the_names_in_the_marked_term_stand_for():
    (case,) = [case for case in example.cases() if case.slip == "variance a constant"]
    message = example.verdict(case)
    for line in ("u₁ = x − mean(x, axis=0)", "u₂ = sqrt(mean(u₁², axis=0) + 1/100)", "u₄ = −(Σₙ ((g ⊙ u₃) / u₂))"):
        assert f"\n    where {line}" in message


def test_at_the_kink_the_gradients_are_the_slopes_of_the_two_sides(reported):
    rows = {line[:20].strip(): line[20:].split() for line in reported.blocks[-1].splitlines()[1:]}
    left, right = rows["slope to the left"], rows["slope to the right"]
    assert left != right and rows["with <="] == left and rows["with <"] == right
    middle = (np.array(left, float) + np.array(right, float)) / 2
    np.testing.assert_allclose(np.array(rows["the engine"], float), middle, atol=1e-4)


def test_the_page_has_what_is_printed(reported):
    kept = json.loads((PATH.parent / "results" / f"{PATH.stem}.json").read_text("utf-8"))
    assert (
        [row["ours"] for row in kept["rows"]] == [row.ours for row in reported.rows] == ["5 of 5", "0 of 3", "5 of 5"]
    )
    for block, now in zip(kept["blocks"], reported.blocks, strict=True):
        assert shows(block + "\n", now + "\n"), now
