"""Many files at once, and the formats that a gradebook reads."""

import csv
import io
import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from autograd.__main__ import main as autograd_main
from autograd.grading import gradebook
from autograd.grading.gradebook import Row
from nn.cli import main
from tests.test_check_command import RIGHT, WRONG
from tests.test_grader import BOOK

SIGN = BOOK.replace("(activations[-1] - y)", "(y - activations[-1])")


@pytest.fixture
def folder(tmp_path):
    answers = {"ada": BOOK, "ben": SIGN, "cy": "print('hello')\nraise SystemExit(0)", "dee": f"print('=1+1')\n{BOOK}"}
    for name, text in answers.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no answer")
    return tmp_path


def test_a_folder_is_a_gradebook(folder, capsys):
    assert main(["check", str(folder), "--csv", "--jobs", "2"]) == 2
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["file"].rpartition("/")[2], row["verdict"], row["code"]) for row in rows] == [
        ("ada.py", "right", "0"), ("ben.py", "wrong", "1"), ("cy.py", "unreadable", "2"), ("dee.py", "right", "0"),
    ]  # fmt: skip
    assert "the sign is turned round" in rows[1]["message"]
    assert rows[1]["reason"].startswith("wrong: ben.py differs")
    assert rows[2]["printed"] == "hello" and rows[3]["printed"] == "'=1+1"  # no formula in a spreadsheet


def test_files_as_json_and_as_text(folder, capsys):
    names = [str(folder / "ada.py"), str(folder / "ben.py")]
    assert main(["check", *names, "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["verdict"] for row in rows] == ["right", "wrong"]
    assert main(["check", *names]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].split() == [names[0], "right"] and lines[-1].split() == [names[1], "wrong"]
    assert main(["check", str(folder / "dee.py")]) == 0
    assert capsys.readouterr().out.endswith("It printed:\n    =1+1\n")
    (folder / "empty").mkdir()
    assert main(["check", str(folder / "empty")]) == 2
    assert "no file" in capsys.readouterr().out


def test_junit_from_both_commands(folder, tmp_path, capsys):
    assert main(["check", str(folder), "--junit"]) == 2
    suite = ElementTree.fromstring(capsys.readouterr().out)[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "1")
    assert [[part.tag for part in case] for case in suite] == [
        ["system-out"], ["failure"], ["error", "system-out"], ["system-out"],
    ]  # fmt: skip
    assert "BP1" in suite[1][0].text and suite[1][0].get("message").startswith("wrong: ben.py")
    for name, text in (("right", RIGHT), ("wrong", WRONG)):
        (tmp_path / f"{name}.py").write_text(text)
    assert autograd_main(["check", str(tmp_path / "right.py"), str(tmp_path / "wrong.py"), "--junit"]) == 1
    suite = ElementTree.fromstring(capsys.readouterr().out)[0]
    assert [case.find("failure") is not None for case in suite] == [False, True]
    assert "is missing" in suite[1].find("failure").text


def test_what_no_xml_may_hold_is_replaced():
    text = gradebook.as_junit([Row("a\x00.py", 1, "wrong: \x1b[2J <&>\n\ud800", "]]>\x08")])
    case = ElementTree.fromstring(text)[0][0]
    assert case.get("name") == "a?.py" and case[0].text == "wrong: ?[2J <&>\n?" and "]]>?" in case[1].text


FORGERIES = {
    "prints a verdict": WRONG + "print('right')",
    "patches the judge": WRONG + "import autograd.testing, autograd.grading.called as called\n"
    "called.assert_gradient = autograd.testing.assert_gradient = lambda *_, **__: None",
    "patches NumPy": WRONG + "np.abs = np.max = lambda *_, **__: np.float64(0)",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_wrong_gradient_of_any_function_stays_wrong(name, tmp_path, capsys):
    file = tmp_path / "answer.py"
    file.write_text(FORGERIES[name])
    assert autograd_main(["check", str(file)]) != 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os\nos._exit(0)", "it ended its process, with exit code 0, while the file itself was being run"),
        ("while True: pass", "it was stopped after 2 s"),
    ],
)
def test_a_file_that_hangs_or_ends_is_told(text, words, tmp_path, capsys):
    file = tmp_path / "answer.py"
    file.write_text(text)
    assert autograd_main(["check", str(file), "--timeout", "2"]) == 2
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\ndef f(x): return np.sum(np.maximum(x, 0))\ndef f_gradient(x): return (x > 0) * 1.0\n"
        "def example(): return np.array([0.0, 1.0, -2.0])",
        "import numpy as np\ndef f(a, b): return a @ b\ndef f_gradient(a, b, g): return g @ b.T, a.T @ g\n"
        "def example(): return np.ones((2, 3)), np.arange(12.0).reshape(3, 4)",
        "import numpy as np\ndef f(x, n): return np.sum(x ** n)\ndef f_gradient(x, n): return n * x ** (n - 1)\n"
        "def example(): return np.float32([1.5, 1e-3, 20]), 3",
    ],
    ids=["a kink", "an array as its value", "float32"],
)
def test_a_right_gradient_is_not_accused_by_differences(text, tmp_path, capsys):
    file = tmp_path / "answer.py"
    file.write_text(text)
    assert autograd_main(["check", str(file)]) == 0, capsys.readouterr().out


def test_several_jobs_from_the_shell(tmp_path):
    (tmp_path / "a.py").write_text(RIGHT, encoding="utf-8")
    (tmp_path / "b.py").write_text(WRONG, encoding="utf-8")
    command = [sys.executable, "-m", "autograd", "check", str(tmp_path), "--json", "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [row["verdict"] for row in json.loads(done.stdout or "[]")] == ["right", "wrong"], done.stderr


def test_a_folder_without_files_is_no_pass(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        autograd_main(["check", str(tmp_path)])
    assert stopped.value.code == 2 and f"no Python file in {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(x):\n    return x\nx = = 3\n", "invalid syntax (mine.py, line 3)"),
        ("def f(x):\n    x * x\ndef f_gradient(x):\n    return x\ndef example():\n    return 3.0\n", "f returns None"),
    ],
)
def test_what_cannot_be_judged_is_told_of_the_file_alone(text, words, tmp_path, capsys):
    (tmp_path / "mine.py").write_text(text)
    assert autograd_main(["check", str(tmp_path / "mine.py")]) == 2
    out = capsys.readouterr().out
    assert words in out and "runpy" not in out and "testing.py" not in out


def test_folders_in_a_folder_are_searched_and_hidden_ones_are_not(tmp_path):
    for name in ("b.py", "ada/a.py", ".venv/c.py", "ada/.d.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert gradebook.files([str(tmp_path)]) == [tmp_path / "ada" / "a.py", tmp_path / "b.py"]


@pytest.mark.parametrize("option", ["--jobs=0", "--timeout=-1", "--memory=0", "--seed=-1"])
def test_numbers_that_make_no_sense_are_refused(option, capsys):
    with pytest.raises(SystemExit) as raised:
        autograd_main(["check", "mine.py", option])
    assert raised.value.code == 2 and option.partition("=")[0] in capsys.readouterr().err
