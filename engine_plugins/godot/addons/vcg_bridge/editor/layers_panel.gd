@tool
extends VBoxContainer
## A row for each layer of the model.

signal lock_toggled(layer: String, locked: bool)
signal item_chosen(layer: String, item: String)
signal ramp_chosen(group: String, ramp: String)
signal control_moved(key: String, value: int)
signal held(held: bool)

const Catalogue := preload("catalogue.gd")
const Draft := preload("draft.gd")
const LayerRow := preload("layer_row.gd")
const RampPopup := preload("ramp_popup.gd")
const Swatches := preload("swatches.gd")

var _catalogue := Catalogue.new()
var _swatches := Swatches.new()
var _draft: Draft
var _rows: Array[LayerRow] = []
var _waiting: Array[Dictionary] = []  # layers whose rows are still to be built
var _stale := {}  # rows to bring up to date
var _popup := RampPopup.new()


func _init() -> void:
	name = "LayersPanel"
	_popup.chosen.connect(ramp_chosen.emit)
	add_child(_popup, false, Node.INTERNAL_MODE_BACK)
	set_process(false)


func set_catalogue(catalogue: Catalogue) -> void:
	for row: LayerRow in _rows:
		row.queue_free()
	_rows.clear()
	_stale.clear()
	_catalogue = catalogue
	_swatches = Swatches.new(catalogue, EditorInterface.get_editor_scale())
	_waiting.assign(catalogue.layers())
	set_process(true)


func refresh(draft: Draft) -> void:
	_draft = draft
	for row: LayerRow in _rows:
		_stale[row] = true
	set_process(not _rows.is_empty() or not _waiting.is_empty())


## A few rows in each frame: all of them at once would make the editor halt.
func _process(_delta: float) -> void:
	var until := Time.get_ticks_usec() + 3000
	while Time.get_ticks_usec() < until:
		if not _stale.is_empty():
			var row: LayerRow = _stale.keys()[0]
			_stale.erase(row)
			row.refresh(_draft)
		elif not _waiting.is_empty():
			var next: Dictionary = _waiting.pop_front()
			_build(next)
		else:
			set_process(false)
			return


func _build(record: Dictionary) -> void:
	var row := LayerRow.new(_catalogue, _swatches, record)
	row.lock_toggled.connect(lock_toggled.emit)
	row.item_chosen.connect(item_chosen.emit)
	row.control_moved.connect(control_moved.emit)
	row.held.connect(held.emit)
	row.ramp_wanted.connect(_open_ramps)
	_rows.append(row)
	add_child(row)
	if _draft != null:
		row.refresh(_draft)


func _open_ramps(_layer: String, group: String, button: Button) -> void:
	var ramps: Dictionary = _draft.recipe["ramps"]
	_popup.open(_catalogue, _swatches, group, str(ramps[group]), Rect2(button.get_screen_position(), button.size))
