@tool
extends RefCounted


func run(d: Object) -> void:
	await d.call("picture", "before")
	d.call("phase", "enable")
	EditorInterface.set_plugin_enabled("vcg_bridge", true)
	await d.call("frames", 30)
	await d.call("picture", "enabled")
	await d.call("seconds", 4.0)
	await d.call("picture", "later")
	await d.call("click", d.call("find", "Generate"))
	await d.call("seconds", 2.0)
	await d.call("picture", "generated")
