@tool
extends VBoxContainer
## The character, moving: play, direction, zoom, which animation.

## Another animation was chosen.
signal animation_chosen(id: String)

const Catalogue := preload("catalogue.gd")
const FrameView := preload("frame_view.gd")
const Kit := preload("kit.gd")

const RING: PackedStringArray = ["down", "left", "up", "right"]  # clockwise, seen from above
const FACES := {"down": "front", "left": "left", "up": "back", "right": "right"}
const ZOOM_MOST := 12

var _catalogue := Catalogue.new()
var _character: VcgGenerated
var _animation := ""
var _direction := "down"
var _elapsed := 0.0
var _playing := true
var _drawn := Vector2i(-1, -1)

var _stage := PanelContainer.new()
var _frame := FrameView.new()
var _hint := Label.new()
var _choice := OptionButton.new()
var _play: Button
var _facing: Label


func _init(palette: VcgPalette = null) -> void:
	name = "Preview"
	if palette == null:
		return
	size_flags_vertical = Control.SIZE_EXPAND_FILL
	_frame.set_palette(palette)
	_build_stage()
	_build_bar()


func _build_stage() -> void:
	_stage.name = "Stage"
	_stage.size_flags_vertical = Control.SIZE_EXPAND_FILL
	_stage.custom_minimum_size.y = Kit.px(96)
	_stage.clip_contents = true
	_stage.focus_mode = Control.FOCUS_ALL
	Kit.explain(_stage, "Preview. Space plays and pauses, Left and Right turn the character, + and - zoom.")
	_stage.gui_input.connect(_on_stage_input)
	_stage.draw.connect(_draw_ground)
	_stage.focus_entered.connect(_stage.queue_redraw)
	_stage.focus_exited.connect(_stage.queue_redraw)
	_stage.add_theme_stylebox_override("panel", StyleBoxEmpty.new())
	_stage.add_child(_frame)
	_hint.text = "Press Generate"
	_hint.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	_hint.horizontal_alignment = HORIZONTAL_ALIGNMENT_CENTER
	_hint.vertical_alignment = VERTICAL_ALIGNMENT_CENTER
	_hint.mouse_filter = Control.MOUSE_FILTER_IGNORE
	_stage.add_child(_hint)
	_build_overlay()
	add_child(_stage)


func _build_bar() -> void:
	var bar := HBoxContainer.new()
	bar.name = "Bar"
	bar.add_theme_constant_override("separation", Kit.px(2))
	_play = Kit.tool_button("Play", "Pause", "Pause.", _toggle_play)
	bar.add_child(_play)
	_choice.name = "Animation"
	_choice.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	_choice.clip_text = true
	_choice.fit_to_longest_item = false
	Kit.explain(_choice, "Animation to look at. It is drawn first.")
	_choice.item_selected.connect(func(at: int) -> void: animation_chosen.emit(str(_choice.get_item_metadata(at))))
	bar.add_child(_choice)
	bar.add_child(Kit.tool_button("TurnLeft", "RotateLeft", "Turn left.", turn.bind(-1)))
	bar.add_child(Kit.tool_button("TurnRight", "RotateRight", "Turn right.", turn.bind(1)))
	add_child(bar)


## Zoom lies over the corner of the picture, where there is room.
func _build_overlay() -> void:
	var corner := HBoxContainer.new()
	corner.name = "Zoom"
	corner.add_theme_constant_override("separation", 0)
	corner.size_flags_horizontal = Control.SIZE_SHRINK_END
	corner.size_flags_vertical = Control.SIZE_SHRINK_BEGIN
	corner.add_child(Kit.tool_button("ZoomLess", "ZoomLess", "Smaller.", step_zoom.bind(-1)))
	corner.add_child(Kit.tool_button("ZoomFit", "CenterView", "As large as fits.", set_zoom.bind(0)))
	corner.add_child(Kit.tool_button("ZoomMore", "ZoomMore", "Larger.", step_zoom.bind(1)))
	_stage.add_child(corner)
	_facing = Kit.label(FACES[_direction], "Which side of the character is seen.")
	_facing.modulate.a = 0.6
	_facing.size_flags_horizontal = Control.SIZE_SHRINK_BEGIN
	_facing.size_flags_vertical = Control.SIZE_SHRINK_END
	_stage.add_child(_facing)


## What can be looked at.
func set_catalogue(catalogue: Catalogue, animation: String) -> void:
	_catalogue = catalogue
	_animation = animation
	_choice.clear()
	for record: Dictionary in catalogue.animations():
		_choice.add_item(record["title"])
		_choice.set_item_metadata(-1, record["id"])
		if record["id"] == animation:
			_choice.select(_choice.item_count - 1)


## null: there is no character. A character that still lacks the animation is shown standing.
func show_character(character: VcgGenerated, animation: String) -> void:
	if animation != _animation:
		_animation = animation
		_elapsed = 0.0
		for at: int in _choice.item_count:
			if _choice.get_item_metadata(at) == animation:
				_choice.select(at)
	_character = character
	_hint.visible = character == null
	_drawn = Vector2i(-1, -1)
	_update()


## [param by]: quarter turns, clockwise seen from above.
func turn(by: int) -> void:
	var sides := _sides()
	var at := RING.find(_direction)
	for step: int in RING.size():
		at = posmod(at + signi(by), RING.size())
		if sides.is_empty() or sides.has(RING[at]):
			break
	_direction = RING[at]
	_facing.text = FACES[_direction]
	_update()


func step_zoom(by: int) -> void:
	var now := maxi(1, roundi(_frame.factor()))
	set_zoom(clampi(now + by, 1, ZOOM_MOST))


## Screen pixels to a pixel; 0: as large as fits.
func set_zoom(factor: int) -> void:
	_frame.zoom = factor


func _toggle_play() -> void:
	_playing = not _playing
	_play.icon = Kit.icon("Pause" if _playing else "Play")
	Kit.explain(_play, "Pause." if _playing else "Play.")
	_elapsed = 0.0


func _process(delta: float) -> void:
	if _playing and _character != null and is_visible_in_tree():
		_elapsed += delta
		_update()


func _picture() -> VcgPicture:
	if _character == null:
		return null
	var picture := _character.picture_of(_animation)
	return picture if picture != null else _character.preview


func _sides() -> Array:
	var picture := _picture()
	var sides: Array = []
	if picture != null:
		sides = picture.strips[0]["directions"]
	return sides


func _update() -> void:
	var picture := _picture()
	if picture == null:
		_frame.show_frame(null, 0, 0)
		return
	var strip := picture.strips[0]
	var frames: int = strip["frames"]
	var fps: float = strip["fps"]
	var directions: Array = strip["directions"]
	var row := maxi(directions.find(_direction), 0)
	var column := floori(_elapsed * fps) % maxi(frames, 1)
	if _drawn != Vector2i(row, column):
		_drawn = Vector2i(row, column)
		_frame.show_frame(picture, row, column)


func _draw_ground() -> void:
	var box := StyleBoxFlat.new()
	box.bg_color = Kit.colour("dark_color_2")
	box.set_corner_radius_all(Kit.px(3))
	if _stage.has_focus():
		box.set_border_width_all(Kit.px(1))
		box.border_color = Kit.colour("accent_color")
	_stage.draw_style_box(box, Rect2(Vector2.ZERO, _stage.size))


func _on_stage_input(event: InputEvent) -> void:
	var key := event as InputEventKey
	if key != null and key.pressed:
		match key.keycode:
			KEY_SPACE:
				_toggle_play()
			KEY_LEFT:
				turn(-1)
			KEY_RIGHT:
				turn(1)
			KEY_PLUS, KEY_KP_ADD, KEY_EQUAL:
				step_zoom(1)
			KEY_MINUS, KEY_KP_SUBTRACT:
				step_zoom(-1)
			_:
				return
		_stage.accept_event()
	var mouse := event as InputEventMouseButton
	if mouse != null and mouse.pressed:
		match mouse.button_index:
			MOUSE_BUTTON_WHEEL_UP:
				step_zoom(1)
			MOUSE_BUTTON_WHEEL_DOWN:
				step_zoom(-1)
			MOUSE_BUTTON_LEFT:
				_stage.grab_focus()
			_:
				return
		_stage.accept_event()
