"""Write the pages that list: sentences and where they went, disagreements, sources, queries, changes, all terms by letter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from reasoner.authoring.coverage import coverage_table
from reasoner.authoring.site.elements import Content, Element, element, link, rows_table
from reasoner.authoring.site.places import KINDS, Places
from reasoner.authoring.site.terms import more_of
from reasoner.namespaces import OWL, PREFIXES, SKOS, curie
from reasoner.query import Query, read_query
from reasoner.resources import query_files
from reasoner.terms import lc

__all__ = ["changes_body", "disagreements_body", "kind_body", "queries_body", "sentences_body", "sources_body", "terms_body"]

_DCTERMS = PREFIXES["dcterms"]
_INLINE = re.compile(r"`([^`]+)`|\[([^\]]+)\]\([^)]*\)|\*\*([^*]+)\*\*")


def kind_body(places: Places, page: str, before: Content = None) -> list[Content]:
    """Return a page of the reference: `before`, then every term of the page."""
    kind = next(each for each in KINDS if each.page == page)
    terms = places.of(page)
    return [
        element("h1", kind.title),
        element("p", f"{kind.summary} {len(terms)} terms."),
        before,
        element("h2", "Terms"),
        *more_of(places, terms),
    ]


def sentences_body(places: Places, cases: Path) -> list[Content]:
    """Return the page of the sentences: each with what cites it, or why nothing does."""
    rows = coverage_table(places.graph, cases)
    encoded = sum(not row.not_encoded_because for row in rows)
    table = []
    for row in rows:
        users = [
            ("recommendations", row.recommendations),
            ("case classes", row.classes),
            ("disagreements", row.disagreements),
            ("others", row.others),
        ]
        where = [[element("strong", f"{words} "), places.names(found)] for words, found in users if found]
        reason = element("p", f"Not encoded: {row.not_encoded_because}") if row.not_encoded_because else None
        tests = element("ul", [element("li", name) for name in row.tests]) if row.tests else ""
        table.append((places.name(row.sentence), row.statement, [where, reason], tests))
    return [
        element("h1", "Sentences of the source text"),
        element(
            "p",
            f"Told in the project's own words. Encoded: {encoded}. Listed with the reason why not: {len(rows) - encoded}.",
        ),
        rows_table("Where each sentence went", ("Sentence", "In short", "Encoded in", "Vignettes"), table),
        element("h2", "The sentences in full"),
        *more_of(places, sorted(places.of("sentences"), key=lambda term: (float(places.graph.text(term, lc("textOffset"), "0")), term))),
    ]


def disagreements_body(places: Places) -> list[Content]:
    """Return the page of the disagreements: positions, the chosen one, and why."""
    graph = places.graph
    body: list[Content] = [
        element("h1", "Where sources disagree"),
        element("p", "Both positions are kept; one is followed, and the reason is stated."),
        element("h2", "Disagreements"),
    ]
    for term in places.of("disagreements", "Disagreement"):
        chosen = graph.iri(term, lc("chosenPosition"))
        positions = sorted(graph.subjects(lc("positionOn"), term), key=lambda each: (each != chosen, each))
        listed = [
            element(
                "li",
                graph.text(each, lc("statement")),
                " ",
                element("strong", "Followed. ") if each == chosen else None,
                "Source: ",
                places.names(graph.iris(each, _DCTERMS + "source")),
            )
            for each in positions
        ]
        body += more_of(places, [term])
        body.append(element("ul", listed))
        body.append(element("p", f"Because: {graph.text(term, lc('chosenBecause'))}"))
    return [*body, element("h2", "Positions in full"), *more_of(places, places.of("disagreements", "Position"))]


def sources_body(places: Places) -> list[Content]:
    """Return the page of the sources."""
    terms = places.of("sources")
    intro = "The mark says how far a source was checked; it stands again with every claim."
    return [element("h1", "Sources"), element("p", f"{len(terms)} sources. {intro}"), element("h2", "All sources"), *more_of(places, terms)]


# --- queries -----------------------------------------------------------------------------------------------------------


def queries_body(folder: Path) -> list[Content]:
    """Return the page of the queries: what each answers, its parameters, what it returns, its text."""
    body: list[Content] = [
        element("h1", "Queries"),
        element("p", "Each runs as it stands on any SPARQL engine; a parameter that is not bound means all."),
    ]
    groups: dict[str, list[Query]] = {}
    for path in query_files(folder):
        groups.setdefault(path.parent.name, []).append(read_query(path))
    for group, queries in sorted(groups.items()):
        body.append(element("h2", group.capitalize()))
        body += [_query(query) for query in sorted(queries, key=lambda query: query.id)]
    return body


def _query(query: Query) -> Element:
    pairs = [("Parameters", query.parameters), ("Returns", query.returns)]
    rows = [
        [element("dt", words), element("dd", element("ul", [element("li", element("code", name), f" {text}") for name, text in found]))]
        for words, found in pairs
        if found
    ]
    return element(
        "section",
        element("h3", query.summary, " ", element("code", query.id)),
        element("p", query.description),
        element("dl", rows) if rows else None,
        element("pre", element("code", query.text), tabindex="0"),
        id=f"query-{query.id}",
        class_="term",
    )


# --- changes -----------------------------------------------------------------------------------------------------------


def changes_body(places: Places, folder: Path) -> list[Content]:
    """Return the page of the changes per version, and of the terms that were given up."""
    path = folder / "CHANGELOG.md"
    told = (
        list(_markdown(path.read_text(encoding="utf-8")))
        if path.is_file()
        else [element("p", "No list of changes lies beside this knowledge.")]
    )
    graph = places.graph
    gone = [term for term in places.page if graph.flag(term, OWL + "deprecated")]
    rows = [(places.name(term), places.names(graph.iris(term, _DCTERMS + "isReplacedBy"))) for term in gone]
    table = (
        rows_table("Names that are kept for those who use them", ("Term", "Use instead"), rows) if rows else element("p", "None so far.")
    )
    return [element("h1", "Changes"), *told, element("h2", "Terms that were given up"), table]


def _markdown(text: str) -> Iterator[Element]:
    """Yield the headings, lists and paragraphs of a list of changes; the first heading is the page's own."""
    items: list[list[str]] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        if lines[0].startswith("# "):
            continue
        if lines[0].startswith("#"):
            yield element("h2", lines[0].lstrip("# "))
            lines = lines[1:]
        items = []
        words = []
        for line in lines:
            if re.match(r"[-*] ", line):
                items.append([line[2:]])
            elif items:
                items[-1].append(line.strip())
            else:
                words.append(line)
        if words:
            yield element("p", _inline(" ".join(words)))
        if items:
            yield element("ul", [element("li", _inline(" ".join(item))) for item in items])


def _inline(text: str) -> list[Content]:
    found: list[Content] = []
    end = 0
    for match in _INLINE.finditer(text):
        code, linked, strong = match.groups()
        found += [text[end : match.start()], element("code", code) if code else element("strong", strong) if strong else linked]
        end = match.end()
    return [*found, text[end:]]


# --- all terms ---------------------------------------------------------------------------------------------------------


def terms_body(places: Places) -> list[Content]:
    """Return the page of all names: labels and synonyms by letter, each leading to its term."""
    names = sorted(_names(places), key=lambda pair: (pair[0].lower(), pair[1]))
    letters: dict[str, list[Element]] = {}
    for name, term in names:
        letter = name[:1].upper() if name[:1].isalpha() else "0-9"
        own = name == places.graph.label(term)
        item = element("li", link(places.href(term), name), None if own else f" ({places.graph.label(term)})")
        letters.setdefault(letter, []).append(item)
    jump = element("ul", [element("li", link(f"#letter-{ord(letter[0])}", letter)) for letter in letters])
    sections = [
        [element("h2", letter, id=f"letter-{ord(letter[0])}"), element("ul", found, class_="columns")] for letter, found in letters.items()
    ]
    return [
        element("h1", "All names"),
        element("p", f"{len(names)} names of {len(places.page)} terms."),
        element("nav", jump, aria_label="Letters"),
        *sections,
    ]


def _names(places: Places) -> Iterable[tuple[str, str]]:
    for term in places.page:
        yield places.graph.label(term) or curie(term), term
        yield from ((text, term) for text in places.graph.texts(term, SKOS + "altLabel"))
