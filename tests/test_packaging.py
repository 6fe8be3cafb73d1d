"""What is installed: every package and every file that the code reads, and what the checkout claims of itself."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def folders():
    """The packages, as dotted names."""
    inits = [path for name in ("autograd", "nn") for path in (ROOT / name).rglob("__init__.py")]
    return sorted(".".join(path.parent.relative_to(ROOT).parts) for path in inits)


def test_every_package_is_listed():
    assert sorted(SETTINGS["tool"]["setuptools"]["packages"]) == folders()


def test_every_folder_with_modules_is_a_package():
    for name in ("autograd", "nn"):
        for path in (ROOT / name).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), path


def test_every_other_file_is_listed():
    listed = SETTINGS["tool"]["setuptools"]["package-data"]
    for name in folders():
        package = ROOT / name.replace(".", "/")
        inside = {path for pattern in listed.get(name, []) for path in package.glob(pattern)}
        others = [path for path in package.iterdir() if path.is_file() and path.suffix != ".py"]
        assert set(others) <= inside, f"{name}: {[path.name for path in others]}"


def test_the_type_checker_has_the_packages_whose_types_it_needs():
    """So `make lint` is green in a clone where nothing else has been installed."""
    names = {re.split("[<>=]", text)[0] for text in SETTINGS["project"]["optional-dependencies"]["dev"]}
    imported = set(re.findall(r"^import (pytest)$", (ROOT / "autograd" / "plugin.py").read_text("utf-8"), re.M))
    assert imported and imported <= names


def test_advice_to_install_an_extra_works_from_a_checkout_too():
    advice = [
        node.value
        for package in ("autograd", "nn")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "handgrad[" in node.value
    ]
    assert advice
    for text in advice:
        for extra in re.findall(r"handgrad\[(\w+)\]", text):
            assert f"pip install '.[{extra}]'" in text


@pytest.mark.parametrize("name", ["ruff", "mypy"])
def test_formatter_and_linter_cannot_change_by_themselves(name):
    (requirement,) = [text for text in SETTINGS["project"]["optional-dependencies"]["dev"] if text.startswith(name)]
    low, high = re.fullmatch(rf"{name}>=(\d+\.\d+),<(\d+\.\d+)", requirement).groups()
    (major, minor), (next_major, next_minor) = (map(int, version.split(".")) for version in (low, high))
    assert (next_major, next_minor) == (major, minor + 1)


def test_the_pythons_that_are_claimed_are_those_of_continuous_integration():
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(SETTINGS["project"]["classifiers"]))
    assert SETTINGS["project"]["requires-python"] == f">={claimed[0]}"
    assert f"for version in {' '.join(claimed)}; do" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_lowest_numpy_that_is_claimed_is_that_of_continuous_integration():
    (lowest,) = [text for text in SETTINGS["project"]["dependencies"] if text.startswith("numpy")]
    assert f"numpy=={lowest.removeprefix('numpy>=')}.*" in (ROOT / ".ci" / "run").read_text("utf-8")
