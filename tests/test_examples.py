"""Every example runs; that the pages show what they print is tested in test_pages.py."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Those have tests of their own: the numbered ones and the script that runs them, and the notebooks.
ELSEWHERE = ("reproduce", "notebooks")
EXAMPLES = [path for path in sorted((ROOT / "examples").glob("[a-z]*.py")) if path.stem not in ELSEWHERE]


def output_of(path, *arguments):
    command = [sys.executable, "-W", "error", str(path), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, encoding="utf-8").stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_example_runs(path, tmp_path):
    assert output_of(path, tmp_path).strip()  # what it writes, it writes to the folder that it is given
