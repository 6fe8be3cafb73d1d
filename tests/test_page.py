"""A recorded graph as a page: what is in the file, and what a real browser makes of it."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import Opened, axe
from conftest import ROWS
from foreign import NODE, run_javascript, there
from test_source import a_number

import nn
from autograd import Op, Tensor, page, scope, sigmoid, source
from autograd.readings.page.where import Places
from autograd.readings.page.write import HERE, Data
from autograd.readings.source import is_long
from autograd.readings.trace import Trace
from autograd.tensor import plain

RNG = np.random.default_rng(5)
WEIGHTS = [RNG.normal(size=shape) for shape in ((3, 4), (3,), (2, 3), (2,))]
X, Y = RNG.normal(size=(5, 4)), RNG.random((5, 2))


def neuron(w, b, x, y):
    z = w * x + b
    a = sigmoid(z)
    return (a - y) ** 2 / 2


def twice(w, x):
    return np.sin(w) * x + w * w


def network(w1, b1, w2, b2, x, y):
    a1 = sigmoid(x @ w1.T + b1)
    a2 = sigmoid(a1 @ w2.T + b2)
    return np.mean(np.sum((a2 - y) ** 2, axis=1)) / 2


def contents(path):
    """The data that a page carries."""
    text = path.read_text("utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


@pytest.fixture
def opened(browser, tmp_path):
    """Write a page and open it; in the end, nothing may have been asked for, and nothing have gone wrong."""
    pages = []

    def write_and_open(f, *args, **settings):
        path = page(f, *args, path=tmp_path / f"{len(pages)}.html")
        pages.append(Opened(browser, path, **settings))
        return pages[-1]

    yield write_and_open
    for one in pages:
        assert set(one.requests) == {one.address}
        assert one.errors == []
        one.context.close()


# The file.


def test_the_page_is_one_file_with_everything_in_it(tmp_path):
    path = page(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0, path=tmp_path / "neuron.html")
    text = path.read_text("utf-8")
    assert path == tmp_path / "neuron.html" and [each.name for each in tmp_path.iterdir()] == ["neuron.html"]
    assert not re.search(r"(src|href)=\"(?!data:)|url\(|@import|import\(|<link rel=\"stylesheet", text)
    assert "{{" not in text.replace("${{", "")


def test_the_player_is_the_same_in_every_page(tmp_path):
    player = (HERE / "player.js").read_text("utf-8")
    assert player in page(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0, path=tmp_path / "a.html").read_text("utf-8")
    assert player in page(twice, Tensor(0.6), 2.0, path=tmp_path / "b.html").read_text("utf-8")


def test_there_is_a_step_for_each_value_and_for_each_use(tmp_path):
    found = contents(page(twice, Tensor(0.6), 2.0, path=tmp_path / "twice.html"))
    names = {node["id"]: node["name"] for node in found["nodes"]}
    texts = [(names[step["node"]], step["text"]) for step in found["steps"]]
    assert texts == [
        ("u₁", "sin(w)"), ("u₂", "u₁ · x"), ("u₃", "w²"), ("twice", "u₂ + u₃"),
        ("twice", "∂twice/∂twice"), ("twice", "∂twice/∂twice"), ("u₃", "∂twice/∂u₃ · w"), ("u₃", "∂twice/∂u₃ · w"),
        ("u₂", "∂twice/∂u₂ · x"), ("u₁", "∂twice/∂u₁ · cos(w)"),
    ]  # fmt: skip


def test_a_value_knows_its_equation_its_line_of_numpy_and_its_line_of_python(tmp_path):
    found = contents(page(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0, path=tmp_path / "neuron.html"))
    z = next(node for node in found["nodes"] if node["name"] == "z")
    program, source = found["programs"]["NumPy"].splitlines(), found["sources"][z["source"][0]]["text"]
    assert source[z["source"][1]].strip() == "z = w * x + b"
    assert program[z["line"]].strip() == "t1 = 1 / (1 + np.exp(-(w * x + b)))"
    assert program[z["gradient"]["line"]].strip() == "db = t2 * t1 * (1 - t1)"
    texts = ["".join(ElementTree.fromstring(f"<m>{each['math']}</m>").itertext()) for each in found["equations"]]
    assert texts[z["equation"]] == "z=w·x + b" and texts[z["gradient"]["equation"]].startswith("δ=∂neuron∂z=")


def test_every_step_points_at_an_equation_and_at_a_line(tmp_path):
    found = contents(page(network, *map(Tensor, WEIGHTS), X, Y, path=tmp_path / "network.html"))
    for node in found["nodes"]:
        if node["inputs"]:
            assert node["equation"] is not None and node["line"] is not None and node["source"] is not None, node[
                "name"
            ]
        if "gradient" in node:
            assert node["gradient"]["equation"] is not None and node["gradient"]["line"] is not None, node["name"]


def test_the_line_is_that_of_the_function_which_is_called(tmp_path):
    def inner(x):
        return np.exp(x)

    def outer(x):
        y = inner(x) + inner(2 * x)
        return y * y

    found = contents(page(outer, Tensor(0.1), path=tmp_path / "outer.html"))

    def line(node):
        block, number = node["source"]
        return found["sources"][block]["text"][number].strip()

    computed = [node for node in found["nodes"] if node["inputs"]]
    lines = [line(node) for node in computed]
    assert lines == ["return np.exp(x)", "y = inner(x) + inner(2 * x)", "return np.exp(x)",
                     "y = inner(x) + inner(2 * x)", "return y * y"]  # fmt: skip


def test_a_layer_that_is_taken_apart_has_the_line_that_called_it(tmp_path):
    net = nn.Network([4, 3, 2])

    def cost(x, y):
        return net.cost(x, y)

    found = contents(page(cost, X, Y, path=tmp_path / "network.html"))
    assert [source["name"] for source in found["sources"]] == ["quadratic", "__call__"]
    lines = {node["title"].split(" =")[0]: node["source"] for node in found["nodes"]}
    assert lines["z¹"] == lines["a¹"] is not None and lines["cost"][0] == 0


def test_a_page_says_why_it_has_no_lines_of_python(opened):
    names = {"np": np}
    exec("def typed(x):\n    return np.sum(np.tanh(x))", names)  # in no file, as at the prompt
    assert "is in no file" in opened(names["typed"], Tensor([0.5, 2.0])).tab.locator("main").inner_text()
    x = Tensor(0.5, name="x")
    assert "Give page the function" in opened(np.tanh(x)).tab.locator("main").inner_text()


def test_what_cannot_be_a_page_is_refused(tmp_path):
    with pytest.raises(ValueError, match="single number"):
        page(np.exp, Tensor([1.0, 2.0]), path=tmp_path / "no.html")
    with pytest.raises(TypeError, match="takes a function"):
        page(3.0, path=tmp_path / "no.html")
    with pytest.raises(TypeError, match="a function has its arguments"):
        page(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0, path=tmp_path / "no.html", x=np.ones(2))
    assert list(tmp_path.iterdir()) == []


def test_an_array_may_be_called_f_and_a_folder_that_is_missing_is_named(tmp_path):
    f = np.array([1.0, 2.0])
    cost = np.sum(f * Tensor(3.0, name="w"))
    names = [node["name"] for node in contents(page(cost, f=f, path=tmp_path / "f.html"))["nodes"]]
    assert "f" in names and "w" in names
    with pytest.raises(FileNotFoundError) as caught:
        page(cost, path=tmp_path / "none" / "a.html")
    assert caught.value.filename == str(tmp_path / "none" / "a.html")


# In a browser.


def test_a_page_asks_for_nothing(opened):
    assert (
        opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0).run("() => document.title")
        == "Backpropagation through neuron"
    )


def test_what_is_not_reached_is_a_dash(opened):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0)
    boxes = "() => Object.fromEntries([...document.querySelectorAll('.box')].map(x => [x.id, x.ariaLabel]))"
    start = found.run(boxes)
    assert start["v0"] == "w, value 0.6, gradient –" and start["v4"] == "z = u₁ + b, value –, gradient –"
    found.keys("ArrowRight", "ArrowRight")
    assert found.run(boxes)["v4"] == "z = u₁ + b, value 1.5, gradient –"
    found.keys("End")
    assert "–" not in "".join(found.run(boxes).values())


@pytest.mark.parametrize("f", [neuron, network])
def test_as_many_steps_forth_as_back_are_the_same_state(opened, f):
    args = (Tensor(0.6), Tensor(0.9), 1.0, 0.0) if f is neuron else (*map(Tensor, WEIGHTS), X, Y)
    found = opened(f, *args)
    found.run("() => { document.getElementById('table').open = true; }")
    last = found.run("() => backprop.last")
    seen = [found.seen()]
    for _ in range(last):
        found.keys("ArrowRight")
        seen.append(found.seen())
    for before in reversed(seen[:-1]):
        found.keys("ArrowLeft")
        assert found.seen() == before
    assert len({json.dumps(each) for each in seen}) == last + 1  # and every step shows something new


def test_the_lines_around_the_lit_one_are_the_same_forth_and_back(opened):
    found = opened(deep, Tensor(0.7), Tensor(0.3), False)
    found.keys("End")
    last = found.step()
    seen = {last: found.seen()}
    for k in range(last - 3, 0, -3):
        found.run("k => backprop.go(k)", k)
        seen[k] = found.seen()
    for k in sorted(seen):
        found.run("k => backprop.go(k)", k)
        assert found.seen() == seen[k]
    # A line that is clicked stays where it is, though others come to stand around it.
    found.keys("Home")
    line = found.tab.locator("#program > [role=option]").nth(29)
    line.scroll_into_view_if_needed()
    before = line.bounding_box()["y"], line.inner_text()
    line.click()
    lit = found.tab.locator("#program > .here")
    assert (pytest.approx(lit.bounding_box()["y"], abs=30), lit.inner_text()) == before


def test_the_end_shows_the_gradients_of_backward(opened):
    tensors = [*map(Tensor, WEIGHTS)]
    found = opened(network, *tensors, X, Y)
    found.keys("End")
    network(*tensors, X, Y).backward()
    for name, x in zip(("w1", "b1", "w2", "b2"), tensors, strict=True):
        np.testing.assert_allclose(found.gradient(name), x.grad.ravel(), rtol=1e-12, atol=1e-15)


def test_each_use_arrives_by_itself(opened):
    found = opened(twice, Tensor(0.6), 2.0)
    came = []
    for _ in range(found.run("() => backprop.last")):
        found.keys("ArrowRight")
        came.append(found.gradient("w"))
    arrived = [g for before, g in zip([None, *came], came) if g != before]
    assert arrived == pytest.approx([0.6, 1.2, 1.2 + 2 * np.cos(0.6)], rel=1e-12)
    assert "+=" in found.tab.inner_text("#step") and "3rd of 3 uses of w" in found.tab.inner_text("#step")


def test_a_number_in_place_of_a_symbol_does_not_run_into_the_number_before_it(opened):
    found = opened(lambda a: 2 * a / 3, Tensor(0.7))
    in_numbers = "() => document.querySelectorAll('#step .equation')[1].textContent.replace(/ /g, '')"
    found.keys("ArrowRight")
    assert found.run(in_numbers) == "u1=2·0.7=1.4"
    found.keys("ArrowRight")
    assert found.run(in_numbers) == "C=13·1.4=0.4667"  # a third of it


def test_a_graph_that_is_there_already_is_a_page_too(browser, tmp_path):
    w = Tensor(WEIGHTS[0], name="w")
    cost = np.sum(np.tanh(X @ w.T) ** 2)
    found = Opened(browser, page(cost, x=X, path=tmp_path / "cost.html"))
    found.keys("End")
    cost.backward()
    np.testing.assert_allclose(found.gradient("w"), w.grad.ravel(), rtol=1e-12)
    assert "to see here the line" in found.tab.inner_text("main") and found.errors == []
    found.context.close()


def test_what_has_no_javascript_is_stepped_through_as_it_was_recorded(opened):
    a = Tensor([[3.0, 1.0], [1.0, 2.0]])
    found = opened(lambda a: np.linalg.det(a) + np.sum(a), a)
    assert "there is no JavaScript of this graph" in found.tab.inner_text("#leaves")
    found.keys("End")
    np.testing.assert_allclose(found.gradient("a"), [3.0, 0.0, 0.0, 4.0], atol=1e-12)


NAMES = ["</script><script>window.stolen = 1</script>", '"><img src=x onerror="window.stolen = 1">', "{{player}}",
         "\\frac{a}{$b$}", "<!--", "&lt;", "a" * 10_000, "𝑥 µ \u2028 \u0000 \ud800"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_are_text_whatever_is_in_them(browser, tmp_path, name):
    x = Tensor(0.6, name=name)
    with scope(name):
        y = x * x + 2
    y.name = name
    found = Opened(browser, page(y * x, path=tmp_path / "names.html"))
    found.keys("End")
    assert found.run("() => window.stolen") is None and found.errors == [] and found.requests == [found.address]
    assert found.run("() => document.scripts.length") == 3
    assert found.run("() => document.documentElement.scrollWidth <= innerWidth")
    found.context.close()


def test_everything_can_be_done_from_the_keyboard(opened):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0)
    seen = []
    for _ in range(40):
        found.keys("Tab")
        seen.append(found.run("() => document.activeElement.id || document.activeElement.getAttribute('aria-label')"))
    assert {
        "next",
        "last",
        "graph",
        "equations",
        "program",
        "source",
        "w",
        "w as a number",
        "rate",
        "descend",
        "run",
    } <= set(seen)
    assert seen.index("equations") - seen.index("graph") > 1 and not any(name.startswith("v") for name in seen if name)
    found.tab.focus("#graph")
    found.keys("End", "ArrowUp")
    chosen = found.run(
        "() => document.getElementById(graph.getAttribute('aria-activedescendant')).getAttribute('aria-label')"
    )
    assert "gradient" in chosen
    found.keys("Enter")
    assert found.step() > 0


def test_only_what_can_be_used_is_a_tab_stop(opened):
    found = opened(network, *map(Tensor, WEIGHTS), X, Y)
    found.keys("End")
    stops = []
    for _ in range(45):
        found.keys("Tab")
        stops.append(found.run("() => document.activeElement.tagName + document.activeElement.id"))
    assert "SPAN" not in stops and "DIVstep" not in stops and "P" not in stops and "DIVheat-g" in stops


def test_a_list_of_lines_of_which_none_can_be_chosen_is_no_listbox(opened):
    found = opened(lambda *w: np.tanh(sum(w)), *(Tensor(i / 100) for i in range(500)), bypass_csp=True)
    assert found.run("() => document.getElementById('program').role") == "group"
    assert axe(found) == []
    found.keys("End")
    assert found.run("() => document.getElementById('program').role") == "listbox"


@pytest.mark.parametrize("panel", ["graph", "equations", "program", "source"])
def test_each_of_the_four_lights_the_others(opened, panel):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0)
    at = {
        "graph": "#v5",
        "equations": "#equations-1",
        "program": "#program > div:has-text('t1 = 1 / (1') >> nth=0",
        "source": "#source > div:has-text('a = sigmoid(z)')",
    }[panel]
    found.tab.click(at)
    lit = found.run("() => [...document.querySelectorAll('.list > .here')].map(x => x.textContent.trim())")
    assert lit == ["a=σ(z)", "t1 = 1 / (1 + np.exp(-(w * x + b)))", "a = sigmoid(z)"]
    assert found.run("() => document.querySelector('.box[aria-selected=true]').id") == "v5"
    assert found.step() == 0


def test_every_step_is_said_aloud(opened):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0)
    found.keys("ArrowRight", "ArrowRight")
    said = "() => { const x = document.querySelector('[aria-live=polite]'); return [x.role, x.textContent]; }"
    assert found.run(said) == ["status", "Step 2 of 14. Forward: z is computed. z = u₁ + b = 1.5"]


def test_the_table_says_what_the_graph_shows(opened):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0)
    found.keys("End")
    found.tab.click("#table summary")
    found.tab.wait_for_selector("#table tbody tr")  # it is filled when it has opened
    rows = found.run(
        "() => [...document.querySelectorAll('#table tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
    )
    assert rows[0] == ["w", "given", "number", "0.6", "0.1219"]
    assert rows[4] == ["z", "u₁ + b", "number", "1.5", "0.1219"]
    assert len(rows) == 10


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("key", ["Home", "ArrowRight", "End"])
def test_contrast_and_roles_are_right(opened, scheme, key):
    found = opened(network, *map(Tensor, WEIGHTS), X, Y, color_scheme=scheme, bypass_csp=True)
    found.keys(key)
    found.run("() => { document.getElementById('table').open = true; }")
    assert axe(found) == []


def test_on_a_phone_nothing_is_wider_than_the_screen(opened):
    found = opened(network, *map(Tensor, WEIGHTS), X, Y)
    found.tab.set_viewport_size({"width": 390, "height": 800})
    found.tab.reload()
    for key in ("Home", "ArrowRight", "End"):
        found.keys(key)
        assert found.run("() => document.documentElement.scrollWidth") == 390
    found.requests = found.requests[:1]


def test_a_wide_graph_can_be_fitted_in(opened):
    found = opened(network, *map(Tensor, WEIGHTS), X, Y)
    wider = "() => document.querySelector('#graph svg').clientWidth > document.getElementById('graph').clientWidth"
    assert found.run(wider)
    found.tab.click("#whole")
    assert not found.run(wider)


@pytest.mark.parametrize(("motion", "name"), [("no-preference", "flow"), ("reduce", "none")])
def test_nothing_moves_for_who_wants_less_motion(opened, motion, name):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0, reduced_motion=motion)
    found.keys("End")
    moving = "() => getComputedStyle(document.querySelector('#graph .edge.here')).animationName"
    assert found.run(moving) == name


# Live.


def test_everything_follows_a_leaf_at_200_settings(opened):
    found = opened(network, *map(Tensor, WEIGHTS), X, Y)
    found.keys("End")
    rng, arrays = np.random.default_rng(1), [x.copy() for x in WEIGHTS]
    names = ("w1", "b1", "w2", "b2")
    for _ in range(200):
        i = int(rng.integers(4))
        at, x = int(rng.integers(arrays[i].size)), float(rng.normal())
        arrays[i].flat[at] = x
        found.run("([name, x, at]) => backprop.set(name, x, at)", [names[i], x, at])
        tensors = list(map(Tensor, arrays))
        cost = network(*tensors, X, Y)
        cost.backward()
        assert found.value("network") == pytest.approx(cost.item(), rel=1e-12)
        for name, tensor in zip(names, tensors, strict=True):
            np.testing.assert_allclose(found.gradient(name), tensor.grad.ravel(), rtol=1e-11, atol=1e-15)


def test_a_slider_moves_the_numbers_of_the_step_and_leaves_the_step(opened):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0)
    found.keys("ArrowRight", "ArrowRight")
    found.tab.get_by_label("w as a number").fill("2.5")
    assert found.step() == 2 and found.value("z") == 2.5 + 0.9
    assert "2.5+0.9=3.4" in re.sub(r"\s", "", found.tab.inner_text("#step"))
    found.tab.get_by_role("slider", name="w", exact=True).focus()
    found.keys("ArrowRight")
    assert found.step() == 2 and found.value("z") > 3.4


def test_a_step_of_descent_is_that_of_numpy(opened):
    tensors = [*map(Tensor, WEIGHTS)]
    found = opened(network, *tensors, X, Y)
    found.tab.fill("#rate", "0.5")
    for _ in range(3):
        found.tab.click("#descend")
        for t in tensors:
            t.grad = None
        network(*tensors, X, Y).backward()
        for t in tensors:
            t.data -= 0.5 * t.grad
    for name, tensor in zip(("w1", "b1", "w2", "b2"), tensors, strict=True):
        np.testing.assert_allclose(found.value(name), tensor.data.ravel(), rtol=1e-11)
    assert "after 3 steps" in found.tab.inner_text("#descended")
    assert len(found.run("() => document.querySelector('.plot polyline').getAttribute('points')").split()) == 4
    found.tab.click("#reset")
    np.testing.assert_array_equal(found.value("w1"), WEIGHTS[0].ravel())


def test_descent_runs_until_it_is_stopped(opened):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0)
    before = found.value("w")
    found.tab.click("#run")
    found.tab.wait_for_function("before => backprop.value('w') < before - 0.05", arg=before)
    found.tab.click("#run")
    stopped = found.value("w")
    found.tab.wait_for_timeout(300)
    assert found.value("w") == stopped


def test_a_badge_says_whether_finite_differences_agree(opened):
    found = opened(lambda a, b: np.maximum(a, 0.0) * b + np.abs(b) * np.sin(40 * a), Tensor(0.0), Tensor(-2.0))
    badges = "() => [...document.querySelectorAll('.badge')].map(x => x.textContent)"
    kink, smooth = found.run(badges)
    assert kink.startswith("kink: slope 80 on the left, 78 on the right") and smooth.startswith("✓")
    found.run("() => backprop.set('a', 0.1)")
    assert found.run(badges)[0].startswith("✓")


@pytest.mark.parametrize(
    ("f", "at"),
    [
        (lambda a: np.log(a), 1e-7), (lambda a: np.sqrt(a), 1e-9), (lambda a: np.log(a), 1e-5),
        (lambda a: np.tanh(1e7 * a), 0.0), (lambda a: np.maximum(a, 0) ** 2, 0.0), (lambda a: a * 0.5, 1.5e308),
        (lambda a: 1 + a**2, 1e-3),
    ],
)  # fmt: skip
def test_a_badge_takes_a_step_that_is_short_enough(opened, f, at):
    assert opened(f, Tensor(at)).run("() => document.querySelector('.badge').textContent").startswith("✓")


def test_a_gradient_that_is_a_little_wrong_is_neither_a_kink_nor_right(opened):
    wrong = Op(lambda x: 1 + x**2, "1 + x ** 2", lambda g, y, x: g * 2.001 * x, name="wrong")
    for at in (1e-3, 1.0, 1e4):
        found = opened(lambda x: wrong(x) + 1, Tensor(at))
        assert found.run("() => document.querySelector('.badge').textContent").startswith("✗")


@pytest.mark.parametrize(
    ("f", "at", "said"),
    [
        (lambda a: np.log(a), -1.0, "here"), (lambda a: 2 * a, np.nan, "here"), (lambda a: np.exp(-a), np.inf, "here"),
        (lambda a: np.sqrt(a), 0.0, "on the left"), (lambda a: np.exp(a) * 2, 800.0, "here"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_result_that_is_no_number_is_said_to_be_none(opened, f, at, said):
    found = opened(f, Tensor(at))
    badge = "() => document.querySelector('.badge').textContent"
    assert found.run(badge) == f"no finite difference: the result is no number {said}"
    for _ in range(3):
        found.tab.click("#descend")
    found.tab.get_by_label("a as a number").fill("0.5")
    found.tab.get_by_label("a as a number").blur()
    assert found.value("a") == 0.5 and found.run(badge).startswith("✓")


@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_badge_of_single_precision_knows_how_coarse_it_is(opened, shape):
    w = Tensor(np.full(shape, 0.7, np.float32))
    found = opened(lambda w: np.sum(np.tanh(w) * w), w)
    assert found.run("() => document.querySelector('.badge').textContent").startswith("✓")


def test_every_leaf_can_be_moved_where_there_are_many(opened):
    leaves = [Tensor(i / 100) for i in range(50)]
    found = opened(lambda *w: np.tanh(sum(w)), *leaves)
    fields = found.tab.locator("#fields .field")
    assert fields.count() == 40 and "and 10 more" in found.tab.inner_text("#fields")
    found.tab.click("#table summary")
    given = found.tab.locator("#table tbody tr", has_text="given")
    given.first.click()
    assert fields.count() == 40
    given.last.click()
    assert fields.count() == 41 and fields.first.locator(".badge").text_content().startswith("✓")
    fields.first.locator("input[type=number]").fill("-10.5")
    assert found.tab.text_content("#descended") == f"C = {np.tanh(12.25 - 0.49 - 10.5):.6g}"
    found.keys("Tab")
    found.run("() => backprop.go(1)")
    assert fields.count() == 40


def test_a_whole_number_stays_one(opened):
    found = opened(lambda w, i: np.sum(np.take(w, i)), Tensor([1.0, 2.0, 4.0]), np.array([0, 2, 2]))
    found.keys("End")
    found.run("() => backprop.set('i', 1.3, 2)")
    assert found.gradient("w") == [1.0, 1.0, 1.0]


def test_an_array_without_elements_has_nothing_to_move(opened):
    page = opened(lambda x, a: np.sum(x) + a**2, Tensor(np.zeros((2, 0)), name="x"), Tensor(3.0, name="a"))
    page.keys("End")
    assert page.tab.locator("#fields .field").count() == 1
    assert page.gradient("x") == [] and page.gradient("a") == 6
    assert page.errors == []


def test_a_gradient_that_is_wrong_is_called_so(opened):
    wrong = Op(lambda x: x**2, "x ** 2", lambda g, y, x: g * 3 * x, name="wrong")
    found = opened(lambda x: wrong(x) + 1, Tensor(2.0))
    assert found.run("() => document.querySelector('.badge').textContent") == "✗ finite difference 4"


def test_the_address_has_the_state(opened):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0)
    found.run("() => { backprop.go(7); backprop.set('w', 1.25); }")
    found.tab.click("#v4")
    found.tab.wait_for_function("() => /step=7.*at=g4.*=1.25/.test(location.hash)")
    seen = found.seen()
    address = found.run("() => location.href")
    tab = found.context.new_page()
    tab.goto(address)
    assert tab.evaluate("() => [backprop.step, backprop.value('w')]") == [7, 1.25]
    found.tab = tab
    assert found.seen() == seen


@pytest.mark.parametrize(
    "address", ["#step=1e9&at=v999&open=77&x0=abc", "#step=-3&x0=NaN&at=q1", "#%%%", "#step=2&x0=1:2"]
)
def test_an_address_that_makes_no_sense_does_no_harm(opened, address):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0)
    found.run("address => { location.hash = address; }", address)
    found.tab.wait_for_timeout(100)
    assert 0 <= found.step() <= 14 and found.run("() => document.querySelectorAll('.box').length") == 10
    found.requests = found.requests[:1]


@pytest.mark.parametrize("language", ["NumPy", "C", "JavaScript"])
def test_programs_can_be_copied(opened, language):
    found = opened(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0, permissions=["clipboard-read", "clipboard-write"])
    found.tab.click(f"[data-copies={language}]")
    copied = found.run("() => navigator.clipboard.readText()")
    name = {"NumPy": "numpy", "C": "c", "JavaScript": "javascript"}[language]
    assert copied.strip() == str(source(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0, language=name)).strip()


# Large graphs, and arrays.


def deep(w, h, scoped):
    for layer in range(12):
        with scope(f"layer {layer}" if scoped else "all"):
            for _ in range(8):
                h = np.tanh(h * w + 0.1)
    return h


@pytest.mark.parametrize("scoped", [True, False])
def test_a_large_graph_opens_folded_and_unfolds(opened, scoped):
    found = opened(deep, Tensor(0.7), Tensor(0.3), scoped)
    shown = "() => [...document.querySelectorAll('#graph .box')].map(x => x.id)"
    first = found.run(shown)
    assert 1 < len(first) <= 40 and [name for name in first if name.startswith("f")]
    folded = next(name for name in first if name.startswith("f"))
    title = found.run("id => document.querySelector(`#${id} .title`).textContent", folded)
    assert ("layer 0" if scoped else "to") in title
    found.tab.click(f"#graph #{folded}")
    inside = found.run(shown)
    assert folded not in inside and [name for name in inside if name.startswith("v") and name not in first]
    found.tab.click(f"#crumbs button >> nth={0 if scoped else 1}")
    assert found.run(shown) == first
    found.keys("End")
    assert found.run("() => [...document.querySelectorAll('#graph .edge.backward')].length") > 0
    w = Tensor(0.7)
    deep(w, Tensor(0.3), scoped).backward()
    assert found.gradient("w") == pytest.approx(float(w.grad), rel=1e-12)


def test_arrows_go_from_box_to_box(opened):
    found = opened(network, *map(Tensor, WEIGHTS), X, Y)
    (picture,) = contents(found.path)["pictures"]
    ends = found.run(
        "() => [...document.querySelectorAll('#graph .edge')].map(x => [0, x.getTotalLength()].map("
        "at => { const p = x.getPointAtLength(at); return [p.x, p.y]; }))"
    )
    tips = (
        "() => [...document.querySelectorAll('#graph .edge + path')].map(x => x.getAttribute('d').match(/-?[\\d.]+/g))"
    )
    forth = [list(map(float, tip[:2])) for tip in found.run(tips)]
    found.keys("End")
    back = [list(map(float, tip[:2])) for tip in found.run(tips)]
    for (used, user, _), (start, end), ahead, behind in zip(picture["edges"], ends, forth, back, strict=True):
        for name, place in ((used, start), (user, end)):
            x, y, width, height = picture["boxes"][name]
            assert abs(place[0] - x) <= width / 2 + 2 and abs(place[1] - y) <= height / 2 + 2
        assert ahead == pytest.approx(end) and (behind == pytest.approx(start) or behind == pytest.approx(end))


def test_a_large_page_spends_few_bytes_on_a_value(tmp_path):
    small = page(neuron, Tensor(0.6), Tensor(0.9), 1.0, 0.0, path=tmp_path / "small.html").stat().st_size
    large = page(deep, Tensor(0.7), Tensor(0.3), False, path=tmp_path / "large.html")
    values = len(contents(large)["nodes"])
    assert (large.stat().st_size - small) / values < 1700


def test_a_group_opens_and_closes_from_the_keyboard(opened):
    found = opened(deep, Tensor(0.7), Tensor(0.3), True)
    shown = "() => [...document.querySelectorAll('#graph .box')].map(x => x.id)"
    first = found.run(shown)
    found.tab.focus("#graph")
    found.keys("ArrowRight", "Enter")
    assert found.run(shown) != first
    found.keys("Escape")
    assert found.run(shown) == first


def test_an_array_is_a_heat_map_and_an_element_of_it_can_be_chosen(opened):
    found = opened(network, *map(Tensor, WEIGHTS), X, Y)
    found.keys("End")
    found.tab.click(".box:has-text('w¹') >> nth=0")
    canvas = found.tab.locator("#about canvas").nth(1)
    assert canvas.evaluate("x => [x.width, x.height]") == [4, 3]
    place = canvas.bounding_box()
    canvas.click(position={"x": place["width"] * 2.5 / 4, "y": place["height"] * 1.5 / 3})
    tensors = [*map(Tensor, WEIGHTS)]
    network(*tensors, X, Y).backward()
    assert f"at [1, 2]: {tensors[0].grad[1, 2]:.6g}".replace("-", "−") in found.tab.inner_text("#about")
    assert "[1, 2]" in found.tab.inner_text("#fields")
    found.tab.click("#about summary")
    found.tab.wait_for_function("() => document.querySelectorAll('#about td').length === 12")  # made when it has opened


@pytest.mark.parametrize(
    ("x", "short", "long"),
    [
        ([2.0] * 5, "all 2", "5 numbers, all 2"), ([np.nan] * 5, "all nan", "5 numbers, all nan"),
        ([1.0, np.nan, 3.0, np.nan], "1 … 3, 2 nan", "4 numbers from 1 to 3, 2 nan"),
        ([-0.01234, -0.02345, -0.03456], "−0.035 … −0.012", "[−0.0123, −0.0234, −0.0346]"),
        ([1.0, 2.0], "[1, 2]", "[1, 2]"),
    ],
)  # fmt: skip
def test_an_array_in_words(opened, x, short, long):
    found = opened(lambda x: np.sum(x), Tensor(x))
    found.tab.click("#table summary")
    assert found.tab.locator("#v0 .value").text_content() == short
    assert found.tab.locator("#table tbody tr").first.locator("td").nth(2).text_content() == long


def test_an_element_is_chosen_with_the_arrows_and_stays_chosen(opened):
    found = opened(network, *map(Tensor, WEIGHTS), X, Y)
    found.keys("End")
    found.tab.click(".box:has-text('w¹') >> nth=0")
    found.tab.focus("#heat-g")
    found.keys("ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowLeft")
    slider = found.tab.locator("#heat-g")
    assert slider.get_attribute("aria-valuetext").startswith("[1, 0]: ")
    found.keys("ArrowRight", "ArrowRight")
    step = found.step()
    seen = found.seen()
    assert "[1, 2]" in found.tab.inner_text("#fields") and step == found.run("() => backprop.last")
    found.keys("End")
    assert slider.get_attribute("aria-valuetext").startswith("[2, 3]: ") and found.step() == step
    found.keys("Home", "ArrowRight", "ArrowRight", "ArrowDown")
    found.tab.wait_for_function("() => /e\\d+=6/.test(location.hash)")
    found.tab.reload()
    found.tab.wait_for_function("() => document.querySelector('#heat-g')?.ariaValueText?.startsWith('[1, 2]: ')")
    assert found.seen() == seen
    found.requests = found.requests[:1]


@pytest.mark.parametrize("shape", [(784, 10), (10, 784), (1, 900), (300, 1), (30,), (5, 4)])
def test_a_heat_map_can_be_seen_whatever_its_shape(opened, shape):
    w = Tensor(np.linspace(-1, 1, np.prod(shape)).reshape(shape))
    found = opened(lambda w: np.sum(w * w), w)
    found.tab.click("#v0")
    box = found.tab.locator("#heat-v canvas").bounding_box()
    assert 28 <= box["width"] <= 400 and 28 <= box["height"] <= 400


def test_all_the_numbers_that_were_moved_come_back(opened):
    w = Tensor(np.linspace(-1, 1, 1000))
    found = opened(lambda w: np.sum(w**4), w)
    found.tab.click("#descend")
    found.tab.wait_for_function("() => /x0=/.test(location.hash)")
    moved = found.value("w")
    found.tab.reload()
    assert found.value("w") == moved and moved == pytest.approx(w.data - 0.1 * 4 * w.data**3, abs=1e-15)
    found.requests = found.requests[:1]


def test_numbers_that_left_all_bounds_come_back(opened):
    w = Tensor(np.linspace(-1, 1, 5))
    found = opened(lambda w, b: np.sum(w**4) * b, w, Tensor(2.0))
    found.tab.fill("#rate", "1e200")
    for _ in range(3):
        found.tab.click("#descend")
    found.tab.wait_for_function("() => /NaN/.test(location.hash)")
    moved = str([found.value("w"), found.value("b")])
    assert "nan" in moved
    found.tab.reload()
    assert str([found.value("w"), found.value("b")]) == moved
    found.requests = found.requests[:1]


def test_more_numbers_than_an_address_holds_come_back_as_they_were_given(opened):
    w, b = Tensor(np.linspace(-1, 1, 40_000)), Tensor(3.0)
    found = opened(lambda w, b: np.sum(w**2) * b, w, b)
    found.tab.click("#descend")
    found.keys("End")
    found.tab.wait_for_function("() => /step=[1-9]/.test(location.hash)")
    found.tab.reload()
    assert found.value("b") == 3 and found.value("w")[0] == -1 and found.step() > 0
    found.requests = found.requests[:1]


def test_lightness_says_the_sign(opened):
    found = opened(lambda x: np.sum(x * x), Tensor([-2.0, -1.0, 0.0, 1.0, 2.0]))
    found.keys("ArrowRight")
    found.tab.click(".box:has-text('x') >> nth=0")
    colours = found.run(
        "() => { const c = document.querySelector('#about canvas');"
        " return [...c.getContext('2d').getImageData(0, 0, c.width, 1).data]; }"
    )
    light = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b, _ in np.reshape(colours, (5, 4))]
    assert light == sorted(light) and light[1] < light[2] - 20 and light[3] > light[2] + 20


# Every operation.


def close(found, exact):
    largest = np.max(np.abs(exact), where=np.isfinite(exact), initial=1.0)  # what is left by rounding counts from 1
    np.testing.assert_allclose(found, exact, rtol=1e-11, atol=1e-12 * largest)


class OfRow:
    """The page of one row of the table of operations, without its pictures; and what its program is to give."""

    def __init__(self, case):
        f, args = a_number(case)
        self.trace = Trace(f, args, like_grad=True, is_parameter=is_long)
        self.data = Data(self.trace, Places())
        self.found = self.data.everything(pictured=False)
        self.steps = self.data.steps.steps

    @property
    def program(self):
        leaves = [*self.trace.inputs, *self.trace.outside, *self.trace.arrays]
        arrays = [plain(x) for x in leaves if isinstance(plain(x), np.ndarray | np.generic | float | int)]
        return (
            self.data.script.partition("\n")[2].rpartition("const compute")[0],
            arrays,
            [plain(s.data) for s in self.steps],
        )

    def check(self, found):
        """The parts add up to the gradients of the backward pass, and values are what was recorded."""
        totals = {}
        for step, data in zip(self.steps, found[1], strict=True):
            if step.position is None:
                close(data, plain(step.data))
            else:
                x = step.node.value.inputs[step.position]
                totals[x] = totals.get(x, 0.0) + data
        for x, total in totals.items():
            close(total, plain(self.trace.grads[x]))


@pytest.fixture(scope="module")
def rows():
    return [OfRow(case) for case in ROWS]


def test_every_operation_has_a_page(rows):
    for row in rows:
        written = json.loads(json.dumps(row.found))
        texts = [*(step["right"] for step in written["steps"]), *(line["math"] for line in written["equations"])]
        for each in texts:
            ElementTree.fromstring(f"<m>{each}</m>")


def test_the_parts_of_every_operation_add_up_to_its_gradients(rows):
    there(NODE, "node", len(rows))
    live = [row for row in rows if not row.data.refused]
    assert len(live) >= 0.9 * len(rows)
    for row, found in zip(live, run_javascript([row.program for row in live]), strict=True):
        row.check(found)
