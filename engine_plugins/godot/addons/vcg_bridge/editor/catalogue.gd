@tool
extends RefCounted
## What can be made with a model: the server's description, asked by name. Everything that the dock offers comes from here.

const BODY_LAYER := "body"

## The protocol's message "description", all fields filled.
var description: Dictionary

var _layers := {}  # id -> record
var _items := {}  # layer -> {id -> record}
var _ramps := {}  # kind -> {id -> record}
var _animations := {}  # id -> record


func _init(description_: Dictionary = {}) -> void:
	description = description_
	for record: Dictionary in description.get("layers", []):
		_layers[record["id"]] = record
		_items[record["id"]] = _by_id(record["items"])
	var kinds: Dictionary = description.get("ramps", {})
	for kind: String in kinds:
		_ramps[kind] = _by_id(kinds[kind])
	_animations = _by_id(description.get("animations", []))


func is_empty() -> bool:
	return description.is_empty()


## "LPC Revised 2.0.0"
func title() -> String:
	return "%s %s" % [description.get("title", ""), description.get("version", "")]


## Hex, names the model that recipes belong to.
func sha256() -> String:
	return description.get("sha256", "")


func frame_size() -> int:
	return description.get("frame_size", 64)


func archetypes() -> Array:
	return description.get("archetypes", [])


func bodies() -> Array:
	return description.get("bodies", [])


func layers() -> Array:
	return description.get("layers", [])


func layer(id: String) -> Dictionary:
	return _layers.get(id, {})


func animations() -> Array:
	return description.get("animations", [])


func animation(id: String) -> Dictionary:
	return _animations.get(id, {})


func animation_ids() -> PackedStringArray:
	return PackedStringArray(_animations.keys())


## One item of a layer, empty where it is unknown.
func item(layer_id: String, item_id: String) -> Dictionary:
	var items: Dictionary = _items.get(layer_id, {})
	return items.get(item_id, {})


## What people call it.
func item_title(layer_id: String, item_id: String) -> String:
	return item(layer_id, item_id).get("title", item_id)


## The part behind the last dash of a title such as "Short 04 - Cowlick", for places with little room; the whole title
## where that names more than one item of the layer.
func brief_title(layer_id: String, item_id: String) -> String:
	var title_ := item_title(layer_id, item_id)
	var brief := title_.get_slice(" - ", title_.get_slice_count(" - ") - 1)
	for record: Dictionary in layer(layer_id).get("items", []):
		var other: String = record["title"]
		if (
			other != title_
			and other.ends_with(brief)
			and other.get_slice(" - ", other.get_slice_count(" - ") - 1) == brief
		):
			return title_
	return brief


## Items of a layer that fit a body ("": all of them).
func items_for(layer_id: String, body: String) -> Array[Dictionary]:
	var found: Array[Dictionary] = []
	for record: Dictionary in layer(layer_id).get("items", []):
		if body.is_empty() or record["body"] in ["", body]:
			found.append(record)
	return found


## Colour groups of a layer, in the order of its materials.
func groups_of(layer_id: String) -> PackedStringArray:
	var found := PackedStringArray()
	for material: Dictionary in layer(layer_id).get("materials", []):
		var group: String = material["group"]
		if not found.has(group):
			found.append(group)
	return found


## Kind of ramp that a colour group takes.
func kind_of(group: String) -> String:
	var groups: Dictionary = description.get("groups", {})
	return groups.get(group, "")


## Ramps of a kind: id -> record, in the model's order.
func ramps(kind: String) -> Dictionary:
	return _ramps.get(kind, {})


func ramp(group: String, id: String) -> Dictionary:
	return ramps(kind_of(group)).get(id, {})


## Sliders that work for what a recipe wears on a layer. Of a mixture both items must be among the slider's.
func controls_for(layer_id: String, recipe: Dictionary) -> Array[Dictionary]:
	var found: Array[Dictionary] = []
	var worn := choice(recipe, layer_id)
	if worn.is_empty():
		return found
	for control: Dictionary in layer(layer_id).get("controls", []):
		var items: Array = control["items"]
		if items.has(worn["item"]) and (not worn.has("mix") or items.has(worn["mix"])):
			found.append(control)
	return found


## What a recipe wears on a layer: {item, mix, amount, code}, empty for nothing.
static func choice(recipe: Dictionary, layer_id: String) -> Dictionary:
	var worn: Dictionary = recipe.get("layers", {})
	return worn.get(layer_id, {})


## The body that a recipe's clothes are made for, "" where it has none.
func body_of(recipe: Dictionary) -> String:
	var worn: Dictionary = recipe.get("layers", {})
	for layer_id: String in [BODY_LAYER] + worn.keys():
		var body: String = item(layer_id, choice(recipe, layer_id).get("item", "")).get("body", "")
		if not body.is_empty():
			return body
	return ""


## Title of the item that hides a layer of this character; "" where it is seen.
func hidden_by(recipe: Dictionary, layer_id: String) -> String:
	for other: String in recipe.get("layers", {}):
		var record := item(other, choice(recipe, other)["item"])
		if layer_id in record.get("hides", []):
			return record["title"]
	return ""


## Why an item cannot be put on this character as it is, in words; "" where it can.
func unfit(recipe: Dictionary, layer_id: String, record: Dictionary) -> String:
	for needed: String in record["needs"]:
		if choice(recipe, needed).is_empty():
			return "needs: %s" % layer(needed).get("title", needed)
	for other: String in recipe.get("layers", {}):
		var worn := item(other, choice(recipe, other)["item"])
		if other == layer_id or worn.is_empty():
			continue
		var under: Dictionary = worn["allows"]
		if under.has(layer_id) and not record["id"] in under[layer_id]:
			return "does not fit under %s" % worn["title"]
		var over: Dictionary = record["allows"]
		if over.has(other) and not worn["id"] in over[other]:
			return "does not fit over %s" % worn["title"]
	return ""


static func _by_id(records: Array) -> Dictionary:
	var found := {}
	for record: Dictionary in records:
		found[record["id"]] = record
	return found
