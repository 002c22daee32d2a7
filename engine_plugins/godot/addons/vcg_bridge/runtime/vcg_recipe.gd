@tool
class_name VcgRecipe
extends Resource
## All that makes a character again, the same to the last pixel: what a recipe file [code]NAME.vcg.json[/code] says.
##
## [codeblock]
## var recipe := VcgRecipe.load_file("res://npc/guard.vcg.json")
## if recipe.problem != null:
##     print(recipe.problem.text())
## else:
##     client.generate({"recipe": recipe.to_map()})
## [/codeblock]

const RecipeText := preload("recipe_text.gd")

## Format of the map and the file. A reader refuses any other number.
const FORMAT := 1
## Largest recipe file.
const MAX_BYTES := 1 << 20
## Ending of recipe files.
const EXTENSION := ".vcg.json"

const _FIELDS: PackedStringArray = [
	"format", "model", "model_sha256", "seed", "archetype", "novelty", "layers", "ramps"
]
const _HINT := "use the recipe as VCG Bridge wrote it"
const _SLUG := "^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$"

## Name of the bundle that draws it.
@export var model := ""
## Hex sha256 of that bundle's manifest: only this version of it gives the same character.
@export var model_sha256 := ""
## What it was drawn from, 0 to 2^63 - 1. Kept for the record.
@export var seed_number := 0
## What it was drawn as; empty where nothing was said.
@export var archetype := ""
## Percent, 0 to 100.
@export_range(0, 100) var novelty := 0
## Layer -> what is worn: [code]item[/code], and for a mixture [code]mix[/code] and [code]amount[/code] (percent), or for a
## free style [code]code[/code] (integers from -128 to 127). A layer that is missing is not worn.
@export var layers: Dictionary = {}
## Colour group -> ramp.
@export var ramps: Dictionary = {}

## Why this is no recipe, in words; null where it is one. Set by [method from_map], [method parse], [method load_file].
var problem: VcgError


## The recipe in plain values, as it goes to the server ([code]generate.recipe[/code], [code]design.base[/code]).
func to_map() -> Dictionary:
	return {
		"format": FORMAT,
		"model": model,
		"model_sha256": model_sha256,
		"seed": seed_number,
		"archetype": archetype,
		"novelty": novelty,
		"layers": layers.duplicate(true),
		"ramps": ramps.duplicate(true),
	}


## Canonical JSON, sorted and without spaces: equal recipes give equal text. A recipe file is this and a line feed.
func to_json() -> String:
	return RecipeText.write(to_map())


## Hex sha256 of [method to_json]: names the character.
func sha256() -> String:
	return to_json().sha256_text()


## Whether both make the same character.
func equals(other: VcgRecipe) -> bool:
	return other != null and to_json() == other.to_json()


## A recipe from plain values, as [member VcgGenerated.recipe] holds them. Look at [member problem] before using it.
## [param source] names it in messages.
static func from_map(map: Dictionary, source: String = "recipe") -> VcgRecipe:
	var recipe := VcgRecipe.new()
	recipe.problem = check(map, source)
	if recipe.problem != null:
		return recipe
	recipe.model = map["model"]
	recipe.model_sha256 = map["model_sha256"]
	recipe.seed_number = map["seed"]
	recipe.archetype = map["archetype"]
	recipe.novelty = map["novelty"]
	var layers_: Dictionary = map["layers"]
	var ramps_: Dictionary = map["ramps"]
	recipe.layers = layers_.duplicate(true)
	recipe.ramps = ramps_.duplicate(true)
	return recipe


## A recipe from the bytes of a recipe file, canonical or not. Look at [member problem] before using it.
static func parse(data: PackedByteArray, source: String = "recipe") -> VcgRecipe:
	if data.size() > MAX_BYTES:
		return _broken("%s: is larger than %d MiB" % [source, MAX_BYTES >> 20])
	var reader := RecipeText.new()
	var value: Variant = reader.read(data)
	if not reader.fault.is_empty():
		return _broken("%s: is not valid JSON: %s" % [source, reader.fault])
	if not value is Dictionary:
		return _broken(_expected(source, "an object", value))
	var map: Dictionary = value
	return from_map(map, source)


## A recipe from a file ([code]*.vcg.json[/code]). Look at [member problem] before using it.
static func load_file(path: String) -> VcgRecipe:
	var file := FileAccess.open(path, FileAccess.READ)
	if file == null:
		return _broken(
			"%s: cannot be read: %s" % [path, error_string(FileAccess.get_open_error())], "check that the file is there"
		)
	if file.get_length() > MAX_BYTES:
		return _broken("%s: is larger than %d MiB" % [path, MAX_BYTES >> 20])
	return parse(file.get_buffer(file.get_length()), path)


## What is wrong with a recipe in plain values, by its form alone; null where nothing is.
static func check(map: Dictionary, source: String = "recipe") -> VcgError:
	var number: Variant = map.get("format")
	if number is int and number > FORMAT:
		return VcgError.new(
			"recipe",
			"%s: format: the recipe has format %d; this VCG Bridge reads format %d" % [source, number, FORMAT],
			"update VCG Bridge to use this recipe"
		)
	var fault := _fault(map)
	return null if fault.is_empty() else VcgError.new("recipe", "%s: %s" % [source, fault], _HINT)


static func _fault(map: Dictionary) -> String:
	for field: String in _FIELDS:
		if not map.has(field):
			return 'the field "%s" is missing' % field
	for key: Variant in map:
		if not key is String or not _FIELDS.has(key):
			return 'unknown field "%s"' % str(key)
	var archetype_: Variant = map["archetype"]
	var faults := PackedStringArray(
		[
			_whole("format", map["format"], FORMAT, FORMAT),
			_slug("model", map["model"]),
			_sha256("model_sha256", map["model_sha256"]),
			_whole("seed", map["seed"], 0, 0x7FFFFFFFFFFFFFFF),
			"" if archetype_ is String and archetype_ == "" else _slug("archetype", archetype_),
			_whole("novelty", map["novelty"], 0, 100),
			_table("layers", map["layers"], _choice),
			_table("ramps", map["ramps"], _slug),
		]
	)
	for fault: String in faults:
		if not fault.is_empty():
			return fault
	return ""


static func _table(path: String, value: Variant, check_entry: Callable) -> String:
	if not value is Dictionary:
		return _expected(path, "an object", value)
	var table: Dictionary = value
	for key: Variant in table:
		if not key is String or not _is_key(str(key)):
			return '%s: "%s" cannot be an id' % [path, str(key)]
		var fault: String = check_entry.call("%s.%s" % [path, key], table[key])
		if not fault.is_empty():
			return fault
	return ""


static func _choice(path: String, value: Variant) -> String:
	if not value is Dictionary:
		return _expected(path, "an object", value)
	var choice: Dictionary = value
	for key: Variant in choice:
		if not key is String or not key in ["item", "mix", "amount", "code"]:
			return '%s: unknown field "%s"' % [path, str(key)]
	if not choice.has("item"):
		return '%s: the field "item" is missing' % path
	var fault := _slug(path + ".item", choice["item"])
	if not fault.is_empty():
		return fault
	if choice.has("code"):
		if choice.has("mix") or choice.has("amount"):
			return "%s: a style code cannot be mixed: give `code`, or `mix` and `amount`" % path
		return _code(path + ".code", choice["code"])
	if choice.has("mix") != choice.has("amount"):
		return "%s: `mix` and `amount` belong together" % path
	if not choice.has("mix"):
		return ""
	fault = _slug(path + ".mix", choice["mix"])
	return fault if not fault.is_empty() else _whole(path + ".amount", choice["amount"], 1, 100)


static func _code(path: String, value: Variant) -> String:
	if not value is Array:
		return _expected(path, "an array", value)
	var code: Array = value
	if code.is_empty() or code.size() > 4096:
		return "%s: has %d elements; 1 to 4096 are possible" % [path, code.size()]
	for i: int in code.size():
		var fault := _whole("%s[%d]" % [path, i], code[i], -128, 127)
		if not fault.is_empty():
			return fault
	return ""


static func _whole(path: String, value: Variant, low: int, high: int) -> String:
	if value is int and value >= low and value <= high:
		return ""
	return _expected(path, "an integer from %d to %d" % [low, high], value)


static func _slug(path: String, value: Variant) -> String:
	if value is String and RegEx.create_from_string(_SLUG).search(str(value)) != null and not ".." in str(value):
		return ""
	return _expected(path, "an id of lower-case letters, digits, '-', '.' and '_' (at most 64 characters)", value)


static func _sha256(path: String, value: Variant) -> String:
	if value is String and RegEx.create_from_string("^[0-9a-f]{64}$").search(str(value)) != null:
		return ""
	return _expected(path, "a sha256 in 64 hex digits", value)


## What protocol 1 allows as a key of a map.
static func _is_key(text: String) -> bool:
	if text.is_empty() or text.length() > 128:
		return false
	for i: int in text.length():
		if text.unicode_at(i) <= 32 or text.unicode_at(i) >= 127:
			return false
	return true


static func _expected(path: String, what: String, value: Variant) -> String:
	var shown := JSON.stringify(value)
	return "%s: expected %s, found %s" % [path, what, shown if shown.length() <= 60 else shown.left(57) + "..."]


static func _broken(message: String, hint: String = _HINT) -> VcgRecipe:
	var recipe := VcgRecipe.new()
	recipe.problem = VcgError.new("recipe", message, hint)
	return recipe
