"""Stochastic gradient descent: the optimiser, and the loop over epochs and mini-batches that trains a network."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from autograd import Tensor, compile, no_grad
from nn.digits import Examples, one_hot
from nn.files import check_writable

if TYPE_CHECKING:
    from nn.network import Network


class SGD:
    """Gradient descent on some parameters, in place: each `step` moves them by -eta times their gradient.

    eta           the learning rate
    momentum      mu in v <- mu v + g, p <- p - eta v. Book, chapter 3, "Momentum-based gradient descent", where the
                  velocity is -eta v
    nesterov      p <- p - eta (g + mu v) instead: the gradient looked up ahead (Sutskever et al., 2013)
    weight_decay  lambda/n in p <- (1 - eta lambda/n) p - eta g: the gradient of an L2 penalty lambda/2n sum p^2. Book,
                  chapter 3, equation (93)
    decayed       the parameters that weight_decay applies to; all by default (the book leaves out the biases)

    >>> p = Tensor([1.0, 2.0])
    >>> optimiser = SGD([p], eta=0.5)
    >>> (p * p).sum().backward()
    >>> optimiser.step()
    >>> p
    Tensor([0., 0.])
    """

    def __init__(
        self, parameters: Iterable[Tensor], eta: float, *, momentum: float = 0.0, nesterov: bool = False,
        weight_decay: float = 0.0, decayed: Iterable[Tensor] | None = None,
    ):  # fmt: skip
        self.parameters = list(parameters)
        if not self.parameters or not all(isinstance(p, Tensor) and p.op is None for p in self.parameters):
            raise ValueError("SGD takes a list of parameters: Tensors that were not computed from others")
        _refuse_negative(eta=eta, momentum=momentum, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum greater than 0")
        self.eta, self.momentum, self.nesterov = float(eta), float(momentum), nesterov
        decayed = set(self.parameters if decayed is None else decayed)
        self.decay = [float(weight_decay) if p in decayed else 0.0 for p in self.parameters]
        self.velocities: list[Any] = [0.0] * len(self.parameters)
        self._plain = not (momentum or any(self.decay))

    def step(self) -> None:
        """Move every parameter that has a gradient. Raises ValueError for a gradient of another shape."""
        eta, plain = self.eta, self._plain
        for i, p in enumerate(self.parameters):
            g = p.grad
            if g is None:
                continue
            data = p.data
            if getattr(g, "shape", ()) != data.shape:
                raise ValueError(f"the gradient of {p.name or 'a parameter'} has shape {np.shape(g)}, not {p.shape}")
            if not plain:
                g = self._direction(i, g, data)
            data -= g if eta == 1.0 else eta * g
            p.data = data

    def _direction(self, i: int, g: Any, data: Any) -> Any:
        """The gradient of the i-th parameter with weight decay and momentum."""
        if self.decay[i]:
            g = g + self.decay[i] * data
        if self.momentum:
            self.velocities[i] = self.momentum * self.velocities[i] + g
            g = g + self.momentum * self.velocities[i] if self.nesterov else self.velocities[i]
        return g

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next backward pass starts from nothing."""
        for p in self.parameters:
            p.grad = None


def _refuse_negative(**settings: Any) -> None:
    for name, value in settings.items():
        if not (isinstance(value, (int, float, np.number)) and np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is a finite number, not negative; it is {value!r}")


@dataclass
class Score:
    """How a network does on a data set: the mean cost, and how many examples it labels correctly."""

    cost: float
    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        return self.correct / self.total


@dataclass
class Epoch:
    """What an epoch of training came to: its number from 0, its time in seconds, and the scores by data set."""

    number: int
    seconds: float
    scores: dict[str, Score] = field(default_factory=dict)

    def __str__(self) -> str:
        """The book's line, `Epoch 0 : 9063 / 10000`, and the rest of what was measured behind it."""
        test = self.scores.get("test")
        line = f"Epoch {self.number} : {test.correct} / {test.total}" if test else f"Epoch {self.number} complete"
        for name, score in self.scores.items():
            if name != "test":
                line += f"  {name} cost {score.cost:.5f} accuracy {score.accuracy:.2%}"
        return line


def as_examples(data: Any, n_in: int, what: str = "data") -> Examples:
    """A data set as two arrays, from the book's list of `(x, y)` columns or from a pair of arrays `(x, y)`.

    x comes out with shape (n, n_in); y as labels (n,) or as targets (n, n_out). Raises ValueError for other shapes.
    """
    if isinstance(data, tuple) and len(data) == 2 and all(hasattr(part, "shape") for part in data):
        x, y = data
    else:
        try:
            pairs = list(data)
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


def _targets(y: NDArray[Any], n_out: int, dtype: Any, what: str) -> NDArray[Any]:
    """What the outputs should be, of shape (n, n_out), from labels or from such targets."""
    if y.ndim == 2:
        if y.shape[1] != n_out:
            raise ValueError(f"the targets of the {what} have shape {y.shape}; the network has {n_out} outputs")
        return y.astype(dtype, copy=False)
    try:
        targets = one_hot(y, max(2, n_out), dtype)
    except ValueError as error:
        raise ValueError(f"the {what}: {error}") from None
    return targets[:, 1:] if n_out == 1 else targets  # one output says how much it is label 1, and not 0


def _labels(y: NDArray[Any]) -> NDArray[Any]:
    """The labels, of shape (n,), from labels or targets."""
    if y.ndim == 1:
        return y
    return (y[:, 0] >= 0.5).astype(np.int64) if y.shape[1] == 1 else np.argmax(y, axis=1)


def score(net: Network, data: Any, what: str = "data") -> Score:
    """The cost and the number of correct labels of a network on a data set.

    >>> from nn import Network, load_digits
    >>> _, _, test = load_digits()
    >>> score(Network([784, 10], rng=0), test).total
    10000
    """
    x, y = as_examples(data, net.sizes[0], what)
    dtype = net.weights[0].dtype
    x = x.astype(dtype, copy=False)
    with no_grad():
        cost = net.cost(x, _targets(y, net.sizes[-1], dtype, what))
    return Score(float(cost), int(np.sum(net.predict(x) == _labels(y))), len(x))


def mini_batches(n: int, size: int, rng: np.random.Generator) -> Sequence[NDArray[np.int64]]:
    """The mini-batches of one epoch: `rng.permutation(n)` in slices of `size`, the last one short if need be."""
    order = rng.permutation(n)
    return [order[i : i + size] for i in range(0, n, size)]


def print_epoch(epoch: Epoch) -> None:
    """Print the line of an epoch, clear of the progress bar, and at once even where the output is a file or a pipe."""
    tqdm.write(str(epoch), file=sys.stdout)
    sys.stdout.flush()


@np.errstate(over="ignore", invalid="ignore")  # of training that diverges, an error tells more than NumPy's warnings
def train(
    net: Network,
    training_data: Any,
    epochs: int,
    mini_batch_size: int,
    eta: float,
    *,
    test_data: Any = None,
    validation_data: Any = None,
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

    training_data    the book's list of pairs of columns `(x, y)`, or a pair of arrays: x of shape (n, n_in), y labels
                     of shape (n,) or targets of shape (n, n_out); likewise the other sets
    test_data, validation_data, monitor_training
                     the sets on which cost and accuracy are measured after every epoch
    rng              a numpy.random.Generator, or a seed for one. Each epoch takes one `rng.permutation(n)` and cuts it
                     into slices of `mini_batch_size`, the last one short if need be; nothing else is drawn from it
    weight_decay     lambda/n; it applies to the weights and not to the biases, as in the book
    patience         stop after this many epochs without a better accuracy on validation_data. Stopped so or not, the
                     network ends as it was after the best epoch
    save             a file that always holds the network as it was after the last finished epoch, and in the end what
                     the network ends as. That it can be written is known before the training starts
    compiled         replay the gradient (`autograd.compile`) in place of building its graph for every mini-batch: the
                     same numbers, sooner; a subclass with a `cost` of its own always builds it
    report           called with each epoch; prints its line by default

    Ctrl-C stops with a KeyboardInterrupt that leaves the network, and the file, as after the last finished epoch.
    Raises FloatingPointError if the parameters stop being finite, with the network left as after the epoch before.
    """
    dtype, n_in, n_out = net.weights[0].dtype, net.sizes[0], net.sizes[-1]
    if epochs < 0 or int(epochs) != epochs or mini_batch_size < 1 or int(mini_batch_size) != mini_batch_size:
        raise ValueError(f"epochs={epochs} and mini_batch_size={mini_batch_size} are whole numbers, at least 0 and 1")
    if patience is not None and (validation_data is None or patience < 1):
        raise ValueError("patience, at least 1, needs validation_data, whose accuracy decides when to stop")
    x, y = as_examples(training_data, n_in, "training data")
    x, y = x.astype(dtype, copy=False), _targets(y, n_out, dtype, "training data")
    sets = {"training": Examples(x, y)} if monitor_training else {}
    for name, data in (("validation", validation_data), ("test", test_data)):
        if data is not None:
            sets[name] = as_examples(data, n_in, f"{name} data")
            _targets(sets[name].y, n_out, dtype, f"{name} data")  # what is wrong with it is said before the training

    _refuse_negative(eta=eta, weight_decay=weight_decay)
    eta = float(eta)

    # The gradient of eta C is what an update subtracts: with eta in the cost, no weight is multiplied by it.
    def cost(x: Any, y: Any) -> Any:
        return eta * net.cost(x, y)

    def anew(x: Any, y: Any) -> None:
        cost(x, y).backward()

    ours = type(net).cost.__module__ == "nn.network"  # a cost of somebody else's may do what cannot be replayed
    gradient: Callable[[Any, Any], object] = compile(cost, overwrite=True) if compiled and ours else anew
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
