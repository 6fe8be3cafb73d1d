"""NumPy's functions, called as people call them, with Tensors among the arguments."""

import functools
import itertools
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor, registry
from autograd.ops.activations import ACTIVATIONS

X = np.array([[0.5, 2.0, -1.0], [3.0, -0.2, 0.7]])
V = np.array([1.0, -2.0, 3.0])

CALLS: list[Callable[[Any], Any]] = [
    lambda t: np.sum(t),
    lambda t: np.sum(t, 1),
    lambda t: np.sum(t, axis=1),
    lambda t: np.sum(t, axis=(0, 1)),
    lambda t: np.sum(t, 1, None, None, True),
    lambda t: np.sum(a=t, axis=0),
    lambda t: np.sum(t, keepdims=True),
    lambda t: np.sum(t, axis=np.int64(1)),
    lambda t: np.sum(t, axis=0, dtype=None, out=None),
    lambda t: np.mean(t, 0),
    lambda t: np.mean(t, 1, None, None, True),
    lambda t: np.mean(t, axis=-1, keepdims=True),
    lambda t: np.max(t, axis=1, keepdims=True),
    lambda t: np.max(t, 0),
    lambda t: np.max(t, 1, None, True),
    lambda t: np.min(t, 0),
    lambda t: np.amax(t, axis=0),
    lambda t: np.amin(t, 1),
    lambda t: np.var(t, 0, ddof=1),
    lambda t: np.var(t, 0, None, None, 1, True),
    lambda t: np.std(t, axis=1, ddof=1),
    lambda t: np.prod(t, 1),
    lambda t: np.prod(t, axis=(0,), keepdims=True),
    lambda t: np.cumsum(t),
    lambda t: np.cumsum(t, 1),
    lambda t: np.clip(t, 0, None),
    lambda t: np.clip(t, None, 0.5),
    lambda t: np.clip(t, -0.5, 0.5),
    lambda t: np.clip(t, a_min=0, a_max=1),
    lambda t: np.clip(t, 0, a_max=1),
    lambda t: np.clip(t, a_max=1, a_min=None),
    lambda t: np.where(t > 0, t, 0),
    lambda t: np.where(t.data > 0 if isinstance(t, Tensor) else t > 0, 1, t),
    lambda t: np.where(np.isnan(t), 0, t),
    lambda t: np.maximum(0, t),
    lambda t: np.minimum(t, V),
    lambda t: np.reshape(t, (3, 2)),
    lambda t: np.reshape(t, -1),
    lambda t: np.ravel(t),
    lambda t: np.transpose(t),
    lambda t: np.transpose(t, (1, 0)),
    lambda t: np.transpose(t, axes=[1, 0]),
    lambda t: np.swapaxes(t, 0, 1),
    lambda t: np.swapaxes(t, axis1=0, axis2=1),
    lambda t: np.moveaxis(t, 0, -1),
    lambda t: np.moveaxis(t, source=0, destination=1),
    lambda t: np.moveaxis(t, [0, 1], [1, 0]),
    lambda t: np.expand_dims(t, 0),
    lambda t: np.expand_dims(t, axis=(0, -1)),
    lambda t: np.squeeze(t[None]),
    lambda t: np.squeeze(t[None], 0),
    lambda t: np.squeeze(t[None], axis=0),
    lambda t: np.broadcast_to(t, (4, 2, 3)),
    lambda t: np.broadcast_to(t[0], shape=(2, 3)),
    lambda t: np.broadcast_to(t[0, 0], 3),
    lambda t: np.concatenate([t, X]),
    lambda t: np.concatenate((X, t), 1),
    lambda t: np.concatenate([t, t], axis=-1),
    lambda t: np.concatenate([t, V], axis=None),
    lambda t: np.concat([t, X]),
    lambda t: np.concatenate([[1.0], t[0]]),
    lambda t: np.stack([t, X]),
    lambda t: np.stack((t, t), 1),
    lambda t: np.stack(list(t), axis=-1),
    lambda t: np.stack([x * 2 for x in t[0]]),
    lambda t: np.concatenate(t),
    lambda t: np.split(t, 3, 1)[0],
    lambda t: np.split(t, [1], axis=0)[1],
    lambda t: np.flip(t),
    lambda t: np.flip(t, 1),
    lambda t: np.flip(t, axis=(0, 1)),
    lambda t: np.roll(t, 1),
    lambda t: np.roll(t, 1, 0),
    lambda t: np.roll(t, shift=2, axis=-1),
    lambda t: np.roll(t, (1, 2), (0, 1)),
    lambda t: np.repeat(t, 2),
    lambda t: np.repeat(t, 2, 1),
    lambda t: np.repeat(t, repeats=[1, 2], axis=0),
    lambda t: np.tile(t, 2),
    lambda t: np.tile(t, reps=(2, 1)),
    lambda t: np.pad(t, 1),
    lambda t: np.pad(t, ((1, 0), (0, 2)), "constant", constant_values=2.0),
    lambda t: np.pad(t, pad_width=1, mode="edge"),
    lambda t: np.pad(t, 1, "reflect"),
    lambda t: np.pad(t, 3, "symmetric"),
    lambda t: np.pad(t, 4, mode="wrap"),
    lambda t: np.pad(t, ((1, 2), (2, 1)), mode="reflect"),
    lambda t: X.T @ t,
    lambda t: t @ V,
    lambda t: np.matmul(t, V),
    lambda t: V[:2] @ t,
    lambda t: np.dot(t, V),
    lambda t: np.dot(V[:2], t),
    lambda t: np.outer(t, V),
    lambda t: np.outer(V, t[0]),
    lambda t: [1.0, 2.0] @ t,
    lambda t: np.einsum("ij,j->i", t, V),
    lambda t: np.einsum("ij,kj", X, t),
    lambda t: np.einsum("ij,kj", X, t, out=None, dtype=None, order="K"),
    lambda t: np.einsum(t, [0, 51]),
    lambda t: np.meshgrid(t[0], V, copy=False)[0],
    lambda t: np.logaddexp.reduce(t),
    lambda t: np.logaddexp.reduce(t, axis=-1, keepdims=True),
    lambda t: np.fmax.reduce(t),
    lambda t: np.fmin.reduce(t, 1),
    lambda t: V.clip(t, 2.0),
    lambda t: X.clip(0.0, t * t),
    lambda t: np.tensordot(t, V, 1),
    lambda t: np.tensordot(X, t, axes=([0, 1], [0, 1])),
    lambda t: np.einsum("ij->j", t, optimize=True),
    lambda t: np.tensordot(V[:2], t, axes=(0, 0)),
    lambda t: np.tensordot(V, t, 0),
    lambda t: V * t,
    lambda t: V + t,
    lambda t: V - t,
    lambda t: V / t,
    lambda t: np.abs(V) ** t,
    lambda t: np.array(2.0) * t,
    lambda t: np.float64(2) * t,
    lambda t: np.float64(2) - t,
    lambda t: np.float64(2) / t,
    lambda t: np.float64(2) ** t,
    lambda t: np.int64(2) * t,
    lambda t: t * np.bool(True),
    lambda t: 2 * t,
    lambda t: V.tolist() + t,
    lambda t: t - [1, 2, 3],
    lambda t: np.add(1, t),
    lambda t: np.subtract(t, V),
    lambda t: np.multiply(V, t),
    lambda t: np.divide(t, 2),
    lambda t: np.true_divide(1, t),
    lambda t: np.power(t, 2),
    lambda t: np.pow(2, t),
    lambda t: np.negative(t),
    lambda t: np.absolute(t),
    lambda t: np.abs(t),
    lambda t: np.exp(t),
    lambda t: np.expm1(t),
    lambda t: np.square(t),
    lambda t: np.tanh(t),
    lambda t: np.log(t * t),
    lambda t: np.acos(t / 4),
    lambda t: np.arctan(t),
    lambda t: np.atan(t),
    lambda t: np.permute_dims(t, (1, 0)),
    lambda t: sum(list(t)),
    lambda t: pow(t, 2),
    lambda t: t[t > 0],
    lambda t: t[np.argsort(t, axis=None) % 2],
    lambda t: t[np.nonzero(t > 0)],
    lambda t: t[np.where(t > 0)],
    lambda t: t[..., np.newaxis],
]


@pytest.mark.parametrize("call", CALLS, ids=range(len(CALLS)))
def test_the_call_gives_what_numpy_gives(call: Callable[[Any], Any]) -> None:
    t = Tensor(X)
    found = call(t)
    assert isinstance(found, Tensor)
    np.testing.assert_allclose(found.data, call(X), rtol=1e-14)
    found.sum().backward()
    assert t.grad.shape == X.shape


PLAIN: list[Callable[[Any], Any]] = [
    lambda t: np.argmax(t),
    lambda t: np.argmax(t, axis=1),
    lambda t: np.argmin(t, 0),
    lambda t: np.argsort(t, axis=-1),
    lambda t: np.isnan(t),
    lambda t: np.isfinite(t),
    lambda t: np.less(t, 1),
    lambda t: np.greater_equal(V, t),
    lambda t: np.equal(t, t),
    lambda t: np.logical_and(t > 0, t),
    lambda t: np.any(t > 5),
    lambda t: np.all(t, axis=0),
    lambda t: np.allclose(t, X),
    lambda t: np.array_equal(X, t),
    lambda t: np.isclose(t, X, atol=0.1),
    lambda t: np.count_nonzero(t),
    lambda t: np.nonzero(t),
    lambda t: np.where(t),
    lambda t: np.where(t > 0),
    lambda t: np.shape(t),
    lambda t: np.ndim(t),
    lambda t: np.size(t),
    lambda t: np.size(t, 1),
    lambda t: np.zeros_like(t),
    lambda t: np.ones_like(t),
    lambda t: np.searchsorted(V, t),
    lambda t: np.argwhere(t > 0),
    lambda t: np.result_type(t),
    lambda t: np.iscomplexobj(t),
    lambda t: np.sign(t),
    lambda t: np.floor(t),
    lambda t: np.ceil(t),
    lambda t: np.trunc(t),
    lambda t: np.rint(t),
    lambda t: np.floor(t) % 2,
    lambda t: ~(t > 0),
    lambda t: (t > 0) ^ (t < 1),
]


@pytest.mark.parametrize("call", PLAIN, ids=range(len(PLAIN)))
def test_what_has_no_derivative_is_plain(call: Callable[[Any], Any]) -> None:
    found = call(Tensor(X))
    assert not isinstance(found, Tensor)
    np.testing.assert_equal(found, call(X))


@pytest.mark.parametrize("f", [np.sign, np.floor, np.ceil, np.trunc, np.rint])
def test_nothing_flows_back_through_steps(f: Any) -> None:
    t = Tensor(X)
    y = f(t)
    np.testing.assert_array_equal(y, f(X))
    (y * t).sum().backward()
    np.testing.assert_array_equal(t.grad, f(X))


@pytest.mark.parametrize(
    ("call", "named", "advice"),
    [
        (lambda t: np.fft.fft(t), r"np\.fft\.fft", r"np\.convolve"),
        (lambda t: np.roots(t), r"np\.roots", r"np\.polyval"),
        (lambda t: np.fill_diagonal(t, 0.0), r"np\.fill_diagonal", r"np\.where"),
        (lambda t: np.add.at(np.zeros(2), [0], t), r"np\.add\.at", "indices"),
        (lambda t: np.add.reduceat(t, [0]), r"np\.add\.reduceat", r"np\.split"),
        (lambda t: np.subtract.reduce(t), r"np\.subtract\.reduce", r"functools\.reduce"),
        (lambda t: np.subtract.reduceat(t, [0]), r"np\.subtract\.reduceat", "operations"),
        (lambda t: np.linalg.svd(t), r"linalg\.svd: full_matrices=True", "full_matrices=False"),
        (lambda t: np.linalg.eig(t[:, :2] * [[0, 1], [-1, 0]] * [[1, 1], [9, 1]]), r"linalg\.eig", "eigh"),
        (lambda t: t.sum(dim=1), "sum: .*'dim'", "NumPy's name for dim is axis"),
        (lambda t: t.sum(0, keepdim=True), "sum: .*'keepdim'", "NumPy's name for keepdim is keepdims"),
        (lambda t: np.exp(t, where=X > 0), "exp", "where is not a parameter"),
        (lambda t: np.exp(t, dtype=np.float32), "exp", "dtype is not a parameter"),
        (lambda t: np.reshape(t, (3, 2), order="A"), "reshape", "order 'A' .*'C' and 'F'"),
        (lambda t: t.T.flatten("K"), "ravel", "order 'K' .*'C' and 'F'"),
        (lambda t: np.exp(t, out=np.zeros((2, 3))), r"np\.exp", "a = a \\+ t"),
        (lambda t: np.sum(t, out=np.zeros(())), "sum", "out is not a parameter"),
        (lambda t: np.einsum("ij->", t, out=np.zeros(())), "einsum", "out is not a parameter"),
        (lambda t: np.histogram(X, 3, None, None, t), "histogram", r"np\.bincount"),
        (lambda t: X.view(np.matrix) * t, "multiply", r"np\.asarray"),
        (lambda t: t + X.view(np.matrix), "add", r"np\.asarray"),
        (lambda t: np.emath.sqrt(t), r"np\.emath\.sqrt", r"np\.sqrt"),
        (lambda t: np.fmod.reduce(t), r"np\.fmod\.reduce", r"functools\.reduce"),
        (lambda t: np.subtract.accumulate(t), r"np\.subtract\.accumulate", r"itertools\.accumulate"),
        (lambda t: np.vectorize(np.exp)(t), "array by itself", "np.vectorize"),
        (lambda t: np.concatenate([t, t], out=np.zeros((4, 3))), "concatenate", "out"),
        (lambda t: np.stack(x for x in t), "", "sequence"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(call: Callable[[Tensor], Any], named: str, advice: str) -> None:
    with pytest.raises(TypeError, match=f"(?s){named}.*{advice}"):
        call(Tensor(X))


def test_every_piece_of_advice_is_about_something_unsupported() -> None:
    from autograd.registry import ADVICE, NUMPY, PLAIN, numpy_function

    assert not {numpy_function(name) for name in ADVICE} & (set(NUMPY) | PLAIN)
    assert not set(NUMPY) & PLAIN


def test_iterating_over_a_tensor_records() -> None:
    t = Tensor(X)
    y = np.stack([row * k for k, row in enumerate(t)])
    y.sum().backward()
    np.testing.assert_array_equal(t.grad, [[0, 0, 0], [1, 1, 1]])


def test_operations_are_listed_under_the_names_people_type() -> None:
    from autograd.registry import numpy_function

    for name in autograd.operations():
        known = hasattr(np.lib.stride_tricks, name) or hasattr(autograd, name) or numpy_function(name)
        newer = name in ("cumulative_prod", "cumulative_sum", "matvec", "unstack", "vecmat")  # than NumPy 2.0
        assert known or newer or name in ACTIVATIONS or name in ("astype", "getitem", "row_stack"), name


ADVICE = {name: advice for name, advice in registry.ADVICE.items() if "`" in advice}


@pytest.mark.parametrize("name", ADVICE)
def test_what_the_advice_says_works(name: str) -> None:
    expression = ADVICE[name].split("`")[1]
    vector = any(function in expression for function in ("np.convolve", "np.polyval"))
    t = Tensor(np.arange(1.0, 5.0) if vector else np.arange(1.0, 5.0).reshape(2, 2))
    known = {"np": np, "t": t, "n": 2, "v": V, "x": V, "a": 1.0, "indices": [0, 0], "mask": t.data > 2,
             "functools": functools, "itertools": itertools}  # fmt: skip
    if " = " in expression:
        exec(expression, known)
    else:
        eval(expression, known)


METHODS: list[Callable[[Any], Any]] = [
    lambda t: t.sum(0, None, None, True),
    lambda t: t.mean(1, None, None, True),
    lambda t: t.var(0, None, None, 1),
    lambda t: t.std(axis=1, ddof=1, keepdims=True),
    lambda t: t.prod(1),
    lambda t: t.max(1, None, True),
    lambda t: t.min(axis=0),
    lambda t: t.cumsum(1),
    lambda t: t.cumprod(axis=0),
    lambda t: t.clip(0, 1),
    lambda t: t.clip(min=0),
    lambda t: t.clip(max=1),
    lambda t: t.round(1) * t,
    lambda t: t.flatten(),
    lambda t: t.ravel(),
    lambda t: t[None].squeeze(0),
    lambda t: t.swapaxes(0, 1),
    lambda t: t.take([0, 4]),
    lambda t: t.take([1, 0], 1),
    lambda t: t.repeat(2, 1),
    lambda t: t.trace(1),
    lambda t: t.diagonal(),
    lambda t: t.dot(V),
    lambda t: t.compress([True, False], 0),
    lambda t: t.copy(),
    lambda t: t.astype(np.float64, "C", "unsafe", True, False),
    lambda t: t.item(4) * t.item(1, -1) * t.item((0, 1)) * t,
    lambda t: t[t.argsort(axis=0, stable=True), 0],
    lambda t: t.conj() * t.real + t.imag,
    lambda t: t[t.argsort(axis=0), 0],
    lambda t: t[t.argmax(0), 0] * t.argmin(),
    lambda t: t[t.nonzero()],
    lambda t: t * t.any() + t.all(axis=0),
    lambda t: t // 2 * t,
    lambda t: t % 2,
    lambda t: 7 % (t + 3),
    lambda t: divmod(t, 0.7)[1],
    lambda t: round(t, 1) * t,
    lambda t: t * len(t) * t.size * t.ndim,
    lambda t: t * (2.0 in t) * (5.0 not in t),
]


@pytest.mark.parametrize("call", METHODS, ids=range(len(METHODS)))
def test_methods_are_those_of_arrays(call: Callable[[Any], Any]) -> None:
    t = Tensor(X)
    expected = np.round(X, 1) * X if call is METHODS[-3] else call(X)
    found = call(t)
    assert isinstance(found, Tensor)
    np.testing.assert_allclose(found.data, expected, rtol=1e-14)
    found.sum().backward()
    assert t.grad.shape == X.shape


def test_values_off_the_graph_are_asked_for_by_name() -> None:
    t = Tensor(X)
    assert t.tolist() == X.tolist()
    t.numpy()[0, 0] = 9.0
    np.testing.assert_array_equal(t.data, X)
    assert Tensor(2.0).numpy() == 2.0


@pytest.mark.parametrize(
    ("name", "help"),
    [("sort", r"np\.sort"), ("view", "reshape"), ("unsqueeze", "expand_dims"), ("softmax", r"autograd\.softmax"),
     ("arcsinh", r"np\.arcsinh"), ("tobytes", r"t\.data\.tobytes"), ("requires_grad", "detach"),
     ("nothing", "nothing")],
)  # fmt: skip
def test_what_a_tensor_lacks_gets_help(name: str, help: str) -> None:
    with pytest.raises(AttributeError, match=help):
        getattr(Tensor(X), name)


def test_a_gradient_of_a_number_is_a_number() -> None:
    t = Tensor(2.0)
    t.sum().backward()
    assert isinstance(t.grad, np.float64)


def test_a_masked_array_is_refused_and_not_unmasked():
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    with pytest.raises(TypeError, match="mask"):
        Tensor([1.0, 2.0]) * masked
    with pytest.raises(TypeError):
        masked * Tensor([1.0, 2.0])


def test_calls_that_are_not_whole_are_named():
    t = Tensor([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="where takes a condition alone, or with two branches"):
        np.where(t > 1, t)
    with pytest.raises(ValueError, match="repeat: 2 numbers of repeats for axis 0 of length 3"):
        np.repeat(t, [1, 2])


def test_the_page_of_numpys_functions_is_current() -> None:
    folder = Path(__file__).parent.parent / "examples"
    found = runpy.run_path(str(folder / "numpy_functions.py"))
    page = (folder / "results" / "numpy.md").read_text("utf-8").splitlines()
    # An older NumPy has fewer functions, so that they are counted otherwise.
    counted = ("| all", "HIPS", "JAX", "MyGrad")
    assert [line for line in found["page"]().splitlines() if line not in page and not line.startswith(counted)] == []
    assert len(found["supported"]()) > 240 and "argmax" not in found["supported"]()
    without = {name for name in found["HIPS"] if name not in found["supported"]()}
    assert {name for name in without if not name.startswith("fft.")} <= {"full"}  # which NumPy lets nobody define


def test_astype_casts_by_the_rule_that_it_is_given():
    t = Tensor([1.5, 2.5])
    assert t.astype(np.float32, casting="same_kind").dtype == np.float32
    with pytest.raises(TypeError, match="float64 cannot be cast to float32 by the rule 'safe'"):
        t.astype(np.float32, casting="safe")
