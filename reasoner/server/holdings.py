"""Bring together what is served: knowledge and records as quads, in memory, or in a store on disk that outlives the server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyoxigraph

from reasoner.answering import Records, read_all
from reasoner.documents import Document, read_document
from reasoner.errors import InputError, UsageError
from reasoner.export.dataset import ASSERTED, knowledge_quads, record_quads, records_digest, with_default
from reasoner.program.model import Program
from reasoner.resources import query_files
from reasoner.server.description import example_quads
from reasoner.server.keeper import Keeper
from reasoner.server.settings import Limits

__all__ = ["Holdings", "Inputs", "hold", "keep"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Record documents, and how they are read."""

    documents: tuple[Document, ...] = ()
    records: Records = field(default_factory=lambda: Records(()))
    as_of: datetime | None = None

    @classmethod
    def read(
        cls,
        names: Iterable[str],
        program: Program,
        folder: Path,
        *,
        form: str | None = None,
        mapping: str | None = None,
        as_of: datetime | None = None,
    ) -> Inputs:
        """Read files; raise InputError as `read_all` does."""
        documents = tuple(read_document(name, form) for name in names)
        return cls(documents, read_all(documents, program, folder=folder, mapping=mapping) if documents else Records(()), as_of)

    def quads(self, program: Program, folder: Path) -> Iterator[pyoxigraph.Quad]:
        """Yield the knowledge, the records and what follows from them, and example queries."""
        yield from example_quads(folder)
        yield from knowledge_quads(folder, program)
        yield from record_quads(self.documents, self.records, program, folder, as_of=self.as_of)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is served: a folder with a store, or quads in an open file without a name; and the sizes of the graphs."""

    descriptor: int
    sizes: Counter[str]
    folder: Path | None = None

    def close(self) -> None:
        """Give the file back."""
        if self.descriptor >= 0:
            os.close(self.descriptor)


def hold(quads: Iterable[pyoxigraph.Quad]) -> Holdings:
    """Write quads where workers can read them; the file has no name and vanishes with the server."""
    kept = with_default(quads)
    descriptor = _nameless()
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        pyoxigraph.serialize(kept, file, format=pyoxigraph.RdfFormat.N_QUADS)
    return Holdings(descriptor, Counter(quad.graph_name.value for quad in kept if isinstance(quad.graph_name, pyoxigraph.NamedNode)))


def _nameless() -> int:
    """Return a file in memory, or, where there is no such thing, one that is on no path any more."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("legcramps")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def keep(store: Path, program: Program, folder: Path, inputs: Inputs, limits: Limits) -> Holdings:
    """Bring a store on disk up to date with the knowledge and the records, and close it again.

    Records that the store holds stay; what follows from them is derived anew when they, the knowledge or the shipped queries have
    changed. Raise UsageError when other records are given, InputError when the store cannot be opened.
    """
    return asyncio.run(_keep(store, program, folder, inputs, limits))


async def _keep(store: Path, program: Program, folder: Path, inputs: Inputs, limits: Limits) -> Holdings:
    keeper = Keeper(store, limits, lambda source: frozenset((source.folder,)))
    knowledge = f"{program.digest}.{_digest_of_queries(folder)}"
    await keeper.start()
    try:
        state = (await keeper.do("state", {}, deadline=limits.setting_up)).header
        if state["records"] and inputs.documents:
            _require_same(inputs, program, folder, str(state["records"]), store)
        elif state["records"]:
            text = (await keeper.do("records", {}, deadline=limits.setting_up)).body
            inputs = _stored(Document(str(store), text, "n-triples"), program, folder, inputs.as_of)
        if state["mark"] != f"{knowledge} {state['records']}" or (inputs.documents and not state["records"]):
            text = pyoxigraph.serialize(with_default(inputs.quads(program, folder)), format=pyoxigraph.RdfFormat.N_QUADS) or b""
            await keeper.do("replace", {"knowledge": knowledge}, text, deadline=limits.setting_up)
            state = (await keeper.do("state", {}, deadline=limits.setting_up)).header
        return Holdings(-1, Counter(state["sizes"]), store)
    finally:
        await keeper.close()


def _digest_of_queries(folder: Path) -> str:
    return hashlib.sha256(b"\n".join(path.read_bytes() for path in query_files(folder))).hexdigest()


def _require_same(inputs: Inputs, program: Program, folder: Path, there: str, store: Path) -> None:
    given = records_digest(quad.triple for quad in inputs.quads(program, folder) if quad.graph_name == ASSERTED)
    if given != there:
        raise UsageError("The store holds other records", where=str(store), repair="leave the files out, or name a new store")


def _stored(document: Document, program: Program, folder: Path, as_of: datetime | None) -> Inputs:
    """Return the records that a store holds; without a case there is nothing that follows from them."""
    try:
        return Inputs((document,), read_all([document], program, folder=folder), as_of)
    except InputError:
        return Inputs((document,), Records(()), as_of)
