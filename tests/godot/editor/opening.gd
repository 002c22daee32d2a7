@tool
extends RefCounted
## What comes before a scenario: the editor alone, and the addon enabled. Names nothing of the addon, so that its scripts
## are loaded by what a user does and not by this.

const Driver := preload("driver.gd")

## Another addon with a dock, of four lines: what enabling one costs the editor itself.
const OTHER_CONFIG := """[plugin]

name="Other"
description=""
author=""
version="1"
script="plugin.gd"
"""
const OTHER := """@tool
extends EditorPlugin

var _dock := Button.new()

func _enter_tree() -> void:
	add_control_to_dock(DOCK_SLOT_RIGHT_UL, _dock)

func _exit_tree() -> void:
	remove_control_from_docks(_dock)
	_dock.queue_free()
"""


func run(d: Driver) -> void:
	EditorInterface.set_main_screen_editor("2D")
	await d.seconds(0.5)
	if d.job.get("baseline", true):
		await _editor_alone(d)
	d.phase("enable the addon")
	EditorInterface.set_plugin_enabled("vcg_bridge", true)
	await d.expect("enabling the addon adds the dock", func() -> bool: return d.dock() != null)
	await d.frames(5)
	d.phase("")


## What the editor's own work costs on this machine.
func _editor_alone(d: Driver) -> void:
	var base := EditorInterface.get_base_control()
	d.phase("editor alone: redraw")
	for i: int in 40:
		base.queue_redraw()
		await d.frames(1)
	d.phase("editor alone: a menu")
	for i: int in 2:
		await d.click(base.find_children("*", "MenuBar", true, false)[0] as Control, Vector2(0.1, 0.5))
		await d.frames(10)
		await d.key(KEY_ESCAPE)
	d.phase("editor alone: import")
	var image := Image.create_empty(512, 512, false, Image.FORMAT_RGBA8)
	image.save_png("res://own.png")
	EditorInterface.get_resource_filesystem().scan()
	await d.until(func() -> bool: return ResourceLoader.exists("res://own.png"))
	await d.frames(20)
	DirAccess.make_dir_absolute("res://addons/other")
	_write("res://addons/other/plugin.cfg", OTHER_CONFIG)
	_write("res://addons/other/plugin.gd", OTHER)
	d.phase("editor alone: another addon")
	for enabled: bool in [true, false]:
		EditorInterface.set_plugin_enabled("other", enabled)
		await d.frames(10)
	d.phase("")


func _write(path: String, text: String) -> void:
	var file := FileAccess.open(path, FileAccess.WRITE)
	file.store_string(text)
	file.close()
