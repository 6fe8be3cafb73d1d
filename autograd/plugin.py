"""The pytest plugin: the fixture `gradients`, and the option --gradient-seed."""

from __future__ import annotations

from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("gradients").addoption(
        "--gradient-seed", type=int, default=0, metavar="N",
        help="the seed of random weights and directions in gradients.assert_gradient (default: 0)",
    )  # fmt: skip


class Gradients:
    """The fixture `gradients`: assert_gradient, with the seed of --gradient-seed, and check_gradients."""

    def __init__(self, seed: int):
        self.seed = seed

    def assert_gradient(self, gradient: Any, f: Any, *args: Any, **options: Any) -> None:
        """Do what `autograd.testing.assert_gradient` does."""
        __tracebackhide__ = True
        from autograd.testing import assert_gradient

        assert_gradient(gradient, f, *args, **{"seed": self.seed, **options})

    def check_gradients(self, f: Any, *args: Any, **options: Any) -> None:
        """Do what `autograd.check_gradients` does."""
        __tracebackhide__ = True
        from autograd import check_gradients

        check_gradients(f, *args, **options)


@pytest.fixture
def gradients(request: pytest.FixtureRequest) -> Gradients:
    """Judge gradients: `gradients.assert_gradient(gradient, f, *args)` and `gradients.check_gradients(f, *args)`."""
    return Gradients(request.config.getoption("--gradient-seed"))
