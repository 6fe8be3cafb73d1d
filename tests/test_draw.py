"""Reading 1, a picture: what is in the DOT text, and that Graphviz renders it."""

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from io import BytesIO
from itertools import pairwise

import graphviz
import numpy as np
import pytest
from PIL import Image

from autograd import Tensor, draw, grad, relu, scope, sigmoid
from autograd.readings.drawing import Drawing
from autograd.readings.graph import Graph
from nn import Network


def texts(drawing):
    """Every line of text in the rendered picture."""
    svg = ET.fromstring(drawing.pipe("svg", encoding="utf-8"))
    return ["".join(element.itertext()) for element in svg.iter("{http://www.w3.org/2000/svg}text")]


def edges(drawing):
    return re.findall(r"^\t*(\S+) -> (\S+)", drawing.source, re.MULTILINE)


def test_values_gradients_operations_names_and_shapes_are_in_the_picture():
    w, x = Tensor([[1.5, -2.5]], name="w"), np.arange(200.0).reshape(2, 100)
    y = np.sum(np.tanh(w @ x)) * Tensor(2.0, name="scale")
    y.name = "y"
    drawing = draw(y)
    assert isinstance(drawing, graphviz.Digraph)
    before = texts(drawing)
    assert {"w", "(1, 2) float64", "[[1.5, -2.5]]", "scale", "2", "y", "@", "tanh", "sum", "×"} <= set(before)
    assert "(2, 100) float64" in before and "0 … 199" in before  # a large array is told by its range
    assert not [text for text in before if text.startswith("grad")]
    y.backward()
    after = texts(draw(y))
    assert "grad 1" in after and len([text for text in after if text.startswith("grad")]) == 6
    y.backward()
    assert "grad 1" in texts(draw(y))


def test_parameters_constants_and_computed_values_are_told_apart():
    source = draw(Tensor(2.0, name="w") * 3.0).source
    boxes = re.findall(r'fillcolor="(#\w+)".*shape=box', source)
    assert len(boxes) == len(set(boxes)) == 3


def test_x_times_x_has_two_edges():
    x = Tensor(3.0)
    assert edges(draw(x * x)).count(("v0", "op1")) == 2


def test_a_value_used_twice_is_one_box():
    x = Tensor(3.0, name="x")
    a = sigmoid(x)
    assert texts(draw(a * a + a)).count("sigmoid") == 1


def test_the_gradient_graph_beside_the_forward_one():
    x, y = Tensor(3.0, name="x"), Tensor(2.0, name="y")
    z = x * y
    z.name = "z"
    drawing = draw(z, backward=True)
    assert {"∂z/∂x", "∂z/∂y", "∂z/∂z"} <= set(texts(drawing))
    assert drawing.source.count("dotted") == 3  # each gradient is tied to its value
    both = draw(Tensor([1.0, 2.0], name="v") * 2, backward=True, seed=[1.0, 1.0])
    assert "∂output/∂v" in texts(both)
    shared = x + y
    assert "∂output/∂output = ∂output/∂x = ∂output/∂y" in texts(draw(shared, backward=True))


def layered(layers):
    a = Tensor(np.ones((2, 3)), name="x")
    for number in range(layers):
        with scope(f"layer {number}"):
            a = relu(a @ Tensor(np.ones((3, 3)), name=f"w{number}") + Tensor(np.ones(3), name=f"b{number}"))
    return a.sum()


def test_layers_are_clusters_and_depth_folds_them():
    opened, folded = draw(layered(3)), draw(layered(3), depth=0)
    assert opened.source.count("subgraph") == 3
    assert {"layer 0", "layer 1", "layer 2", "w0", "relu"} <= set(texts(opened))
    assert folded.source.count("subgraph") == 0
    assert {"layer 0", "2 parameters (12 numbers)", "3 operations", "sum"} <= set(texts(folded))
    assert "relu" not in texts(folded)
    assert ("fold0", "fold1") in edges(folded) and ("fold1", "fold2") in edges(folded)


def test_scopes_nest():
    with scope("encoder"), scope("first"):
        y = Tensor(2.0, name="w") * 3.0
    assert y.scope == ("encoder", "first")
    assert draw(y).source.count("subgraph") == 2
    assert "first" in texts(draw(y, depth=1)) and "first" not in texts(draw(y, depth=0))


def test_a_large_graph_folds_by_itself_and_says_so():
    drawing = draw(layered(40))
    assert any("folded to depth 0" in text for text in texts(drawing))
    assert "layer 39" in texts(drawing) and "relu" not in texts(drawing)
    assert "relu" in texts(draw(layered(40), limit=1000))
    x = Tensor(1.0)
    for _ in range(200):
        x = x + 1.0
    assert any("autograd.scope" in text for text in texts(draw(x)))


def boxes(drawing):
    """The lines of each box of a value, by its first line."""
    found = re.findall(r'^\t*v\d+ \[label=("[^"]*"|\S+) ', drawing.source, re.MULTILINE)
    return {lines[0]: lines for lines in (label.strip('"').split("\\n") for label in found)}


def places(drawing):
    """Where Graphviz puts each node: (x, y) in inches, from the left and from the bottom."""
    rows = [line.split() for line in drawing.pipe("plain", encoding="utf-8").splitlines()]
    return {row[1]: (float(row[2]), float(row[3])) for row in rows if row[0] == "node"}


def operations(drawing):
    return re.findall(r'^\t*op\d+ \[label=(?:"([^"]*)"|(\S+)) ', drawing.source, re.MULTILINE)


def names_of_operations(drawing):
    return [quoted or bare for quoted, bare in operations(drawing)]


def loop(steps=5):
    """h = tanh(u x + w h + b), a scope for each step."""
    rng = np.random.default_rng(0)
    u, w, b = (Tensor(rng.standard_normal(shape), name=name) for name, shape in zip("uwb", ((3, 2), (3, 3), 3)))
    h = np.zeros(3)
    for t in range(steps):
        with scope(f"step {t + 1}"):
            h = np.tanh(u @ rng.standard_normal(2) + w @ h + b)
    cost = np.sum(h**2)
    cost.name = "C"
    return cost


def test_the_numbers_0_1_and_2_are_written_into_the_operation_that_uses_them():
    x = Tensor(3.0, name="x")
    drawing = draw((1 - x) ** 2 / 2 + np.maximum(x, 0) * np.float64(-1.0))
    assert {"1 −", "^2", "÷ 2", "maximum(·, 0)", "× -1"} <= set(names_of_operations(drawing))
    assert 'fillcolor="#eeeeee"' not in drawing.source  # no box of a constant
    assert "#eeeeee" in draw(x * 3).source
    one = np.float64(1.0)
    assert boxes(draw(x * one, y=one))["y"] == ["y", "1"]  # not where it has a name


def test_identities_of_transforms_are_not_drawn():
    x = Tensor(0.5, name="x")
    drawing = draw(grad(grad(np.tanh))(x))
    assert "identity" not in " ".join(names_of_operations(drawing))
    assert ("v0", "op1") in edges(drawing) and names_of_operations(drawing)[0] == "tanh"


def test_an_index_is_written_in_brackets_and_a_transpose_into_the_product():
    w, x = Tensor(np.ones((2, 3)), name="w"), np.ones((4, 3))
    drawing = draw(np.sum((x @ w.T)[:, None, 0:2] ** 3), backward=True)
    assert {"· @ ·ᵀ", "[:, None, 0:2]", "scatter\\n[:, None, 0:2]"} <= set(names_of_operations(drawing))


def test_a_transposed_array_of_a_gradient_is_the_array():
    w, x = Tensor(np.ones((3, 2)), name="w"), np.arange(12.0).reshape(4, 3)
    drawing = draw(np.sum((x @ w) ** 2), backward=True, x=x)
    assert "·ᵀ @ ·" in names_of_operations(drawing)
    assert len(re.findall(r"fillcolor=\"#eeeeee\".*shape=box", drawing.source)) == 1


def test_the_layers_of_a_network_show_their_z_and_not_the_data():
    x, y = np.random.default_rng(0).standard_normal((5, 4)), np.eye(5, 2)
    cost = Network([4, 3, 2], rng=0).cost(x, y)
    cost.backward()
    drawing = draw(cost, x=x, y=y)
    assert {"z1", "a1", "z2", "a2", "x", "w1", "b1"} <= boxes(drawing).keys()
    inside = re.search(r"subgraph cluster_1 \{(.*?)\n\t\}", drawing.source, re.DOTALL)[1]
    assert "layer 1" in inside and "z1" in inside and "w1" in inside and 'label="x' not in inside
    assert boxes(drawing)["w1"][-1].startswith("grad ")  # what backward() left is still there
    assert boxes(drawing)["a1"][-1].startswith("grad ") and not boxes(drawing)["z1"][-1].startswith("grad ")
    assert "∂output/∂z1" in boxes(draw(cost, backward=True))


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_the_gradient_runs_back_below_the_values_or_beside_them(direction):
    """Every gradient is in the same column as its value (or in the same row), and all are on one side."""
    x, y = np.random.default_rng(0).standard_normal((5, 4)), np.eye(5, 2)
    for cost in (Network([4, 3, 2], rng=0).cost(x, y), loop(), layered(2)):
        drawing = draw(cost, backward=True, direction=direction, depth=0 if cost.name == "C" else None)
        where = places(drawing)
        ties = re.findall(r"^\t(\w+) -> (\w+) .*dotted", drawing.source, re.MULTILINE)
        assert len(ties) > 5
        along, across = (0, 1) if direction == "LR" else (1, 0)
        aligned = [abs(where[value][along] - where[gradient][along]) < 0.1 for value, gradient in ties]
        assert sum(aligned) > 0.7 * len(aligned)  # not where one gradient is that of several values
        sides = [where[value][across] > where[gradient][across] for value, gradient in ties]
        assert set(sides) == {direction == "LR"}


def test_a_loop_is_folded_by_step_and_so_is_its_gradient():
    drawing = draw(loop(), backward=True)
    found = set(texts(drawing))
    assert {f"step {t}" for t in range(1, 6)} | {f"gradient of step {t}" for t in range(1, 6)} <= found
    assert {"∂C/∂u", "∂C/∂w", "∂C/∂b"} <= found
    assert "parameter" not in " ".join(found)
    svg = ET.fromstring(drawing.pipe("svg", encoding="utf-8"))
    assert max(float(svg.get(side).removesuffix("pt")) for side in ("width", "height")) < 1500  # points
    steps = [re.search(rf'(fold\d+) \[label="gradient of step {t}\\', drawing.source)[1] for t in range(1, 6)]
    assert set(pairwise(steps)) <= set(edges(drawing))


def test_a_picture_that_is_too_wide_for_a_page_runs_down():
    short, long = Tensor(2.0, name="x"), Tensor(2.0, name="x")
    for _ in range(20):
        long = np.sin(long)
    assert "rankdir=LR" in draw(np.sin(short)).source
    assert "rankdir=TB" in draw(long).source
    assert "rankdir=LR" in draw(long, direction="LR").source
    assert "rankdir=TB" in draw(short, direction="TB").source
    with pytest.raises(ValueError, match='direction is "LR"'):
        draw(short, direction="RL")


def test_values_are_drawn_as_they_were_recorded():
    net = Network([2, 2, 1], rng=0)
    cost = net.cost(np.ones((1, 2)), np.ones((1, 1)))
    before = boxes(draw(cost))["a2"]
    net.weights[1].data = np.zeros((1, 2))
    assert boxes(draw(cost))["a2"] == before
    with pytest.raises(RuntimeError, match="w2"):
        draw(cost, backward=True)


@pytest.mark.parametrize(
    "name",
    [
        '"quoted"',
        "back\\slash \\n \\N",
        "<b>bold</b>",
        "a & b",
        "σ'(z¹) 日本",
        '"]; evil [label="',
        "<",
        "",
        "{a|b}",
        "%",
        "-->",
        "\x00\x1b[31m",
        "two\nlines",
        "\ud800",
    ],
)
def test_names_come_out_right_and_inject_nothing(name):
    y = Tensor(2.0, name=name) * 3.0
    drawing = draw(y)
    assert len(edges(drawing)) == 3 and len(Graph(y)) == 3
    written = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)  # \x00 has no place in a picture
    if name:
        assert written in texts(drawing)
    with scope(name):
        inside = Tensor(2.0) * 1.0
    if name:
        assert written in texts(draw(inside)) and written in texts(draw(inside, depth=0))


def test_long_names_are_cut():
    x = Tensor(2.0, name="w" * 10_000)
    with scope("s" * 10_000):
        y = x * 1.0
    for drawing in (draw(y), draw(y, depth=0), draw(y, backward=True)):
        assert max(map(len, texts(drawing))) < 200 and len(drawing.source) < 5_000
    shared = sum(Tensor(1.0, name=f"x{i}") for i in range(40))  # one gradient for them all
    assert max(map(len, texts(draw(shared, backward=True)))) < 200


def test_the_nodes_nearest_the_output_are_shown_of_a_graph_that_is_too_large():
    """Of the values, and of their gradients: each of those is tied to its value."""
    x = Tensor(1.0, name="x")
    y = x
    for _ in range(5000):
        y = np.sin(y)
    y.name = "y"
    drawing = draw(y, backward=True)
    assert {"y", "∂y/∂y", "earlier values", "their gradients", "1 parameter (1 number)"} <= set(texts(drawing))
    assert "x" not in texts(drawing)
    boxes = re.findall(r"^\t*v\d+ \[", drawing.source, re.MULTILINE)
    assert 100 < len(boxes) <= 150
    counts = [int(text.split()[0].replace(",", "")) for text in texts(drawing) if text.endswith("operations")]
    operations = re.findall(r"^\t*op\d+ \[", drawing.source, re.MULTILINE)
    assert sum(counts) + len(operations) == 5000 + 2 * 5000  # the sines, and a cosine and a product for each
    everything = draw(y, limit=100_000).source
    assert 'label="x\\n1"' in everything and "earlier values" not in everything


def test_masks_are_drawn_as_what_they_are_computed_from():
    x = Tensor([1.0, -2.0], name="x")
    drawing = draw(relu(x), backward=True, seed=[1.0, 1.0])
    assert {"> 0", "(2,) bool", "[True, False]"} <= set(texts(drawing))
    assert re.search(r"bool.*rounded,filled,dashed", drawing.source)
    many = relu(Tensor(np.arange(9.0) - 2))
    assert "6 of 9 true" in texts(draw(many, backward=True, seed=np.ones(9)))


def test_it_renders_to_files_and_shows_itself_in_a_notebook(tmp_path):
    drawing = draw(Tensor(2.0) * 3.0)
    with Image.open(BytesIO(drawing.pipe("png"))) as picture:
        assert picture.width > 100
    path = drawing.render(outfile=tmp_path / "graph.png")
    assert path == str(tmp_path / "graph.png")
    with Image.open(path) as picture:
        assert picture.format == "PNG"
    assert "<svg" in drawing._repr_mimebundle_()["image/svg+xml"]
    assert drawing.render("picture", directory=tmp_path, format="svg") == str(tmp_path / "picture.svg")
    assert (tmp_path / "picture").read_text() == drawing.source


def test_without_graphviz_the_error_says_how_to_get_it(tmp_path):
    """In a process whose PATH has no dot and which has no pygraphviz."""
    program = (
        "import sys; sys.modules['pygraphviz'] = None\n"
        "from autograd import Tensor, draw\n"
        "drawing = draw(Tensor(2.0) * 3.0)\n"
        "assert '->' in drawing.source\n"
        "try: drawing.pipe('svg')\n"
        "except RuntimeError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PATH": str(tmp_path)}
    )
    assert (
        "pip install 'handgrad[draw]'" in run.stdout and "pip install '.[draw]'" in run.stdout and "dot" in run.stdout
    )


def test_the_engine_works_without_the_package_graphviz():
    """It is imported when something is drawn, and then said to be missing."""
    program = (
        "import sys; sys.modules['graphviz'] = None\n"
        "from autograd import Tensor, draw, explain\n"
        "y = Tensor(2.0, name='x') * 3.0\n"
        "y.backward(); print(explain(y))\n"
        "try: draw(y)\n"
        "except RuntimeError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install graphviz" in run.stdout and "pip install '.[draw]'" in run.stdout


def test_the_program_dot_is_used_where_there_is_one(tmp_path, monkeypatch):
    """A program of that name on the PATH gets the DOT text."""
    dot = tmp_path / "dot"
    dot.write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.read()\nprint('drawn by dot', *sys.argv[1:])\n")
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("dot")
    assert "drawn by dot" in draw(Tensor(2.0) * 3.0).pipe("svg", encoding="utf-8")


def test_only_a_tensor_can_be_drawn():
    with pytest.raises(TypeError, match="draw takes a Tensor"):
        draw(np.ones(3))


def test_a_leaf_and_a_constant_can_be_drawn():
    assert "x" in texts(draw(Tensor(2.0, name="x")))
    assert isinstance(draw(Tensor(2.0).detach()), Drawing)


def test_arrays_can_be_given_names():
    w, x, y = Tensor([1.0, 2.0], name="w"), np.array([3.0, 4.0]), np.array([5.0, 6.0])
    cost = np.sum((w * x - y) ** 2)
    assert [label for label in ("targets", "inputs") if label in draw(cost).source] == []
    text = draw(cost, inputs=x, targets=y).source
    assert "inputs\\n(2,) float64" in text
    assert "targets\\n(2,) float64" in text
    with pytest.raises(ValueError, match="z is not one of the arrays"):
        draw(cost, z=np.array([3.0, 4.0]))


def test_a_notebook_shows_a_picture_no_wider_than_its_cell_with_ids_of_its_own_and_a_text():
    drawing = draw(Tensor(3.0, name="x") * 2)
    first, second = drawing._repr_mimebundle_(), drawing._repr_mimebundle_()
    ids = [set(re.findall(r'\bid="([^"]*)"', shown["image/svg+xml"])) for shown in (first, second)]
    assert ids[0] and ids[1] and not ids[0] & ids[1]
    assert re.search(r'<svg style="max-width: 100%; height: auto" width="\d+pt"', first["image/svg+xml"])
    wide = draw(Network([4, 3, 2], rng=0).cost(np.ones((5, 4)), np.ones((5, 2))), direction="LR")
    shown = wide._repr_mimebundle_()["image/svg+xml"]  # where an image has its own width, a percentage is of the cell's
    assert re.search(r'<svg width="100%" style="max-width: \d{3,4}pt"\s+viewBox', shown)
    assert first["text/plain"] == repr(drawing)  # for a notebook that is not trusted, which hides SVG


def test_a_notebook_without_a_renderer_shows_the_text(monkeypatch):
    w = Tensor(2.0, name="w")
    drawing = draw(w * w)

    def missing(*args, **kwargs):
        raise RuntimeError("there is no dot")

    monkeypatch.setattr(drawing, "pipe", missing)
    assert drawing._repr_mimebundle_() == {"text/plain": drawing.source}
