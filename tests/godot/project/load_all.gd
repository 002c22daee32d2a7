extends SceneTree
## Loads every script of the addon and of the tests: with warnings as errors this is the compiler's whole opinion.


func _init() -> void:
	var found := PackedStringArray()
	_collect("res://", found)
	var bad := 0
	for path: String in found:
		var script: GDScript = load(path)
		if script == null or (not script.can_instantiate() and not script.is_abstract()):
			printerr("does not load: ", path)
			bad += 1
	print("loaded ", found.size() - bad)
	quit(1 if bad > 0 else 0)


func _collect(folder: String, found: PackedStringArray) -> void:
	for name: String in DirAccess.get_files_at(folder):
		if name.ends_with(".gd"):
			found.append(folder.path_join(name))
	for name: String in DirAccess.get_directories_at(folder):
		if not name.begins_with("."):
			_collect(folder.path_join(name), found)
