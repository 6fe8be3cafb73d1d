"""Reads pictures to recognise: PNG, PGM and the like, which Pillow reads, and IDX files of many."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nn.digits import IMAGES, DataError, read_idx
from nn.equations import Array
from nn.files import justify

LARGEST = 1 << 24  # pixels in a picture
EACH = 32  # bytes of memory that a pixel takes at most, on the way to a number
FORMATS = ("PNG", "PPM", "JPEG", "GIF", "BMP", "TIFF", "WEBP")  # of Pillow's, those that run no other program


def read_images(path: str | Path, inputs: int | None = None) -> Array:
    """Read the pictures in a file as rows of pixels, of shape (n, rows * columns), from 0 for background to 1 for ink.

    A picture on a light ground is turned into its negative, since the network has learnt light digits on a dark ground.
    `inputs` is the number of pixels that a network takes. If these are the 784 of an image of MNIST, a picture that
    does not look like one goes through `prepare`. The images of an IDX file are always taken as they are.
    Raises DataError, naming the file, if it cannot be read, or if there is no digit in a picture that is prepared.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not start:
        raise DataError(f"{path}: the file is empty")
    if start[:2] == b"\x1f\x8b" or start[:2] == b"\0\0":
        images = read_idx(path, IMAGES, each=17)  # bytes, and float64 twice
        if not images.size:
            raise DataError(f"{path}: there are no images in it")
        return images.reshape(len(images), -1) / 255.0
    picture = _read_picture(path)
    light = 1 - picture if np.mean(_border(picture)) > 0.5 else picture
    if inputs == SIDE * SIDE and not looks_prepared(light):
        light = prepare(picture)
        if not np.any(light):
            raise DataError(f"{path}: no digit can be seen in it: it is nearly the same all over")
    return light.reshape(1, -1)


def _read_picture(path: Path) -> Array:
    """Read one picture as grey values in [0, 1], of shape (rows, columns)."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise DataError(f"{path}: reading pictures needs Pillow: pip install pillow") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about large or odd pictures: what matters is checked here
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > LARGEST:
                    raise DataError(
                        f"{path}: {image.width} x {image.height} pixels, more than the limit of {LARGEST:,} in all"
                    )
                justify(path, EACH * image.width * image.height)
                return _grey(ImageOps.exif_transpose(image))  # as the telephone was held
    except DataError:
        raise
    except Exception as error:  # the decoders of Pillow raise nearly anything when a picture is damaged
        reason = (str(error) or type(error).__name__).replace("\n", " ")
        raise DataError(f"{path}: not a picture that can be read: {reason}") from error


def _grey(image: Any) -> Array:
    from PIL import Image

    if image.mode in ("I", "F") or image.mode.startswith("I;16"):  # 16 bits; convert("L") would cut them off at 255
        wide = np.asarray(image, dtype=np.float64)
        return np.clip(wide / 65535.0, 0, 1)
    if image.has_transparency_data:  # drawn on nothing: put it on white paper
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"), dtype=np.float64) / 255.0


# Preparation

SIDE, BOX, MIDDLE = 28, 20, 14  # of an image of MNIST: its side, that of the box in it, and where the centre of mass is
WORKING = 400  # a picture with a longer side is made smaller first
LEAST = 0.2  # ink below this share of the full one does not count for the box around the digit


def prepare(pixels: ArrayLike) -> Array:
    """Prepare any grey picture of a digit, of shape (rows, columns), as MNIST was: 28 x 28, from 0 to 1 for ink.

    The digit can be dark on light or light on dark, anywhere in the picture, of any size. An uneven light, lines that
    cross the whole picture, noise and specks are taken away. What is left is scaled to fit a box of 20 x 20, by
    averaging over areas, and put where its centre of mass is in the middle. That is how the images of MNIST were made
    (http://yann.lecun.com/exdb/mnist), so nearly nothing happens to one of them. A picture without ink gives zeros.

    Raises ValueError for what is no picture: other than two axes, no pixels, or values that are not finite.

    >>> paper = np.full((90, 60), 0.8)
    >>> paper[30:70, 40:44] = 0.1  # a one, dark on light, off centre
    >>> image = prepare(paper)
    >>> image.shape, np.argwhere(image > 0.5).min(axis=0), np.argwhere(image > 0.5).max(axis=0)
    ((28, 28), array([ 4, 13]), array([23, 14]))
    """
    picture = np.asarray(pixels, dtype=np.float64)
    if picture.ndim != 2 or not picture.size or not np.all(np.isfinite(picture)):
        raise ValueError(
            f"prepare: a picture is an array of shape (rows, columns) of finite numbers, not {picture.shape}"
        )
    return centred(ink(picture))


def centred(strokes: Array) -> Array:
    """Scale ink on nothing, of shape (rows, columns) from 0 to 1, to a box of 20 x 20 centred by mass in 28 x 28."""
    rows, columns = (np.flatnonzero(np.max(strokes, axis=axis) >= LEAST) for axis in (1, 0))
    image = np.zeros((SIDE, SIDE))
    if not rows.size:
        return image
    strokes = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    pixel = max(strokes.shape) / BOX  # how many of the picture's make one of the image's
    small = _averages(strokes.shape[0], pixel) @ strokes @ _averages(strokes.shape[1], pixel).T
    small /= small.max()
    mass = small.sum()
    # A little to one side, so that rounding does not decide what lies exactly between two pixels.
    down, right = (
        int(np.floor(MIDDLE - np.arange(len(along)) @ along / mass + 0.5 - 1e-6))
        for along in (small.sum(axis=1), small.sum(axis=0))
    )
    down, right = (min(max(by, 0), SIDE - n) for by, n in zip((down, right), small.shape, strict=True))
    image[down : down + small.shape[0], right : right + small.shape[1]] = small
    return image


def _averages(n: int, pixel: float) -> Array:
    """Return the matrix that averages n numbers over pixels of a given length; the last pixel may be part empty."""
    edges = np.arange(np.ceil(n / pixel - 1e-9) + 1)[:, np.newaxis] * pixel
    places = np.arange(n)
    shared = np.minimum(edges[1:], places + 1) - np.maximum(edges[:-1], places)
    part: Array = np.maximum(shared, 0) / pixel
    return part


def looks_prepared(image: Array) -> bool:
    """Say whether an image of shape (28, 28) is like those of MNIST: by the size of the digit, and its centre of
    mass."""
    box = np.argwhere(image >= LEAST)
    if image.shape != (SIDE, SIDE) or not len(box):
        return False
    size = np.max(np.ptp(box, axis=0)) + 1
    middle = [np.arange(SIDE) @ np.sum(image, axis=axis) / np.sum(image) for axis in (1, 0)]
    return bool(BOX - 3 <= size <= BOX and np.all(np.abs(np.subtract(middle, MIDDLE)) <= 1))


def _border(picture: Array) -> Array:
    border: Array = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return border


def ink(picture: Array) -> Array:
    """Find the ink of a photographed or drawn picture: from 0 for the ground to 1, of the shape of the picture.

    A picture with a side of more than 400 pixels comes back smaller.
    """
    k = -(-max(picture.shape) // WORKING)
    if k > 1 and min(picture.shape) >= k:
        rows, columns = (n // k for n in picture.shape)
        picture = picture[: rows * k, : columns * k].reshape(rows, k, columns, k).mean(axis=(1, 3))
    strokes, noise = _above_ground(picture)
    for _ in range(2):  # lines across the picture, and then along it
        strokes = _without_lines(strokes).T
    if not np.max(strokes) > 6 * noise:  # of a picture's many pixels, a few are far from the others by chance
        return np.zeros_like(strokes)
    full = np.quantile(strokes[strokes >= np.max(strokes) / 2], 0.9)
    if noise == 0:  # the ground is perfectly even: it was drawn and not photographed, and every stroke is meant
        drawn: Array = np.minimum(strokes / full, 1)
        return drawn
    least = max(3 * noise, 0.3 * full)
    strokes = np.clip((strokes - least) / max(full - least, 1e-9), 0, 1)
    digit: Array = strokes * _main_parts(strokes)
    return digit


def _above_ground(picture: Array) -> tuple[Array, float]:
    """Measure how much each pixel differs from the ground, in the direction of the ink, and the noise of the ground.

    The ground is what is near the colour of the border: a surface of second order, as uneven light makes it, fitted to
    some of the pixels, and then again to those near it.
    """
    v, u = np.meshgrid(*(np.linspace(-1, 1, n) for n in picture.shape), indexing="ij")
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1).reshape(-1, 6)
    values = picture.ravel()
    some = slice(None, None, -(-len(values) // 9973))
    border = _border(picture)
    off = values[some] - np.median(border)
    noise = 1.4826 * float(np.median(np.abs(border - np.median(border))))
    ground = np.full(len(values), np.median(border))
    for _ in range(8):
        near = np.abs(off) <= 2.5 * noise
        if np.count_nonzero(near) < 100 or noise < 1e-6:
            break
        surface = np.linalg.lstsq(terms[some][near], values[some][near])[0]
        off = values[some] - terms[some] @ surface
        noise, ground = 1.4826 * float(np.median(np.abs(off))), terms @ surface
    off = values - ground
    if np.sum(off**3) < 0:
        off = -off
    return np.maximum(off, 0).reshape(picture.shape), noise if noise >= 1e-6 else 0.0


def _without_lines(strokes: Array) -> Array:
    """Take away the lines that go from side to side, level or nearly so: all of such a row is dark. No digit is.

    The rows are tried at several slopes, on some of their pixels.
    """
    rows, columns = (np.arange(n) for n in strokes.shape)
    some = np.unique(np.linspace(0, columns[-1], 80).astype(int))
    least, places = 0.0, None
    for slope in np.linspace(-0.06, 0.06, 25):
        down = np.rint(slope * (columns - columns.mean())).astype(int)
        tried = np.clip(rows[:, np.newaxis] + down, 0, rows[-1])
        along = strokes[tried[:, some], some]
        if (found := float(np.sum(np.quantile(along, 0.05, axis=1) ** 2))) > least:
            least, places = found, tried
    if places is None:
        return strokes
    along = strokes[places, columns]
    whole, dark = np.quantile(along, [0.05, 0.25], axis=1)
    line = np.where(whole > 0, dark, 0)
    padded = np.pad(line, 1)  # beside a line there is some of it, too, as it is not quite straight
    beside = np.max([padded[:-2], line, padded[2:]], axis=0)[:, np.newaxis]
    left = strokes.copy()
    left[places, columns] = np.where(along < 1.5 * beside, 0, along - line[:, np.newaxis])
    return left


def _main_parts(strokes: Array) -> Array:
    """Find the parts that make up the digit: the one with the most ink, and others that are not specks."""
    parts = _parts(strokes > 0)
    count = int(parts.max()) + 1
    mass = np.bincount(parts.ravel(), strokes.ravel(), count)
    mass[0] = 0
    kept = mass >= 0.1 * mass.max()
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    inside = kept.copy()
    inside[edge] = False  # what goes on outside of the picture is not the digit, if there is something else
    where: Array = (inside if inside.any() else kept)[parts] & (parts > 0)
    return where


def _parts(mask: Array) -> Array:
    """Number the connected parts of a mask from 1, also across corners; 0 where it is False."""
    wide = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    wide[:, 1:-1] = mask
    steps = np.diff(wide, axis=1)
    row, start = np.nonzero(steps == 1)
    end = np.nonzero(steps == -1)[1]
    root = list(range(len(row)))  # the runs of pixels in rows, in reading order, joined where they touch

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    above = 0  # the first run of the row above that can touch this one
    for i in range(len(row)):
        while above < i and (row[above] < row[i] - 1 or (row[above] == row[i] - 1 and end[above] < start[i])):
            above += 1
        j = above
        while j < i and row[j] == row[i] - 1 and start[j] <= end[i]:
            root[find(i)] = find(j)
            j += 1
    parts = np.zeros(mask.shape, np.int64)
    numbers: dict[int, int] = {}
    for i, (r, s, e) in enumerate(zip(row, start, end, strict=True)):
        parts[r, s:e] = numbers.setdefault(find(i), len(numbers) + 1)
    return parts
