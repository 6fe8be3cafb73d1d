"""Handwritten digits, or any other set of images in the same IDX files.

The package contains the MNIST database: 60,000 training and 10,000 test images of 28 x 28 pixels. nn/data/LICENSE.md
names its authors and its licence. As in the book, the last 10,000 training images are kept apart for validation.

Every file is read with limits, and checked before it is used. A DataError says what is wrong with it.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from nn.equations import Array
from nn.files import justified

IMAGES, LABELS = 2051, 2049  # the magic numbers: unsigned bytes, in three dimensions and in one
MNIST = Path(__file__).parent / "data"
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
LARGEST = 1 << 30  # bytes of content in one file; the largest EMNIST file holds 547 MB
PIECE = 1 << 20  # bytes read at a time


class DataError(ValueError):
    """Raised for a data file that is missing or wrong; the message names the file and says what is wrong."""


class Examples(NamedTuple):
    """A data set: `x` of shape (n, inputs), one example per row, and `y`, the labels of shape (n,)."""

    x: Array
    y: Array


def read_idx(path: str | Path, magic: int, sha256: str | None = None, *, each: int = 1) -> NDArray[np.uint8]:
    """Read the array in an IDX file of unsigned bytes, gzipped or not.

    `magic` says what the file must hold: IMAGES, of shape (n, rows, columns), or LABELS, of shape (n,). `sha256` is the
    checksum of its content. `each` says how many bytes of memory the caller will take for each byte of the content.
    Raises DataError, naming the file, if it is anything else, or if its size does not justify the memory.
    """
    path = Path(path)
    dimensions = magic % 256
    header = 4 + 4 * dimensions
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as file:
            start = file.read(header)
            found = int.from_bytes(start[:4], "big")
            if found != magic and len(start) >= 4:
                kind = {IMAGES: "images", LABELS: "labels"}.get(found, "no IDX file of images or labels")
                raise DataError(f"{path}: wrong magic number {found} ({kind}); {magic} was expected")
            if len(start) < header:
                raise DataError(f"{path}: truncated: {len(start)} bytes, and the header alone has {header}")
            shape = struct.unpack(f">{dimensions}I", start[4:])
            size = 1
            for length in shape:
                size *= length
            if size > LARGEST:
                raise DataError(f"{path}: the header promises {size:,} bytes, more than the limit of {LARGEST:,}")
            # Never more than the header promises, whatever the file unpacks to; and in pieces, so that no memory is
            # taken for what the header promises and the file does not hold.
            content = bytearray()
            while piece := file.read(min(PIECE, size + 1 - len(content))):
                content += piece
                if each * len(content) > (limit := justified(path)):
                    needed = f"{each * size:,} bytes of memory"
                    raise DataError(f"{path}: reading it would take {needed}, and its size justifies {limit:,}")
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(content) < size:
        raise DataError(f"{path}: truncated: {len(content):,} bytes of data, and the header promises {size:,}")
    if len(content) > size:
        raise DataError(f"{path}: holds more data than the {size:,} bytes that its header promises")
    checksum = hashlib.sha256(start)
    checksum.update(content)
    if sha256 and checksum.hexdigest() != sha256:
        raise DataError(
            f"{path}: the checksum (SHA-256) of its content is wrong; the file is damaged, or not the expected one"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _find(directory: Path, part: str, kind: str) -> Path:
    """Find the file of `part` ("train", "t10k") and `kind` ("images", "labels") under any of its usual names."""
    dimensions = {"images": 3, "labels": 1}[kind]
    parts = {"train": ("train",), "t10k": ("t10k", "test")}[part]
    for prefix in ("", "*-"):  # EMNIST writes emnist-letters-train-images-idx3-ubyte
        for name in parts:
            for between in "-.":
                pattern = f"{prefix}{name}-{kind}{between}idx{dimensions}-ubyte"
                found = sorted(directory.glob(pattern)) + sorted(directory.glob(pattern + ".gz"))
                if len(found) > 1 and {path.with_suffix("") if path.suffix == ".gz" else path for path in found} != {
                    found[0]
                }:
                    raise DataError(
                        f"{directory}: several files could be the {part} {kind}: {', '.join(p.name for p in found)};"
                        " keep each set in a directory of its own"
                    )
                if found:
                    return found[0]
    raise DataError(f"{directory}: there is no file {part}-{kind}-idx{dimensions}-ubyte, gzipped or not")


def read_part(directory: str | Path, part: str, *, each: int = 1) -> Examples:
    """Read the images (n, rows, columns) and labels (n,) of one part, "train" or "t10k", as unsigned bytes.

    `each` is as for `read_idx`, for the images.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise DataError(f"{directory}: there is no such directory")
    ours = directory.resolve() == MNIST.resolve()
    paths = [_find(directory, part, kind) for kind in ("images", "labels")]
    sums = [SHA256[path.name.removesuffix(".gz")] if ours else None for path in paths]
    images = read_idx(paths[0], IMAGES, sums[0], each=each)
    labels = read_idx(paths[1], LABELS, sums[1], each=9)
    if len(images) != len(labels):
        raise DataError(f"{paths[0]} holds {len(images):,} images, and {paths[1]} {len(labels):,} labels")
    if not images.size:
        raise DataError(f"{paths[0]}: there are no images in it")
    return Examples(images, labels)


def load_digits(
    directory: str | Path | None = None,
    *,
    scale: float = 255.0,
    validation: int = 10_000,
    classes: int = 10,
    dtype: DTypeLike = np.float64,
) -> tuple[Examples, Examples, Examples]:
    """Read `(training, validation, test)`: 50,000, 10,000 and 10,000 digits of MNIST, or the set in `directory`.

    scale       the bytes 0..255 are divided by it. 255 gives pixels in [0, 1]; the book's own file uses 256
    validation  so many images, the last of the training file, are kept apart for validation
    classes     labels go from 0 to classes - 1; others are an error. EMNIST has up to 62 classes, and its letters are
                numbered from 1 to 26, which takes 27

    Raises DataError, naming the file, if one is missing or wrong.

    >>> training, validation, test = load_digits()
    >>> training.x.shape, validation.x.shape, test.x.shape
    ((50000, 784), (10000, 784), (10000, 784))
    >>> training.y[:5]
    array([5, 0, 4, 1, 9])
    """
    if not 0 < scale < np.inf:
        raise ValueError(f"scale is a finite number greater than 0; it is {scale!r}")
    where = MNIST if directory is None else Path(directory)
    parts, shapes = [], []
    for part in ("train", "t10k"):
        images, labels = read_part(where, part, each=1 + np.dtype(dtype).itemsize)
        if labels.max() >= classes:
            path = _find(where, part, "labels")
            raise DataError(
                f"{path}: the label {labels.max()} is out of range: {classes} classes have the labels 0 to"
                f" {classes - 1}; take {labels.max() + 1} classes, that is as many outputs"
            )
        shapes.append(images.shape[1:])
        pixels = np.divide(images.reshape(len(images), -1), scale, dtype=dtype)
        parts.append(Examples(pixels, labels.astype(np.int64)))
    train, test = parts
    if shapes[0] != shapes[1]:
        sizes = ["{} x {}".format(*shape) for shape in shapes]
        raise DataError(f"{where}: the training images have {sizes[0]} pixels, and the test images {sizes[1]}")
    if not 0 <= validation < len(train.y):
        raise DataError(
            f"{where}: {validation:,} of its {len(train.y):,} training images cannot be kept for validation;"
            f" choose 0 to {len(train.y) - 1:,}"
        )
    n = len(train.y) - validation
    return Examples(train.x[:n], train.y[:n]), Examples(train.x[n:], train.y[n:]), test


def one_hot(labels: ArrayLike, classes: int = 10, dtype: DTypeLike = np.float64) -> Array:
    """Turn labels of shape (n,) into targets of shape (n, classes): 1 at the label, 0 elsewhere.

    >>> one_hot([2, 0], classes=3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    labels = np.asarray(labels)
    if labels.size and labels.dtype.kind not in "iu":
        raise ValueError(f"labels are whole numbers from 0 to {classes - 1}, not of dtype {labels.dtype}")
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"labels are whole numbers from 0 to {classes - 1}, not {labels.min()} to {labels.max()}")
    targets: Array = np.eye(classes, dtype=dtype)[labels.astype(np.int64)]
    return targets


Pairs = list[tuple[Array, Any]]


def load_data_wrapper(directory: str | Path | None = None, *, scale: float = 256.0) -> tuple[Pairs, Pairs, Pairs]:
    """Read the digits as the book's `mnist_loader` returns them: three lists of pairs `(x, y)`.

    x is a column of shape (784, 1). y is a column of shape (10, 1) in the training data, and the label in the others.
    `scale` is 256 here, as in the book's file. Chapter 1, "Implementing our network to classify digits".

    >>> training_data, validation_data, test_data = load_data_wrapper()
    >>> len(training_data), training_data[0][0].shape, training_data[0][1].shape, int(test_data[0][1])
    (50000, (784, 1), (10, 1), 7)
    """
    training, validation, test = load_digits(directory, scale=scale)
    columns = one_hot(training.y)[:, :, np.newaxis]
    return (
        list(zip(training.x[:, :, np.newaxis], columns, strict=True)),
        list(zip(validation.x[:, :, np.newaxis], validation.y, strict=True)),
        list(zip(test.x[:, :, np.newaxis], test.y, strict=True)),
    )
