"""Pictures to be recognised: PGM, PNG and the like through Pillow, and IDX files of many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.digits import IMAGES, DataError, read_idx


def read_images(path: str | Path) -> NDArray[Any]:
    """The pictures in a file as rows of pixels in [0, 1], of shape (n, rows * columns), 0 for background and 1 for ink.

    A picture on a light ground is turned into its negative, as the network has learnt light digits on a dark ground.
    Raises DataError, naming the file, if it cannot be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if start[:2] == b"\x1f\x8b" or start[:2] == b"\0\0":
        images = read_idx(path, IMAGES)
        return images.reshape(len(images), -1) / 255.0
    picture = _read_picture(path)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    if np.mean(border) > 0.5:
        picture = 1 - picture
    return picture.reshape(1, -1)


def _read_picture(path: Path) -> NDArray[Any]:
    """One picture as grey values in [0, 1], of shape (rows, columns)."""
    try:
        from PIL import Image
    except ImportError:
        raise DataError(f"{path}: reading pictures needs Pillow or matplotlib; pip install 'handgrad[plot]'") from None
    try:
        with Image.open(path) as image:
            if image.width * image.height > 1 << 24:
                raise DataError(f"{path}: {image.width} x {image.height} pixels are more than the limit of 16 million")
            return np.asarray(image.convert("L"), dtype=np.float64) / 255.0
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not a picture that can be read: {error}") from error
