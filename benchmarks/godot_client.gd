extends SceneTree
## What benchmarks/godot_client.py measures inside of the engine. Arguments: address, a description's msgpack, rounds.

const Blobs := preload("res://addons/vcg_bridge/net/blobs.gd")
const Msgpack := preload("res://addons/vcg_bridge/net/msgpack.gd")
const Protocol := preload("res://addons/vcg_bridge/net/protocol.gd")

const BYTES := 3 << 20

var _client: VcgClient
var _figures: Dictionary[String, Array] = {}
var _longest_frame_ms := 0.0
var _last_frame := 0


func _initialize() -> void:
	var arguments := OS.get_cmdline_user_args()
	var rounds := arguments[2].to_int()
	_client = VcgClient.new()
	_client.address = arguments[0]
	root.add_child(_client)
	_client.open(true)
	await _client.connected
	await _whole(1000)  # the server's first is no measure of this client
	for frames_a_second: int in [60, 500]:
		Engine.max_fps = frames_a_second
		for i: int in rounds:
			await _measure(i, "at %d" % frames_a_second)
	Engine.max_fps = 60
	await _stall(rounds)
	var thread := Thread.new()
	var strips := await _whole(2000)
	thread.start(_decode.bind(strips, rounds))
	while thread.is_alive():
		await process_frame
	thread.wait_to_finish()
	_describe(FileAccess.get_file_as_bytes(arguments[1]), rounds)
	print("JSON ", JSON.stringify(_figures))
	_client.queue_free()
	await process_frame
	quit()


func _note(name: String, value: float) -> void:
	var values: Array = _figures.get_or_add(name, [])
	values.append(value)


static func _since(begin: int) -> float:
	return (Time.get_ticks_usec() - begin) / 1000.0


## From a click (the first thing in a frame) to the first preview and to a whole walk + idle character, both on the main thread.
func _measure(number: int, where: String) -> void:
	await process_frame
	var begin := Time.get_ticks_usec()
	var seed_number := 5000 + number + (100 if where == "at 60" else 0)
	var job := _client.generate({"design": {"seed": seed_number}, "animations": ["walk", "idle"]})
	await job.preview
	_note("preview " + where, _since(begin))
	await job.character_ready
	_note("character " + where, _since(begin))
	await job.finished


## The pictures of a character with all its animations.
func _whole(seed_number: int) -> Array[PackedByteArray]:
	var job := _client.generate({"design": {"seed": seed_number}})
	var character: VcgGenerated = await job.character_ready
	var strips: Array[PackedByteArray] = []
	for picture: VcgPicture in character.pictures:
		strips.append(picture.pixels)
	return strips


## The longest frame of the main thread while it does nothing, and while a crowd comes.
func _stall(rounds: int) -> void:
	process_frame.connect(_on_frame)
	_last_frame = Time.get_ticks_usec()
	_longest_frame_ms = 0.0
	for i: int in 120:
		await process_frame
	_note("frame, idle", _longest_frame_ms)
	_longest_frame_ms = 0.0
	var job := _client.generate({"design": {"seed": 9000}, "count": 10 * rounds, "animations": ["walk", "idle"]})
	await job.finished
	_note("frame, crowd", _longest_frame_ms)
	process_frame.disconnect(_on_frame)


func _on_frame() -> void:
	_longest_frame_ms = maxf(_longest_frame_ms, _since(_last_frame))
	_last_frame = Time.get_ticks_usec()


## In a thread, as the client does it: length, decoding, sha256. Whole strips until they are [constant BYTES] together.
func _decode(strips: Array[PackedByteArray], rounds: int) -> void:
	var blobs := Blobs.new()
	var modes: Dictionary[String, int] = {
		"zstd": FileAccess.COMPRESSION_ZSTD, "gzip": FileAccess.COMPRESSION_GZIP, "raw": -1
	}
	for codec: String in modes:
		var coded: Array[PackedByteArray] = []
		for strip: PackedByteArray in strips:
			coded.append(strip if codec == "raw" else strip.compress(modes[codec]))
		for i: int in rounds:
			var decoded := 0
			var sent := 0
			var at := 0
			var busy := 0
			while decoded < BYTES:
				var sha256 := Blobs.hash_of(strips[at])
				var begin := Time.get_ticks_usec()
				blobs.decode(codec, coded[at], strips[at].size(), sha256)
				busy += Time.get_ticks_usec() - begin
				assert(blobs.fault.is_empty())
				decoded += strips[at].size()
				sent += coded[at].size()
				at = (at + 1) % strips.size()
			_note(codec, busy / 1000.0 * BYTES / decoded)
			_note(codec + " kB", sent / 1000.0 * BYTES / decoded)


func _describe(packed: PackedByteArray, rounds: int) -> void:
	var msgpack := Msgpack.new()
	var protocol := Protocol.new()
	for i: int in rounds:
		var begin := Time.get_ticks_usec()
		msgpack.read(packed)
		_note("description, msgpack", _since(begin))
		begin = Time.get_ticks_usec()
		protocol.read_reply([packed])
		_note("description, checked", _since(begin))
		assert(protocol.error == null)
