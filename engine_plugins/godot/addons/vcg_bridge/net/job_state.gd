extends RefCounted
## One generate as the network thread sees it: what came, what was handed over, what is owed to the server in credit.

const Blobs := preload("blobs.gd")
const V := preload("vocabulary.gd")

const _BYTES_PER_PIXEL: Dictionary[String, int] = {"r8": 1, "rgba8": 4}

## The request with all its fields, but credit and first_seq, which [method request_now] fills.
var request: Dictionary
var window_bytes: int
## The message "accepted"; empty before it came.
var accepted: Dictionary = {}
## What is due next.
var next_seq := 0
## When to send the request again after busy; INF: not.
var retry_at := INF
## First refusal since it last got on; negative: none.
var busy_since := -1.0
var cancelling := false
## Nothing more will come.
var finished := false

var _waiting_bytes := 0  # came, not handed over
var _owed_bytes := 0  # handed over, not granted again
var _character := -1
var _blobs := Blobs.new()


func _init(request_: Dictionary, window_bytes_: int) -> void:
	request = request_
	window_bytes = window_bytes_


func id() -> String:
	return request["id"]


## The request, for the first time or again: only what has not come, and no more than there is room for.
func request_now() -> Dictionary:
	retry_at = INF
	_owed_bytes = 0
	request["credit"] = maxi(window_bytes - _waiting_bytes, 0)
	request["first_seq"] = next_seq
	return request


## A chunk came, [param size] bytes in all. Null where it came before. Puts what is wrong into [param faults].
func add(chunk: Dictionary, blob: PackedByteArray, size: int, faults: Array[VcgError]) -> VcgPicture:
	var seq: int = chunk["seq"]
	if seq < next_seq:
		return null
	var why := _fault(chunk)
	if not why.is_empty():
		faults.append(VcgError.new("protocol", why, "a bug of the server; report it", {}, id()))
		return null
	var length: int = chunk["raw_length"]
	var codec: String = chunk["codec"]
	var sha256: PackedByteArray = chunk["sha256"]
	var pixels := _blobs.decode(codec, blob, length, sha256)
	if not _blobs.fault.is_empty():
		faults.append(VcgError.new("integrity", "chunk %d: %s" % [seq, _blobs.fault], "try again", {}, id()))
		return null
	var picture := _picture(chunk, pixels, sha256)
	_character = picture.character
	_waiting_bytes += size
	next_seq += 1
	busy_since = -1.0
	return picture


## What was handed over has freed so many bytes.
func take(bytes: int) -> void:
	_waiting_bytes = maxi(_waiting_bytes - bytes, 0)
	_owed_bytes += bytes


## Bytes to grant now: a quarter of the window at a time, so that small chunks need no message each.
func grant() -> int:
	if finished or _owed_bytes < maxi(window_bytes >> 2, 1):
		return 0
	var granted := _owed_bytes
	_owed_bytes = 0
	return granted


## Forget what came and was not handed over.
func drop() -> void:
	_waiting_bytes = 0


func _fault(chunk: Dictionary) -> String:
	var seq: int = chunk["seq"]
	var announced: int = accepted.get("chunks", 0)
	if seq >= announced:
		return "chunk %d came, but %d were announced" % [seq, announced]
	if seq != next_seq:
		return "chunk %d came where chunk %d was due" % [seq, next_seq]
	var palette: PackedByteArray = chunk["palette"]
	if chunk["character"] != _character and (chunk["recipe"] == null or palette.is_empty()):
		return "the first chunk of character %d lacks its recipe or palette" % chunk["character"]
	var format: String = chunk["format"]
	var width: int = chunk["width"]
	var height: int = chunk["height"]
	if _BYTES_PER_PIXEL.has(format) and chunk["raw_length"] != _BYTES_PER_PIXEL[format] * width * height:
		return "chunk %d: %d bytes for %d x %d pixels" % [seq, chunk["raw_length"], width, height]
	for strip: Dictionary in chunk["strips"]:
		var why := _strip_fault(strip, width, height)
		if not why.is_empty():
			return "chunk %d: %s" % [seq, why]
	return ""


## Frames must lie in their picture: who draws them need not look again.
static func _strip_fault(strip: Dictionary, width: int, height: int) -> String:
	var directions: Array = strip["directions"]
	var rects: Array = strip["rects"]
	var frames: int = strip["frames"]
	var count := frames * directions.size()
	var name: String = strip["animation"]
	var frame_width: int = strip["frame_width"]
	var frame_height: int = strip["frame_height"]
	if rects.is_empty():
		if frames * frame_width > width or directions.size() * frame_height > height:
			return 'strip "%s" lies outside of its picture' % name
		return ""
	if rects.size() != 6 * count:
		return 'strip "%s" has %d numbers for %d frames' % [name, rects.size(), count]
	for i: int in range(0, rects.size(), 6):
		if (
			rects[i] + rects[i + 2] > width
			or rects[i + 1] + rects[i + 3] > height
			or rects[i + 4] + rects[i + 2] > frame_width
			or rects[i + 5] + rects[i + 3] > frame_height
		):
			return 'strip "%s": frame %d lies outside of its picture' % [name, i / 6.0]
	return ""


func _picture(chunk: Dictionary, pixels: PackedByteArray, sha256: PackedByteArray) -> VcgPicture:
	var picture := VcgPicture.new()
	picture.seq = chunk["seq"]
	picture.character = chunk["character"]
	picture.kind = chunk["kind"]
	picture.name = chunk["name"]
	picture.format = chunk["format"]
	picture.width = chunk["width"]
	picture.height = chunk["height"]
	picture.pixels = pixels
	picture.strips.assign(chunk["strips"])
	picture.sha256 = sha256.hex_encode()
	return picture
