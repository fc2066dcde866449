"""Write text into Markdown so that it stays text."""

from __future__ import annotations

import html
import re

__all__ = ["plain"]

_MARKUP = re.compile(r"([\\`*_\[\]|#~])")


def plain(text: str) -> str:
    """Return the text on one line with nothing in it that Markdown or HTML would read as markup, or a site as the name of a person."""
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False)).replace("@", "&#64;")
