"""Judges many learners' files, each by itself; the report on each is a row of a gradebook."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from autograd.grading import gradebook
from autograd.grading.gradebook import Row, clean
from nn.grader.verdict import grade


def _row(told: Mapping[str, Any], path: Path) -> Row:
    report = grade(path, **told)
    printed, report.printed = report.printed, ""
    return Row(str(path), report.exit_code, str(report), printed)


def grade_files(names: Sequence[str], jobs: int, told: Mapping[str, Any]) -> list[Row]:
    """Judge files, and those in folders, `jobs` at a time; `told` goes to `grade`."""
    paths = gradebook.files(names)
    rows = gradebook.judge_all(functools.partial(_row, dict(told)), paths, jobs)
    one = len(paths) < 2  # no bar then, nor where nobody looks at it
    return list(tqdm(rows, total=len(paths), desc="judged", unit="file", file=sys.stderr, disable=one or None))


def as_text(rows: Sequence[Row]) -> str:
    """Write the reports one below the other, and a line for each file if there are several."""
    if not rows:
        return "there is no file to judge: a folder is searched for *.py"
    reports = []
    for row in rows:
        said = "".join(f"\n    {line}" for line in row.printed.splitlines())
        reports.append(clean(row.message) + (f"\n\nIt printed:{said}" if said else ""))
    if len(rows) == 1:
        return reports[0]
    width = max(len(row.file) for row in rows)
    summary = "\n".join(f"{row.file:{width}}  {row.verdict}" for row in rows)
    return "\n\n\n".join([*reports, summary])
