@tool
extends RefCounted
## The last characters, newest first, with thumbnails. Kept in the project's .godot folder, which is nobody's to share.

signal changed

const ROOM := 50
const FORMAT := 1
const PATH := "res://.godot/vcg_bridge/history.bin"


## One character.
class Entry:
	var recipe: Dictionary
	var title: String
	var picture: PackedByteArray  # a PNG file

	func _init(recipe_: Dictionary, title_: String, picture_: PackedByteArray) -> void:
		recipe = recipe_
		title = title_
		picture = picture_


var entries: Array[Entry] = []
## The dock's settings when it was closed.
var draft := {}

var _path: String
var _writing := -1  # WorkerThreadPool task
var _again := false


func _init(path: String = PATH) -> void:
	_path = path


## A character at the front. One that is there already moves there.
func add(recipe: Dictionary, title: String, picture: Image) -> void:
	var kept: Array[Entry] = [Entry.new(recipe.duplicate(true), title, picture.save_png_to_buffer())]
	for entry: Entry in entries:
		if entry.recipe != recipe and kept.size() < ROOM:
			kept.append(entry)
	entries = kept
	changed.emit()
	store()


func clear() -> void:
	entries.clear()
	changed.emit()
	store()


## Read the file. A missing or damaged one is an empty history.
func load_file() -> void:
	var file := FileAccess.open(_path, FileAccess.READ)
	if file == null or file.get_length() < 8 or file.get_length() > 16 << 20:
		return
	var length := file.get_32()
	var sum := file.get_32()
	var bytes := file.get_buffer(length)
	if bytes.size() != length or hash(bytes) != sum:
		return
	var stored: Variant = bytes_to_var(bytes)
	if not stored is Dictionary:
		return
	var map: Dictionary = stored
	if map.get("format") != FORMAT or not map.get("entries") is Array or not map.get("draft") is Dictionary:
		return
	draft = map["draft"]
	var records: Array = map["entries"]
	for record: Variant in records:
		if _is_entry(record):
			var fields: Array = record
			entries.append(Entry.new(fields[0], str(fields[1]), fields[2]))
	changed.emit()


static func _is_entry(record: Variant) -> bool:
	if not record is Array:
		return false
	var fields: Array = record
	return fields.size() == 3 and fields[0] is Dictionary and fields[1] is String and fields[2] is PackedByteArray


## Write the file, in a thread.
func store() -> void:
	if _writing >= 0 and not WorkerThreadPool.is_task_completed(_writing):
		_again = true
		return
	finish()
	var records := []
	for entry: Entry in entries:
		records.append([entry.recipe, entry.title, entry.picture])
	var map := {"format": FORMAT, "entries": records, "draft": draft}
	_writing = WorkerThreadPool.add_task(_write.bind(map, _path), false, "VCG history")


## Wait for the file to be written: when the dock closes.
func finish() -> void:
	if _writing >= 0:
		WorkerThreadPool.wait_for_task_completion(_writing)
		_writing = -1
	if _again:
		_again = false
		store()
		finish()


static func _write(map: Dictionary, path: String) -> void:
	var bytes := var_to_bytes(map)
	DirAccess.make_dir_recursive_absolute(ProjectSettings.globalize_path(path.get_base_dir()))
	var file := FileAccess.open(path + ".tmp", FileAccess.WRITE)
	if file == null:
		return  # a read-only project: the history lasts as long as the editor
	file.store_32(bytes.size())
	file.store_32(hash(bytes))
	file.store_buffer(bytes)
	file.close()
	DirAccess.rename_absolute(path + ".tmp", path)
