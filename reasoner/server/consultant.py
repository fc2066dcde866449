"""Be a worker that does the jobs of the HTTP interface, one after another, until told to end, left alone or out of time."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from pathlib import Path

from reasoner.errors import LegcrampsError, LimitError
from reasoner.resources import load_knowledge
from reasoner.server.jobs import Consultant, Reply, Task, refused
from reasoner.server.wire import pack, receive
from reasoner.server.worker import bound

__all__ = ["main"]

_GRACE = 2.0


def main() -> None:
    """Do the jobs that come through the socket whose number is the first argument."""
    link = socket.socket(fileno=int(sys.argv[1]))
    incoming = link.makefile("rb", buffering=1 << 16)
    told = receive(incoming)
    if told is None:
        return
    consultant = Consultant(load_knowledge(told.header["folder"]), Path(told.header["folder"]))
    bound(told.header["memory"])
    gc.collect()
    gc.freeze()  # what stays for ever need not be looked through again: no call waits for that
    link.sendall(pack({"ready": True}))
    while (asked := receive(incoming)) is not None:
        signal.setitimer(signal.ITIMER_REAL, told.header["deadline"] + _GRACE)
        reply = _do(consultant, Task(asked.header, asked.body))
        signal.setitimer(signal.ITIMER_REAL, 0)
        link.sendall(pack({"status": 200, **reply.header}, reply.body))


def _do(consultant: Consultant, task: Task) -> Reply:
    """Do a job; whatever goes wrong becomes a reply that quotes nothing."""
    try:
        return consultant.do(task)
    except LegcrampsError as error:
        return refused(error)
    except (MemoryError, RecursionError):
        return refused(LimitError("The document needs too much memory", repair="send less at once"))
    except Exception as error:
        return refused(LegcrampsError("Internal error", why=type(error).__name__, repair="report it"))


if __name__ == "__main__":
    main()
