extends SceneTree
## What the client makes of addresses and certificates. Arguments: a JSON file with both, the file for the results.

const Address := preload("res://addons/vcg_bridge/net/address.gd")
const Certificate := preload("res://addons/vcg_bridge/net/certificate.gd")


func _init() -> void:
	var arguments := OS.get_cmdline_user_args()
	var cases: Dictionary = JSON.parse_string(FileAccess.get_file_as_string(arguments[0]))
	var addresses: Array = cases["addresses"]
	var certificates: Array = cases["certificates"]
	var results := {"addresses": addresses.map(_address), "certificates": certificates.map(_certificate)}
	var file := FileAccess.open(arguments[1], FileAccess.WRITE)
	file.store_string(JSON.stringify(results))
	file.close()
	quit()


func _address(text: String) -> Array:
	var address := Address.new(text)
	return [address.valid, address.valid and address.is_loopback()]


func _certificate(text: String) -> Array:
	var first := Certificate.first_in(text)
	if first.is_empty():
		return []
	var certificate := Certificate.new(first)
	return [certificate.signs_itself, certificate.name]
