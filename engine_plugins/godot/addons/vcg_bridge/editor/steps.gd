@tool
extends RefCounted
## Makes each action of the dock one step of the editor's undo. An action begins when something is pressed and ends when
## the server has answered, or when a slider has come to rest.

const Draft := preload("draft.gd")

var _undo: EditorUndoRedoManager
var _draft: Draft
var _restore: Callable
var _name := ""  # of the step that is open; "": none is
var _before := {}
var _changed := false


func _init(undo: EditorUndoRedoManager, draft: Draft, restore: Callable) -> void:
	_undo = undo
	_draft = draft
	_restore = restore


## Begin a step, or go on with the one of that name. Another one that is open ends.
func open(name: String) -> void:
	if _name == name:
		return
	close()
	_name = name
	_before = _draft.snapshot()


## End the step that is open.
func close() -> void:
	if _name.is_empty():
		return
	var name := _name
	_name = ""
	var after := _draft.snapshot()
	if after == _before:
		return
	_changed = _changed or after["recipe"] != _before["recipe"]
	if _undo == null:
		return
	var options: Array = [name, UndoRedo.MERGE_DISABLE, _restore.get_object(), false]
	if _undo.get_method_argument_count("create_action") > options.size():
		options.append(false)  # mark_unsaved: no scene and no resource has changed, there is nothing to save
	_undo.callv("create_action", options)
	_undo.add_do_method(_restore.get_object(), _restore.get_method(), after)
	_undo.add_undo_method(_restore.get_object(), _restore.get_method(), _before)
	_undo.commit_action(false)


## Whether steps have changed the character since this was asked last.
func take_changed() -> bool:
	var changed := _changed
	_changed = false
	return changed


## The step that is open came to nothing: the settings are as they were before it.
func take_back() -> void:
	if not _name.is_empty():
		_draft.restore(_before)
	forget()


## No step is open any more, and none is made of it.
func forget() -> void:
	_name = ""
	_changed = false
