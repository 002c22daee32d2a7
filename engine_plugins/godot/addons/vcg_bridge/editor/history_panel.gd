@tool
extends VBoxContainer
## Thumbnails of the last characters, newest first.

signal picked(recipe: Dictionary)

const History := preload("history.gd")
const Kit := preload("kit.gd")

const TILE := 44

var _history: History
var _flow := HFlowContainer.new()
var _empty: Label
var _stale := true


func _init(history: History = null) -> void:
	name = "HistoryPanel"
	if history == null:
		return
	_history = history
	_empty = Kit.short_label("Characters that you make are kept here.")
	add_child(_empty)
	add_child(_flow)
	history.changed.connect(_mark)
	visibility_changed.connect(_refresh)


func _mark() -> void:
	_stale = true
	_refresh.call_deferred()


## Only what is looked at is built, and what is there already stays.
func _refresh() -> void:
	if not _stale or not is_visible_in_tree():
		return
	_stale = false
	_empty.visible = _history.entries.is_empty()
	var known := {}
	for tile: Node in _flow.get_children():
		known[tile.get_meta("entry")] = tile
	var at := 0
	for entry: History.Entry in _history.entries:
		var tile: Button = known.get(entry)
		known.erase(entry)
		if tile == null:
			tile = _tile(entry)
			_flow.add_child(tile)
		_flow.move_child(tile, at)
		at += 1
	for gone: Node in known.values():
		gone.queue_free()


func _tile(entry: History.Entry) -> Button:
	var tile := Button.new()
	tile.custom_minimum_size = Vector2.ONE * Kit.px(TILE)
	tile.set_meta("entry", entry)
	tile.expand_icon = true
	tile.icon_alignment = HORIZONTAL_ALIGNMENT_CENTER
	tile.add_theme_constant_override("icon_max_width", Kit.px(TILE))
	tile.texture_filter = CanvasItem.TEXTURE_FILTER_NEAREST
	var image := Image.new()
	if image.load_png_from_buffer(entry.picture) == OK:
		tile.icon = ImageTexture.create_from_image(image)
	Kit.explain(tile, "%s. Show it again." % entry.title)
	tile.pressed.connect(func() -> void: picked.emit(entry.recipe))
	return tile
