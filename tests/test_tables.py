"""Tables in the manner of ROBOT's templates: the same Turtle as an author writes, and back, for every shipped file."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoner.authoring.format import format_turtle
from reasoner.authoring.tables import table_of, turtle_of
from reasoner.cli import main
from reasoner.errors import KnowledgeError
from reasoner.namespaces import PREFIXES

ROOT = Path(__file__).parent.parent
SHIPPED = sorted(ROOT.glob("ontology/**/*.ttl"))
HEAD = "".join(f"@prefix {name}: <{stem}> .\n" for name, stem in PREFIXES.items())
TABLE = """term\tkind\tis a\tlabel\tdefinition\tsources\tmark\tcodes
ID\tTYPE\tSC %\tAL skos:prefLabel@en\tAL skos:definition@en\tAI dcterms:source SPLIT=|\tAI lc:verification\tAI skos:exactMatch SPLIT=|
lc:CalfItch\towl:Class\tlc:LegSymptom\tcalf itch\tA leg symptom of skin.\tlcg:_Citation_afp|lcg:_Citation_src\tlc:_Verification_recall\t
lc:ShinItch\towl:Class\tlc:CalfItch\tshin itch\tA calf itch in front.\tlcg:_Citation_src\tlc:_Verification_recall\t<http://snomed.info/id/1>
"""
TURTLE = """@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix lc: <https://w3id.org/legcramps/ontology/> .
@prefix lcg: <https://w3id.org/legcramps/guideline/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .

lc:CalfItch
    a owl:Class ;
    dcterms:source lcg:_Citation_afp , lcg:_Citation_src ;
    lc:verification lc:_Verification_recall ;
    rdfs:subClassOf lc:LegSymptom ;
    skos:definition "A leg symptom of skin."@en ;
    skos:prefLabel "calf itch"@en ;
.

lc:ShinItch
    a owl:Class ;
    dcterms:source lcg:_Citation_src ;
    lc:verification lc:_Verification_recall ;
    rdfs:subClassOf lc:CalfItch ;
    skos:definition "A calf itch in front."@en ;
    skos:exactMatch <http://snomed.info/id/1> ;
    skos:prefLabel "shin itch"@en ;
.
"""


def without_comments(text: str) -> str:
    return format_turtle("\n".join(line for line in text.split("\n") if not line.startswith("#")), "text")


def test_a_table_is_the_turtle_that_an_author_writes() -> None:
    assert turtle_of(TABLE) == TURTLE


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_file_survives_the_way_there_and_back(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    table = table_of(text, path.name)
    assert turtle_of(table, path.name) == without_comments(text)
    assert table_of(turtle_of(table)) == table


def test_shipped_files_are_not_fewer_than_before() -> None:
    assert len(SHIPPED) >= 35


def test_what_a_spreadsheet_may_do_to_a_table_does_not_matter() -> None:
    """Byte-order mark, Windows line ends, quotes around cells, empty rows and columns without a template string."""
    rows = [[f'"{cell}"' for cell in (*line.split("\t"), "note to self")] for line in TABLE.splitlines()]
    rows[1][-1] = ""
    text = "\ufeff" + "\r\n".join("\t".join(row) for row in rows) + "\r\n\t\t\r\n"
    assert turtle_of(text) == TURTLE


BAD = [
    ("no term", "ID\nID\n", "describes no term", ""),
    ("no ID", "a\nTYPE\nowl:Class\n", "needs one column ID", "t.tsv:2"),
    ("two IDs", "a\tb\nID\tID\nlc:A\tlc:B\n", "needs one column ID", "t.tsv:2"),
    ("odd template", "a\tb\nID\tLABEL\nlc:A\tb\n", "“LABEL” is not read", "t.tsv:2"),
    ("language on a typed value", "a\tb\nID\tAT lc:p@en\nlc:A\tb\n", "is not read", "t.tsv:2"),
    ("unknown prefix", "a\tb\nID\tA foo:p\nlc:A\tb\n", "is not read", "t.tsv:2"),
    ("row without ID", "a\tb\nID\tTYPE\n\towl:Class\n", "has no ID", "t.tsv:3"),
    ("two rows", "a\tb\nID\tTYPE\nlc:A\towl:Class\nlc:A\towl:Class\n", "has two rows", "t.tsv:4"),
    ("no IRI", "a\tb\nID\tSC %\nlc:A\tsome words\n", "cannot be read", "t.tsv:3"),
    ("long row", "a\nID\nlc:A\tmore\n", "longer than", "t.tsv:3"),
    ("language", "a\tb\nID\tAL lc:p@e-\nlc:A\tb\n", "cannot be read", "t.tsv:3"),
    ("open quotes", 'a\nID\n"lc:A\n', "malformed", "t.tsv:3"),
    ("definition", "a\tb\nID\tEC %\nlc:A\t[ a owl:Class\n", "not valid Turtle", "t.tsv:3"),
    ("smuggled statement", "a\tb\nID\tEC %\nlc:A\t[ a owl:Class ] . lc:B a owl:Class\n", "says more", "t.tsv:3"),
    ("smuggled predicate", "a\tb\nID\tEC %\nlc:A\t[ a owl:Class ] ; a owl:Class\n", "says more", "t.tsv:3"),
]


@pytest.mark.parametrize(("table", "words", "where"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_table_is_refused_by_row(table: str, words: str, where: str) -> None:
    with pytest.raises(KnowledgeError, match=words) as refused:
        turtle_of(table, "t.tsv")
    assert refused.value.where.startswith(where)
    assert refused.value.repair


@pytest.mark.parametrize(
    "turtle",
    [
        "lc:A rdfs:seeAlso [ a owl:Class ] .",
        "[ a owl:Class ] .",
        "lc:A lc:p ' x'@en .",
        "lc:A lc:p '' .",
        "lc:A rdfs:seeAlso _:b . lc:B rdfs:seeAlso _:b .",
    ],
)
def test_what_no_table_holds_is_refused(turtle: str) -> None:
    with pytest.raises(KnowledgeError):
        table_of(HEAD + turtle)


def test_the_command_turns_one_into_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, turtle = tmp_path / "t.tsv", tmp_path / "t.ttl"
    table.write_text(TABLE, encoding="utf-8")
    assert main(["template", str(table), "--out", str(turtle)]) == 0
    assert turtle.read_text(encoding="utf-8") == TURTLE
    assert main(["template", str(turtle), "--to", "tsv"]) == 0
    assert turtle_of(capsys.readouterr().out) == TURTLE
    assert main(["template", str(turtle), "--to", "turtle"]) == 2
    assert main(["template", str(tmp_path / "t.csv")]) == 2
    assert main(["template", str(tmp_path / "absent.tsv")]) == 2
