"""Trains: `train` with its options. Whatever happens, the network is left as it was after a finished epoch."""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, overload

import numpy as np
from tqdm import tqdm

from autograd import Tensor
from nn.checkpoint import fingerprint
from nn.digits import Examples
from nn.distributed import Ranks
from nn.epochs import Training, mini_batches
from nn.equations import Array
from nn.files import Claim, FileError
from nn.interrupts import Deferred
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
    targets_of,
)
from nn.sgd import SGD, Optimiser, refuse_negative
from nn.steps import Steps, backend_of

# What can be imported from here, also where it is made in `epochs`, `scoring` and `steps`.
__all__ = [
    "Classifier", "DataSet", "Epoch", "Score", "as_examples", "backend_of", "correct", "epochs_of", "labels_of",
    "mini_batches", "print_epoch", "print_line", "score", "targets_of", "train",
]  # fmt: skip


def print_epoch(epoch: Epoch) -> None:
    """Print the line of an epoch above the progress bar, and at once, also into a file or a pipe."""
    print_line(str(epoch))


def print_line(line: str) -> None:
    """Print a line above the progress bar, and at once, also into a file or a pipe."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


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
    training = Training(
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
