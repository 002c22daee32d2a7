extends RefCounted
## Protocol 1 as data. Written by scripts/make_vocabulary.py from vcg_bridge/contract: do not edit.
##
## REQUESTS, REPLIES and RECORDS: name -> field -> what it may hold. [code]type[/code] is str, bin, int, float,
## bool, scalar, recipe, record, array or map; [code]or_nil[/code]: null is allowed; [code]record[/code]: the name
## of a record; [code]of[/code]: the shape of the entries of an array or a map; [code]low[/code] and
## [code]high[/code]: of a number; [code]least[/code] and [code]most[/code] (or [code]also[/code] so many):
## UTF-8 bytes of a str, bytes of a bin, entries of an array or a map; [code]names[/code]: the str is one of them;
## [code]required[/code], or [code]default[/code] (a bin without one is empty; of a record {}: all its defaults).

## Other major versions are refused.
const PROTOCOL_MAJOR: int = 1
## Never refuses.
const PROTOCOL_MINOR: int = 0
## What a chunk may show.
const CHUNK_KINDS: Array[String] = ["preview", "animation", "sheet", "normal"]
## How a blob may be compressed.
const CODECS: Array[String] = ["raw", "gzip", "zstd"]
## No sound for so long after a ping: the other side is dead.
const DEAD_MS: int = 30000
## Where a server listens unless told otherwise.
const DEFAULT_ADDRESS: String = "tcp://127.0.0.1:7421"
## Loopback.
const DEFAULT_HOST: String = "127.0.0.1"
## Of a server.
const DEFAULT_PORT: int = 7421
## Of a character, in the order of rows.
const DIRECTIONS: Array[String] = ["up", "left", "down", "right"]
## Default of `limits.forget_ms`.
const FORGET_MS: int = 60000
## What a decoded blob may be.
const FORMATS: Array[String] = ["r8", "rgba8", "png"]
## Of a sheet.
const LAYOUTS: Array[String] = ["lpc", "rows", "packed"]
## Of a bin.
const MAX_BIN_BYTES: int = 65536
## Of a blob, as sent and as decoded.
const MAX_BLOB_BYTES: int = 67108864
## Percent, either way.
const MAX_CONTROL: int = 100
## Characters in one generate.
const MAX_COUNT: int = 1000
## Bytes, see credit.
const MAX_CREDIT: int = 67108864
## Maps and arrays in each other; the message's own map is 1.
const MAX_DEPTH: int = 8
## Pixels.
const MAX_EXTRUDE: int = 16
## Of an id.
const MAX_ID_BYTES: int = 64
## Of a map key.
const MAX_KEY_BYTES: int = 128
## Entries of one map or array; of a request, in all its maps and arrays together.
const MAX_LENGTH: int = 16384
## Of what programs read.
const MAX_NAME_BYTES: int = 128
## Percent.
const MAX_NOVELTY: int = 100
## Pixels.
const MAX_PADDING: int = 64
## Blobs of a message, server to client.
const MAX_REPLY_BLOBS: int = 4
## Of frame 0, server to client.
const MAX_REPLY_BYTES: int = 1048576
## Blobs of a message, client to server.
const MAX_REQUEST_BLOBS: int = 0
## Of frame 0, client to server.
const MAX_REQUEST_BYTES: int = 65536
## Times.
const MAX_SCALE: int = 16
## 2^63 - 1.
const MAX_SEED: int = 9223372036854775807
## Of a str, as UTF-8.
const MAX_TEXT_BYTES: int = 8192
## Of what people read.
const MAX_TITLE_BYTES: int = 1024
## What may be asked for.
const OUTPUT_KINDS: Array[String] = ["preview", "animations", "sheet"]
## 256 x RGBA.
const PALETTE_BYTES: int = 1024
## Default of `limits.ping_ms`.
const PING_MS: int = 10000
## Of a job.
const PRIORITIES: Array[String] = ["interactive", "batch"]
## Of a chunk's hash.
const SHA256_BYTES: int = 32
## Default of `limits.stall_ms`.
const STALL_MS: int = 60000
## How frames of a packed sheet are cut.
const TRIMS: Array[String] = ["each", "common", "none"]
## Every error code -> what it means. A code that is not here counts as internal.
const ERRORS: Dictionary[String, String] = {
	"bad_request": "The request names something unknown, or a value is outside its limits.",
	"recipe": "A recipe cannot be read, or belongs to another model.",
	"bundle": "A bundle is missing, damaged, hostile or of a newer format.",
	"pack": "An art pack cannot be read, or its art breaks the pack's own rules.",
	"protocol": "The other side sent what protocol 1 does not allow.",
	"version": "The two sides have no protocol version in common.",
	"hello_required": "The server does not know this client (any more): it must say hello first.",
	"auth": "The token or key is missing or wrong.",
	"busy": "The queue is full. details: retry_after_ms.",
	"limit": "The request is well formed but larger than this server allows.",
	"id_conflict": "The id is in use, or was used lately, for another request.",
	"cancelled": "The job was cancelled before it was done.",
	"stalled": "The client granted no credit for so long that the server dropped the job.",
	"shutting_down": "The server is going down and takes no more requests.",
	"integrity": "A blob does not have the length or the sha256 that was announced.",
	"no_server": "Nothing, or nothing that speaks this protocol, answers at the address.",
	"timeout": "An answer did not come within the time limit.",
	"disconnected": "The connection was lost and could not be made again.",
	"config": "A setting is wrong or unsafe (binding beyond loopback without authentication ...).",
	"address": "The address cannot be bound (port taken, no such interface, no permission).",
	"output": "A result cannot be written (folder missing, not writable, disk full).",
	"device": "The compute device asked for is not there or failed.",
	"internal": "A fault of VCG Bridge itself. Worth a bug report.",
}
## Client to server.
const REQUESTS: Dictionary[String, Dictionary] = {
	"hello":
	{
		"versions": {"type": "array", "of": {"type": "int"}, "most": 16, "least": 1, "required": true},
		"minor": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 0},
		"client": {"type": "str", "most": 128, "required": false, "default": ""},
		"session": {"type": "str", "most": 64, "required": false, "default": ""},
		"codecs":
		{
			"type": "array",
			"of": {"type": "str", "most": 128},
			"most": 256,
			"required": false,
			"default": ["raw"],
		},
		"token": {"type": "str", "most": 128, "required": false, "default": ""},
	},
	"describe":
	{
		"id": {"type": "str", "most": 64, "least": 1, "required": true},
		"model": {"type": "str", "most": 128, "required": false, "default": ""},
	},
	"generate":
	{
		"id": {"type": "str", "most": 64, "least": 1, "required": true},
		"model": {"type": "str", "most": 128, "required": false, "default": ""},
		"recipe": {"type": "recipe", "or_nil": true, "required": false, "default": null},
		"design": {"type": "record", "record": "design", "or_nil": true, "required": false, "default": null},
		"count": {"type": "int", "low": 1, "high": 1000, "required": false, "default": 1},
		"animations":
		{
			"type": "array",
			"of": {"type": "str", "most": 128},
			"most": 256,
			"required": false,
			"default": [],
		},
		"preview": {"type": "bool", "required": false, "default": true},
		"output": {"type": "record", "record": "output", "required": false, "default": {}},
		"priority": {"type": "str", "names": ["interactive", "batch"], "required": false, "default": "interactive"},
		"credit": {"type": "int", "low": 0, "high": 67108864, "required": false, "default": 0},
		"first_seq": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 0},
	},
	"credit":
	{
		"id": {"type": "str", "most": 64, "least": 1, "required": true},
		"bytes": {"type": "int", "low": 0, "high": 67108864, "required": true},
	},
	"cancel": {"id": {"type": "str", "most": 64, "least": 1, "required": true}},
	"ping": {"id": {"type": "str", "most": 64, "required": false, "default": ""}},
	"bye": {"reason": {"type": "str", "most": 8192, "required": false, "default": ""}},
}
## Server to client.
const REPLIES: Dictionary[String, Dictionary] = {
	"welcome":
	{
		"version": {"type": "int", "required": true},
		"minor": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 0},
		"server": {"type": "str", "most": 128, "required": false, "default": ""},
		"codecs":
		{
			"type": "array",
			"of": {"type": "str", "most": 128},
			"most": 256,
			"required": false,
			"default": ["raw"],
		},
		"limits": {"type": "record", "record": "limits", "required": false, "default": {}},
		"models":
		{
			"type": "array",
			"of": {"type": "record", "record": "model"},
			"most": 256,
			"required": false,
			"default": [],
		},
		"device": {"type": "str", "most": 128, "required": false, "default": ""},
	},
	"description":
	{
		"id": {"type": "str", "most": 64, "least": 1, "required": true},
		"model": {"type": "str", "most": 128, "required": true},
		"version": {"type": "str", "most": 128, "required": true},
		"title": {"type": "str", "most": 1024, "required": true},
		"sha256": {"type": "str", "most": 128, "required": true},
		"licence": {"type": "str", "most": 1024, "required": true},
		"attribution": {"type": "str", "most": 8192, "required": true},
		"frame_size": {"type": "int", "required": true},
		"animations":
		{
			"type": "array",
			"of": {"type": "record", "record": "animation"},
			"most": 16384,
			"required": true,
		},
		"layers": {"type": "array", "of": {"type": "record", "record": "layer"}, "most": 16384, "required": true},
		"ramps":
		{
			"type": "map",
			"of": {"type": "array", "of": {"type": "record", "record": "ramp"}, "most": 16384},
			"most": 64,
			"required": true,
		},
		"groups": {"type": "map", "of": {"type": "str", "most": 128}, "most": 256, "required": true},
		"archetypes":
		{
			"type": "array",
			"of": {"type": "record", "record": "archetype"},
			"most": 16384,
			"required": false,
			"default": [],
		},
		"bodies":
		{
			"type": "array",
			"of": {"type": "str", "most": 128},
			"most": 16384,
			"required": false,
			"default": [],
		},
	},
	"accepted":
	{
		"id": {"type": "str", "most": 64, "least": 1, "required": true},
		"count": {"type": "int", "low": 0, "high": 9007199254740992, "required": true},
		"chunks": {"type": "int", "low": 0, "high": 9007199254740992, "required": true},
		"model": {"type": "str", "most": 128, "required": true},
		"model_sha256": {"type": "str", "most": 128, "required": true},
	},
	"chunk":
	{
		"id": {"type": "str", "most": 64, "least": 1, "required": true},
		"seq": {"type": "int", "low": 0, "high": 9007199254740992, "required": true},
		"character": {"type": "int", "low": 0, "high": 9007199254740992, "required": true},
		"kind": {"type": "str", "names": ["preview", "animation", "sheet", "normal"], "required": true},
		"name": {"type": "str", "most": 128, "required": true},
		"format": {"type": "str", "names": ["r8", "rgba8", "png"], "required": true},
		"width": {"type": "int", "low": 0, "high": 65535, "required": true},
		"height": {"type": "int", "low": 0, "high": 65535, "required": true},
		"raw_length": {"type": "int", "low": 0, "high": 67108864, "required": true},
		"sha256": {"type": "bin", "most": 32, "least": 32, "required": true},
		"codec": {"type": "str", "names": ["raw", "gzip", "zstd"], "required": false, "default": "raw"},
		"strips":
		{
			"type": "array",
			"of": {"type": "record", "record": "strip"},
			"most": 256,
			"required": false,
			"default": [],
		},
		"last": {"type": "bool", "required": false, "default": false},
		"palette": {"type": "bin", "most": 1024, "least": 1024, "also": 0, "required": false},
		"recipe": {"type": "recipe", "or_nil": true, "required": false, "default": null},
		"credits":
		{
			"type": "array",
			"of": {"type": "str", "most": 8192},
			"most": 512,
			"required": false,
			"default": [],
		},
	},
	"done":
	{
		"id": {"type": "str", "most": 64, "least": 1, "required": true},
		"characters": {"type": "int", "low": 0, "high": 9007199254740992, "required": true},
		"chunks": {"type": "int", "low": 0, "high": 9007199254740992, "required": true},
		"licence": {"type": "str", "most": 1024, "required": false, "default": ""},
		"attribution": {"type": "str", "most": 8192, "required": false, "default": ""},
		"timings_ms": {"type": "map", "of": {"type": "float"}, "most": 64, "required": false, "default": {}},
		"margin": {"type": "float", "required": false, "default": 0.0},
		"redrawn": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 0},
		"cache": {"type": "map", "of": {"type": "int"}, "most": 64, "required": false, "default": {}},
	},
	"cancelled":
	{
		"id": {"type": "str", "most": 64, "least": 1, "required": true},
		"active": {"type": "bool", "required": false, "default": false},
	},
	"pong": {"id": {"type": "str", "most": 64, "required": false, "default": ""}},
	"error":
	{
		"code": {"type": "str", "most": 128, "required": true},
		"message": {"type": "str", "most": 8192, "required": true},
		"hint": {"type": "str", "most": 8192, "required": false, "default": ""},
		"id": {"type": "str", "most": 64, "required": false, "default": ""},
		"details": {"type": "map", "of": {"type": "scalar"}, "most": 64, "required": false, "default": {}},
	},
	"bye": {"reason": {"type": "str", "most": 8192, "required": false, "default": ""}},
}
## Maps inside of messages.
const RECORDS: Dictionary[String, Dictionary] = {
	"design":
	{
		"seed": {"type": "int", "low": 0, "high": 9223372036854775807, "required": false, "default": 0},
		"archetype": {"type": "str", "most": 128, "required": false, "default": ""},
		"body": {"type": "str", "most": 128, "required": false, "default": ""},
		"novelty": {"type": "int", "or_nil": true, "low": 0, "high": 100, "required": false, "default": null},
		"items":
		{
			"type": "map",
			"of": {"type": "str", "most": 128, "or_nil": true},
			"most": 256,
			"required": false,
			"default": {},
		},
		"ramps": {"type": "map", "of": {"type": "str", "most": 128}, "most": 256, "required": false, "default": {}},
		"base": {"type": "recipe", "or_nil": true, "required": false, "default": null},
		"reroll": {"type": "array", "of": {"type": "str", "most": 128}, "most": 256, "required": false, "default": []},
		"keep": {"type": "array", "of": {"type": "str", "most": 128}, "most": 256, "required": false, "default": []},
		"controls":
		{
			"type": "map",
			"of": {"type": "int", "low": -100, "high": 100},
			"most": 256,
			"required": false,
			"default": {},
		},
	},
	"output":
	{
		"kind":
		{
			"type": "str",
			"names": ["preview", "animations", "sheet"],
			"required": false,
			"default": "animations",
		},
		"format": {"type": "str", "names": ["r8", "rgba8", "png"], "required": false, "default": "r8"},
		"layout": {"type": "str", "names": ["lpc", "rows", "packed"], "required": false, "default": "lpc"},
		"scale": {"type": "int", "low": 1, "high": 16, "required": false, "default": 1},
		"outline":
		{
			"type": "array",
			"of": {"type": "int", "low": 0, "high": 255},
			"least": 4,
			"most": 4,
			"or_nil": true,
			"required": false,
			"default": null,
		},
		"shadow":
		{
			"type": "array",
			"of": {"type": "int", "low": 0, "high": 255},
			"least": 4,
			"most": 4,
			"or_nil": true,
			"required": false,
			"default": null,
		},
		"shadow_offset":
		{
			"type": "array",
			"of": {"type": "int"},
			"least": 2,
			"most": 2,
			"or_nil": true,
			"required": false,
			"default": null,
		},
		"normal_map": {"type": "bool", "required": false, "default": false},
		"padding": {"type": "int", "low": 0, "high": 64, "required": false, "default": 1},
		"extrude": {"type": "int", "low": 0, "high": 16, "required": false, "default": 0},
		"power_of_two": {"type": "bool", "required": false, "default": false},
		"trim": {"type": "str", "names": ["each", "common", "none"], "required": false, "default": "each"},
	},
	"limits":
	{
		"count": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 1000},
		"jobs": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 16},
		"credit": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 67108864},
		"scale": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 16},
		"request_bytes": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 65536},
		"blob_bytes": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 67108864},
		"ping_ms": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 10000},
		"forget_ms": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 60000},
		"stall_ms": {"type": "int", "low": 0, "high": 9007199254740992, "required": false, "default": 60000},
	},
	"model":
	{
		"name": {"type": "str", "most": 128, "required": true},
		"version": {"type": "str", "most": 128, "required": true},
		"title": {"type": "str", "most": 1024, "required": true},
		"sha256": {"type": "str", "most": 128, "required": true},
	},
	"strip":
	{
		"animation": {"type": "str", "most": 128, "required": true},
		"directions": {"type": "array", "of": {"type": "str", "most": 128}, "most": 8, "required": true},
		"frames": {"type": "int", "low": 0, "high": 65535, "required": true},
		"frame_width": {"type": "int", "low": 0, "high": 65535, "required": true},
		"frame_height": {"type": "int", "low": 0, "high": 65535, "required": true},
		"fps": {"type": "float", "low": 0.0, "high": 1000.0, "required": false, "default": 0.0},
		"loop": {"type": "bool", "required": false, "default": false},
		"rects":
		{
			"type": "array",
			"of": {"type": "int", "low": 0, "high": 65535},
			"most": 16384,
			"required": false,
			"default": [],
		},
	},
	"animation":
	{
		"id": {"type": "str", "most": 128, "required": true},
		"title": {"type": "str", "most": 1024, "required": true},
		"frames": {"type": "int", "required": true},
		"fps": {"type": "float", "required": true},
		"loop": {"type": "bool", "required": true},
		"directions": {"type": "array", "of": {"type": "str", "most": 128}, "most": 16384, "required": true},
		"frame_names":
		{
			"type": "array",
			"of": {"type": "str", "most": 1024},
			"most": 16384,
			"required": false,
			"default": [],
		},
	},
	"layer":
	{
		"id": {"type": "str", "most": 128, "required": true},
		"title": {"type": "str", "most": 1024, "required": true},
		"items": {"type": "array", "of": {"type": "record", "record": "item"}, "most": 16384, "required": true},
		"required": {"type": "bool", "required": false, "default": false},
		"frame_size": {"type": "int", "required": false, "default": 0},
		"materials":
		{
			"type": "array",
			"of": {"type": "record", "record": "material"},
			"most": 16384,
			"required": false,
			"default": [],
		},
		"slot": {"type": "int", "required": false, "default": 0},
		"slots": {"type": "int", "required": false, "default": 0},
		"controls":
		{
			"type": "array",
			"of": {"type": "record", "record": "control"},
			"most": 16384,
			"required": false,
			"default": [],
		},
	},
	"material":
	{
		"group": {"type": "str", "most": 128, "required": true},
		"kind": {"type": "str", "most": 128, "required": true},
		"slot": {"type": "int", "required": true},
		"shades": {"type": "int", "required": true},
	},
	"item":
	{
		"id": {"type": "str", "most": 128, "required": true},
		"title": {"type": "str", "most": 1024, "required": true},
		"kind": {"type": "str", "most": 128, "required": false, "default": ""},
		"body": {"type": "str", "most": 128, "required": false, "default": ""},
		"hides": {"type": "array", "of": {"type": "str", "most": 128}, "most": 16384, "required": false, "default": []},
		"allows":
		{
			"type": "map",
			"of": {"type": "array", "of": {"type": "str", "most": 128}, "most": 16384},
			"most": 16384,
			"required": false,
			"default": {},
		},
		"needs": {"type": "array", "of": {"type": "str", "most": 128}, "most": 16384, "required": false, "default": []},
	},
	"control":
	{
		"id": {"type": "str", "most": 128, "required": true},
		"title": {"type": "str", "most": 1024, "required": true},
		"low": {"type": "str", "most": 1024, "required": true},
		"high": {"type": "str", "most": 1024, "required": true},
		"items": {"type": "array", "of": {"type": "str", "most": 128}, "most": 16384, "required": true},
	},
	"ramp":
	{
		"id": {"type": "str", "most": 128, "required": true},
		"title": {"type": "str", "most": 1024, "required": true},
		"colours": {"type": "bin", "most": 768, "required": true},
	},
	"archetype":
	{
		"id": {"type": "str", "most": 128, "required": true},
		"title": {"type": "str", "most": 1024, "required": true},
		"description": {"type": "str", "most": 8192, "required": false, "default": ""},
	},
}
