"""Trainings that are killed at random moments: does each end where the undisturbed one ends?

    python tests/stress/kill.py --kills 100 --seed 0        in a minute

A small training with early stopping, which saves after every second mini-batch, is started and killed at a random
moment, by SIGKILL, SIGTERM or SIGINT, also while it writes; resumed and killed again, until it comes to its end. Then
its file has to be the same, byte for byte, as that of a training that nobody disturbed, with nothing beside it. After
each kill the file has to be one that can be loaded. The exit code is 1 where this fails.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # before NumPy is imported

import argparse
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

from nn import Network
from nn.cli import main as command

SIGNALS = {signal.SIGKILL: 0.6, signal.SIGTERM: 0.2, signal.SIGINT: 0.2}
RIGHT_CODES = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGINT: 130}


def write_data(folder):
    """Four IDX files of pictures that can be learnt, but not quickly."""
    rng = np.random.default_rng(0)
    for part, n in (("train", 260), ("t10k", 40)):
        labels = rng.integers(0, 3, n)
        images = rng.integers(0, 200, (n, 4, 3))
        images[np.arange(n), labels + 1] += 40
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">{1 + array.ndim}I", 2048 + array.ndim, *array.shape)
            (folder / f"{part}-{kind}-ubyte").write_bytes(header + array.astype(np.uint8).tobytes())


def start(arguments):
    """Run the command line in a process of its own, made by `fork` so that nothing is imported again."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it is ignored
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    code = 70
    try:
        code = command(arguments)
    except SystemExit as error:
        code = error.code
    except KeyboardInterrupt:
        code = 130  # before the command could catch it
    except BaseException:
        with open(os.environ.get("KILL_LOG", os.devnull), "a") as log:
            traceback.print_exc(file=log)
    finally:
        os._exit(code)


def kill_and_resume(folder, kills, seed, report=print):
    """Return what went wrong, as a list of sentences, after so many kills."""
    rng = np.random.default_rng(seed)
    data, faults, counts = folder / "data", [], Counter()
    data.mkdir()
    write_data(data)
    train = ["train", "--data", str(data), "--sizes", "12,40,3", "--validation-size", "60", "--epochs", "40", "--eta",
             "0.5", "--momentum", "0.9", "--patience", "15", "--every", "2"]  # fmt: skip
    calm = folder / "calm.npz"
    since = time.perf_counter()
    os.waitpid(start([*train, "--save", str(calm)]), 0)
    takes = time.perf_counter() - since
    right = calm.read_bytes()
    place = folder / "saved"
    place.mkdir()
    file = place / "model.npz"
    done, writing, ends = 0, 0, 0
    while done < kills:
        arguments = [*train, "--save", str(file)] + (["--resume", str(file)] if file.exists() else [])
        before = {path.name for path in place.glob("*.tmp")}  # of a run that SIGKILL ended; the next removes it
        child = start(arguments)
        time.sleep(rng.uniform(0, 0.6 * takes))
        which = list(SIGNALS)[rng.choice(len(SIGNALS), p=list(SIGNALS.values()))]
        writing += any(path.suffix == ".tmp" and "starting" not in path.name for path in place.iterdir())
        os.kill(child, which)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        counts[which.name if code else "came to its end"] += 1
        if code == 0:
            ends += 1
            if file.read_bytes() != right:
                faults.append(f"after {done} kills, the file is not that of the undisturbed training")
            if [path.name for path in place.iterdir()] != [file.name]:
                faults.append(f"after {done} kills, there is {sorted(path.name for path in place.iterdir())}")
            for path in place.iterdir():
                path.unlink()
            continue
        done += 1
        early = code in (-which,) and which != signal.SIGKILL  # before the training had begun
        if code != RIGHT_CODES[which] and not early:
            faults.append(f"kill {done}, {which.name}: the exit code is {code}")
        if which != signal.SIGKILL and not early and {path.name for path in place.glob("*.tmp")} - before:
            faults.append(f"kill {done}, {which.name}: a temporary file stays")
        if file.exists():
            Network.load(file)
    if file.exists() or not ends:
        child = start([*train, "--save", str(file)] + (["--resume", str(file)] if file.exists() else []))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        ends += 1
        if code or file.read_bytes() != right:
            faults.append(f"after all kills, exit code {code}, and the file is not that of the undisturbed training")
        if [path.name for path in place.iterdir()] != [file.name]:
            faults.append(f"after all kills, there is {sorted(path.name for path in place.iterdir())}")
    report(f"{done} kills ({dict(counts)}), {writing} of them while it wrote; {ends} trainings came to their end")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments (default: 0)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = kill_and_resume(Path(folder), args.kills, args.seed)
    print("\n".join(faults) or "each ended where the undisturbed training ended")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
