@tool
class_name VcgLoader
extends Node
## Gets characters for [VcgCharacter2D] and [VcgSprite3D]: from the cache, else from the server, a few at a time.
##
## Put one into a scene to set its [member client]; otherwise the first character that needs one makes one under the tree's
## root, which connects to the address in the project settings ([code]vcg_bridge/server/address[/code]).

const GROUP := &"vcg_loader"

const _Background := preload("background.gd")
const _JOBS := 8  # asked for at once; a server takes 16 of one client
const _ADDRESS := "vcg_bridge/server/address"


## A character that was asked for. Its signals come on the main thread; it ends with one of [signal loaded] and
## [signal failed].
class Ticket:
	extends RefCounted

	## Something can be shown, or more than before.
	signal progressed(look: VcgLook)
	signal loaded(look: VcgLook)
	signal failed(error: VcgError)

	var recipe: VcgRecipe
	var animations: PackedStringArray
	var output: Dictionary
	var look: VcgLook
	var error: VcgError
	## It came from the cache.
	var cached := false
	var is_over := false

	var _job: WeakRef  # the client keeps it; it keeps the ticket

	## It is not wanted any more: no signal comes.
	func cancel() -> void:
		is_over = true
		var job := job_of()
		if job != null:
			job.cancel()

	## The job that draws it; null where none does.
	func job_of() -> VcgJob:
		return null if _job == null else _job.get_ref()

	func _advance(generated: VcgGenerated, picture: VcgPicture) -> void:
		if is_over:
			return
		if look == null:
			look = VcgLook.new(generated)
		elif not picture in [null, look.generated.preview]:
			look.add(picture)
		progressed.emit(look)

	func _end(error_: VcgError) -> void:
		if is_over:
			return
		is_over = true
		error = error_
		if error == null:
			loaded.emit(look)
		else:
			failed.emit(error)


## The connection; where there is none the loader makes one of its own when it is needed.
@export var client: VcgClient
## Seconds that a character waits for a server to appear before it fails.
@export var patience_s := 5.0

## Where characters are kept. Null: nowhere.
var cache := VcgCache.new()
## What the models can draw: sha256 -> description. For changes of colour.
var descriptions := {}

var _waiting: Array[Ticket] = []
var _running: Array[Ticket] = []
var _asked := {}  # model -> VcgRequest


## The loader that a node uses: one that is in the tree, else a new one under its root.
static func of(node: Node) -> VcgLoader:
	var tree := node.get_tree()
	var found := tree.get_first_node_in_group(GROUP)
	if found is VcgLoader:
		return found
	var loader := VcgLoader.new()
	loader.name = "VcgLoader"
	loader.add_to_group(GROUP)
	tree.root.add_child.call_deferred(loader)
	return loader


func _init() -> void:
	add_to_group(GROUP)


## Ask for a character. [param output]: of the protocol's request; the format is always r8.
func want(recipe: VcgRecipe, animations: PackedStringArray, output: Dictionary = {}) -> Ticket:
	var ticket := Ticket.new()
	ticket.recipe = recipe
	ticket.animations = animations
	ticket.output = output.merged({"format": "r8"}, true)
	if recipe == null or recipe.problem != null:
		var fault := VcgError.new("recipe", "there is no recipe") if recipe == null else recipe.problem
		ticket._end.call_deferred(fault)
		return ticket
	_Background.run(_look_up.bind(ticket), _looked_up.bind(ticket))
	return ticket


## What the model of a recipe can draw; empty where it is not known yet.
func description_of(recipe: VcgRecipe) -> Dictionary:
	return descriptions.get(recipe.model_sha256, {})


## In a thread.
func _look_up(ticket: Ticket) -> Array:
	if cache == null:
		return [null, {}]
	var sha256 := ticket.recipe.model_sha256
	var description := {} if descriptions.has(sha256) else cache.load_map("model-" + sha256)
	return [cache.load_character(VcgCache.key(ticket.recipe, ticket.animations, ticket.output)), description]


func _looked_up(found: Array, ticket: Ticket) -> void:
	var generated: VcgGenerated = found[0]
	var description: Dictionary = found[1]
	if not description.is_empty():
		descriptions[ticket.recipe.model_sha256] = description
	if ticket.is_over:
		return
	if generated != null:
		ticket.cached = true
		ticket._advance(generated, null)
		ticket._end(null)
		return
	_waiting.append(ticket)
	_start_more()


func _start_more() -> void:
	while _running.size() < _JOBS and not _waiting.is_empty():
		var ticket: Ticket = _waiting.pop_front()
		if not ticket.is_over:
			_start(ticket)


func _start(ticket: Ticket) -> void:
	_have_client()
	_describe(ticket.recipe)
	_running.append(ticket)
	var request := {"recipe": ticket.recipe.to_map(), "animations": Array(ticket.animations), "output": ticket.output}
	var job := client.generate(request)
	ticket._job = weakref(job)
	job.preview.connect(func(picture: VcgPicture, of_: VcgGenerated) -> void: ticket._advance(of_, picture))
	job.picture.connect(func(picture: VcgPicture, of_: VcgGenerated) -> void: ticket._advance(of_, picture))
	job.finished.connect(func(_done: Dictionary) -> void: _finished(ticket))
	job.failed.connect(func(error: VcgError) -> void: _over(ticket, error))
	job.cancelled.connect(func() -> void: _over(ticket, VcgError.new("cancelled", "the job was cancelled")))


func _finished(ticket: Ticket) -> void:
	var job := ticket.job_of()
	var generated := job.character if job != null else null
	if cache != null and generated != null and generated.complete:
		var key := VcgCache.key(ticket.recipe, ticket.animations, ticket.output)
		_Background.run(cache.store_character.bind(key, generated))
	_over(ticket, null)


func _over(ticket: Ticket, error: VcgError) -> void:
	_running.erase(ticket)
	ticket._end(error)
	_start_more()


func _have_client() -> void:
	if client != null:
		return
	client = VcgClient.new()
	client.address = str(ProjectSettings.get_setting(_ADDRESS, client.address))
	client.timeout_s = patience_s
	client.retry_s = patience_s
	add_child(client)


func _describe(recipe: VcgRecipe) -> void:
	if descriptions.has(recipe.model_sha256) or _asked.has(recipe.model):
		return
	var asked := client.describe(recipe.model)
	_asked[recipe.model] = asked
	asked.described.connect(_described.bind(recipe.model))
	asked.failed.connect(func(_error: VcgError) -> void: _asked.erase(recipe.model))


func _described(description: Dictionary, model: String) -> void:
	_asked.erase(model)
	var sha256: String = description["sha256"]
	descriptions[sha256] = description
	if cache != null:
		_Background.run(cache.store_map.bind("model-" + sha256, description))
