"""Say what a remote SPARQL store can do."""

from __future__ import annotations

import argparse
import json
import sys

from reasoner.cli.arguments import add_format, add_remote, remote_store
from reasoner.errors import shortened, visible

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `probe`."""
    verb.add_argument("url", metavar="URL", help="the store's address for queries")
    verb.add_argument("--update-endpoint", metavar="URL", help="its address for updates: a small graph is written, read and dropped")
    add_remote(verb)
    add_format(verb, "text", "json")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.remote.probing import probe_store

    findings = probe_store(remote_store(arguments, arguments.url, arguments.update_endpoint or ""))
    if arguments.format == "json":
        rows = [{"what": each.what, "can": each.can, "seen": each.seen} for each in findings]
        sys.stdout.write(json.dumps({"findings": rows}, ensure_ascii=False, indent=2) + "\n")
        return 0
    for each in findings:
        print(f"{each.can:<10}{each.what:<28}{shortened(visible(each.seen), 120)}".rstrip())
    return 0
