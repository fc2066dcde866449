"""Run the command line: `python -m reasoner VERB`."""

from __future__ import annotations

import sys

from reasoner.cli import main

if __name__ == "__main__":
    sys.exit(main())
