@tool
extends RefCounted
## What the dock is set to: the wishes, the locks, and the character that came of them. Plain data, no nodes, no server.
##
## A snapshot holds all of it; undo and redo put snapshots back.

const NOVELTY_MAX := 100
const SEED_MAX := "9223372036854775807"  # 2^63 - 1
const RECIPE_NAME := "%s_%s"

const _FIELDS: PackedStringArray = [
	"archetype",
	"body",
	"seed_number",
	"novelty",
	"locks",
	"recipe",
	"controls",
	"control_base",
	"animations",
	"file_name",
	"folder",
]  # fmt: skip

## "": drawn from the seed.
var archetype := ""
## "": drawn.
var body := ""
## 0 to 2^63 - 1.
var seed_number := 1
## Percent.
var novelty := 0
## Layer -> true. A locked layer keeps its item and its colours.
var locks := {}
## The character that is shown, as a map; empty before the first.
var recipe := {}
## "layer/control" -> percent, as the sliders stand.
var controls := {}
## The recipe that the sliders' positions are measured from; empty where none has been moved.
var control_base := {}
## Ids of the animations to make. Empty: all.
var animations := PackedStringArray()
## "": made of archetype and seed.
var file_name := ""
## Folder of the project to save to.
var folder := "res://characters"


## All of it, in plain values that share nothing with the draft.
func snapshot() -> Dictionary:
	var taken := {}
	for field: String in _FIELDS:
		var value: Variant = get(field)
		if value is Dictionary:
			var map: Dictionary = value
			value = map.duplicate(true)
		taken[field] = value
	return taken


## Put a snapshot back. What it lacks, or has in another type, stays as it is.
func restore(taken: Dictionary) -> void:
	for field: String in _FIELDS:
		if not taken.has(field) or typeof(taken[field]) != typeof(get(field)):
			continue
		var value: Variant = taken[field]
		if value is Dictionary:
			var map: Dictionary = value
			value = map.duplicate(true)
		set(field, value)


## Name of the files: what was typed, else of the character itself.
func save_name() -> String:
	if not file_name.is_empty():
		return file_name
	var kind: String = recipe.get("archetype", archetype)
	var number: int = recipe.get("seed", seed_number)
	return RECIPE_NAME % [kind if not kind.is_empty() else "npc", number]


## The folder as a path of the project: "npcs" is res://npcs. "" where it is none of the project.
func save_folder() -> String:
	var path := folder.trim_suffix("/") if folder != "res://" else folder
	if not "://" in path and not path.is_absolute_path():
		path = "res://" + path
	path = path.simplify_path()
	return path if path.begins_with("res://") and not ".." in path else ""


## The number that a text says, 0 to 2^63 - 1; -1 where it says none.
static func parse_seed(text: String) -> int:
	var digits := text.strip_edges()
	for i: int in digits.length():
		if not digits[i] in "0123456789":
			return -1
	if digits.is_empty():
		return -1
	digits = digits.lstrip("0").lpad(SEED_MAX.length(), "0")
	return digits.to_int() if digits.length() == SEED_MAX.length() and digits <= SEED_MAX else -1


## The protocol's "design" for a character drawn from the seed. Locked layers stay as they are, item and colours.
## [param groups_of]: layer -> its colour groups.
func design_new(groups_of: Callable) -> Dictionary:
	var design := {"seed": seed_number, "novelty": novelty}
	if not archetype.is_empty():
		design["archetype"] = archetype
	if not body.is_empty():
		design["body"] = body
	if recipe.is_empty() or locks.is_empty():
		return design
	var names: Array[String] = []  # "item:" and "ramp:", because a plain name that is both would mean both
	for layer: String in locks:
		names.append("item:" + layer)
		for group: String in groups_of.call(layer):
			if not names.has("ramp:" + group):
				names.append("ramp:" + group)
	design["base"] = recipe
	design["keep"] = names
	return design


## The design that puts another item ("": none) on the character.
func design_item(layer: String, item: String) -> Dictionary:
	var wanted: Variant = null
	if not item.is_empty():
		wanted = item
	return {"base": recipe, "seed": recipe.get("seed", 0), "items": {layer: wanted}}


## The design for the sliders as they stand.
func design_controls() -> Dictionary:
	return {"base": control_base, "seed": control_base.get("seed", 0), "controls": controls.duplicate()}


## Another character is shown: the sliders start from it.
func take(new_recipe: Dictionary, keep_controls: bool) -> void:
	recipe = new_recipe.duplicate(true)
	if not keep_controls:
		controls = {}
		control_base = {}


## A slider was moved.
func move_control(key: String, percent: int) -> void:
	if control_base.is_empty():
		control_base = recipe.duplicate(true)
	controls[key] = percent


## A colour group shows another ramp. The base of the sliders changes with it: colours are no matter of theirs.
func set_ramp(group: String, ramp: String) -> void:
	for map: Dictionary in [recipe, control_base]:
		if map.has("ramps"):
			var ramps: Dictionary = map["ramps"]
			ramps[group] = ramp
