extends RefCounted
## What a certificate says of itself (RFC 5280, 4.1), as far as pinning it needs. To check certificates is the engine's part.

const _VERSION := 0xA0
const _STRINGS := [0x0C, 0x13, 0x16]  # UTF8String, PrintableString, IA5String
const _DNS_NAME := 0x82
const _IP_ADDRESS := 0x87
const _COMMON_NAME := "550403"
const _OTHER_NAMES := "551d11"  # the extension subjectAltName

## Its issuer and its subject are the same.
var signs_itself := false
## A name that it bears, where the engine looks for one: in subjectAltName if it has that, else in its subject. May be empty.
var name := ""

var _der: PackedByteArray


## A value of the DER: its tag, and where its content lies.
class Value:
	extends RefCounted
	var tag: int
	var from: int
	var to: int

	func _init(its_tag: int, begin: int, end: int) -> void:
		tag = its_tag
		from = begin
		to = end


## [param pem]: the text of one, as [method first_in] gives it.
func _init(pem: String) -> void:
	var base64 := ""
	for line: String in pem.split("\n"):
		if not line.begins_with("-----"):
			base64 += line.strip_edges()
	_der = Marshalls.base64_to_raw(base64)
	var parts := _inside(_first(_inside(_first(_inside(Value.new(0, 0, _der.size()))))))
	if _first(parts).tag == _VERSION:
		parts.remove_at(0)
	if parts.size() < 6:  # number, algorithm, issuer, dates, subject, key
		return
	signs_itself = _hex(parts[2]) == _hex(parts[4])
	for part: Value in parts.slice(6):
		for extension: Value in _inside(_first(_inside(part))):
			var halves := _inside(extension)
			if _hex(_first(halves)) == _OTHER_NAMES:
				name = _name_among(_inside(_first(_inside(halves[-1]))))
				return
	for set_of_one: Value in _inside(parts[4]):
		var halves := _inside(_first(_inside(set_of_one)))
		if name.is_empty() and halves.size() == 2 and _hex(halves[0]) == _COMMON_NAME and halves[1].tag in _STRINGS:
			name = _bytes(halves[1]).get_string_from_utf8()


## The first certificate in the text of a PEM file; empty where there is none.
static func first_in(text: String) -> String:
	var pattern := RegEx.create_from_string("(?s)-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----")
	var found := pattern.search(text)
	return "" if found == null else found.get_string() + "\n"


func _name_among(names: Array[Value]) -> String:
	for value: Value in names:
		if value.tag == _DNS_NAME:
			return _bytes(value).get_string_from_ascii()
	for value: Value in names:
		if value.tag == _IP_ADDRESS and value.to - value.from == 4:
			return ".".join(Array(_bytes(value)).map(func(byte: int) -> String: return str(byte)))
	return ""


## The values that a value holds; where the bytes are damaged those before.
func _inside(outer: Value) -> Array[Value]:
	var found: Array[Value] = []
	var at := outer.from
	while at + 2 <= outer.to:
		var tag := _der[at]
		var length := _der[at + 1]
		at += 2
		if length > 0x80:
			var digits := length - 0x80
			if digits > 3 or at + digits > outer.to:
				break
			length = 0
			for i: int in digits:
				length = length << 8 | _der[at + i]
			at += digits
		if at + length > outer.to:
			break
		found.append(Value.new(tag, at, at + length))
		at += length
	return found


static func _first(values: Array[Value]) -> Value:
	return Value.new(0, 0, 0) if values.is_empty() else values[0]


func _bytes(value: Value) -> PackedByteArray:
	return _der.slice(value.from, value.to)


func _hex(value: Value) -> String:
	return _bytes(value).hex_encode()
