"""`python -m nn derive`: the derived backprop beside the equations by hand, line against line, on real digits."""

import numpy as np
import pytest

from nn import equations
from nn.cli import main
from nn.proof import symbols
from nn.proof.symbols import derive


def test_the_four_equations_side_by_side(capsys):
    assert main(["derive", "--sizes", "784,12,10"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "784-12-10, sigmoid hidden layers, quadratic cost, one example"
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines[3:9]]
    assert [row[:3] for row in cells] == [
        ["BP1", "δ² = ∂C/∂z² = (a² − y) ⊙ a² ⊙ (1 − a²)", "δ² = (a² − y) ⊙ σ′(z²)"],
        ["BP3", "∂C/∂b² = δ²", "∂C/∂b² = δ²"],
        ["BP4", "∂C/∂w² = δ² (a¹)ᵀ", "∂C/∂w² = δ² (a¹)ᵀ"],
        ["BP2", "δ¹ = ∂C/∂z¹ = ((w²)ᵀ δ²) ⊙ a¹ ⊙ (1 − a¹)", "δ¹ = ((w²)ᵀ δ²) ⊙ σ′(z¹)"],
        ["BP3", "∂C/∂b¹ = δ¹", "∂C/∂b¹ = δ¹"],
        ["BP4", "∂C/∂w¹ = δ¹ xᵀ", "∂C/∂w¹ = δ¹ xᵀ"],
    ]
    assert all(0 < float(row[3]) < 1e-14 for row in cells)
    assert lines[-1].startswith("pass: the largest difference")


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy", "log-likelihood"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("sizes", [[784, 10], [784, 11, 12, 10]])
def test_every_cost_and_activation(cost, activation, sizes):
    found = derive(sizes, cost=cost, activation=activation)
    assert found.passed
    assert len(found.lines) == 3 * (len(sizes) - 1)
    assert ("σ′" in found.lines[0].by_hand) == (cost == "quadratic")
    if len(sizes) == 4:
        prime = {"sigmoid": "σ′(z²)", "tanh": "tanh′(z²)", "relu": "ReLU′(z²)"}[activation]
        assert found.lines[3].by_hand == f"δ² = ((w³)ᵀ δ³) ⊙ {prime}"


def test_a_wrong_derivation_is_seen(monkeypatch, capsys):
    right = equations.backprop

    def wrong(*args):
        nabla_b, nabla_w = right(*args)
        return [nabla_b[0] * (1 + 1e-9), *nabla_b[1:]], nabla_w

    monkeypatch.setattr(symbols, "by_hand", wrong)
    assert main(["derive", "--sizes", "784,12,10"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[6:8]] == ["1.0e-09", "1.0e-09"]
    assert lines[-1].startswith("FAIL")


def test_latex_and_what_is_refused(capsys):
    assert main(["derive", "--sizes", "784,12,10", "--latex", "--cost", "cross-entropy"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("\\begin{array}{llll}\n")
    assert (
        "\\text{BP1} & \\delta^{2} = \\frac{\\partial C}{\\partial z^{2}} = a^{2} - y & \\delta^{2} = a^{2} - y & "
        in text
    )
    assert text.endswith("\n\\end{array}\n")
    assert main(["derive", "--sizes", "12,10"]) == 2
    assert "784 inputs and 10 outputs or more, not [12, 10]" in capsys.readouterr().err
    assert np.all([line.difference < 1e-12 for line in derive([784, 12, 10]).latex_lines])
