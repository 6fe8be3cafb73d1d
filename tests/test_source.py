"""Reading 3, the program: it reads as a person would have written it, and it computes what the engine computes."""

import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROWS

import autograd
from autograd import Tensor, grad, sigmoid, source, value_and_grad
from examples.languages import digits
from nn import Network, equations, one_hot
from nn.proof.numbers import relative_difference


def run(text, name, *args):
    """What the program called NAME_and_grad in the text returns; it has nothing but NumPy to work with."""
    namespace = {}
    exec(text, namespace)
    assert set(re.findall(r"^(?:from|import) .*", text, re.MULTILINE)) == {"import numpy as np"}
    return namespace[f"{name}_and_grad"](*[arg.data if isinstance(arg, Tensor) else arg for arg in args], **text.arrays)


def clean(texts, tmp_path):
    """What ruff says of the programs: nothing, if all is well."""
    for i, text in enumerate(texts):
        (tmp_path / f"program{i}.py").write_text(text)
    said = ""
    for command in (["check"], ["format", "--check", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", str(tmp_path)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        said += "" if done.returncode == 0 else done.stdout
    return said


def a_number(case):
    """A number-valued function of the operands of a row of the table of operations, and its arguments: the operands,
    and an array of weights for each part of the value."""
    n = len(case.operands)

    def parts_of(operands):
        y = case.f(*operands)
        return y if isinstance(y, (list, tuple)) else [y]

    def f(*args):
        return sum(np.sum(part * weight) for part, weight in zip(parts_of(args[:n]), args[n:], strict=True))

    tensors = [Tensor(x) for x in case.operands]
    return f, [*tensors, *(np.cos(np.arange(part.size, dtype=float)).reshape(part.shape) for part in parts_of(tensors))]


@pytest.mark.parametrize("case", ROWS, ids=[f"{case.operation}: {case.label}" for case in ROWS])
def test_every_operation_comes_out_as_numpy(case):
    f, args = a_number(case)
    value, gradients = run(source(f, *args), "f", *args)
    arrays = [arg.data if isinstance(arg, Tensor) else arg for arg in args]
    expected, exact = value_and_grad(f, tuple(range(len(case.operands))))(*arrays)
    assert relative_difference(value, expected) <= 1e-12
    for gradient, wanted in zip(gradients, exact, strict=True):
        assert np.shape(gradient) == np.shape(wanted)
        assert relative_difference(gradient, wanted) <= 1e-12


def test_every_program_is_formatted(tmp_path):
    texts = []
    for case in ROWS:
        f, args = a_number(case)
        texts.append(source(f, *args))
    assert clean(texts, tmp_path) == ""


def a_digit_problem(rng):
    x, y = rng.random((10, 784)), one_hot(rng.integers(0, 10, 10))
    return [x, y, *(Tensor(rng.standard_normal(shape)) for shape in ((30, 784), (30,), (10, 30), (10,)))]


def test_the_digit_network_is_the_hand_derived_program():
    """Read by a person: BP1 to BP4, in order, with two forward and three backward matrix products."""
    args = a_digit_problem(np.random.default_rng(0))
    text = source(digits, *args)
    assert (
        text
        == """\
import numpy as np


def digits_and_grad(x, y, w1, b1, w2, b2):
    z1 = x @ w1.T + b1
    a1 = 1 / (1 + np.exp(-z1))
    z2 = a1 @ w2.T + b2
    a2 = 1 / (1 + np.exp(-z2))
    t1 = a2 - y
    cost = np.sum(t1**2) / 20
    # t1 = a2 - y
    da2 = 0.1 * t1
    # a2 = 1 / (1 + np.exp(-z2))
    delta2 = da2 * a2 * (1 - a2)
    # z2 = a1 @ w2.T + b2
    db2 = np.sum(delta2, axis=0)
    # z2 = a1 @ w2.T + b2
    da1 = delta2 @ w2
    # z2 = a1 @ w2.T + b2
    dw2 = delta2.T @ a1
    # a1 = 1 / (1 + np.exp(-z1))
    delta1 = da1 * a1 * (1 - a1)
    # z1 = x @ w1.T + b1
    db1 = np.sum(delta1, axis=0)
    # z1 = x @ w1.T + b1
    dw1 = delta1.T @ x
    return cost, (dw1, db1, dw2, db2)
"""
    )
    _, gradients = run(text, "digits", *args)
    x, y, w1, b1, w2, b2 = (arg.data if isinstance(arg, Tensor) else arg for arg in args)
    nabla_b, nabla_w = equations.backprop_batch([w1, w2], [b1, b2], x, y)
    for gradient, nabla in zip(gradients, [nabla_w[0], nabla_b[0], nabla_w[1], nabla_b[1]], strict=True):
        assert relative_difference(gradient, nabla) <= 1e-12


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy", "log-likelihood"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("sizes", [[7, 4], [7, 6, 5, 4], [7, *[6] * 9, 4]])
def test_the_parameters_of_a_network_become_parameters_of_the_program(cost, activation, sizes, tmp_path):
    rng = np.random.default_rng(0)
    net = Network(sizes, cost=cost, activation=activation, init="scaled", rng=rng)
    x, y = rng.random((5, 7)), one_hot(rng.integers(0, 4, 5), 4)

    def loss(x, y):
        return net.cost(x, y)

    text = source(loss, x, y)
    names = [f"{letter}{layer}" for layer in range(1, len(sizes)) for letter in "wb"]
    assert re.sub(r"\s+", " ", text.split("def ")[1].split(":")[0]).replace("( ", "(").replace(", )", ")").rstrip() in (
        f"loss_and_grad(x, y, {', '.join(names)})",
        f"loss_and_grad(x, y, {', '.join(names)} )",
    )
    assert (
        text.count(" @ ") - sum(line.count(" @ ") for line in text.splitlines() if "#" in line)
        == 3 * len(names) // 2 - 1
    )
    value, gradients = run(text, "loss", x, y, *net.parameters())
    output = net.cost(x, y)
    exact = autograd.backprop(output)
    assert relative_difference(value, output.item()) <= 1e-12
    for parameter, gradient in zip(net.parameters(), gradients, strict=True):
        assert relative_difference(gradient, exact[parameter]) <= 1e-12
    assert clean([text], tmp_path) == ""


def test_second_derivatives_and_convolution(tmp_path):
    def f(x):
        return np.sin(x) ** 3

    def convolution(w, x):
        patches = x[np.arange(4)[:, None] + np.arange(3)]
        return np.sum(np.tanh(np.einsum("pk,k->p", patches, w)) ** 2)

    def strided(w, x):
        return np.sum(np.tanh(np.lib.stride_tricks.sliding_window_view(x, 3) @ w) ** 2)

    def norm(x):
        return np.sum(grad(lambda u: np.sum(np.exp(u) * u))(x) ** 2)

    w, x = Tensor([0.5, -1.0, 2.0]), Tensor([0.1, 0.5, -0.3, 0.8, 0.2, -0.6])
    texts = []
    for g, args in (
        (grad(f), [Tensor(0.5)]),
        (grad(grad(f)), [Tensor(0.5)]),
        (convolution, [w, x]),
        (strided, [w, x]),
        (norm, [x]),
    ):
        texts.append(source(g, *args))
        value, gradients = run(texts[-1], g.__name__, *args)
        expected, exact = value_and_grad(g, tuple(range(len(args))))(*[arg.data for arg in args])
        assert relative_difference(value, expected) <= 1e-12
        for gradient, wanted in zip(gradients, exact, strict=True):
            assert relative_difference(gradient, wanted) <= 1e-12
    assert clean(texts, tmp_path) == ""


def test_a_shared_weight_and_a_network_unrolled_in_time(tmp_path):
    def recurrent(w, u, x):
        h = np.zeros(3)
        for step in x:
            h = np.tanh(w @ h + u * step)
        return np.sum(h**2)

    args = [Tensor(np.eye(3) * 0.5), Tensor([0.1, 0.2, 0.3]), np.array([1.0, -2.0, 0.5])]
    text = source(recurrent, *args)
    value, gradients = run(text, "recurrent", *args)
    expected, exact = value_and_grad(recurrent, (0, 1))(*[arg.data if isinstance(arg, Tensor) else arg for arg in args])
    assert relative_difference(value, expected) <= 1e-12
    assert max(relative_difference(a, b) for a, b in zip(gradients, exact, strict=True)) <= 1e-12
    assert clean([text], tmp_path) == ""


def test_nothing_is_computed_that_nothing_needs_or_twice():
    def f(w, x):
        unused = np.exp(w)
        del unused
        return np.sum(np.tanh(x @ w) * np.tanh(x @ w))

    text = source(f, Tensor([0.5, -0.5]), np.ones((3, 2)))
    assert "np.exp(" not in text
    assert text.replace("# t1 = np.tanh(x @ w)", "").count("np.tanh") == 1


def test_names_are_kept_and_made_different():
    x = Tensor(2.0, name="x")

    def f(x_):
        a = x_ * x
        a.name = "lambda"
        b = a * a
        b.name = "x"
        return np.sin(b)

    text = source(f, Tensor(3.0))
    assert "def f_and_grad(x_, x):" in text
    value, (dx_, dx) = run(text, "f", 3.0, 2.0)
    assert value == np.sin(36.0)
    assert dx_ == pytest.approx(np.cos(36.0) * 2 * 6 * 2)
    assert dx == pytest.approx(np.cos(36.0) * 2 * 6 * 3)


def test_what_cannot_be_written_out_is_said():
    with pytest.raises(ValueError, match="single number"):
        source(lambda x: x * 2, Tensor([1.0, 2.0]))


def test_arrays_from_outside_are_parameters_under_the_names_of_their_variables(tmp_path):
    pictures = np.random.default_rng(0).random((20, 3))

    def cost(w):
        return np.sum((pictures @ w) ** 2) + np.sum(np.sin(np.linspace(0.0, 1.0, 99)) * w[0])

    text = source(cost, Tensor([0.5, -1.0, 2.0]))
    assert "def cost_and_grad(w, pictures, c_1):" in text
    assert list(text.arrays) == ["pictures", "c_1"]
    assert text.arrays["pictures"] is pictures
    assert '"""pictures is an array from outside of cost, of shape (20, 3).' in text
    value, (gradient,) = run(text, "cost", Tensor([0.5, -1.0, 2.0]))
    expected, exact = value_and_grad(cost)(np.array([0.5, -1.0, 2.0]))
    assert relative_difference(value, expected) <= 1e-12
    assert relative_difference(gradient, exact) <= 1e-12
    assert clean([text], tmp_path) == ""


def test_regular_arrays_are_written_as_they_are_made():
    def f(w):
        whole = np.zeros((6, 4)) + w[0] * np.ones((6, 4), np.float32) + w[1] * np.full((6, 4), 2.5)
        return np.sum(whole) + np.sum(np.arange(40) * w[0]) + np.sum(np.eye(7) * w[1]) + np.sum(w[np.array([1, 0, 1])])

    text = source(f, Tensor([0.5, -1.0]))
    for made in ("np.ones((6, 4), np.float32)", "np.full((6, 4), 2.5)", "np.arange(40)", "np.eye(7)"):
        assert made in text
    assert text.arrays == {}
    value, (gradient,) = run(text, "f", Tensor([0.5, -1.0]))
    expected, exact = value_and_grad(f)(np.array([0.5, -1.0]))
    assert relative_difference(value, expected) <= 1e-12
    assert relative_difference(gradient, exact) <= 1e-12


def test_empty_arrays_keep_their_shapes():
    for shape in ((0, 3), (3, 0, 1), (0, 1), (0,)):
        text = source(
            lambda x, y: np.sum(x * y) + 2.0 * np.sum(y * y), Tensor(np.zeros(shape)), Tensor(np.zeros(shape))
        )
        _, gradients = run(text, "f", Tensor(np.zeros(shape)), Tensor(np.zeros(shape)))
        assert [g.shape for g in gradients] == [shape, shape]
        _, (gradient,) = run(
            source(lambda x: np.sum(x[:, None] * np.zeros((2, 0, 3)).sum()), Tensor(np.zeros(shape))),
            "f",
            Tensor(np.zeros(shape)),
        )
        assert gradient.shape == shape


def test_a_dynamic_index_is_read_at_every_call():
    def cost(w, labels):
        return np.sum(w[labels] ** 2) + np.sum(w[np.argsort(w)] * np.arange(3.0)) + np.where(w > 0, w * w, 0).sum()

    text = source(cost, Tensor([0.5, -1.0, 2.0]), np.array([0, 0, 2]))
    for w, labels in (([0.5, -1.0, 2.0], [0, 0, 2]), ([3.0, -1.0, -2.0], [1, 2, 1])):
        value, (gradient,) = run(text, "cost", np.array(w), np.array(labels))
        expected, exact = value_and_grad(cost)(np.array(w), np.array(labels))
        assert relative_difference(value, expected) <= 1e-12
        assert relative_difference(gradient, exact) <= 1e-12
    assert "0 * " not in text


def test_a_lambda_is_called_f():
    assert source(lambda x: x * 3.0, Tensor(2.0)) == (
        "import numpy as np\n\n\ndef f_and_grad(x):\n    value = x * 3\n    return value, (3,)\n"
    )


def test_a_value_does_not_get_the_name_of_a_gradient():
    def cost(w, x, y):
        act = sigmoid(w @ x)
        act.name = "act"
        return np.sum((act - y) ** 2) / 2

    text = source(cost, Tensor(np.ones((2, 3))), np.ones(3), np.ones(2))
    assert "    t1 = act - y\n    value = np.sum(t1**2) / 2\n" in text
    assert "dact" not in text


def test_what_is_zero_one_or_twice_the_same_is_not_computed():
    text = source(lambda x: sum(x**i for i in range(3)), Tensor(3.0))
    assert "    value = 1 + x + x**2\n" in text
    assert "    dx = 2 * x + 1\n" in text
    assert "    dx = 2 * x\n" in source(lambda x: x * x, Tensor(3.0))
