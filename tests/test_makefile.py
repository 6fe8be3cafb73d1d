"""What the targets of the Makefile install."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("target", "installed"),
    [("train", "'.[plot]'"), ("check", "."), ("benchmark", "."), ("test", "'.[draw,plot,test]'"), ("lint", "'.[dev]'")],
)
def test_a_target_installs_what_it_needs_and_says_so(target, installed, tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(["make", "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    (install,) = [i for i, line in enumerate(lines) if "pip install" in line]
    assert lines[install].endswith(f" --editable {installed}")
    assert lines[install - 1].startswith('echo "Installing ')


def test_training_saves_its_network_and_says_what_works_next():
    """In a file that git does not see; each command of the last line is one."""
    done = subprocess.run(["make", "-n", "train"], cwd=ROOT, capture_output=True, text=True, check=True)
    *_, train, last = done.stdout.splitlines()
    assert train.endswith(" -m nn train --save model.npz")
    assert "model.npz" in last and last.startswith('echo "Next: ')
    commands = set(re.findall(r"(\w+) model\.npz", last))
    assert commands == {"show", "page", "predict"}
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "*.npz" in ignored and "/pictures/" in ignored and "--to pictures" in last
