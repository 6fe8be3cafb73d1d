"""The loop over epochs, its progress on the screen, and the checkpoints from which it goes on."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from nn.checkpoint import Checkpoint, differences, set_state, state_of
from nn.digits import Examples
from nn.distributed import Ranks
from nn.equations import Array
from nn.files import Claim, FileError, write_arrays
from nn.interrupts import Deferred, Watch
from nn.scoring import Classifier, Epoch, Model, epochs_of, scored
from nn.sgd import Optimiser
from nn.steps import Steps


def mini_batches(n: int, size: int, rng: np.random.Generator) -> Sequence[NDArray[np.int64]]:
    """Cut one epoch into mini-batches: `rng.permutation(n)` in slices of `size`, the last one shorter if need be."""
    order = rng.permutation(n)
    return [order[i : i + size] for i in range(0, n, size)]


@dataclass
class Training:
    """The state of a training: how far it is, how it goes on, and where that is written."""

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
        """Write a checkpoint. `result` is the network to save, if it is not the present one."""
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
                    f"{error}. It holds what was saved before; resume from it once that is fixed"
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
        """Take the steps of an epoch, or those that are left if it was resumed, and save every so many mini-batches."""
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


def _progress(total: int, training: Training) -> tqdm[Any] | None:
    """Show a bar for the mini-batches of an epoch, if there is a terminal."""
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
