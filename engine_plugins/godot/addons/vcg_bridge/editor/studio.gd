@tool
extends Node
## What the dock does: every button and slider calls one method here. It asks the server, shows what comes, and makes each
## action one step of the editor's undo.

## The settings changed otherwise than by the panel that shows them.
signal draft_changed
## Another character is shown, or more pictures of it.
signal character_changed
## Only the colours of the one that is shown changed.
signal colours_changed
## A character is complete, and came of an action: one for the history.
signal finished_character(generated: VcgGenerated)
## Twelve to pick from come one by one. null: a new dozen begins.
signal variation(generated: VcgGenerated)
signal busy_changed(busy: bool)
## What went wrong, in words; "": nothing any more.
signal trouble(text: String)
signal saved(result: VcgSaveResult)

const Catalogue := preload("catalogue.gd")
const Draft := preload("draft.gd")
const Drawing := preload("drawing.gd")
const Gallery := preload("gallery.gd")
const Steps := preload("steps.gd")

const VARIATIONS := 12
const SETTLE_S := 0.4  # a slider that rests so long has made its step, and the other animations are fetched
const SEED_LIMIT := 1000000  # of the dice: short enough to read out; the field takes any up to 2^63 - 1
const FACING := "down"

var draft := Draft.new()
var catalogue := Catalogue.new()
## The character that is shown; null before the first.
var shown: VcgGenerated
## Its colours. Always the same object, so that what shows them follows.
var palette := VcgPalette.new()
## Id of the animation that is shown; it is drawn first.
var seen_animation := ""

var _client: VcgClient
var _drawing: Drawing
var _gallery := Gallery.new()
var _steps: Steps
var _dozen: VcgJob
var _quiet := Timer.new()
var _held := false  # a slider is held down
var _save_wanted := false
var _saving: VcgSaveTask
var _dice := RandomNumberGenerator.new()


func _init(client: VcgClient = null, undo: EditorUndoRedoManager = null) -> void:
	name = "Studio"
	if client == null:
		return
	_client = client
	_drawing = Drawing.new(client)
	_drawing.arrived.connect(_on_arrived)
	_drawing.grew.connect(_on_grew)
	_drawing.completed.connect(_on_completed)
	_drawing.failed.connect(_on_failed)
	_drawing.busy_changed.connect(func(_busy: bool) -> void: busy_changed.emit(is_busy()))
	_steps = Steps.new(undo, draft, _restore)
	_dice.randomize()
	_quiet.one_shot = true
	_quiet.wait_time = SETTLE_S
	_quiet.timeout.connect(_on_quiet)
	add_child(_quiet)


## Another model. A character of the one before cannot be drawn with it and goes; the history keeps its recipe.
func set_catalogue(arrived: Catalogue) -> void:
	_steps.close()
	_drawing.stop()
	_gallery.clear()
	catalogue = arrived
	if catalogue.animation(seen_animation).is_empty() and not catalogue.animations().is_empty():
		seen_animation = catalogue.animations()[0]["id"]
	if draft.recipe.get("model_sha256", catalogue.sha256()) != catalogue.sha256():
		draft.take({}, false)
		draft.locks = {}
		shown = null
	draft_changed.emit()
	if draft.recipe.is_empty():
		character_changed.emit()
	else:
		_show(draft.recipe)


func is_busy() -> bool:
	return _drawing.is_busy() or _dozen != null or _saving != null or _save_wanted


## The animations that are made, the one that is seen first.
func wanted_animations() -> PackedStringArray:
	var wanted := draft.animations if not draft.animations.is_empty() else catalogue.animation_ids()
	var ordered := PackedStringArray()
	if not seen_animation.is_empty():
		ordered.append(seen_animation)
	for id: String in wanted:
		if id != seen_animation and not catalogue.animation(id).is_empty():
			ordered.append(id)
	return ordered


# actions: what is new


## A character of the settings as they are.
func generate() -> void:
	_steps.open("Generate NPC")
	_draw_new(false)


## Another seed; locked layers stay.
func reroll() -> void:
	_steps.open("Re-roll NPC")
	draft.seed_number = _dice.randi_range(1, SEED_LIMIT)
	draft_changed.emit()
	_draw_new(false)


## Another number in the seed's field; nothing is drawn.
func throw_dice() -> void:
	set_field("seed_number", _dice.randi_range(1, SEED_LIMIT), "Throw the dice")
	draft_changed.emit()


## Draws while it moves.
func set_novelty(percent: int) -> void:
	if percent == draft.novelty:
		return
	_steps.open("Change novelty")
	draft.novelty = percent
	if draft.recipe.is_empty():
		_rest()
	else:
		_draw_new(true)


## One of the plain settings: archetype, body, seed_number, animations, file_name, folder. Nothing is drawn.
func set_field(field: String, value: Variant, step: String) -> void:
	if draft.get(field) == value:
		return
	_steps.open(step)
	draft.set(field, value)
	_rest()
	if field == "animations":
		_fill_in()


func set_lock(layer: String, locked: bool) -> void:
	_steps.open("%s %s" % ["Lock" if locked else "Unlock", catalogue.layer(layer).get("title", layer)])
	if locked:
		draft.locks[layer] = true
	else:
		draft.locks.erase(layer)
	_steps.close()
	draft_changed.emit()


# actions: the character that is there


## Put on another item; "": none.
func set_item(layer: String, item: String) -> void:
	if draft.recipe.is_empty():
		return
	_steps.open("Change %s" % catalogue.layer(layer).get("title", layer))
	_drawing.draw(Drawing.Wish.new({"design": draft.design_item(layer, item)}, wanted_animations()))


## Another ramp: a change of the palette, the server is not asked.
func set_ramp(group: String, ramp: String) -> void:
	if shown == null:
		return
	var ramps: Dictionary = draft.recipe["ramps"]
	if ramps.get(group, "") == ramp:
		return
	_steps.open("Change colour of %s" % group)
	draft.set_ramp(group, ramp)
	shown = Gallery.in_colours(shown, draft.recipe, catalogue.description)
	palette.colours = shown.palette
	colours_changed.emit()
	_rest()


## Draws while it moves. [param key]: "layer/control".
func set_control(key: String, percent: int) -> void:
	if draft.recipe.is_empty() or draft.controls.get(key, 0) == percent:
		return
	_steps.open("Change %s" % key.get_slice("/", 1))
	draft.move_control(key, percent)
	_drawing.draw(Drawing.Wish.new({"design": draft.design_controls()}, _only_seen(), true))
	_rest()


## A slider is held down, or let go: what happens between is one step.
func hold(held: bool) -> void:
	_held = held
	if not held:
		_rest()


## Show a character that was drawn before, or whose recipe is known.
func pick(recipe: Dictionary, step: String) -> void:
	if recipe.get("model_sha256", "") != catalogue.sha256():
		trouble.emit(
			(
				"That character belongs to another version of the model (%s), which this server does not have."
				% recipe.get("model", "")
			)
		)
		return
	_steps.open(step)
	draft.take(recipe, false)
	draft_changed.emit()
	_show(recipe)


## Another animation is looked at.
func see(animation: String) -> void:
	seen_animation = animation
	if shown != null and shown.picture_of(animation) == null:
		_fill_in()
	character_changed.emit()


## Twelve characters to pick from; locked layers stay.
func make_variations() -> void:
	drop_variations()
	trouble.emit("")
	variation.emit(null)
	var design := draft.design_new(catalogue.groups_of)
	design["seed"] = _dice.randi_range(1, SEED_LIMIT)
	var request := {
		"design": design, "count": VARIATIONS, "animations": [seen_animation], "output": {"kind": "preview"}
	}
	_dozen = _client.generate(request)
	var job := _dozen
	_dozen.character_ready.connect(_on_variation.bind(job))
	_dozen.finished.connect(func(_done: Dictionary) -> void: _end_dozen(job, null))
	_dozen.failed.connect(func(error: VcgError) -> void: _end_dozen(job, error))
	_dozen.cancelled.connect(func() -> void: _end_dozen(job, null))
	busy_changed.emit(true)


func drop_variations() -> void:
	if _dozen != null:
		var job := _dozen
		_dozen = null
		job.cancel()
		busy_changed.emit(is_busy())


## Write the character into the project, once all its animations are there.
func save() -> void:
	if draft.recipe.is_empty():
		trouble.emit("There is no character yet: press Generate.")
		return
	if _saving != null:
		return
	if draft.save_folder().is_empty():
		trouble.emit("%s is no folder of this project. Use one that begins with res://." % draft.folder)
		return
	trouble.emit("")
	_save_wanted = true
	_fill_in()


## Stop everything; the dock closes.
func close() -> void:
	if _client == null:
		return
	_steps.close()
	_drawing.stop()
	drop_variations()


# what comes of it


func _draw_new(live: bool) -> void:
	var wish := Drawing.Wish.new(
		{"design": draft.design_new(catalogue.groups_of)}, _only_seen() if live else wanted_animations(), live
	)
	_drawing.draw(wish)
	_rest()


func _only_seen() -> PackedStringArray:
	return PackedStringArray([seen_animation])


func _on_arrived(wish: Drawing.Wish, generated: VcgGenerated) -> void:
	trouble.emit("")
	if wish.fills_in:
		_on_grew(wish, generated)
		return
	var design: Dictionary = wish.what["design"]
	draft.take(generated.recipe, design.has("controls"))
	shown = Gallery.in_colours(generated, draft.recipe, catalogue.description)
	palette.colours = shown.palette
	draft_changed.emit()
	character_changed.emit()


func _on_grew(_wish: Drawing.Wish, generated: VcgGenerated) -> void:
	if draft.recipe.is_empty() or not Gallery.same_clothes(generated.recipe, draft.recipe):
		return
	if shown == null or not Gallery.same_clothes(shown.recipe, draft.recipe):
		shown = Gallery.in_colours(generated, draft.recipe, catalogue.description)
		palette.colours = shown.palette
	else:
		Gallery.join(shown, generated.pictures)
		if generated.preview != null:
			shown.preview = generated.preview
	character_changed.emit()


func _on_completed(wish: Drawing.Wish, generated: VcgGenerated) -> void:
	_gallery.keep(generated)
	if not wish.live:
		_on_quiet()


func _on_failed(wish: Drawing.Wish, error: VcgError) -> void:
	_save_wanted = false
	trouble.emit(error.text())
	if wish.fills_in:
		busy_changed.emit(is_busy())
		return
	_steps.take_back()
	draft_changed.emit()
	_show(draft.recipe)


## Undo and redo come here.
func _restore(taken: Dictionary) -> void:
	_steps.forget()
	_drawing.stop()
	_save_wanted = false
	draft.restore(taken)
	trouble.emit("")
	draft_changed.emit()
	_show(draft.recipe)


## Show the character of a recipe: at once where it was drawn lately, else when it comes.
func _show(recipe: Dictionary) -> void:
	if recipe.is_empty():
		shown = null
		character_changed.emit()
		return
	var known := _gallery.find(recipe, catalogue.description)
	if known != null:
		shown = known
		palette.colours = shown.palette
		character_changed.emit()
	_fill_in()


## See to it that every animation that is wanted is there, of the character that is shown.
func _fill_in() -> void:
	if draft.recipe.is_empty() or catalogue.is_empty() or not _drawing.is_settled():
		return
	var missing := _missing()
	if missing.is_empty():
		_on_quiet()
	else:
		_drawing.draw(Drawing.Wish.new({"recipe": draft.recipe}, missing, false, true))


## Animations that are wanted and not drawn yet.
func _missing() -> PackedStringArray:
	var known := _gallery.find(draft.recipe, catalogue.description)
	var missing := PackedStringArray()
	for id: String in wanted_animations():
		if known == null or known.picture_of(id) == null:
			missing.append(id)
	return missing


## Wait for a little quiet, and then make the step.
func _rest() -> void:
	_quiet.start()


## Nothing has moved for a while, or a drawing is done: the step is made, and what is missing is fetched.
func _on_quiet() -> void:
	if _held or not _drawing.is_settled():
		_rest()
		return
	_quiet.stop()
	_steps.close()
	if draft.recipe.is_empty() or catalogue.is_empty():
		return
	if not _missing().is_empty():
		if not _drawing.is_busy():
			_fill_in()
		return
	var complete := _gallery.find(draft.recipe, catalogue.description)
	if _steps.take_changed():
		finished_character.emit(complete)
	if _save_wanted:
		_write(complete)


func _write(generated: VcgGenerated) -> void:
	_save_wanted = false
	var wanted := wanted_animations()
	if not draft.animations.is_empty() and not draft.animations.has(seen_animation):
		wanted.remove_at(0)  # it was only looked at
	var pictures: Array[VcgPicture] = []
	for id: String in catalogue.animation_ids():
		if wanted.has(id):
			pictures.append(generated.picture_of(id))
	generated.pictures = pictures
	_saving = VcgSaveTask.start(generated, catalogue.description, draft.save_folder(), draft.save_name())
	busy_changed.emit(true)
	var result: VcgSaveResult = await _saving.finished
	_saving = null
	busy_changed.emit(is_busy())
	saved.emit(result)


func _on_variation(generated: VcgGenerated, job: VcgJob) -> void:
	if job == _dozen:
		variation.emit(generated)


func _end_dozen(job: VcgJob, error: VcgError) -> void:
	if job != _dozen:
		return
	_dozen = null
	busy_changed.emit(is_busy())
	if error != null:
		trouble.emit(error.text())
