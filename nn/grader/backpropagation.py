"""Derives the cost of a network, with the slips that go through its layers, such as sigma' of another layer.

`autograd.readings.slips` changes a derivation in one place, and does not know which lines are the layers of a network.
Here the same is done in every layer, in the hidden ones, or in the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from autograd.readings.algebra import ONE, Atom, Sum, Term, times
from autograd.readings.changes import atoms, one, replaced
from autograd.readings.derivation import Slip
from autograd.readings.equations import Equation
from autograd.readings.slips import slips
from nn.grader.layered import KNOWN, Change, Layered


def _product(*xs: Atom) -> Sum:
    return (Term(ONE, tuple([(x, 1) for x in xs])),)


class Backpropagation(Layered):
    """The slips that go through the layers of a network, in the book's words."""

    def slips(self, inputs: Mapping[str, Any]) -> Iterator[Slip]:
        """Yield the slips of layers first, and then every change in one place; `likely` leaves out the others."""
        self.inputs = inputs
        if not (self.likely and self.changed):
            yield from self._of_layers()
        if not self.likely:
            yield from slips(self, inputs)

    def _primes(self) -> Iterator[tuple[str, Callable[[int], Sum | None]]]:
        """List what may stand in place of sigma'(z^l), in words."""

        def of(make: Callable[[Atom], Sum], letter: str, shift: int = 0) -> Callable[[int], Sum | None]:
            def new(layer: int) -> Sum | None:
                x = self._symbol(letter, layer + shift)
                return None if x is None or x.shape != self.named[f"delta{layer}"].shape else make(x)

            return new

        def less(x: Atom, n: int = 1) -> Sum:
            return (Term(ONE, ()), Term(-ONE, ((x, n),)))

        def call(x: Atom, name: str = "sigmoid") -> Atom:
            return Atom("call", name, (one(x),), x.shape)

        def logistic(x: Atom) -> Sum:
            return _product(x, Atom("group", "", (less(x),), x.shape))

        def tanh(x: Atom) -> Sum:
            return less(x, 2)

        own = tanh if self.activation == "tanh" else logistic
        yield "sigma' is missing", lambda layer: ()
        if self.activation in ("sigmoid", "tanh"):
            yield (
                "sigma' is taken at the activation a in place of the weighted input z, sigma'(a) for sigma'(z)",
                of(lambda x: own(call(x, self.activation)), "a"),
            )
            yield (
                "sigma' is written in terms of a, but is given z: it is z (1 - z)" if own is logistic else
                "tanh' is written in terms of a, but is given z: it is 1 - z^2", of(own, "z"),
            )  # fmt: skip
            yield "sigma' is taken at the z of the layer before, one layer off", of(own, "a", -1)
            yield "sigma' is taken at the z of the layer after, one layer off", of(own, "a", 1)
        yield "sigma(z), the activation, stands in place of sigma'(z)", of(one, "a")
        yield "1 - a stands in place of sigma'(z) = a (1 - a)", of(less, "a")
        yield "z stands in place of sigma'(z)", of(one, "z")
        yield "a^2 stands in place of sigma'(z)", of(lambda x: (Term(ONE, ((x, 2),)),), "a")
        if self.activation == "relu":
            below = of(lambda x: one(Atom("indicator", "<", (one(x), ()), x.shape)), "z")
            yield "relu' is 1 for z < 0, in place of z > 0", below
        if self.activation == "sigmoid":
            plus = of(lambda x: (Term(ONE, ((x, 1),)), Term(ONE, ((x, 2),))), "a")
            yield "sigma' is a (1 + a), in place of a (1 - a)", plus
            minus = of(lambda x: (Term(ONE, ((x, 2),)), Term(-ONE, ((x, 1),))), "a")
            yield "sigma' has the wrong sign, -a (1 - a)", minus
        else:
            yield "the derivative is that of the sigmoid, sigma'(z)", of(lambda x: logistic(call(x)), "z")
        if self.activation != "tanh":
            yield "sigma' is that of tanh, 1 - a^2", of(tanh, "a")
        if self.activation != "sigmoid":
            yield "the derivative of the activation is that of the sigmoid, a (1 - a)", of(logistic, "a")

    def _of_layers(self) -> Iterator[Slip]:
        last = self.layers
        every, hidden = list(range(last, 0, -1)), list(range(last - 1, 0, -1))
        places = [(hidden, "in the hidden layers"), ([last], "in the output layer"), (every, "in every layer")]
        for what, new in self._primes():
            for layers, where in places:
                if layers == [last] and "wrong sign" in what:
                    continue  # that is y - a in place of a - y
                known = f"{what}, {where}"
                if layers == [last] and what == "sigma' is missing" and self.cost == "quadratic":
                    known = f"{known}: a - y is the error of the cross-entropy, the other cost"
                yield from self._slip(known, "delta", self._prime(new), layers, part=self._written_prime)
        yield from self._of_the_output()
        yield from self._through(hidden)
        yield from self._of_parameters(every)
        yield from self._forward(every, hidden)

    def _through(self, hidden: list[int]) -> Iterator[Slip]:
        """List what may stand in BP2 in place of the weights of the next layer, or of its error."""
        last = self.layers
        for what, old, new, place in (
            ("the gradient of the next layer, nabla_w^(l+1), stands in place of its weights w^(l+1)",
             ("w", 1), ("dw", 1), 0),
            ("the weights are one layer off: w^l in place of w^(l+1)", ("w", 1), ("w", 0), 0),
            ("the weights are one layer off: w^(l+2) in place of w^(l+1)", ("w", 1), ("w", 2), 0),
            ("the weights are one layer off: those of the output layer, always, in place of w^(l+1)",
             ("w", 1), ("w", 0), last),
            ("the error is that of the output layer, delta^L, in place of delta^(l+1)",
             ("delta", 1), ("delta", 0), last),
        ):  # fmt: skip
            change, written = self._in_place_of("delta", old, new, place), self._written(*old)
            yield from self._slip(what, "delta", change, hidden, part=written)

            def both(layer: int, change: Change = change, old: Any = old, new: Any = new, place: int = place) -> Any:
                right = self._prime(lambda _: ())(layer)
                before, after = self._symbol(old[0], layer + old[1]), self._symbol(new[0], place or layer + new[1])
                return replaced(right, before, one(after)) if right and before and after else None

            yield from self._slip(f"{what}, and sigma' is missing", "delta", both, hidden)
        yield from self._slip("the weights w^(l+1) have the wrong sign", "delta", self._turned, hidden)

    def _turned(self, layer: int) -> Sum:
        return tuple([Term(-term.coefficient, term.factors) for term in self._right(f"delta{layer}")])

    def _of_the_output(self) -> Iterator[Slip]:
        """List slips of BP1: the cost derivative, and factors that go through everything."""
        last, sizes, n = self.layers, self.inputs["x"].shape, 1
        if len(sizes) == 2:
            n = sizes[0]
        line = self.named[f"delta{last}"]
        by: list[tuple[str, Fraction]] = [
            ("the sign is turned round: y - a in place of a - y", Fraction(-1)),
            ("there is a factor 2 too much, as from a cost without its 1/2", Fraction(2)),
            ("there is a factor 1/2 too much", Fraction(1, 2)),
            ("there is a factor -2: the sign is turned round, and the 1/2 of the cost is left out", Fraction(-2)),
        ]
        if n > 1:
            by += [("the division by the n examples, 1/n, is missing: the sum over the mini-batch, not its mean",
                    Fraction(n)),
                   ("there is a division by the n examples, 1/n, once too often", Fraction(1, n))]  # fmt: skip
        by += [("there is a division by the number of outputs: the mean over the output neurons, not their sum",
                Fraction(1, line.shape[-1])),
               ("there is a division by the number of inputs, as by len(x) where x is a column",
                Fraction(1, sizes[-1]))]  # fmt: skip
        for what, factor in by:

            def scaled(layer: int, factor: Fraction = factor) -> Sum:
                return tuple([Term(times(term.coefficient, factor), term.factors) for term in self._right(line.name)])

            if factor != 1:
                yield from self._slip(what, "delta", scaled, [last])
        yield from self._of_another_cost()

    def _of_another_cost(self) -> Iterator[Slip]:
        """Use the error of another cost in the output layer."""
        last, right = self.layers, self._right(f"delta{self.layers}")
        a, z, shape = self._symbol("a", last), self._symbol("z", last), self.named[f"delta{last}"].shape
        if a is None or z is None:
            return
        less = Atom("group", "", ((Term(ONE, ()), Term(-ONE, ((a, 1),))),), shape)
        quadratic = len(right) == 1 and bool(self._prime_factors(right, last))
        whole = () if quadratic else ((Atom("group", "", (right,), shape), 1),)

        def times_factors(*factors: tuple[Atom, int]) -> Change:
            def change(layer: int) -> Sum:
                rest = self._prime(lambda _: ())(layer) if quadratic else None
                coefficient, own = (rest[0].coefficient, rest[0].factors) if rest else (ONE, whole)
                return (Term(coefficient, (*own, *factors)),)

            return change

        by_a = "the error is dC/da = (a - y) / (a (1 - a)), that of the cross-entropy, and sigma' is missing"
        yield from self._slip(by_a, "delta", times_factors((a, -1), (less, -1)), [last])
        y = self._symbol_of("y")
        if quadratic and y is not None:
            error = (Term(ONE, ((a, 1),)), Term(-ONE, ((y, 1),)))
            rest = (Term(ONE, ()), *[Term(-term.coefficient, term.factors) for term in error])
            changed_in_place = [(Atom("group", "", (x,), shape), 1) for x in (error, rest)]
            aliased = "a^L is changed in place, as by delta = a[-1]; delta -= y: sigma' is then taken at a - y"
            yield from self._slip(aliased, "delta", times_factors(*changed_in_place), [last], part=self._written_prime)
        if quadratic:
            soft = Atom("call", "softmax", (one(z),), shape)
            without = self._prime(lambda _: ())(last)
            if without:
                changed = ((self.named[f"delta{last}"], without),)
                yield Slip(self.named[f"a{last}"], "", "the output layer is a softmax, and the error that of the"
                           " log-likelihood, the other cost", one(soft), changed, KNOWN)  # fmt: skip
        else:
            other = "sigma' is multiplied in, which cancels for this cost: it is the error of the quadratic cost"
            yield from self._slip(other, "delta", times_factors((a, 1), (less, 1)), [last])

    def _of_parameters(self, every: list[int]) -> Iterator[Slip]:
        for what, old, new in (
            ("the weighted input z^(l-1) stands in place of the activation a^(l-1)", ("a", -1), ("z", -1)),
            ("the activation is one layer off: a^l in place of a^(l-1)", ("a", -1), ("a", 0)),
            ("the activation is one layer off: a^(l-2) in place of a^(l-1)", ("a", -1), ("a", -2)),
            ("the error is one layer off: delta^(l+1) in place of delta^l", ("delta", 0), ("delta", 1)),
        ):  # fmt: skip
            for layers in (every, every[1:]):
                yield from self._slip(
                    what, "dw", self._in_place_of("dw", old, new, 0), layers, part=self._written(*old)
                )
        turned = "a transpose is wrong: the outer product is a^(l-1) delta^l, the wrong way round"
        for layers in (every, every[1:]):
            yield from self._slip(turned, "dw", self._transposed, layers)
        off = self._in_place_of("db", ("delta", 0), ("delta", 1), 0)
        yield from self._slip("it is one layer off: delta^(l+1) in place of delta^l", "db", off, every)
        if all((x := self._symbol("a", layer - 1)) and x.shape == self.inputs["x"].shape for layer in every):
            at_input = self._in_place_of("dw", ("a", -1), ("a", -self.layers), 0)
            yield from self._slip("the input x stands in place of the activation a^(l-1)", "dw", at_input, every)

        def before(letter: str) -> Change:
            def change(layer: int) -> Sum | None:
                error, delta = self._prime(lambda _: ())(layer), self._symbol("delta", layer)
                if error is None or delta is None:
                    return None
                return replaced(self._right(f"{letter}{layer}"), delta, error)

            return change

        for letter, what in (("db", "it is the error before the multiplication by sigma'"),
                             ("dw", "the error is taken before the multiplication by sigma'")):  # fmt: skip
            yield from self._slip(what, letter, before(letter), every)

        def first(layer: int) -> Sum | None:
            delta = self._symbol("delta", layer)
            if delta is None or len(delta.shape) != 2:
                return None
            return one(Atom("index", "0", (one(delta),), delta.shape[1:]))

        first_alone = "only the first example of the mini-batch is taken, in place of the sum over the mini-batch"
        yield from self._slip(first_alone, "db", first, every)
        n = self.inputs["x"].shape[0] if len(self.inputs["x"].shape) == 2 else 1

        def mean(layer: int) -> Sum:
            return tuple([Term(times(t.coefficient, Fraction(1, n)), t.factors) for t in self._right(f"db{layer}")])

        if n > 1:
            yield from self._slip("there is a division by the n examples, 1/n, once too often: a mean in place of the"
                                  " sum over the mini-batch", "db", mean, every)  # fmt: skip
        for most in range(1, self.layers):
            yield from self._left_at_zero(most)
        for letter in ("db", "dw"):
            yield from self._slip("it is left at zero", letter, lambda layer: (), every)

    def _transposed(self, layer: int) -> Sum | None:
        shape = self.named[f"dw{layer}"].shape
        return one(Atom("transpose", "", (self._right(f"dw{layer}"),), shape)) if shape[0] == shape[1] else None

    def _left_at_zero(self, most: int) -> Iterator[Slip]:
        """Leave the gradients of the first layers at zero."""
        lines = [self.named[f"{letter}{layer}"] for layer in range(1, most + 1) for letter in ("dw", "db")]
        what = (
            "the gradients of the first layer are left at zero, as by a loop that ends one layer early"
            if most == 1 else f"the gradients of the first {most} layers are left at zero"
        )  # fmt: skip
        yield Slip(lines[0], "", what, (), tuple([(line, ()) for line in lines[1:]]), KNOWN)

    def _forward(self, every: list[int], hidden: list[int]) -> Iterator[Slip]:
        forward = every[::-1]

        def without_bias(layer: int) -> Sum | None:
            right = self._right(f"z{layer}")
            return tuple([term for term in right if not any(x.name == f"b{layer}" for x, _ in term.factors)])

        yield from self._slip("the biases are left out", "z", without_bias, forward)

        def minus_bias(layer: int) -> Sum | None:
            return tuple([
                Term(-term.coefficient, term.factors) if any(x.name == f"b{layer}" for x, _ in term.factors) else term
                for term in self._right(f"z{layer}")
            ])  # fmt: skip

        yield from self._slip("the biases have the wrong sign, z = w a - b", "z", minus_bias, forward)

        def linear(layer: int) -> Sum | None:
            z = self._symbol("z", layer)
            return one(z) if z else None

        yield from self._slip("the activation function is left out, a = z", "a", linear, forward)
        yield from self._slip("the activation function is left out in the hidden layers, a = z", "a", linear, hidden)

        def turned_weights(line: str, shift: int) -> Change:
            """Multiply the weights the other way round, if their shape allows it."""

            def change(layer: int) -> Sum | None:
                w = self._symbol("w", layer + shift)
                if w is None or w.shape[0] != w.shape[1]:
                    return None
                turned, right = Atom("transpose", "", (one(w),), w.shape), self._right(f"{line}{layer}")
                return replaced(right, turned, one(w)) if turned in atoms(right) else replaced(right, w, one(turned))

            return change

        def turned_round(layer: int) -> Sum | None:
            z = self._symbol("z", layer)
            if z is None or self._right(f"a{layer}") != one(Atom("call", "sigmoid", (one(z),), z.shape)):
                return None
            return one(Atom("call", "sigmoid", ((Term(-ONE, ((z, 1),)),),), z.shape))

        exponent = "the exponent has the wrong sign: 1 / (1 + exp(z)) in place of 1 / (1 + exp(-z))"
        yield from self._slip(exponent, "a", turned_round, forward)
        wrong_way = "a transpose is missing (or one too many): the weights are multiplied the wrong way round"
        yield from self._slip(wrong_way, "z", turned_weights("z", 0), forward)

        back = "a transpose is missing (or one too many): the weights w^(l+1) are multiplied the wrong way round"
        yield from self._slip(back, "delta", turned_weights("delta", 1), hidden)
        yield from self._other_activation(hidden)
        yield from self._forward_alone(every)
        yield from self._forward_alone(hidden)

    def _forward_alone(self, layers: list[int]) -> Iterator[Slip]:
        """Use another activation in the forward pass, with the right sigma'(z)."""
        for what, name in (("the activation function is left out, a = z", ""), ("the activation is tanh", "tanh")):
            changed: list[tuple[Equation, Sum]] = []
            for layer in layers:
                z = self._symbol("z", layer)
                if z is None or self.activation != "sigmoid":
                    return
                new = Atom("call", name, (one(z),), z.shape) if name else z
                a = Atom("call", "sigmoid", (one(z),), z.shape)
                less = Atom("group", "", ((Term(ONE, ()), Term(-ONE, ((a, 1),))),), z.shape)
                changed.append((self.named[f"a{layer}"], one(new)))
                right = self._prime(lambda _, a=a, less=less: _product(a, less))(layer)  # type: ignore[misc]
                if right is None:
                    return
                changed.append((self.named[f"delta{layer}"], right))
            if changed:
                (line, right), *also = changed
                yield Slip(line, "", f"{what}, in the forward pass alone", right, tuple(also), KNOWN)

    def _other_activation(self, hidden: list[int]) -> Iterator[Slip]:
        """Use hidden layers of another kind, forward and backward."""
        primes = dict(self._primes())
        for name, prime in (
            ("tanh", "sigma' is that of tanh, 1 - a^2"),
            ("sigmoid", "the derivative of the activation is that of the sigmoid, a (1 - a)"),
        ):
            if name == self.activation or prime not in primes or not hidden:
                continue
            changed: list[tuple[Equation, Sum]] = []
            for layer in hidden:
                z, right = self._symbol("z", layer), self._prime(primes[prime])(layer)
                if z is None or right is None:
                    return
                changed.append((self.named[f"a{layer}"], one(Atom("call", name, (one(z),), z.shape))))
                changed.append((self.named[f"delta{layer}"], right))
            (line, right), *also = changed
            yield Slip(line, "", f"the hidden layers are {name} layers", right, tuple(also), KNOWN)
