"""The pages that people read (README and the like), taken apart: their blocks of code, and what these really print."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", *(f"examples/results/{name}.md" for name in ("readings", "proof", "speed"))]


@dataclass
class Block:
    """A fenced block of a page. `kind` is what stands behind its fence.

    sh              commands
    python          a program that runs by itself, when it is pasted
    text            what the block of commands, or the program, above it prints: all of it or a part. A line … stands
                    for any lines
    python output   the same
    python program  the text of the example that the command above runs
    text …          with a word more: something that has a test of its own
    """

    page: str
    line: int
    kind: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


def blocks(page):
    """The blocks of a page, in order."""
    text = (ROOT / page).read_text("utf-8")
    fenced = re.finditer(r"^```([^\n]+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in fenced]


def with_source(page):
    """The blocks that are outputs, each with the block that prints it."""
    source, found = None, []
    for block in blocks(page):
        if block.kind in ("sh", "python"):
            source = block
        elif block.kind in ("text", "python output"):
            found.append((source, block))
    return found


def commands(block):
    """The commands of a block, without their comments, as lists of words."""
    return [words for line in block.text.splitlines() if (words := shlex.split(line, comments=True))]


def output_of_commands(block, folder):
    """What the commands of a block print, in a folder that has the examples."""
    (folder / "examples" / "learner").mkdir(parents=True, exist_ok=True)
    for path in [*(ROOT / "examples").glob("*.py"), *(ROOT / "examples" / "learner").glob("*.py")]:
        link = folder / path.relative_to(ROOT)
        if not link.exists():
            link.symlink_to(path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    printed = ""
    for words in commands(block):
        assert words[0] == "python", f"{block}: only Python is run here"
        command = [sys.executable, *words[1:]]
        done = subprocess.run(command, capture_output=True, cwd=folder, env=environment, encoding="utf-8", check=False)
        assert done.returncode in (0, 1) and not done.stderr, done.stderr
        printed += done.stdout
    return printed


def output_of_program(block):
    """What a program prints that is pasted into a fresh interpreter."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), mock.patch.dict(sys.modules):
        exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})
    return out.getvalue()


def comparable(text):
    """The lines of a text as they are on every machine: without times, and without what is left by rounding."""
    text = re.sub(r" +[\d.]+ microseconds", " # microseconds", text)
    text = re.sub(r"\b\d\.\d+e-(0[5-9]|[1-9]\d)\b|\b0\.0e\+00\b", "~0~~~~~", text)
    return [line.rstrip() for line in text.splitlines()]


def shows(shown, printed):
    """Whether a text shows consecutive lines of what is printed, where a line … stands for any lines."""
    pattern = "".join("(?:.*\n)*?" if line == "…" else re.escape(line) + "\n" for line in comparable(shown))
    return re.search(f"^{pattern}", "".join(line + "\n" for line in comparable(printed)), re.MULTILINE) is not None
