@tool
extends Control
## Shows one frame of a strip, in whole multiples of its pixels where it is large enough, centred, not smoothed.

## 0: as large as fits.
var zoom := 0:
	set(value):
		zoom = value
		queue_redraw()

var _texture: ImageTexture
var _picture: VcgPicture
var _region := Rect2i()


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
		_texture = ImageTexture.create_from_image(picture.image())
	var strip := picture.strips[0]
	var directions: Array = strip["directions"]
	var columns: int = strip["frames"]
	_region = VcgPicture.region(strip, clampi(row, 0, directions.size() - 1), clampi(column, 0, columns - 1))
	queue_redraw()


## Screen pixels to a pixel of the picture.
func factor() -> float:
	if zoom > 0:
		return zoom
	if _region.size.x == 0:
		return 1.0
	var fitting := minf(size.x / _region.size.x, size.y / _region.size.y)
	return floorf(fitting) if fitting >= 1.0 else fitting


func _draw() -> void:
	if _texture == null:
		return
	var shown := Vector2(_region.size) * factor()
	var corner := ((size - shown) / 2.0).floor()
	draw_texture_rect_region(_texture, Rect2(corner, shown), Rect2(_region))
