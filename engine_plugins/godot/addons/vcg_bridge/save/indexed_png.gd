@tool
extends RefCounted
## PNG files of index planes: 8 bit palette, transparency in tRNS. The index of a pixel is its palette slot, as in the
## files of the Python package (sprites/png.py).

const _SIGNATURE: PackedByteArray = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
const _POLYNOMIAL := 0xEDB88320

static var _crc_table := _make_crc_table()


## [param plane]: width x height slots. [param palette]: 256 x R, G, B, A; written up to the last colour that is set or
## used. [param text]: keyword (1 to 79 characters of ASCII) -> text.
static func encode(
	plane: PackedByteArray, width: int, height: int, palette: PackedByteArray, text: Dictionary = {}
) -> PackedByteArray:
	var file := _SIGNATURE.duplicate()
	var header := StreamPeerBuffer.new()
	header.big_endian = true
	header.put_u32(width)
	header.put_u32(height)
	header.put_data(PackedByteArray([8, 3, 0, 0, 0]))  # bits, palette, deflate, filter method, not interlaced
	_put_chunk(file, "IHDR", header.data_array)
	for keyword: String in text:
		var words: String = text[keyword]
		var itxt := keyword.to_ascii_buffer()
		itxt.append_array(PackedByteArray([0, 0, 0, 0, 0]))  # end, not compressed, method, no language, no translation
		itxt.append_array(words.to_utf8_buffer())
		_put_chunk(file, "iTXt", itxt)
	var colours := PackedByteArray()
	var alphas := PackedByteArray()
	var opaque_from := 0
	for slot: int in _used(plane, palette):
		colours.append_array(palette.slice(slot * 4, slot * 4 + 3))
		alphas.append(palette[slot * 4 + 3])
		if palette[slot * 4 + 3] < 255:
			opaque_from = slot + 1
	_put_chunk(file, "PLTE", colours)
	if opaque_from > 0:
		_put_chunk(file, "tRNS", alphas.slice(0, opaque_from))
	_put_chunk(file, "IDAT", _rows(plane, width, height).compress(FileAccess.COMPRESSION_DEFLATE))
	_put_chunk(file, "IEND", PackedByteArray())
	return file


## Number of slots to write.
static func _used(plane: PackedByteArray, palette: PackedByteArray) -> int:
	for slot: int in range(255, 0, -1):
		if palette.decode_u32(slot * 4) != 0 or plane.has(slot):
			return slot + 1
	return 1


## Each row behind its filter type, 0: pixels as they are, which is best for palettes.
static func _rows(plane: PackedByteArray, width: int, height: int) -> PackedByteArray:
	var rows := PackedByteArray()
	for y: int in height:
		rows.append(0)
		rows.append_array(plane.slice(y * width, (y + 1) * width))
	return rows


static func _put_chunk(file: PackedByteArray, kind: String, data: PackedByteArray) -> void:
	var body := kind.to_ascii_buffer()
	body.append_array(data)
	var numbers := StreamPeerBuffer.new()
	numbers.big_endian = true
	numbers.put_u32(data.size())
	numbers.put_u32(_crc(body))
	file.append_array(numbers.data_array.slice(0, 4))
	file.append_array(body)
	file.append_array(numbers.data_array.slice(4, 8))


static func _crc(data: PackedByteArray) -> int:
	var table := _crc_table
	var crc := 0xFFFFFFFF
	for byte: int in data:
		crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
	return crc ^ 0xFFFFFFFF


static func _make_crc_table() -> PackedInt64Array:
	var table := PackedInt64Array()
	for start: int in 256:
		var crc := start
		for bit: int in 8:
			crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
		table.append(crc)
	return table
