extends RefCounted
## Paints the ground of the village, one small tile after the other. All of it is made here; no picture file is used.

const Map := preload("map.gd")

const CELL := Map.CELL
const VARIANTS := 6

# base, light, dark
const GRASS: Array[Color] = [Color("5f8f3f"), Color("6c9d49"), Color("527f37")]
const DIRT: Array[Color] = [Color("b4915f"), Color("c2a06d"), Color("a27f50")]
const STONE: Array[Color] = [Color("a7a196"), Color("b6b0a5"), Color("8d877d")]
const PETALS: Array[Color] = [Color("e8dc6a"), Color("e6e6ee"), Color("d6738a"), Color("8f86d8")]
const TUFT: Array[Color] = [Color("7fae55"), Color("6c9d49")]
const SHORE: Array[Color] = [
	Color("46702f"), Color("c2a06d"), Color("a27f50"), Color("5d97c2"), Color("4a83b0"), Color("8fc0dc")
]
const GRASS_EDGE := Color("46702f")
const SIDES: Array[Vector2i] = [Vector2i.UP, Vector2i.RIGHT, Vector2i.DOWN, Vector2i.LEFT]

var _random: RandomNumberGenerator
var _tiles := {}
var _fringes: Array[Array] = []  # of each side, variants: grass that grows over the edge


func _init(random: RandomNumberGenerator) -> void:
	_random = random


func paint(map: Map) -> Image:
	var shades := {Map.Kind.GRASS: GRASS, Map.Kind.DIRT: DIRT, Map.Kind.STONE: STONE, Map.Kind.WATER: GRASS}
	for kind: Map.Kind in shades:  # the pond is painted over grass
		_tiles[kind] = range(VARIANTS).map(func(_i: int) -> Image: return _tile(kind, shades[kind]))
	for side: int in 4:
		_fringes.append(range(VARIANTS).map(func(_i: int) -> Image: return _fringe(side)))
	var image := Image.create_empty(Map.SIZE.x * CELL, Map.SIZE.y * CELL, false, Image.FORMAT_RGBA8)
	var whole := Rect2i(0, 0, CELL, CELL)
	for y: int in Map.SIZE.y:
		for x: int in Map.SIZE.x:
			var cell := Vector2i(x, y)
			var kind := map.kind(cell)
			image.blit_rect(_pick(_tiles[kind]), whole, cell * CELL)
			if kind in [Map.Kind.GRASS, Map.Kind.WATER]:
				continue
			for side: int in 4:
				if map.kind(cell + SIDES[side]) in [Map.Kind.GRASS, Map.Kind.WATER]:
					image.blend_rect(_pick(_fringes[side]), whole, cell * CELL)
	_scatter(image, map)
	_pond(image)
	return image


func _pick(variants: Array) -> Image:
	return variants[_random.randi() % variants.size()]


func _tile(kind: Map.Kind, shades: Array[Color]) -> Image:
	var image := Image.create_empty(CELL, CELL, false, Image.FORMAT_RGBA8)
	image.fill(shades[0])
	match kind:
		Map.Kind.GRASS, Map.Kind.WATER:
			for i: int in 7:
				_blade(image, shades)
		Map.Kind.DIRT:
			for i: int in 12:
				image.set_pixelv(_spot(0, 15), shades[1 + i % 2])
			for i: int in 2:
				image.fill_rect(Rect2i(_spot(0, 13), Vector2i(2, 1)), shades[2])
		Map.Kind.STONE:
			_paving(image, shades)
	return image


func _spot(low: int, high: int) -> Vector2i:
	return Vector2i(_random.randi_range(low, high), _random.randi_range(low, high))


func _blade(image: Image, shades: Array[Color]) -> void:
	var at := _spot(1, 13)
	image.set_pixelv(at, shades[1])
	image.set_pixelv(at + Vector2i(0, 1), shades[2])


## Tufts, flowers and pebbles, in patches as they grow.
func _scatter(image: Image, map: Map) -> void:
	var noise := FastNoiseLite.new()
	noise.seed = 3
	noise.frequency = 0.012
	for i: int in 5200:
		var at := Vector2i(
			_random.randi_range(3, image.get_width() - 6), _random.randi_range(4, image.get_height() - 6)
		)
		var kind := map.kind(Map.cell_of(at))
		var lush := noise.get_noise_2dv(at)
		if kind == Map.Kind.GRASS and lush > 0.05:
			_tuft(image, at)
		elif kind == Map.Kind.GRASS and lush < -0.28:
			_flower(
				image, at, PETALS[int(absf(noise.get_noise_2d(at.x * 0.3, at.y * 0.3 + 900.0)) * 9) % PETALS.size()]
			)
		elif kind == Map.Kind.DIRT and i % 11 == 0:
			image.fill_rect(Rect2i(at, Vector2i(3, 2)), Color("8d877d"))
			image.fill_rect(Rect2i(at, Vector2i(2, 1)), Color("b6b0a5"))


func _tuft(image: Image, at: Vector2i) -> void:
	for i: int in 4:
		var blade := at + Vector2i(i, -(i % 2) * 2)
		image.fill_rect(Rect2i(blade, Vector2i(1, 4 - (i % 2))), TUFT[(at.x + i) % 2])
	image.fill_rect(Rect2i(at + Vector2i(0, 3), Vector2i(4, 1)), GRASS_EDGE)


func _flower(image: Image, at: Vector2i, petal: Color) -> void:
	image.set_pixelv(at + Vector2i(0, 2), GRASS_EDGE)
	for side: Vector2i in SIDES:
		image.set_pixelv(at + side, petal)
	image.set_pixelv(at, Color("b8862f"))


func _pond(image: Image) -> void:
	var noise := FastNoiseLite.new()
	noise.seed = 5
	noise.frequency = 0.03
	var area := Rect2(Map.POND.position * CELL, Map.POND.size * CELL)
	for y: int in range(int(area.position.y) - 12, int(area.end.y) + 12):
		for x: int in range(int(area.position.x) - 12, int(area.end.x) + 12):
			var far := (
				((Vector2(x, y) - area.get_center()) / (area.size / 2.0)).length() + noise.get_noise_2d(x, y) * 0.16
			)
			if far > 1.06:
				continue
			var ripple := sin(y * 0.9 + noise.get_noise_2d(x * 2.0, y * 0.5) * 9.0)
			var shade := 0
			for edge: float in [1.03, 0.97, 0.93, 0.62]:
				shade += 1 if far < edge else 0
			if shade >= 3 and ripple > 0.93 and noise.get_noise_2d(x * 0.7, y * 3.0) > 0.1:
				shade = 5
			image.set_pixel(x, y, SHORE[shade])


## Two rows of flags with joints between them.
func _paving(image: Image, shades: Array[Color]) -> void:
	for row: int in 2:
		var left := row * 5 + _random.randi_range(-1, 1)
		image.fill_rect(Rect2i(0, row * 8, CELL, 1), shades[2])
		for x: int in range(left, CELL, 8):
			image.fill_rect(Rect2i(x, row * 8, 1, 8), shades[2])
			image.fill_rect(Rect2i(x + 1, row * 8 + 1, 3, 1), shades[1])
		image.set_pixel(_random.randi_range(0, 15), row * 8 + _random.randi_range(2, 6), shades[2])


func _fringe(side: int) -> Image:
	var image := Image.create_empty(CELL, CELL, false, Image.FORMAT_RGBA8)
	var deep := 3
	for along: int in CELL:
		deep = clampi(deep + _random.randi_range(-1, 1), 1, 5)
		for inwards: int in deep:
			var colour := GRASS_EDGE if inwards == deep - 1 else GRASS[0]
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
