@tool
extends RefCounted
## Has the editor notice and import files that were written behind its back, as if its window had got the focus: in its
## own thread where it can.

const _WAIT_MS := 30_000


## Returns when what a save wrote can be loaded, or after half a minute.
func take_in(saved: VcgSaveResult) -> void:
	var files := EditorInterface.get_resource_filesystem()
	var tree: SceneTree = Engine.get_main_loop()
	var give_up_at := Time.get_ticks_msec() + _WAIT_MS
	while files.is_scanning() and Time.get_ticks_msec() < give_up_at:
		await tree.process_frame
	files.scan_sources()
	await tree.process_frame
	while (files.is_scanning() or not _is_there(saved)) and Time.get_ticks_msec() < give_up_at:
		await tree.process_frame
	for path: String in [saved.texture, saved.sprite_frames, saved.scene, saved.recipe]:
		if not path.is_empty() and ResourceLoader.has_cached(path):  # what is open in the editor shows the new look
			ResourceLoader.load(path, "", ResourceLoader.CACHE_MODE_REPLACE)


static func _is_there(saved: VcgSaveResult) -> bool:
	for path: String in [saved.texture, saved.sprite_frames, saved.scene, saved.recipe]:
		if not path.is_empty() and not ResourceLoader.exists(path):
			return false
	return true
