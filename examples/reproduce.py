"""Run the numbered examples, in full or `--quick`, and write the page of results.

A numbered example is a docstring (its title, and what it says), a `main(experiment)` that reports rows and figures, and
`run(main)` at its end. Each runs on its own as well.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import inspect
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = Path(__file__).parent


@dataclass
class Result:
    """A line of the table of results.

    what        what was measured, such as "784-30-10, best of 30 epochs"
    setting     how: sizes, cost, mini-batch, eta, epochs
    ours        our figure, as text with its unit
    difference  in one sentence, how ours and the published one differ, or what the figure shows
    published   the figure to compare with, and `source` where it stands; empty where nobody published one
    seed        of the random numbers; None where there are none
    seconds     what it took
    """

    what: str
    setting: str
    ours: str
    difference: str
    published: str = ""
    source: str = ""
    seed: int | str | None = None
    seconds: float = 0.0


@dataclass
class Experiment:
    """What one example reports. `quick` asks for a short form: a few seconds, and figures that prove nothing.

    `jobs` is how many trainings of a sweep may run at the same time; -1 is one for each core.
    """

    name: str
    title: str
    text: str
    quick: bool = False
    rows: list[Result] = field(default_factory=list)
    figures: list[tuple[str, str]] = field(default_factory=list)  # file name, and what there is to see
    blocks: list[str] = field(default_factory=list)  # what is printed as it stands, such as a table of its own
    folder: Path | None = None
    jobs: int = 1
    _since: float = field(default_factory=time.perf_counter)

    def each(self, function: Callable[..., Any], settings: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """Yield `function(*setting)` for each setting, in their order; with `jobs`, several in processes of their own.

        These take and return plain data, and the file's own functions: nothing that has an operation in it.
        """
        if self.jobs == 1:
            return (function(*setting) for setting in settings)
        from joblib import Parallel, delayed

        found: Iterator[Any] = Parallel(n_jobs=self.jobs, return_as="generator")(
            delayed(function)(*setting) for setting in settings
        )
        return found

    def row(self, what: str, *, setting: str, ours: str, difference: str, published: str = "", source: str = "",
            seed: int | str | None = None, seconds: float | None = None) -> None:  # fmt: skip
        """Report a figure; `seconds` is by default the time since the row before. See `Result` for the parts."""
        now = time.perf_counter()
        taken, self._since = now - self._since if seconds is None else seconds, now
        self.rows.append(Result(what, setting, ours, difference, published, source, seed, round(taken, 1)))
        compare = f" (published: {published})" if published else ""
        tqdm.write(f"{what}: {ours}{compare}. {difference}", file=sys.stdout)

    def block(self, text: str) -> None:
        """Report a text that is shown as it stands."""
        self.blocks.append(text.rstrip("\n"))
        tqdm.write(text, file=sys.stdout)

    def figure(self, name: str, figure: Figure, caption: str) -> None:
        """Report a matplotlib figure; it is written if there is a folder for it."""
        file = f"{self.name}-{name}.png"
        self.figures.append((file, caption))
        if self.folder is not None:
            figure.savefig(self.folder / file, dpi=110, bbox_inches="tight", metadata={"Software": None})

    def write(self) -> None:
        """Write what was reported next to the figures, for the page."""
        if self.folder is not None:
            report = {key: value for key, value in asdict(self).items() if key not in ("folder", "jobs", "_since")}
            text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
            (self.folder / f"{self.name}.json").write_text(text, encoding="utf-8")


def training_curve(costs: Sequence[float], percents: Sequence[float], what: str) -> Figure:
    """Draw the training cost by epoch, and beside it `what` was found after each epoch, in percent."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    lines = (costs, "mean training cost", "#0072B2"), (percents, what, "#D55E00")
    for axes, (values, label, colour) in zip(figure.subplots(1, 2), lines, strict=True):
        axes.plot(range(1, len(values) + 1), values, "o-", color=colour, ms=4)
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    return figure


def run(main: Callable[[Experiment], None], argv: Sequence[str] | None = None, *, sweeps: bool = False) -> Experiment:
    """Run an example from the command line: `main` gets an Experiment with the title and text of its file.

    With `sweeps`, it trains several networks that know nothing of each other, and takes options for that.
    """
    path = Path(inspect.getfile(main))
    title, text = described(path)
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--quick", action="store_true", help="a short form, of some seconds")
    parser.add_argument("--out", metavar="DIR", type=Path, help="write the rows and the figures to this folder")
    if sweeps:
        add = parser.add_argument
        add("--jobs", metavar="N", type=_jobs, nargs="?", const=-1, default=1,
            help="train N networks at the same time, without N one for each core; needs joblib")  # fmt: skip
        add("--cluster", metavar="ADDRESS", help="train on the machines of a Dask scheduler; needs joblib, distributed")
    args = parser.parse_args(argv)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
    experiment = Experiment(path.stem, title, text, args.quick, folder=args.out, jobs=getattr(args, "jobs", 1))
    try:
        with _on_cluster(args.cluster) if getattr(args, "cluster", None) else contextlib.nullcontext():
            if getattr(args, "cluster", None):
                experiment.jobs = -1
            main(experiment)
    except ImportError as error:
        if error.name not in ("joblib", "distributed"):
            raise
        parser.exit(2, f"{parser.prog}: error: needs the package {error.name}: pip install {error.name}\n")
    experiment.write()
    return experiment


def _jobs(text: str) -> int:
    try:
        jobs = int(text)
    except ValueError:
        jobs = 0
    if jobs == 0 or jobs < -1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes, at least 1, or -1 for all cores")
    return jobs


@contextlib.contextmanager
def _on_cluster(address: str) -> Iterator[None]:
    """Run the processes of `Experiment.each` on a Dask cluster; this package has to be installed there, too."""
    import joblib
    from distributed import Client

    with Client(address), joblib.parallel_config(backend="dask"):
        yield


def described(path: Path) -> tuple[str, str]:
    """Split an example's docstring into its title, the first line, and its text."""
    title, _, text = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or path.stem).partition("\n")
    return title.rstrip("."), text.strip()


def reports(folder: Path, examples: Path = EXAMPLES) -> list[dict[str, Any]]:
    """Read what the examples have written to a folder, in order, with their present titles and texts."""
    found = []
    for path in sorted(folder.glob("[0-9][0-9]_*.json")):
        report = json.loads(path.read_text("utf-8"))
        example = examples / f"{path.stem}.py"
        if example.exists():
            report["title"], report["text"] = described(example)
        found.append(report)
    return found


def files(only: Sequence[int] = (), folder: Path = EXAMPLES) -> list[Path]:
    """List the numbered example files in order, all or only those with these numbers. Raises FileNotFoundError."""
    found = {int(path.name[:2]): path for path in sorted(folder.glob("[0-9][0-9]_*.py"))}
    missing = [number for number in only if number not in found]
    if not found or missing:
        which = f"no example {missing[0]}" if missing else "no numbered examples"
        raise FileNotFoundError(f"there is {which} in {folder}")
    return [path for number, path in found.items() if not only or number in only]


def reproduce(out: Path, *, quick: bool = False, only: Sequence[int] = (), examples: Path = EXAMPLES) -> Path:
    """Run the numbered examples, one process after the other, and write `results.md` and its figures to `out`.

    Raises RuntimeError for an example that fails; what the others have reported stays in `out`.
    """
    out.mkdir(parents=True, exist_ok=True)
    for path in tqdm(files(only, examples), desc="examples", unit="example", disable=None):
        command = [sys.executable, str(path), "--out", str(out), *(["--quick"] if quick else [])]
        if subprocess.run(command, check=False).returncode:
            raise RuntimeError(f"{path.name} failed; run it by itself to see why")
    page = out / "results.md"
    page.write_text(as_page(reports(out, examples)), encoding="utf-8")
    return page


def summary(reports: Sequence[dict[str, Any]]) -> str:
    """Write the table of all rows as Markdown, a line for each."""
    lines = ["| | what | published | ours | seconds |", "|---|---|---|---|---|"]
    for report in reports:
        number = int(report["name"][:2])
        for row in report["rows"]:
            published = f"{row['published']} ({row['source']})" if row["published"] else ""
            lines.append(f"| {number} | {row['what']} | {published} | {row['ours']} | {row['seconds']:.0f} |")
    return "\n".join(lines)


def as_page(reports: Sequence[dict[str, Any]]) -> str:
    """Write the page of results as Markdown: a section for each example, and the table of all."""
    short = " --quick`, whose figures prove nothing" if any(report["quick"] for report in reports) else "`"
    parts = [f"# Results\n\nWritten by `python examples/reproduce.py{short}. The table of all results is at the end."]
    parts.append("\n".join(f"- [{report['title']}](#{_anchor(report['title'])})" for report in reports))
    for report in reports:
        parts.append(f"## {report['title']}\n\n{report['text']}\n\n`examples/{report['name']}.py`")
        lines = ["| what | setting | seed | published | ours | seconds | |", "|---|---|---|---|---|---|---|"]
        for row in report["rows"]:
            seed = "" if row["seed"] is None else row["seed"]
            published = f"{row['published']} ({row['source']})" if row["published"] else ""
            lines.append(f"| {row['what']} | {row['setting']} | {seed} | {published} | {row['ours']} |"
                         f" {row['seconds']:.0f} | {row['difference']} |")  # fmt: skip
        parts.append("\n".join(lines))
        parts += [f"```text\n{block}\n```" for block in report["blocks"]]
        parts += [f"![{caption}]({file})\n\n{caption}" for file, caption in report["figures"]]
    parts += ["## All results", summary(reports)]
    return "\n\n".join(parts) + "\n"


def _anchor(title: str) -> str:
    """Write a heading as GitHub does in links to it."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of the numbers of examples, such as 4,5") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the examples from the command line. Returns the exit code: 0 done, 2 an example is missing or has failed."""
    parser = argparse.ArgumentParser(description="Run the numbered examples and write the page of results.")
    add = parser.add_argument
    add("--quick", action="store_true", help="run each in a short form, whose figures prove nothing")
    add("--only", type=_numbers, metavar="N,N,...",
        help="run only these; the rest of the page stays as it is (default: all)")  # fmt: skip
    add("--out", metavar="DIR", type=Path,
        help="write the page to this folder (default: examples/results, with --quick results-quick)")  # fmt: skip
    args = parser.parse_args(argv)
    try:
        out = args.out or (Path("results-quick") if args.quick else EXAMPLES / "results")
        print(f"written to {reproduce(out, quick=args.quick, only=args.only or ())}")
    except (RuntimeError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
