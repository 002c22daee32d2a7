extends SceneTree
## Runs the protocol's code over what tests/godot/test_protocol.py has prepared, and writes down what it makes of it.
## Arguments: the file with the cases (JSON), the file for the results.

const Blobs := preload("res://addons/vcg_bridge/net/blobs.gd")
const Msgpack := preload("res://addons/vcg_bridge/net/msgpack.gd")
const Protocol := preload("res://addons/vcg_bridge/net/protocol.gd")

var _msgpack := Msgpack.new()
var _protocol := Protocol.new()
var _blobs := Blobs.new()


func _init() -> void:
	var arguments := OS.get_cmdline_user_args()
	var cases: Dictionary = JSON.parse_string(FileAccess.get_file_as_string(arguments[0]))
	var results := {
		"maps": _each(cases["maps"], _map),
		"replies": _each(cases["replies"], _reply),
		"requests": _each(cases["requests"], _request),
		"blobs": _each(cases["blobs"], _blob),
	}
	var file := FileAccess.open(arguments[1], FileAccess.WRITE)
	file.store_string(JSON.stringify(results))
	file.close()
	quit()


func _each(cases: Array, check: Callable) -> Array:
	return cases.map(check)


## Bytes of a map in, the same map as plain values and written again out; or the fault.
func _map(hex: String) -> Dictionary:
	var map := _msgpack.read(hex.hex_decode())
	if not _msgpack.fault.is_empty():
		return {"fault": _msgpack.fault}
	var again := _msgpack.write(map)
	if not _msgpack.fault.is_empty():
		return {"fault": "written: " + _msgpack.fault}
	return {"map": _plain(map), "again": again.hex_encode()}


func _reply(frames_hex: Array) -> Dictionary:
	var frames: Array[PackedByteArray] = []
	for hex: String in frames_hex:
		frames.append(hex.hex_decode())
	return _message(_protocol.read_reply(frames))


func _request(hex: String) -> Dictionary:
	var map := _msgpack.read(hex.hex_decode())
	var result := _message(_protocol.read_request(map))
	if _protocol.error == null:
		var frames := _protocol.write_request(_protocol.read_request(map))
		result["again"] = frames[0].hex_encode()
	return result


func _message(message: Dictionary) -> Dictionary:
	var error := _protocol.error
	if error != null:
		return {"code": error.code, "fault": error.message}
	return {"map": _plain(message)}


func _blob(case: Dictionary) -> Dictionary:
	var codec: String = case["codec"]
	var blob := str(case["blob"]).hex_decode()
	var length: int = case["length"]
	var data := _blobs.decode(codec, blob, length, str(case["sha256"]).hex_decode())
	return {"data": data.hex_encode()} if _blobs.fault.is_empty() else {"fault": _blobs.fault}


## In a form that JSON keeps to the last bit.
static func _plain(value: Variant) -> Variant:
	match typeof(value):
		TYPE_INT:
			return {"$int": str(value)}
		TYPE_FLOAT:
			var bytes := PackedByteArray()
			bytes.resize(8)
			var number: float = value
			bytes.encode_double(0, number)
			return {"$float": bytes.hex_encode()}
		TYPE_PACKED_BYTE_ARRAY:
			var raw: PackedByteArray = value
			return {"$bin": raw.hex_encode()}
		TYPE_STRING:
			return {"$str": str(value).to_utf8_buffer().hex_encode()}
		TYPE_ARRAY:
			var array: Array = value
			return array.map(_plain)
		TYPE_DICTIONARY:
			var map: Dictionary = value
			var plain := {}
			for key: String in map:
				plain[key] = _plain(map[key])
			return {"$map": plain}
	return value
