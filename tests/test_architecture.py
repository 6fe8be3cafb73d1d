"""The rooms of the project, and the ways between them: imports flow one way, and the heart stays small."""

import ast
import importlib
import inspect
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Each room may import those before it, in its own package; a room is a module, or the modules of `ops` together.
AUTOGRAD = [
    "data",
    "recording",
    "registry",
    "vocabulary",
    "tensor",
    "stale",
    "operation",
    "ops",
    "backward",
    "version",
    "trees",
    "transforms",
    "check",
    "readings.graph",
    "readings.formula",
    "readings.text",
    "readings.display",
    "readings.names",
    "readings.outside",
    "readings.trace",
    "readings.algebra",
    "readings.notation",
    "readings.templates",
    "readings.reader",
    "readings.boxes",
    "readings.drawing",
    "readings.draw",
    "readings.chain",
    "readings.figures",
    "readings.explain",
    "readings.equations",
    "readings.lines",
    "readings.values",
    "readings.changes",
    "readings.derivation",
    "readings.slips",
    "readings.search",
    "frameworks",
    "answers",
    "differences",
    "testing",
    "plugin",
    "grading.warden",
    "grading.fence",
    "grading.gradebook",
    "grading.options",
    "grading.called",
    "__main__",
    "readings.elements",
    "readings.moves",
    "readings.maps",
    "readings.folds",
    "readings.loops",
    "readings.updates",
    "readings.lowering",
    "readings.printer",
    "readings.c",
    "readings.javascript",
    "readings.blas",
    "readings.blocked",
    "readings.native",
    "readings.wrapping",
    "readings.listing",
    "readings.source",
    "readings.buffers",
    "readings.program",
    "readings.step",
    "readings.replay",
    "readings.onnx",
    "readings.page.where",
    "readings.page.steps",
    "readings.page.layout",
    "readings.page.write",
]
NN = [
    "interrupts",
    "equations",
    "files",
    "checkpoint",
    "exchange",
    "costs",
    "layers",
    "sgd",
    "digits",
    "images",
    "distributed",
    "scoring",
    "steps",
    "epochs",
    "training",
    "history",
    "figures",
    "network",
    "exporting",
    "proof.numbers",
    "proof.symbols",
    "grader.problems",
    "grader.calling",
    "grader.trials",
    "grader.report",
    "grader.layered",
    "grader.backpropagation",
    "grader.slips",
    "grader.verdict",
    "grader.many",
    "pages",
    "arguments",
    "commands",
    "cli",
    "__main__",
]


def imports(source):
    """The modules that a source text imports, also inside functions and for type checkers, as dotted names."""
    found = []
    for node in ast.walk(ast.parse(source)):
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
                other = room_of(name, package, rooms)
                if other and other not in [room, *earlier]:
                    wrong.append(f"{package}.{room} imports {name}")
    return wrong


def room_of(name, package, rooms):
    """The room in which the module or the object of a dotted name is (of a folder, the last); None outside."""
    inside = next((room for room in rooms if f"{name}.".startswith(f"{package}.{room}.")), None)
    folder = name.split(".")[1:2]
    return inside or next((room for room in reversed(rooms) if room.split(".")[:1] == folder), None)


def sources(package, rooms):
    folder = ROOT / package
    return {
        room: [path.read_text("utf-8") for path in sorted((folder / room).glob("*.py"))]
        or [(folder / f"{room.replace('.', '/')}.py").read_text("utf-8")]
        for room in rooms
    }


@pytest.mark.parametrize(("package", "rooms"), [("autograd", AUTOGRAD), ("nn", NN)])
def test_imports_flow_one_way(package, rooms):
    assert violations(package, rooms, sources(package, rooms)) == []


def test_an_import_against_the_flow_is_found():
    assert violations("autograd", AUTOGRAD, {"tensor": ["from autograd.ops import shaping"]})
    assert violations("autograd", AUTOGRAD, {"ops": ["import autograd.check"]})
    assert violations("nn", NN, {"costs": ["def f():\n    from nn.network import Network"]})
    for_annotations = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from nn.network import Network"
    assert violations("nn", NN, {"training": [for_annotations]})
    assert violations("autograd", AUTOGRAD, {"tensor": [for_annotations.replace("nn.network", "autograd.operation")]})
    assert violations("nn", NN, {"training": ["from nn.grader import grade"]})  # a package is all the rooms in it
    assert not violations("autograd", AUTOGRAD, {"check": ["from autograd.tensor import Tensor"]})


@pytest.mark.parametrize(("package", "rooms"), [("autograd", AUTOGRAD), ("nn", NN)])
def test_every_module_is_a_room(package, rooms):
    modules = {
        ".".join(path.relative_to(ROOT / package).with_suffix("").parts)
        for path in (ROOT / package).rglob("*.py")
        if path.stem != "__init__"
    }
    inside = {name if name in rooms else name.split(".")[0] for name in modules}  # a whole folder may be one room
    assert inside == set(rooms)


@pytest.mark.parametrize("package", ["autograd", "nn", "nn.grader", "nn.pages", "nn.proof"])
def test_no_module_is_shadowed_by_what_the_package_exports(package):
    module, folder = importlib.import_module(package), ROOT.joinpath(*package.split("."))
    names = {path.stem for path in folder.glob("[a-z]*.py")}
    names |= {path.parent.name for path in folder.glob("*/__init__.py")}
    shadowed = [name for name in names if not inspect.ismodule(getattr(module, name, inspect))]
    assert shadowed == []


def test_the_engine_knows_nothing_of_the_network():
    for path in (ROOT / "autograd").rglob("*.py"):
        assert not [name for name in imports(path.read_text("utf-8")) if name.split(".")[0] == "nn"], path


def test_the_witness_imports_numpy_and_nothing_of_ours():
    allowed = {"__future__", "collections.abc", "typing", "numpy", "numpy.typing"}
    assert set(imports((ROOT / "nn" / "equations.py").read_text("utf-8"))) <= allowed


def test_the_engine_imports_numpy_graphviz_and_onnx_alone():
    of_others = {"plugin.py": ["pytest"], "frameworks.py": ["torch", "jax"]}
    for path in (ROOT / "autograd").rglob("*.py"):
        for name in imports(path.read_text("utf-8")):
            top = name.split(".")[0]
            known = ["autograd", "numpy", "graphviz", "pygraphviz", "onnx", *of_others.get(path.name, ())]
            assert top in known or top in sys.stdlib_module_names, f"{path} imports {name}"


def test_the_top_level_is_what_the_readme_says():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert {"autograd", "nn", "tests", "examples"} <= folders
    assert folders <= {"autograd", "nn", "tests", "examples", "build", "dist", "handgrad.egg-info", "__pycache__"}


def test_one_name_is_one_thing():
    """Besides NumPy's own names in `ops`, and the same thing in another language or derived by hand."""
    again = {
        "activations",
        "backprop",
        "compare",
        "main",
        "type_of",
    }  # figures of them, the witness, processes, printers
    where = {}
    for path in [path for package in ("autograd", "nn") for path in sorted((ROOT / package).rglob("*.py"))]:
        if path.parent.name != "ops":
            body = ast.parse(path.read_text("utf-8")).body
            for name in {node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)}:
                where.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    twice = {name: paths for name, paths in where.items() if len(paths) > 1 and not name.startswith("_")}
    assert {name: paths for name, paths in twice.items() if name not in again} == {}
