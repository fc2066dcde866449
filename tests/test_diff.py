"""`legcramps diff`: every kind of change is told apart, moved patients are named with the term that moved them, versions follow rules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from knowledge_copies import ROOT, copy_knowledge, keep_program, put

from reasoner.authoring.cohort_changes import compare_cohort, statements_of
from reasoner.authoring.diff import Difference, compare_versions
from reasoner.authoring.diff_formats import write_difference
from reasoner.authoring.patients import PatientChanges, Source, compare_patients
from reasoner.authoring.term_changes import compare_terms
from reasoner.authoring.versions import Version, open_version
from reasoner.cli import main
from reasoner.errors import LegcrampsError, UsageError
from reasoner.moments import Moment
from reasoner.namespaces import expand
from reasoner.program import Program

NOW = Moment(0, 0, "1970-01-01T00:00:00Z")
CONDITION = "ontology/conditions/vitamin-d-deficiency.ttl"
FERRITIN = "ontology/investigations.ttl"
REPEAT = "ontology/guidelines/legcramps-repeat-dvt-imaging-2026.ttl"
SOURCE = "ontology/guidelines/droracle-bilateral-leg-cramps-2026.ttl"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, knowledge: Program) -> Iterator[None]:
    """Keep compiled programs for this module only, beginning with the shipped one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(keep_program(tmp_path_factory.mktemp("cache"), knowledge)))
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_knowledge(tmp_path_factory.mktemp("base"), ["boundaries"])


@pytest.fixture
def copy(tmp_path: Path, base: Path) -> Path:
    shutil.copytree(base, tmp_path / "copy")
    return tmp_path / "copy"


def compared(base: Path, copy: Path) -> Difference:
    return compare_versions(Version("old", base), Version("new", copy), NOW)


def test_nothing_differs_from_itself(base: Path, copy: Path) -> None:
    found = compared(base, copy)
    assert found.release.level == "none"
    assert found.release.reasons == ()
    assert found.patients.moved == 0
    assert found.patients.patients >= 100
    assert not found.patients.failures
    assert not found.terms.touched


def test_a_label_is_a_patch(base: Path, copy: Path) -> None:
    put(copy / CONDITION, 'skos:prefLabel "vitamin D deficiency"@en', 'skos:prefLabel "lack of vitamin D"@en')
    found = compared(base, copy)
    assert found.release.level == "patch"
    assert found.release.least == "0.1.1"
    assert [each.term for each in found.terms.reworded] == [expand("lc:VitaminDDeficiency")]
    assert found.terms.reworded[0].text[0].after == ('"lack of vitamin D"@en',)
    assert found.patients.moved == 0


def test_a_threshold_is_major_and_names_the_patients_on_it(base: Path, copy: Path) -> None:
    """The band of the index reaches up to 0.90; half a hundredth less, and exactly the patient on 0.90 leaves it."""
    path = copy / FERRITIN
    put(path, "xsd:maxInclusive 0.90", "xsd:maxExclusive 0.90")
    found = compared(base, copy)
    assert found.release.level == "major"
    assert found.release.least == "1.0.0"
    assert [each.term for each in found.terms.changed] == [expand("lc:AbnormalAnkleBrachialIndex")]
    assert not found.terms.reworded
    assert "boundaries/ankle-brachial-index-0-90" in {name for group in found.patients.groups.values() for name in group.names}
    assert {"boundaries/ankle-brachial-index-0-89", "boundaries/ankle-brachial-index-0-91"}.isdisjoint(
        name for group in found.patients.groups.values() for name in group.names
    )
    assert all(expand("lc:AbnormalAnkleBrachialIndex") in causes for causes in found.patients.groups)
    statuses = {(name, one, other) for name, one, other in found.patients.statuses}
    assert (expand("lc:AbnormalAnkleBrachialIndex"), "entailed", "refuted") in statuses


def test_what_lies_within_what_is_decided_over_all_cases(base: Path, copy: Path) -> None:
    """A normal index begins at 1.00. When the abnormal one reaches up to 1.20, the borderline band, 0.91 to 0.99, lies within it."""
    put(copy / FERRITIN, "xsd:maxInclusive 0.90", "xsd:maxInclusive 1.20")
    terms = compare_terms(Version("old", base), Version("new", copy))
    abnormal, borderline, severe = (expand(f"lc:{name}AnkleBrachialIndex") for name in ("Abnormal", "Borderline", "Severe"))
    assert (borderline, abnormal) in terms.gained
    assert (severe, abnormal) not in {*terms.gained, *terms.lost}, "below 0.40 was within before and is after"
    assert not terms.unjudged


def test_a_lost_override_is_a_breach_of_safety(base: Path, copy: Path) -> None:
    text = (copy / REPEAT).read_text(encoding="utf-8")
    block = text.index("lcg:_Recommendation_repeat_dvt_d3\n")
    start = text.index("    lc:overrides", block)
    end = text.index(" ;\n", start) + 3
    (copy / REPEAT).write_text(text[:start] + text[end:], encoding="utf-8")
    found = compared(base, copy)
    assert {each.code for each in found.safety.gained} == {"LC-2082"}
    assert not found.clean
    assert found.release.level == "major"
    back = compared(copy, base)
    assert [each.what for each in back.safety.mended] == [each.what for each in found.safety.gained]
    assert back.clean


def test_a_deprecation_is_minor_and_a_removal_is_major(base: Path, copy: Path) -> None:
    path = copy / "ontology/findings.ttl"
    put(path, "lc:HypertensionHistory\n    a owl:Class ;", "lc:HypertensionHistory\n    a owl:Class ;\n    owl:deprecated true ;")
    found = compared(base, copy)
    assert found.release.level == "minor"
    assert found.terms.deprecated == ((expand("lc:HypertensionHistory"), found.terms.deprecated[0][1]),)
    text = path.read_text(encoding="utf-8")
    start = text.index("lc:HypertensionHistory\n")
    path.write_text(text[:start] + text[text.index("\n.\n", start) + 3 :], encoding="utf-8")
    found = compared(base, copy)
    assert found.release.level == "major"
    assert [term for term, _ in found.terms.removed] == [expand("lc:HypertensionHistory")]


def test_order_of_statements_and_parts_is_no_change(base: Path, copy: Path) -> None:
    path = copy / SOURCE
    lines = path.read_text(encoding="utf-8").split("\n\n")
    path.write_text("\n\n".join([lines[0], lines[1], *reversed(lines[2:])]), encoding="utf-8")
    found = compared(base, copy)
    assert found.release.level == "none"


# --- what a name may be -----------------------------------------------------------------------------------------------


@pytest.fixture
def repository(copy: Path) -> Path:
    """Return a git repository of two commits; the second moves a label."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(copy), *identity, *arguments], check=True, capture_output=True, env=environment)

    git("init", "--initial-branch=main")
    git("add", ".")
    git("commit", "-m", "One")
    git("tag", "v1")
    put(copy / CONDITION, 'skos:prefLabel "vitamin D deficiency"@en', 'skos:prefLabel "lack of vitamin D"@en')
    git("commit", "-am", "Two")
    return copy


def test_revisions_are_compared(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--knowledge", str(repository), "diff", "v1", "HEAD", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["old"], found["new"], found["release"]["level"]) == ("v1", "HEAD", "patch")
    assert found["patients"]["total"] >= 100
    put(repository / CONDITION, "lack of vitamin D", "want of vitamin D")
    assert main(["--knowledge", str(repository), "diff", "HEAD", "--format", "markdown"]) == 0
    assert "want of vitamin D" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["--output=/tmp/x", "-h", "HEAD;id", "HEAD..v1", "$(id)", "a b", "v1\n", "no-such-revision", "", "HEAD:ontology", "\u202ev1"]
)
def test_odd_names_are_refused(name: str, repository: Path) -> None:
    with pytest.raises(UsageError) as refused, open_version(name, repository):
        raise AssertionError("opened")
    assert refused.value.exit_code == 2
    assert refused.value.repair


def test_a_folder_without_knowledge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LegcrampsError, match="holds no knowledge"), open_version(str(tmp_path), tmp_path):
        raise AssertionError("opened")


def test_a_version_that_does_not_compile_is_named(base: Path, copy: Path) -> None:
    put(copy / CONDITION, "owl:someValuesFrom", "owl:allValuesFrom")
    with pytest.raises(LegcrampsError, match="The version new does not compile"):
        compared(base, copy)


# --- cohorts and output -----------------------------------------------------------------------------------------------


def test_unreadable_patients_are_said(base: Path, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cohort = tmp_path / "cohort"
    (cohort / "a").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "examples" / "patient.ttl", cohort / "a")
    (cohort / "broken.ttl").write_text("<a> <b> ", encoding="utf-8")
    assert main(["--knowledge", str(copy), "diff", str(base), str(copy), "--cohort", str(cohort)]) == 3
    captured = capsys.readouterr()
    assert "broken.ttl" in captured.err
    assert "Not answered (1)" in captured.out
    assert main(["diff", str(base), str(copy), "--cohort", str(tmp_path / "nowhere")]) == 2


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory, knowledge: Program) -> Path:
    """Return a folder with a synthetic cohort in N-Triples."""
    pytest.importorskip("pyarrow")
    from datetime import UTC, datetime

    from reasoner.cohort.synthetic.generate import generate
    from reasoner.cohort.synthetic.settings import read_settings

    path = tmp_path_factory.mktemp("cohort") / "cohort.nt"
    last = datetime(2026, 11, 20, tzinfo=UTC)
    generate(knowledge, read_settings(ROOT), path, count=400, seed=7, output_format="ntriples", last=last)
    return path


def test_columns_and_single_cases_find_the_same_moves(base: Path, copy: Path, cohort: Path) -> None:
    """Lower the limit of the index, so that several patients of a small cohort cross it."""
    put(copy / FERRITIN, "xsd:maxInclusive 0.90", "xsd:maxInclusive 0.50")
    old, new = Version("old", base), Version("new", copy)
    touched = compare_terms(old, new).touched
    together = PatientChanges()
    compare_cohort(old, new, [Source("cohort.nt", cohort)], NOW, touched, together)
    alone = compare_patients(old, new, [Source("cohort.nt", cohort)], NOW, touched)
    assert together.patients == alone.patients == 400
    assert together.moved >= 3
    kinds = ("decision", "red flag", "condition")
    found = [
        Counter({move: count for group in each.groups.values() for move, count in group.moves.items() if move.kind in kinds})
        for each in (together, alone)
    ]
    assert found[0] == found[1]
    assert set(together.groups) == {(expand("lc:AbnormalAnkleBrachialIndex"),)}, [
        (g.causes, g.names, list(g.moves)) for g in together.groups.values()
    ]
    assert all(group.examples for group in together.groups.values())


def test_patients_are_found_in_row_groups_with_words_of_their_own(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow as pa
    from pyarrow import parquet

    from reasoner.cohort.long_table import arrow_schema

    schema, path = arrow_schema(), tmp_path / "c.parquet"
    with parquet.ParquetWriter(path, schema) as writer:
        for number in range(3):
            row = dict.fromkeys(schema.names) | {"case": f"https://e.org/{number}", "subject": f"https://e.org/s{number}"}
            writer.write_table(pa.Table.from_pylist([row], schema=schema))
    text = statements_of(path, {"https://e.org/0", "https://e.org/2"}).decode()
    assert "https://e.org/s0" in text
    assert "https://e.org/s2" in text
    assert "https://e.org/1" not in text


def test_text_of_the_knowledge_cannot_break_the_markdown(base: Path, copy: Path) -> None:
    put(copy / CONDITION, 'skos:prefLabel "vitamin D deficiency"@en', 'skos:prefLabel "<script>|`x`[y](z) @someone ~~w~~"@en')
    text = write_difference(compared(base, copy), "markdown")
    outside = "".join(text.split("```")[::2])
    assert "<script>" not in outside
    assert "\\[y\\](z)" in outside
    assert "@" not in outside, "nobody is called by what a text says"
    assert "~~" not in outside
