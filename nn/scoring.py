"""Lays data out as arrays, and scores a network on it: the cost, the correct labels, the line of an epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograd import Tensor, no_grad
from nn.checkpoint import Checkpoint
from nn.digits import Examples, one_hot
from nn.distributed import Ranks
from nn.equations import Array
from nn.layers import Module

# The book's list of pairs of columns (x, y), or a pair of arrays with an example per row.
DataSet = Iterable[tuple[Array, Any]] | tuple[Array, Array] | Examples


class Classifier(Protocol):
    """What can be trained and scored here: a `Network`, or anything with the same methods."""

    @property
    def sizes(self) -> list[int]: ...
    @property
    def weights(self) -> list[Tensor]: ...
    @property
    def replayable(self) -> bool:
        """Whether `autograd.compile` may replay the cost, in place of a graph for every mini-batch."""

    def cost(self, x: Array, y: Array) -> Tensor: ...
    def predict(self, x: Array) -> NDArray[np.int64]: ...
    def parameters(self) -> list[Tensor]: ...
    def state_dict(self) -> dict[str, Array]: ...
    def load_state_dict(self, state: dict[str, Array]) -> None: ...
    def description(self) -> dict[str, Array]: ...


@dataclass
class Score:
    """The mean cost of a network on a data set, and how many of its examples are labelled correctly."""

    cost: float
    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        return self.correct / self.total


@dataclass(repr=False)
class Epoch:
    """An epoch of training: its number from 0, the seconds that it took, and the scores by data set.

    `cost` is the mean cost of its mini-batches, each measured just before the network was trained on it. The seconds of
    an epoch that was read from a checkpoint are 0.
    """

    number: int
    seconds: float
    scores: dict[str, Score] = field(default_factory=dict)
    cost: float = float("nan")

    def __str__(self) -> str:
        """Write the book's line, `Epoch 0 : 9063 / 10000`, and after it the other scores."""
        return self.line()

    __repr__ = __str__  # so that the history of a training is a list of such lines

    def line(self, epochs: int | None = None) -> str:
        """Write the same; with the number of epochs, so that the lines of all of them stand below each other.

        >>> print(Epoch(3, 1.0, {"test": Score(0.1, 98, 1000)}).line(30))
        Epoch  3 :  98 / 1000
        """
        test = self.scores.get("test")
        # All right is not expected: the book has no blank before 9063.
        widths = (0, 0, 0) if epochs is None else (len(str(epochs - 1)), len(str(test.total - 1)) if test else 0, 7)
        line = f"Epoch {self.number:{widths[0]}} "
        line += f": {test.correct:{widths[1]}} / {test.total}" if test else "complete"
        for name, score in self.scores.items():
            if name != "test":
                line += f"  {name} cost {score.cost:.5f} accuracy {score.accuracy:{widths[2]}.2%}"
        return line


def epochs_of(checkpoint: Checkpoint) -> list[Epoch]:
    """Return the epochs in a checkpoint. It does not keep their seconds, which are 0."""
    return [
        Epoch(number, 0.0, {name: Score(*numbers) for name, numbers in scores.items()}, cost)
        for number, (scores, cost) in enumerate(zip(checkpoint.history, checkpoint.costs[:-1], strict=True))
    ]


def as_examples(data: DataSet, n_in: int, what: str = "data") -> Examples:
    """Turn a data set into two arrays, from the book's list of `(x, y)` columns or from a pair of arrays `(x, y)`.

    x gets the shape (n, n_in), and y holds labels (n,) or targets (n, n_out). Raises ValueError for other shapes.
    """
    x: Any
    y: Any
    if isinstance(data, tuple) and len(data) == 2 and all(hasattr(part, "shape") for part in data):
        x, y = data
    else:
        try:
            pairs: list[Any] = list(data)
            x = np.array([np.reshape(x, -1) for x, _ in pairs])
            y = np.array([np.reshape(y, -1) if np.ndim(y) else y for _, y in pairs])
        except (TypeError, ValueError):
            raise ValueError(
                f"the {what} is neither a list of pairs (x, y) that are all of the same size nor a pair of arrays"
            ) from None
        if not pairs:
            raise ValueError(f"the {what} is empty")
    if x.ndim != 2 or x.shape[1] != n_in or y.ndim not in (1, 2) or len(x) != len(y) or not len(x):
        raise ValueError(
            f"the {what} has inputs of shape {x.shape} and targets of shape {y.shape}; the network takes"
            f" (n, {n_in}) and n targets, n > 0"
        )
    for part, array in (("inputs", x), ("targets", y)):
        if array.dtype.kind not in "fiub" or not np.all(np.isfinite(array)):
            raise ValueError(f"the {what} has {part} of dtype {array.dtype} that are not all finite real numbers")
    return Examples(x, y)


def targets_of(y: Array, n_out: int, dtype: DTypeLike, what: str = "data") -> Array:
    """Return the targets of shape (n, n_out) for labels (n,), or for such targets."""
    if y.ndim == 2:
        if y.shape[1] != n_out:
            raise ValueError(f"the targets of the {what} have shape {y.shape}; the network has {n_out} outputs")
        return y.astype(dtype, copy=False)
    try:
        targets = one_hot(y, max(2, n_out), dtype)
    except ValueError as error:
        raise ValueError(f"the {what}: {error}") from None
    return targets[:, 1:] if n_out == 1 else targets  # one output says how much it is label 1, and not 0


def labels_of(y: Array) -> Array:
    """Return the labels of shape (n,) for targets (n, n_out), or for labels."""
    if y.ndim == 1:
        return y
    return (y[:, 0] >= 0.5).astype(np.int64) if y.shape[1] == 1 else np.argmax(y, axis=1)


def correct(net: Classifier, data: DataSet, what: str = "data") -> int:
    """Count the examples of a data set that a network labels correctly."""
    x, y = as_examples(data, net.sizes[0], what)
    return _correct(net, x.astype(net.weights[0].dtype, copy=False), y)


def _correct(net: Classifier, x: Array, y: Array) -> int:
    return int(np.sum(net.predict(x) == labels_of(y)))


def score(net: Classifier, data: DataSet, what: str = "data") -> Score:
    """Measure the cost and the number of correct labels of a network on a data set.

    >>> from nn import Network, load_digits
    >>> _, _, test = load_digits()
    >>> score(Network([784, 10], rng=0), test).total
    10000
    """
    x, y = as_examples(data, net.sizes[0], what)
    dtype = net.weights[0].dtype
    x = x.astype(dtype, copy=False)
    with no_grad():
        cost = net.cost(x, targets_of(y, net.sizes[-1], dtype, what))
    return Score(float(cost), _correct(net, x, y), len(x))


class Model:
    """A model of any kind and a cost of its outputs, as the trainer sees them."""

    PIECE = 500  # examples that are scored at a time

    def __init__(self, model: Module, cost: Callable[[Any, Any], Any]):
        self.model, self._cost = model, cost
        self.parameters, self.description = model.parameters, model.description
        self.state_dict, self.load_state_dict = model.state_dict, model.load_state_dict
        if not self.parameters():
            raise ValueError("the model has no parameters to train")
        names = Counter(p.name for p in self.parameters())
        number: Counter[str] = Counter()
        for p in self.parameters():  # a file needs a name for each
            if p.name is None or names[p.name] > 1:
                base = p.name or "p"
                number[base] += 1
                p.name = f"{base}{number[base]}"
        self.dtype = self.parameters()[0].dtype
        self.weights = [p for p in self.parameters() if p.ndim > 1]

    def cost(self, x: Array, y: Array) -> Any:
        return self._cost(self.model(x), y)  # type: ignore[operator]  # a Module says in __call__ what it computes

    def examples(self, data: Any, what: str) -> Examples:
        """Check a data set, a pair of arrays; labels become targets, floats the dtype of the parameters."""
        if not (isinstance(data, tuple) and len(data) == 2 and all(hasattr(part, "shape") for part in data)):
            raise ValueError(f"the {what} is not a pair of arrays (x, y) with an example per row")
        x, y = data
        if not x.ndim or not y.ndim or len(x) != len(y) or not len(x):
            raise ValueError(f"the {what} has inputs of shape {x.shape} and targets of shape {y.shape}, not n of each")
        for part, array in (("inputs", x), ("targets", y)):
            if array.dtype.kind not in "fiub" or not np.all(np.isfinite(array)):
                raise ValueError(f"the {what} has {part} of dtype {array.dtype} that are not all finite real numbers")
        if y.ndim == 1 and y.dtype.kind in "iu":
            with no_grad():
                outputs = np.asarray(self.model(self._cast(x[:1])).data)  # type: ignore[operator]
            y = targets_of(y, outputs.shape[-1], self.dtype, what) if outputs.ndim == 2 else y
        return Examples(self._cast(x), self._cast(y))

    def _cast(self, array: Array) -> Array:
        return array.astype(self.dtype, copy=False) if array.dtype.kind == "f" else array

    def score(self, data: Examples) -> Score:
        """The cost, and how many examples have their largest output where their target is; a piece at a time."""
        cost, right, n = 0.0, 0, len(data.x)
        for i in range(0, n, self.PIECE):
            x, y = data.x[i : i + self.PIECE], data.y[i : i + self.PIECE]
            with no_grad():
                outputs = self.model(x)  # type: ignore[operator]
                cost += float(self._cost(outputs, y)) * len(x) / n
            found = np.asarray(outputs.data)
            if found.ndim == 2 == y.ndim and found.shape == y.shape:
                right += int(np.sum(labels_of(found) == labels_of(y)))
        return Score(cost, right, n)


def checked(net: Classifier | Model, data: DataSet, what: str, targets: bool) -> Examples:
    """Check a data set; with `targets`, lay it out for training."""
    if isinstance(net, Model):
        return net.examples(data, what)
    x, y = as_examples(data, net.sizes[0], what)
    dtype = net.weights[0].dtype
    as_targets = targets_of(y, net.sizes[-1], dtype, what)
    return Examples(x.astype(dtype, copy=False), as_targets) if targets else Examples(x, y)


def scored(net: Classifier | Model, data: Examples, what: str, ranks: Ranks | None = None) -> Score:
    """The score; with ranks, each takes a part of the data, and the parts are added up."""
    if ranks is None:
        return net.score(data) if isinstance(net, Model) else score(net, data, what)
    n, rows = len(data.x), ranks.share(len(data.x))
    total = np.zeros(2)
    if rows.stop > rows.start:
        part = scored(net, Examples(data.x[rows], data.y[rows]), what)
        total[:] = part.cost * part.total, part.correct
    total = ranks.add(total)
    return Score(float(total[0]) / n, int(total[1]), n)
