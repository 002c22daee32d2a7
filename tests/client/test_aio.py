"""The asyncio client against a real socket. What both clients share is tested with the blocking one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.support.peer import Peer, plane
from vcg_bridge.client import AsyncClient
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import BadRequest, Cancelled, Disconnected, NoServer, Timeout

pytestmark = pytest.mark.socket
DESIGN = m.Design(seed=7)
RETRY_S = 1.2
"""Between the fourth try and the fifth: a client that gives up then has long known why."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """In a fresh loop, at the end of which no task may be left."""

    async def checked() -> None:
        async with asyncio.timeout(60):
            await main
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(checked())


def test_many_tasks_share_one_connection() -> None:
    async def main() -> None:
        with Peer() as peer:
            async with await AsyncClient.connect(peer.address) as client:

                async def one(count: int) -> list[bytes]:
                    return [p.data async for p in client.generate(design=DESIGN, count=count)]

                results = await asyncio.gather(*(one(n) for n in range(1, 9)), client.describe(), client.ping())
                for n, result in enumerate(results[:8], 1):
                    assert result == [plane(i) for i in range(3 * n)]
                assert len(peer.of_type(m.Hello)) == 1

    run(main())


def test_a_task_that_takes_nothing_holds_up_no_other() -> None:
    async def main() -> None:
        with Peer() as peer:
            async with await AsyncClient.connect(peer.address, window_bytes=4000) as client:
                slow = client.generate(design=DESIGN, count=100)
                assert await slow.next() is not None
                assert len([p async for p in client.generate(design=DESIGN, count=20)]) == 60
                await client.ping()
                assert peer.of_type(m.Ping)
                assert len(peer.sent_chunks) < 80
                assert [p.chunk.seq async for p in slow] == list(range(1, 300))

    run(main())


def test_characters_and_cancelling() -> None:
    async def main() -> None:
        with Peer() as peer:
            async with await AsyncClient.connect(peer.address) as client:
                assert [x.recipe.seed async for x in client.generate_characters(design=DESIGN, count=3)] == [0, 1, 2]
                assert len((await client.generate_character(design=DESIGN)).character().frames) == 24
                peer.delay_s = 0.01
                async with client.generate(design=DESIGN, count=100, id="left") as job:
                    assert await job.next() is not None
                await client.ping()
                assert m.Cancel("left") in peer.requests
                other = client.generate(design=DESIGN, count=100)
                assert await other.next() is not None
                await other.cancel()
                with pytest.raises(Cancelled):
                    await other.next()
                with pytest.raises(BadRequest):
                    client.generate(design=DESIGN, count=0)

    run(main())


def test_a_cancelled_task_leaves_the_connection_sound() -> None:
    async def main() -> None:
        with Peer() as peer:
            peer.delay_s = 0.01
            async with await AsyncClient.connect(peer.address) as client:

                async def forever() -> None:
                    async with client.generate(design=DESIGN, count=1000, id="doomed") as job:
                        async for _ in job:
                            pass

                task = asyncio.create_task(forever())
                await asyncio.sleep(0.2)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await client.ping()
                assert m.Cancel("doomed") in peer.requests
                assert len([p async for p in client.generate(design=DESIGN)]) == 3

    run(main())


def test_a_server_that_dies_and_comes_back_costs_nothing(port: int) -> None:
    async def main() -> None:
        first = Peer(port)
        with first:
            first.delay_s = 0.005
            client = await AsyncClient.connect(first.address)
            job = client.generate(design=DESIGN, count=40)
            got = [await job.next() for _ in range(20)]
        with Peer(port) as second:
            async with client:
                got += [p async for p in job]
                assert [p.chunk.seq for p in got if p] == list(range(120))
                assert second.sent_chunks[0] >= 20

    run(main())


def test_no_server_and_lost_server(port: int) -> None:
    async def main() -> None:
        with Peer(port) as peer:
            client = await AsyncClient.connect(peer.address, retry_s=RETRY_S)
            peer.silent = True
            with pytest.raises(Timeout):
                await client.describe(timeout_s=0.2)
        with pytest.raises(NoServer, match="refused"):
            await AsyncClient.connect(peer.address)
        with pytest.raises(NoServer, match="refused"):
            await AsyncClient.connect(peer.address, wait=True, timeout_s=RETRY_S)
        with pytest.raises(Disconnected, match="refused"):
            await client.generate(design=DESIGN).next()
        await client.close()
        with pytest.raises(Disconnected, match="closed"):
            await client.ping()

    run(main())


def test_close_ends_who_waits_and_leaves_nothing_behind() -> None:
    async def main() -> None:
        with Peer() as peer:
            before = threading.active_count()
            peer.delay_s = 0.05
            client = await AsyncClient.connect(peer.address)
            job = client.generate(design=DESIGN, count=1000)

            async def collect() -> int:
                return len([p async for p in job])

            waiting = asyncio.create_task(collect())
            await asyncio.sleep(0.2)
            await client.close()
            with pytest.raises(Disconnected, match="closed"):
                await waiting
            assert threading.active_count() == before

    run(main())


class BlindLoop(asyncio.SelectorEventLoop):
    """Watches no descriptors for its users, as the default loop on Windows."""

    def add_reader(self, *_: Any) -> None:
        raise NotImplementedError


def test_a_loop_that_watches_no_descriptors() -> None:
    async def main() -> None:
        with Peer() as peer:
            async with await AsyncClient.connect(peer.address) as client:
                assert len([p async for p in client.generate(design=DESIGN, count=10)]) == 30

    with asyncio.Runner(loop_factory=BlindLoop) as runner:
        runner.run(main())
