@tool
extends VBoxContainer
## A grid of characters to pick from.

signal picked(generated: VcgGenerated)
signal again
signal closed

const FrameView := preload("frame_view.gd")
const Kit := preload("kit.gd")

const COUNT := 12
const TILE := 56  # pixels at least

var _grid := HFlowContainer.new()
var _next := 0


func _init() -> void:
	name = "Variations"
	size_flags_vertical = Control.SIZE_EXPAND_FILL
	var bar := HBoxContainer.new()
	var title := Kit.short_label("Pick one. Locked layers are the same in all.")
	title.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	title.tooltip_text = title.text
	title.mouse_filter = Control.MOUSE_FILTER_PASS
	bar.add_child(title)
	bar.add_child(Kit.tool_button("Again", "Reload", "Another twelve.", again.emit))
	bar.add_child(Kit.tool_button("Close", "Close", "Back to the preview (Escape).", closed.emit))
	add_child(bar)
	var scroll := ScrollContainer.new()
	scroll.size_flags_vertical = Control.SIZE_EXPAND_FILL
	scroll.horizontal_scroll_mode = ScrollContainer.SCROLL_MODE_DISABLED
	scroll.follow_focus = true
	scroll.custom_minimum_size.y = Kit.px(2 * TILE)
	_grid.name = "Grid"
	_grid.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	_grid.alignment = FlowContainer.ALIGNMENT_CENTER
	scroll.add_child(_grid)
	add_child(scroll)


## Empty tiles, to be filled as the characters come.
func begin() -> void:
	Kit.clear(_grid)
	_next = 0
	for i: int in COUNT:
		var tile := Button.new()
		tile.name = "Tile%d" % i
		tile.custom_minimum_size = Vector2.ONE * Kit.px(TILE + 8)
		tile.disabled = true
		_grid.add_child(tile)


func add(generated: VcgGenerated) -> void:
	if _next >= _grid.get_child_count() or generated.preview == null:
		return
	var tile := _grid.get_child(_next) as Button
	_next += 1
	var view := FrameView.new()
	view.set_palette(VcgPalette.of(generated))
	view.set_anchors_and_offsets_preset(Control.PRESET_FULL_RECT)
	view.show_frame(generated.preview, 0, 0)
	tile.add_child(view)
	tile.disabled = false
	Kit.explain(tile, "Take number %d, seed %d." % [_next, generated.recipe["seed"]])
	tile.pressed.connect(func() -> void: picked.emit(generated))
	if _next == 1 and is_visible_in_tree():
		tile.grab_focus()


func _shortcut_input(event: InputEvent) -> void:
	var key := event as InputEventKey
	if key != null and key.pressed and key.keycode == KEY_ESCAPE and is_visible_in_tree() and _has_focus_inside():
		closed.emit()
		get_viewport().set_input_as_handled()


func _has_focus_inside() -> bool:
	var owner_ := get_viewport().gui_get_focus_owner()
	return owner_ != null and is_ancestor_of(owner_)
