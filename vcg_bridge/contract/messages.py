"""Every message of protocol 1, one frozen dataclass each. The page for people is docs/protocol.md.

Growth within protocol 1: fields are appended with a default, never retyped, never given another default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, TypeVar

from vcg_bridge.contract import codec, wire
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.description import Description
from vcg_bridge.contract.errors import BadRequest, ProtocolError, RecipeError, VcgError, from_code, near
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.contract.wire import Choice, Many, Octets, Real, Text, Whole

Id = Annotated[str, Text(v.MAX_ID_BYTES, 1)]
Name = Annotated[str, Text(v.MAX_NAME_BYTES)]
Title = Annotated[str, Text(v.MAX_TITLE_BYTES)]
Names = Annotated[tuple[Name, ...], Many(256)]
Count = Annotated[int, Whole(0, 2**53)]
Pixels = Annotated[int, Whole(0, 65535)]
Byte = Annotated[int, Whole(0, 255)]
Amount = Annotated[int, Whole(-v.MAX_CONTROL, v.MAX_CONTROL)]
Palette = Annotated[bytes, Octets(v.PALETTE_BYTES, v.PALETTE_BYTES, 0)]
Colour = tuple[Byte, Byte, Byte, Byte]  # RGBA
Offset = tuple[int, int]

# client -> server


@dataclass(frozen=True)
class Hello:
    """First message of a connection. Answered by welcome or error."""

    versions: Annotated[tuple[int, ...], Many(16, 1)]  # major protocol versions the client speaks, preferred first
    minor: Count = 0  # minor version of the first of them
    client: Name = ""  # program and version, for the server's log
    session: Annotated[str, Text(v.MAX_ID_BYTES)] = ""  # random, one per client object; the same after a reconnect
    codecs: Names = ("raw",)  # that the client can decode, preferred first; raw is always possible
    token: Name = ""  # where the server asks for one


@dataclass(frozen=True)
class Describe:
    """What can be made with a model? Answered by description or error."""

    id: Id
    model: Name = ""  # "" the server's default


@dataclass(frozen=True)
class Design:
    """What to draw a recipe from. What is not said is chosen by the seed."""

    seed: Annotated[int, Whole(0, v.MAX_SEED)] = 0  # of the first character; the next has seed + 1 ...
    archetype: Name = ""  # "" any
    body: Name = ""  # body type ("f", "m" in lpc-revised); "" any
    novelty: Annotated[int | None, Whole(0, v.MAX_NOVELTY)] = None
    # percent of drawn layers that become mixtures: 0 only items of the pack; nil: as in base, else 0
    items: Annotated[Mapping[str, Name | None], Many(256)] = field(default_factory=dict)  # layer -> item; nil: not worn
    ramps: Annotated[Mapping[str, Name], Many(256)] = field(default_factory=dict)  # colour group -> ramp
    base: Recipe | None = None  # a character to change; what is not asked for and not in reroll stays as it is
    reroll: Names = ()  # layers and colour groups to draw anew; "item:hair" and "ramp:hair" name one of both
    keep: Names = ()  # instead of reroll: these stay and all others are drawn anew
    controls: Annotated[Mapping[str, Amount], Many(256)] = field(default_factory=dict)  # "layer/id" -> percent


@dataclass(frozen=True)
class Output:
    """What to send of each character."""

    kind: Annotated[str, Choice(v.OUTPUT_KINDS)] = "animations"  # preview: nothing after the preview
    format: Annotated[str, Choice(v.FORMATS)] = "r8"  # of the blobs
    layout: Annotated[str, Choice(v.LAYOUTS)] = "lpc"  # of a sheet
    scale: Annotated[int, Whole(1, v.MAX_SCALE)] = 1  # every pixel becomes scale x scale
    outline: Colour | None = None  # a one-pixel outline of this colour (before scaling); nil: none
    shadow: Colour | None = None  # a drop shadow of this colour; nil: none
    shadow_offset: Offset | None = None  # pixels right and down of the silhouette's shadow; nil: an ellipse at the feet
    normal_map: bool = False  # a normal chunk follows each animation or sheet
    padding: Annotated[int, Whole(0, v.MAX_PADDING)] = 1  # packed: empty pixels between two pictures
    extrude: Annotated[int, Whole(0, v.MAX_EXTRUDE)] = (
        0  # packed: pixels by which a picture's edge is repeated around it
    )
    power_of_two: bool = False  # packed: width and height are powers of two
    trim: Annotated[str, Choice(v.TRIMS)] = "each"  # packed: each frame to its picture, one box for all, or not


@dataclass(frozen=True)
class Generate:
    """Make characters. Answered by accepted, then chunks as credit allows, then done; or by error at any point."""

    id: Id  # chosen by the client, one per job
    model: Name = ""  # "" the server's default
    recipe: Recipe | None = None  # exactly this character; or
    design: Design | None = None  # draw recipes from this
    count: Annotated[int, Whole(1, v.MAX_COUNT)] = 1  # characters; 1 with a recipe
    animations: Names = ()  # () all of the model
    preview: bool = True  # a single frame first
    output: Output = field(default_factory=Output)
    priority: Annotated[str, Choice(v.PRIORITIES)] = "interactive"
    credit: Annotated[int, Whole(0, v.MAX_CREDIT)] = 0  # bytes granted at once
    first_seq: Count = 0  # retry: chunks below this arrived already and are not sent again


@dataclass(frozen=True)
class Credit:
    """Grant a job so many more bytes. Not answered."""

    id: Id
    bytes: Annotated[int, Whole(0, v.MAX_CREDIT)]


@dataclass(frozen=True)
class Cancel:
    """Stop a job. Answered by cancelled, after which no message has this id any more."""

    id: Id


@dataclass(frozen=True)
class Ping:
    """Answered by pong at once, or with hello_required where the server does not know the client."""

    id: Annotated[str, Text(v.MAX_ID_BYTES)] = ""


@dataclass(frozen=True)
class Bye:
    """The sender goes. From a client: its jobs are dropped. From a server: it takes no more requests."""

    reason: Annotated[str, Text(v.MAX_TEXT_BYTES)] = ""


# server -> client


@dataclass(frozen=True)
class Model:
    """A bundle that the server can draw with."""

    name: Name
    version: Name
    title: Title
    sha256: Name  # hex, of its manifest.json


@dataclass(frozen=True)
class Limits:
    """What this server allows one client."""

    count: Count = v.MAX_COUNT  # characters in one generate
    jobs: Count = 16  # unfinished jobs
    credit: Count = v.MAX_CREDIT  # bytes in hand of one job; a grant beyond it is cut down
    scale: Count = v.MAX_SCALE
    request_bytes: Count = v.MAX_REQUEST_BYTES
    blob_bytes: Count = v.MAX_BLOB_BYTES  # a sheet that would be larger is refused with `limit`
    ping_ms: Count = v.PING_MS
    forget_ms: Count = v.FORGET_MS  # silence after which the server forgets the client
    stall_ms: Count = v.STALL_MS  # wait for credit after which a job is dropped


@dataclass(frozen=True)
class Welcome:
    """Answer to hello."""

    version: int  # the major version spoken from now on
    minor: Count = 0  # the server's; the lower of both holds
    server: Name = ""  # program and version
    codecs: Names = ("raw",)  # those of the client's that the server can write, in the client's order
    limits: Limits = field(default_factory=Limits)
    models: Annotated[tuple[Model, ...], Many(256)] = ()  # the first is the default
    device: Name = ""  # what it draws on, "cpu", "cuda:0"


@dataclass(frozen=True)
class Accepted:
    """The job is queued."""

    id: Id
    count: Count  # characters that will come
    chunks: Count  # chunks of the whole job; seq runs from 0 to chunks - 1
    model: Name
    model_sha256: Name


@dataclass(frozen=True)
class Strip:
    """Where the frames of one animation lie in a chunk's picture.

    Without rects rows are directions and columns frames: frame f of direction d starts at (f * frame_width,
    d * frame_height). With rects they lie anywhere, and may be trimmed.
    """

    animation: Name
    directions: Annotated[tuple[Name, ...], Many(8)]  # rows, top first
    frames: Pixels  # per direction
    frame_width: Pixels  # of a whole frame, as shown
    frame_height: Pixels
    fps: Annotated[float, Real(0, 1000)] = 0.0
    loop: bool = False
    rects: Annotated[tuple[Pixels, ...], Many(v.MAX_LENGTH)] = ()
    # sheets: six numbers for each frame, all frames of the first direction first: x, y, width, height in the picture,
    # left, top in the whole frame


@dataclass(frozen=True)
class Chunk:
    """One picture of one character. Its pixels are frame 1 of the message, encoded by `codec`."""

    id: Id
    seq: Count  # 0, 1, 2 ... within the job
    character: Count  # 0 .. count - 1
    kind: Annotated[str, Choice(v.CHUNK_KINDS)]
    name: Name  # animation id; "sheet" for a sheet
    format: Annotated[str, Choice(v.FORMATS)]
    width: Pixels
    height: Pixels
    raw_length: Annotated[int, Whole(0, v.MAX_BLOB_BYTES)]  # bytes of the decoded blob
    sha256: Annotated[bytes, Octets(v.SHA256_BYTES, v.SHA256_BYTES)]  # of the decoded blob
    codec: Annotated[str, Choice(v.CODECS)] = "raw"
    strips: Annotated[tuple[Strip, ...], Many(256)] = ()
    last: bool = False  # the last chunk of this character
    palette: Palette = b""  # 256 x RGBA; first chunk of each character
    recipe: Recipe | None = None  # first chunk of each character
    credits: Annotated[tuple[str, ...], Many(512)] = ()  # last chunk of each character: lines to show or ship


@dataclass(frozen=True)
class Done:
    """The job is complete: every chunk was sent before."""

    id: Id
    characters: Count
    chunks: Count
    licence: Title = ""
    attribution: str = ""  # one line that a product must show
    timings_ms: Annotated[Mapping[str, float], Many(64)] = field(default_factory=dict)  # stage -> milliseconds
    margin: float = 0.0  # smallest distance of best and second-best logit over all pixels drawn
    redrawn: Count = 0  # views drawn again in double precision because their margin was doubtful
    cache: Annotated[Mapping[str, int], Many(64)] = field(default_factory=dict)  # hits, misses: views


@dataclass(frozen=True)
class Cancelled:
    """Answer to cancel."""

    id: Id
    active: bool = False  # the job was still running


@dataclass(frozen=True)
class Pong:
    """Answer to ping."""

    id: Annotated[str, Text(v.MAX_ID_BYTES)] = ""


@dataclass(frozen=True)
class Error:
    """What went wrong with the request `id`, which ends with this; with id "" it concerns the connection."""

    code: Name  # stable, see errors.ERRORS
    message: str  # for people
    hint: str = ""  # what to do about it
    id: Annotated[str, Text(v.MAX_ID_BYTES)] = ""
    details: Annotated[Mapping[str, object], Many(64)] = field(default_factory=dict)  # scalars, retry_after_ms ...


Request = Hello | Describe | Generate | Credit | Cancel | Ping | Bye
Reply = Welcome | Description | Accepted | Chunk | Done | Cancelled | Pong | Error | Bye
Message = Request | Reply

REQUESTS: dict[str, type[Request]] = {
    "hello": Hello, "describe": Describe, "generate": Generate, "credit": Credit, "cancel": Cancel, "ping": Ping,
    "bye": Bye,
}  # fmt: skip
REPLIES: dict[str, type[Reply]] = {
    "welcome": Welcome, "description": Description, "accepted": Accepted, "chunk": Chunk, "done": Done,
    "cancelled": Cancelled, "pong": Pong, "error": Error, "bye": Bye,
}  # fmt: skip
_TYPES: dict[type, str] = {kind: name for table in (REQUESTS, REPLIES) for name, kind in table.items()}

M = TypeVar("M")


def to_wire(message: Message) -> dict[str, object]:
    """The wire map of a message."""
    return {"type": _TYPES[type(message)], **wire.to_map(message)}


def _from_wire(table: Mapping[str, object], kinds: Mapping[str, type[M]]) -> M:
    name = table.get("type")
    if not isinstance(name, str):
        raise ProtocolError("a message without a type")
    if name not in kinds:
        raise ProtocolError(f"unknown message type {name[:40]!r}", hint=near(name, kinds))
    return wire.from_map(kinds[name], table, name)


def request_from_wire(table: Mapping[str, object]) -> Request:
    """The request of a wire map. Raises ProtocolError (form), BadRequest (a value outside its limits) or RecipeError."""
    message = _from_wire(table, REQUESTS)
    if isinstance(message, Generate):
        _check_generate(message)
    return message


def reply_from_wire(table: Mapping[str, object]) -> Reply:
    """The reply of a wire map. Raises ProtocolError."""
    try:
        return _from_wire(table, REPLIES)
    except (BadRequest, RecipeError) as error:  # in a reply it is the server's fault, not the user's
        raise ProtocolError(error.message, hint=error.hint) from error


def _check_generate(message: Generate) -> None:
    if (message.recipe is None) == (message.design is None):
        raise BadRequest("generate: give either a recipe or a design")
    if message.recipe is not None and message.count != 1:
        raise BadRequest(f"generate.count: {message.count} characters of one recipe", hint="use 1")
    design = message.design
    if design is not None and design.base is None and (design.reroll or design.keep):
        raise BadRequest("generate.design: reroll and keep need a base recipe")
    if design is not None and design.reroll and design.keep:
        raise BadRequest("generate.design: give either reroll or keep")
    if design is not None and design.seed + message.count - 1 > v.MAX_SEED:
        raise BadRequest(f"generate.design.seed: the last seed would be over {v.MAX_SEED}")
    if message.output.kind == "preview" and not message.preview:
        raise BadRequest("generate.preview: false, but output.kind asks for nothing else")


def encode(message: Message, blobs: Sequence[bytes] = ()) -> list[bytes]:
    """Frames of a message."""
    bounds = codec.REQUEST if type(message) in REQUESTS.values() else codec.REPLY
    return codec.pack(to_wire(message), blobs, bounds)


def decode_request(frames: Sequence[bytes]) -> Request:
    """What a server received. Raises ProtocolError, BadRequest or RecipeError."""
    table, _ = codec.unpack(frames, codec.REQUEST)
    return request_from_wire(table)


def decode_reply(frames: Sequence[bytes]) -> tuple[Reply, list[bytes]]:
    """What a client received, and its blobs. Raises ProtocolError."""
    table, blobs = codec.unpack(frames, codec.REPLY)
    reply = reply_from_wire(table)
    wanted = 1 if isinstance(reply, Chunk) else 0
    if len(blobs) != wanted:
        raise ProtocolError(f"{_TYPES[type(reply)]}: {len(blobs)} blobs; {wanted} are wanted")
    return reply, blobs


def id_in(table: Mapping[str, object]) -> str:
    """The id in a map that is no request, for the error that answers it; "" where there is none."""
    name = table.get("id", "")
    return name if isinstance(name, str) and len(name.encode()) <= v.MAX_ID_BYTES else ""


def request_key(message: Generate) -> bytes:
    """What makes two requests the same: sha256 of all fields but the id and those that only say how to deliver."""
    plain = replace(message, id="-", credit=0, first_seq=0, priority="interactive")
    return hashlib.sha256(codec.pack_map(to_wire(plain))).digest()


def readdressed(frames: Sequence[bytes], request_id: str) -> list[bytes]:
    """The frames of a message of ours, as the same message for another request."""
    return [codec.pack_map({**codec.unpack_map(frames[0]), "id": request_id}), *frames[1:]]


def error_message(error: BaseException, request_id: str = "") -> Error:
    """The wire form of an exception. A stranger's message stays out: it may hold paths or secrets."""
    if not isinstance(error, VcgError):
        return Error("internal", f"internal error ({type(error).__name__})", "the server's log says more", request_id)
    details = {k: x for k, x in error.details.items() if isinstance(x, None | bool | int | float | str)}
    return Error(error.code, error.message[:1000], error.hint[:1000], request_id, details)


def exception_of(message: Error) -> VcgError:
    """The exception that an error message stands for."""
    details = {k: x for k, x in message.details.items() if k not in ("message", "hint", "code")}
    return from_code(message.code, message.message, hint=message.hint, **details)
