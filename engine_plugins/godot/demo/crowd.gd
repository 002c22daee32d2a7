extends Node2D
## Two hundred villagers: their looks from the server, as they come, a few milliseconds of each frame.

signal progressed(shown: int)
signal completed
signal failed(error: VcgError)

const Map := preload("map.gd")
const Villager := preload("villager.gd")

const COUNT := 200
## How many of each archetype; what the model does not know comes as anybody.
const PEOPLE := {
	"villager": 60,
	"farmhand": 28,
	"youth": 16,
	"elder": 16,
	"merchant": 14,
	"traveller": 14,
	"smith": 12,
	"guard": 10,
	"scholar": 10,
	"bard": 8,
	"noble": 6,
	"knight": 2,
	"angel": 2,
	"fiend": 2,
}
const ANIMATIONS: Array[String] = ["idle", "walk"]
const GROUPS: Array[String] = ["hair", "torso", "legs", "torso2", "neck", "shoes"]
const BUDGET_USEC := 1500  # of a frame, for new colours

@export var client: VcgClient

var villagers: Array[Villager] = []
var description := {}
## Characters of the crowd that is coming, 0 to COUNT.
var arrived := 0
var is_coming := false

var _jobs := {}  # id -> which villagers it is for: an array of their places
var _random := RandomNumberGenerator.new()
var _to_colour: Array[Villager] = []


func people(map: Map, random_seed: int) -> void:
	_random.seed = random_seed
	var random := RandomNumberGenerator.new()
	random.seed = random_seed + 1
	var places := PackedVector2Array()
	for y: int in Map.SIZE.y:
		for x: int in Map.SIZE.x:
			var cell := Vector2i(x, y)
			if map.is_free(cell):
				var street := map.kind(cell) in [Map.Kind.DIRT, Map.Kind.STONE]
				for i: int in 4 if street else 1:
					places.append(Map.centre(cell))
	for i: int in COUNT:
		var villager := Villager.new(map, random)
		villager.position = (
			places[random.randi() % places.size()] + Vector2(random.randf_range(-6, 6), random.randf_range(-5, 5))
		)
		villagers.append(villager)
		add_child(villager)


## New people in place of those who are there, who stay until theirs has come. Needs [member description].
func regenerate(random_seed: int) -> void:
	var running := _jobs.keys()
	_jobs.clear()
	for job: VcgJob in running:
		job.cancel()
	arrived = 0
	is_coming = true
	var places: Array = range(COUNT)
	places.shuffle()
	var known := {}
	for archetype: Dictionary in description["archetypes"]:
		known[archetype["id"]] = true
	var anybody := []
	for id: String in PEOPLE:
		var mine := places.slice(0, int(PEOPLE[id]))
		places = places.slice(mine.size())
		if known.has(id):
			_ask(id, random_seed, mine)
		else:
			anybody.append_array(mine)
	if not anybody.is_empty():
		_ask("", random_seed, anybody)


func _ask(archetype: String, random_seed: int, places: Array) -> void:
	var job := (
		client
		. generate(
			{
				"design": {"seed": random_seed, "archetype": archetype},
				"count": places.size(),
				"animations": ANIMATIONS,
				"preview": false,
				"output": {"format": "r8"},
			}
		)
	)
	_jobs[job] = places
	job.character_ready.connect(_on_character.bind(job.id))
	job.finished.connect(_on_finished.bind(job.id).unbind(1))
	job.failed.connect(_on_failed.bind(job.id))


## Everybody puts on other colours, one after the other from the middle of the village outwards. Asks nobody.
func recolour() -> void:
	if description.is_empty():
		return
	_to_colour = villagers.duplicate()
	var middle := Map.centre(Map.WELL)
	_to_colour.sort_custom(
		func(a: Villager, b: Villager) -> bool:
			return a.position.distance_squared_to(middle) > b.position.distance_squared_to(middle)
	)


## How many look different from everybody else.
func different() -> int:
	var known := {}
	for villager: Villager in villagers:
		if villager.visible:
			known[villager.looks] = true
	return known.size()


func shown() -> int:
	return villagers.filter(func(villager: Villager) -> bool: return villager.visible).size()


func _process(_delta: float) -> void:
	var stop_at := Time.get_ticks_usec() + BUDGET_USEC
	while not _to_colour.is_empty() and Time.get_ticks_usec() < stop_at:
		var villager: Villager = _to_colour.pop_back()
		_colour(villager)


func _colour(villager: Villager) -> void:
	var groups: Dictionary = description["groups"]
	var all_ramps: Dictionary = description["ramps"]
	for group: String in GROUPS:
		if not groups.has(group) or not villager.visible:
			continue
		var ramps: Array = all_ramps[groups[group]]
		var ramp: Dictionary = ramps[_random.randi() % ramps.size()]
		var shades: PackedByteArray = ramp["colours"]
		villager.character.palette.set_shades(description, group, shades)


func _on_character(generated: VcgGenerated, id: String) -> void:
	var job := _job(id)
	if job == null:
		return
	var places: Array = _jobs[job]
	villagers[int(places[generated.index])].dress(generated)
	arrived += 1
	progressed.emit(arrived)


func _on_finished(id: String) -> void:
	_jobs.erase(_job(id))
	if _jobs.is_empty() and is_coming:
		is_coming = false
		completed.emit()


func _on_failed(error: VcgError, id: String) -> void:
	if _job(id) == null:
		return
	_jobs.clear()
	is_coming = false
	failed.emit(error)


## The job of that id, null where it is not wanted any more.
func _job(id: String) -> VcgJob:
	for job: VcgJob in _jobs:
		if job.id == id:
			return job
	return null
