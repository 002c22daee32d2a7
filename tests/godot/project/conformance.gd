extends SceneTree
## The GDScript client's runner: tests/conformance/README.md says what a runner does. The one argument is the job file.

var _task: Dictionary
var _step_s := 30.0
var _client: VcgClient
var _settings: Dictionary
var _scenario := ""
var _jobs: Dictionary[String, Heard] = {}


## What was heard of one job.
class Heard:
	extends RefCounted
	var job: VcgJob
	var accepted: Variant
	var pictures: Array[Dictionary] = []
	var characters: Array[Dictionary] = []
	var end: Variant
	var done: Variant
	var error: Variant

	func _init(job_: VcgJob) -> void:
		job = job_
		job.accepted.connect(_on_accepted)
		job.preview.connect(_note)
		job.picture.connect(_note)
		job.finished.connect(_on_finished)
		job.failed.connect(_on_failed)
		job.cancelled.connect(_on_cancelled)

	func _on_accepted(count: int, chunks: int) -> void:
		accepted = {"count": count, "chunks": chunks}

	func _on_cancelled() -> void:
		end = "cancelled"

	func _note(picture: VcgPicture, character: VcgGenerated) -> void:
		var context := HashingContext.new()
		context.start(HashingContext.HASH_SHA256)
		context.update(picture.pixels)
		(
			pictures
			. append(
				{
					"seq": picture.seq,
					"character": picture.character,
					"kind": picture.kind,
					"name": picture.name,
					"format": picture.format,
					"width": picture.width,
					"height": picture.height,
					"length": picture.pixels.size(),
					"sha256": context.finish().hex_encode(),
					"strips": picture.strips,
				}
			)
		)
		if characters.size() == picture.character:
			characters.append({"recipe": character.recipe, "palette": character.palette.hex_encode()})
		if character.complete:
			characters[picture.character]["credits"] = Array(character.credits)

	func _on_finished(message: Dictionary) -> void:
		end = "done"
		done = message

	func _on_failed(why: VcgError) -> void:
		end = "error"
		error = {"code": why.code, "message": why.message, "hint": why.hint, "details": why.details}

	func found() -> Dictionary:
		return {
			"accepted": accepted,
			"pictures": pictures,
			"characters": characters,
			"end": end,
			"done": done,
			"error": error,
		}


func _initialize() -> void:
	Engine.max_fps = 500  # headless would spin
	var path := OS.get_cmdline_user_args()[0]
	_task = _whole(JSON.parse_string(FileAccess.get_file_as_string(path)))
	_step_s = _task["step_s"]
	var scenarios := {}
	for scenario: Dictionary in _task["scenarios"]:
		_scenario = scenario["name"]
		scenarios[_scenario] = await _play(scenario)
	var results: String = _task["results"]
	var file := FileAccess.open(results + ".tmp", FileAccess.WRITE)
	file.store_string(JSON.stringify({"runner": "vcg-godot", "scenarios": scenarios}, "", false, true))
	file.close()
	DirAccess.rename_absolute(results + ".tmp", results)
	quit()


func _play(scenario: Dictionary) -> Dictionary:
	_settings = scenario["client"]
	_jobs = {}
	var steps := []
	for step: Dictionary in scenario["steps"]:
		var given := {}
		match step["do"]:
			"open":
				given = await _open()
			"describe":
				var model: String = step.get("model", "")
				given = await _ask(_client.describe(model))
			"ping":
				given = await _ask(_client.ping())
			"generate":
				var name: String = step["job"]
				var request: Dictionary = _resolved(step["request"])
				_jobs[name] = Heard.new(_client.generate(request))
			"take":
				var heard := _heard(step)
				var count: int = step["count"]
				given = await _wait(func() -> bool: return heard.end != null or heard.pictures.size() >= count)
			"wait":
				given = await _wait_for_end(_heard(step))
			"cancel":
				_heard(step).job.cancel()
				given = await _wait_for_end(_heard(step))
			"signal":
				given = await _signal(str(step["name"]))
			"close":
				_client.close()
			_:
				printerr("unknown step ", step["do"])
				quit(1)
		given["do"] = step["do"]
		steps.append(given)
	_leave()
	var jobs := {}
	for name: String in _jobs:
		jobs[name] = _jobs[name].found()
	return {"steps": steps, "jobs": jobs}


func _leave() -> void:
	if _client != null:
		_client.close()
		_client.queue_free()
		_client = null


func _open() -> Dictionary:
	_leave()
	_client = VcgClient.new()
	_client.timeout_s = 5.0
	for setting: String in _settings:
		var property := "tls_certificate_path" if setting == "tls_certificate" else setting
		assert(property in _client)
		_client.set(property, _settings[setting])
	root.add_child(_client)
	var errors: Array[VcgError] = []
	_client.disconnected.connect(func(error: VcgError) -> void: errors.append(error))
	_client.open()
	var given := await _wait(func() -> bool: return _client.is_ready() or not errors.is_empty())
	_client.timeout_s = 10.0
	if not errors.is_empty():
		return {"error": _error(errors[0])}
	return given if not given.is_empty() else {"welcome": _client.welcome}


func _ask(request: VcgRequest) -> Dictionary:
	var given := await _wait(request.is_over)
	if request.error != null:
		return {"error": _error(request.error)}
	if not given.is_empty():
		return given
	return {"pong": true} if request.description.is_empty() else {"description": _plain(request.description)}


func _wait_for_end(heard: Heard) -> Dictionary:
	var given := await _wait(func() -> bool: return heard.end != null)
	given["end"] = heard.end
	return given


func _signal(name: String) -> Dictionary:
	print("SIGNAL %s/%s" % [_scenario, name])
	var file := "%s/%s.%s" % [_task["signals"], _scenario, name]
	return await _wait(func() -> bool: return FileAccess.file_exists(file))


## Empty, or the error that it takes too long.
func _wait(until: Callable) -> Dictionary:
	var give_up_at := Time.get_ticks_msec() + _step_s * 1000.0
	while not until.call():
		if Time.get_ticks_msec() > give_up_at:
			return {"error": {"code": "timeout", "message": "the step takes too long"}}
		await process_frame
	return {}


func _heard(step: Dictionary) -> Heard:
	var name: String = step["job"]
	return _jobs[name]


func _resolved(value: Variant) -> Variant:
	if value is Array:
		var array: Array = value
		return array.map(_resolved)
	if not value is Dictionary:
		return value
	var map: Dictionary = value
	if map.has("$int"):
		return str(map["$int"]).to_int()
	if map.has("$recipe"):
		var parts := str(map["$recipe"]).split("/")
		var character := _jobs[parts[0]].characters[parts[1].to_int()]
		var recipe: Dictionary = character["recipe"]
		var changes: Dictionary = _resolved(map.get("set", {}))
		recipe = recipe.merged(changes, true)
		for field: String in map.get("unset", []):
			recipe.erase(field)
		return recipe
	var resolved := {}
	for key: String in map:
		resolved[key] = _resolved(map[key])
	return resolved


## JSON knows only floats.
static func _whole(value: Variant) -> Variant:
	if value is float:
		var number: float = value
		return int(number) if number == floorf(number) else value
	if value is Array:
		var array: Array = value
		return array.map(_whole)
	if value is Dictionary:
		var map: Dictionary = value
		for key: String in map:
			map[key] = _whole(map[key])
	return value


static func _plain(value: Variant) -> Variant:
	if value is PackedByteArray:
		var bytes: PackedByteArray = value
		return {"$bin": bytes.hex_encode()}
	if value is Array:
		var array: Array = value
		return array.map(_plain)
	if value is Dictionary:
		var map: Dictionary = value
		var plain := {}
		for key: String in map:
			plain[key] = _plain(map[key])
		return plain
	return value


static func _error(error: VcgError) -> Dictionary:
	return {"code": error.code, "message": error.message, "hint": error.hint, "details": error.details}
