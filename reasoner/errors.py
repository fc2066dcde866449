"""Tell a person what went wrong, where, why, and how to repair it.

LegcrampsError                 LC-1000  exit 4
├── UsageError                 LC-1100  exit 2   the call itself is wrong
│   └── MissingExtraError      LC-1110  exit 2   an optional library is not installed
├── InputError                 LC-1200  exit 2   a document could not be read
│   ├── SyntaxProblem          LC-1210  exit 2   the document is malformed
│   ├── LimitError             LC-1220  exit 2   the document exceeds a stated limit
│   └── UnsupportedInputError  LC-1230  exit 2   a known format or version that is not read
├── KnowledgeError             LC-1300  exit 2   ontology, shapes or queries are unusable
│   ├── ProfileError           LC-1310  exit 2   an axiom or shape lies outside the profile
│   └── GuidelineError         LC-1320  exit 2   recommendations contradict each other
└── IncompleteError            LC-1400  exit 3   the answer would not be whole
"""

from __future__ import annotations

__all__ = [
    "GuidelineError",
    "IncompleteError",
    "InputError",
    "KnowledgeError",
    "LegcrampsError",
    "LimitError",
    "MissingExtraError",
    "ProfileError",
    "SyntaxProblem",
    "UnsupportedInputError",
    "UsageError",
    "shortened",
    "visible",
]

_LONGEST_QUOTE = 200
_CONTROLS = (*range(32), *range(127, 160), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
_ESCAPES = {code: f"\\u{code:04x}" for code in _CONTROLS}


def shortened(text: str, longest: int = _LONGEST_QUOTE) -> str:
    """Return what a message may quote of a text from outside."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def visible(text: str) -> str:
    """Return `text` on one line, with the characters that steer a terminal or turn the reading direction as escapes."""
    return text.translate(_ESCAPES)


class LegcrampsError(Exception):
    """Carry what happened, where, why and the repair; `code` is stable, `exit_code` is the command's."""

    code = "LC-1000"
    exit_code = 4

    def __init__(self, what: str, *, where: str = "", why: str = "", repair: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.repair = repair

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        because = f": {self.why}" if self.why else ""
        mend = f" Repair: {self.repair}" if self.repair else ""
        return visible(f"{self.what}{place}{because}.{mend} [{self.code}]")


class UsageError(LegcrampsError):
    """The call itself is wrong."""

    code = "LC-1100"
    exit_code = 2


class MissingExtraError(UsageError):
    """An optional library is not installed."""

    code = "LC-1110"


class InputError(LegcrampsError):
    """A document could not be read."""

    code = "LC-1200"
    exit_code = 2


class SyntaxProblem(InputError):
    """The document is malformed."""

    code = "LC-1210"


class LimitError(InputError):
    """The document exceeds a stated limit."""

    code = "LC-1220"


class UnsupportedInputError(InputError):
    """The document is of a known format or version that is not read."""

    code = "LC-1230"


class KnowledgeError(LegcrampsError):
    """Ontology, shapes or queries are unusable."""

    code = "LC-1300"
    exit_code = 2


class ProfileError(KnowledgeError):
    """An axiom or shape lies outside the profile."""

    code = "LC-1310"


class GuidelineError(KnowledgeError):
    """Recommendations contradict each other."""

    code = "LC-1320"


class IncompleteError(LegcrampsError):
    """The answer would not be whole."""

    code = "LC-1400"
    exit_code = 3
