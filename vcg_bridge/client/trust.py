"""Whom a client believes to be its server behind tls://: the one certificate it was given, or whoever the system's authorities
vouch for under that name.
"""

from __future__ import annotations

import re
import ssl
from pathlib import Path

from vcg_bridge.contract.errors import AuthError, ConfigError, VcgError

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_NOT_YET, _EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_NOTHING_SENT = "nothing was sent to it"


class Trust:
    """TLS 1.2 or newer, and the check of the server's certificate.

    Pinned, the server must show a certificate of the file itself, within its dates; what it is called, and who has signed
    it, does not matter. Else the system's authorities and the host name decide.
    """

    def __init__(self, certificate: Path | None) -> None:
        """certificate: PEM file to pin, with one certificate or several. Raises ConfigError."""
        self._path = certificate
        self._pinned: set[bytes] = set()
        if certificate is None:
            self.context = ssl.create_default_context()
        else:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.context.check_hostname = False  # `check` is stricter: exactly this certificate
            self.context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            self._pinned = _read(certificate, self.context)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def check(self, shown: bytes | None) -> None:
        """After a handshake. shown: the server's certificate in DER. Raises AuthError where it is not a pinned one.

        A pinned authority would otherwise let in every server that it has signed.
        """
        if self._path is not None and shown not in self._pinned:
            raise self._another()

    def refusal(self, error: ssl.SSLCertVerificationError, host: str) -> VcgError:
        """What to say where the handshake has refused the certificate."""
        if error.verify_code in (_NOT_YET, _EXPIRED):
            word = "has expired" if error.verify_code == _EXPIRED else "is not valid yet"
            return AuthError(
                f"the certificate of the server at {host} {word}; {_NOTHING_SENT}",
                hint="make a new one for the server, give clients a copy of it, and see whether the clocks are right",
            )
        if self._path is not None:
            return self._another()
        return AuthError(
            f"the certificate of the server at {host} is not trusted here: {error.verify_message}; {_NOTHING_SENT}",
            hint="give a copy of the server's own certificate (--certificate FILE, tls_certificate), "
            "or the name that it was made for as the host",
        )

    def _another(self) -> VcgError:
        return AuthError(
            f"the server's certificate is not the one in {self._path}; {_NOTHING_SENT}",
            hint="copy the server's certificate again if it was renewed; if it was not, somebody else answers there",
        )


def _read(path: Path, context: ssl.SSLContext) -> set[bytes]:
    """The certificates of a file, in DER, made known to the context. Raises ConfigError."""
    hint = "give a PEM file with the server's certificate, the first of the two of `vcg serve --tls`"
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise ConfigError(f"the certificate {path} cannot be read: {error.strerror}", hint=hint) from None
    try:
        found = {ssl.PEM_cert_to_DER_cert(block) for block in _PEM.findall(text)}
        if found:
            context.load_verify_locations(cadata=b"".join(found))
    except (ValueError, ssl.SSLError):
        raise ConfigError(f"the certificate in {path} is damaged", hint=hint) from None
    if not found:
        key = " but a private key, which belongs to the server alone" if "PRIVATE KEY-----" in text else ""
        raise ConfigError(f"there is no certificate in {path}{key}", hint=hint)
    return found
