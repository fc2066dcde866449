"""What is converted says the same when it is read again; what a form cannot hold is counted, and no file is ever half written."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Triple, parse, serialize
from record_documents import CRAMPS, PREFIXES, Command, case, command_for, essence

from reasoner import assess
from reasoner.answering import Records, read_all
from reasoner.documents import Document
from reasoner.errors import UsageError
from reasoner.explanation import View
from reasoner.export.conversion import Conversion, Request, convert
from reasoner.export.syntaxes import RDF_SYNTAXES
from reasoner.export.tally import Tally
from reasoner.files import require_new_folder, write_files
from reasoner.inferred import inferred_graph
from reasoner.moments import parse_moment
from reasoner.namespaces import PROV
from reasoner.places import nowhere
from reasoner.program import Program
from reasoner.proof_axioms import load_axioms
from reasoner.proof_formats import Words
from reasoner.proofs import Prover
from reasoner.record_terms import moment_literal
from reasoner.tables import TABLES

ROOT = Path(__file__).parent.parent
ANNA = ROOT / "docs" / "examples" / "patient.ttl"
BUNDLE = ROOT / "docs" / "examples" / "bundle.json"
VIGNETTES = sorted((ROOT / "tests" / "cases").glob("*/*/record.ttl"))
WHOLE = [path for path in VIGNETTES if "\n_:" not in path.read_text(encoding="utf-8")]
FORMATS = {"turtle": "turtle", "trig": "trig", "ntriples": "n-triples", "nquads": "n-quads", "jsonld": "json-ld", "rdfxml": "rdf-xml"}
AS_OF = "2026-11-20T09:00:00Z"
ONE = Tally.of("statements", 1)


class Knowledge:
    """Knowledge that prints short when a law fails."""

    def __init__(self, program: Program) -> None:
        self.program = program


@pytest.fixture(scope="module")
def held(knowledge: Program) -> Knowledge:
    return Knowledge(knowledge)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    """Return the command line as a function."""
    return command_for(monkeypatch, capsys, knowledge)


def document(path: Path) -> Document:
    return Document("record", path.read_bytes(), "fhir" if path.suffix == ".json" else "turtle")


def converted(given_documents: list[Document], program: Program, target: str, *graphs: str) -> tuple[Records, Conversion]:
    records = read_all(given_documents, program)
    return records, convert(given_documents, records, program, ROOT, Request(target, graphs))


def again(conversion: Conversion, target: str, program: Program) -> Records:
    return read_all([Document("record", conversion.files[""], FORMATS[target])], program)


def dumps(records: Records, program: Program) -> str:
    """Return the report, without the lines on which records stand in their files."""
    return re.sub(r"record(:\d+)?: ", "", assess(replace(records, place=nowhere), program).dumps())


def test_there_are_vignettes_enough() -> None:
    assert len(VIGNETTES) >= 300


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(VIGNETTES), target=st.sampled_from(sorted(RDF_SYNTAXES)))
def test_records_say_the_same_in_every_syntax(held: Knowledge, path: Path, target: str) -> None:
    records, conversion = converted([document(path)], held.program, target, "asserted")
    assert dumps(again(conversion, target, held.program), held.program) == dumps(records, held.program)


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(VIGNETTES), target=st.sampled_from(["nquads", "trig"]))
def test_inferences_and_proofs_beside_the_records_change_no_answer(held: Knowledge, path: Path, target: str) -> None:
    records, conversion = converted([document(path)], held.program, target)
    assert dumps(again(conversion, target, held.program), held.program) == dumps(records, held.program)


@pytest.mark.parametrize("target", ["nquads", "trig"])
def test_converting_again_asserts_no_inference(knowledge: Program, target: str) -> None:
    _, first = converted([document(ANNA)], knowledge, target)
    _, second = converted([Document("record", first.files[""], FORMATS[target])], knowledge, target)
    assert first.files == second.files
    _, plain = converted([document(ANNA)], knowledge, "turtle")
    _, stripped = converted([Document("record", first.files[""], FORMATS[target])], knowledge, "turtle")
    assert stripped.files == plain.files


def test_the_graphs_hold_records_inferences_and_proofs(knowledge: Program) -> None:
    records, conversion = converted([document(ANNA)], knowledge, "nquads")
    graphs: dict[str, set[Triple]] = {}
    for quad in parse(conversion.files[""], format=RdfFormat.N_QUADS):
        graphs.setdefault(str(quad.graph_name).rpartition(":")[2].rstrip(">"), set()).add(quad.triple)
    answer = assess(records, knowledge).answers[0]
    view, axioms = View(knowledge, answer.state, answer.statuses), load_axioms(knowledge, ROOT)
    proofs = Words(axioms, view).quads(Prover(axioms, view, answer).listed())
    assert graphs["asserted"] == {quad.triple for quad in parse(path=str(ANNA), format=RdfFormat.TURTLE)}
    assert {str(each) for each in graphs["inferred"]} == {str(each) for each in inferred_graph(knowledge, answer)}
    assert graphs["proof"] == {quad.triple for quad in proofs}
    assert len(graphs) == 4


def test_provenance_leads_from_the_proofs_to_the_records(knowledge: Program) -> None:
    _, conversion = converted([document(ANNA)], knowledge, "trig")
    origin = {
        (str(quad.subject).rpartition(":")[2], str(quad.object).rpartition(":")[2])
        for quad in parse(conversion.files[""], format=RdfFormat.TRIG)
        if quad.predicate == NamedNode(PROV + "wasDerivedFrom") and "urn:legcramps:export:" in str(quad.subject)
    }
    assert origin == {("inferred>", "asserted>"), ("proof>", "asserted>"), ("proof>", "inferred>")}


@pytest.mark.parametrize("target", sorted(RDF_SYNTAXES))
def test_a_bundle_says_the_same_as_records(knowledge: Program, target: str) -> None:
    """The one date that the record vocabulary cannot say, an age at onset, is given in another form first."""
    bundle = Document("bundle", BUNDLE.read_bytes().replace(b'"onsetAge"', b'"was"'), "fhir")
    records, conversion = converted([bundle], knowledge, target, "asserted")
    found = again(conversion, target, knowledge)
    first, second = (assess(each, knowledge, as_of=datetime.fromisoformat(AS_OF)) for each in (records, found))
    for one, two in zip(first.to_document()["cases"], second.to_document()["cases"], strict=True):
        assert essence(one, without=("dataProblems",)) == essence(two, without=("dataProblems",))


def test_what_records_cannot_say_is_counted(knowledge: Program) -> None:
    _, conversion = converted([document(BUNDLE)], knowledge, "turtle")
    assert [tally.line() for tally in conversion.tallies[:2]] == [
        "records: 23 = 23 written",
        "dates that have no place in the target: 1 = 0 written; "
        "1 left out: lc:onset that is a period, an age or out of range, which the record vocabulary cannot say",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026", '"2026"^^<http://www.w3.org/2001/XMLSchema#gYear>'),
        ("2026-11", '"2026-11"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>'),
        ("2026-11-20", '"2026-11-20"^^<http://www.w3.org/2001/XMLSchema#date>'),
        ("2026-11-20T09:00:00.5+14:00", '"2026-11-20T09:00:00.5+14:00"^^<http://www.w3.org/2001/XMLSchema#dateTime>'),
        ("20261120T090000+0100", '"2026-11-20T08:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime>'),
        ("0001", "None"),
        ("0999-12-31", "None"),
        ("9999-12-31T23:59:59Z", "None"),
    ],
)
def test_dates_are_written_as_the_shapes_allow(text: str, said: str) -> None:
    moment = parse_moment(text)
    assert moment is not None
    assert str(moment_literal(moment)) == said


def test_what_only_the_reasoner_may_say_is_counted(knowledge: Program) -> None:
    text = PREFIXES + case() + "ex:a lc:hasRefutedClass lc:Case . lc:LegCramp lc:side lc:_Side_left .\n"
    _, conversion = converted([Document("record", text.encode(), "turtle")], knowledge, "ntriples")
    assert conversion.tallies[0] == Tally.of("statements of RDF", 7, Counter({"only the reasoner may say it": 2}))


def test_a_term_that_does_not_exist_is_the_reason_given(knowledge: Program) -> None:
    text = PREFIXES + case() + "ex:a lc:asOff '2026' ; a lc:Caze . ex:b lc:hasRefutedClass << ex:a a lc:Case >> .\n"
    _, conversion = converted([Document("record", text.encode(), "turtle")], knowledge, "ntriples")
    left = {"the vocabulary has no such term; `validate` names it": 2, "its value is a triple": 1, "only the reasoner may say it": 1}
    assert conversion.tallies[0] == Tally.of("statements of RDF", 7, Counter(left))


def test_every_record_of_rdf_is_written_or_left_out_for_its_reason(knowledge: Program) -> None:
    """Three of nine are written: two as they are, and one without the property that is misspelt."""
    records = """
ex:typo a lc:FindingRecord ; lc:ofFinding lc:LegCrampp ; lc:presence lc:_Presence_present .
ex:wordy a lc:FindingRecord ; lc:sourceText "cramp" ; lc:onsett "2026" ; lc:presence lc:_Presence_present .
ex:bare a lc:FindingRecord ; lc:presence lc:_Presence_present .
ex:fine a lc:FindingRecord ; lc:ofFinding lc:LegCramp ; lc:presence lc:_Presence_present .
ex:slip a lc:FindingRecord ; lc:ofFinding lc:LegCramp ; lc:presence lc:_Presence_present ; lc:onsett "2026" .
ex:alone a lc:FindingRecord ; lc:ofFinding lc:LegCramp ; lc:presence lc:_Presence_present .
ex:b a lc:Case ; lc:asOf "2026-11-20T09:00:00Z"^^xsd:dateTime ; lc:hasRecord ex:fine2 , ex:gone .
ex:fine2 a lc:FindingRecord ; lc:ofFinding lc:LegCramp ; lc:presence lc:_Presence_present .
"""
    linked = " , ".join(f"ex:{name}" for name in ("typo", "wordy", "bare", "fine", "slip"))
    text = PREFIXES + case().replace(" .", f" ; lc:hasRecord {linked} .", 1) + records
    _, conversion = converted([Document("record", text.encode(), "turtle")], knowledge, "fhir")
    left = {
        "unknown-term": 1,
        "no-term": 1,
        "shape-OrConstraintComponent": 1,
        "its case is left out, shape-OrConstraintComponent": 2,
        "no case has it": 1,
    }
    assert conversion.tallies[0] == Tally.of("records", 3, Counter(left))


@pytest.mark.parametrize(("predicate", "text"), [("https://example.org/1", "a"), ("https://example.org/p", "a\x01")])
def test_what_xml_cannot_hold_is_counted(knowledge: Program, predicate: str, text: str) -> None:
    quads = [*parse((PREFIXES + case()).encode(), format=RdfFormat.TURTLE)]
    quads.append(Quad(NamedNode("https://example.org/x/a"), NamedNode(predicate), Literal(text)))
    given_document = Document("record", serialize((quad.triple for quad in quads), format=RdfFormat.TURTLE) or b"", "turtle")
    _, conversion = converted([given_document], knowledge, "rdfxml")
    assert [tally.left for tally in conversion.tallies if tally.what == "statements of all graphs"] == [
        (("RDF/XML cannot hold the characters of the text or the name of the property", 1),)
    ]
    assert len(list(parse(conversion.files[""], format=RdfFormat.RDF_XML))) == len(quads) - 1


# --- the command ------------------------------------------------------------------------------------------------------


def figures(line: str) -> tuple[int, int]:
    """Return what a tally says were given, and the sum of what it says became of them."""
    whole, _, parts = line.partition(" = ")
    return int(whole.rpartition(" ")[2]), sum(map(int, re.findall(r"(?:^|; )(\d+) (?:written|left out)", parts)))


@pytest.mark.parametrize("target", [*sorted(RDF_SYNTAXES), "csv", "fhir", "parquet"])
def test_the_counts_add_up(command: Command, tmp_path: Path, target: str) -> None:
    done = command("convert", ANNA, BUNDLE, "--as-of", AS_OF, "--to", target, "--out", tmp_path / "out")
    lines = [line for line in done.err.splitlines() if " = " in line]
    assert done.code == 0
    assert done.out == ""
    assert lines
    for line in lines:
        given_figure, sum_of_parts = figures(line)
        assert given_figure == sum_of_parts, line
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_one_text_goes_to_standard_output(command: Command) -> None:
    done = command("convert", "-", "--to", "csv", "--table", "verdicts", stdin=ANNA.read_bytes())
    assert done.code == 0
    assert done.out.splitlines()[0].startswith("case,decision,verdict,")
    assert "not-warranted" in done.out


def test_every_table_becomes_a_file(command: Command, tmp_path: Path) -> None:
    assert command("convert", ANNA, "--to", "csv", "--out", tmp_path / "new" / "tables").code == 0
    assert sorted(path.name for path in (tmp_path / "new" / "tables").iterdir()) == sorted(f"{table.name}.csv" for table in TABLES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "csv"], "--out"),
        (["--to", "parquet", "--table", "verdicts"], "--out"),
        (["--to", "csv", "--table", "nonsense"], "use one of cases, verdicts"),
        (["--to", "nonsense"], "invalid choice"),
        (["--to", "turtle", "--out", "/"], "The output cannot be written"),
        (["--to", "csv", "--out", "/dev/null/x"], "The output cannot be written"),
    ],
)
def test_what_cannot_run_ends_with_two(command: Command, arguments: list[str], message: str) -> None:
    done = command("convert", ANNA, *arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_broken_record_is_kept_and_told(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "broken.ttl"
    path.write_text(PREFIXES + case(cramps=CRAMPS, bad="a lc:FindingRecord ; lc:ofFinding lc:LegCramp"), encoding="utf-8")
    done = command("convert", path, tmp_path / "missing.ttl", "--to", "turtle", "--out", tmp_path / "out.ttl")
    assert done.code == 1
    assert "missing.ttl" in done.err
    report = command("assess", tmp_path / "out.ttl", "--json")
    assert report.code == 1
    assert "shape-MinCountConstraintComponent" in report.problems


def test_files_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old", encoding="utf-8")
    (tmp_path / "two").mkdir()
    with pytest.raises(Exception, match="cannot be written"):
        write_files(tmp_path, {"one": b"new", "two": b"new"})
    assert (tmp_path / "one").read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old", encoding="utf-8")
    (tmp_path / "one").chmod(0o600)
    write_files(tmp_path, {"one": b"new", "two": b"new"})
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("one", "two")] == [0o600, 0o644]


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="pipe is no regular file"):
        write_files(tmp_path, {"one": b"new", "pipe": b"new"})
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    assert (tmp_path / "pipe").is_fifo()


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "old").write_text("old", encoding="utf-8")
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(tmp_path / "elsewhere" / name)
    write_files(tmp_path, {"old": b"1", "new": b"2"})
    assert [path.is_symlink() for path in (tmp_path / "old", tmp_path / "new")] == [True, True]
    assert {path.name: path.read_text("utf-8") for path in (tmp_path / "elsewhere").iterdir()} == {"old": "1", "new": "2"}


def test_a_folder_does_not_replace_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    with pytest.raises(UsageError, match="is a link"):
        require_new_folder(tmp_path / "link")


def test_a_tally_adds_up() -> None:
    assert ONE.line() == "statements: 1 = 1 written"
    assert Tally.of("rows", 2, Counter({"b": 1, "a": 3})).line() == "rows: 6 = 2 written; 3 left out: a; 1 left out: b"
