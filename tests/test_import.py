"""What `import autograd` loads: the engine alone. The readings, and what they need, come when they are first used."""

import subprocess
import sys

import pytest

import autograd


def printed(program):
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_the_engine_is_imported_without_its_readings():
    ours_from_python = "inspect, opcode"  # NumPy 2.0 does not import them; later ones do
    before = set(printed(f"import sys, numpy, {ours_from_python}; print(*sys.modules)"))
    loaded = set(printed("import sys, autograd; print(*sys.modules)")) - before
    ours = {name for name in loaded if name.startswith("autograd")}
    assert not [name for name in ours if name.startswith("autograd.readings")]
    assert loaded - ours <= {"threading", "string", "_string"}  # from Python's library


def test_every_public_name_is_there_from_the_start():
    program = (
        "import autograd; print(*dir(autograd), *(name for name in autograd.__all__ if not getattr(autograd, name)))"
    )
    listed = printed(program)
    assert set(autograd.__all__) <= set(listed) and len(listed) == len(set(listed))


def test_a_star_brings_them_all():
    names = printed("from autograd import *; print(*globals())")
    assert set(autograd.__all__) <= set(names)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'autograd' has no attribute 'drawing'"):
        autograd.drawing  # noqa: B018
