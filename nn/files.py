"""Keeps arrays in `.npz` files, written whole or not at all, read with limits, and never pickled."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import secrets
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from nn.equations import Array
from nn.interrupts import Deferred

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed or replaced by others anyway
    fcntl = None  # type: ignore[assignment]

LARGEST = (1 << 32) - (1 << 20)  # bytes that a file unpacks to, and what a .npz file without extensions can hold
FREE, TIMES = 1 << 26, 256  # what reading a file may take: so many bytes, or so many times its size
COMMENT = b"sha256 "  # how the comment at the end of our files begins; after it comes the checksum of what is before
END = struct.Struct("<4s4H2LH")  # the record that ends a .zip file
TEMPORARY = "[a-z0-9_]{8}"  # between the name of a file and .tmp: a write that is not finished
STARTING = "starting"  # the same for a run that has not written anything yet
HINTS = {
    errno.ENOSPC: "make room, or save to another disk",
    errno.EDQUOT: "make room, or save to another disk",
    errno.EACCES: "save to a folder that you may write to",
    errno.EPERM: "save to a folder that you may write to",
    errno.EROFS: "save to a folder that you may write to",
    errno.ENOENT: "make the folder, or save to another",
}


class FileError(ValueError):
    """Raised for a file that is missing or wrong; the message names it."""


def justified(path: str | Path) -> int:
    """Return how many bytes of memory reading a file may take."""
    return max(FREE, TIMES * Path(path).stat().st_size)


def justify(path: str | Path, needed: int) -> None:
    """Raise ValueError if reading a file would take more memory, in bytes, than its size justifies.

    A picture or a network packs to a few per cent. A file that promises hundreds of times its size is made to fill the
    memory.
    """
    if needed > (limit := justified(path)):
        raise ValueError(f"reading it would take {needed:,} bytes of memory, and its size justifies {limit:,}")


# Writing


def _cannot_write(path: str | Path, error: OSError) -> FileError:
    hint = HINTS.get(error.errno or 0)
    return FileError(f"{path}: cannot be written: {error.strerror or error}" + (f"; {hint}" if hint else ""))


def _target(path: Path) -> Path:
    """Follow links to the file that a write replaces. Raises FileError if it cannot be replaced."""
    if path.exists() and not path.is_file():
        raise FileError(f"{path}: cannot be written: it is a directory or a device")
    return path.resolve()


def _lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; False if another run has locked it."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # a file system without locks
    return True


def _remove_dead(target: Path) -> None:
    """Remove the temporary files of writes that were killed. Those of running programs are locked."""
    if fcntl is None:
        return
    name = re.compile(re.escape(target.name) + rf"\.{TEMPORARY}\.tmp")
    for path in target.parent.iterdir():
        if name.fullmatch(path.name):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            except OSError:
                continue
            try:
                if _lock(descriptor):
                    path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def _replace(target: Path, pieces: list[bytes] | None) -> int:
    """Write a new file in place of `target`, and return its descriptor, locked. With None, only try whether it
    could."""
    temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}.tmp")
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    descriptor = -1
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        descriptor = os.open(temporary, flags, 0o666 if mode is None else mode & 0o600)
        _lock(descriptor)
        if pieces is not None:
            for piece in pieces:
                left = memoryview(piece)
                while left:
                    left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
            if mode is not None:
                temporary.chmod(mode)
            temporary.replace(target)
        kept, descriptor = descriptor, -1
        return kept
    finally:
        if descriptor >= 0:
            os.close(descriptor)
        temporary.unlink(missing_ok=True)


def check_writable(path: str | Path) -> None:
    """Raise the FileError that `write_arrays` would raise, as far as it can be foreseen. Leaves nothing behind."""
    try:
        with Deferred():
            os.close(_replace(_target(Path(path)), None))
    except OSError as error:
        raise _cannot_write(path, error) from error


def write_bytes(path: str | Path, *pieces: bytes) -> None:
    """Write a file of any kind, whole or not at all, as `write_arrays` does. Raises FileError if it cannot."""
    try:
        with Deferred():
            os.close(_replace(_target(Path(path)), list(pieces)))
    except OSError as error:
        raise _cannot_write(path, error) from error


def write_arrays(path: str | Path, arrays: dict[str, Array]) -> None:
    """Write the arrays, each under its name. The file gets its name when it is complete and on disk.

    Raises FileError if it cannot be written; a file of that name is then as it was. Ctrl-C waits for the end.
    """
    write_bytes(path, *_archive(path, arrays))


class Claim:
    """A file that only one run may write, from `take` to `release`.

    The lock is on the file itself, and ends with the process, however it ends. Temporary files that dead runs have left
    beside it are removed.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._descriptor = -1

    def take(self) -> None:
        """Claim the file. Raises FileError if it cannot be written, or if another run has claimed it."""
        check_writable(self.path)
        try:
            with Deferred():
                self._target = _target(self.path)
                self._starting = self._target.with_name(f"{self._target.name}.{STARTING}.tmp")
                _remove_dead(self._target)
                while fcntl is not None and not self._hold():
                    pass
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def _hold(self) -> bool:
        """Lock the file, or if there is none a file that stands for it; return False if it changed meanwhile."""
        there = self._target.exists()
        held = self._target if there else self._starting
        try:
            descriptor = os.open(held, os.O_RDONLY if there else os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:
            return True  # it can be replaced, though not read and so not locked
        except FileNotFoundError:
            return False
        if not _lock(descriptor):
            os.close(descriptor)
            raise FileError(
                f"{self.path}: cannot be written: another run is writing it; wait for its end, or save to another file"
            )
        self._descriptor = descriptor
        try:
            same = os.path.samestat(os.fstat(descriptor), held.stat()) and self._target.exists() == there
        except FileNotFoundError:
            same = False
        if not same:
            self.release()
        return same

    def write(self, arrays: dict[str, Array]) -> None:
        """Write the arrays as `write_arrays` does, and keep the claim."""
        pieces = _archive(self.path, arrays)
        try:
            with Deferred():
                descriptor = _replace(self._target, pieces)
                self.release()
                self._descriptor = descriptor
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def release(self) -> None:
        """Let others write the file."""
        with Deferred():
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
                self._starting.unlink(missing_ok=True)


def _archive(path: str | Path, arrays: dict[str, Array]) -> list[bytes]:
    """Lay out a .npz file in memory, with a checksum of everything in its comment.

    Not with `zipfile`: its objects write on while they are destroyed, where Python swallows Ctrl-C.
    """
    body: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for key, array in arrays.items():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.asanyarray(array), allow_pickle=False)
        content, name = buffer.getvalue(), f"{key}.npy".encode()
        if (size := offset + len(content)) > LARGEST:
            raise FileError(f"{path}: cannot be written: {size:,} bytes are more than the limit of {LARGEST:,}")
        # Version 2.0, names in UTF-8, not packed, the first day of 1980: the same arrays are the same file.
        common = struct.pack(
            "<5H3L2H", 20, 0x800, 0, 0, 33, zlib.crc32(content), len(content), len(content), len(name), 0
        )
        body += [b"PK\3\4" + common + name, content]
        directory.append(b"PK\1\2\x14\3" + common + struct.pack("<3H2L", 0, 0, 0, 0o600 << 16, offset) + name)
        offset += len(body[-2]) + len(content)
    length = sum(map(len, directory))
    checksum = hashlib.sha256()
    size = len(COMMENT) + 2 * checksum.digest_size
    end = END.pack(b"PK\5\6", 0, 0, len(directory), len(directory), length, offset, size)
    pieces = [*body, *directory, end]
    for piece in pieces:
        checksum.update(piece)
    return [*pieces, COMMENT + checksum.hexdigest().encode()]


# Reading


def read_arrays(path: str | Path) -> dict[str, Array]:
    """Read the arrays of a `.npz` file, by name.

    Raises FileError if it is missing, damaged, or too large, or if reading it would take more memory than its size
    justifies. Of files that `write_arrays` wrote the checksum is compared.
    """
    try:
        with Path(path).open("rb") as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            if total > LARGEST:
                raise FileError(f"{path}: unpacks to {total:,} bytes, more than the limit of {LARGEST:,}")
            _compare_checksum(file, archive.comment)
            found: dict[str, tuple[zipfile.ZipInfo, _Header]] = {}
            needed = 0
            for member in members:  # every header, before any array is made
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError(f"{member.filename} is packed in a way that .npz files are not")
                name = member.filename.removesuffix(".npy")
                if name in found:
                    raise ValueError(f"{member.filename} is in it twice")
                with archive.open(member) as content:
                    header = _Header(content, member.file_size)
                found[name] = member, header
                needed += header.needed
            justify(path, needed)
            arrays: dict[str, Array] = {}
            for name, (member, header) in found.items():
                with archive.open(member) as content:
                    arrays[name] = header.read(content)
            return arrays
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file") from None
    except (FileError, MemoryError):
        raise
    except Exception as error:  # zipfile and zlib raise nearly anything when a file is damaged
        reason = str(getattr(error, "strerror", None) or error).replace("\n", " ")
        raise FileError(f"{path}: not a .npz file of arrays, or damaged: {reason}") from error


def _compare_checksum(file: IO[bytes], comment: bytes) -> None:
    """Compare the checksum in the comment of an open .npz file. One that NumPy wrote has no comment."""
    size = file.seek(0, io.SEEK_END)
    end = size - len(comment) - END.size
    file.seek(max(end, 0))
    if end < 0 or file.read(4) != b"PK\5\6" or (comment and not comment.startswith(COMMENT)):
        raise ValueError("there is something after its end")
    if comment:
        checksum, left = hashlib.sha256(), size - len(comment)
        file.seek(0)
        while left and (piece := file.read(min(left, 1 << 20))):
            checksum.update(piece)
            left -= len(piece)
        if comment != COMMENT + checksum.hexdigest().encode():
            raise ValueError("its checksum is wrong")


class _Header:
    """The header of an array in a file. It is checked before anything else is unpacked."""

    # As NumPy writes it, and nothing more: no expression is evaluated.
    GRAMMAR = re.compile(
        rb"\{'descr': '([<>|=][a-zA-Z]\d{0,9})', 'fortran_order': (True|False),"
        rb" 'shape': \(((?:\d+, ?)*\d*)\),? *\} *\n?"
    )

    def __init__(self, content: IO[bytes], size: int):
        start = content.read(8)
        if start[:6] != b"\x93NUMPY" or start[6:] not in (b"\1\0", b"\2\0", b"\3\0"):
            raise ValueError("it holds something that is not an array")
        width = 2 if start[6] == 1 else 4
        length = int.from_bytes(content.read(width), "little")
        parts = self.GRAMMAR.fullmatch(content.read(min(length, 1 << 16)))
        if parts is None:
            raise ValueError("the header of an array cannot be read")
        self.order = "F" if parts[2] == b"True" else "C"
        try:
            self.dtype = np.dtype(parts[1].decode())
        except TypeError:
            raise ValueError(f"there is no dtype {parts[1].decode()!r}") from None
        lengths = [part for part in parts[3].replace(b" ", b"").split(b",") if part]
        if any(len(part) > 18 for part in lengths) or len(lengths) > 32:
            raise ValueError("the shape of an array is larger than any memory")
        self.shape = tuple(int(part) for part in lengths)
        count = 1
        for n in self.shape:
            count *= n
        self.start = 8 + width + length
        if self.dtype.hasobject or self.dtype.itemsize * count != size - self.start:
            raise ValueError(f"an array of shape {self.shape} and dtype {self.dtype} does not fit its {size} bytes")
        # The array; and as float64, which is what parameters are drawn, copied and checked as.
        self.needed = size + 4 * 8 * count

    def read(self, content: IO[bytes]) -> Array:
        content.read(self.start)
        array = np.empty(self.shape, self.dtype, order="C" if self.order == "C" else "F")
        flat = array.reshape(-1, order="A").view(np.uint8) if array.nbytes else np.empty(0, np.uint8)
        place = 0
        while place < len(flat):
            piece = content.read(min(1 << 20, len(flat) - place))
            if not piece:
                raise EOFError("an array ends too soon")
            flat[place : place + len(piece)] = np.frombuffer(piece, np.uint8)
            place += len(piece)
        if content.read(1):  # to the very end, where zipfile compares the checksum
            raise ValueError("an array is longer than its header says")
        return array
