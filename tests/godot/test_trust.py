"""Which addresses are this machine to the Godot client, and what it reads in the certificates that it pins."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import random
from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.support.godot import GodotProject
from vcg_bridge.client import ClientOptions
from vcg_bridge.contract.errors import ConfigError

pytestmark = pytest.mark.godot

HOSTS = [
    "localhost", "127.0.0.1", "127.255.255.255", "[::1]", "[127.0.0.1]", "127.1", "127.0.0.256", "127.0.0.1.5", "127.00.0.1",
    "127.-0.0.1", "127.0x0.0.1", "127.evil.com", "127.0.0.1.evil.com", "localhost.evil.com", "evil.localhost", "Localhost",
    "2130706433", "0.0.0.0", "128.0.0.1", "10.127.0.0", "[::]", "[::127.0.0.1]", "[fe80::1]", "[::11]",
]  # fmt: skip
NO_ADDRESSES = ["", "tcp://", "tcp://localhost", "tcp://localhost:0", "tcp://localhost:65536", "http://localhost:1",
                "tcp://a b:1", "tcp://[]:1", "tcp://[localhost]:1", "tcp://user@localhost:1", " tcp://localhost:1"]  # fmt: skip
KEY = ec.generate_private_key(ec.SECP256R1())


def a_name(*common_names: str, first: str = "") -> x509.Name:
    before = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, first)] if first else []
    return x509.Name([*before, *(x509.NameAttribute(NameOID.COMMON_NAME, x) for x in common_names)])


def pem(subject: x509.Name, issuer: x509.Name | None = None, names: Sequence[x509.GeneralName] = ()) -> str:
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder(
        subject_name=subject, issuer_name=issuer or subject, public_key=KEY.public_key(), serial_number=2**80 + 1,
        not_valid_before=start, not_valid_after=start + datetime.timedelta(days=2),
    ).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)  # fmt: skip
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return made.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def may_have_a_token(address: str) -> bool:
    try:
        ClientOptions(address=address, token="a-token-of-the-tests")
    except ConfigError:
        return False
    return True


def damaged(text: str, source: random.Random) -> str:
    der = bytearray(base64.b64decode("".join(text.splitlines()[1:-1])))
    for _ in range(source.randint(1, 3)):
        der[source.randrange(min(len(der), 250))] = source.choice(
            [0, 1, 0x30, 0x7F, 0x80, 0x83, 0x84, 0xA0, 0xA3, 0xFF]
        )
    del der[source.choice([len(der), source.randrange(len(der))]) :]
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(der).decode()}\n-----END CERTIFICATE-----\n"


def test_whom_it_trusts(godot_project: GodotProject) -> None:
    dns: list[x509.GeneralName] = [
        x509.RFC822Name("me@vcg.example"),
        x509.DNSName("vcg.example"),
        x509.DNSName("other.example"),
    ]
    address = [x509.UniformResourceIdentifier("x:y"), x509.IPAddress(ipaddress.ip_address("192.168.0.17"))]
    mail = [x509.RFC822Name("me@vcg.example")]
    certificates: dict[str, list[object]] = {
        pem(a_name("vcg")): [True, "vcg"],
        pem(a_name("vcg", first="A studio with quite a long name, " * 3)): [True, "vcg"],  # lengths of two bytes
        pem(a_name("Größe")): [True, "Größe"],
        pem(a_name("one", "two")): [True, "one"],
        pem(a_name(first="A studio")): [True, ""],
        pem(a_name("vcg"), a_name("authority")): [False, "vcg"],
        pem(a_name("vcg"), names=dns): [True, "vcg.example"],
        pem(a_name("vcg"), names=[x509.DNSName("*.vcg.example")]): [True, "*.vcg.example"],
        pem(a_name("vcg"), names=address): [True, "192.168.0.17"],
        pem(a_name("vcg"), names=mail): [True, ""],  # TLS does not look at the subject then
        "Subject: vcg\r\n" + pem(a_name("first")).replace("\n", "\r\n") + pem(a_name("second")): [True, "first"],
        "": [],
        "-----BEGIN CERTIFICATE-----": [],
        "-----BEGIN CERTIFICATE----------END CERTIFICATE-----": [False, ""],
    }
    source = random.Random(7)
    hostile = [damaged(text, source) for text in list(certificates)[:10] for _ in range(30)]
    addresses = [f"{scheme}://{host}:7421" for scheme in ("tcp", "tls") for host in HOSTS] + NO_ADDRESSES
    cases = {"addresses": addresses, "certificates": [*certificates, *hostile]}
    given = godot_project.write("cases.json", json.dumps(cases))
    run = godot_project.run_script("res://tests/trust_checks.gd", str(given), "user://results.json", check=False)
    assert run.code == 0, run.output
    assert "SCRIPT ERROR" not in run.output, run.output  # the engine itself complains of names that are no UTF-8
    found = json.loads((godot_project.user / "results.json").read_text(encoding="utf-8"))
    assert found["certificates"][: len(certificates)] == list(certificates.values())
    assert len(found["certificates"]) == len(cases["certificates"])
    for text, (valid, loopback) in zip(addresses, found["addresses"], strict=True):
        assert valid == (text not in NO_ADDRESSES), text
        if text.startswith("tcp") and valid:
            assert loopback == may_have_a_token(text), text
