extends Node2D
## A village of 200 people, all different, drawn by a VCG Bridge server while the game runs.
##
## R asks for 200 new ones, C gives them other colours without asking anybody. Arguments, after -- on the command line:
## --address=tcp://HOST:PORT, --seed=N, --no-start (start no server), --seconds=N (then leave), --crowds=N (leave when so many
## have come), --every=S (press R and C by itself), --report=FILE (JSON) and --picture=FILE (PNG), both at the end.

const Crowd := preload("crowd.gd")
const Figures := preload("figures.gd")
const Ground := preload("ground.gd")
const Hud := preload("hud.gd")
const Map := preload("map.gd")
const Props := preload("props.gd")
const Server := preload("server.gd")

const WARM_UP_S := 1.0  # the first frames compile shaders

var _options := {"seed": "2026"}
var _seed := 0
var _figures := Figures.new()
var _crowds: Array[Dictionary] = []  # of each crowd: how long it took, what it did to the frames
var _begun_ms := 0
var _shows_figures := false
var _words := PackedStringArray()

@onready var _ground: Sprite2D = $Ground
@onready var _client: VcgClient = $Client
@onready var _server: Server = $Server
@onready var _crowd: Crowd = $Crowd
@onready var _hud: Hud = $Hud


func _ready() -> void:
	for argument: String in OS.get_cmdline_user_args():
		_options[argument.trim_prefix("--").get_slice("=", 0)] = argument.get_slice("=", 1)
	_seed = str(_options["seed"]).to_int()
	var random := RandomNumberGenerator.new()
	random.seed = 7
	var map := Map.new()
	_ground.texture = ImageTexture.create_from_image(Ground.new(random).paint(map))
	for prop: Sprite2D in Props.new(random).all():
		_crowd.add_child(prop)
	_crowd.people(map, _seed)
	_crowd.completed.connect(_on_completed)
	_crowd.failed.connect(func(error: VcgError) -> void: _say(error.text()))
	_server.told.connect(_say)
	_server.ready_to_draw.connect(_on_ready_to_draw)
	_server.may_start = not _options.has("no-start")
	_server.begin(str(_options.get("address", "")))
	if _options.has("seconds"):
		get_tree().create_timer(str(_options["seconds"]).to_float()).timeout.connect(_leave)


func _process(_delta: float) -> void:
	_figures.frame()
	if Engine.get_process_frames() % 15 == 0:
		var coming := ", %d of %d new ones" % [_crowd.arrived, Crowd.COUNT] if _crowd.is_coming else ""
		var figures := "    %d fps" % roundi(_figures.per_second()) if _shows_figures else ""
		_hud.count(_crowd.shown(), _crowd.different(), coming + figures)


func _unhandled_key_input(event: InputEvent) -> void:
	var key: InputEventKey = event
	if not key.pressed or key.echo:
		return
	match key.keycode:
		KEY_R:
			_new_crowd()
		KEY_C:
			_crowd.recolour()
		KEY_F:
			_shows_figures = not _shows_figures
		KEY_P:
			_crowd.process_mode = PROCESS_MODE_DISABLED if _crowd.can_process() else PROCESS_MODE_INHERIT
		KEY_ESCAPE:
			_leave()


func _on_ready_to_draw() -> void:
	var asked := _client.describe()
	asked.described.connect(_on_described)
	asked.failed.connect(func(error: VcgError) -> void: _say(error.text()))


func _on_described(description: Dictionary) -> void:
	_crowd.description = description
	if _crowd.shown() == 0 and not _crowd.is_coming:
		_new_crowd()


func _new_crowd() -> void:
	if not _client.is_ready() or _crowd.description.is_empty():
		_say("There is no server just now to draw new villagers.")
		return
	_figures.mark()
	_begun_ms = Time.get_ticks_msec()
	_crowd.regenerate(_seed)
	_seed += 1000


func _on_completed() -> void:
	_figures.note_memory()
	(
		_crowds
		. append(
			{
				"seconds": (Time.get_ticks_msec() - _begun_ms) / 1000.0,
				"frames": _figures.frames,
				"longest_frame_ms": _figures.longest_ms,
				"frames_over_33_ms": _figures.over_33,
				"busiest_ms": _figures.busiest_ms,
				"shown": _crowd.shown(),
				"different": _crowd.different(),
			}
		)
	)
	if _options.has("crowds") and _crowds.size() == str(_options["crowds"]).to_int():
		_leave()
	elif _options.has("every"):
		var pause := str(_options["every"]).to_float()
		get_tree().create_timer(pause / 2.0).timeout.connect(_crowd.recolour)
		get_tree().create_timer(pause).timeout.connect(_new_crowd)


func _say(words: String) -> void:
	if not words.is_empty():
		_words.append(words)
		print(words)
	_hud.say(words)


func _leave() -> void:
	if _options.has("picture"):
		await RenderingServer.frame_post_draw
		get_viewport().get_texture().get_image().save_png(str(_options["picture"]))
	if _options.has("report"):
		var report := {"crowds": _crowds, "memory": _figures.memory, "words": _words, "shown": _crowd.shown()}
		FileAccess.open(str(_options["report"]), FileAccess.WRITE).store_string(JSON.stringify(report, "  "))
	get_tree().quit()
