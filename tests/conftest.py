"""What several tests share: the table of operations, and the helpers of replay and of training."""

import struct

import numpy as np
import pytest
from browser import chromium
from operations_table import EVERY_ROW, ROWS

import autograd
from nn import Examples, FileError, Network
from nn.grader import grade

__all__ = [
    "DATA", "EVERY_ROW", "ROWS", "Interrupting", "complaint", "eager", "idx", "quiet", "same", "small_data", "state",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    """A real browser."""
    with chromium() as found:
        yield found


@pytest.fixture
def check(tmp_path):
    """The grader, of a learner's file with a text."""

    def check(text, **options):
        path = tmp_path / "learner.py"
        path.write_text(text, encoding="utf-8")
        return grade(path, **options)

    return check


def complaint(path):
    """What is said of a file that no network can be read from."""
    with pytest.raises(FileError) as caught:
        Network.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def eager(f, *args):
    """The value of f, and the gradient of every leaf that it reached, by backward()."""
    output = f(*args)
    return output.data, {x: g for x, g in autograd.backprop(output).items() if x.op is None}


def idx(array):
    """The content of an IDX file of unsigned bytes."""
    array = np.asarray(array, np.uint8)
    return struct.pack(f">{1 + array.ndim}I", 2048 + array.ndim, *array.shape) + array.tobytes()


def small_data(n=47, n_in=6, classes=3, seed=0):
    """Examples that can be learnt: a noisy picture of each class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    return Examples(rng.random((classes, n_in))[y] + 0.1 * rng.standard_normal((n, n_in)), y)


DATA = small_data()


def state(net):
    return [p.data.copy() for p in net.parameters()]


def same(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))


def quiet(epoch):
    pass


class Interrupting(Network):
    """A network at whose n-th mini-batch somebody presses Ctrl-C."""

    left = 12

    def cost(self, x, y):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().cost(x, y)
