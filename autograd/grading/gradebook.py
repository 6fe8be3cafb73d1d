"""Collects verdicts on many files, one after the other or side by side, and writes them for a gradebook."""

from __future__ import annotations

import csv
import functools
import io
import json
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

VERDICTS = ("right", "wrong", "unreadable")  # by their exit codes
FORMATS = ("json", "csv", "junit")


@dataclass(frozen=True)
class Row:
    """The verdict on a file.

    code     0 right, 1 wrong, 2 where the file cannot be judged
    message  all there is to say of it; `reason` is its first line
    printed  what the file printed, cut, and apart from the verdict
    """

    file: str
    code: int
    message: str
    printed: str = ""
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        return VERDICTS[self.code]

    @property
    def reason(self) -> str:
        return self.message.partition("\n")[0]

    @property
    def cells(self) -> dict[str, str | int]:
        return {"file": self.file, "verdict": self.verdict, "code": self.code, "reason": self.reason,
                "message": self.message, "printed": self.printed}  # fmt: skip


def files(names: Iterable[str]) -> list[Path]:
    """List the named files, and the Python files in named folders and below, without hidden ones."""
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if not path.is_dir():
            found.append(path)
            continue
        found += [inside for inside in sorted(path.rglob("*.py"))
                  if not any(part[0] == "." for part in inside.relative_to(path).parts)]  # fmt: skip
    return found


def _timed(judge: Callable[[Path], Row], path: Path) -> Row:
    start = time.perf_counter()
    row = judge(path)
    return Row(row.file, row.code, row.message, row.printed, time.perf_counter() - start)


def judge_all(judge: Callable[[Path], Row], paths: Sequence[Path], jobs: int = 1) -> Iterator[Row]:
    """Judge files, `jobs` at a time, each in a process of its own, and yield the rows in the order of the files.

    judge  takes a file and returns its row; a function of a module, or a partial of one, if there are several jobs
    """
    if jobs > 1 and len(paths) > 1:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(jobs, len(paths)), mp_context=spawn) as pool:
            yield from pool.map(functools.partial(_timed, judge), paths)
    else:
        yield from (_timed(judge, path) for path in paths)


def clean(text: str) -> str:
    """Remove from a text what XML does not allow, and what would steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


def _cell(text: object) -> object:
    """Write a cell that no spreadsheet takes for a formula: what a file prints may be meant to be one."""
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps([row.cells for row in rows], indent=1, ensure_ascii=False)


def as_csv(rows: Sequence[Row]) -> str:
    """Write a line of CSV for each file, below a line of names.

    >>> print(as_csv([Row("a.py", 0, "right: a.py")]))
    file,verdict,code,reason,message,printed
    a.py,right,0,right: a.py,right: a.py,
    """
    text = io.StringIO()
    table = csv.DictWriter(text, Row("", 0, "").cells, lineterminator="\n")
    table.writeheader()
    table.writerows({name: _cell(value) for name, value in row.cells.items()} for row in rows)
    return text.getvalue().rstrip("\n")


def as_junit(rows: Sequence[Row], name: str = "gradients") -> str:
    """Write the verdicts as a test suite: a wrong file is a failure, and one that cannot be judged an error.

    >>> print(as_junit([Row("a.py", 1, "wrong: the sign")]).splitlines()[2].strip())
    <testcase classname="gradients" name="a.py" time="0.000">
    """
    counts = {"tests": len(rows), "failures": sum(row.code == 1 for row in rows),
              "errors": sum(row.code == 2 for row in rows)}  # fmt: skip
    told = {key: str(value) for key, value in counts.items()}
    told["time"] = f"{sum(row.seconds for row in rows):.3f}"
    whole = ElementTree.Element("testsuites", told)
    suite = ElementTree.SubElement(whole, "testsuite", {"name": name, **told})
    for row in rows:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": name, "name": clean(row.file), "time": f"{row.seconds:.3f}"}
        )
        if row.code:
            kind = "failure" if row.code == 1 else "error"
            ElementTree.SubElement(case, kind, {"message": clean(row.reason)}).text = clean(row.message)
        said = [row.message] if not row.code else []
        said += [f"It printed:\n{row.printed}"] if row.printed else []
        if said:
            ElementTree.SubElement(case, "system-out").text = clean("\n".join(said))
    ElementTree.indent(whole)
    return ElementTree.tostring(whole, "unicode")


def formatted(rows: Sequence[Row], form: str) -> str:
    """Write the rows as "json", "csv" or "junit"."""
    return {"json": as_json, "csv": as_csv, "junit": as_junit}[form](rows)
