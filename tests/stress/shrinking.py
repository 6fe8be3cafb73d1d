"""A failing program made small: statements are dropped or replaced by arguments while it fails in the same way."""

from __future__ import annotations

import re
import time
import warnings
from dataclasses import replace

import numpy as np
from drawing import DATA_SETS, PLAIN, Program
from roads import Outcome, check

NAMES = re.compile(r"[^\W\d]\w*")


def kind_of(outcome: Outcome) -> tuple:
    """What has to stay the same while a program shrinks."""
    stage = outcome.message.split(":")[0] if outcome.road == "second" else ""
    error = "" if outcome.status == "wrong" else re.sub(r"\W.*", "", outcome.message.removeprefix(f"{stage}: "))
    return outcome.road, outcome.status, stage, error, outcome.where


def fails_like(program: Program, wanted: tuple) -> Outcome | None:
    """The outcome of the same kind, if the program still has it."""
    try:
        outcomes, _ = check(program, ("backward", wanted[0]))
    except Exception:
        return None
    return next((o for o in outcomes if kind_of(o) == wanted), None)


def values_of(program: Program) -> list[dict]:
    """The values of all names, for each set of data."""
    spaces = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for k in range(DATA_SETS):
            space = dict(PLAIN) | program.constants | {name: x[k] for name, x in program.arguments.items()}
            for s in program.statements:
                space[s.target] = eval(s.expression, space)
            spaces.append(space)
    return spaces


def renamed(text: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![\w\"]){re.escape(old)}(?!\w)", new, text)


def smaller(program: Program):
    """Programs that are a step smaller, the boldest first."""
    targets = [s.target for s in program.statements]
    parts = re.split(r" \+ (?=[^\W\d]+[\w.]*\()", program.result)
    for i, s in enumerate(program.statements):
        for end in (f"np.sum({s.target})", f"np.sum({s.target} * {s.target})"):
            if program.result != end:
                yield replace(program, statements=program.statements[: i + 1], result=end)
    if len(parts) > 1:
        for part in parts:
            yield replace(program, result=part)
    spaces = values_of(program)
    for i in reversed(range(len(program.statements))):
        s = program.statements[i]
        rest = program.statements[:i] + program.statements[i + 1 :]
        values = [space[s.target] for space in spaces]
        x = np.asarray(values[0])
        if (
            x.dtype.kind == "f" and len({np.shape(v) for v in values}) == 1
        ):  # an argument in its place, or a value that is there already
            values = [np.array(v)[()] for v in values]
            yield replace(program, statements=rest, arguments=program.arguments | {s.target: values},
                          roles=program.roles | {s.target: "tensor"})  # fmt: skip
        for other in [*program.arguments, *targets[:i]]:
            y = np.asarray(spaces[0][other])
            if y.shape == x.shape and y.dtype == x.dtype:
                statements = tuple(replace(t, expression=renamed(t.expression, s.target, other)) for t in rest)
                yield replace(program, statements=statements, result=renamed(program.result, s.target, other))
        plainer = re.sub(r'^named\((.*), "[^"]*"\)$', r"\1", s.expression)
        plainer = re.sub(r'^within\("[^"]*", lambda: (.*)\)$', r"\1", plainer)
        if plainer != s.expression:
            changed = replace(s, expression=plainer)
            yield replace(program, statements=(*program.statements[:i], changed, *program.statements[i + 1 :]))
    if program.called:
        yield replace(program, called=())
    for name, role in program.roles.items():
        if role in ("outside", "array", "number"):
            yield replace(program, roles=program.roles | {name: "tensor"})
        for other in program.arguments:
            a, b = program.arguments[name], program.arguments[other]
            if (
                other < name
                and np.shape(a[0]) == np.shape(b[0])
                and getattr(a[0], "dtype", 0) == getattr(b[0], "dtype", 0)
            ):
                statements = tuple(
                    replace(t, expression=renamed(t.expression, name, other)) for t in program.statements
                )
                yield replace(program, statements=statements, result=renamed(program.result, name, other))
    for name, values in program.arguments.items():
        if program.roles[name] == "tensor" and not re.fullmatch(r"x\d+", name):
            continue
        if np.size(values[0]) > 1 and np.asarray(values[0]).dtype == np.float32:
            yield replace(program, arguments=program.arguments | {name: [v.astype(float) for v in values]})


def size(program: Program) -> tuple:
    plain = sum(role != "tensor" for role in program.roles.values())
    return (len(program.statements), len(program.text()) + 5 * len(program.arguments) + 3 * plain + len(program.called))


def shrink(program: Program, outcome: Outcome, seconds: float = 6.0) -> tuple[Program, Outcome]:
    """The smallest program found that still fails like this, and how it fails."""
    wanted, end = kind_of(outcome), time.monotonic() + seconds
    better = True
    while better and time.monotonic() < end:
        better = False
        for candidate in smaller(program):
            try:
                candidate = candidate.without_dead_code()
            except Exception:
                continue
            if size(candidate) >= size(program) or not candidate.differentiated:
                continue
            found = fails_like(candidate, wanted)
            if found is not None:
                program, outcome, better = candidate, found, True
                break
            if time.monotonic() > end:
                break
    return program, outcome
