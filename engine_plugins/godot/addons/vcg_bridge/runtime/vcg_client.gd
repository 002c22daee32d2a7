@tool
class_name VcgClient
extends Node
## A connection to a VCG Bridge server: asks for characters and hands them over as they come.
##
## Network and decoding run in a thread of the client's own. Signals are emitted on the main thread, from
## [method Node._process], so the client has to be in the tree; it goes on while the tree is paused.
## [codeblock]
## var client := VcgClient.new()
## add_child(client)
## client.open()
## var job := client.generate({"design": {"seed": 7, "archetype": "guard"}, "animations": ["idle", "walk"]})
## var guard: VcgGenerated = await job.character_ready
## [/codeblock]
## A job that is asked for before the connection is there waits for it. A lost connection is made again for
## [member retry_s] seconds and the jobs go on where they were.

## The connection is there, for the first time or again. [param welcome]: the protocol's message "welcome", with models,
## limits and the device.
signal connected(welcome: Dictionary)
## The connection was lost, or could not be made. Where [member state] is then [code]waiting[/code] it is tried again by
## itself; where it is [code]failed[/code] everything unfinished has failed, and [method open] tries again.
signal disconnected(reason: VcgError)
## [member state] or [member trouble] changed: for a line that tells people how things are.
signal state_changed(state: String, trouble: String)
## The first picture of a character.
signal preview(job: VcgJob, picture: VcgPicture)
## An animation or a sheet of a character. Normal maps come by [signal VcgJob.picture] only.
signal animation_ready(job: VcgJob, picture: VcgPicture)
## Every picture of a character has come.
signal character_ready(job: VcgJob, generated: VcgGenerated)
## A job ended with an error.
signal failed(job: VcgJob, error: VcgError)

## Where the server is: [code]tcp://HOST:PORT[/code].
@export var address := "tcp://127.0.0.1:7421"
## Where the server asks for one. Beyond loopback it is sent through TLS only.
@export var token := ""
## A PEM file: the server's own certificate, or that of the authority that signed it. Where it is set the connection is
## TLS, and nothing but this certificate is trusted.
@export_global_file("*.pem", "*.crt") var tls_certificate_path := ""
## The name that the server's certificate must bear. Empty: any; right where the certificate above is the server's own.
@export var tls_server_name := ""
## For a proxy that asks for ZeroMQ's PLAIN; empty: none. VCG Bridge itself does not use it.
@export var username := ""
## Belongs to [member username].
@export var password := ""
## Bytes that the server may send of one job before they were handed over, 1 to 67108864.
@export var window_bytes := 8 << 20
## Seconds to connect, and to wait for the answer to a small request.
@export var timeout_s := 10.0
## Seconds for which a lost connection is tried again before the jobs fail; INF: until [method close].
@export var retry_s := 60.0
## Milliseconds of a frame to spend on handing over what came. At least one picture a frame is handed over.
@export var frame_budget_ms := 4.0
## Program and version, for the server's log.
@export var client_name := "vcg-godot/0.1.0"

## [code]idle[/code]: no connection wanted; [code]waiting[/code]: to connect (again); [code]greeting[/code]: connecting;
## [code]ready[/code]; [code]failed[/code].
var state := "idle"
## Why there is no connection just now, in words; empty where there is one.
var trouble := ""
## What the server said of itself; empty before the first connection.
var welcome: Dictionary = {}


## Start to connect. Returns at once: [signal connected] or [signal disconnected] follows. Settings that are changed later
## take effect with the next [method open].
## [param patient]: where no server answers go on trying for [member retry_s] seconds instead of giving up at once.
func open(_patient: bool = false) -> void:
	pass


## Say goodbye and free thread and socket. Unfinished jobs are cancelled. Freeing the node does the same.
func close() -> void:
	pass


## Whether the connection is there.
func is_ready() -> bool:
	return state == "ready"


## Ask for all that can be made with a model ("": the server's default).
func describe(_model: String = "") -> VcgRequest:
	return VcgRequest.new()


## Start a job. [param request]: the fields of the protocol's request "generate" (recipe or design, count, animations,
## output ...) without id, credit and first_seq, which the client adds (an id of your own is kept). Recipe maps come as in
## [member VcgGenerated.recipe]. What is wrong with a request comes as [signal VcgJob.failed].
func generate(request: Dictionary) -> VcgJob:
	return VcgJob.new(self, "", request)


func _cancel(_job: VcgJob) -> void:
	pass
