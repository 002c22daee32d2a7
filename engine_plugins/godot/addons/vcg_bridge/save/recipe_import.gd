@tool
extends EditorImportPlugin
## Makes a SpriteFrames of a recipe file (*.vcg.json) that is dropped into the project.
##
## It has to be there before the editor looks for files that are not imported, so it is small: what does the work, and the
## client with it, is loaded when it is needed, and named here by no type.
##
## Godot 4.4 to 4.6 compare the whole end of a file's name with an importer's extensions, so "vcg.json" is one, and other
## JSON files are left alone.

const NAME := "vcg_bridge.recipe"

const _WORK := "recipe_drawing.gd"

var _work: RefCounted


## The connection through which it asks in the background. Before there is one, what has to be drawn waits.
func set_client(client: Node) -> void:
	if _work == null:
		_work = _new_work()
	_work.call("set_client", client)


func _get_importer_name() -> String:
	return NAME


func _get_visible_name() -> String:
	return "SpriteFrames (VCG Bridge)"


func _get_recognized_extensions() -> PackedStringArray:
	return PackedStringArray(["vcg.json"])


func _get_save_extension() -> String:
	return "res"


func _get_resource_type() -> String:
	return "SpriteFrames"


func _get_priority() -> float:
	return 2.0


func _get_import_order() -> int:
	return IMPORT_ORDER_DEFAULT


func _get_preset_count() -> int:
	return 1


func _get_preset_name(_preset: int) -> String:
	return "Default"


func _get_import_options(_path: String, _preset: int) -> Array[Dictionary]:
	return [
		{"name": "animations", "default_value": PackedStringArray()},  # none: all of the model
		{"name": "normal_map", "default_value": false},
	]


func _get_option_visibility(_path: String, _option: StringName, _options: Dictionary) -> bool:
	return true


func _import(
	source: String, save_path: String, options: Dictionary, _variants: Array[String], _files: Array[String]
) -> Error:
	if _work == null:
		_work = _new_work()
	var code: int = _work.call("make", source, "%s.%s" % [save_path, _get_save_extension()], options)
	return code as Error


func _new_work() -> RefCounted:
	var own: GDScript = get_script()
	var script: GDScript = load(own.resource_path.get_base_dir().path_join(_WORK))
	return script.new()
