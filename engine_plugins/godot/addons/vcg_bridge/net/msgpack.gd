extends RefCounted
## Maps as msgpack: the bounded, canonical subset of docs/protocol.md, "The map".
##
## Written: keys in ascending ASCII order, the shortest form of each value, every float as float 64. Read: any key order
## and any width, and nothing outside of the bounds. A length is looked at before anything is reserved for it.
##
## nil, bool, int, float, String, PackedByteArray (bin), Array and Dictionary. The writer also takes StringName and the
## packed arrays of numbers and strings.

const V := preload("vocabulary.gd")

const _LARGEST := 0x7FFFFFFFFFFFFFFF

## What is wrong with what was read or written last; empty where nothing is.
var fault := ""

var _data: PackedByteArray
var _size := 0
var _at := 0
var _out: StreamPeerBuffer

# Reading


## The map that fills [param data] exactly. Look at [member fault].
func read(data: PackedByteArray) -> Dictionary:
	fault = ""
	_data = data
	_size = data.size()
	_at = 0
	var value: Variant = _value(1)
	_data = PackedByteArray()
	if fault.is_empty() and not value is Dictionary:
		fault = "a message is a map, not %s" % name_of(value)
	if fault.is_empty() and _at != _size:
		fault = "%d bytes after the end of the message" % (_size - _at)
	if not fault.is_empty():
		return {}
	var map: Dictionary = value
	return map


func _value(depth: int) -> Variant:
	if _at >= _size:
		return _refuse("the message ends early")
	var first := _data[_at]
	_at += 1
	if first < 0x80:
		return first
	if first >= 0xE0:
		return first - 0x100
	if first < 0x90:
		return _map(first & 0x0F, depth)
	if first < 0xA0:
		return _array(first & 0x0F, depth)
	if first < 0xC0:
		return _text(first & 0x1F)
	match first:
		0xC0:
			return null
		0xC2:
			return false
		0xC3:
			return true
		0xCB:
			return _float()
		0xCC, 0xCD, 0xCE:
			return _length(1 << (first - 0xCC))
		0xCF:
			return _whole(8)
		0xD0, 0xD1, 0xD2, 0xD3:
			return _signed(1 << (first - 0xD0))
		0xC4, 0xC5, 0xC6:
			return _bin(_length(1 << (first - 0xC4)))
		0xD9, 0xDA, 0xDB:
			return _text(_length(1 << (first - 0xD9)))
		0xDC, 0xDD:
			return _array(_length(2 << (first - 0xDC)), depth)
		0xDE, 0xDF:
			return _map(_length(2 << (first - 0xDE)), depth)
	return _refuse("msgpack type 0x%02x is not allowed" % first)


func _refuse(why: String) -> Variant:
	if fault.is_empty():
		fault = why
	_at = _size  # what is read after a fault ends at once
	return null


## An unsigned number of 1, 2 or 4 bytes; 0 after a fault.
func _length(width: int) -> int:
	if _at + width > _size:
		_refuse("the message ends early")
		return 0
	var number := 0
	for i: int in width:
		number = number << 8 | _data[_at + i]
	_at += width
	return number


func _whole(width: int) -> int:
	if _at < _size and _data[_at] >= 0x80:
		_refuse("an integer over 2^63 - 1")
		return 0
	return _length(width)  # 8 bytes of which the first bit is 0: shifts never overflow


func _signed(width: int) -> int:
	var number := _length(width)
	if width < 8 and number >> (8 * width - 1):
		number -= 1 << (8 * width)
	return number


func _float() -> float:
	if _at + 8 > _size:
		_refuse("the message ends early")
		return 0.0
	var turned := _data.slice(_at, _at + 8)
	turned.reverse()
	_at += 8
	var number := turned.decode_double(0)
	if not is_finite(number):
		_refuse("%s is no finite number" % number)
		return 0.0
	return number


## Whether so many entries of at least one byte each are allowed and can be there.
func _fits(length: int, most: int, what: String) -> bool:
	if length > most:
		_refuse("%s of length %d; at most %d is allowed" % [what, length, most])
	elif length > _size - _at:
		_refuse("the message ends early")
	return fault.is_empty()


func _bin(length: int) -> PackedByteArray:
	if not _fits(length, V.MAX_BIN_BYTES, "a bin"):
		return PackedByteArray()
	_at += length
	return _data.slice(_at - length, _at)


func _text(length: int) -> String:
	if not _fits(length, V.MAX_TEXT_BYTES, "a str"):
		return ""
	var raw := _data.slice(_at, _at + length)
	_at += length
	var plain := true
	for byte: int in raw:
		if byte == 0:
			_refuse("a str with a NUL character")
			return ""
		if byte >= 0x80:
			plain = false
	if plain:
		return raw.get_string_from_ascii()
	if not is_utf8(raw):
		_refuse("a str that is not UTF-8")
		return ""
	var text := raw.get_string_from_utf8()
	if raw[0] == 0xEF and raw[1] == 0xBB and raw[2] == 0xBF:
		return String.chr(0xFEFF) + text  # the engine drops it as a byte order mark
	return text


func _array(length: int, depth: int) -> Array:
	var values := []
	if depth > V.MAX_DEPTH:
		_refuse("nested deeper than %d" % V.MAX_DEPTH)
	elif _fits(length, V.MAX_LENGTH, "an array"):
		for i: int in length:
			values.append(_value(depth + 1))
			if not fault.is_empty():
				break
	return values


func _map(length: int, depth: int) -> Dictionary:
	var values := {}
	if depth > V.MAX_DEPTH:
		_refuse("nested deeper than %d" % V.MAX_DEPTH)
	elif _fits(length, V.MAX_LENGTH, "a map"):
		for i: int in length:
			var key := _key()
			if not fault.is_empty():
				break
			if values.has(key):
				_refuse('the key "%s" stands twice in one map' % key)
				break
			values[key] = _value(depth + 1)
			if not fault.is_empty():
				break
	return values


func _key() -> String:
	var first := _data[_at] if _at < _size else 0
	var length := 0
	if _at >= _size:
		_refuse("the message ends early")
	elif first >= 0xA0 and first < 0xC0:
		_at += 1
		length = first & 0x1F
	elif first >= 0xD9 and first <= 0xDB:
		_at += 1
		length = _length(1 << (first - 0xD9))
	else:
		_refuse("something other than a str as a map key")
	if not fault.is_empty() or not _fits(length, V.MAX_KEY_BYTES, "a map key"):
		return ""
	var raw := _data.slice(_at, _at + length)
	_at += length
	if not _is_key(raw):
		_refuse("a map key that is not printable ASCII without space")
		return ""
	return raw.get_string_from_ascii()


static func _is_key(raw: PackedByteArray) -> bool:
	for byte: int in raw:
		if byte <= 0x20 or byte >= 0x7F:
			return false
	return not raw.is_empty() and raw.size() <= V.MAX_KEY_BYTES


## Whether the bytes are UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
static func is_utf8(raw: PackedByteArray) -> bool:
	var at := 0
	var size := raw.size()
	while at < size:
		var byte := raw[at]
		var more := 0
		var least := 0
		var code := 0
		if byte >= 0x80:
			if byte >= 0xF0:
				more = 3
				least = 0x10000
				code = byte & 0x07 if byte < 0xF8 else 0x7FFFFFFF
			elif byte >= 0xE0:
				more = 2
				least = 0x800
				code = byte & 0x0F
			elif byte >= 0xC0:
				more = 1
				least = 0x80
				code = byte & 0x1F
			else:
				return false
			if at + more >= size:
				return false
			for i: int in more:
				var next := raw[at + 1 + i]
				if next & 0xC0 != 0x80:
					return false
				code = code << 6 | next & 0x3F
			if code < least or code > 0x10FFFF or (code >= 0xD800 and code < 0xE000):
				return false
		at += more + 1
	return true


# Writing


## The canonical bytes of a map. Look at [member fault], which names the place.
func write(map: Dictionary) -> PackedByteArray:
	fault = ""
	_out = StreamPeerBuffer.new()
	_out.big_endian = true
	_put(map, "message", 1)
	var bytes := _out.data_array
	_out = null
	return bytes if fault.is_empty() else PackedByteArray()


func _put(value: Variant, where: String, depth: int) -> void:
	match typeof(value):
		TYPE_NIL:
			_out.put_u8(0xC0)
		TYPE_BOOL:
			_out.put_u8(0xC3 if value else 0xC2)
		TYPE_INT:
			var whole: int = value
			_put_int(whole)
		TYPE_FLOAT:
			var number: float = value
			if not is_finite(number):
				_refuse("%s: %s is no finite number" % [where, number])
			_out.put_u8(0xCB)
			_out.put_double(number)
		TYPE_STRING, TYPE_STRING_NAME:
			_put_text(str(value), where)
		TYPE_PACKED_BYTE_ARRAY:
			var bytes: PackedByteArray = value
			_put_bin(bytes, where)
		TYPE_DICTIONARY:
			var map: Dictionary = value
			_put_map(map, where, depth)
		TYPE_ARRAY:
			var array: Array = value
			_put_array(array, where, depth)
		TYPE_PACKED_STRING_ARRAY, TYPE_PACKED_INT32_ARRAY, TYPE_PACKED_INT64_ARRAY, TYPE_PACKED_FLOAT64_ARRAY:
			_put_array(Array(value), where, depth)
		_:
			_refuse("%s: a %s cannot travel" % [where, type_string(typeof(value))])


func _put_int(whole: int) -> void:
	if whole >= 0:
		if whole < 0x80:
			_out.put_u8(whole)
		elif whole < 0x100:
			_out.put_u8(0xCC)
			_out.put_u8(whole)
		elif whole < 0x10000:
			_out.put_u8(0xCD)
			_out.put_u16(whole)
		elif whole < 0x100000000:
			_out.put_u8(0xCE)
			_out.put_u32(whole)
		else:
			_out.put_u8(0xCF)
			_out.put_64(whole)
	elif whole >= -0x20:
		_out.put_8(whole)
	elif whole >= -0x80:
		_out.put_u8(0xD0)
		_out.put_8(whole)
	elif whole >= -0x8000:
		_out.put_u8(0xD1)
		_out.put_16(whole)
	elif whole >= -0x80000000:
		_out.put_u8(0xD2)
		_out.put_32(whole)
	else:
		_out.put_u8(0xD3)
		_out.put_64(whole)


## The head of a str, bin, array or map. short: the first byte of its shortest form, which holds fewer than [param room].
func _put_head(length: int, short: int, room: int, wide: PackedInt32Array) -> void:
	if length < room:
		_out.put_u8(short | length)
	elif length < 0x100 and wide[0] != 0:
		_out.put_u8(wide[0])
		_out.put_u8(length)
	elif length < 0x10000:
		_out.put_u8(wide[1])
		_out.put_u16(length)
	else:
		_out.put_u8(wide[2])
		_out.put_u32(length)


func _put_text(text: String, where: String) -> void:
	var raw := text.to_utf8_buffer()
	if raw.size() > V.MAX_TEXT_BYTES:
		_refuse("%s: text of %d bytes; at most %d are allowed" % [where, raw.size(), V.MAX_TEXT_BYTES])
	_put_head(raw.size(), 0xA0, 0x20, [0xD9, 0xDA, 0xDB])
	_out.put_data(raw)


func _put_bin(bytes: PackedByteArray, where: String) -> void:
	if bytes.size() > V.MAX_BIN_BYTES:
		_refuse("%s: %d bytes; at most %d are allowed" % [where, bytes.size(), V.MAX_BIN_BYTES])
	_put_head(bytes.size(), 0, 0, [0xC4, 0xC5, 0xC6])
	_out.put_data(bytes)


func _put_array(array: Array, where: String, depth: int) -> void:
	if not _may_hold(array.size(), where, depth):
		return
	_put_head(array.size(), 0x90, 0x10, [0, 0xDC, 0xDD])
	for i: int in array.size():
		_put(array[i], "%s[%d]" % [where, i], depth + 1)


func _put_map(map: Dictionary, where: String, depth: int) -> void:
	if not _may_hold(map.size(), where, depth):
		return
	var keys := PackedStringArray()
	for key: Variant in map:
		if not (key is String or key is StringName) or not _is_key(str(key).to_utf8_buffer()):
			_refuse("%s: %s is no key" % [where, str(key).left(40)])
			return
		keys.append(str(key))
	keys.sort()
	_put_head(keys.size(), 0x80, 0x10, [0, 0xDE, 0xDF])
	for key: String in keys:
		_put_text(key, where)
		_put(map[key], where + "." + key, depth + 1)


func _may_hold(entries: int, where: String, depth: int) -> bool:
	if depth > V.MAX_DEPTH:
		_refuse("%s: nested deeper than %d" % [where, V.MAX_DEPTH])
	elif entries > V.MAX_LENGTH:
		_refuse("%s: %d entries; at most %d are allowed" % [where, entries, V.MAX_LENGTH])
	return fault.is_empty()


## The wire's name of a value's type, for messages.
static func name_of(value: Variant) -> String:
	match typeof(value):
		TYPE_NIL:
			return "nil"
		TYPE_BOOL:
			return "a bool"
		TYPE_INT:
			return "an int"
		TYPE_FLOAT:
			return "a float"
		TYPE_STRING, TYPE_STRING_NAME:
			return "a str"
		TYPE_PACKED_BYTE_ARRAY:
			return "a bin"
		TYPE_ARRAY:
			return "an array"
		TYPE_DICTIONARY:
			return "a map"
	return "a " + type_string(typeof(value))
