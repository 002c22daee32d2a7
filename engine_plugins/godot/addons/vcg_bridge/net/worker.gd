extends RefCounted
## The thread of a client: connection, session and decoding. Commands go in and events come out through two queues.
##
## Commands: [code][&"open", Options, ConnectionSettings, patient][/code], [code][&"fail", VcgError][/code],
## [code][&"ask", request][/code], [code][&"generate", request][/code], [code][&"taken", id, bytes][/code],
## [code][&"cancel", id][/code].
## Events: [code][&"state", state, trouble][/code], [code][&"connected", welcome][/code],
## [code][&"disconnected", VcgError][/code], [code][&"answer", id, reply][/code],
## [code][&"unanswered", id, VcgError][/code], [code][&"accepted", id, accepted][/code],
## [code][&"picture", id, VcgPicture, chunk, bytes][/code], [code][&"done", id, done][/code],
## [code][&"failed", id, VcgError][/code], [code][&"cancelled", id][/code].

const Link := preload("link.gd")
const Session := preload("session.gd")

const _BUSY_USEC := 500  # between two looks while something is awaited: what a picture may come late
const _RESTING_USEC := 8000  # while nothing is; what a command may be late
const _GOODBYE_USEC := 50_000  # for "bye" to leave

var _mutex := Mutex.new()
var _commands: Array[Array] = []
var _events: Array[Array] = []
var _stopping := false
var _thread := Thread.new()
var _session: Session
var _link: Link
var _connection: Link.ConnectionSettings  # null: the settings are wrong, see _problem
var _problem: VcgError


func _init(session_name: String) -> void:
	_session = Session.new(Session.Options.new(), session_name)


func start() -> void:
	_thread.start(_run)


## Hand a command to the thread.
func tell(command: Array) -> void:
	_mutex.lock()
	_commands.append(command)
	_mutex.unlock()


## What has happened since the last call.
func take_events() -> Array[Array]:
	_mutex.lock()
	var taken := _events
	_events = []
	_mutex.unlock()
	return taken


## Say goodbye and end the thread. Takes some milliseconds.
func stop() -> void:
	if not _thread.is_started():
		return
	_mutex.lock()
	_stopping = true
	_mutex.unlock()
	_thread.wait_to_finish()


# In the thread


func _run() -> void:
	while true:
		_mutex.lock()
		var commands := _commands
		_commands = []
		var stopping := _stopping
		_mutex.unlock()
		if stopping:
			break
		for command: Array in commands:
			_obey(command)
		var moved := _keep()
		_publish()
		if commands.is_empty() and not moved:
			OS.delay_usec(_BUSY_USEC if _is_awaiting() else _RESTING_USEC)
	_say_goodbye()


static func _now() -> float:
	return Time.get_ticks_usec() / 1e6


func _is_awaiting() -> bool:
	return _session.is_awaiting() or (_link != null and not _link.is_flushed())


func _obey(command: Array) -> void:
	var now := _now()
	match command[0]:
		&"open":
			var options: Session.Options = command[1]
			var patient: bool = command[3]
			_connection = command[2]
			_session.set_options(options)
			_drop_link()
			_session.start(now, options.retry_s if patient else options.timeout_s, patient)
		&"fail":
			_problem = command[1]
			_connection = null
			_session.fail(_problem)
		&"ask":
			var question: Dictionary = command[1]
			_session.ask(question, now)
		&"generate":
			var request: Dictionary = command[1]
			_session.generate(request, now)
		&"taken":
			var id: String = command[1]
			var bytes: int = command[2]
			_session.taken(id, bytes, now)
		&"cancel":
			var job_id: String = command[1]
			_session.cancel(job_id, now)


## Have a link exactly when the session wants one, and move what there is to move. Whether something came.
func _keep() -> bool:
	var now := _now()
	if _session.state not in ["greeting", "ready"]:
		_drop_link()
	if _session.state == "waiting" and _connection == null:
		_session.fail(_problem)
	elif _session.state == "waiting" and now >= _session.open_at:
		_link = Link.new(_connection, now)
		_session.opened(now)
	var came := false
	if _link != null:
		for frames: Array[PackedByteArray] in _link.poll(now):
			came = true
			_session.received(frames, _now())
		if not _link.fault.is_empty():
			_break()
	_session.tick(_now())
	_flush()
	return came


## A break counts after all that came before it.
func _break() -> void:
	var link := _link
	_link = null
	if link.code.is_empty():
		_session.lost(link.fault, _now(), false, link.hint)
	else:
		_session.fail(VcgError.new(link.code, "%s: %s" % [_session.address(), link.fault], link.hint))


func _flush() -> void:
	if _link == null or not _link.ready or _session.outgoing.is_empty():
		return
	for frames: Array[PackedByteArray] in _session.outgoing:
		if _link.fault.is_empty():
			_link.send(frames)
	_session.outgoing.clear()
	if not _link.fault.is_empty():
		_break()


func _publish() -> void:
	if _session.events.is_empty():
		return
	_mutex.lock()
	_events.append_array(_session.events)
	_mutex.unlock()
	_session.events.clear()


func _drop_link() -> void:
	if _link != null:
		_link.close()
		_link = null


func _say_goodbye() -> void:
	_session.stop(_now())
	_flush()
	var give_up_at := Time.get_ticks_usec() + _GOODBYE_USEC
	while _link != null and not _link.is_flushed() and Time.get_ticks_usec() < give_up_at:
		_link.poll(_now())
		if not _link.fault.is_empty():
			break
		OS.delay_usec(200)
	_drop_link()
