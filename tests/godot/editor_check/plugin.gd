@tool
extends EditorPlugin
## Ends the editor as soon as every SpriteFrames that res://wanted.json names holds animations, or after a minute.

const RecipeImport := preload("res://addons/vcg_bridge/save/recipe_import.gd")

const _LIMIT_MS := 60_000

var _wanted: Array = []


func _enter_tree() -> void:
	RecipeImport.waits = false  # as in an editor with a window
	_wanted = JSON.parse_string(FileAccess.get_file_as_string("res://wanted.json"))


func _process(_delta: float) -> void:
	if EditorInterface.get_resource_filesystem().is_scanning():
		return
	if _is_done() or Time.get_ticks_msec() > _LIMIT_MS:
		set_process(false)
		print("DONE " if _is_done() else "GAVE UP ", Time.get_ticks_msec())
		get_tree().create_timer(0.5).timeout.connect(get_tree().quit)


func _is_done() -> bool:
	for path: String in _wanted:
		if not ResourceLoader.exists(path):
			return false
		var frames: SpriteFrames = ResourceLoader.load(path, "", ResourceLoader.CACHE_MODE_IGNORE)
		if frames == null or not frames.has_animation("walk_down"):
			return false
	return true
