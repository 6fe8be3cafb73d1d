"""Knows the version of the package. It is written in one place, pyproject.toml, and read from there."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path


def version() -> str:
    """Return the version of the installed package. If it is not installed, read that of the checkout from
    pyproject.toml."""
    try:
        return importlib.metadata.version("handgrad")
    except importlib.metadata.PackageNotFoundError:
        pass
    try:
        with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "unknown"


__version__ = version()
