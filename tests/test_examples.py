"""Every example runs, and the README shows what its code really prints."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# The numbered ones, and the script that runs them, have tests/test_reproduce.py.
EXAMPLES = [path for path in sorted((ROOT / "examples").glob("[a-z]*.py")) if path.stem != "reproduce"]
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


def code_of(name):
    return (ROOT / "examples" / f"{name}.py").read_text("utf-8").partition('"""\n\n')[2]


def test_the_front_page_is_what_its_code_makes(tmp_path):
    """The code, the equations and the program to the letter; of the times, what was timed."""
    assert f"```python\n{code_of('four_readings')}```" in README
    read, rest = output_of(ROOT / "examples" / "four_readings.py", tmp_path).split("\n\n\n", 1)
    program, times = rest.rstrip("\n").rsplit("\n\n", 1)
    assert f"```text\n{read}\n```" in README
    assert f"```python\n{program.rstrip()}\n```" in README
    for line in times.splitlines():
        what = line.rpartition("microseconds")[0].rstrip(" 0123456789.")
        assert re.search(rf"^{re.escape(what)} +[\d.]+ microseconds$", README, re.MULTILINE), line


def test_the_readme_shows_what_the_other_examples_print():
    assert output_of(ROOT / "examples" / "explain.py") in README
    assert output_of(ROOT / "examples" / "generalises.py").rstrip("\n") in README
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).exists(), picture
