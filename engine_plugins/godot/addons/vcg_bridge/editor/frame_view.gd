@tool
extends Control
## Shows one frame of a strip, not smoothed. What is seen of the character in any frame of the strip decides what fits, so
## that it is as large as can be, in whole multiples of its pixels, and does not jump.

## 0: as large as fits.
var zoom := 0:
	set(value):
		zoom = value
		queue_redraw()

var _texture: ImageTexture
var _picture: VcgPicture
var _region := Rect2i()
var _seen := Rect2()  # of a whole frame, what is not empty in all frames of the strip


func _init() -> void:
	name = "FrameView"
	mouse_filter = Control.MOUSE_FILTER_IGNORE
	texture_filter = CanvasItem.TEXTURE_FILTER_NEAREST
	clip_contents = true
	resized.connect(queue_redraw)


## Show index planes in these colours.
func set_palette(palette: VcgPalette) -> void:
	material = palette.material()


## null: nothing.
func show_frame(picture: VcgPicture, row: int, column: int) -> void:
	if picture == null:
		_picture = null
		_texture = null
		queue_redraw()
		return
	if picture != _picture:
		_picture = picture
		var image := picture.image()
		_texture = ImageTexture.create_from_image(image)
		_seen = _box(picture, image)
	var strip := picture.strips[0]
	var directions: Array = strip["directions"]
	var columns: int = strip["frames"]
	_region = VcgPicture.region(strip, clampi(row, 0, directions.size() - 1), clampi(column, 0, columns - 1))
	queue_redraw()


## Screen pixels to a pixel of the picture.
func factor() -> float:
	if zoom > 0:
		return zoom
	if _seen.size.x == 0:
		return 1.0
	var fitting := minf(size.x / _seen.size.x, size.y / _seen.size.y)
	return floorf(fitting) if fitting >= 1.0 else fitting


## What is not empty in any frame, within a whole frame, and a pixel around it.
static func _box(picture: VcgPicture, image: Image) -> Rect2:
	var strip := picture.strips[0]
	var frame := Vector2i(int(strip["frame_width"]), int(strip["frame_height"]))
	var down := _span(picture.pixels, picture.width, frame.y)
	image.rotate_90(CLOCKWISE)  # its rows are the columns, from the left
	var across := _span(image.get_data(), image.get_width(), frame.x)
	return Rect2(across.x, down.x, across.y - across.x, down.y - down.x).grow(1)


## First row of a frame that is not empty, and the one after the last.
static func _span(pixels: PackedByteArray, width: int, frame_height: int) -> Vector2i:
	var empty := PackedByteArray()
	empty.resize(width)
	var first := frame_height
	var end := 0
	for row: int in floori(pixels.size() / float(width)):
		var y := row % frame_height
		if (y < first or y >= end) and pixels.slice(row * width, (row + 1) * width) != empty:
			first = mini(first, y)
			end = maxi(end, y + 1)
	return Vector2i(first, end) if end > 0 else Vector2i(0, frame_height)


func _draw() -> void:
	if _texture == null:
		return
	var times := factor()
	var corner := (size / 2.0 - _seen.get_center() * times).floor()
	draw_texture_rect_region(_texture, Rect2(corner, Vector2(_region.size) * times), Rect2(_region))
