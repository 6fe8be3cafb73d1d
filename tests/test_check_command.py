"""python -m autograd check: the gradient in a file is judged."""

import csv
import io
import json

import pytest

from autograd.__main__ import main

RIGHT = """
import numpy as np
def f(w, x):
    return np.sum(np.tanh(x @ w) ** 2)
def f_gradient(w, x):
    a = np.tanh(x @ w)
    print("a learner looks at", a.shape)
    return x.T @ (2 * a * (1 - a * a))
def example():
    return np.array([0.5, -0.3]), np.ones((3, 2))
"""
WRONG = RIGHT.replace("* (1 - a * a)", "")


@pytest.fixture
def file(tmp_path):
    def write(text, name="answer.py"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_a_right_and_a_wrong_gradient(file, capsys):
    assert main(["check", file(RIGHT)]) == 0
    out = capsys.readouterr().out
    assert "answer.py: right" in out and "It printed:\na learner looks at (3,)" in out
    assert main(["check", file(WRONG)]) == 1
    out = capsys.readouterr().out
    assert "answer.py: wrong" in out and "dC/dw is wrong" in out and "is missing" in out
    assert main(["check", file(WRONG), "--hint"]) == 1
    assert "is missing" not in capsys.readouterr().out


def test_other_names_and_shapes(file, capsys):
    text = WRONG.replace("def f(", "def cost(").replace("f_gradient", "mine").replace("def example", "def unused")
    assert main(["check", file(text)]) == 2
    assert "it has no function f and no function f_gradient and no function example" in capsys.readouterr().out
    assert (
        main(["check", file(text), "--function", "cost", "--gradient", "mine", "--shape", "2", "--shape", "3,2"]) == 1
    )
    two = "def f(a, b):\n    return a * b\ndef f_gradient(a, b):\n    return b, a\n"
    assert main(["check", file(two), "--shape", "", "--shape", ""]) == 0
    by_name = "def f(a, b):\n    return a * b\ndef f_gradient(a, b):\n    return {'b': a}\n"
    assert main(["check", file(by_name), "--shape", "", "--shape", ""]) == 0


def test_a_folder_as_csv_and_json(file, tmp_path, capsys):
    file(RIGHT, "a.py")
    file(WRONG, "b.py")
    file("raise SystemExit(0)", "c.py")
    file("def f(:", "d.py")
    assert main(["check", str(tmp_path), "--csv"]) == 2
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["verdict"] for row in rows] == ["right", "wrong", "unreadable", "unreadable"]
    assert main(["check", str(tmp_path / "a.py"), str(tmp_path / "b.py"), "--json"]) == 1
    assert [row["verdict"] for row in json.loads(capsys.readouterr().out)] == ["right", "wrong"]


def test_what_cannot_be_read_is_said_in_a_line(file, tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.py")]) == 2
    assert "none.py: unreadable\nthere is no such file" in capsys.readouterr().out
    assert main(["check", file(RIGHT.replace("return np.array", "return 1 / 0, np.array"))]) == 2
    assert "ZeroDivisionError: division by zero (line 10 of answer.py)" in capsys.readouterr().out
    assert main(["check", file(RIGHT.replace("a = np.tanh", "a = np.tan_h"))]) == 1
    assert "the gradient raises AttributeError" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["check", "x.py", "--shape", "a"])
