@tool
class_name VcgClient
extends Node
## A connection to a VCG Bridge server: asks for characters and hands them over as they come.
##
## Network and decoding run in a thread of the client's own. Signals are emitted on the main thread, from
## [method Node._process], so the client has to be in the tree; it goes on while the tree is paused.
## [codeblock]
## var client := VcgClient.new()
## add_child(client)
## client.open()
## var job := client.generate({"design": {"seed": 7, "archetype": "guard"}, "animations": ["idle", "walk"]})
## var guard: VcgGenerated = await job.character_ready
## [/codeblock]
## A job that is asked for before the connection is there waits for it. A lost connection is made again for
## [member retry_s] seconds and the jobs go on where they were.

## The connection is there, for the first time or again. [param welcome]: the protocol's message "welcome", with models,
## limits and the device.
signal connected(welcome: Dictionary)
## The connection was lost, or could not be made. Where [member state] is then [code]waiting[/code] it is tried again by
## itself; where it is [code]failed[/code] everything unfinished has failed, and [method open] tries again.
signal disconnected(reason: VcgError)
## [member state] or [member trouble] changed: for a line that tells people how things are.
signal state_changed(state: String, trouble: String)
## The first picture of a character.
signal preview(job: VcgJob, picture: VcgPicture)
## An animation or a sheet of a character. Normal maps come by [signal VcgJob.picture] only.
signal animation_ready(job: VcgJob, picture: VcgPicture)
## Every picture of a character has come.
signal character_ready(job: VcgJob, generated: VcgGenerated)
## A job ended with an error.
signal failed(job: VcgJob, error: VcgError)

const _Address := preload("../net/address.gd")
const _Blobs := preload("../net/blobs.gd")
const _Certificate := preload("../net/certificate.gd")
const _Link := preload("../net/link.gd")
const _Session := preload("../net/session.gd")
const _V := preload("../net/vocabulary.gd")
const _Worker := preload("../net/worker.gd")

const _MAX_NAME := 255  # bytes; the engine does not check a longer one

## Where the server is: [code]tcp://HOST:PORT[/code], or [code]tls://HOST:PORT[/code] with
## [member tls_certificate_path].
@export var address := "tcp://127.0.0.1:7421"
## Where the server asks for one. Beyond loopback it is sent through TLS only.
@export var token := ""
## A PEM file: the server's own certificate, which must sign itself and bear a name. Where it is set the connection is TLS,
## and nothing but the first certificate in it is trusted. With [member tls_server_name] it may hold authorities instead.
@export_global_file("*.pem", "*.crt") var tls_certificate_path := ""
## Trust every certificate that is signed by one of [member tls_certificate_path] and bears this name. Empty: the
## certificate there alone.
@export var tls_server_name := ""
## For a proxy that asks for ZeroMQ's PLAIN; empty: none. VCG Bridge itself does not use it.
@export var username := ""
## Belongs to [member username].
@export var password := ""
## Bytes that the server may send of one job before they were handed over, 1 to 67108864.
@export var window_bytes := 8 << 20
## Seconds to connect, and to wait for the answer to a small request.
@export var timeout_s := 10.0
## Seconds for which a lost connection is tried again before the jobs fail; INF: until [method close].
@export var retry_s := 60.0
## Milliseconds of a frame to spend on handing over what came. At least one picture a frame is handed over.
@export var frame_budget_ms := 4.0
## Program and version, for the server's log.
@export var client_name := "vcg-godot/0.1.0"

## How blobs may be compressed, preferred first: of zstd, gzip and raw.
var codecs: PackedStringArray = _Blobs.CODECS
## Milliseconds of silence after which the server is asked whether it lives.
var ping_ms := _V.PING_MS
## Milliseconds of silence after that which mean that it does not.
var dead_ms := _V.DEAD_MS

## [code]idle[/code]: no connection wanted; [code]waiting[/code]: to connect (again); [code]greeting[/code]: connecting;
## [code]ready[/code]; [code]failed[/code].
var state := "idle"
## Why there is no connection just now, in words; empty where there is one.
var trouble := ""
## What the server said of itself; empty before the first connection.
var welcome: Dictionary = {}

var _worker: _Worker
var _events: Array[Array] = []  # that were not passed on yet
var _jobs: Dictionary[String, VcgJob] = {}
var _requests: Dictionary[String, VcgRequest] = {}


func _init() -> void:
	process_mode = Node.PROCESS_MODE_ALWAYS


func _notification(what: int) -> void:
	if what == NOTIFICATION_PREDELETE and _worker != null:
		_worker.stop()
		_worker = null
		for job: VcgJob in _jobs.values():
			job.state = "cancelled"


func _process(_delta: float) -> void:
	if _worker == null:
		return
	_events.append_array(_worker.take_events())
	if _events.is_empty():
		return
	var handed: Dictionary[String, int] = {}
	var stop_at := Time.get_ticks_usec() + int(frame_budget_ms * 1000.0)
	var done := 0
	var worker := _worker
	while done < _events.size() and _worker == worker:
		var event := _events[done]
		done += 1
		_pass_on(event)
		if event[0] == &"picture":
			var id: String = event[1]
			var bytes: int = event[4]
			handed[id] = handed.get(id, 0) + bytes
			if Time.get_ticks_usec() >= stop_at:
				break
	if _worker != worker:
		return  # a signal's receiver has closed the client
	_events = _events.slice(done)
	for id: String in handed:
		_worker.tell([&"taken", id, handed[id]])


## Start to connect. Returns at once: [signal connected] or [signal disconnected] follows. Settings that are changed later
## take effect with the next [method open].
## [param patient]: where no server answers go on trying for [member retry_s] seconds instead of giving up at once.
func open(patient: bool = false) -> void:
	if _worker == null:
		_worker = _Worker.new(_random_id())
		_worker.start()
	var connection := _Link.ConnectionSettings.new()
	var problem := _fill(connection)
	if problem != null:
		_worker.tell([&"fail", problem])
		return
	_worker.tell([&"open", _session_options(), connection, patient])


## Say goodbye and free thread and socket. Unfinished jobs are cancelled. Freeing the node does the same, but silently.
func close() -> void:
	if _worker == null:
		return
	_worker.stop()
	_worker = null
	_events.clear()
	var jobs := _jobs.values()
	var requests := _requests.values()
	_jobs.clear()
	_requests.clear()
	_enter_state("idle", "")
	for job: VcgJob in jobs:
		job._end_cancelled()
	var closed := VcgError.new("disconnected", "the client was closed")
	for request: VcgRequest in requests:
		request._fail(closed)


## Whether the connection is there.
func is_ready() -> bool:
	return state == "ready"


## Ask for all that can be made with a model ("": the server's default).
func describe(model: String = "") -> VcgRequest:
	return _ask({"type": "describe", "model": model})


## Ask whether the server lives.
func ping() -> VcgRequest:
	return _ask({"type": "ping"})


## Start a job. [param request]: the fields of the protocol's request "generate" (recipe or design, count, animations,
## output ...) without id, credit and first_seq, which the client adds (an id of your own is kept). Recipe maps come as in
## [member VcgGenerated.recipe]. What is wrong with a request comes as [signal VcgJob.failed].
func generate(request: Dictionary) -> VcgJob:
	var complete := request.duplicate(true)
	complete["type"] = "generate"
	if str(complete.get("id", "")).is_empty():
		complete["id"] = _random_id()
	var id := str(complete["id"])
	var job := VcgJob.new(self, id, complete)
	if _jobs.has(id):
		var words := 'a job with the id "%s" is running already' % id
		job._fail.call_deferred(VcgError.new("bad_request", words, "use a new id", {}, id))
		return job
	_jobs[id] = job
	_have_worker()
	_worker.tell([&"generate", complete.duplicate(true)])
	return job


func _cancel(job: VcgJob) -> void:
	if _worker != null and _jobs.get(job.id) == job:
		_worker.tell([&"cancel", job.id])


func _ask(question: Dictionary) -> VcgRequest:
	var request := VcgRequest.new(_random_id())
	question["id"] = request.id
	_requests[request.id] = request
	_have_worker()
	_worker.tell([&"ask", question])
	return request


func _have_worker() -> void:
	if _worker == null:
		open(true)


func _pass_on(event: Array) -> void:
	match event[0]:
		&"state":
			var next: String = event[1]
			var why: String = event[2]
			_enter_state(next, why)
		&"connected":
			welcome = event[1]
			connected.emit(welcome)
		&"disconnected":
			var reason: VcgError = event[1]
			disconnected.emit(reason)
		&"answer", &"unanswered":
			_pass_on_answer(event)
		_:
			_pass_on_to_job(event)


func _enter_state(next: String, why: String) -> void:
	if next != state or why != trouble:
		state = next
		trouble = why
		state_changed.emit(state, trouble)


func _pass_on_answer(event: Array) -> void:
	var id: String = event[1]
	if not _requests.has(id):
		return
	var request := _requests[id]
	_requests.erase(id)
	if event[0] == &"answer":
		var reply: Dictionary = event[2]
		request._take(reply)
	else:
		var error: VcgError = event[2]
		request._fail(error)


func _pass_on_to_job(event: Array) -> void:
	var id: String = event[1]
	if not _jobs.has(id):
		return
	var job := _jobs[id]
	match event[0]:
		&"accepted":
			var accepted: Dictionary = event[2]
			job._take_accepted(accepted)
			return
		&"picture":
			var picture: VcgPicture = event[2]
			var chunk: Dictionary = event[3]
			_pass_on_picture(job, picture, chunk)
			return
	_jobs.erase(id)
	match event[0]:
		&"done":
			var done: Dictionary = event[2]
			job._end_done(done)
		&"failed":
			var error: VcgError = event[2]
			job._fail(error)
			if job.state == "failed":
				failed.emit(job, error)
		&"cancelled":
			job._end_cancelled()


func _pass_on_picture(job: VcgJob, picture: VcgPicture, chunk: Dictionary) -> void:
	if not job._take_picture(picture, chunk):
		return
	if picture.kind == "preview":
		preview.emit(job, picture)
	elif picture.kind != "normal":
		animation_ready.emit(job, picture)
	if chunk["last"] and job._complete_character():
		character_ready.emit(job, job.character)


func _session_options() -> _Session.Options:
	var options := _Session.Options.new()
	options.address = address
	options.name = client_name
	options.token = token
	options.codecs = codecs
	options.window_bytes = clampi(window_bytes, 1, _V.MAX_CREDIT)
	options.timeout_s = timeout_s
	options.retry_s = retry_s
	options.ping_s = ping_ms / 1000.0
	options.dead_s = dead_ms / 1000.0
	return options


## Where and how to connect. What is wrong with the settings; null where nothing is.
func _fill(connection: _Link.ConnectionSettings) -> VcgError:
	var found := _Address.new(address)
	if not found.valid:
		return VcgError.new("bad_request", '"%s" is no address' % address, "for example " + _V.DEFAULT_ADDRESS)
	connection.host = found.host
	connection.port = found.port
	connection.username = username
	connection.password = password
	connection.ping_s = ping_ms / 1000.0
	connection.dead_s = dead_ms / 1000.0
	if not tls_certificate_path.is_empty():
		return _load_certificate(connection)
	if found.tls:
		return VcgError.new(
			"config", "TLS with %s needs its certificate" % connection.host, "set tls_certificate_path to a copy of it"
		)
	if found.is_loopback() or (token.is_empty() and password.is_empty()):
		return null
	return (
		VcgError
		. new(
			"config",
			"a %s for %s would travel in clear" % ["password" if token.is_empty() else "token", found.host],
			(
				"use the server's TLS port, tls://HOST:PORT (vcg serve --tls), with its certificate (tls_certificate_path), "
				+ "or an encrypted tunnel to this machine"
			)
		)
	)


func _load_certificate(connection: _Link.ConnectionSettings) -> VcgError:
	var hint := "tls_certificate_path is a PEM file with the server's certificate"
	if not FileAccess.file_exists(tls_certificate_path):
		return VcgError.new("config", "there is no certificate at %s" % tls_certificate_path, hint)
	var pem := FileAccess.get_file_as_string(tls_certificate_path)
	var first := _Certificate.first_in(pem)
	connection.exactly = tls_server_name.is_empty()
	connection.trusted = X509Certificate.new()
	connection.trusted_path = tls_certificate_path
	if first.is_empty() or connection.trusted.load_from_string(first if connection.exactly else pem) != OK:
		return VcgError.new("config", "%s holds no certificate" % tls_certificate_path, hint)
	var own := _Certificate.new(first)
	connection.server_name = own.name if connection.exactly else tls_server_name
	if connection.server_name.to_utf8_buffer().size() > _MAX_NAME:
		return VcgError.new("bad_request", "the server's name has more than %d bytes" % _MAX_NAME, "give a shorter one")
	if connection.exactly and (not own.signs_itself or own.name.is_empty()):
		return VcgError.new(
			"config",
			(
				"Godot cannot hold a server to the certificate in %s, which %s"
				% [tls_certificate_path, "bears no name" if own.signs_itself else "another has signed"]
			),
			"let the server's sign itself and bear a name (docs/cli.md), or pin its authority's and set tls_server_name"
		)
	return null


static func _random_id() -> String:
	return Crypto.new().generate_random_bytes(16).hex_encode()
