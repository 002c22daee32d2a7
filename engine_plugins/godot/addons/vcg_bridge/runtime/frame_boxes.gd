@tool
extends RefCounted
## Where the figure is within its frames. Compares whole rows, which the engine does fast.


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
static func _span(data: PackedByteArray, stride: int, first: int, count: int, from: int, length: int) -> Vector2i:
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
