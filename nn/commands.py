"""Does what each command says, given its arguments: prints the results, and returns the exit code."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autograd import no_grad
from autograd.grading import gradebook
from nn.arguments import DTYPES, LEARNERS, USUAL, as_options, sizes_of
from nn.checkpoint import Checkpoint
from nn.digits import MNIST, load_digits, read_part
from nn.exchange import is_safetensors
from nn.exporting import export
from nn.files import check_writable
from nn.grader.many import as_text, grade_files
from nn.history import history_format, read_history, write_history
from nn.images import SIDE, read_images
from nn.network import Network
from nn.pages import digit_page
from nn.proof import numbers, symbols
from nn.scoring import Epoch, epochs_of, score
from nn.steps import backend_of
from nn.training import print_line


def _train(args: argparse.Namespace) -> int:
    first = args.ranks is None or args.ranks.rank == 0
    say: Callable[..., object] = (lambda *_: None) if args.quiet or not first else print
    if args.every and not args.save:
        raise ValueError("--every needs a file to --save to")
    if args.nesterov and not args.momentum:
        raise ValueError("--nesterov needs a --momentum greater than 0")
    figures = _figures(args.plot) if args.plot and first else None
    if args.history and first:
        history_format(args.history)
        check_writable(args.history)
    dtype = DTYPES[args.dtype]
    training, validation, test = load_digits(
        args.data, scale=args.scale, validation=args.validation_size, classes=max(2, args.sizes[-1]), dtype=dtype
    )
    if args.sizes[0] != training.x.shape[1]:
        raise ValueError(f"--sizes begins with {args.sizes[0]}, and the images have {training.x.shape[1]} pixels")
    if not len(validation.y) and (args.validation or args.patience):
        raise ValueError("--validation and --patience need validation images, and --validation-size is 0")
    rng = np.random.default_rng(args.seed)
    net = Network(args.sizes, activation=args.activation, cost=args.cost, init=args.init, dtype=dtype, rng=rng)

    done = epochs_of(Checkpoint.read(args.resume)) if args.resume else []

    def report(epoch: Epoch) -> None:
        done.append(epoch)
        if args.history:
            write_history(args.history, done)
        if not args.quiet:
            print_line(epoch.line(args.epochs))

    on_test = args.test or not (args.validation or args.training)
    backend = "numpy"
    if args.compile and args.ranks is None:
        backend = backend_of(args.backend, -(-len(training.y) // args.batch), args.resume)
    start = time.perf_counter()
    history = net.SGD(
        training, args.epochs, args.batch, args.eta,
        test_data=test if on_test else None,
        validation_data=validation if args.validation or args.patience else None,
        monitor_training=args.training, rng=rng, momentum=args.momentum, nesterov=args.nesterov,
        weight_decay=args.decay, compiled=args.compile, backend=backend, patience=args.patience, save=args.save,
        every=args.every, resume=args.resume, notes={"options": as_options(args)}, ranks=args.ranks,
        report=report, progress=not args.quiet,
    )  # fmt: skip
    ran = "C" if backend == "c" else "NumPy"
    say(f"{len(history)} epochs in {time.perf_counter() - start:.0f} s, seed {args.seed}, mini-batches in {ran}")
    for name in history[-1].scores if history else ():
        best = max(history, key=lambda epoch: epoch.scores[name].correct)
        say(
            f"{name}: {history[-1].scores[name].accuracy:.2%} after the last epoch,"
            f" {best.scores[name].accuracy:.2%} after the best (epoch {best.number})"
        )
    if args.patience and history:
        kept = max(history, key=lambda epoch: epoch.scores["validation"].correct)
        say(f"the network is as after epoch {kept.number}, the best on the validation images")
    if args.save:
        if not history and first:
            net.save(args.save)
        say(f"saved to {args.save}")
    if args.history and first:
        write_history(args.history, history)
        say(f"the history is in {args.history}")
    if figures and history:
        figures.write_figure(args.plot, figures.curve(history))
        say(f"the curve is in {args.plot}")
    return 0


def _figures(*paths: str) -> Any:
    """Import what draws with matplotlib. Raises an error before there is anything to draw, if files cannot be drawn."""
    try:
        from nn import figures
    except ImportError:
        raise ValueError(
            "drawing this needs matplotlib: pip install 'handgrad[plot]' (in a checkout: pip install '.[plot]')"
        ) from None
    for path in paths:
        figures.figure_format(path)
        check_writable(path)
    return figures


def _show(args: argparse.Namespace) -> int:
    figures = _figures()
    net = Network.load(args.model)
    images, labels = read_part(args.data or MNIST, "t10k", each=1 + net.weights[0].dtype.itemsize)
    shape = images.shape[1:]
    x = images.reshape(len(images), -1) / np.asarray(args.scale, net.weights[0].dtype)
    if x.shape[1] != net.sizes[0]:
        raise ValueError(f"the network in {args.model} takes {net.sizes[0]} pixels, and the images have {x.shape[1]}")
    if args.digit >= len(x):
        raise ValueError(f"--digit {args.digit}: there are {len(x)} test images, counted from 0")
    pictures: dict[str, Callable[[], Any]] = {}
    try:
        epochs = read_history(args.model)
    except ValueError:
        epochs = []
    if epochs:
        pictures["curve"] = lambda: figures.curve(epochs)
    for layer in range(1, len(net.sizes)):
        pictures[f"weights{layer}"] = partial(figures.weights, net, layer, shape=shape if layer == 1 else None)
    data = (x, labels.astype(np.int64))
    pictures["confusion"] = lambda: figures.confusion(net, data)
    pictures["misclassified"] = lambda: figures.misclassified(net, data, shape=shape)
    pictures["activations"] = lambda: figures.activations(
        net, x[args.digit], label=int(labels[args.digit]), shape=shape
    )
    folder = Path(args.to)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder}: cannot be made: {error.strerror or error}") from error
    for name, make in pictures.items():
        figures.write_figure(folder / f"{name}.png", make())
        print_line(str(folder / f"{name}.png"))
    return 0


def _compare(args: argparse.Namespace) -> int:
    figures = _figures(args.plot)
    names = _apart([Path(path) for path in args.runs])
    runs = {name: read_history(path) for name, path in zip(names, args.runs, strict=True)}
    figures.write_figure(args.plot, figures.compare(runs, on=args.on))
    for name, history in runs.items():
        print(f"{name}: {len(history)} epochs, {history[-1].line()}")
    return 0


def _apart(paths: list[Path]) -> list[str]:
    """Give files different names: their stems, or what else tells them apart.

    >>> _apart([Path("runs/one.csv"), Path("runs/two.csv")]), _apart([Path("a/run.csv"), Path("b/run.csv")])
    (['one', 'two'], ['a/run.csv', 'b/run.csv'])
    """
    for names in ([path.stem for path in paths], [path.name for path in paths], [str(path) for path in paths]):
        if len(set(names)) == len(names):
            return names
    raise ValueError("a run is named twice")


def _evaluate(args: argparse.Namespace) -> int:
    net = Network.load(args.model)
    sets = load_digits(
        args.data, scale=args.scale, validation=args.validation_size, classes=max(2, net.sizes[-1]),
        dtype=net.weights[0].dtype,
    )  # fmt: skip
    pixels = sets[0].x.shape[1]
    if pixels != net.sizes[0]:
        raise ValueError(f"the network in {args.model} takes {net.sizes[0]} pixels, and the images have {pixels}")
    if args.validation and not args.validation_size:
        raise ValueError("--validation needs validation images, and --validation-size is 0")
    asked = (args.training, args.validation, args.test or not (args.training or args.validation))
    for name, wanted, data in zip(("training", "validation", "test"), asked, sets, strict=True):
        if wanted:
            result = score(net, data, f"{name} data")
            print(f"{name}: {result.correct} / {result.total} ({result.accuracy:.2%}), cost {result.cost:.5f}")
    return 0


def _predict(args: argparse.Namespace) -> int:
    net, code = Network.load(args.model), 0
    for path in args.images:
        try:
            pixels = read_images(path, net.sizes[0]) * (255.0 / args.scale)
            if pixels.shape[1] != net.sizes[0]:
                raise ValueError(
                    f"{path}: {pixels.shape[1]} pixels, and the network in {args.model} takes {net.sizes[0]}; only for"
                    " one that takes 784, those of MNIST, is a picture of another size prepared"
                )
        except ValueError as error:  # the others are answered
            sys.stdout.flush()
            print(f"handgrad: error: {error}", file=sys.stderr)
            code = 2
            continue
        with no_grad():
            activations = net(pixels).data
        for i, (label, a) in enumerate(zip(net.predict(pixels), activations, strict=True)):
            which = path if len(pixels) == 1 else f"{path}[{i}]"
            print(f"{which}: {label} (activation {float(np.max(a)):.3f})")
    return code


def _page(args: argparse.Namespace) -> int:
    net = Network.load(args.model)
    if net.sizes[0] != SIDE * SIDE:  # before the data are read
        raise ValueError(f"the network in {args.model} takes {net.sizes[0]} pixels, and a page draws {SIDE * SIDE}")
    training, _, test = load_digits(
        args.data, scale=args.scale, classes=max(2, net.sizes[-1]), dtype=np.float32, validation=0
    )
    path = digit_page(net, args.page, data=(training, test), scale=args.scale)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB; open it in a browser")
    return 0


def _info(args: argparse.Namespace) -> int:
    net = Network.load(args.model)
    rows = {
        "network": f"{'-'.join(map(str, net.sizes))}, {net.activation} hidden layers, {net.cost_name} cost",
        "parameters": f"{sum(p.size for p in net.parameters()):,} of {net.weights[0].dtype}",
        "file": f"{os.stat(args.model).st_size:,} bytes",
    }
    try:
        checkpoint = Checkpoint.read(args.model)
    except ValueError:
        rows["training"] = "not recorded"
    else:
        rows["training"] = checkpoint.where()
        options = checkpoint.notes.get("options")
        if isinstance(options, list):
            rows["settings"] = " ".join(map(str, options))
        else:
            kept = ("mini_batch_size", "eta", "momentum", "nesterov", "weight_decay", "patience")
            rows["settings"] = ", ".join(f"{key} {checkpoint.settings.get(key)}" for key in kept)
        for name in checkpoint.history[-1] if checkpoint.history else ():
            correct = [scores[name][1] for scores in checkpoint.history]
            total, best = checkpoint.history[-1][name][2], max(correct)
            rows[name] = f"{correct[-1]} / {total} after the last epoch, {best} after the best ({correct.index(best)})"
        rows["written by"] = ", ".join(f"{name} {number}" for name, number in checkpoint.versions.items())
    for name, text in rows.items():
        print(f"{name:10}  {printable(text)}")
    return 0


def _export(args: argparse.Namespace) -> int:
    net = Network.load(args.model)
    if args.names != "own" and not is_safetensors(args.file):
        raise ValueError("--names are those in a .safetensors file")
    about = {
        "input": f"{net.sizes[0]} pixels, row by row from the top left; light ink on a dark ground",
        "pixel bytes divided by": args.scale or _scale_of_training(args.model),
        "output": "an activation for each label, from 0; the largest is the answer",
    }
    export(net, args.file, about=about, names=args.names)
    print(f"written to {args.file}")
    return 0


def _scale_of_training(path: str) -> float:
    """Return the number by which the pixel bytes of a training were divided, as its file says; 255 if it does not."""
    try:
        options = Checkpoint.read(path).notes["options"]
        return float(options[options.index("--scale") + 1])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return 255.0


def printable(text: str) -> str:
    """Return the text in one line, without anything that would steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _check(args: argparse.Namespace) -> int:
    if args.files:
        told = {key: getattr(args, key) for key in ("cost", "activation", *LEARNERS) if getattr(args, key)}
        limits = {name: getattr(args, name) for name in ("sizes", "seed", "timeout", "memory", "hint")}
        graded = grade_files(args.files, args.jobs, limits | told)
        print(gradebook.formatted(graded, args.form) if args.form else as_text(graded))
        return max((row.code for row in graded), default=2)
    args.sizes = args.sizes or sizes_of(USUAL["sizes"])
    args.cost, args.activation = args.cost or USUAL["cost"], args.activation or USUAL["activation"]
    rows = numbers.compare(
        args.sizes, cost=args.cost, activation=args.activation, init=args.init, batch=args.batch,
        dtype=DTYPES[args.dtype], seed=args.seed,
    )  # fmt: skip
    print(
        f"{'-'.join(map(str, args.sizes))}, {args.activation} hidden layers, {args.cost} cost, mini-batch of"
        f" {args.batch}, {args.dtype}, seed {args.seed}\n"
    )
    print(numbers.as_table(rows))
    passed = all(row.passed for row in rows)
    worst = max(row.engine_equations for row in rows)
    print(
        f"\n{'pass' if passed else 'FAIL'}: engine and equations differ by {worst:.1e} of the largest gradient at most"
        f" (tolerance {rows[0].tolerance:.0e}); finite differences are exact to about"
        f" {numbers.DIFFERENCE_TOLERANCE[np.dtype(args.dtype)]:.0e}"
    )
    return 0 if passed else 1


def _derive(args: argparse.Namespace) -> int:
    found = symbols.derive(args.sizes, cost=args.cost, activation=args.activation, seed=args.seed)
    print(found.latex() if args.latex else found)
    return 0 if found.passed else 1


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "train": _train,
    "evaluate": _evaluate,
    "predict": _predict,
    "page": _page,
    "check": _check,
    "info": _info,
    "export": _export,
    "show": _show,
    "compare": _compare,
    "derive": _derive,
}
