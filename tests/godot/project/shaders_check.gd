extends SceneTree
## Draws characters of known slots and colours with a real renderer and keeps what was seen.
##
## Arguments: JOB FOLDER. Job: width, height, slots (hex), palette (hex), normals (hex RGBA), and the frame's edge. Pictures:
## flat.png, tinted.png (2D), solid.png (3D without light), lit_left.png and lit_right.png (3D, light from one side).

var _folder := ""


func _initialize() -> void:
	_run.call_deferred()


func _run() -> void:
	var arguments := OS.get_cmdline_user_args()
	_folder = arguments[1]
	var job: Dictionary = JSON.parse_string(FileAccess.get_file_as_string(arguments[0]))
	var edge := int(job["edge"])
	var look := VcgLook.new(_generated(job, edge))
	var flat := VcgCharacter2D.new()
	flat.on_feet = false
	flat.position = Vector2(edge, edge) / 2.0
	flat.show_look(look)
	flat.play("walk", "left")
	flat.stop()
	await _see(flat, edge, "flat")
	flat.modulate = Color(1, 0, 1)
	await _see(flat, edge, "tinted")
	await _see(_scene(look, edge, null), edge, "solid")
	await _see(_scene(look, edge, Vector3(0, -80, 0)), edge, "lit_left")
	await _see(_scene(look, edge, Vector3(0, 80, 0)), edge, "lit_right")
	flat.free()
	quit()


func _generated(job: Dictionary, edge: int) -> VcgGenerated:
	var generated := VcgGenerated.new()
	generated.palette = str(job["palette"]).hex_decode()
	for kind: String in ["animation", "normal"]:
		var picture := VcgPicture.new()
		picture.kind = kind
		picture.name = "walk"
		picture.format = "r8" if kind == "animation" else "rgba8"
		picture.width = int(job["width"])
		picture.height = int(job["height"])
		picture.pixels = str(job["slots" if kind == "animation" else "normals"]).hex_decode()
		picture.strips = [
			{
				"animation": "walk",
				"directions": ["up", "left"],
				"frames": 2,
				"frame_width": edge,
				"frame_height": edge,
				"fps": 8.0,
				"loop": true,
				"rects": []
			}
		]
		if kind == "animation":
			generated.pictures.append(picture)
		else:
			generated.normals.append(picture)
	return generated


func _scene(look: VcgLook, edge: int, light: Variant) -> Node3D:
	var scene := Node3D.new()
	var sprite := VcgSprite3D.new()
	sprite.on_feet = false
	sprite.shaded = light != null
	sprite.show_look(look)
	sprite.play("walk", "left")
	sprite.stop()
	scene.add_child(sprite)
	var camera := Camera3D.new()
	camera.projection = Camera3D.PROJECTION_ORTHOGONAL
	camera.size = edge * sprite.pixel_size
	camera.position = Vector3(0, 0, 3)
	scene.add_child(camera)
	if light != null:
		var sun := DirectionalLight3D.new()
		sun.rotation_degrees = light
		scene.add_child(sun)
	return scene


func _see(what: Node, edge: int, name: String) -> void:
	var viewport := SubViewport.new()
	viewport.size = Vector2i(edge, edge)
	viewport.transparent_bg = true
	viewport.own_world_3d = true
	viewport.render_target_update_mode = SubViewport.UPDATE_ALWAYS
	root.add_child(viewport)
	viewport.add_child(what)
	for i: int in 3:
		await process_frame
	await RenderingServer.frame_post_draw
	viewport.get_texture().get_image().save_png(_folder.path_join(name + ".png"))
	viewport.remove_child(what)
	viewport.queue_free()
	if what is Node3D:
		what.queue_free()
	await process_frame
