"""Programs in C, built with the machine's compiler and called: compile(f, backend="c")."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import ROWS, eager
from foreign import GCC, there
from test_source import a_number

from autograd import CompilerError, Tensor, compile, log_softmax, sigmoid
from autograd.readings import native
from autograd.readings.elements import LoweringError
from nn import SGD
from nn.proof.numbers import relative_difference


@pytest.fixture(autouse=True)
def a_cache_of_its_own(tmp_path_factory, monkeypatch):
    there(GCC, "gcc", 1)
    monkeypatch.setenv("HANDGRAD_CACHE", str(tmp_path_factory.getbasetemp() / "built"))
    native.folder.cache_clear()
    native.compiler.cache_clear()
    yield
    native.folder.cache_clear()
    native.compiler.cache_clear()


def a_network(dtype=np.float64, n=5):
    rng = np.random.default_rng(0)
    shapes = {"w1": (4, 6), "b1": (4,), "w2": (3, 4), "b2": (3,)}
    w1, b1, w2, b2 = parameters = [
        Tensor(rng.normal(size=shape).astype(dtype), name=name) for name, shape in shapes.items()
    ]

    def cost(x, y):
        return np.sum((sigmoid(np.tanh(x @ w1.T + b1) @ w2.T + b2) - y) ** 2) / (2 * len(x))

    return cost, parameters, rng.normal(size=(n, 6)).astype(dtype), rng.normal(size=(n, 3)).astype(dtype)


def as_itself(cost, parameters, *args):
    """What a call without compile gives: the value and the gradients."""
    for p in parameters:
        p.grad = None
    value = cost(*args)
    value.backward()
    return value.data, [p.grad for p in parameters]


def same(found, expected, tolerance):
    return all(relative_difference(a, b) <= tolerance for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_same_as_the_function_itself(dtype, tolerance):
    cost, parameters, x, y = a_network(dtype)
    step = compile(cost, backend="c")
    for _ in range(3):
        value, gradients = as_itself(cost, parameters, x, y)
        found = step(x, y)
        assert type(found) is dtype
        assert relative_difference(found, value) <= tolerance
        assert same([p.grad for p in parameters], gradients, tolerance)
        assert all(p.grad.dtype == dtype for p in parameters)
        for p in parameters:
            p.data -= dtype(0.1) * p.grad
    assert step.source.startswith("#include <math.h>")


def test_gradients_are_new_arrays_unless_they_are_to_be_written_over():
    cost, (w, *_), x, y = a_network()
    step = compile(cost, backend="c")
    step(x, y)
    first, before = w.grad, w.grad.copy()
    step(2 * x, y)
    assert w.grad is not first
    np.testing.assert_array_equal(first, before)
    step = compile(cost, backend="c", overwrite=True)
    step(x, y)
    first = w.grad
    step(2 * x, y)
    assert w.grad is first


def test_arrays_that_do_not_lie_as_c_takes_them():
    cost, parameters, x, y = a_network()
    step = compile(cost, backend="c")
    expected = as_itself(cost, parameters, x, y)
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    unaligned[...] = x
    fixed = x.copy()
    fixed.flags.writeable = False
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1][::-1], unaligned, fixed,
                  x.astype(x.dtype.newbyteorder())):  # fmt: skip
        assert relative_difference(step(other, y), expected[0]) <= 1e-12
        assert same([p.grad for p in parameters], expected[1], 1e-12)
    parameters[0].data = np.asfortranarray(parameters[0].data)
    assert relative_difference(step(x, y), expected[0]) <= 1e-12


def test_other_shapes_and_types_are_another_program():
    cost, parameters, x, y = a_network()
    step = compile(cost, backend="c")
    for args in [(x, y), (x[:2], y[:2]), (x.astype(np.float32), y), (x[:1], y[:1]), (x, y)]:
        value, gradients = as_itself(cost, parameters, *args)
        assert relative_difference(step(*args), value) <= 1e-6
        assert same([p.grad for p in parameters], gradients, 1e-6)
    assert step.source.count("#include") == 4
    parameters[0].data = np.ones((4, 9))
    wide = np.ones((5, 9))
    assert relative_difference(step(wide, y), as_itself(cost, parameters, wide, y)[0]) <= 1e-12


def test_numbers_and_strings_as_arguments():
    w = Tensor(np.array([1.0, 2.0]))
    step = compile(lambda x, n, how, eta: np.sum(w**n) * x * eta if how == "sum" else np.sum(w), backend="c")
    assert step(2.0, 2, "sum", np.float32(0.5)) == 5.0
    assert step(2.0, 3, "sum", np.float32(0.5)) == 9.0
    assert step(2.0, 3, "other", np.float32(0.5)) == 3.0
    t = Tensor(3.0)
    assert compile(lambda t: t * t, backend="c")(t) == 9.0
    assert t.grad == 6.0
    one = Tensor(np.array([[2.0]]))
    np.testing.assert_array_equal(compile(lambda: one * one, backend="c")(), [[4.0]])
    np.testing.assert_array_equal(one.grad, [[4.0]])


def test_an_operation_without_loops_is_refused_by_name():
    x = Tensor(np.eye(2))
    with pytest.raises(LoweringError, match=r"linalg.svdvals cannot be written as loops: its text is np.linalg.svd"):
        compile(lambda: np.sum(np.linalg.svdvals(x)), backend="c")()


def test_the_flags_of_a_build_leave_nan_and_infinity_alone():
    strange = np.array([np.nan, np.inf, -np.inf, 0.0, 1e308, 1.0])
    w = Tensor(np.arange(1.0, 7.0))
    functions = [
        lambda x: np.sum(np.where(np.isnan(x), 1.0, 2.0) * w),
        lambda x: np.sum(np.where(np.isfinite(x), x / 1e300, 3.0) * w),
        lambda x: np.sum(np.where(np.isinf(x), np.sign(x), 0.0) * w), lambda x: np.sum(sigmoid(x[1:]) * w[1:]),
        lambda x: np.sum(np.maximum(x, 0.0) * w), lambda x: np.sum(np.maximum(x[1:], 0.0) * w[1:]),
        lambda x: np.sum(x * w - x * w),
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        for f in functions:
            value, gradients = as_itself(f, [w], strange)
            np.testing.assert_allclose(compile(f, backend="c")(strange), value, rtol=1e-12)
            np.testing.assert_allclose(w.grad, gradients[0], rtol=1e-12, atol=1e-300)


def test_operations_of_each_family():
    """A few of each family: they are all in test_loops, built without these flags."""
    for case in ROWS[::5]:
        f, args = a_number(case)
        try:
            found = compile(f, backend="c")(*args)
        except LoweringError:
            continue
        gradients = [x.grad for x in args if isinstance(x, Tensor)]
        value, exact = as_itself(f, [x for x in args if isinstance(x, Tensor)], *args)
        assert relative_difference(found, value) <= 1e-12, case.label
        for g, wanted in zip(gradients, exact, strict=True):
            assert relative_difference(g, 0.0 if wanted is None else wanted) <= 1e-12, case.label


def test_what_is_computed_once_before_a_sum_stands_before_its_pragma():
    x, i = Tensor(np.arange(12.0).reshape(3, 4)), np.array([2, 0, -1])
    step = compile(lambda i: np.sum(x[i] ** 2), backend="c")
    assert step(i) == np.sum(x.data[i] ** 2)
    lines = [line.strip() for line in step.source.splitlines()]
    assert all(lines[k + 1].startswith("for (") for k, line in enumerate(lines) if "reduction" in line)


# What is built, and what is loaded.


def test_what_was_built_is_kept(monkeypatch):
    cost, _, x, y = a_network()
    compile(cost, backend="c")(x, y)
    native._loaded.clear()
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: pytest.fail("it was built again"))
    compile(cost, backend="c")(x, y)


def test_no_compiler_says_what_to_install(monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(native.shutil, "which", lambda name: None)
    monkeypatch.setattr(native.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CompilerError, match=r"install gcc or clang, or .* pip .*handgrad\[native\]"):
        compile(np.sum, backend="c")
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    with pytest.raises(CompilerError, match=r"\$CC says that the C compiler is no-such-compiler, which is not there"):
        compile(np.sum, backend="c")


def test_a_compiler_that_fails_shows_the_file_and_what_it_says():
    with pytest.raises(CompilerError, match=r"(?s)does not compile .*\.c \(exit code 1\):.*error") as caught:
        native.built("int broken(void) { return nothing; }\n")
    path = str(caught.value).split("does not compile ")[1].split(" (exit")[0]
    with open(path) as file:
        assert "broken" in file.read()


@pytest.mark.skipif(sys.platform == "win32", reason="there a folder has no mode")
def test_only_files_of_the_users_own_are_loaded(tmp_path, monkeypatch):
    text = "int answer(void) { return 42; }\n"
    monkeypatch.setenv("HANDGRAD_CACHE", str(tmp_path / "cache"))
    native.folder.cache_clear()
    native._loaded.clear()
    native.built(text)
    (path,) = (tmp_path / "cache").glob("*.so")
    path.unlink()
    path.write_bytes(b"not a library")
    path.chmod(0o777)  # others may have written it: it is built anew
    native._loaded.clear()
    assert native.built(text)[0].answer() == 42
    assert native.is_ours(path)
    path.unlink()
    path.write_bytes(b"cut off")
    path.chmod(0o700)
    native._loaded.clear()
    assert native.built(text)[0].answer() == 42
    moved = tmp_path / "elsewhere.so"
    path.rename(moved)
    path.symlink_to(moved)
    native._loaded.clear()
    assert native.built(text)[0].answer() == 42
    assert not path.is_symlink()
    (tmp_path / "cache").chmod(0o777)  # a folder that others may write is not used
    native.folder.cache_clear()
    assert native.folder() != tmp_path / "cache"


def test_two_processes_build_the_same_at_once(tmp_path):
    code = (
        "import numpy as np; from autograd import Tensor, compile\n"
        "w = Tensor(np.arange(3.0)); print(compile(lambda x: np.sum(w * x), backend='c')(np.ones(3)))"
    )
    env = {**os.environ, "HANDGRAD_CACHE": str(tmp_path)}
    running = [subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE) for _ in range(4)]
    assert [process.communicate()[0].strip() for process in running] == [b"3.0"] * 4
    assert not list(tmp_path.glob("building-*"))


def test_two_threads_with_one_library():
    cost, _, x, y = a_network()
    wrong = []

    def run(k):
        step = compile(lambda x, y: cost(x, y) * 1.0, backend="c")
        expected = cost(x * k, y).data
        for _ in range(300):
            if relative_difference(step(x * k, y), expected) > 1e-12:
                wrong.append(k)

    threads = [threading.Thread(target=run, args=(k,)) for k in (1.0, 2.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 13), (2, 3), (5, 8), (5, 10), (7, 1), (7, 10), (10, 13)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_in_blocks_of_every_layout(m, n, dtype):
    rng = np.random.default_rng(m * n)
    x, a, b = (rng.normal(size=shape).astype(dtype) for shape in ((m, 6), (6, n), (n, 6)))
    bias, batch = rng.normal(size=n).astype(dtype), rng.normal(size=(3, m, 6)).astype(dtype)

    def f(x, a, b):
        return (
            np.sum(np.tanh(x @ a) ** 2)
            + np.sum(np.tanh(x @ b.T + bias) ** 2)
            + np.sum((x @ b.T + bias) ** 2)
            + np.sum((x @ (a @ b)) ** 2)
            + np.sum((a.T @ x.T - b @ x.T) ** 2)
            + np.sum(np.exp(batch @ a / 4) * np.arange(n))
            + np.sum((batch @ b.T - x @ b.T) ** 3)
            + np.sum(np.einsum("bij,jk->bik", batch, a) ** 2)
            + np.sum(np.outer(x[0], b[0]) ** 2)
        )

    agrees_in_c(f, x, a, b)


def agrees_in_c(f, *arrays):
    """The value and the gradients of Tensors of these arrays are those of the eager engine."""
    eager, built = [tuple(Tensor(p.copy()) for p in arrays) for _ in range(2)]
    value = f(*eager)
    value.backward()
    found = compile(f, backend="c")(*built)
    tolerance = 1e-12 if arrays[0].dtype == np.float64 else 1e-5
    assert relative_difference(found, value.data) <= tolerance
    for p, q in zip(eager, built, strict=True):
        assert relative_difference(q.grad, np.zeros_like(p.data) if p.grad is None else p.grad) <= tolerance


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_products_and_what_is_made_of_them(dtype):
    rng = np.random.default_rng(0)
    shapes = {"x": (70, 90), "a": (90, 80), "b": (80, 90)}
    x, a, b = (rng.normal(size=shape).astype(dtype) for shape in shapes.values())
    batch = rng.normal(size=(2, 70, 90)).astype(dtype)
    functions = [
        lambda x, a, b: np.sum(np.tanh((x @ a) / 10) ** 2),
        lambda x, a, b: np.sum((x @ b.T + b[:, 0]) ** 2),
        lambda x, a, b: np.sum((a.T @ x.T - b @ x.T) ** 2),
        lambda x, a, b: np.sum(np.exp((batch @ a) / 50)) + np.sum((batch @ b.T)[:, ::2] ** 2),
    ]
    for f in functions:
        agrees_in_c(f, x, a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_products_of_views_that_blas_does_not_take(dtype):
    """Rows that run backwards, and windows that lie over one another: their strides are none of BLAS's."""
    rng = np.random.default_rng(0)
    x, a, long = (rng.normal(size=shape).astype(dtype) for shape in ((70, 90), (90, 80), 159))
    functions = [
        lambda x, a, long: np.sum((x[::-1] @ a) ** 2),
        lambda x, a, long: np.sum((x @ a[::-1]) ** 2) + np.sum((x[:, ::-1] @ a[:, ::-1]) ** 2),
        lambda x, a, long: np.sum((np.lib.stride_tricks.sliding_window_view(long, 90) @ a) ** 2) + np.sum(x),
        lambda x, a, long: np.sum((x[:, ::2] @ a[::2]) ** 2) + np.sum((x.T @ x[::-1]) ** 2),
    ]
    for f in functions:
        eager, built = [tuple(Tensor(p.copy()) for p in (x, a, long)) for _ in range(2)]
        value = f(*eager)
        value.backward()
        found = compile(f, backend="c")(*built)
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        assert relative_difference(found, value.data) <= tolerance
        for p, q in zip(eager, built, strict=True):
            assert relative_difference(q.grad, np.zeros_like(p.data) if p.grad is None else p.grad) <= tolerance


@pytest.mark.parametrize("overlaps", ["a view of a parameter", "a parameter", "what is remembered", "half of it"])
def test_an_argument_in_the_memory_of_what_a_step_moves_is_copied(overlaps):
    def steps(backend, copied):
        base = np.arange(1.0, 9.0)
        a, b = Tensor(base[:4], name="a"), Tensor(base[4:].copy(), name="b")
        update = SGD([a, b], eta=0.01, momentum=0.9)
        step = compile(lambda x: np.sum(np.cumsum(x * a) * np.flip(b) * a), backend=backend, update=update)
        values = []
        for _ in range(3):
            memory = {"a view of a parameter": a.data[::-1], "a parameter": b.data, "half of it": base[1:5],
                      "what is remembered": update.memory[0][0]}  # fmt: skip
            values.append(step(memory[overlaps].copy() if copied else memory[overlaps]))
        return values, a.data, b.data

    expected = steps("numpy", True)
    for found in (steps("numpy", False), steps("c", True), steps("c", False)):
        for x, right in zip(found, expected, strict=True):
            np.testing.assert_allclose(x, right, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_numbers_alone_go_through_memory_of_the_program(dtype):
    """And are right where a name is taken, a number is a whole one, and another is not used."""

    def f(f_numbers, unused, n, y):
        return np.sin(f_numbers) * y**n

    x, z, y = Tensor(dtype(0.5)), Tensor(dtype(7.0)), Tensor(dtype(1.5))
    program = compile(f, backend="c")
    for _ in range(3):
        value = program(x, z, 2, y)
        assert type(value) is type(x.grad) is dtype
        np.testing.assert_allclose([value, x.grad, y.grad], [
            np.sin(x.data) * y.data**2, np.cos(x.data) * y.data**2, 2 * np.sin(x.data) * y.data
        ], rtol=1e-6)  # fmt: skip
        x.data = dtype(x.data + 1)
    assert "_of_numbers" in program.source


@pytest.mark.parametrize("shape", [(4, 2), (4, 3), (8, 4), (17, 5)])
def test_what_is_read_backwards_is_added_up_rightly(shape):
    """GCC 12 gets some of these wrong where the loop itself runs backwards through memory."""
    for f in (
        lambda w: np.sum(np.flip(w, 1)),
        lambda w: np.sum(np.flip(w, 1) ** 2 + w[:, ::-1]),
        lambda w: np.sum(w[::-1, ::-1] * 0.5 + 0.5 * w[::-1, ::-1] * w[::-1, ::-1]),
        lambda w: np.sum(np.flip(w, 1) * w),
        lambda w: np.sum(np.cumsum(w[:, ::-1], axis=1) * np.flip(w, 0)),
        lambda w: np.max(w[::-1, ::-1]) + w.ravel()[np.argmax(np.flip(w))],
    ):
        w = Tensor(np.random.default_rng(0).integers(-8, 8, shape) / 4)
        value, gradients = eager(f, w)
        assert compile(f, backend="c")(w) == pytest.approx(float(value), rel=1e-12)
        np.testing.assert_allclose(w.grad, gradients[w], rtol=1e-12)


def test_a_value_of_one_element_that_two_loops_compute_is_declared_twice_under_two_names():
    def f(b):
        m = b.mean(axis=(1, 0), keepdims=True)
        m.name = "m"
        return np.mean(log_softmax(m, axis=-1)) + np.mean(m * b)

    b = Tensor(np.arange(3.0)[:, None])
    value, gradients = eager(f, b)
    assert compile(f, backend="c")(b) == pytest.approx(float(value), rel=1e-12)
    np.testing.assert_allclose(b.grad, gradients[b], rtol=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        lambda v: np.sum((v + 1) * np.array(-0.0)) + np.sum(v),
        lambda v: np.mean(np.argmin(v, axis=-1) * v * np.argmin(v)) + np.sum(v),
        lambda v: np.sum(np.maximum.accumulate(v)) + np.sum(np.maximum.accumulate(v * v)),
    ],
)
def test_what_stands_outside_all_loops_is_declared_once_and_a_number_is_no_array(f):
    v = Tensor([0.5])
    value, gradients = eager(f, v)
    assert compile(f, backend="c")(v) == float(value)
    np.testing.assert_array_equal(v.grad, gradients[v])


@pytest.mark.parametrize("k", [np.array(2), np.array(True), np.array(3, np.int32), np.int64(2), 2, np.array(2.0)])
def test_a_whole_number_without_axes_is_passed_on(k):
    w = Tensor([1.0, 2.0, 3.0])
    product = compile(lambda w, k: np.sum(w) * k, backend="c")
    assert product(w, k) == 6 * k
    np.testing.assert_array_equal(w.grad, [k] * 3)
    step = compile(lambda k: np.sum(w) * k, update=SGD([w], 0.5), backend="c")
    step(k)
    np.testing.assert_array_equal(w.data, np.array([1.0, 2.0, 3.0]) - 0.5 * k)


def test_a_step_on_no_examples():
    w = Tensor([1.0, 2.0, 3.0])
    step = compile(lambda x: np.sum(x @ w) + np.sum(w * w), update=SGD([w], 0.1), backend="c")
    assert [step(np.zeros((0, 3))) for _ in range(3)] == pytest.approx([14.0, 8.96, 5.7344])


def test_a_choice_where_one_of_two_arrays_is_read_backwards():
    y, same = (Tensor(np.array([[0.75, 1.25, -0.375], [1.0, 0.625, 0.875]])) for _ in range(2))

    def f(y):
        return np.sum(np.minimum(np.cumsum(y, axis=-1), y) ** 2)

    compile(f, backend="c")(y)
    f(same).backward()
    np.testing.assert_allclose(y.grad, same.grad)
