"""Every error a user can meet, each with a stable code.

A code is for programs and never changes its meaning; a message and a hint are for people and may.
An error that travels over the wire becomes the same class again on the other side: `from_code`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class VcgError(Exception):
    """What went wrong and where (message), and what to do about it (hint).

    details: further named values for programs (retry_after_ms ...): only nil, bool, int, float and str travel.
    """

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BadRequest(VcgError):
    """The request names something unknown, or a value is outside its limits."""

    code = "bad_request"


class RecipeError(VcgError):
    """A recipe cannot be read, or belongs to another model."""

    code = "recipe"


class BundleError(VcgError):
    """A bundle is missing, damaged, hostile or of a newer format."""

    code = "bundle"


class PackError(VcgError):
    """An art pack cannot be read, or its art breaks the pack's own rules."""

    code = "pack"


class ProtocolError(VcgError):
    """The other side sent what protocol 1 does not allow."""

    code = "protocol"


class VersionMismatch(VcgError):
    """The two sides have no protocol version in common."""

    code = "version"


class HelloRequired(VcgError):
    """The server does not know this client (any more): it must say hello first."""

    code = "hello_required"


class AuthError(VcgError):
    """The token or key is missing or wrong."""

    code = "auth"


class BusyError(VcgError):
    """The queue is full. details: retry_after_ms."""

    code = "busy"

    @property
    def retry_after_ms(self) -> int:
        """Milliseconds after which to try again; 0 where the server gave no advice."""
        value = self.details.get("retry_after_ms", 0)
        return value if isinstance(value, int) else 0


class LimitError(VcgError):
    """The request is well formed but larger than this server allows."""

    code = "limit"


class IdConflict(VcgError):
    """The id is in use, or was used lately, for another request."""

    code = "id_conflict"


class Cancelled(VcgError):
    """The job was cancelled before it was done."""

    code = "cancelled"


class Stalled(VcgError):
    """The client granted no credit for so long that the server dropped the job."""

    code = "stalled"


class ShuttingDown(VcgError):
    """The server is going down and takes no more requests."""

    code = "shutting_down"


class IntegrityError(VcgError):
    """A blob does not have the length or the sha256 that was announced."""

    code = "integrity"


class NoServer(VcgError):
    """Nothing, or nothing that speaks this protocol, answers at the address."""

    code = "no_server"


class Timeout(VcgError):
    """An answer did not come within the time limit."""

    code = "timeout"


class Disconnected(VcgError):
    """The connection was lost and could not be made again."""

    code = "disconnected"


class ConfigError(VcgError):
    """A setting is wrong or unsafe (binding beyond loopback without authentication ...)."""

    code = "config"


class AddressError(VcgError):
    """The address cannot be bound (port taken, no such interface, no permission)."""

    code = "address"


class OutputError(VcgError):
    """A result cannot be written (folder missing, not writable, disk full)."""

    code = "output"


class DeviceError(VcgError):
    """The compute device asked for is not there or failed."""

    code = "device"


class InternalError(VcgError):
    """A fault of VCG Bridge itself. Worth a bug report."""

    code = "internal"


ERRORS: dict[str, type[VcgError]] = {
    kind.code: kind
    for kind in (
        BadRequest, RecipeError, BundleError, PackError, ProtocolError, VersionMismatch, HelloRequired, AuthError,
        BusyError, LimitError, IdConflict, Cancelled, Stalled, ShuttingDown, IntegrityError, NoServer, Timeout,
        Disconnected, ConfigError, AddressError, OutputError, DeviceError, InternalError,
    )
}  # fmt: skip
"""Code -> class: the one table."""


def from_code(code: str, message: str, *, hint: str = "", **details: object) -> VcgError:
    """The exception for a code from the wire. A code that is newer than this version becomes InternalError."""
    kind = ERRORS.get(code)
    if kind is None:
        return InternalError(f"[{code}] {message}", hint=hint, **details)
    return kind(message, hint=hint, **details)


def listed(names: Iterable[str], *, most: int = 8) -> str:
    """'a, b, c and 5 more': what is possible, for a hint."""
    every = list(names)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


def near(name: str, candidates: Iterable[str], *, most: int = 3) -> str:
    """'did you mean "guard" or "gardener"?', or "" where nothing comes near."""
    table = {c.lower(): c for c in candidates}
    wanted = name.lower()[:128]
    found = difflib.get_close_matches(wanted, table, n=most, cutoff=0.6)
    if len(wanted) >= 3:  # parts of long ids: "cowlick" for "short-04-cowlick"
        found += [c for c in table if wanted in c and c not in found][: most - len(found)]
    quoted = [f'"{table[c]}"' for c in found]
    if not quoted:
        return ""
    return f"did you mean {' or '.join(quoted) if len(quoted) < 3 else ', '.join(quoted[:-1]) + ' or ' + quoted[-1]}?"
