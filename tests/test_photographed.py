"""Photographs of digits: what makes them, and what the preparation saves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import photographed
from nn import Examples, Network, load_digits
from nn.cli import main
from nn.images import prepare

PICTURE = Path(photographed.__file__).parent / "pictures" / "photograph.png"


@pytest.fixture(scope="module")
def mnist():
    training, _, test = load_digits(dtype=np.float32)
    return Examples(training.x[:6000], training.y[:6000]), Examples(test.x[:120], test.y[:120])


@pytest.fixture(scope="module")
def net(mnist):
    found = Network([784, 30, 10], cost="cross-entropy", init="scaled", dtype=np.float32, rng=0)
    found.SGD(mnist[0], 3, 10, 0.5, rng=0, report=lambda epoch: None)
    return found


@pytest.fixture(scope="module")
def pictures(mnist):
    return photographed.photographs(mnist[1].x)


def test_photographs_are_of_many_kinds_and_the_same_again(pictures, mnist):
    again = photographed.photographs(mnist[1].x[:20])
    assert all(np.array_equal(a, b) for a, b in zip(again, pictures, strict=False))
    assert len({picture.shape for picture in pictures}) > 100
    assert all(picture.min() >= 0 and picture.max() <= 1 for picture in pictures)
    dark = np.mean([np.median(picture) < 0.5 for picture in pictures])
    assert 0.1 < dark < 0.5


def test_prepared_photographs_are_read_and_resized_ones_are_not(pictures, mnist, net):
    def right(images):
        return np.mean(net.predict(np.array(images, np.float32).reshape(-1, 784)) == mnist[1].y)

    clean = right(mnist[1].x)
    assert clean > 0.85
    assert right([prepare(picture) for picture in pictures]) > clean - 0.1
    assert right([photographed.resized(picture) for picture in pictures]) < 0.3


def test_the_picture_that_is_shipped_is_one_of_them_and_is_a_two(pictures, net, tmp_path, capsys):
    shipped = np.asarray(Image.open(PICTURE), float)
    np.testing.assert_allclose(shipped, 255 * pictures[1], atol=1.01)
    net.save(tmp_path / "net.npz")
    assert main(["predict", str(tmp_path / "net.npz"), str(PICTURE)]) == 0
    assert capsys.readouterr().out.startswith(f"{PICTURE}: 2 (activation ")
