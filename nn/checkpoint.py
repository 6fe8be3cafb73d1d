"""Keeps checkpoints: files from which a training goes on as if it had never stopped.

A checkpoint is a saved network with more arrays in the file: `training`, a JSON text as bytes, and arrays whose names
begin with `training/`. Code that only wants the network skips them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from autograd.version import __version__
from nn.equations import Array
from nn.files import FileError, read_arrays

TEXT = "training"
GROUPS = ("now", "best", "optimiser")  # arrays of these names stand under training/now/w1 and so on


@dataclass
class Checkpoint:
    """How far a training is.

    epoch      the epoch in progress, or the next one, from 0
    batches    how many of its mini-batches are done
    settings   what has to be the same for the training to go on
    notes      what else the caller wants to keep
    history    for each finished epoch and each data set: cost, correct, total
    costs      the mean cost of each finished epoch's mini-batches, and the sum of those in the one in progress
    rng        the state of the random generator when the epoch began, and as it is now
    parameters what the file says that the network is
    now        the parameters to go on from, if they differ: after early stopping the network is the best one
    best       the parameters after the best epoch, with early stopping
    optimiser  the velocities and the like
    """

    epoch: int
    batches: int
    settings: dict[str, Any]
    notes: dict[str, Any]
    history: list[dict[str, list[Any]]]
    costs: list[float]
    rng: list[dict[str, Any]]
    parameters: dict[str, Array]
    now: dict[str, Array] = field(default_factory=dict)
    best: dict[str, Array] = field(default_factory=dict)
    optimiser: dict[str, Array] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=lambda: {"handgrad": __version__, "numpy": np.__version__})

    def arrays(self) -> dict[str, Array]:
        """Return everything as arrays by name."""
        text = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("parameters", *GROUPS)}
        found = {TEXT: np.frombuffer(json.dumps(text, sort_keys=True, default=_plain).encode(), np.uint8)}
        for group in GROUPS:
            found |= {f"{TEXT}/{group}/{name}": array for name, array in getattr(self, group).items()}
        return self.parameters | found

    @classmethod
    def read(cls, path: str | Path) -> Checkpoint:
        """Read the checkpoint in a file. Raises FileError if there is none in it, or no file."""
        parameters, training = split_arrays(read_arrays(path))
        if TEXT not in training:
            raise FileError(
                f"{path}: holds a network, but not how its training went; the option `save` of a training writes that"
            )
        try:
            text = json.loads(bytes(training.pop(TEXT)))
            groups: dict[str, dict[str, Array]] = {group: {} for group in GROUPS}
            for name, array in training.items():
                _, group, key = name.split("/", 2)
                groups[group][key] = array
            content: dict[str, Any] = {**text, **groups}
            found = cls(parameters=parameters, **content)
            for value, kind in ((found.epoch, int), (found.batches, int), (found.settings, dict), (found.notes, dict),
                                (found.history, list), (found.rng, list), (found.versions, dict)):  # fmt: skip
                if not isinstance(value, kind):
                    raise TypeError
            if (
                found.epoch != len(found.history)
                or found.batches < 0
                or len(found.rng) != 2
                or len(found.costs) != len(found.history) + 1
                or not all(isinstance(cost, float) for cost in found.costs)
            ):
                raise ValueError
            for scores in found.history:
                for cost, correct, total in scores.values():
                    if not (isinstance(cost, float) and isinstance(correct, int) and isinstance(total, int)):
                        raise TypeError
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise FileError(f"{path}: what it says of its training cannot be read") from error
        return found

    def where(self) -> str:
        """Say in words how far the training is."""
        if self.batches:
            return f"after {self.batches} mini-batches of epoch {self.epoch}"
        return f"after epoch {self.epoch - 1}" if self.epoch else "before the first epoch"


def split_arrays(arrays: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Split the arrays of a file into those of the network and those of its training."""
    training = {name: array for name, array in arrays.items() if name == TEXT or name.startswith(f"{TEXT}/")}
    return {name: array for name, array in arrays.items() if name not in training}, training


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Say which settings differ from those of a checkpoint: `eta was 3.0 and is 1.0`."""
    as_read = json.loads(json.dumps(now, default=_plain))
    return [
        f"the {key} has changed" if key.endswith("data") else f"{key} was {then.get(key)} and is {as_read.get(key)}"
        for key in {**then, **as_read}
        if then.get(key) != as_read.get(key)
    ]


def fingerprint(*arrays: Array) -> str:
    """Return a checksum (SHA-256) of arrays: their values, shapes and dtypes."""
    checksum = hashlib.sha256()
    for array in arrays:
        checksum.update(f"{array.dtype.str} {array.shape} ".encode())
        checksum.update(np.ascontiguousarray(array).data)
    return checksum.hexdigest()


def state_of(rng: np.random.Generator) -> dict[str, Any]:
    """Return the state of a random generator, in a form that JSON can hold."""
    state: dict[str, Any] = json.loads(json.dumps(dict(rng.bit_generator.state), default=_plain))
    return state


def set_state(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Put a random generator into a state that `state_of` returned. Raises ValueError for one of another kind."""
    kind = type(rng.bit_generator).__name__
    if state.get("bit_generator") != kind:
        raise ValueError(f"the training used a random generator {state.get('bit_generator')}, and rng is a {kind}")
    try:
        rng.bit_generator.state = state
    except (TypeError, KeyError, OverflowError) as error:
        raise ValueError(f"the state of the random generator does not fit: {error}") from error


def _plain(value: Any) -> Any:
    """Turn what NumPy returns into what JSON can hold."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} {value!r} cannot be kept in a checkpoint")
