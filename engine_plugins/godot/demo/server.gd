extends Node
## Finds a server, or starts one, and says in words where there is none.

signal ready_to_draw
signal told(words: String)

const ServerProcess := preload("res://addons/vcg_bridge/editor/server_process.gd")

const AGAIN_S := 3.0
const ADDRESS := "vcg_bridge/server/address"
const COMMAND := "vcg_bridge/server/command"

@export var client: VcgClient

## Whether to start a server where none answers.
var may_start := true

var _child := ServerProcess.new()
var _tried_to_start := false


func _ready() -> void:
	client.connected.connect(_on_connected)
	client.disconnected.connect(_on_disconnected)
	client.frame_budget_ms = 3.0


func begin(address: String) -> void:
	client.address = address if not address.is_empty() else str(ProjectSettings.get_setting(ADDRESS, client.address))
	client.retry_s = 20.0
	told.emit("Looking for a VCG Bridge server at %s ..." % client.address)
	client.open()


func _process(_delta: float) -> void:
	if _child.state != ServerProcess.State.STARTING:
		return
	_child.poll()
	if _child.state == ServerProcess.State.RUNNING:
		client.address = _child.address
		client.open(true)
	elif _child.state == ServerProcess.State.FAILED:
		told.emit(_child.problem)
		_again()


func _exit_tree() -> void:
	client.close()
	_child.stop()


func _on_connected(welcome: Dictionary) -> void:
	told.emit("")
	print("Connected to %s on %s" % [welcome.get("server", "a server"), welcome.get("device", "")])
	ready_to_draw.emit()


func _on_disconnected(reason: VcgError) -> void:
	if client.state == "waiting":
		told.emit("The server is gone. Connecting again ...")
		return
	if reason.code == "no_server" and may_start and not _tried_to_start:
		_tried_to_start = true
		told.emit("Starting a VCG Bridge server ...")
		_child.start(str(ProjectSettings.get_setting(COMMAND, "")), client.address, "")
		return
	told.emit(reason.text())
	_again()


func _again() -> void:
	if is_inside_tree():
		get_tree().create_timer(AGAIN_S).timeout.connect(_try_again)


func _try_again() -> void:
	if is_inside_tree() and client.state in ["idle", "failed"]:
		client.open()
