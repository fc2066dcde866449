"""Write proofs out: as an indented tree of text, as PROV-O in Turtle, and as a graph in DOT."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal

import pyoxigraph

from reasoner.errors import visible
from reasoner.explanation import Missing, View, sentence_id
from reasoner.namespaces import PREFIXES, PROV, RDF, RDFS, XSD
from reasoner.program.model import IndicatorState, Recommendation
from reasoner.proof_axioms import Axioms
from reasoner.proof_data import Account, Explained, Item, Premise, Proof, Statement, Step
from reasoner.terms import lc

__all__ = ["Words"]

_DCTERMS = PREFIXES["dcterms"]


class Words:
    """Words for the proofs of one case."""

    def __init__(self, axioms: Axioms, view: View) -> None:
        self.view = view
        self.program = view.program
        self.owners = axioms.recommendation_of
        self.verdicts = {
            name: each.iri for decision in self.program.decisions for each in decision.verdicts for name in (each.eligible, each.applicable)
        }

    def write(self, explained: Explained, form: str) -> str:
        """Return an explanation as `text`, `json`, `turtle` or `dot`."""
        if form == "json":
            return json.dumps(explained.to_json(), ensure_ascii=False, indent=1) + "\n"
        if form != "text":
            return (self.turtle if form == "turtle" else self.dot)(explained.proofs, explained.accounts)
        if not explained.proofs and not explained.accounts:
            return f"{explained.name}: no recommendation that is raised names it\n"
        text = "\n".join([*map(self.account, explained.accounts), *map(self.tree, explained.proofs)]) + "\n"
        if explained.bound is None:
            return text
        count, bound = len(explained.proofs), explained.bound
        return text + (f"all minimal reasons: {count}\n" if explained.complete else f"{count} minimal reasons, at most {bound} sought\n")

    # --- text ---------------------------------------------------------------------------------------------------------

    def tree(self, proof: Proof) -> str:
        """Return the proof as indented text: sources, records and sentences stand in brackets."""
        said = proof.conclusion
        lines = [self.heading(proof)]
        shown = {said.about}
        overriders = [step for step in proof.premises[1:] if not step.holds and step.statement[1] in self.owners]
        for step in proof.premises:
            if step not in overriders:
                lines += self._lines(step, 1, shown)
        refuted = [self.view.label(self.owners[step.statement[1]]) for step in overriders]
        if said.could_be:
            lines.append(f"  - still possible: {', '.join(map(self.view.label, said.could_be))}")
        if refuted:
            lines.append(f"  - ruled out: {', '.join(refuted)}")
        if said.presumes:
            lines.append(f"  - presumes none of: {', '.join(map(self.view.label, said.presumes))}")
        return "\n".join([*lines, *(f"  - {each}" for each in proof.said())])

    def account(self, account: Account) -> str:
        """Return an account as text: what each item adds stands before it, records, publications and sentences in brackets."""
        lines = [visible(account.text)]
        for item in account.items:
            behind = ", ".join((*item.records, *map(self._publication, item.cited)))
            lines.append(visible(f"  - {_signed(item)}{item.text}") + (f"  [{behind}]" if behind else ""))
        return "\n".join([*lines, *(f"  - unknown: {each.label}" for each in account.missing)])

    def _publication(self, iri: str) -> str:
        return self.program.labels.get(iri) or sentence_id(iri)

    def heading(self, proof: Proof) -> str:
        """Return the conclusion as one line."""
        said = proof.conclusion
        if said.kind == "recommendation":
            return self._recommendation(self.program.recommendation[said.about], f" ({said.standing})")
        if said.kind == "decision":
            return f"{self.view.label(said.standing)} ({said.certainty})"
        if said.kind == "condition":
            return f"{self.view.label(said.about)}: {said.standing}"
        if said.kind == "role":
            return f"{self.view.role_phrase(said.role, said.about)}: {said.standing}"
        return {"entailed": "", "refuted": "not: ", "open": "open: "}[said.standing] + self.view.label(said.about)

    def _recommendation(self, each: Recommendation, standing: str = "") -> str:
        cited = ", ".join(sentence_id(sentence) for sentence in each.sentences)
        sources = "; ".join(filter(None, (cited, ", ".join(self.view.label(source) for source in each.sources))))
        return f"{each.statement or self.view.label(each.iri)}{standing}" + (f"  [{sources}]" if sources else "")

    def _lines(self, step: Step, depth: int, shown: set[str]) -> list[str]:
        indent = "  " * depth + "- "
        if step.rule == "split":
            lines = [f"{indent}{self.statement(step.statement, step.holds)}, by cases"]
            for assumed, end in zip(step.assumes, step.premises, strict=True):
                lines.append(f"  {indent}if {self.statement(assumed.statement, assumed.holds)}")
                lines += self._lines(end, depth + 2, shown)
            return lines
        if step.rule not in ("all", "one"):
            return [f"{indent}{self._atom(step)}"]
        name = step.statement[1]
        owner = self.owners.get(name)
        if step.statement[0] == "part" or (step.holds and (owner in shown or name in self.verdicts or name in shown)):
            return [line for each in step.premises for line in self._lines(each, depth, shown)]
        text = (
            self._recommendation(self.program.recommendation[owner]) if owner and step.holds else self.statement(step.statement, step.holds)
        )
        below = [line for each in step.premises for line in self._lines(each, depth + 1, shown | ({owner} if owner else set()))]
        return [f"{indent}{text}", *dict.fromkeys(below)]

    def _atom(self, step: Step) -> str:
        found = step
        while found.premise is None and found.premises:
            found = found.premises[0]
        if found.premise is None:
            return f"{'assumed' if found.rule == 'assume' else 'in every case'}: {self.statement(step.statement, step.holds)}"
        text = self.premise(found.premise)
        if step.statement[0] == "some" and step.statement != found.statement:
            text = f"{self.statement(step.statement, step.holds)} ({self.premise(found.premise)})"
        records = ", ".join(found.premise.records)
        return f"{text}  [{records}]" if records else text

    def premise(self, premise: Premise) -> str:
        """Return what a record states, in words."""
        state = self.view.state.indicators.get(premise.statement[1])
        if premise.kind == "value" and state is not None:
            return self.view.value_text(state)
        said = self.statement(premise.statement, premise.holds)
        return f"{said} (one reading of records that contradict each other or are not confirmed)" if premise.kind == "reading" else said

    def statement(self, statement: Statement, holds: bool) -> str:
        """Return a statement, or its denial, in words."""
        if statement[0] == "some":
            return f"{self.view.role_phrase(statement[1], statement[2])}: {'present' if holds else 'absent'}"
        if statement[0] == "band":
            _, indicator, low, low_open, high, high_open = statement
            start = None if low is None else (Decimal(low), int(low_open))
            end = None if high is None else (Decimal(high), int(not high_open))
            exact = start is not None and end is not None and start[0] == end[0]
            if start is None and end is None:
                return f"{'' if holds else 'not: '}{self.view.label(indicator)}: has a value"
            text = self.view.value_text(IndicatorState(indicator, "known" if exact else "bounded", start, end))
            return text if holds else f"not: {text}"
        owner = self.owners.get(statement[1]) or self.verdicts.get(statement[1]) or statement[1]
        part = f", part {statement[2]}" if statement[0] == "part" else ""
        return f"{'' if holds else 'not: '}{self.view.label(owner)}{part}"

    # --- graphs -------------------------------------------------------------------------------------------------------

    def turtle(self, proofs: Iterable[Proof], accounts: Iterable[Account] = ()) -> str:
        """Return proofs and accounts in PROV-O: each step is derived from others, by an activity that used axioms and sentences."""
        text = pyoxigraph.serialize(self.quads(proofs, accounts), format=pyoxigraph.RdfFormat.TURTLE, prefixes=PREFIXES)
        return (text or b"").decode()

    def quads(self, proofs: Iterable[Proof], accounts: Iterable[Account] = ()) -> list[pyoxigraph.Quad]:
        """Return what `turtle` writes, each statement once, sorted."""
        found = {quad for proof in proofs for quad in self._quads(proof)}
        return sorted(found | {quad for account in accounts for quad in self._accounted(account)}, key=str)

    def _quads(self, proof: Proof) -> Iterable[pyoxigraph.Quad]:
        root, said = _root("proof", proof), proof.conclusion
        steps = {step: f"{root}:step:{place}" for place, step in enumerate(proof.steps())}
        yield from _entity(root, self.heading(proof))
        yield _triple(root, _DCTERMS + "subject", _term(said.about))
        yield _triple(root, RDF + "value", pyoxigraph.Literal(said.standing))
        yield _triple(root, PROV + "wasAttributedTo", _term(proof.case))
        if said.role:
            yield _triple(root, lc("underRole"), _term(said.role))
        for step in proof.premises:
            yield _triple(root, PROV + "wasDerivedFrom", _term(steps[step]))
        for kind, iri, digest in proof.cited:
            yield _triple(root, PROV + ("hadPrimarySource" if kind == "sentence" else "wasInfluencedBy"), _term(iri))
            yield _triple(iri, _DCTERMS + "identifier", pyoxigraph.Literal(f"sha256:{digest}"))
        for iri in said.presumes:
            yield _triple(root, _DCTERMS + "requires", _term(iri))
        yield from self._undecided(root, proof)
        for step, name in steps.items():
            yield from self._stepped(step, name, steps)

    def _undecided(self, root: str, proof: Proof) -> Iterable[pyoxigraph.Quad]:
        """Yield what a conclusion leaves open: unknowns, advice that is still possible, and other remarks."""
        said = proof.conclusion
        advice = self.program.recommendation.get(said.about)
        yield from _open_points(root, proof.missing, advice.eligible if advice else said.about if said.kind == "class" else "")
        for place, iri in enumerate(said.could_be):
            name = f"{root}:possible:{place}"
            yield from _entity(name, f"still possible: {self.view.label(iri)}")
            yield _triple(name, _DCTERMS + "subject", _term(iri))
            yield _triple(name, RDF + "value", pyoxigraph.Literal("possible"))
            yield _triple(root, _DCTERMS + "relation", _term(name))
        for remark in proof.remarks:
            yield _triple(root, RDFS + "comment", pyoxigraph.Literal(remark, language="en"))

    def _stepped(self, step: Step, name: str, steps: Mapping[Step, str]) -> Iterable[pyoxigraph.Quad]:
        by = f"{name}:by"
        yield from _entity(name, self._label(step))
        yield _triple(name, PROV + "wasGeneratedBy", _term(by))
        yield _triple(by, RDF + "type", _term(PROV + "Activity"))
        yield _triple(by, RDFS + "label", pyoxigraph.Literal(step.rule, language="en"))
        if step.statement[0] in ("class", "part"):
            yield _triple(by, PROV + "used", _term(step.statement[1]))
        for each in (*step.premises, *step.assumes):
            yield _triple(name, PROV + "wasDerivedFrom", _term(steps[each]))
        for record in step.premise.records if step.premise else ():
            yield _triple(name, PROV + "hadPrimarySource", _term(record))

    def _accounted(self, account: Account) -> Iterable[pyoxigraph.Quad]:
        root = _root("account", account)
        yield from _entity(root, account.text)
        yield _triple(root, PROV + "wasAttributedTo", _term(account.case))
        if account.about in self.program.labels:
            yield _triple(root, _DCTERMS + "subject", _term(account.about))
        yield from _open_points(root, account.missing, "")
        for place, item in enumerate(account.items):
            name = f"{root}:item:{place}"
            yield from _entity(name, item.text)
            yield _triple(root, PROV + "wasDerivedFrom", _term(name))
            if item.term:
                yield _triple(name, _DCTERMS + "subject", _term(item.term))
            if item.weight is not None:
                weight = pyoxigraph.Literal(f"{item.weight:f}", datatype=pyoxigraph.NamedNode(XSD + "decimal"))
                yield _triple(name, RDF + "value", weight)
            for source in (*item.records, *item.cited):
                yield _triple(name, PROV + "hadPrimarySource", _term(source))

    def _label(self, step: Step) -> str:
        return self.premise(step.premise) if step.premise else self.statement(step.statement, step.holds)

    def dot(self, proofs: Iterable[Proof], accounts: Iterable[Account] = ()) -> str:
        """Return proofs and accounts as one graph in DOT, arrows running from what is given to what is concluded."""
        lines = ["digraph proof {", "  rankdir=BT;", '  node [shape=box, fontname="sans-serif"];']
        for number, proof in enumerate(proofs):
            lines += self._drawn(f"p{number}", proof)
        for number, account in enumerate(accounts):
            own = f"a{number}"
            lines.append(f"  {own} [label={_quoted(account.text)}, style=bold];")
            lines += _beside(own, "i", [f"{_signed(item)}{item.text}" for item in account.items], "style=filled, fillcolor=lightgrey")
            lines += _beside(own, "u", [f"unknown: {each.label}" for each in account.missing], "style=dotted")
        return "\n".join([*lines, "}", ""])

    def _drawn(self, own: str, proof: Proof) -> Iterable[str]:
        name = {step: f"{own}s{place}" for place, step in enumerate(proof.steps())}
        yield f"  {own} [label={_quoted(self.heading(proof))}, style=bold];"
        for step, node in name.items():
            shape = ", style=filled, fillcolor=lightgrey" if step.rule == "fact" else ", style=dashed" if step.rule == "assume" else ""
            yield f"  {node} [label={_quoted(self._label(step))}{shape}];"
            yield from (f"  {name[each]} -> {node} [label={_quoted(step.rule)}];" for each in step.premises)
        yield from (f"  {name[step]} -> {own};" for step in proof.premises)
        sentences = [f"sentence {sentence_id(iri)}" for kind, iri, _ in proof.cited if kind == "sentence"]
        yield from _beside(own, "c", sentences, "shape=note", "style=dotted")
        said = proof.conclusion
        yield from _beside(own, "n", [f"presumed not: {self.view.label(iri)}" for iri in said.presumes], "style=dashed", "style=dashed")
        open_ones = [f"still possible: {self.view.label(iri)}" for iri in said.could_be]
        yield from _beside(own, "u", [*open_ones, *proof.said()], "style=dotted", "style=dotted")


def _beside(own: str, letter: str, texts: Iterable[str], style: str, edge: str = "") -> Iterable[str]:
    """Yield a node for each text, and an arrow from it to the node `own`."""
    for place, text in enumerate(texts):
        yield f"  {own}{letter}{place} [label={_quoted(text)}, {style}];"
        yield f"  {own}{letter}{place} -> {own}{f' [{edge}]' if edge else ''};"


def _signed(item: Item) -> str:
    return "" if item.weight is None else f"{item.weight:+} "


def _root(kind: str, found: Proof | Account) -> str:
    """Return a name that the same proof or account always gets, and no other."""
    text = json.dumps(found.to_json(), sort_keys=True).encode()
    return f"urn:legcramps:{kind}:{hashlib.sha256(text).hexdigest()[:32]}"


def _open_points(root: str, missing: Iterable[Missing], kept: str) -> Iterable[pyoxigraph.Quad]:
    """Yield what is unknown as open points that a conclusion requires, with the class that each keeps open, if it is one."""
    for place, each in enumerate(missing):
        name = f"{root}:open:{place}"
        yield from _entity(name, f"unknown: {each.label}")
        yield _triple(root, _DCTERMS + "requires", _term(name))
        yield _triple(name, RDF + "type", _term(lc("OpenPoint")))
        yield _triple(name, lc("asksFor"), _term(each.term))
        if kept:
            yield _triple(name, lc("keepsOpen"), _term(kept))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _term(name: str) -> pyoxigraph.NamedNode | pyoxigraph.BlankNode:
    return pyoxigraph.BlankNode(name[2:]) if name.startswith("_:") else pyoxigraph.NamedNode(name)


def _triple(subject: str, predicate: str, node: pyoxigraph.NamedNode | pyoxigraph.BlankNode | pyoxigraph.Literal) -> pyoxigraph.Quad:
    return pyoxigraph.Quad(_term(subject), pyoxigraph.NamedNode(predicate), node)


def _entity(name: str, label: str) -> Iterable[pyoxigraph.Quad]:
    yield _triple(name, RDF + "type", _term(PROV + "Entity"))
    yield _triple(name, RDFS + "label", pyoxigraph.Literal(label, language="en"))
