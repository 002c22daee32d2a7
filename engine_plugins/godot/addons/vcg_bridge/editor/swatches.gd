@tool
extends RefCounted
## Pictures of ramps: a small square for each colour, light to dark. One texture for a kind of ramp, made when it is first
## needed.

const Catalogue := preload("catalogue.gd")

const CELL := Vector2i(4, 14)  # pixels at scale 1

var _catalogue: Catalogue
var _icons := {}  # kind -> {ramp id -> AtlasTexture}
var _scale := 1.0


func _init(catalogue: Catalogue = null, scale: float = 1.0) -> void:
	_catalogue = catalogue
	_scale = scale


## The ramp's picture, null where the model has no such ramp.
func icon(kind: String, ramp: String) -> Texture2D:
	if not _icons.has(kind):
		_icons[kind] = _made(_catalogue.ramps(kind))
	var of_kind: Dictionary = _icons[kind]
	return of_kind.get(ramp)


func _made(ramps: Dictionary) -> Dictionary:
	var found := {}
	if ramps.is_empty():
		return found
	var longest := 1
	for record: Dictionary in ramps.values():
		var colours: PackedByteArray = record["colours"]
		longest = maxi(longest, floori(colours.size() / 3.0))
	var cell := Vector2i(Vector2(CELL) * _scale)
	var image := Image.create_empty(longest * cell.x, ramps.size() * cell.y, false, Image.FORMAT_RGBA8)
	var row := 0
	for record: Dictionary in ramps.values():
		var colours: PackedByteArray = record["colours"]
		for i: int in floori(colours.size() / 3.0):
			var colour := Color8(colours[3 * i], colours[3 * i + 1], colours[3 * i + 2])
			image.fill_rect(Rect2i(i * cell.x, row * cell.y, cell.x, cell.y), colour)
		row += 1
	var sheet := ImageTexture.create_from_image(image)
	row = 0
	for id: String in ramps:
		var colours: PackedByteArray = ramps[id]["colours"]
		var part := AtlasTexture.new()
		part.atlas = sheet
		part.region = Rect2(0, row * cell.y, floori(colours.size() / 3.0) * cell.x, cell.y)
		found[id] = part
		row += 1
	return found
