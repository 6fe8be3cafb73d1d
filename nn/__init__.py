"""The handwritten-digit network, trained on gradients that the engine derives.

The book's three lines (Nielsen, *Neural Networks and Deep Learning*, chapter 1) work as they are written there:

    from nn import Network, load_data_wrapper
    training_data, validation_data, test_data = load_data_wrapper()
    net = Network([784, 30, 10])
    net.SGD(training_data, 30, 10, 3.0, test_data=test_data)

`nn.equations` holds the hand-derived equations of backpropagation that the engine's gradients are checked against.
"""

from autograd.version import __version__
from nn.costs import quadratic, sigmoid_cross_entropy, softmax_log_likelihood
from nn.digits import DataError, Examples, load_data_wrapper, load_digits, one_hot
from nn.exporting import export
from nn.files import FileError
from nn.layers import Dropout, Linear, Module, Sequential
from nn.network import Network
from nn.scoring import Epoch, Score, score
from nn.sgd import SGD, Adam
from nn.training import train

__all__ = [
    "SGD",
    "Adam",
    "DataError",
    "Dropout",
    "Epoch",
    "Examples",
    "FileError",
    "Linear",
    "Module",
    "Network",
    "Score",
    "Sequential",
    "__version__",
    "export",
    "load_data_wrapper",
    "load_digits",
    "one_hot",
    "quadratic",
    "score",
    "sigmoid_cross_entropy",
    "softmax_log_likelihood",
    "train",
]
