"""What is said when a job ends: all that `done` tells, and what is told of a fault of our own."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

from vcg_bridge.contract import messages
from vcg_bridge.contract.errors import VcgError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.messages import Done
from vcg_bridge.server.jobs import Job

log = logging.getLogger("vcg_bridge.server")


def done_of(job: Job, manifest: Manifest, now: float) -> Done:
    """The message of a job that is done. manifest: of its bundle. now: s, on the clock that its times are of."""
    tally = job.tally
    timings = {
        "queued": ((job.started_at or now) - job.accepted_at) * 1000,
        "design": tally.design_ms, "draw": tally.draw_ms, "compose": tally.compose_ms, "encode": tally.encode_ms,
        "first_chunk": ((job.first_sent_at or now) - job.accepted_at) * 1000,
        "total": (now - job.accepted_at) * 1000,
    }  # fmt: skip
    return Done(
        id=job.id,
        characters=job.plan.request.count,
        chunks=job.plan.chunks,
        licence=manifest.licence,
        attribution=manifest.attribution,
        timings_ms={name: round(value, 3) for name, value in timings.items()},
        margin=0.0 if tally.margin == float("inf") else tally.margin,
        redrawn=tally.redrawn,
        cache={"hits": tally.hits, "misses": tally.misses},
    )


def fault(error: Exception, where: str, about: Mapping[str, str]) -> VcgError:
    """What to say of a fault of our own: all of it in the log, a number for it to the client. about: `logs.FIELDS` of that line."""
    incident = secrets.token_hex(4)
    log.error("incident %s in %s", incident, where, exc_info=error, extra=about)
    told = messages.exception_of(messages.error_message(error))
    return type(told)(told.message, hint=f"the server's log says more under {incident}", incident=incident)
