@tool
class_name VcgSaveTask
extends RefCounted
## [method VcgSaver.save] in a thread, and then, in the editor, the import of what it wrote. The main thread never waits.
## [codeblock]
## var task := VcgSaveTask.start(generated, description, "res://npc", "guard")
## var result: VcgSaveResult = await task.finished
## [/codeblock]

## On the main thread, once: the files are there, and imported where this is the editor.
signal finished(result: VcgSaveResult)

const _Background := preload("../runtime/background.gd")
const _EDITOR_FILES := "editor_files.gd"

static var _running: Array[VcgSaveTask] = []  # nobody need keep a task for it to end

## Null until it is finished.
var result: VcgSaveResult


## Arguments as of [method VcgSaver.save].
static func start(
	generated: VcgGenerated, description: Dictionary, folder: String, name: String, options: Dictionary = {}
) -> VcgSaveTask:
	var task := VcgSaveTask.new()
	_running.append(task)
	_Background.run(VcgSaver.save.bind(generated, description, folder, name, options), task._saved)
	return task


func _saved(saved: VcgSaveResult) -> void:
	if saved.is_ok() and Engine.is_editor_hint():
		# loaded here: a game that is exported has no editor to speak of
		var here: GDScript = get_script()
		var editor_files: GDScript = load(here.resource_path.get_base_dir().path_join(_EDITOR_FILES))
		var files: RefCounted = editor_files.new()
		@warning_ignore("redundant_await")
		await files.call("take_in", saved)
	result = saved
	_running.erase(self)
	finished.emit(saved)
