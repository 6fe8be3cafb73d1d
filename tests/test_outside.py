"""What a compiled function reads from outside: what changes is followed or refused, and never replayed in silence."""

import cProfile
import functools
import math
import pstats
import random
import re
import time
import types

import numpy as np
import pytest
from conftest import eager
from test_vocabulary import CALLS, PLAIN, X

import autograd
from autograd import Tensor, grad, source

RATE, TABLE, DATA = 2.0, {"by": 1.0}, np.array([1.0, 2.0])


class Model:
    scale = 2.0

    def __init__(self):
        self.w, self.rate, self.parts = Tensor([1.0, 2.0]), 3.0, [Tensor(1.0), Tensor(2.0)]
        self.mask = np.array([1.0, 0.0])

    @property
    def factor(self):
        return self.rate * self.scale

    def cost(self, x):
        return np.sum(self.w * x) * self.factor * self.parts[0] + np.sum(self.w * float(np.sum(self.mask)))

    def __call__(self, x):
        return self.cost(x) * 2.0


def helper(x, by=2.0):
    return x * by * RATE


def changing():
    """Functions of x, each with what is changed between two calls."""
    w = Tensor([1.0, 2.0])
    number, numbers, table = 2.0, [1.0, 2.0], {"a": np.array([1.0, 2.0])}
    place = types.SimpleNamespace(rate=2.0, inner=types.SimpleNamespace(bias=Tensor(1.0)))
    data, model, branch = np.array([1.0, 2.0]), Model(), True

    def rebind():
        nonlocal number
        number = 5.0

    def turn():
        nonlocal branch
        branch = False

    def replace():
        nonlocal data
        data = np.array([5.0, 6.0])

    def defaults(x, by=data):
        return np.sum(w * x * by)

    def set_global():
        globals()["RATE"] += 1.0

    def new_helper():
        globals()["helper"] = lambda x, by=2.0: x * 7.0

    return {
        "a number of the closure": (lambda x: np.sum(w * x) * number, rebind),
        "an if on a flag": (lambda x: np.sum(w * x) if branch else np.sum(x * x * w), turn),
        "a global number": (lambda x: np.sum(w * x) * RATE, set_global),
        "a global that a helper reads": (lambda x: np.sum(helper(w * x)), set_global),
        "a helper": (lambda x: np.sum(helper(w * x)), new_helper),
        "an item of a list": (lambda x: np.sum(w * x) * numbers[0], lambda: numbers.__setitem__(0, 9.0)),
        "the length of a list": (lambda x: np.sum(w * x) * len(numbers), lambda: numbers.append(1.0)),
        "an item of a dict": (lambda x: np.sum(w * x * table["a"]), lambda: table.update(a=np.array([7.0, 8.0]))),
        "an array that is bound anew": (lambda x: np.sum(w * x * data), replace),
        "an array in place": (lambda x: np.sum(w * x * data), lambda: data.__setitem__(0, 9.0)),
        "a part of an array in place": (lambda x: np.sum(w * x * data[0]), lambda: data.__setitem__(0, 8.0)),
        "what is computed of an array": (lambda x: np.sum(w * x) * float(data.mean()), lambda: data.__iadd__(1.0)),
        "an array of a dict in place": (lambda x: np.sum(w * x * (table["a"] * 2.0)), lambda: table["a"].__iadd__(1.0)),
        "an attribute": (lambda x: np.sum(w * x) * place.rate, lambda: setattr(place, "rate", 4.0)),
        "an attribute by getattr": (
            lambda x: np.sum(w * x) * getattr(place, "rate"),  # noqa: B009
            lambda: setattr(place, "rate", 6.0),
        ),
        "a parameter further in": (
            lambda x: np.sum(w * x) * place.inner.bias,
            lambda: setattr(place.inner, "bias", Tensor(3.0)),
        ),
        "an object": (
            lambda x: np.sum(w * x) * place.inner.bias,
            lambda: setattr(place, "inner", types.SimpleNamespace(bias=Tensor(7.0))),
        ),
        "a parameter of a model": (model.cost, lambda: setattr(model, "w", Tensor([4.0, 5.0]))),
        "a number of a model": (model.cost, lambda: setattr(model, "rate", 1.0)),
        "a number of its class": (model.cost, lambda: setattr(Model, "scale", Model.scale + 1.0)),
        "a parameter in its list": (model.cost, lambda: model.parts.reverse()),
        "an array of a model in place": (model.cost, lambda: model.mask.__iadd__(1.0)),
        "a model that is called": (model, lambda: setattr(model, "rate", 8.0)),
        "a partial": (functools.partial(lambda x, by: np.sum(w * x) * by["r"], by=table), lambda: table.update(r=3.0)),
        "a default": (defaults, lambda: setattr(defaults, "__defaults__", (np.array([3.0, 3.0]),))),
        "a gradient inside": (lambda x: np.sum(grad(lambda v: np.sum(v * v * w) * number)(x) * w), rebind),
    }  # fmt: skip


@pytest.mark.parametrize("which", changing())
def test_what_changes_outside_is_followed(which, monkeypatch):
    monkeypatch.setitem(globals(), "RATE", RATE)
    monkeypatch.setitem(globals(), "helper", helper)
    monkeypatch.setattr(Model, "scale", 2.0)
    found = changing()
    if which == "a partial":
        found[which][1]()
    f, change = found[which]
    step, x = autograd.compile(f), np.array([1.0, -2.0])
    for _ in range(2):
        assert step(x) == eager(f, x)[0]
    if which == "a partial":
        f.keywords["by"]["r"] = 11.0
    change()
    for _ in range(2):
        value, grads = eager(f, x)
        assert step(x) == value
        for leaf, g in grads.items():
            np.testing.assert_allclose(leaf.grad, g, rtol=1e-14)


RNG, COUNTER = np.random.default_rng(0), [0]


def counted():
    COUNTER[0] += 1
    return float(COUNTER[0])


W = Tensor([1.0, 2.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(W * x * (RNG.random(2) > 0.5) + RNG.random(2)),
        lambda x: np.sum(W * x) * RNG.random(),
        lambda x: np.sum(W * x) * random.random(),
        lambda x: np.sum(W * x) * counted(),
        lambda x: np.sum(W * x) * time.perf_counter(),
        lambda x: np.sum(Tensor(RNG.random(2)) * W * x),
        lambda x: np.sum(W[RNG.permutation(2000)[:1] % 2] * RNG.random()),
    ],
)
def test_what_is_not_the_same_twice_is_refused(f):
    with pytest.raises(TypeError, match=r"does not do the same when it is called again.*pass them as arguments"):
        autograd.compile(f)(np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda w: np.sum(w) if w[0] > 0 else np.sum(w * w), "if, while"),
        (lambda w: max(w[0], w[1]) * 1.0, "max, min, sorted"),
        (lambda w: min(w[0], w[1]) * 1.0, "max, min, sorted"),
        (lambda w: sorted([w[0], w[1]])[0] * 1.0, "max, min, sorted"),
        (lambda w: np.sum(w) * float(w[0]), "float"),
        (lambda w: np.sum(w) * math.exp(w[0]), "float"),
        (lambda w: np.sum(w) * int(w[0]), "int"),
        (lambda w: np.sum(w) * w.data[0], r"t\.data"),
        (lambda w: np.sum(w) * w[0].item(), r"t\.item"),
        (lambda w: np.sum(w[w > 0]), "np.where"),
        (lambda w: np.sum(w[np.nonzero(w > 0)]), "length"),
    ],
)
@pytest.mark.parametrize("reading", [lambda f, w: autograd.compile(f)(w), source])
def test_what_looks_at_a_value_is_refused(f, said, reading):
    with pytest.raises(TypeError, match=said):
        reading(f, Tensor([1.0, -2.0]))


def whole(call):
    """A number of what a call gives, and of what it is given."""

    def f(t):
        found = call(t)
        parts = found if isinstance(found, list | tuple) else [found]
        return np.sum(t * t) + sum(np.sum(part * 0.25) * np.sum(t) for part in parts if part is not None)

    return f


LOOK = "read while the function is traced|would become an array while the function is traced"


@pytest.mark.filterwarnings("ignore:invalid value")  # arccos of what is larger than 1
@pytest.mark.parametrize("call", [*CALLS, *PLAIN], ids=range(len(CALLS) + len(PLAIN)))
def test_every_call_of_numpy_is_replayed_and_written_out(call):
    f, values = whole(call), [X, X[::-1] * 1.5, -X]
    w = Tensor(X)
    try:
        wanted = []
        for value in values:
            w.data = value
            wanted.append((f(w).data, autograd.backprop(f(w))[w]))
    except (TypeError, ValueError):  # of which no number can be made
        return
    step, w = autograd.compile(f), Tensor(X)
    try:
        step(w)
        text = source(f, Tensor(X))
    except TypeError as error:
        if not re.search(LOOK, str(error)):
            raise
        return
    space = {}
    exec(text, space)
    for value, (number, gradient) in zip(values, wanted, strict=True):
        w.data = value
        found, (g,) = space["f_and_grad"](value, **text.arrays)
        for way, a, b in (("compile", step(w), w.grad), ("source", found, g)):
            np.testing.assert_allclose(a, number, rtol=1e-12, err_msg=way)
            np.testing.assert_allclose(b, gradient, rtol=1e-12, atol=1e-14, err_msg=way)


def test_what_is_said_of_a_table_that_labels_look_up_works():
    table, w = np.eye(3), Tensor([1.0, 2.0, 4.0])
    with pytest.raises(TypeError, match="for table\\[labels\\] make the table an argument"):
        autograd.compile(lambda labels: np.sum(w * table[labels]))(np.array([0, 2]))
    step = autograd.compile(lambda table, labels: np.sum(w * table[labels]))
    assert [step(table, np.array(labels)) for labels in ([0, 2], [1, 1])] == [5.0, 4.0]


def test_a_compiled_function_inside_another_is_recorded():
    w, rate = Tensor([1.0, 2.0]), {"by": 2.0}
    inner = autograd.compile(lambda x: np.sum(w * x) * rate["by"])
    inner(np.ones(2))
    outer = autograd.compile(lambda x: inner(x) ** 2)
    for by in (2.0, 3.0):
        rate["by"] = by
        value, grads = eager(lambda x, by=by: (np.sum(w * x) * by) ** 2, np.array([1.0, -2.0]))
        assert outer(np.array([1.0, -2.0])) == value
        np.testing.assert_array_equal(w.grad, grads[w])


@pytest.mark.parametrize(
    "names", [("h", "ℎ"), ("µ", "μ"), ("w\n", "w\x00"), ("np", "lambda"), ("x", "x"), ("t1", "value")]
)
def test_names_never_decide_what_is_computed(names):
    def f(x, y):
        a, b = np.sin(x), np.cos(y)
        a.name, b.name = names
        return np.sum(a * b * a) + np.sum(b)

    args = [np.array([0.5, -1.0]), np.array([2.0, 0.1])]
    expected, exact = autograd.value_and_grad(f, (0, 1))(*args)
    tensors = [Tensor(x, name=name) for x, name in zip(args, names, strict=True)]
    step = autograd.compile(lambda: f(*tensors))
    space = {}
    exec(source(f, *map(Tensor, args)), space)
    value, gradients = space["f_and_grad"](*args)
    assert (step(), value) == (pytest.approx(expected), pytest.approx(expected))
    for x, g, wanted in zip(tensors, gradients, exact, strict=True):
        np.testing.assert_allclose(x.grad, wanted)
        np.testing.assert_allclose(g, wanted)


def test_mixed_dtypes_stay_what_they_are_eagerly():
    x, w, b = Tensor(np.ones((4, 3), np.float32)), Tensor(np.ones((2, 3), np.float32)), Tensor(np.ones(2))
    single, mask = Tensor(np.float32(0.1)), np.array([True, False, True])
    for f in (
        lambda: np.sum(autograd.linear(x, w, b) ** 2),
        lambda: np.sum(autograd.sigmoid_layer(x, w, b)),
        lambda: np.sum(np.sum(mask) * x),
        lambda: np.sum(single + np.zeros(np.shape(single))) * single,
        lambda: np.sum(single * np.float64(0.1)) + np.sum(x * 0.1),
        lambda: np.sum((x > np.float64(0.1)) * x * np.arange(3)),
    ):
        step = autograd.compile(f)
        value, grads = eager(f)
        for _ in range(2):
            found = step()
            assert (found, found.dtype) == (pytest.approx(value), value.dtype)
            for leaf, g in grads.items():
                assert leaf.grad.dtype == g.dtype
                np.testing.assert_allclose(leaf.grad, g, rtol=1e-6)


def test_derivatives_are_written_out_under_names_of_their_own():
    f = np.tanh
    for order in range(3):
        text = source(f, Tensor(0.5))
        name = "d" * order + "tanh_and_grad"
        assert f"def {name}(" in text
        space = {}
        exec(text, space)
        value, (slope,) = space[name](0.5)
        assert (value, slope) == (pytest.approx(f(0.5)), pytest.approx(grad(f)(0.5)))
        f = grad(f)
    space = {}
    exec(source(lambda x: x**3, 2.0), space)
    value, (slope,) = space["f_and_grad"](2.0)
    assert (value, slope) == (8.0, 12.0)


def test_arrays_that_are_arguments_are_not_compared():
    """They are read at each call: what was in them at the first one neither takes time nor makes a new program."""
    w, x = Tensor([1.0, 2.0]), np.array([1.0, 1.0])
    step = autograd.compile(lambda x: np.sum(w * x))
    assert step(x) == 3.0
    (program,) = step._programs.values()
    x += 1.0
    assert step(x) == 6.0
    assert step(np.array([0.0, 1.0])) == 2.0
    assert list(step._programs.values()) == [program]


def test_a_profiler_goes_on_after_a_trace():
    profiler = cProfile.Profile()
    profiler.enable()
    autograd.compile(lambda x: np.sum(x * x))(Tensor([1.0, 2.0]))
    np.fromfunction(lambda i: i, (3,))
    profiler.disable()
    called = {name for _, _, name in pstats.Stats(profiler).stats}
    assert "fromfunction" in called
