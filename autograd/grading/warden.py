"""A process between a grader and somebody's file: it starts the file's process, and ends everything that came of it.

It runs as a script, with nothing but the standard library, so that it starts in a few milliseconds. Its one argument
says in JSON what to do. It reports how the file's process ended over a channel that this process does not get. When the
channel is closed, because the grader is done or has died, it ends everything and exits.

On Linux the file's process may write below one folder only, reaches no network, and can neither signal nor look into a
process outside (Landlock, as far as the kernel has it: signals from 6.12 on, the network from 6.7, files from 5.13).
Whatever it leaves behind is ended, even in a session of its own. Elsewhere only its process group is ended, and the
limits are those that `resource` knows.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

POLL = 0.02  # seconds between two looks at what runs
SUBREAPER, DEATH_SIGNAL, NO_NEW_PRIVILEGES, DUMPABLE = 36, 1, 38, 4  # of prctl
RULESET, RULE, RESTRICT = 444, 445, 446  # the system calls of Landlock, on every machine
WRITE, TRUNCATE, REFER, DEVICE = 1 << 1, 1 << 14, 1 << 13, 1 << 15
CHANGE = sum(1 << bit for bit in range(4, 13))  # make and remove files, folders, links, …


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def fence_in(scratch: str) -> bool:
    """Let this process, and what it starts, write only below `scratch`, and touch no process outside.

    Return whether the system can do that.
    """
    if sys.platform != "linux":
        return False
    call = ctypes.CDLL(None, use_errno=True).syscall
    version = call(RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    files = WRITE | CHANGE | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    network = 3 if version >= 4 else 0  # to bind and to connect
    scoped = 3 if version >= 6 else 0  # sockets without a name in the file system, and signals
    rules = struct.pack("QQQ", files, network, scoped)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = call(RULESET, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    for path, allowed in ((scratch, files), ("/dev/null", WRITE | files & TRUNCATE), ("/dev/zero", WRITE)):
        with contextlib.suppress(OSError):
            below = os.open(path, os.O_PATH)
            call(RULE, ruleset, 1, struct.pack("=Qi", allowed, below), 0)
            os.close(below)
    _prctl(NO_NEW_PRIVILEGES, 1)
    done: int = call(RESTRICT, ruleset, 0)
    os.close(ruleset)
    return done == 0


def _limit(told: dict[str, Any]) -> None:
    """Set the limits of the file's process, in that process, before it becomes another program."""
    _prctl(DEATH_SIGNAL, signal.SIGKILL)
    with contextlib.suppress(ImportError):
        import resource

        for name, most in (("RLIMIT_AS", told["memory"]), ("RLIMIT_FSIZE", told["disk"]), ("RLIMIT_CORE", 0),
                           ("RLIMIT_CPU", int(told["timeout"]) + 2)):  # fmt: skip
            with contextlib.suppress(AttributeError, ValueError, OSError):
                kind = getattr(resource, name)
                hard = resource.getrlimit(kind)[1]
                most = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.setrlimit(kind, (most, most))
    fence_in(told["scratch"])


def _parents() -> dict[int, int]:
    """Map every process to its parent, by number."""
    found = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    return found


def descendants() -> Iterator[int]:
    """List the processes that this one has started, and those that they have."""
    parents = _parents()
    for pid in parents:
        above = pid
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() != pid:
            yield pid


def end_all(process: subprocess.Popen[bytes]) -> None:
    """End the file's process, and everything that it has started, until nothing is left."""
    with contextlib.suppress(OSError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        process.kill()
        process.wait(1)
    for _ in range(500):
        left = list(descendants())
        for sign in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that none starts another meanwhile
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, sign)
        with contextlib.suppress(OSError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not left:
            return
        time.sleep(0.002)


def _used() -> tuple[int, int, int]:
    """Count the bytes of memory that all of them hold, those that they have written, and the processes."""
    held = written = count = 0
    for pid in descendants():
        count += 1
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{pid}/statm", "rb") as file:
                held += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            with open(f"/proc/{pid}/io", "rb") as file:
                numbers = dict(line.split(b": ") for line in file.read().splitlines())
            written += max(int(numbers[b"wchar"]), int(numbers[b"write_bytes"]))
    return held, written, count


def watch(told: dict[str, Any]) -> dict[str, Any]:
    """Watch the file's process until it ends or goes too far. Return how it ended, and why."""
    _prctl(SUBREAPER, 1)
    _prctl(DUMPABLE, 0)  # nobody looks into this process, or at what it holds
    until = time.monotonic() + told["timeout"]
    process = subprocess.Popen(
        told["command"], cwd=told["cwd"], start_new_session=True, preexec_fn=lambda: _limit(told)
    )
    for descriptor in range(3):  # the file's process has them now, and when it ends they are closed
        os.close(descriptor)
    why = ""
    while not why and process.poll() is None:
        if select.select([told["control"]], [], [], POLL)[0]:
            why = "closed"
        held, written, count = _used()
        if time.monotonic() > until:
            why = "time"
        elif held > told["memory"]:
            why = "memory"
        elif written > told["disk"]:
            why = "disk"
        elif count > told["processes"]:
            why = "processes"
    end_all(process)
    return {"code": process.returncode, "why": why}


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    ended = watch(request)
    with contextlib.suppress(OSError):
        os.write(request["control"], json.dumps(ended).encode())
    os._exit(0)
