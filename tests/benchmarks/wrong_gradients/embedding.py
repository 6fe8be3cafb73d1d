"""Rows of a table that words are looked up in, some more than once, and a linear layer on them."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong

WORDS = np.array([1, 4, 1, 0, 3, 1])


def f(table, w, y):
    e = table[WORDS]
    return np.mean((e @ w - y) ** 2)


def example(seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.normal(size=(5, 3))), Tensor(rng.normal(size=3)), rng.normal(size=6)


def vectorised(table, w, y):
    e = table[WORDS]
    error = 2 * (e @ w - y) / len(y)
    dtable = np.zeros(table.shape)
    np.add.at(dtable, WORDS, np.outer(error, w))
    dw = e.T @ error
    return dtable, dw


def differently(table, w, y):
    dtable, dw = np.zeros_like(table), np.zeros_like(w)
    for word, target in zip(WORDS, y):
        g = 2 / 6 * (np.dot(table[word], w) - target)
        for k in range(3):
            dtable[word, k] += g * w[k]
            dw[k] += g * table[word, k]
    return dtable, dw


NAMES = {"u1": "error"}
WRONG = [
    Wrong(
        "repeated words overwrite",
        {"np.add.at(dtable, WORDS, np.outer(error, w))": "dtable[WORDS] += np.outer(error, w)"},
        "dtable",
        "sum",
    ),
    Wrong("the mean is forgotten", {" / len(y)": ""}, "dtable | dw | e | error", "factor"),
    Wrong("the square's 2 is forgotten", {"error = 2 * ": "error = "}, "dtable | dw | e | error", "factor"),
    Wrong("target minus output", {"(e @ w - y)": "(y - e @ w)"}, "dtable | dw | e | error", "sign", "-y | error"),
    Wrong("the target is forgotten", {"(e @ w - y)": "(e @ w)"}, "dtable | dw | e | error", "missing", "y"),
    Wrong("the error for the row", {"np.outer(error, w))": "error[:, None])"}, "dtable", "missing", "w"),
    Wrong("the embedding for the weights", {"np.outer(error, w))": "error[:, None] * e)"}, "dtable", "instead", "w"),
    Wrong("divided by the size of the table", {"len(y)": "len(table)"}, "dtable | dw | e | error", "factor"),
    Wrong("the mean is forgotten in dw", {"e.T @ error": "e.T @ (e @ w - y)"}, "dw", "factor"),
    Wrong("the words of the next", {"np.add.at(dtable, WORDS,": "np.add.at(dtable, WORDS - 1,"}, "dtable", "instead"),
    Wrong("the sign of dw", {"e.T @ error": "-e.T @ error"}, "dw", "sign", "-y | error"),
    Wrong("swapped", {"return dtable, dw": "return dw, dtable"}, says="swapped | another order"),
    Wrong(
        "only the last word counts", {"dtable[word, k] += ": "dtable[word, k] = "}, "dtable", "sum", style="differently"
    ),
    Wrong("only the last word counts for w", {"dw[k] += ": "dw[k] = "}, "dw", "sum", style="differently"),
    Wrong("a word for all", {"g * table[word, k]": "g * table[1, k]"}, "dw", "instead", "table", style="differently"),
]
