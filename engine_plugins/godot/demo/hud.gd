extends CanvasLayer
## What is going on, in two lines.

const KEYS := "R  new villagers    C  new colours    P  pause    F  frames a second    Esc  leave"

var _line := Label.new()
var _trouble := Label.new()


func _ready() -> void:
	var panel := PanelContainer.new()
	var style := StyleBoxFlat.new()
	style.bg_color = Color(0.08, 0.07, 0.1, 0.72)
	style.set_content_margin_all(8)
	style.set_corner_radius_all(4)
	panel.add_theme_stylebox_override("panel", style)
	panel.set_anchors_and_offsets_preset(Control.PRESET_BOTTOM_LEFT, Control.PRESET_MODE_MINSIZE, 10)
	panel.grow_vertical = Control.GROW_DIRECTION_BEGIN
	var lines := VBoxContainer.new()
	panel.add_child(lines)
	add_child(panel)
	_line.text = KEYS
	_line.add_theme_font_size_override("font_size", 13)
	_trouble.visible = false
	_trouble.add_theme_color_override("font_color", Color("ffb454"))
	_trouble.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	_trouble.custom_minimum_size.x = 620
	lines.add_child(_trouble)
	lines.add_child(_line)


func say(words: String) -> void:
	_trouble.text = words
	_trouble.visible = not words.is_empty()


func count(shown: int, different: int, more: String) -> void:
	_line.text = "%d villagers, %d different%s\n%s" % [shown, different, more, KEYS]
