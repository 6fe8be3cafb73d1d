"""Reading 2, the chain rule step by step: read off the rules themselves, so every figure in it must be the engine's."""

import ast

import numpy as np
import pytest

from autograd import Tensor, backprop, explain, relu, sigmoid
from autograd.operation import MANY
from autograd.readings.text import Op, applied, parsed, text
from autograd.registry import NAMED
from nn import Network, one_hot


def named(value, name):
    value.name = name
    return value


def neuron():
    w, b = Tensor(0.6, name="w"), Tensor(0.9, name="b")
    z = named(w * 1.5 + b, "z")
    a = named(sigmoid(z), "a")
    return named((a - 0.25) ** 2 / 2, "C")


def test_one_neuron_as_text():
    assert str(explain(neuron())) == (
        "dC = 1\n"
        "du3 = 0.5\n"
        "    C = u3 / 2:  dC / 2 = 1 / 2 = 0.5\n"
        "du2 = 0.6081\n"
        "    u3 = u2**2:  du3 * (2 * u2) = 0.5 * (2 * 0.6081) = 0.6081\n"
        "da = 0.6081\n"
        "    u2 = a - 0.25:  du2 = 0.6081\n"
        "dz = 0.07403\n"
        "    a = 1 / (1 + np.exp(-z)):  da * a * (1 - a) = 0.6081 * 0.8581 * (1 - 0.8581) = 0.07403\n"
        "du1 = 0.07403\n"
        "    z = u1 + b:  dz = 0.07403\n"
        "db = 0.07403\n"
        "    z = u1 + b:  dz = 0.07403\n"
        "dw = 0.111\n"
        "    u1 = w * 1.5:  du1 * 1.5 = 0.07403 * 1.5 = 0.111"
    )


def test_the_sum_over_paths_shows_every_use():
    x = Tensor(3.0, name="x")
    y = named(x * x + x, "y")
    step = next(step for step in explain(y).steps if step.name == "x")
    assert [use.rule for use in step.contributions] == ["dy", "du1 * x", "du1 * x"]
    assert sum(use.value for use in step.contributions) == step.gradient == 7.0


def test_the_axes_that_were_summed_over_are_named():
    b = Tensor(np.zeros((1, 3)), name="b")
    out = (np.ones((2, 4, 3)) * b).sum()
    (use,) = next(step for step in explain(out).steps if step.name == "b").contributions
    assert use.summed == (0, 1)
    assert "summed over axis 0, 1" in str(explain(out))


def test_an_indicator_is_seen_as_one():
    x = Tensor([1.0, -2.0], name="x")
    assert "du1 * (u1 > 0)" in str(explain(relu(x).sum()))


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy", "log-likelihood"])
def test_the_contributions_add_up_to_the_gradients_of_a_network(cost):
    net = Network([6, 5, 4], cost=cost, rng=0)
    rng = np.random.default_rng(1)
    output = net.cost(rng.random((3, 6)), one_hot(rng.integers(0, 4, 3), 4))
    grads = {x.name: g for x, g in backprop(output).items()}
    explanation = explain(output, differences=True)
    for step in explanation.steps[1:]:
        np.testing.assert_allclose(sum(use.value for use in step.contributions), step.gradient, rtol=1e-14)
        assert np.asarray(step.gradient)[step.element] == pytest.approx(step.difference, rel=1e-6)
    for name in ("w1", "b1", "w2", "b2"):
        assert next(step for step in explanation.steps if step.name == name).gradient is not None
        assert name in grads
    assert "finite difference" in str(explanation)


def test_rows_are_data():
    rows = explain(neuron(), differences=True).rows()
    assert [row["name"] for row in rows] == ["u3", "u2", "a", "z", "u1", "b", "w"]
    assert rows[-1]["rule"] == "du1 * 1.5"
    assert rows[-1]["gradient"] == pytest.approx(rows[-1]["difference"], rel=1e-6)


def test_values_of_the_same_name_are_told_apart():
    a, b = Tensor(2.0, name="x"), Tensor(3.0, name="x")
    names = [step.name for step in explain(a * b).steps]
    assert len(set(names)) == len(names)


def test_a_seed_is_given_for_several_elements():
    x = Tensor([1.0, 2.0], name="x")
    explanation = explain(x * 3.0, seed=[1.0, 10.0], differences=True)
    assert explanation.steps[-1].difference == pytest.approx(30.0)
    with pytest.raises(ValueError, match="seed"):
        explain(x * 3.0)
    with pytest.raises(TypeError, match="explain takes a Tensor"):
        explain(2.0)


@pytest.mark.parametrize("name", [name for name, op in NAMED.items() if isinstance(op, Op)])
def test_every_template_names_its_operands_and_parameters(name):
    """What is left of a filled template is NumPy, and nothing of the rule's own names."""
    op = NAMED[name]
    variadic = op.arity == MANY
    operands = [parsed(f"operand{i}") for i in range(3 if variadic else op.arity)]
    filled = applied(op, operands, {key: 1 for key in op.params})
    used = {node.id for node in ast.walk(filled) if isinstance(node, ast.Name)}
    assert {f"operand{i}" for i in range(len(operands))} <= used
    assert used <= {"np", "scatter", "len", *(f"operand{i}" for i in range(3))}
    assert text(filled)


def test_explaining_changes_nothing():
    output = neuron()
    output.backward()
    before = {x: x.grad for x in backprop(output)}
    explain(output, differences=True)
    assert all(x.grad is g for x, g in before.items())


def one_neuron():
    w, b = Tensor(0.6, name="w"), Tensor(0.9, name="b")
    z = w * 2.0 + b
    a = sigmoid(z)
    cost = (a - 0.0) ** 2 / 2
    z.name, a.name, cost.name = "z", "a", "C"
    return cost


def test_latex():
    text = explain(one_neuron()).latex()
    assert text.startswith("\\begin{aligned}\n\\frac{\\partial C}{\\partial C} &= 1 \\\\\n")
    assert (
        "\\frac{\\partial C}{\\partial z} &= 0.08659 \\\\\n"
        "&\\quad \\frac{\\partial C}{\\partial a} \\, a \\, \\left(1 - a\\right)"
        " = 0.8909 \\cdot 0.8909 \\cdot (1 - 0.8909) = 0.08659" in text
    )
    assert (
        "&= 0.08659\\quad \\text{(finite difference 0.08659)} \\\\" in explain(one_neuron(), differences=True).latex()
    )
    w = Tensor(np.ones((3, 1)), name="w")
    text = explain(np.sum(w * np.ones((3, 4)))).latex()
    assert "\\text{array of shape (3, 1), norm 6.928}" in text
    assert "\\text{summed over axis 1}" in text


def test_one_element_is_traced_through():
    rng = np.random.default_rng(0)
    net = Network([7, 5, 4], rng=1)
    cost = net.cost(rng.random((10, 7)), np.eye(4)[rng.integers(0, 4, 10)])
    cost.name = "C"
    grads = backprop(cost)
    w1 = net.weights[0]
    found = explain(cost, element=(w1, (3, 5)))
    assert [step.name for step in found.elements] == ["w1", "z1", "a1", "z2", "a2"]
    for step in found.elements:  # each is the sum over paths, and starts where the largest of the one before led
        assert sum(path.value for path in step.paths) == pytest.approx(step.gradient, rel=1e-12)
        assert [abs(path.value) for path in step.paths] == sorted(
            (abs(path.value) for path in step.paths), reverse=True
        )
    assert found.elements[0].gradient == grads[w1][3, 5]
    assert len(found.elements[0].paths) == 10  # one for each example
    assert {path.element[1] for path in found.elements[0].paths} == {3}  # all through neuron 3
    first, second = found.elements[:2]
    assert (second.element, second.gradient) == (first.paths[0].element, first.paths[0].gradient)
    text = str(found)
    assert text.startswith("dw1[3, 5] = ")
    assert "and 7 more, " in text
    assert "\\frac{\\partial C}{\\partial w^{1}{}_{[3,5]}} &= " in found.latex()
    row = found.rows()[0]
    assert row["value"] == row["from_gradient"] * row["factor"]
    assert (row["name"], row["element"], row["from"]) == ("w1", (3, 5), "z1")


def test_a_traced_element_used_twice_and_one_that_broadcasting_repeated():
    x = Tensor(3.0, name="x")
    (step,) = explain(x * x, element=(x, ())).elements
    assert [path.value for path in step.paths] == [3.0, 3.0]
    b = Tensor([1.0, 2.0], name="b")
    y = np.sum((b + np.ones((3, 2))) ** 2)
    first = explain(y, element=(b, 1)).elements[0]
    assert first.element == (1,)
    assert [path.element for path in first.paths] == [(0, 1), (1, 1), (2, 1)]
    assert first.gradient == sum(path.value for path in first.paths) == 18.0


def test_what_is_not_an_element():
    x, y = Tensor([1.0, 2.0]), Tensor(1.0)
    for index in (2, slice(0, 2), (0, 0), "a"):
        with pytest.raises(ValueError, match="is not one element of a Tensor of shape"):
            explain(np.sum(x * x), element=(x, index))
    with pytest.raises(ValueError, match="the output was not computed from the Tensor"):
        explain(np.sum(x * x), element=(y, ()))


def test_arrays_can_be_given_names():
    w, x = Tensor([1.0, 2.0], name="w"), np.array([3.0, 4.0])
    text = str(explain(np.sum(w * x), x=x))
    assert "u1 = w * x:  du1 * x = " in text
    assert "array" not in text.replace("array of shape", "")
    with pytest.raises(ValueError, match="y is not one of the arrays"):
        explain(np.sum(w * x), y=np.array([3.0, 4.0]))


def test_names_that_are_no_names_of_python_and_names_like_ours():
    e, u1 = Tensor(2.0, name="lambda"), Tensor(3.0, name="u1")
    text = str(explain(e * u1 + u1))
    assert text.count("\ndu1 = ") == 1
    assert "u2" in text
    assert "u_{2}" in explain(e * u1 + u1).latex()
    with pytest.raises(ValueError, match="a pair of a Tensor and an index"):
        explain(e * u1, element=e)
    with pytest.raises(ValueError, match="the output was not computed from the Tensor"):
        explain(e * u1, element=(np.ones(3), 0))


def test_a_layer_is_taken_apart():
    net = Network([6, 5, 4], rng=0)
    x, y = np.random.default_rng(1).random((3, 6)), np.eye(4)[:3]
    output = net.cost(x, y)
    text = str(explain(output, x=x, y=y))
    assert "    a1 = 1 / (1 + np.exp(-z1)):  da1 * a1 * (1 - a1) = " in text
    assert "    z2 = a1 @ w2.T + b2:  dz2.T @ a1 = " in text
    a2 = output.inputs[0]
    assert [step.name for step in explain(output, element=(a2, (0, 0))).elements] == ["a2"]


def test_different_arrays_have_different_names():
    x = Tensor([1.0, 2.0], name="x")
    cost = np.sum(x * np.array([3.0, 4.0]) * np.array([5.0, 6.0]))
    assert "u1 = x * array:" in str(explain(cost)) and "u2 = u1 * array_2:" in str(explain(cost))


def test_a_gradient_is_not_called_what_a_value_is_called():
    z, dz = Tensor(2.0, name="z"), Tensor(3.0, name="dz")
    text = str(explain(z * dz))
    assert "ddz = 2\n" in text and "d_z = 3\n" in text


def test_an_output_without_a_name_is_called_as_in_equations():
    assert str(explain(Tensor(2.0, name="x") * 3.0)).startswith("dC = 1\n")


def test_numbers_in_latex_are_read_as_they_are_meant():
    x, y = Tensor(-1.5, name="x"), Tensor(3.5e-05, name="y")
    text = explain(np.sin(x) * y).latex()
    assert "3.5 \\cdot 10^{-5} \\cdot \\cos\\left(-1.5\\right) = 2.476 \\cdot 10^{-6}" in text
    assert "1 \\cdot (-0.9975) = -0.9975" in text
    assert "e-0" not in text and "output" not in text


def test_empty_arrays_and_long_indices_are_explained():
    w = Tensor(np.zeros((0, 3)), name="w")
    text = str(explain(np.sum(w @ np.ones((3, 2))), differences=True))
    assert "dw = array of shape (0, 3), norm 0\n" in text
    x = Tensor(np.arange(200.0), name="x")
    assert "u1 = getitem(x, ...):  scatter(du1, ...) = " in str(explain(np.sum(x[np.arange(150)])))


def test_data_that_has_changed_is_refused():
    x = Tensor(2.0, name="x")
    y = x * x
    x.data = 3.0
    with pytest.raises(RuntimeError, match="was changed"):
        explain(y)


def test_the_latex_of_a_slice_and_of_a_number_with_an_axis():
    x = Tensor(np.arange(1.0, 5.0), name="x")
    scattered = explain(np.sum(x[1:3] ** 2)).latex()
    assert "scatter" in scattered and "1:3" in scattered
    assert explain(np.prod(Tensor(2.0, name="x"), axis=0) * 3).latex()
