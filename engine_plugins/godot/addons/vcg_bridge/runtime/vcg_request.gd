@tool
class_name VcgRequest
extends RefCounted
## A question with one answer. Made by [method VcgClient.describe] and [method VcgClient.ping]; ends with
## [signal answered] or [signal failed].

## The protocol's message "description": all that an editor needs to build its panel. Fields that the server left out have
## their defaults.
signal described(description: Dictionary)
## The answer came, whatever was asked. [param reply]: the protocol's message.
signal answered(reply: Dictionary)
## There is no answer.
signal failed(error: VcgError)

## Names the request.
var id: String
## The answer to [method VcgClient.describe]; empty before it came.
var description: Dictionary
## Why there is none; null otherwise.
var error: VcgError

var _answered := false


func _init(id_: String = "") -> void:
	id = id_


## Answered, well or badly.
func is_over() -> bool:
	return _answered or error != null


func _take(reply: Dictionary) -> void:
	_answered = true
	if reply["type"] == "description":
		description = reply
		described.emit(description)
	answered.emit(reply)


func _fail(error_: VcgError) -> void:
	error = error_
	failed.emit(error)
