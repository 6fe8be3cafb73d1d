"""Prints C for this machine: products of matrices in blocks, and sums that may be added up in any order.

A product reads each element of its operands many times. So several of its elements are computed at once, from what was
read once. Shapes are known, and the blocks divide them. `CPrinter` prints all other loops.
"""

from __future__ import annotations

from dataclasses import dataclass

from autograd.readings.blas import blas
from autograd.readings.c import CPrinter
from autograd.readings.elements import Expr, Index, Nest, Part, Var, indices_in
from autograd.readings.names import unique_name
from autograd.readings.printer import OPERATORS

BLOCKS = ((2, 5), (5, 2), (2, 4), (4, 2), (2, 3), (3, 2), (1, 5), (5, 1), (1, 4), (4, 1), (2, 2), (1, 3), (3, 1),
          (1, 2), (2, 1))  # fmt: skip
# From how many products of numbers on BLAS is faster: where both operands lie along k, and where b is along the column.
# With AVX-512 OpenBLAS multiplies small matrices as they are; elsewhere it copies them first.
AS_THEY_ARE = ("SkylakeX", "Cooperlake", "SapphireRapids")
LARGE, LARGE_COPIED = (100_000, 400_000), (100_000, 200_000)
USES = 12  # of an element of either operand, on average, from which on it pays to copy them
# What glibc has for several elements at a time; its own header says so to -ffast-math alone.
VECTORS = """#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#pragma omp declare simd notinbranch
float expf(float);
#pragma omp declare simd notinbranch
double exp(double);
#pragma omp declare simd notinbranch
float logf(float);
#pragma omp declare simd notinbranch
double log(double);
#endif
"""
# GCC 12 computes wrongly where one of two arrays is read backwards and there is a choice: it reads both forwards.
NO_MASKS = """#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize ("no-tree-loop-if-convert")
#endif
"""
PLAIN = frozenset({*OPERATORS, "load", "number", "cast", "negative", "where", "name", "reduce", "index"})


@dataclass
class Product:
    """A sum over k of a[…, k] b[…, k], and what is made of each sum.

    row, column  the loop that only a depends on, if there is one; and the loop that only b depends on, whose neighbours
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
    """Return the product that a nest computes; None if it is not one, or its indices are not sums of multiples."""
    sums = {id(x): x for x in _parts(nest.store.value) if x.op == "reduce"}
    if len(sums) != 1 or nest.scan or nest.store.adds:
        return None
    (found,) = sums.values()
    kind, loops, body = found.args
    if any(var.n == 0 for var in loops):
        return None
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
    """List an expression and everything in it."""
    found, queue = {id(x): x}, [x]
    for one in queue:
        for part in one.parts:
            if id(part) not in found:
                found[id(part)] = part
                queue.append(part)
    return queue


class FastPrinter(CPrinter):
    def __init__(self, taken: set[str]):
        super().__init__(taken)
        found = blas()
        self.blas = found.integer if found else ""  # the type of its whole numbers, where there is one to call
        self.copies = found is not None and found.core not in AS_THEY_ARE
        self.taken |= {"sgemm", "dgemm"}
        self.called_blas: set[str] = set()
        self.backwards = False

    def declarations(self) -> list[str]:
        """What is written above the function: functions of several elements, and the products of BLAS."""
        lines, n = [VECTORS, *([NO_MASKS] if self.backwards else [])], self.blas
        for name, kind in (("sgemm", "float"), ("dgemm", "double")):
            if name in self.called_blas:
                arrays = f"{kind}, const {kind} *, {n}, const {kind} *, {n}, {kind}, {kind} *, {n}"
                lines.append(f"void (*{name})(int, int, int, {n}, {n}, {n}, {arrays});  // BLAS's, filled in\n")
        return lines

    def before_sum(self, name: str) -> str:
        return f"#pragma omp simd reduction(+ : {name})\n"

    def loops(self, nest: Nest) -> None:
        factors = [factor for index in indices_in([nest.store.value]) for factor in index.terms.values()]
        self.backwards |= min(factors, default=0) < 0
        product = product_of(nest)
        if product is None:
            super().loops(nest)
            return
        to, value = nest.store, _bare(nest.store.value)
        takes = to.array.dtype == product.sum.dtype and to.array.shape != ()
        reads = any(x.op == "load" and x.args[0].name == to.array.name for x in _parts(value))
        scaled = _scaled(nest, product)
        by_blas = takes and (scaled or not reads) and self._large(nest, product)
        # A call is vectorised in a loop of its own: until then the sums stand where the result will.
        later = value is not product.sum and not reads and takes and (by_blas or _calls(value)) and not scaled
        if by_blas:
            self._by_blas(nest, product, scaled)
        elif product.along and _calls(value) and not later:
            super().loops(nest)
        elif product.along:
            self._rows_by_columns(nest, product, later)
        else:
            self._rows_by_rows(nest, product, later)
        if later:
            while len(self.levels) > 1:
                self._close()
            for var in nest.loops:
                if var.n > 1:
                    self._open(var)
            self.bound = {id(product.sum): f"{to.array.name}[{self.index(to.index)}]"}
            self._write(nest, self.text(to.value))

    def _rows_by_rows(self, nest: Nest, product: Product, bare: bool) -> None:
        """Multiply where both operands lie along k: several elements at a time, each summed in a loop over
        neighbours."""
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
                self._finish(nest, product, names[r][c], bare)

    def _rows_by_columns(self, nest: Nest, product: Product, bare: bool) -> None:
        """Multiply where the second operand lies along the column, as the result does: a vector of each of several rows
        at a time."""
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
            self._finish(nest, product, names[r], bare)

    def _large(self, nest: Nest, product: Product) -> bool:
        """Say whether there is a BLAS that takes less time and can be told what to do."""
        row, column, k, to = product.row, product.column, product.k, nest.store
        large = LARGE_COPIED if self.copies else LARGE
        if not self.blas or row is None or row.n * column.n * k.n < large[product.along]:
            return False
        if self.copies and not product.along and row.n * column.n < USES * (row.n + column.n):
            return False
        same = product.a.dtype == product.b.dtype == product.sum.dtype and product.sum.dtype.char in "fd"
        operands = ((product.a.args[1], row), (product.b.args[1], column))
        laid_out = all(_lies(index, var, k) or _lies(index, k, var) for index, var in operands)
        return same and laid_out and _lies(to.index, row, column)

    def _by_blas(self, nest: Nest, product: Product, scaled: tuple[str, Expr | None] | None) -> None:
        """Call BLAS, which adds to the result what is `scaled`, or writes it there."""
        row, column, k, to = product.row, product.column, product.k, nest.store
        assert row is not None
        for var in nest.loops:
            if var.n > 1 and var not in (row, column):
                self._open(var)
        places, strides = [], []
        for array, index in (product.a.args, product.b.args, (to.array, to.index)):
            rest = Index({v: f for v, f in index.terms.items() if v not in (row, column, k)}, index.const)
            places.append(f"{array.name} + {self.index(rest)}".removesuffix(" + 0"))
            strides.append(max(f for v, f in index.terms.items() if v in (row, column, k)))
        one, zero = (self.number(n, product.sum.dtype) for n in (1, 0))
        sign, factor = scaled or ("", None)
        alpha = f"{sign}{one if factor is None else self.part(factor, 15)}"
        transposed = [112 - (x.args[1].terms[var] == 1) for x, var in ((product.a, k), (product.b, column))]
        name = "sgemm" if product.sum.dtype.char == "f" else "dgemm"
        self.called_blas.add(name)
        self._add(
            f"{name}(101, {transposed[0]}, {transposed[1]}, {row.n}, {column.n}, {k.n}, {alpha}, {places[0]},"
            f" {strides[0]}, {places[1]}, {strides[1]}, {one if scaled else zero}, {places[2]}, {strides[2]});"
        )

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
        name = unique_name(wish, self.local)
        self.local.add(name)
        return name

    def _shift(self, var: Var | None, by: int) -> None:
        """Let the variable of a loop stand for one that is so many steps further on."""
        if var is not None:
            name = self._at.setdefault(var, self.names[var])
            self.names[var] = f"({name} + {by})" if by else name

    def _finish(self, nest: Nest, product: Product, name: str, bare: bool) -> None:
        """Write what is made of a sum, in a block of its own; or the sum itself."""
        if bare or _bare(nest.store.value) is product.sum:
            self._write(nest, name)
            return
        block: list[object] = []
        levels, local, bound = self.levels, self.local.copy(), self.bound
        self._add(("", block))
        self.levels, self.bound = [(None, block)], {id(product.sum): name}
        self._write(nest, self.text(nest.store.value))
        self.levels, self.local, self.bound = levels, local, bound


def _bare(x: Expr) -> Expr:
    """Return an expression without its name."""
    while x.op == "name":
        x = x.args[1]
    return x


def _scaled(nest: Nest, product: Product) -> tuple[str, Expr | None] | None:
    """Return the sign and the factor with which a nest adds the product to what is there; None for anything else."""
    to, value = nest.store, _bare(nest.store.value)
    if value.op not in ("add", "subtract"):
        return None
    first, second = (_bare(x) for x in value.args)
    if first.op != "load" or first.args[0].name != to.array.name or first.args[1].key != to.index.key:
        return None
    sign = "-" if value.op == "subtract" else ""
    if second is product.sum:
        return sign, None
    if second.op == "multiply":
        by = [x for x in map(_bare, second.args) if x is not product.sum]
        if len(by) == 1 and not by[0].vars and by[0].op in ("load", "number") and by[0].dtype == product.sum.dtype:
            return sign, by[0]
    return None


def _lies(index: Index, row: Var, column: Var) -> bool:
    """Say whether rows lie one after the other without overlap, as BLAS takes a matrix."""
    return bool(index.terms.get(column) == 1 and index.terms.get(row, 0) >= column.n)


def _divides(n: int, var: Var | None) -> bool:
    return n == 1 if var is None else var.n % n == 0


def _calls(value: Expr) -> bool:
    """Say whether an expression calls a function: a loop with a call takes one element at a time, unless the call is
    alone."""
    return any(x.op not in PLAIN for x in _parts(value))
