"""Transforms: derivatives as functions, nested to any order, over any tree of arguments."""

import inspect
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor, compile, grad, hessian, hvp, jacobian, jvp, no_grad, value_and_grad, vjp

X = np.array([0.3, -0.7, 1.2])
W = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]])


def close(found: Any, expected: Any, rtol: float = 1e-12) -> None:
    """Equal values, and plain: neither a Tensor nor a list where an array is expected."""
    assert isinstance(found, (np.ndarray, np.generic)), type(found)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-14)
    assert np.shape(found) == np.shape(expected)


def test_grad_and_value_and_grad() -> None:
    close(grad(np.sin)(0.5), np.cos(0.5))
    close(grad(lambda x: np.sum(x**3))(X), 3 * X**2)
    value, gradient = value_and_grad(lambda x: np.sum(x**3))(X)
    close(value, np.sum(X**3))
    close(gradient, 3 * X**2)
    close(grad(lambda x: np.sum(x * x, keepdims=True))(X), 2 * X)  # one element is a single number


def test_integers_become_floats() -> None:
    close(grad(lambda x: x**2)(3), 6.0)
    close(grad(lambda x: np.sum(x**2))(np.array([1, 2])), [2.0, 4.0])


def test_float32_is_kept() -> None:
    for found in (
        grad(lambda x: np.sum(np.sin(x)))(np.float32(X)),
        jacobian(np.sin)(np.float32(X)),
        hessian(lambda x: np.sum(np.sin(x)))(np.float32(X)),
        hvp(lambda x: np.sum(np.sin(x)), (np.float32(X),), (np.float32(X),)),
        *jvp(np.sin, (np.float32(X),), (np.float32(X),)),
    ):
        assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 2.0 * 5), (1, 3.0 * 5), (2, 6.0), (-1, 6.0), (-3, 10.0), ((0, 2), (10.0, 6.0)), ((1,), (15.0,)),
     ((2, 0), (6.0, 10.0)), ((-1, 1), (6.0, 15.0))],
)  # fmt: skip
def test_argnums(argnums: Any, expected: Any) -> None:
    found = grad(lambda x, y, z: x * y * z, argnums)(3.0, 2.0, 5.0)
    assert found == expected
    assert isinstance(found, tuple) == isinstance(argnums, tuple)
    matrix = jacobian(lambda x, y, z: x * y * z, argnums)(3.0, 2.0, 5.0)
    assert matrix == expected


@pytest.mark.parametrize("argnums", [2, -3, (0, 5)])
def test_argnums_that_do_not_exist(argnums: Any) -> None:
    with pytest.raises(ValueError, match=r"argnums=.*2 arguments"):
        grad(lambda x, y: x * y, argnums)(1.0, 2.0)


def test_other_arguments_are_passed_on_as_they_are() -> None:
    def f(x: Any, kind: str, *, scale: float) -> Any:
        assert kind == "kind"
        return x * scale

    close(grad(f)(2.0, "kind", scale=5.0), 5.0)
    assert grad(f).__name__ == "df"


Point = namedtuple("Point", "x y")


def test_trees() -> None:
    def f(tree: Any) -> Any:
        (w, b), scale = tree["layers"], tree["scale"]
        return scale * np.sum(w * X + b)

    tree = {"layers": [X, 2.0], "scale": 3.0}
    found = grad(f)(tree)
    assert list(found) == ["layers", "scale"]
    assert isinstance(found["layers"], list)
    close(found["layers"][0], 3 * X)
    close(found["layers"][1], 9.0)
    close(found["scale"], np.sum(X * X + 2))
    (dx, dy), dz = grad(lambda p, z: p[0] * p[1] * z, (0, 1))((2.0, 3.0), 5.0)
    assert (dx, dy, dz) == (15, 10, 6)
    assert grad(lambda p: p.x * p.y)(Point(2.0, 3.0)) == Point(3.0, 2.0)
    assert grad(lambda xs: sum(xs))([1.0, 2.0, 3.0]) == [1, 1, 1]
    assert grad(lambda d: d["a"] * 2)({"a": 1.0, "unused": X})["unused"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("x", [0.4, -1.3, 2.0])
def test_nesting_to_the_third_order_and_beyond(x: float) -> None:
    d = grad(np.sin)
    close(d(x), np.cos(x))
    close(grad(d)(x), -np.sin(x))
    close(grad(grad(d))(x), -np.cos(x))
    close(grad(grad(grad(d)))(x), np.sin(x))
    close(grad(grad(grad(grad(d))))(x), np.cos(x))
    t = np.tanh(x)
    close(grad(grad(grad(np.tanh)))(x), (1 - t * t) * (6 * t * t - 2))


def test_perturbations_are_not_confused() -> None:
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6
    assert grad(lambda x: grad(lambda y: x * x * y * y)(x))(3.0) == 6 * 9
    assert grad(lambda x: grad(lambda y: x * y * y)(x * 2))(3.0) == 4 * 2 * 3
    assert grad(lambda x: grad(lambda x: x * x)(x) * x)(3.0) == 12
    assert grad(lambda x: jvp(lambda y: x * y, (1.0,), (x,))[1])(3.0) == 6
    assert grad(lambda x: grad(lambda y: x)(1.0) * x)(5.0) == 0
    assert grad(lambda x: hessian(lambda y: x * y**3)(2.0))(3.0) == 12
    assert grad(lambda x: hvp(lambda y: x * y**3, (2.0,), (x,)))(3.0) == 2 * 3 * 12
    assert grad(lambda x: np.sum(jacobian(lambda y: x * y * y)(X)))(3.0) == pytest.approx(2 * np.sum(X))
    assert grad(lambda x: vjp(lambda y: x * y * y, 2.0)[1](1.0))(3.0) == 4
    assert grad(lambda x: x * value_and_grad(lambda y: x * y)(2.0)[0])(3.0) == 12
    assert grad(lambda xs: xs["a"] * grad(lambda y: xs["b"] * y * y)(2.0))({"a": 3.0, "b": 5.0}) == {"a": 20, "b": 12}
    inner = grad(lambda x: grad(lambda y: grad(lambda z: x * y * z)(1.0) * y)(2.0))
    assert inner(1.0) == 2 * 2


def test_an_outer_tensor_keeps_its_graph() -> None:
    w = Tensor(3.0)
    d = grad(lambda x: w * x * x)(2.0)
    assert isinstance(d, Tensor)
    assert d.data == 12
    d.backward()
    assert w.grad == 4
    x = Tensor(2.0)
    d = grad(lambda x: x**3)(x)
    assert isinstance(d, Tensor)
    d.backward()
    assert x.grad == 12
    value, d = value_and_grad(lambda x: w * x)(2.0)
    assert isinstance(value, Tensor)
    assert isinstance(d, Tensor)
    value, pushed = jvp(lambda x: w * x, (2.0,), (5.0,))
    assert (value.data, pushed.data) == (6, 15)
    assert isinstance(hvp(lambda x: w * x**3, (2.0,), (1.0,)), Tensor)
    assert isinstance(jacobian(lambda x: w * x)(X), Tensor)


def test_an_outer_computed_tensor_keeps_its_graph() -> None:
    w = Tensor(3.0)
    v = w * w
    d = grad(lambda x: v * x * x)(2.0)
    d.backward()
    assert w.grad == 2 * 3 * 4


def test_a_gradient_penalty() -> None:
    """A gradient of a gradient in one cost, as in double backpropagation."""
    w = Tensor(W, name="w")

    def energy(x: Any) -> Any:
        return np.sum(np.tanh(w @ x))

    cost = np.sum(grad(energy)(X) ** 2)
    cost.backward()

    def plain_cost(w: Any) -> Any:
        return np.sum(((1 - np.tanh(w @ X) ** 2) @ w) ** 2)

    np.testing.assert_allclose(cost.data, plain_cost(W), rtol=1e-12)
    h, i = 1e-6, (1, 2)
    moved = [W + 0, W + 0]
    moved[0][i] += h
    moved[1][i] -= h
    assert w.grad[i] == pytest.approx((plain_cost(moved[0]) - plain_cost(moved[1])) / (2 * h), rel=1e-6)


def test_plain_in_plain_out() -> None:
    pull = vjp(lambda x: np.sum(x**2), X)[1]
    for result in (
        grad(lambda v: np.sum(pull(v)))(1.0),
        grad(np.sin)(1.0),
        value_and_grad(np.sin)(1.0)[0],
        jacobian(np.sin)(X),
        hessian(lambda x: np.sum(np.sin(x)))(X),
        hvp(lambda x: np.sum(np.sin(x)), (X,), (X,)),
        *jvp(np.sin, (X,), (X,)),
        vjp(np.sin, X)[0],
        vjp(np.sin, X)[1](X),
        grad(grad(np.sin))(1.0),
    ):
        assert not isinstance(result, Tensor)


def test_inside_no_grad() -> None:
    with no_grad():
        close(grad(np.sin)(0.5), np.cos(0.5))
        close(grad(grad(np.sin))(0.5), -np.sin(0.5))
        close(hessian(lambda x: np.sum(x**3))(X), np.diag(6 * X))
        close(jvp(np.sin, (X,), (X,))[1], np.cos(X) * X)
        assert (Tensor(1.0) * 2).inputs == ()


def test_no_grad_inside_makes_constants() -> None:
    def f(x: Any) -> Any:
        with no_grad():
            c = x * x
        return c * x

    assert grad(f)(3.0) == 9


def test_constant_functions() -> None:
    assert grad(lambda x: 5.0)(2.0) == 0
    close(grad(lambda x: np.float64(1))(X), [0, 0, 0])
    close(jacobian(lambda x: np.ones(2))(X), np.zeros((2, 3)))
    close(hessian(lambda x: np.sum(x))(X), np.zeros((3, 3)))
    close(hvp(lambda x: np.sum(x), (X,), (X,)), np.zeros(3))
    value, pushed = jvp(lambda x: np.ones(2), (X,), (X,))
    close(value, [1, 1])
    close(pushed, [0, 0])
    close(vjp(lambda x: np.ones(2), X)[1](np.ones(2)), [0, 0, 0])
    assert value_and_grad(lambda x: 5.0)(2.0) == (5.0, 0.0)
    w = Tensor(3.0)
    assert grad(lambda x: w * w)(2.0) == 0


def test_the_identity() -> None:
    assert grad(lambda x: x)(2.0) == 1
    close(jacobian(lambda x: x)(X), np.eye(3))
    close(jvp(lambda x: x, (X,), (W[0],))[1], W[0])
    assert grad(lambda x: x.detach())(2.0) == 0


def test_vjp() -> None:
    value, pull = vjp(lambda w, x: np.tanh(w @ x), W, X)
    close(value, np.tanh(W @ X))
    v = np.array([1.0, -2.0])
    for _ in range(2):
        dw, dx = pull(v)
        close(dw, np.outer(v * (1 - value**2), X))
        close(dx, (v * (1 - value**2)) @ W)
    close(vjp(lambda x: {"a": x * 2, "b": [x @ x]}, X)[1]({"a": X, "b": [10.0]}), 2 * X + 20 * X)
    with pytest.raises(ValueError, match=r"seed has shape \(3,\)"):
        pull(X)
    with pytest.raises(ValueError, match="trees differ"):
        vjp(lambda x: [x, x], X)[1]([X])


@pytest.mark.parametrize(
    "f",
    [np.sin, lambda x: np.sum(x**2), lambda x: W @ np.tanh(x), lambda x: np.outer(x, x), autograd.softmax, np.cumsum],
)
def test_jvp_is_a_directional_difference(f: Any) -> None:
    t = np.array([1.0, -0.5, 2.0])
    value, pushed = jvp(f, (X,), (t,))
    close(value, f(X))
    h = 1e-6
    close(pushed, (f(X + h * t) - f(X - h * t)) / (2 * h), rtol=1e-8)


def test_jvp_of_several_arguments_and_trees() -> None:
    value, pushed = jvp(lambda x, y: {"p": x * y, "q": x[0]}, (X, 2.0), (np.ones(3), 10.0))
    close(value["p"], 2 * X)
    close(pushed["p"], 2 + 10 * X)
    assert pushed["q"] == 1
    assert jvp(lambda d: d["a"] * d["b"], ({"a": 2.0, "b": 3.0},), ({"a": 1.0, "b": 10.0},)) == (6, 23)
    assert grad(lambda x: jvp(lambda y: y**3, (x,), (1.0,))[1])(2.0) == 12


def test_hvp_is_the_hessian_times_the_tangent() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.tanh(W @ x) ** 2) + np.prod(x)

    t = np.array([1.0, -0.5, 2.0])
    close(hvp(f, (X,), (t,)), hessian(f)(X) @ t)
    by_x, by_y = hvp(lambda x, y: x**2 * y**3, (2.0, 3.0), (1.0, 10.0))
    assert by_x == pytest.approx(2 * 27 + 10 * 2 * 2 * 27)
    assert by_y == pytest.approx(2 * 2 * 27 + 10 * 4 * 6 * 3)
    assert hvp(lambda d: d["a"] * d["b"], ({"a": 2.0, "b": 3.0},), ({"a": 1.0, "b": 10.0},)) == {"a": 10, "b": 1}
    assert grad(lambda x: hvp(lambda y: y**4, (x,), (1.0,)))(2.0) == 48


def test_jacobian() -> None:
    close(jacobian(lambda x: W @ x)(X), W)
    close(jacobian(np.sum)(X), np.ones(3))
    close(jacobian(lambda w: w.T)(W), np.einsum("il,jk->ijkl", np.eye(3), np.eye(2)))
    assert jacobian(lambda x: np.outer(x, x))(X).shape == (3, 3, 3)
    by_w, by_x = jacobian(lambda w, x: w @ x, (0, 1))(W, X)
    close(by_w, np.einsum("ij,k->ijk", np.eye(2), X))
    close(by_x, W)
    close(jacobian(lambda x: x[:0])(X), np.zeros((0, 3)))
    h = jacobian(jacobian(np.sin))(X)
    close(h, -np.einsum("ij,jk,j->ijk", np.eye(3), np.eye(3), np.sin(X)))


def test_derivatives_of_numbers_are_numbers() -> None:
    for found in (jacobian(np.sin)(1.0), hessian(np.sin)(1.0), jacobian(lambda x: 3)(1.0), grad(np.sin)(1.0)):
        assert type(found) is np.float64


def test_jacobian_of_trees() -> None:
    found = jacobian(lambda p: {"sum": p["a"] + p["b"], "parts": [p["a"][0], 2 * p["b"]]})({"a": X, "b": 1.0})
    close(found["sum"]["a"], np.eye(3))
    close(found["sum"]["b"], np.ones(3))
    close(found["parts"][0]["a"], [1.0, 0, 0])
    close(found["parts"][0]["b"], 0.0)
    close(found["parts"][1]["b"], 2.0)


def test_hessian_is_symmetric_and_right() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.exp(W @ x)) * np.prod(x) + autograd.logsumexp(x)

    h = hessian(f)(X)
    assert h.shape == (3, 3)
    np.testing.assert_allclose(h, h.T, rtol=1e-12)
    step = 1e-5
    d = grad(f)
    difference = np.stack([(d(X + step * e) - d(X - step * e)) / (2 * step) for e in np.eye(3)])
    np.testing.assert_allclose(h, difference, rtol=1e-7, atol=1e-8)
    assert hessian(lambda w: np.sum(w**3))(W).shape == (2, 3, 2, 3)
    assert hessian(lambda x: x**3)(2.0) == 12
    (xx, xy), (yx, yy) = hessian(lambda x, y: x**2 * y**3, (0, 1))(2.0, 3.0)
    assert (xx, xy, yx, yy) == (54, 108, 108, 72)
    assert hessian(lambda d: d["a"] * d["b"])({"a": 2.0, "b": 3.0}) == {"a": {"a": 0, "b": 1}, "b": {"a": 1, "b": 0}}


def test_one_array_as_two_arguments() -> None:
    by_both = grad(lambda a, b: np.sum(a * a * b), (0, 1))(X, X)
    close(by_both[0], 2 * X * X)
    close(by_both[1], X * X)
    t = Tensor(X)
    by_a = grad(lambda a, b: np.sum(a * b))(t, t)
    np.testing.assert_array_equal(by_a.data, X)
    assert grad(lambda xs: xs[0] * xs[1])([2.0, 2.0]) == [2, 2]


def test_arguments_are_left_alone() -> None:
    t = Tensor(X)
    x = X.copy()
    grad(lambda x: np.sum(x * x))(t)
    grad(lambda x: np.sum(x * x))(x)
    assert t.grad is None
    np.testing.assert_array_equal(x, X)
    d = grad(lambda x: np.sum(x))(x)
    d += 1  # a result is the caller's own


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: grad(np.sin)(X), ValueError, r"single number.*\(3,\).*jacobian"),
        (lambda: grad(lambda x: [x, x])(1.0), ValueError, "single number"),
        (lambda: grad(lambda x: None)(1.0), ValueError, "None"),
        (lambda: grad(lambda x: X)(1.0), ValueError, r"\(3,\)"),
        (lambda: hessian(np.sin)(X), ValueError, "single number"),
        (lambda: hvp(np.sin, (X,), (X,)), ValueError, "single number"),
        (lambda: jvp(np.sin, (X,), (1.0,)), ValueError, r"tangent of shape \(\) for an argument of shape \(3,\)"),
        (lambda: jvp(np.sin, (X,), ()), ValueError, "1 primals and 0 tangents"),
        (lambda: jvp(np.sin, X, X), TypeError, "primals is a tuple"),
        (lambda: jvp(np.sin, (1.0,), 1.0), TypeError, "tangents is a tuple"),
        (lambda: hvp(lambda x: np.sum(x**2), (X,), (X[:2],)), ValueError, r"tangent of shape \(2,\)"),
        (lambda: hvp(lambda d: d["a"], ({"a": 1.0},), ({"b": 1.0},)), ValueError, "trees differ"),
        (lambda: grad(lambda x: x)("a"), TypeError, "real numbers"),
        (lambda: grad(lambda x: x)(None), TypeError, "real numbers"),
        (lambda: grad(lambda x: x * 1j)(1.0), TypeError, "complex"),
        (lambda: grad(lambda x: x)(), ValueError, "argnums"),
        (lambda: vjp(np.sin), (ValueError, TypeError), "argument"),
    ],
)
def test_errors(call: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_what_is_derived_has_a_name_of_its_own():
    def cost(w, x):
        """Some cost."""
        return np.sum(w * x)

    names = [t(cost).__name__ for t in (grad, autograd.value_and_grad, autograd.jacobian)]
    assert names == ["dcost", "cost_and_gradient", "jacobian_of_cost"]
    assert (grad(grad(np.tanh)).__name__, grad(lambda x: x).__name__) == ("ddtanh", "df")
    assert list(inspect.signature(grad(cost)).parameters) == ["w", "x"]
    assert grad(cost).__doc__ == "Some cost."


@pytest.mark.parametrize(
    "inner",
    [
        lambda w, x: grad(lambda z: np.sum(z**3))(x) * w,
        lambda w, x: grad(lambda z: np.sum(z**3 * w))(x) + w,
        lambda w, x: hvp(lambda z: np.sum(z**3 * w), (x,), (x,)),
        lambda w, x: jvp(lambda z: z**3 * w, (x,), (x,))[1],
        lambda w, x: jacobian(lambda z: z**3 * w)(x),
    ],
)
@pytest.mark.parametrize("dtype", [float, int])
def test_a_derivative_by_an_array_inside_a_program(inner: Any, dtype: Any) -> None:
    """The array is an argument of the program, and no constant of it."""
    program = compile(lambda w, x: np.sum(inner(w, x)))
    for x in (np.array([1, 2], dtype), np.array([3, 5], dtype)):
        eager, replayed = Tensor([3.0, 4.0]), Tensor([3.0, 4.0])
        expected = np.sum(inner(eager, x))
        expected.backward()
        np.testing.assert_allclose(program(replayed, x), expected.data)
        np.testing.assert_allclose(replayed.grad, eager.grad)
