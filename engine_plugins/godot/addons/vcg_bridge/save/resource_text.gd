@tool
extends RefCounted
## The text files that Godot reads: SpriteFrames, scene, recipe. Written as text instead of by ResourceSaver: that needs
## the resources loaded, on the main thread, and gives other ids each time.

const Sheet := preload("sheet.gd")

const SCRIPT := """extends CharacterBody2D
## An example, yours to change: walks with the arrow keys, or where `wish` points. The scene works without it.

const SPEED := 80.0  # pixels a second

@export var arrow_keys := true
var wish := Vector2.ZERO  # where to go, for game code; length 1 is full speed
var _facing := \\"%s\\"

@onready var _sprite: AnimatedSprite2D = $AnimatedSprite2D


func _physics_process(_delta: float) -> void:
	if arrow_keys:
		wish = Input.get_vector(\\"ui_left\\", \\"ui_right\\", \\"ui_up\\", \\"ui_down\\")
	velocity = wish * SPEED
	move_and_slide()
	if not wish.is_zero_approx():
		if absf(wish.x) > absf(wish.y):
			_facing = \\"right\\" if wish.x > 0 else \\"left\\"
		else:
			_facing = \\"down\\" if wish.y > 0 else \\"up\\"
	var animation := (\\"idle_\\" if wish.is_zero_approx() else \\"walk_\\") + _facing
	if _sprite.sprite_frames.has_animation(animation) and _sprite.animation != animation:
		_sprite.play(animation)
"""


## As sprites/godot.py writes it. [param normal]: file name of a normal map, or empty. File names are beside the resource.
static func sprite_frames(
	sheet: Sheet, texture: String, texture_uid: String, normal: String, normal_uid: String, uid: String
) -> String:
	var external := PackedStringArray([_external("Texture2D", "1_sheet", texture, texture_uid)])
	var internal := PackedStringArray()
	var atlas := 'ExtResource("1_sheet")'
	if not normal.is_empty():
		external.append(_external("Texture2D", "2_normal", normal, normal_uid))
		internal.append(
			(
				'[sub_resource type="CanvasTexture" id="CanvasTexture_sheet"]\n'
				+ 'diffuse_texture = %s\nnormal_texture = ExtResource("2_normal")\n' % atlas
			)
		)
		atlas = 'SubResource("CanvasTexture_sheet")'
	var animations := PackedStringArray()
	var taken := {}
	for clip: Sheet.Clip in sheet.clips:
		var stem := _free(clip.name(), taken)
		var frames := PackedStringArray()
		for i: int in clip.frames.size():
			internal.append(_atlas("%s_%d" % [stem, i], clip.frames[i], atlas))
			frames.append('{\n"duration": 1.0,\n"texture": SubResource("%s_%d")\n}' % [stem, i])
		var text := '{\n"frames": [%s],\n"loop": %s,\n"name": &"%s",\n"speed": %s\n}'
		animations.append(text % [", ".join(frames), str(clip.loop), clip.name(), str(clip.fps)])
	var steps := external.size() + internal.size() + 1
	var head := '[gd_resource type="SpriteFrames" load_steps=%d format=3%s]\n' % [steps, _uid(uid)]
	var parts := PackedStringArray([head, "\n".join(external) + "\n"])
	parts.append_array(internal)
	parts.append("[resource]\nanimations = [%s]\n" % ", ".join(animations))
	return "\n".join(parts)


## A CharacterBody2D that stands on its feet: an AnimatedSprite2D and the shape it collides with. [param box]: the figure
## within a frame of [param size], in pixels. [param script]: whether the example goes with it, inside of the scene, where
## it can be detached and nothing is missing then.
static func scene(
	title: String,
	frames_name: String,
	frames_uid: String,
	uid: String,
	clip: String,
	box: Rect2i,
	size: Vector2i,
	script: bool
) -> String:
	var parts := PackedStringArray(
		[
			"[gd_scene load_steps=%d format=3%s]\n" % [4 if script else 3, _uid(uid)],
			_external("SpriteFrames", "1_frames", frames_name, frames_uid) + "\n",
		]
	)
	var body := '[node name="%s" type="CharacterBody2D"]\n' % title
	if script:
		var facing := clip.get_slice("_", clip.get_slice_count("_") - 1)
		parts.append('[sub_resource type="GDScript" id="GDScript_walk"]\nscript/source = "%s"\n' % (SCRIPT % facing))
		body += 'script = SubResource("GDScript_walk")\n'
	var wide := maxi(roundi(box.size.x * 0.5), 2)
	var deep := maxi(roundi(box.size.x * 0.3), 2)
	parts.append(
		'[sub_resource type="RectangleShape2D" id="RectangleShape2D_feet"]\nsize = Vector2(%d, %d)\n' % [wide, deep]
	)
	parts.append(body)
	parts.append(
		(
			'[node name="AnimatedSprite2D" type="AnimatedSprite2D" parent="."]\ntexture_filter = 1\n'
			+ "position = Vector2(%s, %s)\n" % [str(size.x / 2.0 - box.get_center().x), str(size.y / 2.0 - box.end.y)]
			+ 'sprite_frames = ExtResource("1_frames")\nanimation = &"%s"\nautoplay = "%s"\n' % [clip, clip]
		)
	)
	parts.append(
		(
			(
				'[node name="CollisionShape2D" type="CollisionShape2D" parent="."]\nposition = Vector2(0, %s)\n'
				% str(-deep / 2.0)
			)
			+ 'shape = SubResource("RectangleShape2D_feet")\n'
		)
	)
	return "\n".join(parts)


## A VcgRecipe.
static func recipe(value: VcgRecipe, uid: String) -> String:
	var script: Script = VcgRecipe
	var lines := PackedStringArray()
	for field: String in ["model", "model_sha256", "seed_number", "archetype", "novelty", "layers", "ramps"]:
		lines.append("%s = %s" % [field, var_to_str(value.get(field))])
	return (
		"\n"
		. join(
			[
				'[gd_resource type="Resource" script_class="VcgRecipe" load_steps=2 format=3%s]\n' % _uid(uid),
				_external("Script", "1_recipe", script.resource_path, "") + "\n",
				'[resource]\nscript = ExtResource("1_recipe")\n%s\n' % "\n".join(lines),
			]
		)
	)


## How Godot is to import a picture: as it is, also where it is used in 3D.
static func texture_import(uid: String) -> String:
	return (
		'[remap]\n\nimporter="texture"\ntype="CompressedTexture2D"\nuid="%s"\n\n[params]\n\n' % uid
		+ "compress/mode=0\nmipmaps/generate=false\ndetect_3d/compress_to=0\n"
	)


## A file that Godot leaves as it is.
static func kept_import() -> String:
	return '[remap]\n\nimporter="keep"\n'


## The uid that a resource, a scene or an .import file has already; empty where it has none.
static func uid_in(text: String) -> String:
	var found := RegEx.create_from_string('\\buid="(uid://[a-y0-8]{1,13})"').search(text.left(1000))
	return "" if found == null else found.get_string(1)


static func _external(type: String, id: String, path: String, uid: String) -> String:
	return '[ext_resource type="%s"%s path="%s" id="%s"]' % [type, _uid(uid), path, id]


static func _uid(uid: String) -> String:
	return "" if uid.is_empty() else ' uid="%s"' % uid


## A frame's rectangle; the margin puts back what trimming has cut off, so that frames stay aligned.
static func _atlas(id: String, frame: Sheet.Frame, atlas: String) -> String:
	var at := frame.region
	var text := '[sub_resource type="AtlasTexture" id="%s"]\natlas = %s\n' % [id, atlas]
	text += "region = Rect2(%d, %d, %d, %d)\n" % [at.position.x, at.position.y, at.size.x, at.size.y]
	if at.size != frame.size:
		var rest := frame.size - at.size
		text += "margin = Rect2(%d, %d, %d, %d)\n" % [frame.offset.x, frame.offset.y, rest.x, rest.y]
	return text


## An id of its own for a clip, of the letters that ids may have.
static func _free(name: String, taken: Dictionary) -> String:
	var stem := RegEx.create_from_string("[^A-Za-z0-9_]").sub(name, "_", true)
	while taken.has(stem):
		stem += "_x"
	taken[stem] = true
	return stem
