"""The backward pass: the chain rule summed over paths, and what it refuses to do."""

import gc
import itertools
import operator
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import (
    Op,
    Tensor,
    backprop,
    check_gradients,
    grad,
    linear,
    no_grad,
    sigmoid_layer,
    softplus,
    tanh_layer,
)
from autograd.ops.activations import layer
from autograd.ops.joining import join
from nn.sgd import SGD


def test_repeated_backward() -> None:
    """Leaves add up over calls; what was computed keeps its own latest gradient."""
    x = Tensor(3.0)
    y = x * x
    z = y * 2
    z.backward()
    assert (x.grad, y.grad, z.grad) == (12, 2, 1)
    z.backward()
    assert (x.grad, y.grad, z.grad) == (24, 2, 1)
    y.backward()
    assert (x.grad, y.grad, z.grad) == (30, 1, 1)
    x.grad = None
    z.backward()
    assert x.grad == 12


def test_interior_gradients() -> None:
    x = Tensor([1.0, 2.0])
    y = x * 3
    z = np.exp(y)
    z.sum().backward()
    np.testing.assert_allclose(z.grad, [1, 1])
    np.testing.assert_allclose(y.grad, np.exp(y.data))
    np.testing.assert_allclose(x.grad, 3 * np.exp(y.data))


def test_the_same_operand_twice() -> None:
    x = Tensor(3.0)
    (x * x).backward()
    assert x.grad == 6
    x.grad = None
    (x - x).backward()
    assert x.grad == 0
    x.grad = None
    (x / x + x**x).backward()
    assert x.grad == pytest.approx(27 * (1 + np.log(3)))
    w = Tensor([[1.0, 2.0], [3.0, 4.0]])
    (w @ w).sum().backward()
    np.testing.assert_array_equal(w.grad, [[7, 11], [9, 13]])
    check_gradients(lambda x: np.concatenate([x, x * 2, x]) ** 2, np.array([1.0, 2.0]))


def test_a_diamond() -> None:
    x = Tensor(2.0)
    a = x * 3
    b, c = a * a, a + 1
    (b * c).backward()
    assert a.grad == 2 * 6 * 7 + 36
    assert x.grad == 3 * a.grad


def test_diamonds_in_a_row_take_one_step_each() -> None:
    x = Tensor(1.0)
    y = x
    for _ in range(200):  # 2 ** 200 paths
        y = y * 0.5 + y * 0.5
    y.backward()
    assert x.grad == 1


def test_branches_that_do_not_reach_the_output() -> None:
    x = Tensor(2.0)
    unused = np.exp(x)
    (x * x).backward()
    assert x.grad == 4
    assert unused.grad is None


def test_a_leaf_on_its_own() -> None:
    x = Tensor(2.0)
    x.backward()
    assert x.grad == 1
    x.backward(5.0)
    assert x.grad == 6


@pytest.mark.parametrize("seed", [[1.0, 10.0], (1, 10), np.array([1, 10]), np.float32([1, 10])])
def test_seeds(seed: Any) -> None:
    x = Tensor([2.0, 3.0])
    y = x * x
    y.backward(seed)
    np.testing.assert_array_equal(x.grad, [4, 60])
    np.testing.assert_array_equal(y.grad, [1, 10])
    assert x.grad.dtype == np.float64


def test_one_element_needs_no_seed() -> None:
    for shape in ((), (1,), (1, 1)):
        x = Tensor(np.full(shape, 3.0))
        (x * x).backward()
        np.testing.assert_array_equal(x.grad, np.full(shape, 6.0))


def test_errors_for_seeds() -> None:
    x = Tensor([2.0, 3.0])
    with pytest.raises(ValueError, match=r"shape \(2,\) needs a seed.*\.sum\(\)"):
        (x * x).backward()
    for seed in (1.0, [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match=r"seed has shape .* Tensor \(2,\)"):
            (x * x).backward(seed)
    assert x.grad is None


def test_a_chain_of_a_million_nodes() -> None:
    x = Tensor(1.0)
    y = x
    for _ in range(500_000):
        y = y * 1.000001
        y = y + 0.0
    y.backward()
    assert x.grad == pytest.approx(1.000001**500_000, rel=1e-9)
    assert y.data == x.grad
    del y  # nor does letting go of it recurse


def test_a_graph_is_freed_at_once() -> None:
    gc.collect()
    gc.disable()
    try:
        w = Tensor([[1.0, 2.0], [3.0, 4.0]])
        a = np.tanh(w @ np.ones(2))
        cost = np.sum(a * a) + autograd.logsumexp(a)
        cost.backward()
        nodes = [weakref.ref(a), weakref.ref(cost)]
        assert all(node() is not None for node in nodes)
        del a, cost
        assert all(node() is None for node in nodes)
        gradients = backprop(np.sum(np.exp(w) ** 2), record=True)
        kept = [weakref.ref(node) for node in gradients if node is not w]
        gradient = weakref.ref(gradients[w])
        assert len(kept) == 3
        assert gradient() is not None
        del gradients
        assert all(node() is None for node in kept)
        assert gradient() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_float32_all_the_way() -> None:
    rng = np.random.default_rng(0)
    w, b = Tensor(np.float32(rng.normal(size=(4, 3)))), Tensor(np.float32(np.zeros(4)))
    x = np.float32(rng.normal(size=(5, 3)))
    z = x @ w.T + b
    a = autograd.sigmoid(z)
    cost = np.mean((a - np.float32(0.5)) ** 2 / 2 + 0.1 * np.log(a) - a.max(axis=1, keepdims=True) * 2)
    cost.backward()
    for node in (z, a, cost, w, b):
        assert node.data.dtype == np.float32
        assert node.grad.dtype == np.float32


def test_a_float64_constant_does_not_widen_the_gradient_of_a_float32_leaf() -> None:
    x = Tensor(np.float32([1, 2]))
    y = x * np.array([0.1, 0.2])
    assert y.dtype == np.float64
    y.sum().backward()
    assert x.grad.dtype == np.float32
    s = Tensor(np.float32(2))
    (s * np.float64(0.1)).backward()
    assert type(s.grad) is np.float32


OPERATIONS_THAT_PASS_THE_GRADIENT_ON: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: (a + b) + (a + b),
    lambda a, b: np.concatenate([a, b]),
    lambda a, b: np.stack([a, b]),
    lambda a, b: np.concatenate([a.reshape(2, 1), b.reshape(2, 1)], axis=1).T,
    lambda a, b: np.reshape(a, (1, 2)) + np.expand_dims(b, 0),
    lambda a, b: a.T + np.squeeze(np.expand_dims(b, 0)),
    lambda a, b: a[:] + b[::-1],
    lambda a, b: np.broadcast_to(a, (2,)) + np.flip(b),
    lambda a, b: np.where([True, False], a, b),
    lambda a, b: (a + np.split(np.concatenate([b, b]), 2)[0]) * 1.0,
    lambda a, b: np.moveaxis(a[None], 0, 1)[:, 0] + b,
]


@pytest.mark.parametrize("f", OPERATIONS_THAT_PASS_THE_GRADIENT_ON)
def test_writing_into_one_gradient_changes_no_other(f: Callable[[Any, Any], Any]) -> None:
    for repeats, factor in itertools.product((1, 2), (None, 1.0)):
        a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
        y = f(a, b)
        if factor:  # then the gradient that is passed on is not the seed
            y = y * factor
        seed = np.arange(1.0, y.size + 1).reshape(y.shape)
        given = seed.copy()
        for _ in range(repeats):
            y.backward(seed)
        for x, other in ((a, b), (b, a)):
            before = other.grad.copy()
            x.grad *= 100
            x.grad[0] = -1
            np.testing.assert_array_equal(other.grad, before)
            np.testing.assert_array_equal(seed, given)
        a.data -= 0.1 * a.grad


def test_gradients_of_leaves_from_one_view() -> None:
    """Two leaves whose gradients are the two halves of one array, or both the whole of it."""
    leaves = [Tensor([1.0, 2.0]) for _ in range(4)]
    total = sum(leaves[1:], leaves[0])
    total.backward([1.0, 1.0])
    for x in leaves:
        x.grad += 1
    for x in leaves:
        np.testing.assert_array_equal(x.grad, [2, 2])


def test_sum_leaves_a_gradient_that_can_be_written_into() -> None:
    for f in (np.sum, np.mean, lambda x: np.sum(np.broadcast_to(x, (3, 2, 2))), lambda x: x[0], lambda x: np.sum(x.T)):
        x = Tensor(np.ones((2, 2)))
        y = f(x)
        y.backward(np.ones(y.shape))
        x.grad *= 2
        x.grad += 1


def mean_squared_error(w: Tensor, b: Tensor, x: Any, y: Any) -> Any:
    return np.mean((np.tanh(x @ w.T + b) - y) ** 2)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda x: setattr(x, "data", [5.0, 6.0]), "assigned"),
        (lambda x: exec("x.data -= 1.0", {"x": x}), "updated in place"),
        (lambda x: setattr(x, "data", x.data), "the same array"),
    ],
)
@pytest.mark.parametrize(
    ("f", "operation"),
    [
        (lambda x: x * x, "multiply"),
        (lambda x: x**2, "power"),
        (lambda x: x * Tensor([1.0, 2.0]), "multiply"),
        (np.sin, "sin"),
        (np.log, "log"),
        (lambda x: np.stack([x, x]).T @ x, "matmul"),
        (lambda x: np.maximum(x, 1.5), "maximum"),
        (lambda x: np.max(x), "max"),
        (lambda x: np.var(x), "var"),
        (lambda x: x / Tensor([1.0, 2.0]) / x, "divide"),
        (lambda x: np.einsum("i,i", x, Tensor([1.0, 2.0])), "einsum"),
    ],
)
def test_changed_data_is_found(f: Any, operation: str, change: Any, named: str) -> None:
    x = Tensor([1.0, 2.0], name="weights")
    y = np.sum(f(x))
    change(x)
    with pytest.raises(RuntimeError, match=f"backward of {operation}.*'weights'.*backward\\(\\) before the update"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize(
    ("view", "operation"),
    [
        (lambda w: w.T, "matmul"),
        (lambda w: np.reshape(w, (2, 2)), "matmul"),
        (lambda w: w[:, ::-1], "matmul"),
        (lambda w: w.T.mT[:2].reshape(4).reshape(2, 2), "matmul"),
        (lambda w: np.flip(np.swapaxes(w, 0, 1)), "matmul"),
    ],
)
def test_changed_data_is_found_through_views(view: Any, operation: str) -> None:
    w, v = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 2.0])
    y = np.sum(v @ view(w))
    w.data -= 0.1
    with pytest.raises(RuntimeError, match=f"backward of {operation}"):
        y.backward()


def test_changed_output_is_found_where_the_rule_reads_it() -> None:
    x = Tensor([1.0, 2.0])
    y = np.exp(x)
    z = np.sum(y)
    y.data -= 1
    with pytest.raises(RuntimeError, match="backward of exp"):
        z.backward()


def test_an_optimiser_between_use_and_backward_is_found() -> None:
    rng = np.random.default_rng(0)
    w, b = Tensor(rng.normal(size=(3, 2)), name="w"), Tensor(np.zeros(3), name="b")
    optimiser = SGD([w, b], eta=0.1)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    hidden = Tensor(rng.normal(size=(5, 2)), name="hidden")
    first = mean_squared_error(w, b, x, y)
    stale = np.mean((np.tanh(hidden @ w.T + b) - y) ** 2)
    first.backward()
    optimiser.step()
    with pytest.raises(RuntimeError, match=r"backward of matmul.*changed after matmul used it"):
        stale.backward()


def test_an_optimiser_before_backward_of_a_layer_is_found() -> None:
    rng = np.random.default_rng(0)
    w, b = Tensor(rng.normal(size=(3, 2)), name="w"), Tensor(np.zeros(3), name="b")
    a = Tensor(rng.normal(size=(5, 2)))
    cost = np.sum(autograd.sigmoid_layer(a, w, b))
    w.grad = np.ones((3, 2))
    SGD([w], eta=0.1).step()
    with pytest.raises(RuntimeError, match=r"backward of sigmoid_layer.*'w'"):
        cost.backward()


def test_changed_data_that_no_rule_reads_is_no_error() -> None:
    x, b = Tensor([1.0, 2.0]), Tensor([0.5, 0.5])
    y = np.sum(np.tanh(x + b) - b)
    b.data -= 1.0
    y.backward()
    z = np.sum(x.reshape(2, 1).T[0] * 2)
    x.data = [7.0, 8.0]
    z.backward()
    u = np.sum(x * np.array([1.0, 2.0]))  # dC/dx reads the constant alone
    x.data -= 1
    u.backward()


def test_changed_data_elsewhere_is_no_error() -> None:
    x, other = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    y = np.sum(x * x)
    other.data -= 1
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 4])


def test_a_training_loop_is_no_error() -> None:
    rng = np.random.default_rng(0)
    w, b = Tensor(rng.normal(size=(3, 2))), Tensor(np.zeros(3))
    optimiser = SGD([w, b], eta=0.1, momentum=0.5)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 3)) / 5
    costs = []
    for _ in range(20):
        cost = mean_squared_error(w, b, x, y)
        w.grad = b.grad = None
        cost.backward()
        optimiser.step()
        costs.append(cost.item())
    assert costs[-1] < costs[0]
    assert all(b < a for a, b in itertools.pairwise(costs[:5]))


def test_data_changed_before_use_is_no_error() -> None:
    x = Tensor([1.0, 2.0])
    x.data -= 1
    y = np.sum(x * x)
    y.backward()
    np.testing.assert_array_equal(x.grad, [0, 2])


def test_computing_again_mends_it() -> None:
    x = Tensor([1.0, 2.0])
    y = np.sum(x * x)
    x.data -= 1
    with pytest.raises(RuntimeError, match="compute the output again"):
        y.backward()
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad, [0, 2])


def test_a_failing_rule_is_named_with_its_shapes() -> None:
    def broken(g: Any, y: Any, a: Any, b: Any) -> Any:
        return g @ np.ones((7, 7))

    product = Op(lambda a, b: a * b, "a * b", broken, lambda g, y, a, b: g * a, name="product")
    a, b = Tensor(np.ones((2, 3)), name="a"), Tensor(np.ones((2, 3)))
    y = np.sum(product(a, b))
    with pytest.raises(
        ValueError, match=r"backward of product\(Tensor 'a' of shape \(2, 3\), Tensor of shape"
    ) as raised:
        y.backward()
    assert raised.value.__cause__ is not None


def test_a_rule_with_the_wrong_shape_is_named() -> None:
    wrong = Op(lambda x: x * 2, "x * 2", lambda g, y, x: np.ones((4, 2)), name="double")
    for x in (Tensor(np.ones((2, 3))), Tensor(np.ones(3))):
        with pytest.raises(ValueError, match=r"backward of double.*shape .* for an input of shape \(.*3,?\)"):
            np.sum(wrong(x)).backward()


def test_a_rule_that_returns_python_numbers_or_wide_floats() -> None:
    constant = Op(lambda x: x * 1, "x", lambda g, y, x: np.float64(2.0) * np.ones(np.shape(x)), name="twice")
    x = Tensor(np.float32([1, 2]))
    np.sum(constant(x)).backward()
    assert x.grad.dtype == np.float32


def test_recorded_gradients_are_graphs() -> None:
    x = Tensor([1.0, 2.0], name="x")
    w = Tensor([3.0, 4.0])
    y = np.sum(x**2 * w)
    first = backprop(y, record=True)
    assert isinstance(first[x], Tensor)
    np.testing.assert_array_equal(first[x].data, 2 * x.data * w.data)
    second = backprop(first[x], seed=[1.0, 1.0], record=True)
    np.testing.assert_array_equal(second[x].data, 2 * w.data)
    np.testing.assert_array_equal(second[w].data, 2 * x.data)
    third = backprop(second[x], seed=[1.0, 1.0])
    np.testing.assert_array_equal(third[w], [2, 2])
    assert x.grad is None


def test_recorded_and_plain_gradients_are_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    w1, b1, w2 = (Tensor(rng.normal(size=shape)) for shape in ((4, 3), (4,), (2, 4)))
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    cost = np.mean((autograd.sigmoid(autograd.sigmoid(x @ w1.T + b1) @ w2.T) - y) ** 2)
    plain, recorded = backprop(cost), backprop(cost, record=True)
    for p in (w1, b1, w2):
        np.testing.assert_array_equal(plain[p], recorded[p].data)


def test_a_tensor_as_seed_is_differentiated_too() -> None:
    x, v = Tensor([1.0, 2.0]), Tensor([5.0, 7.0])
    g = backprop(x * x, seed=v)[x]
    np.testing.assert_array_equal(backprop(g, seed=[1.0, 1.0])[v], [2, 4])


def test_constants_have_no_gradient() -> None:
    x = np.ones(3)
    w = Tensor(np.ones(3))
    y = x @ w
    assert set(backprop(y)) == {y, w}
    assert y.inputs[0] is x


def test_stop_looks_no_further() -> None:
    x = Tensor(2.0)
    y = x * x
    z = y * 3
    assert set(backprop(z, stop=[y])) == {z, y}


def test_backward_of_a_constant_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no graph"):
        Tensor(2.0).detach().backward()
    x = Tensor(2.0)
    (x * x.detach()).backward()
    assert x.grad == 2


def test_empty_arrays() -> None:
    x = Tensor(np.zeros((0, 3)))
    (np.sum(x * 2) + np.sum(np.exp(x), axis=0).sum()).backward()
    assert x.grad.shape == (0, 3)
    w = Tensor(np.ones((2, 3)))
    np.sum(x @ w.T).backward()
    np.testing.assert_array_equal(w.grad, np.zeros((2, 3)))


def test_what_was_cut_from_the_graph_keeps_its_data():
    """A detached Tensor, a view made without recording and assigned data do not change with what they came from."""
    w, x = Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0]])
    detached = w.detach()
    with no_grad():
        view = w.T
    other = Tensor([[0.0, 0.0]])
    other.data = w.data
    y = np.sum(x * detached) + np.sum(x @ view) + np.sum(x * other)
    w.data -= 1.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [[3.0, 6.0]])


def test_a_rule_that_returns_a_number_is_understood_and_one_that_fails_is_named():
    two = Op(lambda x: 2 * x, "2 * x", lambda g, y, x: 2.0, name="two")
    x = Tensor(3.0)
    two(x).backward()
    assert x.grad == 2.0
    broken = Op(lambda x: 2 * x, "2 * x", lambda g, y, x: g / (1 // 0), name="broken")
    with pytest.raises(RuntimeError, match=r"backward of broken\(Tensor of shape \(\)\)"):
        broken(x).backward()


def test_a_tensor_as_seed_leaves_plain_gradients():
    x = Tensor([1.0, 2.0])
    (x * 2).backward(Tensor([1.0, 10.0]))
    assert isinstance(x.grad, np.ndarray)


def test_a_rule_without_a_result_is_named():
    forgetful = Op(lambda x: 2 * x, "2 * x", lambda g, y, x: None, name="forgetful")
    for x in (Tensor(3.0), Tensor([3.0])):
        with pytest.raises(TypeError, match=r"backward of forgetful.*the rule returned None"):
            forgetful(x).sum().backward()


def test_looking_at_a_view_does_not_hide_whose_memory_it_is():
    w, x = Tensor([[1.0, 2.0], [3.0, 4.0]], name="w"), Tensor(np.ones((2, 2)))
    view = w.T
    y = np.sum(x @ view)
    assert view.data.shape == (2, 2)  # as a drawing looks at it
    w.data -= 1.0
    with pytest.raises(RuntimeError, match="was changed after"):
        y.backward()


def test_threads_lose_no_gradient():
    w = Tensor(np.zeros(50))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work():
        for _ in range(200):
            (w * 1.0).sum().backward()

    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    np.testing.assert_array_equal(w.grad, np.full(50, 1600.0))


def test_the_mixed_derivative_of_a_power_at_the_exponent_0():
    mixed = [grad(grad(operator.pow, i), 1 - i)(2.0, 0.0) for i in (0, 1)]
    np.testing.assert_allclose(mixed, [0.5, 0.5])
    rows = grad(lambda a, b: np.sum(grad(lambda a, b: np.sum(a**b))(a, b)), 1)(np.array([2.0, 0.0]), np.zeros(2))
    assert rows[0] == 0.5


def test_backward_through_a_join_of_many_is_linear():
    """Each part is asked for once: the rule of concatenate runs once for all its inputs."""
    calls = []

    def rule(wanted, g, y, *xs, axis=0):
        calls.append(wanted)
        return join.rules[0](wanted, g, y, *xs, axis=axis)

    twin = Op(join.forward, join.template, rule, name="join")
    parts = [Tensor(np.ones(2)) for _ in range(100)]
    twin(*parts, axis=0).sum().backward()
    assert calls == [list(range(100))]
    assert all(np.array_equal(part.grad, [1.0, 1.0]) for part in parts)


def test_a_transposition_of_one_axis():
    t = Tensor([1.0, 2.0])
    (t.transpose(0) * 3.0).sum().backward()
    np.testing.assert_array_equal(t.grad, [3.0, 3.0])


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0)])
def test_products_of_empty_arrays(shape):
    n, k = shape
    x, w, b = Tensor(np.ones((n, k))), Tensor(np.ones((4, k))), Tensor(np.ones(4))
    for neurons in (linear, sigmoid_layer, tanh_layer):
        neurons(x, w, b).sum().backward()
        linear(Tensor(np.ones((2, n, k))), w, b).sum().backward()
    np.tensordot(x, np.ones((n, k)), 2).backward()
    np.tensordot(x, np.ones((k, 5)), 1).sum().backward()
    assert (x.grad.shape, w.grad.shape) == (x.shape, w.shape)


def test_a_rule_that_reads_the_weighted_input_makes_a_layer():
    x, w, b = (np.array(part) for part in ([[1.0, -2.0]], [[0.5, 0.3]], [0.1]))
    check_gradients(layer(softplus), x, w, b)


def test_a_rule_that_compares_the_weighted_input_makes_a_layer():
    spike = Op(lambda x: (x == -1.0) * 1.0, "(x == -1.0) * 1.0", lambda g, y, x: g * (x == -1.0), name="spike")
    parts = [[1.0, -2.0]], [[0.5, 0.25]], [-1.0]  # a weighted input of -1
    whole, apart = [Tensor(part) for part in parts], [Tensor(part) for part in parts]
    np.sum(layer(spike)(*whole)).backward()
    np.sum(spike(linear(*apart))).backward()
    for t, other in zip(whole, apart, strict=True):
        np.testing.assert_array_equal(t.grad, other.grad)
    np.testing.assert_array_equal(whole[2].grad, [1.0])


def test_a_rule_that_reads_the_shape_of_the_weighted_input_makes_a_layer():
    softened = Op(lambda x: np.tanh(x), "np.tanh(x)", lambda g, y, x: np.reshape(g * (1 - y * y), x.shape), name="soft")
    x, w, b = (np.array(part) for part in ([[1.0, -2.0]], [[0.5, 0.3]], [0.1]))
    check_gradients(layer(softened), x, w, b)


def test_a_rule_that_is_not_written_for_tensors_may_read_anything() -> None:
    double = Op(lambda x: x + x, "x + x", lambda g, y, x: g * {np.ndarray: 2.0}[type(x)], name="double")
    x = Tensor([1.0, 2.0])
    y = np.sum(double(x))
    x.data = [3.0, 4.0]
    with pytest.raises(RuntimeError, match="backward of double: the data of Tensor of shape"):
        y.backward()


def test_a_gradient_that_is_not_real_is_refused() -> None:
    for wrong, kind in ((1j, "complex128"), ("a", "<U1")):
        op = Op(lambda x: x + 0, "x + 0", lambda g, y, x: np.full(x.shape, wrong), name="op")  # noqa: B023
        for x in (Tensor(1.0), Tensor([1.0, 2.0])):
            with pytest.raises(TypeError, match=f"backward of op.*the rule returned {kind} data"):
                np.sum(op(x)).backward()
