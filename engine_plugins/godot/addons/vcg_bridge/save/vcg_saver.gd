@tool
class_name VcgSaver
extends RefCounted
## Writes a character into a Godot project: sheet, SpriteFrames, scene, recipe, credits.

const DEFAULTS := {"layout": "rows", "scene": true, "script": true}


## Write files of a character. Any thread; touches nothing but files. [param generated]: complete, with [code]r8[/code]
## pictures (animations, or one sheet of any layout). [param description]: of its model, from [method VcgClient.describe].
## [param folder]: [code]res://...[/code], made if missing. [param options]: see [constant DEFAULTS].
static func save(
	_generated: VcgGenerated, _description: Dictionary, _folder: String, _name: String, _options: Dictionary = {}
) -> VcgSaveResult:
	return VcgSaveResult.new()
