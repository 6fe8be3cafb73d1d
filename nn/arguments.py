"""Reads the command line: the options of every command, and those that a training keeps in its file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any, NoReturn, cast

import numpy as np

from autograd.grading.options import add_options, not_negative, positive, whole_number
from autograd.version import __version__
from nn.checkpoint import Checkpoint
from nn.costs import COSTS
from nn.grader.problems import CHOICES
from nn.layers import INITIALISATIONS, activations

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
        "mine.py --hint",
        "answers/ --jobs 2 --csv",
        "ada.py ben.py --junit",
        "mine.py --reduction sum --examples one --orientation columns --weights out,in --order b,w",
    ],
    "derive": ["", "--sizes 784,100,50,10 --cost log-likelihood --activation relu --seed 1", "--latex > equations.tex"],
}

# What the parsers of the commands are added to.
_Commands = Any


def sizes_of(text: str) -> list[int]:
    """Read the numbers of neurons of a network: "784,30,10" gives [784, 30, 10]."""
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if len(sizes) < 2 or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of two or more numbers of neurons, such as 784,30,10")
    return sizes


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
    add("--sizes", type=sizes_of, default=USUAL["sizes"], metavar="N,N,...", help="neurons in each layer, input first")
    outputs = ", ".join(f"{cost.output.name} for {name}" for name, cost in COSTS.items())
    add("--cost", choices=list(COSTS), default=USUAL["cost"], help=f"cost function; the output layer is {outputs}")
    add(
        "--activation", choices=list(activations()), default=USUAL["activation"], help="activation of the hidden layers"
    )
    add("--init", choices=INITIALISATIONS, default="gaussian",
        help="draw the weights from N(0, 1), or scaled from N(0, 1/inputs)")  # fmt: skip
    add("--batch", type=whole_number(1), default=10, metavar="N", help="examples in a mini-batch")
    add("--dtype", choices=list(DTYPES), default="float64", help="precision of the parameters")
    add("--seed", type=whole_number(0), default=0, metavar="N", help="seed of the random numbers")


def _scale_option(add: Callable[..., object]) -> None:
    add("--scale", type=positive, default=255.0, metavar="X",
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
    add("--validation-size", type=whole_number(0), default=10_000, metavar="N",
        help="keep the last N images of the training file for validation")  # fmt: skip
    add("--test", action="store_true", help=f"{which} the test images (done if no other set is named)")
    add("--validation", action="store_true", help=f"{which} the validation images")
    add("--training", action="store_true", help=f"{which} the training images")


def _train(commands: _Commands) -> None:
    sub = commands.add_parser(
        "train", help="train a network", formatter_class=_Help,
        description="Train a network. `mpiexec -n 4 python -m nn train ...` shares every mini-batch out among four"
        " processes, on one machine or on many, and trains the same network.",
    )  # fmt: skip
    _network_options(sub)
    add = sub.add_argument
    add("--epochs", type=whole_number(0), default=30, metavar="N", help="go through the training images N times")
    add("--eta", type=positive, default=3.0, metavar="X", help="learning rate")
    add(
        "--momentum",
        type=not_negative,
        default=0.0,
        metavar="X",
        help="keep this share of the velocity from step to step",
    )
    add(
        "--nesterov",
        action="store_true",
        help="take the gradient where the momentum leads (Nesterov); needs --momentum",
    )
    add("--decay", type=not_negative, default=0.0, metavar="X",
        help="weight decay, the book's lambda/n; biases do not decay")  # fmt: skip
    add("--no-compile", dest="compile", action="store_false",
        help="build the graph for every mini-batch: the same numbers, slower")  # fmt: skip
    add("--backend", choices=["auto", "numpy", "c"], default="auto",
        help="run mini-batches in C, built with the machine's compiler, in NumPy, or in what is faster")  # fmt: skip
    add("--patience", type=whole_number(1), metavar="N",
        help="stop after N epochs without a better accuracy on the validation images, and keep the best network"
             " (default: train for all epochs, and keep the last)")  # fmt: skip
    add("--save", metavar="FILE",
        help="write a checkpoint to this .npz file after each epoch: the network, and what is needed to go on"
             " (default: none)")  # fmt: skip
    add("--every", type=whole_number(1), metavar="N", help="save after every N mini-batches, too (default: none)")
    add("--plot", metavar="FILE",
        help="draw the costs and accuracies of the epochs to this .png, .svg or .pdf file (default: none)")  # fmt: skip
    add("--history", metavar="FILE",
        help="write them to this file, a line for each epoch: .csv or .jsonl (default: none)")  # fmt: skip
    add("--quiet", action="store_true", help="print nothing but errors")
    add("--resume", metavar="FILE",
        help="go on where the training of this file stopped, with its settings, and save to it; --epochs can be more"
             " (default: none)")  # fmt: skip
    _data_options(sub, "after each epoch, score")


def _evaluate(commands: _Commands) -> None:
    sub = commands.add_parser("evaluate", help="score a saved network", formatter_class=_Help)
    sub.add_argument("model", metavar="model.npz", help="the saved network")
    _data_options(sub, "score")


def _predict(commands: _Commands) -> None:
    sub = commands.add_parser("predict", help="recognise digits in pictures", formatter_class=_Help)
    sub.add_argument("model", metavar="model.npz", help="the saved network")
    sub.add_argument(
        "images",
        nargs="+",
        metavar="image",
        help="a picture (PNG, PGM, ...) such as a photograph of a digit on paper, or an IDX file of many images",
    )
    _scale_option(sub.add_argument)


def _page(commands: _Commands) -> None:
    sub = commands.add_parser(
        "page", help="write a page in which digits are drawn and recognised", formatter_class=_Help,
        description="Write one HTML file, which needs no other and no network: a digit that is drawn in it is"
        " recognised by the saved network, with its gradients, and the network can learn it there. In Python,"
        " nn.pages.digit_page writes one of any Sequential of layers, too.",
    )  # fmt: skip
    sub.add_argument("model", metavar="model.npz", help="the saved network")
    sub.add_argument("page", metavar="digits.html", help="the file to write")
    add = sub.add_argument
    add("--data", metavar="DIR",
        help="read the digits that the page carries from the IDX files in this folder (default: MNIST)")  # fmt: skip
    _scale_option(add)


def _check(commands: _Commands) -> None:
    sub = commands.add_parser(
        "check", help="compare the engine with the equations, or judge somebody's backprop", formatter_class=_Help,
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
    add_options(sub)
    for name, what in LEARNERS.items():
        tried = "mean" if name == "reduction" else "found out by trying"
        add(f"--{name}", choices=CHOICES[name], metavar="|".join(CHOICES[name]),
            help=f"FILE's function: {what} (default: {tried})")  # fmt: skip
    sub.set_defaults(sizes=None, cost=None, activation=None)  # so that FILE can say otherwise
    for action in sub._actions:
        if action.dest in ("sizes", "cost", "activation"):
            with_file = ", with FILE several networks" if action.dest == "sizes" else ""
            action.help = f"{action.help} (default: {USUAL[action.dest]}{with_file})"


def _info(commands: _Commands) -> None:
    sub = commands.add_parser(
        "info", help="say what is in a saved network, and how it was trained", formatter_class=_Help
    )
    sub.add_argument("model", metavar="model.npz", help="the saved network")


def _export(commands: _Commands) -> None:
    sub = commands.add_parser(
        "export", help="write a saved network for other programs", formatter_class=_Help,
        description="Write a saved network to FILE: the whole of it as ONNX (.onnx), with a note of how pictures are"
        " prepared for it, or its parameters (.safetensors).",
    )  # fmt: skip
    add = sub.add_argument
    add("model", metavar="model.npz", help="the saved network")
    add("file", metavar="FILE", help="the file to write: .onnx or .safetensors")
    add("--names", choices=["own", "pytorch"], default="own",
        help="of the parameters in a .safetensors file: w1, b1, ..., or as in PyTorch 0.weight, ...")  # fmt: skip
    add("--scale", type=positive, metavar="X",
        help="note that pixel bytes are divided by X (default: as in the training, or 255)")  # fmt: skip


def _show(commands: _Commands) -> None:
    sub = commands.add_parser(
        "show",
        help="draw what a saved network learnt",
        formatter_class=_Help,
        description="Write pictures to a folder: how the training went, the weights of each layer, how often each digit"
        " is taken for each other, the test images that are misclassified, with the probability of the wrong answer,"
        " and what the network makes of one of them.",
    )
    add = sub.add_argument
    add("model", metavar="model.npz", help="the saved network")
    add("--to", required=True, metavar="FOLDER", help="write the pictures to this folder, which is made if need be")
    add("--digit", type=whole_number(0), default=0, metavar="N", help="the test image whose activations are drawn")
    add("--data", metavar="DIR", help="the data set whose test images are shown, as for train (default: MNIST)")
    _scale_option(add)


def _compare(commands: _Commands) -> None:
    sub = commands.add_parser("compare", help="draw several trainings in one picture", formatter_class=_Help)
    add = sub.add_argument
    add("runs", nargs="+", metavar="run", help="a file of train --history or train --save")
    add("--plot", required=True, metavar="FILE", help="draw them to this .png, .svg or .pdf file")
    add("--on", choices=("test", "validation", "training"),
        help="compare the accuracies on these images (default: the first that all runs scored)")  # fmt: skip


def _derive(commands: _Commands) -> None:
    sub = commands.add_parser(
        "derive", help="show the derived equations beside those derived by hand", formatter_class=_Help
    )
    add = sub.add_argument
    add("--sizes", type=sizes_of, default=USUAL["sizes"], metavar="N,N,...",
        help="neurons in each layer, beginning with the 784 pixels of a digit")  # fmt: skip
    add("--cost", choices=list(COSTS), default=USUAL["cost"], help="cost function")
    add(
        "--activation", choices=list(activations()), default=USUAL["activation"], help="activation of the hidden layers"
    )
    add("--seed", type=whole_number(0), default=0, metavar="N", help="seed of the random weights")
    add("--latex", action="store_true", help="write LaTeX")


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line: the command and its options. Bad usage raises SystemExit(2)."""
    top = _Parser(
        prog="handgrad",
        formatter_class=_Help,
        description="Train a network on handwritten digits, and check its gradients against the equations of the book.",
        epilog="Exit codes: 0 done, 1 a check failed, 2 bad usage or input, 130 interrupted,"
        " 141 the reader of the output has gone, 143 terminated.",
    )
    top.add_argument("--version", action="version", version=f"handgrad {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_train, _evaluate, _predict, _page, _check, _info, _export, _show, _compare, _derive):
        add(commands)
    for name, of in commands.choices.items():
        of.epilog = "examples:" + "".join(f"\n  handgrad {name} {line}".rstrip() for line in EXAMPLES[name])
    return top


# Options that are not a setting of the training: they can be others when it is resumed.
FREE = ("help", "quiet", "epochs", "save", "every", "resume", "compile", "data", "plot", "history")


def as_options(args: argparse.Namespace) -> list[str]:
    """Write the options of a training as they could have been typed, to keep them in its file."""
    options: list[str] = []
    for action in _command(parser(), "train")._actions:
        if action.dest not in ("help", "quiet", "save", "every", "resume", "compile", "plot", "history"):
            value = getattr(args, action.dest)
            if value is True:
                options += action.option_strings[-1:]
            elif value is not None and value is not False:
                text = os.path.abspath(value) if action.dest == "data" else _text(value)
                options += [action.option_strings[-1], text]
    return options


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _command(parser: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    commands = next(action for action in parser._actions if isinstance(action.choices, dict))
    return cast("dict[str, argparse.ArgumentParser]", commands.choices)[name]


def resumed(argv: list[str], args: argparse.Namespace) -> argparse.Namespace:
    """Complete the arguments of `train --resume` with the settings in the file. Raises ValueError for others."""
    kept = Checkpoint.read(args.resume).notes.get("options", [])
    if not isinstance(kept, list) or not all(isinstance(option, str) for option in kept):
        raise ValueError(f"{args.resume}: what it says of its training cannot be read")
    reader, at = parser(), argv.index("train") + 1
    then = vars(reader.parse_args(["train", *kept]))
    now = reader.parse_args([*argv[:at], *kept, *argv[at:]])
    differing = [
        f"{action.option_strings[-1]} was {_text(then[action.dest])} and is {_text(getattr(now, action.dest))}"
        for action in _command(reader, "train")._actions
        if kept and action.dest not in FREE and getattr(now, action.dest) != then[action.dest]
    ]
    if differing:
        raise ValueError(f"{args.resume}: cannot be resumed with other settings: {', '.join(differing)}")
    now.save = now.save or now.resume
    return now
