@tool
extends VBoxContainer
## The dock: panels and how they hang together. What they do is in studio.gd, where it comes from in server_keeper.gd.

const AnimationsPanel := preload("animations_panel.gd")
const Catalogue := preload("catalogue.gd")
const CharacterPanel := preload("character_panel.gd")
const History := preload("history.gd")
const HistoryPanel := preload("history_panel.gd")
const Keeper := preload("server_keeper.gd")
const Kit := preload("kit.gd")
const LayersPanel := preload("layers_panel.gd")
const Notice := preload("notice.gd")
const PreviewPanel := preload("preview_panel.gd")
const SavePanel := preload("save_panel.gd")
const Section := preload("section.gd")
const ServerLine := preload("server_line.gd")
const Studio := preload("studio.gd")
const VariationsPanel := preload("variations_panel.gd")

const WIDTH := 230  # pixels at least

var keeper := Keeper.new()
var studio: Studio
var history := History.new()

var _preview: PreviewPanel
var _variations := VariationsPanel.new()
var _notice := Notice.new()
var _character := CharacterPanel.new()
var _layers := LayersPanel.new()
var _animations := AnimationsPanel.new()
var _animations_section := Section.new("Animations", true)
var _save := SavePanel.new()
var _actions: Array[Button] = []


func _init(undo: EditorUndoRedoManager = null) -> void:
	name = "VCG"
	custom_minimum_size.x = Kit.px(WIDTH)
	studio = Studio.new(keeper.client, undo)
	add_child(keeper)
	add_child(studio)
	_preview = PreviewPanel.new(studio.palette)
	_build()
	_wire()


func _ready() -> void:
	history.load_file()
	studio.draft.restore(history.draft)
	_refresh()
	keeper.begin()


## The connection, for the import of recipes.
func client() -> VcgClient:
	return keeper.client


## Give back everything: connection, server, file.
func close() -> void:
	studio.close()
	keeper.end()
	history.draft = studio.draft.snapshot()
	history.store()
	history.finish()


func _build() -> void:
	add_child(ServerLine.new(keeper))
	add_child(_notice)
	var split := VSplitContainer.new()
	split.name = "Split"
	split.size_flags_vertical = Control.SIZE_EXPAND_FILL
	var top := VBoxContainer.new()
	top.size_flags_vertical = Control.SIZE_EXPAND_FILL
	top.size_flags_stretch_ratio = 0.7
	top.add_child(_preview)
	_variations.hide()
	top.add_child(_variations)
	split.add_child(top)
	var lower := VBoxContainer.new()
	lower.size_flags_vertical = Control.SIZE_EXPAND_FILL
	lower.add_child(_action_bar())
	var scroll := ScrollContainer.new()
	scroll.name = "Scroll"
	scroll.size_flags_vertical = Control.SIZE_EXPAND_FILL
	scroll.horizontal_scroll_mode = ScrollContainer.SCROLL_MODE_DISABLED
	scroll.follow_focus = true
	scroll.custom_minimum_size.y = Kit.px(90)
	var list := VBoxContainer.new()
	list.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	_add_section(list, Section.new("Character"), _character)
	_add_section(list, Section.new("Layers"), _layers)
	_add_section(list, _animations_section, _animations)
	_add_section(list, Section.new("History"), HistoryPanel.new(history))
	scroll.add_child(list)
	lower.add_child(scroll)
	split.add_child(lower)
	add_child(split)
	add_child(_save)
	(list.find_child("HistoryPanel", true, false) as HistoryPanel).picked.connect(
		func(recipe: Dictionary) -> void: studio.pick(recipe, "Take from history")
	)


static func _add_section(list: Control, section: Section, panel: Control) -> void:
	section.content.add_child(panel)
	list.add_child(section)


func _action_bar() -> Control:
	var bar := HFlowContainer.new()
	bar.name = "Actions"
	var drawn := "Generate NPC. Draw a character of the settings below. Locked layers stay."
	var again := "Re-roll. Draw all that is not locked anew, with another seed."
	var twelve := "Variations. Twelve to pick from. Locked layers are the same in all."
	_actions = [
		Kit.button("Generate", "Generate", "", drawn, studio.generate),
		Kit.button("Reroll", "Re-roll", "", again, studio.reroll),
		Kit.button("Variations", "Variations", "", twelve, _open_variations),
	]
	for button: Button in _actions:
		button.size_flags_horizontal = Control.SIZE_EXPAND_FILL
		bar.add_child(button)
	return bar


func _wire() -> void:
	keeper.changed.connect(_refresh_actions)
	keeper.described.connect(_on_described)
	studio.draft_changed.connect(_refresh)
	studio.character_changed.connect(_on_character_changed)
	studio.colours_changed.connect(_refresh)
	studio.finished_character.connect(_on_finished_character)
	studio.variation.connect(_on_variation)
	studio.trouble.connect(_notice.show_text)
	studio.saved.connect(_on_saved)
	_preview.animation_chosen.connect(studio.see)
	_variations.picked.connect(_on_picked)
	_variations.again.connect(studio.make_variations)
	_variations.closed.connect(_close_variations)
	_character.field_changed.connect(studio.set_field)
	_character.refused.connect(_notice.show_text)
	_character.dice_thrown.connect(studio.throw_dice)
	_character.novelty_moved.connect(studio.set_novelty)
	_character.held.connect(studio.hold)
	_layers.lock_toggled.connect(studio.set_lock)
	_layers.item_chosen.connect(studio.set_item)
	_layers.ramp_chosen.connect(studio.set_ramp)
	_layers.control_moved.connect(studio.set_control)
	_layers.held.connect(studio.hold)
	_animations.chosen.connect(_on_animations_chosen)
	_save.field_changed.connect(studio.set_field)
	_save.save_pressed.connect(studio.save)


func _on_described(catalogue: Catalogue) -> void:
	_character.set_catalogue(catalogue)
	_animations.set_catalogue(catalogue)
	_layers.set_catalogue(catalogue)
	studio.set_catalogue(catalogue)
	_preview.set_catalogue(catalogue, studio.seen_animation)
	_on_character_changed()
	_refresh()


func _refresh() -> void:
	_character.refresh(studio.draft)
	_layers.refresh(studio.draft)
	_animations.refresh(studio.draft)
	_animations_section.note("Animations", _animations.summary() if not studio.catalogue.is_empty() else "")
	_save.refresh(studio.draft)
	_refresh_actions()


func _refresh_actions() -> void:
	for button: Button in _actions:
		button.disabled = studio.catalogue.is_empty()


func _on_character_changed() -> void:
	_preview.show_character(studio.shown, studio.seen_animation)


func _on_animations_chosen(ids: PackedStringArray) -> void:
	studio.set_field("animations", ids, "Choose animations")
	_refresh()


func _on_finished_character(generated: VcgGenerated) -> void:
	var picture := generated.preview
	if picture == null:
		picture = generated.pictures[0]
	history.draft = studio.draft.snapshot()
	history.add(generated.recipe, studio.draft.save_name(), Kit.thumbnail(picture, generated.palette, Studio.FACING, 0))


func _open_variations() -> void:
	_preview.hide()
	_variations.show()
	studio.make_variations()


func _close_variations() -> void:
	studio.drop_variations()
	_variations.hide()
	_preview.show()
	_actions[2].grab_focus()


func _on_variation(generated: VcgGenerated) -> void:
	if generated == null:
		_variations.begin()
	else:
		_variations.add(generated)


func _on_picked(generated: VcgGenerated) -> void:
	_close_variations()
	studio.pick(generated.recipe, "Pick variation")


func _on_saved(result: VcgSaveResult) -> void:
	_save.show_result(result)
	if not result.is_ok():
		_notice.show_text(result.text())
