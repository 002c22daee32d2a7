extends Node2D
## Somebody who walks about. The look comes from outside and may change at any time.

const Map := preload("map.gd")

const STEPS: Array[Vector2i] = [Vector2i.UP, Vector2i.LEFT, Vector2i.DOWN, Vector2i.RIGHT]
const SIDES: PackedStringArray = ["up", "left", "down", "right"]
const INNER := Rect2i(4, 5, Map.SIZE.x - 8, Map.SIZE.y - 8)  # cells that people rather stay in
const SHADOW := Color(0.1, 0.12, 0.1, 0.28)

var character := VcgCharacter2D.new()
## Hash of recipe and colours: two villagers with the same one would look the same.
var looks := ""

var _map: Map
var _random: RandomNumberGenerator
var _target := Vector2.ZERO
var _pause := 0.0
var _side := 2
var _speed := 40.0


func _init(map: Map, random: RandomNumberGenerator) -> void:
	_map = map
	_random = random
	_speed = random.randf_range(30.0, 52.0)
	_pause = random.randf_range(0.0, 2.0)
	visible = false
	add_child(character)


func _ready() -> void:
	_target = position


func _draw() -> void:
	draw_set_transform(Vector2(0, -1), 0.0, Vector2(1.0, 0.42))
	draw_circle(Vector2.ZERO, 11.0, SHADOW)


func _process(delta: float) -> void:
	if _pause > 0.0:
		_pause -= delta
		if _pause <= 0.0:
			_choose()
		return
	position = position.move_toward(_target, _speed * delta)
	if position == _target:
		if _random.randf() < 0.35:
			_pause = _random.randf_range(0.6, 3.5)
			character.play("idle", SIDES[_side])
		else:
			_choose()


## Show a new look from now on.
func dress(generated: VcgGenerated) -> void:
	character.show_generated(generated)
	looks = JSON.stringify(generated.recipe)
	visible = true


## A way to go: straight on rather than back, along streets rather than over the grass.
func _choose() -> void:
	var here := Map.cell_of(position)
	var best := -1
	var score := 0.0
	for side: int in 4:
		var next := here + STEPS[side]
		if not _map.is_free(next):
			continue
		var wish := _random.randf() * (0.4 if side == (_side + 2) % 4 else 1.0)
		wish *= 1.0 if _map.kind(here + STEPS[side] * 2) in [Map.Kind.DIRT, Map.Kind.STONE] else 0.45
		wish *= 0.2 if not INNER.has_point(next) and INNER.has_point(here) else 1.0
		if wish > score:
			score = wish
			best = side
	if best < 0:
		_pause = 1.0
		return
	_side = best
	var far := _random.randi_range(2, 9)
	var cell := here
	while far > 0 and _map.is_free(cell + STEPS[best]):
		cell += STEPS[best]
		far -= 1
	var aside := Vector2(_random.randf_range(-5, 5), 0) if best % 2 == 0 else Vector2(0, _random.randf_range(-5, 5))
	_target = Map.centre(cell) + aside
	if best % 2 == 0:
		_target.x = position.x
	else:
		_target.y = position.y
	character.play("walk", SIDES[_side])
