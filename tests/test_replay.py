"""Reading 4, replay: what a compiled function does is what the function and a fresh backward pass do."""

import sys
import threading

import numpy as np
import pytest
from conftest import ROWS, eager

import autograd
from autograd import Op, Tensor, no_grad, relu
from nn import SGD, Network, load_digits, one_hot
from nn.cli import main


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", ROWS, ids=[f"{case.operation}: {case.label}" for case in ROWS])
def test_every_operation_is_replayed(case, dtype):
    tensors = [Tensor(np.asarray(x, dtype)) for x in case.operands]

    def f():
        y = case.f(*tensors)
        return sum(np.sum(part * part * 0.5 + part) for part in (y if isinstance(y, (list, tuple)) else [y]))

    step = autograd.compile(f)
    for _ in range(2):
        value, grads = eager(f)
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(step(), value, rtol=tolerance)
        for x in tensors:
            assert x.grad.dtype == dtype
            scale = np.max(np.abs(grads[x]), initial=0.0)
            np.testing.assert_allclose(x.grad, grads[x], rtol=0, atol=tolerance * scale)
        for x in tensors:  # the data of the moment is read at each call
            x.data = np.asarray(x.data * 1.01, dtype)


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy", "log-likelihood"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_network_is_replayed_to_the_last_bit(cost, activation, dtype):
    rng = np.random.default_rng(0)
    net = Network([7, 6, 5, 4], cost=cost, activation=activation, dtype=dtype, rng=rng)
    step, optimiser = autograd.compile(net.cost), SGD(net.parameters(), 0.1)
    for n in (5, 5, 3, 5):
        x, y = rng.random((n, 7)).astype(dtype), one_hot(rng.integers(0, 4, n), 4, dtype)
        value, grads = eager(net.cost, x, y)
        assert step(x, y) == value
        for parameter in net.parameters():
            np.testing.assert_array_equal(parameter.grad, grads[parameter])
        optimiser.step()


def test_training_is_the_same_line_for_line(capsys):
    training, _, test = load_digits()
    small = (training.x[:2005], training.y[:2005])
    lines = []
    for compiled in (True, False):
        net = Network([784, 12, 10], rng=3)
        net.SGD(small, 3, 10, 3.0, test_data=test, rng=5, compiled=compiled)
        lines.append((capsys.readouterr().out, [p.data.tobytes() for p in net.parameters()]))
    assert lines[0] == lines[1]
    assert lines[0][0].count("Epoch") == 3


def test_no_compile_on_the_command_line(monkeypatch):
    def refuse(f, **options):
        raise AssertionError("compiled all the same")

    monkeypatch.setattr(sys.modules["nn.steps"], "compile", refuse)
    options = ["train", "--sizes", "784,10", "--epochs", "1", "--batch", "500"]
    assert main([*options, "--no-compile"]) == 0
    with pytest.raises(AssertionError, match="compiled all the same"):
        main(options)


def test_the_program_can_be_read():
    w = Tensor([[1.0], [2.0]], name="w")
    step = autograd.compile(lambda x: np.sum(relu(x @ w)))
    step(np.ones((3, 2)))
    assert "def f_and_grad(x, w):" in step.source
    assert "dw = np.matmul(x.T, " in step.source
    step(np.ones((4, 2)))
    assert step.source.count("def ") == 2  # a program for each combination of shapes


def test_nothing_that_a_caller_got_is_overwritten():
    w = Tensor(np.ones(3))
    step = autograd.compile(lambda x: np.sum(w * w * x))
    step(np.full(3, 1.0))
    first, kept = w.grad, w.grad.copy()
    step(np.full(3, 2.0))
    assert w.grad is not first
    np.testing.assert_array_equal(first, kept)


def test_gradients_are_overwritten_where_the_caller_asks_for_it():
    w, v = Tensor(np.ones(3)), Tensor(np.ones((2, 3)))
    step = autograd.compile(lambda x: np.sum((v * w) ** 2 * x), overwrite=True)
    step(np.full(3, 1.0))
    first, other = w.grad, v.grad
    for scale in (2.0, 3.0):
        x = np.full(3, scale)
        value, grads = eager(lambda x: np.sum((v * w) ** 2 * x), x)
        assert step(x) == value
        for parameter in (w, v):
            np.testing.assert_array_equal(parameter.grad, grads[parameter])
    assert (w.grad is first, v.grad is other) == (True, True)


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_gradient_that_is_overwritten_may_be_an_argument(backend):
    """Also a view of it."""

    def f(w, x):
        return np.sum(np.exp(w * x) * x) + np.sum(x * w * w)

    w, x = Tensor([1.0, 0.5, 2.0], name="w"), np.array([0.1, 0.2, 0.3])
    step = autograd.compile(lambda x: f(w, x), overwrite=True, backend=backend)
    step(x)
    for view in (lambda g: g, lambda g: g[:], lambda g: g[::-1]):
        for _ in range(2):
            x = view(w.grad)
            expected = autograd.grad(f)(w.data, x.copy())
            step(x)
            np.testing.assert_allclose(w.grad, expected, rtol=1e-12)
            w.grad[...] = [0.1, 0.3, 0.2]


def test_intermediate_values_are_in_buffers_that_are_shared():
    w = Tensor(np.linspace(0.1, 1.0, 6).reshape(2, 3))

    def chain(x):
        y = w * x
        for _ in range(20):
            y = np.sin(y) * 0.9 + 0.01 * x
        return np.sum(y)

    step = autograd.compile(chain)
    x = np.linspace(1.0, 2.0, 6).reshape(2, 3)
    value, grads = eager(chain, x)
    for _ in range(3):
        assert step(x) == value
        np.testing.assert_array_equal(w.grad, grads[w])
    body = step.source.split("def ")[1]
    assert body.count("out=") > 100
    assert step.source.count("np.empty(") == 22  # 20 values of y wait for the backward pass, and two hold the rest
    assert step.source.count("0.9") == 1


def test_a_value_that_is_a_view_of_another_keeps_it_alive():
    """Through its transpose and its reshapes, t is still read after it was read itself for the last time."""
    w = Tensor(np.linspace(-1.0, 1.0, 12).reshape(3, 4))

    def f(x):
        t = np.exp(w)
        turned, flat, some = t.T, np.reshape(t, (12,)), t[1:]
        busy = np.sin(np.exp(w * x) * 2.0) + np.cos(w)
        return np.sum(busy) + np.sum(turned @ busy) + np.sum(flat * 3.0) + np.sum(some * busy[:2])

    step = autograd.compile(f)
    for scale in (1.0, 0.5):
        x = np.full((3, 4), scale)
        value, grads = eager(f, x)
        assert step(x) == value
        np.testing.assert_allclose(w.grad, grads[w], rtol=1e-15)


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_in_any_order_of_memory(order):
    w = Tensor(np.asarray(np.linspace(-1.0, 1.0, 12).reshape(3, 4), order=order))
    step = autograd.compile(lambda x: np.sum(np.tanh(w * x) ** 2 * np.reshape(np.exp(w), (3, 4))))
    for x in (np.ones((3, 4)), np.ones((4, 3)).T * 0.5, np.ones((6, 8))[::2, ::2] * 0.3):
        value, grads = eager(step.f, x)
        np.testing.assert_allclose(step(x), value, rtol=1e-15)
        np.testing.assert_allclose(w.grad, grads[w], rtol=1e-15)


def test_parameters_that_change_their_shape_or_dtype_are_traced_again():
    w = Tensor([1.0, 2.0])
    step = autograd.compile(lambda: np.sum(w * w))
    for data in ([1.0, 2.0], [3.0, 4.0], [1.0, 2.0, 3.0], np.ones(2, np.float32), [[5.0]], 2.0):
        w.data = data
        assert step() == np.sum(np.square(data))
        np.testing.assert_array_equal(w.grad, 2 * np.asarray(data))
        assert w.grad.dtype == w.dtype


def test_threads_do_not_share_a_buffer_at_the_same_time():
    step = autograd.compile(lambda x: np.sum(np.exp(np.sin(x) * 2.0) * x))
    wrong = []

    def work(seed):
        x = Tensor(np.random.default_rng(seed).standard_normal((50, 50)))
        value, grads = eager(step.f, x)
        for _ in range(200):
            if step(x) != value or not np.array_equal(x.grad, grads[x]):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_tensors_as_arguments_get_gradients_and_the_graph_is_not_kept():
    x, w = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    step = autograd.compile(lambda x: np.sum(x * w))
    assert step(x) == 11.0
    np.testing.assert_array_equal(x.grad, [3.0, 4.0])
    np.testing.assert_array_equal(w.grad, [1.0, 2.0])
    with no_grad():
        assert step(x) == 11.0


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_that_are_tensors_are_called_directly_and_get_numbers(backend, dtype):
    """A call like the one before skips what has been looked at; one that is not like it does not."""
    a, b, outside = Tensor(dtype(2.0)), Tensor(dtype(3.0)), Tensor(np.array([1.0, 2.0], dtype))

    def f(x, y, z, by):
        return np.sum(z) * x * y * by + outside[0] * x

    step = autograd.compile(f, backend=backend)
    z, other = Tensor(np.array([1.5, 2.5, 3.0], dtype)), Tensor(np.array([0.5], dtype))
    for args in [(a, b, z, 0.5), (b, a, z, 0.25), (a, a, z, 0.5), (a, b, other, 0.5), (a, b, outside, 0.5),
                 (Tensor(dtype(5.0)), b, z, 0.5), (a, 3.0, z, 0.5)]:  # fmt: skip
        for _ in range(2):
            value, grads = eager(f, *args)
            outside.grad = None
            found = step(*args)
            assert type(found) is dtype
            np.testing.assert_allclose(found, value, rtol=1e-6)
            for x, g in grads.items():
                np.testing.assert_allclose(x.grad, g, rtol=1e-6)
                assert type(x.grad) is type(x.data) and x.grad.dtype == dtype
    for _ in range(2):
        step(a, b, z, 0.5)
        with pytest.raises(TypeError, match="argument 1 was computed from other Tensors"):
            step(a, b * dtype(1.0), z, 0.5)


def test_what_cannot_be_replayed_is_found():
    w = Tensor(2.0, name="w")
    branch = autograd.compile(lambda x: w * x if x > 0 else -w * x)
    with pytest.raises(TypeError, match=r"truth value .* np.where"):
        branch(1.0)
    outside = [np.array([1.0, 2.0])]
    captured = autograd.compile(lambda x: np.sum(w * outside[0]) * x, check=True)
    assert captured(1.0) == 6.0
    outside[0] = np.array([1.0, 5.0])
    assert captured(1.0) == 12.0
    with pytest.raises(ValueError, match="single number"):
        autograd.compile(lambda x: w * x)(np.ones(3))


@pytest.mark.parametrize(
    ("f", "arg", "message"),
    [
        (lambda x: x * x, 3.0, r"no Tensor went into.* Tensor\(x\)"),
        (lambda x: np.sum(x * x), np.ones(3), r"no Tensor went into.* Tensor\(x\)"),
        (lambda x: x * x, Tensor(np.ones(3)), r"shape \(3,\): take its sum or mean"),
        (lambda x: x, Tensor(1.0), "return what the function computes"),
        (lambda x: [x], Tensor(1.0), "return what comes of it"),
    ],
)
def test_what_has_no_gradient_says_what_to_pass_or_return(f, arg, message):
    with pytest.raises(ValueError, match=f"single number computed from Tensors, not .*{message}"):
        autograd.compile(f)(arg)


def test_a_tensor_that_was_not_reached_before_is_found():
    parameters = [Tensor(2.0, name="a"), Tensor(3.0, name="b")]
    step = autograd.compile(lambda x: parameters[0] * x, check=True)
    step(1.0)
    parameters.reverse()
    assert (step(1.0), parameters[0].grad) == (3.0, 1.0)


def test_operations_of_ones_own_are_replayed_whatever_their_names():
    double = Op(lambda x: 2 * x, "2 * x", lambda g, y, x: g * 2, name="my op")
    triple = Op(lambda x: 3 * x, "3 * x", lambda g, y, x: g * 3, name="my op")
    w = Tensor(5.0)
    step = autograd.compile(lambda: double(w) + triple(w) * double(w))
    assert step() == 10.0 + 15.0 * 10.0
    assert w.grad == 2.0 + 3.0 * 10.0 + 15.0 * 2.0


def test_long_indices_that_print_alike_are_told_apart():
    w = Tensor(np.arange(4000.0))
    one, other = np.arange(4000), np.arange(4000)
    other[2000] = 7
    assert repr(one) == repr(other)
    step = autograd.compile(lambda: np.sum(w[one] * w[other]))
    value, grads = eager(lambda: np.sum(w[one] * w[other]))
    assert step() == value
    np.testing.assert_array_equal(w.grad, grads[w])


def test_both_operands_broadcast():
    a, b = Tensor(2.0), Tensor(3.0)
    step = autograd.compile(lambda: np.sum(np.broadcast_to(a, (3,)) * np.broadcast_to(b, (3,))))
    assert step() == 18.0
    assert (a.grad, b.grad) == (9.0, 6.0)


def test_a_gradient_is_nobody_elses_array():
    """d(w v)/dw is v: as a value, and not as the array that the next update writes into."""
    w, v, x = Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), np.array([5.0, 6.0])
    step = autograd.compile(lambda x: np.sum(w * v) + np.sum(w * x) * 0.0 + np.sum(v + w))
    step(x)
    only = autograd.compile(lambda x: np.sum(w * x))
    only(x)
    w.grad *= 0.0
    np.testing.assert_array_equal(x, [5.0, 6.0])
    products = autograd.compile(lambda: np.sum(w * v))
    products()
    SGD([w, v], 0.5).step()
    np.testing.assert_array_equal(w.data, [-0.5, 0.0])
    np.testing.assert_array_equal(v.data, [2.5, 3.0])  # by the w of before the step
    sums = autograd.compile(lambda: np.sum(w + v))
    sums()
    w.grad *= 0.0
    np.testing.assert_array_equal(v.grad, [1.0, 1.0])


def test_a_value_taken_off_the_graph_is_found():
    w = Tensor(2.0)
    step = autograd.compile(lambda: w * w.detach())
    assert step() == 4.0
    w.data = 3.0
    assert (step(), w.grad) == (9.0, 3.0)
    w.data = 2.0
    with pytest.raises(TypeError, match=r"t\.data of Tensor .*detach"):
        autograd.compile(lambda: w * w.data)()
    named = autograd.compile(lambda: half() * w)

    def half():
        d = w.detach() * 0.5
        d.name = "d"
        return d

    assert named() == 2.0


def agrees(f, *args, calls=2):
    """Replayed as it is computed, in every call."""
    step = autograd.compile(f)
    for _ in range(calls):
        value, grads = eager(f, *args)
        np.testing.assert_allclose(step(*args), value, rtol=1e-12)
        for x, g in grads.items():
            np.testing.assert_allclose(x.grad, g, rtol=1e-12, atol=1e-12)
            assert x.grad.dtype == g.dtype


def test_what_may_be_a_view_keeps_what_it_may_be_of():
    rng = np.random.default_rng(0)
    w, u, v, x = (Tensor(rng.random(shape)) for shape in ((3, 4), 3, 4, (2, 3)))
    agrees(lambda: np.sum(np.tanh(w @ v)) + np.sum(np.exp(u) * np.sin(u)))
    agrees(lambda x: np.sum(np.sum(x, axis=0) ** 2) + np.sum(u * u * 0.01), x)
    agrees(lambda x: np.sum(np.sin(np.broadcast_to(u * 0.5, (2, 3)))) + np.sum(u * x * 0.01), x)

    def turned_twice(x):
        t = np.exp(u * x)
        a = np.sum(t * 2.0)
        back = t.T.T
        b = np.sin(u) * np.cos(u)
        return a + np.sum(b) + np.sum(back * b)

    agrees(turned_twice, rng.random(3))


def test_the_same_tensor_twice():
    x = Tensor([1.0, 2.0])
    step = autograd.compile(lambda a, b: np.sum(a * b * b), check=True)
    step(x, x)
    np.testing.assert_array_equal(x.grad, [3.0, 12.0])
    autograd.compile(lambda a: np.sum(a * x * x))(x)
    np.testing.assert_array_equal(x.grad, [3.0, 12.0])
    with pytest.raises(TypeError, match="argument 0 was computed from other Tensors"):
        autograd.compile(lambda y: np.sum(y))(x * 3.0)


@pytest.mark.parametrize(
    "name", ["matmul", "add", "multiply", "power", "sum", "reshape", "identity", "transpose", "linear"]
)
def test_operations_of_ones_own_under_the_names_of_others(name):
    largest = Op(
        lambda a, b: np.maximum(a, b) + 1.0, "np.maximum(a, b) + 1",
        lambda g, y, a, b: g * (a > b), lambda g, y, a, b: g * (a <= b), name=name,
    )  # fmt: skip
    w, v = Tensor([1.0, 5.0]), Tensor([3.0, 2.0])
    agrees(lambda: np.sum(largest(w, v) * largest(w, 1.0)))


def test_a_forward_of_ones_own_that_writes_into_an_array():
    def forward(a, b, out=None):
        out = np.exp(a, out=out)
        out *= b
        return out

    exp_times = Op(forward, "np.exp(a) * b", lambda g, y, a, b: g * y, lambda g, y, a, b: g * np.exp(a))
    w = Tensor([0.5, 1.5])
    agrees(lambda: np.sum(exp_times(np.sin(w), np.cos(w)) * 2.0))


def test_numbers_keep_their_kind():
    w, half = Tensor(2.0), Tensor(np.ones(3, np.float32))
    step = autograd.compile(lambda n: w * (2.0 if n else 3.0))
    assert [step(n) for n in (np.bool_(True), np.bool_(False), 1, 0)] == [4.0, 6.0, 4.0, 6.0]
    agrees(lambda a: np.sum(half * a), 0.1)
    agrees(lambda: np.sum(half * np.float64(1.0)))
    agrees(lambda: np.sum(half ** np.float64(2.0)))
    agrees(lambda: np.sum(half) * np.float64(3.1))
    with np.errstate(divide="ignore", invalid="ignore"):
        assert autograd.compile(lambda: w / -0.0)() == -np.inf
    with pytest.raises(TypeError, match="pass the parts of a list"):
        autograd.compile(lambda parts: w * parts[0])([1.0])


def test_the_value_is_nobody_elses_array():
    w = Tensor([1.0])
    step = autograd.compile(lambda: np.reshape(w, (1, 1)))
    step()[0, 0] = 5.0
    assert w.data[0] == 1.0
    with pytest.raises(ValueError, match="computed from Tensors"):
        autograd.compile(lambda: w)()


def test_nan_is_compared_as_equal():
    w = Tensor(-1.0)
    with np.errstate(invalid="ignore"):
        assert np.isnan(autograd.compile(lambda: np.log(w), check=True)())


def test_a_number_may_be_transposed():
    """Python's numbers have no .T."""
    f = lambda w, c: np.sum(w * np.transpose(c))  # noqa: E731
    w = Tensor([1.0, 2.0], name="w")
    program = autograd.compile(f)
    assert program(w, 3.0) == 9 and program(w, 4.0) == 12
    namespace: dict = {"np": np}
    exec(autograd.source(f, w, 3.0), namespace)
    assert namespace["f_and_grad"](w.data, 5.0)[0] == 15


def test_numbers_that_are_updated_are_not_traced_or_prepared_again(monkeypatch):
    w, b = Tensor([1.0, 2.0], name="w"), Tensor(0.5, name="b")
    step, optimiser = autograd.compile(lambda x: np.sum((w * x + b) ** 2)), SGD([w, b], 0.01)
    x = np.array([0.3, -0.2])
    step(x)
    program = sys.modules["autograd.readings.program"].Program
    for method in ("__init__", "without_loops"):
        monkeypatch.setattr(program, method, None)
    for _ in range(3):
        optimiser.step()
        value, grads = eager(step.f, x)
        assert step(x) == value
        assert b.grad == grads[b]
        np.testing.assert_array_equal(w.grad, grads[w])
    w.data = w.data * 2.0  # another array of the same shape
    assert step(x) == step.f(x).data
