"""7. Ten outputs or four.

Four bits can tell sixteen things apart. Why then ten output neurons for ten digits, when four would do, each for one
bit of the digit written as a binary number? The book asks the question and answers that one has to try it out. Here
both are trained: the same 30 hidden neurons, the same loop, only other targets. Backpropagation does not ask what an
output means; it starts from the difference between output and target, whatever that is.

Both designs get the learning rate that does best for them on the validation images. Four outputs are read in two ways:
as the bits say (each output of at least 0.5 is a 1; the numbers 10 to 15 are then wrong answers), and in favour of
this design as the digit whose four bits are nearest.

The book's exercise goes the other way: leave the trained ten-output network as it is, and add a layer of four neurons
behind it that writes its answer in bits. Nothing is trained for it; the weights are set by hand. Suppose that the
right one of the ten outputs is at least 0.99 and each of the others less than 0.01. Let the weight from digit d to bit
j be +10 if the bit is 1 in d, and -10 if it is 0, with no bias. Then every digit votes on every bit with its
activation. The right digit alone moves the weighted input to 9.9 or beyond, on the right side; the others cannot take
back more than nine times 0.1; so z is 9 or more for a 1 and -9 or less for a 0, and the sigmoid makes of it more than
0.9998 or less than 0.0002. The table shows how many of the real outputs keep to that supposition, and what the layer
does with the others: the bits can go with a majority of digits that all had a small vote, where the ten outputs go
with the largest.

Put together, network and layer are one more network with four outputs, and it makes fewer mistakes than the one that
was trained for the bits. A single bit is not much safer in it, as the figure shows. But whoever has learnt shapes and
takes one digit for another gets several bits wrong in that one image; whoever has learnt the four bits, each a matter
of its own that has little to do with the shape of a digit, gets one wrong here and one there, and so spoils more
images. The last columns of the table count the wrong bits in an image that is wrong. The next example asks for a
single bit that does go with a shape.
"""

import time
from statistics import median

import numpy as np
from tqdm import tqdm

from autograd import no_grad, sigmoid
from nn import Linear, Network, Sequential, load_digits, one_hot
from reproduce import Experiment, run

ETAS = [1.0, 3.0, 10.0]
BITS = (np.arange(10)[:, np.newaxis] >> np.array([3, 2, 1, 0])) & 1  # row d: the bits of digit d, as it is written


def by_hand(dtype=np.float32):
    """Make the layer that turns ten outputs into four bits: +10 from every digit that has the bit, -10 from the
    others."""
    layer = Linear(10, 4, activation=sigmoid, name="bits", dtype=dtype, rng=0)
    layer.w.data = np.where(BITS.T == 1, 10, -10).astype(dtype)
    layer.b.data = np.zeros(4, dtype)
    return layer


def as_numbers(a):
    """Read the number that four outputs spell, each taken as 1 from 0.5 on."""
    return (a >= 0.5) @ np.array([8, 4, 2, 1])


def nearest_digit(a):
    """Answer the digit whose bits b are nearest to the outputs a: |a - b|^2 is |b|^2 - 2 a b + |a|^2, where |a|^2 is
    always the same."""
    return np.argmin(np.sum(BITS**2, axis=1) - 2 * a @ BITS.T, axis=1)


def wrong_bits(a, labels):
    """Average the number of wrong bits over the images in which any is wrong."""
    wrong = np.sum((a >= 0.5) != (BITS[labels] == 1), axis=1)
    return float(np.mean(wrong[wrong > 0]))


def outputs(net, x):
    with no_grad():
        return net(x).data


def train(n_out, training, epochs, eta, seed):
    targets = one_hot(training.y, dtype=np.float32) if n_out == 10 else BITS[training.y].astype(np.float32)
    rng = np.random.default_rng(seed)
    net = Network([784, 30, n_out], dtype=np.float32, rng=rng)
    net.SGD((training.x, targets), epochs, 10, eta, rng=rng, report=lambda epoch: None)
    return net


def answers(net, x):
    return net.predict(x) if net.sizes[-1] == 10 else as_numbers(outputs(net, x))


def percent(right):
    return 100 * float(np.mean(right))


def spread(values):
    return f"median {median(values):.2f} %, {min(values):.2f} to {max(values):.2f} %"


def picture(direct, layered):
    """Draw the weights set by hand, and how often each bit is wrong; `direct` and `layered` have a row of bits per
    seed."""
    from matplotlib.figure import Figure

    names = ["8", "4", "2", "1"]
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12)
    left, right = figure.subplots(1, 2, width_ratios=[5, 4])
    weights = by_hand().w.data
    left.imshow(weights, cmap="RdBu_r", vmin=-30, vmax=30)
    for (bit, digit), weight in np.ndenumerate(weights):
        left.text(digit, bit, f"{weight:+.0f}".replace("-", "−"), ha="center", va="center")
    left.set(
        xticks=range(10), yticks=range(4), yticklabels=names, xlabel="from the output for digit", ylabel="to the bit of"
    )
    left.set_title("weights set by hand")
    for rows, colour, marker, offset, label in (
        (direct, "#D55E00", "o", -0.12, "trained for four bits"),
        (layered, "#0072B2", "s", 0.12, "ten outputs and the layer"),
    ):
        for bit, values in enumerate(np.transpose(rows)):
            right.plot(np.full(len(values), bit + offset), values, marker, color=colour, alpha=0.6,
                       label=label if bit == 0 else None)  # fmt: skip
    right.set(
        xticks=range(4), xticklabels=names, xlabel="bit of", ylabel="wrong on the test images in %", ylim=(0, None)
    )
    right.legend(fontsize=9)
    right.spines[["top", "right"]].set_visible(False)
    return figure


def main(experiment: Experiment) -> None:
    training, validation, test = load_digits(scale=256, dtype=np.float32)
    epochs, etas, seeds = 30, ETAS, range(5)
    if experiment.quick:
        training, validation, test = (type(part)(part.x[:500], part.y[:500]) for part in (training, validation, test))
        epochs, etas, seeds = 2, [3.0], range(2)

    lines = [f"seed 0, {epochs} epochs: accuracy on the validation images in %",
             "eta       " + "".join(f"{eta:8g}" for eta in etas)]  # fmt: skip
    nets, setting, seconds = {}, {}, {}
    for n_out in (10, 4):
        what, start = f"784-30-{n_out}", time.perf_counter()
        tried = {eta: train(n_out, training, epochs, eta, 0) for eta in tqdm(etas, desc=f"eta of {what}", disable=None)}
        found = {eta: percent(answers(net, validation.x) == validation.y) for eta, net in tried.items()}
        eta = max(found, key=found.get)
        lines.append(what.ljust(10) + "".join(f"{value:8.2f}" for value in found.values()))
        more = tqdm(seeds[1:], desc=what, disable=None)
        nets[n_out] = [tried[eta]] + [train(n_out, training, epochs, eta, seed) for seed in more]
        setting[n_out] = f"{epochs} epochs, mini-batch 10, eta {eta:g} (chosen on validation), quadratic cost, float32"
        seconds[n_out] = time.perf_counter() - start
    experiment.block("\n".join(lines))

    bits = BITS[test.y] == 1
    named = {"seed": f"{seeds[0]} to {seeds[-1]}"}
    ten = [percent(net.predict(test.x) == test.y) for net in nets[10]]
    experiment.row(
        "ten outputs, 784-30-10, last epoch", setting=setting[10], ours=spread(ten), **named, seconds=seconds[10],
        difference="The design of example 4, to compare with.",
    )  # fmt: skip

    direct = [outputs(net, test.x) for net in nets[4]]
    four = [percent(as_numbers(a) == test.y) for a in direct]
    none = [percent(as_numbers(a) > 9) for a in direct]
    experiment.row(
        "four outputs, 784-30-4, read as bits, last epoch", setting=setting[4], ours=spread(four), **named,
        seconds=seconds[4], published="worse than ten", source="book, chapter 1",
        difference=f"{median(four) - median(ten):+.2f} points against ten outputs; {median(none):.2f} % of the images"
        " get a number from 10 to 15 (median).",
    )  # fmt: skip
    near = [percent(nearest_digit(a) == test.y) for a in direct]
    experiment.row(
        "the same, read as the digit with the nearest bits", setting=setting[4], ours=spread(near), seconds=0, **named,
        difference=f"{median(near) - median(four):+.2f} points against the bits as they are, and still"
        f" {median(near) - median(ten):+.2f} against ten outputs.",
    )  # fmt: skip

    layered = [outputs(Sequential(net.layers, by_hand()), test.x) for net in nets[10]]
    hand = [percent(as_numbers(a) == test.y) for a in layered]
    experiment.row(
        "ten outputs and the layer of bits set by hand", setting="the networks of the first row; nothing is trained",
        ours=spread(hand), **named,
        difference=f"{median(hand) - median(ten):+.2f} points against the ten outputs themselves,"
        f" {median(hand) - median(four):+.2f} against the four that were trained.",
    )  # fmt: skip

    lines = [
        "       test accuracy in %                     supposition is kept to        wrong bits in a wrong image",
        "seed   ten outputs   by hand   four trained     of all   layer says so too        by hand   four trained",
    ]
    for seed, net, by_layer, by_training in zip(seeds, nets[10], layered, direct, strict=True):
        a = outputs(net, test.x)
        ordered = np.sort(a, axis=1)
        clear = (ordered[:, -1] >= 0.99) & (ordered[:, -2] < 0.01)
        same = as_numbers(by_layer)[clear] == np.argmax(a, axis=1)[clear]
        agree = f"{percent(same):.2f} %" if len(same) else "none keeps"
        lines.append(
            f"{seed:4} {ten[seed]:13.2f} {hand[seed]:9.2f} {four[seed]:14.2f} {percent(clear):8.2f} % {agree:>17}"
            f" {wrong_bits(by_layer, test.y):14.2f} {wrong_bits(by_training, test.y):14.2f}"
        )
    experiment.block("\n".join(lines))
    wrong = [[[percent(column) for column in ((a >= 0.5) != bits).T] for a in group] for group in (direct, layered)]
    experiment.figure(
        "bits", picture(*wrong),
        "Left, the weights of the layer set by hand. Right, how often each bit is wrong, a mark for each seed.",
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
