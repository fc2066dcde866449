"""Give Turtle files the repository's one form, and prove that nothing was lost.

The form: prefixes sorted, only those used or named by a comment, none of them empty; blocks in the author's order; in each block `a` first, then
predicates by abbreviation, objects sorted; the point that ends a block on a line of its own. Comments on lines of their
own stay with the block that follows, all others move to the top of the block that they stand in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyoxigraph

from reasoner.authoring.turtle_layout import Comments, Layout, scan_layout
from reasoner.authoring.turtle_writer import Writer, namespace_table
from reasoner.errors import InputError, KnowledgeError, UnsupportedInputError, UsageError
from reasoner.files import write_file
from reasoner.namespaces import declaration

__all__ = ["format_files", "format_turtle", "turtle_files"]

_SUFFIX = ".ttl"
_ABBREVIATED = re.compile(r"(?<![\w-])([A-Za-z][\w-]*):(?=\w)")


def format_turtle(text: str, name: str = "") -> str:
    """Return `text` in canonical form; raise KnowledgeError when it is malformed or would not be the same graph."""
    text = text.removeprefix("\ufeff")
    graph, prefixes = _parse(text, name)
    layout = scan_layout(text, prefixes)
    writer = Writer.of(((quad.subject, quad.predicate, quad.object) for quad in graph), namespace_table(prefixes))
    try:
        formatted = _assemble(writer, layout, prefixes)
    except RecursionError as error:
        raise KnowledgeError("Blank nodes nest too deeply to be written", where=name, repair="name some of the nodes") from error
    if formatted != text:
        _prove(graph, formatted, layout, name)
    return formatted


def _parse(text: str, name: str) -> tuple[pyoxigraph.Dataset, dict[str, str]]:
    """Return the graph with canonical labels, and the declared prefixes."""
    try:
        parser = pyoxigraph.parse(text.encode(), format=pyoxigraph.RdfFormat.TURTLE)
        graph = pyoxigraph.Dataset(parser)
    except SyntaxError as error:
        where = f"{name}:{error.lineno}" if error.lineno else name
        raise KnowledgeError(
            "The file is not valid Turtle", where=where, why=str(error.msg), repair=declaration(str(error.msg)) or "mend the line"
        ) from error
    except ValueError as error:
        raise KnowledgeError("The file is not valid Turtle", where=name, why=str(error), repair="write whole IRIs") from error
    graph.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    return graph, dict(parser.prefixes)


def _assemble(writer: Writer, layout: Layout, declared: Mapping[str, str]) -> str:
    """Return the text: header comments, prefixes, blocks with their comments, comments that no block follows."""
    known = writer.subjects()
    ordered = [subject for subject in layout.order if subject in set(known)]
    if len(ordered) != len(known):
        ordered = known
    stray = [layout.comments[subject] for subject in layout.order if subject not in set(known)]
    blocks = [(layout.comments.get(subject, Comments()), writer.block(pyoxigraph.NamedNode(subject))) for subject in ordered]
    blocks += [(Comments(), block) for block in writer.unnamed_blocks()]
    # An example in a comment is to be valid the moment its comment mark goes.
    named = {name for line in _comment_lines(layout) for name in _ABBREVIATED.findall(line)}
    writer.used |= {name for name in named & declared.keys() if declared[name] == writer.namespaces.get(name)}
    prefixes = writer.prefix_lines().rstrip("\n")
    pieces = [*_paragraphs(layout.header), *([prefixes] if prefixes else [])]
    for comments, block in blocks:
        pieces += ["\n".join(paragraph) for paragraph in comments.paragraphs]
        pieces.append("\n".join([*comments.near, block]))
    for comments in (*stray, layout.footer):
        pieces += _paragraphs(comments)
    return "\n\n".join(pieces) + "\n" if pieces else ""


def _paragraphs(comments: Comments) -> list[str]:
    return ["\n".join(lines) for lines in (*comments.paragraphs, comments.near) if lines]


def _prove(graph: pyoxigraph.Dataset, formatted: str, layout: Layout, name: str) -> None:
    """Raise KnowledgeError unless `formatted` holds the same graph and the same comments."""
    again, prefixes = _parse(formatted, name)
    kept = scan_layout(formatted, prefixes)
    if again != graph or _comment_lines(kept) != _comment_lines(layout):
        raise KnowledgeError(
            "Formatting would change the file; nothing was written", where=name, repair="report the file; write it in a plainer form"
        )


def _comment_lines(layout: Layout) -> Counter[str]:
    groups = (layout.header, *layout.comments.values(), layout.footer)
    return Counter(line for group in groups for lines in (*group.paragraphs, group.near) for line in lines)


def turtle_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files named, and those below the folders named, sorted.

    Raises UsageError for a path that does not exist, and UnsupportedInputError for a file whose name is not that of Turtle.
    """
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found.update(path.rglob(f"*{_SUFFIX}"))
        elif not path.is_file():
            raise UsageError("There is no such file or folder", where=str(path), repair="check the path")
        elif path.suffix.lower() != _SUFFIX:
            raise UnsupportedInputError(
                "The file is not named as Turtle; nothing was written",
                where=str(path),
                why=f"its name ends in “{path.suffix}”, and this form is one of Turtle alone",
                repair=f"leave it out, or name it {path.stem}{_SUFFIX} if it holds Turtle",
            )
        else:
            found.add(path)
    return sorted(found)


def format_files(paths: Iterable[Path], *, write: bool = True) -> tuple[Path, ...]:
    """Return the files that are not in canonical form, rewriting them unless told otherwise, and none where one cannot be.

    Raises what `turtle_files` and `format_turtle` raise, and InputError for a file that cannot be read.
    """
    changed: dict[Path, str] = {}
    for path in turtle_files(paths):
        try:
            text = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError("The file cannot be read", where=str(path), why=str(error), repair="store it as UTF-8") from error
        formatted = format_turtle(text, str(path))
        if formatted != text:
            changed[path] = formatted
    for path, formatted in changed.items() if write else ():
        write_file(path, formatted.encode())
    return tuple(changed)
