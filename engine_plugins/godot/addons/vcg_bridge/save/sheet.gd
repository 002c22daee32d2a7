@tool
extends RefCounted
## A sheet: every frame of a character on one index plane, and where each of them lies. Layouts as in the Python package
## (sprites/layout.py), pixel by pixel.
##
## [code]rows[/code]: a block per animation, a row per direction, a column per frame; larger frames come last. The same
## animations give the same places, whatever the character. [code]packed[/code]: every frame cut to its picture, equal
## pictures once: a tenth of the texture, other places for each character.

const FrameBoxes := preload("../runtime/frame_boxes.gd")
const Shelves := preload("shelves.gd")

const LAYOUTS: PackedStringArray = ["rows", "packed"]
const MAX_EDGE := 16384  # largest texture that the engine takes
const PADDING := 1  # of packed


## One frame: where its pixels lie, and where they belong in the whole frame.
class Frame:
	var region: Rect2i
	var offset: Vector2i
	var size: Vector2i

	func _init(region_: Rect2i, offset_: Vector2i, size_: Vector2i) -> void:
		region = region_
		offset = offset_
		size = size_


## An animation seen from one side.
class Clip:
	var animation: String
	var direction: String
	var fps: float
	var loop: bool
	var frames: Array[Frame]

	func name() -> String:
		return "%s_%s" % [animation, direction]


var width := 0
var height := 0
var plane := PackedByteArray()
## Normal map, R, G, B, A; empty where there is none.
var normals := PackedByteArray()
## In the order of the model's animations, then directions.
var clips: Array[Clip] = []
## Why there is no sheet, in words; empty where there is one.
var fault := ""


## [param order]: ids of the model's animations. A picture of kind sheet is taken as it is, whatever [param layout] says.
## Look at [member fault] afterwards.
func lay_out(generated: VcgGenerated, order: PackedStringArray, layout: String) -> void:
	fault = _refused(generated, order, layout)
	if not fault.is_empty():
		return
	if generated.pictures[0].kind == "sheet":
		_take(generated)
	else:
		var pictures := generated.pictures.duplicate()
		pictures.sort_custom(func(a: VcgPicture, b: VcgPicture) -> bool: return order.find(a.name) < order.find(b.name))
		var lit := {}
		for picture: VcgPicture in generated.normals:
			lit[picture.name] = picture
		if layout == "rows":
			_stack(pictures, lit)
		else:
			_pack(pictures, lit)
	if maxi(width, height) > MAX_EDGE:
		fault = "the sheet would be %d x %d pixels; the engine takes %d at most" % [width, height, MAX_EDGE]


## The clip of that name; null where there is none.
func clip(animation: String, direction: String) -> Clip:
	for found: Clip in clips:
		if found.animation == animation and found.direction == direction:
			return found
	return null


## The smallest rectangle of the whole frame outside of which the frame is transparent; without area where it is empty.
func box(frame: Frame) -> Rect2i:
	var rows := Image.create_empty(frame.region.size.x, frame.region.size.y, false, Image.FORMAT_R8)
	rows.blit_rect(Image.create_from_data(width, height, false, Image.FORMAT_R8, plane), frame.region, Vector2i.ZERO)
	var found := FrameBoxes.box_of(rows)
	return Rect2i(found.position + frame.offset, found.size)


func _refused(generated: VcgGenerated, order: PackedStringArray, layout: String) -> String:
	if not layout in LAYOUTS:
		return 'there is no layout "%s"; it is one of: %s' % [layout, ", ".join(LAYOUTS)]
	if generated.pictures.is_empty():
		return "the character has no pictures yet; wait for it to be complete"
	for picture: VcgPicture in generated.pictures:
		if picture.format != "r8":
			return "its pictures are %s; only r8 pictures can be saved as an indexed sheet" % picture.format
		if picture.pixels.size() != picture.width * picture.height or picture.strips.is_empty():
			return "its picture %s is damaged" % picture.name
		for strip: Dictionary in picture.strips:
			if not order.has(strip["animation"]):
				return 'the description of its model has no animation "%s"' % strip["animation"]
			var fault_ := _strip_fault(picture, strip)
			if not fault_.is_empty():
				return fault_
	return _normals_fault(generated)


static func _normals_fault(generated: VcgGenerated) -> String:
	if generated.normals.is_empty():
		return ""
	if generated.normals.size() != generated.pictures.size():
		return "some of its normal maps are missing; wait for it to be complete"
	for i: int in generated.normals.size():
		var light := generated.normals[i]
		var picture := generated.pictures[i]
		if light.name != picture.name or light.pixels.size() != picture.pixels.size() * 4:
			return "its normal map %s does not belong to its picture" % light.name
	return ""


static func _strip_fault(picture: VcgPicture, strip: Dictionary) -> String:
	var directions: Array = strip["directions"]
	var columns: int = strip["frames"]
	var rects: Array = strip["rects"]
	if not rects.is_empty() and rects.size() != 6 * columns * directions.size():
		return "strip %s of picture %s is damaged" % [strip["animation"], picture.name]
	var all := Rect2i(0, 0, picture.width, picture.height)
	for row: int in directions.size():
		for column: int in columns:
			var region := VcgPicture.region(strip, row, column)
			var inside := Rect2i(VcgPicture.offset(strip, row, column), region.size)
			var whole := Rect2i(0, 0, int(strip["frame_width"]), int(strip["frame_height"]))
			if not all.encloses(region) or not whole.encloses(inside):
				return (
					"strip %s of picture %s: frame %d lies outside of it" % [strip["animation"], picture.name, column]
				)
	return ""


func _take(generated: VcgGenerated) -> void:
	var picture := generated.pictures[0]
	width = picture.width
	height = picture.height
	plane = picture.pixels
	if not generated.normals.is_empty():
		normals = generated.normals[0].pixels
	for strip: Dictionary in picture.strips:
		_add_clips(strip, func(row: int, column: int) -> Frame: return _frame_of(strip, row, column))


static func _frame_of(strip: Dictionary, row: int, column: int) -> Frame:
	var size := Vector2i(int(strip["frame_width"]), int(strip["frame_height"]))
	return Frame.new(VcgPicture.region(strip, row, column), VcgPicture.offset(strip, row, column), size)


## One picture below the other, those with larger frames last.
func _stack(pictures: Array, lit: Dictionary) -> void:
	var stacked := pictures.duplicate()
	stacked.sort_custom(
		func(a: VcgPicture, b: VcgPicture) -> bool:
			var edges := [int(a.strips[0]["frame_height"]), int(b.strips[0]["frame_height"])]
			return edges[0] < edges[1] or edges[0] == edges[1] and pictures.find(a) < pictures.find(b)
	)
	var tops := {}
	for picture: VcgPicture in stacked:
		width = maxi(width, picture.width)
		tops[picture.name] = height
		height += picture.height
	for picture: VcgPicture in stacked:
		_append(plane, picture.pixels, picture.width, picture.height, 1, PackedByteArray([0]))
		if not lit.is_empty():
			var light: VcgPicture = lit[picture.name]
			_append(normals, light.pixels, light.width, light.height, 4, PackedByteArray([128, 128, 255, 255]))
	for picture: VcgPicture in pictures:
		var down := Vector2i(0, int(tops[picture.name]))
		var strip := picture.strips[0]
		_add_clips(
			strip,
			func(row: int, column: int) -> Frame:
				var frame := _frame_of(strip, row, column)
				frame.region.position += down
				return frame
		)


## The picture's rows, filled up to the sheet's width.
func _append(
	target: PackedByteArray, pixels: PackedByteArray, columns: int, rows: int, channels: int, empty: PackedByteArray
) -> void:
	var filler := PackedByteArray()
	for i: int in width - columns:
		filler.append_array(empty)
	if filler.is_empty():
		target.append_array(pixels)
		return
	var length := columns * channels
	for y: int in rows:
		target.append_array(pixels.slice(y * length, (y + 1) * length))
		target.append_array(filler)


func _pack(pictures: Array, lit: Dictionary) -> void:
	var cells: Array[Image] = []  # different pictures
	var normal_cells: Array[Image] = []
	var known := {}  # what a picture looks like -> its cell
	var shown: Array[Frame] = []
	var cell_of := PackedInt32Array()
	for picture: VcgPicture in pictures:
		var image := picture.image()
		var light: VcgPicture = lit.get(picture.name)
		var strip := picture.strips[0]
		var boxes := FrameBoxes.boxes(image, int(strip["frame_width"]), int(strip["frame_height"]))
		var next := [0]
		_add_clips(
			strip,
			func(row: int, column: int) -> Frame:
				var frame := _frame_of(strip, row, column)
				var cut := boxes[next[0]]
				next[0] += 1
				var source := Rect2i(frame.region.position + cut.position, cut.size)
				var cell := image.get_region(source)
				var key := [cut.size, cell.get_data()]
				if not known.has(key):
					known[key] = cells.size()
					cells.append(cell)
					if light != null:
						normal_cells.append(light.image().get_region(source))
				cell_of.append(int(known[key]))
				frame.region.size = cut.size
				frame.offset = cut.position
				shown.append(frame)
				return frame
		)
	var sizes: Array[Vector2i] = []
	for cell: Image in cells:
		sizes.append(cell.get_size() + Vector2i(PADDING, PADDING))
	var shelves := Shelves.new()
	shelves.pack(sizes, PADDING)
	width = shelves.width
	height = shelves.height
	for i: int in shown.size():
		shown[i].region.position = shelves.corners[cell_of[i]]
	if maxi(width, height) <= MAX_EDGE:
		plane = _painted(cells, shelves.corners, Image.FORMAT_R8, Color.BLACK)
		if not normal_cells.is_empty():
			normals = _painted(normal_cells, shelves.corners, Image.FORMAT_RGBA8, Color8(128, 128, 255))


func _painted(cells: Array[Image], corners: Array[Vector2i], format: Image.Format, empty: Color) -> PackedByteArray:
	var image := Image.create_empty(width, height, false, format)
	image.fill(empty)
	for i: int in cells.size():
		image.blit_rect(cells[i], Rect2i(Vector2i.ZERO, cells[i].get_size()), corners[i])
	return image.get_data()


func _add_clips(strip: Dictionary, frame_at: Callable) -> void:
	var directions: Array = strip["directions"]
	for row: int in directions.size():
		var added := Clip.new()
		added.animation = strip["animation"]
		added.direction = directions[row]
		added.fps = strip["fps"]
		added.loop = strip["loop"]
		for column: int in int(strip["frames"]):
			var frame: Frame = frame_at.call(row, column)
			added.frames.append(frame)
		clips.append(added)
