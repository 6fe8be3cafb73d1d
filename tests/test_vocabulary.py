"""NumPy's functions, called as people call them, with Tensors among the arguments."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor

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
        (lambda t: np.linalg.inv(t), r"np\.linalg\.inv", "residual"),
        (lambda t: np.linalg.norm(t), r"np\.linalg\.norm", r"np\.sqrt\(np\.sum"),
        (lambda t: np.linalg.solve(X, t), r"np\.linalg\.solve", "operations"),
        (lambda t: np.fft.fft(t), r"np\.fft\.fft", "operations"),
        (lambda t: np.sort(t), r"np\.sort", r"x\[np\.argsort\(x\)\]"),
        (lambda t: np.vstack([t, t]), r"np\.vstack", r"np\.concatenate"),
        (lambda t: np.hstack([X, t]), r"np\.hstack", r"np\.concatenate"),
        (lambda t: np.median(t), r"np\.median", r"np\.mean"),
        (lambda t: np.trace(t), r"np\.trace", "einsum"),
        (lambda t: np.diag(t), r"np\.diag", "arange"),
        (lambda t: np.take(t, [0]), r"np\.take", r"x\[indices\]"),
        (lambda t: np.inner(t, t), r"np\.inner", r"x @ y\.T"),
        (lambda t: np.logaddexp(t, 1), r"np\.logaddexp", "logsumexp"),
        (lambda t: np.mod(t, 2), r"np\.remainder", "floor"),
        (lambda t: np.arctan2(t, 1), r"np\.arctan2", "operations"),
        (lambda t: np.copy(t), r"np\.copy", "the Tensor itself"),
        (lambda t: np.add.reduce(t), r"np\.add\.reduce", r"np\.sum"),
        (lambda t: np.add.at(np.zeros(2), [0], t), r"np\.add\.at", r"np\.sum"),
        (lambda t: np.multiply.outer(t, t), r"np\.multiply\.outer", "not supported"),
        (lambda t: np.add.accumulate(t), r"np\.add\.accumulate", r"np\.cumsum"),
        (lambda t: np.exp(t, where=X > 0), "exp", "where is not a parameter"),
        (lambda t: np.exp(t, dtype=np.float32), "exp", "dtype is not a parameter"),
        (lambda t: np.sum(t, where=X > 0), "sum", "where is not a parameter"),
        (lambda t: np.max(t, initial=0), "max", "initial is not a parameter"),
        (lambda t: np.mean(t, 0, np.float32), "mean", "dtype is not a parameter"),
        (lambda t: np.reshape(t, (3, 2), order="F"), "reshape", "order is not a parameter"),
        (lambda t: np.exp(t, out=np.zeros((2, 3))), r"np\.exp", "a = a \\+ t"),
        (lambda t: np.sum(t, out=np.zeros(())), "sum", "out is not a parameter"),
        (lambda t: np.concatenate([t, t], out=np.zeros((4, 3))), "concatenate", "out"),
        (lambda t: np.stack(x for x in t), "", "sequence"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(call: Callable[[Tensor], Any], named: str, advice: str) -> None:
    with pytest.raises(TypeError, match=f"(?s){named}.*{advice}"):
        call(Tensor(X))


def test_every_piece_of_advice_is_about_something_unsupported() -> None:
    from autograd.registry import ADVICE, NUMPY, PLAIN

    assert not set(ADVICE) & (set(NUMPY) | PLAIN)
    assert not set(NUMPY) & PLAIN


def test_iterating_over_a_tensor_records() -> None:
    t = Tensor(X)
    y = np.stack([row * k for k, row in enumerate(t)])
    y.sum().backward()
    np.testing.assert_array_equal(t.grad, [[0, 0, 0], [1, 1, 1]])


def test_operations_are_listed_under_the_names_people_type() -> None:
    for name in autograd.operations():
        known = any(hasattr(package, name) for package in (np, np.lib.stride_tricks, autograd))
        assert known or name in ("astype", "getitem"), name


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
