"""The notebooks run, and show what is kept in them."""

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from autograd.readings.display import MOST
from notebooks import NOTEBOOKS, executed

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


def texts(cell):
    """What a cell shows as text, with numbers to six digits: the last ones are those of a machine."""

    def rounded(found):
        return f"{float(found[0]):.6g}"

    shown = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return re.sub(r"-?\d+\.\d+(e[-+]\d+)?", rounded, "\n".join(shown))


def mimes(cell):
    return [sorted(output.get("data", {output.output_type: ""})) for output in cell.outputs]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_is_kept_in_it(path):
    kept, now = nbformat.read(path, as_version=4), executed(path)
    nbformat.validate(kept)
    for before, after in zip(kept.cells, now.cells, strict=True):
        assert before.source == after.source
        if before.cell_type == "code":
            assert mimes(before) == mimes(after), before.source
            if "varies" not in before.metadata.get("tags", []):  # a training, which rounding leads elsewhere
                assert texts(before) == texts(after)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_is_kept_is_small_and_can_be_seen(path):
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    for output in outputs:
        data = output.get("data", {})
        assert not [mime for mime in data if "json" in mime]
        assert "text/plain" in data or output.output_type == "stream"
        assert all(len(content.encode()) <= MOST for content in data.values())
    assert path.stat().st_size < 600_000


def test_the_notebooks_are_a_course():
    """Each says which comes next, and the page that it names is there."""
    assert [path.stem[0] for path in PATHS] == ["1", "2", "3"]
    for path, following in pairwise(PATHS):
        text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        assert following.name in text
    for path in PATHS:
        for cell in nbformat.read(path, as_version=4).cells:
            for target in re.findall(r"\]\(([^)]+)\)", cell.source if cell.cell_type == "markdown" else ""):
                assert (Path(path.parent) / target).exists()
