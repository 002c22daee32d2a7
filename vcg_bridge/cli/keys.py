"""Keys of encrypted links (CURVE): a server's secret half in a file, its public half as an option of commands."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vcg_bridge.cli import report
from vcg_bridge.cli.options import warn_if_others_read
from vcg_bridge.contract.errors import BadRequest, ConfigError

if TYPE_CHECKING:
    from vcg_bridge.client import CurveKeys

KEY_LENGTH = 40  # characters of Z85


keys = typer.Typer(
    name="keys", help="Keys of encrypted links (CURVE), for clients that a server knows.", no_args_is_help=True
)


@keys.command()
def new(
    file: Annotated[Path, typer.Argument(help="File for the secret key. It must not exist.")],
    name: Annotated[
        str, typer.Option("--name", help="Whose key it is, for the server's log. Default: the file's name.")
    ] = "",
) -> None:
    """Make a key for a client, and print the line that a server's --known-clients file needs."""
    if file.exists():
        raise ConfigError(f"{file} exists, and a key is never overwritten", hint="choose another name")
    print(_line(server_keys(file)[0], name or file.stem))


@keys.command()
def show(file: Annotated[Path, typer.Argument(help="File with a secret key.")]) -> None:
    """Print the public half of a key, as a line for --known-clients."""
    if not file.exists():
        raise ConfigError(f"{file} is not there", hint="`vcg keys new` makes one")
    print(_line(server_keys(file)[0], file.stem))


def _line(public: str, name: str) -> str:
    return f"{public} {' '.join(name.split())}"


def server_keys(path: Path, tell: Callable[[str], None] = report.show_warning) -> tuple[str, str]:
    """Public and secret key of a key file, which is made, readable to its owner alone, where it is missing.

    Raises ConfigError where it can be neither read nor made, or holds no key.
    """
    import zmq

    try:
        if not path.exists():
            _, fresh = zmq.curve_keypair()
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
                file.write(fresh + b"\n")
        secret = path.read_bytes().strip()
        public = zmq.curve_public(secret)
        warn_if_others_read(path, tell)
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, zmq.ZMQError):
            raise _no_key(path) from None
        raise ConfigError(f"--key-file {path}: {getattr(error, 'strerror', None) or error}") from None
    except (ValueError, zmq.ZMQError):
        raise _no_key(path) from None
    return public.decode("ascii"), secret.decode("ascii")


def client_keys(server_public: str, own: Path | None = None) -> CurveKeys:
    """Keys for connections to the server with that public key. own: file of our secret key; None: one is made up.

    Raises BadRequest where the server's is no key, ConfigError where the file holds none.
    """
    import zmq

    from vcg_bridge.client import CurveKeys

    if len(server_public) != KEY_LENGTH or not server_public.isascii():
        raise BadRequest(
            f"--server-key {server_public!r} is not a key", hint="40 characters, as `vcg serve --key-file` prints them"
        )
    if own is not None:
        if not own.exists():
            raise ConfigError(f"--client-key {own} is not there", hint="`vcg keys new` makes one")
        return CurveKeys(server_public, *server_keys(own))
    public, secret = zmq.curve_keypair()
    return CurveKeys(server_public, public.decode("ascii"), secret.decode("ascii"))


def _no_key(path: Path) -> ConfigError:
    return ConfigError(
        f"--key-file {path}: there is no key in it", hint="name a file that does not exist: a key is made in it"
    )
