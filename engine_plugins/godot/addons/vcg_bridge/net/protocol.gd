extends RefCounted
## Messages of protocol 1 (docs/protocol.md), checked against the generated vocabulary.
##
## A message is a Dictionary with [code]type[/code] and every field of its kind: what was left out on the wire has its
## default, what this version does not know is dropped. Written is only what differs from the defaults.

const Msgpack := preload("msgpack.gd")
const V := preload("vocabulary.gd")

## What is wrong with what was read or written last; null where nothing is. Names the field:
## "generate.output.scale: 99 is outside 1 to 16".
var error: VcgError

var _code := ""  # of the fault that was found
var _why := ""
var _hint := ""
var _path := PackedStringArray()  # to the value at fault, innermost first
var _msgpack := Msgpack.new()

# Reading


## The reply that these frames are. Look at [member error]. Its blob is frame 1.
func read_reply(frames: Array[PackedByteArray]) -> Dictionary:
	_begin()
	var blobs := frames.size() - 1
	if blobs < 0:
		return _failed("a message without frames")
	if blobs > V.MAX_REPLY_BLOBS:
		return _failed("a message with %d blobs; at most %d are allowed" % [blobs, V.MAX_REPLY_BLOBS])
	if frames[0].size() > V.MAX_REPLY_BYTES:
		return _failed("a message map of %d bytes; at most %d are allowed" % [frames[0].size(), V.MAX_REPLY_BYTES])
	for blob: PackedByteArray in frames.slice(1):
		if blob.size() > V.MAX_BLOB_BYTES:
			return _failed("a blob of %d bytes; at most %d are allowed" % [blob.size(), V.MAX_BLOB_BYTES])
	var map := _msgpack.read(frames[0])
	if not _msgpack.fault.is_empty():
		return _failed(_msgpack.fault)
	var message := _read_message(map, V.REPLIES)
	if error != null:
		error.code = "protocol"  # in a reply it is the server's fault, not the user's
		return {}
	var wanted := 1 if message["type"] == "chunk" else 0
	if blobs != wanted:
		return _failed("%s: %d blobs; %d are wanted" % [message["type"], blobs, wanted])
	return message


## The request that a map is, with all its fields. Look at [member error]: its code is [code]protocol[/code] for a wrong form,
## [code]bad_request[/code] for a value that is not allowed, [code]recipe[/code] for a recipe.
func read_request(map: Dictionary) -> Dictionary:
	_begin()
	var message := _read_message(map, V.REQUESTS)
	if error == null and message["type"] == "generate":
		_check_generate(message)
	return message if error == null else {}


func _begin() -> void:
	error = null
	_code = ""
	_path.clear()


func _failed(why: String, code: String = "protocol", hint: String = "") -> Dictionary:
	error = VcgError.new(code, why, hint)
	return {}


func _read_message(map: Dictionary, kinds: Dictionary[String, Dictionary]) -> Dictionary:
	var type: Variant = map.get("type")
	if not type is String:
		return _failed("a message without a type")
	var name: String = type
	if not kinds.has(name):
		return _failed('unknown message type "%s"' % name.left(40), "protocol", near(name, kinds.keys()))
	var message := _record(map, kinds[name])
	if not _code.is_empty():
		return _failed(_place(name) + ": " + _why, _code, _hint)
	message["type"] = name
	return message


## The name of the value at fault, in the message of that type.
func _place(type: String) -> String:
	var place := type
	for i: int in range(_path.size() - 1, -1, -1):
		place += _path[i] if _path[i].begins_with("[") else "." + _path[i]
	return place


func _refuse(why: String, code: String = "protocol", hint: String = "") -> Variant:
	_code = code
	_why = why
	_hint = hint
	return null


func _record(value: Variant, fields: Dictionary) -> Dictionary:
	var record := {}
	if not value is Dictionary:
		_refuse("a map is wanted, not %s" % Msgpack.name_of(value))
		return record
	var map: Dictionary = value
	for name: String in fields:
		var shape: Dictionary = fields[name]
		if map.has(name):
			record[name] = _value(map[name], shape)
			if not _code.is_empty():
				_path.append(name)
				return record
		elif shape["required"]:
			_refuse('the field "%s" is missing' % name)
			return record
		else:
			record[name] = _default(shape)
	return record


## A new value each time: constants are shared and cannot be written to.
func _default(shape: Dictionary) -> Variant:
	var default: Variant = shape.get("default")
	if shape["type"] == "bin":
		return PackedByteArray()
	if shape["type"] == "record" and default != null:
		var name: String = shape["record"]
		return _record({}, V.RECORDS[name])
	if default is Array:
		var array: Array = default
		return array.duplicate()
	if default is Dictionary:
		return {}
	return default


func _value(value: Variant, shape: Dictionary) -> Variant:
	if value == null and shape.get("or_nil", false):
		return null
	match shape["type"]:
		"str":
			return _text(value, shape)
		"int":
			if not value is int:
				return _refuse("an int is wanted, not %s" % Msgpack.name_of(value))
			return _within(value, shape)
		"bool":
			return value if value is bool else _refuse("a bool is wanted, not %s" % Msgpack.name_of(value))
		"float":
			if not value is int and not value is float:
				return _refuse("a float is wanted, not %s" % Msgpack.name_of(value))
			var number: float = value
			return _within(number, shape)
		"record":
			var name: String = shape["record"]
			return _record(value, V.RECORDS[name])
		"array":
			return _array(value, shape)
		"map":
			return _map(value, shape)
		"bin":
			return _bin(value, shape)
		"recipe":
			return _recipe(value)
		"scalar":
			if value == null or value is bool or value is int or value is float or value is String:
				return value
	return _refuse("nil, bool, int, float or str is wanted, not %s" % Msgpack.name_of(value))


func _within(value: Variant, shape: Dictionary) -> Variant:
	if shape.has("low") and (value < shape["low"] or value > shape["high"]):
		return _refuse("%s is outside %s to %s" % [value, shape["low"], shape["high"]], "bad_request")
	return value


func _text(value: Variant, shape: Dictionary) -> Variant:
	if not value is String and not value is StringName:
		return _refuse("a str is wanted, not %s" % Msgpack.name_of(value))
	var text := str(value)
	if shape.has("names"):
		var names: Array = shape["names"]
		if text not in names:
			var known := near(text, names)
			var hint := known if not known.is_empty() else "possible are " + ", ".join(names)
			return _refuse('"%s" is unknown' % text.left(40), "bad_request", hint)
		return text
	# A character takes at most 4 bytes: most texts need no counting.
	var size := text.length()
	if size * 4 > shape["most"] or shape.has("least"):
		size = text.to_utf8_buffer().size()
	_check_size(size, shape, "bytes")
	return text


func _check_size(size: int, shape: Dictionary, unit: String) -> void:
	if size > shape["most"]:
		_refuse("%d %s; at most %d are allowed" % [size, unit, shape["most"]], "bad_request")
	elif size < shape.get("least", 0):
		_refuse("%d %s; at least %d are needed" % [size, unit, shape["least"]], "bad_request")


func _array(value: Variant, shape: Dictionary) -> Variant:
	var given: Array
	if value is Array:
		given = value
	elif value is PackedStringArray or value is PackedInt32Array or value is PackedInt64Array:
		given = Array(value)
	else:
		return _refuse("an array is wanted, not %s" % Msgpack.name_of(value))
	_check_size(given.size(), shape, "entries")
	var entry: Dictionary = shape["of"]
	var values := []
	for i: int in given.size():
		if not _code.is_empty():
			break
		values.append(_value(given[i], entry))
		if not _code.is_empty():
			_path.append("[%d]" % i)
	return values


func _map(value: Variant, shape: Dictionary) -> Variant:
	if not value is Dictionary:
		return _refuse("a map is wanted, not %s" % Msgpack.name_of(value))
	var given: Dictionary = value
	_check_size(given.size(), shape, "entries")
	var entry: Dictionary = shape["of"]
	var values := {}
	for key: Variant in given:
		if not _code.is_empty():
			break
		values[str(key)] = _value(given[key], entry)
		if not _code.is_empty():
			_path.append(str(key))
	return values


func _bin(value: Variant, shape: Dictionary) -> Variant:
	if not value is PackedByteArray:
		return _refuse("a bin is wanted, not %s" % Msgpack.name_of(value))
	var bytes: PackedByteArray = value
	var size := bytes.size()
	if size != shape.get("also", -1) and (size > shape["most"] or size < shape.get("least", 0)):
		var limits := [size, shape.get("least", 0), shape["most"]]
		return _refuse("%d bytes; %d to %d are allowed" % limits, "bad_request")
	return bytes


func _recipe(value: Variant) -> Variant:
	if not value is Dictionary:
		return _refuse("a recipe is a map, not %s" % Msgpack.name_of(value), "recipe")
	var map: Dictionary = value
	var problem := VcgRecipe.check(map, "")
	if problem != null:
		return _refuse(problem.message.trim_prefix(": "), "recipe", problem.hint)
	return map


func _check_generate(message: Dictionary) -> void:
	if (message["recipe"] == null) == (message["design"] == null):
		_failed("generate: give either a recipe or a design", "bad_request")
	elif message["recipe"] != null and message["count"] != 1:
		_failed("generate.count: %d characters of one recipe" % message["count"], "bad_request", "use 1")
	elif message["output"]["kind"] == "preview" and not message["preview"]:
		_failed("generate.preview: false, but output.kind asks for nothing else", "bad_request")
	if error != null or message["design"] == null:
		return
	var design: Dictionary = message["design"]
	var reroll: Array = design["reroll"]
	var keep: Array = design["keep"]
	var seed_number: int = design["seed"]
	var count: int = message["count"]
	if design["base"] == null and not (reroll.is_empty() and keep.is_empty()):
		_failed("generate.design: reroll and keep need a base recipe", "bad_request")
	elif not reroll.is_empty() and not keep.is_empty():
		_failed("generate.design: give either reroll or keep", "bad_request")
	elif seed_number > V.MAX_SEED - (count - 1):
		_failed("generate.design.seed: the last seed would be over %d" % V.MAX_SEED, "bad_request")


# Writing


## The frames of a request that [method read_request] gave. Look at [member error].
func write_request(message: Dictionary) -> Array[PackedByteArray]:
	error = null
	var type: String = message["type"]
	var map := _plain(message, V.REQUESTS[type])
	map["type"] = type
	var head := _msgpack.write(map)
	if not _msgpack.fault.is_empty():
		_failed(_msgpack.fault)
	elif head.size() > V.MAX_REQUEST_BYTES:
		_failed("a message map of %d bytes; at most %d are allowed" % [head.size(), V.MAX_REQUEST_BYTES])
	var frames: Array[PackedByteArray] = []
	if error == null:
		frames.append(head)
	return frames


## A complete record without the fields that have their default value.
func _plain(record: Dictionary, fields: Dictionary) -> Dictionary:
	var map := {}
	for name: String in fields:
		var shape: Dictionary = fields[name]
		var value: Variant = record[name]
		if shape["type"] == "record" and value != null:
			var kind: String = shape["record"]
			var inner: Dictionary = value
			value = _plain(inner, V.RECORDS[kind])
		if shape["required"] or not _same(value, shape.get("default")):
			map[name] = value
	return map


static func _same(one: Variant, other: Variant) -> bool:
	return typeof(one) == typeof(other) and one == other


## 'did you mean "guard"?', or "" where nothing comes near.
static func near(name: String, candidates: Array) -> String:
	var best := ""
	var closeness := 0.6
	for candidate: String in candidates:
		var similarity := name.to_lower().similarity(candidate)
		if similarity >= closeness:
			best = candidate
			closeness = similarity
	return "" if best.is_empty() else 'did you mean "%s"?' % best
