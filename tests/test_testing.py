"""Somebody's gradient is judged: what is right passes, and what is wrong is named."""

from typing import Any

import numpy as np
import pytest

from autograd import GradientError, Tensor, sigmoid
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
