@tool
class_name VcgLook
extends RefCounted
## A character ready to be shown: its pictures as textures of palette slots, and where each frame lies in them.
##
## Shown in the colours of a [VcgPalette]. Several nodes can show one look, each in colours of its own. Pictures may still
## come while it is shown: see [method add].

const _FrameBoxes := preload("frame_boxes.gd")


## An animation seen from one side.
class Clip:
	## R8 slots; a CanvasTexture where there is a normal map.
	var texture: Texture2D
	## The normal map, null where there is none.
	var normal: Texture2D
	var fps: float
	var loop: bool
	## Of a whole frame, in pixels.
	var size: Vector2i
	## In the texture, one for each frame.
	var regions: Array[Rect2i]
	## Left and top of a region within the whole frame.
	var offsets: Array[Vector2i]


## What it was made of.
var generated: VcgGenerated

var _clips := {}  # "walk/down" -> Clip
var _directions := {}  # animation -> PackedStringArray
var _textures := {}  # name of a picture -> Texture2D
var _normals := {}
var _feet: Variant  # Vector2i


## [param generated_]: with [code]r8[/code] pictures; more may be added.
func _init(generated_: VcgGenerated) -> void:
	generated = generated_
	if generated.preview != null:
		add(generated.preview)
	for picture: VcgPicture in generated.pictures:
		add(picture)
	for normal: VcgPicture in generated.normals:
		add(normal)


## Take in a picture. On the main thread.
func add(picture: VcgPicture) -> void:
	if picture.kind == "normal":
		_normals[picture.name] = ImageTexture.create_from_image(picture.image())
		_light(picture.name)
		return
	if picture.format != "r8":
		push_error("a VcgLook needs r8 pictures, not %s" % picture.format)
		return
	var texture := ImageTexture.create_from_image(picture.image())
	if picture.kind != "preview":
		_textures[picture.name] = texture
	for strip: Dictionary in picture.strips:
		var animation: String = strip["animation"]
		var directions := PackedStringArray(strip["directions"])
		if picture.kind == "preview" and _directions.has(animation):
			continue
		if picture.kind != "preview":
			_directions[animation] = directions
		for row: int in directions.size():
			_clips["%s/%s" % [animation, directions[row]]] = _clip(texture, strip, row)
		if _feet == null:
			_feet = _find_feet(picture, strip)
	if picture.kind != "preview" and _normals.has(picture.name):
		_light(picture.name)


## Whether anything can be shown.
func is_empty() -> bool:
	return _clips.is_empty()


## Animations that are there.
func animations() -> PackedStringArray:
	return PackedStringArray(_directions.keys())


## The clip of an animation from one side; where it is not drawn from there, from another; where the animation is not there
## (yet), whatever is. Null only where nothing is.
func clip(animation: String, direction: String) -> Clip:
	var sides := PackedStringArray([direction, "down", "right", "left", "up"])
	for wished: String in [animation, "idle", "walk"]:
		for side: String in sides:
			var found: Clip = _clips.get("%s/%s" % [wished, side])
			if found != null:
				return found
	return null if _clips.is_empty() else _clips.values()[0]


## From the centre of the frame to where the figure stands, in pixels.
func feet() -> Vector2i:
	return Vector2i.ZERO if _feet == null else _feet


func _clip(texture: Texture2D, strip: Dictionary, row: int) -> Clip:
	var found := Clip.new()
	found.texture = texture
	found.fps = strip["fps"]
	found.loop = strip["loop"]
	found.size = Vector2i(int(strip["frame_width"]), int(strip["frame_height"]))
	for column: int in int(strip["frames"]):
		found.regions.append(VcgPicture.region(strip, row, column))
		found.offsets.append(VcgPicture.offset(strip, row, column))
	return found


func _light(name: String) -> void:
	var plain: Texture2D = _textures.get(name)
	var normal: Texture2D = _normals[name]
	if plain == null:
		return
	var lit := CanvasTexture.new()
	lit.diffuse_texture = plain
	lit.normal_texture = normal
	for found: Clip in _clips.values():
		if found.texture == plain:
			found.texture = lit
			found.normal = normal


static func _find_feet(picture: VcgPicture, strip: Dictionary) -> Vector2i:
	var directions: Array = strip["directions"]
	var row := maxi(directions.find("down"), 0)
	var box := _FrameBoxes.box_of(picture.image().get_region(VcgPicture.region(strip, row, 0)))
	box.position += VcgPicture.offset(strip, row, 0)
	return Vector2i(0, box.end.y - floori(int(strip["frame_height"]) / 2.0))
