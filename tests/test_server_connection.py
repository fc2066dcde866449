"""A crowd is refused at once and hurts no others; a request that does not come is not waited for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from reasoner.server.replies import read_body, send_reply
from reasoner.server.run import configure, listen
from reasoner.server.settings import Limits

LIMITS = Limits(workers=1, waiting=3, receiving=0.3)
QUERY = "GET /sparql?query=ASK HTTP/1.1\r\nHost: localhost\r\n"
POST = "POST /sparql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sparql-query\r\nContent-Length: 6\r\n\r\n"


class Site:
    """An application behind the connections of the server, whose queries end when they are told to."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked = 0
        self.may_end = asyncio.Event()
        self.clients: list[Client] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(scope, receive, 1000)
        if b"wait" in scope["query_string"]:
            self.asked += 1
            await self.may_end.wait()
        await send_reply(send, 200, body or b"yes")

    async def client(self) -> Client:
        self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.clients[-1]

    async def crowd(self) -> list[Client]:
        """Return the clients whose queries take all the room."""
        clients = [await self.client() for _ in range(LIMITS.workers + LIMITS.waiting)]
        most = self.asked + len(clients)
        for each in clients:
            each.send(QUERY.replace("ASK", "wait") + "\r\n")
        while self.asked < most:
            await asyncio.sleep(0.001)
        return clients


class Client:
    """A connection to the site."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, text: str) -> None:
        self.writer.write(text.encode())

    async def answer(self) -> tuple[int, str, bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return int(head.split()[1]), head, await self.reader.readexactly(length)

    async def ask(self, text: str = QUERY + "\r\n") -> int:
        self.send(text)
        return (await self.answer())[0]


def with_site(work: Callable[[Site], Awaitable[None]], limits: Limits = LIMITS) -> None:
    async def run() -> None:
        listening = listen("127.0.0.1", 0)
        site = Site(listening.getsockname()[1])
        config = configure(site, limits)
        config.lifespan = "off"
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve([listening]))
        while not server.started:
            await asyncio.sleep(0.001)
        try:
            async with asyncio.timeout(10):
                await work(site)
        finally:
            site.may_end.set()
            for each in site.clients:
                each.writer.close()
            server.should_exit = True
            await running

    asyncio.run(run())


def test_one_too_many_is_refused_before_the_application_is_asked() -> None:
    async def work(site: Site) -> None:
        crowd = await site.crowd()
        one = await site.client()
        one.send(QUERY + "\r\n")
        status, head, body = await one.answer()
        assert (status, "retry-after: 1\r\n" in head, "nosniff" in head) == (503, True, True)
        assert (json.loads(body)["status"], site.asked) == (503, len(crowd))
        assert await one.ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200, "what is no query is answered"
        assert await one.ask(QUERY + "Authorization: Bearer x\r\n\r\n") == 200, "an update may be"
        site.may_end.set()
        assert [(await each.answer())[0] for each in crowd] == [200] * len(crowd)
        assert await (await site.client()).ask() == 200

    with_site(work)


@pytest.mark.parametrize("body", ["ASK {}", "ASK {}" + QUERY + "\r\n"])
def test_a_refused_body_is_read_past(body: str) -> None:
    async def work(site: Site) -> None:
        await site.crowd()
        one = await site.client()
        assert await one.ask(POST + body) == 503
        if body != "ASK {}":
            assert (await one.answer())[0] == 503
        site.may_end.set()
        assert await (await site.client()).ask(POST + "ASK {}") == 200
        await asyncio.sleep(0.05)
        assert await one.ask(POST + "ASK {}") == 200, "the connection stands, and what was refused is not read as a request"

    with_site(work)


@pytest.mark.parametrize("path", ["/cds-services/legcramps-patient-view", "/api/assess"])
def test_calls_are_a_crowd_of_their_own(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasoner.server.run.CALLS", LIMITS)
    call = f"POST {path}?wait HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Length: 2\r\n\r\n{{}}"

    async def work(site: Site) -> None:
        callers = [await site.client() for _ in range(LIMITS.workers + LIMITS.waiting)]
        for each in callers:
            each.send(call)
        while site.asked < len(callers):
            await asyncio.sleep(0.001)
        one = await site.client()
        assert [await one.ask(call), await one.ask()] == [503, 200], "queries are another"
        feedback = call.replace(path, "/cds-services/legcramps-patient-view/feedback").replace("?wait", "")
        assert await one.ask(feedback) == 200
        await site.crowd()
        assert await (await site.client()).ask() == 503

    with_site(work)


def test_a_client_that_wants_to_close_is_closed() -> None:
    async def work(site: Site) -> None:
        await site.crowd()
        one = await site.client()
        assert await one.ask(QUERY + "Connection: close\r\n\r\n") == 503
        assert await one.reader.read() == b""

    with_site(work)


def test_who_asks_again_at_once_does_not_keep_others_out() -> None:
    async def work(site: Site) -> None:
        crowd = await site.crowd()
        hammering = await site.client()
        assert await hammering.ask() == 503
        crowd[0].writer.close()
        await asyncio.sleep(0.05)
        assert await hammering.ask() == 503, "there is room for one, but not for one who was told to wait"
        assert await (await site.client()).ask() == 200
        for each in crowd[1:]:
            each.writer.close()
        await asyncio.sleep(0.05)
        assert await hammering.ask() == 200, "there is room for all"

    with_site(work)


def test_clients_that_go_away_leave_no_trace_in_the_count() -> None:
    async def work(site: Site) -> None:
        for _ in range(5):
            site.asked = 0
            for each in await site.crowd():
                each.writer.close()
            one = await site.client()
            one.send(QUERY + "\r\n")
            one.writer.close()
            await asyncio.sleep(0.05)
        assert await (await site.client()).ask() == 200

    with_site(work)


@pytest.mark.parametrize("beginning", ["", "GET /sp", QUERY, POST, POST + "ASK"])
def test_a_request_that_does_not_come_whole_is_not_waited_for(beginning: str) -> None:
    async def work(site: Site) -> None:
        slow, other = await site.client(), await site.client()
        assert await other.ask() == 200
        begun = asyncio.get_running_loop().time()
        slow.send(beginning)

        async def drip() -> None:
            while True:
                await asyncio.sleep(0.1)
                slow.send("" if not beginning else "x")

        dripping = asyncio.create_task(drip())
        assert await other.ask() == 200
        said = await slow.reader.read()
        dripping.cancel()
        assert said.startswith(b"HTTP/1.1 408 ") or not said
        assert asyncio.get_running_loop().time() - begun < 10
        assert await (await site.client()).ask() == 200

    with_site(work)


def test_a_whole_request_may_take_longer_to_answer_than_to_come() -> None:
    async def work(site: Site) -> None:
        [one, *_] = await site.crowd()
        await asyncio.sleep(2 * LIMITS.receiving)
        site.may_end.set()
        assert (await one.answer())[0] == 200

    with_site(work)


def test_requests_that_wait_for_their_turn_are_not_late() -> None:
    async def work(site: Site) -> None:
        one = await site.client()
        one.send(QUERY.replace("ASK", "wait") + "\r\n" + POST[:20])
        await asyncio.sleep(0.1)
        site.may_end.set()
        assert (await one.answer())[0] == 200
        assert await one.ask(POST[20:] + "ASK {}") == 200

    with_site(work, replace(LIMITS, receiving=5.0))
