@tool
class_name VcgCharacter2D
extends Node2D
## Shows the character of a recipe: from the cache at once, else as it comes from the server; in colours that change live.
## [codeblock]
## var npc := VcgCharacter2D.new()
## npc.recipe = load("res://npc/guard.recipe.tres")
## add_child(npc)
## npc.play("walk", "left")
## await npc.loaded
## npc.set_ramp("hair", "raven")
## [/codeblock]
## Until something has come it draws a grey figure; where nothing can, a red one, and [signal failed] says why in words.

## Every animation that was asked for is there.
signal loaded
## It cannot be shown. Also in [member error].
signal failed(error: VcgError)
## An animation that does not loop has come to its end.
signal animation_finished

const _Core := preload("character_core.gd")
const _LOADING := Color(0.5, 0.5, 0.5, 0.5)
const _FAILED := Color(0.8, 0.2, 0.2, 0.5)

## What to show. Setting it starts to load; null shows nothing.
@export var recipe: VcgRecipe:
	set(value):
		recipe = value
		_load()
## Animations to ask for; none: all of the model.
@export var animations: PackedStringArray = ["idle", "walk"]
## Ask for normal maps as well, for 2D lights.
@export var normal_map := false:
	set(value):
		normal_map = value
		_load()
## What is played, once it is there.
@export var animation := "idle":
	set(value):
		animation = value
		_core.play(animation, direction)
## Where it looks: up, left, down or right.
@export var direction := "down":
	set(value):
		direction = value
		_core.play(animation, direction)
## Times as fast.
@export var speed_scale := 1.0:
	set(value):
		speed_scale = value
		_core.speed_scale = value
## Stand on the node's position; off: the frame's centre is there.
@export var on_feet := true:
	set(value):
		on_feet = value
		queue_redraw()
## Where characters come from. Null: see [VcgLoader].
@export var loader: VcgLoader

## The colours it is shown in, its own.
var palette: VcgPalette:
	get:
		return _core.palette
## What is shown; null while there is nothing.
var look: VcgLook:
	get:
		return _core.look
## [code]empty[/code], [code]loading[/code], [code]shown[/code] (more may come), [code]failed[/code].
var state: String:
	get:
		return _core.state
## Why it cannot be shown; null where it can.
var error: VcgError:
	get:
		return _core.error

var _core := _Core.new()
var _is_missing := false  # it left the tree before all had come


func _init() -> void:
	texture_filter = CanvasItem.TEXTURE_FILTER_NEAREST
	_core.look_changed.connect(_look_changed)
	_core.frame_changed.connect(queue_redraw)
	_core.loaded.connect(loaded.emit)
	_core.failed.connect(failed.emit)
	_core.animation_finished.connect(animation_finished.emit)


func _ready() -> void:
	_load()


func _process(delta: float) -> void:
	_core.advance(delta)


func _enter_tree() -> void:
	if _is_missing:
		_load()


func _exit_tree() -> void:
	_is_missing = _core.stop_loading()


func _draw() -> void:
	var clip := _core.clip()
	if clip == null:
		if _core.state != "empty":
			_draw_placeholder()
		return
	var region := clip.regions[_core.frame]
	var corner := Vector2(clip.offsets[_core.frame]) - (Vector2(clip.size) / 2.0).floor()
	if on_feet:
		corner -= Vector2(look.feet())
	draw_texture_rect_region(clip.texture, Rect2(corner, region.size), region)


## Play an animation, from the beginning where it is another one than now. Where it is not drawn from that side, another
## is shown.
func play(animation_: String, direction_: String = direction) -> void:
	animation = animation_
	direction = direction_
	_core.playing = true


## Hold the frame that is shown.
func stop() -> void:
	_core.playing = false


## Show a character that a job of yours has brought. Its pictures must be [code]r8[/code].
func show_generated(generated: VcgGenerated) -> void:
	show_look(VcgLook.new(generated))


## Show a look, which other nodes may show as well.
func show_look(look_: VcgLook) -> void:
	_core.show_look(look_)


## Show a colour group ("hair", "torso" ...) in a ramp of the model. Null, or what is wrong.
func set_ramp(group: String, ramp: String) -> VcgError:
	_find_loader()
	return _core.set_ramp(group, ramp)


## Show a colour group in colours of your own, light to dark. Null, or what is wrong.
func set_shades(group: String, colours: PackedColorArray) -> VcgError:
	_find_loader()
	return _core.set_shades(group, colours)


## What its model can draw, as the protocol's message "description"; empty until it is known.
func description() -> Dictionary:
	_find_loader()
	return _core.description()


func _load() -> void:
	if not is_inside_tree() or not is_node_ready():
		return
	_is_missing = false
	if recipe == null:
		if _core.state in ["loading", "failed"]:
			_core.clear()
			queue_redraw()
		return
	var output := {"normal_map": true} if normal_map else {}
	_find_loader()
	_core.show_recipe(loader, recipe, animations, output)


func _find_loader() -> void:
	if loader == null and is_inside_tree():
		loader = VcgLoader.of(self)
	_core.use_loader(loader)


func _look_changed() -> void:
	material = _core.palette.material() if _core.look != null else null
	queue_redraw()


func _draw_placeholder() -> void:
	var colour := _FAILED if _core.state == "failed" else _LOADING
	var up := 0.0 if on_feet else 30.0
	draw_circle(Vector2(0, up - 38), 8, colour)
	draw_rect(Rect2(-8, up - 29, 16, 29), colour)
