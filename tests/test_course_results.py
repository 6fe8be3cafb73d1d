"""The numbered examples, each in its short form, and the page that they make together."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reproduce import EXAMPLES, as_page, files, main, reports, reproduce, summary

ROOT = Path(__file__).parent.parent
NUMBERED = files()


def test_there_are_fifteen():
    assert [int(path.name[:2]) for path in NUMBERED] == list(range(1, 16))


@pytest.mark.parametrize("path", NUMBERED, ids=[path.stem for path in NUMBERED])
def test_an_example_runs_on_its_own(path, tmp_path):
    command = [sys.executable, "-W", "error", str(path), "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / f"{path.stem}.json").read_text())
    assert report["quick"] is True
    assert report["title"].startswith(f"{int(path.name[:2])}. ")
    assert len(report["text"]) > 200
    assert report["rows"]
    for row in report["rows"]:
        assert row["what"] and row["setting"] and row["ours"], row
        assert row["difference"].strip()[-1] in ".)", row
        assert bool(row["source"]) >= bool(row["published"]), row
    for name, caption in report["figures"]:
        assert caption
        assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"


@pytest.fixture
def small(tmp_path):
    """A folder with two examples, of which the second fails."""
    folder = tmp_path / "examples"
    folder.mkdir()
    shutil.copy(EXAMPLES / "reproduce.py", folder)  # a script finds it beside itself
    row = "experiment.row('a', setting='s', ours='1 %', difference='d.', published='2 %', source='t')"
    for number, body in ((1, row), (2, "raise ValueError('no')")):
        (folder / f"0{number}_x.py").write_text(
            f'"""{number}. Title.\n\nText."""\nfrom reproduce import run\n\n\n'
            f"def main(experiment):\n    {body}\n    experiment.block('so')\n\n\n"
            "if __name__ == '__main__':\n    run(main)\n"
        )
    return folder


def test_the_page(small, tmp_path):
    page = reproduce(tmp_path / "out", only=[1], examples=small)
    text = page.read_text()
    assert "| 1 | a | 2 % (t) | 1 % | 0 |" in text
    assert "## 1. Title\n\nText.\n" in text
    assert "```text\nso\n```" in text
    assert "prove nothing" not in text
    assert "prove nothing" in reproduce(tmp_path / "out", quick=True, only=[1], examples=small).read_text()


def test_what_goes_wrong_is_said(small, tmp_path, capsys):
    with pytest.raises(RuntimeError, match=r"02_x\.py failed"):
        reproduce(tmp_path / "out", examples=small)
    with pytest.raises(FileNotFoundError, match="no example 7"):
        reproduce(tmp_path / "out", only=[7], examples=small)
    assert main(["--only", "99", "--out", str(tmp_path / "out")]) == 2
    assert "there is no example 99" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "x"])


def committed():
    return reports(EXAMPLES / "results")


def test_the_committed_page_is_what_the_reports_make():
    found = committed()
    assert not any(report["quick"] for report in found)
    assert [report["name"] for report in found] == [path.stem for path in NUMBERED]
    assert (EXAMPLES / "results" / "results.md").read_text() == as_page(found)
    for report in found:
        for name, _ in report["figures"]:
            assert (EXAMPLES / "results" / name).exists()


def test_the_page_has_the_texts_of_the_examples_as_they_stand(small, tmp_path):
    reproduce(tmp_path / "out", only=[1], examples=small)
    file = small / "01_x.py"
    file.write_text(file.read_text().replace("Text.", "Other text."))
    (report,) = reports(tmp_path / "out", small)
    assert (report["title"], report["text"]) == ("1. Title", "Other text.")


def test_the_page_that_the_readme_links_to_has_the_table():
    assert "(examples/results/results.md)" in (ROOT / "README.md").read_text("utf-8")
    assert (
        (EXAMPLES / "results" / "results.md").read_text("utf-8").endswith(f"## All results\n\n{summary(committed())}\n")
    )
