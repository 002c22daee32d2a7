"""The server's side of TLS: its certificate and key, and what is wrong with them."""

from __future__ import annotations

import logging
import os
import ssl
import stat
from pathlib import Path

from vcg_bridge.contract.errors import ConfigError

log = logging.getLogger("vcg_bridge.server")


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
    problem = certificate_problem(context, certificate)
    if problem:
        log.warning("TLS certificate %s: %s; clients will refuse it", certificate, problem)
    return context


def certificate_problem(context: ssl.SSLContext, certificate: Path) -> str:
    """What a client that pins the certificate will find wrong with it: "certificate has expired". "" where nothing is.

    Found out by a handshake in memory, as the standard library has no reader of certificates.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False  # whatever the server is called today
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
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
                return str(error.verify_message)
            except ssl.SSLError as error:
                return str(error.reason or error)
    return ""
