@tool
extends RefCounted
## Has the editor notice and import files that were written behind its back.
##
## New files are found by its own scan, in its thread. Pictures that it knows already are imported again at once, because
## nothing says when a scan has done that. Then what is loaded is brought up to date, so that open scenes show the new look.

const EditorImports := preload("editor_imports.gd")

const _WAIT_MS := 30_000
const _AGAIN_MS := 1000
const _TOUCH := ".vcg_bridge.touch.tmp"


## Returns when what a save wrote can be loaded, or after half a minute.
func take_in(saved: VcgSaveResult) -> void:
	var files := EditorInterface.get_resource_filesystem()
	var give_up_at := Time.get_ticks_msec() + _WAIT_MS
	await EditorImports.until_quiet(give_up_at)
	var fresh := PackedStringArray()
	var pictures := PackedStringArray()
	for path: String in saved.written:
		if path.ends_with(".txt"):
			continue
		if files.get_file_type(path).is_empty():
			fresh.append(path)
		elif path.ends_with(".png"):
			pictures.append(path)
		else:
			files.update_file(path)
	if not fresh.is_empty():
		await _find(fresh, files, give_up_at)
	if not pictures.is_empty():
		await EditorImports.run(pictures, give_up_at)
	# in this order: resources hold pictures, scenes hold resources
	for ending: String in [".png", ".tres", ".tscn"]:
		for path: String in saved.written:
			if path.ends_with(ending) and ResourceLoader.has_cached(path):
				ResourceLoader.load(path, "", ResourceLoader.CACHE_MODE_REPLACE)


## Have the editor look for new files until it knows these.
static func _find(paths: PackedStringArray, files: EditorFileSystem, give_up_at: int) -> void:
	var again_at := 0
	while not _are_known(paths, files) and Time.get_ticks_msec() < give_up_at:
		if Time.get_ticks_msec() >= again_at and EditorImports.is_quiet():
			if again_at > 0:
				_touch(paths[0].get_base_dir())
			again_at = Time.get_ticks_msec() + _AGAIN_MS
			files.scan_sources()
		await EditorImports.until_quiet(give_up_at)


## The editor looks into a folder again only where its time has changed, in whole seconds: what was written in the second
## of its last look would stay unseen.
static func _touch(folder: String) -> void:
	var path := folder.path_join(_TOUCH)
	var file := FileAccess.open(path, FileAccess.WRITE)
	if file != null:
		file.close()
		DirAccess.remove_absolute(path)


static func _are_known(paths: PackedStringArray, files: EditorFileSystem) -> bool:
	for path: String in paths:
		if path.get_extension() in ["png", "tres", "tscn"] and files.get_file_type(path).is_empty():
			return false
		if path.ends_with(".png") and not _is_imported(path):
			return false
	return true


static func _is_imported(path: String) -> bool:
	var facts := ConfigFile.new()
	return facts.load(path + ".import") == OK and FileAccess.file_exists(str(facts.get_value("remap", "path", "")))
