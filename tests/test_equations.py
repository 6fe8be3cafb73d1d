"""Reading 2, as equations: golden texts read by a person, and what they say computed with NumPy."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_back import check
from stress.equations import Maker, run

import autograd
from autograd import Tensor, equations, relu, sigmoid, softmax
from autograd.readings.notation import UNICODE
from nn import Network

RNG = np.random.default_rng(0)
X, Y = RNG.random(7), np.eye(4)[2]


def of_network(sizes, x=X, y=Y, **options):
    net = Network(sizes, rng=1, **options)

    def C(x, y):
        return net.cost(x, y)

    return equations(C, x, y)


def test_the_books_four():
    assert (
        str(of_network([7, 5, 4]))
        == """\
z¹ = w¹ x + b¹
a¹ = σ(z¹)
z² = w² a¹ + b²
a² = σ(z²)
C = 1/2 Σ (a² − y)²

δ² = ∂C/∂z² = (a² − y) ⊙ a² ⊙ (1 − a²)
∂C/∂b² = δ²
∂C/∂w² = δ² (a¹)ᵀ
δ¹ = ∂C/∂z¹ = ((w²)ᵀ δ²) ⊙ a¹ ⊙ (1 − a¹)
∂C/∂b¹ = δ¹
∂C/∂w¹ = δ¹ xᵀ"""
    )


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("layers", range(2, 11))
def test_two_to_ten_layers(layers, activation):
    text = str(of_network([7, *[5] * (layers - 1), 4], activation=activation))

    def raised(letter, layer):
        return letter + str(layer).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))

    def prime(a):
        return {"sigmoid": f"{a} ⊙ (1 − {a})", "tanh": f"(1 − ({a})²)", "relu": f"𝟙[{a} > 0]"}[activation]

    lines = []
    for l in range(layers, 0, -1):  # noqa: E741
        w, b, z, a, d = (raised(letter, l) for letter in ("w", "b", "z", "a", "δ"))
        before = f"({raised('a', l - 1)})ᵀ" if l > 1 else "xᵀ"
        if l == layers:
            right = f"({a} − y) ⊙ {a} ⊙ (1 − {a})"
        else:
            right = f"(({raised('w', l + 1)})ᵀ {raised('δ', l + 1)}) ⊙ {prime(a)}"
        lines += [f"{d} = ∂C/∂{z} = {right}", f"∂C/∂{b} = {d}", f"∂C/∂{w} = {d} {before}"]
    assert text.split("\n\n")[1].splitlines() == lines


def test_with_cross_entropy_sigma_prime_cancels():
    """In the network's own cost it is gone already; written by hand, it is seen to cancel."""
    assert "δ² = ∂C/∂z² = a² − y\n" in str(of_network([7, 5, 4], cost="cross-entropy"))

    def C(w, b, x, y):
        a = sigmoid(w @ x + b)
        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))

    assert (
        str(equations(C, Tensor(RNG.random((4, 7))), Tensor(RNG.random(4)), X, Y))
        == """\
z = w x + b
a = σ(z)
C = −Σ (y ⊙ ln(a) + (1 − y) ⊙ ln(1 − a))

δ = ∂C/∂z = ((1 − y) / (1 − a) − y / a) ⊙ a ⊙ (1 − a) = a − y
∂C/∂b = δ
∂C/∂w = δ xᵀ"""
    )


def test_softmax_and_log_likelihood_come_to_a_minus_y():
    text = str(of_network([7, 5, 4], cost="log-likelihood"))
    assert "a² = softmax(z²)\n" in text
    assert "δ² = ∂C/∂z² = a² ⊙ Σ y − y = a² − y\n" in text
    assert text.endswith("\n\nfor Σ y = 1")

    def C(w, x, y):
        return -np.sum(y * np.log(softmax(w @ x)))

    text = str(equations(C, Tensor(RNG.random((4, 7))), X, Y))
    assert "δ = ∂C/∂z = a ⊙ (Σ ((y ⊙ a) / a) − y / a) = a − y\n" in text
    halves = str(equations(C, Tensor(RNG.random((4, 7))), X, Y / 2))
    assert "= 1/2 a − y\n" in halves
    assert "for Σ y = 1/2" in halves


def test_a_mini_batch():
    text = str(of_network([7, 5, 4], RNG.random((10, 7)), np.eye(4)[RNG.integers(0, 4, 10)], activation="relu"))
    assert (
        text
        == """\
z¹ = x (w¹)ᵀ + b¹
a¹ = ReLU(z¹)
z² = a¹ (w²)ᵀ + b²
a² = σ(z²)
C = 1/20 Σ (a² − y)²

δ² = ∂C/∂z² = 1/10 (a² − y) ⊙ a² ⊙ (1 − a²)
∂C/∂w² = (δ²)ᵀ a¹
∂C/∂b² = Σₙ δ²
δ¹ = ∂C/∂z¹ = (δ² w²) ⊙ 𝟙[a¹ > 0]
∂C/∂w¹ = (δ¹)ᵀ x
∂C/∂b¹ = Σₙ δ¹"""
    )


def test_a_shared_weight_sums_over_its_uses():
    def C(w, x, y):
        h1 = np.tanh(w @ x)
        h2 = np.tanh(w @ h1)
        h1.name, h2.name = "h1", "h2"
        return np.sum((h2 - y) ** 2) / 2

    assert (
        str(equations(C, Tensor(RNG.random((7, 7))), X, X))
        == """\
z¹ = w x
h¹ = tanh(z¹)
z² = w h¹
h² = tanh(z²)
C = 1/2 Σ (h² − y)²

δ² = ∂C/∂z² = (h² − y) ⊙ (1 − (h²)²)
δ¹ = ∂C/∂z¹ = (wᵀ δ²) ⊙ (1 − (h¹)²)
∂C/∂w = δ² (h¹)ᵀ + δ¹ xᵀ"""
    )


def recurrent(u, w, b, x, y):
    h = np.zeros(3)
    for t in range(len(x)):
        h = np.tanh(u @ x[t] + w @ h + b)
        h.name = f"h_{t}"
    return np.sum((h - y) ** 2) / 2


def recurrent_arguments(steps=3):
    tensors = [Tensor(RNG.random(shape)) for shape in ((3, 4), (3, 3), (3,))]
    return [*tensors, RNG.random((steps, 4)), RNG.random(3)]


def test_backpropagation_through_time():
    text = str(equations(recurrent, *recurrent_arguments()))
    assert (
        text
        == """\
z₀ = u x₀ + b
h₀ = tanh(z₀)
z₁ = u x₁ + w h₀ + b
h₁ = tanh(z₁)
z₂ = u x₂ + w h₁ + b
h₂ = tanh(z₂)
recurrent = 1/2 Σ (h₂ − y)²

δ₂ = ∂recurrent/∂z₂ = (h₂ − y) ⊙ (1 − h₂²)
δ₁ = ∂recurrent/∂z₁ = (wᵀ δ₂) ⊙ (1 − h₁²)
δ₀ = ∂recurrent/∂z₀ = (wᵀ δ₁) ⊙ (1 − h₀²)
∂recurrent/∂b = δ₂ + δ₁ + δ₀
∂recurrent/∂w = δ₂ h₁ᵀ + δ₁ h₀ᵀ
∂recurrent/∂u = δ₂ x₂ᵀ + δ₁ x₁ᵀ + δ₀ x₀ᵀ"""
    )


def test_a_graph_that_is_there_already():
    w, b = Tensor(0.6, name="w"), Tensor(0.9, name="b")
    x = np.array([1.0, 2.0])
    cost = np.sum(sigmoid(w * x + b) ** 2)
    cost.name = "C"
    text = str(equations(cost, x=x))
    assert "z = w · x + b\n" in text
    assert "δ = ∂C/∂z = 2 a² ⊙ (1 − a)\n" in text
    with pytest.raises(ValueError, match="y is not one of the arrays"):
        equations(cost, y=np.ones(2))
    with pytest.raises(ValueError, match="single number"):
        equations(w * x)
    net = Network([7, 5, 4], rng=1)  # its layers are one operation each, and are taken apart
    C = net.cost(X, Y)  # noqa: N806
    assert str(equations(C, x=X, y=Y)) == str(of_network([7, 5, 4]))


def test_latex():
    text = of_network([7, 5, 4]).latex()
    assert text.startswith(
        "\\begin{aligned}\nz^{1} &= w^{1} x + b^{1} \\\\\na^{1} &= \\sigma\\left(z^{1}\\right) \\\\\n"
    )
    assert (
        "\\delta^{1} &= \\frac{\\partial C}{\\partial z^{1}} = \\left(\\left(w^{2}\\right)^\\top \\delta^{2}\\right)"
        " \\odot a^{1} \\odot \\left(1 - a^{1}\\right) \\\\\n" in text
    )
    assert text.endswith("\\frac{\\partial C}{\\partial w^{1}} &= \\delta^{1} x^\\top\n\\end{aligned}")
    ours = equations(lambda theta, rate_of: theta**2 / np.exp(rate_of), Tensor(1.0), Tensor(2.0))
    assert "\\frac{\\theta^{2}}{\\exp\\left(rate_{of}\\right)}".replace("rate", "\\mathrm{rate}") in ours.latex()


def test_mathtext_can_set_every_line():
    """matplotlib's mathtext knows a part of LaTeX; what it takes, LaTeX takes."""
    from matplotlib import mathtext

    parser = mathtext.MathTextParser("path")
    readings = [of_network([7, 5, 4]), of_network([7, 5, 5, 4], activation="relu", cost="log-likelihood"),
                equations(recurrent, *recurrent_arguments())]  # fmt: skip
    with np.errstate(all="ignore"):
        random = [Maker((5, number)) for number in range(12)]
        readings += [equations(maker.function()[0], *maker.args.values()) for maker in random]
    for reading in readings:
        for line in reading.latex().splitlines()[1:-1]:
            parser.parse(f"${line.removesuffix(' ' + chr(92) * 2).replace('&', '').replace('mathbb{1}', 'mathbb{R}')}$")


# What the equations say, read back as text and computed.


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy", "log-likelihood"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("batch", [(), (6,)])
def test_what_they_say_is_so(cost, activation, batch):
    net = Network([7, 6, 5, 4], cost=cost, activation=activation, rng=2)
    x, y = RNG.random((*batch, 7)), np.eye(4)[RNG.integers(0, 4, batch)]

    def f(x, y):
        return net.cost(x, y)

    reading = check(f, (x, y), {p.name: p for p in net.parameters()})
    assert len(reading.gradient) == 9


def test_what_they_say_of_time_is_so():
    check(recurrent, recurrent_arguments())


CALLS = ["np.exp", "np.sin", "np.tanh", "sigmoid", "relu"]
LEAVES = st.sampled_from(["x", "y", "1.0", "2.0", "0.5"])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(st.sampled_from(CALLS), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        inner.map(lambda x: f"({x}) ** 2"),
    ),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None)  # other work on the machine is no fault of an expression
@given(EXPRESSIONS)
def test_any_expression(expression):
    scope = {"np": np, "sigmoid": sigmoid, "relu": relu}
    f = eval(f"lambda x, y: ({expression}) + x * y", scope)
    x, y = Tensor(0.7), Tensor(-0.4)
    with np.errstate(all="ignore"):
        try:
            grads = autograd.backprop(f(x, y))
        except ZeroDivisionError:  # of Python's own numbers
            return
        if all(np.isfinite(g) and abs(g) < 1e6 for g in grads.values()):
            check(f, (x, y))


def test_long_chains_get_names_on_the_way():
    def f(x):
        for _ in range(200):
            x = np.sin(x) * x
        return x

    reading = equations(f, Tensor(0.5))
    assert len(str(reading).splitlines()) > 200
    assert max(map(len, str(reading).splitlines())) < 1000


def test_numbers_are_fractions_only_where_they_are():
    text = str(equations(lambda x: np.pi * x / 3 + 1.00000005 * x - x, Tensor(2.0)))
    assert "∂C/∂x = " in text
    assert "1.0472" in text
    assert "= 0" not in text
    numbers = {0.05: "1/20", float(np.float32(0.1)): "1/10", 2 / 3: "2/3", 1 / 60000: "1/60000", 0.0015: "0.0015",
               float(np.sqrt(2)): "1.41421", 1e-8: "1e−08"}  # fmt: skip
    for value, shown in numbers.items():
        assert f"C = {shown} x" in str(equations(lambda x, value=value: value * x, Tensor(2.0))), value


def test_other_arrays_go_by_their_variables_or_by_a_name_of_their_own():
    p, q = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert "∂C/∂w = p − q" in str(equations(lambda w: np.sum(w * p - w * q), Tensor([1.0, 2.0])))
    targets = np.eye(3)[[0, 1, 2, 1]]
    read = equations(lambda z: -np.sum(targets * np.log(autograd.softmax(z))), Tensor(np.ones((4, 3)), name="z"))
    assert "= softmax(z) − targets" in str(read) and str(read).endswith("for Σₖ targets = 1")
    np.testing.assert_array_equal(read.arrays["targets"], targets)
    made = str(equations(lambda w: np.sum(w * np.array([1.0, 2.0]) - w * np.array([3.0, 4.0])), Tensor([1.0, 2.0])))
    assert "∂C/∂w = c₁ − c₂" in made


def test_two_values_of_one_name():
    def f(x):
        a, b = np.sin(x), np.cos(x)
        a.name = b.name = "h"
        return a * b * x

    assert "∂C/∂x = h · h₂ + x · h₂² − x · h²" in str(equations(f, Tensor(1.0)))


def test_a_value_that_is_computed_twice_has_no_half_gradient():
    text = str(equations(lambda w: sigmoid(0.5 * w) * (0.5 * w), Tensor(1.0)))
    assert "δ" not in text
    assert "∂C/∂w = 1/2 a + 1/4 w · a · (1 − a)" in text


def test_parentheses_where_they_are_needed():
    w, x = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    assert "C = 1 / (wᵀ x)\n" in str(equations(lambda w, x: 1 / (w @ x), w, x))
    assert "C = (Σ w) / (Σ x)\n" in str(equations(lambda w, x: np.sum(w) / np.sum(x), w, x))
    assert "C = 3 w\n" in str(equations(lambda w: np.sum(w * np.ones(3)), Tensor(3.0)))


def test_a_number_above_is_no_power():
    text = str(equations(lambda w, w2: w**2 + w2**2 * w, Tensor(1.0), Tensor(2.0)))
    assert "C = w² + w₂² · w\n" in text
    args = Tensor([1.0, 2.0], name="θ"), Tensor([1.0, 3.0], name="theta2")
    assert "C = Σ (θ² ⊙ θ₂)\n" in str(equations(lambda θ, theta2: np.sum(θ**2 * theta2), *args))
    C = Tensor(1.0, name="C")  # noqa: N806
    assert "C₂ = C²" in str(equations(C * C))


def test_the_error_of_a_layer_is_no_power_of_an_argument_called_delta():
    def f(delta, w):
        return np.sum(autograd.sigmoid_layer(np.tanh(delta**2), w, np.zeros(1)))

    args = Tensor([0.5, -0.25], name="delta"), Tensor([[0.5, 2.0]], name="w")
    found = check(f, args)
    assert "z₁ = δ²" in str(found) and "δ₁ = ∂C/∂z₁" in str(found)


def test_names_that_the_user_gave_come_first():
    def C(a, z):
        return np.sum(np.tanh(a * z) * sigmoid(z))

    text = str(equations(C, Tensor([1.0, 2.0]), Tensor([0.5, -1.0])))
    assert re.search(r"^∂C/∂a = ", text, re.MULTILINE)
    assert re.search(r"^∂C/∂z = ", text, re.MULTILINE)


# An equation is true or it is not printed.

S, V, W = Tensor(2.0), Tensor([0.5, -1.0, 0.25]), Tensor(RNG.random((3, 2)))
W3 = Tensor(RNG.random((3, 3)))


@pytest.mark.parametrize(("f", "args"), [
    (lambda s, x, v: s * np.sum(x @ v), (S, W3, V)), (lambda x, v: np.sum(x * v) ** 2 / 2, (V, X[:3])),
    (lambda x, w: np.log(np.sum(x * w) ** 2), (V, X[:3])), (lambda x, v: np.exp(np.mean(x @ v)), (W3, V)),
    (lambda w: np.sum((np.roll(w, 1, axis=0) - np.roll(w, 1, axis=1)) ** 2), (W,)),
    (lambda w: np.sum((np.mean(w, axis=0) - np.mean(w, axis=1)) ** 2), (W3,)),
    (lambda w: np.sum((np.max(w, axis=0) - np.max(w, axis=1)) ** 2), (W3,)),
    (lambda w: np.sum((softmax(w, axis=0) - softmax(w, axis=1)) ** 2), (W3,)),
    (lambda w: np.sum((np.flip(w, axis=0) - np.flip(w, axis=1)) ** 2), (W3,)),
    (lambda w: np.sum((np.cumsum(w, axis=0) - np.cumsum(w, axis=1)) ** 2), (W3,)),
    (lambda w: np.sum((np.var(w, axis=0) - np.var(w, axis=0, ddof=1)) ** 2), (W3,)),
    (lambda w, x: np.sum(np.concatenate([w, 2 * x]) ** 2), (V, Tensor([1.0, 2.0, 3.0]))),
    (lambda x, s: np.sum(np.sum(x + s, axis=1) ** 2) / 2, (W, S)),
    (lambda w: np.sum(w.T * np.reshape(w, (2, 3))), (W,)), (lambda w: np.sum((w.T - np.reshape(w, (2, 3))) ** 2), (W,)),
    (lambda b, w, x: np.sum((x @ np.tensordot(w, b, 0) + b).sum() * x), (Tensor([3.0]), V, Y[:3])),
    (lambda w: np.sum(w * w[::-1]), (V,)), (lambda w: np.sum((w[:, None] - w[None]) ** 2), (V,)),
    (lambda w, y: np.sum(w * np.sum(y)), (V, np.array([1.0, -1.0, 5e-14]))),
], ids=lambda x: "" if isinstance(x, tuple) else None)  # fmt: skip
def test_what_was_false(f, args):
    check(f, args)


def test_numbers_that_would_overflow_stay_apart():
    with np.errstate(over="ignore"):  # of the derivative itself
        text = str(equations(lambda w: 1e200 * (1e200 * w), Tensor(1e-300)))
    assert text.startswith("C = 1e+200 (1e+200 w)\n")


def test_random_functions():
    checked, wrong = run(0, 0, 150)
    assert checked > 100
    assert not wrong, "\n".join(wrong)


def test_the_error_of_a_single_output_is_a_number_times_a_row():
    text = str(of_network([3, 2, 1], X[:3], X[:1]))
    assert "∂C/∂w² = δ² (a¹)ᵀ\n" in text


def test_a_transform_has_a_name_of_its_own():
    x = Tensor(0.5, name="x")
    assert "dtanh = 1 − (tanh(x))²\n" in str(equations(autograd.grad(np.tanh), x))
    assert str(equations(autograd.grad(autograd.grad(np.tanh)), x)).startswith("ddtanh = ")


def test_without_a_tensor_the_first_argument_is_differentiated():
    assert str(equations(lambda x: x**3, 2.0)) == "C = x³\n\n∂C/∂x = 3 x²"


def test_the_output_is_the_last_of_the_values():
    values = str(of_network([7, 5, 4], cost="log-likelihood")).split("\n\n")[0].splitlines()
    assert values[-2:] == ["a² = softmax(z²)", "C = Σ (y ⊙ (logsumexp(z²) − z²))"]


def test_names_that_would_read_as_something_else():
    text = str(equations(lambda x, x_0: np.sum(x[0] * x_0), Tensor([1.0, 2.0]), Tensor(3.0)))
    assert "C = x[0] · x₀\n" in text
    h = np.array([1.0, 2.0])
    check(lambda ℎ, h_2: np.sum(ℎ * h_2), (Tensor(h), Tensor(2.0)))
    reading = equations(lambda delta, z: np.sum(np.tanh(delta * z) * z), Tensor(h), Tensor(h))
    assert len({line.left(UNICODE) for line in reading.gradient}) == len(reading.gradient)

    def of_an_error(delta, z):
        first = np.tanh(delta * z)
        return np.sum(sigmoid(first * z + 1) ** 2)

    check(of_an_error, (Tensor(h), Tensor(h + 1)))


def test_an_operation_that_only_has_a_name_of_ours():
    from autograd import Op

    sigmoid_too = Op(lambda x: 2 * x, "2 * x", lambda g, y, x: g * 2, name="sigmoid")
    assert "C = 2 x\n" in str(equations(lambda x: sigmoid_too(x), Tensor(1.0)))
    exp = Op(lambda x: 2 * x, "np.exp(x)", lambda g, y, x: g * 2, name="exp")  # its template is not what it does
    assert "C = exp_(x)\n" in str(equations(lambda x: exp(x), Tensor(1.0)))


def test_deep_graphs():
    def f(x):
        for _ in range(5000):
            x = np.sin(x)
        return x

    reading = equations(f, Tensor(0.5))
    assert max(map(len, str(reading).splitlines())) < 2000


def test_numbers_in_latex():
    text = equations(lambda x: -3.4932456e-05 * x * np.exp(-0.2013 * x), Tensor(2.0)).latex()
    assert "3.49325 \\cdot 10^{-5}" in text
    assert "e-05" not in text


def test_what_comes_to_an_argument_or_a_number():
    assert str(equations(lambda w: w + 0, Tensor(2.0))) == "C = w\n\n∂C/∂w = 1"
    check(lambda w, u: np.sum(w) + u**0, (Tensor([1.0, 2.0]), Tensor(3.0)))
    check(lambda w, x, y: np.mean(w * np.sin(y) @ x - w * np.sin(y) @ x), (V, V, Tensor([1.0, 2.0, 3.0])))


def test_a_reduction_of_a_number_along_its_axis():
    """NumPy lets a number have an axis to reduce along."""
    assert str(equations(lambda x: np.sum(x * x, axis=-1), Tensor(0.7))) == "C = x²\n\n∂C/∂x = 2 x"
