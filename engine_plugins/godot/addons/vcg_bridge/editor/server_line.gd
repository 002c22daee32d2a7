@tool
extends VBoxContainer
## How the server is, in one line, and where something is wrong, what can be done about it.

const Kit := preload("kit.gd")
const Keeper := preload("server_keeper.gd")
const Settings := preload("settings.gd")

var _keeper: Keeper
var _light := TextureRect.new()
var _words: Label
var _again: Button
var _advice := Label.new()
var _locate: Button
var _browser: EditorFileDialog


func _init(keeper: Keeper = null) -> void:
	name = "ServerLine"
	if keeper == null:
		return
	_keeper = keeper
	var line := HBoxContainer.new()
	_light.texture = Kit.icon("GuiRadioChecked")
	_light.stretch_mode = TextureRect.STRETCH_KEEP_CENTERED
	line.add_child(_light)
	_words = Kit.short_label("")
	_words.name = "Words"
	_words.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	_words.mouse_filter = Control.MOUSE_FILTER_PASS
	line.add_child(_words)
	_again = Kit.tool_button("Again", "Reload", "Try again now.", keeper.retry)
	line.add_child(_again)
	add_child(line)
	_advice.name = "Advice"
	_advice.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	add_child(_advice)
	_locate = Kit.button(
		"Locate", "Find vcg ...", "", "Say where the vcg command is. Kept in the project settings.", _browse
	)
	add_child(_locate)
	keeper.changed.connect(_refresh)
	_refresh()


func _refresh() -> void:
	var bad := _keeper.state in [Keeper.State.MISSING, Keeper.State.REFUSED]
	_words.text = "No server" if bad else _keeper.words()
	_words.tooltip_text = _keeper.details()
	_light.tooltip_text = _words.tooltip_text
	_advice.text = _keeper.words()
	_advice.visible = bad
	_again.visible = bad
	_locate.visible = bad and _keeper.process.not_found
	match _keeper.state:
		Keeper.State.READY:
			_light.modulate = Kit.colour("success_color")
		Keeper.State.MISSING, Keeper.State.REFUSED:
			_light.modulate = Kit.colour("error_color")
		_:
			_light.modulate = Kit.colour("warning_color")


func _browse() -> void:
	if _browser == null:
		_browser = EditorFileDialog.new()
		_browser.access = EditorFileDialog.ACCESS_FILESYSTEM
		_browser.file_mode = EditorFileDialog.FILE_MODE_OPEN_FILE
		_browser.title = "The vcg command"
		_browser.file_selected.connect(_take)
		add_child(_browser)
	_browser.popup_file_dialog()


func _take(path: String) -> void:
	ProjectSettings.set_setting(Settings.COMMAND, path)
	ProjectSettings.save()
	_keeper.retry()
