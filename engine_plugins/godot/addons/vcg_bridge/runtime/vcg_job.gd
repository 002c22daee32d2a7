@tool
class_name VcgJob
extends RefCounted
## A running [code]generate[/code]: its pictures come as signals, on the main thread. Made by [method VcgClient.generate].
##
## A job ends with exactly one of [signal finished], [signal failed], [signal cancelled]. It goes on over lost
## connections by itself. It lives at least until its end; keep a reference to read it afterwards.

## The server has queued it: [param count] characters in [param chunks] pictures will come.
signal accepted(count: int, chunks: int)
## The preview of a character, its first picture.
signal preview(picture: VcgPicture, character: VcgGenerated)
## A further picture: an animation, a sheet or a normal map (see [member VcgPicture.kind]).
signal picture(picture: VcgPicture, character: VcgGenerated)
## Every picture of a character has come.
signal character_ready(generated: VcgGenerated)
## Everything has come. [param done]: the protocol's message "done", with timings_ms, licence and attribution.
signal finished(done: Dictionary)
## It ended with an error.
signal failed(error: VcgError)
## It ended because [method cancel] was called, or the client was closed.
signal cancelled

## Names the request; asking again with it gives the same answer.
var id: String
## The request as it was given, with its id.
var request: Dictionary
## [code]queued[/code], [code]running[/code], then [code]done[/code], [code]failed[/code] or [code]cancelled[/code].
var state: String = "queued"
## The character that comes just now, or came last; null before the first picture.
var character: VcgGenerated
## How many characters will come; 0 before [signal accepted].
var count: int
## How many pictures will come in all; 0 before [signal accepted].
var chunks: int
## Pictures that came.
var received: int
## Why it failed; null otherwise.
var error: VcgError

var _client: WeakRef  # of VcgClient
var _characters: Array[WeakRef] = []  # of VcgGenerated: those that are still in use get the licence at the end
var _accepted: Dictionary = {}
var _cancelling := false


func _init(client: VcgClient = null, id_: String = "", request_: Dictionary = {}) -> void:
	_client = weakref(client)
	id = id_
	request = request_


## Nothing more will come.
func is_over() -> bool:
	return state in ["done", "failed", "cancelled"]


## Stop it. Nothing but [signal cancelled] comes afterwards; does nothing to a job that is over.
func cancel() -> void:
	var client: VcgClient = _client.get_ref()
	if client != null and not is_over():
		_cancelling = true
		client._cancel(self)


func _take_accepted(message: Dictionary) -> void:
	if _cancelling or not _accepted.is_empty():
		return  # after a reconnect it comes again
	_accepted = message
	state = "running"
	count = message["count"]
	chunks = message["chunks"]
	accepted.emit(count, chunks)


## Whether somebody still wants it.
func _take_picture(picture_: VcgPicture, chunk: Dictionary) -> bool:
	if _cancelling:
		return false
	received += 1
	if character == null or character.index != picture_.character:
		_begin_character(picture_.character, chunk)
	match picture_.kind:
		"preview":
			character.preview = picture_
		"normal":
			character.normals.append(picture_)
		_:
			character.pictures.append(picture_)
	if chunk["last"]:
		character.credits = PackedStringArray(chunk["credits"])
		character.complete = true
	if picture_.kind == "preview":
		preview.emit(picture_, character)
	else:
		picture.emit(picture_, character)
	return true


func _begin_character(index: int, chunk: Dictionary) -> void:
	character = VcgGenerated.new()
	character.index = index
	character.recipe = chunk["recipe"]
	character.palette = chunk["palette"]
	character.model = _accepted["model"]
	character.model_sha256 = _accepted["model_sha256"]
	_characters.append(weakref(character))


## The last picture of a character was handed over. Whether somebody still wants it.
func _complete_character() -> bool:
	if not _cancelling:
		character_ready.emit(character)
	return not _cancelling


func _end_done(done: Dictionary) -> void:
	if _cancelling:
		_end_cancelled()
		return
	state = "done"
	for weak: WeakRef in _characters:
		var generated: VcgGenerated = weak.get_ref()
		if generated != null:
			generated.licence = done["licence"]
			generated.attribution = done["attribution"]
	finished.emit(done)


func _fail(error_: VcgError) -> void:
	if _cancelling:
		_end_cancelled()
		return
	state = "failed"
	error = error_
	failed.emit(error)


func _end_cancelled() -> void:
	state = "cancelled"
	cancelled.emit()
