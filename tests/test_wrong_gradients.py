"""Gradients of functions from all over: every right one is accepted, every wrong one is found, most slips are named."""

import sys
from pathlib import Path

import numpy as np
import pytest

from autograd.tensor import plain

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from wrong_gradients import CASES, Wrong, naming

NAMED_RIGHTLY = 0.8  # of the first three of each perceptron, which are searched fast; the benchmark gives all shares


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_right_gradients_are_accepted(case):
    for gradient in case.right.values():
        assert case.message(gradient) == ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wrong_gradients_are_found(case, monkeypatch):
    monkeypatch.setattr("autograd.testing.explain_numbers", lambda *args, **options: ())  # which takes the time
    for wrong in case.wrong:
        assert case.message(case.gradient(wrong)), f"{wrong.what} is accepted"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_right_gradients_are_the_same(case):
    """Also where no engine has looked at them."""
    args = [plain(x) for x in case.example(3)]
    one, other = (gradient(*args) for gradient in case.right.values())
    pairs = zip(one, other, strict=True) if isinstance(one, tuple | list) else [(one, other)]
    assert all(np.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in pairs)


def test_every_wrong_gradient_has_a_true_slip():
    for case in CASES:
        assert len(case.wrong) >= 10, case.name
        assert len({wrong.what for wrong in case.wrong}) == len(case.wrong), case.name
        assert all(wrong.says or (wrong.line and wrong.kind) for wrong in case.wrong), case.name


def test_most_slips_are_named_rightly():
    firsts = [(case, wrong) for case in CASES if case.name.startswith("mlp") for wrong in case.wrong[:3]]
    right = [case.is_named_by(case.message(case.gradient(wrong)), wrong) for case, wrong in firsts]
    assert sum(right) >= NAMED_RIGHTLY * len(right)


MESSAGE = """dC/dw1 is wrong
Your numbers are those of the derivation with this slip:
    δ¹ = ∂C/∂z¹ = (δ² w²) ⊙ a¹ ⊙ (1 − a¹)
                            ^^^^^^^^^^^^^  a¹ ⊙ (1 − a¹) is missing
(seed 0)"""


def test_the_naming_of_a_message_is_read():
    (slip,) = naming(MESSAGE)
    assert slip.lines == ("delta1", "dz1") and slip.marked == "a1*(1-a1)" and "missing" in slip.what
    assert Wrong("", {}, "delta1 | delta2", "missing", "1-a1").is_slip(slip)
    assert not Wrong("", {}, "delta2", "missing").is_slip(slip)
    assert not Wrong("", {}, "delta1", "sign").is_slip(slip)
    assert not Wrong("", {}, "delta1", "missing", "w2").is_slip(slip)


EVERYWHERE = """    ∂C/∂b = Σₙ (u₁ ⊙ v)
                ^^  u₁ has the wrong sign everywhere, and so in ∂C/∂w, δ² = ∂C/∂z²"""


def test_a_slip_in_several_equations_is_one():
    (slip,) = naming(EVERYWHERE, {"u1": "error"})
    assert slip.lines == ("db", "dw", "delta2", "dz2", "error") and slip.marked == "error"
    assert Wrong("", {}, "error", "sign").is_slip(slip)
    (slip,) = naming("    ∂C/∂b = aᵀ b\n            ^^  aᵀ is taken for a")
    assert Wrong("", {}, "db", "transposed").is_slip(slip)
    (slip,) = naming("    δ = c ⊙ d\n        ^  c is missing, in what ∂C/∂b is computed from")
    assert slip.lines == ("delta", "db")
