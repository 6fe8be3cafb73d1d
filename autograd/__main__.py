"""`python -m autograd check FILE.py`: is the gradient in a file right, and if not, why?

The file has a function `f`; a function `f_gradient` of the same arguments, which returns the gradients of `f`, as for
`autograd.testing.assert_gradient`; and a function `example`, which returns arguments. Give other names with --function
and --gradient, and random arguments with --shape.

The file is EXECUTED, in a process of its own with limits, and judged outside that process.

Exit codes: 0 the gradient is right, 1 it is wrong, 2 bad usage, or a file that cannot be read.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence

from autograd.grading import gradebook
from autograd.grading.called import row_of
from autograd.grading.options import add_options, whole_number


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    paths = gradebook.files(args.files)
    if not paths:
        parser.error(f"there is no Python file in {', '.join(args.files)}")
    told = {"function": args.function, "gradient": args.gradient, "shapes": args.shape, "seed": args.seed,
            "hint": args.hint, "timeout": args.timeout, "memory": args.memory}  # fmt: skip
    rows = list(gradebook.judge_all(functools.partial(row_of, told), paths, args.jobs))
    if args.form:
        print(gradebook.formatted(rows, args.form))
    else:
        for row in rows:
            print(f"{row.file}: {row.verdict}" + (f"\n{row.message}" if row.message else ""))
            if row.printed:
                print(f"It printed:\n{row.printed}")
    return max(row.code for row in rows)


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
    add("--seed", type=whole_number(0), default=0, metavar="N",
        help="the seed of random arrays and weights (default: 0)")  # fmt: skip
    add_options(sub)
    return parser


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a shape such as 3,4") from None


if __name__ == "__main__":
    sys.exit(main())
