"""Runs the command line of `nn.cli`: `python -m nn`."""

import sys

from nn.cli import main

if __name__ == "__main__":
    sys.exit(main())
