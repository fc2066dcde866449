"""Write triples as Turtle in the canonical form of the repository.

Blank nodes that one triple points at are written inside it, lists as lists; operands of an intersection or union stand
one per line; whatever else fits the line stays on it. Labels of other blank nodes are those of RDFC-1.0.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from reasoner.errors import KnowledgeError
from reasoner.namespaces import OWL, PREFIXES, RDF, XSD

__all__ = ["Writer", "namespace_table"]

Term = NamedNode | BlankNode | Literal | Triple
Properties = dict[NamedNode, list[Term]]

WIDTH = 140
INDENT = "    "

_TYPE = NamedNode(RDF + "type")
_FIRST, _REST, _NIL = NamedNode(RDF + "first"), NamedNode(RDF + "rest"), NamedNode(RDF + "nil")
_OPERANDS = (NamedNode(OWL + "intersectionOf"), NamedNode(OWL + "unionOf"))
_LOCAL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
_BARE = {
    XSD + "boolean": re.compile(r"true|false"),
    XSD + "integer": re.compile(r"[+-]?[0-9]+"),
    XSD + "decimal": re.compile(r"[+-]?[0-9]*[.][0-9]+"),
    XSD + "double": re.compile(r"[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)[eE][+-]?[0-9]+"),
}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def namespace_table(declared: Mapping[str, str]) -> dict[str, str]:
    """Return prefixes by name: the project's own, then those of the file that clash with none of them."""
    table = dict(PREFIXES)
    for name, stem in sorted(declared.items()):
        if name and name not in table and stem not in table.values():
            table[name] = stem
    return table


@dataclass
class Writer:
    """Write the triples of one graph; `used` collects the prefixes that the text needs."""

    properties: dict[NamedNode | BlankNode, Properties]
    namespaces: Mapping[str, str]
    uses: Counter[BlankNode] = field(default_factory=Counter)
    used: set[str] = field(default_factory=set)
    labelled: set[BlankNode] = field(default_factory=set)
    ranks: dict[BlankNode, str] = field(default_factory=dict)

    @staticmethod
    def of(triples: Iterable[tuple[NamedNode | BlankNode, NamedNode, Term]], namespaces: Mapping[str, str]) -> Writer:
        """Index triples whose blank nodes carry canonical labels; raise KnowledgeError for triples about triples."""
        writer = Writer({}, namespaces)
        for subject, predicate, target in triples:
            if isinstance(target, Triple) or isinstance(subject, Triple):
                raise KnowledgeError("A triple about a triple is not written", why=str(target), repair="name the statement")
            writer.properties.setdefault(subject, {}).setdefault(predicate, []).append(target)
            if isinstance(target, BlankNode):
                writer.uses[target] += 1
        writer._label()
        return writer

    def _label(self) -> None:
        """Decide which blank nodes need a label: those pointed at more than once, and one of every circle."""
        self.labelled = {node for node, count in self.uses.items() if count > 1}
        reached: set[BlankNode] = set()
        for root in self.roots():
            self._reach(root, reached)
        for node in sorted(self.properties.keys() - reached, key=str):
            if isinstance(node, BlankNode) and node not in reached:
                self.labelled.add(node)
                self._reach(node, reached)

    def _reach(self, root: NamedNode | BlankNode, reached: set[BlankNode]) -> None:
        """Add the blank nodes that are reached from `root` through blank nodes alone."""
        stack: list[NamedNode | BlankNode] = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, BlankNode):
                reached.add(node)
            for targets in self.properties.get(node, {}).values():
                stack.extend(target for target in targets if isinstance(target, BlankNode) and target not in reached)

    def subjects(self) -> list[str]:
        """Return the IRIs that have triples, sorted by their abbreviation."""
        return sorted((node.value for node in self.properties if isinstance(node, NamedNode)), key=lambda iri: self._name(NamedNode(iri)))

    def roots(self) -> list[NamedNode | BlankNode]:
        """Return the nodes that are written as blocks of their own."""
        return [node for node in self.properties if isinstance(node, NamedNode) or node in self.labelled or not self.uses[node]]

    def block(self, subject: NamedNode | BlankNode) -> str:
        """Return the block of one subject, ended by a point on a line of its own."""
        body = self._body(subject, 1)
        if isinstance(subject, BlankNode) and subject not in self.labelled:
            return f"[\n{body}]\n."
        return f"{self._name(subject)}\n{body}."

    def unnamed_blocks(self) -> list[str]:
        """Return the blocks of blank nodes that stand alone or carry a label, sorted."""
        return sorted(self.block(node) for node in self.roots() if isinstance(node, BlankNode))

    def prefix_lines(self) -> str:
        """Return the declarations of the prefixes used so far, sorted."""
        return "".join(f"@prefix {name}: <{self.namespaces[name]}> .\n" for name in sorted(self.used))

    def expression(self, node: BlankNode) -> str:
        """Return what a blank node holds, in brackets."""
        return self._deep(node, 0)

    # --- inside a block --------------------------------------------------------------------------------------

    def _body(self, node: NamedNode | BlankNode, depth: int) -> str:
        found = self.properties[node]
        lines = [self._line(predicate, found[predicate], depth) for predicate in sorted(found, key=self._predicate_order)]
        return "".join(f"{INDENT * depth}{line} ;\n" for line in lines)

    def _predicate_order(self, predicate: NamedNode) -> tuple[bool, str]:
        return predicate != _TYPE, self._name(predicate, False)

    def _line(self, predicate: NamedNode, targets: list[Term], depth: int) -> str:
        """Return predicate and objects, on one line where they fit."""
        name = "a" if predicate == _TYPE else self._name(predicate)
        apart = predicate in _OPERANDS
        if len(targets) == 1:
            return f"{name} {self._fitting(targets[0], depth, len(name) + 1, apart)}"
        targets = self._sorted(targets)
        flat = [self._flat(target, apart) for target in targets]
        if None not in flat:
            line = f"{name} {' , '.join(text for text in flat if text is not None)}"
            if len(INDENT) * depth + len(line) + 2 <= WIDTH:
                return line
        indent = INDENT * (depth + 1)
        return f"{name}\n" + " ,\n".join(f"{indent}{self._fitting(target, depth + 1, 0, apart)}" for target in targets)

    def _sorted(self, targets: list[Term]) -> list[Term]:
        """Return IRIs by their abbreviation, then literals, then blank nodes by what they hold."""
        return targets if len(targets) == 1 else sorted(targets, key=self._rank)

    def _rank(self, target: Term) -> tuple[int, str]:
        if isinstance(target, NamedNode):
            return 0, self._name(target, False)
        if isinstance(target, Literal):
            return 1, self._literal(target)
        if isinstance(target, BlankNode) and target not in self.ranks:
            self.ranks[target] = self._deep(target, 1)
        return 2, self.ranks[target] if isinstance(target, BlankNode) else str(target)

    def _foldable(self, target: Term) -> bool:
        return isinstance(target, BlankNode) and target not in self.labelled and target in self.properties

    def _fitting(self, target: Term, depth: int, used: int, apart: bool = False) -> str:
        flat = self._flat(target, apart)
        if flat is not None and (not self._foldable(target) or len(INDENT) * depth + used + len(flat) + 2 <= WIDTH):
            return flat
        return self._deep(target, depth)

    def _flat(self, target: Term, apart: bool = False) -> str | None:
        """Return the text on one line, or None where the form asks for several."""
        if isinstance(target, NamedNode):
            return "()" if target == _NIL else self._name(target)
        if isinstance(target, Literal):
            return self._literal(target)
        if not isinstance(target, BlankNode) or target in self.labelled:
            return self._name(target)
        items = self._items(target)
        if items is not None:
            texts = [self._flat(item) for item in items]
            if None in texts or (apart and len(items) > 1):
                return None
            return f"( {' '.join(text for text in texts if text is not None)} )"
        return self._flat_node(target)

    def _flat_node(self, node: BlankNode) -> str | None:
        found = self.properties.get(node)
        if not found:
            return "[]"
        parts = []
        for predicate in sorted(found, key=self._predicate_order):
            texts = [self._flat(target, predicate in _OPERANDS) or "" for target in self._sorted(found[predicate])]
            if not all(texts):
                return None
            parts.append(f"{'a' if predicate == _TYPE else self._name(predicate)} {' , '.join(texts)}")
        return f"[ {' ; '.join(parts)} ]"

    def _deep(self, target: Term, depth: int) -> str:
        """Return the text of a target over several lines, the first one without indentation."""
        if not isinstance(target, BlankNode) or target in self.labelled or target not in self.properties:
            return self._flat(target) or ""
        items = self._items(target)
        if items is None:
            return f"[\n{self._body(target, depth + 1)}{INDENT * depth}]"
        inner = INDENT * (depth + 1)
        return "(\n" + "".join(f"{inner}{self._fitting(item, depth + 1, 0)}\n" for item in items) + f"{INDENT * depth})"

    def _items(self, head: BlankNode) -> list[Term] | None:
        """Return the members of the list that starts at `head`, or None if it is none that brackets can write."""
        items: list[Term] = []
        node: Term = head
        while node != _NIL:
            found = self.properties.get(node) if isinstance(node, BlankNode) and node not in self.labelled else None
            if found is None or found.keys() != {_FIRST, _REST} or any(len(targets) != 1 for targets in found.values()):
                return None
            items.append(found[_FIRST][0])
            node = found[_REST][0]
        return items

    # --- terms -----------------------------------------------------------------------------------------------

    def _name(self, term: Term, note: bool = True) -> str:
        """Return an IRI abbreviated where possible, noting the prefix; or the label of a blank node."""
        if not isinstance(term, NamedNode):
            return str(term)
        best = ""
        for prefix, stem in self.namespaces.items():
            if len(stem) > len(self.namespaces.get(best, "")) and term.value.startswith(stem):
                best = prefix
        local = term.value[len(self.namespaces[best]) :] if best else ""
        if not best or not _LOCAL.fullmatch(local):
            return f"<{term.value}>"
        if note:
            self.used.add(best)
        return f"{best}:{local}"

    def _literal(self, literal: Literal) -> str:
        datatype = literal.datatype.value
        bare = _BARE.get(datatype)
        if bare and bare.fullmatch(literal.value):
            return literal.value
        text = _quoted(literal.value)
        if literal.language:
            return f"{text}@{literal.language}" + (f"--{literal.direction}" if literal.direction else "")
        return text if datatype == XSD + "string" else f"{text}^^{self._name(literal.datatype)}"


def _quoted(text: str) -> str:
    """Return the text between quotes, over several lines if it holds a line break."""
    if "\n" in text:
        body = "".join(each if each in '\n\t"' else _escaped(each) for each in text.removesuffix('"')).replace('""', '"\\"')
        return f'"""{body}\\""""' if text.endswith('"') else f'"""{body}"""'
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"\\u{ord(character):04X}" if ord(character) < 0x10000 else f"\\U{ord(character):08X}"
    return character
