extends SceneTree
## ZMTP and the session, without sockets and with times that are made up. Prints what is wrong, and how much was looked at.

const Msgpack := preload("res://addons/vcg_bridge/net/msgpack.gd")
const Session := preload("res://addons/vcg_bridge/net/session.gd")
const Zmtp := preload("res://addons/vcg_bridge/net/zmtp.gd")

const READY := "\u0005READY\u000bSocket-Type"

var _looked := 0
var _wrong := 0


func _init() -> void:
	_greeting()
	_heartbeats()
	_plain()
	_refusals()
	_cut_anywhere()
	_mutated()
	_reconnecting()
	_heartbeat_of_the_session()
	_busy()
	_credit()
	_cancelling()
	print("looked at %d, wrong %d" % [_looked, _wrong])
	quit(0 if _wrong == 0 else 1)


func _same(what: String, got: Variant, wanted: Variant) -> void:
	_looked += 1
	if typeof(got) != typeof(wanted) or got != wanted:
		_wrong += 1
		print("WRONG %s: %s instead of %s" % [what, got, wanted])


# ZMTP


static func _server_greeting(mechanism: String = "NULL", major: int = 3, minor: int = 1) -> PackedByteArray:
	var bytes := PackedByteArray([0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, major, minor])
	var name := mechanism.to_ascii_buffer()
	name.resize(20)
	bytes.append_array(name)
	bytes.resize(64)
	return bytes


static func _frame(flags: int, body: PackedByteArray) -> PackedByteArray:
	var bytes := PackedByteArray([flags, body.size()])
	if body.size() > 255:
		bytes = PackedByteArray([flags | 2])
		for shift: int in range(56, -8, -8):
			bytes.append(body.size() >> shift & 0xFF)
	bytes.append_array(body)
	return bytes


static func _ready_of(kind: String) -> PackedByteArray:
	var body := READY.to_ascii_buffer()
	body.append_array([0, 0, 0, kind.length()])
	body.append_array(kind.to_ascii_buffer())
	return _frame(4, body)


static func _command(name: String, data: PackedByteArray = []) -> PackedByteArray:
	var body := PackedByteArray([name.length()])
	body.append_array(name.to_ascii_buffer())
	body.append_array(data)
	return _frame(4, body)


## A peer that has got through the handshake.
static func _shaken() -> Zmtp:
	var peer := Zmtp.new(0.0)
	peer.feed(_server_greeting(), 0.0)
	peer.feed(_ready_of("ROUTER"), 0.0)
	peer.outgoing.clear()
	return peer


func _greeting() -> void:
	var peer := Zmtp.new(0.0)
	_same("greeting", peer.outgoing, _server_greeting())
	peer.outgoing.clear()
	peer.feed(_server_greeting("NULL", 3, 0), 0.0)
	var properties := "\u0005READY\u000bSocket-Type".to_ascii_buffer()
	properties.append_array([0, 0, 0, 6])
	properties.append_array("DEALER".to_ascii_buffer())
	properties.append(8)
	properties.append_array("Identity".to_ascii_buffer())
	properties.append_array([0, 0, 0, 0])
	_same("READY", peer.outgoing, _frame(4, properties))
	_same("not yet", peer.ready, false)
	peer.feed(_ready_of("ROUTER"), 0.0)
	_same("ready", peer.ready, true)
	peer.outgoing.clear()
	var large := PackedByteArray()
	large.resize(300)
	peer.send([PackedByteArray([7]), large])
	var wanted := PackedByteArray([1, 1, 7])
	wanted.append_array(_frame(0, large))
	_same("message", peer.outgoing, wanted)


func _heartbeats() -> void:
	var peer := _shaken()
	peer.feed(_command("PING", [0, 10, 1, 2, 3]), 1.0)
	_same("PONG", peer.outgoing, _command("PONG", [1, 2, 3]))
	peer.outgoing.clear()
	peer.tick(10.9)
	_same("no PING yet", peer.outgoing.size(), 0)
	peer.tick(11.0)
	_same("PING", peer.outgoing, _command("PING", [2, 88]))
	peer.tick(40.9)
	_same("alive", peer.fault, "")
	peer.feed(_command("PONG"), 40.95)
	peer.tick(41.1)
	_same("PONG counts", peer.fault, "")
	peer.tick(51.0)
	peer.tick(81.0)
	_same("dead", peer.fault, "the server gave no sign of life")
	_same("death may be got over", peer.violated, false)


func _plain() -> void:
	var peer := Zmtp.new(0.0, "me", "secret")
	peer.outgoing.clear()
	peer.feed(_server_greeting("PLAIN"), 0.0)
	var credentials := PackedByteArray([2])
	credentials.append_array("me".to_ascii_buffer())
	credentials.append(6)
	credentials.append_array("secret".to_ascii_buffer())
	_same("HELLO", peer.outgoing, _command("HELLO", credentials))
	peer.outgoing.clear()
	peer.feed(_command("WELCOME"), 0.0)
	_same("INITIATE", peer.outgoing.slice(2, 11), "\u0008INITIATE".to_ascii_buffer())
	peer.feed(_ready_of("ROUTER"), 0.0)
	_same("PLAIN ready", peer.ready, true)
	var early := Zmtp.new(0.0, "me", "secret")
	early.feed(_server_greeting("PLAIN"), 0.0)
	early.feed(_ready_of("ROUTER"), 0.0)
	_same("READY before WELCOME", early.ready, false)
	_same("READY before WELCOME is refused", early.fault.is_empty(), false)
	var as_libzmq_writes_it := _frame(4, "^RROR\u0003400".to_ascii_buffer())
	for bytes: PackedByteArray in [_command("ERROR", [3, 52, 48, 48]), as_libzmq_writes_it]:
		var refused := Zmtp.new(0.0, "me", "wrong")
		refused.feed(_server_greeting("PLAIN"), 0.0)
		refused.feed(bytes, 0.0)
		_same("ERROR", refused.fault, "the server refused user name and password (400)")
		_same("ERROR is final", refused.refused, true)


func _refusals() -> void:
	var cases: Dictionary[String, Array] = {
		"HTTP": ["HTTP/1.1 400 Bad Request".to_ascii_buffer()],
		"zeros": [_frame(0, []), PackedByteArray([0, 0, 0])],
		"ZMTP 2": [_server_greeting("NULL", 1)],
		"another mechanism": [_server_greeting("CURVE")],
		"another socket": [_server_greeting(), _ready_of("PUB")],
		"a message before READY": [_server_greeting(), _frame(0, [1])],
		"an unknown command before READY": [_server_greeting(), _command("NOVEL")],
		"a command without a name": [_server_greeting(), _frame(4, [])],
		"a name that is cut off": [_server_greeting(), _frame(4, [9, 65])],
		"properties that are cut off": [_server_greeting(), _command("READY", [200, 1])],
	}
	for what: String in cases:
		var peer := Zmtp.new(0.0)
		for bytes: PackedByteArray in cases[what]:
			peer.feed(bytes, 0.0)
		_same(what, peer.fault.is_empty() or peer.ready, false)
	var later: Dictionary[String, PackedByteArray] = {
		"reserved flags": PackedByteArray([8, 0]),
		"a command with MORE": PackedByteArray([5, 0]),
		"a frame over its limit": PackedByteArray([2, 0, 0, 0, 0, 0, 16, 0, 1]),
		"a frame of 2^63 bytes": PackedByteArray([2, 128, 0, 0, 0, 0, 0, 0, 0]),
		"a command over its limit": PackedByteArray([6, 0, 0, 0, 0, 0, 0, 64, 0]),
		"a PING without its time": _command("PING", [1]),
		"a PING with a long context": _command("PING", "0123456789abcdefghij".to_ascii_buffer()),
		"six frames": PackedByteArray([1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0]),
	}
	for what: String in later:
		var peer := _shaken()
		peer.feed(later[what], 0.0)
		_same(what, peer.fault.is_empty(), false)
		_same(what + " is a violation", peer.violated, true)


## However the bytes are cut, the same comes out.
func _cut_anywhere() -> void:
	var blob := PackedByteArray()
	blob.resize(70_000)
	blob.fill(9)
	var all := _server_greeting()
	all.append_array(_ready_of("ROUTER"))
	for i: int in 5:
		all.append_array(_frame(1, "head".to_ascii_buffer()))
		all.append_array(_command("PING", [0, 1, i]))
		all.append_array(_frame(0, blob if i % 2 else PackedByteArray([i])))
	var source := RandomNumberGenerator.new()
	source.seed = 7
	for largest: int in [1, 3, 70, 9000, 200_000]:
		var peer := Zmtp.new(0.0)
		var at := 0
		while at < (all.size() if largest > 1 else 2000):
			var size := source.randi_range(1, largest)
			peer.feed(all.slice(at, at + size), 0.0)
			at += size
		_same("cut by %d" % largest, peer.fault, "")
		if largest > 1:
			_same("messages cut by %d" % largest, peer.messages.size(), 5)
			_same("the last blob", peer.messages[3][1], blob)


## Whatever comes: an end, and no more than came.
func _mutated() -> void:
	var source := RandomNumberGenerator.new()
	source.seed = 20261124
	var good := _server_greeting()
	good.append_array(_ready_of("ROUTER"))
	var head := Msgpack.new().write({"type": "pong", "id": "a"})
	for i: int in 3:
		good.append_array(_frame(0, head))
		good.append_array(_command("PING", [0, 1]))
	var faults := 0
	for _attempt: int in 1500:
		var bytes := good.duplicate()
		for _i: int in source.randi_range(1, 4):
			bytes[source.randi_range(0, bytes.size() - 1)] = source.randi_range(0, 255)
		var peer := Zmtp.new(0.0)
		var session := _session()
		session.start(0.0, 5.0, false)
		session.opened(0.0)
		peer.feed(bytes, 0.0)
		for frames: Array[PackedByteArray] in peer.messages:
			session.received(frames, 0.0)
		faults += 0 if peer.fault.is_empty() else 1
		if peer.messages.size() > bytes.size() / 2.0:
			_wrong += 1
	_same("some were refused", faults > 300, true)
	_same("some were not", faults < 1400, true)


# The session


static func _session() -> Session:
	var options := Session.Options.new()
	options.address = "tcp://127.0.0.1:1"
	options.codecs = ["raw"]
	options.window_bytes = 1000
	return Session.new(options, "s")


static func _reply(map: Dictionary) -> Array[PackedByteArray]:
	return [Msgpack.new().write(map)]


## What the session wants to send, as maps.
static func _sent(session: Session) -> Array[Dictionary]:
	var maps: Array[Dictionary] = []
	for frames: Array[PackedByteArray] in session.outgoing:
		maps.append(Msgpack.new().read(frames[0]))
	session.outgoing.clear()
	return maps


static func _types(maps: Array[Dictionary]) -> Array:
	return maps.map(func(map: Dictionary) -> String: return map["type"])


static func _names(session: Session) -> Array:
	var names := session.events.map(func(event: Array) -> String: return str(event[0]))
	session.events.clear()
	return names.filter(func(name: String) -> bool: return name != "state")


static func _welcomed(now: float) -> Session:
	var session := _session()
	session.start(now, 5.0, false)
	session.opened(now)
	session.received(_reply({"type": "welcome", "version": 1}), now)
	session.outgoing.clear()
	session.events.clear()
	return session


func _reconnecting() -> void:
	var session := _welcomed(0.0)
	session.generate({"type": "generate", "id": "j", "design": {}}, 0.0)
	_same("generate", _types(_sent(session)), ["generate"])
	var now := 1.0
	session.lost("cable", now)
	_same("told of it", _names(session), ["disconnected"])
	var waits := []
	for i: int in 8:
		waits.append(snappedf(session.open_at - now, 0.001))
		now = session.open_at
		session.opened(now)
		session.lost("cable", now)
	_same("waits", waits, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])
	_same("told once", _names(session), [])
	session.opened(now)
	session.received(_reply({"type": "welcome", "version": 1}), now)
	_same("again", _types(_sent(session)), ["hello", "generate"])
	_same("welcome again", _names(session), ["connected"])
	session.received(_reply({"type": "pong", "id": "heartbeat"}), now)  # it gets on: the next loss is a new one
	session.lost("cable", now)
	session.tick(now + 59.9)
	_same("not given up", session.state, "waiting")
	session.tick(now + 60.1)
	_same("given up", session.state, "failed")
	_same("all ends", _names(session), ["disconnected", "failed", "disconnected"])
	var impatient := _session()
	impatient.start(0.0, 5.0, false)
	impatient.opened(0.0)
	impatient.lost("refused", 0.1)
	_same("a refused connection is not tried again", impatient.state, "failed")


func _heartbeat_of_the_session() -> void:
	var session := _welcomed(0.0)
	session.tick(9.9)
	_same("no ping yet", _types(_sent(session)), [])
	session.tick(10.1)
	_same("ping", _types(_sent(session)), ["ping"])
	session.received(_reply({"type": "pong", "id": "heartbeat"}), 10.2)
	session.tick(41.0)
	_same("alive", session.state, "ready")
	session.tick(60.0)
	session.tick(72.0)
	_same("dead", session.state, "waiting")
	var forgotten := _welcomed(0.0)
	forgotten.tick(11.0)
	var error := {"type": "error", "code": "hello_required", "message": "who?", "id": "heartbeat"}
	forgotten.received(_reply(error), 11.0)
	_same("forgotten: at once", forgotten.open_at, 11.0)


func _busy() -> void:
	var session := _welcomed(0.0)
	session.generate({"type": "generate", "id": "j", "design": {}}, 0.0)
	session.outgoing.clear()
	var busy := {"type": "error", "code": "busy", "message": "full", "id": "j", "details": {"retry_after_ms": 2000}}
	session.received(_reply(busy), 1.0)
	session.tick(2.9)
	_same("waits", _types(_sent(session)), [])
	session.tick(3.5)  # up to a quarter longer than it was told
	_same("tries again", _types(_sent(session)), ["generate"])
	session.received(_reply(busy), 60.0)
	_same("gives up after a minute", _names(session), ["failed"])


func _credit() -> void:
	var session := _welcomed(0.0)
	session.generate({"type": "generate", "id": "j", "design": {}}, 0.0)
	_same("window", _sent(session)[0]["credit"], 1000)
	session.taken("j", 249, 0.0)
	_same("not worth a message", _types(_sent(session)), [])
	session.taken("j", 1, 0.0)
	_same("granted", _sent(session), [{"type": "credit", "id": "j", "bytes": 250}] as Array[Dictionary])
	session.taken("stranger", 1000, 0.0)
	_same("a stranger gets none", _types(_sent(session)), [])


func _cancelling() -> void:
	var session := _welcomed(0.0)
	session.generate({"type": "generate", "id": "j", "design": {}}, 0.0)
	session.outgoing.clear()
	session.cancel("j", 0.0)
	_same("cancel", _types(_sent(session)), ["cancel"])
	session.received(
		_reply({"type": "accepted", "id": "j", "count": 1, "chunks": 0, "model": "m", "model_sha256": "s"}), 0.0
	)
	session.received(_reply({"type": "done", "id": "j", "characters": 1, "chunks": 0}), 0.0)
	_same("nothing after it", _names(session), [])
	session.received(_reply({"type": "cancelled", "id": "j"}), 0.0)
	_same("cancelled", _names(session), ["cancelled"])
	session.cancel("j", 0.0)
	_same("once", _types(_sent(session)), [])
	session.generate({"type": "generate", "id": "k", "design": {}}, 0.0)
	session.cancel("k", 0.0)
	session.lost("cable", 0.0)
	_same("the connection was lost", _names(session), ["cancelled", "disconnected"])
