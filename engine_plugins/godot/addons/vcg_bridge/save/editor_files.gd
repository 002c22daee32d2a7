@tool
extends RefCounted
## Has the editor notice and import files that were written behind its back.
##
## New files are found by its own scan, in its thread. Pictures that it knows already are imported again at once, because
## nothing says when a scan has done that. Then what is loaded is brought up to date, so that open scenes show the new look.

const _WAIT_MS := 30_000


## Returns when what a save wrote can be loaded, or after half a minute.
func take_in(saved: VcgSaveResult) -> void:
	var files := EditorInterface.get_resource_filesystem()
	var give_up_at := Time.get_ticks_msec() + _WAIT_MS
	await _until_quiet(files, give_up_at)
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
		files.scan_sources()
		while not _are_there(fresh) and Time.get_ticks_msec() < give_up_at:
			await _frame()
		await _until_quiet(files, give_up_at)
	if not pictures.is_empty():
		files.reimport_files(pictures)
	# in this order: resources hold pictures, scenes hold resources
	for ending: String in [".png", ".tres", ".tscn"]:
		for path: String in saved.written:
			if path.ends_with(ending) and ResourceLoader.has_cached(path):
				ResourceLoader.load(path, "", ResourceLoader.CACHE_MODE_REPLACE)


static func _are_there(paths: PackedStringArray) -> bool:
	for path: String in paths:
		if path.get_extension() in ["png", "tres", "tscn"] and not ResourceLoader.exists(path):
			return false
	return true


static func _until_quiet(files: EditorFileSystem, give_up_at: int) -> void:
	await _frame()
	while files.is_scanning() and Time.get_ticks_msec() < give_up_at:
		await _frame()


static func _frame() -> void:
	var tree: SceneTree = Engine.get_main_loop()
	await tree.process_frame
