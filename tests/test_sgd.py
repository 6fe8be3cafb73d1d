"""The optimiser against plain formulas."""

import numpy as np
import pytest

from autograd import Tensor
from nn import SGD, Network, one_hot


def steps(gradients, p, **options):
    """The values that the optimiser gives one parameter after each of some gradients."""
    parameter = Tensor(np.array(p))
    optimiser = SGD([parameter], **options)
    found = []
    for g in gradients:
        parameter.grad = np.array(g)
        optimiser.step()
        found.append(parameter.data.copy())
    return found


GRADIENTS = np.random.default_rng(0).standard_normal((6, 3))
START = np.array([1.0, -2.0, 0.5])


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_a_step_is_the_documented_formula(momentum, nesterov, decay):
    # As torch.optim.SGD documents it: g + lambda p; b <- mu b + g, and b = g at first; g + mu b or b; p <- p - eta g.
    p, b, expected = START.copy(), None, []
    for gradient in GRADIENTS:
        g = gradient + decay * p
        if momentum:
            b = g if b is None else momentum * b + g
            g = g + momentum * b if nesterov else b
        p = p - 0.3 * g
        expected.append(p)
    found = steps(GRADIENTS, START, eta=0.3, momentum=momentum, nesterov=nesterov, weight_decay=decay)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_momentum_as_the_book_writes_it():
    p, v, expected = START.copy(), np.zeros(3), []
    for g in GRADIENTS:
        v = 0.9 * v - 0.3 * g  # chapter 3, equations (107) and (108)
        p = p + v
        expected.append(p)
    np.testing.assert_allclose(steps(GRADIENTS, START, eta=0.3, momentum=0.9), expected, rtol=1e-13)


def test_nesterov_is_the_gradient_looked_up_ahead():
    # Sutskever et al. (2013) on f(q) = 3/2 q^2; the optimiser keeps the point ahead, p = q + mu v.
    q, v, mu, eta = 1.0, 0.0, 0.9, 0.1
    parameter = Tensor([1.0])
    optimiser = SGD([parameter], eta, momentum=mu, nesterov=True)
    for _ in range(8):
        v = mu * v - eta * 3 * (q + mu * v)
        q = q + v
        optimiser.zero_grad()
        (1.5 * parameter * parameter).sum().backward()
        optimiser.step()
        assert parameter.data[0] == pytest.approx(q + mu * v, rel=1e-12)


def test_the_arrays_are_updated_in_place():
    array = np.ones(3)
    parameter = Tensor(array)
    inside = parameter.data
    optimiser = SGD([parameter], 0.5, momentum=0.9, nesterov=True, weight_decay=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        (parameter * parameter).sum().backward()
        optimiser.step()
    assert parameter.data is inside
    net = Network([6, 4, 3], rng=0)
    before = [p.data for p in net.parameters()]
    optimiser = SGD(net.parameters(), 1.0)
    net.cost(np.ones((5, 6)), one_hot([0, 1, 2, 1, 0], 3)).backward()
    optimiser.step()
    assert all(p.data is array for p, array in zip(net.parameters(), before, strict=True))


def test_float32_stays_float32():
    parameter = Tensor(np.ones(3, np.float32))
    optimiser = SGD([parameter], 0.1, momentum=0.9, weight_decay=0.01)
    for _ in range(2):
        parameter.grad = np.ones(3, np.float32)
        optimiser.step()
    assert parameter.dtype == np.float32
    assert optimiser.memory[0][0].dtype == np.float32


def test_only_some_parameters_decay_and_those_without_gradient_stay():
    a, b, c = Tensor([1.0]), Tensor([1.0]), Tensor([1.0])
    optimiser = SGD([a, b, c], 0.5, weight_decay=0.2, decayed=[a])
    a.grad, b.grad = np.zeros(1), np.zeros(1)
    optimiser.step()
    assert (a.data[0], b.data[0], c.data[0]) == (0.9, 1.0, 1.0)
    optimiser.zero_grad()
    assert a.grad is b.grad is None


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"eta": -1.0}, "eta is a finite number, not negative; it is -1.0"),
        ({"eta": float("nan")}, "eta is a finite number"),
        ({"eta": 1.0, "momentum": -0.5}, "momentum is a finite number, not negative"),
        ({"eta": 1.0, "weight_decay": float("inf")}, "weight_decay is a finite number"),
        ({"eta": 1.0, "nesterov": True}, "nesterov needs a momentum greater than 0"),
    ],
)
def test_settings_that_make_no_sense(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        SGD([Tensor([1.0])], **options)


def test_what_is_no_parameter():
    for parameters in ([], [np.ones(3)], [Tensor([1.0]) * 2]):
        with pytest.raises(ValueError, match="SGD takes a list of parameters"):
            SGD(parameters, 0.1)


def test_a_gradient_of_another_shape_is_not_broadcast():
    p = Tensor(np.ones((2, 2)), name="w1")
    p.grad = np.ones(2)
    with pytest.raises(ValueError, match=r"the gradient of w1 has shape \(2,\), not \(2, 2\)"):
        SGD([p], 0.1).step()
