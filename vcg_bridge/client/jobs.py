"""The state of one job as the client sees it: what came, what was taken, what is owed to the server in credit."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from vcg_bridge.client.pictures import BYTES_PER_PIXEL, Picture
from vcg_bridge.contract.blobs import decode_blob
from vcg_bridge.contract.errors import ProtocolError, VcgError
from vcg_bridge.contract.messages import Accepted, Chunk, Done, Generate
from vcg_bridge.contract.recipe import Recipe


class JobState:
    """One generate: from the request to `done`, over lost connections and retries."""

    def __init__(self, request: Generate, window_bytes: int) -> None:
        self.request = request
        self.window_bytes = window_bytes
        self.accepted: Accepted | None = None
        self.done: Done | None = None
        self.error: VcgError | None = None
        self.next_seq = 0
        self.retry_at: float | None = None  # when to send the request again, after busy
        self.busy_since: float | None = None  # first refusal since it last got on
        self.cancelling = False
        self._waiting: deque[tuple[Picture, int]] = deque()  # came, not taken: picture, bytes of its message
        self._waiting_bytes = 0
        self._owed_bytes = 0  # taken, not granted again
        self._recipe: Recipe | None = None
        self._palette = b""
        self._character = -1

    @property
    def id(self) -> str:
        """As the server knows it."""
        return self.request.id

    @property
    def finished(self) -> bool:
        """Nothing more will come. Pictures that were not taken may still be there."""
        return self.done is not None or self.error is not None

    @property
    def ready(self) -> bool:
        """There is a picture to take, or an end to tell of."""
        return bool(self._waiting) or self.finished

    def request_now(self) -> Generate:
        """The request, for the first time or again: only what has not come, and no more than there is room for."""
        self.retry_at = None
        self._owed_bytes = 0
        credit = max(self.window_bytes - self._waiting_bytes, 0)
        return replace(self.request, credit=credit, first_seq=self.next_seq)

    def add(self, chunk: Chunk, blob: bytes, size: int) -> None:
        """A chunk came, `size` bytes in all. Raises ProtocolError or IntegrityError; ignores what came before."""
        if chunk.seq < self.next_seq:
            return
        if self.accepted is None or chunk.seq >= self.accepted.chunks:
            raise ProtocolError(
                f"chunk {chunk.seq} came, but {self.accepted.chunks if self.accepted else 0} were announced"
            )
        if chunk.seq != self.next_seq:
            raise ProtocolError(f"chunk {chunk.seq} came where chunk {self.next_seq} was due")
        if chunk.character != self._character:
            if chunk.recipe is None or not chunk.palette:
                raise ProtocolError(f"the first chunk of character {chunk.character} lacks its recipe or palette")
            self._recipe, self._palette, self._character = chunk.recipe, chunk.palette, chunk.character
        pixel = BYTES_PER_PIXEL.get(chunk.format)
        if pixel and chunk.raw_length != pixel * chunk.width * chunk.height:
            raise ProtocolError(
                f"chunk {chunk.seq}: {chunk.raw_length} bytes for {chunk.width} x {chunk.height} pixels"
            )
        data = decode_blob(chunk.codec, blob, chunk.raw_length, chunk.sha256)
        assert self._recipe is not None
        self._waiting.append((Picture(chunk, data, self._recipe, self._palette), size))
        self._waiting_bytes += size
        self.next_seq += 1
        self.busy_since = None

    def finish(self, done: Done) -> None:
        """`done` came. Raises ProtocolError where chunks are missing."""
        if self.accepted is None or self.next_seq != self.accepted.chunks:
            raise ProtocolError(f"the job ended after {self.next_seq} chunks")
        self.done = done

    def take(self) -> Picture | None:
        """The next picture, None where none has come yet."""
        if not self._waiting:
            return None
        picture, size = self._waiting.popleft()
        self._waiting_bytes -= size
        self._owed_bytes += size
        return picture

    def grant(self) -> int:
        """Bytes to grant now: a quarter of the window at a time, so that small chunks need no message each."""
        if self.finished or self._owed_bytes < self.window_bytes // 4:
            return 0
        granted, self._owed_bytes = self._owed_bytes, 0
        return granted

    def drop(self) -> None:
        """Forget what came and was not taken."""
        self._waiting.clear()
        self._waiting_bytes = 0
