"""Training: the loop over epochs and mini-batches, what is measured after each epoch, and what is kept of it."""

from __future__ import annotations

import contextvars
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray
from tqdm import tqdm

from autograd import Tensor, compile, no_grad
from autograd.readings.replay import has_compiler
from autograd.readings.step import Step
from nn.checkpoint import Checkpoint, differences, fingerprint, set_state, state_of
from nn.digits import Examples, one_hot
from nn.distributed import Ranks
from nn.equations import Array
from nn.files import Claim, FileError, write_arrays
from nn.interrupts import Deferred, Watch
from nn.layers import Dropout, Module
from nn.sgd import SGD, Optimiser, refuse_negative

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

    `cost` is the mean cost of its mini-batches, each as it was when the network was trained on it. Of an epoch that was
    read from a checkpoint the seconds are 0.
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
    """Return the epochs that a checkpoint tells of. The seconds that they took are not in it, and are 0."""
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


def mini_batches(n: int, size: int, rng: np.random.Generator) -> Sequence[NDArray[np.int64]]:
    """Cut one epoch into mini-batches: `rng.permutation(n)` in slices of `size`, the last one short if need be."""
    order = rng.permutation(n)
    return [order[i : i + size] for i in range(0, n, size)]


def print_epoch(epoch: Epoch) -> None:
    """Print the line of an epoch above the progress bar, and at once, also into a file or a pipe."""
    print_line(str(epoch))


def print_line(line: str) -> None:
    """Print a line above the progress bar, and at once, also into a file or a pipe."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


class _Model:
    """A model of any kind and a cost of its outputs, as the trainer sees it."""

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


def _limit(parameters: list[Tensor], longest: float) -> None:
    """Scale the gradient of all parameters together down to the length `longest`, if it is longer."""
    length = np.sqrt(sum(np.vdot(p.grad, p.grad) for p in parameters if p.grad is not None))
    if length > longest:
        for p in parameters:
            if p.grad is not None:
                p.grad = p.grad * (longest / length)


@dataclass
class _Training:
    """How far a training is, and where that is written."""

    net: Classifier | _Model
    optimiser: Optimiser
    rng: np.random.Generator
    settings: dict[str, Any]
    notes: dict[str, Any]
    patience: int | None
    claim: Claim | None
    history: list[Epoch] = field(default_factory=list)
    batches: int = 0  # of the epoch in progress, that are done
    total: float = 0.0  # their costs
    best: dict[str, Array] = field(default_factory=dict)
    at_start: dict[str, Any] = field(default_factory=dict)  # the state of rng when the epoch began
    within: dict[str, Any] = field(default_factory=dict)  # and after the mini-batches that are done, when resumed

    @property
    def epoch(self) -> int:
        """The epoch in progress."""
        return len(self.history)

    def best_epoch(self) -> int:
        """The first epoch with the best accuracy on the validation data; -1 if there is none."""
        accuracies = [epoch.scores["validation"].accuracy for epoch in self.history]
        return accuracies.index(max(accuracies)) if accuracies else -1

    def out_of_patience(self) -> bool:
        return self.patience is not None and bool(self.history) and self.epoch - 1 - self.best_epoch() >= self.patience

    def save(self, result: dict[str, Array] | None = None) -> None:
        """Write a checkpoint. `result` is what the network is to be, if it is not as it is now."""
        if self.claim is None:
            return
        now, written = self.net.state_dict(), Path(self.claim.path).exists()
        history = [{name: [float(s.cost), int(s.correct), int(s.total)] for name, s in epoch.scores.items()}
                   for epoch in self.history]  # fmt: skip
        rng = state_of(self.rng)
        checkpoint = Checkpoint(
            self.epoch, self.batches, self.settings, self.notes, history,
            costs=[*(float(epoch.cost) for epoch in self.history), float(self.total)],
            rng=[self.at_start if self.batches else rng, rng],
            parameters=self.net.description() | (now if result is None else result),
            now={} if result is None else now, best=self.best, optimiser=self.optimiser.state_dict(),
        )  # fmt: skip
        try:
            self.claim.write(checkpoint.arrays())
        except FileError as error:
            if self.claim.path.exists():
                raise FileError(
                    f"{error}. It holds what was saved before; resume from it when that is mended"
                ) from error
            if not self.history and not written:
                raise
            folder = Path(tempfile.mkdtemp(prefix="handgrad-"))
            write_arrays(folder / self.claim.path.name, checkpoint.arrays())
            raise FileError(
                f"{error}. The training is in {folder / self.claim.path.name}, {checkpoint.where()}; resume from that"
            ) from error

    def resume(self, path: str | Path, epochs: int) -> None:
        """Go to where the training was that is written in a file."""
        saved = Checkpoint.read(path)
        # Another back end gives the same to rounding: it is nobody's business but that of who asks for it.
        now = {name: value for name, value in self.settings.items() if name != "backend"}
        differing = differences({name: value for name, value in saved.settings.items() if name != "backend"}, now)
        if differing:
            raise FileError(
                f"{path}: cannot be resumed with other settings: {', '.join(differing)};"
                " give the same ones, or start a training anew"
            )
        if saved.epoch > epochs or (saved.epoch == epochs and saved.batches):
            raise FileError(f"{path}: is {saved.where()}, and epochs={epochs} is less; ask for more epochs")
        parameters = saved.now or {
            name: array for name, array in saved.parameters.items() if name not in self.net.description()
        }
        try:
            self.net.load_state_dict(parameters)
            self.optimiser.load_state_dict(saved.optimiser)
            set_state(self.rng, saved.rng[0])
            if saved.batches:
                self.at_start = saved.rng[0]
        except ValueError as error:
            raise FileError(f"{path}: cannot be resumed: {error}") from error
        self.history[:] = epochs_of(saved)
        self.best, self.batches, self.total = saved.best, saved.batches, saved.costs[-1]
        self.within = saved.rng[1]


def _progress(total: int, training: _Training, epochs: int) -> tqdm[Any] | None:
    """A bar for the mini-batches of an epoch, where there is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    measured = [epoch.seconds for epoch in training.history if epoch.seconds]
    left = f"{_clock(sum(measured) / len(measured) * (epochs - training.epoch))} left in all" if measured else None
    return tqdm(
        desc=f"Epoch {training.epoch}", unit="batch", leave=False, initial=training.batches, total=total, postfix=left
    )


ENOUGH = 250  # mini-batches in an epoch for which it pays to build a program in C, which takes a second


def backend_of(backend: str, batches: int, resume: str | Path | None = None) -> str:
    """What the mini-batches of an epoch run in: "c" or "numpy"; for "auto" the fastest that is there.

    That is C where there is a compiler and something to gain. A training that goes on runs in what it ran in before, so
    that it ends bit for bit where it would have.
    """
    if backend not in ("auto", "numpy", "c"):
        raise ValueError(f'backend is "auto", "numpy" or "c", not {backend!r}')
    if backend != "auto":
        return backend
    if resume is not None:
        wanted = Checkpoint.read(resume).settings.get("backend", "numpy") == "c"
    else:
        wanted = batches >= ENOUGH
    return "c" if wanted and has_compiler() else "numpy"


def _step(
    cost: Callable[[Array, Array], Any], optimiser: Optimiser, batch: tuple[Array, Array], backend: str, may_fall: bool
) -> tuple[str, Step | None]:
    """What the steps run in, and a whole step as a program; None for an optimiser with a step of its own.

    In C it is built here, so that what is wrong with it is said before the training. With `may_fall`, a cost that
    cannot be written in C runs in NumPy.
    """
    from autograd import CompilerError, LoweringError  # what a compiler needs is imported where it is needed

    if type(optimiser).step is not Optimiser.step:
        return "numpy", None
    step = compile(cost, update=optimiser, backend=backend)
    if backend == "c":
        try:
            step.build(*batch)
        except (CompilerError, LoweringError):
            if not may_fall:
                raise
            return "numpy", compile(cost, update=optimiser)
    return backend, step


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@overload
def train(
    model: Classifier, training_data: DataSet, epochs: int, mini_batch_size: int, eta: float | None = None, /,
    **options: Any,
) -> list[Epoch]: ...  # fmt: skip
@overload
def train(
    model: Module, cost: Callable[[Any, Any], Any], training_data: tuple[Array, Array], epochs: int,
    mini_batch_size: int, eta: float | None = None, /, **options: Any,
) -> list[Epoch]: ...  # fmt: skip
def train(model: Any, /, *arguments: Any, **options: Any) -> list[Epoch]:
    """Train a model, and return a record of each epoch.

        train(net, training_data, epochs, mini_batch_size, eta)              a `Network`, which has a cost of its own
        train(model, cost, training_data, epochs, mini_batch_size, eta)      any `Module`, by cost(model(x), y)

    Its data is a pair of arrays with an example per row; y are targets, or labels where there is an output for each.

    >>> from nn import Linear, Sequential, softmax_log_likelihood
    >>> model = Sequential(Linear(2, 5, rng=0), np.tanh, Linear(5, 2, rng=1))
    >>> x = np.random.default_rng(0).standard_normal((200, 2))
    >>> y = (x[:, 0] > x[:, 1]).astype(int)
    >>> history = train(model, softmax_log_likelihood, (x, y), 20, 10, 0.5, test_data=(x, y), rng=0, report=None)
    >>> history[-1].scores["test"].accuracy > 0.95
    True

    The options:

    training_data    the book's list of pairs of columns `(x, y)`, or a pair of arrays: x of shape (n, n_in), and y
                     labels of shape (n,) or targets of shape (n, n_out). The other sets look the same
    test_data, validation_data
                     sets that are scored after every epoch; with `monitor_training` the training data is scored too
    rng              a numpy.random.Generator, or a seed for one. Each epoch draws one `rng.permutation(n)`, and cuts it
                     into mini-batches. Only `augment` and
                     a `Dropout` draw anything else
    momentum, nesterov
                     as for `SGD`
    weight_decay     lambda/n. It applies to the weights and not to the biases, as in the book
    patience         stop after so many epochs without a better accuracy on validation_data. The network then ends as
                     it was after the best epoch, also if the epochs run out first
    save             write a checkpoint to this file after every epoch: the network, as `net.save` does, and all that is
                     needed to go on. In the end the network is what it ends as. A path that cannot be written, or
                     that another run is writing, is an error before the training starts
    every            write one after so many mini-batches, too
    resume           go on from this file: the training ends bit for bit where it would have ended undisturbed, on the
                     same machine. The settings and the data have to be the same, with `epochs` at least as many; rng
                     is put in the state that it had
    notes            what else is to be kept in the file, for `nn.checkpoint.Checkpoint.read`; what JSON can hold
    optimiser        what takes the steps in place of `SGD` with eta, momentum, nesterov and weight_decay: an `SGD` or
                     an `Adam` of the model's parameters
    schedule         schedule(step, steps), of the step's number from 0 and of all steps, says by what to multiply eta
    longest          scale a gradient that is longer than this, of all parameters together, down to this length
    augment          augment(x, rng) changes the inputs of each mini-batch at random. If it has a method `begin`, that
                     is called with rng before each epoch draws its order
    compiled         replay the gradient (`autograd.compile`) rather than build its graph for every mini-batch: the same
                     numbers, faster. A Network does by itself, a subclass with a `cost` of its own never. Of another
                     model say so: what it draws or counts would happen once
    ranks            share every mini-batch and all scores out among `nn.distributed.Ranks`, each in a process of its
                     own that makes this same call. The cost has to be a mean over the examples. Parameters and rng
                     become those of rank 0, which alone writes and reports
    backend          "c" runs the mini-batches that are compiled in C, built with the machine's compiler; "numpy" in
                     NumPy; "auto" in C where there is a compiler and an epoch has some hundred mini-batches. The epochs
                     are the same to rounding
    report           is called with each epoch, and prints its line by default. None is silent: no progress bar either

    Ctrl-C raises KeyboardInterrupt, and leaves the network as it was after the last finished epoch; so SIGTERM, with
    SystemExit. Nothing that was saved is ever lost. Returns the epochs that a resumed training had before, too.
    Raises FloatingPointError if a parameter is no longer finite; the network is then as it was an epoch before.
    """
    if arguments and callable(arguments[0]):
        model, arguments = _Model(model, arguments[0]), arguments[1:]
    return _train(model, *arguments, **options)


@np.errstate(over="ignore", invalid="ignore")  # the error for training that diverges says more
def _train(
    net: Classifier | _Model,
    training_data: DataSet,
    epochs: int,
    mini_batch_size: int,
    eta: float | None = None,
    *,
    test_data: DataSet | None = None,
    validation_data: DataSet | None = None,
    monitor_training: bool = False,
    rng: np.random.Generator | int | None = None,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    optimiser: Optimiser | None = None,
    schedule: Callable[[int, int], float] | None = None,
    longest: float | None = None,
    augment: Callable[[Array, np.random.Generator], Array] | None = None,
    compiled: bool | None = None,
    backend: str = "auto",
    patience: int | None = None,
    save: str | Path | None = None,
    every: int | None = None,
    resume: str | Path | None = None,
    notes: dict[str, Any] | None = None,
    ranks: Ranks | None = None,
    report: Callable[[Epoch], object] | None = print_epoch,
) -> list[Epoch]:
    if epochs < 0 or int(epochs) != epochs or mini_batch_size < 1 or int(mini_batch_size) != mini_batch_size:
        raise ValueError(f"epochs={epochs} and mini_batch_size={mini_batch_size} are whole numbers, at least 0 and 1")
    if patience is not None and (validation_data is None or patience < 1):
        raise ValueError("patience, at least 1, needs validation_data, whose accuracy decides when to stop")
    if every is not None and (save is None or every < 1 or int(every) != every):
        raise ValueError(f"every={every} is a number of mini-batches, at least 1, and needs a file to save to")
    if (eta is None) == (optimiser is None) or (optimiser and (momentum or nesterov or weight_decay)):
        raise ValueError("training takes eta with momentum, nesterov and weight_decay, or an optimiser that has them")
    if save is not None and Path(save).suffix in (".safetensors", ".onnx"):
        raise FileError(f"{save}: a training is saved to a .npz file, which holds more than the model; export that")
    if longest is not None and not longest > 0:
        raise ValueError(f"longest is the length of a gradient, greater than 0; it is {longest}")
    given = {"training": training_data, "validation": validation_data, "test": test_data}
    sets: dict[str, Examples] = {}
    for name, data in given.items():  # what is wrong with one is said before the training
        if data is not None:
            sets[name] = _checked(net, data, f"{name} data", targets=name == "training")
    x, y = sets["training"]
    if not monitor_training:
        del sets["training"]

    size, steps = int(mini_batch_size), int(epochs) * -(-len(x) // int(mini_batch_size))
    folded = 1.0
    if optimiser is None:
        refuse_negative(eta=eta, weight_decay=weight_decay)  # type: ignore[arg-type]
        eta = float(eta)  # type: ignore[arg-type]
        if schedule is None and longest is None:
            folded = eta
        parameters = net.parameters()
        optimiser = SGD(
            parameters, 1.0 if folded == eta else eta, momentum=momentum, nesterov=nesterov, decayed=net.weights,
            weight_decay=min(folded * weight_decay, sys.float_info.max),
        )  # fmt: skip
    usual, begin = optimiser.eta, getattr(augment, "begin", None)

    # The gradient of eta C is what an update subtracts: with eta in the cost, no weight is multiplied by it.
    def scaled(x: Array, y: Array) -> Tensor:
        return folded * net.cost(x, y)

    cost: Callable[[Array, Array], Any] = net.cost if folded == 1.0 else scaled

    def anew(x: Array, y: Array) -> Any:
        value = cost(x, y)
        value.backward()
        return value.data

    may = compiled is True if isinstance(net, _Model) else compiled is not False and net.replayable
    backend, step = (
        _step(cost, optimiser, (x[:size], y[:size]), backend_of(backend, -(-len(x) // size), resume), backend == "auto")
        if may and longest is None and ranks is None
        else ("numpy", None)
    )
    gradient: Callable[[Array, Array], Any] = compile(cost, overwrite=True) if may else anew
    settings: dict[str, Any] = {}
    if save is not None or resume is not None:
        settings = {
            "mini_batch_size": size, "eta": eta, "momentum": momentum, "nesterov": nesterov,
            "weight_decay": weight_decay, "patience": patience, "monitor_training": monitor_training,
            "longest": longest, "augment": augment is not None, "schedule": schedule is not None,
            "network": {name: array.tolist() for name, array in net.description().items()},
            "parameters": {name: f"{array.dtype} {array.shape}" for name, array in net.state_dict().items()},
            "training data": fingerprint(x, y),
            **{f"{name} data": fingerprint(*sets[name]) for name in ("validation", "test") if name in sets},
        }  # fmt: skip
        if eta is None:
            settings |= optimiser.settings()
        if schedule is not None:
            settings["epochs"] = int(epochs)
        settings["backend"] = backend
    rng = np.random.default_rng(rng)
    dropouts = [m for m in net.model.modules() if isinstance(m, Dropout)] if isinstance(net, _Model) else []
    for module in dropouts:
        module.rng = rng
    first = ranks is None or ranks.rank == 0
    claim = Claim(save) if save is not None and first else None
    report = report if first else None
    training = _Training(net, optimiser, rng, settings, notes or {}, patience, claim)
    finished = net.state_dict()
    watch = Watch()

    def shared(x: Array, y: Array) -> float:
        """The gradient and the cost of a mini-batch of which every rank has computed its rows."""
        assert ranks is not None and optimiser is not None
        rows = ranks.share(len(x))
        weight = (rows.stop - rows.start) / len(x)
        rows = rows if weight else slice(0, 1)  # there is no mean of nothing, and a dropout has to draw
        for module in dropouts:
            module.rows = len(x), rows
        return ranks.add_gradients(optimiser.parameters, weight, float(gradient(x[rows], y[rows])))

    of_batch = shared if ranks is not None else gradient

    def run() -> None:
        nonlocal finished
        while training.epoch < epochs and not training.out_of_patience():
            number, since = training.epoch, time.perf_counter()
            if not training.batches:
                training.at_start = state_of(rng) if every else {}
            if begin is not None:
                begin(rng)
            batches = mini_batches(len(x), size, rng)
            if training.batches:
                set_state(rng, training.within)
            bar = _progress(len(batches), training, int(epochs)) if report is not None else None
            while training.batches < len(batches):
                before = training.batches
                until = min(len(batches), (before // every + 1) * every) if every else len(batches)

                def rate(n: int) -> None:
                    if schedule is not None:
                        optimiser.eta = usual * schedule(number * len(batches) + before + n, steps)  # noqa: B023

                def taken(n: int) -> None:
                    if bar is not None:  # noqa: B023
                        bar.update(before + n - training.batches)  # noqa: B023
                    training.batches = before + n  # noqa: B023
                    watch.check()

                if step is not None and augment is None:
                    order = np.concatenate(batches[before:until])
                    values = step.epoch(x, y, order=order, size=size, prepare=rate, report=taken)
                    training.total = sum(values.tolist(), training.total)
                else:
                    for n, batch in enumerate(batches[before:until]):
                        inputs = x[batch] if augment is None else augment(x[batch], rng)
                        if step is not None:
                            rate(n)
                            training.total += float(step(inputs, y[batch]))
                        else:
                            optimiser.zero_grad()
                            training.total += float(of_batch(inputs, y[batch]))
                            if longest is not None:
                                _limit(optimiser.parameters, longest)
                            rate(n)
                            optimiser.step()
                        taken(n + 1)
                if training.batches < len(batches):
                    _finite(net.state_dict(), number, usual * folded)
                    training.save()
            if bar is not None:
                bar.close()
            state = net.state_dict()
            _finite(state, number, usual * folded)
            if ranks is not None:
                ranks.same("parameters", *state.values())
            scores = {name: _scored(net, data, f"{name} data", ranks) for name, data in sets.items()}
            mean = training.total / len(batches) / folded if folded else float("nan")
            epoch = Epoch(number, time.perf_counter() - since, scores, mean)
            watch.check()
            with Deferred():  # so that the file, the history and the network are of the same epoch
                training.history.append(epoch)
                training.batches, training.total = 0, 0.0
                if patience is not None and training.best_epoch() == number:
                    training.best = state
                finished = state
                training.save()
            if report is not None:
                report(epoch)

    try:
        with watch:
            if claim is not None:
                claim.take()
            if resume is not None:
                training.resume(resume, int(epochs))
            if ranks is not None:
                _begin_together(ranks, net, rng, Examples(x, y))
            finished = net.state_dict()
            # In a context of its own: an interrupt can leave a block of the engine, such as its tracing, switched on.
            contextvars.copy_context().run(run)
            watch.check()
            if training.best and patience is not None:
                finished = training.best
                training.save(finished)
    finally:
        with Deferred():
            optimiser.zero_grad()
            optimiser.eta = usual
            for module in dropouts:
                module.rows = None
            net.load_state_dict(finished)
            if claim is not None:
                claim.release()
    return training.history


def _checked(net: Classifier | _Model, data: DataSet, what: str, targets: bool) -> Examples:
    """Check a data set; with `targets`, lay it out for training."""
    if isinstance(net, _Model):
        return net.examples(data, what)
    x, y = as_examples(data, net.sizes[0], what)
    dtype = net.weights[0].dtype
    as_targets = targets_of(y, net.sizes[-1], dtype, what)
    return Examples(x.astype(dtype, copy=False), as_targets) if targets else Examples(x, y)


def _begin_together(ranks: Ranks, net: Classifier | _Model, rng: np.random.Generator, data: Examples) -> None:
    """Give all ranks the parameters and the random generator of rank 0. Raises RuntimeError where the data differs."""
    ranks.same("training data", *data)
    ranks.same("shapes of parameters", *[np.array(array.shape) for array in net.state_dict().values()])
    net.load_state_dict({name: ranks.first(array) for name, array in net.state_dict().items()})
    set_state(rng, json.loads(ranks.text_of_first(json.dumps(state_of(rng)))))


def _scored(net: Classifier | _Model, data: Examples, what: str, ranks: Ranks | None = None) -> Score:
    """The score; with ranks, each takes a part of the data, and the parts are added up."""
    if ranks is None:
        return net.score(data) if isinstance(net, _Model) else score(net, data, what)
    n, rows = len(data.x), ranks.share(len(data.x))
    total = np.zeros(2)
    if rows.stop > rows.start:
        part = _scored(net, Examples(data.x[rows], data.y[rows]), what)
        total[:] = part.cost * part.total, part.correct
    total = ranks.add(total)
    return Score(float(total[0]) / n, int(total[1]), n)


def _finite(state: dict[str, Array], number: int, eta: float) -> None:
    if not all(np.all(np.isfinite(array)) for array in state.values()):
        raise FloatingPointError(
            f"training diverged in epoch {number}: the parameters are no longer finite; try a smaller eta than {eta}"
        )
