@tool
extends RefCounted
## Small parts that the panels are built of, in the editor's theme and scale.

const ICONS := "EditorIcons"
const CAPTION := 84  # pixels of a form's first column, at least


## Pixels at the editor's scale.
static func px(pixels: float) -> int:
	return roundi(pixels * EditorInterface.get_editor_scale())


## An icon of the editor, null where this version has none of that name.
static func icon(name: String) -> Texture2D:
	var theme := EditorInterface.get_editor_theme()
	return theme.get_icon(name, ICONS) if theme.has_icon(name, ICONS) else null


static func colour(name: String) -> Color:
	return EditorInterface.get_editor_theme().get_color(name, "Editor")


## Text or icon, or both. Without text the tooltip is what a screen reader says.
static func button(name: String, text: String, icon_name: String, tooltip: String, pressed: Callable) -> Button:
	var made := Button.new()
	made.name = name
	made.text = text
	made.icon = icon(icon_name)
	if made.icon == null and text.is_empty():
		made.text = tooltip.left(1)
	made.pressed.connect(pressed)
	explain(made, tooltip)
	return made


## A button without a frame, for toolbars.
static func tool_button(name: String, icon_name: String, tooltip: String, pressed: Callable) -> Button:
	var made := button(name, "", icon_name, tooltip, pressed)
	made.theme_type_variation = "FlatButton"
	return made


static func label(text: String, tooltip: String = "") -> Label:
	var made := Label.new()
	made.text = text
	if not tooltip.is_empty():
		made.tooltip_text = tooltip
		made.mouse_filter = Control.MOUSE_FILTER_PASS
	return made


## A label that ends in dots where there is no room for it.
static func short_label(text: String, tooltip: String = "") -> Label:
	var made := label(text, tooltip)
	made.clip_text = true
	made.text_overrun_behavior = TextServer.OVERRUN_TRIM_ELLIPSIS
	return made


## Tooltip, and the name that screen readers say (Godot 4.5 and later).
static func explain(control: Control, tooltip: String) -> void:
	control.tooltip_text = tooltip
	if "accessibility_name" in control:
		control.set("accessibility_name", tooltip.get_slice(".", 0))


## A line of a form: a label of fixed width, and what it is for.
static func form_row(title: String, tooltip: String, field: Control) -> HBoxContainer:
	var row := HBoxContainer.new()
	var caption := label(title, tooltip)
	caption.custom_minimum_size.x = px(CAPTION)
	row.add_child(caption)
	field.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	row.add_child(field)
	return row


static func clear(parent: Node) -> void:
	for child: Node in parent.get_children():
		parent.remove_child(child)
		child.queue_free()


## The frame of a strip that faces a direction, coloured and cut to what is seen: for thumbnails. [param picture]: r8.
static func thumbnail(picture: VcgPicture, palette: PackedByteArray, direction: String, frame: int) -> Image:
	var strip := picture.strips[0]
	var directions: Array = strip["directions"]
	var region := VcgPicture.region(strip, maxi(directions.find(direction), 0), frame)
	var out := PackedByteArray()
	out.resize(region.size.x * region.size.y * 4)
	var at := 0
	for y: int in region.size.y:
		var from := (region.position.y + y) * picture.width + region.position.x
		for slot: int in picture.pixels.slice(from, from + region.size.x):
			if slot != 0:
				out.encode_u32(at, palette.decode_u32(slot * 4))
			at += 4
	var whole := Image.create_from_data(region.size.x, region.size.y, false, Image.FORMAT_RGBA8, out)
	var seen := whole.get_used_rect()
	return whole.get_region(seen) if seen.has_area() else whole
