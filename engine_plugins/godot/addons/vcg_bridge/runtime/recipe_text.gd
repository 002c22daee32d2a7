@tool
extends RefCounted
## JSON as recipes need it. Godot's own reader makes every number a float, which loses the end of a long seed, and takes
## a key that is there twice.

const MAX_DEPTH := 16

## What is wrong with the text that [method read] was given; empty where nothing is.
var fault := ""

var _text := ""
var _at := 0


## Any JSON value; whole numbers as int. Null with [member fault] set where the bytes are no JSON. Recipes hold nothing
## but ASCII, so other characters are refused here already.
func read(data: PackedByteArray) -> Variant:
	fault = ""
	_at = 0
	if data.slice(0, 3) == PackedByteArray([0xEF, 0xBB, 0xBF]):
		data = data.slice(3)
	for byte: int in data:
		if byte > 126 or byte == 0:
			fault = "it holds a character that no recipe has"
			return null
	_text = data.get_string_from_ascii()
	var value: Variant = _value(0)
	_space()
	if fault.is_empty() and _at < _text.length():
		_fail("something follows the end")
	return value if fault.is_empty() else null


## Canonical: sorted keys, no spaces. [param value]: nil, bool, int, String, Array, Dictionary with String keys.
static func write(value: Variant) -> String:
	match typeof(value):
		TYPE_DICTIONARY:
			var table: Dictionary = value
			var keys := PackedStringArray(table.keys())
			keys.sort()
			var fields := PackedStringArray()
			for key: String in keys:
				fields.append("%s:%s" % [_quoted(key), write(table[key])])
			return "{%s}" % ",".join(fields)
		TYPE_ARRAY:
			var items := PackedStringArray()
			var array: Array = value
			for item: Variant in array:
				items.append(write(item))
			return "[%s]" % ",".join(items)
		TYPE_STRING, TYPE_STRING_NAME:
			return _quoted(str(value))
		TYPE_NIL:
			return "null"
	return str(value)


static func _quoted(text: String) -> String:
	return '"%s"' % text.json_escape()


func _fail(problem: String) -> Variant:
	if fault.is_empty():
		var line := _text.left(_at).count("\n") + 1
		fault = "%s (line %d, column %d)" % [problem, line, _at - _text.rfind("\n", _at - 1) if _at > 0 else 1]
	return null


func _space() -> void:
	while _at < _text.length() and _text[_at] in " \t\r\n":
		_at += 1


func _value(depth: int) -> Variant:
	_space()
	if depth > MAX_DEPTH:
		return _fail("it is nested too deeply")
	if _at >= _text.length():
		return _fail("it ends too early")
	match _text[_at]:
		"{":
			return _object(depth)
		"[":
			return _array(depth)
		'"':
			return _string()
	for word: String in ["true", "false", "null"]:
		if _text.substr(_at, word.length()) == word:
			_at += word.length()
			return {"true": true, "false": false, "null": null}[word]
	return _number()


func _object(depth: int) -> Variant:
	var table := {}
	_at += 1
	_space()
	if _take("}"):
		return table
	while fault.is_empty():
		_space()
		if _at >= _text.length() or _text[_at] != '"':
			return _fail("expected a key in quotes")
		var key: Variant = _string()
		if not fault.is_empty():
			return null
		if table.has(key):
			return _fail('the key "%s" is there twice' % str(key))
		_space()
		if not _take(":"):
			return _fail('expected ":"')
		table[key] = _value(depth + 1)
		_space()
		if _take("}"):
			return table
		if not _take(","):
			return _fail('expected "," or "}"')
	return null


func _array(depth: int) -> Variant:
	var items := []
	_at += 1
	_space()
	if _take("]"):
		return items
	while fault.is_empty():
		items.append(_value(depth + 1))
		_space()
		if _take("]"):
			return items
		if not _take(","):
			return _fail('expected "," or "]"')
	return null


func _string() -> Variant:
	_at += 1
	var result := ""
	while _at < _text.length():
		var sign_ := _text[_at]
		_at += 1
		if sign_ == '"':
			return result
		if sign_.unicode_at(0) < 32:
			break
		if sign_ != "\\":
			result += sign_
			continue
		var escape := _text.substr(_at, 1)
		_at += 1
		if escape == "u":
			var digits := _text.substr(_at, 4)
			if digits.length() != 4 or not digits.is_valid_hex_number() or digits.hex_to_int() not in range(32, 127):
				return _fail("an escape names a character that no recipe has")
			result += char(digits.hex_to_int())
			_at += 4
		elif not escape.is_empty() and escape in '"\\/':
			result += escape
		else:
			return _fail("an escape names a character that no recipe has")
	return _fail("a text does not end")


func _number() -> Variant:
	var start := _at
	while _at < _text.length() and _text[_at] in "+-.eE0123456789":
		_at += 1
	var digits := _text.substr(start, _at - start)
	if RegEx.create_from_string("^-?(0|[1-9][0-9]*)$").search(digits) != null:
		if str(digits.to_int()) == digits or digits == "-0":
			return digits.to_int()
		return digits.to_float()  # beyond 64 bits: no field takes it, and the complaint shows it
	if RegEx.create_from_string("^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?$").search(digits) != null:
		return digits.to_float()
	_at = start
	return _fail("expected a value")


func _take(sign_: String) -> bool:
	if _at < _text.length() and _text[_at] == sign_:
		_at += 1
		return true
	return false
