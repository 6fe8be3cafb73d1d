"""`python -m autograd check FILE.py`: is the gradient in a file right, and if not, why?

The file has a function `f` and a function `f_gradient`, which takes the same arguments and returns the gradients of the
first of them, as for `autograd.testing.assert_gradient`; and a function `example`, which returns arguments. Other names
are given with --function and --gradient, and arguments of random numbers with --shape.

Exit codes: 0 the gradient is right, 1 it is wrong, 2 bad usage, or a file that cannot be read.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import runpy
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd.check import GradientError
from autograd.readings.trace import argument_names
from autograd.tensor import Tensor
from autograd.testing import assert_gradient

SHOWN = 2000  # characters of what a file prints


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    args = _parser().parse_args(argv)
    rows, code = [], 0
    for path in _files(args.files):
        verdict, message, printed = _judged(path, args)
        code = max(code, {"right": 0, "wrong": 1, "unreadable": 2}[verdict])
        rows.append({"file": str(path), "verdict": verdict, "message": message, "printed": printed})
    if args.json:
        print(json.dumps(rows, indent=1))
    elif args.csv:
        table = csv.DictWriter(sys.stdout, ["file", "verdict", "message", "printed"], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    else:
        for row in rows:
            print(f"{row['file']}: {row['verdict']}" + (f"\n{row['message']}" if row["message"] else ""))
            if row["printed"]:
                print(f"It printed:\n{row['printed']}")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m autograd", description="Judge gradients.")
    commands = parser.add_subparsers(dest="command", required=True)
    sub = commands.add_parser(
        "check", help="is the gradient in a file right, and if not, why?", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  python -m autograd check homework.py\n"
        "  python -m autograd check homework.py --function cost --gradient my_gradient --shape 3,4 --shape 4\n"
        "  python -m autograd check answers/ --hint --csv > verdicts.csv",
    )  # fmt: skip
    add = sub.add_argument
    add("files", nargs="+", metavar="FILE", help="files of Python, or folders of them")
    add("--function", default="f", metavar="NAME", help="the function (default: f)")
    add("--gradient", metavar="NAME", help="its gradient (default: the function's name and _gradient)")
    add("--shape", action="append", type=_shape, metavar="N,N",
        help="give random arrays of these shapes, in place of example(); a number is 0-d: --shape ''")  # fmt: skip
    add("--seed", type=int, default=0, metavar="N", help="the seed of random arrays and weights (default: 0)")
    add("--hint", action="store_true", help="say which equation is wrong, and not what is wrong in it")
    form = sub.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a list of verdicts as JSON")
    form.add_argument("--csv", action="store_true", help="print a line of CSV for each file")
    return parser


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no shape, such as 3,4") from None


def _files(names: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for name in names:
        path = Path(name)
        found += sorted(path.glob("*.py")) if path.is_dir() else [path]
    return found


def _judged(path: Path, args: argparse.Namespace) -> tuple[str, str, str]:
    """The verdict on a file, what there is to say of it, and what it printed."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            told = _wrong(path, args)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a file does, SystemExit too
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = (
            f" (line {last.lineno} of {Path(last.filename).name})" if not isinstance(error, _UnreadableError) else ""
        )
        kind = "" if isinstance(error, _UnreadableError) else f"{type(error).__name__}: "
        return "unreadable", f"{kind}{error}{where}", printed.getvalue()[:SHOWN]
    return ("wrong" if told else "right"), told, printed.getvalue()[:SHOWN]


class _UnreadableError(Exception):
    """What a file lacks."""


def _wrong(path: Path, args: argparse.Namespace) -> str:
    """What is wrong with the gradient in a file; nothing where it is right."""
    if not path.is_file():
        raise _UnreadableError("there is no such file")
    names = runpy.run_path(str(path), run_name="checked")
    gradient_name = args.gradient or f"{args.function}_gradient"
    wanted = [args.function, gradient_name, *([] if args.shape else ["example"])]
    missing = [name for name in wanted if not callable(names.get(name))]
    if missing:
        raise _UnreadableError(
            f"it has no function {' and no function '.join(missing)}; give other names with --function and --gradient,"
            " and shapes of arguments with --shape"
        )
    f, gradient = names[args.function], names[gradient_name]
    if args.shape:
        rng = np.random.default_rng(args.seed)
        given: tuple[Any, ...] = tuple([rng.standard_normal(shape)[()] for shape in args.shape])
    else:
        example = names["example"]()
        given = example if isinstance(example, tuple) else (example,)
    given = tuple([np.asarray(x) if isinstance(x, list) else x for x in given])
    if not any(isinstance(x, Tensor) for x in given):
        given = _differentiated(f, gradient, given)
    try:
        assert_gradient(gradient, f, *given, hint_only=args.hint, seed=args.seed)
    except GradientError as error:
        return str(error)
    return ""


def _differentiated(f: Any, gradient: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments, with Tensors for those that the gradient returns something for: the first ones, or by name."""
    floats = [i for i, x in enumerate(given) if np.asarray(x).dtype.kind == "f"]
    try:
        returned = gradient(*[np.copy(x) if isinstance(x, np.ndarray) else x for x in given])
    except Exception:  # assert_gradient says so
        returned = None
    pair = isinstance(returned, tuple) and len(returned) == 2 and np.ndim(returned[0]) == 0
    if pair and isinstance(returned[1], tuple | list | Mapping):
        returned = returned[1]
    if isinstance(returned, Mapping):
        chosen = [i for i, name in enumerate(argument_names(f, given)) if name in returned]
    else:
        n = len(returned) if isinstance(returned, tuple | list) else 1
        chosen = floats[:n]
    return tuple([Tensor(x) if i in chosen else x for i, x in enumerate(given)])


if __name__ == "__main__":
    sys.exit(main())
