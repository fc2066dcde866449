"""Write knowledge folders that differ from the project's own in one factor: denser patients, or more classes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

__all__ = ["with_density", "with_more_classes"]

_RATES = ("other_findings", "tests", "drugs", "diagnoses")
_DRUG = """
lc:SyntheticDrug{number}
    a owl:Class ;
    rdfs:subClassOf lc:Drug ;
    skos:definition "A drug of a measurement."@en ;
    skos:prefLabel "synthetic drug {number}"@en ;
.

lc:TakesSyntheticDrug{number}
    a owl:Class ;
    owl:equivalentClass [
        a owl:Class ;
        owl:intersectionOf ( lc:Case [ a owl:Restriction ; owl:onProperty lc:takes ; owl:someValuesFrom lc:SyntheticDrug{number} ] ) ;
    ] ;
    rdfs:subClassOf lc:Case ;
    skos:definition "A case that takes a drug of a measurement."@en ;
    skos:prefLabel "takes synthetic drug {number}"@en ;
.
"""


def _copied(root: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("ontology", "shapes", "queries"):
        shutil.copytree(root / part, folder / part)
    return folder


def with_density(root: Path, folder: Path, factor: int) -> Path:
    """Return a knowledge folder whose synthetic patients have some `factor` times as many records."""
    _copied(root, folder)
    path = folder / "ontology" / "cohort.ttl"
    text = path.read_text(encoding="utf-8")
    for name in _RATES if factor > 1 else ():
        text = _scaled(text, name, factor * (1.9 if factor > 4 else 1.5))
    if factor > 1:
        text = re.sub(r"(lc:_CohortSetting_repeated\n(?:.*\n)*?    lc:settingValue )[0-9.]+", r"\g<1>1.0", text)
    path.write_text(text, encoding="utf-8")
    return folder


def _scaled(text: str, name: str, factor: float) -> str:
    def scale(match: re.Match[str]) -> str:
        return f"{match[1]}{float(match[2]) * factor:.2f}"

    return re.sub(rf"(lc:_CohortSetting_{name}\n(?:.*\n)*?    lc:settingValue )([0-9.]+)", scale, text, count=1)


def with_more_classes(root: Path, folder: Path, factor: int) -> tuple[Path, int]:
    """Return a knowledge folder with `factor` times as many classes, and how many they are: drugs, and those who take them."""
    _copied(root, folder)
    own = sum(len(re.findall(r"a owl:Class ;\n", path.read_text(encoding="utf-8"))) for path in (folder / "ontology").rglob("*.ttl"))
    added = own * (factor - 1) // 2
    path = folder / "ontology" / "medications.ttl"
    with path.open("a", encoding="utf-8") as file:
        for number in range(added):
            file.write(_DRUG.format(number=number))
    return folder, own + 2 * added
