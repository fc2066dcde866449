"""The five functions of the package do what the commands do, typed, and import nothing before they are called."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from reasoner import assess, load_records, run_query, validate
from reasoner.errors import InputError, UnsupportedInputError, UsageError
from reasoner.export.records import records_of
from reasoner.program import Program

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs" / "examples"
AS_OF = datetime.fromisoformat("2026-11-20T09:00:00+00:00")
FINDINGS = "PREFIX lc: <https://w3id.org/legcramps/ontology/> SELECT ?f WHERE { ?case a lc:Case ; lc:hasPresentFinding ?f }"


def test_validate_says_what_breaks_a_shape_and_where(knowledge: Program, tmp_path: Path) -> None:
    assert validate(EXAMPLES / "patient.ttl", knowledge).conforms
    path = tmp_path / "bad.ttl"
    text = "@prefix lc: <https://w3id.org/legcramps/ontology/> .\n<https://example.org/e> a lc:Case ;\n  lc:asOf 'soon' .\n"
    path.write_text(text, encoding="utf-8")
    report = validate(str(path), knowledge)
    assert not report.conforms
    assert any(each.where.endswith("bad.ttl:2") for each in report.results)


@pytest.mark.parametrize("name", ["bundle.json", "visits.csv"])
def test_what_has_no_shapes_is_refused(knowledge: Program, name: str) -> None:
    with pytest.raises(UnsupportedInputError):
        validate(EXAMPLES / name, knowledge)


def test_validate_of_a_missing_file_is_an_input_error(knowledge: Program) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        validate("missing.ttl", knowledge)


def test_a_query_sees_records_inferences_and_knowledge(knowledge: Program) -> None:
    found = run_query(FINDINGS, knowledge, [EXAMPLES / "patient.ttl"])
    assert found.variables == ("f",)
    assert "https://w3id.org/legcramps/ontology/LegCramp" in {row[0].text for row in found.rows if row[0]}
    assert run_query(FINDINGS, knowledge).rows == ()


def test_a_shipped_query_takes_bindings(knowledge: Program) -> None:
    every = run_query("CQ11", knowledge)
    one = run_query("CQ11", knowledge, bindings={"_condition_iri": "lc:PeripheralArterialDisease"})
    assert 0 < len(one.rows) < len(every.rows)


@pytest.mark.parametrize("engine", ["pyoxigraph", "rdflib"])
def test_every_form_of_record_can_be_asked(knowledge: Program, engine: str) -> None:
    paths = [EXAMPLES / "bundle.json", EXAMPLES / "visits.csv"]
    query = "PREFIX lc: <https://w3id.org/legcramps/ontology/> SELECT ?case WHERE { ?case lc:hasPresentFinding lc:LegCramp }"
    found = run_query(query, knowledge, paths, as_of=AS_OF, mapping=EXAMPLES / "visits.toml", engine=engine)
    assert sorted(row[0].text.rpartition("/")[2] for row in found.rows if row[0]) == ["0017", "0018", "cramps-67"]


def test_records_of_every_form_can_be_asked(knowledge: Program) -> None:
    paths = [EXAMPLES / "patient.ttl", EXAMPLES / "bundle.json", EXAMPLES / "visits.csv"]
    query = "PREFIX lc: <https://w3id.org/legcramps/ontology/> SELECT (COUNT(?r) AS ?n) WHERE { ?case lc:hasRecord ?r } GROUP BY ?case"
    found = run_query(query, knowledge, paths, as_of=AS_OF, mapping=EXAMPLES / "visits.toml")
    records = load_records(paths, knowledge, mapping=EXAMPLES / "visits.toml")
    counts = [len(list(records_of(case))) for case in records.cases]
    assert sorted(int(row[0].text) for row in found.rows if row[0]) == sorted(count for count in counts if count)
    assert sum(counts) == 53


def test_a_query_that_reaches_outside_is_refused(knowledge: Program) -> None:
    with pytest.raises(UsageError):
        run_query("SELECT * WHERE { SERVICE <https://example.org/> { ?a ?b ?c } }", knowledge)


def test_the_parts_fit_together(knowledge: Program) -> None:
    records = load_records([EXAMPLES / "visits.csv"], knowledge, mapping=str(EXAMPLES / "visits.toml"))
    report = assess(records, knowledge, as_of=AS_OF)
    assert {case["asOf"] for case in report.to_document()["cases"]} == {"2026-11-20T09:00:00Z"}
