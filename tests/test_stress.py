"""The stress command in short, and that it finds what is wrong: faults are planted on every road."""

import itertools
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import autograd
from autograd import Op, Tensor
from autograd.ops import elementwise
from autograd.readings import native as built
from autograd.readings.notation import Unicode

sys.path.insert(0, str(Path(__file__).parent / "stress"))

import drawing
import foreign
import native
import programs
import roads
import running
import shrinking


@pytest.fixture(autouse=True, scope="module")
def a_cache_of_its_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDGRAD_CACHE", str(tmp_path_factory.mktemp("built")))
        built.folder.cache_clear()
        yield
    built.folder.cache_clear()


def test_no_program_goes_wrong():
    there = tuple(road for road in roads.ROADS if running.NEEDED.get(road, True))
    findings = programs.run(range(150), seed=0, roads=there)
    assert not findings.faults, f"\n{findings.shown()}\n" + "\n".join(map(str, findings.failing[:20]))


def statuses(road, numbers):
    """What becomes of some programs on a road, by their number."""
    found = {}
    for number in numbers:
        outcomes, _ = roads.check(drawing.draw(0, number), (road,))
        found[number] = next((o for o in outcomes if o.status != "right"), outcomes[-1])
    return found


@pytest.fixture(scope="module")
def right():
    """The programs that are right on a road as it is."""
    known = {}

    def of(road):
        if road not in known:
            numbers = range(12 if road in roads.COSTLY else 60)
            known[road] = [n for n, outcome in statuses(road, numbers).items() if outcome.status == "right"]
        return known[road]

    return of


def is_found(road, numbers):
    """Whether one of these programs is faulty on a road."""
    return any(statuses(road, [number])[number].status in programs.FAULTS for number in numbers)


def frozen_masks(f, overwrite=False):
    """A compile that keeps the masks of the first call."""
    masks, compare = {}, Tensor.__gt__

    def step(*args):
        number = itertools.count()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                Tensor,
                "__gt__",
                lambda self, other: masks.setdefault(next(number), np.asarray(compare(self, other)).copy()),
            )
            output = f(*args)
        grads = autograd.backprop(output)
        for x, g in grads.items():
            if x.op is None:
                x.grad = g
        return output.data

    return step


def altered(patch, op, forward, *rules):
    """Give an operation another forward function and other rules."""
    twin = Op(forward, op.template, *rules, name=op.name)
    for part in ("forward", "rules", "call", "pull"):
        patch.setattr(op, part, getattr(twin, part))


def wrong_rule(patch):
    altered(patch, elementwise.sin, np.sin, lambda g, y, x: g * np.cos(x) * (1 + 1e-4))


def wrong_value(patch):
    altered(patch, elementwise.sin, lambda x: np.sin(x) * (1 + 1e-7), *elementwise.sin.rules)


def wrong_when_recorded(patch):
    """A rule that is right on arrays, and loses a part of the second derivative."""
    (rule,) = elementwise.multiply.rules[1:]
    altered(
        patch,
        elementwise.multiply,
        elementwise.multiply.forward,
        lambda g, y, a, b: g * (b.detach() if isinstance(b, Tensor) and isinstance(g, Tensor) else b),
        rule,
    )


def gradients_overwritten(patch):
    compile_ = autograd.compile
    patch.setattr(autograd, "compile", lambda f, overwrite=False: compile_(f, overwrite=True))


def compile_crashes(patch):
    patch.setattr(autograd, "compile", lambda f, overwrite=False: {}["missing"])


def compile_warns(patch):
    compile_ = autograd.compile

    def compile_and_warn(f, overwrite=False):
        np.log(np.zeros(1))
        return compile_(f, overwrite=overwrite)

    patch.setattr(autograd, "compile", compile_and_warn)


def source_with(old, new):
    def plant(patch):
        source = autograd.source
        patch.setattr(autograd, "source", lambda f, *args: source(f, *args).replace(old, new))

    return plant


def equations_with(old, new):
    def plant(patch):
        written = Unicode.sum
        patch.setattr(Unicode, "sum", lambda self, x: written(self, x).replace(old, new))

    return plant


def grad_of_the_wrong_argument(patch):
    value_and_grad = autograd.value_and_grad

    def turned(f, argnums):
        both = value_and_grad(f, argnums)

        def call(*args):
            value, grads = both(*args)
            return value, grads[::-1]

        return call

    patch.setattr(autograd, "value_and_grad", turned)


def in_c(old, new):
    def plant(patch):
        write = built.c_text
        patch.setattr(built, "c_text", lambda *args: write(*args).replace(old, new))

    return plant


def in_language(old, new):
    def plant(patch):
        source = autograd.source

        def write(f, *args, language="numpy"):
            text = source(f, *args, language=language)
            if language == "numpy":
                return text
            found = type(text)(text.replace(old, new))
            found.arrays = text.arrays
            return found

        patch.setattr(autograd, "source", write)

    return plant


PLANTED = [
    ("backward", wrong_rule),
    ("backward", wrong_value),
    ("grad", grad_of_the_wrong_argument),
    ("compile", gradients_overwritten),
    ("compile", compile_crashes),
    ("compile", compile_warns),
    ("source", source_with(" + ", " - ")),
    ("source", source_with("_and_grad(", "_and_grad(np=1, *, ")),
    ("equations", equations_with("1/2", "1/3")),
    ("equations", equations_with(" + ", " − ")),
    ("equations", equations_with("2 ", "3 ")),
    ("second", wrong_when_recorded),
    ("second", source_with(" * ", " / ")),
    ("native", in_c("return ", "return 1 + ")),
    ("c", in_language(" += ", " -= ")),
    ("c", in_language("return ", "return 1 + ")),
    ("javascript", in_language(" += ", " -= ")),
    ("javascript", in_language("return [value", "return [valu")),
]


@pytest.mark.parametrize(("road", "plant"), PLANTED, ids=lambda x: getattr(x, "__name__", x))
def test_a_planted_fault_is_found(road, plant, right, monkeypatch):
    foreign.there(running.NEEDED.get(road, True), "compiler or node", 1)
    numbers = right(road)
    assert len(numbers) > 6
    plant(monkeypatch)
    assert is_found(road, numbers)


def test_a_mask_that_is_kept_from_the_first_call_is_found(monkeypatch):
    data = [np.array(x) for x in ([1.0, -2.0], [-1.0, 3.0], [2.0, 0.5])]
    statements = (
        drawing.Statement("v0", "w > 0", "comparison", decides=True),
        drawing.Statement("v1", "np.where(v0, w * w, 0)", "mask"),
    )
    program = drawing.Program("by hand", {"w": data}, {"w": "tensor"}, {}, statements, "np.sum(v1)")
    monkeypatch.setattr(autograd, "compile", frozen_masks)
    outcomes, _ = roads.check(program, ("compile",))
    assert [outcome.status for outcome in outcomes] == ["right", "wrong"]
    assert "call 1" in outcomes[1].message


def test_programs_are_of_every_kind():
    drawn = [drawing.draw(1, number) for number in range(800)]
    kinds = Counter(s.kind for p in drawn for s in p.statements)
    assert kinds.keys() >= drawing.KINDS.keys()
    assert {role for p in drawn for role in p.roles.values()} == {"tensor", "outside", "array", "number", "integers"}
    shapes = [np.shape(x[0]) for p in drawn for x in p.arguments.values()]
    assert {len(shape) for shape in shapes} >= {0, 1, 2, 3, 4}
    assert any(0 in shape for shape in shapes)
    assert sum(p.single for p in drawn) > 100


def test_the_same_seed_draws_the_same_programs():
    assert [drawing.draw(3, n).shown() for n in range(30)] == [drawing.draw(3, n).shown() for n in range(30)]
    assert drawing.draw(3, 0).shown() != drawing.draw(4, 0).shown()


def test_a_refusal_by_name_is_no_fault_and_any_other_error_is():
    def outcome(call):
        try:
            call()
        except Exception as error:
            return roads.of_error("compile", error)

    w = Tensor([1.0, 2.0])
    assert outcome(lambda: np.fft.fft(w)).status == "refused"
    assert outcome(lambda: autograd.compile(lambda x: w.sum())([1.0])).status == "refused"
    assert outcome(lambda: {}["w"]).status == "crashed"
    assert outcome(lambda: np.ones(2) @ np.ones(3)).status == "crashed"
    assert outcome(lambda: w @ np.ones(3)).status == "crashed"  # a shape that the program itself got wrong


def test_what_fails_is_printed_as_a_short_function_that_runs(monkeypatch, right):
    numbers = right("backward")
    wrong_rule(monkeypatch)
    number, outcome = next((n, o) for n, o in statuses("backward", numbers).items() if o.status == "wrong")
    program = drawing.draw(0, number)
    small, found = shrinking.shrink(program, outcome)
    assert found.status == "wrong"
    assert len(small.statements) <= min(2, len(program.statements))
    assert "np.sin" in small.text()
    space = {}
    exec(small.shown(), space)
    value = space["f"](*(Tensor(values[0]) for values in small.arguments.values()))
    assert isinstance(value, Tensor)


def test_the_exit_code_says_whether_anything_is_wrong(monkeypatch, capsys, right):
    number = right("grad")[0]
    assert programs.main(["--only", str(number), "--roads", "grad"]) == 0
    wrong_value(monkeypatch)
    assert programs.main(["--programs", "40", "--roads", "grad", "--jobs", "1", "--quiet", "--no-shrink"]) == 1
    printed = capsys.readouterr().out
    assert "backward" in printed
    assert "Faults, by kind of message:" in printed


# Ties that rounding decides.


def test_what_rounding_alone_decides_is_right_either_way(monkeypatch):
    program = drawing.draw(0, 1059)  # the spread of values that are equal, but for a unit in the last place
    assert "np.std" in program.text()
    outcomes, _ = roads.check(program, ("source",))
    assert [outcome.status for outcome in outcomes] == ["right", "right"]
    monkeypatch.setattr(roads, "NEAR", 0)  # held against nothing but the numbers of the same data
    outcomes, _ = roads.check(program, ("source",))
    assert [outcome.status for outcome in outcomes] == ["right", "wrong"]


def test_numbers_that_no_neighbour_gives_are_wrong():
    def compared(got, *near, wanted=0.5):
        roads.compare("it", np.array([got]), np.array([wanted]), 1.0, False, near=lambda: [np.array([x]) for x in near])

    compared(0.75, 0.5, 1.0)
    compared(np.nan, 0.5, np.nan)
    for got, near in ((1.1, (0.5, 1.0)), (0.4, (0.5, 1.0)), (np.nan, (0.5, 1.0)), (0.6, ())):
        with pytest.raises(roads.Wrong):
            compared(got, *near)


def test_neighbours_keep_what_is_equal_and_zeros():
    program = drawing.Program("by hand", {"w": [np.array([0.5, -0.5, 0.0, 0.25])] * 3}, {"w": "tensor"}, {}, (), "")
    values = [roads.nudged(program, n).arguments["w"][0] for n in range(roads.NEAR)]
    assert all(w[2] == 0 for w in values)
    assert all(w[0] == -w[1] for w in values[::2])
    assert any(w[0] != -w[1] for w in values[1::2])
    assert len({w.tobytes() for w in values}) > 10
    assert all(np.max(np.abs(w - values[0])) < 1e-15 for w in values)


# The sanitiser.


def test_no_program_in_c_reads_what_is_not_its_own():
    foreign.there(foreign.GCC, "gcc", 30)
    counts, found = native.run(range(30), seed=0)
    assert counts["run"] >= 20
    assert not found, "\n".join(f"{case.number}: {report[:1500]}" for case, report in found)


def test_nothing_of_an_empty_array_is_read():
    foreign.there(foreign.GCC, "gcc", 5)
    counts, found = native.run([45, 165, 222, 227, 406], seed=0)
    assert counts["run"] == 5
    assert not found, "\n".join(f"{case.number}: {report[:1500]}" for case, report in found)


@pytest.mark.parametrize("number", [3, 9])  # a function, and a step of a network
def test_what_the_sanitiser_reports_is_found(number, monkeypatch, capsys):
    foreign.there(foreign.GCC, "gcc", 1)
    whole = native.native_text

    def one_further(trace):
        program, rows, text = whole(trace)
        for array in [*program.inputs, *program.outputs]:
            if array.shape and array.size:  # it is read, or written, one element behind its end
                return program, rows, text.replace(f"{array.name}[", f"{array.name}[1 + ")
        raise AssertionError("a program of numbers")

    monkeypatch.setattr(native, "native_text", one_further)
    assert native.main(["--programs", "1", "--first", str(number), "--quiet"]) == 1
    printed = capsys.readouterr().out
    assert "heap-buffer-overflow" in printed
    assert f"--only {number}" in printed
    assert ("def f(" in printed) == (number == 3)
    assert "1 with a report" in printed
