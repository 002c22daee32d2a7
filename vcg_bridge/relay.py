"""Bytes carried both ways between two asyncio streams, in bounded memory. What they mean is nobody's business here."""

from __future__ import annotations

import asyncio
import contextlib

BUFFER_BYTES = 1 << 18
"""That one direction may hold. Above it the sending side is not read: TCP makes it wait."""

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""Made with `limit=BUFFER_BYTES`."""


async def join(one: Stream, other: Stream, *, close_s: float, stall_s: float | None = None) -> None:
    """Carry bytes both ways until one side ends; then what is under way may still arrive. Closes both sides.

    stall_s: a side that takes nothing for so long while bytes wait for it has ended; None: it may take its time.
    close_s: for the last bytes, and for the closing messages of TLS. What is not taken within it is lost.
    """
    ways = [
        asyncio.create_task(_pump(one[0], other[1], stall_s)),
        asyncio.create_task(_pump(other[0], one[1], stall_s)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # The way that ended has told its receiver; nothing more is read from the other.
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await asyncio.gather(_close(one[1], close_s), _close(other[1], close_s))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, stall_s: float | None) -> None:
    sink.transport.set_write_buffer_limits(high=BUFFER_BYTES)
    with contextlib.suppress(OSError):  # TimeoutError is one
        while data := await source.read(BUFFER_BYTES):
            sink.write(data)
            async with asyncio.timeout(stall_s):
                await sink.drain()


async def _close(writer: asyncio.StreamWriter, limit_s: float) -> None:
    writer.close()
    try:
        async with asyncio.timeout(limit_s):
            await writer.wait_closed()
    except (OSError, asyncio.CancelledError):
        writer.transport.abort()
