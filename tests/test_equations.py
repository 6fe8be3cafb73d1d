"""Reading 2, as equations: golden texts read by a person, and what they say computed with NumPy."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import Tensor, equations, relu, sigmoid, softmax
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
    with pytest.raises(ValueError, match="y is none of the arrays"):
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
    for reading in readings:
        for line in reading.latex().splitlines()[1:-1]:
            parser.parse(f"${line.removesuffix(' ' + chr(92) * 2).replace('&', '').replace('mathbb{1}', 'mathbb{R}')}$")


# What the equations say, computed: columns are (n, 1) arrays.


def of_examples(z):
    """A column is one example, the rows of a matrix are many."""
    return {} if z.shape[1] == 1 else {"axis": 1, "keepdims": True}


FUNCTIONS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "exp": np.exp, "log": np.log, "sin": np.sin,
    "cos": np.cos, "relu": lambda z: np.maximum(z, 0),
    "softmax": lambda z: np.exp(z) / np.sum(np.exp(z), **of_examples(z)),
    "sqrt": np.sqrt, "logsumexp": lambda z: np.log(np.sum(np.exp(z))),
}  # fmt: skip
COMPARISONS = {">": np.greater, "<": np.less, "≥": np.greater_equal, "≤": np.less_equal, "=": np.equal}


def value_of(x, names):
    """A sum of products, computed from the values of its symbols."""
    total = 0.0
    for term in x:
        product = float(Fraction(term.coefficient))
        for factor, n in term.factors:
            product = product * value_of_atom(factor, names) ** n
        total = total + product
    return total


def value_of_atom(atom, names):
    if atom.kind == "derivative":
        return names[f"d{atom.name.split('/')[1]}"]
    if atom.kind == "symbol":
        return names[atom.name]
    args = [value_of(arg, names) for arg in atom.args]
    if atom.kind == "group":
        return args[0]
    if atom.kind == "matmul":
        product = args[0]
        for arg in args[1:]:
            product = product @ arg
        return product
    if atom.kind == "transpose":
        return args[0].T
    if atom.kind == "total":
        axis = {"": None, "n": 0, "k": 1}[atom.name]
        return np.sum(args[0], axis=axis, keepdims=axis is not None)
    if atom.kind == "indicator":
        return COMPARISONS[atom.name](*args).astype(float)
    if atom.kind == "index":
        return column(args[0][int(atom.name)])
    return FUNCTIONS[atom.name](*args)


def column(x):
    return np.reshape(x, (-1, 1)) if np.ndim(x) == 1 else np.asarray(x)


def check_equations(f, args, parameters, vector=column):
    """Every equation holds, and the gradients are those of backward(); `parameters` are Tensors by name, and `vector`
    is how arrays of one dimension are to be read."""
    reading = equations(f, *args)
    names = {name: vector(getattr(x, "data", x)) for name, x in parameters.items()}
    for equation in reading.values:
        names[equation.name] = vector(value_of(equation.right, names))
    output = f(*args)
    exact = autograd.backprop(output)
    for equation in reading.gradient:
        right = value_of(equation.right, names)
        if equation.recorded is not None:
            np.testing.assert_allclose(value_of(equation.recorded, names), right, rtol=1e-9, atol=1e-12)
        names[equation.name] = right
        x = parameters.get(equation.name[1:])
        if isinstance(x, Tensor):
            wanted = vector(exact[x])
            np.testing.assert_allclose(np.broadcast_to(vector(right), wanted.shape), wanted, rtol=1e-9, atol=1e-12)
    return reading


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy", "log-likelihood"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("batch", [(), (6,)])
def test_what_they_say_is_so(cost, activation, batch):
    net = Network([7, 6, 5, 4], cost=cost, activation=activation, rng=2)
    x, y = RNG.random((*batch, 7)), np.eye(4)[RNG.integers(0, 4, batch)]

    def f(x, y):
        return net.cost(x, y)

    parameters = {"x": x, "y": y} | {p.name: p for p in net.parameters()}
    reading = check_equations(f, (x, y), parameters, np.atleast_2d if batch else column)
    assert len(reading.gradient) == 9


def test_what_they_say_of_time_is_so():
    args = recurrent_arguments()
    check_equations(recurrent, args, dict(zip("uwbxy", args, strict=True)))


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
            check_equations(f, (x, y), {"x": x, "y": y})


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


def test_other_arrays_have_names_of_their_own():
    p, q = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert "∂C/∂w = c₁ − c₂" in str(equations(lambda w: np.sum(w * p - w * q), Tensor([1.0, 2.0])))


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
    C = Tensor(1.0, name="C")  # noqa: N806
    assert "C₂ = C²" in str(equations(C * C))


def test_names_that_the_user_gave_come_first():
    def C(a, z):
        return np.sum(np.tanh(a * z) * sigmoid(z))

    text = str(equations(C, Tensor([1.0, 2.0]), Tensor([0.5, -1.0])))
    assert re.search(r"^∂C/∂a = ", text, re.MULTILINE)
    assert re.search(r"^∂C/∂z = ", text, re.MULTILINE)
