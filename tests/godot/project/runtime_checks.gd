extends SceneTree
## Characters at run time: what came, from where, and what is shown of it.
##
## Arguments: JOB RESULTS. Job: address, dead (an address where nothing answers), recipes (texts of recipe files to read),
## show (paths of recipe files to show), crowd (more of them, at once), palettes (what to recolour).

const TIMEOUT_MS := 60_000

var _job: Dictionary
var _results := {}


func _initialize() -> void:
	_run.call_deferred()


func _run() -> void:
	var arguments := OS.get_cmdline_user_args()
	_job = JSON.parse_string(FileAccess.get_file_as_string(arguments[0]))
	_results["recipes"] = _read_recipes()
	_results["palettes"] = await _recolour()
	_results["first"] = await _show(_loader(str(_job["address"])))
	_results["offline"] = await _show(_loader(str(_job["dead"])))
	_damage()
	_results["damaged"] = await _show(_loader(str(_job["dead"])))
	_results["crowd"] = await _crowd(_loader(str(_job["address"])))
	_results["cache"] = _bounds()
	_results["shared"] = await _shared_loader()
	FileAccess.open(arguments[1], FileAccess.WRITE).store_string(JSON.stringify(_results))
	for node: Node in root.get_children():
		node.queue_free()
	await process_frame
	quit()


## What a reader makes of the texts: canonical text and hash, or what is wrong.
func _read_recipes() -> Array:
	var found := []
	for hex: String in _job["recipes"]:
		var recipe := VcgRecipe.parse(hex.hex_decode(), "case")
		var again := VcgRecipe.from_map(recipe.to_map()) if recipe.problem == null else null
		(
			found
			. append(
				{
					"problem": "" if recipe.problem == null else recipe.problem.message,
					"code": "" if recipe.problem == null else recipe.problem.code,
					"json": "" if recipe.problem != null else again.to_json(),
					"sha256": "" if recipe.problem != null else recipe.sha256(),
				}
			)
		)
	return found


## Each palette with each ramp of the list: hex of all colours.
func _recolour() -> Array:
	var found := []
	var client := VcgClient.new()
	client.address = _job["address"]
	root.add_child(client)
	for part: Dictionary in _job["palettes"]:
		var asked := client.describe(str(part["model"]))
		await asked.described
		for task: Dictionary in part["tasks"]:
			var before := str(task["palette"]).hex_decode()
			var palette := VcgPalette.from_bytes(before)
			var problem := ""
			for change: Array in task["ramps"]:
				var error := palette.set_ramp(asked.description, str(change[0]), str(change[1]))
				problem += "" if error == null else error.text()
			(
				found
				. append(
					{
						"palette": palette.colours.hex_encode(),
						"problem": problem,
						"untouched": before.hex_encode() == task["palette"],
						"texture": palette.texture().get_image().get_data() == palette.colours,
					}
				)
			)
	client.queue_free()
	return found


func _loader(address: String) -> VcgLoader:
	var loader := VcgLoader.new()
	loader.remove_from_group(VcgLoader.GROUP)
	loader.client = VcgClient.new()
	loader.client.address = address
	loader.client.timeout_s = 5.0 if address == _job["address"] else 0.3
	loader.client.retry_s = loader.client.timeout_s
	loader.add_child(loader.client)
	root.add_child(loader)
	return loader


## Every recipe in 2D and in 3D: how it ended, and what can be seen.
func _show(loader: VcgLoader) -> Array:
	var found := []
	for path: String in _job["show"]:
		var flat := VcgCharacter2D.new()
		flat.animations = PackedStringArray(["walk", "idle"])
		flat.loader = loader
		flat.recipe = VcgRecipe.load_file(path)
		root.add_child(flat)
		var before := flat.state
		await _until(func() -> bool: return flat.state in ["shown", "failed"] and _is_over(flat))
		var solid := VcgSprite3D.new()
		solid.animations = flat.animations
		solid.normal_map = false
		solid.loader = loader
		solid.recipe = flat.recipe
		root.add_child(solid)
		await _until(func() -> bool: return solid.state in ["shown", "failed"])
		var entry := {
			"before": before,
			"state": flat.state,
			"solid": solid.state,
			"error": "" if flat.error == null else flat.error.text(),
			"files": DirAccess.get_files_at("user://vcg_cache").size(),
		}
		if flat.look != null:
			entry["clips"] = _clips(flat)
			entry["feet"] = flat.look.feet().y
			entry["material"] = flat.material == flat.palette.material()
			var quad: QuadMesh = solid.mesh
			entry["mesh"] = [roundi(quad.size.x / solid.pixel_size), roundi(quad.size.y / solid.pixel_size)]
			entry["played"] = _play(flat)
			await _until(func() -> bool: return not flat.description().is_empty())
			entry["ramp"] = "" if flat.set_ramp("hair", "ginger") == null else "refused"
			entry["unknown"] = flat.set_ramp("tail", "ginger").text()
			entry["palette"] = flat.palette.colours.hex_encode()
		found.append(entry)
		flat.queue_free()
		solid.queue_free()
	loader.queue_free()
	await process_frame
	return found


func _is_over(character: VcgCharacter2D) -> bool:
	return character.error != null or character.look.animations().size() == 2


func _until(condition: Callable) -> void:
	var give_up_at := Time.get_ticks_msec() + TIMEOUT_MS
	while not condition.call() and Time.get_ticks_msec() < give_up_at:
		await process_frame


## Clip -> slots of each frame, hex.
func _clips(character: VcgCharacter2D) -> Dictionary:
	var found := {}
	for animation: String in character.look.animations():
		for direction: String in ["up", "left", "down", "right"]:
			var clip := character.look.clip(animation, direction)
			var image := clip.texture.get_image()
			var frames := clip.regions.map(
				func(region: Rect2i) -> String: return image.get_region(region).get_data().hex_encode()
			)
			found["%s_%s" % [animation, direction]] = {"frames": frames, "fps": clip.fps, "loop": clip.loop}
	return found


## Frames that are seen while an animation plays for a second of its own time.
func _play(character: VcgCharacter2D) -> Array:
	var seen := {}
	character.play("walk", "left")
	for i: int in 60:
		character._process(1.0 / 60.0)
		seen[character._core.frame] = true
	return seen.keys()


## Every way in which a file can be damaged, one for each recipe.
func _damage() -> void:
	var names := Array(DirAccess.get_files_at("user://vcg_cache"))
	names = names.filter(func(name: String) -> bool: return not name.begins_with("model-"))
	for i: int in names.size():
		var path := "user://vcg_cache".path_join(str(names[i]))
		var data := FileAccess.get_file_as_bytes(path)
		match i % 4:
			0:
				data[data.size() - 9] ^= 1
			1:
				data.resize(roundi(data.size() * 0.6))
			2:
				data = "no such thing".to_utf8_buffer()
			3:
				data.encode_u32(8, 0xFFFFFFF0)
		FileAccess.open(path, FileAccess.WRITE).store_buffer(data)


## More than a server takes of one client at once.
func _crowd(loader: VcgLoader) -> Array:
	var all: Array[VcgCharacter2D] = []
	for path: String in _job["crowd"]:
		var character := VcgCharacter2D.new()
		character.loader = loader
		character.recipe = VcgRecipe.load_file(path)
		root.add_child(character)
		all.append(character)
	await _until(func() -> bool: return all.all(func(x: VcgCharacter2D) -> bool: return x.state in ["shown", "failed"]))
	var states := all.map(func(x: VcgCharacter2D) -> String: return x.state)
	all.map(func(x: VcgCharacter2D) -> void: x.queue_free())
	loader.queue_free()
	await process_frame
	return states


## A small cache never grows beyond its bound and keeps what was stored last.
func _bounds() -> Dictionary:
	var cache := VcgCache.new()
	cache.folder = "user://small"
	cache.max_bytes = 40_000
	var most := 0
	for i: int in 30:
		var noise := Crypto.new().generate_random_bytes(3000)
		cache.store_map("entry%d" % i, {"noise": noise})
		var total := 0
		for name: String in DirAccess.get_files_at(cache.folder):
			total += FileAccess.get_file_as_bytes(cache.folder.path_join(name)).size()
		most = maxi(most, total)
	var last := cache.load_map("entry29")
	cache.clear()
	return {
		"most": most,
		"last": last.has("noise"),
		"cleared": DirAccess.get_files_at(cache.folder).is_empty(),
		"missing": cache.load_map("nothing").is_empty(),
	}


## Without a loader of its own a character makes one, which the next one uses; a recipe that is none is said.
func _shared_loader() -> Dictionary:
	ProjectSettings.set_setting("vcg_bridge/server/address", _job["dead"])
	var path: String = _job["show"][0]
	var all: Array[VcgCharacter2D] = []
	for i: int in 2:
		var character := VcgCharacter2D.new()
		character.animations = PackedStringArray(["idle"])
		character.recipe = VcgRecipe.load_file(path)
		root.add_child(character)
		all.append(character)
		character.loader.patience_s = 0.3
		await process_frame
	var loaders := get_nodes_in_group(VcgLoader.GROUP).size()
	await _until(func() -> bool: return all[1].error != null)
	var broken := VcgCharacter2D.new()
	broken.recipe = VcgRecipe.parse("{}".to_utf8_buffer(), "nonsense")
	root.add_child(broken)
	await _until(func() -> bool: return broken.error != null)
	return {"loaders": loaders, "error": all[1].error.text(), "broken": broken.error.text(), "state": broken.state}
