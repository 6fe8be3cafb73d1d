"""What the targets of the Makefile install."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("target", "installed"),
    [("train", "."), ("check", "."), ("benchmark", "."), ("test", "'.[draw,plot,test]'"), ("lint", "'.[dev]'")],
)
def test_a_target_installs_what_it_needs_and_says_so(target, installed, tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(["make", "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    (install,) = [i for i, line in enumerate(lines) if "pip install" in line]
    assert lines[install].endswith(f" --editable {installed}")
    assert lines[install - 1].startswith('echo "Installing ')
