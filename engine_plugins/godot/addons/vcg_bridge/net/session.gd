extends RefCounted
## Protocol 1 from the client's side, without sockets, threads or clocks: frames and times in, frames and events out.
##
## Who drives it opens a link when [member open_at] is due and says [method opened]; hands in what arrives
## ([method received]), a broken link ([method lost]) and the time ([method tick]); sends what is in [member outgoing] and
## passes [member events] on. The Python twin is vcg_bridge/client/session.py.

const JobState := preload("job_state.gd")
const Protocol := preload("protocol.gd")
const V := preload("vocabulary.gd")

const _FIRST_WAIT_S := 0.1
const _LONGEST_WAIT_S := 5.0
const _SPREAD := 0.25  # up to so much longer than it was asked to a client stays away: not all come back in the same moment
const _HEARTBEAT := "heartbeat"
const _AGAIN: PackedStringArray = ["hello_required", "shutting_down"]  # end a connection, not a request

## [code]idle[/code]: no connection wanted; [code]waiting[/code] for [member open_at]; [code]greeting[/code]: hello is
## sent; [code]ready[/code]; [code]failed[/code].
var state := "idle"
## Messages to send, each the frames of one.
var outgoing: Array[Array] = []
## What has happened, in order: [name, ...]. See [code]net/worker.gd[/code].
var events: Array[Array] = []
## State [code]waiting[/code]: when to open the next link.
var open_at := 0.0
## Unfinished jobs by id.
var jobs: Dictionary[String, JobState] = {}

var _options: Options
var _welcome: Dictionary = {}
var _questions: Dictionary[String, Question] = {}
var _name := ""
var _chance := RandomNumberGenerator.new()
var _attempts := 0
var _give_up_at := 0.0
var _patient := false  # a refused connection is tried again
var _moved := false  # something got on since the connection was lost last: the next loss is a new one
var _reason := ""
var _hint := ""
var _sent_at := 0.0
var _pinged_at := -1.0  # a heartbeat that nothing came after
var _protocol := Protocol.new()


## How long to wait for what, and who we are.
class Options:
	extends RefCounted
	var address := ""  # for messages
	var name := ""
	var token := ""
	var codecs: PackedStringArray = []
	var window_bytes := 8 << 20
	var timeout_s := 10.0
	var retry_s := 60.0
	var ping_s := V.PING_MS / 1000.0
	var dead_s := V.DEAD_MS / 1000.0


## A request that has one answer.
class Question:
	extends RefCounted
	var request: Dictionary
	var give_up_at := 0.0


func _init(options: Options, session_name: String) -> void:
	_options = options
	_name = session_name
	_chance.seed = session_name.hash()


## What is being asked for takes effect with the next connection.
func set_options(options: Options) -> void:
	_options = options


## Why there is no connection just now; empty where there is one.
func trouble() -> String:
	return "" if state in ["ready", "idle"] else _reason


## Where the server is, for messages.
func address() -> String:
	return _options.address


## Something is to come soon: an answer, a picture, a connection.
func is_awaiting() -> bool:
	return state == "greeting" or not jobs.is_empty() or not _questions.is_empty()


# The connection


## Connect. [param patient]: a refused connection is tried again until the time is up.
func start(now: float, timeout_s: float, patient: bool) -> void:
	_patient = patient
	_attempts = 0
	_moved = true
	open_at = now
	_give_up_at = now + timeout_s
	_reason = "nothing answered"
	_hint = ""
	_become("waiting")


## A new link is there (it need not be connected yet): say hello.
func opened(now: float) -> void:
	outgoing.clear()
	_pinged_at = -1.0
	_reason = "something may listen there, but it does not answer as a VCG Bridge server"
	_hint = ""
	_become("greeting")
	_send(
		{
			"type": "hello",
			"versions": [V.PROTOCOL_MAJOR],
			"minor": V.PROTOCOL_MINOR,
			"client": _options.name,
			"session": _name,
			"codecs": _options.codecs,
			"token": _options.token,
		},
		now
	)


## The link broke. [param at_once]: the server is there, a new hello is enough. [param busy]: it is there, and takes nobody
## just now.
func lost(reason: String, now: float, at_once: bool = false, hint: String = "", busy: VcgError = null) -> void:
	if state not in ["greeting", "ready"]:
		return
	var was_ready := state == "ready"
	if was_ready:
		_patient = true
		# A request that breaks every connection it is sent over must not be repeated for ever.
		if _moved or (jobs.is_empty() and _questions.is_empty()):
			_attempts = 0
			_give_up_at = now + _options.retry_s
		_moved = false
	_reason = reason
	_hint = hint
	outgoing.clear()
	for job: JobState in jobs.values():
		if job.cancelling:
			_end(job, null)  # the next hello drops it
	var wait := minf(_FIRST_WAIT_S * pow(2.0, _attempts), _LONGEST_WAIT_S)
	if busy != null:
		wait = maxf(wait, _away_s(busy))
	if not _patient or (busy != null and now + wait > _give_up_at):
		fail(_no_server() if busy == null else busy)
		return
	open_at = now if at_once and _attempts == 0 else now + wait
	_attempts += 1
	_become("waiting")
	if was_ready:
		var words := "the connection to %s was lost: %s" % [_options.address, reason]
		events.append([&"disconnected", VcgError.new("disconnected", words, "it is being made again")])


## There is no use in trying on: everything unfinished ends with this.
func fail(error: VcgError) -> void:
	_reason = error.message
	_become("failed")
	for id: String in _questions:
		events.append([&"unanswered", id, error])
	_questions.clear()
	for job: JobState in jobs.values():
		_end(job, error)
	events.append([&"disconnected", error])


## Say goodbye. Everything unfinished is dropped, without events.
func stop(now: float) -> void:
	if state == "ready":
		_send({"type": "bye"}, now)
	state = "idle"
	jobs.clear()
	_questions.clear()


## Time has passed. Hand in what has arrived first.
func tick(now: float) -> void:
	if state in ["waiting", "greeting"] and now >= _give_up_at:
		fail(_no_server())
	for id: String in _questions.keys():
		if now >= _questions[id].give_up_at:
			_give_up(id)
	if state != "ready":
		return
	if _pinged_at >= 0.0 and now - _pinged_at >= _options.dead_s:
		lost("the server gave no sign of life", now)
		return
	if now - _sent_at >= _options.ping_s:
		_send({"type": "ping", "id": _HEARTBEAT}, now)
		if _pinged_at < 0.0:
			_pinged_at = now
	for job: JobState in jobs.values():
		if now >= job.retry_at:
			_send(job.request_now(), now)


# Requests


## Send a request that has one answer. It comes as the event [code]answer[/code] or [code]unanswered[/code].
func ask(request: Dictionary, now: float) -> void:
	var question := Question.new()
	question.request = _protocol.read_request(request)
	var id: String = str(request["id"])
	if _protocol.error != null:
		events.append([&"unanswered", id, _protocol.error])
		return
	question.give_up_at = now + _options.timeout_s
	_questions[id] = question
	_send_or_connect(question.request, now)


## Start a job. What the server would refuse by form alone fails at once.
func generate(request: Dictionary, now: float) -> void:
	var checked := _protocol.read_request(request)
	if _protocol.error != null:
		_protocol.error.id = str(request.get("id"))
		events.append([&"failed", _protocol.error.id, _protocol.error])
		return
	var job := JobState.new(checked, _options.window_bytes)
	jobs[job.id()] = job
	_send_or_connect(job.request_now(), now)


## Pictures of a job were handed over: grant their bytes again when it is worth a message.
func taken(id: String, bytes: int, now: float) -> void:
	if not jobs.has(id):
		return
	var job := jobs[id]
	job.take(bytes)
	if state != "ready" or job.retry_at < INF:
		return
	var granted := job.grant()
	while granted > 0:
		_send({"type": "credit", "id": id, "bytes": mini(granted, V.MAX_CREDIT)}, now)
		granted -= V.MAX_CREDIT


## Stop a job. It is over when the server has said so, at once where there is no connection.
func cancel(id: String, now: float) -> void:
	if not jobs.has(id):
		return
	var job := jobs[id]
	job.cancelling = true
	job.drop()
	if state == "ready":
		_send({"type": "cancel", "id": id}, now)
	else:
		_end(job, null)


# What arrives


## A message came.
func received(frames: Array[PackedByteArray], now: float) -> void:
	if state not in ["greeting", "ready"]:
		return
	_pinged_at = -1.0
	var reply := _protocol.read_reply(frames)
	if _protocol.error != null:
		fail(_protocol.error if state == "ready" else _no_server())
		return
	var type: String = reply["type"]
	var id: String = reply.get("id", "")
	match type:
		"welcome":
			_welcomed(reply, now)
		"description", "pong":
			_moved = true
			if _questions.erase(id):
				events.append([&"answer", id, reply])
		"error":
			_take_error(reply, id, now)
		"bye":
			pass  # the jobs that run come to their end, then the link breaks
		_:
			if jobs.has(id):
				_advance(jobs[id], reply, frames, now)


func _take_error(reply: Dictionary, id: String, now: float) -> void:
	var error := _error_of(reply)
	if id.is_empty():
		if error.code == "busy":
			lost(error.message, now, false, error.hint, error)
		elif error.code in _AGAIN:
			lost(error.message, now, error.code == "hello_required")
		else:
			fail(error)
	elif id == _HEARTBEAT or error.code in _AGAIN:
		lost(error.message, now, error.code == "hello_required")
	elif _questions.erase(id):
		_moved = true
		events.append([&"unanswered", id, error])
	elif jobs.has(id) and not jobs[id].cancelling:
		_moved = true
		_job_error(jobs[id], error, now)


func _advance(job: JobState, reply: Dictionary, frames: Array[PackedByteArray], now: float) -> void:
	_moved = _moved or reply["type"] != "accepted"
	match reply["type"]:
		"accepted":
			job.accepted = reply
			if not job.cancelling:
				events.append([&"accepted", job.id(), reply])
		"chunk":
			if not job.cancelling:
				_take_chunk(job, reply, frames, now)
		"done":
			if job.cancelling:
				return  # it crossed with our cancel, whose answer comes
			if job.next_seq != job.accepted.get("chunks", -1):
				var words := "the job ended after %d chunks" % job.next_seq
				_end(job, VcgError.new("protocol", words, "a bug of the server; report it", {}, job.id()))
				_send({"type": "cancel", "id": job.id()}, now)
				return
			job.finished = true
			jobs.erase(job.id())
			events.append([&"done", job.id(), reply])
		"cancelled":
			_end(job, null)


func _take_chunk(job: JobState, chunk: Dictionary, frames: Array[PackedByteArray], now: float) -> void:
	var size := 0
	for frame: PackedByteArray in frames:
		size += frame.size()
	var faults: Array[VcgError] = []
	var picture := job.add(chunk, frames[1], size, faults)
	if not faults.is_empty():
		_end(job, faults[0])
		_send({"type": "cancel", "id": job.id()}, now)
	elif picture != null:
		events.append([&"picture", job.id(), picture, chunk, size])


func _job_error(job: JobState, error: VcgError, now: float) -> void:
	if error.code != "busy" and error.code != "stalled":
		_end(job, error)
		return
	if job.busy_since < 0.0:
		job.busy_since = now
	var wait := _FIRST_WAIT_S
	if error.code == "busy":
		wait = _away_s(error)
		if now + wait > job.busy_since + _options.retry_s:
			_end(job, error)
			return
	job.retry_at = now + wait


## How long to stay away from a busy server: never less than it says.
func _away_s(busy: VcgError) -> float:
	var wait := _FIRST_WAIT_S
	var advice: Variant = busy.details.get("retry_after_ms", 0)
	if advice is int:
		wait = maxf(advice / 1000.0, _FIRST_WAIT_S)
	return wait * (1.0 + _SPREAD * _chance.randf())


func _welcomed(reply: Dictionary, now: float) -> void:
	if reply["version"] != V.PROTOCOL_MAJOR:
		var words := "the server answers in protocol %d, this client speaks %d" % [reply["version"], V.PROTOCOL_MAJOR]
		fail(VcgError.new("version", words, "update the older of the two"))
		return
	_welcome = reply
	_become("ready")
	events.append([&"connected", reply])
	for question: Question in _questions.values():
		_send(question.request, now)
	for job: JobState in jobs.values():
		_send(job.request_now(), now)


# Ends


func _no_server() -> VcgError:
	if _welcome.is_empty():
		var nobody := "no VCG Bridge server at %s: %s" % [_options.address, _reason]
		var first_hint := "start one with `vcg serve`, or check the address" if _hint.is_empty() else _hint
		return VcgError.new("no_server", nobody, first_hint)
	var gone := "the connection to %s was lost and could not be made again: %s" % [_options.address, _reason]
	return VcgError.new("disconnected", gone, "see whether the server still runs" if _hint.is_empty() else _hint)


func _give_up(id: String) -> void:
	var question := _questions[id]
	_questions.erase(id)
	var values := [question.request["type"], _options.address, _options.timeout_s]
	var words := "no answer to %s from %s within %s s" % values
	events.append([&"unanswered", id, VcgError.new("timeout", words, trouble(), {}, id)])


## error null: it was cancelled.
func _end(job: JobState, error: VcgError) -> void:
	job.finished = true
	jobs.erase(job.id())
	if error == null or job.cancelling:
		events.append([&"cancelled", job.id()])
	else:
		events.append([&"failed", job.id(), error])


func _become(next: String) -> void:
	state = next
	events.append([&"state", state, trouble()])


## Send now, or when the connection is there.
func _send_or_connect(request: Dictionary, now: float) -> void:
	if state == "ready":
		_send(request, now)
	elif state == "idle" or state == "failed":
		start(now, _options.timeout_s if _welcome.is_empty() else _options.retry_s, true)


func _send(request: Dictionary, now: float) -> void:
	var complete := _protocol.read_request(request)
	if _protocol.error == null:
		outgoing.append(_protocol.write_request(complete))
	if _protocol.error != null:
		push_error("VCG Bridge: " + _protocol.error.message)
	_sent_at = now


static func _error_of(reply: Dictionary) -> VcgError:
	var code: String = reply["code"]
	var message: String = reply["message"]
	var hint: String = reply["hint"]
	var details: Dictionary = reply["details"]
	var id: String = reply["id"]
	if not V.ERRORS.has(code):
		return VcgError.new("internal", "[%s] %s" % [code, message], hint, details, id)
	return VcgError.new(code, message, hint, details, id)
