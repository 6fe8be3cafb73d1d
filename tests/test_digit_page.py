"""The page in which digits are drawn: its preparation, what the network makes of it, learning, files, and manners."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from browser import Opened, axe
from foreign import NODE, there

import autograd
from autograd import Tensor, no_grad, relu, sigmoid, softmax
from nn import Examples, Linear, Module, Network, Sequential, load_digits, one_hot
from nn.cli import main
from nn.costs import COSTS, quadratic, softmax_log_likelihood
from nn.files import read_arrays
from nn.images import centred, prepare
from nn.layers import Dropout, activations
from nn.pages import digit, digit_page

STROKES = Path(digit.__file__).parent / "strokes.js"
FIELD, RADIUS = 224, 9
ZIGZAG = [[(0.3, 0.2), (0.3, 0.5), (0.7, 0.55)], [(0.66, 0.2), (0.6, 0.85)]]  # a four, in parts of the drawing area


def drawn(strokes, radius=RADIUS):
    """The field of ink that strokes make, each a list of points: what drawStrokes does."""
    rows, columns = np.mgrid[:FIELD, :FIELD] + 0.5
    field = np.zeros((FIELD, FIELD))
    for points in strokes:
        for (x0, y0), (x1, y1) in zip([points[0], *points], points, strict=False):
            dx, dy = x1 - x0, y1 - y0
            along = np.clip(((columns - x0) * dx + (rows - y0) * dy) / ((dx * dx + dy * dy) or 1), 0, 1)
            distance = np.hypot(columns - x0 - along * dx, rows - y0 - along * dy)
            field = np.maximum(field, np.clip(radius + 0.5 - distance, 0, 1))
    return field


def random_strokes(rng):
    strokes = []
    for _ in range(rng.integers(1, 4)):
        start, steps = rng.uniform(20, 200, 2), rng.normal(0, 25, (rng.integers(1, 9), 2))
        strokes.append(np.clip(start + np.cumsum(steps, axis=0), 0, FIELD).tolist())
    return strokes


def in_node(expression, given):
    script = f"{STROKES.read_text('utf-8')}\nconst given = {json.dumps(given)};\n"
    script += f"console.log(JSON.stringify(given.map((x) => Array.from({expression}))));"
    done = subprocess.run([NODE, "-"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [np.array(found) for found in json.loads(done.stdout)]


def test_strokes_become_the_same_ink_and_the_same_image_as_in_python():
    there(NODE, "node", 30)
    rng = np.random.default_rng(0)
    given = [random_strokes(rng) for _ in range(29)] + [[[[112, 60], [112, 160]]]]  # the last is symmetric
    fields = [drawn(strokes) for strokes in given]
    for field, found in zip(fields, in_node(f"drawStrokes(x, {RADIUS})", given), strict=True):
        np.testing.assert_allclose(found.reshape(FIELD, FIELD), field, atol=1e-12)
    for field, found in zip(
        fields, in_node(f"centred(drawStrokes(x, {RADIUS}), {FIELD}, {FIELD})", given), strict=True
    ):
        image = centred(field)
        assert image.max() == 1
        assert np.max(np.abs(found.reshape(28, 28) - image)) < 1 / 255
        assert np.max(np.abs(found.reshape(28, 28) - prepare(field))) < 1 / 255


def test_nothing_drawn_is_an_empty_image():
    there(NODE, "node", 1)
    (found,) = in_node(f"centred(drawStrokes(x, {RADIUS}), {FIELD}, {FIELD})", [[]])
    assert not found.any() and found.shape == (784,)


# In a browser


@pytest.fixture(scope="module")
def mnist():
    training, _, test = load_digits(dtype=np.float32)
    return training, test


@pytest.fixture(scope="module")
def few(mnist):
    """Few digits, for pages that are quickly written."""
    return tuple(Examples(part.x[:60], part.y[:60]) for part in mnist)


@pytest.fixture(scope="module")
def model(mnist, tmp_path_factory):
    """A network that has seen 5,000 digits, and its file."""
    net = Network([784, 30, 10], cost="cross-entropy", init="scaled", rng=0)
    net.SGD(Examples(*(part[:5000] for part in mnist[0])), 2, 10, 0.5, rng=0, report=lambda epoch: None)
    path = tmp_path_factory.mktemp("model") / "model.npz"
    net.save(path)
    return path


@pytest.fixture(scope="module")
def written(model):
    path = model.with_name("digits.html")
    assert main(["page", str(model), str(path)]) == 0
    return path


@pytest.fixture
def page(browser, written):
    opened = Opened(browser, written)
    yield opened
    opened.context.close()
    assert opened.errors == []
    assert opened.requests == [opened.address]


def stroke(page, points):
    pad = page.tab.locator("#pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.tab.mouse.move(*places[0])
    page.tab.mouse.down()
    for place in places[1:]:
        page.tab.mouse.move(*place, steps=5)
    page.tab.mouse.up()
    settle(page)


def settle(page):
    page.run("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def draw(page, strokes=ZIGZAG):
    for points in strokes:
        stroke(page, points)


def given(page):
    """The image that the network is given, the strokes and the ink of the page."""
    found = page.run(
        "() => [digits.state.image, digits.state.field].map((x) => Array.from(x)).concat([digits.state.strokes])"
    )
    return np.array(found[0]).reshape(28, 28), np.array(found[1]).reshape(FIELD, FIELD), found[2]


def looked(page, label, of="look"):
    """What the programs give for the image that is drawn."""
    return page.run(
        "([label, of]) => { const found = digits.look(digits.state.image, label, of);"
        " return { cost: found.cost, dx: Array.from(found.dx), outputs: Array.from(found.outputs),"
        " errors: found.errors.map((x) => Array.from(x)),"
        " activations: found.activations.map((x) => Array.from(x)) }; }",
        [label, of],
    )


def parameters(page):
    found = page.run(
        "() => Object.fromEntries(Object.entries(digits.parameters).map(([name, p]) => [name, Array.from(p)]))"
    )
    return {name: np.array(p) for name, p in found.items()}


def text(page, name):
    return page.tab.locator(f"#{name}").inner_text()


def test_the_page_is_small(written):
    assert written.stat().st_size < 1_500_000


def test_without_a_drawing_there_is_no_guess(page):
    assert text(page, "guess") == "Nothing yet: draw a digit."
    assert page.tab.locator("#bars .value").all_inner_texts() == ["–"] * 10
    assert page.tab.locator("#learn").is_disabled()
    draw(page)
    assert text(page, "guess").startswith("It reads ")
    page.tab.click("#unstroke")
    page.tab.click("#clear")
    settle(page)
    assert text(page, "guess") == "Nothing yet: draw a digit."
    assert not given(page)[0].any()


def test_what_is_drawn_is_prepared_as_in_python(page):
    draw(page)
    image, field, strokes = given(page)
    assert len(strokes) == 2 and sum(map(len, strokes)) > 8
    np.testing.assert_allclose(field, drawn(strokes), atol=1e-12)
    assert np.max(np.abs(image - prepare(field))) < 1 / 255
    assert np.max(np.abs(image - prepare(1 - field))) < 1 / 255  # a picture of it, dark on light


def test_outputs_activations_errors_and_gradients_are_those_of_the_engine(page, model):
    net = Network.load(model)
    draw(page)
    x, y = Tensor(given(page)[0].reshape(1, 784)), one_hot([7])
    found = looked(page, 7)
    first, second = net.layers.layers
    z1 = first.weighted_input(x)
    a1 = sigmoid(z1)
    z2 = second.weighted_input(a1)
    cost = COSTS["cross-entropy"].of_weighted_input(z2, y)
    gradient = autograd.backprop(cost)
    np.testing.assert_allclose(found["cost"], cost.data, rtol=1e-12)
    for ours, theirs in [
        (found["outputs"], sigmoid(z2.data)), (found["activations"][0], a1.data), (found["dx"], gradient[x]),
        (found["activations"][1], sigmoid(z2.data)), (found["errors"][0], gradient[z1]),
        (found["errors"][1], gradient[z2]),
    ]:  # fmt: skip
        np.testing.assert_allclose(ours, np.ravel(theirs), rtol=1e-10, atol=1e-14)
    of_logit = autograd.backprop(np.sum(net.layers.layers[1].weighted_input(first(x)) * y))
    np.testing.assert_allclose(looked(page, 7, "logit")["dx"], of_logit[x].ravel(), rtol=1e-10, atol=1e-14)
    guess = int(np.argmax(z2.data))
    assert text(page, "guess").startswith(f"It reads {guess}, ")
    assert text(page, "learn") == f"This is a {guess}"
    page.tab.select_option("#label", "7")
    settle(page)
    assert text(page, "legend").startswith("dC/dx for the label 7")
    page.tab.select_option("#of", "logit")
    settle(page)
    assert text(page, "legend").startswith("dz/dx for the output 7")


def test_the_accuracy_is_that_of_python(page, model, mnist):
    net, test = Network.load(model), mnist[1]
    right = np.mean(net.predict(test.x[:1000]) == test.y[:1000])
    assert page.run("() => digits.accuracy()") == pytest.approx(right, abs=1e-12)
    assert f"The accuracy on 1000 digits kept apart is {100 * right:.1f} %." == text(page, "learnt")


def test_it_learns_what_a_digit_is_and_forgets_it_again(page):
    draw(page)
    before, accuracy = parameters(page), page.run("() => digits.accuracy()")
    page.tab.select_option("#label", "7")
    settle(page)
    cost = looked(page, 7)["cost"]
    page.tab.fill("#steps", "100")
    page.tab.click("#learn")
    assert looked(page, 7)["cost"] < cost / 2
    assert text(page, "guess").startswith("It reads 7")
    assert page.run("() => digits.accuracy()") > accuracy - 0.05
    assert re.match(
        r"The cost of this digit as a 7 went from [\d.]+ to 0\.\d+; the accuracy on 1000 ", text(page, "learnt")
    )
    page.tab.click("#undo")
    assert all(np.array_equal(p, before[name]) for name, p in parameters(page).items())
    assert looked(page, 7)["cost"] == cost
    assert page.tab.locator("#undo").is_disabled()


def test_a_training_that_diverges_is_undone(page):
    draw(page)
    before = parameters(page)
    page.tab.fill("#eta", "1e308")
    page.tab.click("#learn")
    assert "diverged, and is undone" in text(page, "learnt")
    assert all(np.array_equal(p, before[name]) for name, p in parameters(page).items())
    page.tab.fill("#eta", "-1")
    page.tab.click("#learn")
    assert text(page, "learnt").startswith("The learning rate is a number greater than 0")


def test_one_step_is_the_gradient_that_the_engine_derives(page, model, mnist):
    net, training = Network.load(model), mnist[0]
    draw(page)
    x = given(page)[0].reshape(1, 784)
    page.tab.select_option("#label", "3")
    settle(page)
    for name, value in (("steps", "1"), ("eta", "0.25")):
        page.tab.fill(f"#{name}", value)
    page.tab.click("#learn")
    random, places = 1, []
    for of in [1, *[800] * 7]:  # the page's own generator: which of what was taught, and which digits are replayed
        random = (random * 1664525 + 1013904223) % 2**32
        places.append(random * of // 2**32)
    mixed = np.concatenate([x, x, x, np.rint(training.x[places[1:]] * 255.0).astype(float) / 255])
    net.update_mini_batch((mixed, np.array([3, 3, 3, *training.y[places[1:]]])), 0.25)
    for name, p in parameters(page).items():
        np.testing.assert_allclose(p, net.state_dict()[name].ravel(), rtol=1e-10, atol=1e-13)


def test_the_network_leaves_as_a_file_that_python_reads_and_enters_as_one(page, model, tmp_path):
    draw(page)
    page.tab.select_option("#label", "7")
    page.tab.click("#learn")
    with page.tab.expect_download() as download:
        page.tab.click("#save")
    saved = tmp_path / "saved.npz"
    download.value.save_as(saved)
    net = Network.load(saved)
    now = parameters(page)
    assert all(np.array_equal(array.ravel(), now[name]) for name, array in net.state_dict().items())
    assert not np.array_equal(now["w2"], Network.load(model).state_dict()["w2"].ravel())
    assert (net.activation, net.cost_name) == ("sigmoid", "cross-entropy")
    with no_grad():
        expected = net(given(page)[0].reshape(1, 784)).data
    np.testing.assert_allclose(looked(page, 7)["outputs"], expected[0], rtol=1e-10)

    page.tab.set_input_files("#open", model)  # what it was, from Python's own file
    page.tab.locator("#filed", has_text="Opened model.npz").wait_for()
    assert all(
        np.array_equal(array.ravel(), parameters(page)[n]) for n, array in read_arrays(model).items() if n[0] in "wb"
    )
    page.tab.click("#undo")
    assert all(np.array_equal(p, now[name]) for name, p in parameters(page).items())


def wrong_files(model, folder):
    """Files that are no network of the page, and what is said of them."""
    Network([784, 20, 10], cost="cross-entropy", rng=0).save(folder / "smaller.npz")
    np.savez(folder / "some.npz", x=np.ones(3))
    arrays = read_arrays(model)
    np.savez_compressed(folder / "packed.npz", **arrays)
    np.savez(folder / "nan.npz", **{**arrays, "b1": np.full(30, np.nan)})
    damaged = bytearray(model.read_bytes())
    damaged[5000] ^= 1
    (folder / "damaged.npz").write_bytes(damaged)
    (folder / "text.npz").write_text("hello")
    (folder / "empty.npz").write_text("")
    (folder / "cut.npz").write_bytes(model.read_bytes()[:-300])
    return {"smaller": "its sizes is not that of this page", "some": "its sizes is not", "packed": "it is packed",
            "nan": "b1 holds what is no finite number", "damaged": "it is damaged", "text": "not a .npz file",
            "empty": "not a .npz file", "cut": "not a .npz file"}  # fmt: skip


def test_another_file_is_refused_with_a_reason_and_nothing_changes(page, model, tmp_path):
    before = parameters(page)
    for name, said in wrong_files(model, tmp_path).items():
        page.tab.set_input_files("#open", tmp_path / f"{name}.npz")
        page.tab.locator("#filed", has_text=f"{name}.npz").wait_for()
        assert f"{name}.npz cannot be opened: " in text(page, "filed") and said in text(page, "filed"), name
        assert all(np.array_equal(p, before[key]) for key, p in parameters(page).items())


def test_a_digit_can_be_drawn_with_the_keyboard_alone(page):
    page.tab.keyboard.press("Tab")
    assert page.run("() => document.activeElement.id") == "pad"
    for key, times in (("ArrowUp", 10), (" ", 1), ("ArrowDown", 20), (" ", 1), ("ArrowRight", 3)):
        for _ in range(times):
            page.tab.keyboard.press(key)
    settle(page)
    _, field, strokes = given(page)
    assert strokes == [[[112, y] for y in range(52, 173, 6)]]
    assert text(page, "guess").startswith("It reads ")
    reached = set()
    for _ in range(20):
        page.tab.keyboard.press("Tab")
        reached.add(page.run("() => document.activeElement.id || document.activeElement.type"))
    assert {"clear", "unstroke", "example", "label", "of", "range", "eta", "steps", "learn", "save", "open"} <= reached
    assert field.max() == 1


def test_weights_are_shown_for_the_neuron_that_is_pointed_at_or_chosen(page):
    slider = page.tab.locator("input[type=range]").first
    slider.focus()
    page.tab.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "Neuron 2"
    draw(page)
    assert re.fullmatch(r"Neuron 2: activation \S+, error \S+", slider.get_attribute("aria-valuetext"))
    cells = page.tab.locator(".layer canvas").first
    cells.hover()
    assert slider.get_attribute("aria-valuetext").startswith("Neuron 16: ")  # the middle of 5 rows of 6


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_and_roles_are_as_they_should_be(browser, written, scheme):
    opened = Opened(browser, written, color_scheme=scheme)
    assert axe(opened) == []  # with nothing drawn
    opened.tab.click("#example")
    settle(opened)
    assert axe(opened) == []
    opened.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen(browser, written, width, scheme):
    opened = Opened(browser, written, color_scheme=scheme)
    opened.tab.set_viewport_size({"width": width, "height": 900})
    draw(opened)
    assert opened.run("() => document.documentElement.scrollWidth") == width
    assert opened.errors == []
    opened.context.close()


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (int(h, 16) / 255 for h in colour)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_text_has_enough_contrast_in_both_schemes():
    style = (Path(digit.__file__).parent / "digit.css").read_text("utf-8")
    schemes = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = {
            name: re.findall("..", value * (6 // len(value)))
            for name, value in re.findall(r"--([\w-]+): #(\w+);", scheme)
        }
        for fore, back, least in (
            ("ink", "paper", 7), ("ink", "card", 7), ("soft", "card", 4.5), ("soft", "paper", 4.5),
            ("on-accent", "accent", 4.5), ("accent", "card", 3), ("line", "card", 3), ("line", "paper", 3),
        ):  # fmt: skip
            light, dark = sorted([luminance(colours[fore]), luminance(colours[back])], reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= least, (fore, back)


# Other models


class Convolution(Module):
    """Maps of windows of 5 x 5 pixels that move by two, over images of shape (n, 28, 28)."""

    def __init__(self, maps, rng):
        self.w = Tensor(rng.standard_normal((maps, 5, 5)) / 5)
        self.b = Tensor(np.zeros(maps))

    def __call__(self, x):
        slices = [x[:, p : p + 23 : 2, q : q + 23 : 2] for p in range(5) for q in range(5)]
        windows = np.reshape(np.stack(slices, axis=1), (x.shape[0], 25, -1))
        z = np.reshape(self.w, (self.w.shape[0], 25)) @ windows + np.reshape(self.b, (-1, 1))
        return np.reshape(z, (x.shape[0], -1, 12, 12))


def flat(x):
    return np.reshape(x, (x.shape[0], -1))


def convolutional():
    rng = np.random.default_rng(0)
    return Sequential(
        Convolution(4, rng), relu, flat, Dropout(0.5), Linear(4 * 144, 20, activation=np.tanh, init="scaled", rng=1),
        Linear(20, 10, init="scaled", rng=2),
    )  # fmt: skip


def checked(browser, net, path, run, cost, x_of):
    """Open a page, draw, and compare outputs, cost and dC/dx with the engine's; then learn."""
    opened = Opened(browser, path)
    draw(opened)
    x, y = Tensor(x_of(given(opened)[0])), one_hot([5], dtype=net.parameters()[0].dtype)
    found, value = looked(opened, 5), cost(x, y)
    single = net.parameters()[0].dtype == np.float32
    tolerance = {"rtol": 1e-3, "atol": 1e-5} if single else {"rtol": 1e-9, "atol": 1e-13}
    np.testing.assert_allclose(found["cost"], value.data, **tolerance)
    np.testing.assert_allclose(found["outputs"], run(x).ravel(), **tolerance)
    np.testing.assert_allclose(found["dx"], autograd.backprop(value)[x].ravel(), **tolerance)
    opened.tab.select_option("#label", "5")
    settle(opened)
    opened.tab.fill("#steps", "30")
    opened.tab.click("#learn")
    assert looked(opened, 5)["cost"] < found["cost"]
    assert opened.errors == []
    return opened


@pytest.mark.parametrize("cost", list(COSTS))
@pytest.mark.parametrize("activation", list(activations()))
def test_every_network_has_a_page(browser, few, tmp_path, activation, cost):
    dtype = np.float32 if activation == "tanh" else np.float64
    net = Network([784, 12, 8, 10], activation=activation, cost=cost, init="scaled", dtype=dtype, rng=0)
    path = digit_page(net, tmp_path / "page.html", data=few)
    opened = checked(
        browser, net, path, lambda x: net(x.data).data, net.cost, lambda image: image.reshape(1, 784).astype(dtype)
    )
    opened.context.close()


def test_learning_one_digit_does_not_spoil_the_others(browser, mnist, tmp_path):
    training, test = (Examples(part.x[:n], part.y[:n]) for part, n in zip(mnist, (3000, 300), strict=True))
    net = Network([784, 30, 20, 10], activation="relu", cost="log-likelihood", init="scaled", dtype=np.float32, rng=0)
    net.SGD(training, 3, 10, 0.05, rng=0, report=lambda epoch: None)
    opened = Opened(browser, digit_page(net, tmp_path / "page.html", data=(training, test)))
    accuracy = "() => digits.accuracy()"
    before, after, costs = opened.run(accuracy), [], []
    for _ in range(5):
        opened.tab.click("#example")
        opened.tab.select_option("#label", "8")  # which none of them is
        settle(opened)
        costs.append(looked(opened, 8)["cost"])
        opened.tab.click("#learn")
        costs.append(looked(opened, 8)["cost"])
        after.append(opened.run(accuracy))
        opened.tab.click("#undo")
    assert before > 0.85 and min(after) > before - 0.065
    assert all(now < was / 2 for was, now in zip(costs[::2], costs[1::2], strict=True))
    opened.context.close()


def test_layers_of_ones_own_with_a_convolution(browser, few, tmp_path):
    net = convolutional()
    path = digit_page(net, tmp_path / "page.html", cost=softmax_log_likelihood, shape=(28, 28), data=few)

    def run(x):
        with no_grad():
            return softmax(net(x.data)).data

    def cost(x, y):
        a = x
        for layer in net.layers:
            a = a if isinstance(layer, Dropout) else layer(a)
        return softmax_log_likelihood(a, y)

    opened = checked(browser, net, path, run, cost, lambda image: image.reshape(1, 28, 28))
    titles = opened.tab.locator(".layer h3").all_inner_texts()
    assert titles == ["layer 1, Convolution: 4 × 12 × 12", "layer 2, relu: 4 × 12 × 12", "layer 3, flat: 576",
                      "layer 4: 20", "layer 5, Linear: 10"]  # fmt: skip
    assert opened.tab.locator("input[type=range]").count() == 3
    with opened.tab.expect_download() as download:
        opened.tab.click("#save")
    download.value.save_as(tmp_path / "saved.npz")
    net.load_parameters(tmp_path / "saved.npz")
    assert all(np.array_equal(array.ravel(), parameters(opened)[name]) for name, array in net.state_dict().items())
    opened.context.close()


class Hostile(Module):
    """A model whose name would end a script, or a page."""

    def __init__(self):
        self.w = Tensor(np.ones((10, 784)), name="w")

    def __call__(self, x):
        return x @ self.w.T

    def __repr__(self):
        return "</script><script>alert(1)</script><b>/*SCRIPT*/ 'CONTENT' & \"'`${1} \\frac <!-- " + "x" * 10_000


def test_names_are_only_text(browser, few, tmp_path):
    path = digit_page(Hostile(), tmp_path / "page.html", cost=quadratic, data=few)
    opened = Opened(browser, path)
    assert text(opened, "model") == repr(Hostile()).strip()
    draw(opened)
    assert text(opened, "guess").startswith("It reads ")
    assert opened.errors == [] and opened.requests == [opened.address]
    opened.context.close()


def test_what_has_no_page_is_refused(few, tmp_path, capsys):
    with pytest.raises(ValueError, match="what is drawn becomes 28 x 28 pixels, and the model takes 12 inputs"):
        digit_page(Network([12, 10]), tmp_path / "a.html", data=few)
    with pytest.raises(ValueError, match="the page differentiates a cost: give it as cost="):
        digit_page(Sequential(Linear(784, 10)), tmp_path / "a.html", data=few)
    with pytest.raises(ValueError, match=r"an output for each label, of shape \(n, labels\)"):
        digit_page(Sequential(Linear(784, 1)), tmp_path / "a.html", cost=quadratic, data=few)
    Network([12, 10], rng=0).save(tmp_path / "small.npz")
    assert main(["page", str(tmp_path / "small.npz"), str(tmp_path / "a.html")]) == 2
    assert "takes 12 pixels, and a page draws 784" in capsys.readouterr().err
    Network([784, 10], rng=0).save(tmp_path / "net.npz")
    assert main(["page", str(tmp_path / "net.npz"), str(tmp_path / "none" / "a.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert not (tmp_path / "a.html").exists()
