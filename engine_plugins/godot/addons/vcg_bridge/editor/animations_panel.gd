@tool
extends VBoxContainer
## Which animations to make and save.

signal chosen(ids: PackedStringArray)

const Catalogue := preload("catalogue.gd")
const Draft := preload("draft.gd")
const Kit := preload("kit.gd")

var _boxes := {}  # id -> CheckBox
var _flow := HFlowContainer.new()


func _init() -> void:
	name = "AnimationsPanel"
	var bar := HBoxContainer.new()
	bar.add_child(Kit.button("All", "All", "", "Make all animations.", _choose.bind(true)))
	bar.add_child(
		Kit.button("First", "Only the first", "", "Make only the first animation. Tick others.", _choose.bind(false))
	)
	add_child(bar)
	add_child(_flow)


func set_catalogue(catalogue: Catalogue) -> void:
	Kit.clear(_flow)
	_boxes = {}
	for record: Dictionary in catalogue.animations():
		var box := CheckBox.new()
		var id: String = record["id"]
		box.name = id
		box.text = record["title"]
		var directions: Array = record["directions"]
		Kit.explain(
			box,
			(
				"%s. %d frames, %d directions, %s frames a second%s"
				% [
					record["title"],
					record["frames"],
					directions.size(),
					str(record["fps"]).trim_suffix(".0"),
					", looped" if record["loop"] else ""
				]
			)
		)  # fmt: skip
		box.toggled.connect(func(_on: bool) -> void: _emit())
		_boxes[id] = box
		_flow.add_child(box)


func refresh(draft: Draft) -> void:
	for id: String in _boxes:
		var box: CheckBox = _boxes[id]
		box.set_pressed_no_signal(draft.animations.is_empty() or draft.animations.has(id))


## "3 of 12"
func summary() -> String:
	return "%d of %d" % [_ticked().size(), _boxes.size()]


func _ticked() -> PackedStringArray:
	var ids := PackedStringArray()
	for id: String in _boxes:
		var box: CheckBox = _boxes[id]
		if box.button_pressed:
			ids.append(id)
	return ids


func _choose(all: bool) -> void:
	chosen.emit(PackedStringArray() if all else PackedStringArray(_boxes.keys().slice(0, 1)))


func _emit() -> void:
	var ids := _ticked()
	if ids.is_empty():  # none is no character: the first stays
		ids = PackedStringArray(_boxes.keys().slice(0, 1))
	chosen.emit(PackedStringArray() if ids.size() == _boxes.size() else ids)
