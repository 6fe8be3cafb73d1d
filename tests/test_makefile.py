"""What the targets of the Makefile install."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def commands_of(target, folder):
    """The lines that make would run for a target, also where these tests are run by make itself."""
    ours = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    done = subprocess.run(["make", "-n", target], cwd=folder, env=ours, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("target", "installed"),
    [("train", "'.[plot]'"), ("check", "."), ("benchmark", "."), ("test", "'.[draw,plot,test]'"), ("lint", "'.[dev]'")],
)
def test_a_target_installs_what_it_needs_and_says_so(target, installed, tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    lines = commands_of(target, tmp_path)
    (install,) = [i for i, line in enumerate(lines) if "pip install" in line]
    assert lines[install].endswith(f" --editable {installed}")
    assert lines[install - 1].startswith('echo "Installing ')


def test_training_saves_its_network_and_says_what_works_next():
    """In a file that git does not see; each command of the last line is one."""
    *_, train, last = commands_of("train", ROOT)
    assert train.endswith(" -m nn train --save model.npz")
    assert "model.npz" in last and last.startswith('echo "Next: ')
    commands = set(re.findall(r"(\w+) model\.npz", last))
    assert commands == {"show", "page", "predict"}
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "*.npz" in ignored and "/pictures/" in ignored and "--to pictures" in last
