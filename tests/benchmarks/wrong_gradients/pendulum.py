"""Two steps of a pendulum with friction: the squared distance from where it should be."""

import numpy as np

from autograd import Tensor
from wrong_gradients import Wrong

DT = 0.1


def f(state, length, friction, target):
    theta, omega = state[0], state[1]
    for _ in range(2):
        omega = omega + DT * (-9.81 / length * np.sin(theta) - friction * omega)
        theta = theta + DT * omega
    return ((theta - target[0]) ** 2 + (omega - target[1]) ** 2) / 2


def example(seed=0):
    rng = np.random.default_rng(seed)
    return (
        Tensor(rng.uniform(0.5, 1.5, 2)),
        Tensor(rng.uniform(0.5, 1.5)),
        Tensor(rng.uniform(0.1, 0.5)),
        rng.normal(size=2),
    )


def vectorised(state, length, friction, target):
    theta0, omega0 = state
    omega1 = omega0 + DT * (-9.81 / length * np.sin(theta0) - friction * omega0)
    theta1 = theta0 + DT * omega1
    omega2 = omega1 + DT * (-9.81 / length * np.sin(theta1) - friction * omega1)
    theta2 = theta1 + DT * omega2
    dtheta2 = theta2 - target[0]
    domega2 = omega2 - target[1] + DT * dtheta2
    dtheta1 = dtheta2 - domega2 * DT * 9.81 / length * np.cos(theta1)
    domega1 = domega2 * (1 - DT * friction) + DT * dtheta1
    dtheta0 = dtheta1 - domega1 * DT * 9.81 / length * np.cos(theta0)
    domega0 = domega1 * (1 - DT * friction)
    dlength = DT * 9.81 / length**2 * (domega2 * np.sin(theta1) + domega1 * np.sin(theta0))
    dfriction = -DT * (domega2 * omega1 + domega1 * omega0)
    return np.array([dtheta0, domega0]), dlength, dfriction


def differently(state, length, friction, target):
    """With the Jacobian of a step."""
    theta, omega = state
    jacobian = np.eye(2, 4)  # of theta and omega by the state, the length and the friction
    for _ in range(2):
        pull = -9.81 / length * np.sin(theta)
        domega = (1 - DT * friction) * jacobian[1] - DT * 9.81 / length * np.cos(theta) * jacobian[0]
        domega[2] -= DT * pull / length
        domega[3] -= DT * omega
        omega = omega + DT * (pull - friction * omega)
        theta = theta + DT * omega
        jacobian = np.array([jacobian[0] + DT * domega, domega])
    g = (np.array([theta, omega]) - target) @ jacobian
    return g[:2], g[2], g[3]


NAMES = {"u1": "omega1", "u2": "theta1", "u3": "omega2", "u4": "dtheta2", "u5": "eomega"}
WRONG = [
    Wrong("sin for cos", {"length * np.cos(theta1)": "length * np.sin(theta1)"}, "dtheta1", "instead", "cos"),
    Wrong("the derivative of sin has a sign", {"dtheta2 - domega2 * DT": "dtheta2 + domega2 * DT"}, "dtheta1", "sign"),
    Wrong(
        "the step is forgotten in the chain", {"target[1] + DT * dtheta2": "target[1] + dtheta2"}, "domega2", "factor"
    ),
    Wrong("the way through the angle is forgotten", {"target[1] + DT * dtheta2": "target[1]"}, "domega2", "missing"),
    Wrong("the angle's own part is forgotten", {"dtheta1 = dtheta2 - ": "dtheta1 = -"}, "dtheta1", "missing"),
    Wrong(
        "friction is forgotten",
        {"domega1 = domega2 * (1 - DT * friction)": "domega1 = domega2"},
        "domega1",
        "missing",
        "friction",
    ),
    Wrong(
        "the sign of friction",
        {"domega1 = domega2 * (1 - DT": "domega1 = domega2 * (1 + DT"},
        "domega1",
        "sign",
        "friction",
    ),
    Wrong("the length is not squared", {"length**2": "length"}, "dlength", "factor | missing", "length"),
    Wrong("the sign of dlength", {"dlength = DT": "dlength = -DT"}, "dlength", "sign"),
    Wrong("only one step for the length", {"domega2 * np.sin(theta1) + ": ""}, "dlength", "missing"),
    Wrong("only one step for friction", {" + domega1 * omega0": ""}, "dfriction", "missing"),
    Wrong("the speed one step off", {"domega2 * omega1 +": "domega2 * omega2 +"}, "dfriction", "instead", "omega"),
    Wrong(
        "the angle one step off",
        {"length * np.cos(theta0)": "length * np.cos(theta1)"},
        "dstate",
        "instead",
        "state | theta",
    ),
    Wrong(
        "the old speed moves the angle",
        {"theta1 = theta0 + DT * omega1": "theta1 = theta0 + DT * omega0"},
        "theta1",
        "instead",
        "omega1",
    ),
    Wrong(
        "the target is forgotten", {"theta2 - target[0]": "theta2"}, "domega2 | dtheta1 | dtheta2", "missing", "target"
    ),
    Wrong(
        "length and friction swapped",
        {"dlength, dfriction\n": "dfriction, dlength\n"},
        "dlength | dfriction",
        says="swapped | another order",
    ),
    Wrong("the states swapped", {"[dtheta0, domega0]": "[domega0, dtheta0]"}, "dstate", "order | instead"),
    Wrong(
        "the pull's derivative is not divided",
        {"domega[2] -= DT * pull / length": "domega[2] -= DT * pull"},
        "dlength",
        "factor | missing",
        "length",
        style="differently",
    ),
    Wrong(
        "the angle follows the old speed",
        {"jacobian[0] + DT * domega, domega": "jacobian[0] + DT * jacobian[1], domega"},
        "domega2 | dtheta2",
        "instead",
        style="differently",
    ),
]
