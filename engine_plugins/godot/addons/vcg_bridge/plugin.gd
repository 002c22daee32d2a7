@tool
extends EditorPlugin
## VCG Bridge in the editor: a dock that makes characters, and the import of recipe files.
##
## The dock's scripts take some tenths of a second to compile. That happens in a thread, so that neither the start of the
## editor nor the tick in the list of plugins waits for it; nothing here names them as types for the same reason. Only the
## import, which is small, is there at once: the editor's first scan comes before anything else.

const RecipeImport := preload("save/recipe_import.gd")
const Settings := preload("editor/settings.gd")

const _DOCK := "editor/dock.gd"

var _dock: Control
var _import := RecipeImport.new()
var _waiting := PackedStringArray()  # scripts that are being loaded
var _show := false


func _enter_tree() -> void:
	Settings.register()
	add_import_plugin(_import)
	_waiting.append(_path(_DOCK))
	ResourceLoader.load_threaded_request(_path(_DOCK), "GDScript", false)
	set_process(true)


func _process(_delta: float) -> void:
	for path: String in _waiting:
		if ResourceLoader.load_threaded_get_status(path) == ResourceLoader.THREAD_LOAD_IN_PROGRESS:
			return
	set_process(false)
	var scripts: Array[GDScript] = []
	for path: String in _waiting:
		var script: GDScript = ResourceLoader.load_threaded_get(path)
		if script == null or not script.can_instantiate():
			push_error("VCG Bridge: %s cannot be loaded. Install the addon again." % path)
			return
		scripts.append(script)
	_open(scripts[0])


func _open(dock_script: GDScript) -> void:
	_dock = dock_script.new(get_undo_redo())
	add_control_to_dock(DOCK_SLOT_RIGHT_UL, _dock)
	if _show:
		_show_dock.call_deferred()
	var client: Node = _dock.call("client")
	_import.set_client(client)


## Somebody has just ticked the box: show what they got. Later starts of the editor leave the docks as they are.
func _enable_plugin() -> void:
	_show = true


func _show_dock() -> void:
	var child: Node = _dock
	while child != null:
		var tabs := child.get_parent() as TabContainer
		if tabs != null:
			tabs.current_tab = tabs.get_tab_idx_from_control(child as Control)
			return
		child = child.get_parent()


func _exit_tree() -> void:
	for path: String in _waiting:  # what is still being loaded must be fetched
		if ResourceLoader.load_threaded_get_status(path) == ResourceLoader.THREAD_LOAD_IN_PROGRESS:
			ResourceLoader.load_threaded_get(path)
	_waiting.clear()
	remove_import_plugin(_import)
	if _dock != null:
		_dock.call("close")
		remove_control_from_docks(_dock)
		_dock.queue_free()
		_dock = null


func _path(script: String) -> String:
	var own: GDScript = get_script()
	return own.resource_path.get_base_dir().path_join(script)
