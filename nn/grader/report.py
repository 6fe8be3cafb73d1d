"""The report on a learner's file: a mark for each parameter, and what is wrong."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

TOLERANCE = 1e-5  # for right: what single precision leaves of a gradient, relative to its largest element


@dataclass
class Mark:
    """The mark of one parameter.

    learner, engine   the two gradients at the engine's largest element
    from_engine, from_differences
                      how far the learner's gradient is from the engine's and from finite differences: the largest
                      difference on any network, relative to the largest element
    """

    name: str
    shape: tuple[int, ...]
    learner: float
    engine: float
    from_engine: float
    from_differences: float

    @property
    def passed(self) -> bool:
        return self.from_engine <= TOLERANCE and self.from_differences <= 10 * TOLERANCE


@dataclass(repr=False)
class Report:
    """The verdict on a file. `exit_code` is 0 if it is right, 1 if it is wrong, 2 if it could not be judged."""

    exit_code: int
    headline: str
    rows: list[Mark] = field(default_factory=list)
    where: str = ""  # from which layer on it goes wrong
    slips: list[str] = field(default_factory=list)  # the likely ones: together they reproduce the learner's numbers
    notes: list[str] = field(default_factory=list)
    printed: str = ""  # what the file printed, cut
    hint: bool = False  # whether to say which equation is wrong, but not what is wrong in it

    def __str__(self) -> str:
        lines = [self.headline]
        if self.rows:
            lines += [
                "",
                f"{'':18}{'the largest element':^27}{'largest relative difference from':^36}".rstrip(),
                f"{'':9}{'shape':9}{'learner':>13} {'engine':>13}{'the engine':>15}{'finite differences':>21}",
            ]
        for row in self.rows:
            shape = " x ".join(map(str, row.shape))
            lines.append(f"dC/d{row.name:5}{shape:9}{row.learner:13.6e} {row.engine:13.6e}{row.from_engine:15.1e}"
                         f"{row.from_differences:21.1e}  {'pass' if row.passed else 'WRONG'}")  # fmt: skip
        lines += ["", _wrapped(self.where)] if self.where else []
        if self.slips:
            lines += ["", "Look at this again:" if self.hint else "Likely, since it reproduces these numbers:"]
            for slip in self.slips:
                text, *equation = slip.split("\n")
                if self.hint:
                    text, equation = text.partition(": ")[0], equation[:1]
                lines += [_wrapped(text, "- "), *(f"      {line}" for line in equation)]
        for note in self.notes:
            text, _, quoted = note.partition("\n")
            lines += ["", _wrapped(text), *([quoted] if quoted else [])]
        if self.printed:
            lines += ["", "It printed:", *(f"    {line}" for line in self.printed.splitlines())]
        return "\n".join(lines)

    __repr__ = __str__


def _wrapped(text: str, first: str = "") -> str:
    return textwrap.fill(text, 110, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False)
