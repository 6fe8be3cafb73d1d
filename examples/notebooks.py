"""Run the notebooks in examples/notebooks and keep what they show, or write them to the folder on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent / "notebooks"
SECONDS = 300  # that a cell may take


def executed(path: Path) -> Any:
    """Run the cells of a notebook one after the other in a new kernel, and return it with what they show.

    Raises nbclient.exceptions.CellExecutionError for a cell that fails.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", record_timing=False,
                            coalesce_streams=True,  # what is printed in a cell is one output, however it arrived
                            resources={"metadata": {"path": str(path.parent)}})  # fmt: skip
    client.execute()
    notebook.metadata["language_info"] = {"name": "python"}  # not which version it was run with
    return notebook


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        nbformat.write(executed(path), folder / path.name)
        print(path.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOKS)
