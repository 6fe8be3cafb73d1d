"""Pictures to recognise: PNG, PGM and the like, which Pillow reads, and IDX files of many."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from nn.digits import IMAGES, DataError, read_idx
from nn.equations import Array
from nn.files import justify

LARGEST = 1 << 24  # pixels in a picture
EACH = 32  # bytes of memory that a pixel takes at most, on the way to a number
FORMATS = ("PNG", "PPM", "JPEG", "GIF", "BMP", "TIFF", "WEBP")  # of Pillow's, those that run no other program


def read_images(path: str | Path) -> Array:
    """Read the pictures in a file as rows of pixels, of shape (n, rows * columns), from 0 for background to 1 for ink.

    A picture on a light ground is turned into its negative, since the network has learnt light digits on a dark ground.
    Raises DataError, naming the file, if it cannot be read.
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
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    if np.mean(border) > 0.5:
        picture = 1 - picture
    return picture.reshape(1, -1)


def _read_picture(path: Path) -> Array:
    """Read one picture as grey values in [0, 1], of shape (rows, columns)."""
    try:
        from PIL import Image
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
                return _grey(image)
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
