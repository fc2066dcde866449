"""Begin a condition, finding, test, drug or recommendation: refuse what cannot be, and write the files that it needs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reasoner.authoring.format import format_turtle
from reasoner.authoring.modules import module_imports, reached_modules
from reasoner.authoring.outlines import (
    FILL_IN,
    Outline,
    condition_blocks,
    kebab,
    module_header,
    plain_block,
    recommendation_block,
    test_blocks,
)
from reasoner.authoring.registration import register_modules
from reasoner.authoring.vocabulary import declared_terms, near_matches
from reasoner.authoring.workspace import TurtleFile, Workspace, read_workspace
from reasoner.errors import KnowledgeError, UsageError, visible
from reasoner.files import write_file
from reasoner.namespaces import BASE, LC, LCG, RDFS, curie, expand, turtle_head
from reasoner.terms import lc

__all__ = ["begin"]

_KINDS: Mapping[str, tuple[str, str]] = {
    "condition": ("Condition", ""),
    "finding": ("Finding", "findings.ttl"),
    "test": ("Investigation", "investigations.ttl"),
    "drug": ("Drug", "medications.ttl"),
    "recommendation": ("", ""),
}
"""The kinds of terms with the class above them, and the file below ontology/ that holds them all."""

_CLASS = re.compile(r"[A-Z][A-Za-z0-9]{1,79}")
_INDIVIDUAL = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_USUAL = ("condition-groups", "evidence", "findings", "investigations")
"""What the module of a condition imports."""


def begin(folder: Path, outline: Outline) -> tuple[Path, ...]:
    """Write the Turtle of a new term, and the vignette of a new condition; return the files written or changed.

    Raises UsageError for a name that is taken or of another form, and for terms that do not exist or are of another kind.
    """
    workspace = read_workspace(folder)
    if workspace.broken:
        where, why = workspace.broken[0]
        raise KnowledgeError("The knowledge cannot be added to", where=where, why=why, repair="mend the file first")
    outline = _completed(workspace, outline)
    texts = _condition(workspace, outline) if outline.kind == "condition" else _added(workspace, outline)
    if outline.kind == "condition":
        register_modules(folder, write=False)  # a catalogue that cannot take the module is refused before anything is written
    for path, text in texts.items():
        write_file(path, text.encode())
    listed = register_modules(folder) if outline.kind == "condition" else ()
    return (*texts, *listed)


# --- what cannot be ---------------------------------------------------------------------------------------------------


def _completed(workspace: Workspace, outline: Outline) -> Outline:
    """Return the outline with its terms as IRIs, and with what follows from them."""
    form, example = (_INDIVIDUAL, "lower_snake") if outline.kind == "recommendation" else (_CLASS, "UpperCamelCase")
    if not form.fullmatch(outline.name):
        raise UsageError(f"“{visible(outline.name)}” is no name of a {outline.kind}", repair=f"write letters and digits in {example}")
    _free(workspace, outline)
    source = _term(workspace, outline.source, "--source", "Citation")
    if outline.kind == "recommendation":
        return _completed_recommendation(workspace, replace(outline, source=source))
    parent = _below(workspace, outline.parent, "--parent", _KINDS[outline.kind][0])
    finding = _below(workspace, outline.finding, "--finding", "Finding") if outline.finding else ""
    return replace(
        outline,
        source=source,
        parent=parent,
        parent_label=workspace.graph.label(parent),
        finding=finding,
        finding_label=workspace.graph.label(finding) if finding else "",
        pertinence=_value(workspace, outline.pertinence, "--pertinence", "Pertinence"),
    )


def _completed_recommendation(workspace: Workspace, outline: Outline) -> Outline:
    graph = workspace.graph
    if bool(outline.test) == bool(outline.action):
        raise UsageError("A recommendation is about one act", repair="name a test by --test or an action by --action")
    guideline = _term(workspace, outline.guideline, "--guideline", "Guideline", needed=True)
    test = _below(workspace, outline.test, "--test", "Investigation") if outline.test else ""
    on_record = [band for each in graph.subjects(lc("tellsRecordOf"), test) for band in graph.subjects(lc("bandOf"), each)] if test else []
    stated = [_below(workspace, each, "--exclusion", "Case") for each in outline.exclusions]
    orders = [int(graph.text(each, lc("presentationOrder"), "0")) for each in graph.subjects(lc("isPartOfGuideline"), guideline)]
    return replace(
        outline,
        guideline=guideline,
        inclusion=_below(workspace, outline.inclusion, "--inclusion", "Case"),
        exclusions=tuple(dict.fromkeys((*stated, *on_record))),
        test=test,
        action=_term(workspace, outline.action, "--action", "Action"),
        urgency=_value(workspace, outline.urgency, "--urgency", "Urgency"),
        step=_value(workspace, outline.step, "--step", "Step"),
        order=1 + max(orders, default=0),
    )


def _free(workspace: Workspace, outline: Outline) -> None:
    """Raise UsageError when a name that the new term needs is taken, whatever the case of its letters."""
    stem = f"{LCG}_Recommendation_{outline.name}" if outline.kind == "recommendation" else LC + outline.name
    needed = {stem}
    if outline.kind == "condition":
        needed |= {f"{stem}Confirmed"}
    if outline.kind == "test":
        needed |= {f"{stem}OnRecord"}
    taken = {term.lower(): term for term in declared_terms(workspace)}
    for name in sorted(needed):
        if name.lower() in taken:
            term = taken[name.lower()]
            raise UsageError(f"{curie(term)} exists already", where=workspace.place(term), repair="change that one, or choose another name")


def _term(workspace: Workspace, name: str, option: str, kind: str, *, needed: bool = False) -> str:
    """Return the IRI of an individual of a kind; nothing for nothing, unless it is needed."""
    if not name and not needed:
        return ""
    known = workspace.graph.instances(lc(kind))
    term = expand(name)
    if term not in known:
        near = near_matches(term, known) or [curie(each) for each in known[:3]]
        raise UsageError(f"{option} names no {kind}", why=visible(name) or "it is not given", repair=f"name one such as {', '.join(near)}")
    return term


def _value(workspace: Workspace, word: str, option: str, kind: str) -> str:
    """Return the value of a list that a word such as `strongly-positive` means."""
    if not word:
        return ""
    known = {each.rpartition(f"_{kind}_")[2].replace("_", "-"): each for each in workspace.graph.instances(lc(kind))}
    if word not in known:
        raise UsageError(f"{option} does not know “{visible(word)}”", repair=f"use one of {', '.join(sorted(known))}")
    return known[word]


def _below(workspace: Workspace, name: str, option: str, sort: str) -> str:
    """Return the IRI of a class at or below a sort."""
    graph, term = workspace.graph, expand(name)
    below = graph.below(lc(sort), RDFS + "subClassOf")
    if term not in below or term not in graph.out:
        kinds = sorted(graph.subjects(RDFS + "subClassOf", lc(sort)))
        near = near_matches(term, below - {lc(sort)}) or [curie(each) for each in kinds[:4]]
        raise UsageError(f"{option} names no {sort}", why=visible(name) or "it is not given", repair=f"name one such as {', '.join(near)}")
    return term


# --- what is written --------------------------------------------------------------------------------------------------


def _added(workspace: Workspace, outline: Outline) -> dict[Path, str]:
    """Return the file of a kind with the new block at its end."""
    if outline.kind == "recommendation":
        file, block = workspace.homes[outline.guideline], recommendation_block(outline)
    else:
        name = f"ontology/{_KINDS[outline.kind][1]}"
        found = [each for each in workspace.ontology if each.name == name]
        if not found:
            raise KnowledgeError(f"There is no file for a {outline.kind}", where=name, repair="restore it")
        file, block = found[0], (test_blocks if outline.kind == "test" else plain_block)(outline)
    text = turtle_head() + file.text.rstrip("\n") + "\n\n" + block
    return {file.path: format_turtle(text + _imports(workspace, file.module, outline, file), file.name)}


def _condition(workspace: Workspace, outline: Outline) -> dict[Path, str]:
    """Return the module of a condition and its vignette."""
    stem = kebab(outline.name)
    path = workspace.folder / "ontology" / "conditions" / f"{stem}.ttl"
    vignette = workspace.folder / "tests" / "cases" / "conditions" / f"{stem}-typical"
    for each in (path, vignette):
        if each.exists():
            raise UsageError("The file exists already", where=str(each), repair="choose another name")
    module = BASE + stem
    header = module_header(module, f"Legcramps {outline.title}", f"The condition {outline.title}, its case classes and its criteria.")
    text = f"{turtle_head()}\n{header}\n{condition_blocks(outline)}\n{_imports(workspace, module, outline)}"
    case = f"https://example.org/legcramps/{vignette.name}"
    expected = {
        "about": f"{FILL_IN} why the condition is expected as it is here, from its source.",
        "case": case,
        "differential": [{"condition": f"lc:{outline.name}"}],
    }
    return {
        path: format_turtle(text, path.name),
        vignette / "record.ttl": _record(case, outline),
        vignette / "expected.json": json.dumps(expected, ensure_ascii=False, indent=2) + "\n",
    }


def _record(case: str, outline: Outline) -> str:
    """Return the record of a typical case."""
    asked = f"# {FILL_IN} what else is recorded of a typical case: age, findings, tests.\n"
    if not outline.finding:
        asked += "# Such as, with lc:hasRecord ex:finding in the case:\n"
        asked += "# ex:finding a lc:FindingRecord ; lc:ofFinding lc:… ; lc:presence lc:_Presence_present .\n"
    record = f"<{case}/finding> a lc:FindingRecord ; lc:ofFinding {curie(outline.finding)} ; lc:presence lc:_Presence_present .\n"
    dated = f'; lc:asOf "{outline.as_of}"^^xsd:dateTime ' if outline.as_of else ""
    known = f"; lc:hasRecord <{case}/finding> ." if outline.finding else "."
    text = f"{asked}<{case}> a lc:Case {dated}{known}\n"
    return format_turtle(f"{turtle_head()}@prefix ex: <{case}/> .\n\n{text}\n{record if outline.finding else ''}", "record.ttl")


def _imports(workspace: Workspace, module: str, outline: Outline, file: TurtleFile | None = None) -> str:
    """Return the imports that a module needs for the terms of the outline and does not reach yet."""
    named = (outline.parent, outline.finding, outline.inclusion, *outline.exclusions, outline.test, outline.action)
    used = [term for term in (*named, outline.pertinence, outline.urgency, outline.step, lc("verification"), lc("Case")) if term]
    modules = {workspace.homes[term].module for term in used} - {module}
    imports = {each.module: module_imports(each) for each in workspace.ontology if each.module}
    reached = reached_modules(imports, module)
    if file is None:
        usual = {BASE + name for name in _USUAL if BASE + name in imports}
        reached = set().union(*(reached_modules(imports, each) for each in usual))
        return "".join(f"<{module}> owl:imports <{each}> .\n" for each in sorted(usual | (modules - reached)))
    return "".join(f"<{module}> owl:imports <{each}> .\n" for each in sorted(modules - reached))
