"""The program's entry point: `modeldeck` or `python -m modeldeck.app`."""

import sys

from modeldeck.app.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
