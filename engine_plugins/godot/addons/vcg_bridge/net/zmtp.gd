extends RefCounted
## ZMTP 3.1 as a DEALER that talks to a ROUTER, without sockets or clocks: bytes and times in, bytes and messages out.
##
## Put what arrives into [method feed], take whole messages from [member messages], send what is in [member outgoing].
## Mechanisms NULL and PLAIN. Reads ZMTP 3.0 and 3.1; every size is looked at before anything is kept for it.

const V := preload("vocabulary.gd")

const _GREETING_BYTES := 64
const _MORE := 1
const _LONG := 2
const _COMMAND := 4
const _MAX_COMMAND_BYTES := 8192
const _MAX_CONTEXT_BYTES := 16
const _LIBZMQ_ERROR := "^RROR"  # how its PLAIN writes the head of the command ERROR
const _TTL_TENTHS := 600  # in our PING: the other side may take us for dead after a minute

## Bytes to send.
var outgoing := PackedByteArray()
## Messages that came, each the frames of one.
var messages: Array[Array] = []
## The handshake is over, messages may be sent.
var ready := false
## Why the connection cannot go on; empty while it can.
var fault := ""
## The fault is the credentials'.
var refused := false
## The fault is that the peer, after the handshake, sent what no server may send.
var violated := false

var _plain := false
var _username := PackedByteArray()
var _password := PackedByteArray()
var _ping_s: float
var _dead_s: float
var _heard_at := 0.0
var _pinged_at := -1.0
var _buffer := PackedByteArray()
var _at := 0  # of the buffer: what was dealt with
var _greeted := false
var _welcomed := false  # PLAIN: the password was taken
var _parts: Array[PackedByteArray] = []  # of the message that comes just now


## A new connection. [param username]: empty for NULL. A peer that was silent for [param ping_s] seconds is sent a PING, and
## taken for dead [param dead_s] seconds after it.
func _init(
	now: float, username: String = "", password: String = "", ping_s: float = 10.0, dead_s: float = 30.0
) -> void:
	_plain = not username.is_empty()
	_username = username.to_utf8_buffer()
	_password = password.to_utf8_buffer()
	_ping_s = ping_s
	_dead_s = dead_s
	_heard_at = now
	if _username.size() > 255 or _password.size() > 255:
		fault = "user name and password have at most 255 bytes each"
		refused = true
		return
	outgoing.append_array([0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1])
	var mechanism := ("PLAIN" if _plain else "NULL").to_ascii_buffer()
	mechanism.resize(20)
	outgoing.append_array(mechanism)
	outgoing.resize(_GREETING_BYTES)  # no server, and filler: zeros


## Send a message. Only when [member ready].
func send(frames: Array[PackedByteArray]) -> void:
	for i: int in frames.size():
		_put_frame(_MORE if i < frames.size() - 1 else 0, frames[i])


## Bytes came.
func feed(bytes: PackedByteArray, now: float) -> void:
	if not fault.is_empty() or bytes.is_empty():
		return
	_heard_at = now
	_pinged_at = -1.0
	if _at == _buffer.size():
		_buffer = bytes
		_at = 0
	else:
		if _at > 0:
			_buffer = _buffer.slice(_at)
			_at = 0
		_buffer.append_array(bytes)
	if not _greeted and not _read_greeting():
		return
	while fault.is_empty() and _read_frame():
		pass


## Time has passed. Feed what has arrived first.
func tick(now: float) -> void:
	if not ready or not fault.is_empty():
		return
	if _pinged_at >= 0.0:
		if now - _pinged_at >= _dead_s:
			fault = "the server gave no sign of life"
	elif now - _heard_at >= _ping_s:
		_pinged_at = now
		_command("PING", [_TTL_TENTHS >> 8, _TTL_TENTHS & 0xFF])


func _fail(why: String) -> bool:
	if fault.is_empty():
		fault = why
		violated = ready
	return false


func _read_greeting() -> bool:
	var have := _buffer.size()
	# Wrong bytes are refused as they come: something else may never send 64.
	if have > 0 and _buffer[0] != 0xFF or have > 9 and _buffer[9] & 1 == 0:
		return _fail("something else than a VCG Bridge server listens there")
	if have > 10 and _buffer[10] < 3:
		return _fail("a ZeroMQ of before 2012 listens there (ZMTP %d)" % _buffer[10])
	if have < _GREETING_BYTES:
		return false
	var name := _buffer.slice(12, 32)
	while not name.is_empty() and name[-1] == 0:
		name.resize(name.size() - 1)
	var wanted := "PLAIN" if _plain else "NULL"
	if name != wanted.to_ascii_buffer():
		refused = true
		var readable := name.size() <= 20 and Array(name).all(func(byte: int) -> bool: return byte > 32 and byte < 127)
		var theirs := name.get_string_from_ascii() if readable else "unknown"
		return _fail("the server wants another kind of authentication (%s, not %s)" % [theirs, wanted])
	_greeted = true
	_at = _GREETING_BYTES
	if _plain:
		var credentials := PackedByteArray([_username.size()])
		credentials.append_array(_username)
		credentials.append(_password.size())
		credentials.append_array(_password)
		_command("HELLO", credentials)
	else:
		_command("READY", _properties())
	return true


## Reads one frame; false where it is not whole yet.
func _read_frame() -> bool:
	var left := _buffer.size() - _at
	if left < 2:
		return false
	var flags := _buffer[_at]
	if flags & ~7 or (flags & _COMMAND and flags & _MORE):
		return _fail("a frame with flags 0x%02x, which ZMTP does not allow" % flags)
	var head := 2
	var size := _buffer[_at + 1]
	if flags & _LONG:
		head = 9
		if left < head:
			return false
		size = 0
		for i: int in 8:
			size = size << 8 | _buffer[_at + 1 + i]
	if not _may_be(flags, size):
		return false
	if left - head < size:
		return false
	var body := _buffer.slice(_at + head, _at + head + size)
	_at += head + size
	if flags & _COMMAND:
		return _take_command(body)
	_parts.append(body)
	if not flags & _MORE:
		messages.append(_parts)
		_parts = []
	return true


## Whether a frame may have that size and come now.
func _may_be(flags: int, size: int) -> bool:
	var most := V.MAX_REPLY_BYTES if _parts.is_empty() else V.MAX_BLOB_BYTES
	if flags & _COMMAND:
		most = _MAX_COMMAND_BYTES
	elif not ready:
		return _fail("a message came before the handshake was over")
	elif _parts.size() > V.MAX_REPLY_BLOBS:
		return _fail("a message of more than %d frames" % (1 + V.MAX_REPLY_BLOBS))
	if size < 0 or size > most:
		return _fail(
			"a frame that claims %s bytes; at most %d are allowed" % [str(size) if size >= 0 else "2^63", most]
		)
	return true


func _take_command(body: PackedByteArray) -> bool:
	if not ready and body.slice(0, _LIBZMQ_ERROR.length()) == _LIBZMQ_ERROR.to_ascii_buffer():
		return _take_error(body.slice(_LIBZMQ_ERROR.length()))
	var length := body[0] if not body.is_empty() else 0
	if length == 0 or 1 + length > body.size():
		return _fail("a ZMTP command without a name")
	var name := body.slice(1, 1 + length)
	var data := body.slice(1 + length)
	match name.get_string_from_ascii():
		"PING" when ready:
			if data.size() < 2 or data.size() > 2 + _MAX_CONTEXT_BYTES:
				return _fail("a PING of %d bytes" % data.size())
			_command("PONG", data.slice(2))
		"READY" when not ready and (_welcomed or not _plain):
			return _take_ready(data)
		"WELCOME" when _plain and not _welcomed:
			_welcomed = true
			_command("INITIATE", _properties())
		"ERROR" when not ready:
			return _take_error(data)
		var other when not ready:
			return _fail('an unexpected ZMTP command "%s" during the handshake' % other.left(16))
	return true  # later versions may have commands that concern others


func _take_error(data: PackedByteArray) -> bool:
	refused = true
	var reason := data.slice(1, 1 + data[0]).get_string_from_ascii() if not data.is_empty() else ""
	var words := "the server refused user name and password" if _plain else "the server refused the connection"
	return _fail(words if reason.is_empty() else "%s (%s)" % [words, reason.left(100)])


## The peer's properties: what kind of socket it is.
func _take_ready(data: PackedByteArray) -> bool:
	var at := 0
	while at < data.size():
		var name_size := data[at]
		if at + 1 + name_size + 4 > data.size():
			return _fail("ZMTP properties that are cut off")
		var name := data.slice(at + 1, at + 1 + name_size)
		at += 1 + name_size
		var size := data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
		at += 4
		if size > data.size() - at:
			return _fail("ZMTP properties that are cut off")
		if name.get_string_from_ascii().to_lower() == "socket-type":
			var kind := data.slice(at, at + size)
			if kind != "ROUTER".to_ascii_buffer():
				return _fail("something else than a VCG Bridge server listens there (a ZeroMQ socket of another kind)")
		at += size
	ready = true
	return true


func _properties() -> PackedByteArray:
	var properties := PackedByteArray()
	var pairs: Dictionary[String, String] = {"Socket-Type": "DEALER", "Identity": ""}
	for name: String in pairs:
		properties.append(name.length())
		properties.append_array(name.to_ascii_buffer())
		properties.append_array([0, 0, 0, pairs[name].length()])
		properties.append_array(pairs[name].to_ascii_buffer())
	return properties


func _command(name: String, data: PackedByteArray) -> void:
	var body := PackedByteArray([name.length()])
	body.append_array(name.to_ascii_buffer())
	body.append_array(data)
	_put_frame(_COMMAND, body)


func _put_frame(flags: int, body: PackedByteArray) -> void:
	if body.size() < 256:
		outgoing.append_array([flags, body.size()])
	else:
		outgoing.append(flags | _LONG)
		for shift: int in range(56, -8, -8):
			outgoing.append(body.size() >> shift & 0xFF)
	outgoing.append_array(body)
