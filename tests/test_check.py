"""The gradient checker passes what is right, and finds what is wrong, however it is wrong."""

import re
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import GradientError, Op, Tensor, check_gradients

X = np.array([0.3, -0.7, 1.2])


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (np.sin, (0.5,)),
        (np.sin, (2,)),
        (lambda x: x**3, (np.array([1, 2]),)),
        (lambda xs: xs[0] * xs[1], ([1, 2],)),
        (lambda x: np.sum(np.exp(x)), (X,)),
        (lambda x: np.outer(x, x), (X,)),
        (lambda x, y: x @ y, (X, X + 1)),
        (lambda tree: tree["w"] * tree["b"][0], ({"w": X, "b": [2.0, 3.0]},)),
        (lambda a, bs: [a * bs[0], {"c": bs[1] ** 2}], (X, (X, 0.5))),
        (lambda x: x * 0, (X,)),
        (lambda x: 1e6 * np.sin(x), (X,)),
        (lambda x: 1e-9 * np.sin(x), (X,)),
        (lambda x: np.log(x) * 1e3, (1e4 + X,)),
        (lambda x: np.ones(3), (X,)),
        (lambda x: 5.0, (X,)),
        (lambda x: x, (np.zeros((0, 3)),)),
        (lambda x: x * x, (Tensor(X),)),
    ],
)
def test_right_functions_pass(f: Any, args: Any) -> None:
    for order in (1, 2, 3):
        check_gradients(f, *args, order=order)


@pytest.mark.parametrize(
    "f", [np.sin, lambda x: x * x, np.tanh, autograd.softmax, lambda x: np.sum(np.exp(x)), lambda x: x @ x]
)
def test_float32_passes(f: Any) -> None:
    check_gradients(f, np.float32(X))


def wrong(factor: float) -> Op:
    return Op(np.sin, "np.sin(x)", lambda g, y, x: factor * g * np.cos(x), name="wrong")


def only_wrong_the_second_time() -> Op:
    """The first derivative is right. Its own is not, because the rule takes the cosine off the graph."""
    return Op(np.sin, "np.sin(x)", lambda g, y, x: g * np.cos(getattr(x, "data", x)) if isinstance(x, Tensor)
              else g * np.cos(x), name="wrong")  # fmt: skip


@pytest.mark.parametrize("factor", [-1, 0, 2, 0.99, 1.0001, 1 + 1e-5, np.nan, np.inf])
def test_a_wrong_rule_fails(factor: float) -> None:
    with pytest.raises(GradientError, match="order 1, argument 0: reverse mode and finite differences part"):
        check_gradients(wrong(factor), X)


@pytest.mark.parametrize("factor", [-1, 0, 2, 0.9])
def test_a_wrong_rule_fails_in_float32(factor: float) -> None:
    with pytest.raises(GradientError, match="order 1"):
        check_gradients(wrong(factor), np.float32(X))


@pytest.mark.parametrize("scale", [1e-8, 1e-100, 1e100])
def test_wrong_gradients_of_any_scale_are_found(scale: float) -> None:
    f = wrong(1.01)
    with pytest.raises(GradientError):
        check_gradients(lambda x: scale * f(x), X)
    check_gradients(lambda x: scale * np.sin(x), X)


def test_a_wrong_gradient_of_one_argument_among_large_ones_is_found() -> None:
    f = wrong(1.01)
    with pytest.raises(GradientError, match="argument 1"):
        check_gradients(lambda x, y: np.sum(x) + 1e-6 * np.sum(f(y)), X, X)


def test_an_error_of_the_second_order_is_found() -> None:
    f = only_wrong_the_second_time()
    check_gradients(f, X, order=1)
    with pytest.raises(GradientError, match="order 2"):
        check_gradients(f, X)


def test_a_missing_path_is_found() -> None:
    with pytest.raises(GradientError):
        check_gradients(lambda x: x * x.detach(), X)
    with pytest.raises(GradientError):
        check_gradients(lambda x: np.sum(x.data**2) + 0 * x, X)


def test_the_error_says_where_and_how_much() -> None:
    one_wrong = Op(lambda x: x * 1.0, "x", lambda g, y, x: g * np.array([[1.0, 1.0], [1.0, 3.0]]), name="wrong")
    with pytest.raises(GradientError) as raised:
        check_gradients(lambda a, b: np.sum(a) + np.sum(one_wrong(b)), X, np.ones((2, 2)))
    message = str(raised.value)
    assert "order 1, argument 1: " in message
    assert "index (1, 1)" in message
    reverse = float(re.search(r"reverse mode ([-0-9.e]+),", message)[1])
    difference = float(re.search(r"finite differences ([-0-9.e]+),", message)[1])
    relative = float(re.search(r"relative error ([-0-9.e]+) ", message)[1])
    assert reverse == pytest.approx(3 * difference, rel=1e-6)
    assert relative == pytest.approx(2 / 3, rel=1e-2)
    assert isinstance(raised.value, AssertionError)


def test_the_error_names_the_leaf_of_a_tree() -> None:
    f = wrong(2)
    with pytest.raises(GradientError, match=r"argument 0, leaf 1: .*index \(\)"):
        check_gradients(lambda tree: np.sum(tree["w"]) * f(tree["b"]), {"w": X, "b": 0.3})


def test_nan_is_found_and_pointed_at() -> None:
    f = Op(np.sin, "np.sin(x)", lambda g, y, x: g * np.cos(x) * np.array([1.0, np.nan, 1.0]), name="nan")
    with pytest.raises(GradientError, match="index \\(1,\\): reverse mode nan"):
        check_gradients(f, X)


def test_tolerance_and_step_can_be_chosen() -> None:
    f = wrong(1.001)
    check_gradients(f, X, order=1, rtol=1e-2)
    with pytest.raises(GradientError, match="tolerance 1e-04"):
        check_gradients(f, X, order=1, rtol=1e-4)
    check_gradients(np.sin, X, step=1e-4, rtol=1e-5)
    with pytest.raises(GradientError):
        check_gradients(np.sin, X, step=0.5)


def test_wrong_use() -> None:
    with pytest.raises(ValueError, match="order is 1"):
        check_gradients(np.sin, X, order=0)
    with pytest.raises(ValueError, match="arguments"):
        check_gradients(np.sin)


def test_arguments_are_not_changed() -> None:
    x = X.copy()
    tree = {"a": x}
    check_gradients(lambda t: t["a"] ** 2, tree)
    np.testing.assert_array_equal(x, X)
    assert tree["a"] is x


@pytest.mark.parametrize("x", [1e-4, -1e-5, 1e-8, 1e-12])
def test_right_rules_pass_near_zero(x: float) -> None:
    for f in (lambda x: 1 / x, lambda x: x**3, lambda x: np.sqrt(np.abs(x)), lambda x: np.log(np.abs(x)), np.cos):
        check_gradients(f, x)


def test_a_small_element_that_is_wrong_beside_large_ones_is_found() -> None:
    def f(w: Any) -> Any:
        return 1e6 * w[0] + 3 * w[1] - 2 * w[1].detach()

    with pytest.raises(GradientError, match=r"index \(1,\)"):
        check_gradients(f, np.array([1.0, 2.0]))


def test_a_rule_that_is_wrong_only_when_it_is_recorded_is_found() -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        return g * 2 * x if isinstance(x, np.ndarray) else g * 3 * x

    square = Op(lambda x: x * x, "x * x", rule, name="squared")
    with pytest.raises(GradientError, match="the rules give other numbers when they are recorded"):
        check_gradients(lambda x: np.sum(square(x)), X, order=1)


def test_a_gradient_that_is_given_is_compared() -> None:
    check_gradients(lambda w, x: np.sum(w * x), X, X, gradient=lambda w, x: (x, w))
    with pytest.raises(GradientError, match="the given gradient and finite differences part"):
        check_gradients(lambda w: np.sum(w**2), X, gradient=lambda w: w)
    with pytest.raises(GradientError, match="has shape"):
        check_gradients(lambda w: np.sum(w**2), X, gradient=lambda w: np.sum(w))
    with pytest.raises(GradientError, match="returns 1 gradients, and there are 2"):
        check_gradients(lambda w, x: np.sum(w * x), X, X, gradient=lambda w, x: (x,))
