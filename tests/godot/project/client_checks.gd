extends SceneTree
## What tests/godot/test_client.py asks for by its first argument, against the server at the second. Prints lines of JSON.

const MIDDLE := 5

var _address := ""


func _initialize() -> void:
	Engine.max_fps = 500  # headless would spin
	var arguments := OS.get_cmdline_user_args()
	_address = arguments[1]
	match arguments[0]:
		"pictures":
			await _pictures()
		"leaving":
			await _leaving()
		"quitting":
			await _quitting()
			return  # in the middle of a job
		"connect":
			await _connect(arguments[2])
		"settings":
			await _settings()
	quit()


func _say(table: Dictionary) -> void:
	print("JSON ", JSON.stringify(table))


func _client() -> VcgClient:
	var client := VcgClient.new()
	client.address = _address
	root.add_child(client)
	client.open()
	return client


## Pictures of the shipped bundle, for the test to compare with those of the Python client.
func _pictures() -> void:
	var client := _client()
	var requests: Array = JSON.parse_string(FileAccess.get_file_as_string(OS.get_cmdline_user_args()[2]))
	for request: Dictionary in requests:
		request["count"] = int(str(request.get("count", 1)))
		var design: Dictionary = request["design"]
		for number: String in ["seed", "novelty"]:
			if design.has(number):
				design[number] = int(str(design[number]))
		var job := client.generate(request)
		var seen: Array[Dictionary] = []
		var note := func(picture: VcgPicture, character: VcgGenerated) -> void:
			var context := HashingContext.new()
			context.start(HashingContext.HASH_SHA256)
			context.update(picture.pixels)
			var image := picture.image()
			(
				seen
				. append(
					{
						"character": picture.character,
						"kind": picture.kind,
						"name": picture.name,
						"sha256": context.finish().hex_encode(),
						"announced": picture.sha256,
						"size": [image.get_width(), image.get_height()],
						"palette": character.palette.hex_encode(),
						"recipe": character.recipe,
					}
				)
			)
		job.preview.connect(note)
		job.picture.connect(note)
		await job.finished
		_say(
			{
				"pictures": seen,
				"licence": job.character.licence,
				"attribution": job.character.attribution,
				"credits": Array(job.character.credits),
				"model": job.character.model,
			}
		)
	var description: Dictionary = await client.describe().described
	_say({"layers": description["layers"], "licence": description["licence"]})
	client.queue_free()


## A client goes away in every way that there is; what it had goes with it.
func _leaving() -> void:
	await process_frame
	var before := _held()
	for way: String in ["close", "queue_free", "free", "close and open", "remove", "free while connecting"]:
		var client := _client()
		var job := client.generate({"design": {"seed": 1}, "count": 500})
		var heard := [0, 0]
		job.picture.connect(func(_picture: VcgPicture, _character: VcgGenerated) -> void: heard[0] += 1)
		job.cancelled.connect(func() -> void: heard[1] += 1)
		if way != "free while connecting":
			while heard[0] < MIDDLE:
				await process_frame
		match way:
			"close":
				client.close()
			"queue_free":
				client.queue_free()
			"free", "free while connecting":
				client.free()
			"close and open":
				client.close()
				client.open()
				await client.connected
				client.close()
			"remove":
				root.remove_child(client)
				await process_frame
				root.add_child(client)
				var got: int = heard[0]
				while heard[0] == got:
					await process_frame
				client.close()
		var so_far: int = heard[0]
		for i: int in 20:
			await process_frame
		_say(
			{
				"way": way,
				"state": job.state,
				"cancelled": heard[1],
				"later": heard[0] - so_far,
				"held": _held() == before
			}
		)
		if is_instance_valid(client) and not client.is_queued_for_deletion():
			client.free()
	var cancelled := _client()
	var one := cancelled.generate({"design": {"seed": 1}, "count": 500})
	while one.received < MIDDLE:
		await process_frame
	one.cancel()
	var so_far_one := one.received
	await one.cancelled
	var another := cancelled.generate({"design": {"seed": 2}, "animations": ["walk"]})
	await another.finished
	_say({"way": "cancel", "later": one.received - so_far_one, "another": another.state})
	cancelled.queue_free()
	await process_frame
	_say({"way": "all", "held": _held() == before})


## Threads and sockets of this process.
static func _held() -> Array[int]:
	var sockets := 0
	var folder := DirAccess.open("/proc/self/fd")
	for name: String in folder.get_files():
		if folder.read_link(name).begins_with("socket:"):
			sockets += 1
	return [DirAccess.get_directories_at("/proc/self/task").size(), sockets]


func _quitting() -> void:
	var client := _client()
	var job := client.generate({"design": {"seed": 1}, "count": 500})
	while job.received < MIDDLE:
		await process_frame
	_say({"received": job.received})
	quit()


## Connects with each of the settings in a JSON file, and has a preview drawn where it may.
func _connect(path: String) -> void:
	var rows: Array = JSON.parse_string(FileAccess.get_file_as_string(path))
	for settings: Dictionary in rows:
		var client := VcgClient.new()
		client.address = _address
		for name: String in settings:
			client.set(name, settings[name])
		root.add_child(client)
		var reasons: Array[VcgError] = []
		client.disconnected.connect(func(error: VcgError) -> void: reasons.append(error))
		client.open()
		while not client.is_ready() and reasons.is_empty():
			await process_frame
		if reasons.is_empty():
			var job := client.generate({"design": {"seed": 1}, "output": {"kind": "preview"}})
			await job.finished
			_say({"state": client.state, "received": job.received})
		else:
			_say({"state": client.state, "code": reasons[0].code, "text": reasons[0].text()})
		client.queue_free()


## Settings that are wrong are said to be, in words.
func _settings() -> void:
	var wrong: Array[Dictionary] = [
		{"address": "localhost:7421"},
		{"address": "tcp://localhost:0"},
		{"address": "http://localhost:7421"},
		{"address": "tcp://no-such-host.invalid:7421"},
		{"address": "tcp://203.0.113.7:7421", "token": "secret"},
		{"address": "tcp://127.evil.example:7421", "username": "me", "password": "secret"},
		{"address": "tls://localhost:7421"},
		{"address": "tls://localhost:7421", "tls_certificate_path": "/no/such/file.pem"},
		{"address": "tls://localhost:7421", "tls_certificate_path": "res://project.godot"},
	]
	for settings: Dictionary in wrong:
		var client := VcgClient.new()
		root.add_child(client)
		for name: String in settings:
			client.set(name, settings[name])
		client.open()
		var job := client.generate({"design": {"seed": 1}})
		var error: VcgError = await client.disconnected
		if not job.is_over():
			await job.failed
		_say({"settings": settings, "state": client.state, "code": error.code, "text": error.text(), "job": job.state})
		client.queue_free()
	var repaired := VcgClient.new()
	repaired.address = "nonsense"
	root.add_child(repaired)
	repaired.open()
	await repaired.disconnected
	repaired.address = _address
	repaired.open()
	await repaired.connected
	var twice := repaired.generate({"id": "same", "design": {"seed": 1}})
	var second := repaired.generate({"id": "same", "design": {"seed": 2}})
	var conflict: VcgError = await second.failed
	await twice.finished
	_say({"repaired": repaired.state, "conflict": conflict.code, "first": twice.state})
	repaired.queue_free()
