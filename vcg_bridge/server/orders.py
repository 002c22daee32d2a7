"""What goes to a replica and comes back from it, as bytes: plain msgpack maps, nothing that could be executed.

Both ends are this server's own, in the same version; the format is nobody else's business and may change.
"""

from __future__ import annotations

import traceback
from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import Any

import msgpack

from vcg_bridge.contract import messages
from vcg_bridge.contract.errors import VcgError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.messages import Error, Generate, Limits
from vcg_bridge.generators.cache import CacheInfo
from vcg_bridge.server.jobs import Plan, Ready, Step, Tally, Turn, plan_of
from vcg_bridge.server.worker import Event, Lost, Stage

PLANS = 256
"""Jobs whose plan a replica remembers: their next step needs it again."""


class Fault(Exception):
    """What went wrong in a replica, with its traceback as text."""


@dataclass(frozen=True)
class Settings:
    """All that a replica needs to know before it can draw."""

    device: str
    threads: int
    cache_bytes: int  # drawn views, of each bundle
    loaded: int  # bundles that are open at once
    limits: Limits
    bundles: tuple[tuple[str, str], ...]  # to be opened at once: sha256 of the manifest, folder
    nice: int = 0  # how much it gives way to other processes of its machine, 0 to 19

    def pack(self) -> bytes:
        """As bytes."""
        return _pack(asdict(self))


def unpack_settings(data: bytes) -> Settings:
    """What `Settings.pack` made."""
    fields = _unpack(data)
    bundles = tuple((sha256, folder) for sha256, folder in fields.pop("bundles"))
    return Settings(**{**fields, "limits": Limits(**fields["limits"]), "bundles": bundles})


@dataclass(frozen=True)
class Stop:
    """Nobody wants that step any more."""

    step: int


def pack_turn(turn: Turn, folder: str) -> bytes:
    """folder: where its bundle is."""
    steps = [
        [s.number, s.job, messages.encode(s.plan.request)[0], s.first, s.end, s.codecs, s.blob_bytes, s.poses]
        for s in turn.steps
    ]
    return _pack({"turn": turn.number, "sha256": turn.sha256, "folder": folder, "steps": steps})


def pack_stop(order: Stop) -> bytes:
    """A wish about something under way. (Nothing of a replica is paused: its work waits by itself for what is more urgent.)"""
    return _pack({"stop": order.step})


@dataclass(frozen=True)
class Order:
    """A turn as it arrives: the bundle must be opened before its steps can be planned."""

    turn: int
    sha256: str
    folder: str
    steps: list[list[Any]]

    def plan(self, manifest: Manifest, limits: Limits, plans: OrderedDict[int, Plan]) -> Turn:
        """The turn. plans: of earlier steps, by job."""
        steps = []
        for number, job, request, first, end, codecs, blob_bytes, poses in self.steps:
            if job not in plans:
                wish = messages.decode_request([request])
                assert isinstance(wish, Generate)
                plans[job] = plan_of(manifest, wish, limits)
            plans.move_to_end(job)
            steps.append(Step(number, job, plans[job], first, end, tuple(codecs), blob_bytes, poses))
        while len(plans) > PLANS:
            plans.popitem(last=False)
        return Turn(self.turn, tuple(steps))


def unpack_order(data: bytes) -> Order | Stop:
    """What `pack_turn` or `pack_stop` made."""
    fields = _unpack(data)
    if "stop" in fields:
        return Stop(fields["stop"])
    return Order(fields["turn"], fields["sha256"], fields["folder"], fields["steps"])


@dataclass(frozen=True)
class Opened:
    """The replica has loaded what it was told to and waits for turns."""

    device: str


@dataclass(frozen=True)
class Said:
    """A line of a replica's log."""

    level: int
    message: str


Report = Event | Stage | Lost | Opened | Said | CacheInfo
"""What comes back."""


def pack_report(report: Report) -> bytes:
    """As bytes. An exception that is none of ours keeps its traceback as text."""
    match report:
        case Event(step, list() as chunks):
            return _pack({"step": step, "ready": [[c.seq, c.frames, c.size, c.request] for c in chunks]})
        case Event(step, Tally() as tally):
            return _pack({"step": step, "tally": vars(tally)})
        case Event(step, VcgError() as error):
            return _pack({"step": step, "error": messages.encode(messages.error_message(error))[0]})
        case Event(step, Exception() as error):
            return _pack({"step": step, "fault": "".join(traceback.format_exception(error))})
        case Stage():
            return _pack({"stage": list(report)})
        case Lost():
            return _pack({"lost": list(report)})
        case Opened(device):
            return _pack({"opened": device})
        case Said(level, message):
            return _pack({"log": [level, message]})
        case CacheInfo():
            return _pack({"cache": asdict(report)})
    raise TypeError(f"{report!r} is no report")


def unpack_report(data: bytes) -> Report:
    """What `pack_report` made."""
    fields = _unpack(data)
    if "ready" in fields:
        return Event(fields["step"], [Ready(*chunk) for chunk in fields["ready"]])
    if "tally" in fields:
        return Event(fields["step"], Tally(**fields["tally"]))
    if "error" in fields:
        reply, _ = messages.decode_reply([fields["error"]])
        assert isinstance(reply, Error)
        return Event(fields["step"], messages.exception_of(reply))
    if "fault" in fields:
        return Event(fields["step"], Fault(fields["fault"]))
    if "stage" in fields:
        return Stage(*fields["stage"])
    if "lost" in fields:
        return Lost(*fields["lost"])
    if "opened" in fields:
        return Opened(fields["opened"])
    if "log" in fields:
        return Said(*fields["log"])
    return CacheInfo(**fields["cache"])


def _pack(fields: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(fields, unicode_errors="surrogateescape")  # a folder may have any name
    return packed


def _unpack(data: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = msgpack.unpackb(data, unicode_errors="surrogateescape")
    return fields
