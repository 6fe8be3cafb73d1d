"""C for this machine: products of matrices in blocks, and sums that may be added up in any order.

A product reads each element of its operands many times. Several of its elements are computed at once, so that what was
read serves for all of them; shapes are known, and so the blocks divide them. Other loops are those of `CPrinter`.
"""

from __future__ import annotations

from dataclasses import dataclass

from autograd.readings.c import CPrinter
from autograd.readings.elements import Expr, Index, Nest, Part, Var
from autograd.readings.names import unique
from autograd.readings.printer import OPERATORS

BLOCKS = ((2, 5), (5, 2), (2, 4), (4, 2), (2, 3), (3, 2), (1, 5), (5, 1), (1, 4), (4, 1), (2, 2), (1, 3), (3, 1),
          (1, 2), (2, 1))  # fmt: skip
PLAIN = frozenset({*OPERATORS, "load", "number", "cast", "negative", "where", "name", "reduce", "index"})


@dataclass
class Product:
    """A sum over k of a[…, k] b[…, k], and what is made of each.

    row, column  the loop that a alone depends on, if there is one; and the loop that b alone does, whose neighbours
                 are written to neighbours
    along        whether neighbours of b are along the column; else those of both operands are along k
    """

    sum: Expr
    a: Expr
    b: Expr
    row: Var | None
    column: Var
    k: Var
    along: bool


def product_of(nest: Nest) -> Product | None:
    """The product that a nest computes; None where it is none, or has indices that are no sums of multiples."""
    sums = {id(x): x for x in _parts(nest.store.value) if x.op == "reduce"}
    if len(sums) != 1 or nest.scan or nest.store.adds:
        return None
    (found,) = sums.values()
    kind, loops, body = found.args
    loops = [var for var in loops if var.n > 1]
    if kind != "sum" or len(loops) != 1 or body.op != "multiply" or any(x.op != "load" for x in body.args):
        return None
    operands: list[Index] = [x.args[1] for x in body.args]
    if any(isinstance(atom, Part) for index in [nest.store.index, *operands] for atom in index.terms):
        return None
    (k,) = loops
    columns = [var for var in nest.loops if nest.store.index.terms.get(var) == 1 and var.n > 1]
    if len(columns) != 1 or any(k not in index.terms for index in operands):
        return None
    (column,) = columns
    of = [column in index.terms for index in operands]
    if sum(of) != 1:
        return None
    a, b = body.args if of[1] else (body.args[1], body.args[0])
    rows = [var for var in nest.loops if var.n > 1 and var in a.args[1].terms and var not in b.args[1].terms]
    along = b.args[1].terms[column] == 1
    if not along and not a.args[1].terms[k] == b.args[1].terms[k] == 1:
        return None
    return Product(found, a, b, rows[-1] if rows else None, column, k, along)


def _parts(x: Expr) -> list[Expr]:
    """An expression, and all that is in it."""
    found, queue = {id(x): x}, [x]
    for one in queue:
        for part in one.parts:
            if id(part) not in found:
                found[id(part)] = part
                queue.append(part)
    return queue


class FastPrinter(CPrinter):
    def before_sum(self, name: str) -> str:
        return f"#pragma omp simd reduction(+ : {name})\n"

    def loops(self, nest: Nest) -> None:
        product = product_of(nest)
        if product is None:
            super().loops(nest)
        elif not product.along:
            self._rows_by_rows(nest, product)
        elif _calls(nest, product):
            super().loops(nest)
        else:
            self._rows_by_columns(nest, product)

    def _rows_by_rows(self, nest: Nest, product: Product) -> None:
        """Both operands lie along k: several elements at a time, each the sum of a loop over neighbours."""
        height, width = next(
            ((n, m) for n, m in BLOCKS if _divides(n, product.row) and product.column.n % m == 0), (1, 1)
        )
        self._open_around(nest, product, height)
        self._open(product.column, "", width)
        names = [[self._new(f"sum{r}{c}") for c in range(width)] for r in range(height)]
        self._start(product, [name for row in names for name in row])
        self._open(product.k, self.before_sum(", ".join(name for row in names for name in row)))
        kind = self.constant(product.sum.dtype)
        left, right = [self._new(f"a{r}") for r in range(height)], [self._new(f"b{c}") for c in range(width)]
        for c in range(width):
            self._shift(product.column, c)
            self._add(f"{kind} {right[c]} = {self.text(product.b)};")
        self._shift(product.column, 0)
        for r in range(height):
            self._shift(product.row, r)
            self._add(f"{kind} {left[r]} = {self.text(product.a)};")
        self._shift(product.row, 0)
        for r in range(height):
            for c in range(width):
                self._add(f"{names[r][c]} += {left[r]} * {right[c]};")
        self._close()
        for r in range(height):
            for c in range(width):
                self._shift(product.row, r)
                self._shift(product.column, c)
                self._finish(nest, product, names[r][c])

    def _rows_by_columns(self, nest: Nest, product: Product) -> None:
        """The second operand lies along the column, as the result does: a vector of each of several rows at a time."""
        height = next((n for n in (5, 4, 3, 2) if _divides(n, product.row)), 1)
        self._open_around(nest, product, height)
        self._open(product.column, "#pragma omp simd\n")
        names, right = [self._new(f"sum{r}") for r in range(height)], self._new("b")
        self._start(product, names)
        self._open(product.k)
        self._add(f"{self.constant(product.sum.dtype)} {right} = {self.text(product.b)};")
        for r in range(height):
            self._shift(product.row, r)
            self._add(f"{names[r]} += {self.part(product.a, 12)} * {right};")
        self._shift(product.row, 0)
        self._close()
        for r in range(height):
            self._shift(product.row, r)
            self._finish(nest, product, names[r])

    def _open_around(self, nest: Nest, product: Product, height: int) -> None:
        for var in nest.loops:
            if var.n > 1 and var not in (product.row, product.column):
                self._open(var)
        if product.row is not None:
            self._open(product.row, "", height)
        self._at = {var: self.names[var] for var in nest.loops if var in self.names}

    def _start(self, product: Product, names: list[str]) -> None:
        dtype = product.sum.dtype
        zero = self.start("sum", dtype)
        self._add(f"{self.variable(dtype)} {', '.join(f'{name} = {zero}' for name in names)};")

    def _new(self, wish: str) -> str:
        name = unique(wish, self.local)
        self.local.add(name)
        return name

    def _shift(self, var: Var | None, by: int) -> None:
        """Let a loop's variable stand for one so many further on."""
        if var is not None:
            name = self._at.setdefault(var, self.names[var])
            self.names[var] = f"({name} + {by})" if by else name

    def _finish(self, nest: Nest, product: Product, name: str) -> None:
        """Write what is made of a sum, in a block of its own."""
        block: list[object] = []
        levels, local, bound = self.levels, set(self.local), self.bound
        self._add(("", block))
        self.levels, self.bound = [(None, block)], {id(product.sum): name}
        self._write(nest, self.text(nest.store.value))
        self.levels, self.local, self.bound = levels, local, bound


def _divides(n: int, var: Var | None) -> bool:
    return n == 1 if var is None else var.n % n == 0


def _calls(nest: Nest, product: Product) -> bool:
    """Whether what is made of a sum calls a function: a loop with a call takes one element at a time."""
    return any(x.op not in PLAIN for x in _parts(nest.store.value))
