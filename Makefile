# Everything runs in .venv, which is made when it is missing and brought up to date when pyproject.toml changes.
PYTHON ?= python3

.PHONY: train test check lint benchmark clean

train: .venv/.installed
	.venv/bin/python -m nn train

test: .venv/.installed
	.venv/bin/python -m pytest

check: .venv/.installed
	.venv/bin/python -m nn check

lint: .venv/.installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

benchmark: .venv/.installed
	.venv/bin/python tests/benchmarks/speed.py

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --editable '.[draw,plot,test,dev]'
	touch $@

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
