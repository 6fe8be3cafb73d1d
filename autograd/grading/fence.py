"""A process with fences around it, in which somebody's file runs and answers questions with numbers.

Only arrays and sentences come out of it, never a verdict: that is reached outside, from the numbers.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Arrays = list[NDArray[Any]]
Message = tuple[dict[str, Any], Arrays]

MEMORY = 4096  # megabytes
DISK = 512 << 20  # bytes that may be written, and printed, in all
PROCESSES = 64  # that may run at a time
ANSWER = 256 << 20  # bytes of one answer
SHOWN = 2000  # characters of what a file prints
KINDS = "fiub"  # of the arrays that are answered


class FenceError(Exception):
    """Raised if the process gave no answer; the message says why, in a sentence."""


def pack(header: Mapping[str, Any], arrays: Sequence[NDArray[Any]]) -> bytes:
    """Pack a dictionary and arrays into bytes.

    >>> unpack(pack({"a": 1}, [np.array([2.0])]))
    ({'a': 1}, [array([2.])])
    """
    flat = [np.ascontiguousarray(a).reshape(-1) for a in arrays]
    told = {"header": header, "arrays": [[a.dtype.str, list(a.shape)] for a in arrays]}
    text = json.dumps(told).encode()
    return b"".join([len(text).to_bytes(8, "big"), text, *(a.tobytes() for a in flat)])


def unpack(data: bytes) -> Message:
    """Unpack the dictionary and the arrays in bytes from `pack`. Raises ValueError for anything else."""
    try:
        length = int.from_bytes(data[:8], "big")
        told = json.loads(data[8 : 8 + length])
        start, arrays = 8 + length, []
        for name, shape in told["arrays"]:
            dtype = np.dtype(str(name))
            if dtype.kind not in KINDS:
                raise ValueError(f"an array of dtype {dtype}")
            size = int(np.prod([int(n) for n in shape], dtype=object)) if shape else 1
            end = start + size * dtype.itemsize
            if size < 0 or end > len(data):
                raise ValueError("an array that is cut off")
            arrays.append(np.frombuffer(data[start:end], dtype).reshape(shape))
            start = end
        if not isinstance(told["header"], dict):
            raise ValueError("no dictionary")
        return told["header"], arrays
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None


def _read_exactly(stream: IO[bytes], n: int) -> bytes:
    pieces = []
    while n and (piece := stream.read(min(n, 1 << 20))):
        pieces.append(piece)
        n -= len(piece)
    if n:
        raise EOFError
    return b"".join(pieces)


def serve(answer: Callable[[dict[str, Any], Arrays], Message]) -> None:
    """Run the process in the fences: answer questions until there are no more.

    Standard input and output are the channel. They are moved away, and what the file prints goes to standard error.
    """
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    while True:
        try:
            length = int.from_bytes(_read_exactly(questions, 8), "big")
        except EOFError:
            os._exit(0)  # whatever threads the file may have left behind
        data = pack(*answer(*unpack(_read_exactly(questions, length))))
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        answers.write(len(data).to_bytes(8, "big") + data)
        answers.flush()


class Fence:
    """A process that runs `code`, which calls `serve`, in a folder, with limits. Use it in a `with` statement.

    timeout  seconds until it is stopped, in all
    memory   megabytes that it may hold

    All processes that it starts end with it. The module `autograd.grading.warden` says what holds on which system.
    """

    def __init__(self, code: str, folder: str | Path, *, timeout: float = 60.0, memory: int = MEMORY) -> None:
        self.timeout, self.memory = timeout, memory
        self._scratch = tempfile.TemporaryDirectory(prefix="handgrad-", ignore_cleanup_errors=True)
        self._until = time.monotonic() + timeout
        self._ended: dict[str, Any] = {}
        self._said = b""
        # -P, and our own search path, so that no file beside the learner's is taken for a module of ours.
        start = f"import json, sys; sys.path[:] = json.loads(sys.argv[1])\n{code}"
        paths = json.dumps([part or str(Path.cwd()) for part in sys.path])
        command = [sys.executable, "-P", "-c", start, paths]
        environment = {**os.environ, "TMPDIR": self._scratch.name, "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg",
                       "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # fmt: skip
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._control: socket.socket | None = None
        if sys.platform == "win32":
            self._process = subprocess.Popen(command, cwd=folder, env=environment, **pipes)
        else:
            self._control, theirs = socket.socketpair()
            told = {"command": command, "cwd": str(folder), "timeout": timeout, "memory": memory << 20, "disk": DISK,
                    "processes": PROCESSES, "scratch": self._scratch.name, "control": theirs.fileno()}  # fmt: skip
            warden = [sys.executable, "-I", "-S", str(Path(__file__).with_name("warden.py")), json.dumps(told)]
            self._process = subprocess.Popen(
                warden, env=environment, pass_fds=[theirs.fileno()], start_new_session=True, **pipes
            )
            theirs.close()
        self._answers: queue.Queue[bytes | None] = queue.Queue()
        self._readers = [threading.Thread(target=target, daemon=True) for target in (self._hear, self._listen)]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Fence:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hear(self) -> None:
        """Receive the answers, one after the other."""
        stream = self._process.stdout
        assert stream is not None
        with contextlib.suppress(EOFError, OSError, ValueError):
            while True:
                length = int.from_bytes(_read_exactly(stream, 8), "big")
                if length > ANSWER:
                    break
                self._answers.put(_read_exactly(stream, length))
        self._answers.put(None)

    def _listen(self) -> None:
        """Keep the beginning of what is printed, and drop the rest."""
        stream = self._process.stderr
        assert stream is not None
        with contextlib.suppress(OSError, ValueError):
            while piece := stream.read1(1 << 16):  # type: ignore[attr-defined]
                self._said += piece[: max(0, 4 * SHOWN + 4 - len(self._said))]

    @property
    def printed(self) -> str:
        """What the file has printed, cut short, and without anything that would steer a terminal."""
        text = self._said.decode("utf-8", "replace")
        text = "".join(c if c.isprintable() or c == "\n" else "?" for c in text).rstrip()
        return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"

    def ask(self, header: Mapping[str, Any], arrays: Sequence[NDArray[Any]] = (), *, doing: str) -> Message:
        """Ask a question and return the answer. Raises FenceError, which says what was being done.

        doing  "while the file itself was being run", for messages
        """
        data = pack(header, arrays)
        stream = self._process.stdin
        assert stream is not None
        sender = threading.Thread(target=self._send, args=(len(data).to_bytes(8, "big") + data,), daemon=True)
        sender.start()
        answer = None
        with contextlib.suppress(queue.Empty):
            answer = self._answers.get(timeout=max(0.0, self._until - time.monotonic()) + 1.0)
        if answer is None:
            raise FenceError(self._why(doing))
        try:
            return unpack(answer)
        except ValueError as error:
            raise FenceError(f"what came back from its process is not an answer ({error}), {doing}") from None

    def _send(self, data: bytes) -> None:
        stream = self._process.stdin
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.write(data)
                stream.flush()

    def _why(self, doing: str) -> str:
        late = time.monotonic() > self._until
        self._take_end(0.5)  # it may have ended by itself
        self.close()
        code, why = self._ended.get("code"), self._ended.get("why", "")
        if why == "time" or (late and why in ("", "closed")):
            return f"it was stopped after {self.timeout:g} s, {doing}"
        said = {
            "memory": f"it was stopped because it holds more than {self.memory} MB of memory",
            "disk": f"it was stopped because it has written or printed more than {DISK >> 20} MB",
            "processes": f"it was stopped because it runs more than {PROCESSES} processes",
            "closed": "it sent something that is not an answer",
        }.get(why)
        if said is None:
            said = (
                "its process could not be watched" if code is None else f"it ended its process, with exit code {code}"
            )
        return f"{said}, {doing}"

    def _take_end(self, seconds: float) -> None:
        """Ask the warden how the process ended, if it ends within some seconds."""
        if self._control is not None and not self._ended:
            self._control.settimeout(seconds)
            with contextlib.suppress(OSError, ValueError):
                self._ended = json.loads(self._control.recv(4096))

    def close(self) -> None:
        """End the process, and everything that it has started."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_WR)
            self._take_end(10.0)
            self._control.close()
            self._control = None
        elif sys.platform == "win32" and self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2.0)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if sys.platform == "win32":
            self._ended = {"code": self._process.returncode, "why": ""}
        for reader in self._readers:
            reader.join(2.0)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError, ValueError):
                if stream is not None and not any(reader.is_alive() for reader in self._readers):
                    stream.close()
        self._scratch.cleanup()
