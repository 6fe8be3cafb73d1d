"""The command line: `python -m nn`, also installed as `handgrad`."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

from autograd.readings.onnx import OnnxError
from nn.arguments import parser, resumed
from nn.checkpoint import Checkpoint
from nn.commands import COMMANDS
from nn.distributed import Ranks, launched
from nn.interrupts import TERMINATED


def _signature(path: str) -> object:
    """Identify the content of a file, to see whether it was written again."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _what_is_saved(args: argparse.Namespace) -> str:
    if not getattr(args, "save", None):
        return ""
    if ("before" not in args or _signature(args.save) == args.before) and args.save != args.resume:
        return f"; no epoch was finished, and {args.save} has not been written"
    try:
        where = Checkpoint.read(args.save).where()
    except ValueError as error:
        return f"; {error}"
    return f"; {args.save} holds the network {where}, and `train --resume {args.save}` goes on"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 a check failed, 2 bad usage or input, 130 interrupted.

    Bad usage raises SystemExit, as argparse does. The code is 141 if the reader of the output has gone (`| head -1`),
    and 143 if SIGTERM ended a training. Where `mpiexec` has started several ranks, one that fails ends all of them.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        ranks = launched() if "train" in argv else None
    except RuntimeError as error:
        print(f"handgrad: error: {error}", file=sys.stderr)
        return 2
    return _main(argv) if ranks is None else _on_rank(ranks, argv)


def _on_rank(ranks: Ranks, argv: list[str]) -> int:
    """Run a command on one rank of several. Only rank 0 is heard, unless another is the only one that fails."""
    errors = io.StringIO()
    with contextlib.ExitStack() as silence:
        if ranks.rank:
            silence.enter_context(contextlib.redirect_stdout(io.StringIO()))
            silence.enter_context(contextlib.redirect_stderr(errors))
        try:
            code = _main(argv, ranks)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            traceback.print_exc()
            code = 1
    if code:
        ranks.end(code, errors.getvalue())
    return code


def _main(argv: list[str], ranks: Ranks | None = None) -> int:
    args = parser().parse_args(argv)
    run = COMMANDS[args.command]
    try:
        if getattr(args, "resume", None):
            args = resumed(argv, args)
        if getattr(args, "save", None):
            args.before = _signature(args.save)  # an interrupt before this has written nothing
        args.ranks = ranks
        code = run(args)
        sys.stdout.flush()  # here, and not when Python exits, so that a closed pipe is met in this place
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to be written goes nowhere
        return 141
    except MemoryError as error:
        print(
            f"handgrad: error: not enough memory: {error or 'choose a smaller network or mini-batch'}", file=sys.stderr
        )
        return 2
    except (ValueError, OnnxError, FloatingPointError, RuntimeError, OSError) as error:
        print(f"handgrad: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\ninterrupted{_what_is_saved(args)}", file=sys.stderr)
        return 130
    except SystemExit as error:
        if error.code == TERMINATED:
            print(f"\nterminated{_what_is_saved(args)}", file=sys.stderr)
        raise
