"""The canonical Turtle form: nothing is lost, nothing moves twice, comments stay, a small change makes a small difference."""

from __future__ import annotations

import difflib
import random
import re
from collections import Counter
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reasoner.authoring.format import format_files, format_turtle
from reasoner.cli import main
from reasoner.errors import KnowledgeError

ROOT = Path(__file__).parent.parent
SHIPPED = sorted([*ROOT.glob("ontology/**/*.ttl"), *ROOT.glob("shapes/*.ttl")])
EXAMPLES = sorted([*ROOT.glob("docs/**/*.ttl"), *ROOT.glob("tests/shapes/**/*.ttl"), *ROOT.glob("tests/cases/[cs]*/*/record.ttl")])
LC = "https://w3id.org/legcramps/ontology/"
HEAD = f"@prefix lc: <{LC}> .\n"
OWL_HEAD = f"{HEAD}@prefix owl: <http://www.w3.org/2002/07/owl#> .\n"


def graph_of(text: str) -> ox.Dataset:
    graph = ox.Dataset(ox.parse(text.encode(), format=ox.RdfFormat.TURTLE))
    graph.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return graph


def comments_of(text: str) -> Counter[str]:
    return Counter(line.strip() for line in text.split("\n") if line.lstrip().startswith("#"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_are_files_to_format() -> None:
    assert len(SHIPPED) >= 36
    assert len(EXAMPLES) >= 100


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_shipped_file_is_canonical(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_turtle(text) == text, f"repair by: legcramps fmt {name(path)}"


@pytest.mark.parametrize("path", [*SHIPPED, *EXAMPLES], ids=name)
def test_nothing_is_lost_and_nothing_moves_twice(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    formatted = format_turtle(text)
    assert graph_of(formatted) == graph_of(text)
    assert format_turtle(formatted) == formatted
    assert comments_of(formatted) == comments_of(text)


@pytest.mark.parametrize("path", SHIPPED[::6], ids=name)
def test_form_does_not_depend_on_the_order_inside_blocks(path: Path) -> None:
    text = format_turtle(path.read_text(encoding="utf-8"))
    triples = list(ox.parse(text.encode(), format=ox.RdfFormat.TURTLE))
    blocks = [sorted(format_turtle(shuffled(triples, seed)).strip().split("\n\n")) for seed in (1, 2)]
    assert blocks[0] == blocks[1]


def shuffled(triples: list[ox.Quad], seed: int) -> str:
    """Return the triples as lines in some order; blank nodes are written with their labels."""
    lines = [f"{quad.subject} {quad.predicate} {quad.object} ." for quad in triples]
    random.Random(seed).shuffle(lines)
    return "\n".join(lines) + "\n"


# --- generated graphs --------------------------------------------------------------------------------------------------

LOCALS = st.sampled_from(["A", "b", "_x", "a.b", "1", "-a", "a/b", "ä", ""])
IRIS = st.builds(
    lambda stem, local: ox.NamedNode(stem + local), st.sampled_from([LC, "http://example.org/", "http://www.w3.org/2002/07/owl#"]), LOCALS
)
BLANKS = st.sampled_from([ox.BlankNode(f"n{index}") for index in range(6)])
TEXTS = st.text(st.sampled_from("ab \"'\\\n\r\t#.;,]>é\u200b\U0001f600"), max_size=8)
TYPES = st.sampled_from(
    [ox.NamedNode(f"http://www.w3.org/2001/XMLSchema#{name}") for name in ("integer", "decimal", "boolean", "double", "date")]
)
LITERALS = st.one_of(
    st.builds(ox.Literal, TEXTS),
    st.builds(lambda text: ox.Literal(text, language="en"), TEXTS),
    st.builds(
        lambda text, kind: ox.Literal(text, datatype=kind), st.sampled_from(["1", "01", "+1", "1.0", ".5", "1.", "true", "1e3", "x"]), TYPES
    ),
)
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PREDICATES = st.one_of(IRIS, st.sampled_from([ox.NamedNode(RDF + local) for local in ("type", "first", "rest")]))
OBJECTS = st.one_of(IRIS, BLANKS, LITERALS, st.just(ox.NamedNode(RDF + "nil")))
TRIPLES = st.lists(st.builds(ox.Triple, st.one_of(IRIS, BLANKS), PREDICATES, OBJECTS), max_size=14)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TRIPLES)
def test_generated_graph_survives(triples: list[ox.Triple]) -> None:
    text = "".join(f"{triple.subject} {triple.predicate} {triple.object} .\n" for triple in triples)
    formatted = format_turtle(text)
    assert graph_of(formatted) == graph_of(text)
    assert format_turtle(formatted) == formatted


@settings(max_examples=80, deadline=None)
@given(TRIPLES, st.randoms(use_true_random=False))
def test_generated_graph_has_one_form(triples: list[ox.Triple], order: random.Random) -> None:
    lines = [f"{triple.subject} {triple.predicate} {triple.object} ." for triple in triples]
    texts = []
    for _ in range(2):
        order.shuffle(lines)
        texts.append(sorted(format_turtle("\n".join(lines)).strip().split("\n\n")))
    assert texts[0] == texts[1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(["# note", "  # indented", "#", "#tight # twice"])), max_size=6))
def test_comments_survive_wherever_they_stand(notes: list[tuple[int, str]]) -> None:
    lines = SHIPPED_TEXT.split("\n")
    for place, note in notes:
        lines.insert(place % len(lines), note)
    text = "\n".join(lines)
    formatted = format_turtle(text)
    assert comments_of(formatted) == comments_of(text)
    assert format_turtle(formatted) == formatted


SHIPPED_TEXT = (ROOT / "ontology" / "conditions" / "vitamin-d-deficiency.ttl").read_text(encoding="utf-8")

# --- the form by example ----------------------------------------------------------------------------------------------

FORM = [
    (
        "predicates, objects and prefixes are sorted, unused prefixes go",
        f"{OWL_HEAD}@prefix ex: <http://example.org/> .\nlc:B lc:z lc:y, lc:x ; lc:a 0.90, true ; a lc:C .",
        f"{HEAD}\nlc:B\n    a lc:C ;\n    lc:a 0.90 , true ;\n    lc:z lc:x , lc:y ;\n.\n",
    ),
    (
        "a prefix that a comment names stays, one that is a word with a colon goes",
        f"{HEAD}@prefix ex: <http://example.org/> .\n@prefix note: <http://example.org/note/> .\n\n# note: ex:b lc:c 1 .\nlc:A lc:a 1 .",
        f"@prefix ex: <http://example.org/> .\n{HEAD}\n# note: ex:b lc:c 1 .\nlc:A\n    lc:a 1 ;\n.\n",
    ),
    (
        "the author's order of blocks stays, and sections stay with what follows",
        f"# top\n{HEAD}\n# --- one ---\n\nlc:Z a lc:C .\n\n# near\nlc:A a lc:C . # behind\n# end",
        f"# top\n\n{HEAD}\n# --- one ---\n\nlc:Z\n    a lc:C ;\n.\n\n# near\nlc:A\n    a lc:C ;\n.\n\n# behind\n# end\n",
    ),
    (
        "blocks of one subject are joined, comments inside a block move to its top",
        f"{HEAD}lc:A a lc:C ; # why\n  # and this\n  lc:b 1 .\n\nlc:A lc:c 2 .",
        f"{HEAD}\n# why\n# and this\nlc:A\n    a lc:C ;\n    lc:b 1 ;\n    lc:c 2 ;\n.\n",
    ),
    (
        "operands stand one per line, restrictions on one",
        f"{OWL_HEAD}lc:A owl:equivalentClass [ owl:intersectionOf ( lc:B [ owl:complementOf lc:D ; a owl:Class ] ) ; a owl:Class ] .",
        f"{OWL_HEAD}\nlc:A\n    owl:equivalentClass [\n        a owl:Class ;\n        owl:intersectionOf (\n            lc:B\n"
        "            [ a owl:Class ; owl:complementOf lc:D ]\n        ) ;\n    ] ;\n.\n",
    ),
    (
        "a text over several lines stays one, whatever it quotes",
        f'{HEAD}lc:A lc:b "one\\n\\"two\\"" .',
        f'{HEAD}\nlc:A\n    lc:b """one\n"two\\"""" ;\n.\n',
    ),
    ("a default prefix is written out", f"@prefix : <{LC}> .\n:A a :B .", f"{HEAD}\nlc:A\n    a lc:B ;\n.\n"),
    ("nothing stays nothing", "", ""),
]


@pytest.mark.parametrize(("text", "due"), [case[1:] for case in FORM], ids=[case[0] for case in FORM])
def test_form(text: str, due: str) -> None:
    assert format_turtle(text) == due
    assert format_turtle(due) == due


def test_long_lists_stand_one_item_per_line() -> None:
    names = [f"lc:AnItemWithAVeryLongNameThatFillsTheLine{letter}" for letter in "DCBA"]
    formatted = format_turtle(f"{HEAD}lc:A lc:b {', '.join(names)} ; lc:c ( {' '.join(names)} ) .")
    assert "    lc:b\n" + " ,\n".join(f"        {each}" for each in sorted(names)) + " ;\n" in formatted
    assert "    lc:c (\n" + "".join(f"        {each}\n" for each in names) + "    ) ;\n" in formatted


def test_layout_that_cannot_be_followed_loses_nothing() -> None:
    text = f"{HEAD}# first\nlc:B a\nlc:C .\n# second\n[] lc:p lc:A . lc:A lc:q 1 .\n  # third\n  lc:D a lc:C ."
    formatted = format_turtle(text)
    assert graph_of(formatted) == graph_of(text)
    assert comments_of(formatted) == comments_of(text)
    assert format_turtle(formatted) == formatted


def test_one_changed_axiom_changes_its_own_lines() -> None:
    path = ROOT / "ontology" / "conditions" / "peripheral-neuropathy.ttl"
    text = format_turtle(path.read_text(encoding="utf-8"))
    first = text.index("owl:unionOf (\n") + len("owl:unionOf (\n")
    changed = format_turtle(
        text[:first] + "[ a owl:Restriction ; owl:someValuesFrom lc:Zzz ; owl:onProperty lc:hasFinding ]\n" + text[first:]
    )
    lines = [line for line in difflib.ndiff(text.split("\n"), changed.split("\n")) if line[0] in "+-"]
    assert [line[2:].strip() for line in lines] == ["[ a owl:Restriction ; owl:onProperty lc:hasFinding ; owl:someValuesFrom lc:Zzz ]"]


def statements_of(text: str) -> dict[tuple[str, str], list[str]]:
    """Return the lines of each statement by the subject and the predicate that it begins with, prefixes left out."""
    found: dict[tuple[str, str], list[str]] = {}
    subject = predicate = ""
    inside = False  # of a text of several lines, which all belong to its statement
    for line in text.split("\n"):
        if not inside and line and line[0] not in " .":
            subject, predicate = line, ""
        elif not inside and re.match(r"    [^\s\])]", line):
            predicate = line.split()[0]
        inside ^= line.count('"""') % 2 == 1
        if not subject.startswith("@prefix"):
            found.setdefault((subject, predicate), []).append(line)
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([ox.NamedNode(LC + "Zzz"), ox.NamedNode(LC + "aaa"), ox.Literal("z")]))
def test_one_changed_object_changes_its_own_statement(file: int, place: int, other: ox.NamedNode | ox.Literal) -> None:
    parser = ox.parse(SHIPPED[file % len(SHIPPED)].read_bytes(), format=ox.RdfFormat.TURTLE)
    triples = [quad.triple for quad in parser]
    plain = [index for index, each in enumerate(triples) if not isinstance(each.object, ox.BlankNode) and each.object.value != RDF + "nil"]
    at = plain[place % len(plain)]
    changed = [*triples[:at], ox.Triple(triples[at].subject, triples[at].predicate, other), *triples[at + 1 :]]
    head = "".join(f"@prefix {name}: <{stem}> .\n" for name, stem in parser.prefixes.items())
    before, after = (statements_of(format_turtle(head + "\n".join(f"{each} ." for each in version))) for version in (triples, changed))
    assert len({key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}) <= 1


# --- files and command ------------------------------------------------------------------------------------------------


def test_command_rewrites_and_names_what_it_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wild, tame = tmp_path / "wild.ttl", tmp_path / "tame.ttl"
    wild.write_text(f"{OWL_HEAD}lc:B a lc:C .", encoding="utf-8")
    tame.write_text(f"{HEAD}\nlc:B\n    a lc:C ;\n.\n", encoding="utf-8")
    wild.chmod(0o640)
    assert main(["fmt", str(tmp_path), "--check"]) == 1
    asked = capsys.readouterr()
    assert asked.out.splitlines() == [str(wild)]
    assert f"legcramps fmt {tmp_path}" in asked.err
    assert main(["fmt", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(wild)]
    assert wild.read_text(encoding="utf-8") == tame.read_text(encoding="utf-8")
    assert wild.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tame.ttl", "wild.ttl"]
    assert main(["fmt", str(tmp_path), "--check"]) == 0


def test_malformed_file_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.ttl"
    path.write_text(f"{HEAD}lc:A a lc:B ;\nlc:b .\n", encoding="utf-8")
    before = path.read_bytes()
    assert main(["fmt", str(path)]) == 2
    assert f"{path}:3" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main(["fmt", str(tmp_path / "nowhere")]) == 2


@pytest.mark.parametrize("ending", ["nt", "nq", "trig", "jsonld", "rdf", "txt", ""])
def test_what_is_not_turtle_is_refused_before_anything_is_written(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wild, other = tmp_path / "wild.ttl", tmp_path / f"case.{ending}".rstrip(".")
    wild.write_text(f"{HEAD}lc:B a lc:C .", encoding="utf-8")
    other.write_text("<https://example.org/b> <https://example.org/p> <https://example.org/a> .\n", encoding="utf-8")
    before = wild.read_bytes(), other.read_bytes()
    assert main(["fmt", str(wild), str(other)]) == 2
    said = capsys.readouterr()
    assert not said.out and "[LC-1230]" in said.err and str(other) in said.err
    assert (wild.read_bytes(), other.read_bytes()) == before


def test_nothing_is_written_beside_a_malformed_file(tmp_path: Path) -> None:
    wild, broken = tmp_path / "a.ttl", tmp_path / "b.ttl"
    wild.write_text(f"{HEAD}lc:B a lc:C .", encoding="utf-8")
    broken.write_text(f"{HEAD}lc:B a", encoding="utf-8")
    before = wild.read_bytes()
    assert main(["fmt", str(tmp_path)]) == 2
    assert wild.read_bytes() == before


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="valid Turtle"):
        format_turtle("<relative> a <also> .")
    deep = "<a:s> <a:p> " + "".join(f"[ <a:p{level}> " for level in range(400)) + "1" + " ]" * 400 + " ."
    with pytest.raises(KnowledgeError, match="too deeply"):
        format_turtle(deep)


def test_only_files_that_change_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text(f"{HEAD}\nlc:B\n    a lc:C ;\n.\n", encoding="utf-8")
    assert format_files([tmp_path]) == ()
