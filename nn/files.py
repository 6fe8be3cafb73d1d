"""Arrays in `.npz` files: written whole or not at all, read with limits, and never as pickled objects."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 1 << 30  # bytes in one array


class FileError(ValueError):
    """A file that is missing or wrong; the message names it."""


def write_arrays(path: str | Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write the arrays, each under its name. Only when the file is complete and on disk does it get its name."""
    path = Path(path)
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            Path(temporary).chmod(0o666 & ~umask)  # mkstemp lets nobody else read it
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from error


def read_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """The arrays in a `.npz` file, by name. Raises FileError for a file that is missing, damaged, or too large."""
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.file_size > LARGEST:
                    raise FileError(
                        f"{path}: {member.filename} has {member.file_size:,} bytes, more than the limit of {LARGEST:,}"
                    )
                content = io.BytesIO(archive.read(member))
                arrays[member.filename.removesuffix(".npy")] = _read_array(content, member.file_size)
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file") from None
    except FileError:
        raise
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileError(f"{path}: not a .npz file of arrays, or damaged: {error}") from error
    return arrays


def _read_array(content: io.BytesIO, size: int) -> NDArray[Any]:
    version = np.lib.format.read_magic(content)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(content)
    length = dtype.itemsize
    for n in shape:
        length *= n
    if dtype.hasobject or length != size - content.tell():
        raise ValueError(f"an array of shape {shape} and dtype {dtype} does not fit its {size} bytes")
    content.seek(0)
    return np.lib.format.read_array(content, allow_pickle=False)
