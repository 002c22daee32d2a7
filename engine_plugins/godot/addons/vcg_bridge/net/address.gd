extends RefCounted
## Where a server is, in its parts.

const _FORM := "^(tcp|tls)://(?:\\[([0-9A-Fa-f:.]+)\\]|([A-Za-z0-9_.-]+)):([0-9]{1,5})$"
const _OCTET := "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

## The text is an address.
var valid := false
## TLS is spoken there.
var tls := false
var host := ""
## 1 to 65535.
var port := 0


## [param text]: [code]tcp://HOST:PORT[/code] or [code]tls://HOST:PORT[/code].
func _init(text: String) -> void:
	var found := RegEx.create_from_string(_FORM).search(text)
	if found == null:
		return
	tls = found.get_string(1) == "tls"
	host = found.get_string(2) + found.get_string(3)
	port = found.get_string(4).to_int()
	valid = port in range(1, 65536)


## Whether it is this machine, as the server and the other clients see it: any other name may lead anywhere, one that begins
## with 127 too.
func is_loopback() -> bool:
	if host in ["localhost", "::1"]:
		return true
	return RegEx.create_from_string("^127(?:\\.%s){3}$" % _OCTET).search(host) != null
