"""Make record documents and run the command line on them in this process.

The triples of a vignette are put in another order, under other names, in another syntax; small cases are written as text.
"""

from __future__ import annotations

import io
import json
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import BlankNode, NamedNode, Quad, RdfFormat, parse, serialize

from reasoner.answering import assess, read_records
from reasoner.cli import main
from reasoner.documents import Document
from reasoner.namespaces import LC
from reasoner.program import Program

__all__ = [
    "CRAMPS",
    "PREFIXES",
    "SYNTAXES",
    "Command",
    "Outcome",
    "case",
    "command_for",
    "duplicated",
    "essence",
    "renamed",
    "report_of",
    "shuffled",
    "triples_of",
    "written",
]

SYNTAXES = {
    "json-ld": (RdfFormat.JSON_LD, ".jsonld"),
    "n-quads": (RdfFormat.N_QUADS, ".nq"),
    "n-triples": (RdfFormat.N_TRIPLES, ".nt"),
    "rdf-xml": (RdfFormat.RDF_XML, ".rdf"),
    "trig": (RdfFormat.TRIG, ".trig"),
    "turtle": (RdfFormat.TURTLE, ".ttl"),
}
PREFIXES = """@prefix ex: <https://example.org/x/> .
@prefix lc: <https://w3id.org/legcramps/ontology/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
CRAMPS = "a lc:FindingRecord ; lc:ofFinding lc:LegCramp ; lc:presence lc:_Presence_present ; lc:side lc:_Side_both"
HAS_RECORD = NamedNode(LC + "hasRecord")
SOURCES = ("from", "source", "sources", "where")
UNORDERED = ("because", "conflicts", "dataProblems", "from", "medicationReview")


def case(name: str = "a", as_of: str = '"2026-11-20T09:00:00Z"^^xsd:dateTime', **records: str) -> str:
    """Return a case in Turtle, PREFIXES left out; `records` gives the description of each record by local name."""
    named = {f"{name}-{each}": said for each, said in (records or {"cramps": CRAMPS}).items()}
    dated = f"lc:asOf {as_of} ; " if as_of else ""
    pointers = ", ".join(f"ex:{each}" for each in named)
    return f"ex:{name} a lc:Case ; {dated}lc:hasRecord {pointers} .\n" + "".join(f"ex:{each} {said} .\n" for each, said in named.items())


@dataclass(frozen=True)
class Outcome:
    """What a command returned and printed."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """Return what `--json` printed."""
        return json.loads(self.out)

    @property
    def cases(self) -> list[str]:
        """Return the local names of the cases answered."""
        return [each["case"].rsplit("/", 1)[-1] for each in self.report["cases"]]

    @property
    def problems(self) -> dict[str, str]:
        """Return the text of every data problem by its code."""
        found = [*self.report["dataProblems"], *(each for answer in self.report["cases"] for each in answer["dataProblems"])]
        return {each["code"]: f"{each['text']}. {each['repair']}" for each in found}


Command = Callable[..., Outcome]


def command_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    """Return a function that runs the command line on knowledge that is already loaded."""
    monkeypatch.setattr("reasoner.resources.load_knowledge", lambda _folder=None: knowledge)

    def run(*argv: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        try:
            code = main([str(each) for each in argv])
        except SystemExit as stop:
            code = int(str(stop.code))
        return Outcome(code, *capsys.readouterr())

    return run


def triples_of(path: Path) -> list[Quad]:
    """Return the triples of a Turtle file."""
    return list(parse(path=str(path), format=RdfFormat.TURTLE, base_iri="http://localhost/"))


def written(triples: Iterable[Quad], syntax: str = "turtle", name: str = "record") -> Document:
    """Return triples as a document in one of SYNTAXES."""
    text = serialize((quad.triple for quad in triples), format=SYNTAXES[syntax][0])
    assert text is not None
    return Document(name, text, syntax)


def report_of(document: Document, knowledge: Program) -> str:
    """Return what `assess --json` prints about one document."""
    return assess(read_records(document, knowledge), knowledge).dumps()


def shuffled(triples: Iterable[Quad], seed: int) -> list[Quad]:
    """Return triples in another order."""
    return sorted(triples, key=lambda quad: random.Random(f"{seed} {quad}").random())


def renamed(triples: Sequence[Quad], seed: int, *, blank: bool = False) -> list[Quad]:
    """Return triples whose record nodes have other IRIs, or none."""
    names: dict[Any, Any] = {}
    for node in {quad.object for quad in triples if quad.predicate == HAS_RECORD}:
        label = f"n{random.Random(f'{seed} {node}').getrandbits(48):x}"
        names[node] = BlankNode(label) if blank else NamedNode(f"https://example.org/other/{label}")
    return [Quad(names.get(quad.subject, quad.subject), quad.predicate, names.get(quad.object, quad.object)) for quad in triples]


def duplicated(triples: Sequence[Quad], seed: int) -> list[Quad]:
    """Return triples in which one record stands twice, under two IRIs."""
    records = sorted({quad.object for quad in triples if quad.predicate == HAS_RECORD}, key=str)
    chosen = random.Random(seed).choice(records)
    twin = NamedNode("https://example.org/other/twin")
    again = [Quad(twin, quad.predicate, quad.object) for quad in triples if quad.subject == chosen]
    again += [Quad(quad.subject, quad.predicate, twin) for quad in triples if quad.object == chosen]
    return [*triples, *again]


def essence(value: Any, *, without: Sequence[str] = ()) -> Any:
    """Return a report without the names of its sources, and without some keys.

    Lists whose order depends on those names become sorted sets, and the place of a record in its file is left out.
    """
    if isinstance(value, dict):
        kept = {name: essence(item, without=without) for name, item in value.items() if name not in (*SOURCES, *without)}
        return {name: sorted({repr(each) for each in item}) if name in UNORDERED else item for name, item in kept.items()}
    if isinstance(value, list):
        return [essence(item, without=without) for item in value]
    return value
