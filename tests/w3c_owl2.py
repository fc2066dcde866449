"""Read W3C OWL 2 test cases as the case profile would have to: object properties as roles, classes as findings or case classes.

A class without a definition becomes a finding, and "is a member" the role `lc:hasFinding` to it; a defined class becomes a
case class, an individual a case. What has no place in that reading is handed on as it stands, so that the compiler must
refuse it. Questions are classes of their own: a premise is inconsistent when no case can be what an individual is said to
be, a conclusion follows when no case can deny it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyoxigraph
from case_states import masks

from reasoner.abstraction.state import Fact
from reasoner.entailment import REFUTED, Statuses
from reasoner.errors import KnowledgeError, ProfileError
from reasoner.knowledge import read_graph
from reasoner.namespaces import OWL, RDF, RDFS
from reasoner.program.compile import compile_graph
from reasoner.terms import Role, lc

TEST = "http://www.w3.org/2007/OWL/testOntology#"
TYPE, BELOW, EQUIVALENT = RDF + "type", RDFS + "subClassOf", OWL + "equivalentClass"
THING = OWL + "Thing"
ROLES = (Role.NEW_FINDING, Role.RECENT_FINDING)
SILENT = {RDFS + "comment", RDFS + "label", RDFS + "seeAlso", RDFS + "isDefinedBy"}
DECLARED = {OWL + name for name in ("Class", "NamedIndividual", "ObjectProperty", "Ontology", "Restriction", "Thing")} | {
    RDF + "List",
    RDFS + "Class",
    RDF + "Property",
}
HEADER = f"""
<{lc("Case")}> a <{OWL}Class> ; <{OWL}disjointWith> <{lc("Finding")}> .
<{lc("Finding")}> a <{OWL}Class> .
<{Role.FINDING}> a <{OWL}ObjectProperty> ; <{RDFS}domain> <{lc("Case")}> ; <{RDFS}range> <{lc("Finding")}> .
"""
Term = pyoxigraph.NamedNode | pyoxigraph.BlankNode | pyoxigraph.Literal
Triple = tuple[Term, str, Term]


@dataclass
class TestCase:
    """A test case: its name, what is asked of it, and its documents."""

    name: str
    kinds: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)


def read_cases(path: Path) -> list[TestCase]:
    """Return the test cases of the W3C file in RDF/XML that are OWL 2 DL under the direct semantics, sorted."""
    found: dict[str, TestCase] = {}
    for subject, predicate, node in triples(path.read_text(encoding="utf-8")):
        case = found.setdefault(subject.value, TestCase(subject.value.rpartition("/")[2]))
        if predicate == TYPE:
            case.kinds.add(node.value.removeprefix(TEST))
        elif predicate in (TEST + "semantics", TEST + "species"):
            case.marks.add(node.value.removeprefix(TEST).upper())
        elif predicate.startswith(TEST + "rdfXml"):
            case.texts[predicate.removeprefix(TEST + "rdfXml")] = node.value
    usable = [case for case in found.values() if "PremiseOntology" in case.texts and {"DIRECT", "DL"} <= case.marks]
    return sorted(usable, key=lambda case: case.name)


def triples(text: str) -> list[Triple]:
    """Return the triples of an RDF/XML document; entities in single quotes are mended."""
    text = re.sub(r"<!ENTITY\s+(\S+)\s+'([^']*)'\s*>", r'<!ENTITY \1 "\2">', text)
    parsed = pyoxigraph.parse(text.encode(), format=pyoxigraph.RdfFormat.RDF_XML, base_iri="urn:test", rename_blank_nodes=True)
    return [(quad.subject, quad.predicate.value, quad.object) for quad in parsed]


class Reading:
    """One premise with a conclusion, as Turtle of the case profile and questions to it."""

    def __init__(self, premise: Iterable[Triple], conclusion: Iterable[Triple]) -> None:
        self.premise = [each for each in premise if each[1] not in SILENT]
        conclusion = list(conclusion)
        self.noted = any(each[1] in SILENT for each in conclusion)
        self.conclusion = [each for each in conclusion if each[1] not in SILENT]
        both = [*self.premise, *self.conclusion]
        named = [each for each in both if isinstance(each[0], pyoxigraph.NamedNode)]
        properties = {each[0].value for each in both if each[1] == TYPE and each[2].value == OWL + "ObjectProperty"}
        properties |= {
            each[2].value
            for each in both
            if each[1] == OWL + "onProperty"
            and not any(other[1] == TYPE and other[0] == each[2] and "Datatype" in other[2].value for other in both)
        }
        if len(properties) > len(ROLES):
            raise ProfileError("An axiom is outside the case profile", why=f"more than {len(ROLES)} roles: {', '.join(sorted(properties))}")
        self.roles = dict(zip(sorted(properties), ROLES, strict=False))
        self.defined = {
            each[0].value for each in self.premise if each[1] in (EQUIVALENT, OWL + "unionOf", OWL + "intersectionOf") and each in named
        }
        self.individuals = {each[0] for each in both if self._is_individual(each)}
        for each in both:
            self._readable(each)
        self.lines = [HEADER]
        self.needed: set[str] = set()
        self.count = 0

    def _readable(self, triple: Triple) -> None:
        """Refuse what would otherwise be lost: imports, properties that are no roles, lists and built-in terms described."""
        subject, predicate, _ = triple
        built_in = (OWL, RDF, RDFS)
        foreign = predicate == OWL + "imports" or (not predicate.startswith(built_in) and predicate not in self.roles)
        if foreign or (isinstance(subject, pyoxigraph.NamedNode) and subject.value.startswith(built_in)):
            raise ProfileError("An axiom is outside the case profile", why=f"{subject} {predicate} has no reading")

    def _is_individual(self, triple: Triple) -> bool:
        _subject, predicate, node = triple
        return predicate in self.roles or (predicate == TYPE and node.value not in DECLARED and not node.value.startswith((OWL, RDFS, RDF)))

    def write(self) -> None:
        """Write the premise: roles, hierarchy, definitions; whatever has no reading stands as it is."""
        for role in self.roles.values():
            self.lines.append(f"<{role}> a <{OWL}ObjectProperty> ; <{RDFS}domain> <{lc('Case')}> ; <{RDFS}range> <{lc('Finding')}> .")
        for subject, predicate, node in self.premise:
            if subject not in self.individuals and not (predicate == TYPE and node.value in DECLARED - {OWL + "Restriction"}):
                self._axiom(subject, predicate, node)

    def _axiom(self, subject: Term, predicate: str, node: Term) -> None:
        structural = predicate in (BELOW, EQUIVALENT, OWL + "disjointWith")
        primitive = isinstance(subject, pyoxigraph.NamedNode) and subject.value not in self.defined
        if predicate == BELOW and primitive and isinstance(node, pyoxigraph.NamedNode) and node.value not in self.defined:
            self.lines.append(f"{self.finding(subject)} <{BELOW}> {self.finding(node)} .")
        elif predicate == OWL + "someValuesFrom" and isinstance(node, pyoxigraph.NamedNode):
            self.lines.append(f"{self.term(subject)} <{predicate}> {self.finding(node)} .")
        elif structural or predicate in (RDF + "first", OWL + "complementOf"):
            self.lines.append(f"{self.member(subject)} <{predicate}> {self.member(node)} .")
        else:
            self.lines.append(f"{self.term(subject)} <{predicate}> {self.term(node)} .")

    def term(self, node: Term) -> str:
        """Return a term in the project's namespace, OWL's own and literals as they are."""
        if not isinstance(node, pyoxigraph.NamedNode) or node.value.startswith((OWL, RDF, RDFS, "http://www.w3.org/2001/XMLSchema#")):
            return str(node)
        return f"<{self.roles.get(node.value) or lc('T_' + re.sub(r'[^A-Za-z0-9]', '_', node.value))}>"

    def finding(self, node: Term) -> str:
        """Return the finding that a class without a definition is read as; owl:Thing is any finding."""
        if node.value == THING:
            return f"<{lc('Finding')}>"
        if node.value not in self.defined:
            self.needed.add(node.value)
        return self.term(node)

    def member(self, node: Term) -> str:
        """Return the class of the cases that are members of a class."""
        if not isinstance(node, pyoxigraph.NamedNode) or node.value in self.defined or node.value == RDF + "nil":
            return self.term(node)
        if node.value == THING:
            return f"<{lc('Case')}>"
        self.needed.add(node.value)
        return self.term(node).replace("T_", "IsA_")

    def ask(self, *parts: str) -> str:
        """Return a new class that is the intersection of some."""
        name = lc(f"Q{self.count}")
        self.count += 1
        body = f"[ a <{OWL}Class> ; <{OWL}intersectionOf> ( <{lc('Case')}> {' '.join(parts)} ) ]"
        self.lines.append(f"<{name}> <{BELOW}> <{lc('Case')}> ; <{EQUIVALENT}> {body} .")
        return name

    def text(self) -> str:
        """Return the whole document."""
        for iri in sorted(self.needed):
            node = pyoxigraph.NamedNode(iri)
            term, member = self.term(node), self.member(node)
            restriction = f"[ a <{OWL}Restriction> ; <{OWL}onProperty> <{Role.FINDING}> ; <{OWL}someValuesFrom> {term} ]"
            self.lines.append(f"{term} <{BELOW}> <{lc('Finding')}> .")
            self.lines.append(f"{member} <{BELOW}> <{lc('Case')}> ; <{EQUIVALENT}> {restriction} .")
        self.lines += [f"<{lc('T_')}> a <{OWL}Class> ."]
        defined = sorted(self.term(pyoxigraph.NamedNode(iri)) for iri in self.defined)
        return "\n".join([*self.lines, *(f"{name} <{BELOW}> <{lc('Case')}> ." for name in defined)]) + "\n"


def _no(part: str) -> str:
    return f"[ a <{OWL}Class> ; <{OWL}complementOf> {part} ]"


def _said(reading: Reading, source: list[Triple], individual: Term) -> list[str]:
    """Return the classes that an individual is said to be in, its role assertions as restrictions."""
    found = []
    for subject, predicate, node in source:
        if subject != individual:
            continue
        if predicate == TYPE:
            if node.value not in DECLARED:
                found.append(reading.member(node))
        elif predicate in reading.roles:
            if any(subject == node for subject, _, _ in source if subject in reading.roles):
                raise ProfileError("An axiom is outside the case profile", why="an individual is both a case and what a case has")
            kinds = [each for each in source if each[0] == node and each[1] == TYPE and each[2].value not in DECLARED]
            onward = [each for each in source if each[0] == node and each[1] != TYPE]
            if onward or any(isinstance(each[2], pyoxigraph.BlankNode) for each in kinds) or len(kinds) > 1:
                raise ProfileError(
                    "An axiom is outside the case profile", why=f"{predicate} leads to an individual that is more than one finding"
                )
            filler = reading.finding(kinds[0][2]) if kinds else f"<{lc('Finding')}>"
            restriction = f"[ a <{OWL}Restriction> ; <{OWL}onProperty> <{reading.roles[predicate]}> ; <{OWL}someValuesFrom> {filler} ]"
            found.append(restriction)
        else:
            raise ProfileError("An axiom is outside the case profile", why=f"{predicate} of an individual")
    return found


def _questions(reading: Reading) -> Iterator[str]:
    """Yield the classes that must be impossible if the conclusion follows; raise ProfileError for what is no question."""
    cases = sorted({each[0] for each in reading.conclusion} & reading.individuals, key=str)
    if any(node in cases for _, predicate, node in [*reading.premise, *reading.conclusion] if predicate in reading.roles):
        raise ProfileError("An axiom is outside the case profile", why="an individual is both a case and what a case has")
    if reading.noted:
        raise ProfileError("An axiom is outside the case profile", why="the conclusion holds annotations")
    inner = {each[0] for each in reading.conclusion if isinstance(each[0], pyoxigraph.BlankNode)}
    for subject, predicate, node in reading.conclusion:
        if subject in inner and node.value != OWL + "Ontology":
            raise ProfileError("An axiom is outside the case profile", why="the conclusion holds an expression")
        if subject in inner or subject in reading.individuals or (predicate == TYPE and node.value in DECLARED):
            continue
        if predicate not in (BELOW, EQUIVALENT) or not isinstance(node, pyoxigraph.NamedNode):
            raise ProfileError("An axiom is outside the case profile", why=f"the conclusion states {predicate}")
        yield reading.ask(reading.member(subject), _no(reading.member(node)))
        if predicate == EQUIVALENT:
            yield reading.ask(reading.member(node), _no(reading.member(subject)))
    if inner & set(cases):
        raise ProfileError("An axiom is outside the case profile", why="the conclusion speaks of a nameless individual")
    for individual in cases:
        said = _said(reading, reading.premise, individual)
        for part in _said(reading, reading.conclusion, individual):
            if part.startswith("_:"):
                raise ProfileError("An axiom is outside the case profile", why="the conclusion holds an expression")
            yield reading.ask(*said, _no(part))


def decide(case: TestCase, document: str, folder: Path) -> bool:
    """Return whether the premise is consistent (no document named) or whether a conclusion follows; else raise KnowledgeError."""
    conclusion = triples(case.texts[document]) if document else []
    reading = Reading(triples(case.texts["PremiseOntology"]), conclusion)
    reading.write()
    asked = list(_questions(reading)) if document else []
    members = [reading.ask(*_said(reading, reading.premise, each)) for each in sorted(reading.individuals, key=str)]
    path = folder / f"{case.name}.ttl"
    path.write_text(reading.text(), encoding="utf-8")
    program = compile_graph(read_graph([path]), "w3c", {})
    true, false = masks(program, list[Fact](), {})
    statuses = Statuses(program, true, false)
    if any(statuses.status(name) == REFUTED for name in members):
        return bool(document)
    return all(statuses.status(name) == REFUTED for name in asked)


def answer(case: TestCase, folder: Path) -> tuple[int, list[str], list[str]]:
    """Return how many questions of a test case were answered, which wrongly, and why others were refused."""
    asked = [("ConsistencyTest", "", True), ("InconsistencyTest", "", False)]
    asked += [("PositiveEntailmentTest", "ConclusionOntology", True), ("NegativeEntailmentTest", "NonConclusionOntology", False)]
    answered, wrong, refused = 0, [], []
    for kind, document, expected in asked:
        if kind not in case.kinds or (document and document not in case.texts):
            continue
        try:
            found = decide(case, document, folder)
        except (KnowledgeError, SyntaxError) as error:
            refused.append(f"{case.name} {kind}: {error}")
            continue
        answered += 1
        if found != expected:
            wrong.append(f"{case.name} {kind}: answered {found}")
    return answered, wrong, refused
