@tool
extends VBoxContainer
## Where to save, under which name.

signal field_changed(field: String, value: Variant, step: String)
signal save_pressed

const Draft := preload("draft.gd")
const Kit := preload("kit.gd")

var _name := LineEdit.new()
var _folder := LineEdit.new()
var _save: Button
var _result := Label.new()
var _show_result: Button
var _path := ""
var _browser: EditorFileDialog


func _init() -> void:
	name = "SavePanel"
	_name.name = "Name"
	Kit.explain(_name, "Name of the files. Empty: archetype and seed.")
	_name.text_changed.connect(
		func(text: String) -> void: field_changed.emit("file_name", text.strip_edges(), "Change name")
	)
	var row := Kit.form_row("Name", _name.tooltip_text, _name)
	add_child(row)
	var field := HBoxContainer.new()
	_folder.name = "Folder"
	_folder.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	_folder.custom_minimum_size.x = Kit.px(48)
	Kit.explain(_folder, "Folder of the project to save to. It is made if it is missing.")
	_folder.text_changed.connect(
		func(text: String) -> void: field_changed.emit("folder", text.strip_edges(), "Change folder")
	)
	field.add_child(_folder)
	field.add_child(Kit.tool_button("Browse", "Folder", "Choose a folder.", _browse))
	add_child(Kit.form_row("Folder", _folder.tooltip_text, field))
	var what := "Save into the project. Sheet, SpriteFrames, scene, recipe and credits."
	_save = Kit.button("Save", "Save", "Save", what, save_pressed.emit)
	row.add_child(_save)
	var line := HBoxContainer.new()
	_result.name = "Result"
	_result.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	_result.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	line.add_child(_result)
	_show_result = Kit.tool_button("ShowResult", "ShowInFileSystem", "Show it in the FileSystem dock.", _show_in_files)
	line.add_child(_show_result)
	add_child(line)
	show_result(null)


func refresh(draft: Draft) -> void:
	if not _name.has_focus() or _name.text.strip_edges() != draft.file_name:
		_name.text = draft.file_name
	_name.placeholder_text = draft.save_name() if draft.file_name.is_empty() else ""
	if not _folder.has_focus() or _folder.text.strip_edges() != draft.folder:
		_folder.text = draft.folder
	_save.disabled = draft.recipe.is_empty()


## null: nothing was saved yet.
func show_result(result: VcgSaveResult) -> void:
	(_result.get_parent() as Control).visible = result != null and result.is_ok()
	if result == null or not result.is_ok():
		return
	_result.text = result.text()
	_path = result.scene if not result.scene.is_empty() else result.sprite_frames
	_show_result.visible = not _path.is_empty()


func _show_in_files() -> void:
	EditorInterface.select_file(_path)


func _browse() -> void:
	if _browser == null:
		_browser = EditorFileDialog.new()
		_browser.access = EditorFileDialog.ACCESS_RESOURCES
		_browser.file_mode = EditorFileDialog.FILE_MODE_OPEN_DIR
		_browser.dir_selected.connect(func(path: String) -> void: field_changed.emit("folder", path, "Change folder"))
		add_child(_browser)
	_browser.current_dir = _folder.text
	_browser.popup_file_dialog()
