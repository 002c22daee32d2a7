"""A batch that a client reads chunk by chunk, while something happens to those who draw it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.server.conftest import Dealer
from vcg_bridge.contract import messages as m


def batch_with_mishaps(
    dealer: Dealer, request: m.Generate, mishaps: Mapping[int, Callable[[], None]]
) -> dict[int, bytes]:
    """The blobs of a request, by seq: every chunk once, in order, to the end. mishaps: what is done when the chunk of that seq has come.

    What was received is granted again, as clients do. Fails where some mishap was never due.
    """
    got: dict[int, bytes] = {}
    due = dict(mishaps)
    dealer.send(request)
    while True:
        reply, parts, size = dealer.message()
        if isinstance(reply, m.Chunk):
            assert reply.seq == len(got), "each once, and in order"
            got[reply.seq] = parts[0]
            dealer.send(m.Credit(request.id, size))
            due.pop(reply.seq, lambda: None)()
        elif isinstance(reply, m.Done | m.Error):
            break
    assert isinstance(reply, m.Done), reply
    assert not due, "it was over before"
    assert len(got) == reply.chunks
    return got
