"""Write graphs into a remote SPARQL store and verify them."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from reasoner.cli.arguments import add_as_of, add_format, add_inputs, add_remote, remark, remote_store
from reasoner.errors import UsageError, shortened, visible

if TYPE_CHECKING:
    from reasoner.remote.publishing import Publication

__all__ = ["add_arguments"]

_PARTS = ("ontology", "guideline", "asserted", "inferred", "proofs")
_EXAMPLES = 3


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `publish`."""
    add_inputs(verb, "*")
    verb.add_argument("--endpoint", required=True, metavar="URL", help="the store's address for queries")
    verb.add_argument("--update-endpoint", metavar="URL", help="its address for updates, of the same origin (default: that for queries)")
    verb.add_argument(
        "--part",
        action="append",
        default=[],
        choices=_PARTS,
        help="what to publish, repeatable; default: ontology, guideline, and of FILEs asserted and inferred",
    )
    verb.add_argument("--stem", metavar="IRI", help="what the part is added to, to name its graph (default urn:legcramps:graph:)")
    verb.add_argument("--replace", action="store_true", help="empty graphs of these names first")
    add_remote(verb, 600)
    add_as_of(verb)
    add_format(verb, "text", "json")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.answering import read_all
    from reasoner.documents import read_document
    from reasoner.remote.parts import STEM, graphs_of
    from reasoner.remote.publishing import publish_graph
    from reasoner.resources import knowledge_folder, load_knowledge

    program, folder = load_knowledge(arguments.knowledge), knowledge_folder(arguments.knowledge)
    documents = [read_document(name, arguments.input_format, arguments.max_size) for name in arguments.files]
    records = (
        read_all(documents, program, base=arguments.base, folder=arguments.knowledge, mapping=arguments.mapping) if documents else None
    )
    if records is not None:
        remark(records, arguments.as_of)
        if records.failures or records.broken:
            raise UsageError(
                "The records are not fit to be published", why="some break a shape or cannot be read", repair="see `legcramps assess`"
            )
    graphs = graphs_of(arguments.part, documents, records, program, folder, arguments.as_of)
    store = remote_store(arguments, arguments.endpoint, arguments.update_endpoint or arguments.endpoint)
    stem = arguments.stem or STEM
    done = [publish_graph(store, stem + part, triples, replace=arguments.replace) for part, triples in graphs.items()]
    sys.stdout.write(_json(done) if arguments.format == "json" else "".join(map(_line, done)))
    return 0


def _line(done: Publication) -> str:
    line = f"{visible(done.graph)}  {done.triples} triples in {done.blocks} blocks, verified; {done.named} blank nodes named\n"
    if done.changed:
        examples = ", ".join(
            f"{shortened(visible(given), 60)} as {shortened(visible(kept), 60)}" for given, kept in done.changed[:_EXAMPLES]
        )
        line += f"  {len(done.changed)} literals have another form and the same value, such as {examples}\n"
    return line


def _json(done: list[Publication]) -> str:
    keys = ("graph", "triples", "blocks", "named")
    rows = [{key: getattr(each, key) for key in keys} | {"changed": [list(pair) for pair in each.changed]} for each in done]
    return json.dumps({"graphs": rows}, ensure_ascii=False, indent=2) + "\n"
