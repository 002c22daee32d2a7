@tool
extends RefCounted
## One wish after the other to the server. A new wish takes the place of the one before; while something moves (a slider),
## the one under way is let through to its first picture, so that people see what they do, and only the newest waits.

## The recipe and a first picture are there.
signal arrived(wish: Wish, generated: VcgGenerated)
## One more picture.
signal grew(wish: Wish, generated: VcgGenerated)
## All of it is there.
signal completed(wish: Wish, generated: VcgGenerated)
signal failed(wish: Wish, error: VcgError)
## Began or stopped to wait for the server.
signal busy_changed(busy: bool)


## What to draw.
class Wish:
	## {"design": ...} or {"recipe": ...}
	var what: Dictionary
	var animations: PackedStringArray
	## Something moves: only what is seen is drawn, and the next such wish waits for the first picture of this one.
	var live: bool
	## Only more pictures of the character that is shown.
	var fills_in: bool

	func _init(what_: Dictionary, animations_: PackedStringArray, live_: bool = false, fills_in_: bool = false) -> void:
		what = what_
		animations = animations_
		live = live_
		fills_in = fills_in_


## Jobs that were cancelled because something newer was wanted. For tests.
var stale := 0
## Jobs that were begun. For tests.
var begun := 0

var _client: VcgClient
var _job: VcgJob
var _wish: Wish
var _next: Wish
var _seen := false  # a picture of the job under way has come


func _init(client: VcgClient) -> void:
	_client = client


func is_busy() -> bool:
	return _job != null


## The wish under way fills in pictures of what is shown, or there is none: nothing that changes the character.
func is_settled() -> bool:
	return _next == null and (_job == null or _wish.fills_in)


func draw(wish: Wish) -> void:
	if _job != null and wish.live and _wish.live and not _seen:
		_next = wish
		return
	_next = null
	_drop()
	_begin(wish)


## Forget what is under way and what waits.
func stop() -> void:
	_next = null
	_drop()
	busy_changed.emit(false)


func _begin(wish: Wish) -> void:
	_wish = wish
	begun += 1
	_seen = false
	var request := wish.what.duplicate()
	request["animations"] = Array(wish.animations)
	request["preview"] = not wish.live
	_job = _client.generate(request)
	_job.preview.connect(_on_picture.bind(_job))
	_job.picture.connect(_on_picture.bind(_job))
	_job.character_ready.connect(_on_ready.bind(_job))
	_job.failed.connect(_on_failed.bind(_job))
	_job.cancelled.connect(_on_cancelled.bind(_job))
	busy_changed.emit(true)


func _drop() -> void:
	if _job != null:
		var job := _job
		_job = null
		stale += 1
		job.cancel()


func _on_picture(_picture: VcgPicture, generated: VcgGenerated, job: VcgJob) -> void:
	if job != _job:
		return
	var first := not _seen
	_seen = true
	if first:
		arrived.emit(_wish, generated)
	else:
		grew.emit(_wish, generated)


func _on_ready(generated: VcgGenerated, job: VcgJob) -> void:
	if job != _job:
		return
	var wish := _wish
	_job = null
	completed.emit(wish, generated)
	_go_on()


func _on_failed(error: VcgError, job: VcgJob) -> void:
	if job != _job:
		return
	var wish := _wish
	_job = null
	failed.emit(wish, error)
	_go_on()


func _on_cancelled(job: VcgJob) -> void:
	if job == _job:
		_job = null
		_go_on()


func _go_on() -> void:
	if _next != null and _job == null:
		var wish := _next
		_next = null
		_begin(wish)
	elif _job == null:
		busy_changed.emit(false)
