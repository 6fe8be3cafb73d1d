"""What the prompt and a notebook show: through IPython, which notebooks run."""

import base64
import re
import struct
import zlib

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

import autograd
from autograd import Tensor, draw, equations, explain, scope, sigmoid, source
from autograd.readings.display import MOST, heat_map
from nn import Epoch, Network, Score
from nn.grader.report import Report
from nn.proof.symbols import derive


@pytest.fixture
def shown():
    """What a notebook keeps of a value: by mime type."""
    formatter = DisplayFormatter()
    return lambda value: formatter.format(value)[0]


def C(w, b, x, y):
    return (sigmoid(w * x + b) - y) ** 2 / 2


def neuron():
    cost = C(Tensor(0.6, name="w"), Tensor(0.9, name="b"), 1.0, 0.0)
    cost.name = "C"
    return cost


def pixels(html):
    """The palette indices of the images in a text of HTML, and their palette."""
    found = []
    for image in re.findall(r"data:image/png;base64,([^\"]*)", html):
        content, at, parts = base64.b64decode(image), 8, {}
        while at < len(content):
            size, kind = struct.unpack(">I4s", content[at : at + 8])
            parts[kind] = content[at + 8 : at + 8 + size]
            assert zlib.crc32(kind + parts[kind]) == struct.unpack(">I", content[at + 8 + size : at + 12 + size])[0]
            at += 12 + size
        width, height = struct.unpack(">2I", parts[b"IHDR"][:8])
        lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, width + 1)
        palette = np.frombuffer(parts[b"PLTE"], np.uint8).reshape(256, 3)
        found.append(palette[lines[:, 1:]])
    return found


def test_a_tensor_is_short_at_the_prompt():
    assert repr(Tensor(np.arange(100.0), name="v")) == (
        "Tensor([ 0.,  1.,  2., ..., 97., 98., 99.], shape=(100,), name='v')"
    )
    weights = Network([784, 30, 10], rng=0).weights[0]
    assert len(repr(weights)) < 400 and len(repr(weights).splitlines()) == 5
    assert "shape=(30, 784), name='w1'" in repr(weights)
    assert "..." not in repr(Tensor(np.arange(40.0)))
    long = repr(Tensor(1.0, name="n" * 1000))
    assert len(long) < 100 and "n…'" in long


def test_an_empty_tensor_says_its_shape_at_the_prompt():
    assert repr(Tensor(np.zeros((0, 5)), name="e")) == "Tensor([], shape=(0, 5), name='e')"
    assert repr(Tensor([])) == "Tensor([])"


def test_a_tensor_in_a_notebook_is_a_table_of_what_it_is(shown):
    w, x = Tensor(2.0, name="w"), Tensor(3.0, name="<x>")
    with scope("layer 1"):
        y = w * x
    y.backward()
    html = shown(y)["text/html"]
    for text in ("Tensor, float64, computed", "<th", "value", "6", "gradient", "1", "w * &lt;x&gt;", "layer 1"):
        assert text in html
    assert "leaf" in shown(w)["text/html"] and ">3<" in shown(w)["text/html"]
    assert "no backward() reached it" in shown(Tensor(1.0))["text/html"]
    assert "nothing flows through a constant" in shown(y.detach())["text/html"]
    assert set(shown(y)) == {"text/html", "text/plain"}
    assert "np.reshape(…, (1, 4))" in shown((Tensor(np.ones(4)) * 2).reshape(1, 4))["text/html"]


def test_a_small_matrix_is_shown_in_numbers_and_a_large_one_as_a_heat_map(shown):
    small = shown(Tensor([[1.0, -2.0], [0.0, np.nan]]))["text/html"]
    assert [text in small for text in (">1<", ">-2<", ">0<", ">nan<")] == [True] * 4 and "<img" not in small
    rows = np.array([[8.0, -8.0, 0.0, np.nan] * 10] * 20)
    html = shown(Tensor(rows, name="w"))["text/html"]
    (image,) = pixels(html)
    assert image.shape == (20, 40, 3)
    red, blue, white, grey = (tuple(int(part) for part in image[0, i]) for i in range(4))
    assert red[0] > red[2] and blue[2] > blue[0] and white == (255, 255, 255) and len(set(grey)) == 1
    assert 'alt="heat map of 20 × 40 numbers, red is positive' in html
    vector = Tensor(np.arange(100.0))
    vector.sum().backward()
    assert [image.shape for image in pixels(shown(vector)["text/html"])] == [(1, 100, 3)] * 2
    assert "0 … 23" in shown(Tensor(np.arange(24.0).reshape(2, 3, 4)))["text/html"]
    assert "empty" in shown(Tensor(np.ones((0, 3))))["text/html"]


def test_a_value_that_is_no_number_does_not_hide_the_range_of_the_others(shown):
    values = np.arange(100.0)
    values[[3, 5]] = np.nan
    assert "<br>0 … 99, 2 nan<" in shown(Tensor(values))["text/html"]
    assert "<br>100 nan<" in shown(Tensor(np.full(100, np.nan)))["text/html"]


def test_a_tensor_made_of_many_is_a_small_table_and_says_of_how_many(shown):
    joined = np.concatenate([Tensor([1.0], name=f"parameter{i}") for i in range(10_000)])
    html = shown(joined)["text/html"]
    assert len(html.encode()) < 10_000
    assert "np.concatenate([parameter0, parameter1, " in html and "… (10,000 inputs)</code>" in html


def test_a_narrow_heat_map_can_be_seen():
    """3 columns of 10,000 rows are neither a line of 3 pixels, nor longer than a screen."""
    style = re.search(r'style="width: (\d+)px; .*?aspect-ratio: (\d+) / (\d+)', heat_map(np.ones((10_000, 3))))
    width, _, height = map(int, style.groups())
    assert width >= 16 and height <= 480
    style = re.search(r"aspect-ratio: (\d+) / (\d+)", heat_map(np.ones((3, 10_000))))
    assert int(style[1]) <= 1024 and int(style[2]) >= 16


def test_a_large_heat_map_is_averaged_over_blocks_and_says_so():
    rows = np.ones((900, 1500))
    rows[:450] = -1.0
    html = heat_map(rows)
    (image,) = pixels(html)
    found = re.search(r"each point is the mean of (\d+) × (\d+) numbers", html)
    assert image.shape[:2] == (-(-900 // int(found[1])), -(-1500 // int(found[2])))
    assert image[0, 0, 2] > image[0, 0, 0] and image[-1, -1, 0] > image[-1, -1, 2]
    noise = np.random.default_rng(0).standard_normal((3000, 3000))
    assert len(heat_map(noise)) < MOST / 2


def test_equations_and_explanations_show_at_the_prompt_what_print_shows(shown):
    found = [equations(C, Tensor(0.6), Tensor(0.9), 1.0, 0.0), explain(neuron()), derive([784, 5, 10])]
    for reading in found:
        assert repr(reading) == str(reading)
        assert "\n" in repr(reading)
        assert shown(reading)["text/plain"] == str(reading)
        assert shown(reading)["text/latex"] == f"$\\displaystyle {reading.latex()}$"
        assert set(shown(reading)) == {"text/latex", "text/plain"}


def test_a_program_shows_its_lines_and_is_a_str(shown):
    program = source(C, Tensor(0.6), Tensor(0.9), np.float64(1.0), np.float64(0.0))
    step = autograd.compile(C)
    step(Tensor(0.6), Tensor(0.9), 1.0, 0.0)
    for text in (program, step.source, source(C, Tensor(0.6), Tensor(0.9), 1.0, 0.0, language="c")):
        assert isinstance(text, str) and text[:3] == str(text)[:3]
        assert repr(text) == str(text) and "\n" in repr(text)
        assert shown(text) == {"text/plain": str(text).rstrip("\n")} or shown(text) == {"text/plain": str(text)}


def test_a_picture_is_a_picture_and_its_text(shown):
    drawing = draw(neuron(), backward=True)
    assert set(shown(drawing)) == {"image/svg+xml", "text/plain"}
    assert "a drawing of" in repr(drawing) and "picture.svg" in repr(drawing)


def test_nothing_is_shown_as_json(shown):
    for value in (neuron(), draw(neuron()), explain(neuron()), equations(C, Tensor(1.0), Tensor(2.0), 1.0, 0.0)):
        assert not [mime for mime in shown(value) if "json" in mime]


def test_what_is_too_long_is_cut_and_says_what_was_left_out(shown):
    x = Tensor(1.0, name="x")
    for _ in range(4000):
        x = np.sin(x)
    found = shown(explain(x))
    assert set(found) == {"text/plain"}  # LaTeX that is cut is none
    assert len(found["text/plain"].encode()) < MOST + 200
    assert re.search(r"\n… [\d,]+ lines \([\d,]+ bytes\) are left out: print shows all of it$", found["text/plain"])
    assert len(str(explain(x))) > MOST
    drawn = shown(draw(x, limit=4000))
    assert set(drawn) == {"text/plain"}
    assert drawn["text/plain"].startswith("The picture is left out: it has ")
    assert "print(drawing.source) shows all of it" in drawn["text/plain"]


def test_the_history_of_a_training_and_a_verdict_are_lines_at_the_prompt():
    assert repr([Epoch(0, 1.0, {"test": Score(0.1, 9063, 10000)})]) == "[Epoch 0 : 9063 / 10000]"
    assert repr(Report(0, "right: all of it")) == "right: all of it"
