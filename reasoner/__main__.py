"""Run the command line: `python -m reasoner VERB`."""

from __future__ import annotations

import sys

from reasoner.cli import main

sys.exit(main())
