"""Draws a training, and what a network learnt, with matplotlib, which the extra `plot` installs.

Each function returns a matplotlib figure. A notebook shows it when a cell ends with it; `figure.savefig(path)` writes
it as PNG, SVG or PDF, by the suffix of the path. Nothing here touches `matplotlib.pyplot`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from autograd import no_grad
from nn.equations import Array
from nn.files import FileError, write_bytes
from nn.scoring import DataSet, Epoch, as_examples, labels_of

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # apart for every eye
STYLES = ("-", "--", ":", "-.")  # so that hue is never all that tells two lines apart
SETS = {"test": COLOURS[0], "validation": COLOURS[1], "training": COLOURS[2]}
SUFFIXES = (".png", ".svg", ".pdf")
PIECE = 500  # examples that go through a network at a time
MOST = 100  # neurons whose weights are shown


class Picture(Figure):
    """A matplotlib figure that a notebook shows, whether or not `matplotlib.pyplot` was imported."""

    def _repr_png_(self) -> bytes:
        return as_bytes(self, "png")


def as_bytes(figure: Figure, kind: str) -> bytes:
    """Return a figure as the content of a file: "png", "svg" or "pdf"."""
    content = io.BytesIO()
    figure.savefig(content, format=kind, dpi=110)
    return content.getvalue()


def write_figure(path: str | Path, figure: Figure) -> None:
    """Write a figure to a file, whole or not at all. Raises FileError for another suffix, or if it cannot."""
    write_bytes(path, as_bytes(figure, figure_format(path)))


def figure_format(path: str | Path) -> str:
    """Return the kind of a picture by its suffix. Raises FileError for one that is not written here."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise FileError(f"{path}: a picture ends in {', '.join(SUFFIXES)}, not in {suffix or 'nothing'}")
    return suffix[1:]


def _two(title: str | None, lines: int) -> tuple[Picture, Any, Any]:
    """Make a figure for costs on the left and accuracies on the right, over the epochs, with room for legends above."""
    figure = Picture(figsize=(9.5, 3.6 + 0.22 * lines), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, name in ((left, "cost"), (right, "accuracy, %")):
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    if title:
        figure.suptitle(title)
    return figure, left, right


def _line(axes: Any, epochs: Sequence[Epoch], values: Sequence[float], **style: Any) -> None:
    """Draw a line over the epochs; with a point for each if there are few."""
    marker = {"marker": "o", "markersize": 3} if len(epochs) <= 40 else {}
    axes.plot([epoch.number for epoch in epochs], values, linewidth=1.6, **marker, **style)


def _legend(axes: Any) -> None:
    """Put the names of the lines above the axes: among the lines, one could run through the legend."""
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)


def curve(history: Sequence[Epoch], *, title: str | None = None) -> Figure:
    """Draw how a training went: the costs and the accuracies after each epoch, a line for each set that was scored.

    If no set was scored, only the costs of the mini-batches are drawn. Raises ValueError if there are no epochs.

    >>> from nn.scoring import Score
    >>> history = [Epoch(i, 1.0, {"test": Score(0.5 / (i + 1), 80 + i, 100)}, cost=0.4) for i in range(5)]
    >>> figure = curve(history)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['cost', 'accuracy, %']
    """
    if not history:
        raise ValueError("there are no epochs to draw a curve of")
    names = dict.fromkeys(name for epoch in history for name in epoch.scores)
    figure, left, right = _two(title, 1 + len(names))
    _line(left, history, [epoch.cost for epoch in history], color="#777777", label="mini-batches, while training")
    for number, name in enumerate(names):
        scored = [epoch for epoch in history if name in epoch.scores]
        scores = [epoch.scores[name] for epoch in scored]
        style = {"color": SETS.get(name, COLOURS[3 + number % 4]), "linestyle": STYLES[number % len(STYLES)]}
        _line(left, scored, [score.cost for score in scores], label=name, **style)
        best = max(score.accuracy for score in scores)
        label = f"{name}: {scores[-1].accuracy:.2%} at the end, {best:.2%} at best"
        _line(right, scored, [100 * score.accuracy for score in scores], label=label, **style)
    left.set_ylim(bottom=0)
    _legend(left)
    if right.lines:
        _legend(right)
    else:
        right.set_axis_off()
        right.text(0.5, 0.5, "no set was scored", ha="center", va="center", transform=right.transAxes)
    return figure


def compare(runs: Mapping[str, Sequence[Epoch]], *, on: str | None = None, title: str | None = None) -> Figure:
    """Draw several trainings in one figure, a line for each: the costs of their mini-batches, and their accuracies.

    runs  the history of each training by its name: compare({"eta 3": one, "eta 0.3": two})
    on    the set whose accuracies are compared: by default the first of "test", "validation" and "training" that all of
          them scored

    Raises ValueError if there is no run, a run has no epoch, or no set was scored in all of them.

    >>> from nn.scoring import Score
    >>> def history(best):
    ...     return [Epoch(i, 1.0, {"test": Score(0.1, best - 9 + i, 100)}, cost=0.4) for i in range(10)]
    >>> figure = compare({"small": history(95), "large": history(97)})
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['small: 95.00% at the end, 95.00% at best', 'large: 97.00% at the end, 97.00% at best']
    """
    empty = [name for name, history in runs.items() if not history]
    if not runs or empty:
        raise ValueError(f"there are no epochs to compare{f' in {empty[0]}' if empty else ''}")
    scored = [{name for epoch in history for name in epoch.scores} for history in runs.values()]
    shared = [name for name in SETS if all(name in names for names in scored)]
    if on is None and not shared:
        raise ValueError(f"no set was scored in all of the runs: {', '.join(map(_names, scored))}")
    on = shared[0] if on is None else on
    figure, left, right = _two(None, len(runs) + bool(title))
    right.set_ylabel(f"accuracy on the {on} images, %" if on in SETS else f"accuracy ({on}), %")
    for number, (name, history) in enumerate(runs.items()):
        style = {"color": COLOURS[number % len(COLOURS)], "linestyle": STYLES[number % len(STYLES)]}
        epochs = [epoch for epoch in history if on in epoch.scores]
        if not epochs:
            raise ValueError(f"{name} did not score the {on} images: it has {_names(scored[number])}")
        accuracies = [epoch.scores[on].accuracy for epoch in epochs]
        _line(left, history, [epoch.cost for epoch in history], label=name, **style)
        _line(right, epochs, [100 * accuracy for accuracy in accuracies],
              label=f"{name}: {accuracies[-1]:.2%} at the end, {max(accuracies):.2%} at best", **style)  # fmt: skip
    left.set_ylabel("cost of the mini-batches")
    left.set_ylim(bottom=0)
    # Over both axes, for names can be long; the title is its own, since that of the figure would stand in it.
    figure.legend(handles=right.lines, title=title, title_fontsize="large", alignment="left", frameon=False,
                  loc="outside upper left")  # fmt: skip
    return figure


def _names(names: set[str]) -> str:
    return " and ".join(sorted(names)) or "none"


# What a network learnt


def _square(n: int) -> tuple[int, int] | None:
    """Return the shape of a square image of n pixels; None if there is none."""
    side = math.isqrt(n)
    return (side, side) if side > 1 and side * side == n else None


def _grid(n: int, width: float = 1.0, most: int = 10) -> tuple[Picture, list[Any]]:
    """Make a figure with places for n small images, each `width` inches wide."""
    columns = min(most, n)
    rows = -(-n // columns)
    figure = Picture(figsize=(width * columns + 0.4, 1.12 * width * rows + 0.5), layout="constrained")
    places = list(np.ravel(figure.subplots(rows, columns, squeeze=False)))
    for axes in places:
        axes.set_axis_off()
    return figure, places[:n]


def _diverging(axes: Any, values: Array, largest: float) -> Any:
    return axes.imshow(values, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest", aspect="auto")


def weights(net: Any, layer: int = 1, *, shape: tuple[int, int] | None = None) -> Figure:
    """Draw the weights of a layer of a `Network`: of the first, an image for each neuron; of the others, a heat map.

    layer  its number, from 1
    shape  rows and columns of the images that the layer sees: by default square ones, if there are such for the first
           layer. With a shape the weights of a neuron are an image; at most 100 neurons are shown

    Red is positive, blue negative, both by the same scale. Raises ValueError for a layer that is not there, or a shape
    of another size.

    >>> from nn.network import Network
    >>> len(weights(Network([784, 30, 10], rng=0)).axes)        # 30 neurons, and the scale
    31
    """
    if not 1 <= layer <= len(net.weights):
        raise ValueError(f"there is no layer {layer}: the network has {len(net.weights)}, counted from 1")
    w = np.asarray(net.weights[layer - 1].data)
    shape = shape or (_square(w.shape[1]) if layer == 1 else None)
    if shape and math.prod(shape) != w.shape[1]:
        raise ValueError(
            f"an image of shape {shape} has {math.prod(shape)} pixels; layer {layer} has {w.shape[1]} inputs"
        )
    largest = float(np.abs(w).max()) or 1.0
    if shape is None:
        figure = Picture(
            figsize=(min(11.0, 2.2 + w.shape[1] / 5), min(8.0, 1.4 + w.shape[0] / 4)), layout="constrained"
        )
        axes = figure.subplots()
        shown = _diverging(axes, w, largest)
        axes.set(xlabel=f"neuron of layer {layer - 1}" if layer > 1 else "input", ylabel=f"neuron of layer {layer}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))
        figure.colorbar(shown, ax=axes, label="weight")
    else:
        figure, places = _grid(min(len(w), MOST))
        largest = float(np.percentile(np.abs(w), 99.5)) or largest  # a single pixel does not make all others pale
        for number, (axes, row) in enumerate(zip(places, w, strict=False)):
            shown = _diverging(axes, row.reshape(shape), largest)
            axes.set_aspect("equal")
            axes.set_title(str(number), fontsize=8, pad=2)
        figure.colorbar(shown, ax=places, label="weight", shrink=0.8, extend="both")
    left_out = f", the first {MOST} of {len(w)} neurons" if shape and len(w) > MOST else ""
    figure.suptitle(f"weights of layer {layer}{left_out}")
    return figure


def _answers(net: Any, data: DataSet) -> tuple[Array, NDArray[Any], NDArray[Any], Array]:
    """Return the inputs of a data set, its labels, the network's answers, and how active the output of each is."""
    pair = isinstance(data, tuple) and len(data) == 2 and all(hasattr(part, "shape") for part in data)
    x, y = data if pair else as_examples(data, net.sizes[0])
    dtype = net.parameters()[0].dtype
    outputs = []
    with no_grad():
        for i in range(0, len(x), PIECE):
            outputs.append(np.asarray(net(np.asarray(x[i : i + PIECE], dtype)).data))
    a = np.concatenate(outputs) if outputs else np.zeros((0, 2))
    found = labels_of(a)
    probability = np.abs(1 - found - a[:, 0]) if a.shape[1] == 1 else a[np.arange(len(a)), found]
    return np.asarray(x), labels_of(np.asarray(y)), found, probability


def confusion(net: Any, data: DataSet, *, names: Sequence[str] | None = None) -> Figure:
    """Draw how often each label is taken for each other: a row for every label, a column for every answer.

    net    a `Network`, or any model whose largest output is its answer
    data   a pair of arrays (x, labels) or (x, targets), or the book's list of pairs
    names  of the labels: by default their numbers

    The colour says how often an answer is wrong. Right answers, on the diagonal, are always grey.

    >>> from nn.network import Network
    >>> figure = confusion(Network([4, 3], rng=0), (np.eye(4), np.array([0, 1, 2, 2])))
    >>> figure.axes[0].get_xlabel()
    'answer of the network'
    """
    _, labels, found, _ = _answers(net, data)
    if not len(labels):
        raise ValueError("there are no examples to count the answers to")
    n = int(max(labels.max(), found.max(), 1)) + 1
    n = max(n, len(names)) if names else n
    counts = np.zeros((n, n), dtype=int)
    np.add.at(counts, (labels, found), 1)
    right = np.eye(n, dtype=bool)
    wrong = np.ma.masked_array(counts, right)
    most = max(1, int(counts[~right].max()))
    figure = Picture(figsize=(2.0 + 0.5 * n, 1.6 + 0.46 * n), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(wrong, cmap="Oranges", vmin=0, vmax=most)
    axes.set_facecolor("#dddddd")
    if n <= 30:
        for i, j in np.argwhere(counts):
            colour = "white" if i != j and counts[i, j] > 0.6 * most else "black"
            axes.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", fontsize=8, color=colour)
        axes.set_xticks(range(n), names or [str(label) for label in range(n)])
        axes.set_yticks(range(n), names or [str(label) for label in range(n)])
    correct = int(np.trace(counts))
    axes.set(xlabel="answer of the network", ylabel="label")
    axes.set_title(f"{correct:,} of {len(labels):,} are right ({correct / len(labels):.2%})")
    figure.colorbar(shown, ax=axes, label="wrong answers", shrink=0.8)
    return figure


def misclassified(
    net: Any, data: DataSet, *, most: int = 40, shape: tuple[int, int] | None = None, names: Sequence[str] | None = None
) -> Figure:
    """Draw the images that a network gets wrong, first those of which it is surest.

    Below each stands what it is, what the network says, and with which probability: the activation of that output,
    which is a probability for the log-likelihood cost, and read as one for the others.

    data   as for `confusion`; `shape` is that of an image, square by default; `most` is how many are shown

    >>> from nn.network import Network
    >>> figure = misclassified(Network([4, 3], rng=0), (np.eye(4), np.array([0, 1, 2, 2])), shape=(2, 2))
    >>> "of 4 are wrong" in figure.get_suptitle()
    True
    """
    x, labels, found, probability = _answers(net, data)
    wrong = np.flatnonzero(labels != found)
    shown = wrong[np.argsort(-probability[wrong], kind="stable")][:most]
    figure, places = _grid(max(1, len(shown)))
    for axes, i in zip(places, shown, strict=False):
        axes.imshow(_image(x[i], shape), cmap="gray_r", vmin=0, vmax=max(1.0, float(np.max(x[i]))))
        was, said = (names[label] if names else label for label in (labels[i], found[i]))
        axes.set_title(f"{was} as {said}, {probability[i]:.0%}", fontsize=7, pad=2)
    which = ", the surest of them" if len(shown) < len(wrong) else ""
    figure.suptitle(f"{len(wrong):,} of {len(labels):,} are wrong{which}", fontsize=10)
    return figure


def _image(x: Array, shape: tuple[int, int] | None) -> Array:
    """Return the pixels of an example as an image: of the given shape, square, or in one row."""
    if x.ndim > 1:
        return x.reshape(x.shape[-2:])
    shape = shape or _square(x.size) or (1, x.size)
    if math.prod(shape) != x.size:
        raise ValueError(f"an image of shape {shape} has {math.prod(shape)} pixels, and the examples have {x.size}")
    return x.reshape(shape)


def activations(net: Any, x: ArrayLike, *, label: Any = None, shape: tuple[int, int] | None = None) -> Figure:
    """Draw what a `Network` makes of one image: the image, how active each hidden neuron is, and its outputs.

    x      the pixels of one example, of shape (n_in,) or of the shape of the image
    label  what it is: its bar is marked
    shape  of the image, if it is not square

    >>> from nn.network import Network
    >>> len(activations(Network([784, 30, 10], rng=0), np.zeros(784)).axes)      # image, hidden layer, scale, outputs
    4
    """
    pixels = np.asarray(x, net.weights[0].dtype).reshape(-1)
    values = [pixels]
    with no_grad():
        for layer in net.layers.layers:
            values.append(np.asarray(layer(values[-1]).data))
    hidden, outputs = values[1:-1], values[-1]
    figure = Picture(figsize=(4.6 + 1.1 * len(hidden), 3.2), layout="constrained")
    places = figure.subplots(1, 2 + len(hidden), width_ratios=[2.2, *[0.8] * len(hidden), 2.2])
    places[0].imshow(_image(pixels, shape), cmap="gray_r", vmin=0, vmax=max(1.0, float(pixels.max(initial=0))))
    places[0].set_axis_off()
    places[0].set_title("input" if label is None else f"input: {label}", fontsize=9)
    for number, (axes, a) in enumerate(zip(places[1:-1], hidden, strict=True), 1):
        columns = -(-len(a) // 50)  # fifty neurons below each other
        padded = np.full(columns * -(-len(a) // columns), np.nan)
        padded[: len(a)] = a
        low, high = min(0.0, float(a.min())), max(1.0, float(a.max()))
        shown = axes.imshow(padded.reshape(columns, -1).T, cmap="viridis", vmin=low, vmax=high, aspect="auto")
        axes.set_title(f"layer {number}\n{len(a)} neurons", fontsize=9)
        axes.set_xticks([])
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        figure.colorbar(shown, ax=axes, location="bottom", aspect=8)
    bars = places[-1]
    colours = ["#D55E00" if i == label else "#0072B2" for i in range(len(outputs))]
    bars.barh(range(len(outputs)), outputs, color=colours)
    for i, a in enumerate(outputs):
        bars.text(max(a, 0), i, f" {a:.2f}", va="center", fontsize=7)
    if len(outputs) <= 30:
        bars.set_yticks(range(len(outputs)))
    bars.invert_yaxis()
    bars.set_xlim(right=1.2 * max(1.0, float(outputs.max())))
    bars.spines[["top", "right"]].set_visible(False)
    said = int(labels_of(outputs[np.newaxis])[0])
    bars.set_title(f"outputs: {said}, {outputs[said if len(outputs) > 1 else 0]:.0%}", fontsize=9)
    return figure
