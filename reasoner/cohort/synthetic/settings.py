"""Read the figures by which a synthetic cohort is drawn; they are knowledge of the ontology, marked as expert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reasoner.errors import KnowledgeError
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import curie
from reasoner.terms import lc

__all__ = ["Settings", "read_settings"]

_STEM = lc("_CohortSetting_")


@dataclass(frozen=True, slots=True)
class Settings:
    """Figures and sample texts by name, and the share of each condition that declares one."""

    figures: Mapping[str, float]
    samples: Mapping[str, tuple[str, ...]]
    shares: Mapping[str, float]

    def figure(self, name: str) -> float:
        """Return a figure; raise KnowledgeError when the ontology does not state it."""
        if name not in self.figures:
            raise KnowledgeError(
                "A synthetic cohort cannot be drawn",
                where=curie(_STEM + name),
                why="the ontology does not state this setting",
                repair="state it as an lc:CohortSetting, see ontology/cohort.ttl",
            )
        return self.figures[name]

    def count(self, name: str) -> int:
        """Return a figure that counts something."""
        return int(self.figure(name))


def read_settings(folder: Path) -> Settings:
    """Read the settings of a knowledge folder; raise KnowledgeError for a figure that is no number of at least zero."""
    graph = read_graph(sorted((folder / "ontology").rglob("*.ttl")))
    own = graph.instances(lc("CohortSetting"))
    return Settings(
        {iri.removeprefix(_STEM): _figure(graph, iri) for iri in own},
        {iri.removeprefix(_STEM): tuple(sorted(graph.texts(iri, lc("sampleText")))) for iri in own},
        {graph.iris(iri, lc("aboutCondition"))[0]: _figure(graph, iri) for iri in graph.instances(lc("CohortShare"))},
    )


def _figure(graph: Graph, iri: str) -> float:
    text = graph.text(iri, lc("settingValue"))
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise KnowledgeError(
            "A cohort setting is no number of at least zero", where=graph.place(iri), why=text, repair="state lc:settingValue"
        )
    return found
