"""Training goes on where it stopped, bit for bit, whatever stopped it."""

import errno
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA, Interrupting, quiet, same, small_data, state

from autograd.recording import is_tracing
from nn import FileError, Network, files
from nn.checkpoint import Checkpoint, fingerprint, set_state, state_of
from nn.files import Claim, read_arrays, write_arrays
from nn.interrupts import Deferred, Watch

VALIDATION = small_data(30, seed=0)
OPTIONS = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "report": quiet}


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard():
    """In the background of a shell SIGINT is ignored, and every process inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def trained(path, epochs=6, net=None, **options):
    """A network trained with a file to save to, and its history."""
    net = net or Network([6, 4, 3], rng=3)
    options = OPTIONS | {"validation_data": VALIDATION, "rng": 7} | options
    return net, net.SGD(DATA, epochs, 10, 2.0, save=path, **options)


def scores(history):
    return [(epoch.number, epoch.scores) for epoch in history]


@pytest.mark.parametrize("stop", [1, 2, 5])
def test_a_training_in_two_parts_is_the_training_in_one(tmp_path, stop):
    one, history = trained(tmp_path / "one")
    trained(tmp_path / "two", epochs=stop)
    two, both = trained(tmp_path / "two", resume=tmp_path / "two", rng=99)  # the file says how the generator was
    assert same(state(one), state(two))
    assert scores(history) == scores(both)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("left", [1, 2, 3, 5, 7, 8, 14, 23])
@pytest.mark.parametrize("patience", [None, 2])
def test_a_training_that_is_interrupted_anywhere_ends_as_if_it_had_not_been(tmp_path, left, patience):
    def network(left):
        net = Interrupting([6, 4, 3], rng=3)
        net.left = left
        return net

    save = tmp_path / "broken"
    one, history = trained(tmp_path / "one", net=network(1000), every=2, patience=patience)
    net = network(left)
    try:
        trained(save, net=net, every=2, patience=patience)
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError
    resume = save if save.exists() else None
    assert (resume is None) == (left < 2)
    again, both = trained(save, resume=resume, net=network(1000), every=2, patience=patience)
    assert same(state(one), state(again))
    assert scores(history) == scores(both)
    assert (tmp_path / "one").read_bytes() == save.read_bytes()


def test_early_stopping_goes_on_and_stops_in_the_same_place(tmp_path):
    one, history = trained(tmp_path / "one", epochs=200, patience=4)
    assert len(history) < 200
    for stop in (1, len(history) // 2, len(history) - 1):
        trained(tmp_path / "two", epochs=stop, patience=4)
        two, both = trained(tmp_path / "two", epochs=200, patience=4, resume=tmp_path / "two")
        assert same(state(one), state(two))
        assert scores(history) == scores(both)
    two, both = trained(tmp_path / "one", epochs=300, patience=4, resume=tmp_path / "one")  # it has stopped already
    assert scores(history) == scores(both)
    assert same(state(one), state(two))
    assert same(state(one), state(Network.load(tmp_path / "one")))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"momentum": 0.5}, "momentum was 0.9 and is 0.5"),
        ({"nesterov": False}, "nesterov was True and is False"),
        ({"weight_decay": 0.0}, "weight_decay was 0.01 and is 0.0"),
        ({"patience": 3}, "patience was None and is 3"),
        ({"validation_data": DATA}, "the validation data has changed"),
        ({"net": Network([6, 5, 3], rng=0)}, "network was"),
        ({"net": Network([6, 4, 3], rng=0, dtype=np.float32)}, "parameters was"),
        ({"rng": np.random.Generator(np.random.MT19937(0))}, "used a random generator PCG64, and rng is a MT19937"),
        ({"epochs": 1}, "is after epoch 1, and epochs=1 is less; ask for more epochs"),
    ],
)
def test_what_differs_is_said(tmp_path, options, words):
    trained(tmp_path / "x", epochs=2)
    before = (tmp_path / "x").read_bytes()
    net = options.get("net") or Network([6, 4, 3], rng=1)
    start = state(net)
    with pytest.raises(FileError, match=words):
        trained(tmp_path / "x", resume=tmp_path / "x", **(options | {"net": net}))
    assert same(state(net), start)
    assert (tmp_path / "x").read_bytes() == before


def test_other_training_data_is_refused(tmp_path):
    trained(tmp_path / "x", epochs=2)
    net = Network([6, 4, 3], rng=1)
    with pytest.raises(FileError, match="the training data has changed"):
        net.SGD((DATA.x + 1e-9, DATA.y), 4, 10, 2.0, resume=tmp_path / "x", validation_data=VALIDATION, **OPTIONS)


def test_files_without_a_training_load_and_cannot_be_resumed(tmp_path):
    net = Network([6, 4, 3], rng=1)
    net.save(tmp_path / "saved")
    np.savez(tmp_path / "old.npz", sizes=[6, 4, 3], activation="sigmoid", cost="quadratic", **net.state_dict())
    for name in ("saved", "old.npz"):
        assert same(state(Network.load(tmp_path / name)), state(net))
        with pytest.raises(FileError, match="holds a network, but not how its training went"):
            trained(tmp_path / "x", resume=tmp_path / name)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"epoch": 1}', "[" * 100_000, '{"epoch": 1' + "0" * 9999 + "}", "\xff"]
)
def test_a_training_that_cannot_be_read_is_one_error(tmp_path, text):
    trained(tmp_path / "x", epochs=1)
    arrays = read_arrays(tmp_path / "x") | {"training": np.frombuffer(text.encode("latin1"), np.uint8)}
    write_arrays(tmp_path / "x", arrays)
    with pytest.raises(FileError, match="what it says of its training cannot be read"):
        Checkpoint.read(tmp_path / "x")
    Network.load(tmp_path / "x")


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_the_state_of_a_generator(kind):
    rng = np.random.Generator(kind(1))
    rng.integers(0, 9, 3, dtype=np.int8)
    kept = state_of(rng)
    expected = rng.random(5)
    other = np.random.Generator(kind(2))
    set_state(other, kept)
    assert np.array_equal(other.random(5), expected)


def test_a_fingerprint_is_of_values_shape_and_dtype():
    x = np.arange(6.0)
    found = [fingerprint(x), fingerprint(x.reshape(2, 3)), fingerprint(x.astype(np.float32)), fingerprint(x + 1)]
    assert len(set(found)) == 4
    assert fingerprint(x.reshape(2, 3).T.copy()) == fingerprint(np.asfortranarray(x.reshape(2, 3)).T)


def test_every_needs_a_file():
    with pytest.raises(ValueError, match="every=3 is a number of mini-batches, at least 1, and needs a file"):
        trained(None, every=3)


# The file


def test_the_mode_of_a_file_is_kept(tmp_path):
    for mode in (0o600, 0o640, 0o444):
        path = tmp_path / f"{mode:o}"
        path.write_bytes(b"")
        path.chmod(mode)
        Network([2, 1]).save(path)
        assert stat.S_IMODE(path.stat().st_mode) == mode
        trained(path, epochs=1)
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_what_dead_runs_left_is_removed_and_nothing_else(tmp_path):
    kept = ["m.npz.backup.tmp", "m.npz.tmp", "other.npz.abcd1234.tmp", "m.npz.1234abcd.tmp.txt", "xm.npz.abcd1234.tmp"]
    for name in (*kept, "m.npz.0a1b2c3d.tmp", "m.npz.ab_1x9zz.tmp", "m.npz.starting.tmp"):
        (tmp_path / name).write_bytes(b"half")
    with (tmp_path / "m.npz.aaaaaaaa.tmp").open("wb") as alive:
        files._lock(alive.fileno())
        trained(tmp_path / "m.npz", epochs=1)
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*kept, "m.npz", "m.npz.aaaaaaaa.tmp"])


def test_a_second_run_on_the_same_file_is_refused(tmp_path):
    path, refused = tmp_path / "m.npz", []

    def try_too(epoch):
        with pytest.raises(FileError, match="another run is writing it; wait for its end, or save to another file"):
            trained(path, epochs=1)
        refused.append(epoch)

    first = Claim(path)
    first.take()  # before there is a file
    with pytest.raises(FileError, match="another run is writing it"):
        Claim(path).take()
    first.release()
    assert list(tmp_path.iterdir()) == []
    trained(path, epochs=3, report=try_too)
    assert len(refused) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]
    trained(path, epochs=1)  # and now it is free


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path, write, left = tmp_path / "m.npz", os.write, [60_000]

    def full(descriptor, data):
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(descriptor, bytes(data)[: left[0]])
        left[0] -= written
        return written

    monkeypatch.setattr(files.os, "write", full)
    net = Network([6, 4, 3], rng=3)
    words = "cannot be written: No space left on device; make room, .* It holds what was saved before; resume from it"
    with pytest.raises(FileError, match=words):
        trained(path, epochs=100, net=net)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]
    again, _ = trained(path, epochs=100, resume=path)
    one, _ = trained(tmp_path / "one", epochs=100)
    assert same(state(one), state(again))


def test_a_disk_that_is_full_at_the_first_save_is_named_and_nothing_stays(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "write", full)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with pytest.raises(FileError, match=re.escape(f"{tmp_path / 'm.npz'}: cannot be written: No space left on device")):
        trained(tmp_path / "m.npz")
    assert [p.name for p in tmp_path.rglob("*")] == ["temporary"]


def test_a_folder_that_vanishes_takes_nothing_with_it(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()

    def vanish(epoch):
        if epoch.number == 2:
            (folder / "m.npz").unlink()
            folder.rmdir()

    with pytest.raises(FileError, match=r"No such file or directory; make the folder, .* resume from that") as caught:
        trained(folder / "m.npz", report=vanish)
    saved = Path(str(caught.value).split("The training is in ")[1].split(",")[0])
    one, _ = trained(tmp_path / "one")
    again, _ = trained(tmp_path / "again", resume=saved)
    assert same(state(one), state(again))
    saved.unlink()
    saved.parent.rmdir()


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def refused(*arguments):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(files.os, "open", refused)
    with pytest.raises(FileError, match="Permission denied; save to a folder that you may write to"):
        trained(tmp_path / "m.npz")


# Ctrl-C and SIGTERM


class Swallowing:
    """Something that is destroyed while Ctrl-C comes."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_is_not_lost_where_python_swallows_it(tmp_path):
    class Net(Network):
        left = 9

        def cost(self, x, y):
            self.left -= 1
            if not self.left:
                Swallowing()
            return super().cost(x, y)

    net = Net([6, 4, 3], rng=0)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "m.npz", net=net)
    assert net.left == 0
    assert Checkpoint.read(tmp_path / "m.npz").where() == "after epoch 0"


def test_ctrl_c_that_became_another_error_is_ctrl_c():
    with pytest.raises(KeyboardInterrupt), Watch():  # noqa: PT012
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("cannot close") from None
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_deferred_signals_come_at_the_end():
    done = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        with Deferred():
            signal.raise_signal(signal.SIGINT)
            done.append(1)
        done.append(2)
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_callers_own_is_left_alone(tmp_path):
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(1))
    try:
        trained(tmp_path / "m.npz", epochs=2, report=lambda epoch: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert came == [1, 1]


def test_ctrl_c_at_any_line_is_ctrl_c_and_leaves_a_whole_file(tmp_path):
    """A signal at thirty lines of all the Python that a training runs; what the file holds is what the history says."""

    def training(at):
        """Train with Ctrl-C at a line; return the number of lines, and whether it ended in KeyboardInterrupt."""
        count, path, seen = [0], tmp_path / f"{at}.npz", []

        def trace(frame, event, argument):
            if event == "line":
                count[0] += 1
                if count[0] == at:
                    signal.raise_signal(signal.SIGINT)
            return trace

        net = Network([6, 4, 3], rng=0)
        interrupted = False
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            net.SGD(DATA, 2, 24, 1.0, rng=0, save=path, every=1, report=seen.append)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            sys.settrace(before)
        assert not list(tmp_path.glob("*.tmp"))
        assert not is_tracing()
        if path.exists():
            saved = Checkpoint.read(path)
            assert saved.epoch in (len(seen), len(seen) + 1)
            path.unlink()
        return count[0], interrupted

    training(None)  # what is imported and cached the first time comes only then
    lines, interrupted = training(None)
    assert not interrupted
    lost = [at for at in range(1, lines, lines // 30) if not training(at)[1]]
    assert lost == []


def test_killed_trainings_end_as_if_they_had_not_been():
    script = Path(__file__).parent / "stress" / "kill.py"
    done = subprocess.run([sys.executable, script, "--kills", "12", "--seed", "1"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 kills" in done.stdout
