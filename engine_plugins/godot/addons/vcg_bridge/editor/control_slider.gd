@tool
extends HBoxContainer
## A slider with what its ends mean. Says when it is held, so that a drag is one step of undo.

signal moved(value: int)
signal held(held: bool)

const Kit := preload("kit.gd")

var slider := HSlider.new()

var _figure: Label


func _init(
	title: String = "",
	low: String = "",
	high: String = "",
	least: int = 0,
	most: int = 100,
	caption_width: int = Kit.CAPTION
) -> void:
	name = title.to_pascal_case()
	var caption := Kit.label(title, "%s: from %s to %s" % [title, low, high])
	caption.custom_minimum_size.x = Kit.px(caption_width)
	add_child(caption)
	slider.name = "Slider"
	slider.min_value = least
	slider.max_value = most
	slider.step = 1
	slider.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	slider.size_flags_vertical = Control.SIZE_SHRINK_CENTER
	slider.custom_minimum_size.x = Kit.px(48)
	slider.scrollable = false  # the wheel is for the dock, which is long
	Kit.explain(slider, "%s: from %s to %s. Double click: back to the middle." % [title, low, high])
	slider.value_changed.connect(_on_changed)
	slider.drag_started.connect(func() -> void: held.emit(true))
	slider.drag_ended.connect(func(_changed: bool) -> void: held.emit(false))
	slider.gui_input.connect(_on_input)
	add_child(slider)
	_figure = Kit.label("0")
	_figure.custom_minimum_size.x = Kit.px(42)
	_figure.horizontal_alignment = HORIZONTAL_ALIGNMENT_RIGHT
	add_child(_figure)


## Without a signal.
func show_value(value: int) -> void:
	slider.set_value_no_signal(value)
	_write(value)


func _on_changed(value: float) -> void:
	_write(roundi(value))
	moved.emit(roundi(value))


func _write(value: int) -> void:
	if slider.min_value < 0:
		_figure.text = "%+d" % value if value != 0 else "0"
	else:
		_figure.text = "%d %%" % value


func _on_input(event: InputEvent) -> void:
	var mouse := event as InputEventMouseButton
	if mouse != null and mouse.double_click and mouse.button_index == MOUSE_BUTTON_LEFT and slider.min_value < 0:
		slider.value = 0
