"""See the comments of a Turtle text and the order of its blocks by a light line scan; the triples come from a real parser.

The scan masks strings, IRIs and comments and then looks at column 0 only: a directive, or the subject of a block. What it
cannot follow costs the author's order of blocks, never a comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Comments", "Layout", "scan_layout"]

_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""'
    r"|'''(?:[^'\\]|\\.|'(?!''))*'''"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'(?:[^'\\\n]|\\.)*'"
    r"|<[^\x00-\x20<>\"{}|^`]*>"
    r"|\#[^\n]*"
    r"|\\."
    r"|[^\"'<\#\\]+"
    r"|.",
    re.DOTALL,
)
_DIRECTIVE = re.compile(r"@prefix\b|@base\b|@version\b|(?:PREFIX|BASE|VERSION)\s", re.IGNORECASE)
_SUBJECT = re.compile(r"<[^>]*>|[^\s;,\[\]().<]*:[^\s;,\[\]()]*")
_LINE = re.compile(r"^.*$", re.MULTILINE)


@dataclass(frozen=True)
class Comments:
    """The comment paragraphs before a block; `near` stands directly above it, without a blank line."""

    paragraphs: tuple[tuple[str, ...], ...] = ()
    near: tuple[str, ...] = ()

    def __add__(self, other: Comments) -> Comments:
        return Comments(self.paragraphs + other.paragraphs, self.near + other.near)


@dataclass(frozen=True)
class Layout:
    """The blocks by subject IRI in order, each with the line of its first occurrence, and all comments with their places."""

    lines: Mapping[str, int]
    comments: Mapping[str, Comments]
    header: Comments
    footer: Comments

    @property
    def order(self) -> tuple[str, ...]:
        """Return the subjects in the author's order."""
        return tuple(self.lines)


@dataclass(frozen=True)
class _Comment:
    start: int
    text: str


def scan_layout(text: str, prefixes: Mapping[str, str]) -> Layout:
    """Return the layout of a Turtle text whose prefix declarations are `prefixes`."""
    masked, comments = _mask(text)
    directives, starts = _landmarks(masked, text, prefixes)
    first = min([*directives, *(start for start, _ in starts)], default=len(text))
    header = [each for each in comments if each.start < first] if directives and first in directives else []
    found: dict[str, Comments] = {}
    rest = comments[len(header) :]
    for index, (start, subject) in enumerate(starts):
        following = starts[index + 1][0] if index + 1 < len(starts) else len(text)
        end = start + len(masked[start:following].rstrip())
        before = [each for each in rest if each.start < start]
        inside = tuple(each.text for each in rest if start < each.start < end)
        rest = [each for each in rest if each.start > end]
        found[subject] = found.get(subject, Comments()) + _paragraphs(text, before, start) + Comments(near=inside)
    lines: dict[str, int] = {}
    for start, subject in starts:
        lines.setdefault(subject, text.count("\n", 0, start) + 1)
    return Layout(lines, found, _paragraphs(text, header, -1), _paragraphs(text, rest, -1))


def _mask(text: str) -> tuple[str, list[_Comment]]:
    """Return the text with strings and comments blanked out, newlines inside strings too, and the comments."""
    parts: list[str] = []
    comments: list[_Comment] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0] == "#":
            comments.append(_Comment(match.start(), token.rstrip()))
            parts.append(" " * len(token))
        elif token[0] in "\"'" and len(token) > 1:
            parts.append("'" * len(token))
        else:
            parts.append(token)
    return "".join(parts), comments


def _landmarks(masked: str, text: str, prefixes: Mapping[str, str]) -> tuple[set[int], list[tuple[int, str]]]:
    """Return where directives start, and where what may be the subject of a block stands at the beginning of a line."""
    directives: set[int] = set()
    starts: list[tuple[int, str]] = []
    for line in _LINE.finditer(masked):
        content = line.group()
        if not content or content[0].isspace() or content[0] in ".;,])":
            continue
        if _DIRECTIVE.match(content):
            directives.add(line.start())
            continue
        match = _SUBJECT.match(content)
        subject = _expand(text[line.start() : line.start() + match.end()], prefixes) if match else None
        if subject is not None:
            starts.append((line.start(), subject))
    return directives, starts


def _expand(name: str, prefixes: Mapping[str, str]) -> str | None:
    if name.startswith("<"):
        return name[1:-1]
    prefix, _, local = name.partition(":")
    return prefixes[prefix] + local if prefix in prefixes else None


def _paragraphs(text: str, comments: list[_Comment], block: int) -> Comments:
    """Group comments by the blank lines between them; the last group is near if no blank line parts it from `block`."""
    groups: list[list[_Comment]] = []
    for comment in comments:
        if groups and not _blank_between(text, groups[-1][-1], comment.start):
            groups[-1].append(comment)
        else:
            groups.append([comment])
    near: tuple[str, ...] = ()
    if groups and block >= 0 and not _blank_between(text, groups[-1][-1], block):
        near = tuple(each.text for each in groups.pop())
    return Comments(tuple(tuple(each.text for each in group) for group in groups), near)


def _blank_between(text: str, comment: _Comment, end: int) -> bool:
    """Return whether a blank line, or anything but blanks, stands between a comment and `end`."""
    between = text[comment.start + len(comment.text) : end]
    return between.count("\n") != 1 or bool(between.strip())
