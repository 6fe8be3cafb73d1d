"""Digits on paper, as a telephone sees them.

MNIST is clean: white ink on nothing, the digit in the middle and always of the same size. A photograph is none of this.
`photograph` makes one from an image of MNIST: the digit is turned, sheared, stretched and bent a little, drawn with a
thinner or a thicker pen, and put somewhere on a sheet of some size, which has lines or squares, a shade that goes from
one side to the other, and the noise of a small camera. Every fourth sheet is a blackboard.

The table says how many of the test images, photographed so, a network recognises: when the picture is only made as
small as an image of MNIST, and when it is prepared by `nn.images.prepare`. The first network is the one of
`python -m nn train`. The second has more neurons, and was trained on images that were distorted as in example 11.

    python examples/photographed.py               a short form: figures that prove nothing
    python examples/photographed.py --full        all digits, and networks that are trained to the end: 15 minutes
    python examples/photographed.py FOLDER        the same as the first, and leaves ten photographs in the folder
"""

import argparse
import importlib
from itertools import pairwise
from pathlib import Path

import numpy as np

from nn import Examples, Network, load_digits
from nn.images import prepare

better = importlib.import_module("11_better_learning")


def between(values, places):
    """Read an image at places (rows, columns) between its pixels, by bilinear interpolation; 0 outside."""
    framed = np.pad(values, 2)
    rows, columns = (np.clip(p, -1.5, n + 0.5) + 2 for p, n in zip(places, values.shape, strict=True))
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, right = rows - top, columns - left
    upper = framed[top, left] * (1 - right) + framed[top, left + 1] * right
    lower = framed[top + 1, left] * (1 - right) + framed[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def smooth(shape, cells, rng):
    """Make a random surface of about unit size that changes over a few cells."""
    rows, columns = (np.linspace(0, cells, n) for n in shape)
    return between(rng.standard_normal((cells + 1, cells + 1)), np.meshgrid(rows, columns, indexing="ij"))


def softened(values):
    """Mix each pixel with its neighbours."""
    for _ in range(2):
        framed = np.pad(values, ((1, 1), (0, 0)), mode="edge")
        values = (0.25 * framed[:-2] + 0.5 * framed[1:-1] + 0.25 * framed[2:]).T
    return values


def handwritten(image, height, rng):
    """Redraw the digit of an image, at some height in pixels: warped, and with a pen of another width."""
    side = round(1.5 * height)
    v, u = np.meshgrid(*[np.linspace(-15, 15, side)] * 2, indexing="ij")
    angle, shear = np.radians(rng.uniform(-10, 10)), rng.uniform(-0.15, 0.15)
    rows = rng.uniform(0.9, 1.1) * (np.cos(angle) * v - np.sin(angle) * u) + 0.5 * smooth(v.shape, 4, rng)
    columns = rng.uniform(0.85, 1.15) * (np.sin(angle) * v + np.cos(angle) * u) + shear * v
    columns += 0.5 * smooth(v.shape, 4, rng)
    grey = between(softened(image), (rows + 14, columns + 14))
    for _ in range(side // 40):
        grey = softened(grey)
    pen = rng.uniform(0.2, 0.5)  # a low one makes thick strokes
    digit = np.clip((grey - pen) * 8 + 0.5, 0, 1)
    inside = np.argwhere(digit > 0.2)
    if not len(inside):
        return digit
    (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0)
    return digit[top : bottom + 1, left : right + 1]


def ruled(shape, distance, rng):
    """Draw lines across a sheet, not quite level: 1 on a line, 0 between."""
    v, u = np.meshgrid(*map(np.arange, shape), indexing="ij")
    slope, width = rng.uniform(-0.03, 0.03), max(1.0, distance / 40)
    from_line = (v + slope * u + rng.uniform(0, distance)) % distance
    return np.clip(width / 2 + 0.5 - np.abs(from_line - distance / 2), 0, 1)


def photograph(image, rng):
    """Make a photograph, grey values in [0, 1] of any shape, of the digit in an image of MNIST, of shape (28, 28)."""
    height = int(rng.uniform(40, 200))
    digit = handwritten(image, height, rng)
    shape = tuple(int(n * rng.uniform(1.2, 2.5)) + 8 for n in (max(digit.shape), max(digit.shape)))
    ink = np.zeros(shape)
    top, left = (rng.integers(2, 1 + whole - n - 2) for whole, n in zip(shape, digit.shape, strict=True))
    ink[top : top + digit.shape[0], left : left + digit.shape[1]] = digit

    paper = np.full(shape, rng.uniform(0.7, 0.95))
    kind, strength = rng.choice(["plain", "ruled", "squared"]), rng.uniform(0.1, 0.3)
    distance = height * rng.uniform(0.25, 0.8)
    if kind != "plain":
        paper *= 1 - strength * ruled(shape, distance, rng)
    if kind == "squared":
        paper *= 1 - strength * ruled(shape[::-1], distance, rng).T
    sheet = paper * (1 - ink) + rng.uniform(0.05, 0.3) * ink

    v, u = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    towards = rng.uniform(0, 2 * np.pi)
    light = 1 - rng.uniform(0, 0.35) * (1 + np.cos(towards) * u + np.sin(towards) * v) / 2
    light *= 1 - rng.uniform(0, 0.15) * (u * u + v * v) + 0.02 * smooth(shape, 3, rng)
    seen = softened(sheet * light)
    if rng.random() < 0.25:
        seen = 1 - seen
    seen = seen + rng.uniform(0.005, 0.03) * rng.standard_normal(shape)
    return np.round(np.clip(seen, 0, 1) * 255) / 255


def photographs(images, seed=0):
    """Make a photograph of each image, of shape (n, 784): a list of arrays of many shapes."""
    rng = np.random.default_rng(seed)
    return [photograph(image.reshape(28, 28), rng) for image in images]


def resized(picture):
    """Shrink a photograph to the size of an image of MNIST, and do nothing else: light ink on dark, of shape (28,
    28)."""
    over, across = (np.floor(np.linspace(0, n, 29)).astype(int) for n in picture.shape)
    cells = [[picture[a:b, c:d].mean() for c, d in pairwise(across)] for a, b in pairwise(over)]
    small = np.array(cells)
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    return 1 - small if edge.mean() > 0.5 else small


DISTORTION = better.Distortion(rotation=12, scale=0.15, shear=0.15, shift=1.5, elastic=1.5)


def networks(training, epochs):
    """Train the network of `python -m nn train`, and one on distorted images."""
    rng = np.random.default_rng(0)
    book = Network([784, 30, 10], dtype=np.float32, rng=rng)
    book.SGD(training, epochs, 10, 3.0, rng=rng, report=lambda epoch: None)
    distorted = Network(
        [784, 200, 100, 10], activation="relu", cost="log-likelihood", init="scaled", dtype=np.float32, rng=rng
    )
    distorted.SGD(
        training, epochs, 50, 0.05, momentum=0.9, nesterov=True, schedule=lambda step, steps: 1 - step / steps,
        rng=rng, augment=better.Distorting(DISTORTION, 2000 if epochs > 2 else 20), report=lambda epoch: None,
    )  # fmt: skip
    return {"784-30-10, as the book trains it": book, "784-200-100-10, trained on distorted images": distorted}


def main():
    parser = argparse.ArgumentParser(description="Recognise digits that were photographed.")
    parser.add_argument("folder", nargs="?", type=Path, help="write ten photographs to this folder, with Pillow")
    parser.add_argument("--full", action="store_true", help="networks trained to the end, on all training images")
    parser.add_argument("--digits", type=int, metavar="N", help="so many of the test images (40; with --full 10,000)")
    args = parser.parse_args()
    training, _, test = load_digits(dtype=np.float32)
    first, epochs = (len(training.y), 30) if args.full else (3000, 2)
    n = args.digits or (len(test.y) if args.full else 40)
    training, test = Examples(training.x[:first], training.y[:first]), Examples(test.x[:n], test.y[:n])
    pictures = photographs(test.x)
    if args.folder:
        from PIL import Image

        for number, picture in enumerate(pictures[:10]):
            Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(args.folder / f"photograph-{number}.png")
    images = {
        "clean": test.x,
        "photographed, only resized": np.array([resized(p).ravel() for p in pictures], np.float32),
        "photographed, prepared": np.array([prepare(p).ravel() for p in pictures], np.float32),
    }
    for name, net in networks(training, epochs).items():
        print(f"{name}, {epochs} epochs, {len(test.y):,} test images:")
        for what, x in images.items():
            print(f"    {what:28} {100 * np.mean(net.predict(x) == test.y):6.2f} %")


if __name__ == "__main__":
    main()
