"""Reads and writes models: our own `.npz`, and the `.safetensors` that PyTorch and many others read.

A `.safetensors` file is a text in JSON, which says where each array is, followed by the arrays themselves. It contains
no code. Its `__metadata__` holds what we say of a model besides its parameters, and a checksum of everything. Reading
and writing need the package safetensors, which the extra `files` installs.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from autograd.version import __version__
from nn.checkpoint import fingerprint, split_arrays
from nn.equations import Array
from nn.files import FileError, justify, read_arrays, write_arrays, write_bytes

SUFFIX = ".safetensors"
KEY = "handgrad"  # of our own text in the metadata: one, for the package writes several in any order
LONGEST = 1 << 20  # bytes of the text at the beginning of a file
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
          "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1"}  # fmt: skip


def is_safetensors(path: str | Path) -> bool:
    """Say whether the name of a file is that of a `.safetensors` file."""
    return Path(path).suffix == SUFFIX


def needed(path: str | Path, package: str, extra: str = "files") -> FileError:
    """Make the error for a file that needs a package which is not installed."""
    return FileError(f"{path}: needs the package {package}: pip install {package}, or handgrad with the extra {extra}")


def write_model(path: str | Path, description: dict[str, Array], parameters: dict[str, Array]) -> None:
    """Write parameters, and a description of the model, to a file: `.safetensors` if its name says so, else `.npz`.

    Raises FileError if it cannot be written; an old file of that name then stays as it was.
    """
    if not is_safetensors(path):
        write_arrays(path, description | parameters)
        return
    try:
        from safetensors.numpy import save
    except ImportError:
        raise needed(path, "safetensors") from None
    about = {name: array.tolist() for name, array in description.items()}
    text: dict[str, Any] = {"description": about, "version": __version__}
    text["sha256"] = checksum(text, parameters)
    arrays = {name: np.array(array, array.dtype.newbyteorder("<"), order="C") for name, array in parameters.items()}
    write_bytes(path, save(arrays, {KEY: json.dumps(text, sort_keys=True)}))


def read_model(path: str | Path) -> tuple[dict[str, Array], dict[str, Array]]:
    """Read what `write_model` or a training wrote: the description of the model, and its parameters.

    A `.npz` file does not tell the two apart: everything is among the parameters. Raises FileError, naming the file, if
    it is missing or damaged, or if reading it would take more memory than its size justifies.
    """
    if not is_safetensors(path):
        return {}, split_arrays(read_arrays(path))[0]
    try:
        from safetensors import safe_open
    except ImportError:
        raise needed(path, "safetensors") from None
    try:
        about = _checked_header(path)
        with safe_open(path, framework="numpy") as file:
            parameters = {name: np.array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
        if about and about.get("sha256") != checksum(about, parameters):
            raise ValueError("its checksum is wrong")
        said = about.get("description", {})
        if not isinstance(said, dict):
            raise ValueError("its description of the model is not a table")
        description = {name: np.array(value) for name, value in said.items()}
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file") from None
    except (FileError, MemoryError):
        raise
    except Exception as error:  # the package, JSON and NumPy raise nearly anything when a file is damaged
        reason = str(getattr(error, "strerror", None) or error).replace("\n", " ")
        raise FileError(f"{path}: not a {SUFFIX} file, or damaged: {reason}") from error
    return description, parameters


def checksum(text: dict[str, Any], parameters: dict[str, Array]) -> str:
    """Return the SHA-256 of parameters by name, and of the description."""
    names = sorted(parameters)
    rest = {key: value for key, value in text.items() if key != "sha256"}
    found = hashlib.sha256(json.dumps([rest, names], sort_keys=True).encode())
    found.update(fingerprint(*[parameters[name] for name in names]).encode())
    return found.hexdigest()


def _checked_header(path: str | Path) -> dict[str, Any]:
    """Read the text at the beginning of a file, before any array, and return the part that we wrote ourselves, if any.

    The package checks whether the arrays fill the file. But if something occurs twice, it takes the last one.
    """
    with Path(path).open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LONGEST:
            raise ValueError(f"the text at its beginning is of {length:,} bytes, more than the limit of {LONGEST:,}")
        header = json.loads(file.read(length), object_pairs_hook=_once)
    if not isinstance(header, dict):
        raise ValueError("the text at its beginning is not a table")
    metadata = header.pop("__metadata__", None) or {}
    total = 0
    for name, entry in header.items():
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"{name} is of dtype {entry['dtype']!s:.20}, which NumPy does not have; save it as F32")
        if len(entry["shape"]) > 32:
            raise ValueError(f"{name} has more axes than an array can have")
        # The array; and as float64, which is what parameters are drawn, copied and checked as.
        count = math.prod(int(n) for n in entry["shape"])
        total += (np.dtype(DTYPES[entry["dtype"]]).itemsize + 4 * 8) * count
    justify(path, total)
    if KEY not in metadata:
        return {}
    about = json.loads(metadata[KEY], object_pairs_hook=_once)
    if not isinstance(about, dict) or not about:
        raise ValueError("its description of the model is not a table")
    return about


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r:.40} is in it twice")
    return found


PLACED = re.compile(r"(?:.*\.)?\d+\.(weight|bias)")  # as PyTorch names what is in its nn.Sequential: 0.weight


def as_own_names(state: dict[str, Array], own: list[str], theirs: list[str]) -> dict[str, Array]:
    """Return the parameters in a file under a model's own names.

    They are taken as they are if the names fit. So are PyTorch's for the same model, `theirs`. The first layer of an
    `nn.Sequential`, whatever stands before and between its layers, is our layer 1: its weight is w1, its bias b1.
    """
    if state.keys() == set(own):
        return state
    if state.keys() == set(theirs):
        return {name: state[other] for name, other in zip(own, theirs, strict=True)}
    if state and all(PLACED.fullmatch(name) for name in state):
        layers = sorted({name.rpartition(".")[0] for name in state}, key=_natural)
        found = {}
        for name, array in state.items():
            layer, _, kind = name.rpartition(".")
            found[f"{kind[0]}{layers.index(layer) + 1}"] = array
        if found.keys() == set(own):
            return found
    return state


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts 10 after 9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in name.split(".")]
