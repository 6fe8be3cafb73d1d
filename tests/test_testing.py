"""Somebody's gradient is judged: what is right passes, and what is wrong is named."""

import importlib.util
import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd.testing
from autograd import GradientError, Tensor, grad, relu, sigmoid
from autograd.testing import assert_gradient

RNG = np.random.default_rng(1)
W, X, Y = RNG.normal(size=(3, 2)), RNG.normal(size=(5, 2)), RNG.uniform(size=(5, 3))


def cost(w: Any, x: Any, y: Any) -> Any:
    return np.sum((sigmoid(x @ w.T) - y) ** 2) / 2


def s(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def right(w: Any, x: Any, y: Any) -> Any:
    a = s(x @ w.T)
    return ((a - y) * a * (1 - a)).T @ x


def refused(gradient: Any, f: Any = cost, args: Any = None, **options: Any) -> str:
    with pytest.raises(GradientError) as raised:
        assert_gradient(gradient, f, *(args or (Tensor(W), X, Y)), **options)
    return str(raised.value)


def test_what_is_right_passes() -> None:
    assert_gradient(right, cost, Tensor(W), X, Y)
    assert_gradient(right(W, X, Y), cost, Tensor(W), X, Y)
    assert_gradient(lambda *a: {"w": right(*a)}, cost, Tensor(W), X, Y)
    assert_gradient(lambda *a: (cost(*a), right(*a)), cost, Tensor(W), X, Y)
    assert_gradient(lambda x, g: g * np.cos(x), np.sin, np.array([0.3, 0.5]))


def test_a_missing_factor_is_named_and_marked() -> None:
    message = refused(lambda w, x, y: (s(x @ w.T) - y).T @ x)
    assert "dC/dw is wrong at [" in message and "is missing" in message and "^^^" in message


def test_a_hint_says_where_and_not_what() -> None:
    message = refused(lambda w, x, y: (s(x @ w.T) - y).T @ x, hint_only=True)
    assert "Look at this equation again" in message and "missing" not in message


def test_outcomes_are_told_apart() -> None:
    assert "wrong sign" in refused(lambda *a: -right(*a))
    assert "3 times" in refused(lambda *a: 3 * right(*a))
    assert "transposed" in refused(lambda *a: right(*a).T)
    assert "raises ZeroDivisionError" in refused(lambda *a: 1 / 0)
    assert "returns None" in refused(lambda *a: None)
    assert "int64" in refused(lambda *a: right(*a).astype(np.int64))
    draw = np.random.default_rng(0)
    assert "called again" in refused(lambda *a: right(*a) * draw.uniform())

    def changes(w: Any, x: Any, y: Any) -> Any:
        found = right(w, x, y)
        y -= 1
        return found

    assert "changes its argument y" in refused(changes)


def test_gradients_in_another_order_are_swapped() -> None:
    args = (Tensor(np.ones(2)), Tensor(np.ones(3)))
    message = refused(lambda a, b: (2 * b, a), lambda a, b: np.sum(a) + np.sum(b**2), args)
    assert "swapped" in message


def test_a_small_element_beside_a_large_one_is_found() -> None:
    weights = np.array([1e6, 1e-3])
    refused(lambda x: np.array([1e6, 2e-3]), lambda x: np.sum(weights * x), (np.ones(2),))


def test_any_slope_between_both_sides_of_a_kink_is_right() -> None:
    x = np.array([0.0, 1.0])
    for slope in (-1.0, 0.0, 0.5, 1.0):
        assert_gradient(np.array([slope, 1.0]), lambda x: np.sum(np.abs(x)), x)
    refused(np.array([1.5, 1.0]), lambda x: np.sum(np.abs(x)), (x,))


def test_the_larger_of_two_is_no_reduction() -> None:
    """max(a, b) of two arrays is written like max(a) over an axis, and computed as np.maximum."""

    def f(w: Any, x: Any) -> Any:
        return np.sum(np.maximum(w, x) ** 2)

    w, x = Tensor([1.5, -0.5]), np.array([0.5, 0.25])
    with pytest.raises(GradientError, match="2 is missing"):
        assert_gradient(lambda w, x: np.maximum(w, x) * (w > x), f, w, x)


@pytest.mark.parametrize("against", ["torch", "jax"])
def test_functions_of_other_frameworks_are_judged(against: str) -> None:
    x, w = Tensor([0.3, -0.2, 0.5]), Tensor([1.0, 2.0, 3.0])

    def f(x: Any, w: Any) -> Any:
        return np.sum(np.tanh(x * w))

    if importlib.util.find_spec(against) is None:
        with pytest.raises(ImportError, match=f"against='{against}' needs {against}, which is not installed here"):
            assert_gradient(lambda x, w: (x, w), f, x, w, against=against)
    elif against == "torch":
        import torch

        def right(x: Any, w: Any) -> Any:
            return torch.autograd.grad(torch.tanh(x * w).sum(), (x, w))

        for function in (f, lambda x, w: torch.tanh(x * w).sum()):
            assert_gradient(right, function, x, w, against="torch")
            with pytest.raises(GradientError, match="dC/dw is wrong"):
                assert_gradient(lambda x, w: (right(x, w)[0], x), function, x, w, against="torch")
    else:
        import jax

        def wrong(x: Any, w: Any) -> Any:
            return w, jax.numpy.zeros(3)

        with pytest.raises(GradientError, match="dC/dx is wrong"):
            assert_gradient(wrong, f, x, w, against="jax")
    with pytest.raises(ValueError, match="against is one of 'torch', 'jax', not 'numpy'"):
        assert_gradient(lambda x, w: (x, w), f, x, w, against="numpy")


def test_a_slip_in_what_one_gradient_is_computed_from() -> None:
    x, w = Tensor([0.3, -0.2, 0.5]), Tensor([1.0, 2.0, 3.0])
    with pytest.raises(GradientError, match="a² has lost its power, in what ∂C/∂w is computed from"):
        assert_gradient(
            lambda x, w: ((1 - np.tanh(x * w) ** 2) * w, (1 - np.tanh(x * w)) * x),
            lambda x, w: np.sum(np.tanh(x * w)), x, w,
        )  # fmt: skip


def test_more_than_two_gradients_in_another_order() -> None:
    x = [Tensor(np.arange(1.0, 4.0) + i) for i in range(3)]
    with pytest.raises(GradientError, match=r"are right, but in another order, c, a, b: return them in the order of"):
        assert_gradient(
            lambda a, b, c: (a * b, b * c, a * c), lambda a, b, c: np.sum(a * b * c), *x
        )  # fmt: skip


def test_the_plugin_judges_in_a_pytest_file(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import numpy as np\nfrom autograd import Tensor\n"
        "def test_right(gradients):\n"
        "    gradients.assert_gradient(lambda x: 2 * x, lambda x: np.sum(x * x), Tensor([1.0, 2.0]))\n"
        "    gradients.check_gradients(np.sin, 0.5)\n"
        "def test_wrong(gradients):\n"
        "    gradients.assert_gradient(lambda x: x, lambda x: np.sum(x * x), Tensor([1.0, 2.0]))\n"
    )
    options = ["-p", "autograd.plugin", "--gradient-seed", "7", "-p", "no:cacheprovider", "--rootdir", tmp_path]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # an installed package has the plugin already
    command = [sys.executable, "-m", "pytest", *map(str, options), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=alone)
    assert "1 failed, 1 passed" in done.stdout
    assert "dC/dx is wrong" in done.stdout and "(seed 7)" in done.stdout
    assert "__tracebackhide__" not in done.stdout


def test_a_function_that_names_its_values() -> None:
    def f(x: Any) -> Any:
        z = x * x
        z.name = "z"
        return np.sum(np.tanh(z))

    with pytest.raises(GradientError, match="dC/dx is wrong"):
        assert_gradient(lambda x: 2 * x, f, Tensor([0.5, -0.3], name="x"))


def layer(x: Any, w: Any) -> Any:
    return sigmoid(x @ w.T)


def cost_of_a_layer(w: Any, x: Any, y: Any) -> Any:
    a = layer(x, w)
    error = a - y
    return np.sum(error**2) / 2


def test_the_line_of_the_function_that_a_slip_belongs_to_is_told() -> None:
    message = refused(lambda w, x, y: (s(x @ w.T) - y).T @ x, cost_of_a_layer)
    line = layer.__code__.co_firstlineno + 1
    assert f"It belongs to {__file__}:{line}: return sigmoid(x @ w.T)" in message


def test_the_line_is_told_where_no_slip_is_found() -> None:
    message = refused(lambda w, x, y: np.ones((3, 2)), cost_of_a_layer)
    assert "No slip was found" in message and "return sigmoid(x @ w.T)" in message


def test_a_tracer_that_was_there_is_there_again() -> None:
    before = sys.gettrace()
    refused(lambda w, x, y: np.ones((3, 2)))
    assert sys.gettrace() is before


def test_nobody_is_accused_where_the_engine_is_wrong() -> None:
    def f(x: Any) -> Any:
        return np.sum(x.detach() * x) if isinstance(x, Tensor) else np.sum(x * x)

    for size in (2, 100):  # element by element, and along random directions
        message = refused(lambda x: 2 * x, f, (Tensor(np.linspace(1.0, 2.0, size)),))
        assert "the engine and finite differences part" in message and "is wrong" not in message.split("So")[0]


def test_at_a_kink_finite_differences_accuse_nobody() -> None:
    message = refused(lambda x: 3 * np.ones(2), lambda x: np.sum(np.abs(x)), (Tensor([0.0, 1.0]),))
    assert "dC/dx is wrong" in message and "part" not in message


def test_a_large_gradient_is_borne_out_in_few_calls() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return np.sum(np.sin(x))

    refused(lambda x: -np.cos(x), f, (Tensor(np.linspace(0.0, 1.0, 10_000)),))
    assert len(calls) < 200


def test_a_slope_of_another_function_is_named() -> None:
    message = refused(lambda w, x, y: ((s(x @ w.T) - y) * (1 - s(x @ w.T) ** 2)).T @ x)
    assert "is taken for (1 − a²)" in message


def test_a_layer_too_much_is_named() -> None:
    def linear(w: Any, x: Any, y: Any) -> Any:
        return np.sum((np.tanh(x @ w.T) @ np.ones((3, 3)) - y) ** 2) / 2

    def wrong(w: Any, x: Any, y: Any) -> Any:
        a = np.tanh(x @ w.T)
        return (((np.tanh(a @ np.ones((3, 3))) - y) @ np.ones((3, 3))) * (1 - a**2)).T @ x

    assert "is taken for tanh(" in refused(wrong, linear)


@pytest.mark.parametrize(
    ("f", "wrong", "says"),
    [
        (lambda w, x, y, m: np.sum(w**3 + w**2 + w), lambda w, x, y, m: np.ones(3), "2 w + 3 w² is missing"),
        (
            lambda w, x, y, m: np.sum(m * (x @ w - y) ** 2) / 2,
            lambda w, x, y, m: x.T @ ((1 - m) * (x @ w - y)),
            "m is taken for 1 − m",
        ),
        (
            lambda w, x, y, m: np.sum(np.maximum(0, x @ w - y)),
            lambda w, x, y, m: x.sum(axis=0),
            "𝟙[u₁ > 0] is missing\n    where u₁ = x w − y",
        ),
        (
            lambda w, x, y, m: np.sum(np.max(w * x, axis=1)),
            lambda w, x, y, m: np.sum(x * (w * x == np.min(w * x, axis=1, keepdims=True)), axis=0),
            "max(u₁, axis=1) is taken for min(u₁, axis=1)",
        ),
        (
            lambda w, x, y, m: np.sum(x * w / (1 + m[:, None])),
            lambda w, x, y, m: np.sum(x, axis=0),
            "m[:, None]) is missing",
        ),
        (
            lambda w, x, y, m: np.sum(y @ (x * w / np.sqrt(np.sum(x**2, axis=0)))),
            lambda w, x, y, m: y @ x,
            "u₁ is missing\n    where u₁ = sqrt(Σₙ x²)",
        ),
    ],
)
def test_more_slips_that_people_make(f: Any, wrong: Any, says: str) -> None:
    assert says in refused(wrong, f, (Tensor(W[0]), X, Y[:, 0], (Y[:, 0] > np.median(Y[:, 0])) * 1.0))


def test_sigma_written_by_hand_is_sigma() -> None:
    def logistic(w: Any, x: Any, y: Any) -> Any:
        p = 1 / (1 + np.exp(-(x @ w.T)))
        return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))

    def forgotten(w: Any, x: Any, y: Any) -> Any:
        p = s(x @ w.T)
        return ((1 - y) / (1 - p) - y / p).T @ x

    message = refused(forgotten, logistic)
    assert "σ" in message and "exp" not in message.split("It belongs")[0] and "is missing" in message


def test_a_symmetric_positive_definite_argument_stays_so() -> None:
    def f(s: Any, m: Any) -> Any:
        r = np.linalg.solve(np.linalg.cholesky((s + s.T) / 2), m)
        return np.sum(r**2) / 2

    args = Tensor(np.array([[2.0, 0.5], [0.5, 1.0]])), Tensor(np.array([0.3, -0.4]))

    def wrong(s: Any, m: Any) -> Any:
        r = np.linalg.solve(s, m)
        return -np.outer(r, r) / 2, -r

    assert "the sign is wrong" in refused(wrong, f, args)


def test_what_is_chosen_at_a_kink_is_what_the_table_says() -> None:
    assert autograd.testing.__doc__ is not None
    rows = [line for line in autograd.testing.__doc__.splitlines() if re.match(r"    \S", line)][1:]
    here = [re.split(r"  +", row.strip())[1] for row in rows]
    both = [1.0, 1.0]
    found = [
        grad(relu)(0.0),
        grad(np.abs)(0.0),
        grad(np.maximum, (0, 1))(1.0, 1.0),
        grad(lambda x: np.maximum(x, 0.0))(0.0),
        grad(np.max)(np.array(both)),
        grad(lambda x: np.clip(x, 0.0, 1.0))(np.array(0.0)),
        grad(np.linalg.norm)(np.zeros(2)),
    ]
    assert grad(np.minimum, (0, 1))(1.0, 1.0) == found[2] and grad(lambda x: np.clip(x, 0.0, 1.0))(1.0) == found[5]
    for row, told, derived in zip(rows, here, found, strict=True):
        numbers = [float(Fraction(number)) for number in told.split(", ")]
        assert np.array_equal(np.broadcast_to(numbers, np.shape(derived) or len(numbers)), np.atleast_1d(derived)), row


def test_any_slope_between_those_of_the_two_sides_is_right() -> None:
    for slope in (0.0, 0.5, 1.0):
        assert_gradient(lambda x, slope=slope: np.array([slope, 1.0]), lambda x: np.sum(relu(x)), Tensor([0.0, 1.0]))
    assert "dC/dx is wrong at [0]" in refused(
        lambda x: np.array([1.5, 1.0]), lambda x: np.sum(relu(x)), (Tensor([0.0, 1.0]),)
    )


def test_arrays_are_differentiated_as_many_as_there_are_gradients():
    """Where no argument is a Tensor; a tuple may be a value and a gradient."""
    rng = np.random.default_rng(0)
    a, b = rng.random((3, 4)), rng.random(4)

    def f(a, b):
        return np.sum((a @ b) ** 2)

    def da(a, b):
        return np.outer(2 * (a @ b), b)

    def db(a, b):
        return 2 * a.T @ (a @ b)

    for gradient in [da, lambda a, b: (da(a, b), db(a, b)), lambda a, b: [da(a, b), db(a, b)],
                     lambda a, b: (f(a, b), da(a, b)), lambda a, b: (f(a, b), (da(a, b), db(a, b))),
                     lambda a, b: {"b": db(a, b)}]:  # fmt: skip
        assert_gradient(gradient, f, a, b)
    assert_gradient(lambda x, y: (y, x), lambda x, y: x * y, 2.0, 3.0)
    assert_gradient(lambda x, y: (y, x), lambda x, y: x * y, 2, 3)
    assert_gradient(lambda x: (x * x, 2 * x), lambda x: x * x, 2.0)
    assert_gradient(lambda x, i: np.eye(4)[i] * 1.0, lambda x, i: x[i], b, 2)
    assert_gradient(lambda b: [2.0 * x for x in b], lambda b: np.sum(b * b), b)
    assert_gradient(lambda x, y, weights: (y * weights, x * weights), lambda x, y: x * y, b, b + 1)
    for gradient, message in [
        (lambda a, b: (da(a, b), db(a, b) / 2), "dC/db is wrong"),
        (lambda a, b: (da(a, b), db(a, b), b), "returns 3, where there should be 2: of a, b"),
        (lambda a, b: [[1.0, 2.0], [3.0]], "cannot be read as an array"),
        (lambda a, b: (None, db(a, b)), "the gradient of a is None"),
    ]:
        with pytest.raises(GradientError, match=message):
            assert_gradient(gradient, f, a, b)
    with pytest.raises(GradientError, match=r"TypeError: .*the shape \(4,\): after its arguments, the gradient gets"):
        assert_gradient(lambda x: 2 * x, lambda x: x * x, b)


def test_a_mean_over_the_rows_of_an_array_from_outside_is_named():
    rng = np.random.default_rng(0)
    rows, y = rng.random((6, 3)), rng.random(6)
    with pytest.raises(GradientError) as found:
        assert_gradient(lambda w: rows.T @ (rows @ w - y) / 6, lambda w: np.sum((rows @ w - y) ** 2) / 2, rng.random(3))
    marked = "    ∂C/∂w = rowsᵀ u₁\n            ^^^^^^^^  is divided by 6, the length of an axis"
    assert f"{marked}\n    where u₁ = rows w − y\n" in str(found.value)


def test_a_value_that_was_overwritten_in_place_is_named() -> None:
    def aliased(w: Any, x: Any, y: Any) -> Any:
        a = s(x @ w.T)
        delta = a
        delta -= y
        delta *= a * (1 - a)
        return delta.T @ x

    assert "a is taken for (a − y) everywhere" in refused(aliased)


def test_what_is_overwritten_where_an_index_repeats_is_named() -> None:
    words = np.array([1, 0, 1])

    def f(table: Any) -> Any:
        return np.sum(table[words] ** 2 * np.arange(1.0, 4.0)[:, None])

    def overwritten(table: Any) -> Any:
        found = np.zeros_like(table)
        found[words] += 2 * table[words] * np.arange(1.0, 4.0)[:, None]
        return found

    assert "is not summed where an index is there twice" in refused(overwritten, f, (Tensor(W),))


def test_a_term_of_another_argument_is_named() -> None:
    def f(w: Any, b: Any, x: Any) -> Any:
        return np.sum((x @ w + b) ** 2) + 0.1 * np.sum(w**2)

    def wrong(w: Any, b: Any, x: Any) -> Any:
        e = 2 * (x @ w + b)
        return x.T @ e + 0.2 * w, np.sum(e) + 0.2 * b

    assert "1/5 b added" in refused(wrong, f, (Tensor([0.3, -0.2]), Tensor(0.4), X))


def test_a_multiple_of_no_axis_is_named() -> None:
    assert "is 3/7 times what it should be" in refused(lambda *a: 3 / 7 * right(*a))
    assert "is 1/9 times what it should be" in refused(
        lambda x: np.ones((3, 3)) / 9, lambda x: np.sum(x), (Tensor(np.ones((3, 3))),)
    )


def test_a_gradient_for_these_arguments_alone_is_judged_at_them():
    """It raises where others are drawn, to tell slips apart: that is not what is wrong with it."""
    w = np.array([0.5, -0.3])

    def gradient(w_):
        assert np.array_equal(w_, w)
        return w_

    with pytest.raises(GradientError) as found:
        assert_gradient(gradient, lambda w: np.sum(w * w), Tensor(w))
    assert "2 is missing" in str(found.value)


def test_where_no_slip_fits_it_says_what_to_print():
    """Lines that a right gradient is computed from are beyond doubt."""
    rng = np.random.default_rng(0)
    w1, w2, x, y = (rng.random(shape) for shape in ((4, 3), (2, 4), 3, 2))

    def cost(w1, w2, x, y):
        return np.sum((autograd.sigmoid(w2 @ autograd.sigmoid(w1 @ x)) - y) ** 2) / 2

    def gradient(w1, w2, x, y):
        a1 = 1 / (1 + np.exp(-w1 @ x))
        a2 = 1 / (1 + np.exp(-w2 @ a1))
        delta2 = (a2 - y) * a2 * (1 - a2)
        delta1 = np.arctan(w2.T @ delta2 + 0.3) * a1 * (1 - a1) ** 3
        return np.outer(delta1, x), np.outer(delta2, a1)

    with pytest.raises(GradientError) as found:
        assert_gradient(gradient, cost, Tensor(w1), Tensor(w2), x, y)
    lines = str(found.value).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("No slip was found")) + 1
    assert [line.split(" = ")[0] for line in lines[first : first + 2]] == ["    δ¹", "    ∂cost/∂w¹"]
    a1 = 1 / (1 + np.exp(-w1 @ x))
    a2 = 1 / (1 + np.exp(-w2 @ a1))
    norm = np.linalg.norm(w2.T @ ((a2 - y) * a2 * (1 - a2)) * a1 * (1 - a1))
    assert lines[first].endswith(f"(shape (4,), norm {norm:.6g})")


def recurrent(w: Any, u: Any, x: Any) -> Any:
    h = np.zeros(3)
    for t in range(4):
        h = np.tanh(w @ h + u @ x[t])
    return np.sum(h**2) / 2


def through_time(w: Any, u: Any, x: Any, prime: Any = lambda h: 1 - h**2, last: int = 0) -> Any:
    h = [np.zeros(3)]
    for t in range(4):
        h.append(np.tanh(w @ h[t] + u @ x[t]))
    dw, du, dh = np.zeros((3, 3)), np.zeros((3, 2)), h[4]
    for t in (3, 2, 1, 0):
        dz = dh * prime(h[t + 1])
        if t >= last:
            du += np.outer(dz, x[t])
        dw, dh = dw + np.outer(dz, h[t]), w.T @ dz
    return dw, du


@pytest.mark.parametrize(
    ("slips", "words"),
    [
        ({"last": 3}, r"δ³ x₂ᵀ \+ δ² x₁ᵀ \+ δ¹ x₀ᵀ is missing"),
        ({"prime": lambda h: 1}, r"\(1 − \(a⁴\)²\) is missing, .*in δ³ = .*, δ² = .*, δ¹ ="),
        ({"prime": lambda h: 1 + h**2}, r"\(a⁴\)² has the wrong sign, .*in δ³ = .*, δ² = .*, δ¹ ="),
    ],
)
def test_a_slip_in_a_loop_is_in_all_its_steps(slips: dict[str, Any], words: str) -> None:
    args = Tensor(RNG.normal(size=(3, 3))), Tensor(RNG.normal(size=(3, 2))), RNG.normal(size=(4, 2))
    assert_gradient(through_time, recurrent, *args)
    message = refused(lambda w, u, x: through_time(w, u, x, **slips), recurrent, args)
    assert re.search(words, message), message


def test_an_exponential_over_one_more_is_a_sigmoid_in_a_slip() -> None:
    message = refused(lambda z: np.ones(3), lambda z: np.sum(np.log(1 + np.exp(z))), (Tensor([0.3, -0.2, 1.0]),))
    assert "σ(z) is missing" in message


def test_arrays_beside_the_tensors_tell_slips_apart() -> None:
    """Two arrays hold the same numbers: only others say which of them stands in the wrong place."""
    args = Tensor([0.3, -0.4]), np.array([2.0, 0.5]), np.array([1.0, 2.0]), np.array([1.0, 2.0])

    def f(w: Any, x: Any, v: Any, y: Any) -> Any:
        return np.sum(np.sin(w * x) * y + w * v)

    for letter, wrong in (("y", lambda w, x, v, y: np.cos(w * x) * y * y + v),
                          ("v", lambda w, x, v, y: np.cos(w * x) * v * y + v)):  # fmt: skip
        message = refused(wrong, f, args)
        assert f"x is taken for {letter}" in message, message


def test_a_function_without_a_value_is_told() -> None:
    with pytest.raises(TypeError, match="f returns None, not a number"):
        assert_gradient(lambda x: 2 * x, lambda x: None, Tensor(3.0))
