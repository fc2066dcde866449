"""Make the modules of a knowledge folder known to the master and to the catalogue, which list them all."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import ParseError

from reasoner.authoring.format import format_turtle
from reasoner.authoring.modules import CATALOGUE, MASTER, catalogue_entries, catalogue_entry
from reasoner.authoring.workspace import TurtleFile, named, read_workspace
from reasoner.errors import InputError, KnowledgeError
from reasoner.files import write_file
from reasoner.namespaces import BASE, OWL

__all__ = ["register_modules"]

_END = "</catalog>"


def register_modules(folder: Path, *, write: bool = True) -> tuple[Path, ...]:
    """Add the modules that the master does not import and the catalogue does not hold; return the files that lack any.

    Only modules that are named after their file are added. Raises KnowledgeError when master or catalogue is malformed.
    """
    modules = [file for file in read_workspace(folder).ontology if file.module == BASE + file.path.stem]
    changed = []
    for path, complete in ((folder / MASTER, _master), (folder / CATALOGUE, _catalogue)):
        if path.is_file():
            try:
                text = path.read_bytes().decode()
            except (OSError, UnicodeDecodeError) as error:
                raise InputError("The file cannot be read", where=str(path), why=str(error), repair="store it as UTF-8") from error
            completed = complete(text, modules)
            if completed != text:
                changed.append(path)
                if write:
                    write_file(path, completed.encode())
    return tuple(changed)


def _master(text: str, modules: list[TurtleFile]) -> str:
    """Return the master's text with an import of every module."""
    master = BASE + Path(MASTER).stem
    known = {master} | {
        named(quad.object)
        for file in modules
        if file.module == master
        for quad in file.quads
        if named(quad.subject) == master and quad.predicate.value == OWL + "imports"
    }
    absent = sorted({file.module for file in modules} - known)
    if not absent:
        return text
    return format_turtle(f"{text}\n<{master}> <{OWL}imports> {' , '.join(f'<{module}>' for module in absent)} .\n", MASTER)


def _catalogue(text: str, modules: list[TurtleFile]) -> str:
    """Return the catalogue's text with an entry for every module."""
    try:
        known = {name for name, _ in catalogue_entries(text)}
    except ParseError as error:
        raise KnowledgeError("The catalogue is not well-formed", where=CATALOGUE, why=str(error), repair="mend it") from error
    absent = [file for file in modules if file.module not in known]
    if not absent:
        return text
    head, end, tail = text.rpartition(_END)
    if not end:
        raise KnowledgeError("The catalogue does not end", where=CATALOGUE, repair=f"close it by {_END}")
    lines = [f"    {catalogue_entry(file.module, file.name.removeprefix('ontology/'))}\n" for file in absent]
    return f"{head}{''.join(lines)}{end}{tail}"
