@tool
class_name VcgPicture
extends RefCounted
## One picture of one character, decoded and checked: a preview, the strip of an animation, a sheet or a normal map.

## Place within the job, from 0.
var seq: int
## Which character of the job, from 0.
var character: int
## [code]preview[/code], [code]animation[/code], [code]sheet[/code] or [code]normal[/code].
var kind: String
## Id of the animation; [code]sheet[/code] for a sheet.
var name: String
## [code]r8[/code], [code]rgba8[/code] or [code]png[/code].
var format: String
## Pixels.
var width: int
## Pixels.
var height: int
## Row by row from the top. [code]r8[/code]: the palette slot of each pixel, 0 is transparent. [code]rgba8[/code]: R, G,
## B, A, not premultiplied. [code]png[/code]: the PNG file.
var pixels: PackedByteArray
## Where the frames are: one record for a preview or an animation, one for each animation of a sheet. All fields of the
## protocol's record "strip" are there: animation, directions (rows), frames (columns), frame_width, frame_height, fps,
## loop, rects.
var strips: Array[Dictionary]
## Hex, of [member pixels]: names the picture for a cache.
var sha256: String


## The picture as an Image: R8 for [code]r8[/code] (for a palette shader), RGBA8 for [code]rgba8[/code], what the file
## holds for [code]png[/code]. Null where a PNG cannot be read.
func image() -> Image:
	match format:
		"r8":
			return Image.create_from_data(width, height, false, Image.FORMAT_R8, pixels)
		"rgba8":
			return Image.create_from_data(width, height, false, Image.FORMAT_RGBA8, pixels)
	var picture := Image.new()
	return picture if picture.load_png_from_buffer(pixels) == OK else null


## The record of that animation, empty where the picture has none.
func strip(animation: String) -> Dictionary:
	for record: Dictionary in strips:
		if record["animation"] == animation:
			return record
	return {}


## Where frame [param frame] of row [param direction] of a strip lies in the picture, in pixels. Its place within the
## whole frame is [method offset].
static func region(strip_: Dictionary, direction: int, frame: int) -> Rect2i:
	var rects: Array = strip_["rects"]
	var columns: int = strip_["frames"]
	var whole_width: int = strip_["frame_width"]
	var whole_height: int = strip_["frame_height"]
	if rects.is_empty():
		return Rect2i(frame * whole_width, direction * whole_height, whole_width, whole_height)
	var at := 6 * (direction * columns + frame)
	var x: int = rects[at]
	var y: int = rects[at + 1]
	var w: int = rects[at + 2]
	var h: int = rects[at + 3]
	return Rect2i(x, y, w, h)


## Left and top of what [method region] shows, within the whole frame: not zero only in packed sheets.
static func offset(strip_: Dictionary, direction: int, frame: int) -> Vector2i:
	var rects: Array = strip_["rects"]
	if rects.is_empty():
		return Vector2i.ZERO
	var columns: int = strip_["frames"]
	var at := 6 * (direction * columns + frame)
	var left: int = rects[at + 4]
	var top: int = rects[at + 5]
	return Vector2i(left, top)
