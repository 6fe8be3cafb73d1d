"""A whole step as one program: compile(f, update=optimiser), in NumPy and in C."""

import numpy as np
import pytest
from foreign import GCC, there

import autograd
from autograd import Tensor, linear
from nn import SGD, Adam, Network

OPTIMISERS = {
    "plain": lambda p: SGD(p, 0.3),
    "at a rate of 1": lambda p: SGD(p, 1.0),
    "momentum": lambda p: SGD(p, 0.3, momentum=0.9, weight_decay=0.01, decayed=p[::2]),
    "nesterov": lambda p: SGD(p, 0.3, momentum=0.9, nesterov=True),
    "Adam": lambda p: Adam(p, 0.01, weight_decay=0.1),
}
BACKENDS = ["numpy", "c"]


@pytest.fixture(autouse=True)
def a_compiler(request):
    if "c" in request.node.name.partition("[")[2].replace("]", "").split("-"):
        there(GCC, "gcc", 1)


def apart(a, b):
    return max(float(np.max(np.abs(p.data - q.data), initial=0.0)) for p, q in zip(a, b, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_step_is_backward_and_the_optimisers_step(name, dtype, backend):
    nets = [Network([7, 5, 3], rng=0, dtype=dtype) for _ in range(2)]
    by_hand, together = (OPTIMISERS[name](net.parameters()) for net in nets)
    step = autograd.compile(nets[1].cost, update=together, backend=backend)
    rng = np.random.default_rng(0)
    for _ in range(5):
        x, y = rng.random((4, 7)).astype(dtype), rng.random((4, 3)).astype(dtype)
        cost = nets[0].cost(x, y)
        by_hand.zero_grad()
        cost.backward()
        by_hand.step()
        assert step(x, y) == pytest.approx(float(cost.data), rel=1e-12 if dtype == np.float64 else 1e-5)
    exact = 0.0 if backend == "numpy" and name != "plain" else 1e-12 if dtype == np.float64 else 1e-5
    assert apart(nets[0].parameters(), nets[1].parameters()) <= exact
    for key, array in by_hand.state_dict().items():
        np.testing.assert_allclose(together.state_dict()[key], array, rtol=1e-4, atol=1e-6 if exact else 0.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_parameter_that_another_update_reads_is_read_before_it_moves(backend):
    w, v = Tensor([1.0, 2.0], name="w"), Tensor([3.0, 4.0], name="v")
    step = autograd.compile(lambda: np.sum(w * v), update=SGD([w, v], 0.5), backend=backend)
    assert step() == 11.0
    np.testing.assert_array_equal(w.data, [-0.5, 0.0])
    np.testing.assert_array_equal(v.data, [2.5, 3.0])
    m = Tensor(np.arange(9.0).reshape(3, 3), name="m")
    autograd.compile(lambda: np.sum(m * m.T) * 0.5, update=SGD([m], 1.0), backend=backend)()
    np.testing.assert_array_equal(m.data, np.arange(9.0).reshape(3, 3) - np.arange(9.0).reshape(3, 3).T)
    u = Tensor([5.0], name="u")
    step = autograd.compile(lambda: np.reshape(u, ()) * 1.0, update=SGD([u], 0.5), backend=backend)
    assert [float(step()), float(step())] == [5.0, 4.5]


@pytest.mark.parametrize("backend", BACKENDS)
def test_numbers_move_too(backend):
    u = Tensor(2.0, name="u")
    optimiser = SGD([u], 0.01, momentum=0.5)
    step = autograd.compile(lambda: u * u * u, update=optimiser, backend=backend)
    assert step() == 8.0
    assert u.item() == 2.0 - 0.12
    assert optimiser.memory[0][0] == 12.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rate_or_a_setting_that_changed_counts(backend):
    w = Tensor([1.0, 2.0], name="w")
    optimiser = SGD([w], 0.5)
    step = autograd.compile(lambda: np.sum(w), update=optimiser, backend=backend)
    step()
    optimiser.eta = 0.25
    step()
    optimiser.eta = 1.0
    step()
    np.testing.assert_array_equal(w.data, [-0.75, 0.25])
    optimiser.decay = [1.0]
    step()
    np.testing.assert_array_equal(w.data, [-1.0, -1.0])


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_argument_that_overlaps_with_a_parameter_is_copied(backend):
    w = Tensor(np.arange(6.0).reshape(2, 3), name="w")
    other = Tensor(np.arange(6.0).reshape(2, 3), name="w")

    def cost(x, w):
        return np.sum((x @ w.T) ** 2)

    step = autograd.compile(lambda x: cost(x, w), update=SGD([w], 0.01), backend=backend)
    autograd.compile(lambda x: cost(x, other), update=SGD([other], 0.01))(other.data.copy())
    step(w.data)
    np.testing.assert_allclose(w.data, other.data, rtol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_parameters_in_any_layout_are_moved_where_they_are(backend):
    base = np.arange(12.0).reshape(3, 4)
    w = Tensor([[0.0]], name="w")
    w.data = base.T[::2]
    w._value = base.T[::2]  # a view, as other libraries give them
    before = w.data.copy()
    step = autograd.compile(lambda: np.sum(w * w), update=SGD([w], 0.5), backend=backend)
    step()
    np.testing.assert_array_equal(w.data, before * 0.0)
    np.testing.assert_array_equal(base[:, ::2], np.zeros((3, 2)))
    base.flags.writeable = False
    w._value = base.T[::2]
    with pytest.raises(ValueError, match="w cannot be written into"):
        step()


def test_a_graph_notices_that_a_step_changed_its_data():
    w = Tensor([1.0, 2.0], name="w")
    step = autograd.compile(lambda: np.sum(w * w), update=SGD([w], 0.1))
    y = np.sum(w * w)
    step()
    assert w.grad is None
    with pytest.raises(RuntimeError, match=r"the data of Tensor .w. of shape"):
        y.backward()


def test_what_makes_no_sense_is_refused():
    w = Tensor([1.0, 2.0], name="w")
    with pytest.raises(ValueError, match="check and overwrite"):
        autograd.compile(lambda: np.sum(w), update=SGD([w], 0.1), check=True)
    step = autograd.compile(lambda x: np.sum(w * x), update=SGD([w], 0.1))
    with pytest.raises(TypeError, match="argument 0 of a step"):
        step(Tensor([1.0, 2.0]))
    with pytest.raises(TypeError, match="cannot be a part of another function"):
        autograd.compile(lambda x: np.sum(w * step(x)))(np.ones(2))


def test_a_rate_multiplies_what_a_product_is_made_of_and_not_the_product():
    net = Network([7, 5, 3], rng=0)
    step = autograd.compile(net.cost, update=SGD(net.parameters(), 0.3))
    step(np.ones((2, 7)), np.ones((2, 3)))
    lines = [line.strip() for line in step.source.splitlines()]
    assert [line.split(" = ")[1].split(",")[1].strip() for line in lines if "multiply(eta" in line] == [
        "delta1", "delta2",
    ]  # fmt: skip
    assert [line.split(" = ")[0] for line in lines if line.startswith("eta_")] == [
        "eta_dw1", "eta_db1", "eta_dw2", "eta_db2",
    ]  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("by_name", [True, False])
def test_parameters_may_have_rates_of_their_own(by_name, backend):
    class Rates(SGD):
        def change(self, i, p, g, memory, eta):
            own = eta if by_name else 0.1
            return (own if i == 0 else 2 * own) * g, memory

    nets = [(Tensor(np.ones((3, 7)), name="w"), Tensor(np.zeros(3), name="b")) for _ in range(2)]
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 7)), rng.random((2, 3))
    by_hand, together = (Rates(parameters, 0.1) for parameters in nets)
    np.sum((linear(x, *nets[0]) - y) ** 2).backward()
    by_hand.step()
    step = autograd.compile(lambda x, y: np.sum((linear(x, *nets[1]) - y) ** 2), update=together, backend=backend)
    step(x, y)
    assert apart(*nets) <= 1e-12
    assert "None_" not in step.source


class Remembering(SGD):
    """Remembers what `new(p, g, memory)` gives, and moves by the gradient and all of it."""

    def __init__(self, parameters, remembers, new):
        super().__init__(parameters, 0.1)
        self.remembers, self.new = remembers, new
        self.memory = [tuple([np.zeros_like(p.data) for _ in remembers]) for p in self.parameters]

    def change(self, i, p, g, memory, eta):
        return eta * sum(memory, g), self.new(p, g, memory)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("remembers", "new"),
    [
        (("last", "before"), lambda p, g, memory: (g, memory[0])),
        (("old",), lambda p, g, memory: (p,)),
        (("old",), lambda p, g, memory: (p * 1,)),
        (("old",), lambda p, g, memory: (p[::-1],)),
        (("old",), lambda p, g, memory: memory),
    ],
)
def test_what_is_remembered_is_what_was_there_before_the_step(remembers, new, backend):
    w, same, mine = [1.0, 2.0], Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    memory = tuple(np.zeros(2) for _ in remembers)
    by_hand, together = Remembering([same], remembers, new), Remembering([mine], remembers, new)
    step = autograd.compile(lambda: np.sum(mine**4) / 4, update=together, backend=backend)
    for _ in range(4):
        p, g = np.array(w), np.array(w) ** 3
        w, memory = p - 0.1 * sum(memory, g), tuple(np.array(x) for x in new(p, g, memory))
        by_hand.zero_grad()
        (np.sum(same**4) / 4).backward()
        by_hand.step()
        step()
    for p, optimiser in ((same, by_hand), (mine, together)):
        np.testing.assert_allclose(p.data, w, rtol=1e-12)
        np.testing.assert_allclose(optimiser.memory[0], memory, rtol=1e-12)


def test_the_source_is_the_whole_step():
    w = Tensor([1.0, 2.0], name="w")
    step = autograd.compile(lambda x: np.sum((w * x) ** 2), update=SGD([w], 0.1, momentum=0.9))
    step(np.ones(2))
    assert "def f_step(x, w, velocity_w, eta):" in step.source
    assert "out=w)" in step.source and "out=velocity_w)" in step.source


# Many steps.


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_epoch_is_its_steps(name, backend):
    rng = np.random.default_rng(1)
    x, y = rng.random((43, 7)), rng.random((43, 3))
    nets = [Network([7, 5, 3], rng=0) for _ in range(2)]
    one, many = (autograd.compile(net.cost, update=OPTIMISERS[name](net.parameters()), backend=backend) for net in nets)
    for _ in range(2):
        order, taken = rng.permutation(43), []
        values = [one(x[order[n : n + 5]], y[order[n : n + 5]]) for n in range(0, 43, 5)]
        np.testing.assert_array_equal(many.epoch(x, y, order=order, size=5, report=taken.append), values)
        assert taken[-1] == 9
    assert apart(nets[0].parameters(), nets[1].parameters()) == 0.0
    assert one.update.steps == many.update.steps == 18


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rate_is_set_before_each_step(backend):
    w = Tensor([0.0], name="w")
    optimiser = SGD([w], 0.5)
    step = autograd.compile(lambda x: np.sum(x * w), update=optimiser, backend=backend)

    def prepare(n):
        optimiser.eta = 0.1 * (n + 1)

    step.epoch(np.ones((6, 1)), order=np.arange(6), size=2, prepare=prepare)
    np.testing.assert_allclose(w.data, [-2 * (0.1 + 0.2 + 0.3)], rtol=1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
def test_data_in_any_layout_and_views_of_parameters(backend):
    rng = np.random.default_rng(0)
    wide, w = rng.random((6, 20)), Tensor(np.ones((10, 3)), name="w")
    before = w.data.copy()
    step = autograd.compile(lambda x: np.sum((x @ w) ** 2), update=SGD([w], 0.01), backend=backend)
    step.epoch(wide[:, ::2], order=np.arange(6), size=2)
    moved, w.data = w.data.copy(), before.copy()
    for n in range(0, 6, 2):
        y = np.sum((wide[n : n + 2, ::2] @ w) ** 2)
        w.grad = None
        y.backward()
        w.data = w.data - 0.01 * w.grad
    np.testing.assert_allclose(moved, w.data, rtol=1e-12)
    step = autograd.compile(lambda x: np.sum((x * 2 * w[0]) ** 2), update=SGD([w], 0.01), backend=backend)
    step.epoch(w.data, order=np.arange(10), size=5)  # rows of what is moved, as they are when they are taken


def test_an_epoch_stops_when_its_report_raises():
    there(GCC, "gcc", 1)
    w = Tensor([0.0], name="w")
    step = autograd.compile(lambda x: np.sum(x * w), update=SGD([w], 1.0), backend="c")

    def report(n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        step.epoch(np.ones((1000, 1)), order=np.arange(1000), size=1, report=report)
    assert w.data == [-float(step.update.steps)]
    assert step.update.steps < 1000


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_an_epoch_cannot_take_is_said(backend):
    w = Tensor([0.0], name="w")
    step = autograd.compile(lambda x: np.sum(x * w), update=SGD([w], 1.0), backend=backend)
    x = np.ones((4, 1))
    with pytest.raises(IndexError, match="indices from 0 to 4, and there are 4 rows"):
        step.epoch(x, order=np.arange(5), size=2)
    with pytest.raises(ValueError, match="equally long"):
        step.epoch(x, np.ones(3), order=np.arange(3), size=2)
    with pytest.raises(ValueError, match="at least 1"):
        step.epoch(x, order=np.arange(4), size=0)
    for order in (np.ones(4, bool), np.arange(4.0)):
        with pytest.raises(TypeError, match="the indices of rows are whole numbers"):
            step.epoch(x, order=order, size=2)
    assert step.epoch(x, order=[], size=3).shape == (0,)
    assert w.data == [0.0]


def test_what_a_step_cannot_take_is_said():
    w = Tensor([0.0], name="w")
    step = autograd.compile(lambda x: np.sum(x * w), update=SGD([w], 1.0))
    with pytest.raises(TypeError, match="pass the parts of a list or a dict as arguments of their own"):
        step([1.0, 2.0])
    with pytest.raises(TypeError, match=r"such as nn.SGD.*; 0.1 has no parameters, remembers"):
        autograd.compile(lambda x: np.sum(x * w), update=0.1)
