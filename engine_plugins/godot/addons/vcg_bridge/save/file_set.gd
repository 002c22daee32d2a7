@tool
extends RefCounted
## Writes the files of one folder, all or none, and leaves alone what people have edited.
##
## A hidden file, .vcg_bridge.json, remembers the hash of each file as it was written. A file whose hash is another one,
## or that was never written from here, belongs to somebody.

const RecipeText := preload("../runtime/recipe_text.gd")

## Name of the file that remembers.
const MEMORY := ".vcg_bridge.json"

var folder: String
## Why nothing was written; null where it was.
var error: VcgError

var _hashes: Dictionary = {}  # file name -> sha256 as it was written
var _old: Dictionary = {}  # file name -> bytes before, of what is replaced


func _init(folder_: String) -> void:
	folder = folder_
	var file := FileAccess.open(folder.path_join(MEMORY), FileAccess.READ)
	if file == null or file.get_length() > 1 << 20:
		return
	var reader := RecipeText.new()
	var memory: Variant = reader.read(file.get_buffer(file.get_length()))
	if memory is Dictionary:
		var map: Dictionary = memory
		if map.get("format") == 1 and map.get("files") is Dictionary:
			_hashes = map["files"]


## Contents of a file; empty where there is none.
func read(name: String) -> PackedByteArray:
	var path := folder.path_join(name)
	return FileAccess.get_file_as_bytes(path) if FileAccess.file_exists(path) else PackedByteArray()


func exists(name: String) -> bool:
	return FileAccess.file_exists(folder.path_join(name))


## What to do with a file: [code]write[/code] it; [code]same[/code], it says this already; [code]keep[/code], it was edited and
## what is new is only the edit, so it still fits; [code]conflict[/code], it was edited, and something else is to be
## written now.
func verdict(name: String, data: PackedByteArray) -> String:
	if not exists(name):
		return "write"
	var now := _hash(name, read(name))
	var wanted := _hash(name, data)
	if now == wanted:
		return "same"
	if now == _hashes.get(name):
		return "write"
	return "keep" if wanted == _hashes.get(name) else "conflict"


## A free name beside an edited file: guard.new.png. One that was written earlier and not edited is used again.
func beside(name: String, stem: String) -> String:
	var ending := name.trim_prefix(stem)
	for i: int in range(1, 1000):
		var other := "%s.new%s%s" % [stem, "" if i == 1 else str(i), ending]
		if not exists(other) or _hash(other, read(other)) == _hashes.get(other):
			return other
	return "%s.new1000%s" % [stem, ending]


## Writes everything under temporary names first, then gives it its names. [param files]: name -> bytes. [param same]: names
## of files that are right already, to remember. Where anything fails, the files are as they were.
func write(files: Dictionary, same: Dictionary = {}) -> bool:
	if not _make_folder():
		return false
	for table: Dictionary in [files, same]:
		for name: String in table:
			var data: PackedByteArray = table[name]
			_hashes[name] = _hash(name, data)
	var all := files.duplicate()
	if not files.is_empty() or not same.is_empty():
		all[MEMORY] = (RecipeText.write({"format": 1, "files": _hashes}) + "\n").to_utf8_buffer()
	var waiting := {}
	for name: String in all:
		var data: PackedByteArray = all[name]
		var temporary := folder.path_join(".%s.%08x.tmp" % [name, randi()])
		waiting[temporary] = name
		if not _put(temporary, data) or DirAccess.dir_exists_absolute(folder.path_join(name)):
			if error == null:
				_fail("%s is a folder" % name)
			_remove(waiting.keys())
			return false
	for temporary: String in waiting:
		var name: String = waiting[temporary]
		if exists(name):
			_old[name] = read(name)
		var code := DirAccess.rename_absolute(temporary, folder.path_join(name))
		if code != OK:
			_fail("%s cannot be replaced: %s" % [name, error_string(code)])
			_remove(waiting.keys())
			_put_back(waiting.values())
			return false
	return true


func _make_folder() -> bool:
	if DirAccess.dir_exists_absolute(folder):
		return true
	var parent := folder
	while not parent.is_empty() and parent != parent.get_base_dir():
		if FileAccess.file_exists(parent):
			return _fail("%s is a file" % parent)
		parent = parent.get_base_dir()
	var code := DirAccess.make_dir_recursive_absolute(folder)
	return code == OK or _fail("the folder cannot be made: %s" % error_string(code))


func _put(path: String, data: PackedByteArray) -> bool:
	var file := FileAccess.open(path, FileAccess.WRITE)
	if file == null:
		return _fail("%s" % error_string(FileAccess.get_open_error()))
	file.store_buffer(data)
	file.flush()
	var code := file.get_error()
	file.close()
	if code != OK:
		return _fail(error_string(code))
	var check := FileAccess.open(path, FileAccess.READ)  # a full disk shows only here
	if check == null or check.get_length() != data.size():
		return _fail("the disk is full, or the file may not be so large")
	return true


func _put_back(names: Array) -> void:
	for name: String in names:
		var path := folder.path_join(name)
		if not _old.has(name):
			_remove([path])
		elif read(name) != _old[name]:
			var data: PackedByteArray = _old[name]
			_put(path, data)


func _remove(paths: Array) -> void:
	for path: String in paths:
		if FileAccess.file_exists(path):
			DirAccess.remove_absolute(path)


func _fail(reason: String) -> bool:
	if error == null:
		error = VcgError.new(
			"output",
			"cannot write to %s: %s" % [folder, reason.to_lower()],
			"check that the folder can be written and the disk is not full"
		)
	return false


## Of the contents; line ends do not count in texts, which version control may change.
static func _hash(name: String, data: PackedByteArray) -> String:
	var context := HashingContext.new()
	context.start(HashingContext.HASH_SHA256)
	if name.get_extension() != "png" and data.has(13):
		data = data.get_string_from_utf8().replace("\r\n", "\n").to_utf8_buffer()
	if not data.is_empty():
		context.update(data)
	return context.finish().hex_encode()
