"""Be a worker: hold a store of one's own, answer one question after another, end when told, when alone or when out of time.

A query cannot be stopped from within, so the server kills the worker of one that takes too long. What the server cannot
do when it is killed itself, the worker's own alarm does.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pyoxigraph

from reasoner.errors import ForbiddenError, InputError, LegcrampsError, LimitError, SyntaxProblem, UnsupportedInputError, UsageError
from reasoner.server.evaluation import Question, evaluate
from reasoner.server.wire import pack, receive

__all__ = ["bound", "main"]

_GRACE = 2.0
_STATUS: tuple[tuple[type[LegcrampsError], int], ...] = (
    (UnsupportedInputError, 406),
    (SyntaxProblem, 400),
    (LimitError, 413),
    (InputError, 400),
    (ForbiddenError, 403),
    (UsageError, 400),
)


def main() -> None:
    """Answer the questions that come through the socket whose number is the first argument."""
    link = socket.socket(fileno=int(sys.argv[1]))
    incoming = link.makefile("rb", buffering=1 << 16)
    told = receive(incoming)
    if told is None:
        return
    store = _store(told.header)
    bound(told.header["memory"])
    link.sendall(pack({"ready": True}))
    while (asked := receive(incoming)) is not None:
        if "open" in asked.header:
            store = pyoxigraph.Store.read_only(asked.header["open"])
            link.sendall(pack({"ready": True}))
            continue
        signal.setitimer(signal.ITIMER_REAL, told.header["deadline"] + _GRACE)
        reply = _answer(store, asked.header, asked.body)
        signal.setitimer(signal.ITIMER_REAL, 0)
        link.sendall(reply)


def _store(header: dict[str, Any]) -> pyoxigraph.Store:
    """Return the store to be asked: a folder that nobody writes to, or quads held in memory."""
    if header["folder"]:
        return pyoxigraph.Store.read_only(header["folder"])
    store = pyoxigraph.Store()
    with os.fdopen(header["descriptor"], "rb", closefd=True) as file:
        size = os.fstat(file.fileno()).st_size
        store.bulk_load(os.pread(file.fileno(), size, 0), format=pyoxigraph.RdfFormat.N_QUADS)
    return store


def bound(memory: int) -> None:
    """Let the process have `memory` bytes beyond what it holds by now, and leave no core file."""
    sizes = Path("/proc/self/statm")
    if not sizes.is_file():  # no Linux: the deadline alone bounds the worker
        return
    taken = int(sizes.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + memory, taken + memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(store: pyoxigraph.Store, header: dict[str, Any], body: bytes) -> bytes:
    try:
        found = evaluate(store, Question(text=body.decode(), **header))
    except LegcrampsError as error:
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        return pack({"status": status, "what": error.what, "why": error.why, "repair": error.repair, "code": error.code})
    except MemoryError:
        return pack({"status": 503, "what": "The query needs too much memory", "why": "", "repair": "narrow it", "code": LimitError.code})
    except OSError:
        return pack({"status": 503, "what": "The store cannot be read", "why": "", "repair": "restore it", "code": "LC-1400"})
    except Exception as error:
        why = type(error).__name__
        return pack({"status": 500, "what": "Internal error", "why": why, "repair": "report it", "code": LegcrampsError.code})
    return pack({"status": 200, "media": found.media, "cut": found.cut, "unknown": found.unknown}, found.body)


if __name__ == "__main__":
    main()
