"""1. Perceptrons compute.

A perceptron weighs its inputs, adds a bias, and answers 1 if the result is positive, and 0 if not. With the weights -2
and -2 and the bias 3 it is a NAND gate, which says 0 only if both its inputs are 1. NAND gates are enough to build a
computer from. Here that one perceptron, copied and wired up, becomes a half adder, a full adder, an adder of whole
bytes, and a circuit for whatever truth table you write down.

The weights of those circuits were chosen by a person. Can a perceptron find its own weights by following a gradient?
The engine is asked, and its answer is printed: the chain rule, step by step, from the cost back to the weights. The
step function is flat on both sides of its jump, so its derivative is zero there (at the jump itself it has none, and
the engine says zero as well), and a product with a zero in it is zero. Every weight is told that it does not matter,
even in a perceptron that is plainly wrong. A smooth curve in the place of the step, the sigmoid, passes the same error
on, and that neuron learns NAND by itself.

This is where the story of backpropagation begins: a chain of factors from the cost back to each weight, and no learning
if one of them is always zero. The next example looks at what the sigmoid has, and the step has not: a small change of
the weights makes a small change of the output, and the gradient says which.
"""

import numpy as np

from autograd import Tensor, compile, explain, sigmoid
from nn import SGD
from reproduce import Experiment, run

BLUE, ORANGE = "#0072b2", "#d55e00"


class Perceptron:
    """Outputs 1 where w . x + b > 0, and 0 elsewhere, for x of shape (..., n_in). Book, chapter 1, equation (2)."""

    def __init__(self, w, b):
        self.w, self.b = w, b

    def __call__(self, x):
        return np.heaviside(x @ self.w + self.b, 0.0)  # 0.0: what the step gives at 0


NAND = Perceptron(np.array([-2.0, -2.0]), 3.0)


class Circuit:
    """NAND gates and the wires between them: wires 0 .. n - 1 are the inputs, and every gate adds the next wire."""

    def __init__(self, n):
        self.n, self.gates = n, []

    def nand(self, p, q):
        """Add a gate, and return the wire that carries NAND of the wires p and q."""
        self.gates.append((p, q))
        return self.n + len(self.gates) - 1

    def run(self, x, outputs):
        """Compute the values on the wires `outputs`, of shape (rows, outputs), for inputs x of shape (rows, n)."""
        wires = list(x.T)
        for p, q in self.gates:
            wires.append(NAND(np.stack([wires[p], wires[q]], axis=1)))
        return np.stack([wires[i] for i in outputs], axis=1)


def half_adder(circuit, x1, x2):
    """Add the five gates of the book's chapter 1; return the wires of x1 XOR x2 (the sum) and x1 AND x2 (the carry)."""
    both = circuit.nand(x1, x2)
    total = circuit.nand(circuit.nand(x1, both), circuit.nand(x2, both))
    return total, circuit.nand(both, both)


def full_adder(circuit, x1, x2, carry):
    """Add nine gates, two half adders with their carries joined; return the wires of the sum and the carry of three
    bits."""
    both = circuit.nand(x1, x2)
    part = circuit.nand(circuit.nand(x1, both), circuit.nand(x2, both))
    with_carry = circuit.nand(part, carry)
    total = circuit.nand(circuit.nand(part, with_carry), circuit.nand(carry, with_carry))
    return total, circuit.nand(both, with_carry)


def adder(circuit, p, q):
    """Add two numbers given as wires from the lowest bit to the highest; return the wires of p + q, one bit more than
    either."""
    total, carry = half_adder(circuit, p[0], q[0])
    totals = [total]
    for x1, x2 in zip(p[1:], q[1:], strict=True):
        total, carry = full_adder(circuit, x1, x2, carry)
        totals.append(total)
    return [*totals, carry]


def bits(n):
    """List all 2^n rows of n bits in counting order, of shape (2^n, n)."""
    return (np.arange(2**n)[:, np.newaxis] >> np.arange(n)[::-1] & 1).astype(float)


def truth_table(circuit, table):
    """The wire that carries a truth table over all inputs of the circuit, one or more: 2^n values, as `bits` counts.

    The first input chooses between the upper and the lower half of the table, each of which is a truth table of the
    other inputs: NAND(NAND(not x, upper), NAND(x, lower)).
    """
    if circuit.n < 1 or len(table) != 2**circuit.n:
        raise ValueError(f"a truth table of {circuit.n} inputs has 2^{circuit.n} rows, of 1 input or more")
    inverse = [circuit.nand(x, x) for x in range(circuit.n)]
    one = circuit.nand(0, inverse[0])
    zero = circuit.nand(one, one)

    def build(table, x):
        if x == circuit.n:
            return one if table[0] else zero
        upper, lower = build(table[: len(table) // 2], x + 1), build(table[len(table) // 2 :], x + 1)
        return circuit.nand(circuit.nand(inverse[x], upper), circuit.nand(x, lower))

    return build(table, 0)


def learn_nand(f, starts, steps, eta, seed):
    """Learn NAND by gradient descent with many neurons at once, each with the output f(z) and a random start of its
    own.

    Returns the cost of each neuron before every step, of shape (steps, starts), the largest gradient seen, and whether
    each neuron has NAND right before the first step and after the last: its output on the right side of 1/2.
    """
    rng = np.random.default_rng(seed)
    x, y = bits(2), np.array([[1.0], [1.0], [1.0], [0.0]])
    w, b = Tensor(rng.standard_normal((2, starts)), name="w"), Tensor(rng.standard_normal(starts), name="b")

    def right():
        return np.all((f(x @ w.data + b.data) > 0.5) == y, axis=0)

    before = right()
    step = compile(lambda x, y: np.sum((f(x @ w + b) - y) ** 2) / (2 * len(x)))
    optimiser = SGD([w, b], eta)
    costs, largest = [], 0.0
    for _ in range(steps):
        costs.append(np.sum((f(x @ w.data + b.data) - y) ** 2, axis=0) / (2 * len(x)))
        step(x, y)
        largest = max(largest, np.max(np.abs(w.grad)), np.max(np.abs(b.grad)))
        optimiser.step()
    return np.array(costs), largest, before, right()


def one_wrong_neuron(f):
    """Compute the cost of a neuron with two inputs that should answer 0 to (1, 1), as NAND does, but has a positive
    z."""
    w1, w2, b = Tensor(0.6, name="w1"), Tensor(0.9, name="w2"), Tensor(-0.5, name="b")
    z = w1 * 1.0 + w2 * 1.0 + b
    a = f(z)
    cost = (a - 0.0) ** 2 / 2
    z.name, a.name, cost.name = "z", "a", "C"
    return cost


def step_function(z):
    return np.heaviside(z, 0.0)


def as_table(names, x, outputs):
    """Write a truth table as text."""
    lines = ["  ".join(names)]
    for row in np.concatenate([x, outputs], axis=1).astype(int):
        lines.append("  ".join(f"{value:>{len(name)}}" for name, value in zip(names, row)))
    return "\n".join(lines)


def picture(step_costs, sigmoid_costs):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    z = np.linspace(-6, 6, 601)
    left.plot(z, sigmoid(z), color=BLUE, label="sigmoid(z)")
    left.plot(z, sigmoid(z) * (1 - sigmoid(z)), color=BLUE, linestyle="--", label="its derivative")
    for side in (z[z <= 0], z[z > 0]):
        left.plot(side, step_function(side), color=ORANGE, label="step(z)" if side[0] < 0 else None)
    left.plot(z, 0 * z, color=ORANGE, linestyle="--", label="its derivative")
    left.set(xlabel="weighted input z", ylabel="output a")
    left.legend(loc="center left", bbox_to_anchor=(0.0, 0.6), frameon=False)
    for costs, colour in ((step_costs, ORANGE), (sigmoid_costs, BLUE)):
        steps = np.arange(1, len(costs) + 1)
        low, middle, high = np.quantile(costs, (0.05, 0.5, 0.95), axis=1)
        right.plot(steps, middle, color=colour)
        right.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
    right.text(12, 0.26, "step: nothing moves", color=ORANGE)
    right.text(12, 0.075, "sigmoid", color=BLUE)
    right.set(xlabel="steps of gradient descent", ylabel="cost on the four rows of NAND", ylim=(0, None), xscale="log")
    right.set_xlim(1, len(step_costs))
    return figure


def main(experiment: Experiment) -> None:
    seed = 0
    rng = np.random.default_rng(seed)
    x = bits(2)
    nand = NAND(x)[:, np.newaxis]
    experiment.row(
        "NAND from a single perceptron", setting="weights -2 and -2, bias 3; step output", published="1, 1, 1, 0",
        source="book, chapter 1", ours=", ".join(f"{a:.0f}" for a in nand[:, 0]),
        difference="The same, for the inputs 00, 01, 10, 11.",
    )  # fmt: skip

    half = Circuit(2)
    half_outputs = half.run(x, half_adder(half, 0, 1))
    half_right = int(np.sum(2 * half_outputs[:, 1] + half_outputs[:, 0] == np.sum(x, axis=1)))
    experiment.row(
        "half adder: rows that are right", setting="NAND perceptrons",
        ours=f"{half_right} of 4, with {len(half.gates)} gates",
        published="5 NAND gates", source="book, chapter 1",
        difference="The book's circuit, gate by gate.",
    )  # fmt: skip
    full, x3 = Circuit(3), bits(3)
    full_outputs = full.run(x3, full_adder(full, 0, 1, 2))
    full_right = int(np.sum(2 * full_outputs[:, 1] + full_outputs[:, 0] == np.sum(x3, axis=1)))
    experiment.row(
        "full adder: rows that are right", setting="NAND perceptrons",
        ours=f"{full_right} of 8, with {len(full.gates)} gates",
        difference="Two half adders; their two carries are joined by a NAND gate, which spares inverting them first.",
    )  # fmt: skip
    experiment.block("half adder\n" + as_table(["x1", "x2", "sum", "carry"], x, half_outputs))
    experiment.block("full adder\n" + as_table(["x1", "x2", "carry in", "sum", "carry"], x3, full_outputs))

    width = 4 if experiment.quick else 8
    byte_adder, pairs = Circuit(2 * width), bits(2 * width)
    highest_first = list(range(2 * width))
    totals = byte_adder.run(pairs, adder(byte_adder, highest_first[width - 1 :: -1], highest_first[: width - 1 : -1]))
    powers = 2 ** np.arange(width)[::-1]
    sums_right = totals @ 2 ** np.arange(width + 1) == pairs[:, :width] @ powers + pairs[:, width:] @ powers
    experiment.row(
        f"sums of two {width}-bit numbers that are right", ours=f"{np.sum(sums_right):,} of {len(pairs):,}",
        setting=f"a half adder and {width - 1} full adders in a row: {len(byte_adder.gates)} NAND perceptrons",
        difference="Every pair of numbers was added.",
    )  # fmt: skip

    largest_n, tables = (6, 100) if experiment.quick else (10, 1000)
    right = 0
    sizes = dict.fromkeys(range(1, largest_n + 1), 0)
    for _ in range(tables):
        n = int(rng.integers(1, largest_n + 1))
        table = rng.integers(0, 2, 2**n)
        circuit = Circuit(n)
        right += np.array_equal(circuit.run(bits(n), [truth_table(circuit, table)])[:, 0], table)
        sizes[n] = len(circuit.gates)
    experiment.row(
        "random truth tables, built from NAND alone, that are right", ours=f"{right:,} of {tables:,}", seed=seed,
        setting=f"1 to {largest_n} inputs; every row of every table is looked up",
        difference=f"Whatever can be tabulated can be built: {sizes[1]} gates for 1 input,"
        f" {sizes[largest_n]:,} for {largest_n}, about twice as many for each input more.",
    )  # fmt: skip

    explanation = explain(one_wrong_neuron(step_function), differences=True)
    stops = next(step for step in explanation.steps if step.gradient == 0)
    use = stops.contributions[0]
    experiment.block(f"a perceptron that ought to answer 0 and answers 1\n{explanation}")
    experiment.block(f"the same neuron with a sigmoid output\n{explain(one_wrong_neuron(sigmoid), differences=True)}")
    starts, steps, eta = (100, 200, 5.0) if experiment.quick else (1000, 3000, 5.0)
    step_costs, step_largest, step_before, step_after = learn_nand(step_function, starts, steps, eta, seed)
    kept = int(np.sum(step_before))
    experiment.row(
        "perceptrons that gradient descent taught NAND",
        setting=f"{starts:,} random starts from N(0, 1), {steps:,} steps, eta {eta:g}", seed=seed,
        ours=f"{np.sum(step_after & ~step_before)} of {starts - kept:,}; largest gradient {step_largest:g}",
        difference=f"The engine says why: for {use.operation} the chain rule gives d{stops.name} = {use.rule}, and zero"
        f" is all that reaches the weights behind it. ({kept} of the {starts:,} had NAND right from the start.)",
    )  # fmt: skip
    sigmoid_costs, sigmoid_largest, before, after = learn_nand(sigmoid, starts, steps, eta, seed)
    experiment.row(
        "sigmoid neurons that gradient descent taught NAND",
        setting=f"{starts:,} random starts from N(0, 1), {steps:,} steps, eta {eta:g}", seed=seed,
        ours=f"{np.sum(after & ~before)} of {np.sum(~before):,}; largest gradient {sigmoid_largest:.2f}",
        difference="Nothing has changed but the step, which has become a slope: right means on the right side of 1/2.",
    )  # fmt: skip
    experiment.figure(
        "learning", picture(step_costs, sigmoid_costs),
        "Left: the step function and the sigmoid, and their derivatives. Right: learning NAND by gradient descent;"
        " the median of the random starts, with the middle 90 % shaded.",
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
