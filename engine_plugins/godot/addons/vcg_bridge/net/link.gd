extends RefCounted
## One connection over tcp or TLS, from the look-up of the name to whole messages. Never blocks.

const Zmtp := preload("zmtp.gd")

const _READ_BYTES := 1 << 18
const _MOST_AT_A_TIME := 1 << 22  # read before what came is looked at
const _MOST_UNSENT := 4 << 20

## The other side has got through the handshake.
var ready := false
## Why there is no connection (any more), in words; empty while there is one.
var fault := ""
## The error code where it cannot get better by itself: credentials or a certificate are wrong, or the other side sends what
## it must not. Empty: try again.
var code := ""
## What to do about the fault; may be empty.
var hint := ""

var _settings: ConnectionSettings
var _lookup := IP.RESOLVER_INVALID_ID
var _addresses: Array = []  # still to be tried
var _tcp: StreamPeerTCP
var _tls: StreamPeerTLS
var _connected := false  # the tcp connection was there
var _encrypted := false  # the TLS handshake is over
var _zmtp: Zmtp


## Where to connect to, and how.
class ConnectionSettings:
	extends RefCounted
	var host := ""
	var port := 0
	var trusted: X509Certificate  # TLS with this pinned; null: plain tcp
	var trusted_path := ""
	var server_name := ""  # that the server's certificate must bear
	var exactly := true  # the pinned certificate is the server's own: the name is its own
	var username := ""  # for PLAIN; empty: NULL
	var password := ""
	var ping_s := 10.0
	var dead_s := 30.0


func _init(settings: ConnectionSettings, now: float) -> void:
	_settings = settings
	_zmtp = Zmtp.new(now, settings.username, settings.password, settings.ping_s, settings.dead_s)
	if not _zmtp.fault.is_empty():
		_fail(_zmtp.fault)
		code = "auth"
	elif settings.host.is_valid_ip_address():
		_addresses = [settings.host]
		_connect_next()
	else:
		_lookup = IP.resolve_hostname_queue_item(settings.host)
		if _lookup == IP.RESOLVER_INVALID_ID:
			_fail("too many names are being looked up")


## Send a message, as far as the system takes it; the rest leaves with the next [method poll]s. Only when [member ready].
func send(frames: Array[PackedByteArray]) -> void:
	_zmtp.send(frames)
	if _settings.trusted == null:
		_write(_tcp)
	else:
		_write(_tls)


## Do what can be done without waiting. Returns the messages that came, each the frames of one.
func poll(now: float) -> Array[Array]:
	if fault.is_empty():
		if _lookup != IP.RESOLVER_INVALID_ID:
			_poll_lookup()
		elif _tcp != null:
			_poll_tcp(now)
	var came := _zmtp.messages
	if not came.is_empty():
		_zmtp.messages = []
	return came


## Whether everything was handed to the system.
func is_flushed() -> bool:
	return _zmtp.outgoing.is_empty()


func close() -> void:
	if _lookup != IP.RESOLVER_INVALID_ID:
		IP.erase_resolve_item(_lookup)
		_lookup = IP.RESOLVER_INVALID_ID
	if _tls != null and _tls.get_status() == StreamPeerTLS.STATUS_CONNECTED:
		_tls.disconnect_from_stream()
	if _tcp != null:
		_tcp.disconnect_from_host()
	_tls = null
	_tcp = null


func _fail(why: String, what_to_do: String = "") -> void:
	fault = why
	hint = what_to_do
	ready = false
	close()


func _poll_lookup() -> void:
	var status := IP.get_resolve_item_status(_lookup)
	if status == IP.RESOLVER_STATUS_WAITING:
		return
	if status == IP.RESOLVER_STATUS_DONE:
		_addresses = IP.get_resolve_item_addresses(_lookup)
	IP.erase_resolve_item(_lookup)
	_lookup = IP.RESOLVER_INVALID_ID
	if _addresses.is_empty():
		_fail('the host "%s" is not known' % _settings.host)
	else:
		_connect_next()


func _connect_next() -> void:
	var address: String = _addresses.pop_front()
	_tcp = StreamPeerTCP.new()
	if _tcp.connect_to_host(address, _settings.port) != OK:
		_fail("the connection was refused")


func _poll_tcp(now: float) -> void:
	_tcp.poll()
	match _tcp.get_status():
		StreamPeerTCP.STATUS_CONNECTED:
			if not _connected:
				_connected = true
				_tcp.set_no_delay(true)
			if _settings.trusted == null:
				_exchange(_tcp, now)
			elif _tls == null:
				_start_tls()
			else:
				_poll_tls(now)
		StreamPeerTCP.STATUS_ERROR, StreamPeerTCP.STATUS_NONE:
			if _connected:
				_fail_closed()
			elif not _addresses.is_empty():
				_connect_next()
			else:
				_fail("the connection was refused")


func _start_tls() -> void:
	# Godot does not show the certificate that came, so it cannot be compared with the pinned one; what is signed by that is
	# trusted as well. With a name it must at least bear that: the pinned certificate's own, where none was given.
	var options := TLSOptions.client(_settings.trusted, _settings.server_name)
	_tls = StreamPeerTLS.new()
	if _tls.connect_to_stream(_tcp, _settings.server_name, options) != OK:
		_fail_tls()


func _poll_tls(now: float) -> void:
	if _tls.get_status() in [StreamPeerTLS.STATUS_CONNECTED, StreamPeerTLS.STATUS_HANDSHAKING]:
		_tls.poll()
	match _tls.get_status():
		StreamPeerTLS.STATUS_CONNECTED:
			_encrypted = true
			_exchange(_tls, now)
		StreamPeerTLS.STATUS_HANDSHAKING:
			pass
		_:
			if _encrypted:
				_fail_closed()
			else:
				_fail_tls()


func _exchange(stream: StreamPeer, now: float) -> void:
	var taken := 0
	while taken < _MOST_AT_A_TIME:
		var waiting := mini(stream.get_available_bytes(), _READ_BYTES)
		if waiting <= 0:
			break
		var got: Array = stream.get_partial_data(waiting)
		var bytes: PackedByteArray = got[1]
		if bytes.is_empty():
			break
		_zmtp.feed(bytes, now)
		taken += bytes.size()
		if stream == _tls and _tls.get_status() == StreamPeerTLS.STATUS_CONNECTED:
			_tls.poll()  # decrypts the next record
			if _tls.get_status() != StreamPeerTLS.STATUS_CONNECTED:
				break
	_zmtp.tick(now)
	if not _zmtp.fault.is_empty():
		if _zmtp.refused:
			code = "auth"
			_fail(_zmtp.fault, "check the user name and the password")
		else:
			code = "protocol" if _zmtp.violated else ""
			_fail(_zmtp.fault)
		return
	ready = _zmtp.ready
	_write(stream)


func _write(stream: StreamPeer) -> void:
	if _zmtp.outgoing.is_empty():
		return
	var put: Array = stream.put_partial_data(_zmtp.outgoing)
	var sent: int = put[1]
	_zmtp.outgoing = _zmtp.outgoing.slice(sent)
	if _zmtp.outgoing.size() > _MOST_UNSENT:
		_fail("the server takes no more messages")


func _fail_closed() -> void:
	if _zmtp.ready:
		_fail("the connection was closed by the other side")
	elif _settings.trusted == null:
		_fail(
			"what listens there closed the connection during the handshake",
			"see whether a VCG Bridge server listens there, and whether it wants TLS or another kind of authentication"
		)
	else:
		_fail(
			"what listens there closed the connection during the handshake",
			"see whether a VCG Bridge server runs there that was started with --tls"
		)


func _fail_tls() -> void:
	_tcp.poll()
	if _tcp.get_status() != StreamPeerTCP.STATUS_CONNECTED:
		_fail_closed()  # by the other side: perhaps it goes down just now
		return
	code = "auth"
	if _settings.exactly:
		_fail(
			"the server's certificate is not the one in %s, or has expired" % _settings.trusted_path,
			"get a copy of the server's own, not of its authority's; see whether the server was started with --tls"
		)
	else:
		_fail(
			(
				'the server\'s certificate is not signed by the one in %s, has expired, or is not for "%s"'
				% [_settings.trusted_path, _settings.server_name]
			),
			"get the authority's certificate anew; see whether the server was started with --tls"
		)
