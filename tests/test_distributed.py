"""Several ranks train what one process trains: in threads that stand for them, and in processes under mpiexec."""

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from autograd import Tensor, relu
from nn import SGD, Adam, Dropout, Linear, Module, Network, Sequential, softmax_log_likelihood, train
from nn.checkpoint import Checkpoint
from nn.distributed import Ranks, launched
from nn.files import read_arrays

ROOT = Path(__file__).parent.parent
RNG = np.random.default_rng(0)
X, Y = RNG.random((53, 6)), RNG.integers(0, 3, 53)
VALIDATION = RNG.random((11, 6)), RNG.integers(0, 3, 11)


class Communicator:
    """What Ranks uses of MPI, among threads."""

    def __init__(self, rank, shared):
        self.rank, self.shared = rank, shared

    def Get_rank(self):
        return self.rank

    def Get_size(self):
        return self.shared["barrier"].parties

    def Allreduce(self, array, total):
        total[...] = np.sum(self._exchanged(array), axis=0)

    def Bcast(self, array, root):
        array[...] = self._exchanged(array)[root]

    def _exchanged(self, array):
        self.shared[self.rank] = np.array(array)
        self.shared["barrier"].wait(20)
        found = [self.shared[rank] for rank in range(self.Get_size())]
        self.shared["barrier"].wait(20)
        return found


def on_ranks(n, job):
    """What job(ranks) returns on each of n ranks."""
    shared = {"barrier": threading.Barrier(n)}
    results, errors = {}, {}

    def run(rank):
        try:
            results[rank] = job(Ranks(Communicator(rank, shared)))
        except BaseException as error:
            errors[rank] = error
            shared["barrier"].abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise next((e for e in errors.values() if not isinstance(e, threading.BrokenBarrierError)), errors[min(errors)])
    return [results[rank] for rank in range(n)]


def apart(one, other):
    return max(float(np.max(np.abs(one[name] - other[name]))) for name in one)


def network(ranks=None, size=8, **options):
    net = Network([6, 5, 3], rng=1, cost="log-likelihood", activation="tanh")
    options = {"eta": 0.3, "validation_data": VALIDATION, "monitor_training": True, "report": None, **options}
    eta = options.pop("eta")
    history = train(net, (X, Y), 2, size, eta, rng=2, ranks=ranks, **options)
    return net.state_dict(), history


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 52, 53, 100])
def test_any_number_of_ranks_trains_what_one_process_trains(size):
    alone, history = network(size=size)
    for n in (1, 2, 3, 4):
        for state, found in on_ranks(n, lambda ranks: network(ranks, size)):
            assert apart(alone, state) <= 1e-12
            for one, other in zip(history, found, strict=True):
                assert one.cost == pytest.approx(other.cost, abs=1e-12)
                for name in ("training", "validation"):
                    assert one.scores[name].correct == other.scores[name].correct
                    assert one.scores[name].cost == pytest.approx(other.scores[name].cost, abs=1e-12)
                    assert one.scores[name].total == other.scores[name].total


def test_all_ranks_have_equal_parameters():
    states = [state for state, _ in on_ranks(4, lambda ranks: network(ranks, 7))]
    assert all(apart(states[0], state) == 0 for state in states)


@pytest.mark.parametrize("options", [
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, {"longest": 0.1}, {"patience": 1},
    {"schedule": lambda step, steps: 1 - step / steps}, {"compiled": False},
    {"augment": lambda x, rng: x + 0.1 * rng.standard_normal(x.shape)},
])  # fmt: skip
def test_every_option_of_the_training(options):
    alone, _ = network(**options)
    for state, _ in on_ranks(3, lambda ranks: network(ranks, **options)):
        assert apart(alone, state) <= 1e-12


class Noise:
    """Noise, drawn for the whole mini-batch, and added to a rank's own examples."""

    def __init__(self):
        self.lengths = []

    def draw(self, n, rng):
        return rng.standard_normal((n, 6))

    def __call__(self, x, drawn):
        self.lengths.append(len(x))
        return x + drawn


@pytest.mark.parametrize("size", [3, 8])
def test_what_is_random_in_the_inputs_is_drawn_for_all_and_computed_by_each_rank_for_its_own(size):
    def run(ranks=None):
        noise = Noise()
        return network(ranks, size, augment=noise)[0], noise.lengths

    alone, lengths = run()
    assert lengths == 2 * [*[size] * (53 // size), 53 % size]
    for n in (2, 3, 4):
        found = on_ranks(n, run)
        assert all(apart(alone, state) <= 1e-12 for state, _ in found)
        assert all(length <= -(-size // n) for _, lengths in found for length in lengths)


class Recurrent(Module):
    def __init__(self, dtype):
        rng = np.random.default_rng(3)
        self.w = Tensor(rng.standard_normal((4, 4)).astype(dtype), name="w")
        self.u = Tensor(rng.standard_normal((4, 2)).astype(dtype), name="u")
        self.scale = Tensor(np.ones((), dtype), name="scale")

    def __call__(self, x):
        h = np.zeros((x.shape[0], 4), self.w.dtype)
        for t in range(3):
            h = np.tanh(x[:, 2 * t : 2 * t + 2] @ self.u.T + h @ self.w.T)
        return self.scale * h[:, :3]


def some_model(ranks, make, optimiser, **options):
    model = make()
    how = (None,) if optimiser else (0.2,)
    if optimiser:
        options["optimiser"] = optimiser(model.parameters(), 0.02)
    train(model, softmax_log_likelihood, (X, Y), 2, 9, *how, rng=4, ranks=ranks, report=None,
          test_data=VALIDATION, **options)  # fmt: skip
    return model.state_dict()


@pytest.mark.parametrize("optimiser", [None, Adam, SGD])
@pytest.mark.parametrize("make", [
    lambda: Recurrent(np.float64),
    lambda: Sequential(Linear(6, 7, rng=5), relu, Dropout(0.5), Linear(7, 3, rng=6), Dropout(0.1)),
])  # fmt: skip
def test_any_model_with_dropout_drawn_for_the_whole_mini_batch(make, optimiser):
    alone = some_model(None, make, optimiser)
    for n in (2, 4):
        for state in on_ranks(n, lambda ranks: some_model(ranks, make, optimiser)):
            assert apart(alone, state) <= 1e-12


def test_the_precision_of_the_parameters_stays():
    for state in on_ranks(2, lambda ranks: some_model(ranks, lambda: Recurrent(np.float32), None)):
        assert {array.dtype for array in state.values()} == {np.dtype(np.float32)}


def test_a_dropout_of_something_else_than_rows_is_refused():
    class Columns(Module):
        def __init__(self):
            self.linear, self.dropout = Linear(6, 3, rng=0), Dropout(0.5)

        def __call__(self, x):
            return self.dropout(self.linear(x).T).T

    with pytest.raises(ValueError, match="a dropout that is shared out needs an example per row"):
        on_ranks(2, lambda ranks: some_model(ranks, Columns, None))


def test_parameters_and_random_numbers_are_those_of_rank_0():
    def job(ranks):
        net = Network([6, 3], rng=ranks.rank)
        train(net, (X, Y), 1, 10, 0.1, rng=100 + ranks.rank, ranks=ranks, report=None)
        return net.state_dict()

    alone = Network([6, 3], rng=0)
    train(alone, (X, Y), 1, 10, 0.1, rng=100, report=None)
    for state in on_ranks(3, job):
        assert apart(alone.state_dict(), state) <= 1e-12


def test_other_data_on_a_rank_is_refused():
    def job(ranks):
        train(Network([6, 3]), (X + ranks.rank, Y), 1, 10, 0.1, ranks=ranks, report=None)

    with pytest.raises(RuntimeError, match="has training data that differ from those of rank 0"):
        on_ranks(2, job)


@pytest.mark.parametrize("every", [None, 3])
def test_a_checkpoint_of_some_ranks_is_resumed_on_others(tmp_path, every):
    def job(epochs, **options):
        def run(ranks=None):
            net = Network([6, 5, 3], rng=1)
            train(net, (X, Y), epochs, 8, 0.3, rng=2, ranks=ranks, report=None, momentum=0.5, every=every, **options)
            return net.state_dict()

        return run

    alone = job(4, save=tmp_path / "alone.npz")()
    on_ranks(3, job(2, save=tmp_path / "two.npz"))
    first = job(4, resume=tmp_path / "two.npz", save=tmp_path / "end.npz")
    for state in on_ranks(2, first):
        assert apart(alone, state) <= 1e-12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.npz", "end.npz", "two.npz"]
    ours, theirs = (Checkpoint.read(tmp_path / name) for name in ("alone.npz", "end.npz"))
    assert (ours.epoch, ours.settings, ours.rng) == (theirs.epoch, theirs.settings, theirs.rng)


def test_only_rank_0_reports():
    def job(ranks):
        found = []
        network(ranks, report=found.append)
        return len(found)

    assert on_ranks(3, job) == [2, 0, 0]


def test_shares_are_even_and_cover_everything():
    for size in (1, 2, 3, 7):
        for n in (0, 1, 2, 6, 7, 100):
            shares = [range(n)[part] for part in on_ranks(size, lambda ranks, n=n: ranks.share(n))]
            assert [i for share in shares for i in share] == list(range(n))
            assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_one_process_is_not_several(monkeypatch):
    for name in ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert launched() is None
    monkeypatch.setenv("PMI_SIZE", "1")
    assert launched() is None
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(RuntimeError, match="pip install mpi4py mpich"):
        launched()


# Under mpiexec


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    importlib.import_module("kill").write_data(folder)
    return folder


sys.path.insert(0, str(ROOT / "tests" / "stress"))


def started(n, *arguments, data, script=None):
    """The command `train` on n ranks."""
    command = [sys.executable, script] if script else [sys.executable, "-m", "nn", "train", "--data", data]
    usual = [] if script else ["--sizes", "12,5,3", "--validation-size", "60", "--batch", "16", "--eta", "0.5"]
    mpiexec = Path(sys.executable).with_name("mpiexec")
    return subprocess.Popen(
        [*map(str, [mpiexec, "-n", n, *command, *usual, *arguments])], text=True, cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def done(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def parameters(path):
    return {name: array for name, array in read_arrays(path).items() if name[0] in "wb"}


def test_the_command_on_several_ranks(data, tmp_path):
    for n in (1, 2, 3):
        code, out, err = done(started(n, "--epochs", 2, "--save", tmp_path / f"{n}.npz", data=data))
        assert (code, err) == (0, ""), err
        lines = out.splitlines()
        assert [line.split(" :")[0] for line in lines[:2]] == ["Epoch 0", "Epoch 1"]
        assert lines[-1] == f"saved to {tmp_path / f'{n}.npz'}"
        assert len(lines) == 5
        assert apart(parameters(tmp_path / "1.npz"), parameters(tmp_path / f"{n}.npz")) <= 1e-12
    done(started(1, "--epochs", 4, "--save", tmp_path / "long.npz", data=data))
    process = started(3, "--resume", tmp_path / "2.npz", "--epochs", 4, data=data)
    assert done(process)[0] == 0
    assert apart(parameters(tmp_path / "long.npz"), parameters(tmp_path / "2.npz")) <= 1e-12


def test_a_mistake_is_said_once(data, tmp_path):
    for arguments, says in (
        (["--eta", "x"], "handgrad train: error: argument --eta"),
        (["--save", tmp_path / "none" / "x.npz"], "handgrad: error: "),
        (["--eta", "1e300", "--cost", "log-likelihood", "--activation", "relu"], "handgrad: error: training diverged"),
    ):
        code, out, err = done(started(3, "--epochs", 1, *arguments, data=data))
        assert code == 2
        assert sum(line.startswith(says) for line in err.splitlines()) == 1
        assert "Traceback" not in err and not out


ALONE = """
import sys, numpy as np
from nn import Network, train
from nn.distributed import Ranks
with Ranks() as ranks:
    def augment(x, rng):
        if ranks.rank == 1:
            raise {error}
        return x
    train(Network([4, 2]), (np.ones((8, 4)), np.arange(8) % 2), 1, 2, 0.1, rng=0, ranks=ranks, augment=augment)
"""


@pytest.mark.parametrize(("error", "code"), [("ValueError('of this rank')", 1), ("SystemExit(143)", 143)])
def test_a_rank_that_fails_ends_them_all_and_is_heard(tmp_path, error, code):
    (tmp_path / "script.py").write_text(ALONE.replace("{error}", error))
    found, _, err = done(started(3, data=None, script=tmp_path / "script.py"))
    assert found == code
    assert ("rank 1: Traceback" in err and "of this rank" in err) == (code == 1)


def ranks_of(process):
    """The processes of the ranks."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment = (path / "environ").read_bytes().split(b"\0")
            parents = (path / "stat").read_text().rsplit(")")[1].split()[1]
            proxy = (Path("/proc") / parents / "stat").read_text().rsplit(")")[1].split()[1]
        except (OSError, IndexError):
            continue
        if proxy == str(process.pid) and any(entry.startswith(b"PMI_RANK=") for entry in environment):
            rank = next(entry for entry in environment if entry.startswith(b"PMI_RANK="))
            found.append((int(rank[9:]), int(path.name)))
    return dict(found)


@pytest.mark.parametrize(("rank", "how"), [(1, signal.SIGKILL), (0, signal.SIGKILL), (2, signal.SIGINT)])
def test_a_rank_that_dies_ends_the_run_and_leaves_a_good_checkpoint(data, tmp_path, rank, how):
    path = tmp_path / "run.npz"
    process = started(3, "--epochs", 100_000, "--save", path, data=data)
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.kill(ranks_of(process)[rank], how)
    code, out, _ = done(process)  # raises TimeoutExpired if it goes on
    assert code != 0
    assert Checkpoint.read(path).epoch >= len([line for line in out.splitlines() if line.startswith("Epoch")]) - 1
    saved = Checkpoint.read(path).epoch
    assert done(started(2, "--resume", path, "--epochs", saved + 1, data=data))[0] == 0
    assert Checkpoint.read(path).epoch == saved + 1
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]
