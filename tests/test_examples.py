"""Every example runs, and the README shows what its code really prints."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
README = (ROOT / "README.md").read_text("utf-8")


def output_of(path, *arguments):
    command = [sys.executable, "-W", "error", str(path), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, encoding="utf-8").stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_example_runs(path, tmp_path):
    assert output_of(path, tmp_path).strip()  # what it writes, it writes to the folder that it is given


def test_the_readme_shows_the_taste_and_its_output():
    code = (ROOT / "examples" / "taste.py").read_text("utf-8")
    shown = re.search(r"```python\n(.*?)```\n+(?:It prints:\n+)?```text\n(.*?)```", README, re.DOTALL)
    assert shown, "the README has no Python block followed by its output"
    assert shown.group(1) == code.partition('"""\n\n')[2]
    assert shown.group(2) == output_of(ROOT / "examples" / "taste.py")


def test_the_readme_shows_what_the_other_examples_print():
    assert output_of(ROOT / "examples" / "explain.py") in README
    assert output_of(ROOT / "examples" / "program.py") in README
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).exists(), picture
