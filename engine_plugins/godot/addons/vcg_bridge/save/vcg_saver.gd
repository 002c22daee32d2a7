@tool
class_name VcgSaver
extends RefCounted
## Writes a character into a Godot project: sheet, SpriteFrames, scene, recipe, credits.
##
## NAME.png (indexed; pixels are palette slots), NAME.normal.png where normal maps came with it, NAME.tres (SpriteFrames with
## animations [code]walk_down[/code] ...), NAME.tscn (a CharacterBody2D), NAME.recipe.tres (a [VcgRecipe]), NAME.vcg.json
## (the recipe as a file) and CREDITS.txt, which all characters of a folder share.
##
## Saving again under the same name replaces them and keeps their UIDs: scenes that use the character show the new look. A
## file that was edited since it was saved is never overwritten:[br]
## - an edited scene stays; it shows the new look all the same, because it uses NAME.tres;[br]
## - an edited NAME.tres stays where the new sheet has the same frames in the same places (layout "rows" and the same
## animations): it shows the new look with your speeds and loops. Otherwise, and where a picture was edited, the new look goes
## to NAME.new.png and NAME.new.tres;[br]
## - [VcgSaveResult] says which.

const CreditsText := preload("credits_text.gd")
const FileSet := preload("file_set.gd")
const IndexedPng := preload("indexed_png.gd")
const ResourceText := preload("resource_text.gd")
const Sheet := preload("sheet.gd")

## [code]layout[/code]: "rows" or "packed" (smaller; other places for each character). [code]scene[/code]: write NAME.tscn.
## [code]script[/code]: with the example script in it.
const DEFAULTS := {"layout": "rows", "scene": true, "script": true}

const _NAME := "^[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}$"
const _RESERVED := "^(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(\\..*)?$"  # device names on Windows


## Write files of a character. Any thread; touches nothing but files: in the editor use [VcgSaveTask], which also has them
## imported. [param generated]: complete, with [code]r8[/code] pictures (animations, or one sheet of any layout).
## [param description]: of its model, from [method VcgClient.describe]. [param folder]: [code]res://...[/code], made if
## missing. [param options]: see [constant DEFAULTS]. Where it fails, the files are as they were before.
static func save(
	generated: VcgGenerated, description: Dictionary, folder: String, name: String, options: Dictionary = {}
) -> VcgSaveResult:
	var result := VcgSaveResult.new()
	result.folder = folder.trim_suffix("/") if not folder.ends_with("://") else folder
	result.name = name
	var recipe := VcgRecipe.from_map(generated.recipe)
	result.error = name_error(name)
	if result.error == null:
		result.error = recipe.problem
	if result.error == null and not generated.complete:
		result.error = VcgError.new("output", "the character is not complete yet", "save it when all of it has come")
	if result.error != null:
		return result
	var order := PackedStringArray()
	for animation: Dictionary in description.get("animations", []):
		order.append(str(animation["id"]))
	var settings := DEFAULTS.merged(options, true)
	var sheet := Sheet.new()
	sheet.lay_out(generated, order, str(settings["layout"]))
	if not sheet.fault.is_empty():
		result.error = VcgError.new("output", "%s cannot be saved: %s" % [name, sheet.fault])
		return result
	_write(result, sheet, recipe, generated, description, settings)
	return result


## Why a character cannot have this name; null where it can.
static func name_error(name: String) -> VcgError:
	var fits := RegEx.create_from_string(_NAME).search(name) != null
	var reserved := RegEx.create_from_string(_RESERVED).search(name) != null
	if fits and not reserved and not name.ends_with(".") and not name.ends_with(" "):
		return null
	return VcgError.new(
		"bad_request", '"%s" cannot be a file name' % name, "use letters, digits, '-', '_', '.' and spaces, 100 at most"
	)


static func _write(
	result: VcgSaveResult,
	sheet: Sheet,
	recipe: VcgRecipe,
	generated: VcgGenerated,
	description: Dictionary,
	settings: Dictionary
) -> void:
	var name := result.name
	var set_ := FileSet.new(result.folder)
	var existing := set_.read(CreditsText.NAME)
	var credits := existing.get_string_from_utf8() if not existing.is_empty() else ""
	if credits.to_utf8_buffer() != existing:
		result.error = VcgError.new(
			"output",
			"%s cannot be read: it is not UTF-8" % result.folder.path_join(CreditsText.NAME),
			"save it as UTF-8, or move it away"
		)
		return
	var plan := _Plan.new(set_, name)
	var pictures := {
		".png":
		IndexedPng.encode(
			sheet.plane,
			sheet.width,
			sheet.height,
			generated.palette,
			{"Software": "VCG Bridge", "Copyright": str(description["attribution"])}
		)
	}
	if not sheet.normals.is_empty():
		var light := Image.create_from_data(sheet.width, sheet.height, false, Image.FORMAT_RGBA8, sheet.normals)
		light.convert(Image.FORMAT_RGB8)
		pictures[".normal.png"] = light.save_png_to_buffer()
	plan.add_look(sheet, pictures)
	if settings["scene"]:
		var clip := _standing(sheet)
		var frame := clip.frames[0]
		var scene := ResourceText.scene(
			name.to_pascal_case().validate_node_name(),
			name + ".tres",
			plan.uid(name + ".tres"),
			plan.uid(name + ".tscn"),
			clip.name(),
			sheet.box(frame),
			frame.size,
			bool(settings["script"])
		)
		plan.add(name + ".tscn", scene.to_utf8_buffer(), true)
	plan.add(
		name + ".recipe.tres", ResourceText.recipe(recipe, plan.uid(name + ".recipe.tres")).to_utf8_buffer(), false
	)
	plan.add(name + VcgRecipe.EXTENSION, (recipe.to_json() + "\n").to_utf8_buffer(), false)
	plan.add_once(name + VcgRecipe.EXTENSION + ".import", ResourceText.kept_import())
	var merged := CreditsText.merged(description, generated.credits, credits)
	if merged != credits:
		plan.files[CreditsText.NAME] = merged.to_utf8_buffer()
	if not set_.write(plan.files, plan.same):
		result.error = set_.error
		return
	plan.tell(result)


## The clip that the scene begins with: standing, facing the player.
static func _standing(sheet: Sheet) -> Sheet.Clip:
	for wished: String in ["idle", "walk"]:
		var clip := sheet.clip(wished, "down")
		if clip != null:
			return clip
	for clip: Sheet.Clip in sheet.clips:
		if clip.direction == "down":
			return clip
	return sheet.clips[0]


## Which files are written, under which names.
class _Plan:
	var files := {}  # name -> bytes
	var same := {}  # name -> bytes: right already
	var kept := PackedStringArray()  # edited, left alone
	var beside := {}  # edited -> name of the new one
	var look := {}  # ending -> name of the file that shows the new look
	var uids := {}  # name -> uid
	var folder: FileSet
	var stem: String

	func _init(folder_: FileSet, stem_: String) -> void:
		folder = folder_
		stem = stem_

	## The uid that the file has, or gets.
	func uid(name: String) -> String:
		if not uids.has(name):
			var source := name + ".import" if name.get_extension() == "png" else name
			var found := (
				ResourceText.uid_in(folder.read(source).get_string_from_utf8()) if folder.exists(source) else ""
			)
			uids[name] = found if not found.is_empty() else ResourceUID.id_to_text(ResourceUID.create_id())
		return uids[name]

	## A file that is kept where it was edited. [param silent]: the edited one serves as well as the new one.
	func add(name: String, data: PackedByteArray, silent: bool) -> void:
		look[name.trim_prefix(stem)] = name
		match folder.verdict(name, data):
			"write":
				files[name] = data
			"same":
				same[name] = data
			"keep":
				kept.append(name)
			"conflict":
				kept.append(name)
				if not silent:
					_put_beside(name, data)

	## A file that is only written where there is none: from then on it belongs to the project.
	func add_once(name: String, text: String) -> void:
		if not folder.exists(name):
			files[name] = text.to_utf8_buffer()

	## Pictures and SpriteFrames: they only fit together, so they are replaced or put beside together.
	func add_look(sheet: Sheet, pictures: Dictionary) -> void:
		var all := _look_files(sheet, pictures, stem)
		var clash := false
		for name: String in all:
			var data: PackedByteArray = all[name]
			clash = clash or folder.verdict(name, data) == "conflict"
		# an edited picture that still shows what is wanted is kept; but never an edited picture with new frames, or
		# new pictures with edited frames that lie elsewhere
		if not clash:
			for name: String in all:
				var data: PackedByteArray = all[name]
				add(name, data, false)
				if name.get_extension() == "png":
					add_once(name + ".import", ResourceText.texture_import(uid(name)))
			return
		var other := folder.beside(stem + ".tres", stem).trim_suffix(".tres")
		var moved := _look_files(sheet, pictures, other)
		for i: int in all.size():
			var name: String = all.keys()[i]
			var moved_name: String = moved.keys()[i]
			var data: PackedByteArray = all[name]
			if folder.exists(name):
				if folder.verdict(name, data) in ["keep", "conflict"]:
					kept.append(name)
				beside[name] = moved_name
			files[moved_name] = moved[moved_name]
			look[name.trim_prefix(stem)] = moved_name
			if moved_name.get_extension() == "png":
				add_once(moved_name + ".import", ResourceText.texture_import(uid(moved_name)))

	func _look_files(sheet: Sheet, pictures: Dictionary, stem_: String) -> Dictionary:
		var all := {}
		for ending: String in pictures:
			all[stem_ + ending] = pictures[ending]
		var normal := stem_ + ".normal.png" if pictures.has(".normal.png") else ""
		var text := ResourceText.sprite_frames(
			sheet,
			stem_ + ".png",
			uid(stem_ + ".png"),
			normal,
			"" if normal.is_empty() else uid(normal),
			uid(stem_ + ".tres")
		)
		all[stem_ + ".tres"] = text.to_utf8_buffer()
		return all

	func _put_beside(name: String, data: PackedByteArray) -> void:
		var other := folder.beside(name, stem)
		beside[name] = other
		files[other] = data
		look[name.trim_prefix(stem)] = other

	func tell(result: VcgSaveResult) -> void:
		for name: String in files:
			if name.get_extension() != "import":
				result.written.append(result.folder.path_join(name))
		for name: String in same:
			result.unchanged.append(result.folder.path_join(name))
		for name: String in kept:
			result.kept.append(result.folder.path_join(name))
		for name: String in beside:
			result.beside[result.folder.path_join(name)] = result.folder.path_join(str(beside[name]))
		result.texture = _path(result, ".png")
		result.sprite_frames = _path(result, ".tres")
		result.scene = _path(result, ".tscn")
		result.recipe = _path(result, ".recipe.tres")

	func _path(result: VcgSaveResult, ending: String) -> String:
		return result.folder.path_join(str(look[ending])) if look.has(ending) else ""
