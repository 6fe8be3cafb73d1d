"""`python -m nn` is the command line of `nn.cli`."""

import sys

from nn.cli import main

if __name__ == "__main__":
    sys.exit(main())
