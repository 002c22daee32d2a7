@tool
extends RefCounted
## CREDITS.txt of a folder of characters: the same merge as in the Python package (sprites/credits.py).

const NAME := "CREDITS.txt"

const _HEAD := "Credits for the characters in this folder. They must reach everyone who gets a product made with them.\n"


## [param existing]: what the file says already. It is kept, and only lines that are not in it are added.
static func merged(description: Dictionary, lines: PackedStringArray, existing: String) -> String:
	var text := existing if not existing.strip_edges().is_empty() else _HEAD
	if not text.ends_with("\n"):
		text += "\n"
	var model := (
		"Licence: %s. Model: %s (%s %s)."
		% [description["licence"], description["title"], description["model"], description["version"]]
	)
	if not text.contains(model):
		text += "\n%s\n%s\n\n" % [description["attribution"], model]
	var known := {}
	for line: String in text.split("\n"):
		known[_bare(line)] = true
	for line: String in lines:
		var single := " ".join(line.replace("\t", " ").replace("\n", " ").split(" ", false))
		if not known.has(_bare(single)):
			known[_bare(single)] = true
			text += "- %s\n" % single
	return text


static func _bare(line: String) -> String:
	return line.strip_edges().trim_prefix("- ").strip_edges()
