"""The slips that people make in a derivation, and the derivation of `nn.equations` with such slips in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product

import numpy as np

from nn import equations
from nn.equations import Array
from nn.grader.problems import Case, Lists, activate, output_activation
from nn.proof.numbers import relative_difference

PRIMES = {
    "missing": "sigma' is missing",
    "of a": "sigma' is taken at the activation a in place of the weighted input z, sigma'(a) for sigma'(z)",
    "z(1-z)": "sigma' is written in terms of a, as a (1 - a), but is given z, so that it is z (1 - z)",
    "before": "sigma' is taken at the z of the layer before, one layer off",
    "after": "sigma' is taken at the z of the layer after, one layer off",
    "a": "sigma(z), the activation, stands in place of sigma'(z)",
    "1-a": "1 - a stands in place of sigma'(z) = a (1 - a)",
    "twice": "sigma' is multiplied in twice",
    "tanh": "sigma' is that of tanh, 1 - a^2",
    "sigmoid": "the derivative of the activation is that of the sigmoid, a (1 - a)",
}
# What stands in BP2 in place of the transposed weights w^(l+1) of the next layer.
THROUGH = {
    "untransposed": "a transpose is missing (or one too many): the weights w^(l+1) are multiplied the wrong way round",
    "gradient": "the gradient of the next layer, nabla_w^(l+1), stands in place of its weights w^(l+1)",
    "gradient untransposed": "the gradient of the next layer, nabla_w^(l+1), stands in place of its weights w^(l+1),"
    " and a transpose is missing",
    "own": "the weights are one layer off: w^l in place of w^(l+1)",
    "own untransposed": "the weights are one layer off, w^l in place of w^(l+1), and a transpose is missing",
    "after": "the weights are one layer off: w^(l+2) in place of w^(l+1)",
    "after untransposed": "the weights are one layer off, w^(l+2) in place of w^(l+1), and a transpose is missing",
    "last": "the weights are one layer off: those of the output layer, always, in place of w^(l+1)",
    "nothing": "the weights w^(l+1) are missing",
    "negative": "the sign is lost: -w^(l+1) in place of w^(l+1)",
    "output error": "the error is that of the output layer, delta^L, in place of delta^(l+1)",
}
BIASES = {
    "first": "only the first example of the mini-batch is taken, in place of the sum over the mini-batch",
    "last": "only the last example of the mini-batch is taken, in place of the sum over the mini-batch",
    "before sigma'": "it is the error before the multiplication by sigma'",
    "after": "it is one layer off: delta^(l+1) in place of delta^l",
    "zero": "it is left at zero",
}
WEIGHTS = {
    "transposed": "a transpose is wrong: the outer product is a^(l-1) delta^l, the wrong way round",
    "z": "the weighted input z^(l-1) stands in place of the activation a^(l-1)",
    "own": "the activation is one layer off: a^l in place of a^(l-1)",
    "before": "the activation is one layer off: a^(l-2) in place of a^(l-1)",
    "input": "the input x stands in place of the activation a^(l-1)",
    "before sigma'": "the error is taken before the multiplication by sigma'",
    "after": "the error is one layer off: delta^(l+1) in place of delta^l",
    "zero": "it is left at zero",
}
FORWARD = {
    "no bias": "the biases are left out",
    "untransposed": "a transpose is missing (or one too many): the weights are multiplied the wrong way round",
    "linear": "the activation function is left out, a = z",
}
EQUATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "prime": ("BP1 and BP2, delta^l", PRIMES),
    "through": ("BP2, delta^l = ((w^(l+1))^T delta^(l+1)) * sigma'(z^l)", THROUGH),
    "bias": ("BP3, dC/db^l = delta^l", BIASES),
    "weight": ("BP4, dC/dw^l = delta^l (a^(l-1))^T", WEIGHTS),
    "forward": ("Forward, z^l = w^l a^(l-1) + b^l, a^l = sigma(z^l)", FORWARD),
    "cost": ("BP1, delta^L", {
        "quadratic": "the error is that of the quadratic cost, (a - y) sigma'(z): the cost derivative of the other"
        " cost",
        "cross-entropy": "sigma' is missing in the output layer: a - y is the error of the cross-entropy, the cost"
        " derivative of the other cost",
        "log-likelihood": "the error is that of the log-likelihood with a softmax, the cost derivative of the other"
        " cost",
        "dC/da of the cross-entropy": "the error is dC/da = (a - y) / (a (1 - a)), the cost derivative of the"
        " cross-entropy, and sigma' is missing",
        "no a": "the error is -y in place of a - y",
        "with sigma'": "sigma' is multiplied in, which cancels for this cost: delta^L = a - y",
    }),
    "hidden": ("Forward and BP2", {}),
    "lists": ("The lists", {
        "reversed": "they begin with the output layer; they have to begin with the first layer",
        "early": "the gradients of the first layer are left at zero, as by a loop that ends one layer early",
        "output only": "all gradients but those of the output layer are left at zero",
    }),
    "scale": ("BP1, delta^L", {
        "-1": "the sign is turned round: y - a in place of a - y", "2": "there is a factor 2 too much",
        "n": "there is no division by the number of examples n: the 1/n of the mean is missing, it is the sum",
        "1/n": "there is a division by the number of examples n too much: 1/n",
    }),
}  # fmt: skip


def kinds(equation: str) -> dict[str, str]:
    """Return what may go wrong in an equation, in words; that includes what was added to `nn.equations`."""
    _, texts = EQUATIONS[equation]
    if equation == "cost":
        other = "the error is that of the {} cost, the cost derivative of the other cost"
        return {name: other.format(name) for name in equations.COSTS} | texts
    if equation == "hidden":
        return {name: f"the hidden layers are {name} layers" for name in equations.ACTIVATIONS}
    return texts


@dataclass(frozen=True)
class Slip:
    """A slip in an equation. Its place is "every", "hidden" or "output" layer, or the number of one."""

    equation: str
    kind: str
    place: str | int

    def __str__(self) -> str:
        name, texts = EQUATIONS[self.equation][0], kinds(self.equation)
        if self.equation == "prime":
            name = {"output": "BP1, delta^L", "every": name}.get(str(self.place), "BP2, delta^l")
        where = {
            "all": "",
            "every": ", in every layer",
            "hidden": ", in the hidden layers",
            "output": ", in the output layer",
        }
        return f"{name}: {texts[self.kind]}{where.get(str(self.place), f', in layer {self.place}')}"


def gradient_with(slips: Sequence[Slip], case: Case) -> Lists:
    """Derive the gradient over the examples of a case, (nabla_b, nabla_w), with the slips made.

    Raises ValueError or LookupError where a slip does not fit the sizes of the layers.
    """
    w, b, last = case.w, case.b, len(case.w)

    def slip(equation: str, layer: int = 0) -> str:
        places = ("all", "every", layer, "output" if layer == last else "hidden")
        return next((s.kind for s in slips if s.equation == equation and s.place in places), "")

    cost = slip("cost") or case.told["cost"]
    hidden = slip("hidden") or case.told["activation"]
    names = [hidden] * last + [output_activation(cost if cost in equations.COSTS else case.told["cost"])]
    a, z = [case.x], [case.x]
    for layer in range(1, last + 1):
        kind = slip("forward", layer)
        v = w[layer - 1].T if kind == "untransposed" else w[layer - 1]
        z.append(a[-1] @ v.T + (0.0 if kind == "no bias" else b[layer - 1]))
        a.append(z[layer] if kind == "linear" else activate(z[layer], names[layer]))

    def prime(layer: int) -> Array | float:
        kind, name = slip("prime", layer), names[layer]
        if layer == last and name == "softmax":
            name = "sigmoid"
        f_prime = equations.ACTIVATIONS[kind if kind in ("tanh", "sigmoid") else name][1]
        at = layer - 1 if kind == "before" else layer + 1 if kind == "after" else layer
        right = f_prime(z[at], a[at])
        others: dict[str, Array | float] = {"missing": 1.0, "a": a[layer], "1-a": 1 - a[layer], "twice": right * right}
        if kind == "of a":
            return f_prime(a[layer], activate(a[layer], name))
        return f_prime(z[layer], z[layer]) if kind == "z(1-z)" else others.get(kind, right)

    factor = {"-1": -1.0, "2": 2.0, "n": float(len(case.x)), "1/n": 1 / len(case.x)}.get(slip("scale"), 1.0)
    delta: dict[int, Array] = {}
    nabla_b, nabla_w = [np.zeros_like(p) for p in b], [np.zeros_like(p) for p in w]
    for layer in range(last, 0, -1):
        if layer == last:
            by_hand = equations.COSTS[cost if cost in equations.COSTS else case.told["cost"]]
            needs_prime = by_hand.error is None or cost in ("no a", "with sigma'")
            if cost == "no a":
                error = -case.y
            elif cost == "dC/da of the cross-entropy":
                error, needs_prime = equations.COSTS["cross-entropy"].derivative(a[last], case.y), False
            elif by_hand.error is None:
                error = by_hand.derivative(a[last], case.y)
            else:
                error = by_hand.error(a[last], case.y)
            error = error * factor * case.factor / len(case.x)
        else:
            kind = slip("through", layer)
            up = {
                "own": w[layer - 1],
                "after": w[(layer + 1) % last],
                "gradient": nabla_w[layer],
                "last": w[-1],
                "negative": -w[layer],
            }
            v = up.get(kind.removesuffix(" untransposed"), w[layer])
            source = delta[last] if kind == "output error" else delta[layer + 1]
            error = source if kind == "nothing" else source @ (v.T if kind.endswith("untransposed") else v)
            needs_prime = True
        delta[layer] = error * prime(layer) if needs_prime else error
        if delta[layer].shape != (len(case.x), case.sizes[layer]):
            raise ValueError("a slip that changes shapes")
        kind = slip("bias", layer)
        per_example = error if kind == "before sigma'" else delta[layer + 1] if kind == "after" else delta[layer]
        taken = {"first": per_example[:1], "last": per_example[-1:], "zero": per_example[:0]}.get(kind, per_example)
        nabla_b[layer - 1] = taken.sum(axis=0)
        kind = slip("weight", layer)
        below = {"z": z[layer - 1], "own": a[layer], "before": a[(layer - 2) % (last + 1)], "input": a[0]}.get(
            kind, a[layer - 1]
        )
        above = error if kind == "before sigma'" else delta[layer + 1] if kind == "after" else delta[layer]
        nabla_w[layer - 1] = above.T @ below if kind != "transposed" else below.T @ above
        if kind == "zero":
            nabla_w[layer - 1] = np.zeros_like(w[layer - 1])
    if slip("lists") == "reversed":
        nabla_b, nabla_w = nabla_b[::-1], nabla_w[::-1]
    for i in range({"early": 1, "output only": last - 1}.get(slip("lists"), 0)):
        nabla_b[i], nabla_w[i] = np.zeros_like(b[i]), np.zeros_like(w[i])
    if any(g.shape != p.shape for g, p in zip(nabla_b + nabla_w, b + w, strict=True)):
        raise ValueError("a slip that changes shapes")
    return nabla_b, nabla_w


def singles(case: Case) -> Iterator[Slip]:
    """Yield every single slip that a case may show, the likelier places first."""
    last = len(case.w)
    inner = list(range(1, last)) if last > 2 else []
    places: dict[str, list[str | int]] = {
        "prime": ["hidden", "output", "every", *inner],
        "through": ["hidden", *inner],
        "bias": ["every", "hidden", "output", *inner],
        "weight": ["every", "hidden", "output", *inner],
        "forward": ["every", "hidden", "output"],
    }
    for equation in EQUATIONS:
        for place, kind in product(places.get(equation, ["all"]), kinds(equation)):
            if case.told["cost"] == "quadratic" and (equation, kind, place) == ("prime", "missing", "output"):
                continue  # that is the error of the cross-entropy
            yield Slip(equation, kind, place)


def factors(case: Case) -> Iterator[tuple[str, float]]:
    """Yield the factors that all gradients may be multiplied by, in words and as numbers, the simplest first."""
    sign, two = (
        "the sign is lost: it is -1 times what it should be",
        "a factor 2 too much, as from a cost without its 1/2",
    )
    signs = (
        ("", 1.0), (sign, -1.0), (f"there is {two}", 2.0), ("there is a factor 1/2 too much", 0.5),
        (f"{sign}, and there is {two}", -2.0),
    )  # fmt: skip
    n, mean = len(case.x), case.told["reduction"] == "mean"
    sizes = [("", 1.0)]
    if n > 1:
        sizes += [
            ("the division by the n examples, 1/n, is missing: the sum over the mini-batch in place of its mean"
             if mean else "there is a factor n too much", float(n)),
            ("there is a division by the n examples, 1/n, once too often" if mean else
             "there is a division by the n examples, 1/n: the mean over the mini-batch in place of its sum", 1 / n),
        ]  # fmt: skip
    sizes += [
        ("there is a division by the number of outputs: the mean over the output neurons in place of their sum",
         1 / case.sizes[-1]),
        ("there is a division by the number of inputs, as by len(x) where x is a column", 1 / case.sizes[0]),
    ]  # fmt: skip
    for (size, by), (sign, times) in product(sizes, signs):
        yield "; ".join(filter(None, (size, sign))), by * times


def first_apart(p: Lists, q: Lists, exact: float) -> int:
    """Return the first layer, counted from the output back, where two gradients differ by more than a factor, or 0."""
    for layer in range(len(p[0]), 0, -1):
        for mine, theirs in ((p[0][layer - 1], q[0][layer - 1]), (p[1][layer - 1], q[1][layer - 1])):
            square = float(np.vdot(theirs, theirs))
            c = float(np.vdot(theirs, mine)) / square if square else 1.0
            if not relative_difference(mine, c * theirs) <= exact:
                return layer
    return 0


def sets_of_slips(returned: Lists, case: Case, number: int, exact: float) -> Iterator[tuple[Slip, ...]]:
    """Yield the sets of `number` slips that may reproduce what was returned for one case."""
    right, able = gradient_with((), case), {}
    for slip in singles(case):
        with contextlib.suppress(ValueError, LookupError):
            wrong = gradient_with([slip], case)
            if not all(map(np.array_equal, chain(*right), chain(*wrong))):
                able[slip] = wrong
    if number == 1:
        yield from ((slip,) for slip in able)
        return
    # Of two slips, one explains by itself the first layer that is wrong, or both of them show there.
    start = first_apart(returned, right, exact)
    shows = {slip: first_apart(wrong, right, exact) for slip, wrong in able.items()}
    explains = {slip for slip, wrong in able.items() if first_apart(returned, wrong, exact) < start}
    for p, q in combinations(able, 2):
        if max(shows[p], shows[q]) <= start and (
            (shows[p] == shows[q] == start and p.equation != q.equation) or p in explains or q in explains
        ):
            yield p, q
