@tool
class_name VcgSprite3D
extends MeshInstance3D
## Shows the character of a recipe in 3D: a billboard lit by its normal map. Otherwise like [VcgCharacter2D].

## Every animation that was asked for is there.
signal loaded
## It cannot be shown. Also in [member error].
signal failed(error: VcgError)
## An animation that does not loop has come to its end.
signal animation_finished

enum Billboard { OFF, FULL, UPRIGHT }

const _Core := preload("character_core.gd")

## What to show. Setting it starts to load; null shows nothing.
@export var recipe: VcgRecipe:
	set(value):
		recipe = value
		_load()
## Animations to ask for; none: all of the model.
@export var animations: PackedStringArray = ["idle", "walk"]
## Ask for normal maps: off, light falls on it as on a board.
@export var normal_map := true:
	set(value):
		normal_map = value
		_load()
## How deep the relief looks.
@export_range(0.0, 4.0) var normal_strength := 1.0:
	set(value):
		normal_strength = value
		_show_frame()
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
## Metres of a pixel.
@export var pixel_size := 0.02:
	set(value):
		pixel_size = value
		_show_frame()
## Whether it turns to the camera: fully, or about its upright axis only.
@export var billboard := Billboard.UPRIGHT:
	set(value):
		billboard = value
		_material.set_shader_parameter("billboard", billboard)
## Whether lights shade it.
@export var shaded := true:
	set(value):
		shaded = value
		_material.set_shader_parameter("shaded", shaded)
## Stand on the node's position; off: the frame's centre is there.
@export var on_feet := true:
	set(value):
		on_feet = value
		_show_frame()
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
var _quad := QuadMesh.new()
var _material: ShaderMaterial


func _init() -> void:
	_material = _core.palette.material_3d()
	_material.set_shader_parameter("billboard", billboard)
	mesh = _quad
	material_override = _material
	_core.look_changed.connect(_show_frame)
	_core.frame_changed.connect(_show_frame)
	_core.loaded.connect(loaded.emit)
	_core.failed.connect(failed.emit)
	_core.animation_finished.connect(animation_finished.emit)
	_show_frame()


func _ready() -> void:
	_load()


func _process(delta: float) -> void:
	_core.advance(delta)


func _enter_tree() -> void:
	if _is_missing:
		_load()


func _exit_tree() -> void:
	_is_missing = _core.stop_loading()


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
			_show_frame()
		return
	var output := {"normal_map": true} if normal_map else {}
	_find_loader()
	_core.show_recipe(loader, recipe, animations, output)


func _find_loader() -> void:
	if loader == null and is_inside_tree():
		loader = VcgLoader.of(self)
	_core.use_loader(loader)


func _show_frame() -> void:
	var clip := _core.clip()
	if clip == null:
		_show_placeholder()
		return
	var region := clip.regions[_core.frame]
	var plane := clip.texture
	if plane is CanvasTexture:
		var lit: CanvasTexture = plane
		plane = lit.diffuse_texture
	_material.set_shader_parameter("index_plane", plane)
	_material.set_shader_parameter("normal_map", clip.normal)
	_material.set_shader_parameter("normal_strength", normal_strength if clip.normal != null else 0.0)
	_material.set_shader_parameter(
		"region", Vector4(region.position.x, region.position.y, region.size.x, region.size.y)
	)
	_material.set_shader_parameter("tint", Color.WHITE)
	_quad.size = Vector2(region.size) * pixel_size
	var middle := Vector2(clip.offsets[_core.frame]) + Vector2(region.size) / 2.0 - Vector2(clip.size) / 2.0
	if on_feet:
		middle -= Vector2(look.feet())
	_quad.center_offset = Vector3(middle.x, -middle.y, 0) * pixel_size


## A small board, grey while loading and red where it failed, of one slot of an empty palette.
func _show_placeholder() -> void:
	visible = true
	if _core.state == "empty":
		_quad.size = Vector2.ZERO
		return
	var dot := Image.create_empty(1, 1, false, Image.FORMAT_R8)
	dot.fill(Color8(255, 0, 0))
	_core.palette.set_colour(255, Color.WHITE)
	_material.set_shader_parameter("index_plane", ImageTexture.create_from_image(dot))
	_material.set_shader_parameter("region", Vector4(0, 0, 1, 1))
	_material.set_shader_parameter("normal_strength", 0.0)
	_material.set_shader_parameter("tint", Color(0.8, 0.2, 0.2) if _core.state == "failed" else Color(0.5, 0.5, 0.5))
	_quad.size = Vector2(16, 40) * pixel_size
	_quad.center_offset = Vector3(0, 20 * pixel_size, 0) if on_feet else Vector3.ZERO
