"""Share the compiled knowledge among all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoner import load_knowledge
from reasoner.program import Program

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def knowledge() -> Program:
    """Return the compiled knowledge of this checkout."""
    return load_knowledge(ROOT)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the checkout's folder."""
    return ROOT
