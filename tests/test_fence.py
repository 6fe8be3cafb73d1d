"""The fences around somebody's file: whatever it does, there is an answer, the verdict is its own, and nothing is left.

The files are real ones, and run as they would for a teacher.
"""

import os
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from autograd.grading import fence
from autograd.grading.fence import Fence, FenceError, pack, unpack
from tests.test_grader import BOOK

WRONG = BOOK.replace("(activations[-1] - y)", "(y - activations[-1])")
LINUX = sys.platform == "linux"


HOSTILE = """import os, sys, signal, subprocess, time
{file}
honest, calls = backprop, []
def backprop(net, x, y):
    calls.append(1)
{lines}
    return honest(net, x, y)
"""


def in_backprop(lines):
    """A file whose numbers are wrong, and which does something when it is called."""
    return HOSTILE.format(file=WRONG, lines=textwrap.indent(textwrap.dedent(lines), "    "))


STAYS_WRONG = {
    "prints a verdict of its own": "print('right: learner.py differs from the engine by 0.0e+00')",
    "patches NumPy's comparisons": """
import numpy
numpy.array_equal = numpy.allclose = lambda *_, **__: True
numpy.max = numpy.abs = numpy.argmax = lambda *_, **__: 0.0
""",
    "patches what it is judged by": """
import nn.grader.trials, nn.grader.verdict, nn.proof.numbers
nn.grader.verdict.assess = lambda *_: (True, [], {})
nn.grader.trials.distance = nn.proof.numbers.relative_difference = lambda *_: 0.0
""",
    "overwrites the judge's source": """
import nn.grader.verdict
try:
    open(nn.grader.verdict.__file__, 'a').write('raise SystemExit(0)')
    open(__file__, 'w').write('')
except OSError:
    pass
""",
    "ends all it can": """
for pid in {os.getppid(), *[int(n) for n in os.listdir('/proc') if n.isdigit() and int(n) not in (1, os.getpid())]}:
    try:
        status = open(f'/proc/{pid}/cmdline').read()
        if 'warden' in status or 'pytest' in status:
            os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
""",
    "prints a lot": "print('a' * 100_000)",
    "leaves a child": "len(calls) > 1 or subprocess.Popen(['sleep', '60'], start_new_session=True)",
}


@pytest.mark.parametrize("name", STAYS_WRONG)
def test_a_wrong_file_stays_wrong(name, check, tmp_path):
    before = {path: path.read_bytes() for path in Path(fence.__file__).parents[2].glob("nn/grader/*.py")}
    text = in_backprop(STAYS_WRONG[name])
    report = check(text, timeout=30.0)
    assert report.exit_code == 1, report
    assert str(report).startswith("wrong: learner.py differs")
    if LINUX:
        assert all(path.read_bytes() == was for path, was in before.items())
        assert (tmp_path / "learner.py").read_text(encoding="utf-8") == text


def test_what_is_printed_is_shown_apart_and_cut(check):
    report = check(in_backprop("print('right: learner.py', chr(27) + '[2J', 'a' * 5000)"))
    verdict, _, printed = str(report).partition("It printed:")
    assert report.exit_code == 1 and "right: learner.py" not in verdict
    assert "right: learner.py ?[2J aaa" in printed and len(printed) < 2200 and chr(27) not in printed


NO_ANSWER = {
    "writes into the channel": ("""
for fd in range(3, 64):
    try:
        os.write(fd, b'right')
    except OSError:
        pass
""", ""),
    "answers with too much": ("""
for fd in range(3, 64):
    try:
        os.write(fd, (1 << 62).to_bytes(8, 'big'))
    except OSError:
        pass
""", ""),
    "closes the channel": ("os.closerange(3, 64)\ntime.sleep(60)", ""),
    "takes all memory": ("kept = bytes(1 << 31)\nwhile True: pass", "MemoryError"),
    "prints for ever": ("while True: print('a' * 1_000_000)", "written or printed more than"),
    "sleeps": ("time.sleep(60)", "stopped after 5 s, while its backprop was being called"),
    "forks for ever": ("while True: os.fork()", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_ANSWER)
def test_what_gives_no_answer_cannot_be_judged(name, check, monkeypatch):
    monkeypatch.setattr(fence, "DISK", 64 << 20)
    lines, words = NO_ANSWER[name]
    ends = name in ("takes all memory", "prints for ever")  # by itself, sooner or later
    report = check(in_backprop(lines), timeout=60.0 if ends else 5.0, memory=1024)
    assert report.exit_code == 2 and words in str(report), report
    assert str(report).startswith("could not be judged: learner.py: ")


@pytest.mark.parametrize("how", ["start_new_session=True", "process_group=0"])
def test_what_is_left_behind_is_ended(how, check):
    sleeper = f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], {how})"
    report = check(in_backprop(f"if len(calls) == 1: print('pid', {sleeper}.pid)"))
    pids = [int(line.split()[1]) for line in report.printed.splitlines() if line.startswith("pid")]
    assert pids
    for pid in pids:
        if LINUX:
            status = Path(f"/proc/{pid}/stat")
            assert not status.exists() or status.read_text().split()[2] == "Z"


def test_a_daemon_is_ended_too(check):
    daemon = """
        if len(calls) == 1 and os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                print('daemon', os.getpid(), flush=True)
                time.sleep(60)
            os._exit(0)
        time.sleep(0.2 * (len(calls) == 1))
    """
    report = check(in_backprop(daemon))
    pid = int(report.printed.split()[1])
    assert not LINUX or not Path(f"/proc/{pid}").exists()


def test_no_disk_is_filled(tmp_path):
    code = (
        "from autograd.grading.fence import serve\nimport os, pathlib\n"
        "def answer(question, arrays):\n"
        "    for i in range(10_000):\n"
        "        pathlib.Path(os.environ['TMPDIR'], str(i)).write_bytes(bytes(1 << 22))\n"
        "    return {}, []\nserve(answer)"
    )
    with Fence(code, tmp_path, timeout=20.0) as process:
        with pytest.raises(FenceError, match="written or printed more than"):
            process.ask({}, doing="while it was writing")
        scratch = process._scratch.name
    assert not os.path.exists(scratch)


def test_messages_come_through_as_they_are_and_nothing_else_does():
    header, arrays = unpack(pack({"a": "é"}, [np.zeros((2, 0)), np.float32([[1], [2]]), np.array(True)]))
    assert header == {"a": "é"} and [a.shape for a in arrays] == [(2, 0), (2, 1), ()]
    assert arrays[1].dtype == np.float32 and arrays[2].dtype == bool
    good = pack({}, [np.zeros(3)])
    for bad in (b"", b"x" * 20, good[:-1], good.replace(b"<f8", b"|O8"), good.replace(b"[3]", b"[9]"),
                good.replace(b"[3]", b"-33"), pack([], [])):  # fmt: skip
        with pytest.raises(ValueError):  # noqa: PT011
            unpack(bad)
