"""Lay out what is asserted, what follows and how it is proven as three named graphs, with PROV-O about them.

| graph | holds |
|---|---|
| `urn:legcramps:export:…:asserted` | the records: of RDF as written, of other formats as understood |
| `urn:legcramps:export:…:inferred` | what `reasoner.inferred` says of each case |
| `urn:legcramps:export:…:proof` | one proof, in PROV-O, of each conclusion that the report states |
| default graph | where the three come from: knowledge with its version, the as-of instant of each case |

The names hold a digest of the records, the as-of instants and the knowledge, so the same input gives the same names.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Triple

from reasoner.answer import CaseAnswer
from reasoner.answering import Records
from reasoner.blank_nodes import renamed_quads
from reasoner.documents import Document, parse_rdf
from reasoner.errors import InputError
from reasoner.explanation import View
from reasoner.export.records import case_triples, records_of
from reasoner.export.tally import Tally
from reasoner.inferred import asserted_triples, inferred_graph, may_be_asserted, record_vocabulary
from reasoner.namespaces import LC, LCG, PREFIXES, PROV, RDF, RDFS
from reasoner.program.model import Program
from reasoner.proof_axioms import load_axioms
from reasoner.proof_formats import Words
from reasoner.proofs import Prover
from reasoner.terms import lc

__all__ = ["ASSERTED", "GRAPHS", "INFERRED", "PROOF", "asserted", "named_graphs", "proof_triples"]

ASSERTED, INFERRED, PROOF = "asserted", "inferred", "proof"
GRAPHS = (ASSERTED, INFERRED, PROOF)
"""The graphs that are kept apart."""

_OURS = "urn:legcramps:"
_STEM = f"{_OURS}export:"
_CASE = NamedNode(lc("Case"))
_TYPE = NamedNode(RDF + "type")
_VERSION = PREFIXES["owl"] + "versionInfo"


def asserted(documents: Iterable[Document], records: Records, program: Program, folder: Path) -> tuple[list[Triple], list[Tally]]:
    """Return the records as triples, with the counts: RDF as it was written, the cases of other documents as they were read.

    Left out of RDF is what only the reasoner may say: inferences and proofs, and statements about terms of the project;
    and what is said with a term that the project does not have.
    """
    vocabulary = record_vocabulary(folder)
    found: list[Triple] = []
    left: Counter[str] = Counter()
    stated: set[str] = set()
    given = 0
    for place, document in enumerate(_rdf(documents, folder)):
        given += len(document)
        own = [quad for quad in document if not _is_exported(quad)]
        left["only the reasoner may say it"] += len(document) - len(own)
        kept = list(asserted_triples(own, vocabulary, f"d{place}"))
        stated |= {
            quad.subject.value for quad in own if quad.predicate == _TYPE and quad.object == _CASE and isinstance(quad.subject, NamedNode)
        }
        left.update(_reason(quad, program) for quad in own if not may_be_asserted(quad, vocabulary))
        found += kept
    tallies = [Tally.of("statements of RDF", given - left.total(), +left)] if given else []
    others = [case for case in records.cases if case.iri not in stated]
    if others:
        lost: Counter[str] = Counter()
        found += [triple for case in others for triple in case_triples(case, lost)]
        tallies.append(Tally.of("records", sum(len(list(records_of(case))) for case in others)))
        tallies += [Tally.of("dates that have no place in the target", 0, lost)] if lost else []
        unread = sum(len(case.problems) for case in others) + len(records.problems)
        tallies += [Tally.of("data problems", 0, Counter({"records do not hold them; `assess` lists them": unread}))] if unread else []
    return found, tallies


def _rdf(documents: Iterable[Document], folder: Path) -> Iterator[list[Quad]]:
    """Yield the distinct quads of each RDF document that holds a case."""
    for document in documents:
        if document.format.startswith("fhir") or document.format in ("csv", "tsv"):
            continue
        try:
            quads = list(dict.fromkeys(renamed_quads(parse_rdf(document, folder))))
        except InputError:
            continue  # it is among the failures of the records
        if any(quad.predicate == _TYPE and quad.object == _CASE for quad in quads):
            yield quads


def _reason(quad: Quad, program: Program) -> str:
    """Return why a statement may not be asserted."""
    if isinstance(quad.object, Triple):
        return "its value is a triple"
    said = quad.object if quad.predicate == _TYPE else quad.predicate
    if isinstance(said, NamedNode) and said.value.startswith((LC, LCG)) and said.value not in program.labels:
        return "the vocabulary has no such term; `validate` names it"
    return "only the reasoner may say it"


def _is_exported(quad: Quad) -> bool:
    """Return whether a quad is what an export says beside the records, so that converting again asserts no inference."""
    graph = quad.graph_name
    if isinstance(graph, NamedNode):
        return graph.value.startswith(_STEM) and not graph.value.endswith(f":{ASSERTED}")
    return isinstance(quad.subject, NamedNode) and quad.subject.value.startswith(_OURS)


def named_graphs(
    triples: Sequence[Triple], answers: Sequence[CaseAnswer], program: Program, folder: Path, graphs: Iterable[str]
) -> dict[str, list[Quad]]:
    """Return the quads of each wanted graph, by its word, and those of the default graph under the empty word."""
    wanted = [name for name in GRAPHS if name in set(graphs)]
    digest = hashlib.sha256("\n".join([*sorted(map(str, triples)), *(each.as_of.text for each in answers), program.digest]).encode())
    stem = f"{_STEM}{digest.hexdigest()[:32]}"
    names = {name: NamedNode(f"{stem}:{name}") for name in wanted}
    found: dict[str, list[Quad]] = {}
    if ASSERTED in names:
        found[ASSERTED] = _placed(names[ASSERTED], triples)
    if INFERRED in names:
        found[INFERRED] = _placed(names[INFERRED], (triple for each in answers for triple in inferred_graph(program, each)))
    if PROOF in names:
        found[PROOF] = _placed(names[PROOF], proof_triples(answers, program, folder))
    found[""] = _placed(DefaultGraph(), _provenance(names, stem, answers, program))
    return {name: sorted(set(quads), key=str) for name, quads in found.items()}


def _placed(graph: NamedNode | DefaultGraph, triples: Iterable[Triple]) -> list[Quad]:
    return [Quad(triple.subject, triple.predicate, triple.object, graph) for triple in triples]


def proof_triples(answers: Iterable[CaseAnswer], program: Program, folder: Path) -> Iterator[Triple]:
    """Yield one proof, in PROV-O, of each conclusion that the reports of the answers state."""
    axioms = load_axioms(program, folder)
    for answer in answers:
        view = View(program, answer.state, answer.statuses)
        for quad in Words(axioms, view).quads(Prover(axioms, view, answer).listed()):
            yield quad.triple


def _provenance(names: dict[str, NamedNode], stem: str, answers: Iterable[CaseAnswer], program: Program) -> Iterator[Triple]:
    """Yield where the graphs come from: the act of reasoning, the knowledge it used and the instants it was for."""
    act, knowledge = NamedNode(f"{stem}:act"), NamedNode(f"{_OURS}knowledge:{program.digest}")
    yield Triple(act, _TYPE, NamedNode(PROV + "Activity"))
    yield Triple(act, NamedNode(PROV + "used"), knowledge)
    yield Triple(act, NamedNode(RDFS + "label"), Literal("reasoning over the records", language="en"))
    yield Triple(knowledge, _TYPE, NamedNode(PROV + "Entity"))
    yield Triple(knowledge, NamedNode(_VERSION), Literal(program.version))
    for answer in answers:
        used = NamedNode(f"{stem}:case:{hashlib.sha256(answer.state.case.iri.encode()).hexdigest()[:16]}")
        yield Triple(act, NamedNode(PROV + "qualifiedUsage"), used)
        yield Triple(used, _TYPE, NamedNode(PROV + "Usage"))
        yield Triple(used, NamedNode(PROV + "entity"), NamedNode(answer.state.case.iri))
        yield Triple(used, NamedNode(RDF + "value"), Literal(answer.as_of.text))
    for name, graph in names.items():
        yield Triple(graph, _TYPE, NamedNode(PROV + "Entity"))
        yield Triple(graph, NamedNode(RDFS + "label"), Literal(name, language="en"))
        if name == ASSERTED:
            yield Triple(act, NamedNode(PROV + "used"), graph)
        else:
            yield Triple(graph, NamedNode(PROV + "wasGeneratedBy"), act)
            for origin in (ASSERTED, *((INFERRED,) if name == PROOF else ())):
                if origin in names:
                    yield Triple(graph, NamedNode(PROV + "wasDerivedFrom"), names[origin])
