@tool
extends RefCounted
## The project settings of the addon: Project > Project Settings > Vcg Bridge (with Advanced Settings on).

const ADDRESS := "vcg_bridge/server/address"
const COMMAND := "vcg_bridge/server/command"
const AUTOSTART := "vcg_bridge/server/start_by_itself"
const TOKEN_FILE := "vcg_bridge/server/token_file"
const CERTIFICATE := "vcg_bridge/server/tls_certificate"

const _ALL := {
	ADDRESS: ["tcp://127.0.0.1:7421", PROPERTY_HINT_NONE, ""],
	COMMAND: ["", PROPERTY_HINT_GLOBAL_FILE, ""],
	AUTOSTART: [true, PROPERTY_HINT_NONE, ""],
	TOKEN_FILE: ["", PROPERTY_HINT_GLOBAL_FILE, ""],
	CERTIFICATE: ["", PROPERTY_HINT_GLOBAL_FILE, "*.pem,*.crt"],
}


## Make them known, so that they are listed with their defaults. Nothing is written while they have these.
static func register() -> void:
	for name: String in _ALL:
		var facts: Array = _ALL[name]
		var default: Variant = facts[0]
		if not ProjectSettings.has_setting(name):
			ProjectSettings.set_setting(name, default)
		ProjectSettings.set_initial_value(name, default)
		ProjectSettings.set_as_basic(name, true)
		ProjectSettings.add_property_info(
			{"name": name, "type": typeof(default), "hint": facts[1], "hint_string": facts[2]}
		)


static func text(name: String) -> String:
	var facts: Array = _ALL[name]
	return str(ProjectSettings.get_setting(name, facts[0])).strip_edges()


static func flag(name: String) -> bool:
	var facts: Array = _ALL[name]
	var value: Variant = ProjectSettings.get_setting(name, facts[0])
	return value is bool and bool(value)


## The token in the token file; "" where there is none.
static func token() -> String:
	var path := text(TOKEN_FILE)
	return FileAccess.get_file_as_string(path).strip_edges() if FileAccess.file_exists(path) else ""


## Why the files that are named here cannot be used, in words; "" where they can.
static func problem() -> String:
	for name: String in [TOKEN_FILE, CERTIFICATE]:
		var path := text(name)
		if not path.is_empty() and not FileAccess.file_exists(path):
			return "%s: there is no file %s. Correct it in the project settings, or empty it." % [name, path]
	return ""
