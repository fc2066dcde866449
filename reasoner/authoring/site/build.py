"""Build the whole site from a knowledge folder: every page as bytes, the same for the same knowledge."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reasoner.authoring.site.algorithm import algorithm_body
from reasoner.authoring.site.conditions import condition_body, ranked_conditions
from reasoner.authoring.site.decisions import recommendations
from reasoner.authoring.site.elements import Content, element, html_document, link
from reasoner.authoring.site.listings import (
    changes_body,
    disagreements_body,
    kind_body,
    queries_body,
    sentences_body,
    sources_body,
    terms_body,
)
from reasoner.authoring.site.places import KINDS, Places
from reasoner.authoring.site.style import STYLE
from reasoner.authoring.site.terms import more_of
from reasoner.authoring.site.trees import tree_drawing, tree_list
from reasoner.authoring.workspace import Workspace, named, read_workspace
from reasoner.errors import KnowledgeError
from reasoner.files import require_new_folder, write_folder
from reasoner.namespaces import BASE, OWL, RDF, SKOS
from reasoner.program.evidence import compile_criteria
from reasoner.resources import knowledge_digest
from reasoner.terms import lc

__all__ = ["build_site", "write_site"]

_ROOTS = {"findings": "Finding", "drugs": "Drug", "conditions": "Condition", "investigations": "Investigation"}
_MENU = (
    ("index", "Start"),
    ("algorithm", "Algorithm"),
    ("conditions", "Conditions"),
    ("findings", "Findings"),
    ("drugs", "Drugs"),
    ("investigations", "Investigations"),
    ("indicators", "Indicators"),
    ("case-classes", "Case classes"),
    ("guidelines", "Guidelines"),
    ("sentences", "Sentences"),
    ("disagreements", "Disagreements"),
    ("sources", "Sources"),
    ("queries", "Queries"),
    ("results", "Results"),
    ("vocabulary", "Vocabulary"),
    ("terms", "All names"),
    ("changes", "Changes"),
)


def write_site(folder: Path, out: Path) -> tuple[str, ...]:
    """Write the site of a knowledge folder into the new folder `out`; return the names of its files, sorted.

    Raises KnowledgeError when a file is malformed, UsageError when `out` is not empty.
    """
    require_new_folder(out)
    pages = build_site(folder)
    write_folder(out, pages)
    return tuple(sorted(pages))


def build_site(folder: Path) -> dict[str, bytes]:
    """Return the pages of the site by file name; raise KnowledgeError when a file of the knowledge is malformed."""
    workspace = read_workspace(folder)
    for where, why in workspace.broken:
        raise KnowledgeError("A file is not valid Turtle", where=where, why=why, repair="mend the line; legcramps check says more")
    if not workspace.ontology:
        raise KnowledgeError("There is no ontology to describe", where=str(folder), repair="name a folder that holds ontology/")
    guidelines = _guideline_pages(workspace)
    places = Places(workspace.graph, {term: page for page, (_, terms) in guidelines.items() for term in terms})
    foot = _foot(workspace, folder)
    bodies = _bodies(places, folder, guidelines)
    return {f"{page}.html": html_document(_title(title), STYLE, _menu(page), body, foot) for page, (title, body) in bodies.items()}


def _title(title: str) -> str:
    return f"{title} · Legcramps"


def _bodies(places: Places, folder: Path, guidelines: dict[str, tuple[str, list[str]]]) -> dict[str, tuple[str, Content]]:
    """Return title and content of every page."""
    found: dict[str, tuple[str, Content]] = {
        "index": ("Start", _start(places, guidelines)),
        "algorithm": ("Algorithm", algorithm_body(places)),
        "guidelines": ("Guidelines", _guideline_list(guidelines)),
        "sentences": ("Sentences", sentences_body(places, folder / "tests" / "cases")),
        "disagreements": ("Disagreements", disagreements_body(places)),
        "sources": ("Sources", sources_body(places)),
        "queries": ("Queries", queries_body(folder)),
        "terms": ("All names", terms_body(places)),
        "changes": ("Changes", changes_body(places, folder)),
    }
    for kind in KINDS:
        found[kind.page] = kind.title, kind_body(places, kind.page, _before(places, kind.page))
    criteria = compile_criteria(places.graph)
    for condition in ranked_conditions(places.graph):
        found[places.page[condition]] = places.graph.label(condition), condition_body(places, condition, criteria)
    for page, (title, terms) in guidelines.items():
        here = [term for term in terms if places.page.get(term) == page]
        found[page] = title, _guideline(places, title, here)
    return found


def _before(places: Places, page: str) -> Content:
    """Return what stands before the terms of a page: the class tree, as a drawing and as a list."""
    root = lc(_ROOTS.get(page, ""))
    if root not in places.page:
        return None
    ranked = [places.name(condition) for condition in ranked_conditions(places.graph)] if page == "conditions" else []
    return [
        [element("h2", "In the differential"), element("ul", [element("li", each) for each in ranked])] if ranked else None,
        element("h2", "Class tree"),
        tree_drawing(places, root),
        element("details", element("summary", "The class tree as a list"), tree_list(places, root)),
    ]


# --- guidelines --------------------------------------------------------------------------------------------------------


def _guideline_pages(workspace: Workspace) -> dict[str, tuple[str, list[str]]]:
    """Return for each file that describes a guideline its page, with its title and its terms."""
    found = {}
    for file in workspace.ontology:
        subjects = sorted({named(quad.subject) for quad in file.quads} - {"", file.module})
        guidelines = [term for term in subjects if lc("Guideline") in workspace.graph.iris(term, RDF + "type")]
        if guidelines:
            found[f"guideline-{file.path.stem}"] = workspace.graph.label(guidelines[0]), subjects
    return found


def _guideline_list(guidelines: dict[str, tuple[str, list[str]]]) -> Content:
    items = [element("li", link(f"{page}.html", title)) for page, (title, _) in sorted(guidelines.items(), key=lambda each: each[1][0])]
    return [element("h1", "Guidelines"), element("ul", items), element("p", link("algorithm.html", "All of them as one algorithm"), ".")]


def _guideline(places: Places, title: str, terms: list[str]) -> Content:
    """Return a guideline's page: its recommendations in order, then all else that it describes."""
    graph = places.graph
    advice = [term for term in recommendations(graph) if term in terms]
    first = [term for term in terms if lc("Guideline") in graph.iris(term, RDF + "type")]
    rest = sorted(set(terms) - set(advice) - set(first), key=lambda term: (graph.label(term).lower(), term))
    return [
        element("h1", title),
        element("h2", "The guideline"),
        *more_of(places, first),
        element("h2", f"Recommendations ({len(advice)})"),
        *more_of(places, advice),
        element("h2", "Actions, decisions and verdicts"),
        *more_of(places, rest),
    ]


# --- start, menu, foot -------------------------------------------------------------------------------------------------


def _start(places: Places, guidelines: dict[str, tuple[str, list[str]]]) -> Content:
    graph = places.graph
    counts = [
        ("conditions in the differential", "conditions", len(ranked_conditions(graph))),
        *((kind.count, kind.page, len(places.of(kind.page))) for kind in KINDS if kind.page != "conditions"),
        ("guidelines", "guidelines", len(guidelines)),
        ("recommendations and red flags", "algorithm", len(recommendations(graph))),
        ("sentences", "sentences", len(places.of("sentences"))),
        ("disagreements", "disagreements", len(places.of("disagreements", "Disagreement"))),
        ("sources", "sources", len(places.of("sources"))),
    ]
    return [
        element("h1", "What Legcramps knows"),
        element("p", graph.text(BASE + "legcramps", SKOS + "definition")),
        element(
            "p",
            "Not medical advice. It supports the decision of a clinician, who can check every reason against its source.",
            class_="note",
        ),
        element("ul", [element("li", link(f"{page}.html", f"{count} {words}")) for words, page, count in counts]),
        element("h2", "Conditions"),
        element("ul", [element("li", places.name(each)) for each in ranked_conditions(graph)], class_="columns"),
        element("h2", "How far it was checked"),
        element(
            "p", "Every claim names its source and carries a mark. What was recalled and not seen in a source says so wherever it appears."
        ),
        element("ul", [_mark(places, mark) for mark in places.of("vocabulary", "Verification")]),
    ]


def _mark(places: Places, mark: str) -> Content:
    graph = places.graph
    claims = graph.subjects(lc("verification"), mark)
    return element("li", places.name(mark), f": {len(claims)} terms")


def _menu(page: str) -> Content:
    """Return the menu, the present page marked."""
    items = [link(f"{name}.html", words, **({"aria_current": "page"} if name == page else {})) for name, words in _MENU]
    return element("ul", [element("li", item) for item in items])


def _foot(workspace: Workspace, folder: Path) -> Iterable[Content]:
    version = workspace.graph.text(BASE + "legcramps", OWL + "versionInfo")
    return [
        element("p", f"Knowledge {version}, digest {knowledge_digest(folder)[:12]}. Made from the graph; edit the Turtle, not this page."),
        element("p", "Codes of other terminologies are named, not reproduced; each has its own terms. Not medical advice."),
    ]
