"""Write what follows about each case of a chunk, and the knowledge it follows from, as N-Quads, to be loaded into a store in bulk.

The quads of a case are those of `reasoner.inferred`, in the graph that holds inferences in a store; those of the
knowledge are those of `reasoner.export.dataset`, each in its graph. Both are compressed.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pyoxigraph import Quad, RdfFormat, serialize

from reasoner.abstraction import CaseState, abstract_case
from reasoner.cohort.batch import Batch
from reasoner.cohort.lexicon import Flags, Lexicon
from reasoner.cohort.rebuilt import Rebuilder
from reasoner.cohort.single import Settings
from reasoner.entailment import Statuses, entail
from reasoner.program.model import Program

__all__ = ["Inferences", "infer_together", "opened", "write_knowledge"]

_AT_ONCE = 1000
_FAST = 1


@dataclass
class Inferences:
    """A file of quads that is being written, and how many it holds."""

    program: Program
    file: gzip.GzipFile
    quads: int = field(default=0)

    def add(self, state: CaseState, statuses: Statuses) -> None:
        """Write what follows about a case."""
        from reasoner.export.dataset import INFERRED
        from reasoner.inferred import inferred_triples

        triples = inferred_triples(self.program, state, statuses)
        quads = [Quad(each.subject, each.predicate, each.object, INFERRED) for each in triples]
        self.file.write(serialize(quads, format=RdfFormat.N_QUADS) or b"")
        self.quads += len(quads)


@contextmanager
def _compressed(path: Path) -> Iterator[gzip.GzipFile]:
    """Open a compressed file, which gets its name when all is well; the same content makes the same bytes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as raw, gzip.GzipFile("", "wb", _FAST, raw, mtime=0) as file:
        yield file
    temporary.replace(path)


@contextmanager
def opened(path: Path, program: Program) -> Iterator[Inferences]:
    """Open a file for quads, which gets its name when all is well; the same quads make the same bytes."""
    with _compressed(path) as file:
        yield Inferences(program, file)


def write_knowledge(path: Path, folder: Path, program: Program) -> None:
    """Write the knowledge graph of a folder, each quad once; the same knowledge makes the same bytes."""
    from reasoner.blank_nodes import renamed_quads
    from reasoner.export.dataset import knowledge_quads

    quads = serialize(set(renamed_quads(knowledge_quads(folder, program))), format=RdfFormat.N_QUADS) or b""
    with _compressed(path) as file:
        file.writelines(sorted(quads.splitlines(keepends=True)))


def infer_together(batch: Batch, left: Flags, program: Program, settings: Settings, lexicon: Lexicon) -> None:
    """Tell what follows about the cases of a batch that are answered as columns, by the definition, some at a time."""
    rebuilder = Rebuilder(batch, program, lexicon)
    chosen = np.flatnonzero(~left)
    for start in range(0, len(chosen) if settings.tell else 0, _AT_ONCE):
        for case in rebuilder.cases(chosen[start : start + _AT_ONCE], {}):
            state = abstract_case(case, program, settings.moment(case))
            settings.told(state, entail(program, state))
