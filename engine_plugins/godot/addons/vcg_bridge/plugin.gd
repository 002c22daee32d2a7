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


func _exit_tree() -> void:
	remove_import_plugin(_import)
	_import = null
	_dock.close()
	remove_control_from_docks(_dock)
	_dock.queue_free()
	_dock = null
