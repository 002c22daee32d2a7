@tool
extends VBoxContainer
## A part of the dock under a heading that folds it away.

const Kit := preload("kit.gd")

## Where the parts go.
var content := VBoxContainer.new()

var _heading := Button.new()


func _init(title: String = "", folded: bool = false) -> void:
	name = title.to_pascal_case()
	_heading.name = "Heading"
	_heading.text = title
	_heading.alignment = HORIZONTAL_ALIGNMENT_LEFT
	_heading.theme_type_variation = "FlatButton"
	_heading.clip_text = true
	_heading.pressed.connect(func() -> void: set_folded(content.visible))
	add_child(_heading)
	content.name = "Content"
	add_child(content)
	set_folded(folded)


func set_folded(folded: bool) -> void:
	content.visible = not folded
	_heading.tooltip_text = "Show" if folded else "Hide"
	_heading.icon = Kit.icon("GuiTreeArrowRight" if folded else "GuiTreeArrowDown")


## More to say behind the title: "3 of 12".
func note(title: String, words: String) -> void:
	_heading.text = title if words.is_empty() else "%s   %s" % [title, words]
