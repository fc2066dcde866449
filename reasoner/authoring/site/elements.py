"""Build HTML as elements, so that whatever a text holds stays text, and write it as a document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

__all__ = ["Content", "Element", "element", "external", "html_document", "link", "rows_table", "slug"]

Content = Element | str | None | Iterable["Content"]
"""What an element may hold: elements, texts, nothing, or several of these."""

_UNWRITABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SLUG = re.compile(r"[^a-z0-9]+")
_WEB = re.compile(r"https?://[^\s<>\"']+")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def element(tag: str, *content: Content, **attributes: str | int | float) -> Element:
    """Return an element; `class_` is its class, an underscore elsewhere in a name stands for a hyphen."""
    found = Element(tag, {name.rstrip("_").replace("_", "-"): _clean(str(value)) for name, value in attributes.items()})
    _fill(found, content)
    return found


def _fill(parent: Element, content: Content) -> None:
    if content is None:
        return
    if isinstance(content, Element):
        parent.append(content)
    elif isinstance(content, str):
        text = _clean(content)
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text
    else:
        for each in content:
            _fill(parent, each)


def _clean(text: str) -> str:
    """Return the text with nothing in it that no document can hold."""
    return _UNWRITABLE.sub("\ufffd", text)


def link(href: str, *content: Content, **attributes: str) -> Element:
    """Return a link to a place of the site."""
    return element("a", *content, href=href, **attributes)


def external(text: str) -> Content:
    """Return a web address or DOI as a link, anything else as text."""
    address = f"https://doi.org/{text[4:]}" if text.startswith("doi:") else text
    return element("a", text, href=address, rel="noreferrer") if _WEB.fullmatch(address) else text


def rows_table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[Content]]) -> Element:
    """Return a table whose first cell of each row is its head, in a box that scrolls by itself where it is too wide."""
    head = element("tr", [element("th", each, scope="col") for each in heads])
    body = []
    for row in rows:
        first, *rest = row
        body.append(element("tr", element("th", first, scope="row"), [element("td", each) for each in rest]))
    table = element("table", element("caption", caption), element("thead", head), element("tbody", body))
    return element("div", table, class_="scroll", role="region", tabindex="0", aria_label=caption)


def slug(text: str) -> str:
    """Return a text as a part of a file name."""
    return _SLUG.sub("-", text.lower()).strip("-") or "unnamed"


def html_document(title: str, style: str, navigation: Content, body: Content, foot: Content) -> bytes:
    """Return a whole document in UTF-8."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", title),
        element("style", style),
    )
    page = element(
        "body",
        element("a", "Skip to the content", href="#content", class_="skip"),
        element("header", element("nav", navigation, aria_label="Pages")),
        element("main", body, id="content", tabindex="-1"),
        element("footer", foot),
    )
    root = element("html", head, page, lang="en")
    return f"<!DOCTYPE html>\n{tostring(root, encoding='unicode', method='html')}\n".encode()
