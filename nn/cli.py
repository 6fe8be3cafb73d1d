"""The command line: `python -m nn`, also installed as `handgrad`."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np

from autograd import no_grad
from autograd.grading import gradebook
from autograd.grading.fence import MEMORY
from autograd.readings.onnx import OnnxError
from autograd.version import __version__
from nn.checkpoint import Checkpoint
from nn.costs import COSTS
from nn.digits import MNIST, load_digits, read_part
from nn.distributed import Ranks, launched
from nn.exchange import is_safetensors
from nn.exporting import export
from nn.files import check_writable
from nn.grader.many import as_text, grade_files
from nn.grader.problems import CHOICES
from nn.history import kind_of, read_history, write_history
from nn.images import SIDE, read_images
from nn.interrupts import TERMINATED
from nn.layers import INITIALISATIONS, activations
from nn.network import Network
from nn.pages import digit_page
from nn.proof import numbers, symbols
from nn.training import Epoch, backend_of, epochs_of, print_line, score

DTYPES = {"float32": np.float32, "float64": np.float64}
USUAL = {"sizes": "784,30,10", "cost": "quadratic", "activation": "sigmoid"}
# What can be said of the function in a learner's file, besides its cost and activation.
LEARNERS = {
    "reduction": "its gradient is that of the mean, or of the sum, over the examples",
    "examples": "it takes a mini-batch, or one example",
    "orientation": "it takes examples as columns, as rows, or as vectors",
    "weights": "its weights have the shape (n_out, n_in), or (n_in, n_out)",
    "order": "it returns nabla_b first, or nabla_w",
}


EXAMPLES = {
    "train": [
        "--epochs 3 --save net.npz",
        "--resume net.npz --epochs 30 --quiet",
        "--sizes 784,100,10 --cost cross-entropy --init scaled --eta 0.5 --decay 0.0001 --test --validation --training",
        "--cost log-likelihood --activation relu --init scaled --eta 0.1 --momentum 0.9 --nesterov --batch 20",
        "--epochs 100 --patience 5 --validation-size 5000 --save best.npz --every 1000 --seed 1",
        "--data emnist --sizes 784,100,27 --scale 256 --dtype float32 --backend numpy",
        "--epochs 1 --no-compile",
        "--plot curve.png --history run.csv",
    ],
    "evaluate": [
        "net.npz",
        "net.npz --training --validation --test --validation-size 5000",
        "net.npz --data emnist --scale 256",
    ],
    "predict": ["net.npz four.png nine.pgm photo.jpg", "net.npz t10k-images-idx3-ubyte.gz --scale 256"],
    "page": ["net.npz digits.html", "net.npz letters.html --data emnist --scale 256"],
    "info": ["net.npz"],
    "export": ["net.npz net.onnx", "net.npz net.onnx --scale 256", "net.npz net.safetensors --names pytorch"],
    "show": ["net.npz --to pictures", "net.npz --to pictures --digit 18 --data emnist --scale 256"],
    "compare": ["slow.csv fast.jsonl net.npz --plot runs.png", "one.csv two.csv --on validation --plot runs.svg"],
    "check": [
        "",
        "--sizes 20,10,10,5 --cost cross-entropy --activation tanh --init scaled --batch 3 --dtype float32 --seed 1",
        "mine.py --timeout 10 --memory 2048 --json",
        "answers/ --jobs 2 --csv",
        "ada.py ben.py --junit",
        "mine.py --reduction sum --examples one --orientation columns --weights out,in --order b,w",
    ],
    "derive": ["", "--sizes 784,100,50,10 --cost log-likelihood --activation relu --seed 1", "--latex > equations.tex"],
}


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if len(sizes) < 2 or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of two or more numbers of neurons, such as 784,30,10")
    return sizes


def _at_least(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return value

    return whole


def _not_negative(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number of at least 0")
    return value


def _positive(text: str) -> float:
    value = _not_negative(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not greater than 0")
    return value


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the default of an option that takes a value, nothing for a switch, and examples line by line."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if not text.startswith("examples:"):
            return super()._fill_text(text, width, indent)
        return "".join(f"{indent}{line}\n" for line in text.splitlines())

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return (
            action.help
            if action.default is None or isinstance(action.default, bool)
            else super()._get_help_string(action)
        )


class _Parser(argparse.ArgumentParser):
    """Reports an error in one line, without the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _network_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--sizes", type=_sizes, default=USUAL["sizes"], metavar="N,N,...", help="neurons in each layer, input first")
    outputs = ", ".join(f"{cost.output.name} for {name}" for name, cost in COSTS.items())
    add("--cost", choices=list(COSTS), default=USUAL["cost"], help=f"cost function; the output layer is {outputs}")
    add("--activation", choices=list(activations()), default="sigmoid", help="activation of the hidden layers")
    add("--init", choices=INITIALISATIONS, default="gaussian",
        help="draw the weights from N(0, 1), or scaled from N(0, 1/inputs)")  # fmt: skip
    add("--batch", type=_at_least(1), default=10, metavar="N", help="examples in a mini-batch")
    add("--dtype", choices=list(DTYPES), default="float64", help="precision of the parameters")
    add("--seed", type=_at_least(0), default=0, metavar="N", help="seed of the random numbers")


def _scale_option(add: Callable[..., object]) -> None:
    add("--scale", type=_positive, default=255.0, metavar="X",
        help="divide the pixel bytes 0 to 255 by X; the book's file uses 256")  # fmt: skip


def _data_options(parser: argparse.ArgumentParser, which: str) -> None:
    add = parser.add_argument
    add(
        "--data",
        metavar="DIR",
        help="read another data set: the folder of its four IDX files, gzipped or not; if its largest label is k, the"
        " network needs k + 1 outputs (default: MNIST)",
    )
    _scale_option(add)
    add("--validation-size", type=_at_least(0), default=10_000, metavar="N",
        help="keep the last N images of the training file for validation")  # fmt: skip
    add("--test", action="store_true", help=f"{which} the test images (done if no other set is named)")
    add("--validation", action="store_true", help=f"{which} the validation images")
    add("--training", action="store_true", help=f"{which} the training images")


def _parser() -> argparse.ArgumentParser:
    formatter = _Help
    parser = _Parser(
        prog="handgrad",
        formatter_class=_Help,
        description="Train a network on handwritten digits, and check its gradients against the equations of the book.",
        epilog="Exit codes: 0 done, 1 a check failed, 2 bad usage or input, 130 interrupted,"
        " 141 the reader of the output has gone, 143 terminated.",
    )
    parser.add_argument("--version", action="version", version=f"handgrad {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    sub = commands.add_parser(
        "train", help="train a network", formatter_class=formatter,
        description="Train a network. `mpiexec -n 4 python -m nn train ...` shares every mini-batch out among four"
        " processes, on one machine or on many, and trains the same network.",
    )  # fmt: skip
    _network_options(sub)
    add = sub.add_argument
    add("--epochs", type=_at_least(0), default=30, metavar="N", help="go through the training images N times")
    add("--eta", type=_positive, default=3.0, metavar="X", help="learning rate")
    add(
        "--momentum",
        type=_not_negative,
        default=0.0,
        metavar="X",
        help="keep this share of the velocity from step to step",
    )
    add(
        "--nesterov",
        action="store_true",
        help="take the gradient where the momentum leads (Nesterov); needs --momentum",
    )
    add("--decay", type=_not_negative, default=0.0, metavar="X",
        help="weight decay, the book's lambda/n; biases do not decay")  # fmt: skip
    add("--no-compile", dest="compile", action="store_false",
        help="build the graph for every mini-batch: the same numbers, slower")  # fmt: skip
    add("--backend", choices=["auto", "numpy", "c"], default="auto",
        help="run mini-batches in C, built with the machine's compiler, in NumPy, or in what is faster")  # fmt: skip
    add("--patience", type=_at_least(1), metavar="N",
        help="stop after N epochs without a better accuracy on the validation images, and keep the best network"
             " (default: train for all epochs, and keep the last)")  # fmt: skip
    add("--save", metavar="FILE",
        help="write a checkpoint to this .npz file after each epoch: the network, and what is needed to go on"
             " (default: none)")  # fmt: skip
    add("--every", type=_at_least(1), metavar="N", help="save after every N mini-batches, too (default: none)")
    add("--plot", metavar="FILE",
        help="draw the costs and accuracies of the epochs to this .png, .svg or .pdf file (default: none)")  # fmt: skip
    add("--history", metavar="FILE",
        help="write them to this file, a line for each epoch: .csv or .jsonl (default: none)")  # fmt: skip
    add("--quiet", action="store_true", help="print nothing but errors")
    add("--resume", metavar="FILE",
        help="go on where the training of this file stopped, with its settings, and save to it; --epochs can be more"
             " (default: none)")  # fmt: skip
    _data_options(sub, "after each epoch, score")

    sub = commands.add_parser("evaluate", help="score a saved network", formatter_class=formatter)
    sub.add_argument("model", metavar="model.npz", help="the saved network")
    _data_options(sub, "score")

    sub = commands.add_parser("predict", help="recognise digits in pictures", formatter_class=_Help)
    sub.add_argument("model", metavar="model.npz", help="the saved network")
    sub.add_argument(
        "images",
        nargs="+",
        metavar="image",
        help="a picture (PNG, PGM, ...) such as a photograph of a digit on paper, or an IDX file of many images",
    )
    _scale_option(sub.add_argument)

    sub = commands.add_parser(
        "page", help="write a page in which digits are drawn and recognised", formatter_class=_Help,
        description="Write one HTML file, which needs no other and no network: a digit that is drawn in it is"
        " recognised by the saved network, with its gradients, and the network can learn it there.",
    )  # fmt: skip
    sub.add_argument("model", metavar="model.npz", help="the saved network")
    sub.add_argument("page", metavar="digits.html", help="the file to write")
    add = sub.add_argument
    add("--data", metavar="DIR",
        help="read the digits that the page carries from the IDX files in this folder (default: MNIST)")  # fmt: skip
    _scale_option(add)

    sub = commands.add_parser(
        "check", help="compare the engine with the equations, or judge somebody's backprop", formatter_class=formatter,
        description="Without FILE: compare the engine's gradient with the equations derived by hand, and with finite"
        " differences. With FILE: judge the backprop(net, x, y) in it. FILE IS EXECUTED, in a process of its own"
        " with limits, and judged outside of it."
        " --init, --batch and --dtype belong to the comparison without FILE. The options about FILE's function can also"
        " stand in FILE, such as ORIENTATION = \"rows\"; what neither says is found out by trying.",
    )  # fmt: skip
    sub.add_argument("files", nargs="*", metavar="FILE.py",
        help="files with a function backprop(net, x, y), or folders of them")  # fmt: skip
    _network_options(sub)
    add = sub.add_argument
    add("--timeout", type=_positive, default=60.0, metavar="X", help="stop FILE after X seconds")
    add("--memory", type=_at_least(1), default=MEMORY, metavar="MB", help="let FILE hold MB megabytes")
    gradebook.add_options(sub)
    for name, what in LEARNERS.items():
        tried = "mean" if name == "reduction" else "found out by trying"
        add(f"--{name}", choices=CHOICES[name], metavar="|".join(CHOICES[name]),
            help=f"FILE's function: {what} (default: {tried})")  # fmt: skip
    sub.set_defaults(sizes=None, cost=None, activation=None)  # so that FILE can say otherwise
    for action in sub._actions:
        if action.dest in ("sizes", "cost", "activation"):
            with_file = ", with FILE several networks" if action.dest == "sizes" else ""
            action.help = f"{action.help} (default: {USUAL[action.dest]}{with_file})"

    sub = commands.add_parser(
        "info", help="say what is in a saved network, and how it was trained", formatter_class=formatter
    )
    sub.add_argument("model", metavar="model.npz", help="the saved network")

    sub = commands.add_parser(
        "export", help="write a saved network for other programs", formatter_class=formatter,
        description="Write a saved network to FILE: the whole of it as ONNX (.onnx), with a note of how pictures are"
        " prepared for it, or its parameters (.safetensors).",
    )  # fmt: skip
    add = sub.add_argument
    add("model", metavar="model.npz", help="the saved network")
    add("file", metavar="FILE", help="the file to write: .onnx or .safetensors")
    add("--names", choices=["own", "pytorch"], default="own",
        help="of the parameters in a .safetensors file: w1, b1, ..., or as in PyTorch 0.weight, ...")  # fmt: skip
    add("--scale", type=_positive, metavar="X",
        help="note that pixel bytes are divided by X (default: as in the training, or 255)")  # fmt: skip

    sub = commands.add_parser(
        "show",
        help="draw what a saved network learnt",
        formatter_class=formatter,
        description="Write pictures to a folder: how the training went, the weights of each layer, how often each digit"
        " is taken for each other, the test images that are misclassified, with the probability of the wrong answer,"
        " and what the network makes of one of them.",
    )
    add = sub.add_argument
    add("model", metavar="model.npz", help="the saved network")
    add("--to", required=True, metavar="FOLDER", help="write the pictures to this folder, which is made if need be")
    add("--digit", type=_at_least(0), default=0, metavar="N", help="the test image whose activations are drawn")
    add("--data", metavar="DIR", help="the data set whose test images are shown, as for train (default: MNIST)")
    _scale_option(add)

    sub = commands.add_parser("compare", help="draw several trainings in one picture", formatter_class=formatter)
    add = sub.add_argument
    add("runs", nargs="+", metavar="run", help="a file of train --history or train --save")
    add("--plot", required=True, metavar="FILE", help="draw them to this .png, .svg or .pdf file")
    add("--on", choices=("test", "validation", "training"),
        help="compare the accuracies on these images (default: the first that all runs scored)")  # fmt: skip

    sub = commands.add_parser(
        "derive", help="show the derived equations beside those derived by hand", formatter_class=formatter
    )
    add = sub.add_argument
    add("--sizes", type=_sizes, default="784,30,10", metavar="N,N,...",
        help="neurons in each layer, beginning with the 784 pixels of a digit")  # fmt: skip
    add("--cost", choices=list(COSTS), default="quadratic", help="cost function")
    add("--activation", choices=list(activations()), default="sigmoid", help="activation of the hidden layers")
    add("--seed", type=_at_least(0), default=0, metavar="N", help="seed of the random weights")
    add("--latex", action="store_true", help="write LaTeX")

    for name, of in commands.choices.items():
        of.epilog = "examples:" + "".join(f"\n  handgrad {name} {line}".rstrip() for line in EXAMPLES[name])
    return parser


# Options that are not a setting of the training: they can be others when it is resumed.
FREE = ("help", "quiet", "epochs", "save", "every", "resume", "compile", "data", "plot", "history")


def _as_options(args: argparse.Namespace) -> list[str]:
    """Write the options of a training as they could have been typed, to keep them in its file."""
    options: list[str] = []
    for action in _command(_parser(), "train")._actions:
        if action.dest not in ("help", "quiet", "save", "every", "resume", "compile", "plot", "history"):
            value = getattr(args, action.dest)
            if value is True:
                options += action.option_strings[-1:]
            elif value is not None and value is not False:
                text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
                options += [action.option_strings[-1], os.path.abspath(text) if action.dest == "data" else text]
    return options


def _command(parser: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    commands = next(action for action in parser._actions if isinstance(action.choices, dict))
    return cast("dict[str, argparse.ArgumentParser]", commands.choices)[name]


def _resumed(argv: list[str], args: argparse.Namespace) -> argparse.Namespace:
    """Complete the arguments of `train --resume` with the settings in the file. Raises ValueError for others."""
    kept = Checkpoint.read(args.resume).notes.get("options", [])
    if not isinstance(kept, list) or not all(isinstance(option, str) for option in kept):
        raise ValueError(f"{args.resume}: what it says of its training cannot be read")
    parser, at = _parser(), argv.index("train") + 1
    then = vars(parser.parse_args(["train", *kept]))
    now = parser.parse_args([*argv[:at], *kept, *argv[at:]])
    for action in _command(parser, "train")._actions:
        if kept and action.dest not in FREE and getattr(now, action.dest) != then[action.dest]:
            raise ValueError(
                f"{args.resume}: cannot be resumed with other settings: {action.option_strings[-1]} was"
                f" {then[action.dest]} and is {getattr(now, action.dest)}"
            )
    now.save = now.save or now.resume
    return now


def _train(args: argparse.Namespace) -> int:
    first = args.ranks is None or args.ranks.rank == 0
    say: Callable[..., object] = (lambda *_: None) if args.quiet or not first else print
    if args.every and not args.save:
        raise ValueError("--every needs a file to --save to")
    if args.nesterov and not args.momentum:
        raise ValueError("--nesterov needs a --momentum greater than 0")
    figures = _figures(args.plot) if args.plot else None
    if args.history:
        kind_of(args.history)
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
        every=args.every, resume=args.resume, notes={"options": _as_options(args)}, ranks=args.ranks,
        report=None if args.quiet else report,
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
    if args.history:
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
        figures.kind_of(path)
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
    """Names for files: their stems, or what else tells them apart.

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
        rows["training"] = "nothing is said of it"
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
    """Return by what the pixel bytes of a training were divided, as its file says; 255 if it does not."""
    try:
        options = Checkpoint.read(path).notes["options"]
        return float(options[options.index("--scale") + 1])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return 255.0


def printable(text: str) -> str:
    """Return the text in one line, without what would steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _check(args: argparse.Namespace) -> int:
    if args.files:
        told = {key: getattr(args, key) for key in ("cost", "activation", *LEARNERS) if getattr(args, key)}
        limits = {"sizes": args.sizes, "seed": args.seed, "timeout": args.timeout, "memory": args.memory}
        graded = grade_files(args.files, args.jobs, limits | told)
        print(gradebook.written(graded, args.form) if args.form else as_text(graded))
        return max((row.code for row in graded), default=2)
    args.sizes = args.sizes or _sizes(USUAL["sizes"])
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


def _signature(path: str) -> object:
    """Something that is another when a file has been written anew."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _what_is_saved(args: argparse.Namespace) -> str:
    if not getattr(args, "save", None):
        return ""
    if ("before" not in args or _signature(args.save) == args.before) and args.save != args.resume:
        return f"; no epoch was finished, and {args.save} has not been written"
    try:
        where = Checkpoint.read(args.save).where()
    except ValueError as error:
        return f"; {error}"
    return f"; {args.save} holds the network {where}, and `train --resume {args.save}` goes on"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 a check failed, 2 bad usage or input, 130 interrupted.

    Bad usage raises SystemExit, as argparse does. The code is 141 if the reader of the output has gone (`| head -1`),
    and 143 if SIGTERM ended a training. Where `mpiexec` has started several ranks, one that fails ends all of them.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        ranks = launched() if "train" in argv else None
    except RuntimeError as error:
        print(f"handgrad: error: {error}", file=sys.stderr)
        return 2
    return _main(argv) if ranks is None else _on_rank(ranks, argv)


def _on_rank(ranks: Ranks, argv: list[str]) -> int:
    """Run a command on one rank of several. Rank 0 alone is heard, unless another one is the only one that fails."""
    errors = io.StringIO()
    with contextlib.ExitStack() as silence:
        if ranks.rank:
            silence.enter_context(contextlib.redirect_stdout(io.StringIO()))
            silence.enter_context(contextlib.redirect_stderr(errors))
        try:
            code = _main(argv, ranks)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            traceback.print_exc()
            code = 1
    if code:
        ranks.end(code, errors.getvalue())
    return code


def _main(argv: list[str], ranks: Ranks | None = None) -> int:
    args = _parser().parse_args(argv)
    commands = {"train": _train, "evaluate": _evaluate, "predict": _predict, "check": _check, "derive": _derive,
                "info": _info, "export": _export, "show": _show, "compare": _compare, "page": _page}  # fmt: skip
    run = commands[args.command]
    try:
        if getattr(args, "resume", None):
            args = _resumed(argv, args)
        if getattr(args, "save", None):
            args.before = _signature(args.save)  # an interrupt before this has written nothing
        args.ranks = ranks
        code = run(args)
        sys.stdout.flush()  # here, and not when Python exits, so that a closed pipe is met in this place
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to be written goes nowhere
        return 141
    except MemoryError as error:
        print(
            f"handgrad: error: not enough memory: {error or 'choose a smaller network or mini-batch'}", file=sys.stderr
        )
        return 2
    except (ValueError, OnnxError, FloatingPointError, RuntimeError, OSError) as error:
        print(f"handgrad: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\ninterrupted{_what_is_saved(args)}", file=sys.stderr)
        return 130
    except SystemExit as error:
        if error.code == TERMINATED:
            print(f"\nterminated{_what_is_saved(args)}", file=sys.stderr)
        raise
