"""The layers that networks are made of: what they compute, and what their parameters are called."""

import numpy as np
import pytest

import autograd
from autograd import Tensor, relu, sigmoid
from nn import Linear, Module, Sequential

X = np.random.default_rng(0).random((6, 5))


def test_linear_is_x_w_transposed_plus_b():
    layer = Linear(5, 3, rng=0)
    assert np.array_equal(layer(X).data, X @ layer.w.data.T + layer.b.data)
    rng = np.random.default_rng(0)
    assert np.array_equal(layer.b.data, rng.standard_normal(3))
    assert np.array_equal(layer.w.data, rng.standard_normal((3, 5)))
    assert repr(layer) == "Linear(5, 3)"


@pytest.mark.parametrize("activation", [sigmoid, np.tanh, relu, autograd.softplus])
def test_a_layer_and_its_activation_are_the_same_apart(activation):
    together = Linear(5, 3, activation=activation, rng=0)
    apart = Sequential(Linear(5, 3, rng=0), activation)
    np.testing.assert_allclose(together(X).data, apart(X).data, rtol=1e-14)
    together(X).sum().backward()
    apart(X).sum().backward()
    for p, q in zip(together.parameters(), apart.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad, rtol=1e-13)


def test_sequential_numbers_its_layers_and_takes_any_function():
    net = Sequential(Linear(5, 4, rng=0), np.tanh, Linear(4, 3, rng=1), lambda z: z * 2)
    assert [p.name for p in net.parameters()] == ["w1", "b1", "w2", "b2"]
    first, last = net.layers[0], net.layers[2]
    assert np.array_equal(net(X).data, (np.tanh(first(X).data) @ last.w.data.T + last.b.data) * 2)
    assert "Linear(5, 4), tanh, Linear(4, 3)" in repr(net)


def test_a_module_finds_parameters_in_modules_lists_and_tuples():
    class Mine(Module):
        def __init__(self):
            self.shift = Tensor(0.5, name="shift")
            self.pair = (Linear(2, 2, name="a", rng=0), [Linear(2, 1, name="b", rng=0), self.shift])
            self.number = 3

    mine = Mine()
    assert [p.name for p in mine.parameters()] == ["shift", "wa", "ba", "wb", "bb"]
    state = mine.state_dict()
    mine.load_state_dict(state | {"shift": np.array(2.0)})
    assert mine.shift.item() == 2.0


def test_parameters_without_a_name_of_their_own_have_no_state():
    for module in (Sequential(Linear(2, 2, name="1"), Linear(2, 2)), Sequential(Linear(2, 2, name="2"), Linear(2, 2))):
        module.layers[0].w.name = module.layers[1].w.name
        with pytest.raises(ValueError, match="every parameter needs a name of its own"):
            module.state_dict()


def test_layers_in_layers_are_numbered_through_and_found_in_dictionaries():
    net = Sequential(Sequential(Linear(2, 3), np.tanh), Linear(3, 1))
    assert list(net.state_dict()) == ["w1", "b1", "w2", "b2"]

    class Two(Module):
        def __init__(self):
            self.parts = {"first": Linear(2, 3, name="1"), "second": Linear(3, 1, name="2")}

    assert [p.name for p in Two().parameters()] == ["w1", "b1", "w2", "b2"]


def test_a_layer_without_neurons():
    with pytest.raises(ValueError, match="at least one neuron on each side, not 0 and 3"):
        Linear(0, 3)
