@tool
extends RefCounted
## `vcg serve` as a child of the editor: found, started and stopped without the main thread waiting for anything.
##
## The child's standard input is a pipe whose other end only this process holds: the system closes it however the editor
## ends, and the server then stops in good order (docs/adr/0005).

enum State { OFF, STARTING, RUNNING, FAILED }

const PROGRAM := "vcg"
const START_S := 60.0  # a cold disk, a virus scanner: a start takes a second or two otherwise
const KEEP_LOG_BYTES := 4000

## What the child is doing.
var state := State.OFF
## Where it listens; "" before it does.
var address := ""
## Why it is not running, in words.
var problem := ""
## The command was not found. Starting it again is in vain until a setting changes.
var not_found := false
## Its process id, 0 before it is started. For tests.
var pid := 0

var _worker: Thread
var _pipe: FileAccess
var _errors: FileAccess
var _log := ""
var _ready_file := ""
var _since_ms := 0
var _mutex := Mutex.new()
var _started := {}  # what the thread found: filled under the mutex


## Start `vcg serve` at an address. [param command]: path of the program, or of a folder that it is in; "": search for it.
func start(command: String, bind: String, token_file: String) -> void:
	stop()
	state = State.STARTING
	address = ""
	problem = ""
	not_found = false
	_log = ""
	_since_ms = Time.get_ticks_msec()
	_ready_file = _fresh_ready_file()
	var arguments := PackedStringArray(["serve", "--bind", bind, "--ready-file", _ready_file, "--stop-with-stdin"])
	if not token_file.is_empty():
		arguments.append_array(PackedStringArray(["--token-file", ProjectSettings.globalize_path(token_file)]))
	var project := ProjectSettings.globalize_path("res://")
	_started = {}
	_worker = Thread.new()
	_worker.start(_launch.bind(command, project, arguments))


## Let the child go. It ends by itself when its input closes.
func stop() -> void:
	_join()
	_started = {}
	_pipe = null
	_errors = null
	pid = 0
	state = State.OFF
	if not _ready_file.is_empty() and FileAccess.file_exists(_ready_file):
		DirAccess.remove_absolute(_ready_file)
	_ready_file = ""


## Look how it is. Costs next to nothing; call it a few times a second.
func poll() -> void:
	if state == State.STARTING and _worker != null:
		_mutex.lock()
		var done := not _started.is_empty()
		_mutex.unlock()
		if not done:
			return
		_join()
		if _started.has("problem"):
			not_found = _started.get("not_found", false)
			_fail(_started["problem"])
			return
		_pipe = _started["stdio"]
		_errors = _started["stderr"]
		pid = _started["pid"]
		_started = {}  # it would keep the pipe open
	if state == State.STARTING or state == State.RUNNING:
		_read_log()
		if not OS.is_process_running(pid):
			_fail(_last_words("vcg serve ended%s" % (" before it listened" if state == State.STARTING else "")))
		elif state == State.STARTING and FileAccess.file_exists(_ready_file):
			address = FileAccess.get_file_as_string(_ready_file).get_slice("\n", 0).strip_edges()  # a second line is that of TLS
			DirAccess.remove_absolute(_ready_file)
			state = State.RUNNING
		elif state == State.STARTING and Time.get_ticks_msec() - _since_ms > START_S * 1000:
			_fail(_last_words("vcg serve did not listen within %d s" % roundi(START_S)))


## The address that was asked for is taken by something else.
func is_address_taken() -> bool:
	return state == State.FAILED and "is taken" in problem


func _fail(words: String) -> void:
	stop()
	state = State.FAILED
	problem = words


func _join() -> void:
	if _worker != null:
		_worker.wait_to_finish()
		_worker = null


## In a thread: starting a process copies the tables of a large one, and looking for a file can wait for a disk.
func _launch(command: String, project: String, arguments: PackedStringArray) -> void:
	var result := {}
	var program := find(command, project)
	if program.is_empty():
		result = {"not_found": true, "problem": _not_found_words(command)}
	else:
		result = OS.execute_with_pipe(program, arguments, false)
		if result.is_empty():
			result = {"problem": "%s could not be started. Is it a program that you may run?" % program}
	_mutex.lock()
	_started = result
	_mutex.unlock()


## The program: [param command] if it is set, else vcg in the project's .venv or the one beside it, else in PATH. "" where
## there is none. The environment of the project comes first, because it is the one that somebody made for it.
static func find(command: String, project: String) -> String:
	var windows := OS.get_name() == "Windows"
	var names := PackedStringArray([PROGRAM + ".exe", PROGRAM + ".cmd"] if windows else [PROGRAM])
	if not command.is_empty():
		if FileAccess.file_exists(command):
			return command
		return _in_folder(command, names)
	var folders := PackedStringArray()
	for base: String in [project, project.path_join("..")]:
		folders.append(base.path_join(".venv").path_join("Scripts" if windows else "bin").simplify_path())
	folders.append_array(OS.get_environment("PATH").split(";" if windows else ":", false))
	if not windows:  # an editor that was started from a desktop often lacks what a shell adds
		folders.append(OS.get_environment("HOME").path_join(".local/bin"))
	for folder: String in folders:
		var found := _in_folder(folder, names)
		if not found.is_empty():
			return found
	return ""


static func _in_folder(folder: String, names: PackedStringArray) -> String:
	for name: String in names:
		var path := folder.path_join(name)
		if FileAccess.file_exists(path):
			return path
	return ""


static func _not_found_words(command: String) -> String:
	if not command.is_empty():
		return "There is no %s. Correct vcg_bridge/server/command in the project settings." % command
	return (
		"No server runs, and there is no `vcg` command to start one. Install VCG Bridge, or set its path in the project"
		+ " settings (vcg_bridge/server/command)."
	)


static func _fresh_ready_file() -> String:
	var folder := ProjectSettings.globalize_path("res://.godot/vcg_bridge")
	DirAccess.make_dir_recursive_absolute(folder)
	var path := folder.path_join("server-%d-%d.address" % [OS.get_process_id(), Time.get_ticks_usec()])
	return path


## Its output has to be read, or it would wait for room in the pipe.
func _read_log() -> void:
	for stream: FileAccess in [_errors, _pipe]:
		if stream == null:
			continue
		var bytes := stream.get_buffer(4096)
		if not bytes.is_empty():
			_log = (_log + bytes.get_string_from_utf8()).right(KEEP_LOG_BYTES)


func _last_words(what: String) -> String:
	_read_log()
	var said := PackedStringArray()
	for line: String in _log.split("\n", false):
		if not line.strip_edges().is_empty():
			said.append(line.strip_edges())
	return what + ("." if said.is_empty() else ": " + " ".join(said.slice(-3)))
