"""Certificates of the tests' own."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificate:
    """Files of one certificate."""

    chain: Path
    key: Path
    authority: Path  # who signed it


def certificate(
    folder: Path,
    not_after: datetime.datetime | None = None,
    *,
    names: tuple[str, ...] = ("127.0.0.1", "localhost"),
    signed_by: trustme.CA | None = None,
) -> Certificate:
    """A certificate for these names, in PEM files. signed_by: an authority; None: a new one."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = signed_by or trustme.CA()
    made = authority.issue_cert(*names, not_after=not_after)
    files = Certificate(folder / "cert.pem", folder / "key.pem", folder / "authority.pem")
    made.cert_chain_pems[0].write_to_path(str(files.chain))
    files.key.touch(0o600)
    made.private_key_pem.write_to_path(str(files.key))
    authority.cert_pem.write_to_path(str(files.authority))
    return files
