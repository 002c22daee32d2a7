"""The certificate of the TLS front: read, looked at before clients see it, taken anew when its files change, complained about before it ends."""

from __future__ import annotations

import logging
import os
import ssl
import stat
import time
from collections.abc import Callable
from pathlib import Path

from vcg_bridge.contract.errors import ConfigError
from vcg_bridge.server.renewal import Renewed

log = logging.getLogger("vcg_bridge.server")

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, for which Python has no name: the dates of a certificate that has ended can be read too."""

WARN_DAYS = 14
"""So long before its end a certificate is warned about, once a day."""

DAY_S = 86400.0


class ServedCertificate:
    """The one that the front gives to clients."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Two PEM files. Raises ConfigError where they are no pair. One that clients will refuse is warned about."""
        self._files = certificate, key
        self._renewed = Renewed("--tls", self._files, self._take)
        self.context = server_context(certificate, key)
        self.expiry = expiry(self.context, certificate)
        """When it ends, in seconds since 1970; None where that is not known."""
        self._use: Callable[[ssl.SSLContext], None] = lambda context: None
        self._warned = float("-inf")
        problem = certificate_problem(self.context, certificate)
        if problem:
            log.warning("TLS certificate %s: %s; clients will refuse it", certificate, problem)

    def give_to(self, use: Callable[[ssl.SSLContext], None]) -> None:
        """use: takes the next ones."""
        self._use = use

    @property
    def complaint(self) -> str:
        """Why the newest is not in force; "" it is."""
        return self._renewed.complaint

    def look(self, now: float, *, at_once: bool = False) -> None:
        """Take a new one, if there is one; warn in the last days. now: of the monotonic clock, s."""
        self._renewed.look(now, at_once=at_once)
        if self.expiry is None or now - self._warned < DAY_S:
            return
        left = remaining_days(self.expiry)
        if left < WARN_DAYS:
            self._warned = now
            log.warning("TLS certificate %s %s: renew it", self._files[0], ends_in(self.expiry))

    def _take(self) -> str:
        certificate, key = self._files
        context = server_context(certificate, key)
        problem = certificate_problem(context, certificate)
        if problem:
            raise ConfigError(f"--tls: {certificate}: {problem}; clients would refuse it")
        self.context, self.expiry = context, expiry(context, certificate)
        self._warned = float("-inf")
        self._use(context)
        return f"{certificate} {ends_in(self.expiry)}" if self.expiry is not None else str(certificate)


def remaining_days(expiry: float) -> float:
    """Days until then; below zero when it is over. A date is of the clock that people set, there is no other."""
    return (expiry - time.time()) / DAY_S


def ends_in(expiry: float) -> str:
    """In words: "ends in 89 days, on 2027-03-01"."""
    left, day = remaining_days(expiry), time.strftime("%Y-%m-%d", time.gmtime(expiry))
    return f"ends in {int(left)} days, on {day}" if left >= 0 else f"has ended {int(-left)} days ago, on {day}"


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with that certificate chain and key, both PEM files. Raises ConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION

    def no_password() -> str:
        raise ConfigError(f"--tls: {key} is encrypted with a password", hint="openssl pkey -in KEY -out PLAIN_KEY")

    for path in (certificate, key):
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            raise ConfigError(f"--tls: {path} cannot be read: {error.strerror}", hint="give two PEM files") from None
    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error.reason):
            raise ConfigError(f"--tls: {key} is not the key of {certificate}") from None
        raise ConfigError(
            f"--tls: {certificate} and {key} are no certificate and its key ({error.reason or error})",
            hint="give two PEM files, the certificate first",
        ) from None
    if os.name == "posix" and key.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning("others can read the TLS key %s; chmod 600 it", key)
    return context


def certificate_problem(context: ssl.SSLContext, certificate: Path) -> str:
    """What a client that pins the certificate will find wrong with it: "certificate has expired". "" where nothing is.

    Found out by a handshake in memory, as the standard library has no reader of certificates.
    """
    return _shake_hands(context, certificate)[0]


def expiry(context: ssl.SSLContext, certificate: Path) -> float | None:
    """When the server's own certificate of that chain ends, in seconds since 1970; None where OpenSSL does not say."""
    found = _shake_hands(context, certificate, NO_CHECK_TIME)[1]
    return ssl.cert_time_to_seconds(found) if found else None


def _shake_hands(context: ssl.SSLContext, certificate: Path, flags: int = 0) -> tuple[str, str]:
    """What a client finds wrong with the certificate, and its last day as OpenSSL writes it; "" where there is none."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False  # whatever the server is called today
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.verify_flags |= flags
    client.load_verify_locations(certificate)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [context.wrap_bio(to_server, to_client, server_side=True), client.wrap_bio(to_client, to_server)]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return str(error.verify_message), ""
            except ssl.SSLError as error:
                return str(error.reason or error), ""
    return "", str((ends[1].getpeercert() or {}).get("notAfter", ""))
