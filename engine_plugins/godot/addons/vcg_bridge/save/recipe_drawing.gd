@tool
extends RefCounted
## The work of recipe_import.gd: a SpriteFrames of a recipe file.
##
## What was drawn once comes from the cache. Else the server is asked, in the background: the editor goes on with the last
## result (or an empty SpriteFrames), and the file is imported again when the answer is there, which may be in a later
## session. Only an editor without a window, which may end with the import (`godot --headless --import`), waits.

const BuiltFrames := preload("built_frames.gd")
const EditorImports := preload("editor_imports.gd")
const Sheet := preload("sheet.gd")

const _ADDRESS := "vcg_bridge/server/address"
const _WAIT_S := 60
const _WAIT_MS := _WAIT_S * 1000
const _CONNECT_S := 5.0
const _PENDING := "vcg_bridge_pending.json"

## Whether imports wait for the server.
static var waits := DisplayServer.get_name() == "headless"

var cache := VcgCache.new()

var _client: VcgClient
var _pending := {}  # path of a recipe -> true: what is there is not what the recipe says
var _running := {}  # path -> VcgJob


func _init() -> void:
	var remembered: Variant = JSON.parse_string(_read(_pending_path()))
	if remembered is Array:
		for path: Variant in remembered:
			_pending[str(path)] = true


## The dock's connection, through which the background asks.
func set_client(client: VcgClient) -> void:
	_client = client
	_client.connected.connect(_ask_for_pending.unbind(1))
	if _client.is_ready():
		_ask_for_pending()


## What [method EditorImportPlugin._import] does. [param target]: the file to write.
func make(source: String, target: String, options: Dictionary) -> Error:
	var recipe := VcgRecipe.load_file(source)
	if recipe.problem != null:
		return _keep_last(source, target, recipe.problem)
	var request := _request(recipe, options)
	var key := _key(request)
	var generated := cache.load_character(key)
	if generated == null and waits:
		var error := _fetch(request, key)
		if error != null:
			return _keep_last(source, target, error)
		generated = cache.load_character(key)
	if generated == null:
		_ask(source, request, key)
		return _keep_last(source, target, null)
	return _write(source, target, generated, key)


func _request(recipe: VcgRecipe, options: Dictionary) -> Dictionary:
	var animations: PackedStringArray = options["animations"]
	return {
		"recipe": recipe.to_map(),
		"animations": Array(animations),
		"preview": false,
		"output": {"kind": "sheet", "layout": "packed", "format": "r8", "normal_map": bool(options["normal_map"])},
	}


static func _key(request: Dictionary) -> String:
	var recipe: Dictionary = request["recipe"]
	var output: Dictionary = request["output"]
	var animations := PackedStringArray()
	for animation: Variant in request["animations"]:
		animations.append(str(animation))
	return VcgCache.key(VcgRecipe.from_map(recipe), animations, output)


func _write(source: String, target: String, generated: VcgGenerated, key: String) -> Error:
	var sheet := Sheet.new()
	var order := PackedStringArray()
	for strip: Dictionary in generated.pictures[0].strips:
		order.append(str(strip["animation"]))
	sheet.lay_out(generated, order, "packed")
	var frames := BuiltFrames.of(sheet, generated.palette) if sheet.fault.is_empty() else null
	if frames == null:
		cache.remove(key)
		return _keep_last(
			source, target, VcgError.new("integrity", "%s: what came is damaged" % source, "import it again")
		)
	frames.set_meta("vcg_credits", generated.credits)
	var code := ResourceSaver.save(frames, target, ResourceSaver.FLAG_COMPRESS)
	if code == OK:
		_set_pending(source, false)
	return code


## The last result stays, or where there was none something empty that can be loaded. [param error]: said to the user; null
## while the server is being asked.
func _keep_last(source: String, target: String, error: VcgError) -> Error:
	_set_pending(source, error == null or error.code != "recipe")
	if error != null:
		_say(source, error, FileAccess.file_exists(target))
	if FileAccess.file_exists(target):
		return OK
	return ResourceSaver.save(SpriteFrames.new(), target)


func _say(source: String, error: VcgError, has_last: bool) -> void:
	var rest := "The last result is kept." if has_last else "It is empty for now."
	var words := "%s was not drawn. %s %s" % [source, error.text(), rest]
	push_warning(words)
	if EditorInterface.has_method("get_editor_toaster"):
		var toaster: Object = Engine.get_singleton("EditorInterface").call("get_editor_toaster")
		toaster.call("push_toast", words, 1)


# In the background


func _ask(source: String, request: Dictionary, key: String) -> void:
	if _client == null or not _client.is_ready():
		var why := "" if _client == null else _client.trouble
		var hint := "it is drawn as soon as the dock has a server"
		_say(
			source,
			VcgError.new(
				"no_server", "no VCG Bridge server is connected" + (": " + why if not why.is_empty() else ""), hint
			),
			FileAccess.file_exists(source + ".import")
		)
		return
	if _running.has(source):
		var old: VcgJob = _running[source]
		old.cancel()
	var job := _client.generate(request)
	_running[source] = job
	job.finished.connect(_answered.bind(source, job.id, key))
	job.failed.connect(_refused.bind(source, job.id))


func _answered(_done: Dictionary, source: String, id: String, key: String) -> void:
	var job: VcgJob = _running.get(source)
	if job == null or job.id != id:
		return
	_running.erase(source)
	var error := cache.store_character(key, job.character)
	if error != null:
		_say(source, error, true)
		return
	_import_again(source)


func _refused(error: VcgError, source: String, id: String) -> void:
	var job: VcgJob = _running.get(source)
	if job != null and job.id == id:
		_running.erase(source)
		_say(source, error, true)


func _import_again(source: String) -> void:
	if FileAccess.file_exists(source):
		await EditorImports.run(PackedStringArray([source]), Time.get_ticks_msec() + _WAIT_MS)


func _ask_for_pending() -> void:
	for path: String in _pending.keys():
		if not FileAccess.file_exists(path):
			_set_pending(path, false)
		elif not _running.has(path):
			await _import_again(path)


# Waiting


## Null where the character is in the cache now.
func _fetch(request: Dictionary, key: String) -> VcgError:
	var client := VcgClient.new()
	client.address = str(ProjectSettings.get_setting(_ADDRESS, client.address))
	if _client != null:
		client.token = _client.token
		client.tls_certificate_path = _client.tls_certificate_path
	client.timeout_s = _CONNECT_S
	client.open()
	var job := client.generate(request)
	var give_up_at := Time.get_ticks_msec() + _WAIT_MS
	while not job.is_over() and Time.get_ticks_msec() < give_up_at:
		client._process(0.0)  # the main loop does not run now
		OS.delay_usec(1000)
	var error := job.error
	if error == null and job.state != "done":
		error = VcgError.new("timeout", "the server did not answer within %d s" % _WAIT_S)
	if error == null:
		error = cache.store_character(key, job.character)
	client.close()
	client.free()
	return error


# What is still to be drawn, also in a later session


func _set_pending(source: String, pending: bool) -> void:
	if _pending.has(source) == pending:
		return
	if pending:
		_pending[source] = true
	else:
		_pending.erase(source)
	var file := FileAccess.open(_pending_path(), FileAccess.WRITE)
	if file != null:
		file.store_string(JSON.stringify(_pending.keys()))


static func _pending_path() -> String:
	return EditorInterface.get_editor_paths().get_project_settings_dir().path_join(_PENDING)


static func _read(path: String) -> String:
	return FileAccess.get_file_as_string(path) if FileAccess.file_exists(path) else "[]"
