"""The process in which a learner's file runs, with nothing but a time limit between the file and the machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from nn.equations import Array
from nn.files import read_arrays, write_arrays
from nn.grader.calling import Answer, UnjudgedError, attempts
from nn.grader.problems import Networks, Told


def serve(folder: Path) -> None:
    """Do the learner's process: read the request from a file, call `attempts`, and write the answer to files."""
    request = json.loads((folder / "request.json").read_text("utf-8"))
    path = Path(request.pop("path"))
    arrays: dict[str, Array] = {}
    sys.path.insert(0, str(path.parent))
    try:
        report, arrays = attempts(path, **request, say=lambda stage: (folder / "stage").write_text(stage))
    except UnjudgedError as error:
        report = {"failed": str(error)}
    write_arrays(folder / "arrays.npz", arrays)
    (folder / "report.json").write_text(json.dumps(report), "utf-8")
    os._exit(0)  # whatever threads the learner's file may have left behind


def run(path: Path, told: Told, networks: Networks, seed: int, timeout: float) -> tuple[Answer, dict[str, Array]]:
    """Call `attempts` in a process of its own. The process, and all that it started, ends with the call."""
    with tempfile.TemporaryDirectory(prefix="handgrad-") as name:
        folder = Path(name)
        request = {"path": str(path), "told": told, "networks": networks, "seed": seed}
        (folder / "request.json").write_text(json.dumps(request), "utf-8")
        # -P, and our own search path, so that no file beside the learner's is taken for a module of ours.
        code = "import json, sys; sys.path[:] = json.loads(sys.argv[1])\n" \
               f"from pathlib import Path; from {__name__} import serve; serve(Path(sys.argv[2]))"  # fmt: skip
        command = [sys.executable, "-P", "-c", code, json.dumps([part or str(Path.cwd()) for part in sys.path]), name]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd=path.parent, start_new_session=True,
        )  # fmt: skip
        ended: int | None = None
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                ended = process.wait(timeout)
        finally:
            if sys.platform == "win32":
                process.kill()
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        stage = (folder / "stage").read_text() if (folder / "stage").exists() else ""
        doing = "its backprop was being called" if stage == "call" else "the file itself was being run"
        if ended is None:
            hint = "" if stage == "call" else '; what trains a network belongs under `if __name__ == "__main__":`'
            raise UnjudgedError(f"it was stopped after {timeout:g} s, while {doing}{hint}")
        if not stage:
            raise UnjudgedError(f"the process for it did not start (exit code {ended})")
        if not (folder / "report.json").exists():
            raise UnjudgedError(f"it ended its process, with exit code {ended}, while {doing}")
        report = json.loads((folder / "report.json").read_text("utf-8"))
        if "failed" in report:
            raise UnjudgedError(report["failed"])
        return report, read_arrays(folder / "arrays.npz")
