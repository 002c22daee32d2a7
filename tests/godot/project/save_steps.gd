extends SceneTree
## Generates and saves characters as a list of steps says, and tells what came of it.
##
## Arguments: ADDRESS STEPS RESULTS. Steps (a JSON array): [code]{"save": name, "folder", "request", "options"}[/code];
## [code]{"append": path, "text"}[/code], [code]{"replace": path, "old", "new"}[/code],
## [code]{"paint": path}[/code] (one pixel of a PNG), [code]{"write": path, "text"}[/code], [code]{"make_folder": path}[/code],
## [code]{"remove": path}[/code], [code]{"copy": path, "to"}[/code].

var _client: VcgClient
var _description: Dictionary
var _results: Array[Dictionary] = []


func _initialize() -> void:
	var arguments := OS.get_cmdline_user_args()
	_client = VcgClient.new()
	_client.address = arguments[0]
	root.add_child(_client)
	_run.call_deferred(arguments[1], arguments[2])


func _run(steps_path: String, results_path: String) -> void:
	var asked := _client.describe()
	await asked.described
	_description = asked.description
	var steps: Array = JSON.parse_string(FileAccess.get_file_as_string(steps_path))
	for step: Dictionary in steps:
		if step.has("save"):
			await _save(step)
		else:
			_edit(step)
	FileAccess.open(results_path, FileAccess.WRITE).store_string(JSON.stringify(_results))
	_client.close()
	quit()


func _save(step: Dictionary) -> void:
	var request: Dictionary = step["request"]
	if request.has("design"):
		request["design"]["seed"] = int(request["design"]["seed"])
	var output: Dictionary = {"format": "r8"}
	output.merge(request.get("output", {}), true)
	request["output"] = output
	var job := _client.generate(request)
	await job.finished
	var options: Dictionary = step.get("options", {})
	var name: String = step["save"]
	var folder: String = step["folder"]
	var task := VcgSaveTask.start(job.character, _description, folder, name, options)
	var result: VcgSaveResult = await task.finished
	(
		_results
		. append(
			{
				"name": name,
				"ok": result.is_ok(),
				"text": result.text(),
				"code": "" if result.is_ok() else result.error.code,
				"written": result.written,
				"unchanged": result.unchanged,
				"kept": result.kept,
				"beside": result.beside,
				"texture": result.texture,
				"sprite_frames": result.sprite_frames,
				"scene": result.scene,
				"recipe": result.recipe,
			}
		)
	)


func _edit(step: Dictionary) -> void:
	if step.has("append"):
		var path: String = step["append"]
		_put(path, FileAccess.get_file_as_string(path) + str(step["text"]))
	elif step.has("write"):
		_put(str(step["write"]), str(step["text"]))
	elif step.has("replace"):
		var path: String = step["replace"]
		var text := FileAccess.get_file_as_string(path)
		_put(path, text.replace(str(step["old"]), str(step["new"])))
	elif step.has("paint"):
		var path: String = step["paint"]
		var image := Image.load_from_file(ProjectSettings.globalize_path(path))
		image.set_pixel(0, 0, Color.MAGENTA)
		image.save_png(path)
	elif step.has("make_folder"):
		DirAccess.make_dir_recursive_absolute(str(step["make_folder"]))
	elif step.has("remove"):
		DirAccess.remove_absolute(str(step["remove"]))
	elif step.has("copy"):
		DirAccess.copy_absolute(str(step["copy"]), str(step["to"]))


func _put(path: String, text: String) -> void:
	DirAccess.make_dir_recursive_absolute(path.get_base_dir())
	FileAccess.open(path, FileAccess.WRITE).store_string(text)
