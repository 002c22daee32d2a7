@tool
extends PanelContainer
## What went wrong and what to do about it, until it is closed or right again.

const Kit := preload("kit.gd")

var _words := Label.new()


func _init() -> void:
	name = "Notice"
	var line := HBoxContainer.new()
	var sign_ := TextureRect.new()
	sign_.texture = Kit.icon("StatusError")
	sign_.stretch_mode = TextureRect.STRETCH_KEEP
	line.add_child(sign_)
	_words.name = "Words"
	_words.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	_words.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	line.add_child(_words)
	line.add_child(Kit.tool_button("Close", "Close", "Close this message.", hide))
	add_child(line)
	hide()


## "": nothing is wrong.
func show_text(text: String) -> void:
	_words.text = text
	visible = not text.is_empty()
