@tool
extends RefCounted
## A level designer's hour with the dock, from enabling the addon to disabling it.

const Catalogue := preload("res://addons/vcg_bridge/editor/catalogue.gd")
const Dock := preload("res://addons/vcg_bridge/editor/dock.gd")
const Driver := preload("driver.gd")
const Keeper := preload("res://addons/vcg_bridge/editor/server_keeper.gd")
const Settings := preload("res://addons/vcg_bridge/editor/settings.gd")
const Studio := preload("res://addons/vcg_bridge/editor/studio.gd")

const DICE := 7  # the first re-roll takes the last of the skins: the arrow keys have to cope with a list's end
const KEYBOARD: PackedStringArray = [
	"Generate",
	"Reroll",
	"Actions/Variations",
	"Archetype",
	"Seed",
	"Dice",
	"Novelty/Slider",
	"LayersPanel/hair/Lock",
	"LayersPanel/hair/Item",
	"SavePanel/Save",
]  # fmt: skip

var d: Driver
var dock: Dock
var studio: Studio


func run(driver: Driver) -> void:
	d = driver
	await connected()
	await first_character()
	await lock_and_reroll()
	await recolour()
	await move_a_slider()
	await undo_and_redo()
	await variations()
	await novelty()
	await save_twice()
	await history()
	await keyboard()
	await narrow()
	await words_for_mistakes()
	await server_lost()
	await no_server()
	await disable_and_return()


func recipe() -> Dictionary:
	return studio.draft.recipe


func worn(layer: String) -> Dictionary:
	return Catalogue.choice(recipe(), layer)


func ramp(group: String) -> String:
	var ramps: Dictionary = recipe()["ramps"]
	return ramps.get(group, "")


## The arrow key that leads from a ramp to one beside it: the list ends at both ends.
func key_from(ramp_: String) -> Key:
	return KEY_UP if ramp_ == studio.catalogue.ramps("skin").keys()[-1] else KEY_DOWN


func settled() -> bool:
	return not studio.is_busy() and studio._quiet.is_stopped()


func connected() -> void:
	dock = d.dock() as Dock
	studio = dock.studio
	studio._dice.seed = DICE
	d.phase("connect")
	await d.frames(5)
	d.check("the dock is shown at once", dock.is_visible_in_tree())
	d.check("the line says that a server is started or sought", dock.keeper.words() != "", dock.keeper.words())
	await d.expect("the dock starts a server by itself", dock.keeper.is_ready)
	await d.expect("it knows what can be made", func() -> bool: return not studio.catalogue.is_empty())
	await d.expect(
		"a row for each layer",
		func() -> bool: return d.find("LayersPanel").get_child_count() == studio.catalogue.layers().size()
	)
	d.note("line", dock.keeper.words())
	d.note("pid", dock.keeper.process.pid)
	d.phase("")
	await d.picture("connected")


func first_character() -> void:
	d.phase("choose and generate")
	await d.choose(d.find("Archetype") as OptionButton, "Guard")
	d.check("archetype chosen", studio.draft.archetype == "guard", studio.draft.archetype)
	await d.click(d.find("Seed"))
	await d.key(KEY_A, KEY_MASK_CTRL)
	await d.write("7")
	await d.key(KEY_ENTER)
	d.check("seed typed", studio.draft.seed_number == 7, studio.draft.seed_number)
	var from := Time.get_ticks_msec()
	await d.click(d.find("Generate"))
	await d.expect("a character is seen", func() -> bool: return studio.shown != null)
	d.note("visible_first_picture_ms", Time.get_ticks_msec() - from)
	await d.expect("it is complete", settled)
	d.check("it is the guard of seed 7", recipe().get("seed") == 7 and recipe().get("archetype") == "guard", recipe())
	d.note("first_recipe", recipe())
	d.check("every animation came", studio.shown.pictures.size() == studio.catalogue.animations().size())
	d.check("it is in the history", dock.history.entries.size() == 1, dock.history.entries.size())
	d.phase("")
	await d.picture("generated")


func lock_and_reroll() -> void:
	var before := recipe()
	d.phase("lock and re-roll")
	await d.click(d.find("LayersPanel/hair/Lock"))
	await d.click(d.find("LayersPanel/helm/Lock"))
	d.check("locked", studio.draft.locks.keys() == ["hair", "helm"], studio.draft.locks)
	await d.click(d.find("Reroll"))
	await d.expect("another character", func() -> bool: return settled() and recipe() != before)
	d.check(
		"locked layers stayed",
		worn("hair") == Catalogue.choice(before, "hair") and worn("helm") == Catalogue.choice(before, "helm")
	)
	d.check(
		"their colours too",
		ramp("hair") == str(before["ramps"]["hair"]) and ramp("helm") == str(before["ramps"]["helm"])
	)
	d.check("something else changed", recipe()["layers"] != before["layers"] or recipe()["ramps"] != before["ramps"])
	d.phase("")
	await d.picture("rerolled")
	await d.click(d.find("LayersPanel/hair/Lock"))
	await d.click(d.find("LayersPanel/helm/Lock"))
	d.check("unlocked", studio.draft.locks.is_empty())


func recolour() -> void:
	d.phase("recolour")
	var before := ramp("skin")
	var palette := studio.palette.colours
	var jobs := studio._drawing.begun
	await d.click(d.find("LayersPanel/body/Ramp_skin"))
	await d.frames(3)
	await d.picture("ramps")
	await d.key(key_from(before))
	await d.frames(3)
	d.check("the arrow key recolours at once", ramp("skin") != before, ramp("skin"))
	d.check("in the palette that is shown", studio.palette.colours != palette)
	await d.key(KEY_ENTER)
	await d.expect("one step", settled)
	d.check("the server was not asked", studio._drawing.begun == jobs, studio._drawing.begun - jobs)
	var now := ramp("skin")
	await d.click(d.find("LayersPanel/body/Ramp_skin"))
	await d.key(key_from(now))
	await d.key(KEY_ESCAPE)
	await d.expect("escape puts the colour back", func() -> bool: return settled() and ramp("skin") == now)
	d.phase("")
	await d.picture("recoloured")


## Put on hair that has sliders, and drag one.
func move_a_slider() -> void:
	d.phase("change an item")
	await d.choose(d.find("LayersPanel/helm/Item") as OptionButton, "None")
	await d.expect("bare-headed", func() -> bool: return settled() and worn("helm").is_empty())
	var control: Dictionary = studio.catalogue.layer("hair")["controls"][0]
	var items: Array = control["items"]
	await d.choose(d.find("LayersPanel/hair/Item") as OptionButton, studio.catalogue.item_title("hair", items[0]))
	await d.expect("hair is put on", func() -> bool: return settled() and worn("hair").get("item") == items[0])
	d.phase("")
	await d.picture("item")
	d.phase("drag a slider")
	var title: String = control["title"]
	var slider := d.find("LayersPanel/hair/%s/Slider" % title.to_pascal_case()) as Slider
	var jobs := studio._drawing.begun
	var seen := [0]
	var count := func() -> void: seen[0] += 1
	studio.character_changed.connect(count)
	await d.drag_slider(slider, 0.9, 40, func() -> bool: return seen[0] > 1)
	studio.character_changed.disconnect(count)
	d.check("it was drawn while it moved", seen[0] > 1, seen[0])
	d.note("drawn_while_dragging", [seen[0], studio._drawing.begun - jobs])
	await d.expect("the slider's hair", func() -> bool: return settled() and worn("hair").has("code"))
	var key := "hair/%s" % control["id"]
	d.check("the slider's position is kept", studio.draft.controls.get(key, 0) > 50, studio.draft.controls)
	d.check(
		"all animations are fetched afterwards", studio.shown.pictures.size() == studio.catalogue.animations().size()
	)
	d.phase("")
	await d.picture("slider")


func undo_and_redo() -> void:
	d.phase("undo and redo")
	var changed := recipe()
	await d.click(d.find("Stage"))
	await d.key(KEY_Z, KEY_MASK_CTRL)
	await d.expect(
		"undo: the hair without the slider", func() -> bool: return settled() and not worn("hair").has("code")
	)
	d.check("the slider stands in the middle", studio.draft.controls.is_empty(), studio.draft.controls)
	await d.key(KEY_Z, KEY_MASK_CTRL)
	await d.key(KEY_Z, KEY_MASK_CTRL)
	await d.expect("twice more: the helm is back", func() -> bool: return settled() and not worn("helm").is_empty())
	for i: int in 3:
		await d.key(KEY_Z, KEY_MASK_CTRL | KEY_MASK_SHIFT)
	await d.expect("redo: everything again", func() -> bool: return settled() and recipe() == changed)
	d.phase("")
	await d.picture("redone")


func variations() -> void:
	d.phase("variations")
	await d.click(d.find("Actions/Variations"))
	await d.expect("twelve come", func() -> bool: return settled() and not (d.find("Tile11") as Button).disabled)
	await d.picture("variations")
	await d.click(d.find("Tile5"))
	await d.expect("the one that was clicked is shown", func() -> bool: return settled() and d.find("Preview").visible)
	d.check("and complete", studio.shown.pictures.size() == studio.catalogue.animations().size())
	d.phase("")
	await d.picture("picked")


func novelty() -> void:
	d.phase("novelty")
	var seed_: int = recipe()["seed"]
	studio.set_field("seed_number", seed_, "Change seed")
	var slider := d.find("Novelty/Slider") as Slider
	await d.drag_slider(slider, 1.0, 30)
	await d.expect("mixtures", func() -> bool: return settled() and recipe()["novelty"] == 100)
	var mixed := 0
	for layer: String in recipe()["layers"]:
		mixed += int(worn(layer).has("mix"))
	d.check("of two items", mixed > 0, recipe()["layers"])
	d.phase("")
	await d.picture("novelty")


func save_twice() -> void:
	d.phase("save")
	await d.click(d.find("Animations/Heading"))
	await d.click(d.find("AnimationsPanel/First"))
	await d.click(d.find("AnimationsPanel/idle"))
	d.check("walk and idle", studio.draft.animations == PackedStringArray(["walk", "idle"]), studio.draft.animations)
	await d.picture("animations")
	await d.click(d.find("Animations/Heading"))
	await d.click(d.find("SavePanel/Name"))
	await d.write("bert")
	await d.expect("the name is taken", func() -> bool: return settled() and studio.draft.file_name == "bert")
	var done: Array[VcgSaveResult] = []
	studio.saved.connect(func(result: VcgSaveResult) -> void: done.append(result))
	await d.click(d.find("SavePanel/Save"))
	await d.expect("saved", func() -> bool: return done.size() == 1)
	d.phase("")
	if done.is_empty() or not d.check("without an error", done[0].is_ok(), done[0].text()):
		return
	var frames: SpriteFrames = load(done[0].sprite_frames)
	d.check("walk and idle in four directions", frames.get_animation_names().size() == 8, frames.get_animation_names())
	d.check("frames have pictures", frames.get_frame_texture("walk_down", 0) != null)
	var uid := ResourceLoader.get_resource_uid(done[0].sprite_frames)
	await d.picture("saved")
	await d.click(d.find("Reroll"))
	await d.expect("another one", settled)
	await d.click(d.find("SavePanel/Save"))
	await d.expect("saved over it", func() -> bool: return done.size() == 2)
	d.check("under the same UID", ResourceLoader.get_resource_uid(done[-1].sprite_frames) == uid and uid != -1)
	d.check("nothing was edited by hand", done[-1].kept.is_empty(), done[-1].kept)


func history() -> void:
	d.phase("history")
	var entries := dock.history.entries
	d.check("the history grew", entries.size() >= 5, entries.size())
	var wanted := entries[entries.size() - 1].recipe
	var flow := d.find("HistoryPanel").get_child(1)
	await d.expect("a thumbnail for each", func() -> bool: return flow.get_child_count() == dock.history.entries.size())
	await d.click(flow.get_child(flow.get_child_count() - 1) as Control)
	await d.expect("the oldest is shown again", func() -> bool: return settled() and recipe() == wanted)
	d.phase("")
	await d.picture("history")


## Everything can be reached with Tab, and pressed with Space.
func keyboard() -> void:
	d.phase("keyboard")
	var generate := d.find("Generate")
	var reached := {}
	var at := d.find("Stage")
	at.grab_focus()
	for i: int in 200:
		at = at.find_next_valid_focus()
		if at == null or reached.has(at) or not dock.is_ancestor_of(at):
			break
		reached[at] = true
	for path: String in KEYBOARD:
		d.check("Tab reaches %s" % path, reached.has(d.find(path)))
	var before := recipe()
	d.find("Reroll").grab_focus()
	await d.key(KEY_SPACE)
	await d.expect("Space presses Re-roll", func() -> bool: return settled() and recipe() != before)
	var stage := d.find("Stage")
	stage.grab_focus()
	var facing: String = dock._preview._direction
	await d.key(KEY_RIGHT)
	d.check("an arrow key turns the character", dock._preview._direction != facing, dock._preview._direction)
	d.check("Generate has a tooltip", not generate.tooltip_text.is_empty())
	d.phase("")


func narrow() -> void:
	var split := dock.get_parent()
	while split != null and not (split is SplitContainer and (split as SplitContainer).size.x > 900):
		split = split.get_parent()
	var wide := dock.size.x
	if split != null:
		var container := split as SplitContainer
		var offsets := container.split_offsets
		var moved := offsets.duplicate()
		moved[moved.size() - 1] += 400
		container.split_offsets = moved
		await d.frames(5)
		d.note("widths", [wide, dock.size.x])
		var outside := PackedStringArray()
		_overflowing(dock, outside)
		d.check("nothing sticks out of a narrow dock", outside.is_empty(), outside)
		await d.picture("narrow")
		container.split_offsets = offsets
		await d.frames(3)


func _overflowing(node: Node, found: PackedStringArray) -> void:
	for child: Node in node.get_children():
		var control := child as Control
		if control == null or not control.is_visible_in_tree():
			continue
		var rect := control.get_global_rect()
		var room := dock.get_global_rect()
		if rect.position.x < room.position.x - 1 or rect.end.x > room.end.x + 1:
			found.append(str(dock.get_path_to(control)))
		_overflowing(control, found)


func words_for_mistakes() -> void:
	d.phase("mistakes")
	await d.click(d.find("Seed"))
	await d.key(KEY_A, KEY_MASK_CTRL)
	await d.write("minus")
	await d.key(KEY_ENTER)
	var notice := d.find("Notice")
	d.check(
		"a seed that is none is refused in words", notice.visible and "0 to" in (d.find("Notice/Words") as Label).text
	)
	await d.click(d.find("Notice/Close"))
	await d.click(d.find("Folder"))
	await d.key(KEY_A, KEY_MASK_CTRL)
	await d.write("/tmp/nowhere")
	await d.click(d.find("SavePanel/Save"))
	await d.expect(
		"a folder outside of the project is refused in words", func() -> bool: return settled() and notice.visible
	)
	d.note("folder_words", (d.find("Notice/Words") as Label).text)
	d.phase("")
	await d.picture("mistake")
	await d.click(d.find("Notice/Close"))
	studio.set_field("folder", "res://characters", "Change folder")
	dock._refresh()


## As somebody outside would: OS.kill() would also take away the news of the process's end.
static func kill(pid: int) -> void:
	OS.execute("kill", ["-9", str(pid)])


func server_lost() -> void:
	var pid := dock.keeper.process.pid
	kill(pid)
	d.phase("server lost")
	await d.expect("the line says that it is lost", func() -> bool: return not dock.keeper.is_ready())
	d.note("lost_line", dock.keeper.words())
	await d.click(d.find("Generate"))
	await d.expect(
		"another is started", func() -> bool: return dock.keeper.is_ready() and dock.keeper.process.pid != pid
	)
	var before := recipe()
	await d.expect("what was asked for meanwhile comes", settled)
	await d.click(d.find("Reroll"))
	await d.expect("and it draws", func() -> bool: return settled() and recipe() != before)
	d.phase("")


func no_server() -> void:
	d.phase("no server")
	var address := Settings.text(Settings.ADDRESS)
	var command := Settings.text(Settings.COMMAND)
	var pid := dock.keeper.process.pid
	ProjectSettings.set_setting(Settings.COMMAND, "/nowhere/vcg")
	await d.expect("no server and no command: words", func() -> bool: return dock.keeper.state == Keeper.State.MISSING)
	d.note("missing_line", dock.keeper.words())
	await d.expect("the old server is gone", func() -> bool: return not OS.is_process_running(pid))
	d.phase("")
	await d.picture("no-server")
	d.phase("foreign server")
	var vcg: String = d.job["vcg"]
	var foreign := OS.create_process(vcg, ["serve", "--bind", address])
	d.note("foreign_pid", foreign)
	await d.expect("a server that somebody starts is found", dock.keeper.is_ready)
	d.check("it is not taken for our own", dock.keeper.process.pid == 0)
	d.phase("")
	kill(foreign)
	d.phase("foreign server goes and comes")
	await d.expect("it goes", func() -> bool: return not dock.keeper.is_ready())
	foreign = OS.create_process(vcg, ["serve", "--bind", address])
	d.note("second_foreign_pid", foreign)
	await d.expect("it comes back", dock.keeper.is_ready)
	var before := recipe()
	await d.click(d.find("Reroll"))
	await d.expect("and draws", func() -> bool: return settled() and recipe() != before)
	ProjectSettings.set_setting(Settings.COMMAND, command)
	await d.frames(30)
	d.phase("")
	d.check("our leaving leaves it running", OS.is_process_running(foreign))


func disable_and_return() -> void:
	d.phase("disable")
	var entries := dock.history.entries.size()
	var shown := recipe()
	EditorInterface.set_plugin_enabled("vcg_bridge", false)
	await d.frames(10)
	d.check("the dock is gone", d.dock() == null)
	d.check("the foreign server is not", OS.is_process_running(int(d.results["notes"]["second_foreign_pid"])))
	EditorInterface.set_plugin_enabled("vcg_bridge", true)
	await d.expect("the dock is back", func() -> bool: return d.dock() != null)
	dock = d.dock() as Dock
	studio = dock.studio
	await d.expect("back: connected", dock.keeper.is_ready)
	await d.expect("the last character is shown", func() -> bool: return settled() and studio.shown != null)
	d.check("with its settings", recipe() == shown)
	d.check("and its history", dock.history.entries.size() == entries, dock.history.entries.size())
	d.phase("")
	kill(int(d.results["notes"]["second_foreign_pid"]))
	d.phase("disable again")
	await d.expect(
		"without it one of our own is started",
		func() -> bool: return dock.keeper.is_ready() and dock.keeper.process.pid > 0
	)
	var pid := dock.keeper.process.pid
	EditorInterface.set_plugin_enabled("vcg_bridge", false)
	await d.expect("our own server ends with the addon", func() -> bool: return not OS.is_process_running(pid))
	d.phase("")
