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
var _loading := false
var _show := false


func _enter_tree() -> void:
	Settings.register()
	add_import_plugin(_import)
	_loading = ResourceLoader.load_threaded_request(_path(_DOCK), "GDScript", false) == OK
	set_process(true)


func _process(_delta: float) -> void:
	if _loading and ResourceLoader.load_threaded_get_status(_path(_DOCK)) == ResourceLoader.THREAD_LOAD_IN_PROGRESS:
		return
	set_process(false)
	var script := _loaded()
	if script == null or not script.can_instantiate():
		push_error("VCG Bridge: %s cannot be loaded. Install the addon again." % _path(_DOCK))
		return
	_open(script)


## What was loaded in the thread, waiting for it if need be; null where there is nothing.
func _loaded() -> GDScript:
	if not _loading:
		return null
	_loading = false
	return ResourceLoader.load_threaded_get(_path(_DOCK))


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
	_loaded()  # a load that was begun must be fetched
	remove_import_plugin(_import)
	if _dock != null:
		_dock.call("close")
		remove_control_from_docks(_dock)
		_dock.queue_free()
		_dock = null


func _path(script: String) -> String:
	var own: GDScript = get_script()
	return own.resource_path.get_base_dir().path_join(script)
