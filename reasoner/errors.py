"""Tell a person what went wrong, where, why, and how to repair it.

LegcrampsError                 LC-1000  exit 4
├── UsageError                 LC-1100  exit 2   the call itself is wrong
│   ├── MissingExtraError      LC-1110  exit 2   an optional library is not installed
│   └── ForbiddenError         LC-1120  exit 2   what is asked for is not allowed
├── InputError                 LC-1200  exit 2   a document could not be read
│   ├── SyntaxProblem          LC-1210  exit 2   the document is malformed
│   ├── LimitError             LC-1220  exit 2   the document exceeds a stated limit
│   └── UnsupportedInputError  LC-1230  exit 2   a known format or version that is not read
├── KnowledgeError             LC-1300  exit 2   ontology, shapes or queries are unusable
│   ├── ProfileError           LC-1310  exit 2   an axiom or shape lies outside the profile
│   └── GuidelineError         LC-1320  exit 2   recommendations contradict each other
└── IncompleteError            LC-1400  exit 3   the answer would not be whole
    └── RemoteError            LC-1410  exit 3   a remote store did not do what it was asked
        ├── UnreachableError   LC-1411  exit 3   no connection, or one that broke
        ├── DeadlineError      LC-1412  exit 3   the time allowed for it is over
        ├── OversizeError      LC-1413  exit 3   it sends more bytes than are taken
        ├── RefusalError       LC-1414  exit 3   it answers that it will not or cannot
        ├── UnfitAnswerError   LC-1415  exit 3   its answer is not what was asked for, or damaged
        ├── RedirectError      LC-1416  exit 3   it sends elsewhere than to the origin that was named
        ├── ShortAnswerError   LC-1417  exit 3   it gives fewer rows than it counts
        └── ChangedDataError   LC-1418  exit 3   it does not hold what was written
"""

from __future__ import annotations

__all__ = [
    "ChangedDataError",
    "DeadlineError",
    "ForbiddenError",
    "GuidelineError",
    "IncompleteError",
    "InputError",
    "KnowledgeError",
    "LegcrampsError",
    "LimitError",
    "MissingExtraError",
    "OversizeError",
    "ProfileError",
    "RedirectError",
    "RefusalError",
    "RemoteError",
    "ShortAnswerError",
    "SyntaxProblem",
    "UnfitAnswerError",
    "UnreachableError",
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


class ForbiddenError(UsageError):
    """What is asked for is not allowed."""

    code = "LC-1120"


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


class RemoteError(IncompleteError):
    """A remote store did not do what it was asked."""

    code = "LC-1410"


class UnreachableError(RemoteError):
    """There is no connection to a remote store, or it broke."""

    code = "LC-1411"


class DeadlineError(RemoteError):
    """The time allowed for a remote store is over."""

    code = "LC-1412"


class OversizeError(RemoteError):
    """A remote store sends more bytes than are taken."""

    code = "LC-1413"


class RefusalError(RemoteError):
    """A remote store answers that it will not or cannot."""

    code = "LC-1414"


class UnfitAnswerError(RemoteError):
    """The answer of a remote store is not what was asked for, or damaged."""

    code = "LC-1415"


class RedirectError(RemoteError):
    """A remote store sends elsewhere than to the origin that was named."""

    code = "LC-1416"


class ShortAnswerError(RemoteError):
    """A remote store gives fewer rows than it counts."""

    code = "LC-1417"


class ChangedDataError(RemoteError):
    """A remote store does not hold what was written."""

    code = "LC-1418"
