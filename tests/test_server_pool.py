"""The pool keeps who asks little apart from who asks much, refuses at once what it cannot take, and leaves no process behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pyoxigraph
import pytest
from pyoxigraph import NamedNode, Quad
from servers import is_alive, until

from reasoner.server.app import hold
from reasoner.server.lane import Lane
from reasoner.server.pool import OverloadedError, Pool
from reasoner.server.process import Source, Worker, WorkerLostError
from reasoner.server.settings import Limits
from reasoner.server.wire import pack

LIMITS = Limits(workers=1, slow_workers=1, deadline=2.0, waiting=2, slow_waiting=1)
RUNAWAY = "SELECT (COUNT(*) AS ?n2) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"


def with_pool(work: Callable[[Pool], Awaitable[None]], limits: Limits = LIMITS) -> None:
    """Do some work with a pool over a few hundred quads."""
    holdings = hold(Quad(NamedNode(f"urn:s{n}"), NamedNode("urn:p"), NamedNode(f"urn:o{n}")) for n in range(800))

    async def run() -> None:
        pool = Pool(Source(descriptor=holdings.descriptor), limits)
        await pool.start()
        workers = pool.processes
        try:
            async with asyncio.timeout(60):
                await work(pool)
        finally:
            workers += pool.processes
            await pool.close()
        assert not any(map(is_alive, workers))

    asyncio.run(run())
    holdings.close()


async def ask(pool: Pool, text: str) -> int:
    return int((await pool.ask(text, pack({"rows": 10, "size": 10_000}, text.encode()))).header["status"])


def test_a_question_is_answered() -> None:
    async def work(pool: Pool) -> None:
        assert [await ask(pool, text) for text in ("ASK {}", "ASK", "ASK { SERVICE <urn:x> {} }")] == [200, 400, 403]

    with_pool(work)


def test_long_questions_leave_the_lane_and_end_in_time() -> None:
    async def work(pool: Pool) -> None:
        begun = asyncio.get_running_loop().time()
        runaway = asyncio.create_task(ask(pool, RUNAWAY))
        await asyncio.sleep(0.5)
        assert await ask(pool, "ASK {}") == 200
        assert not runaway.done(), "it has ended by itself: this shows nothing"
        with pytest.raises(WorkerLostError, match="stopped") as lost:
            await runaway
        assert "2 s" in lost.value.why
        assert asyncio.get_running_loop().time() - begun < 12

    with_pool(work)


def test_a_text_that_was_slow_waits_apart_and_not_for_ever() -> None:
    async def work(pool: Pool) -> None:
        first = asyncio.create_task(ask(pool, RUNAWAY))
        await asyncio.sleep(1)
        second, third = (asyncio.create_task(ask(pool, RUNAWAY)) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await third
        assert await ask(pool, "ASK {}") == 200
        for task in (first, second):
            with pytest.raises((WorkerLostError, OverloadedError)):
                await task

    with_pool(work)


def test_a_second_runaway_does_not_take_the_lane() -> None:
    async def work(pool: Pool) -> None:
        tasks = [asyncio.create_task(ask(pool, RUNAWAY.replace("n2", f"m{number}"))) for number in range(3)]
        await asyncio.sleep(0.2)
        assert await ask(pool, "ASK {}") == 200
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, WorkerLostError) for each in found)

    with_pool(work, replace(LIMITS, waiting=5))


def test_overload_is_said_at_once() -> None:
    async def work(pool: Pool) -> None:
        loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(ask(pool, f"ASK {{ ?s ?p {number} }}")) for number in range(30)]
        begun = loop.time()
        await asyncio.sleep(0)
        refused = [task for task in tasks if task.done() and isinstance(task.exception(), OverloadedError)]
        assert len(refused) == 30 - LIMITS.waiting - 1
        assert loop.time() - begun < 5
        assert await asyncio.gather(*(task for task in tasks if task not in refused)) == [200] * 3

    with_pool(work)


def test_workers_are_had_in_the_order_in_which_they_are_asked_for() -> None:
    async def run() -> None:
        lane = Lane()
        order: list[tuple[str, Worker]] = []
        workers = [Worker(lambda _: None) for _ in range(3)]

        async def wait(name: str) -> None:
            order.append((name, await lane.get()))

        tasks = [asyncio.create_task(wait(name)) for name in "abcd"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        lane.put(workers[0])
        lane.put(workers[1])
        tasks.append(asyncio.create_task(wait("late")))
        tasks[2].cancel()  # it has a worker, and never comes to know
        await asyncio.sleep(0.01)
        assert order == [("a", workers[0]), ("d", workers[1])]
        assert lane.waiting == 1
        workers[2].lost = True
        lane.put(workers[2])
        lane.put(workers[0])
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order[2:] == [("late", workers[0])]
        assert (lane.take(), lane.waiting) == (None, 0)

    asyncio.run(run())


def test_a_client_that_goes_away_stops_its_query() -> None:
    async def work(pool: Pool) -> None:
        before = set(pool.processes)
        task = asyncio.create_task(ask(pool, RUNAWAY))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await ask(pool, "ASK {}") == 200
        assert await asyncio.to_thread(until, lambda: not all(map(is_alive, before)))

    with_pool(work)


def test_memory_is_bounded() -> None:
    async def work(pool: Pool) -> None:
        text = "SELECT (GROUP_CONCAT(CONCAT(?x, STR(?c), STR(?f))) AS ?y) { ?a ?b ?c . ?d ?e ?f BIND ('" + "x" * 4000 + "' AS ?x) }"
        try:
            assert await ask(pool, text) in (413, 503)
        except WorkerLostError as lost:
            assert "memory" in lost.why
        assert await ask(pool, "ASK {}") == 200

    with_pool(work, replace(LIMITS, memory=1 << 27, deadline=30.0))


def test_a_worker_ends_with_its_server() -> None:
    import subprocess
    import sys

    code = """
import asyncio, sys
from reasoner.server.app import hold
from reasoner.server.pool import Pool
from reasoner.server.process import Source
from reasoner.server.settings import Limits
from reasoner.server.wire import pack
async def run():
    pool = Pool(Source(descriptor=hold(()).descriptor), Limits(workers=2))
    await pool.start()
    print(*pool.processes, flush=True)
    await asyncio.sleep(60)
asyncio.run(run())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        workers = [int(word) for word in process.stdout.readline().split()]
        assert len(workers) == 2
        os.kill(process.pid, 9)
    assert until(lambda: not any(map(is_alive, workers)))


def test_the_store_is_what_the_quads_say() -> None:
    holdings = hold([Quad(NamedNode("urn:s"), NamedNode("urn:p"), NamedNode("urn:o"), NamedNode("urn:g"))])
    size = os.fstat(holdings.descriptor).st_size
    store = pyoxigraph.Store()
    store.load(os.pread(holdings.descriptor, size, 0), format=pyoxigraph.RdfFormat.N_QUADS)
    assert {str(quad.graph_name) for quad in store} == {"<urn:g>", "DEFAULT"}
    holdings.close()
