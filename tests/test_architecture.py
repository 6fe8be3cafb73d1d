"""The rooms of the project, and the ways between them: imports flow one way, and the heart stays small."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Each room may import those before it, in its own package; a room is a module, or the modules of `ops` together.
AUTOGRAD = [
    "recording",
    "vocabulary",
    "operands",
    "tensor",
    "ops",
    "stale",
    "backprop",
    "trees",
    "transforms",
    "check",
    "graph",
    "draw",
    "expressions",
    "algebra",
    "notation",
    "explain",
    "simplify",
    "trace",
    "equations",
    "emit",
    "buffers",
    "replay",
]
NN = [
    "equations",
    "costs",
    "digits",
    "files",
    "images",
    "sgd",
    "network",
    "equivalence",
    "learner",
    "slips",
    "grader",
    "derivation",
    "reproduce",
    "__main__",
]


def imports(source):
    """The modules that a source text imports when it runs, as dotted names; those for type checkers are left out."""
    tree = ast.parse(source)
    for_type_checkers = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in for_type_checkers:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
            found += [f"{node.module}.{alias.name}" for alias in node.names if node.module in ("autograd", "nn")]
    return found


def violations(package, rooms, files):
    """The imports that go against the order of the rooms; `files` maps a room to its source texts."""
    wrong = []
    for room, sources in files.items():
        earlier = rooms[: rooms.index(room)]
        for source in sources:
            for name in imports(source):
                parts = name.split(".")
                if parts[0] == package and len(parts) > 1 and parts[1] in rooms and parts[1] not in [room, *earlier]:
                    wrong.append(f"{package}.{room} imports {name}")
    return wrong


def sources(package, rooms):
    folder = ROOT / package
    return {
        room: [path.read_text("utf-8") for path in sorted((folder / room).glob("*.py"))]
        or [(folder / f"{room}.py").read_text("utf-8")]
        for room in rooms
    }


@pytest.mark.parametrize(("package", "rooms"), [("autograd", AUTOGRAD), ("nn", NN)])
def test_imports_flow_one_way(package, rooms):
    assert violations(package, rooms, sources(package, rooms)) == []


def test_an_import_against_the_flow_is_found():
    assert violations("autograd", AUTOGRAD, {"tensor": ["from autograd.ops import shaping"]})
    assert violations("autograd", AUTOGRAD, {"ops": ["import autograd.check"]})
    assert violations("nn", NN, {"costs": ["def f():\n    from nn.network import Network"]})
    assert not violations("autograd", AUTOGRAD, {"check": ["from autograd.tensor import Tensor"]})


@pytest.mark.parametrize(("package", "rooms"), [("autograd", AUTOGRAD), ("nn", NN)])
def test_every_module_is_a_room(package, rooms):
    modules = {path.stem for path in (ROOT / package).glob("*.py")} | {
        path.parent.name for path in (ROOT / package).glob("*/__init__.py")
    }
    assert modules - {"__init__"} == set(rooms)


def test_the_engine_knows_nothing_of_the_network():
    for path in (ROOT / "autograd").rglob("*.py"):
        assert not [name for name in imports(path.read_text("utf-8")) if name.split(".")[0] == "nn"], path


def test_the_witness_imports_numpy_and_nothing_of_ours():
    allowed = {"__future__", "collections.abc", "typing", "numpy", "numpy.typing"}
    assert set(imports((ROOT / "nn" / "equations.py").read_text("utf-8"))) <= allowed


def test_the_engine_imports_numpy_and_graphviz_alone():
    for path in (ROOT / "autograd").rglob("*.py"):
        for name in imports(path.read_text("utf-8")):
            top = name.split(".")[0]
            assert top in ("autograd", "numpy", "graphviz", "pygraphviz") or top in sys.stdlib_module_names, (
                f"{path} imports {name}"
            )


def test_the_heart_is_read_in_one_sitting():
    heart = [ROOT / "autograd" / name for name in ("tensor.py", "backprop.py")]
    assert sum(len(path.read_text("utf-8").splitlines()) for path in heart) < 350
    for package in ("autograd", "nn"):
        for path in (ROOT / package).rglob("*.py"):
            assert len(path.read_text("utf-8").splitlines()) <= 400, path


def test_the_top_level_is_what_the_readme_says():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert {"autograd", "nn", "tests", "examples"} <= folders
    assert folders <= {"autograd", "nn", "tests", "examples", "build", "dist", "handgrad.egg-info", "__pycache__"}
