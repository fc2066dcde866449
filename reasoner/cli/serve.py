"""Serve knowledge, records and what follows from them over HTTP."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from reasoner.cli.arguments import INPUT_FORMATS, add_as_of
from reasoner.errors import MissingExtraError, visible

if TYPE_CHECKING:
    from reasoner.server.holdings import Inputs

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `serve`."""
    verb.add_argument("files", nargs="*", metavar="FILE", help="records whose facts, inferences and proofs are served with the knowledge")
    verb.add_argument("--store", metavar="DIR", help="keep all of it in this folder, where it outlives the server")
    verb.add_argument("--update-token-file", metavar="FILE", help="take updates from those who bear the token in this file")
    verb.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this machine alone)")
    verb.add_argument("--port", type=int, default=7878, help="port to listen at, 0 for any free one (default 7878)")
    verb.add_argument("--host-name", action="append", default=[], metavar="NAME", help="a name under which the server may be called")
    verb.add_argument("--workers", type=int, default=4, metavar="COUNT", help="processes that answer queries (default 4)")
    verb.add_argument("--access", type=Path, metavar="FILE", help="who may call CDS Hooks and /api, in TOML (default: this machine alone)")
    verb.add_argument("--deadline", type=float, default=10.0, metavar="SECONDS", help="what a query may take (default 10)")
    verb.add_argument(
        "--receive-within", type=float, default=30.0, metavar="SECONDS", help="in what time a request must have come whole (default 30)"
    )
    verb.add_argument("--max-rows", type=int, default=100_000, metavar="ROWS", help="what an answer may have (default 100000)")
    verb.add_argument("--input-format", choices=INPUT_FORMATS, help="instead of the files' endings")
    verb.add_argument("--mapping", metavar="FILE", help="how the columns of tables in CSV or TSV become records, in TOML")
    add_as_of(verb)
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.resources import knowledge_folder, load_knowledge

    try:
        from reasoner.server.access import Access, read_access
        from reasoner.server.app import create_app
        from reasoner.server.changes import read_token
        from reasoner.server.holdings import Inputs, hold, keep
        from reasoner.server.reception import Reception
        from reasoner.server.run import listen, serve
        from reasoner.server.settings import Limits, Settings
    except ImportError as error:
        raise MissingExtraError("The extra server is not installed", why=str(error), repair="pip install 'legcramps[server]'") from error
    folder = knowledge_folder(arguments.knowledge)
    access = read_access(arguments.access) if arguments.access else Access()
    program = load_knowledge(arguments.knowledge)
    token = read_token(Path(arguments.update_token_file)) if arguments.update_token_file else ""
    limits = Limits(workers=arguments.workers, deadline=arguments.deadline, rows=arguments.max_rows, receiving=arguments.receive_within)
    given = {"form": arguments.input_format, "mapping": arguments.mapping, "as_of": arguments.as_of}
    inputs = Inputs.read(arguments.files, program, folder, **given)
    _remark(inputs, arguments.as_of is None)
    with TemporaryDirectory(prefix="legcramps-") if token and not arguments.store else nullcontext(arguments.store) as store:
        holdings = keep(Path(store), program, folder, inputs, limits) if store else hold(inputs.quads(program, folder))
        listening = listen(arguments.host, arguments.port)
        settings = Settings(
            arguments.host, listening.getsockname()[1], (*arguments.host_name, *access.hosts), update_token=token, limits=limits
        )
        app = create_app(program, folder, holdings, settings, Reception(folder, access, settings, arguments.as_of))
        said = f"legcramps: serving http://{settings.host}:{settings.port}/"
        serve(app, listening, limits, lambda: print(said, file=sys.stderr, flush=True))
        holdings.close()
    return 0


def _remark(inputs: Inputs, as_recorded: bool) -> None:
    """Say on stderr what is not as it could be, and name no case: what a server says is kept in logs."""
    from reasoner.answering import undated

    count = len(undated(inputs.records)) if as_recorded else 0
    if count:
        print(f"legcramps: cases without an as-of instant, judged at the present one: {count}", file=sys.stderr)
    for failure in inputs.records.failures:
        print(visible(f"legcramps: {failure.what} ({failure.where}) [{failure.code}]"), file=sys.stderr)
