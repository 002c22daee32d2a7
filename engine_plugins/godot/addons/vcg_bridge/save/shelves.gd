@tool
extends RefCounted
## Packs boxes densely, the same way as the Python package (sprites/layout.py) does.

var width := 0
var height := 0
var corners: Array[Vector2i] = []


## Of several widths the one with the smallest sheet. [param sizes]: with their padding to the right and below.
func pack(sizes: Array[Vector2i], padding: int) -> void:
	var widest := 0
	var area := 0
	for size: Vector2i in sizes:
		widest = maxi(widest, size.x)
		area += size.x * size.y
	var order: Array = range(sizes.size())
	order.sort_custom(
		func(a: int, b: int) -> bool:
			if sizes[a].y != sizes[b].y:
				return sizes[a].y > sizes[b].y
			return sizes[a].x > sizes[b].x if sizes[a].x != sizes[b].x else a < b
	)
	var start := maxi(widest, floori(sqrt(area)))
	var best := Vector2i.ZERO
	for extra: int in 20:
		var tried: Array[Vector2i] = []
		tried.resize(sizes.size())
		var size := _fill(sizes, order, start + (start * extra >> 6), padding, tried)
		var score := Vector2i(size.x * size.y, maxi(size.x, size.y))
		if extra == 0 or score.x < best.x or score.x == best.x and score.y < best.y:
			best = score
			width = size.x
			height = size.y
			corners = tried


## Corners of all boxes on shelves of that width; returns the size of it all.
static func _fill(sizes: Array[Vector2i], order: Array, line: int, padding: int, places: Array[Vector2i]) -> Vector2i:
	var at := Vector2i.ZERO
	var shelf := 0
	var used := 0
	for i: int in order:
		if at.x + sizes[i].x > line:
			at = Vector2i(0, at.y + shelf)
		if at.x == 0:
			shelf = sizes[i].y
		places[i] = at
		at.x += sizes[i].x
		used = maxi(used, at.x - padding)
	return Vector2i(used, at.y + shelf - padding)
