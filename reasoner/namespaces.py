"""Name the namespaces of the project and of the standards it uses, and abbreviate IRIs by them."""

from __future__ import annotations

import re

__all__ = [
    "BASE",
    "LC",
    "LCG",
    "LCS",
    "OWL",
    "PREFIXES",
    "PROV",
    "RDF",
    "RDFS",
    "SH",
    "SKOS",
    "XSD",
    "curie",
    "declaration",
    "expand",
    "turtle_head",
]

BASE = "https://w3id.org/legcramps/"
LC = BASE + "ontology/"
LCG = BASE + "guideline/"
LCS = BASE + "shape/"
OWL = "http://www.w3.org/2002/07/owl#"
PROV = "http://www.w3.org/ns/prov#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SH = "http://www.w3.org/ns/shacl#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
XSD = "http://www.w3.org/2001/XMLSchema#"

PREFIXES = {
    "dcterms": "http://purl.org/dc/terms/",
    "lc": LC,
    "lcg": LCG,
    "lcs": LCS,
    "owl": OWL,
    "prov": PROV,
    "rdf": RDF,
    "rdfs": RDFS,
    "sh": SH,
    "skos": SKOS,
    "sosa": "http://www.w3.org/ns/sosa/",
    "xsd": XSD,
}


_UNDECLARED = re.compile(r"The prefix ([A-Za-z][\w-]*): has not been declared")


def curie(iri: str) -> str:
    """Abbreviate `iri` by the longest known prefix; return it unchanged when none fits."""
    best = ""
    for prefix, stem in PREFIXES.items():
        if iri.startswith(stem) and len(stem) > len(PREFIXES.get(best, "")):
            best = prefix
    return f"{best}:{iri[len(PREFIXES[best]) :]}" if best else iri


def expand(name: str) -> str:
    """Return the IRI that a CURIE abbreviates; return `name` unchanged when its prefix is unknown."""
    prefix, colon, local = name.partition(":")
    return PREFIXES[prefix] + local if colon and prefix in PREFIXES else name


def turtle_head() -> str:
    """Return the declarations with which a Turtle text may use every known prefix."""
    return "".join(f"@prefix {name}: <{stem}> .\n" for name, stem in sorted(PREFIXES.items()))


def declaration(why: str) -> str:
    """Return how to repair the prefix that a parser of Turtle misses; return nothing when it says something else."""
    missed = _UNDECLARED.search(why)
    return f"declare @prefix {missed[1]}: <{PREFIXES.get(missed[1], '…')}> . at the top" if missed else ""
