"""Arrays in `.npz` files, written whole or not at all, read with limits, and never pickled."""

from __future__ import annotations

import os
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from nn.equations import Array

LARGEST = 1 << 30  # bytes that a file unpacks to


class FileError(ValueError):
    """A file that is missing or wrong; the message names it."""


def _temporary(path: Path) -> tuple[int, str]:
    """Make a new file beside the one that `path` leads to; return its descriptor and name."""
    if path.exists() and not path.is_file():
        raise FileError(f"{path}: cannot be written: it is a directory or a device")
    target = path.resolve()
    return tempfile.mkstemp(dir=target.parent, prefix=target.name + ".", suffix=".tmp")


def check_writable(path: str | Path) -> None:
    """Raise the FileError that `write_arrays` would raise, as far as it can be foreseen. Leaves nothing behind."""
    try:
        descriptor, temporary = _temporary(Path(path))
        os.close(descriptor)
        Path(temporary).unlink()
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_arrays(path: str | Path, arrays: dict[str, Array]) -> None:
    """Write the arrays, each under its name. The file gets its name when it is complete and on disk.

    Raises FileError if it cannot be written; a file of that name is then as it was.
    """
    try:
        descriptor, temporary = _temporary(Path(path))
        try:
            with os.fdopen(descriptor, "wb") as file:
                # Not np.savez: before NumPy 2.2 it cannot be told to refuse what needs pickle.
                with zipfile.ZipFile(file, "w") as archive:
                    for name, array in arrays.items():
                        with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                            np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            Path(temporary).chmod(0o666 & ~umask)  # mkstemp lets nobody else read it
            Path(temporary).replace(Path(path).resolve())
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from error


def read_arrays(path: str | Path) -> dict[str, Array]:
    """Read the arrays of a `.npz` file, by name. Raises FileError if it is missing, damaged, or too large."""
    arrays: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
            if total > LARGEST:
                raise FileError(f"{path}: unpacks to {total:,} bytes, more than the limit of {LARGEST:,}")
            for member in archive.infolist():
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError(f"{member.filename} is packed in a way that .npz files are not")
                with archive.open(member) as content:
                    arrays[member.filename.removesuffix(".npy")] = _read_array(content, member.file_size)
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file") from None
    except FileError:
        raise
    except (
        OSError, zipfile.BadZipFile, zlib.error, struct.error, ValueError, EOFError, NotImplementedError, RuntimeError
    ) as error:  # fmt: skip
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{path}: not a .npz file of arrays, or damaged: {reason}") from error
    return arrays


def _read_array(content: IO[bytes], size: int) -> Array:
    """Read one array of a file. Its header is checked before anything else is unpacked."""
    version = np.lib.format.read_magic(content)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(content)
    length = dtype.itemsize
    for n in shape:
        length *= n
    if dtype.hasobject or length != size - content.tell():
        raise ValueError(f"an array of shape {shape} and dtype {dtype} does not fit its {size} bytes")
    content.seek(0)
    array = np.lib.format.read_array(content, allow_pickle=False)
    content.read(1)  # to the very end, where zipfile compares the checksum
    return array
