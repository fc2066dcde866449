"""Load a server from a process of its own: python -m benchmarks.load, told by JSON on standard input what to ask of whom.

Clients keep their connection and ask again as soon as they are answered. Written into a file is, per kind of request and
status, every latency in seconds.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["main"]

_PATIENCE = 30


@dataclass
class Kind:
    """One kind of request, with its texts, its share of all requests, and what came of it."""

    name: str
    requests: list[bytes]
    share: float
    latencies: dict[int, list[float]] = field(default_factory=dict)

    def took(self, status: int, seconds: float) -> None:
        """Keep a latency."""
        self.latencies.setdefault(status, []).append(seconds)


class Client(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, kinds: list[Kind], end: float, seed: int) -> None:
        self._kinds, self._end, self._chance = kinds, end, random.Random(seed)  # noqa: S311
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        """Begin to ask."""
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        if time.monotonic() >= self._end:
            self._transport.close()
            return
        self._kind = self._chance.choices(self._kinds, [kind.share for kind in self._kinds])[0]
        self._transport.write(self._chance.choice(self._kind.requests))
        self._began = time.perf_counter()

    def data_received(self, data: bytes) -> None:
        """Take an answer, and ask again when it is whole."""
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        fields = self._buffer[:head].lower()
        length = int(fields.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(self._buffer) >= head + 4 + length:
            self._kind.took(int(fields.split(b" ", 2)[1]), time.perf_counter() - self._began)
            self._buffer = b""
            self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        """End; a connection that broke in the middle counts as status 0."""
        if time.monotonic() < self._end:
            self._kind.took(0, time.perf_counter() - self._began)
        if not self.done.done():
            self.done.set_result(None)


async def _load(told: dict[str, Any]) -> dict[str, Any]:
    kinds = [Kind(each["name"], [text.encode() for text in each["requests"]], each["share"]) for each in told["kinds"]]
    loop, end = asyncio.get_running_loop(), time.monotonic() + told["seconds"]
    clients = [
        (await loop.create_connection(lambda number=number: Client(kinds, end, number), "127.0.0.1", told["port"]))[1]
        for number in range(told["clients"])
    ]
    await asyncio.wait([client.done for client in clients], timeout=told["seconds"] + _PATIENCE)
    return {kind.name: kind.latencies for kind in kinds}


def main() -> None:
    """Load, and write what came of it into the file that was named."""
    try:
        import uvloop

        run: Any = uvloop.run
    except ImportError:
        run = asyncio.run
    told = json.load(sys.stdin)
    Path(told["output"]).write_text(json.dumps(run(_load(told))), encoding="utf-8")


if __name__ == "__main__":
    main()
