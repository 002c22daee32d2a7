extends RefCounted
## Blobs as they travel: raw, gzip or zstd. The sha256 is that of the decoded bytes.

const V := preload("vocabulary.gd")

## What this engine decodes, preferred first.
const CODECS: PackedStringArray = ["zstd", "gzip", "raw"]

const _ZSTD_MAGIC := 0xFD2FB528
const _LARGEST_WINDOW := 128 << 20

## What is wrong with the blob that was decoded last; empty where nothing is.
var fault := ""


## The bytes of a blob: exactly [param raw_length] of them, whose sha256 (32 bytes) is [param sha256], with nothing behind
## them. Never makes more. Look at [member fault].
func decode(codec: String, blob: PackedByteArray, raw_length: int, sha256: PackedByteArray) -> PackedByteArray:
	fault = ""
	var data := PackedByteArray()
	if raw_length > V.MAX_BLOB_BYTES:
		fault = "a blob of %d bytes; at most %d are allowed" % [raw_length, V.MAX_BLOB_BYTES]
	elif codec == "raw":
		data = blob
	elif codec == "gzip":
		data = _gunzip(blob, raw_length)
	elif codec == "zstd":
		data = _unzstd(blob, raw_length)
	else:
		fault = 'unknown codec "%s"' % codec.left(40)
	if fault.is_empty() and data.size() != raw_length:
		fault = "a blob of %d bytes was announced with %d" % [data.size(), raw_length]
	if fault.is_empty() and hash_of(data) != sha256:
		fault = "a blob does not have the sha256 that was announced"
	return data if fault.is_empty() else PackedByteArray()


## sha256 in 32 bytes.
static func hash_of(data: PackedByteArray) -> PackedByteArray:
	var context := HashingContext.new()
	context.start(HashingContext.HASH_SHA256)
	if not data.is_empty():
		context.update(data)
	return context.finish()


func _gunzip(blob: PackedByteArray, raw_length: int) -> PackedByteArray:
	# One byte more is offered than there is: where the stream takes all but that one, it ends where the blob does.
	var offered := blob.duplicate()
	offered.append(0)
	var stream := StreamPeerGZIP.new()
	stream.start_decompression(false, raw_length + 4096)  # its ring keeps 1024 bytes free
	var taken: Array = stream.put_partial_data(offered)
	var error: Error = taken[0]
	var count: int = taken[1]
	var available := stream.get_available_bytes()
	if error != OK:
		fault = "a damaged gzip blob"
	elif count != blob.size() or available != raw_length:
		fault = "a gzip blob that is cut off, not as long as announced, or followed by something"
	elif raw_length > 0:
		var got: Array = stream.get_partial_data(raw_length)
		var data: PackedByteArray = got[1]
		return data
	return PackedByteArray()


func _unzstd(blob: PackedByteArray, raw_length: int) -> PackedByteArray:
	var end := _end_of_frame(blob, raw_length)
	if fault.is_empty() and end != blob.size():
		fault = "a zstd blob that is cut off or followed by something"
	if not fault.is_empty() or raw_length == 0:
		return PackedByteArray()
	var data := blob.decompress(raw_length, FileAccess.COMPRESSION_ZSTD)
	if data.size() != raw_length:
		fault = "a damaged zstd blob"
	return data


## Where a zstd frame (RFC 8878, 3.1.1) ends: the engine's decoder would read on into a second one. Looks at its header, which
## may claim any length, and at the headers of its blocks.
func _end_of_frame(blob: PackedByteArray, raw_length: int) -> int:
	if blob.size() < 9 or blob.decode_u32(0) != _ZSTD_MAGIC:
		fault = "a damaged zstd blob"
		return 0
	var descriptor := blob[4]
	var single_segment := bool(descriptor & 0x20)
	var checksum := bool(descriptor & 0x04)
	var dictionary_width: int = [0, 1, 2, 4][descriptor & 3]
	var size_width := 1 << (descriptor >> 6)
	if size_width == 1 and not single_segment:
		fault = "a zstd blob that does not say its length"
		return 0
	var at := 5
	if not single_segment:
		var base := 1 << (10 + (blob[at] >> 3))
		if base + (base >> 3) * (blob[at] & 7) > _LARGEST_WINDOW:
			fault = "a zstd blob with a window over %d bytes" % _LARGEST_WINDOW
			return 0
		at += 1
	at += dictionary_width
	if at + size_width > blob.size():
		fault = "a damaged zstd blob"
		return 0
	var announced := 0
	for i: int in size_width:
		announced |= blob[at + i] << (8 * i)
	if size_width == 2:
		announced += 256
	at += size_width
	if announced != raw_length:
		fault = "a zstd blob of %d bytes was announced with %d" % [announced, raw_length]
		return 0
	while at + 3 <= blob.size():
		var head := blob[at] | blob[at + 1] << 8 | blob[at + 2] << 16
		at += 3 + (1 if head >> 1 & 3 == 1 else head >> 3)
		if head & 1:
			return at + (4 if checksum else 0)
	fault = "a zstd blob that is cut off"
	return 0
