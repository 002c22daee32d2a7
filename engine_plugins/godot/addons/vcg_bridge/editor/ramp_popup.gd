@tool
extends PopupPanel
## A list of ramps with their colours. The character takes each colour as it is walked over with the arrow keys; Enter or a
## click takes it for good, Escape puts back what was there.

signal chosen(group: String, ramp: String)

const Catalogue := preload("catalogue.gd")
const Kit := preload("kit.gd")
const Swatches := preload("swatches.gd")

var _group := ""
var _kind := ""
var _was := ""
var _catalogue: Catalogue
var _swatches: Swatches
var _filter := LineEdit.new()
var _list := ItemList.new()


func _init() -> void:
	name = "RampPopup"
	var box := VBoxContainer.new()
	_filter.name = "Filter"
	_filter.placeholder_text = "Filter"
	_filter.clear_button_enabled = true
	_filter.text_changed.connect(func(_text: String) -> void: _fill())
	_filter.gui_input.connect(_on_filter_input)
	box.add_child(_filter)
	_list.name = "List"
	_list.size_flags_vertical = Control.SIZE_EXPAND_FILL
	_list.allow_search = true
	_list.item_selected.connect(_on_selected)
	_list.item_activated.connect(func(_at: int) -> void: hide())
	_list.item_clicked.connect(_on_clicked)
	_list.gui_input.connect(_on_list_input)
	box.add_child(_list)
	add_child(box)


func open(catalogue: Catalogue, swatches: Swatches, group: String, ramp: String, beside: Rect2) -> void:
	_catalogue = catalogue
	_swatches = swatches
	_group = group
	_kind = catalogue.kind_of(group)
	_was = ramp
	_filter.text = ""
	_fill()
	var height := clampi(catalogue.ramps(_kind).size() * Kit.px(26) + Kit.px(56), Kit.px(140), Kit.px(420))
	popup(Rect2i(Vector2i(beside.position + Vector2(0, beside.size.y)), Vector2i(Kit.px(210), height)))
	_list.grab_focus()


func _fill() -> void:
	_list.clear()
	var wanted := _filter.text.strip_edges().to_lower()
	var ramps := _catalogue.ramps(_kind)
	for id: String in ramps:
		var words: String = ramps[id]["title"]
		if not wanted.is_empty() and not wanted in words.to_lower():
			continue
		var at := _list.add_item(words, _swatches.icon(_kind, id))
		_list.set_item_metadata(at, id)
		if id == _was:
			_list.select(at)
	for at: int in _list.get_selected_items():
		_list.ensure_current_is_visible.call_deferred()


func _on_selected(at: int) -> void:
	chosen.emit(_group, str(_list.get_item_metadata(at)))


func _on_clicked(_at: int, _where: Vector2, button: int) -> void:
	if button == MOUSE_BUTTON_LEFT:
		hide()


func _on_list_input(event: InputEvent) -> void:
	var key := event as InputEventKey
	if key != null and key.pressed and key.keycode == KEY_ESCAPE:
		chosen.emit(_group, _was)
		hide()


func _on_filter_input(event: InputEvent) -> void:
	var key := event as InputEventKey
	if key != null and key.pressed and key.keycode in [KEY_DOWN, KEY_ENTER] and _list.item_count > 0:
		_list.grab_focus()
		_list.select(0)
		_on_selected(0)
		_filter.accept_event()
