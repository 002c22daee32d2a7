@tool
extends EditorImportPlugin
## Makes a SpriteFrames of a recipe file (*.vcg.json) that is dropped into the project.
## plugin.gd: [code]add_import_plugin(preload("save/recipe_import.gd").new(client))[/code] and remove_import_plugin.

var _client: VcgClient


func _init(client: VcgClient = null) -> void:
	_client = client
