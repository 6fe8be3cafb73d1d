"""Training: the loop over epochs and mini-batches, what is measured after each epoch, and what is kept of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray
from tqdm import tqdm

from autograd import Tensor, compile, no_grad
from nn.digits import Examples, one_hot
from nn.equations import Array
from nn.files import check_writable
from nn.sgd import SGD, refuse_negative

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
    def save(self, path: str | Path) -> None: ...


@dataclass
class Score:
    """The mean cost of a network on a data set, and how many of its examples are labelled correctly."""

    cost: float
    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        return self.correct / self.total


@dataclass
class Epoch:
    """An epoch of training: its number from 0, the seconds that it took, and the scores by data set."""

    number: int
    seconds: float
    scores: dict[str, Score] = field(default_factory=dict)

    def __str__(self) -> str:
        """Write the book's line, `Epoch 0 : 9063 / 10000`, and after it the other scores."""
        test = self.scores.get("test")
        line = f"Epoch {self.number} : {test.correct} / {test.total}" if test else f"Epoch {self.number} complete"
        for name, score in self.scores.items():
            if name != "test":
                line += f"  {name} cost {score.cost:.5f} accuracy {score.accuracy:.2%}"
        return line


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


def _labels(y: Array) -> Array:
    """Return the labels of shape (n,) for targets (n, n_out), or for labels."""
    if y.ndim == 1:
        return y
    return (y[:, 0] >= 0.5).astype(np.int64) if y.shape[1] == 1 else np.argmax(y, axis=1)


def correct(net: Classifier, data: DataSet, what: str = "data") -> int:
    """Count the examples of a data set that a network labels correctly."""
    x, y = as_examples(data, net.sizes[0], what)
    return _correct(net, x.astype(net.weights[0].dtype, copy=False), y)


def _correct(net: Classifier, x: Array, y: Array) -> int:
    return int(np.sum(net.predict(x) == _labels(y)))


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


def mini_batches(n: int, size: int, rng: np.random.Generator) -> Sequence[NDArray[np.int64]]:
    """Cut one epoch into mini-batches: `rng.permutation(n)` in slices of `size`, the last one short if need be."""
    order = rng.permutation(n)
    return [order[i : i + size] for i in range(0, n, size)]


def print_epoch(epoch: Epoch) -> None:
    """Print the line of an epoch above the progress bar, and at once, also into a file or a pipe."""
    tqdm.write(str(epoch), file=sys.stdout)
    sys.stdout.flush()


@np.errstate(over="ignore", invalid="ignore")  # the error for training that diverges says more
def train(
    net: Classifier,
    training_data: DataSet,
    epochs: int,
    mini_batch_size: int,
    eta: float,
    *,
    test_data: DataSet | None = None,
    validation_data: DataSet | None = None,
    monitor_training: bool = False,
    rng: np.random.Generator | int | None = None,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    compiled: bool = True,
    patience: int | None = None,
    save: str | Path | None = None,
    report: Callable[[Epoch], object] = print_epoch,
) -> list[Epoch]:
    """Train `net`, and return a record of each epoch.

    training_data    the book's list of pairs of columns `(x, y)`, or a pair of arrays: x of shape (n, n_in), and y
                     labels of shape (n,) or targets of shape (n, n_out). The other sets look the same
    test_data, validation_data
                     sets that are scored after every epoch; with `monitor_training` the training data is scored too
    rng              a numpy.random.Generator, or a seed for one. Each epoch draws one `rng.permutation(n)`, and cuts it
                     into mini-batches; nothing else is drawn
    momentum, nesterov
                     as for `SGD`
    weight_decay     lambda/n. It applies to the weights and not to the biases, as in the book
    patience         stop after so many epochs without a better accuracy on validation_data. The network then ends as
                     it was after the best epoch, also if the epochs run out first
    save             write the network to this file after every epoch, and in the end what it ends as. A path that
                     cannot be written is an error before the training starts
    compiled         replay the gradient (`autograd.compile`) rather than build its graph for every mini-batch: the same
                     numbers, faster. A subclass with a `cost` of its own always builds it
    report           is called with each epoch, and prints its line by default

    Ctrl-C raises KeyboardInterrupt, and leaves the network and the file as they were after the last finished epoch.
    Raises FloatingPointError if a parameter is no longer finite; the network is then as it was an epoch before.
    """
    dtype, n_in, n_out = net.weights[0].dtype, net.sizes[0], net.sizes[-1]
    if epochs < 0 or int(epochs) != epochs or mini_batch_size < 1 or int(mini_batch_size) != mini_batch_size:
        raise ValueError(f"epochs={epochs} and mini_batch_size={mini_batch_size} are whole numbers, at least 0 and 1")
    if patience is not None and (validation_data is None or patience < 1):
        raise ValueError("patience, at least 1, needs validation_data, whose accuracy decides when to stop")
    x, y = as_examples(training_data, n_in, "training data")
    x, y = x.astype(dtype, copy=False), targets_of(y, n_out, dtype, "training data")
    sets = {"training": Examples(x, y)} if monitor_training else {}
    for name, data in (("validation", validation_data), ("test", test_data)):
        if data is not None:
            sets[name] = as_examples(data, n_in, f"{name} data")
            targets_of(sets[name].y, n_out, dtype, f"{name} data")  # what is wrong with it is said before the training

    refuse_negative(eta=eta, weight_decay=weight_decay)
    eta = float(eta)

    # The gradient of eta C is what an update subtracts: with eta in the cost, no weight is multiplied by it.
    def cost(x: Array, y: Array) -> Tensor:
        return eta * net.cost(x, y)

    def anew(x: Array, y: Array) -> None:
        cost(x, y).backward()

    gradient: Callable[[Array, Array], object] = compile(cost, overwrite=True) if compiled and net.replayable else anew
    optimiser = SGD(
        net.parameters(), 1.0, momentum=momentum, nesterov=nesterov, decayed=net.weights,
        weight_decay=min(eta * weight_decay, sys.float_info.max),
    )  # fmt: skip
    if save is not None:
        check_writable(save)
    rng = np.random.default_rng(rng)
    history: list[Epoch] = []
    finished = best = net.state_dict()
    best_accuracy, best_epoch = -1.0, -1
    try:
        for number in range(int(epochs)):
            start = time.perf_counter()
            batches = mini_batches(len(x), int(mini_batch_size), rng)
            for batch in tqdm(batches, desc=f"Epoch {number}", unit="batch", leave=False, disable=None):
                optimiser.zero_grad()
                gradient(x[batch], y[batch])
                optimiser.step()
            state = net.state_dict()
            if not all(np.all(np.isfinite(array)) for array in state.values()):
                raise FloatingPointError(
                    f"training diverged in epoch {number}: the parameters are no longer finite;"
                    f" try a smaller eta than {eta}"
                )
            scores = {name: score(net, data, f"{name} data") for name, data in sets.items()}
            epoch = Epoch(number, time.perf_counter() - start, scores)
            if save is not None:
                net.save(save)
            finished = state
            history.append(epoch)
            report(epoch)
            if patience is not None:
                accuracy = scores["validation"].accuracy
                if accuracy > best_accuracy:
                    best, best_accuracy, best_epoch = state, accuracy, number
                elif number - best_epoch >= patience:
                    break
        if patience is not None:
            finished = best
    finally:
        optimiser.zero_grad()
        net.load_state_dict(finished)
    if save is not None and patience is not None and history:
        net.save(save)
    return history
