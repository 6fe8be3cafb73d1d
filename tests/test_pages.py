"""The pages that people read: programs in them run, outputs are what is printed, links lead somewhere."""

import json
import re
from functools import cache

import numpy as np
import pytest
from pages import PAGES, ROOT, Block, blocks, commands, output_of_commands, output_of_program, shows, with_source

import autograd
import nn
from autograd import Tensor, no_grad
from nn.arguments import parser

PROGRAMS = [block for page in PAGES for block in blocks(page) if block.kind == "python"]
OUTPUTS = [pair for page in PAGES for pair in with_source(page)]
COMMANDS = [block for page in PAGES for block in blocks(page) if block.kind == "sh"]


@pytest.fixture(autouse=True)
def few_digits(monkeypatch):
    """The book's three lines train for half a minute; here they see a hundred digits."""
    sets = nn.load_data_wrapper()
    monkeypatch.setattr(nn, "load_data_wrapper", lambda: tuple(examples[:100] for examples in sets))


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What a block prints, which is run once."""

    @cache
    def of(page, line):
        block = next(block for block in blocks(page) if block.line == line)
        return output_of_program(block) if block.kind == "python" else output_of_commands(block, folder)

    folder = tmp_path_factory.mktemp("checkout")
    return of


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 300


@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_a_program_runs_when_it_is_pasted(block):
    output_of_program(block)


@pytest.mark.parametrize(("source", "shown"), OUTPUTS, ids=[str(shown) for _, shown in OUTPUTS])
def test_an_output_is_what_is_printed(source, shown, printed):
    out = printed(source.page, source.line)
    assert shows(shown.text, out), f"{shown} is not what {source} prints:\n{out}"


def test_a_wrong_output_is_found():
    assert shows("a 1.2e-16\n…\nd\n", "a 3.4e-15\nb\nc\nd\ne\n") and shows(
        "f  44.4 microseconds\n", "f 3 microseconds\n"
    )
    for wrong in ("a\nc\n", "A\nb\n", "b\n…\na\n", "a\n…\ne\n", "b\nb\n"):
        assert not shows(wrong, "a\nb\nc\n")
    assert not shows("a 1.2e-03\n", "a 1.3e-03\n")


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_of_a_known_kind(page):
    text = (ROOT / page).read_text("utf-8")
    assert len(blocks(page)) * 2 == text.count("```")
    kinds = {"sh", "python", "text", "python output", "python program", "text rooms", "text times"}
    assert {block.kind for block in blocks(page)} <= kinds


@pytest.mark.parametrize("block", COMMANDS, ids=str)
def test_a_command_can_be_given(block):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for words in commands(block):
        python = re.fullmatch(r"(\.venv/bin/)?python", words[0])
        if words[0] == "make":
            assert words[1] in targets
        elif python and words[1:3] == ["-m", "nn"]:
            if "--help" not in words:
                parser().parse_args(words[3:])
        elif python and words[1] != "-m":
            assert (ROOT / words[1]).exists(), words
        else:
            assert words[0] in ("git", "cd", "dot") or (python and words[2] in ("venv", "pip", "pytest")), words


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_lead_somewhere(page):
    prose = re.sub(r"```.*?```", "", (ROOT / page).read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)]*)\)", prose):
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{page} links to {target}"
        if anchor:
            heads = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads], target


def code_of(name):
    return (ROOT / "examples" / f"{name}.py").read_text("utf-8").partition('"""\n\n')[2]


def test_the_pages_show_the_examples():
    assert code_of("taste") in [block.text for block in blocks("README.md")]
    (program,) = [block.text for block in blocks("examples/results/readings.md") if block.kind == "python program"]
    assert program == code_of("four_readings")


def ratios_to_the_first(row, names):
    """Whether each time of a row, after so many words that name it, is followed by its ratio to the first time."""
    times = [float(word) for word in re.findall(r"(?<![\w-])\d+\.\d+", row)]
    assert len(times) == 2 * names
    for time, ratio in zip(times[::2], times[1::2], strict=True):
        assert ratio == pytest.approx(time / times[0], rel=0.003, abs=0.006)


def test_the_table_of_times_has_the_rows_and_columns_of_the_benchmark():
    page = (ROOT / "examples" / "results" / "speed.md").read_text("utf-8")
    benchmark = (ROOT / "tests" / "benchmarks" / "speed.py").read_text("utf-8")
    (table,) = [block.text for block in blocks("examples/results/speed.md") if block.kind == "text times"]
    steps, epochs, graphs, readings, imports = table.split("\n\n")
    _, head, *rows = steps.splitlines()
    columns = re.split(r" {2,}", head)
    assert columns[:2] == ["network", "batch"] and {"hand-derived", "layers", "step", "step in C"} <= set(columns)
    for column in columns[3:]:
        assert f'"{column}"' in benchmark
        assert f"| {column} |" in page
    assert len(rows) == 2 * 3 * 2
    for row in rows:
        ratios_to_the_first(row, len(columns) - 3)
    _, *rows = epochs.splitlines()
    assert len(rows) == 2 * 2
    for row in rows:
        ratios_to_the_first(row, 3)
        assert [name for name in ("hand-derived", "in C", "JAX") if name in row and f'"{name}"' in benchmark]
    for line in graphs.splitlines()[1:]:
        assert f'"{re.split(r" {2,}", line)[0]}": (' in benchmark
    assert [f'"{name}": ' in benchmark for name in readings.splitlines()[1].split()[1:]] == [True] * 4
    assert re.fullmatch(r"import numpy \d+ ms, with autograd \d+ ms: \d+ ms more\n", imports)


def test_the_rooms_are_those_that_there_are():
    (tree,) = [block.text for block in blocks("README.md") if block.kind == "text rooms"]
    listed, folder = {}, ""
    for line in tree.splitlines():
        name = line.split()[0]
        if line.startswith(" "):
            listed[folder].append(name)
        else:
            folder, listed[name] = name, []
    for folder in ("autograd/", "nn/"):
        there = [path.name + "/" * path.is_dir() for path in (ROOT / folder).iterdir()]
        there = [name for name in there if not name.startswith(("_", "py.typed"))]
        assert sorted(listed[folder]) == sorted(there)


def test_the_figures_in_the_readme_are_those_of_example_4():
    rows = json.loads((ROOT / "examples" / "results" / "04_digit_network.json").read_text("utf-8"))["rows"]
    (row,) = [row for row in rows if row["what"] == "784-30-10, N(0, 1): last epoch"]
    low, high = re.search(r"([\d.]+) to ([\d.]+) %$", row["ours"]).groups()
    readme = re.sub(r"\s+", " ", (ROOT / "README.md").read_text("utf-8"))
    assert row["seed"] == "0 to 4"
    assert f"the five seeds of example 4 ended between {low} and {high} %" in readme


def test_what_the_readme_says_of_leaving_the_graph():
    t, pair = Tensor(2.0, name="t"), Tensor([1.0, 2.0])
    assert type(pair > 1) is type(np.sign(pair)) is np.ndarray and np.argmax(pair) == 1
    for leave in (np.asarray, float, np.zeros(1).__iadd__):
        with pytest.raises(TypeError):
            leave(t)
    with pytest.raises((TypeError, ValueError)):
        np.zeros(2)[0] = t
    with no_grad():
        assert float(t) == 2.0
    assert float(t.detach()) == t.item() == 2.0
    for value in (float, lambda x: x.item(), lambda x: x.data):
        with pytest.raises(TypeError, match=r"'x'.* while the function is traced"):
            autograd.compile(lambda x, value=value: x * value(x))(t)
    with pytest.raises(TypeError, match=r"np\.fft\.fftshift is not supported for Tensors: use .?np\.roll"):
        np.fft.fftshift(pair)


def test_a_page_is_taken_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("pages.ROOT", tmp_path)
    (tmp_path / "P.md").write_text("x\n```sh\npython a.py  # what\n```\n\ny\n\n```text\nout\n```\n", "utf-8")
    command, shown = Block("P.md", 2, "sh", "python a.py  # what\n"), Block("P.md", 8, "text", "out\n")
    assert blocks("P.md") == [command, shown] and with_source("P.md") == [(command, shown)]
    assert commands(command) == [["python", "a.py"]]
