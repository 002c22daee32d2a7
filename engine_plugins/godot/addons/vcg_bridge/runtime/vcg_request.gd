@tool
class_name VcgRequest
extends RefCounted
## A question with one answer. Made by [method VcgClient.describe]; ends with exactly one of its signals.

## The protocol's message "description": all that an editor needs to build its panel. Fields that the server left out have
## their defaults.
signal described(description: Dictionary)
## There is no answer.
signal failed(error: VcgError)

## Names the request.
var id: String
## The answer; empty before it came.
var description: Dictionary
## Why there is none; null otherwise.
var error: VcgError


func _init(id_: String = "") -> void:
	id = id_


## Answered, well or badly.
func is_over() -> bool:
	return error != null or not description.is_empty()
