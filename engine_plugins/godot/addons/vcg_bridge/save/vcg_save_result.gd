@tool
class_name VcgSaveResult
extends RefCounted
## What [method VcgSaver.save] did, file by file.

## Folder of the project, without a slash at its end.
var folder := ""
## Name of the character: the files are NAME.png, NAME.tres ...
var name := ""
## Paths of the files that now hold something new.
var written: PackedStringArray
## Files of this character that were right already.
var unchanged: PackedStringArray
## Files that somebody has edited, and that stand as they are.
var kept: PackedStringArray
## Path of an edited file -> path of the new one that was written beside it, where it could not be kept and updated at once.
var beside: Dictionary = {}
## Paths of what shows the character as it was saved just now. Empty where nothing was saved.
var texture := ""
var sprite_frames := ""
var scene := ""
var recipe := ""
## Why nothing was written; null where it was. Then every file is as it was before.
var error: VcgError


## It was saved.
func is_ok() -> bool:
	return error == null


## One or a few sentences for people.
func text() -> String:
	if error != null:
		return error.text()
	var sentences := PackedStringArray(["Saved %s to %s." % [name, folder]])
	for path: String in kept:
		if beside.has(path):
			sentences.append(
				(
					"%s was edited by hand and is kept; the new one is %s."
					% [path.get_file(), str(beside[path]).get_file()]
				)
			)
		else:
			sentences.append("%s was edited by hand and is kept." % path.get_file())
	return " ".join(sentences)
