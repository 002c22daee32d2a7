@tool
extends RefCounted
## What VcgCharacter2D and VcgSprite3D have in common: getting a look, playing it, changing its colours.

signal look_changed
signal frame_changed
signal loaded
signal failed(error: VcgError)
signal animation_finished

const STATES: PackedStringArray = ["empty", "loading", "shown", "failed"]

var state := "empty"
var error: VcgError
var look: VcgLook
var palette := VcgPalette.new()
var recipe: VcgRecipe
var animation := "idle"
var direction := "down"
var speed_scale := 1.0
var playing := true
var frame := 0

var _loader: VcgLoader
var _ticket: VcgLoader.Ticket
var _time := 0.0
var _clip: VcgLook.Clip


func show_recipe(loader: VcgLoader, recipe_: VcgRecipe, animations: PackedStringArray, output: Dictionary) -> void:
	clear()
	_loader = loader
	recipe = recipe_
	state = "loading"
	_ticket = loader.want(recipe_, animations, output)
	_ticket.progressed.connect(_progressed)
	_ticket.loaded.connect(_loaded)
	_ticket.failed.connect(_failed)
	look_changed.emit()


func show_look(look_: VcgLook) -> void:
	clear()
	recipe = VcgRecipe.from_map(look_.generated.recipe)
	palette.colours = look_.generated.palette
	_progressed(look_)


## Nobody looks any more: what has not come yet is not wanted. True where something is missing then.
func stop_loading() -> bool:
	if _ticket == null:
		return false
	_ticket.cancel()
	_ticket = null
	return true


func clear() -> void:
	stop_loading()
	look = null
	_clip = null
	error = null
	state = "empty"
	frame = 0
	_time = 0.0


func play(animation_: String, direction_: String) -> void:
	playing = true
	if animation_ != animation:
		_time = 0.0
		frame = 0
	if animation_ != animation or direction_ != direction:
		animation = animation_
		direction = direction_
		_choose()


func advance(delta: float) -> void:
	if _clip == null or not playing or _clip.regions.size() < 2:
		return
	var count := _clip.regions.size()
	_time += delta * _clip.fps * speed_scale
	var next := int(_time)
	if next >= count:
		if _clip.loop:
			_time = fmod(_time, count)
			next = int(_time)
		else:
			next = count - 1
			playing = false
	if next != frame:
		frame = next
		frame_changed.emit()
	if not playing:
		animation_finished.emit()


func clip() -> VcgLook.Clip:
	return _clip


func set_ramp(group: String, ramp: String) -> VcgError:
	var fault := _missing()
	if fault == null:
		fault = palette.set_ramp(description(), group, ramp)
	return fault


func set_shades(group: String, colours: PackedColorArray) -> VcgError:
	var fault := _missing()
	var bytes := PackedByteArray()
	for colour: Color in colours:
		bytes.append_array(PackedByteArray([colour.r8, colour.g8, colour.b8]))
	return fault if fault != null else palette.set_shades(description(), group, bytes)


func description() -> Dictionary:
	return {} if _loader == null or recipe == null else _loader.description_of(recipe)


func use_loader(loader: VcgLoader) -> void:
	_loader = loader


func _missing() -> VcgError:
	if look == null:
		return VcgError.new("bad_request", "there is no character yet", "wait for its signal `loaded`")
	if description().is_empty():
		return VcgError.new(
			"no_server",
			"what the model can draw is not known yet",
			"it is asked for with the first character; try later"
		)
	return null


func _progressed(look_: VcgLook) -> void:
	var first := look == null
	if first:
		palette.colours = look_.generated.palette
	look = look_
	state = "shown"
	_choose()
	if first:
		look_changed.emit()


func _choose() -> void:
	_clip = look.clip(animation, direction) if look != null else null
	if _clip != null and frame >= _clip.regions.size():
		frame = 0
		_time = 0.0
	frame_changed.emit()


func _loaded(_look: VcgLook) -> void:
	_ticket = null
	loaded.emit()


func _failed(error_: VcgError) -> void:
	_ticket = null
	error = error_
	if look == null:
		state = "failed"
		look_changed.emit()
	failed.emit(error_)
