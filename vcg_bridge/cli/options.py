"""Options that several commands share, once."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vcg_bridge.cli import report
from vcg_bridge.contract.errors import BadRequest

if TYPE_CHECKING:
    from vcg_bridge.sprites.writer import WriteOptions


class Layout(StrEnum):
    """How the frames lie on the sheet."""

    rows = "rows"
    lpc = "lpc"
    packed = "packed"


class Device(StrEnum):
    """What draws."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


WHAT, SHEET, SERVER = "What to draw", "Sheet and files", "Server"

Animations = Annotated[
    str,
    typer.Option(
        "--animations", help="Only these, with commas between: walk,idle. Default: all.", rich_help_panel=WHAT
    ),
]
LayoutOption = Annotated[
    Layout,
    typer.Option(
        "--layout",
        help="rows: a block per animation. lpc: the sheet that LPC tools read. packed: small, for texture memory.",
        rich_help_panel=SHEET,
    ),
]
Scale = Annotated[
    int, typer.Option("--scale", min=1, max=8, help="Every pixel becomes SCALE x SCALE.", rich_help_panel=SHEET)
]
Outline = Annotated[
    str,
    typer.Option(
        "--outline",
        metavar="COLOUR",
        help="Outline of one pixel: dark, or a colour like 201018.",
        rich_help_panel=SHEET,
    ),
]
Shadow = Annotated[
    int,
    typer.Option(
        "--shadow",
        min=0,
        max=100,
        metavar="PERCENT",
        help="Drop shadow, how dark: 0 none, 40 usual.",
        rich_help_panel=SHEET,
    ),
]
NormalMap = Annotated[
    bool, typer.Option("--normal-map", help="Also NAME.normal.png, for lights in 2D.", rich_help_panel=SHEET)
]
Padding = Annotated[
    int, typer.Option("--padding", min=0, max=32, help="packed: pixels between frames.", rich_help_panel=SHEET)
]
Extrude = Annotated[
    int,
    typer.Option(
        "--extrude", min=0, max=8, help="packed: repeat the frames' edges so far, against seams.", rich_help_panel=SHEET
    ),
]
Gifs = Annotated[bool, typer.Option("--gifs", help="Also a GIF of each animation.", rich_help_panel=SHEET)]

Server = Annotated[
    str,
    typer.Option(
        "--server",
        envvar="VCG_SERVER",
        metavar="ADDRESS",
        help="Use the server there, tcp://127.0.0.1:7421 or tls://HOST:7422. Default: one that runs on this machine, else one is started.",
        rich_help_panel=SERVER,
    ),
]
KeepServer = Annotated[
    bool,
    typer.Option(
        "--keep-server",
        help="Leave a server that had to be started running: the next call is faster.",
        rich_help_panel=SERVER,
    ),
]
BundleOption = Annotated[
    str,
    typer.Option("--bundle", metavar="NAME", help="Draw with this bundle (vcg bundles list).", rich_help_panel=SERVER),
]
DeviceOption = Annotated[
    Device | None,
    typer.Option("--device", help="What a server that has to be started draws on.", rich_help_panel=SERVER),
]
RayOption = Annotated[
    str,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Start a server that draws with the machines of that Ray cluster: HOST:PORT, auto (the one that this machine is part of), or local.",
        rich_help_panel=SERVER,
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file", envvar="VCG_TOKEN_FILE", help="File with the token the server asks for.", rich_help_panel=SERVER
    ),
]

Certificate = Annotated[
    Path | None,
    typer.Option(
        "--certificate",
        envvar="VCG_CERTIFICATE",
        metavar="FILE",
        help="Copy of the certificate of a tls:// server, a PEM file. Default: it is checked as a web site's is.",
        rich_help_panel=SERVER,
    ),
]

ServerKey = Annotated[
    str,
    typer.Option(
        "--server-key",
        envvar="VCG_SERVER_KEY",
        metavar="KEY",
        help="Public key of a server that encrypts (vcg serve --key-file).",
        rich_help_panel=SERVER,
    ),
]

ClientKey = Annotated[
    Path | None,
    typer.Option(
        "--client-key",
        envvar="VCG_CLIENT_KEY_FILE",
        metavar="FILE",
        help="Secret key of this client (vcg keys new), for a server with --known-clients.",
        rich_help_panel=SERVER,
    ),
]

_DARK = (16, 12, 20, 255)


def write_options(
    *,
    layout: Layout,
    scale: int,
    outline: str,
    shadow: int,
    normal_map: bool,
    padding: int,
    extrude: int,
    gifs: bool,
) -> WriteOptions:
    """The sheet options of the command line as the writer takes them. Raises BadRequest for a colour that is none."""
    from vcg_bridge.sprites.writer import WriteOptions

    if (padding != 1 or extrude) and layout is not Layout.packed:
        raise BadRequest("--padding and --extrude are for packed sheets", hint="add --layout packed")
    return WriteOptions(
        layout=layout.value,
        scale=scale,
        outline=_colour(outline) if outline else None,
        shadow=(0, 0, 0, round(shadow * 2.55)) if shadow else None,
        normal_map=normal_map,
        padding=padding,
        extrude=extrude,
        gifs=gifs,
    )


def _colour(text: str) -> tuple[int, int, int, int]:
    if text == "dark":
        return _DARK
    digits = text.removeprefix("#")
    if not re.fullmatch("[0-9a-fA-F]{6}", digits):
        raise BadRequest(
            f"--outline {text!r} is not a colour", hint="dark, or six hex digits of red, green, blue: 201018"
        )
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue, 255


def warn_if_others_read(path: Path, tell: Callable[[str], None] = report.show_warning) -> None:
    """Tells where a file with a secret is readable to more than its owner. Raises OSError."""
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        tell(f"others can read {path}; chmod 600 it")


def read_token(path: Path | None, tell: Callable[[str], None] = report.show_warning) -> str:
    """The token in a file, else that of VCG_TOKEN, else "". Raises ConfigError where a file cannot be read or is empty."""
    if path is None:
        return os.environ.get("VCG_TOKEN", "")
    from vcg_bridge.server.auth import token_in

    token = token_in(path)
    with suppress(OSError):
        warn_if_others_read(path, tell)
    return token
