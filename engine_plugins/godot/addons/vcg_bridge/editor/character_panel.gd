@tool
extends VBoxContainer
## The wishes for a new character: archetype, body, seed, novelty.

signal field_changed(field: String, value: Variant, step: String)
## What was typed cannot be taken, in words.
signal refused(text: String)
signal dice_thrown
signal novelty_moved(percent: int)
signal held(held: bool)

const Catalogue := preload("catalogue.gd")
const ControlSlider := preload("control_slider.gd")
const Draft := preload("draft.gd")
const Kit := preload("kit.gd")

const ANY := "Any"

var _archetype := OptionButton.new()
var _body := OptionButton.new()
var _body_row: Control
var _seed := LineEdit.new()
var _novelty: ControlSlider
var _number := 0


func _init() -> void:
	name = "CharacterPanel"
	var used := "Used by Generate, Re-roll and Variations."
	_add_choice(_archetype, "Archetype", "Who is drawn: what they wear, in which colours. " + used, "archetype")
	_body_row = _add_choice(_body, "Body", "Which body. " + used, "body")
	var field := HBoxContainer.new()
	_seed.name = "Seed"
	_seed.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	_seed.custom_minimum_size.x = Kit.px(48)
	Kit.explain(_seed, "Seed. The same seed and settings give the same character, always.")
	_seed.text_submitted.connect(func(_text: String) -> void: _take_seed())
	_seed.focus_exited.connect(_leave_seed)
	field.add_child(_seed)
	field.add_child(
		Kit.tool_button("Dice", "RandomNumberGenerator", "Another seed. Generate then draws it.", dice_thrown.emit)
	)
	add_child(Kit.form_row("Seed", _seed.tooltip_text, field))
	_novelty = ControlSlider.new(
		"Novelty", "only items that artists drew", "free mixtures of them", 0, Draft.NOVELTY_MAX
	)
	_novelty.moved.connect(novelty_moved.emit)
	_novelty.held.connect(held.emit)
	add_child(_novelty)


func _add_choice(option: OptionButton, title: String, tooltip: String, field: String) -> Control:
	option.name = title
	option.clip_text = true
	option.fit_to_longest_item = false
	option.custom_minimum_size.x = Kit.px(56)
	Kit.explain(option, "%s. %s" % [title, tooltip])
	option.item_selected.connect(
		func(at: int) -> void:
			field_changed.emit(field, str(option.get_item_metadata(at)), "Choose %s" % title.to_lower())
	)
	var row := Kit.form_row(title, tooltip, option)
	add_child(row)
	return row


func set_catalogue(catalogue: Catalogue) -> void:
	_archetype.clear()
	_add(_archetype, ANY, "", "One that the seed picks")
	for record: Dictionary in catalogue.archetypes():
		_add(_archetype, str(record["title"]), str(record["id"]), str(record["description"]))
	_body.clear()
	_add(_body, ANY, "", "")
	for body: String in catalogue.bodies():
		_add(_body, body.capitalize(), body, "")
	_body_row.visible = catalogue.bodies().size() > 1


static func _add(option: OptionButton, title: String, id: String, tooltip: String) -> void:
	option.add_item(title)
	option.set_item_metadata(option.item_count - 1, id)
	option.set_item_tooltip(option.item_count - 1, tooltip)


func refresh(draft: Draft) -> void:
	_select(_archetype, draft.archetype)
	_select(_body, draft.body)
	_number = draft.seed_number
	if not _seed.has_focus() or Draft.parse_seed(_seed.text) != draft.seed_number:
		_seed.text = str(draft.seed_number)
	_novelty.show_value(draft.novelty)


static func _select(option: OptionButton, id: String) -> void:
	for at: int in option.item_count:
		if option.get_item_metadata(at) == id:
			option.select(at)
			return


func _leave_seed() -> void:
	_take_seed()
	if Draft.parse_seed(_seed.text) < 0:
		_seed.text = str(_number)


func _take_seed() -> void:
	var number := Draft.parse_seed(_seed.text)
	if number < 0:
		refused.emit("Seed: a whole number from 0 to 9223372036854775807.")
	else:
		field_changed.emit("seed_number", number, "Change seed")
