@tool
extends EditorPlugin
## Drives the editor as somebody would who sits before it: mouse and keys go in where the window system's would. The
## environment names a job file: {"scenario": script, "out": folder, ...}; what was found is written to out/results.json.

const ADDON := "vcg_bridge"
const WAIT_S := 60.0

var job := {}
var results := {"checks": [], "stalls_ms": {}, "seconds": {}, "notes": {}}

var _scenario: RefCounted
var _phase := ""
var _last_us := 0
var _since_ms := 0
var _pictures := 0
var _over := false


func _enter_tree() -> void:
	var path := OS.get_environment("VCG_DRIVER_JOB")
	if path.is_empty():
		return
	job = JSON.parse_string(FileAccess.get_file_as_string(path))
	_run.call_deferred()


func _process(_delta: float) -> void:
	var now := Time.get_ticks_usec()
	if _last_us > 0 and not _phase.is_empty():
		var stalls: Dictionary = results["stalls_ms"]
		var worst: float = stalls.get(_phase, 0.0)
		stalls[_phase] = maxf(worst, (now - _last_us) / 1000.0)
	_last_us = now


func _run() -> void:
	while EditorInterface.get_resource_filesystem().is_scanning():
		await frames(1)
	if DisplayServer.get_name() == "headless":
		get_tree().root.size = Vector2i(1280, 800)
	await frames(20)
	var opening: GDScript = load("res://addons/vcg_driver/opening.gd")
	_scenario = opening.new()
	await _scenario.call("run", self)
	if _over:
		return
	var script: GDScript = load(str(job["scenario"]))
	_scenario = script.new()
	await _scenario.call("run", self)
	if not _over:
		end()


## Write down what was found, and close the editor.
func end() -> void:
	phase("")
	var file := FileAccess.open(str(job["out"]).path_join("results.json"), FileAccess.WRITE)
	file.store_string(JSON.stringify(results, "  "))
	file.close()
	get_tree().quit()


## From here on halts of the main thread count for this.
func phase(title: String) -> void:
	if not _phase.is_empty():
		var lengths: Dictionary = results["seconds"]
		lengths[_phase] = snappedf((Time.get_ticks_msec() - _since_ms) / 1000.0, 0.01)
	_phase = title
	_since_ms = Time.get_ticks_msec()
	_last_us = 0  # what is under way in this frame belongs to nobody


## A fact that the test looks at.
func note(title: String, value: Variant) -> void:
	var notes: Dictionary = results["notes"]
	notes[title] = value


## Something that has to be so.
func check(what: String, holds: bool, seen: Variant = "") -> bool:
	var checks: Array = results["checks"]
	checks.append([what, holds, str(seen)])
	print("CHECK ", "ok    " if holds else "FAILED ", what, "" if holds else "  seen: %s" % str(seen))
	if not holds and not _over:  # what comes after would only fail because of this
		_over = true
		_give_up.call_deferred()
	return holds


func _give_up() -> void:
	await picture("failed")
	end()


func frames(count: int) -> void:
	for i: int in count:
		await get_tree().process_frame


func seconds(time: float) -> void:
	await get_tree().create_timer(time).timeout


## Wait until something is so. Returns whether it became so.
func until(holds: Callable, time: float = WAIT_S) -> bool:
	var give_up := Time.get_ticks_msec() + roundi(time * 1000)
	while not holds.call():
		if Time.get_ticks_msec() > give_up:
			return false
		await get_tree().process_frame
	return true


func expect(what: String, holds: Callable, time: float = WAIT_S) -> bool:
	return check(what, await until(holds, time))


## A picture of the editor's window. Taking it halts the main thread, which is not the addon's fault.
func picture(title: String) -> void:
	if DisplayServer.get_name() == "headless" or not job.get("pictures", true) and not _over:
		return
	await frames(3)
	var was := _phase
	_phase = ""
	RenderingServer.force_draw(false)
	var seen := get_tree().root.get_texture().get_image()
	_pictures += 1
	seen.save_png(str(job["out"]).path_join("%02d-%s.png" % [_pictures, title]))
	await frames(2)
	_last_us = 0
	_phase = was


## The dock of the addon, null where it is not there.
func dock() -> Control:
	return EditorInterface.get_base_control().find_child("VCG", true, false)


## A control in the dock by its name, or by a path of names: "Layers/hair/Lock".
func find(path: String) -> Control:
	var at: Node = dock()
	for part: String in path.split("/"):
		if at == null:
			return null
		at = at.find_child(part, true, false)
	return at


## Bring a control into view, put the mouse on it and see that nothing lies above it.
func point(control: Control, at := Vector2(0.5, 0.5)) -> Vector2:
	var parent := control.get_parent()
	while parent != null:
		if parent is ScrollContainer:
			(parent as ScrollContainer).ensure_control_visible(control)
		parent = parent.get_parent()
	await frames(3)
	var place := control.get_global_transform_with_canvas() * (control.size * at)
	move(place)
	await frames(2)
	var under := control.get_viewport().gui_get_hovered_control()
	if under != control and (under == null or not control.is_ancestor_of(under)):
		check("%s is under the mouse" % control.get_path(), false, under)
	return place


## Events go through Input, as the window system's do: the engine then knows which buttons are down.
func send(event: InputEvent) -> void:
	Input.parse_input_event(event)
	Input.flush_buffered_events()


func move(place: Vector2, held: int = 0) -> void:
	var motion := InputEventMouseMotion.new()
	motion.position = place
	motion.global_position = place
	motion.button_mask = held
	send(motion)


func press(place: Vector2, down: bool, button := MOUSE_BUTTON_LEFT) -> void:
	var event := InputEventMouseButton.new()
	event.button_index = button
	event.position = place
	event.global_position = place
	event.pressed = down
	event.button_mask = MOUSE_BUTTON_MASK_LEFT if down and button == MOUSE_BUTTON_LEFT else 0
	send(event)


func click(control: Control, at := Vector2(0.5, 0.5)) -> void:
	if control == null:
		check("a control to click", false)
		return
	var place: Vector2 = await point(control, at)
	press(place, true)
	press(place, false)  # in the same frame: a slow one would make it a drag
	await frames(2)


## Drag the grabber of a slider from where it is to a part of its width, over so many frames; let go when something is so.
func drag_slider(slider: Slider, to: float, steps: int = 20, then := Callable()) -> void:
	var range_ := slider.max_value - slider.min_value
	var from := (slider.value - slider.min_value) / range_
	var start: Vector2 = await point(slider, Vector2(lerpf(0.04, 0.96, from), 0.5))
	var end_ := slider.get_global_transform_with_canvas() * (slider.size * Vector2(to, 0.5))
	press(start, true)
	for step: int in steps:
		move(start.lerp(end_, (step + 1.0) / steps), MOUSE_BUTTON_MASK_LEFT)
		await frames(1)
	if then.is_valid():
		await until(then)
	press(end_, false)
	await frames(1)


## A key, down and up. All windows are parts of the editor's own (--single-window), which hands it to where the focus is.
func key(code: Key, modifiers: int = 0, letter: int = 0) -> void:
	for down: bool in [true, false]:
		var event := InputEventKey.new()
		event.keycode = code
		event.physical_keycode = code
		event.pressed = down
		event.ctrl_pressed = modifiers & KEY_MASK_CTRL != 0
		event.shift_pressed = modifiers & KEY_MASK_SHIFT != 0
		event.unicode = letter
		send(event)
		await frames(1)


## ASCII only.
func write(text: String) -> void:
	for letter: String in text:
		await key(letter.to_upper().unicode_at(0) as Key, 0, letter.unicode_at(0))


## Choose an entry of an option button by its text: a click, and the arrow keys.
func choose(option: OptionButton, text: String) -> void:
	await click(option)
	await frames(3)
	var popup := option.get_popup()
	for at: int in popup.item_count:
		if popup.get_item_text(at) == text:
			for i: int in 2 * popup.item_count:
				if popup.get_focused_item() == at:
					break
				await key(KEY_DOWN)
			await key(KEY_ENTER)
			await frames(2)
			return
	popup.hide()
	check("%s offers %s" % [option.name, text], false)
