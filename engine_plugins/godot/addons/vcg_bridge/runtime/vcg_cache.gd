@tool
class_name VcgCache
extends RefCounted
## Characters on disk, under [code]user://[/code]: what was drawn once is shown again at once, also without a server.
##
## A file is named by what makes its pictures (model, recipe, animations, output), so it can never be out of date. Every
## file carries the hash of its contents: a damaged one is deleted and counts as not there. The oldest files go when there
## are too many. Any thread.

const _MAGIC := "VCGC"
const _VERSION := 1
const _HEAD := 44  # magic, version, length, sha256
const _MAX_RAW := 256 << 20
const _CHARACTER_FIELDS: PackedStringArray = [
	"recipe", "palette", "credits", "licence", "attribution", "model", "model_sha256"
]
const _PICTURE_FIELDS: PackedStringArray = ["kind", "name", "format", "width", "height", "pixels", "strips", "sha256"]

## Where the files are.
var folder := "user://vcg_cache"
## Most bytes of all files together.
var max_bytes := 128 << 20

var _mutex := Mutex.new()
var _bytes := -1  # of all files; -1: not counted yet


## Names a character's pictures. [param output]: as in the protocol's request.
static func key(recipe: VcgRecipe, animations: PackedStringArray, output: Dictionary) -> String:
	var parts := [recipe.model_sha256, recipe.to_json(), animations, JSON.stringify(output, "", true)]
	return JSON.stringify(parts).sha256_text()


## A character that was stored; null where there is none.
func load_character(key_: String) -> VcgGenerated:
	var map := load_map(key_)
	if map.is_empty():
		return null
	var generated := VcgGenerated.new()
	for field: String in _CHARACTER_FIELDS:
		if not map.has(field) or typeof(map[field]) != typeof(generated.get(field)):
			remove(key_)
			return null
		generated.set(field, map[field])
	for list: String in ["pictures", "normals"]:
		for fields: Dictionary in map.get(list, []):
			var picture := _picture(fields)
			if picture == null:
				remove(key_)
				return null
			if list == "pictures":
				generated.pictures.append(picture)
			else:
				generated.normals.append(picture)
	generated.complete = true
	return generated


## Keep a complete character. Null, or why it could not be kept.
func store_character(key_: String, generated: VcgGenerated) -> VcgError:
	var map := {"pictures": generated.pictures.map(_fields), "normals": generated.normals.map(_fields)}
	for field: String in _CHARACTER_FIELDS:
		map[field] = generated.get(field)
	return store_map(key_, map)


## Plain values that were stored under a key; empty where there are none.
func load_map(key_: String) -> Dictionary:
	var path := _path(key_)
	var file := FileAccess.open(path, FileAccess.READ)
	if file == null:
		return {}
	var data := file.get_buffer(file.get_length())
	file.close()
	var value: Variant = _decode(data)
	if not value is Dictionary:
		remove(key_)
		return {}
	_touch(path)
	return value


## Keep plain values (no objects). Null, or why they could not be kept.
func store_map(key_: String, map: Dictionary) -> VcgError:
	var raw := var_to_bytes(map)
	if raw.size() > _MAX_RAW:
		return VcgError.new("output", "%d MiB are too much for the cache" % (raw.size() >> 20))
	var packed := raw.compress(FileAccess.COMPRESSION_ZSTD)
	var data := _MAGIC.to_ascii_buffer()
	data.resize(12)
	data.encode_u32(4, _VERSION)
	data.encode_u32(8, raw.size())
	data.append_array(_sha256(packed))
	data.append_array(packed)
	var path := _path(key_)
	var temporary := "%s.%08x.tmp" % [path, randi()]
	DirAccess.make_dir_recursive_absolute(folder)
	var file := FileAccess.open(temporary, FileAccess.WRITE)
	if file == null:
		return _trouble(error_string(FileAccess.get_open_error()))
	file.store_buffer(data)
	file.flush()
	var code := file.get_error()
	file.close()
	if code == OK:
		code = DirAccess.rename_absolute(temporary, path)
	if code != OK:
		DirAccess.remove_absolute(temporary)
		return _trouble(error_string(code))
	_grown(data.size())
	return null


func has(key_: String) -> bool:
	return FileAccess.file_exists(_path(key_))


func remove(key_: String) -> void:
	if has(key_):
		DirAccess.remove_absolute(_path(key_))


## Delete everything in it.
func clear() -> void:
	for name: String in (
		DirAccess.get_files_at(folder) if DirAccess.dir_exists_absolute(folder) else PackedStringArray()
	):
		DirAccess.remove_absolute(folder.path_join(name))
	_mutex.lock()
	_bytes = 0
	_mutex.unlock()


func _path(key_: String) -> String:
	return folder.path_join(key_ + ".vcgc")


func _trouble(reason: String) -> VcgError:
	return VcgError.new(
		"output", "the cache %s cannot be written: %s" % [folder, reason.to_lower()], "check the disk's space"
	)


## What a file holds; null where it is damaged or of another version.
static func _decode(data: PackedByteArray) -> Variant:
	if data.size() <= _HEAD or data.slice(0, 4).get_string_from_ascii() != _MAGIC or data.decode_u32(4) != _VERSION:
		return null
	var length := data.decode_u32(8)
	var packed := data.slice(_HEAD)
	if length > _MAX_RAW or data.slice(12, _HEAD) != _sha256(packed):
		return null
	var raw := packed.decompress(length, FileAccess.COMPRESSION_ZSTD)
	return bytes_to_var(raw) if raw.size() == length else null


static func _sha256(data: PackedByteArray) -> PackedByteArray:
	var context := HashingContext.new()
	context.start(HashingContext.HASH_SHA256)
	context.update(data)
	return context.finish()


static func _fields(picture: VcgPicture) -> Dictionary:
	var fields := {}
	for field: String in _PICTURE_FIELDS:
		fields[field] = picture.get(field)
	return fields


static func _picture(fields: Dictionary) -> VcgPicture:
	var picture := VcgPicture.new()
	for field: String in _PICTURE_FIELDS:
		if not fields.has(field) or typeof(fields[field]) != typeof(picture.get(field)):
			return null
		picture.set(field, fields[field])
	return picture


## Used just now: the oldest files are those that were not used for longest.
static func _touch(path: String) -> void:
	var file := FileAccess.open(path, FileAccess.READ_WRITE)
	if file != null:
		file.store_buffer(_MAGIC.to_ascii_buffer())


## Count what is there, and make room.
func _grown(added: int) -> void:
	_mutex.lock()
	_bytes += added if _bytes >= 0 else 0
	if _bytes < 0 or _bytes > max_bytes:
		_make_room()
	_mutex.unlock()


func _make_room() -> void:
	var found: Array[Array] = []
	_bytes = 0
	for name: String in DirAccess.get_files_at(folder):
		var path := folder.path_join(name)
		var file := FileAccess.open(path, FileAccess.READ)
		if file != null:
			found.append([FileAccess.get_modified_time(path), file.get_length(), path])
			_bytes += file.get_length()
	if _bytes <= max_bytes:
		return
	found.sort()
	for entry: Array in found:
		if _bytes <= max_bytes * 0.9:
			break
		DirAccess.remove_absolute(str(entry[2]))
		_bytes -= int(entry[1])
