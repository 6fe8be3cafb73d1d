# Everything runs in .venv. Each target installs what it needs there, once, and again when pyproject.toml changes.
PYTHON ?= python3
INSTALL = .venv/bin/python -m pip install --disable-pip-version-check --quiet --editable

.PHONY: train test check lint benchmark clean

train: .venv/.draws
	@echo "Training the network 784-30-10 on 50,000 handwritten digits, for 30 epochs ..."
	.venv/bin/python -m nn train --save model.npz
	@echo "Next: .venv/bin/python -m nn show model.npz --to pictures, page model.npz digits.html, or predict model.npz photo.png"

check: .venv/.runs
	.venv/bin/python -m nn check

benchmark: .venv/.runs
	.venv/bin/python tests/benchmarks/speed.py

test: .venv/.tests
	.venv/bin/python -m pytest

lint: .venv/.lints
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

.venv/.runs: pyproject.toml | .venv/bin/python
	@echo "Installing handgrad, NumPy and tqdm into .venv ..."
	@$(INSTALL) .
	@touch $@

.venv/.draws: pyproject.toml | .venv/bin/python
	@echo "Installing handgrad, NumPy, tqdm and matplotlib into .venv ..."
	@$(INSTALL) '.[plot]'
	@touch $@

.venv/.tests: pyproject.toml | .venv/bin/python
	@echo "Installing what the tests need (pytest, hypothesis, playwright, matplotlib, pygraphviz, ...) into .venv ..."
	@$(INSTALL) '.[draw,plot,test]'
	@touch $@

.venv/.lints: pyproject.toml | .venv/bin/python
	@echo "Installing what the linters need (ruff, mypy) into .venv ..."
	@$(INSTALL) '.[dev]'
	@touch $@

.venv/bin/python:
	@echo "Making a virtual environment in .venv ..."
	@$(PYTHON) -m venv .venv

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
