extends SceneTree
## Plays SpriteFrames and scenes, and writes down every pixel that they show.
##
## Arguments: JOB RESULTS. Job: [code]{"frames": [paths of SpriteFrames], "scenes": [paths]}[/code]. For each SpriteFrames:
## path -> clip -> loop, speed, frames (hex sha256 of "WxH:" and RGBA, transparent pixels as four zeros). For each scene what
## its sprite shows, how it stands, and whether it walks.

var _results := {"frames": {}, "scenes": {}}


func _initialize() -> void:
	_run.call_deferred()


func _run() -> void:
	var arguments := OS.get_cmdline_user_args()
	var job: Dictionary = JSON.parse_string(FileAccess.get_file_as_string(arguments[0]))
	for path: String in job["frames"]:
		_results["frames"][path] = _clips(load(path) as SpriteFrames)
	for path: String in job["scenes"]:
		_results["scenes"][path] = await _scene(path)
	FileAccess.open(arguments[1], FileAccess.WRITE).store_string(JSON.stringify(_results))
	quit()


func _clips(frames: SpriteFrames) -> Dictionary:
	var player := AnimatedSprite2D.new()
	player.sprite_frames = frames
	root.add_child(player)
	var found := {}
	for clip: String in frames.get_animation_names():
		var shown := []
		for i: int in frames.get_frame_count(clip):
			player.animation = clip
			player.frame = i
			shown.append(_shown(player))
		found[clip] = {
			"loop": frames.get_animation_loop(clip), "speed": frames.get_animation_speed(clip), "frames": shown
		}
	player.queue_free()
	return found


## What the sprite shows, with what trimming has cut off put back.
func _shown(player: AnimatedSprite2D) -> String:
	var texture := player.sprite_frames.get_frame_texture(player.animation, player.frame)
	var image := texture.get_image()
	var whole := Image.create_empty(texture.get_width(), texture.get_height(), false, Image.FORMAT_RGBA8)
	image.convert(Image.FORMAT_RGBA8)
	var place := Vector2i.ZERO
	if texture is AtlasTexture and image.get_size() != whole.get_size():
		var atlas: AtlasTexture = texture
		place = Vector2i(atlas.margin.position)
	whole.blit_rect(image, Rect2i(Vector2i.ZERO, image.get_size()), place)
	var pixels := whole.get_data()
	for i: int in range(3, pixels.size(), 4):
		if pixels[i] == 0:
			pixels.encode_u32(i - 3, 0)
	var context := HashingContext.new()
	context.start(HashingContext.HASH_SHA256)
	context.update(("%dx%d:" % [whole.get_width(), whole.get_height()]).to_utf8_buffer())
	context.update(pixels)
	return context.finish().hex_encode()


func _scene(path: String) -> Dictionary:
	var packed: PackedScene = load(path)
	var body: CharacterBody2D = packed.instantiate()
	root.add_child(body)
	await physics_frame
	var player: AnimatedSprite2D = body.get_node("AnimatedSprite2D")
	var shape: CollisionShape2D = body.get_node("CollisionShape2D")
	var box: RectangleShape2D = shape.shape
	var found := {
		"name": body.name,
		"animation": player.animation,
		"playing": player.is_playing(),
		"frames": player.sprite_frames.resource_path,
		"position": [player.position.x, player.position.y],
		"box": [box.size.x, box.size.y],
		"script": body.get_script() != null,
		"shown": _shown(player),
	}
	if body.get_script() != null:
		body.set("arrow_keys", false)
		body.set("wish", Vector2.LEFT)
		for i: int in 6:
			await physics_frame
		found["walking"] = player.animation
		found["moved"] = body.position.x < 0
	body.queue_free()
	return found
