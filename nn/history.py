"""Keeps the history of a training in a file: a line for each epoch, as CSV or as JSON lines."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nn.checkpoint import Checkpoint
from nn.files import FileError, write_bytes
from nn.scoring import Epoch, Score, epochs_of

KINDS = {".csv": "CSV", ".jsonl": "JSON lines"}
LARGEST = 1 << 26  # bytes of a history that is read
NAMES = ("cost", "correct", "total", "accuracy")  # of a score; the last is for whoever reads the file, and not read


def history_format(path: str | Path) -> str:
    """Return the kind of a history file by its suffix. Raises FileError for any other."""
    suffix = Path(path).suffix.lower()
    if suffix not in KINDS:
        raise FileError(f"{path}: a history ends in .csv or .jsonl (JSON lines), not in {suffix or 'nothing'}")
    return KINDS[suffix]


def write_history(path: str | Path, history: Sequence[Epoch]) -> None:
    """Write the epochs of a training to a file: a table if it ends in .csv, JSON lines if in .jsonl.

    A line has the columns epoch, cost (the mean over the mini-batches), seconds, and for each set that was scored
    test_cost, test_correct, test_total and test_accuracy, a share from 0 to 1. The file is written whole or not at all.
    Raises FileError for another suffix, or where it cannot be written.
    """
    rows = [as_row(epoch) for epoch in history]
    if history_format(path) == "CSV":
        text = io.StringIO()
        columns = dict.fromkeys(name for row in rows for name in row) or ["epoch", "cost", "seconds"]
        table = csv.DictWriter(text, list(columns), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        content = text.getvalue()
    else:
        content = "".join(f"{json.dumps(row)}\n" for row in rows)
    write_bytes(path, content.encode())


def as_row(epoch: Epoch) -> dict[str, Any]:
    """Return an epoch as one flat record.

    >>> as_row(Epoch(0, 1.25, {"test": Score(0.5, 9, 10)}, cost=0.75))
    {'epoch': 0, 'cost': 0.75, 'seconds': 1.25, 'test_cost': 0.5, 'test_correct': 9, 'test_total': 10,
     'test_accuracy': 0.9}
    """
    row: dict[str, Any] = {
        "epoch": epoch.number,
        "cost": float(epoch.cost) if math.isfinite(epoch.cost) else None,
        "seconds": round(epoch.seconds, 3),
    }
    for name, score in epoch.scores.items():
        row |= {f"{name}_{key}": getattr(score, key) for key in NAMES}
    return row


def read_history(path: str | Path) -> list[Epoch]:
    """Read the epochs of a training from a file that `write_history` wrote, or from the saved network of the training.

    Raises FileError, naming the file and the line, for anything else.
    """
    if Path(path).suffix.lower() not in KINDS:
        return epochs_of(Checkpoint.read(path))
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise FileError(f"{path}: more than the limit of {LARGEST:,} bytes")
        text = content.decode("utf-8-sig")  # a spreadsheet may have put a mark before it
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: not a history: it is not text in UTF-8") from error
    epochs, number = [], 1
    try:
        for number, row in _rows(text, history_format(path)):  # noqa: B007  # the error says it
            epochs.append(_as_epoch(row))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, csv.Error) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise FileError(f"{path}: line {number} is not an epoch of a history: {why}") from error
    return epochs


def _rows(text: str, kind: str) -> Iterator[tuple[int, Any]]:
    """Yield the records of a history, each with the number of its line."""
    if kind == "CSV":
        table = csv.DictReader(io.StringIO(text))
        for row in table:
            yield table.line_num, row
    else:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield number, line


def _as_epoch(row: Any) -> Epoch:
    """Return the epoch in a row, where numbers may be text. Raises nearly anything if there is none."""
    row = json.loads(row) if isinstance(row, str) else row
    sets = [name.removesuffix("_total") for name, value in row.items() if name.endswith("_total") and value]
    scores = {
        name: Score(_number(row[f"{name}_cost"]), int(row[f"{name}_correct"]), int(row[f"{name}_total"]))
        for name in sets
    }
    return Epoch(int(row["epoch"]), _number(row["seconds"]), scores, _number(row["cost"]))


def _number(value: Any) -> float:
    return math.nan if value in (None, "") else float(value)
