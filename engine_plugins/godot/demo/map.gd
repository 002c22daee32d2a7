extends RefCounted
## The plan of the village: what lies where, and where people can walk. Cells of 16 pixels.

enum Kind { GRASS, DIRT, STONE, WATER }

const CELL := 16
const SIZE := Vector2i(80, 45)

## Corner (in cells), roof colour and width in cells of each house; its base is 7 cells below the corner.
const HOUSES: Array[Array] = [
	[Vector2i(3, 2), Color("a8503a"), 9],
	[Vector2i(15, 2), Color("5a6880"), 8],
	[Vector2i(26, 2), Color("b08a3e"), 9],
	[Vector2i(45, 2), Color("a8503a"), 8],
	[Vector2i(56, 2), Color("6d5a86"), 9],
	[Vector2i(68, 2), Color("b08a3e"), 9],
	[Vector2i(2, 18), Color("5a6880"), 9],
	[Vector2i(68, 18), Color("a8503a"), 9],
	[Vector2i(5, 30), Color("b08a3e"), 8],
	[Vector2i(17, 30), Color("a8503a"), 9],
	[Vector2i(54, 30), Color("5a6880"), 9],
	[Vector2i(67, 30), Color("6d5a86"), 8],
]
const HOUSE_HEIGHT := 7
const TREES: Array[Vector2i] = [
	Vector2i(13, 7),
	Vector2i(24, 8),
	Vector2i(37, 6),
	Vector2i(43, 7),
	Vector2i(54, 8),
	Vector2i(66, 7),
	Vector2i(1, 13),
	Vector2i(13, 20),
	Vector2i(18, 18),
	Vector2i(23, 20),
	Vector2i(16, 23),
	Vector2i(26, 18),
	Vector2i(53, 17),
	Vector2i(65, 19),
	Vector2i(65, 24),
	Vector2i(53, 24),
	Vector2i(14, 34),
	Vector2i(28, 35),
	Vector2i(32, 43),
	Vector2i(52, 34),
	Vector2i(64, 33),
	Vector2i(77, 34),
	Vector2i(6, 43),
	Vector2i(24, 44),
	Vector2i(46, 43),
	Vector2i(58, 44),
	Vector2i(72, 43),
	Vector2i(78, 15),
	Vector2i(2, 35),
]
const STALLS: Array[Array] = [
	[Vector2i(31, 19), Color("b8433f")],
	[Vector2i(45, 19), Color("3f6fa8")],
	[Vector2i(31, 28), Color("3f8f5a")],
	[Vector2i(45, 28), Color("c08a2f")],
]
const WELL := Vector2i(40, 24)
const PLAZA := Rect2i(29, 17, 22, 15)
const POND := Rect2(53.6, 18.4, 10.2, 5.8)

var kinds := PackedByteArray()
var blocked := PackedByteArray()


func _init() -> void:
	kinds.resize(SIZE.x * SIZE.y)
	blocked.resize(SIZE.x * SIZE.y)
	for y: int in SIZE.y:
		for x: int in SIZE.x:
			var cell := Vector2i(x, y)
			kinds[_at(cell)] = _kind(cell)
			if _from_pond(cell) < 1.2:
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
	_block(Rect2i(0, 0, SIZE.x, 4))


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


static func _kind(cell: Vector2i) -> Kind:
	if _from_pond(cell) < 1.0:
		return Kind.WATER
	if PLAZA.has_point(cell) and not _is_corner(cell):
		return Kind.STONE
	return Kind.DIRT if _is_road(cell) else Kind.GRASS


## 1 at the shore.
static func _from_pond(cell: Vector2i) -> float:
	return ((Vector2(cell) + Vector2(0.5, 0.5) - POND.get_center()) / (POND.size / 2.0)).length()


static func _is_corner(cell: Vector2i) -> bool:
	var inside := cell - PLAZA.position
	var edge := Vector2i(mini(inside.x, PLAZA.size.x - 1 - inside.x), mini(inside.y, PLAZA.size.y - 1 - inside.y))
	return edge.x + edge.y < 3


## Two streets along the houses, one between them, one across, and a path to each door.
static func _is_road(cell: Vector2i) -> bool:
	var bend := roundi(sin(cell.x * 0.11) * 1.2)
	if cell.y - bend in [12, 13, 14, 15] or cell.y + bend in [38, 39, 40, 41]:
		return true
	if cell.y in [26, 27, 28] or cell.x - roundi(sin(cell.y * 0.12)) in [38, 39, 40, 41]:
		return true
	for house: Array in HOUSES:
		var corner: Vector2i = house[0]
		var base := corner.y + HOUSE_HEIGHT
		var door := corner.x + floori(int(house[2]) / 2.0)
		if cell.x in [door, door - 1] and cell.y >= base and cell.y < base + (6 if corner.y == 2 else 3):
			return true
	return false
