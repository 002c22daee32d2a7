extends RefCounted
## Paints the ground of the village, one small tile after the other. All of it is made here; no picture file is used.

const Map := preload("map.gd")

const CELL := Map.CELL
const VARIANTS := 6

# base, light, dark
const COLOURS := {
	Map.Kind.GRASS: [Color("5f8f3f"), Color("6c9d49"), Color("527f37")],
	Map.Kind.FLOWERS: [Color("5f8f3f"), Color("6c9d49"), Color("527f37")],
	Map.Kind.DIRT: [Color("b4915f"), Color("c2a06d"), Color("a27f50")],
	Map.Kind.STONE: [Color("a7a196"), Color("b6b0a5"), Color("8d877d")],
	Map.Kind.WATER: [Color("4a83b0"), Color("5d97c2"), Color("3d719c")],
}
const PETALS: Array[Color] = [Color("e8dc6a"), Color("e6e6ee"), Color("d6738a"), Color("8f86d8")]
const GRASS_TOP := Color("6c9d49")
const GRASS_EDGE := Color("46702f")
const SIDES: Array[Vector2i] = [Vector2i.UP, Vector2i.RIGHT, Vector2i.DOWN, Vector2i.LEFT]

var _random: RandomNumberGenerator
var _tiles := {}
var _fringes: Array[Array] = []  # of each side, variants: grass that grows over the edge


func _init(random: RandomNumberGenerator) -> void:
	_random = random


func paint(map: Map) -> Image:
	for kind: Map.Kind in COLOURS:
		_tiles[kind] = range(VARIANTS).map(func(_i: int) -> Image: return _tile(kind))
	for side: int in 4:
		_fringes.append(range(VARIANTS).map(func(_i: int) -> Image: return _fringe(side)))
	var image := Image.create_empty(Map.SIZE.x * CELL, Map.SIZE.y * CELL, false, Image.FORMAT_RGBA8)
	var whole := Rect2i(0, 0, CELL, CELL)
	for y: int in Map.SIZE.y:
		for x: int in Map.SIZE.x:
			var cell := Vector2i(x, y)
			var kind := map.kind(cell)
			image.blit_rect(_pick(_tiles[kind]), whole, cell * CELL)
			if kind in [Map.Kind.GRASS, Map.Kind.FLOWERS]:
				continue
			for side: int in 4:
				if map.kind(cell + SIDES[side]) in [Map.Kind.GRASS, Map.Kind.FLOWERS]:
					image.blend_rect(_pick(_fringes[side]), whole, cell * CELL)
	return image


func _pick(variants: Array) -> Image:
	return variants[_random.randi() % variants.size()]


func _tile(kind: Map.Kind) -> Image:
	var shades: Array = COLOURS[kind]
	var image := Image.create_empty(CELL, CELL, false, Image.FORMAT_RGBA8)
	image.fill(shades[0] as Color)
	match kind:
		Map.Kind.GRASS, Map.Kind.FLOWERS:
			for i: int in 9:
				_blade(image, shades)
			if kind == Map.Kind.FLOWERS:
				for i: int in 3:
					_flower(image)
		Map.Kind.DIRT:
			for i: int in 12:
				image.set_pixelv(_spot(0, 15), shades[1 + i % 2] as Color)
			for i: int in 2:
				image.fill_rect(Rect2i(_spot(0, 13), Vector2i(2, 1)), shades[2] as Color)
		Map.Kind.STONE:
			_paving(image, shades)
		Map.Kind.WATER:
			for i: int in 3:
				image.fill_rect(Rect2i(_spot(0, 11), Vector2i(_random.randi_range(2, 5), 1)), shades[1 + i % 2] as Color)
	return image


func _spot(low: int, high: int) -> Vector2i:
	return Vector2i(_random.randi_range(low, high), _random.randi_range(low, high))


func _blade(image: Image, shades: Array) -> void:
	var at := _spot(1, 13)
	image.set_pixelv(at, shades[1] as Color)
	image.set_pixelv(at + Vector2i(0, 1), shades[2] as Color)


func _flower(image: Image) -> void:
	var at := _spot(2, 12)
	var petal: Color = PETALS[_random.randi() % PETALS.size()]
	for side: Vector2i in SIDES:
		image.set_pixelv(at + side, petal)
	image.set_pixelv(at, Color("b8862f"))


## Two rows of flags with joints between them.
func _paving(image: Image, shades: Array) -> void:
	for row: int in 2:
		var left := row * 5 + _random.randi_range(-1, 1)
		image.fill_rect(Rect2i(0, row * 8, CELL, 1), shades[2] as Color)
		for x: int in range(left, CELL, 8):
			image.fill_rect(Rect2i(x, row * 8, 1, 8), shades[2] as Color)
			image.fill_rect(Rect2i(x + 1, row * 8 + 1, 3, 1), shades[1] as Color)
		image.set_pixel(_random.randi_range(0, 15), row * 8 + _random.randi_range(2, 6), shades[2] as Color)


func _fringe(side: int) -> Image:
	var image := Image.create_empty(CELL, CELL, false, Image.FORMAT_RGBA8)
	var deep := 3
	for along: int in CELL:
		deep = clampi(deep + _random.randi_range(-1, 1), 1, 5)
		for inwards: int in deep:
			var colour := GRASS_EDGE if inwards == deep - 1 else COLOURS[Map.Kind.GRASS][0] as Color
			match side:
				0:
					image.set_pixel(along, inwards, colour)
				1:
					image.set_pixel(CELL - 1 - inwards, along, colour)
				2:
					image.set_pixel(along, CELL - 1 - inwards, colour)
				3:
					image.set_pixel(inwards, along, colour)
	return image
