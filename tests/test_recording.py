"""The recording switch: blocks that nest, interleave, and belong to a thread or a task."""

import asyncio
import copy
import pickle
import threading

import numpy as np
import pytest

from autograd import Tensor, backprop, compile, grad, no_grad, scope
from autograd.recording import TracedValueError, recording, tracing
from autograd.tensor import Plain, plain_input

X = Tensor([1.0, -2.0], name="x")


def is_recorded():
    return bool((X * 2.0).inputs)


def test_generators_may_leave_their_blocks_in_any_order():
    def generator():
        with no_grad():
            yield is_recorded()

    one, other = generator(), generator()
    assert (next(one), next(other)) == (False, False)
    one.close()
    assert not is_recorded()  # the other is still inside its block
    other.close()
    assert is_recorded()


def test_scopes_of_generators_interleave():
    def generator(name):
        with scope(name):
            yield (X * 2.0).scope

    one, other = generator("a"), generator("b")
    assert (next(one), next(other)) == (("a",), ("a", "b"))
    one.close()
    assert (X * 2.0).scope == ("b",)
    other.close()
    assert (X * 2.0).scope == ()


def test_tasks_and_threads_have_their_own_switch():
    async def task(off):
        if off:
            with no_grad():
                await asyncio.sleep(0)
                return is_recorded()
        await asyncio.sleep(0)
        return is_recorded()

    async def both():
        return await asyncio.gather(task(True), task(False))

    assert asyncio.run(both()) == [False, True]
    found = []
    with no_grad():
        thread = threading.Thread(target=lambda: found.append(is_recorded()))
        thread.start()
        thread.join()
    assert found == [True]


def test_an_error_leaves_the_block():
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert is_recorded()
    with no_grad(), recording():
        assert is_recorded()


def test_what_has_no_derivative_is_recorded_while_a_function_is_traced():
    assert isinstance(X > 0, np.ndarray)
    with tracing():
        mask = ~(X > 0) & (X < 5)
        assert isinstance(mask, Plain)
        assert isinstance(X[np.argmax(X)], Tensor)
        product = mask * X
        assert isinstance(product, Tensor)
        assert isinstance(X.detach(), Plain)
        with no_grad():
            assert isinstance(X * 2.0, Plain)
    assert np.array_equal(mask._value, [False, True])


REFUSED = {
    "t.data": lambda t: t.data,
    "float": lambda t: float(t[0]),
    "text": lambda t: f"{t[0]:.1f}",
    "int": lambda t: int(t[0]),
    "complex": lambda t: complex(t[0]),
    "item": lambda t: t[0].item(),
    "if": lambda t: 1 if t[0] > 0 else 2,
    "max": lambda t: max(t[0], t[1]),
    "sorted": lambda t: sorted(t),
    "mask": lambda t: t[t > 0],
    "nonzero": lambda t: np.nonzero(t),
    "where": lambda t: np.where(t > 0),
    "unique": lambda t: np.unique(t > 0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_looks_at_a_value_is_refused_while_a_function_is_traced(name):
    f = REFUSED[name]
    with no_grad():
        f(X)
    with tracing(), pytest.raises(TypeError, match="is read while the function is traced, and a program would keep"):
        f(X)


def test_a_derivative_inside_a_traced_function_is_recorded():
    with tracing():
        slope = grad(lambda x: np.sum(np.where(x > 0, x * x, x)))(X)
        assert isinstance(slope, Tensor)
        assert slope.inputs
    np.testing.assert_array_equal(slope.data, [2.0, 1.0])


def test_a_graph_that_was_traced_is_differentiated_outside_the_trace():
    with tracing():
        plain = np.argmax(X) + np.array([2.0, 3.0])
        y = np.sum(X * plain) + np.sum(np.where(X > 0, X * X, plain - X))
    for recorded in (False, True):
        g = backprop(y, record=recorded)[X]
        assert isinstance(g, Tensor) is recorded
        np.testing.assert_array_equal(getattr(g, "data", g), [2.0 + 2.0, 3.0 - 1.0])


WRITING = {
    "sort": lambda x: x.sort(),
    "fill": lambda x: x.fill(1.0),
    "copyto": lambda x: np.copyto(np.zeros(2), x),
    "put_along_axis": lambda x: np.put_along_axis(np.zeros(2), np.argsort(x), x, axis=0),
    "add.at": lambda x: np.add.at(np.zeros(2), np.argsort(x), x),
    "out": lambda x: np.cumsum(x, out=np.zeros(2)),
    "out of a method": lambda x: x.sum(out=np.zeros(())),
}


@pytest.mark.parametrize("name", WRITING)
def test_what_writes_into_an_array_is_refused_while_a_function_is_traced(name):
    with tracing(), pytest.raises(TracedValueError, match="writes into an array while the function is traced"):
        WRITING[name](plain_input(np.array([2.0, 1.0]), "x"))


def test_a_copy_of_an_argument_follows_it_in_a_program():
    program = compile(lambda w: np.sum(copy.deepcopy(w) * w))
    for data in ([1.0, 2.0], [3.0, 4.0]):
        w = Tensor(data)
        assert program(w) == np.sum(np.square(data))
        np.testing.assert_array_equal(w.grad, data)  # nothing flows through the copy


def test_an_array_of_a_traced_function_is_copied_and_detached_as_an_array():
    with tracing():
        x = plain_input(np.array([2.0, 1.0]), "x")
        for same in (copy.copy(x), copy.deepcopy([x])[0], x.detach(), X.detach().detach()):
            assert isinstance(same, Plain)
        assert x[0].item().inputs
        with pytest.raises(TracedValueError, match="pickling of array 'x'"):
            pickle.dumps(x)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_number_that_a_program_is_called_with_may_be_a_gradient(kind):
    for f in (lambda w, k: np.sum(w) * k, lambda w, k: w[0] * k, lambda w, k: k * np.mean(w) + w[1]):
        program = compile(f)
        for k in (2.0, 3.0):
            w, other = Tensor(np.ones(2, kind)), Tensor(np.ones(2, kind))
            f(other, k).backward()
            assert program(w, k) == f(w, k).data
            np.testing.assert_array_equal(w.grad, other.grad)
            assert w.grad.dtype == kind
