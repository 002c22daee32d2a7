@tool
class_name VcgPalette
extends Resource
## The 256 colours of a character, and the material that shows its index planes in them.
##
## Every pixel of an [code]r8[/code] picture is a slot of this palette. Another ramp, another colour of hair, is a change of
## a few slots here: no picture is drawn again and no server is asked.
## [codeblock]
## var palette := VcgPalette.of(generated)
## sprite.texture = ImageTexture.create_from_image(picture.image())
## sprite.material = palette.material()
## palette.set_ramp(description, "hair", "raven")
## [/codeblock]

## Number of slots; slot 0 is transparent.
const SLOTS := 256

const _SHADER := preload("palette.gdshader")
const _SHADER_3D := preload("palette_3d.gdshader")

## R, G, B, A of each slot: 1024 bytes.
@export var colours: PackedByteArray:
	set(value):
		if value.size() != SLOTS * 4:
			if not value.is_empty():
				push_error("a palette has %d bytes, not %d" % [SLOTS * 4, value.size()])
			return
		colours = value.duplicate()
		_update()

var _texture: ImageTexture
var _material: ShaderMaterial


func _init() -> void:
	var empty := PackedByteArray()
	empty.resize(SLOTS * 4)
	colours = empty


## The palette of a character as it came from the server.
static func of(generated: VcgGenerated) -> VcgPalette:
	return from_bytes(generated.palette)


## A palette of 1024 bytes.
static func from_bytes(bytes: PackedByteArray) -> VcgPalette:
	var palette := VcgPalette.new()
	palette.colours = bytes
	return palette


## A palette of its own with the same colours.
func copy() -> VcgPalette:
	return from_bytes(colours)


## 256 x 1 texels, RGBA8. It is the same object for as long as the palette lives, and follows its colours.
func texture() -> ImageTexture:
	if _texture == null:
		_texture = ImageTexture.create_from_image(_image())
	return _texture


## For any 2D node that shows an R8 index plane. Always the same object: nodes that share it change together.
func material() -> ShaderMaterial:
	if _material == null:
		_material = ShaderMaterial.new()
		_material.shader = _SHADER
		_material.set_shader_parameter("palette", texture())
	return _material


## A new material for a mesh that shows an R8 index plane in 3D. Its parameters: [code]index_plane[/code], an R8 texture;
## [code]region[/code], x, y, width and height of the frame in it in pixels; [code]normal_map[/code] and
## [code]normal_strength[/code], 0 for none; [code]billboard[/code], 0 none, 1 towards the camera, 2 only about the Y axis;
## [code]shaded[/code].
func material_3d() -> ShaderMaterial:
	var result := ShaderMaterial.new()
	result.shader = _SHADER_3D
	result.set_shader_parameter("palette", texture())
	return result


func colour(slot: int) -> Color:
	return Color8(colours[slot * 4], colours[slot * 4 + 1], colours[slot * 4 + 2], colours[slot * 4 + 3])


func set_colour(slot: int, value: Color) -> void:
	var bytes := colours
	bytes[slot * 4] = value.r8
	bytes[slot * 4 + 1] = value.g8
	bytes[slot * 4 + 2] = value.b8
	bytes[slot * 4 + 3] = value.a8
	colours = bytes


## Show a colour group in a ramp of the model. [param description]: what [method VcgClient.describe] gave. The same bytes
## as the server's palette of the same recipe with that ramp. Returns null, or what is wrong.
func set_ramp(description: Dictionary, group: String, ramp: String) -> VcgError:
	var groups: Dictionary = description.get("groups", {})
	if not groups.has(group):
		return VcgError.new(
			"bad_request",
			'there is no colour group "%s"' % group,
			"it is one of: %s" % ", ".join(PackedStringArray(groups.keys()))
		)
	var kinds: Dictionary = description.get("ramps", {})
	var ramps: Array = kinds.get(groups[group], [])
	for record: Dictionary in ramps:
		if record["id"] == ramp:
			var shades: PackedByteArray = record["colours"]
			return set_shades(description, group, shades)
	return VcgError.new(
		"bad_request", 'there is no %s ramp "%s"' % [groups[group], ramp], "see `describe` for their names"
	)


## The same with colours of your own: R, G, B, R, G, B ..., light to dark. Where a layer has more shades than that, its last
## ones all show the last colour.
func set_shades(description: Dictionary, group: String, shades: PackedByteArray) -> VcgError:
	if shades.is_empty() or shades.size() % 3 != 0:
		return VcgError.new("bad_request", "a ramp has three bytes for each colour, not %d" % shades.size())
	var bytes := colours
	for layer: Dictionary in description.get("layers", []):
		_recolour(bytes, layer, group, shades)
	colours = bytes
	return null


## Palette slots that a colour group shows, light to dark, of every layer that has it.
static func slots_of(description: Dictionary, group: String) -> PackedInt32Array:
	var found := PackedInt32Array()
	for layer: Dictionary in description.get("layers", []):
		for material_: Dictionary in layer["materials"]:
			if material_["group"] == group:
				var first: int = material_["slot"]
				var count: int = material_["shades"]
				found.append_array(PackedInt32Array(range(first, first + count)))
	return found


static func _recolour(bytes: PackedByteArray, layer: Dictionary, group: String, shades: PackedByteArray) -> void:
	var has_group := false
	var first_fixed: int = layer["slot"]
	for material_: Dictionary in layer["materials"]:
		has_group = has_group or material_["group"] == group
		first_fixed += int(material_["shades"])
	var first: int = layer["slot"]
	var count: int = layer["slots"]
	if not has_group or count == 0 or bytes[first * 4 + 3] == 0:  # what is not worn has no colours
		return
	var fixed := range(first_fixed, first + count)
	var spare := _darkest(bytes, first, first_fixed)
	var follows := not fixed.is_empty()
	for slot: int in fixed:
		follows = follows and bytes.slice(slot * 4, slot * 4 + 4) == spare
	var last := floori(shades.size() / 3.0) - 1
	for material_: Dictionary in layer["materials"]:
		if material_["group"] != group:
			continue
		for i: int in int(material_["shades"]):
			var from := mini(i, last) * 3
			_put(bytes, int(material_["slot"]) + i, shades.slice(from, from + 3))
	if follows:  # fixed slots that the item does not use: the server gives them the darkest shade of the layer
		spare = _darkest(bytes, first, first_fixed)
		for slot: int in fixed:
			_put(bytes, slot, spare)


static func _put(bytes: PackedByteArray, slot: int, value: PackedByteArray) -> void:
	for i: int in value.size():
		bytes[slot * 4 + i] = value[i]


static func _darkest(bytes: PackedByteArray, from: int, to: int) -> PackedByteArray:
	var best := from
	var least := 1 << 30
	for slot: int in range(from, to):
		var light := 299 * bytes[slot * 4] + 587 * bytes[slot * 4 + 1] + 114 * bytes[slot * 4 + 2]
		if light < least:
			least = light
			best = slot
	return bytes.slice(best * 4, best * 4 + 4)


func _image() -> Image:
	return Image.create_from_data(SLOTS, 1, false, Image.FORMAT_RGBA8, colours)


func _update() -> void:
	if _texture != null:
		_texture.update(_image())
	emit_changed()
