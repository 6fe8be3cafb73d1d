"""Three steps of a linear system with a control: the squared state at the end and the cost of control."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong


def f(a, b, u, x0):
    x = x0
    cost = 0.0
    for t in range(3):
        x = a @ x + b @ u[t]
        cost = cost + np.sum(u[t] ** 2) / 2
    return cost + np.sum(x**2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    return (
        Tensor(rng.normal(size=(3, 3))),
        Tensor(rng.normal(size=(3, 2))),
        Tensor(rng.normal(size=(3, 2))),
        rng.normal(size=3),
    )


def vectorised(a, b, u, x0):
    x1 = a @ x0 + b @ u[0]
    x2 = a @ x1 + b @ u[1]
    x3 = a @ x2 + b @ u[2]
    p3 = x3
    p2 = a.T @ p3
    p1 = a.T @ p2
    da = np.outer(p3, x2) + np.outer(p2, x1) + np.outer(p1, x0)
    db = np.outer(p3, u[2]) + np.outer(p2, u[1]) + np.outer(p1, u[0])
    du = np.array([b.T @ p1 + u[0], b.T @ p2 + u[1], b.T @ p3 + u[2]])
    return da, db, du


def differently(a, b, u, x0):
    states = [x0]
    for control in u:
        states.append(a @ states[-1] + b @ control)
    da, db, du = np.zeros((3, 3)), np.zeros((3, 2)), np.zeros((3, 2))
    costate = states[-1].copy()
    for t in (2, 1, 0):
        da += costate[:, None] * states[t]
        db += costate[:, None] * u[t]
        du[t] = u[t] + costate @ b
        costate = costate @ a
    return da, db, du


NAMES = {"t1": "x1", "t2": "x2", "t3": "x3", "t4": "p2", "t5": "p1"}
WRONG = [
    Wrong("the transpose is forgotten", {"p2 = a.T @ p3": "p2 = a @ p3"}, "da | db | du | dx2 | p2", "transposed", "a"),
    Wrong(
        "both transposes are forgotten",
        {"p2 = a.T @ p3": "p2 = a @ p3", "p1 = a.T @ p2": "p1 = a @ p2"},
        "da | db | du | dx2 | dx1 | p2",
        "transposed",
        "a",
    ),
    Wrong("the cost of control is forgotten", {"b.T @ p1 + u[0]": "b.T @ p1"}, "du", "missing", "u"),
    Wrong("the sign of the costate", {"p3 = x3": "p3 = -x3"}, "da | db | du | x3 | dx3", "sign"),
    Wrong("a factor 2", {"p3 = x3": "p3 = 2 * x3"}, "da | db | du | x3 | dx3", "factor"),
    Wrong("the first step is forgotten in da", {" + np.outer(p1, x0)": ""}, "da", "missing", "x0"),
    Wrong("the last step only in db", {" + np.outer(p2, u[1]) + np.outer(p1, u[0])": ""}, "db", "missing"),
    Wrong(
        "the states one step off",
        {
            "np.outer(p3, x2)": "np.outer(p3, x3)",
            "np.outer(p2, x1)": "np.outer(p2, x2)",
            "np.outer(p1, x0)": "np.outer(p1, x1)",
        },
        "da",
        "instead",
    ),
    Wrong(
        "the costates one step off",
        {"np.outer(p3, x2) + np.outer(p2, x1)": "np.outer(p2, x2) + np.outer(p2, x1)"},
        "da",
        "instead | added",
    ),
    Wrong("outer products the other way round", {"np.outer(p2, x1)": "np.outer(x1, p2)"}, "da", "transposed | order"),
    Wrong(
        "the controls in the wrong order",
        {"[b.T @ p1 + u[0], b.T @ p2 + u[1], b.T @ p3 + u[2]]": "[b.T @ p3 + u[2], b.T @ p2 + u[1], b.T @ p1 + u[0]]"},
        "du",
        "order | instead",
    ),
    Wrong("the state for the costate", {"b.T @ p1 + u[0]": "b.T @ x1 + u[0]"}, "du", "instead"),
    Wrong("db and du swapped", {"return da, db, du": "return da, du, db"}, says="swapped | another order"),
    Wrong(
        "the state after the step",
        {"costate[:, None] * states[t]": "costate[:, None] * states[t + 1]"},
        "da",
        "instead",
        style="differently",
    ),
    Wrong(
        "the costate is not led back",
        {"costate = costate @ a": "costate = costate"},
        "da | db | du | p2",
        "missing",
        "a",
        style="differently",
    ),
    Wrong(
        "led back by a, not its transpose",
        {"costate = costate @ a": "costate = a @ costate"},
        "da | db | du | p2",
        "transposed",
        "a",
        style="differently",
    ),
    Wrong(
        "the costate begins one step early",
        {"states[-1].copy()": "states[-2].copy()"},
        "da | db | du",
        "instead",
        style="differently",
    ),
]
