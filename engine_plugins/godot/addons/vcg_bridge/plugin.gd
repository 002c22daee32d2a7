@tool
extends EditorPlugin
## VCG Bridge in the editor: a dock that makes characters, and the import of recipe files.

const Dock := preload("editor/dock.gd")
const RecipeImport := preload("save/recipe_import.gd")
const Settings := preload("editor/settings.gd")

var _dock: Dock
var _import: RecipeImport


func _enter_tree() -> void:
	Settings.register()
	_dock = Dock.new(get_undo_redo())
	add_control_to_dock(DOCK_SLOT_RIGHT_UL, _dock)
	_import = RecipeImport.new(_dock.keeper.client)
	add_import_plugin(_import)


## Somebody has just ticked the box: show what they got. Later starts of the editor leave the docks as they are.
func _enable_plugin() -> void:
	_show_dock.call_deferred()


func _show_dock() -> void:
	var child: Node = _dock
	while child != null:
		var tabs := child.get_parent() as TabContainer
		if tabs != null:
			tabs.current_tab = tabs.get_tab_idx_from_control(child as Control)
			return
		child = child.get_parent()


func _exit_tree() -> void:
	remove_import_plugin(_import)
	_import = null
	_dock.close()
	remove_control_from_docks(_dock)
	_dock.queue_free()
	_dock = null
