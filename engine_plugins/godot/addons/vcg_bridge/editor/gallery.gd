@tool
extends RefCounted
## Characters that were drawn lately, with their pictures. What is worn decides the pixels, the ramps only the palette: so
## undo, redo and the history show again at once what differs from a drawn one in colours only.

const ROOM := 24  # characters; a whole one has about a megabyte

var _drawn := {}  # what is worn -> VcgGenerated, oldest first


func clear() -> void:
	_drawn.clear()


## Keep a character, and with it the pictures that are here already of one that wears the same.
func keep(generated: VcgGenerated) -> void:
	var key := _key(generated.recipe)
	var known: VcgGenerated = _drawn.get(key)
	if known != null:
		join(generated, known.pictures)
	_drawn.erase(key)
	_drawn[key] = generated
	if _drawn.size() > ROOM:
		_drawn.erase(_drawn.keys()[0])


## Add the pictures that a character lacks.
static func join(generated: VcgGenerated, pictures: Array[VcgPicture]) -> void:
	for picture: VcgPicture in pictures:
		if generated.picture_of(picture.name) == null:
			generated.pictures.append(picture)


## The character of a recipe, in the recipe's colours; null where nothing like it is here.
func find(recipe: Dictionary, description: Dictionary) -> VcgGenerated:
	var key := _key(recipe)
	var known: VcgGenerated = _drawn.get(key)
	if known == null:
		return null
	_drawn.erase(key)
	_drawn[key] = known
	return in_colours(known, recipe, description)


## The same character with the ramps of a recipe that wears the same. A copy that shares only the pictures.
static func in_colours(generated: VcgGenerated, recipe: Dictionary, description: Dictionary) -> VcgGenerated:
	var palette := VcgPalette.from_bytes(generated.palette)
	var had: Dictionary = generated.recipe["ramps"]
	var wanted: Dictionary = recipe["ramps"]
	for group: String in wanted:
		if had.get(group, "") != wanted[group]:
			palette.set_ramp(description, group, wanted[group])
	var copy := VcgGenerated.new()
	for field: String in ["credits", "licence", "attribution", "model", "model_sha256", "preview", "complete"]:
		copy.set(field, generated.get(field))
	copy.pictures = generated.pictures.duplicate()
	copy.normals = generated.normals.duplicate()
	copy.recipe = recipe.duplicate(true)
	copy.palette = palette.colours
	return copy


## Two recipes wear the same things of the same model.
static func same_clothes(one: Dictionary, other: Dictionary) -> bool:
	return _key(one) == _key(other)


static func _key(recipe: Dictionary) -> String:
	var worn: Dictionary = recipe.get("layers", {})
	var names := worn.keys()
	names.sort()
	var parts := PackedStringArray([recipe.get("model_sha256", "")])
	for name: String in names:
		var choice: Dictionary = worn[name]
		parts.append(
			(
				"%s=%s/%s/%s/%s"
				% [name, choice.get("item", ""), choice.get("mix", ""), choice.get("amount", 0), choice.get("code", [])]
			)
		)  # fmt: skip
	return ";".join(parts)
