"""Sweeps of the examples in several processes: the same rows as one after the other."""

import subprocess
import sys
from pathlib import Path

import pytest

import reproduce

EXAMPLES = Path(__file__).parent.parent / "examples"


def main_of(experiment):
    """Report what came back from each."""
    experiment.row("found", setting="", ours=str(list(experiment.each(pow, [(2, n) for n in range(5)]))), difference="")


@pytest.mark.parametrize("options", [[], ["--jobs"], ["--jobs", "2"], ["--jobs=-1"]])
def test_what_comes_back_is_in_order(options):
    experiment = reproduce.run(main_of, options, sweeps=True)
    assert experiment.rows[0].ours == "[1, 2, 4, 8, 16]"


def test_the_settings_are_run_one_by_one_as_they_are_asked_for():
    experiment, ran = reproduce.Experiment("", "", ""), []
    found = experiment.each(ran.append, [(1,), (2,)])
    assert ran == []
    next(found)
    assert ran == [1]


@pytest.mark.parametrize("name", ["04_digit_network", "05_learning_rates", "11_better_learning"])
def test_an_example_reports_the_same_with_jobs(name):
    outputs = [
        subprocess.run([sys.executable, EXAMPLES / f"{name}.py", "--quick", *jobs], capture_output=True, text=True,
                       check=True).stdout.partition("Trained in")[0]
        for jobs in ([], ["--jobs", "2"])
    ]  # fmt: skip
    assert outputs[0] == outputs[1]


WITHOUT = [(["--jobs", "2"], "joblib"), (["--cluster", "tcp://x:1"], "distributed")]


@pytest.mark.parametrize(("options", "package"), WITHOUT)
def test_a_package_that_is_not_there(options, package, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit) as ended:
        reproduce.run(main_of, options, sweeps=True)
    err = capsys.readouterr().err
    assert ended.value.code == 2 and f"pip install {package}" in err and err.count("\n") == 1


@pytest.mark.parametrize("jobs", ["0", "-2", "x"])
def test_a_number_of_processes_that_there_is_not(jobs, capsys):
    with pytest.raises(SystemExit):
        reproduce.run(main_of, [f"--jobs={jobs}"], sweeps=True)
    assert "at least 1, or -1 for all cores" in capsys.readouterr().err


def test_examples_without_a_sweep_have_no_such_option(capsys):
    with pytest.raises(SystemExit):
        reproduce.run(main_of, ["--jobs", "2"])
    assert "unrecognized arguments" in capsys.readouterr().err
