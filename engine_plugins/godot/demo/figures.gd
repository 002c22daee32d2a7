extends RefCounted
## Frame times and memory, for the line on the screen and for reports.

const WINDOW := 120  # frames of the average

var frames := 0
var longest_ms := 0.0  # since mark()
var over_33 := 0  # frames longer than 33 ms since mark(): two refreshes of a 60 Hz screen
var busiest_ms := 0.0  # longest work of the main thread on a frame since mark(), without waiting for the next
var memory: Array[int] = []  # bytes, at each note()

var _last_usec := 0
var _recent := PackedFloat64Array()


func frame() -> void:
	var now := Time.get_ticks_usec()
	if _last_usec > 0:
		var took := (now - _last_usec) / 1000.0
		frames += 1
		longest_ms = maxf(longest_ms, took)
		over_33 += 1 if took > 33.4 else 0
		_recent.append(took)
		if _recent.size() > WINDOW:
			_recent.remove_at(0)
	busiest_ms = maxf(busiest_ms, Performance.get_monitor(Performance.TIME_PROCESS) * 1000.0)
	_last_usec = now


func mark() -> void:
	longest_ms = 0.0
	busiest_ms = 0.0
	over_33 = 0
	frames = 0


func note_memory() -> void:
	memory.append(OS.get_static_memory_usage())


func per_second() -> float:
	var sum := 0.0
	for took: float in _recent:
		sum += took
	return 1000.0 * _recent.size() / sum if sum > 0.0 else 0.0
