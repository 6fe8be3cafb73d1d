"""A `graphviz.Digraph` that renders itself with whatever is installed. It is imported only when something is drawn."""

from __future__ import annotations

import re
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import graphviz

from autograd.readings.display import MOST, capped

ADVICE = (
    "drawing needs Graphviz: install its program dot (graphviz in the system's packages), or the Python package"
    " pygraphviz with pip install 'handgrad[draw]' (in a checkout: pip install '.[draw]'); the drawing's .source is the"
    " DOT text, which any Graphviz renders"
)

CELL = 540  # points that a cell of a notebook is wide at least
_renderings = count(1)  # in a notebook, whose pictures share one page


class Drawing(graphviz.Digraph):
    """A `graphviz.Digraph` that renders with the program dot if there is one, else with pygraphviz."""

    def _with_pygraphviz(self, format: str) -> bytes:
        try:
            import pygraphviz
        except ImportError:
            raise RuntimeError(ADVICE) from None
        rendered: bytes = pygraphviz.AGraph(string=self.source).draw(format=format, prog="dot")
        return rendered

    def pipe(self, format: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """Return the rendered picture as bytes, or as text where `encoding` is given."""
        if shutil.which("dot"):
            return super().pipe(format, *args, **kwargs)
        rendered = self._with_pygraphviz(format or self.format)
        return rendered.decode(kwargs["encoding"]) if kwargs.get("encoding") else rendered

    def render(
        self, filename: Any = None, directory: Any = None, view: bool = False, cleanup: bool = False,
        format: str | None = None, *, outfile: Any = None, **kwargs: Any,
    ) -> str:  # fmt: skip
        """Write the DOT text to `filename` and the picture beside it, or to `outfile`; return the picture's path."""
        if shutil.which("dot"):
            return str(
                super().render(
                    filename, directory=directory, view=view, cleanup=cleanup, format=format, outfile=outfile, **kwargs
                )
            )
        rendered = self._with_pygraphviz(format or (Path(outfile).suffix[1:] if outfile else "") or self.format)
        if outfile:
            picture = Path(outfile)
            source = picture.with_suffix(".gv")
        else:
            source = Path(directory or self.directory or "", filename or self.filename)
            picture = source.with_name(f"{source.name}.{format or self.format}")
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(rendered)
        if not cleanup:
            source.write_text(self.source, "utf-8")
        if view:
            graphviz.view(str(picture))
        return str(picture)

    def __repr__(self) -> str:
        values = len(re.findall(r"shape=box", self.source))
        return (
            f"<a drawing of {values} boxes: a notebook shows it where it is trusted or the cell is run anew,"
            " .render(outfile='picture.svg') writes it, and .source is its text>"
        )

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, str]:
        """Return what a notebook shows: the picture, no wider than the cell, and what to do where it cannot be seen.

        Pictures of a notebook share one page, so each rendering has ids of its own. A picture of more than 256 kB is
        left out. Where there is nothing to render it, the DOT text is shown.
        """
        source = capped(self.source, "print(drawing.source) shows all of it")
        try:
            picture = self.pipe("svg", encoding="utf-8")
        except RuntimeError:  # neither dot nor pygraphviz is there
            return {"text/plain": source}
        picture = re.sub(r"<!--.*?-->\n?", "", picture, flags=re.DOTALL)
        size = len(picture.encode())
        if size > MOST:
            return {
                "text/plain": f"The picture is left out: it has {size:,} bytes, and a notebook keeps each."
                " draw(…, depth=…) shows less, .render(outfile='picture.svg') writes it to a file. Its DOT text:\n"
                + source
            }
        svg = re.sub(r'\bid="', f'id="drawing{next(_renderings)}-', picture)
        return {"image/svg+xml": _fitting(svg), "text/plain": repr(self)}


def _fitting(svg: str) -> str:
    """Make the picture no wider than the cell. JupyterLab shows it as an image of its own width, whatever its style
    says, so a wide one takes all the room there is, up to its own width."""
    found = re.search(r'<svg width="(\d+)pt" height="\d+pt"', svg)
    if found and int(found[1]) > CELL:
        return svg.replace(found[0], f'<svg width="100%" style="max-width: {found[1]}pt"', 1)
    return svg.replace("<svg ", '<svg style="max-width: 100%; height: auto" ', 1)


def label(*lines: str) -> str:
    """Write the lines as a label, whatever is in them: characters that no picture can show stand as Python writes them.

    >>> print(label("w1", chr(0) + "<b>"))
    w1\\n\\\\x00<b>
    """
    printable = ["".join([c if c.isprintable() else repr(c)[1:-1] for c in line]) for line in lines]
    text: str = graphviz.nohtml("\\n".join(map(graphviz.escape, printable)))
    return text
