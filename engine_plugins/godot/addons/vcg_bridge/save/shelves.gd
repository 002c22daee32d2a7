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


## For each frame of a strip, all frames of a row first, the smallest rectangle that holds its pixels, within the frame;
## a single pixel where it is empty.
static func boxes(image: Image, frame_width: int, frame_height: int) -> Array[Rect2i]:
	var turned: Image = image.duplicate()
	turned.rotate_90(CLOCKWISE)  # its rows are the columns, from the left, each from the bottom up
	var rows := image.get_data()
	var columns := turned.get_data()
	var found: Array[Rect2i] = []
	for top: int in range(0, image.get_height(), frame_height):
		for left: int in range(0, image.get_width(), frame_width):
			var across := _span(rows, image.get_width(), top, frame_height, left, frame_width)
			if across.y == 0:
				found.append(Rect2i(0, 0, 1, 1))
				continue
			var bottom := image.get_height() - top - frame_height
			var down := _span(columns, image.get_height(), left, frame_width, bottom, frame_height)
			found.append(Rect2i(down.x, across.x, down.y, across.y))
	return found


## The same for one frame; without area where it is empty.
static func box_of(image: Image) -> Rect2i:
	if image.get_data().count(0) == image.get_data().size():
		return Rect2i()
	return boxes(image, image.get_width(), image.get_height())[0]


## First line that is not empty and number of lines to the last one that is not.
static func _span(
	data: PackedByteArray, stride: int, first: int, count: int, from: int, length: int
) -> Vector2i:
	var empty := PackedByteArray()
	empty.resize(length)
	var low := 0
	while low < count:
		var at := (first + low) * stride + from
		if data.slice(at, at + length) != empty:
			break
		low += 1
	var high := count
	while high > low:
		var at := (first + high - 1) * stride + from
		if data.slice(at, at + length) != empty:
			break
		high -= 1
	return Vector2i(low, high - low)


## Corners of all boxes on shelves of that width; returns the size of it all.
static func _fill(
	sizes: Array[Vector2i], order: Array, line: int, padding: int, places: Array[Vector2i]
) -> Vector2i:
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
