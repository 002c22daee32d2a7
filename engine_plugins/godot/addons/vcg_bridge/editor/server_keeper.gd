@tool
extends Node
## Keeps the dock connected: to the server that runs, else to one that it starts itself, and again to either when it was
## lost. Says in one line how things are.

signal changed
## A model can be drawn with. Comes again only when the server has another one.
signal described(catalogue: Catalogue)

enum State { OFF, CONNECTING, STARTING, READY, LOST, MISSING, REFUSED }

const Address := preload("../net/address.gd")
const Catalogue := preload("catalogue.gd")
const ServerProcess := preload("server_process.gd")
const Settings := preload("settings.gd")

const POLL_S := 0.1
const AGAIN_MS := 5000  # after this it looks again whether a server has appeared
const PATIENCE_MS := 1500  # a server that was lost, and is not ours, gets so long to come back before we start one
const RESTARTS := 3  # of our own within RESTARTS_MS: what falls over again and again is not started for ever
const RESTARTS_MS := 60000

var client := VcgClient.new()
var process := ServerProcess.new()
var state := State.OFF
var catalogue := Catalogue.new()

var _words := ""
var _since_ms := 0
var _restarts := PackedInt64Array()
var _asked: VcgRequest
var _used := {}  # the settings that the connection was made with


func _init() -> void:
	name = "ServerKeeper"
	client.name = "Client"
	client.retry_s = INF
	add_child(client)
	client.connected.connect(_on_connected)
	client.disconnected.connect(_on_disconnected)
	var timer := Timer.new()
	timer.wait_time = POLL_S
	timer.autostart = true
	timer.timeout.connect(_poll)
	add_child(timer)


func _exit_tree() -> void:
	end()


## Connect, or start a server and connect.
func begin() -> void:
	ProjectSettings.settings_changed.connect(_on_settings_changed)
	retry()


## The same, once more, with the settings as they are now.
func retry() -> void:
	_restarts.clear()
	process.stop()
	_used = _settings()
	client.address = Settings.text(Settings.ADDRESS)
	client.token = Settings.token()
	client.tls_certificate_path = ProjectSettings.globalize_path(Settings.text(Settings.CERTIFICATE))
	var problem := Settings.problem()
	if not problem.is_empty():
		_be(State.REFUSED, problem)
		return
	_open(State.CONNECTING, "Connecting to %s" % client.address)


## Say goodbye, and let the server go that we started. Others are left alone.
func end() -> void:
	if ProjectSettings.settings_changed.is_connected(_on_settings_changed):
		ProjectSettings.settings_changed.disconnect(_on_settings_changed)
	client.close()
	process.stop()
	state = State.OFF


func is_ready() -> bool:
	return state == State.READY


## One line for people.
func words() -> String:
	return _words


## What more there is to know: for the tooltip.
func details() -> String:
	var lines := PackedStringArray([_words, "Address: %s" % client.address])
	if process.state == ServerProcess.State.RUNNING:
		lines.append("The editor started this server (process %d) and stops it when it closes." % process.pid)
	elif is_ready():
		lines.append("This server was there before; the editor leaves it alone.")
	return "\n".join(lines)


func _settings() -> Dictionary:
	var read := {}
	for setting: String in [Settings.ADDRESS, Settings.COMMAND, Settings.TOKEN_FILE, Settings.CERTIFICATE]:
		read[setting] = Settings.text(setting)
	read[Settings.AUTOSTART] = Settings.flag(Settings.AUTOSTART)
	return read


func _on_settings_changed() -> void:
	if _settings() != _used:
		retry()


func _on_connected(welcome: Dictionary) -> void:
	var models: Array = welcome.get("models", [])
	if models.is_empty():
		_be(State.REFUSED, "The server at %s has no model to draw with." % client.address)
		return
	_be(State.READY, "Connected")
	_asked = client.describe()
	_asked.described.connect(_on_described.bind(welcome))
	_asked.failed.connect(func(error: VcgError) -> void: _be(State.REFUSED, error.text()))


func _on_described(description: Dictionary, welcome: Dictionary) -> void:
	var arrived := Catalogue.new(description)
	var device: String = welcome.get("device", "")
	_be(State.READY, "%s%s" % [arrived.title(), "" if device.is_empty() else ", on " + device])
	if arrived.sha256() != catalogue.sha256():
		catalogue = arrived
		described.emit(catalogue)


func _on_disconnected(reason: VcgError) -> void:
	if state == State.OFF:
		return
	if client.state != "failed":  # it goes on trying by itself
		if state != State.STARTING:
			_be(State.LOST, "Connection lost. Trying again.")
		return
	if reason.code == "no_server" or reason.code == "disconnected" or reason.code == "timeout":
		if state == State.CONNECTING and _may_start():
			_start(client.address)
		elif state == State.CONNECTING:
			_be(State.MISSING, _missing_words())
		return
	_be(State.REFUSED, reason.text())


func _missing_words() -> String:
	if not _is_loopback(client.address):
		return "No server answers at %s. Start it there, or correct vcg_bridge/server/address." % client.address
	if not process.problem.is_empty():
		return process.problem
	return "No server answers at %s. Start one with `vcg serve`." % client.address


func _may_start() -> bool:
	return Settings.flag(Settings.AUTOSTART) and _is_loopback(client.address)


static func _is_loopback(text: String) -> bool:
	var address := Address.new(text)
	return address.valid and not address.tls and address.is_loopback()


func _start(bind: String) -> void:
	var now := Time.get_ticks_msec()
	while not _restarts.is_empty() and now - _restarts[0] > RESTARTS_MS:
		_restarts.remove_at(0)
	if _restarts.size() >= RESTARTS:
		_be(State.MISSING, _missing_words())
		return
	_restarts.append(now)
	process.start(Settings.text(Settings.COMMAND), bind, Settings.text(Settings.TOKEN_FILE))
	_be(State.STARTING, "Starting a server")


func _open(new_state: State, line: String) -> void:
	_be(new_state, line)
	client.open()


func _be(new_state: State, line: String) -> void:
	var same := state == new_state and _words == line
	if state != new_state:
		_since_ms = Time.get_ticks_msec()
	state = new_state
	_words = line
	if not same:
		changed.emit()


func _poll() -> void:
	if state == State.OFF:
		return
	var was := process.state
	process.poll()
	if process.state != was:
		if process.state == ServerProcess.State.RUNNING:
			client.close()
			client.address = process.address
			_open(State.CONNECTING, "Connecting to %s" % client.address)
		elif process.state == ServerProcess.State.FAILED:
			_on_process_failed(was)
	var waited := Time.get_ticks_msec() - _since_ms
	match state:
		State.LOST:
			if waited > PATIENCE_MS and process.state == ServerProcess.State.OFF and _may_start():
				_start(client.address)
		State.MISSING, State.REFUSED:
			if waited > AGAIN_MS and Settings.problem().is_empty():
				_since_ms = Time.get_ticks_msec()
				_look_again()


func _on_process_failed(was: ServerProcess.State) -> void:
	if process.is_address_taken():  # by something that does not answer us: then on a port of our own
		_start("tcp://127.0.0.1:0")
	elif was == ServerProcess.State.RUNNING or client.state == "ready":
		_start(client.address)  # ours fell over
	else:
		_be(State.MISSING, process.problem)


## Somebody may have started a server, or installed one, meanwhile. The line stays as it is until that is so.
func _look_again() -> void:
	if client.state == "failed" or client.state == "idle":
		var line := _words
		var before := state
		state = State.CONNECTING
		client.open()
		if client.state == "failed":
			_be(before, line)
