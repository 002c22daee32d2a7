@tool
extends RefCounted
## From the click on Generate to the first picture, and to a saved and imported character that plays, in the editor.

const Dock := preload("res://addons/vcg_bridge/editor/dock.gd")
const Driver := preload("driver.gd")
const Studio := preload("res://addons/vcg_bridge/editor/studio.gd")


func run(d: Driver) -> void:
	var dock := d.dock() as Dock
	var studio := dock.studio
	await d.expect("connected", func() -> bool: return not studio.catalogue.is_empty())
	studio.set_field("animations", PackedStringArray(["walk", "idle"]), "Choose animations")
	await d.seconds(1.0)
	var results: Array[VcgSaveResult] = []
	studio.saved.connect(func(result: VcgSaveResult) -> void: results.append(result))
	var first := []
	var playable := []
	for round_: int in int(d.job["rounds"]):
		studio.set_field("seed_number", 1000 + round_, "Change seed")
		studio.set_field("file_name", "npc_%d" % round_, "Change name")
		await d.seconds(0.6)
		var place: Vector2 = await d.point(d.find("Generate"))
		var before := studio.shown
		results.clear()
		var from := Time.get_ticks_usec()
		d.press(place, true)
		d.press(place, false)
		await d.until(func() -> bool: return studio.shown != before)
		first.append((Time.get_ticks_usec() - from) / 1000.0)
		studio.save()  # as soon as anything is seen; it waits for the rest by itself
		await d.until(func() -> bool: return not results.is_empty())
		if not d.check("saved", results[0].is_ok(), results[0].text()):
			return
		var scene: PackedScene = load(results[0].scene)
		var body := scene.instantiate()
		var sprite := body.find_children("*", "AnimatedSprite2D", true, false)[0] as AnimatedSprite2D
		sprite.play("walk_down")
		var frame := sprite.sprite_frames.get_frame_texture("idle_left", 0)
		d.check("it plays", sprite.is_playing() and frame.get_width() > 0)
		playable.append((Time.get_ticks_usec() - from) / 1000.0)
		body.free()
	d.note("first", first)
	d.note("playable", playable)
	d.note("pid", dock.keeper.process.pid)
	EditorInterface.set_plugin_enabled("vcg_bridge", false)
	await d.frames(10)
