"""Every operation: its value is NumPy's, its first and second derivatives are those of finite differences."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operations_table import ABSENT, EVERY_ROW, A, Row

import autograd
from autograd import Tensor, check_gradients, grad

every_row = pytest.mark.parametrize("case", EVERY_ROW, ids=[f"{r.operation}: {r.label}" for r in EVERY_ROW])


@every_row
def test_value_is_numpys(case: Row) -> None:
    operands = [np.asarray(x) for x in case.operands]
    expected = (case.reference or case.f)(*operands)
    value = case.f(*map(Tensor, operands))
    assert isinstance(value, Tensor)
    np.testing.assert_allclose(value.data, expected, rtol=1e-12, atol=1e-14)
    assert value.shape == np.shape(expected)
    assert value.data.dtype == np.float64
    if case.reference:  # an operation of ours works on plain arrays, too
        plain = case.f(*operands)
        assert not isinstance(plain, Tensor)
        np.testing.assert_allclose(plain, expected, rtol=1e-12, atol=1e-14)


@every_row
def test_first_and_second_derivative(case: Row) -> None:
    check_gradients(case.f, *case.operands, order=2)


@every_row
def test_float32_stays_float32(case: Row) -> None:
    operands = [Tensor(np.float32(x)) for x in case.operands]
    value = case.f(*operands)
    plain = np.float32(0) if case.reference else case.f(*[x.data for x in operands])  # float64 constants make float64
    assert value.data.dtype == np.asarray(plain).dtype
    value.backward(np.ones(value.shape))
    for x in operands:
        assert x.grad.dtype == np.float32
        assert x.grad.shape == x.shape


@every_row
def test_operands_are_not_written_into(case: Row) -> None:
    operands = [Tensor(x) for x in case.operands]
    before = [np.array(x.data) for x in operands]
    value = case.f(*operands)
    seed = np.ones(value.shape)
    value.backward(seed)
    value.backward(seed)
    for x, data in zip(operands, before):
        np.testing.assert_array_equal(x.data, data)
    np.testing.assert_array_equal(seed, np.ones(value.shape))


METHODS_OF_UFUNCS = {"add.reduce", "multiply.reduce", "maximum.reduce", "minimum.reduce", "fmax.reduce", "fmin.reduce",
                     "logaddexp.reduce", "add.accumulate", "multiply.accumulate", "row_stack", "amax",
                     "amin"}  # fmt: skip


def test_every_operation_has_a_row() -> None:
    tested = {case.operation for case in EVERY_ROW}
    assert set(autograd.operations()) - METHODS_OF_UFUNCS - ABSENT == tested


EMPTY: list[Callable[[Any], Any]] = [
    np.sum, np.prod, np.cumsum, np.cumprod, np.exp, np.sinc, np.hypot, np.ravel, np.transpose, np.linalg.norm,
    np.sort, np.diff, np.trapezoid, np.tril, np.diagonal, np.trace, np.median,
    lambda x: np.sum(x, axis=0), lambda x: np.mean(x, axis=1), lambda x: np.max(x, axis=1),
    lambda x: np.std(x, axis=-1), lambda x: np.vstack([x, x]), lambda x: np.quantile(x, 0.5, axis=1),
    lambda x: np.sort(x, axis=0), lambda x: np.diff(x, axis=0), lambda x: np.concatenate([x, x]), lambda x: x @ x.T,
    lambda x: x.T @ x, lambda x: np.einsum("ij,kj->ik", x, x), lambda x: np.inner(x, x),
    lambda x: np.take(x, [0, 1], 1),
    lambda x: np.linalg.norm(x, axis=1), lambda x: np.linalg.inv(x[..., None] * np.ones(3)),
    lambda x: np.linalg.det(x[..., None] * np.ones(3)), lambda x: np.linalg.eigvalsh(x[..., None] * np.ones(3)),
    lambda x: np.linalg.solve(x[..., None] * np.ones(3), np.ones((3, 1))), lambda x: np.pad(x, 1),
    lambda x: np.tile(x, 2),
    lambda x: np.repeat(x, 2, axis=1), lambda x: np.split(x, 3, axis=1)[0], lambda x: np.roll(x, 1), np.flip,
    lambda x: np.logaddexp(x, 1.0), lambda x: np.append(x, [[1.0, 2.0, 3.0]], axis=0), np.outer,
]  # fmt: skip


@pytest.mark.parametrize("f", EMPTY, ids=range(len(EMPTY)))
def test_empty_arrays(f: Callable[..., Any]) -> None:
    x = np.zeros((0, 3))
    arguments = (x, x) if f in (np.hypot, np.outer) else (x,)
    t = Tensor(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the mean of nothing
        expected, found = f(*arguments), f(*[t for _ in arguments])
    np.testing.assert_array_equal(found.data, expected)
    assert found.dtype == expected.dtype
    np.sum(found).backward()
    assert t.grad.shape == x.shape


NUMBERS: list[Callable[[Any], Any]] = [
    np.exp, np.sum, np.prod, np.max, np.mean, np.cumsum, np.cumprod, np.ravel, np.squeeze, np.atleast_2d,
    np.linalg.norm, np.transpose, np.sinc, np.i0, np.median, np.ptp, np.nansum, np.nan_to_num, np.copy,
    np.flip, np.diagflat,
    lambda x: np.sum(x, axis=0), lambda x: np.prod(x, axis=0), lambda x: np.max(x, axis=-1, keepdims=True),
    lambda x: np.repeat(x, 3), lambda x: np.broadcast_to(x, (2, 3)), lambda x: np.stack([x, x]),
    lambda x: np.append(x, x),
    lambda x: np.hstack([x, x]), lambda x: np.linspace(x, 2.0, 3), lambda x: np.polyval([1.0, 2.0], x),
    lambda x: x % 0.3,
    lambda x: np.interp(x, [0.0, 1.0], [2.0, 5.0]), lambda x: np.clip(x, 0, 1), lambda x: np.outer(x, x),
    lambda x: np.kron(x, [1.0, 2.0]), lambda x: np.dot(x, x), lambda x: np.inner(x, 3.0), lambda x: np.take(x, [0, 0]),
]  # fmt: skip


@pytest.mark.parametrize("f", NUMBERS, ids=range(len(NUMBERS)))
def test_numbers_without_axes(f: Callable[..., Any]) -> None:
    np.testing.assert_allclose(f(Tensor(0.7)).data, f(np.float64(0.7)), rtol=1e-14)
    check_gradients(f, 0.7)
    t = Tensor(0.7)
    f(t).sum().backward()
    assert isinstance(t.grad, np.float64)


@pytest.mark.parametrize(("ord", "axis"), [(None, None), (2, None), (3, None), (1.5, 0), ("fro", None), ("nuc", None),
                                           (0.5, 0), (-1, 0), (-2.5, 1)])  # fmt: skip
def test_the_norm_of_nothing_but_zeros_has_a_gradient(ord: Any, axis: Any) -> None:
    x = np.zeros(3) if ord in (2, 3) else np.zeros((2, 3))
    found = derivative(lambda x: np.linalg.norm(x, ord, axis), x)
    if ord != "nuc":
        np.testing.assert_array_equal(found, np.zeros(x.shape))
    assert np.all(np.isfinite(found))


def test_a_zero_among_others_takes_no_gradient_of_a_norm_below_1() -> None:
    x = A([0.0, 4.0, -9.0])
    np.testing.assert_allclose(derivative(lambda x: np.linalg.norm(x, 0.5), x), [0.0, 2.5, -5 / 3])
    np.testing.assert_array_equal(derivative(lambda x: np.linalg.norm(x, -1), x), [0, 0, 0])


def test_vectors_of_equal_eigenvalues_have_an_infinite_gradient() -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = derivative(lambda x: np.linalg.eigh(x)[1] * [[1.0, 2.0], [3.0, 4.0]], np.eye(2))
    assert not np.all(np.isfinite(found))
    assert np.all(np.isfinite(derivative(lambda x: np.linalg.eigh(x)[0], np.eye(2))))
    with pytest.raises(np.linalg.LinAlgError, match=r"linalg\.inv\(Tensor.*Singular matrix"):
        derivative(np.linalg.inv, np.zeros((2, 2)))


SHAPES = [(), (1,), (3,), (2, 1), (2, 3), (1, 3)]
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": lambda a, b: np.where(A([True, False, True]), a, b),
    "clip": lambda a, b: np.clip(a, b, 1.7),
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("left", SHAPES)
@pytest.mark.parametrize("right", SHAPES)
def test_broadcasting_in_every_position(name: str, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    f, a, b = BINARY[name], rng.uniform(0.5, 2, left)[()], rng.uniform(0.5, 2, right)[()]
    value = f(Tensor(a), Tensor(b))
    np.testing.assert_allclose(value.data, f(a, b), rtol=1e-15)
    check_gradients(f, a, b)
    for mixed in (f(Tensor(a), b), f(a, Tensor(b))):
        np.testing.assert_array_equal(mixed.data, value.data)
    both = Tensor(a), Tensor(b)
    f(*both).sum().backward()
    alone = Tensor(a), Tensor(b)
    f(alone[0], b).sum().backward()
    f(a, alone[1]).sum().backward()
    for x, y in zip(both, alone):
        np.testing.assert_array_equal(x.grad, y.grad)


@pytest.mark.parametrize("number", [2, 2.5, True, np.float32(2.5), np.int64(3)])
@pytest.mark.parametrize("name", BINARY)
def test_python_and_numpy_numbers_on_both_sides(name: str, number: Any) -> None:
    f, x = BINARY[name], A([0.5, 1.5, 2.8])
    np.testing.assert_allclose(f(Tensor(x), number).data, f(x, float(number)))
    np.testing.assert_allclose(f(number, Tensor(x)).data, f(float(number), x))
    check_gradients(lambda t: f(t, number), x)
    check_gradients(lambda t: f(number, t), x)


@pytest.mark.parametrize("number", [2, 2.5, True])
@pytest.mark.parametrize("name", BINARY)
def test_python_numbers_leave_float32_alone(name: str, number: Any) -> None:
    for x in (np.float32([0.5, 1.5, 2.8]), np.float32(1.5)):
        for on_the_left in (False, True):
            t = Tensor(x)
            y = BINARY[name](number, t) if on_the_left else BINARY[name](t, number)
            if name != "clip":  # np.clip makes an array of a number to be clipped
                assert y.dtype == np.float32
            y.sum().backward()
            assert t.grad.dtype == np.float32


EXTREMES = A([-1e4, -800.0, -1.0, 0.5, 2.0, 750.0, 1e4])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["relu", "sigmoid", "softplus", "logsumexp", "softmax", "log_softmax", "tanh"])
@pytest.mark.parametrize("x", [EXTREMES, EXTREMES[:1], EXTREMES[-1:], *EXTREMES[[0, 1, -2, -1]]], ids=str)
def test_stable_at_large_values(name: str, x: Any, dtype: Any) -> None:
    if name in ("softmax", "log_softmax") and np.ndim(x) == 0:
        x = x[None]
    f = getattr(autograd, name, np.tanh)
    t = Tensor(dtype(x))
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        value = f(t)
        (value * np.linspace(1, 2, value.size).reshape(value.shape)).sum().backward()
        second = grad(lambda x: np.sum(grad(lambda x: np.sum(f(x) ** 2 / 1e4))(x)))(dtype(x))
    for found in (value.data, t.grad, second):
        assert np.all(np.isfinite(found))
        assert found.dtype == dtype


def test_values_at_the_extremes() -> None:
    np.testing.assert_array_equal(autograd.sigmoid(A([-1e4, 0, 1e4]))[1:], [0.5, 1])
    assert autograd.sigmoid(A([-1e4]))[0] < 1e-300
    np.testing.assert_array_equal(autograd.softplus(A([-1e4, 1e4])), [0, 1e4])
    np.testing.assert_array_equal(autograd.logsumexp(A([-1e4, 1e4])), 1e4)
    np.testing.assert_array_equal(autograd.softmax(A([-1e4, 1e4])), [0, 1])
    np.testing.assert_array_equal(autograd.log_softmax(A([-1e4, 1e4])), [-2e4, 0])
    assert autograd.sigmoid(-700.0) == pytest.approx(np.exp(-700.0), rel=1e-12)
    assert autograd.logsumexp(A([-np.inf, 1.0])) == 1.0


def test_softmax_of_nothing() -> None:
    """An empty selection has no probabilities, and a sum of nothing is 0, whose logarithm is -inf."""
    for f in (autograd.softmax, autograd.log_softmax):
        t = Tensor(np.zeros((2, 0)))
        f(t).sum().backward()
        assert f(t).shape == t.grad.shape == (2, 0)
    assert np.all(autograd.logsumexp(np.zeros((2, 0)), axis=1) == -np.inf)


def derivative(f: Callable[..., Any], *args: Any, argnums: Any = 0) -> Any:
    return grad(lambda *xs: np.sum(f(*xs)), argnums)(*args)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (autograd.relu, A([-1.0, 0.0, 1.0]), [0, 0, 1]),
        (autograd.relu, 0.0, 0),
        (abs, A([-1.0, 0.0, 1.0]), [-1, 0, 1]),
        (abs, 0.0, 0),
        (np.max, A([1.0, 3.0, 3.0]), [0, 0.5, 0.5]),
        (np.min, A([1.0, 1.0, 1.0, 3.0]), [1 / 3, 1 / 3, 1 / 3, 0]),
        (lambda x: np.max(x, axis=1), A([[2.0, 2.0], [1.0, 4.0]]), [[0.5, 0.5], [0, 1]]),
        (lambda x: np.max(x, axis=0, keepdims=True), A([[2.0, 5.0], [2.0, 4.0]]), [[0.5, 1], [0.5, 0]]),
        (lambda x: np.maximum(x, 1), A([0.0, 1.0, 2.0]), [0, 0.5, 1]),
        (lambda x: np.maximum(1, x), A([0.0, 1.0, 2.0]), [0, 0.5, 1]),
        (lambda x: np.minimum(x, 1), A([0.0, 1.0, 2.0]), [1, 0.5, 0]),
        (lambda x: np.maximum(x, x), A([0.0, 1.0]), [1, 1]),
        (lambda x: np.clip(x, 0, 1), A([-1.0, 0.0, 0.5, 1.0, 2.0]), [0, 1, 1, 1, 0]),
        (lambda x: np.clip(x, 0, None), A([-1.0, 0.0, 0.5]), [0, 1, 1]),
        (np.std, A([2.0, 2.0]), [0, 0]),
        (lambda x: x**0, A([0.0, 2.0]), [0, 0]),
        (lambda x: x**0, 0.0, 0),
        (lambda x: x**0.0, 0.0, 0),
        (lambda x: x**1, A([0.0, 2.0]), [1, 1]),
        (lambda x: x**2, 0.0, 0),
        (lambda x: x ** A([0, 1, 2]), A([0.0, 0.0, 0.0]), [0, 1, 0]),
        (lambda n: 0**n, A([1.0, 2.0]), [0, 0]),
        (lambda n: 0**n, 2.0, 0),
        (lambda n: 0.0**n, 3, 0),
    ],
)
def test_subgradients_at_kinks(f: Any, x: Any, expected: Any) -> None:
    found = derivative(f, x)
    np.testing.assert_array_equal(found, expected)
    assert np.all(np.isfinite(derivative(lambda x: derivative(f, x), x)))


def test_clip_sends_the_rest_to_its_bounds() -> None:
    x, low, high = A([-1.0, 0.5, 3.0]), A([0.0, 0.0, 0.0]), A([1.0, 1.0, 1.0])
    parts = derivative(np.clip, x, low, high, argnums=(0, 1, 2))
    np.testing.assert_array_equal(parts, [[0, 1, 0], [1, 0, 0], [0, 0, 1]])


def test_where_keeps_infinities_of_the_other_branch_out() -> None:
    x = A([0.0, 1.0, 4.0])
    safe = np.where(x == 0, 1.0, x)
    np.testing.assert_array_equal(derivative(lambda x: np.where(x == 0, 0, np.sqrt(np.where(x == 0, 1, x))), x),
                                  np.where(x == 0, 0, 0.5 / np.sqrt(safe)))  # fmt: skip


@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0, 2.0], [1.0, 2.0, 3.0, 4.0], [0.0]])
def test_zeros_in_a_product(x: Any) -> None:
    check_gradients(np.prod, A(x), order=3)
    check_gradients(lambda x: np.prod(x, axis=0), np.stack([A(x), A(x) + 1], axis=-1))
    check_gradients(lambda x: np.prod(x, axis=-1, keepdims=True), np.stack([A(x), A(x) + 1]))


def test_repeated_indices_accumulate() -> None:
    x = Tensor([1.0, 2.0, 3.0])
    x[[0, 0, 2, 0]].backward(A([1.0, 10.0, 100.0, 1000.0]))
    np.testing.assert_array_equal(x.grad, [1011, 0, 100])


def test_zeros_are_trimmed_along_each_axis() -> None:  # as in NumPy since 2.2
    x = np.pad(A([[0.0, 1.0], [2.0, 0.0]]), ((1, 0), (0, 2)))
    assert [np.trim_zeros(Tensor(x), trim).shape for trim in ("fb", "f", "b")] == [(2, 2), (2, 4), (3, 2)]
    np.testing.assert_array_equal(derivative(np.trim_zeros, x), np.pad(np.ones((2, 2)), ((1, 0), (0, 2))))
    assert np.trim_zeros(Tensor(np.zeros((2, 3)))).shape == (0, 0)


def test_third_derivatives() -> None:
    for f in (np.sin, np.exp, np.tanh, autograd.sigmoid, lambda x: x**5, autograd.softplus, lambda x: 1 / (x + 2)):
        check_gradients(f, A([0.3, -0.7]), order=3)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_reductions_of_any_shape_along_any_axes(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 3), min_size=0, max_size=4), label="shape"))
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), unique=True) if shape else st.just([]), label="axes")
    axes = tuple(i - len(shape) if data.draw(st.booleans()) else i for i in axes)
    axis = data.draw(st.sampled_from([None, axes, *axes[:1]]), label="axis")
    name = data.draw(st.sampled_from(["sum", "mean", "max", "min", "var", "std", "prod"]), label="name")
    options = {"axis": axis, "keepdims": data.draw(st.booleans(), label="keepdims")}
    x = np.random.default_rng(data.draw(st.integers(0, 9))).permutation(np.prod(shape, dtype=int)) * 0.3 + 0.5
    f = getattr(np, name)
    x = x.reshape(shape)
    value = f(Tensor(x), **options)
    np.testing.assert_allclose(value.data, f(x, **options), rtol=1e-12)
    if name == "std" and np.any(value.data == 0):
        return  # no derivative where nothing varies
    check_gradients(lambda x: f(x, **options), x)


def test_indices_that_only_look_like_arrays_accumulate() -> None:
    class Sequence:
        def __array__(self, *args: Any, **kwargs: Any) -> Any:
            return A([0, 0])

    for index in ([0, 0], (Sequence(),), ([0, 0],), ((0, 0),), A([0, 0]), Sequence()):
        np.testing.assert_array_equal(derivative(lambda x, index=index: x[index], A([1.0, 2.0])), [2, 0])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_broadcasting_of_any_shapes(data: st.DataObject) -> None:
    full = data.draw(st.lists(st.integers(1, 3), max_size=3), label="shape")
    shapes = [
        tuple(data.draw(st.sampled_from([1, n])) for n in full)[data.draw(st.integers(0, len(full))) :]
        for _ in range(3)
    ]
    rng = np.random.default_rng(0)
    check_gradients(lambda a, b, c: (a * b - c) / b, *[rng.uniform(1, 2, shape) for shape in shapes])


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: Tensor(np.ones((2, 3))) @ Tensor(np.ones((2, 3))), ["matmul", "(2, 3)"]),
        (lambda: Tensor(np.ones(3), name="w") + np.ones(2), ["add", "'w'", "(3,)", "(2,)"]),
        (lambda: np.ones(2) * Tensor(np.ones(3)), ["multiply", "(3,)", "(2,)"]),
        (lambda: np.sum(Tensor(np.ones(3)), axis=1), ["sum", "axis 1"]),
        (lambda: Tensor(np.ones(3))[5], ["getitem", "5"]),
        (lambda: np.reshape(Tensor(np.ones(3)), (2, 2)), ["reshape", "(3,)"]),
        (lambda: np.concatenate([Tensor(np.ones(3)), np.ones((1, 3))]), ["concatenate", "dimension"]),
        (lambda: np.einsum("ij,jk->ik", Tensor(np.ones((2, 2)))), ["einsum", "2 operands"]),
        (lambda: np.split(Tensor(np.ones(3)), 2), ["split", "length 3"]),
        (lambda: np.stack([Tensor(np.ones(3)), np.ones(2)]), ["stack", "(2,)", "(3,)"]),
        (lambda: np.tensordot(Tensor(np.ones((2, 3))), np.ones((2, 3)), 1), ["tensordot", "[3]", "[2]"]),
        (lambda: Tensor(1.0) + "a", ["add", "str"]),
        (lambda: 1j * Tensor(1.0), ["multiply", "complex"]),
        (lambda: Tensor(1.0) * None, ["multiply", "NoneType"]),
        (lambda: autograd.softmax(Tensor(np.ones(3)), dim=0), ["softmax", "dim", "axis"]),
        (lambda: np.pad(Tensor(np.ones(3)), 1, mode="mean"), ["pad", "mean"]),
        (lambda: np.pad(Tensor(np.ones(3)), 1, mode="reflect", reflect_type="odd"), ["pad", "odd"]),
        (lambda: np.split(Tensor(np.ones(3)), 0), ["split", "0 equal parts"]),
        (lambda: np.split(Tensor(np.ones(3)), 3, axis=1), ["split", "axis 1"]),
        (lambda: np.repeat(Tensor(np.ones(3)), 3, axis=-2), ["repeat", "axis -2"]),
        (lambda: np.tensordot(Tensor(np.ones((2, 2))), np.ones((2, 2)), (3, 0)), ["tensordot: a", "axis 3"]),
    ],
)  # fmt: skip
def test_errors_name_the_operation_and_the_shapes(call: Callable[[], Any], parts: list[str]) -> None:
    with pytest.raises((TypeError, ValueError, IndexError)) as raised:
        call()
    for part in parts:
        assert part in str(raised.value)


def test_logsumexp_of_nothing_but_minus_infinity() -> None:
    assert autograd.logsumexp(np.array([-np.inf, -np.inf])) == -np.inf


def test_running_extremes_stay_nan():
    for data in ([1.0, np.nan, 2.0], [np.nan, 3.0, 2.0], [1.0, 3.0, 2.0]):
        for accumulate in (np.maximum.accumulate, np.minimum.accumulate):
            np.testing.assert_array_equal(accumulate(Tensor(data)).data, accumulate(np.array(data)))
