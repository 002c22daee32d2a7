@tool
extends RefCounted
## One import at a time. While the editor imports it goes on drawing frames for its progress bar, so that a second import
## can be asked for in the middle of the first; Godot 4.6 complains of that, or crashes.

static var _is_busy := false
static var _is_watching := false


## Import files again that the editor knows. Returns when that is done, or could not be begun before [param give_up_at]
## (ticks in milliseconds).
static func run(paths: PackedStringArray, give_up_at: int) -> void:
	await until_quiet(give_up_at)
	if is_quiet():
		_is_busy = true
		EditorInterface.get_resource_filesystem().reimport_files(paths)
		_is_busy = false


## Returns in a later frame, when the editor neither scans nor imports.
static func until_quiet(give_up_at: int) -> void:
	_watch()
	var tree: SceneTree = Engine.get_main_loop()
	await tree.process_frame
	while not is_quiet() and Time.get_ticks_msec() < give_up_at:
		await tree.process_frame


static func is_quiet() -> bool:
	return not _is_busy and not EditorInterface.get_resource_filesystem().is_scanning()


## Imports that others have begun count too. The editor's own work after an import is done in its own receiver of
## resources_reimported, which was connected earlier and so comes before this one.
static func _watch() -> void:
	if _is_watching:
		return
	_is_watching = true
	var files := EditorInterface.get_resource_filesystem()
	files.resources_reimporting.connect(func(_paths: PackedStringArray) -> void: _is_busy = true)
	files.resources_reimported.connect(func(_paths: PackedStringArray) -> void: _is_busy = false)
