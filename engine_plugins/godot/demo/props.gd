extends RefCounted
## Houses, trees, stalls and the well: drawn here pixel by pixel, with a dark outline as the characters have.

const Map := preload("map.gd")

const OUTLINE := Color("2f2430")
const PLASTER := Color("dcc9a2")
const BEAM := Color("77522f")
const LEAF: Array[Color] = [Color("3d6b33"), Color("4d8040"), Color("64974c")]
const PINE: Array[Color] = [Color("2c5540"), Color("35664a"), Color("447a58")]

var _random: RandomNumberGenerator


func _init(random: RandomNumberGenerator) -> void:
	_random = random


## Everything, as sprites that stand on their base line, to be sorted among the people.
func all() -> Array[Sprite2D]:
	var found: Array[Sprite2D] = []
	for entry: Array in Map.HOUSES:
		var corner: Vector2i = entry[0]
		var roof: Color = entry[1]
		var width := int(entry[2]) * Map.CELL
		var base := Vector2(corner.x * Map.CELL + width / 2.0, (corner.y + Map.HOUSE_HEIGHT) * Map.CELL)
		found.append(_standing(_house(width, roof), base))
	for cell: Vector2i in Map.TREES:
		var tree := _pine() if (cell.x * 7 + cell.y * 3) % 3 == 0 else _tree()
		found.append(_standing(tree, Map.centre(cell) + Vector2(0, 7)))
	for entry: Array in Map.STALLS:
		var cell: Vector2i = entry[0]
		var awning: Color = entry[1]
		found.append(_standing(_stall(awning), Vector2((cell.x + 2) * Map.CELL, (cell.y + 2) * Map.CELL)))
	found.append(_standing(_well(), Map.centre(Map.WELL) + Vector2(0, 8)))
	return found


static func _standing(image: Image, base: Vector2) -> Sprite2D:
	var sprite := Sprite2D.new()
	sprite.texture = ImageTexture.create_from_image(image)
	sprite.centered = false
	sprite.position = base
	sprite.offset = Vector2(-floorf(image.get_width() / 2.0), -image.get_height())
	return sprite


func _house(width: int, roof: Color) -> Image:
	var height := Map.HOUSE_HEIGHT * Map.CELL + 20
	var image := Image.create_empty(width, height, false, Image.FORMAT_RGBA8)
	var eaves := height - 50
	_box(image, Rect2i(6, eaves - 6, width - 12, 56), PLASTER)
	for i: int in 60:
		image.set_pixel(
			_random.randi_range(9, width - 10), _random.randi_range(eaves, height - 3), PLASTER.darkened(0.08)
		)
	for x: int in [7, floori(width / 2.0) - 18, floori(width / 2.0) + 15, width - 11]:
		image.fill_rect(Rect2i(x, eaves - 4, 4, 53), BEAM)
		image.fill_rect(Rect2i(x, eaves - 4, 1, 53), BEAM.lightened(0.15))
	image.fill_rect(Rect2i(7, eaves + 24, width - 14, 3), BEAM)
	image.fill_rect(Rect2i(6, height - 5, width - 12, 4), Color("8d877d"))
	image.fill_rect(Rect2i(6, height - 5, width - 12, 1), Color("a7a196"))
	for x: int in [18, width - 34]:
		_window(image, Vector2i(x, eaves + 6))
	_door(image, Vector2i(floori(width / 2.0) - 12, height - 41))
	_roof(image, width, eaves, roof)
	return image


func _roof(image: Image, width: int, eaves: int, colour: Color) -> void:
	for y: int in range(2, eaves + 4):
		var inset := maxi(0, roundi((eaves - y) * 0.16))
		image.fill_rect(Rect2i(inset, y, width - 2 * inset, 1), colour.darkened(0.02 + 0.12 * y / float(eaves)))
	for row: int in range(2, eaves + 4, 8):
		var inset := maxi(0, roundi((eaves - row) * 0.16))
		image.fill_rect(Rect2i(inset, row + 7, width - 2 * inset, 1), colour.darkened(0.38))
		for x: int in range(inset + (4 if row % 16 == 2 else 0), width - inset, 8):
			image.fill_rect(Rect2i(x, row, 1, 7), colour.darkened(0.24))
			image.fill_rect(Rect2i(x + 1, row, 3, 1), colour.lightened(0.16))
	image.fill_rect(Rect2i(0, eaves + 4, width, 2), OUTLINE)
	image.fill_rect(Rect2i(6, eaves + 6, width - 12, 3), Color(PLASTER.darkened(0.35)))
	var top := maxi(0, roundi((eaves - 2) * 0.16))
	image.fill_rect(Rect2i(top, 0, width - 2 * top, 3), colour.darkened(0.5))
	_box(image, Rect2i(width - top - 24, 0, 12, 20), Color("84807a"))
	for y: int in range(4, 18, 5):
		image.fill_rect(Rect2i(width - top - 23, y, 10, 1), Color("6a665f"))
	for y: int in range(2, eaves + 4):
		var inset := maxi(0, roundi((eaves - y) * 0.16))
		image.set_pixel(inset, y, OUTLINE)
		image.set_pixel(width - 1 - inset, y, OUTLINE)


func _window(image: Image, at: Vector2i) -> void:
	_box(image, Rect2i(at, Vector2i(16, 15)), BEAM)
	image.fill_rect(Rect2i(at + Vector2i(3, 3), Vector2i(10, 9)), Color("8fb4c9"))
	image.fill_rect(Rect2i(at + Vector2i(3, 3), Vector2i(10, 3)), Color("b6d3de"))
	image.fill_rect(Rect2i(at + Vector2i(7, 2), Vector2i(2, 11)), BEAM)
	image.fill_rect(Rect2i(at + Vector2i(-1, 15), Vector2i(18, 3)), BEAM.lightened(0.12))
	for x: int in range(0, 16, 3):
		image.set_pixelv(at + Vector2i(x, 14 - _random.randi_range(0, 1)), Color("d6738a"))


func _door(image: Image, at: Vector2i) -> void:
	_box(image, Rect2i(at, Vector2i(24, 40)), BEAM.darkened(0.15))
	for x: int in range(3, 21, 5):
		image.fill_rect(Rect2i(at + Vector2i(x, 3), Vector2i(4, 36)), Color("9a6b3c"))
	image.fill_rect(Rect2i(at + Vector2i(18, 21), Vector2i(2, 3)), Color("e0c060"))
	image.fill_rect(Rect2i(at + Vector2i(-2, 38), Vector2i(28, 3)), Color("8d877d"))


func _tree() -> Image:
	var image := Image.create_empty(64, 84, false, Image.FORMAT_RGBA8)
	_box(image, Rect2i(27, 54, 10, 29), BEAM)
	image.fill_rect(Rect2i(30, 56, 2, 26), BEAM.lightened(0.15))
	image.fill_rect(Rect2i(24, 80, 16, 3), BEAM.darkened(0.2))
	var crowns: Array[Vector3] = []
	for i: int in 9:
		var angle := TAU * i / 9.0
		crowns.append(
			Vector3(
				32 + cos(angle) * 15 + _random.randf_range(-2, 2), 32 + sin(angle) * 14, _random.randf_range(11, 15)
			)
		)
	crowns.append(Vector3(32, 30, 17))
	_blobs(image, crowns, 0.0, OUTLINE)
	_blobs(image, crowns, 1.5, LEAF[0])
	_blobs(image, crowns, 3.5, LEAF[1], Vector2(-1.5, -2.5))
	var light: Array[Vector3] = []
	for crown: Vector3 in crowns:
		light.append(Vector3(crown.x - 4, crown.y - 5, crown.z * 0.52))
	_blobs(image, light, 0.0, LEAF[2])
	for i: int in 70:
		var at := Vector2i(_random.randi_range(8, 56), _random.randi_range(6, 56))
		if image.get_pixelv(at) in [LEAF[1], LEAF[2]]:
			image.set_pixelv(at, LEAF[0] if i % 2 == 0 else Color("78ab5a"))
	return image


func _pine() -> Image:
	var image := Image.create_empty(56, 96, false, Image.FORMAT_RGBA8)
	_box(image, Rect2i(24, 74, 8, 21), BEAM)
	image.fill_rect(Rect2i(21, 92, 14, 3), BEAM.darkened(0.2))
	for tier: int in 4:
		var top := 62 - tier * 19
		var deep := 26
		for y: int in deep:
			var half := 3 + roundi(y * (0.86 - tier * 0.13)) + _random.randi_range(0, 1)
			image.fill_rect(Rect2i(28 - half, top + y - 2, 2 * half, 1), OUTLINE)
			if half > 1 and y < deep - 1:
				image.fill_rect(Rect2i(29 - half, top + y - 2, 2 * half - 2, 1), PINE[0])
				image.fill_rect(Rect2i(29 - half, top + y - 2, maxi(half - 1, 1), 1), PINE[1])
				if y % 5 < 2:
					image.fill_rect(Rect2i(30 - half, top + y - 2, maxi(roundi(half * 0.5), 1), 1), PINE[2])
	return image


static func _blobs(image: Image, circles: Array[Vector3], less: float, colour: Color, moved := Vector2.ZERO) -> void:
	for y: int in image.get_height():
		for x: int in image.get_width():
			for circle: Vector3 in circles:
				if Vector2(x, y).distance_to(Vector2(circle.x, circle.y) + moved) < circle.z - less:
					image.set_pixel(x, y, colour)
					break


func _stall(colour: Color) -> Image:
	var image := Image.create_empty(72, 66, false, Image.FORMAT_RGBA8)
	for x: int in [5, 63]:
		image.fill_rect(Rect2i(x, 16, 4, 50), OUTLINE)
		image.fill_rect(Rect2i(x + 1, 17, 2, 48), BEAM)
	_box(image, Rect2i(3, 42, 66, 22), Color("94683b"))
	image.fill_rect(Rect2i(4, 43, 64, 3), Color("b08450"))
	for x: int in range(15, 66, 13):
		image.fill_rect(Rect2i(x, 46, 1, 17), BEAM.darkened(0.2))
	var goods: Array[Color] = [Color("c9553d"), Color("e0a83a"), Color("7fae4a"), Color("8a5aa0")]
	for i: int in 13:
		var at := Vector2i(7 + i * 5 - (i % 2), 37 + _random.randi_range(0, 2))
		image.fill_rect(Rect2i(at, Vector2i(4, 4)), OUTLINE)
		image.fill_rect(Rect2i(at, Vector2i(3, 3)), goods[(i * 7 + floori(i / 4.0)) % 4])
	for stripe: int in 9:
		var shade := colour if stripe % 2 == 0 else Color("ece3d0")
		image.fill_rect(Rect2i(stripe * 8, 2, 8, 20), shade)
		image.fill_rect(Rect2i(stripe * 8 + 1, 22, 6, 3), shade)
		image.fill_rect(Rect2i(stripe * 8, 16, 8, 2), shade.darkened(0.14))
	image.fill_rect(Rect2i(0, 1, 72, 1), OUTLINE)
	return image


func _well() -> Image:
	var image := Image.create_empty(52, 58, false, Image.FORMAT_RGBA8)
	_box(image, Rect2i(4, 34, 44, 23), Color("98928a"))
	for row: int in 3:
		image.fill_rect(Rect2i(5, 40 + row * 6, 42, 1), Color("75706a"))
		for x: int in range(8 + (row % 2) * 5, 46, 10):
			image.fill_rect(Rect2i(x, 35 + row * 6, 1, 6), Color("75706a"))
	_box(image, Rect2i(8, 31, 36, 6), Color("38536b"))
	for x: int in [7, 42]:
		_box(image, Rect2i(x, 12, 4, 24), BEAM)
	for y: int in 14:
		image.fill_rect(Rect2i(13 - y, y + 1, 26 + 2 * y, 1), Color("a8503a") if y % 5 else Color("853c2b"))
	image.fill_rect(Rect2i(0, 15, 52, 1), OUTLINE)
	image.fill_rect(Rect2i(25, 16, 1, 12), Color("d8cba8"))
	_box(image, Rect2i(21, 26, 9, 8), BEAM.lightened(0.1))
	return image


static func _box(image: Image, area: Rect2i, colour: Color) -> void:
	image.fill_rect(area, OUTLINE)
	image.fill_rect(area.grow(-1), colour)
