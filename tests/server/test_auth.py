"""What may be bound without authentication, and the token."""

from __future__ import annotations

import pytest

from vcg_bridge.contract.errors import AuthError, ConfigError
from vcg_bridge.server.auth import check_address, check_token, parse_address
from vcg_bridge.server.config import ServerConfig, check_config

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "localhost", "[::1]"])
def test_loopback_needs_nothing(host: str) -> None:
    assert check_address(f"tcp://{host}:7421", "").loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "*", "192.168.1.5", "example.org", "[::]", "eth0", "127.0.0.1.nip.io"])
def test_beyond_loopback_a_token_is_needed(host: str) -> None:
    with pytest.raises(ConfigError, match="asks nobody") as caught:
        check_address(f"tcp://{host}:7421", "")
    assert "127.0.0.1:7421" in caught.value.hint
    with pytest.raises(ConfigError, match="only 5 characters"):
        check_address(f"tcp://{host}:7421", "short")
    assert not check_address(f"tcp://{host}:7421", TOKEN).loopback


@pytest.mark.parametrize(
    "address",
    ["", "7421", "127.0.0.1:7421", "udp://127.0.0.1:1", "tcp://127.0.0.1", "tcp://:1", "tcp://127.0.0.1:x",
     "tcp://127.0.0.1:65536", "tcp://127.0.0.1:-1", "tcp://a b:1", "tcp://eth0;1.2.3.4:1", "ipc:///tmp/x", "tcp://h:٣"],
)  # fmt: skip
def test_nonsense_is_no_address(address: str) -> None:
    with pytest.raises(ConfigError, match="is no"):
        parse_address(address)


def test_port_0_is_any() -> None:
    assert parse_address("tcp://127.0.0.1:0").url == parse_address("tcp://127.0.0.1:*").url == "tcp://127.0.0.1:*"


def test_the_token_is_compared() -> None:
    check_token("", "")
    check_token("", "whatever")
    check_token(TOKEN, TOKEN)
    with pytest.raises(AuthError, match="asks for a token"):
        check_token(TOKEN, "")
    for wrong in (TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\N{SNOWMAN}"):
        with pytest.raises(AuthError, match="wrong"):
            check_token(TOKEN, wrong)


def test_the_token_stays_out_of_sight() -> None:
    assert TOKEN not in repr(ServerConfig(token=TOKEN))


@pytest.mark.parametrize(
    "settings",
    [{"clients": 0}, {"queue": 0}, {"held_bytes": 0}, {"bundles": ()}, {"grace_s": -1.0}, {"token": "x" * 200},
     {"grace_s": float("nan")}],
)  # fmt: skip
def test_bad_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        check_config(ServerConfig(**settings))  # type: ignore[arg-type]
