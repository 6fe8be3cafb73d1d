"""Reading 3 in other languages: the programs in C and JavaScript compute what the engine computes."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from conftest import ROWS
from foreign import GCC, NODE, run_c, run_javascript, there
from test_source import a_digit_problem, a_number, digits

import autograd
from autograd import Op, Tensor, grad, source, value_and_grad
from autograd.readings.elements import LoweringError
from nn.proof.numbers import relative_difference

# What has no loops: iterations that end when they are near enough, and what depends on how NumPy goes about it.
REFUSED = {
    "linalg.cholesky", "linalg.cond", "linalg.det", "linalg.eig", "linalg.eigh", "linalg.eigvals", "linalg.eigvalsh",
    "linalg.inv", "linalg.lstsq", "linalg.matrix_power", "linalg.norm", "linalg.pinv", "linalg.qr", "linalg.slogdet",
    "linalg.solve", "linalg.svd", "linalg.svdvals", "linalg.matrix_norm", "linalg.tensorinv", "linalg.tensorsolve",
    "polyfit", "frexp", "partition", "unwrap",
}  # fmt: skip


class Case:
    """One program in both languages, what it is called with, and what it is to give."""

    def __init__(self, f, args, wanted):
        arrays = [x.data if isinstance(x, Tensor) else x for x in args]
        self.value, self.gradients = value_and_grad(f, wanted)(*arrays)
        c, javascript = (source(f, *args, language=language) for language in ("c", "javascript"))
        self.c = (c, [*arrays, *c.arrays.values()], self.gradients)
        self.javascript = (javascript, [*arrays, *javascript.arrays.values()], self.gradients)

    def check(self, found, tolerance=1e-12):
        value, gradients = found
        assert relative_difference(value, self.value) <= tolerance
        for g, exact in zip(gradients, self.gradients, strict=True):
            assert relative_difference(g, exact) <= tolerance


def of_row(case):
    f, args = a_number(case)
    try:
        return Case(f, args, tuple(range(len(case.operands))))
    except LoweringError as error:
        return error


IDS = [f"{case.operation}: {case.label}" for case in ROWS]


@pytest.fixture(scope="module")
def programs():
    return [of_row(case) for case in ROWS]


@pytest.fixture(scope="module")
def in_c(programs, tmp_path_factory):
    there(GCC, "gcc", len(programs))
    cases = [case for case in programs if isinstance(case, Case)]
    found = iter(run_c([case.c for case in cases], tmp_path_factory.mktemp("c")))
    return [next(found) if isinstance(case, Case) else None for case in programs]


@pytest.fixture(scope="module")
def in_javascript(programs):
    there(NODE, "node", len(programs))
    cases = [case for case in programs if isinstance(case, Case)]
    found = iter(run_javascript([case.javascript for case in cases]))
    return [next(found) if isinstance(case, Case) else None for case in programs]


@pytest.mark.parametrize("n", range(len(ROWS)), ids=IDS)
def test_every_operation_in_c(n, programs, in_c):
    if isinstance(programs[n], LoweringError):
        assert ROWS[n].operation in REFUSED, programs[n]
    else:
        programs[n].check(in_c[n])


@pytest.mark.parametrize("n", range(len(ROWS)), ids=IDS)
def test_every_operation_in_javascript(n, programs, in_javascript):
    if not isinstance(programs[n], LoweringError):
        programs[n].check(in_javascript[n])


def test_nine_of_ten_operations_have_loops(programs):
    names = {case.operation for case in ROWS}
    lowered = {case.operation for case, program in zip(ROWS, programs, strict=True) if isinstance(program, Case)}
    assert len(lowered) >= 0.9 * len(names)
    for program in programs:
        if isinstance(program, LoweringError):
            assert re.match(r"[\w.]+ cannot be written as loops: its text is ", str(program))


def test_the_digit_network_in_both_languages(tmp_path):
    there(GCC, "gcc", 1)
    there(NODE, "node", 1)
    case = Case(digits, a_digit_problem(np.random.default_rng(0)), (2, 3, 4, 5))
    case.check(run_c([case.c], tmp_path)[0])
    case.check(run_javascript([case.javascript])[0])
    text = case.c[0]
    for name in ("z1", "a1", "z2", "a2", "delta2", "dw2", "db2", "delta1", "dw1", "db1"):
        assert re.search(rf"^    // {name} = ", text, re.MULTILINE), name
    assert "// a1 = 1 / (1 + np.exp(-z1))" in text
    assert "static double z1" not in text  # it has no memory of its own


def test_float32(tmp_path):
    there(GCC, "gcc", 1)
    there(NODE, "node", 1)
    args = a_digit_problem(np.random.default_rng(1))
    args = [Tensor(x.data.astype(np.float32)) if isinstance(x, Tensor) else x.astype(np.float32) for x in args]
    case = Case(digits, args, (2, 3, 4, 5))
    assert "float digits_and_grad(" in case.c[0]
    assert "double" not in case.c[0]
    case.check(run_c([case.c], tmp_path)[0], 1e-5)
    assert "new Float32Array(" in case.javascript[0]
    case.check(run_javascript([case.javascript])[0], 1e-5)


def test_a_users_own_operation_by_its_template_alone(tmp_path):
    there(GCC, "gcc", 1)
    there(NODE, "node", 1)
    swish = Op(lambda x: x / (1 + np.exp(-x)), "x / (1 + np.exp(-x))",
               lambda g, y, x: g * (y + (1 - y) * autograd.sigmoid(x)), name="swish")  # fmt: skip
    case = Case(lambda x: np.sum(swish(x) ** 2), [Tensor(np.linspace(-3, 3, 7))], (0,))
    case.check(run_c([case.c], tmp_path)[0])
    case.check(run_javascript([case.javascript])[0])


def test_second_derivatives(tmp_path):
    there(GCC, "gcc", 1)
    there(NODE, "node", 1)

    def slope(x, w):
        return np.sum(grad(lambda x: np.sum(np.tanh(x @ w) ** 3))(x) ** 2)

    rng = np.random.default_rng(0)
    case = Case(slope, [Tensor(rng.normal(size=(4, 3))), Tensor(rng.normal(size=(3, 2)))], (0, 1))
    case.check(run_c([case.c], tmp_path)[0])
    case.check(run_javascript([case.javascript])[0])


def test_nan_and_infinity_as_numpy_has_them(tmp_path):
    there(GCC, "gcc", 1)
    there(NODE, "node", 1)
    strange = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e308, -1e308, 5e-324])
    functions = [
        lambda x, w: np.sum(np.maximum(x, 1.0) * w), lambda x, w: np.sum(np.minimum(x, w)),
        lambda x, w: np.sum(np.where(np.isnan(x), 1.0, 2.0) * w), lambda x, w: np.sum(autograd.relu(x) * w),
        lambda x, w: np.sum(np.where(np.isfinite(x), x, 0.0) / 1e300 * w), lambda x, w: np.max(x) * np.sum(w),
        lambda x, w: np.sum(np.where(np.isinf(x), np.sign(x), 0.0) * w), lambda x, w: np.sum(autograd.sigmoid(x) * w),
        lambda x, w: np.sum(np.fmax(x, 0.0) * w), lambda x, w: np.argmax(x) * np.sum(w),
        lambda x, w: np.sum(x * np.inf * w), lambda x, w: autograd.logsumexp(x[1:]) * np.sum(w),
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        cases = [Case(f, [strange, Tensor(np.arange(1.0, 9.0))], (1,)) for f in functions]
    for found, case in [
        *zip(run_c([case.c for case in cases], tmp_path), cases, strict=True),
        *zip(run_javascript([case.javascript for case in cases]), cases, strict=True),
    ]:
        np.testing.assert_allclose(found[0], case.value, rtol=1e-12)
        for g, exact in zip(found[1], case.gradients, strict=True):
            np.testing.assert_allclose(g, exact, rtol=1e-12, atol=1e-300)


def test_an_index_outside_reads_nothing(tmp_path):
    there(GCC, "gcc", 1)
    there(NODE, "node", 1)

    def picked(x, i):
        return np.sum(x[i] ** 2)

    c, javascript = (source(picked, Tensor(np.arange(4.0)), np.array([1, -1]), language=x) for x in ("c", "javascript"))
    for i in ([4, 0], [-5, 1], [2**40, 2]):
        given = [np.arange(4.0), np.array(i)]
        for value, _ in (
            run_c([(c, given, [given[0]])], tmp_path)[0],
            run_javascript([(javascript, given, [given[0]])])[0],
        ):
            assert np.isnan(value)


def test_what_no_language_is():
    with pytest.raises(ValueError, match='source: language is "numpy", "c" or "javascript", not \'fortran\''):
        source(np.sin, 1.0, language="fortran")


def test_names_that_mean_something_elsewhere(tmp_path):
    there(GCC, "gcc", 1)
    there(NODE, "node", 1)

    def function(double, var, exp, i, sum):
        return np.sum(np.exp(double) * var + exp * np.max(i)) * sum

    args = [Tensor(np.arange(3.0)), Tensor(np.ones(3)), Tensor(2.0), Tensor(np.arange(2.0)), 3.0]
    case = Case(function, args, (0, 1, 2, 3))
    case.check(run_c([case.c], tmp_path)[0])
    case.check(run_javascript([case.javascript])[0])


def agree(tmp_path, f, *args):
    """Hold the programs in C and in JavaScript against the engine; the gradients by the Tensors."""
    there(GCC, "gcc", 1)
    there(NODE, "node", 1)
    case = Case(f, args, tuple(n for n, x in enumerate(args) if isinstance(x, Tensor)))
    case.check(run_c([case.c], tmp_path)[0])
    case.check(run_javascript([case.javascript])[0])
    return case.c[0]


def test_a_sum_in_a_sum_that_depends_on_no_loop_stands_before_it(tmp_path):
    agree(tmp_path, lambda a, b: np.sum(-a - b), Tensor(np.arange(3.0)), Tensor(np.ones((2, 2, 3))))


def test_a_layer_whose_weights_are_written_in_the_program(tmp_path):
    weights = np.array([[0.375, 1.5], [0.875, 1.25], [0.5, 0.25]])
    agree(
        tmp_path, lambda x: np.sum(autograd.linear(x, weights, np.ones(3)) ** 2), Tensor(np.arange(4.0).reshape(2, 2))
    )


def test_a_long_array_is_sorted_without_a_table(tmp_path):
    x = Tensor(np.cos(np.arange(40.0)))
    text = agree(tmp_path, lambda x, w: np.sum(np.sort(x) * w), x, np.arange(40.0))
    assert "static const" not in text


def test_what_only_empty_arrays_need_is_not_declared(tmp_path):
    agree(
        tmp_path, lambda w, x: np.sum(np.sin(np.sum(w, axis=0))) + np.sum(np.sin(x[1:-3] * np.isfinite(x[1:-3]))),
        Tensor(np.ones((1, 0))), Tensor(np.arange(3.0)),
    )  # fmt: skip


def test_what_is_read_over_nothing_alone_is_not_computed(tmp_path):
    none = np.zeros((2, 0))
    text = agree(
        tmp_path, lambda v, w: np.sum(np.matmul(none, np.sin(v)) ** 2) + np.sum(w * w),
        Tensor(np.zeros(0)), Tensor(np.arange(3.0)),
    )  # fmt: skip
    assert "sin" not in "".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))


def test_memory_that_the_returned_value_is_read_from_is_not_used_again(tmp_path):
    agree(tmp_path, lambda v: np.max(np.prod(v, axis=-1, keepdims=True)), Tensor([-1.5, 1.0, 0.5]))


@pytest.mark.parametrize(
    "m", [np.array([True] * 3), np.array([200, 200, 3], np.uint8), np.array([2**30] * 3, np.int32)], ids=str
)
def test_whole_numbers_are_added_up_in_64_bits(m, tmp_path):
    w = Tensor([1.0, 2.0, 3.0])
    agree(
        tmp_path, lambda w, m: np.sum(w * np.cumsum(m)) + np.sum(m) * np.sum(w * w) + np.prod(m[:1]) * np.sum(w), w, m
    )


WHOLE = {
    "uint8": [5, 3, 250], "int8": [-5, 3, 100], "int16": [-5, -3, -7], "uint32": [5, 3, 7], "int64": [-5, 0, 3],
    "bool": [True, False, True],
}  # fmt: skip
OF_ALL = [
    lambda a: np.max(a), lambda a: np.min(a), lambda a: np.argmax(a), lambda a: np.argmin(a),
    lambda a: np.maximum.accumulate(a), lambda a: np.cumprod(a), lambda a: np.mean(a, where=a != 3),
    lambda a: np.nanmean(a), lambda a: np.i0(a / 100), lambda a: a < 300, lambda a: a == 256, lambda a: a >= -5,
    lambda a: np.clip(a, -1, 2.5), lambda a: np.sort(a), lambda a: np.sum(~a > 0),
]  # fmt: skip
OF_NUMBERS = [
    lambda a: (a - np.flip(a)) / 2, lambda a: np.sum(a - np.flip(a)), lambda a: -a > 0, lambda a: (a + a) / 2,
    lambda a: np.mean(-a), lambda a: np.abs(a) / 2, lambda a: a * a / 3, lambda a: a // 2, lambda a: a % 3,
    lambda a: 7 // a, lambda a: 7 % a, lambda a: np.gradient(a), lambda a: np.ptp(a), lambda a: a.astype(np.int8),
    lambda a: a.astype(np.uint8), lambda a: np.median(a),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of 7 // 0
def test_whole_numbers_are_computed_with_as_numpy_does(tmp_path):
    there(GCC, "gcc", 1)
    there(NODE, "node", 1)
    cases = []
    for dtype, data in WHOLE.items():
        for of in [*OF_ALL, *(OF_NUMBERS if dtype != "bool" else [lambda a: a @ a])]:
            a, x = np.array(data, dtype), np.array([1.0, 2.0, 4.0])

            def f(x, a, of=of):
                return np.sum(x * of(a))

            case = Case(f, [Tensor(x), a], (0,))
            assert case.value == pytest.approx(f(x, a))
            replayed = autograd.compile(f)
            replayed(Tensor(x), np.flip(a))
            assert replayed(Tensor(x), a) == pytest.approx(case.value)
            cases.append(case)
    for found in (run_c([case.c for case in cases], tmp_path), run_javascript([case.javascript for case in cases])):
        for case, (value, gradients) in zip(cases, found, strict=True):
            case.check((value, gradients))


def test_loops_that_overlap_are_not_one(tmp_path):
    places = np.array([[-3, -2], [1, -1]])
    agree(tmp_path, lambda x: np.sum(np.sin(x)[places] ** 2), Tensor(np.arange(6.0).reshape(3, 1, 2)))


def test_division_that_rounds_down(tmp_path):
    x, b = Tensor([1.0, 1.0, 1.0, 1.0]), np.array([1.0, -1.0, -1.5, 7.25])
    by = np.array([0.0, np.inf, 0.5, -2.0])
    with np.errstate(divide="ignore"):
        agree(tmp_path, lambda x, b, by: np.sum(x[1:] * (b // by)[1:]) + np.sum(x * np.isinf(b // by)), x, b, by)


def test_the_size_of_a_whole_number_is_one(tmp_path):
    w = Tensor([1.0, 2.0, 3.0])
    agree(tmp_path, lambda w, m: np.sum(w * np.abs(m) * np.floor(m)), w, np.array([-3, 2, -1]))


def test_a_table_that_only_the_returned_value_reads(tmp_path):
    agree(tmp_path, lambda x: np.roll(np.cumsum(x), 2)[0], Tensor([1.0, 2.0, 3.0]))


def test_a_sum_before_the_loops_has_a_name_that_none_inside_has(tmp_path):
    signs = np.array([-1, -1, 1])

    def f(w):
        whole = np.tensordot(w, w, 2)
        return np.sum(np.outer(w, np.ones(3)) @ signs) + whole * whole

    agree(tmp_path, f, Tensor(np.array([[2.0], [-0.5], [-0.5]])))


def test_the_page_of_languages_is_current():
    folder = Path(__file__).parent.parent / "examples"
    written = runpy.run_path(str(folder / "languages.py"))
    page = (folder / "results" / "languages.md").read_text("utf-8")
    for language in ("c", "javascript"):
        assert f"```{language}\n{written['program'](language)}```" in page
    found = written["findings"]()
    made = written["page"](found).splitlines()
    # An older NumPy has fewer functions, so that they are counted otherwise.
    assert [line for line in made if line not in page.splitlines() and "operations that a program" not in line] == []
    loops, programs, _ = written["share"](found)
    assert loops >= 0.9 * programs
    tested = {case.operation for case in ROWS}
    assert programs == len(tested) + len(written["SAME"].keys() & set(autograd.operations()))
    refused = {name for name, of in found.items() if name in tested and not of["c"][0]}
    assert refused <= REFUSED
