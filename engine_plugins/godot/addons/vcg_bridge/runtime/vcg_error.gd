@tool
class_name VcgError
extends RefCounted
## What went wrong, in words, and what to do about it.
##
## Codes are stable and listed in docs/protocol.md ("Error codes"): [code]no_server[/code], [code]auth[/code],
## [code]bad_request[/code] ... Messages and hints are for people and may change.

## Stable, for programs. A code that this version does not know is treated like [code]internal[/code].
var code: String
## What is wrong and where.
var message: String
## What to do about it; may be empty.
var hint: String
## Further named values for programs: nil, bool, int, float or String ([code]retry_after_ms[/code] of [code]busy[/code]).
var details: Dictionary
## Id of the job or request that this ended; empty where it concerns the connection.
var id: String


func _init(code_: String, message_: String, hint_: String = "", details_: Dictionary = {}, id_: String = "") -> void:
	code = code_
	message = message_
	hint = hint_
	details = details_
	id = id_


## One or two sentences for people.
func text() -> String:
	var sentence := _sentence(message)
	return sentence if hint.is_empty() else sentence + " " + _sentence(hint)


func _to_string() -> String:
	return "%s: %s" % [code, text()]


static func _sentence(words: String) -> String:
	var trimmed := words.strip_edges()
	if trimmed.is_empty():
		return ""
	var first := trimmed.get_slice(" ", 0)
	var is_word := first.is_valid_ascii_identifier() and not "_" in first  # no path, no name of a field
	var start := trimmed.left(1).to_upper() + trimmed.substr(1) if is_word else trimmed
	return start if start.right(1) in [".", "!", "?"] else start + "."
