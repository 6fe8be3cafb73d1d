"""Figures of a training and of what a network learnt: what is in them."""

import math

import numpy as np
import pytest

from nn import Epoch, Linear, Network, Score, Sequential, figures
from nn.history import read_history, write_history

X = np.eye(4)
Y = np.array([0, 1, 2, 2])


def history(*correct, sets=("test",)):
    return [
        Epoch(number, 0.25, {name: Score(0.5 / (number + 1), n, 100) for name in sets}, 0.75 / (number + 1))
        for number, n in enumerate(correct)
    ]


def net():
    """Says 0, 1, 2, 1 for X: the last is wrong."""
    made = Network([4, 3], rng=0)
    made.weights = [np.array([[9.0, 0, 0, 0], [0, 9, 0, 1], [0, 0, 9, 0]])]
    made.biases = [np.zeros(3)]
    return made


def shown(axes):
    return [text.get_text() for text in axes.texts]


def test_a_curve_has_a_line_for_each_set_that_was_scored():
    left, right = figures.curve(history(90, 95, 93, sets=("test", "training"))).axes
    assert [line.get_label() for line in left.lines] == ["mini-batches, while training", "test", "training"]
    assert left.lines[0].get_ydata().tolist() == [0.75, 0.375, 0.25]
    assert right.lines[0].get_ydata().tolist() == [90, 95, 93]
    assert right.get_legend().get_texts()[0].get_text() == "test: 93.00% at the end, 95.00% at best"
    assert shown(figures.curve(history(90, sets=())).axes[1]) == ["no set was scored"]
    with pytest.raises(ValueError, match="no epochs"):
        figures.curve([])


def test_runs_are_told_apart_by_more_than_their_colour():
    runs = {"one": history(90, 91), "two": history(80, 92), "three": history(70, 93, sets=("test", "validation"))}
    left, right = figures.compare(runs, title="three runs").axes
    assert len({line.get_linestyle() for line in left.lines}) == len({line.get_color() for line in left.lines}) == 3
    assert [line.get_ydata().tolist() for line in right.lines] == [[90, 91], [80, 92], [70, 93]]
    assert "test" in right.get_ylabel()
    with pytest.raises(ValueError, match="one did not score the validation images: it has test"):
        figures.compare(runs, on="validation")
    with pytest.raises(ValueError, match="no set was scored in all of the runs: test, none"):
        figures.compare({"one": runs["one"], "two": history(1, sets=())})
    with pytest.raises(ValueError, match="no epochs to compare in two"):
        figures.compare({"one": runs["one"], "two": []})


@pytest.mark.parametrize("n", [1, 7])
def test_no_line_runs_through_a_legend(n):
    """A legend stands above its axes, however many runs there are, and the axes keep most of the room."""
    names = [f"a folder/with a long name/run {number}.csv" for number in range(n)]
    runs = {name: history(90, 91, sets=("test", "validation")) for name in names}
    for figure in (figures.curve(runs[names[0]], title="one"), figures.compare(runs, title="runs")):
        figure.draw_without_rendering()
        legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
        assert legends and not (figure.legends and figure.get_suptitle())  # which would lie over it
        for axes in figure.axes:
            place = axes.get_window_extent()
            assert place.height > figure.bbox.height / 2 and place.width > figure.bbox.width / 3
            for legend in legends:
                box = legend.get_window_extent()
                assert box.y0 >= place.y1 and box.y1 <= figure.bbox.y1 and box.x1 <= figure.bbox.x1


def test_a_single_epoch_is_marked_by_its_number():
    left, right = figures.curve(history(90, sets=())).axes
    low, high = left.get_xlim()
    assert [tick for tick in left.get_xticks() if low <= tick <= high] == [0]
    assert not right.axison  # no scale of what is not there


def test_the_weights_of_a_neuron_are_an_image_and_those_of_a_layer_a_heat_map():
    of = Network([12, 5, 3], rng=0)
    *neurons, scale = figures.weights(of, shape=(4, 3)).axes
    assert np.array_equal(neurons[2].images[0].get_array(), of.weights[0].data[2].reshape(4, 3))
    assert len(neurons) == 5 and scale.get_ylabel() == "weight"
    for layer in (1, 2):  # twelve inputs are no square
        assert np.array_equal(figures.weights(of, layer).axes[0].images[0].get_array(), of.weights[layer - 1].data)
    assert len(figures.weights(Network([4, 200], rng=0)).axes) == 101
    assert "the first 100 of 200 neurons" in figures.weights(Network([4, 200], rng=0)).get_suptitle()
    with pytest.raises(ValueError, match="there is no layer 3"):
        figures.weights(of, 3)
    with pytest.raises(ValueError, match=r"shape \(3, 3\) has 9 pixels; layer 1 has 12 inputs"):
        figures.weights(of, shape=(3, 3))


@pytest.mark.parametrize("labels", [Y, np.eye(3)[Y]])
def test_confusion_counts_every_answer(labels):
    axes = figures.confusion(net(), (X, labels)).axes[0]
    assert axes.get_title() == "3 of 4 are right (75.00%)"
    cells = {(text.get_position()[::-1], text.get_text()) for text in axes.texts}
    assert cells == {((0, 0), "1"), ((1, 1), "1"), ((2, 2), "1"), ((2, 1), "1")}  # a 2 was taken for a 1
    names = figures.confusion(net(), list(zip(X[:, :, None], labels, strict=True)), names="abc").axes[0]
    assert [label.get_text() for label in names.get_xticklabels()] == ["a", "b", "c"]


def test_the_misclassified_stand_there_with_their_probability():
    figure = figures.misclassified(net(), (X, Y))
    (axes,) = figure.axes
    assert axes.get_title() == f"2 as 1, {1 / (1 + math.exp(-1)):.0%}"
    assert np.array_equal(axes.images[0].get_array(), [[0, 0], [0, 1]])
    assert figure.get_suptitle() == "1 of 4 are wrong"
    assert figures.misclassified(net(), (X[:3], Y[:3])).get_suptitle() == "0 of 3 are wrong"
    assert figures.misclassified(net(), (X, 2 - Y), most=1).get_suptitle() == "3 of 4 are wrong, the surest of them"


def test_one_output_is_the_probability_of_the_label_1():
    of = Network([2, 1], rng=0)
    of.weights, of.biases = [np.array([[2.0, -3.0]])], [np.zeros(1)]
    titles = [axes.get_title() for axes in figures.misclassified(of, (np.eye(2), np.array([0, 1])), shape=(1, 2)).axes]
    assert titles == ["1 as 0, 95%", "0 as 1, 88%"]  # the surest first


def test_any_model_with_an_output_for_each_label_can_be_shown():
    model = Sequential(Linear(4, 5, rng=0), np.tanh, Linear(5, 3, rng=1))
    assert "of 4 are right" in figures.confusion(model, (X, Y)).axes[0].get_title()


def test_the_activations_of_a_digit():
    of = Network([4, 60, 3], rng=0)
    image, hidden, outputs, _ = figures.activations(of, X[2], label=1).axes
    assert image.get_title() == "input: 1"
    values = np.ma.filled(hidden.images[0].get_array(), np.nan).T.reshape(-1)
    layer = of.layers.layers[0]
    assert np.array_equal(values, layer(X[2]).data)
    assert [bar.get_width() for bar in outputs.patches] == of(X[2]).data.tolist()
    assert len({bar.get_facecolor() for bar in outputs.patches}) == 2


def test_a_figure_shows_itself_in_a_notebook_and_is_written_whole(tmp_path):
    figure = figures.curve(history(90, 95))
    assert figure._repr_png_().startswith(b"\x89PNG")
    for name, start in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")):
        figures.write_figure(tmp_path / name, figure)
        assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["run.csv", "run.jsonl"])
def test_a_history_is_read_as_it_was_written(name, tmp_path):
    epochs = history(90, 95, sets=("training", "test"))
    epochs[1].cost = math.nan  # as with eta 0
    write_history(tmp_path / name, epochs)
    again = read_history(tmp_path / name)
    assert [(e.number, e.seconds, e.scores) for e in again] == [(e.number, e.seconds, e.scores) for e in epochs]
    assert again[0].cost == epochs[0].cost and math.isnan(again[1].cost)
    write_history(tmp_path / name, [])
    assert read_history(tmp_path / name) == []


def test_a_history_from_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "run.csv"
    path.write_bytes(b"\xef\xbb\xbfepoch,cost,seconds\r\n0,0.5,1\r\n1,,1\r\n")
    assert [epoch.number for epoch in read_history(path)] == [0, 1]
