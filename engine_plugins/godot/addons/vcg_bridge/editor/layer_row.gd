@tool
extends VBoxContainer
## A layer of the character: lock, item, colours, sliders.

signal lock_toggled(layer: String, locked: bool)
signal item_chosen(layer: String, item: String)
signal ramp_wanted(layer: String, group: String, button: Button)
signal control_moved(key: String, value: int)
signal held(held: bool)

const Catalogue := preload("catalogue.gd")
const ControlSlider := preload("control_slider.gd")
const Draft := preload("draft.gd")
const Kit := preload("kit.gd")
const Swatches := preload("swatches.gd")

var layer := ""

var _catalogue: Catalogue
var _draft: Draft
var _swatches: Swatches
var _lock: Button
var _title: Label
var _item := OptionButton.new()
var _ramps := {}  # group -> Button
var _sliders := {}  # key -> ControlSlider
var _items_for := "?"  # the body whose items the list holds


func _init(catalogue: Catalogue = null, swatches: Swatches = null, record: Dictionary = {}) -> void:
	if catalogue == null:
		return
	_catalogue = catalogue
	_swatches = swatches
	layer = record["id"]
	name = layer
	add_theme_constant_override("separation", 0)
	var line := HBoxContainer.new()
	line.add_theme_constant_override("separation", Kit.px(2))
	_lock = Kit.tool_button("Lock", "Unlock", "", func() -> void: pass)
	_lock.toggle_mode = true
	_lock.toggled.connect(func(on: bool) -> void: lock_toggled.emit(layer, on))
	line.add_child(_lock)
	_title = Kit.short_label(str(record["title"]))
	_title.custom_minimum_size.x = Kit.px(76)
	_title.mouse_filter = Control.MOUSE_FILTER_PASS
	line.add_child(_title)
	_item.name = "Item"
	_item.clip_text = true
	_item.fit_to_longest_item = false
	_item.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	_item.custom_minimum_size.x = Kit.px(56)
	_item.item_selected.connect(_on_item_selected)
	_item.get_popup().about_to_popup.connect(_mark_unfit)
	line.add_child(_item)
	for group: String in catalogue.groups_of(layer):
		line.add_child(_ramp_button(group))
	add_child(line)


func _ramp_button(group: String) -> Button:
	var button := Button.new()
	button.name = "Ramp_" + group
	button.theme_type_variation = "FlatButton"
	button.icon_alignment = HORIZONTAL_ALIGNMENT_CENTER
	button.expand_icon = false
	button.pressed.connect(func() -> void: ramp_wanted.emit(layer, group, button))
	_ramps[group] = button
	return button


## Show the layer as the draft has it.
func refresh(draft: Draft) -> void:
	_draft = draft
	var recipe := draft.recipe
	var body := _catalogue.body_of(recipe)
	if body != _items_for:
		_fill_items(body)
	var locked: bool = draft.locks.has(layer)
	_lock.set_pressed_no_signal(locked)
	_lock.icon = Kit.icon("Lock" if locked else "Unlock")
	_lock.disabled = recipe.is_empty()
	var verb := "Unlock" if locked else "Lock"
	Kit.explain(_lock, "%s %s. Locked layers keep item and colours when others are drawn." % [verb, _title.text])
	_lock.modulate.a = 1.0 if locked else 0.55
	_item.disabled = recipe.is_empty()
	_show_item(recipe)
	_show_ramps(recipe)
	_show_sliders(draft)


func _fill_items(body: String) -> void:
	_items_for = body
	_item.clear()
	if not _catalogue.layer(layer)["required"]:
		_item.add_item("None")
		_item.set_item_metadata(0, "")
	for record: Dictionary in _catalogue.items_for(layer, "" if layer == Catalogue.BODY_LAYER else body):
		_item.add_item(record["title"])
		_item.set_item_metadata(_item.item_count - 1, record["id"])


func _show_item(recipe: Dictionary) -> void:
	var worn := Catalogue.choice(recipe, layer)
	var id: String = worn.get("item", "")
	_item.select(-1)
	for at: int in _item.item_count:
		if _item.get_item_metadata(at) == id:
			_item.select(at)
	var words := _catalogue.item_title(layer, id) if not id.is_empty() else "None"
	var brief := _catalogue.brief_title(layer, id) if not id.is_empty() else ("None" if not recipe.is_empty() else "-")
	if worn.has("mix"):
		var mix: String = worn["mix"]
		brief = "%s + %s" % [brief, _catalogue.brief_title(layer, mix)]
		words = "a mixture of %s and %s (%d %%)" % [words, _catalogue.item_title(layer, mix), worn["amount"]]
	elif worn.has("code"):
		brief += " *"
		words += ", changed with the sliders"
	_item.text = brief
	var cover := _catalogue.hidden_by(recipe, layer) if not id.is_empty() else ""
	if not cover.is_empty():
		words += "\nNot seen: hidden by %s." % cover
	_title.tooltip_text = "%s: %s" % [_title.text, words]
	_title.modulate.a = 0.5 if id.is_empty() or not cover.is_empty() else 1.0
	Kit.explain(_item, "%s: %s" % [_title.text, words])


func _show_ramps(recipe: Dictionary) -> void:
	var worn := not Catalogue.choice(recipe, layer).is_empty()
	var ramps: Dictionary = recipe.get("ramps", {})
	for group: String in _ramps:
		var button: Button = _ramps[group]
		var ramp: String = ramps.get(group, "")
		button.visible = worn and not ramp.is_empty()
		if not button.visible:
			continue
		button.icon = _swatches.icon(_catalogue.kind_of(group), ramp)
		Kit.explain(button, "Colour of %s: %s." % [group, _catalogue.ramp(group, ramp).get("title", ramp)])


func _show_sliders(draft: Draft) -> void:
	var wanted := {}
	var unseen := not _catalogue.hidden_by(draft.recipe, layer).is_empty()
	for control: Dictionary in [] if unseen else _catalogue.controls_for(layer, draft.recipe):
		var key := "%s/%s" % [layer, control["id"]]
		wanted[key] = true
		if not _sliders.has(key):
			_add_slider(key, control)
		var slider: ControlSlider = _sliders[key]
		slider.show_value(int(draft.controls.get(key, 0)))
	for key: String in _sliders:
		var slider: ControlSlider = _sliders[key]
		slider.visible = wanted.has(key)


func _add_slider(key: String, control: Dictionary) -> void:
	var slider := ControlSlider.new(str(control["title"]), str(control["low"]), str(control["high"]), -100, 100, 60)
	slider.moved.connect(func(value: int) -> void: control_moved.emit(key, value))
	slider.held.connect(held.emit)
	_sliders[key] = slider
	var indent := MarginContainer.new()
	indent.add_theme_constant_override("margin_left", Kit.px(28))
	indent.add_child(slider)
	slider.visibility_changed.connect(func() -> void: indent.visible = slider.visible)
	add_child(indent)


## What does not go with the rest of the character cannot be chosen, and says why.
func _mark_unfit() -> void:
	var popup := _item.get_popup()
	for at: int in _item.item_count:
		var id: String = _item.get_item_metadata(at)
		var why := "" if id.is_empty() else _catalogue.unfit(_draft.recipe, layer, _catalogue.item(layer, id))
		popup.set_item_disabled(at, not why.is_empty())
		popup.set_item_tooltip(at, why)


func _on_item_selected(at: int) -> void:
	var id: String = _item.get_item_metadata(at)
	item_chosen.emit(layer, id)
