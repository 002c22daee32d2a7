@tool
extends RefCounted
## A SpriteFrames with its pictures inside, for imports: nothing lies beside it.

const IndexedPng := preload("indexed_png.gd")
const Sheet := preload("sheet.gd")


## Null where the sheet cannot be built; it says why itself.
static func of(sheet: Sheet, palette: PackedByteArray) -> SpriteFrames:
	var image := Image.new()
	# the engine's own reader is the fastest way from slots to colours
	if image.load_png_from_buffer(IndexedPng.encode(sheet.plane, sheet.width, sheet.height, palette)) != OK:
		return null
	image.convert(Image.FORMAT_RGBA8)
	var atlas: Texture2D = ImageTexture.create_from_image(image)
	if not sheet.normals.is_empty():
		var lit := CanvasTexture.new()
		lit.diffuse_texture = atlas
		lit.normal_texture = ImageTexture.create_from_image(
			Image.create_from_data(sheet.width, sheet.height, false, Image.FORMAT_RGBA8, sheet.normals)
		)
		atlas = lit
	var frames := SpriteFrames.new()
	frames.remove_animation(&"default")
	for clip: Sheet.Clip in sheet.clips:
		frames.add_animation(clip.name())
		frames.set_animation_speed(clip.name(), clip.fps)
		frames.set_animation_loop(clip.name(), clip.loop)
		for frame: Sheet.Frame in clip.frames:
			frames.add_frame(clip.name(), _texture(atlas, frame))
	return frames


static func _texture(atlas: Texture2D, frame: Sheet.Frame) -> AtlasTexture:
	var texture := AtlasTexture.new()
	texture.atlas = atlas
	texture.region = Rect2(frame.region)
	if frame.region.size != frame.size:
		texture.margin = Rect2(Vector2(frame.offset), Vector2(frame.size - frame.region.size))
	return texture
