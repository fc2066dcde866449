"""Measure what others make of the same ontology and the same documents: time per case, each peer in a process of its own.

`naive` is rdflib, a rule that turns records into facts, owlrl over ontology and facts, pySHACL with the record shapes, and the
queries of queries/derive on rdflib. `hermit` decides every case class of a case by the oracle of the tests, warm. `derive` runs
queries/derive on pyoxigraph over knowledge and inferred graph of many cases at once. All in processor time. Only HermiT's answers equal the program's
by test; the naive stack is measured for its cost: owlrl compares no decimals, so it derives less than what is asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.timing import Measurement

__all__ = ["PEERS", "measure"]

_LONGEST = 900

_FACTS = """
PREFIX lc: <https://w3id.org/legcramps/ontology/>
CONSTRUCT { ?case lc:hasFinding [ a ?finding ] . ?case lc:takes [ a ?drug ] . ?case lc:hasRecordedDiagnosis [ a ?condition ] }
WHERE {
  ?case lc:hasRecord ?record .
  OPTIONAL { ?record lc:ofFinding ?finding ; lc:presence lc:_Presence_present }
  OPTIONAL { ?record lc:ofDrug ?drug ; lc:recordStatus lc:_RecordStatus_active }
  OPTIONAL { ?record lc:ofCondition ?condition ; lc:presence lc:_Presence_present }
}
"""


def measure(root: Path, peer: str, paths: Sequence[Path]) -> Measurement:
    """Measure a peer on documents of one case each; raise RuntimeError with its last words when it fails."""
    command = [sys.executable, "-m", "benchmarks.peers", peer, *map(str, paths)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=_LONGEST, check=False)
    if done.returncode:
        raise RuntimeError(f"{peer}: {done.stderr[-500:]}")
    found = json.loads(done.stdout)
    return Measurement("peers, per case", peer, 1, tuple(found["seconds"]), None, found["note"])


# --- inside the process ----------------------------------------------------------------------------------------------


def _naive(root: Path, paths: Sequence[Path]) -> tuple[list[float], str]:
    import owlrl
    import pyshacl
    import rdflib

    ontology, shapes = rdflib.Graph(), rdflib.Graph().parse(root / "shapes" / "record.ttl")
    for path in sorted((root / "ontology").rglob("*.ttl")):
        ontology.parse(path)
    queries = [path.read_text(encoding="utf-8") for path in sorted((root / "queries" / "derive").glob("*.rq"))]
    seconds, parts = [], dict.fromkeys(("parse", "owlrl", "pySHACL", "SPARQL"), 0.0)
    for path in paths:
        graph = rdflib.Graph()
        for triple in ontology:
            graph.add(triple)
        marks = [time.process_time()]
        case = rdflib.Graph().parse(path)
        for triple in (*case, *case.query(_FACTS)):
            graph.add(triple)
        marks.append(time.process_time())
        owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
        marks.append(time.process_time())
        pyshacl.validate(case, shacl_graph=shapes, inference="none", advanced=False)
        marks.append(time.process_time())
        for query in queries:
            list(graph.query(query))
        marks.append(time.process_time())
        seconds.append(marks[-1] - marks[0])
        for name, start, end in zip(parts, marks, marks[1:], strict=False):
            parts[name] += (end - start) / len(paths)
    return seconds, ", ".join(f"{name} {took:.2f} s" for name, took in parts.items())


def _hermit(root: Path, paths: Sequence[Path]) -> tuple[list[float], str]:
    from reasoner.abstraction import abstract_case
    from reasoner.answering import load_records
    from reasoner.authoring.oracle import Oracle
    from reasoner.knowledge import read_graph
    from reasoner.resources import load_knowledge

    program = load_knowledge(root)
    oracle = Oracle(read_graph(sorted((root / "ontology").rglob("*.ttl"))))
    states = [abstract_case(case, program, case.as_of) for path in paths for case in load_records([path], program).cases if case.as_of]
    oracle.decide(states[0], oracle.classes)
    seconds = []
    for state in states[1:]:
        began = time.process_time()
        oracle.decide(state, oracle.classes)
        seconds.append(time.process_time() - began)
    return seconds, f"all {len(oracle.classes)} classes, machine warm, answers of modules already seen kept"


def _derive(root: Path, paths: Sequence[Path]) -> tuple[list[float], str]:
    from reasoner.answering import assess, load_records
    from reasoner.documents import read_document
    from reasoner.query import load_store, run_query
    from reasoner.resources import load_knowledge

    program = load_knowledge(root)
    names = [str(path) for path in paths]
    answers = assess(load_records(names, program), program).answers
    queries = [path.read_text(encoding="utf-8") for path in sorted((root / "queries" / "derive").glob("*.rq"))]
    store = load_store(program, root, [read_document(name) for name in names], answers)
    began = time.process_time()
    rows = sum(len(run_query(query, store, "pyoxigraph", {}, folder=root).rows) for query in queries)
    return [(time.process_time() - began) / len(answers)], f"five queries over {len(answers)} cases, {rows} rows; inferred graph given"


PEERS: dict[str, Callable[[Path, Sequence[Path]], tuple[list[float], str]]] = {"naive": _naive, "hermit": _hermit, "derive": _derive}
"""The peers by name: each returns the seconds of its runs and what they were spent on."""


if __name__ == "__main__":
    took, words = PEERS[sys.argv[1]](Path(__file__).resolve().parent.parent, [Path(name) for name in sys.argv[2:]])
    json.dump({"seconds": took, "note": words}, sys.stdout)
