extends RefCounted
## The plan of the village: what lies where, and where people can walk. Cells of 16 pixels.

enum Kind { GRASS, DIRT, STONE, WATER, FLOWERS }

const CELL := 16
const SIZE := Vector2i(96, 54)

## Corner (in cells), roof colour and width in cells of each house; its base is 7 cells below the corner.
const HOUSES: Array[Array] = [
	[Vector2i(5, 3), Color("a8503a"), 9], [Vector2i(19, 2), Color("5a6880"), 8], [Vector2i(34, 3), Color("b08a3e"), 9],
	[Vector2i(55, 3), Color("a8503a"), 8], [Vector2i(69, 2), Color("6d5a86"), 9], [Vector2i(83, 4), Color("b08a3e"), 9],
	[Vector2i(4, 24), Color("5a6880"), 9], [Vector2i(82, 25), Color("a8503a"), 9], [Vector2i(7, 41), Color("b08a3e"), 8],
	[Vector2i(26, 42), Color("a8503a"), 9], [Vector2i(60, 42), Color("5a6880"), 9], [Vector2i(80, 42), Color("6d5a86"), 8],
]  # gdlint:ignore=max-line-length
const HOUSE_HEIGHT := 7
const TREES: Array[Vector2i] = [
	Vector2i(16, 9), Vector2i(30, 8), Vector2i(50, 5), Vector2i(47, 10), Vector2i(65, 9), Vector2i(80, 8), Vector2i(2, 17),
	Vector2i(17, 30), Vector2i(22, 20), Vector2i(76, 20), Vector2i(79, 36), Vector2i(93, 18), Vector2i(2, 38),
	Vector2i(22, 38), Vector2i(20, 50), Vector2i(40, 51), Vector2i(55, 51), Vector2i(73, 50), Vector2i(93, 40),
	Vector2i(71, 33), Vector2i(25, 33), Vector2i(38, 40), Vector2i(57, 39), Vector2i(3, 52), Vector2i(92, 52),
	Vector2i(62, 18), Vector2i(33, 19),
]
const STALLS: Array[Array] = [
	[Vector2i(40, 22), Color("b8433f")], [Vector2i(52, 22), Color("3f6fa8")], [Vector2i(39, 33), Color("3f8f5a")],
	[Vector2i(53, 33), Color("c08a2f")],
]
const WELL := Vector2i(48, 28)
const PLAZA := Rect2i(36, 19, 24, 17)
const POND := Vector2(70.5, 27.5)

var kinds := PackedByteArray()
var blocked := PackedByteArray()


func _init(random: RandomNumberGenerator) -> void:
	kinds.resize(SIZE.x * SIZE.y)
	blocked.resize(SIZE.x * SIZE.y)
	for y: int in SIZE.y:
		for x: int in SIZE.x:
			var cell := Vector2i(x, y)
			kinds[_at(cell)] = _kind(cell, random)
			if kinds[_at(cell)] == Kind.WATER:
				blocked[_at(cell)] = 1
	for house: Array in HOUSES:
		var corner: Vector2i = house[0]
		_block(Rect2i(corner.x, corner.y + 3, int(house[2]), HOUSE_HEIGHT - 3))
	for tree: Vector2i in TREES:
		_block(Rect2i(tree, Vector2i.ONE))
	for stall: Array in STALLS:
		var corner: Vector2i = stall[0]
		_block(Rect2i(corner, Vector2i(4, 2)))
	_block(Rect2i(WELL - Vector2i.ONE, Vector2i(3, 2)))
	_block(Rect2i(0, 0, SIZE.x, 3))


func kind(cell: Vector2i) -> Kind:
	return (kinds[_at(cell)] if Rect2i(Vector2i.ZERO, SIZE).has_point(cell) else Kind.GRASS) as Kind


func is_free(cell: Vector2i) -> bool:
	return Rect2i(1, 1, SIZE.x - 2, SIZE.y - 1).has_point(cell) and blocked[_at(cell)] == 0


static func cell_of(point: Vector2) -> Vector2i:
	return Vector2i((point / CELL).floor())


static func centre(cell: Vector2i) -> Vector2:
	return (Vector2(cell) + Vector2(0.5, 0.5)) * CELL


func _at(cell: Vector2i) -> int:
	return cell.y * SIZE.x + cell.x


func _block(area: Rect2i) -> void:
	for y: int in range(maxi(area.position.y, 0), mini(area.end.y, SIZE.y)):
		for x: int in range(maxi(area.position.x, 0), mini(area.end.x, SIZE.x)):
			blocked[_at(Vector2i(x, y))] = 1


static func _kind(cell: Vector2i, random: RandomNumberGenerator) -> Kind:
	var far := (Vector2(cell) - POND) / Vector2(5.2, 3.4)
	if far.length() < 1.0:
		return Kind.WATER
	if PLAZA.has_point(cell) and not _is_corner(cell):
		return Kind.STONE
	if _is_road(cell):
		return Kind.DIRT
	return Kind.FLOWERS if random.randf() < 0.035 else Kind.GRASS


static func _is_corner(cell: Vector2i) -> bool:
	var inside := cell - PLAZA.position
	var edge := Vector2i(mini(inside.x, PLAZA.size.x - 1 - inside.x), mini(inside.y, PLAZA.size.y - 1 - inside.y))
	return edge.x + edge.y < 3


## Two streets along the houses, one across, and a path to each door.
static func _is_road(cell: Vector2i) -> bool:
	var bend := roundi(sin(cell.x * 0.09) * 1.4)
	if cell.y - bend in range(12, 16) or cell.y - bend in range(36, 40) and not cell.x in range(60, 80):
		return true
	if cell.y + bend in range(26, 29) or cell.y in range(36, 39) and cell.x in range(60, 80):
		return true
	if cell.x - roundi(sin(cell.y * 0.12) * 1.2) in range(46, 50):
		return true
	for house: Array in HOUSES:
		var corner: Vector2i = house[0]
		var door := corner.x + floori(int(house[2]) / 2.0)
		if cell.x in [door, door - 1] and cell.y >= corner.y + HOUSE_HEIGHT and cell.y < corner.y + HOUSE_HEIGHT + 4:
			return true
	return false
