"""The site made from the graph: well-formed, every link arrives, every term has its place, nothing a text holds becomes markup."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoner.authoring.site.build import build_site, write_site
from reasoner.authoring.site.drawing import wrapped
from reasoner.authoring.site.elements import element, html_document
from reasoner.cli import main
from reasoner.errors import KnowledgeError, UsageError
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import LC, LCG, OWL, RDF, SKOS
from reasoner.resources import query_files
from reasoner.terms import lc

ROOT = Path(__file__).parent.parent
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """A page as a browser would take it apart; unbalanced tags are counted."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        self.faults += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if len({name for name, _ in attrs}) != len(attrs):
            self.faults.append(f"{tag} has an attribute twice")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @cached_property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)

    @cached_property
    def ids(self) -> list[str]:
        return [each["id"] or "" for _, each in self.tags if "id" in each]

    @cached_property
    def hrefs(self) -> list[str]:
        return [each["href"] or "" for each in self.all("a")]


@pytest.fixture(scope="module")
def texts() -> dict[str, bytes]:
    return build_site(ROOT)


@pytest.fixture(scope="module")
def pages(texts: dict[str, bytes]) -> dict[str, Page]:
    return {name: Page(text.decode()) for name, text in texts.items()}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return read_graph(sorted(ROOT.glob("ontology/**/*.ttl")))


def test_there_are_pages(pages: dict[str, Page]) -> None:
    assert len(pages) >= 38
    assert {"index.html", "algorithm.html", "sentences.html", "queries.html", "disagreements.html", "changes.html"} <= pages.keys()


def test_every_page_is_whole_and_plain(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert not page.faults, f"{name}: {page.faults[:3]}"
        assert len(set(page.ids)) == len(page.ids), name
        tags = [tag for tag, _ in page.tags]
        assert [tags.count(tag) for tag in ("html", "head", "body", "main", "h1")] == [1] * 5, name
        assert not {"script", "iframe", "img", "object", "form", "link"} & set(tags), name
        assert next(page.all("html"))["lang"] == "en"
        assert {"width=device-width, initial-scale=1"} <= {each.get("content") for each in page.all("meta")}
        assert not any(attribute.startswith("on") or attribute == "style" for _, each in page.tags for attribute in each)


def test_headings_leave_no_level_out_and_all_can_be_reached_by_keyboard(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1, name
        assert all(after <= before + 1 for before, after in pairwise(levels)), name
        assert "#content" in page.hrefs
        assert "content" in page.ids
        scrolling = [each for each in page.all("div") if each.get("class") == "scroll"]
        assert all(each.get("tabindex") == "0" and each.get("aria-label") and each.get("role") == "region" for each in scrolling)
        assert all(each.get("scope") for each in page.all("th"))
        assert len(list(page.all("caption"))) == len(list(page.all("table")))
        assert all(each.get("aria-label") for each in page.all("svg"))


def test_every_link_within_the_site_arrives(pages: dict[str, Page]) -> None:
    counted = 0
    for name, page in pages.items():
        for href in page.hrefs:
            if href.startswith(("https://", "http://")):
                continue
            target, _, anchor = href.partition("#")
            counted += 1
            assert (target or name) in pages, f"{name}: {href}"
            assert not anchor or unquote(anchor) in pages[target or name].ids or anchor in pages[target or name].ids, f"{name}: {href}"
    assert counted > 20_000


def test_nothing_is_loaded_from_elsewhere(texts: dict[str, bytes]) -> None:
    for name, text in texts.items():
        assert not re.search(rb"\b(src|srcset|data|action)=|url\(|@import", text), name
        assert b"default-src 'none'" in text


def test_every_term_has_its_place_with_label_definition_and_mark(pages: dict[str, Page], graph: Graph) -> None:
    terms = [term for term in graph.out if term.startswith((LC, LCG)) and graph.nodes(term, RDF + "type")]
    assert len(terms) >= 1800
    where = {anchor: page for page in pages.values() for anchor in page.ids}
    for term in terms:
        page = where[term.rpartition("/")[2]]
        assert " ".join(graph.label(term).split()) in page.text
        for definition in graph.texts(term, SKOS + "definition"):
            assert " ".join(definition.split()) in page.text, term
        for note in graph.texts(term, SKOS + "scopeNote"):
            assert " ".join(note.split()) in page.text, term


def test_each_condition_has_a_page_with_its_ratios_and_intervals(pages: dict[str, Page], graph: Graph) -> None:
    conditions = [term for term in graph.out if graph.flag(term, lc("inDifferential"))]
    assert len(conditions) >= 17
    assert sum(name.startswith("condition-") for name in pages) == len(conditions)
    for condition in conditions:
        (page,) = [each for name, each in pages.items() if name.startswith("condition-") and condition.rpartition("/")[2] in each.ids]
        for criterion in graph.subjects(lc("aboutCondition"), condition):
            for end in ("Positive", "Negative"):
                ratio, low, high = (graph.text(criterion, lc(f"likelihoodRatio{end}{bound}")) for bound in ("", "Low", "High"))
                if ratio:
                    assert (f"{ratio} ({low} to {high})" if low else f"{ratio} (no interval") in page.text, criterion


def test_a_published_criterion_is_told_with_weight_source_and_mark(pages: dict[str, Page]) -> None:
    text = pages["condition-lumbar-spinal-stenosis.html"].text
    row = text[text.index("no pain when seated: present") :][:180]
    assert row.startswith("no pain when seated: present+8.7 (+2.8 to +14.8)7.4 (1.9 to 30.0)")
    assert "JAMA 2010V" in row


def test_the_ladder_keeps_the_order_of_the_rows(pages: dict[str, Page]) -> None:
    text = pages["algorithm.html"].text
    told = [text.index(f"{rule} gives ") for rule in ("D0", "D11", "D1", "D9", "D2", "D3", "D1b", "D7", "D4", "D5", "D6a", "D6b", "D6c")]
    assert told == sorted(told)
    assert "D3 gives serial scan due. Sets aside D1b, D7 and what they set aside." in text


def test_every_recommendation_is_in_the_algorithm(pages: dict[str, Page], graph: Graph) -> None:
    linked = {unquote(href.partition("#")[2]) for href in pages["algorithm.html"].hrefs}
    advice = graph.instances(lc("Recommendation"), lc("RedFlag"))
    assert len(advice) >= 180
    assert {term.rpartition("/")[2] for term in advice} <= linked


def test_advice_against_an_act_never_reads_as_advice_for_it(pages: dict[str, Page], graph: Graph) -> None:
    text = pages["algorithm.html"].text
    advice = graph.subjects(lc("direction"), lc("_Direction_against"))
    assert len(advice) >= 8
    for term in advice:
        for act in (*graph.iris(term, lc("recommendsAction")), *graph.iris(term, lc("recommendsInvestigation"))):
            assert f"{graph.label(term)}, for {graph.label(act)}" not in text
            if not graph.nodes(term, lc("rowOf")):
                assert f"{graph.label(term)}, against {graph.label(act)}" in text


def test_every_sentence_query_and_disagreement_is_listed(pages: dict[str, Page], graph: Graph) -> None:
    for sentence in graph.instances(lc("Sentence")):
        assert f"{graph.label(sentence)}{graph.text(sentence, lc('statement'))}" in pages["sentences.html"].text
    ids = re.findall(r"^#\+ id: (\S+)", "\n".join(path.read_text(encoding="utf-8") for path in query_files(ROOT)), re.MULTILINE)
    assert len(ids) >= 40
    assert {f"query-{each}" for each in ids} <= set(pages["queries.html"].ids)
    for each in graph.instances(lc("Disagreement")):
        assert graph.text(each, lc("chosenBecause")) in pages["disagreements.html"].text


def test_changes_are_told_per_version(pages: dict[str, Page]) -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for heading in re.findall(r"^## (\S+)", text, re.MULTILINE):
        assert heading in pages["changes.html"].text


def test_same_bytes_whatever_the_hash_seed(texts: dict[str, bytes], tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from reasoner.authoring.site.build import write_site; write_site(Path(sys.argv[1]), Path(sys.argv[2]))"
    environment = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code, str(ROOT), str(tmp_path / "out")], env=environment, check=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == texts


# --- hostile and other knowledge ---------------------------------------------------------------------------------------

PREFIXES = """@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix lc: <https://w3id.org/legcramps/ontology/> .
@prefix lcg: <https://w3id.org/legcramps/guideline/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
"""
HOSTILE = (
    PREFIXES
    + r"""<https://w3id.org/legcramps/legcramps> a owl:Ontology .
lc:Condition a owl:Class .
lc:Case a owl:Class .
lc:Evil a owl:Class ; rdfs:subClassOf lc:Condition ; lc:inDifferential true ; dcterms:identifier "javascript:alert(1)" , "https://e.org/\"onclick=x" ;
  skos:prefLabel "<script>alert('x')</script> & \"quotes\" \u0000\u0007\u202e"@en , "b\u00f6se"@de ; skos:definition "</section></main>"@en ; skos:altLabel "../../etc" .
lc:Loop a owl:Class ; rdfs:subClassOf lc:Condition , lc:Pool . lc:Pool a owl:Class ; rdfs:subClassOf lc:Loop .
lc:Odd a owl:Class ; rdfs:subClassOf lc:Case ; owl:equivalentClass [ owl:oneOf ( lc:_x ) ] .
lcg:_R a lc:Recommendation ; lc:overrides lcg:_S ; lc:rowOf lcg:_D . lcg:_S a lc:Recommendation ; lc:overrides lcg:_R ; lc:rowOf lcg:_D .
lcg:_D a lc:Decision .
"""
)


def small(tmp_path: Path, text: str) -> Path:
    for name in ("ontology", "shapes", "queries"):
        (tmp_path / name).mkdir()
    (tmp_path / "ontology" / "legcramps.ttl").write_text(text, encoding="utf-8")
    return tmp_path


def test_hostile_knowledge_stays_text(tmp_path: Path) -> None:
    site = build_site(small(tmp_path, HOSTILE))
    assert all(re.fullmatch(r"[a-z0-9-]+\.html", name) for name in site)
    for name, text in site.items():
        page = Page(text.decode())
        assert not page.faults, name
        assert not {"script"} & {tag for tag, _ in page.tags}
        assert not [href for href in page.hrefs if not re.match(r"(https?://|[a-z0-9-]+\.html(#|$)|#)", href)], name
        assert not any(attribute.startswith("on") for _, each in page.tags for attribute in each)
    page = Page(site["condition-script-alert-x-script-quotes.html"].decode())
    assert "<script>alert('x')</script> & \"quotes\"" in page.text
    assert [each.get("lang") for each in page.all("span")] == ["de"]


def test_a_new_condition_and_a_translation_follow_without_python(tmp_path: Path) -> None:
    for name in ("ontology", "shapes", "queries"):
        shutil.copytree(ROOT / name, tmp_path / name)
    extension = f"""{PREFIXES}<https://w3id.org/legcramps/new-cramp> a owl:Ontology .
lc:NewCramp a owl:Class ; rdfs:subClassOf lc:Condition ; lc:inDifferential true ; skos:prefLabel "new cramp"@en , "neuer Krampf"@de ; skos:definition "A new one."@en .
lc:_Criterion_new_cramp a lc:DiagnosticCriterion ; lc:aboutCondition lc:NewCramp ; lc:aboutFinding lc:LegCramp ; lc:likelihoodRatioPositive 2.0 .
"""
    (tmp_path / "ontology" / "conditions" / "new-cramp.ttl").write_text(extension, encoding="utf-8")
    site = build_site(tmp_path)
    text = Page(site["condition-new-cramp.html"].decode()).text
    assert "leg cramp: present+3.02.0 (no interval on file)" in text
    assert "neuer Krampf" in text
    assert "condition-new-cramp.html#NewCramp" in Page(site["index.html"].decode()).hrefs
    assert "No list of changes" in Page(site["changes.html"].decode()).text


def test_what_cannot_be_described_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no ontology"):
        build_site(tmp_path)
    with pytest.raises(KnowledgeError, match="valid Turtle"):
        build_site(small(tmp_path, "lc:A a"))


def test_command_writes_into_a_new_folder_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "site"
    assert main(["--knowledge", str(ROOT), "docs", "--out", str(out)]) == 0
    assert "index.html" in capsys.readouterr().out
    assert [path.name for path in out.parent.iterdir()] == ["site"]
    before = sorted(path.name for path in out.iterdir())
    assert main(["--knowledge", str(ROOT), "docs", "--out", str(out)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir()) == before
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    with pytest.raises(UsageError, match="a file of that name is there"):
        write_site(ROOT, tmp_path / "file")
    with pytest.raises(UsageError, match="cannot be written"):
        write_site(ROOT, tmp_path / "file" / "below")


# --- building blocks ---------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_stays_text(content: str, attribute: str) -> None:
    text = html_document("t", "", "", element("p", content, title=attribute), "").decode()
    page = Page(text)
    assert not page.faults
    assert [tag for tag, _ in page.tags].count("p") == 1
    shown = next(page.all("p"))["title"] or ""
    assert len(shown.replace("\r\n", "\n")) == len(attribute.replace("\r\n", "\n"))


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("ab cdefgh-ü"), max_size=90), st.integers(40, 300), st.integers(1, 4))
def test_wrapped_text_fits(text: str, width: int, most: int) -> None:
    lines = wrapped(text, width, most)
    assert 1 <= len(lines) <= most
    assert all(len(line) <= max(width // 7, 4) for line in lines)
    if not any("…" in line for line in lines):
        assert " ".join(lines).split() == text.split()


def test_deprecated_terms_are_shown_as_such(tmp_path: Path) -> None:
    text = f"{PREFIXES}<https://w3id.org/legcramps/legcramps> a owl:Ontology .\nlc:Old a owl:Class ; owl:deprecated true ; dcterms:isReplacedBy lc:New . lc:New a owl:Class ."
    site = build_site(small(tmp_path, text))
    assert "term deprecated" in {each.get("class") for each in Page(site["vocabulary.html"].decode()).all("section")}
    assert "lc:Old" in Page(site["changes.html"].decode()).text
    assert OWL not in Page(site["changes.html"].decode()).text
