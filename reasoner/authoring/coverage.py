"""Show for every sentence of the source text where it went, and prove by offsets and digests that it is that text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from reasoner.authoring.results import CheckFinding, Severity
from reasoner.authoring.workspace import Workspace
from reasoner.errors import InputError
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import OWL, RDF, curie
from reasoner.terms import lc

__all__ = ["CoverageRow", "check_coverage", "check_source", "coverage_report", "coverage_table", "render_coverage"]

_CITES = lc("citesSentence")
_RECOMMENDATIONS = frozenset({lc("Recommendation"), lc("RedFlag")})


@dataclass(frozen=True)
class CoverageRow:
    """Where one sentence went: what cites it, which vignettes name it, or why it is not encoded."""

    sentence: str
    label: str
    statement: str
    recommendations: tuple[str, ...]
    classes: tuple[str, ...]
    disagreements: tuple[str, ...]
    others: tuple[str, ...]
    tests: tuple[str, ...]
    not_encoded_because: str

    @property
    def covered(self) -> bool:
        """Return whether something cites the sentence, or the reason why nothing does is stated."""
        return bool(self.recommendations or self.classes or self.disagreements or self.others or self.not_encoded_because)


def coverage_table(graph: Graph, cases: Path | None = None) -> tuple[CoverageRow, ...]:
    """Return one row per sentence in the order of the text; `cases` is the folder of vignettes, if it is at hand."""
    about = _abouts(cases) if cases and cases.is_dir() else {}
    sentences = graph.instances(lc("Sentence"))
    sentences.sort(key=lambda each: (int(graph.text(each, lc("textOffset"), "0")), each))
    return tuple(_row(graph, sentence, about) for sentence in sentences)


def _abouts(cases: Path) -> dict[str, str]:
    """Return what each vignette says that it is about."""
    found = {}
    for path in sorted(cases.glob("*/*/expected.json")):
        try:
            found[path.parent.relative_to(cases).as_posix()] = str(json.loads(path.read_text(encoding="utf-8")).get("about", ""))
        except ValueError:
            continue
    return found


def _row(graph: Graph, sentence: str, about: Mapping[str, str]) -> CoverageRow:
    kinds: dict[str, list[str]] = {"recommendations": [], "classes": [], "disagreements": [], "others": []}
    for user in sorted(set(graph.subjects(_CITES, sentence))):
        kinds[_kind(graph, user)].append(user)
    label = graph.label(sentence)
    named = re.compile(rf"(?<![\w.]){re.escape(label)}(?!\w)")
    return CoverageRow(
        sentence=sentence,
        label=label,
        statement=graph.text(sentence, lc("statement")),
        recommendations=tuple(kinds["recommendations"]),
        classes=tuple(kinds["classes"]),
        disagreements=tuple(kinds["disagreements"]),
        others=tuple(kinds["others"]),
        tests=tuple(name for name, text in about.items() if named.search(text)),
        not_encoded_because=graph.text(sentence, lc("notEncodedBecause")),
    )


def _kind(graph: Graph, user: str) -> str:
    types = set(graph.iris(user, RDF + "type"))
    if types & _RECOMMENDATIONS:
        return "recommendations"
    if OWL + "Class" in types:
        return "classes"
    return "disagreements" if lc("Disagreement") in types else "others"


def render_coverage(rows: tuple[CoverageRow, ...]) -> str:
    """Return the table as text: counts per sentence, or the reason."""
    lines = []
    for row in rows:
        parts = [(row.recommendations, "recommendations"), (row.classes, "classes"), (row.disagreements, "disagreements")]
        parts += [(row.others, "others"), (row.tests, "vignettes")]
        counts = ", ".join(f"{len(found)} {name}" for found, name in parts if found)
        reason = f"not encoded: {row.not_encoded_because}" if row.not_encoded_because else ""
        lines.append(f"{row.label:<5} {'; '.join(part for part in (counts, reason) if part) or 'NOT COVERED'}")
    return "\n".join(lines) + "\n"


def coverage_report(folder: Path, form: str = "text") -> str:
    """Return the table of a knowledge folder as text or as JSON."""
    rows = coverage_table(read_graph(sorted((folder / "ontology").rglob("*.ttl"))), folder / "tests" / "cases")
    if form == "json":
        return json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1) + "\n"
    return render_coverage(rows)


def check_coverage(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield sentences that are neither cited nor explained, and encoded ones that no vignette names."""
    cases = workspace.folder / "tests" / "cases"
    for row in coverage_table(workspace.graph, cases):
        if not row.covered:
            why = "nothing cites it and no reason is given"
            yield _finding(workspace, row.sentence, f"{row.label} of the source text is not covered", why, "LC-2090")
        elif cases.is_dir() and row.recommendations and not row.tests:
            why = "no expectation in tests/cases mentions it"
            yield _finding(workspace, row.sentence, f"No vignette names {row.label}", why, "LC-2092", Severity.INFO)


def _finding(workspace: Workspace, sentence: str, what: str, why: str, code: str, severity: Severity = Severity.VIOLATION) -> CheckFinding:
    repair = {
        "LC-2090": "cite it by lc:citesSentence where it is encoded, or state lc:notEncodedBecause",
        "LC-2091": "measure the sentence anew: offset and length in characters, digest over UTF-8",
        "LC-2092": "name it in the “about” of a vignette that shows it",
    }[code]
    return CheckFinding("sentence-coverage", severity, what, workspace.place(sentence), why, repair, code)


def check_source(workspace: Workspace, source: Path) -> Iterator[CheckFinding]:
    """Yield each sentence whose text is not in `source`, with what rests on it, and each that stands elsewhere there than is stated.

    Raises InputError if the file is unreadable.
    """
    try:
        text = source.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("The source text cannot be read", where=str(source), why=str(error), repair="name a UTF-8 text file") from error
    graph = workspace.graph
    for sentence in graph.instances(lc("Sentence")):
        offset, length = (int(graph.text(sentence, lc(name), "-1")) for name in ("textOffset", "textLength"))
        found = _place_of(graph.text(sentence, lc("textDigest")), text, offset, length)
        if found is None:
            resting = ", ".join(map(curie, sorted(graph.subjects(lc("citesSentence"), sentence)))) or "nothing"
            why = f"{source.name} does not hold the text of this digest, which was at {offset} to {offset + length}; on it rest {resting}"
            yield _finding(workspace, sentence, f"{curie(sentence)} does not describe the source text", why, "LC-2091")
        elif found != offset:
            what = f"{curie(sentence)} stands elsewhere in the source text"
            yield _finding(workspace, sentence, what, f"its text begins at {found}, not at {offset}", "LC-2091", Severity.WARNING)


def _place_of(digest: str, text: str, offset: int, length: int) -> int | None:
    """Return where the text of a digest begins, the place nearest to `offset`; None where it is nowhere."""
    if length <= 0:
        return None
    places = sorted(range(len(text) - length + 1), key=lambda place: abs(place - offset))
    return next((place for place in places if hashlib.sha256(text[place : place + length].encode()).hexdigest() == digest), None)
