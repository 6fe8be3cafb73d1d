"""What `source` writes in C and in JavaScript, run: built by gcc, and by node."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import foreign

NEEDED = {"native": foreign.GCC, "c": foreign.GCC, "javascript": foreign.NODE}  # by road, what has to be there


def run(language: str, text: str, calls: list) -> list:
    """What a program gives for each call, which is its arrays and what the gradients are like: the value, gradients."""
    if language == "javascript":
        return foreign.run_javascript([(text, arrays, like) for arrays, like in calls])
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "program.c"), Path(folder, "program.so")
        source.write_text(text)
        command = [foreign.GCC, *foreign.STRICT, "-O1", "-fPIC", "-shared", "-o", str(library), str(source), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"gcc: {done.stderr[:1000]}")
        loaded = ctypes.CDLL(str(library))
        return [foreign.call_c(loaded, "", text, arrays, like) for arrays, like in calls]
