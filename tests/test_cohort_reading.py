"""Reading N-Triples as columns: no line is lost, changed or made up, whichever reader takes it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import RdfFormat, parse

from reasoner.cohort.grouping import hashes_of
from reasoner.cohort.plain import share_host
from reasoner.cohort.sources import Source, chunks_of, read_stretch
from reasoner.cohort.triples import read_triples, text_of
from reasoner.errors import IncompleteError
from reasoner.namespaces import LC, XSD

NODES = ("<https://example.org/a>", "<urn:a:b>", "_:b1", "<https://example.org/é>", "<no scheme>", "_:b-2", "<>", "“”", '"x"', "")
PREDICATES = (f"<{LC}hasRecord>", f"<{LC}value>", "<http://example.org/p#q>", "_:p", "<p>", "")
VALUES = (
    '"plain"',
    '""',
    '"two words"',
    f'"1"^^<{XSD}decimal>',
    f'"text"^^<{XSD}string>',
    '"tab\\there"',
    '"say \\"no\\""',
    '"\\u00e9"',
    '"é"',
    '"cramp"@en',
    '"cramp"@EN-us',
    '"bare',
    "1.5",
    f'"1"^^<{XSD}decimal',
)
ENDS = (" .", ".", " . # remark", "  .", " .\t", " .\r", "", " ;", ". .")
BYTES = (b"\xff\xfe", b"\x00", b"# remark", b"", b" ", b"\t")

_line = st.builds(
    lambda s, p, o, gap, end: f"{s}{gap}{p} {o}{end}".encode(),
    st.sampled_from(NODES),
    st.sampled_from(PREDICATES),
    st.sampled_from((*VALUES, *NODES)),
    st.sampled_from((" ", " ", " ", "  ", "\t", "")),
    st.sampled_from((" .",) * 9 + ENDS),
)
_canonical = st.builds(
    lambda s, p, o: f"{s} {p} {o} .".encode(),
    st.sampled_from(NODES[:3]),
    st.sampled_from(PREDICATES[:3]),
    st.sampled_from((*VALUES[:9], *NODES[:3])),
)
_lines = st.lists(st.one_of(_canonical, _canonical, _line, st.sampled_from(BYTES)), max_size=12)


def parsed(lines: list[bytes], form: RdfFormat) -> tuple[Counter[str], int]:
    """Return the triples of lines that are parsed one by one, and how many lines are none."""
    found: Counter[str] = Counter()
    malformed = 0
    for line in lines:
        try:
            found.update(str(quad.triple) for quad in parse(line, format=form))
        except (SyntaxError, ValueError):
            malformed += 1
    return found, malformed


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@settings(max_examples=60, deadline=None)
@given(lines=_lines)
def test_each_line_is_what_the_parser_makes_of_it(lines: list[bytes], mark: bytes, ending: bytes) -> None:
    data = mark + ending.join([*lines, b""])
    wanted, malformed = parsed(data.splitlines(), RdfFormat.N_TRIPLES)
    triples = read_triples(data)
    text = text_of(triples, np.ones(len(triples.s), dtype=bool))
    assert Counter(str(quad.triple) for quad in parse(text, format=RdfFormat.N_TRIPLES)) == wanted
    assert len(triples.malformed) == malformed


@settings(max_examples=60, deadline=None)
@given(lines=_lines, graph=st.sampled_from(("<https://example.org/g>", "_:g", "<g h>", '"g"', "")))
def test_quads_are_triples_without_their_graph(lines: list[bytes], graph: str) -> None:
    quads = [line.replace(b" .", f" {graph} .".encode()) for line in lines]
    wanted, malformed = parsed(b"\n".join(quads).splitlines(), RdfFormat.N_QUADS)
    triples = read_triples(b"\n".join(quads), quads=True)
    text = text_of(triples, np.ones(len(triples.s), dtype=bool))
    assert Counter(str(quad.triple) for quad in parse(text, format=RdfFormat.N_TRIPLES)) == wanted
    assert len(triples.malformed) == malformed


@pytest.mark.parametrize("ends", [(".", "x"), ("..", ""), (".", "<urn:a:g>")])
def test_lines_that_end_otherwise_are_no_triples(ends: tuple[str, str]) -> None:
    lines = [f"<urn:a:s> <urn:a:p> <urn:a:o{number}> {end}" for number, end in enumerate((".", *ends))]
    wanted, malformed = parsed([line.encode() for line in lines], RdfFormat.N_TRIPLES)
    triples = read_triples("\n".join(lines).encode())
    assert len(triples.malformed) == malformed > 0
    assert len(triples.s) == wanted.total() > 0


def test_terms_are_held_once_and_links_are_places_of_subjects() -> None:
    lines = [f"<urn:a:case> <{LC}hasRecord> <urn:a:r{number}> ." for number in (1, 2, 3)]
    lines[1:1] = ['<urn:a:r1> <urn:a:says> "two words" .', '<urn:a:r1> <urn:a:says> "word" .', "<urn:a:r1> <urn:a:of> <urn:a:r2> ."]
    triples = read_triples("\n".join(lines).encode())
    subjects, objects = triples.subjects.to_pylist(), triples.objects.to_pylist()
    assert sorted(subjects) == ["<urn:a:case>", "<urn:a:r1>", "<urn:a:r2>", "<urn:a:r3>"]
    assert sorted(objects) == ['"two words"', '"word"', "<urn:a:r2>"]
    links = triples.p == triples.predicates.to_pylist().index(f"<{LC}hasRecord>")
    assert sorted(subjects[place] for place in -1 - triples.o[links]) == ["<urn:a:r1>", "<urn:a:r2>", "<urn:a:r3>"]
    assert (triples.o[~links] >= 0).all()


_IRIS = st.lists(
    st.builds(
        "{}{}://a.org/{}{}".format,
        st.sampled_from(["<", "", "<<"]),
        st.sampled_from(["http", "https"]),
        st.text("ab/<> ?é", max_size=5),
        st.just(">"),
    )
    | st.from_regex(r"<?https?://a\.org/[a-z]{0,3}>?", fullmatch=True)
    | st.sampled_from(
        ["", "_:b", "<http://a.org>", "<http://a.org/>", "<http://a.org/<>", "<http://a.org/><", "http://a.org/x", "http://b.org/x"]
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(texts=_IRIS)
def test_texts_that_share_a_host_have_the_form_of_iris(texts: list[str]) -> None:
    plain = r"https?://[A-Za-z0-9.-]+/[A-Za-z0-9._~!$&'()*+,;=@:/-]*"
    for brackets, form in ((b"", plain), (b"<>", f"<{plain}>")):
        if share_host(pa.array(texts), brackets):
            assert all(re.fullmatch(form, text) for text in texts)
            assert len({text.split("/")[2] for text in texts}) == 1


def test_many_plain_iris_are_seen_to_share_a_host() -> None:
    texts = [f"https://a.org/x/{number}" for number in range(30)]
    whole = pa.array([f"<{text}>" for text in texts])
    assert share_host(pa.array(texts))
    assert share_host(whole, b"<>")
    assert share_host(whole[3:7], b"<>")
    assert share_host(pa.chunked_array([whole, whole[:2]]), b"<>")
    assert not share_host(whole)
    assert not share_host(pa.array([*texts, None]))
    assert not share_host(pa.array([*whole.to_pylist(), "<https://a.org/>x"]), b"<>")
    assert not share_host(pa.array([*texts, "https://b.org/x/1"]))


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(max_size=30), max_size=30, unique=True))
def test_hashes_depend_on_the_text_alone(texts: list[str]) -> None:
    found = hashes_of(pa.array(texts, pa.string())).tolist()
    assert found == [hashes_of(pa.array([text])).item() for text in texts]
    assert found[1:] == hashes_of(pa.array(texts, pa.string())[1:]).tolist()
    assert len(set(found)) == len(texts)


def test_hashes_of_similar_texts_differ() -> None:
    texts = [
        f"<https://example.org/{stem}/{number}{end}>" for stem in ("a", "b") for number in range(50_000) for end in ("", "/r1", "/r11")
    ]
    assert len(np.unique(hashes_of(pa.array(texts)))) == len(texts)


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.binary(max_size=9).map(lambda text: text.replace(b"\n", b"")), max_size=12),
    size=st.integers(1, 20),
    whole=st.booleans(),
)
def test_stretches_share_out_the_lines(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int, whole: bool) -> None:
    data = b"\n".join(lines) + (b"\n" if whole else b"")
    path = Path(tmp_path_factory.getbasetemp()) / "lines.nt"
    path.write_bytes(data)
    stretches = [bytes(read_stretch(str(path), start, min(start + size, len(data)))) for start in range(0, len(data), size)]
    assert b"".join(stretches) == data
    assert all(each.endswith(b"\n") for each in stretches if each and not data.endswith(each))


def test_a_stretch_that_a_file_no_longer_has_is_told(tmp_path: Path) -> None:
    path = tmp_path / "short.nt"
    path.write_bytes(b"x" * 100)
    with pytest.raises(IncompleteError, match="changed while it was read"):
        read_stretch(str(path), 0, 10_000)


@pytest.mark.parametrize("mebibytes", [0, 1, 150, 192, 193, 560, 1342, 14_000])
def test_stretches_cover_a_file_and_one_that_fits_is_not_cut(mebibytes: int) -> None:
    size = mebibytes << 20
    cuts = chunks_of([Source("all.nt", "n-triples", size, 0)])
    assert [cut.start for cut in cuts] == [0, *(cut.end for cut in cuts[:-1])]
    assert cuts[-1].end == size
    assert (len(cuts) == 1) == (mebibytes <= 192)
    assert all(len(cuts) == 1 or 32 <= (cut.end - cut.start) >> 20 <= 256 for cut in cuts[:-1])
