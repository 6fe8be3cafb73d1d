"""Exports models to other programs: an ONNX file, or the parameters alone in a `.safetensors` file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from autograd.readings.onnx import OnnxError, to_onnx
from autograd.version import __version__
from nn.equations import Array
from nn.exchange import KEY, checksum, is_safetensors, needed
from nn.files import FileError, write_bytes
from nn.layers import Module
from nn.network import Network

SUFFIX = ".onnx"


def export(
    model: Module, path: str | Path, x: Array | None = None, *, about: dict[str, Any] | None = None, names: str = "own"
) -> None:
    """Write a model to a file for other programs: `.onnx`, the whole model, or `.safetensors`, its parameters.

    x      an example of the input, an array with an example per row, for its shape and dtype; a Network needs none
    about  what else an ONNX file should say, such as how the input is prepared; anything that JSON can hold
    names  of the parameters in a `.safetensors` file: "own", or "pytorch" as in a PyTorch model of the same layers

    The ONNX model has the input `x` and the output `y`, for any number of examples, and y is what a call of the model
    gives. Raises FileError if the file cannot be written, and OnnxError, naming the operation, for a model that ONNX
    has no form for.
    """
    if is_safetensors(path):
        model.save(path, names=names)
        return
    if Path(path).suffix != SUFFIX:
        raise FileError(f"{path}: a model is exported to a .onnx or a .safetensors file")
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise needed(path, "onnx") from None
    if x is None:
        if not isinstance(model, Network):
            raise ValueError("export needs x, an example of what the model takes: an array with an example per row")
        x = np.zeros((1, model.sizes[0]), model.weights[0].dtype)
    said = {name: array.tolist() for name, array in model.description().items()}
    text: dict[str, Any] = {"version": __version__, "description": said, "about": about or {}}
    text["sha256"] = checksum(text, model.state_dict())
    metadata = {KEY: json.dumps(text, sort_keys=True)}
    try:
        found = to_onnx(model, x, metadata=metadata, name=type(model).__name__)  # type: ignore[arg-type]
    except OnnxError as error:
        raise OnnxError(f"{path}: cannot be written: {error}") from error
    write_bytes(path, found.SerializeToString(deterministic=True))
