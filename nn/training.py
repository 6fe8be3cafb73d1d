"""Training: the loop over epochs, its progress on the screen, and the checkpoints from which it goes on."""

from __future__ import annotations

import contextvars
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from autograd import Tensor
from nn.checkpoint import Checkpoint, differences, fingerprint, set_state, state_of
from nn.digits import Examples
from nn.distributed import Ranks
from nn.equations import Array
from nn.files import Claim, FileError, write_arrays
from nn.interrupts import Deferred, Watch
from nn.layers import Dropout, Module
from nn.scoring import (
    Classifier,
    DataSet,
    Epoch,
    Model,
    Score,
    as_examples,
    checked,
    correct,
    epochs_of,
    labels_of,
    score,
    scored,
    targets_of,
)
from nn.sgd import SGD, Optimiser, refuse_negative
from nn.steps import Steps, backend_of

# What can be imported from here, also where it is made in `scoring` and `steps`.
__all__ = [
    "Classifier", "DataSet", "Epoch", "Score", "as_examples", "backend_of", "correct", "epochs_of", "labels_of",
    "mini_batches", "print_epoch", "print_line", "score", "targets_of", "train",
]  # fmt: skip


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


@dataclass
class _Training:
    """How far a training is, how it goes on, and where that is written."""

    net: Classifier | Model
    optimiser: Optimiser
    steps: Steps
    n: int  # training examples
    size: int  # of a mini-batch
    epochs: int
    rng: np.random.Generator
    settings: dict[str, Any]
    notes: dict[str, Any]
    sets: dict[str, Examples]  # those that are scored
    schedule: Callable[[int, int], float] | None
    begin: Callable[[np.random.Generator], object] | None  # what an augmentation does before an epoch
    folded: float  # what the cost is multiplied by: eta, or 1
    patience: int | None
    every: int | None
    claim: Claim | None
    ranks: Ranks | None
    report: Callable[[Epoch], object] | None
    progress: bool
    watch: Watch = field(default_factory=Watch)
    history: list[Epoch] = field(default_factory=list)
    batches: int = 0  # of the epoch in progress, that are done
    total: float = 0.0  # their costs
    finished: dict[str, Array] = field(default_factory=dict)  # the parameters after the last finished epoch
    best: dict[str, Array] = field(default_factory=dict)
    at_start: dict[str, Any] = field(default_factory=dict)  # the state of rng when the epoch began
    within: dict[str, Any] = field(default_factory=dict)  # and after the mini-batches that are done, when resumed

    def __post_init__(self) -> None:
        self.eta, self.finished = self.optimiser.eta, self.net.state_dict()

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
            try:
                write_arrays(folder / self.claim.path.name, checkpoint.arrays())
            except FileError:
                folder.rmdir()
                raise error from None
            raise FileError(
                f"{error}. The training is in {folder / self.claim.path.name}, {checkpoint.where()}; resume from that"
            ) from error

    def resume(self, path: str | Path) -> None:
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
        if saved.epoch > self.epochs or (saved.epoch == self.epochs and saved.batches):
            raise FileError(f"{path}: is {saved.where()}, and epochs={self.epochs} is less; ask for more epochs")
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

    def run(self) -> None:
        """Go through the epochs that are left."""
        while self.epoch < self.epochs and not self.out_of_patience():
            since = time.perf_counter()
            self.one_epoch()
            self.finish_epoch(since)

    def one_epoch(self) -> None:
        """Take the steps of an epoch, those that are left if it was resumed, and save after every so many."""
        batches = self.order()
        bar = _progress(len(batches), self) if self.report is not None and self.progress else None
        while (before := self.batches) < len(batches):
            until = min(len(batches), (before // self.every + 1) * self.every) if self.every else len(batches)
            self.take(batches, before, until, bar)
            if self.batches < len(batches):
                self.check_finite()
                self.save()
        if bar is not None:
            bar.close()

    def order(self) -> Sequence[NDArray[np.int64]]:
        """Draw the mini-batches of an epoch."""
        if not self.batches:
            self.at_start = state_of(self.rng) if self.every else {}
        if self.begin is not None:
            self.begin(self.rng)
        batches = mini_batches(self.n, self.size, self.rng)
        if self.batches:
            set_state(self.rng, self.within)
        return batches

    def take(self, batches: Sequence[NDArray[np.int64]], before: int, until: int, bar: tqdm[Any] | None) -> None:
        """Take the steps from mini-batch `before` up to, not including, `until`."""
        done = self.epoch * len(batches) + before

        def rate(n: int) -> None:
            if self.schedule is not None:
                self.optimiser.eta = self.eta * self.schedule(done + n, self.epochs * len(batches))

        def taken(n: int) -> None:
            if bar is not None:
                bar.update(before + n - self.batches)
            self.batches = before + n
            self.watch.check()

        self.total = self.steps.take(batches[before:until], self.total, rate, taken)

    def finish_epoch(self, since: float) -> None:
        """Score the network, save, and report the epoch."""
        self.check_finite()
        state = self.net.state_dict()
        if self.ranks is not None:
            self.ranks.same("parameters", *state.values())
        scores = {name: scored(self.net, data, f"{name} data", self.ranks) for name, data in self.sets.items()}
        mean = self.total / self.batches / self.folded if self.folded else float("nan")
        epoch = Epoch(self.epoch, time.perf_counter() - since, scores, mean)
        self.watch.check()
        with Deferred():  # so that the file, the history and the network are of the same epoch
            self.history.append(epoch)
            self.batches, self.total = 0, 0.0
            if self.patience is not None and self.best_epoch() == epoch.number:
                self.best = state
            self.finished = state
            self.save()
        if self.report is not None:
            self.report(epoch)

    def check_finite(self) -> None:
        """Raise FloatingPointError if a parameter is no longer finite."""
        if not all(np.all(np.isfinite(array)) for array in self.net.state_dict().values()):
            raise FloatingPointError(
                f"training diverged in epoch {self.epoch}: the parameters are no longer finite; try a smaller eta than"
                f" {self.eta * self.folded}"
            )

    def begin_together(self, ranks: Ranks, data: Examples) -> None:
        """Give all ranks the parameters and the random generator of rank 0. Raises RuntimeError for other data."""
        ranks.same("training data", *data)
        ranks.same("shapes of parameters", *[np.array(array.shape) for array in self.net.state_dict().values()])
        self.net.load_state_dict({name: ranks.first(array) for name, array in self.net.state_dict().items()})
        set_state(self.rng, json.loads(ranks.text_of_first(json.dumps(state_of(self.rng)))))


def _progress(total: int, training: _Training) -> tqdm[Any] | None:
    """A bar for the mini-batches of an epoch, where there is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    measured = [epoch.seconds for epoch in training.history if epoch.seconds]
    left = sum(measured) / len(measured) * (training.epochs - training.epoch) if measured else None
    return tqdm(
        desc=f"Epoch {training.epoch}", unit="batch", leave=False, initial=training.batches, total=total,
        postfix=None if left is None else f"{_clock(left)} left in all",
    )  # fmt: skip


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
                     into mini-batches. Only `augment` and a `Dropout` draw anything else
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
                     is called with rng before each epoch draws its order. If it has a method `draw`, then draw(n, rng)
                     returns an array with a row for each of the n examples, and augment(x, drawn) is called with it:
                     of several ranks, each then changes its own examples only
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
    progress         whether there is a progress bar, if there is a terminal

    Ctrl-C raises KeyboardInterrupt, and leaves the network as it was after the last finished epoch; so SIGTERM, with
    SystemExit. Nothing that was saved is ever lost. Returns the epochs that a resumed training had before, too.
    Raises FloatingPointError if a parameter is no longer finite; the network is then as it was an epoch before.
    """
    if arguments and callable(arguments[0]):
        model, arguments = Model(model, arguments[0]), arguments[1:]
    return _train(model, *arguments, **options)


@np.errstate(over="ignore", invalid="ignore")  # the error for training that diverges says more
def _train(
    net: Classifier | Model,
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
    augment: Callable[[Array, Any], Array] | None = None,
    compiled: bool | None = None,
    backend: str = "auto",
    patience: int | None = None,
    save: str | Path | None = None,
    every: int | None = None,
    resume: str | Path | None = None,
    notes: dict[str, Any] | None = None,
    ranks: Ranks | None = None,
    report: Callable[[Epoch], object] | None = print_epoch,
    progress: bool = True,
) -> list[Epoch]:
    _refuse(epochs, mini_batch_size, validation_data, patience, save, every, longest)
    if (eta is None) == (optimiser is None) or (optimiser and (momentum or nesterov or weight_decay)):
        raise ValueError("training takes eta with momentum, nesterov and weight_decay, or an optimiser that has them")
    given = {"training": training_data, "validation": validation_data, "test": test_data}
    sets = {name: checked(net, data, f"{name} data", targets=name == "training")
            for name, data in given.items() if data is not None}  # fmt: skip
    x, y = sets["training"]
    if not monitor_training:
        del sets["training"]

    # The gradient of eta C is what an update subtracts: with eta in the cost, no weight is multiplied by it.
    folded = 1.0
    if optimiser is None:
        refuse_negative(eta=eta, weight_decay=weight_decay)  # type: ignore[arg-type]
        eta = float(eta)  # type: ignore[arg-type]
        if schedule is None and longest is None:
            folded = eta
        optimiser = SGD(
            net.parameters(), 1.0 if folded == eta else eta, momentum=momentum, nesterov=nesterov, decayed=net.weights,
            weight_decay=min(folded * weight_decay, sys.float_info.max),
        )  # fmt: skip

    def scaled(x: Array, y: Array) -> Tensor:
        return folded * net.cost(x, y)

    rng = np.random.default_rng(rng)
    dropouts = [m for m in net.model.modules() if isinstance(m, Dropout)] if isinstance(net, Model) else []
    steps = Steps(
        net.cost if folded == 1.0 else scaled, optimiser, Examples(x, y), int(mini_batch_size),
        compiled=compiled is True if isinstance(net, Model) else compiled is not False and net.replayable,
        backend=backend, resume=resume, augment=augment, rng=rng, longest=longest, ranks=ranks, dropouts=dropouts,
    )  # fmt: skip
    settings: dict[str, Any] = {}
    if save is not None or resume is not None:
        settings = {
            "mini_batch_size": int(mini_batch_size), "eta": eta, "momentum": momentum, "nesterov": nesterov,
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
        settings["backend"] = steps.backend
    first = ranks is None or ranks.rank == 0
    claim = Claim(save) if save is not None and first else None
    training = _Training(
        net, optimiser, steps, len(x), int(mini_batch_size), int(epochs), rng, settings, notes or {}, sets,
        schedule=schedule, begin=getattr(augment, "begin", None), folded=folded, patience=patience,
        every=every, claim=claim, ranks=ranks, report=report if first else None, progress=progress,
    )  # fmt: skip
    try:
        for module in dropouts:
            module.rng = rng
        with training.watch:
            if claim is not None:
                claim.take()
            if resume is not None:
                training.resume(resume)
            if ranks is not None:
                training.begin_together(ranks, Examples(x, y))
            training.finished = net.state_dict()
            # In a context of its own: an interrupt can leave a block of the engine, such as its tracing, switched on.
            contextvars.copy_context().run(training.run)
            training.watch.check()
            if training.best and patience is not None:
                training.finished = training.best
                training.save(training.finished)
    finally:
        with Deferred():
            optimiser.zero_grad()
            optimiser.eta = training.eta
            for module in dropouts:
                module.rows = None
            net.load_state_dict(training.finished)
            if claim is not None:
                claim.release()
    return training.history


def _refuse(
    epochs: int, mini_batch_size: int, validation_data: DataSet | None, patience: int | None,
    save: str | Path | None, every: int | None, longest: float | None,
) -> None:  # fmt: skip
    """Raise ValueError for options that do not go together, or FileError for a file of the wrong kind."""
    if epochs < 0 or int(epochs) != epochs or mini_batch_size < 1 or int(mini_batch_size) != mini_batch_size:
        raise ValueError(f"epochs={epochs} and mini_batch_size={mini_batch_size} are whole numbers, at least 0 and 1")
    if patience is not None and (validation_data is None or patience < 1):
        raise ValueError("patience, at least 1, needs validation_data, whose accuracy decides when to stop")
    if every is not None and (save is None or every < 1 or int(every) != every):
        raise ValueError(f"every={every} is a number of mini-batches, at least 1, and needs a file to save to")
    if save is not None and Path(save).suffix in (".safetensors", ".onnx"):
        raise FileError(f"{save}: a training is saved to a .npz file, which holds more than the model; export that")
    if longest is not None and not longest > 0:
        raise ValueError(f"longest is the length of a gradient, greater than 0; it is {longest}")
