"""Draw boxes with wrapped, linked text, and lines between them, as SVG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reasoner.authoring.site.elements import Content, Element, element

__all__ = ["LINE", "Box", "arrow", "boxed", "canvas", "wrapped"]

LINE = 17
"""The height of a line of text."""

_CHARACTER = 7
_PAD = 8
_BASE = LINE - 4


def wrapped(text: str, width: float, most: int = 3) -> list[str]:
    """Return the text cut into lines that fit a width, the last one shortened where there are too many."""
    room = max(int(width / _CHARACTER), 4)
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [line if len(line) <= room else f"{line[: room - 1]}…" for line in lines]


@dataclass(frozen=True)
class Box:
    """A box at a place: quiet words above, linked words below them."""

    x: float
    y: float
    width: float
    quiet: tuple[str, ...]
    words: tuple[str, ...]
    href: str
    name: str

    @property
    def height(self) -> float:
        """Return the height that the text asks for."""
        return LINE * (len(self.quiet) + len(self.words)) + 2 * _PAD


def boxed(box: Box, height: float) -> Element:
    """Return the drawing of a box of a given height."""
    x = box.x + _PAD
    lines = [element("text", words, x=x, y=box.y + _PAD + LINE * number + _BASE, class_="quiet") for number, words in enumerate(box.quiet)]
    start = len(box.quiet)
    linked = [element("text", words, x=x, y=box.y + _PAD + LINE * (start + number) + _BASE) for number, words in enumerate(box.words)]
    return element(
        "g",
        element("rect", x=box.x, y=box.y, width=box.width, height=height, rx=4, class_="box"),
        lines,
        element("a", element("title", box.name), linked, href=box.href),
    )


def arrow(start: tuple[float, float], end: tuple[float, float]) -> list[Element]:
    """Return a line that bends between two heights and ends in a head."""
    (x1, y1), (x2, y2) = start, end
    middle = (y1 + y2) / 2
    path = f"M{x1:g} {y1:g} C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2 - 5:g}"
    return [
        element("path", d=path, class_="line"),
        element("path", d=f"M{x2 - 4:g} {y2 - 6:g} L{x2 + 4:g} {y2 - 6:g} L{x2:g} {y2:g} Z", class_="head"),
    ]


def canvas(width: float, height: float, title: str, parts: Iterable[Content]) -> Element:
    """Return a drawing in a box of its own that scrolls; its title says what it shows."""
    drawing = element(
        "svg",
        element("title", title),
        parts,
        role="group",
        aria_label=title,
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
    )
    return element("div", drawing, class_="scroll", role="region", tabindex="0", aria_label=title)
